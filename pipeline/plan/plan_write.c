// SPDX-License-Identifier: MIT
// The stage graph as people and tools read it: text, JSON, Graphviz, Mermaid.
#include "pipeline/plan/plan.h"
#include "pipeline/plan/plan_timing.h"

#define PATH_COLOUR "#c0392b"

static const struct manifest_source *source_of(const struct plan *plan, size_t pass) {
    return &plan->manifest->sources[plan->passes[pass].source];
}

// What a node works on, in a few words: a path, a template, a sink.
static void write_detail(const struct plan *plan, const struct plan_node *node, struct buf *out) {
    if (node->stage == STAGE_LOAD) {
        const struct manifest_source *source = source_of(plan, node->index);
        buf_add_str(out, source->shown);
        buf_add_text(out, source->schema ? ", its schema" : "");
        for (size_t i = 0; i < source->joins_n; i++)
            buf_printf(out, "%s %.*s", i ? "," : ", joins", STR_ARG(source->joins[i].name));
        return;
    }
    if (node->stage == STAGE_OPEN) {
        buf_add_str(out, plan->manifest->output_shown);
        return;
    }
    const struct plan_job *job = &plan->jobs[node->index];
    switch (node->stage) {
    case STAGE_COMPILE: // of a store, when it is known to have been found there, with the store's name
        buf_add_str(out, job->body && templates_is_stored(plan->templates, job->job->template_name)
                             ? job->body->source.name
                             : job->job->template_name);
        break;
    case STAGE_RENDER:
        if (job->job->collect)
            buf_add_text(out, "one output from all records");
        else if (job->job->group_by.p)
            buf_printf(out, "one output per %.*s", STR_ARG(job->job->group_by));
        else
            buf_add_text(out, "one output per record");
        if (job->job->where.p)
            buf_printf(out, " where %.*s", STR_ARG(job->job->where));
        if (job->filter.argv) {
            buf_add_text(out, ", through ");
            plan_write_filter(job, out);
        }
        break;
    default:
        buf_printf(out, "%s: %.*s", job->sink->name, STR_ARG(job->job->to));
        break;
    }
}

void plan_write_text(const struct plan *plan, struct buf *out) {
    size_t widest = 0;
    for (size_t i = 0; i < plan->nodes_n; i++)
        widest = plan->nodes[i].label.n > widest ? plan->nodes[i].label.n : widest;
    for (size_t i = 0; i < plan->nodes_n; i++) {
        const struct plan_node *node = &plan->nodes[i];
        buf_printf(out, "%3zu  %-*.*s  ", i + 1, (int)widest, STR_ARG(node->label));
        write_detail(plan, node, out);
        const char *separator = "  (after ";
        for (size_t e = 0; e < plan->edges_n; e++) {
            if (plan->edges[e].to != i)
                continue;
            buf_printf(out, "%s%zu", separator, plan->edges[e].from + 1);
            separator = ", ";
        }
        buf_add_text(out, *separator == ',' ? ")\n" : "\n");
    }
}

void plan_write_json(const struct plan *plan, const struct plan_timing *timing, struct buf *out) {
    struct buf detail = BUF_INIT;
    buf_add_text(out, "{\"nodes\": [");
    for (size_t i = 0; i < plan->nodes_n; i++) {
        const struct plan_node *node = &plan->nodes[i];
        buf_printf(out, "%s\n  {\"id\": %zu, \"stage\": \"%s\", \"label\": ", i ? "," : "", i + 1,
                   plan_stage_name(node->stage));
        buf_add_json(out, node->label);
        buf_add_text(out, ", \"detail\": ");
        buf_clear(&detail);
        write_detail(plan, node, &detail);
        buf_add_json(out, buf_str(&detail));
        if (node->stage == STAGE_COMPILE && plan->jobs[node->index].body) {
            char digest[DIGEST_HEX_SIZE];
            digest_hex(program_digest(plan->jobs[node->index].body), digest);
            buf_printf(out, ", \"program\": \"%s\"", digest);
        }
        if (node->stage == STAGE_RENDER && plan->jobs[node->index].filter.argv)
            plan_write_filter_json(&plan->jobs[node->index], out);
        if (timing)
            plan_timing_write_json(&timing->nodes[i], out);
        buf_add_text(out, "}");
    }
    buf_add_text(out, "\n], \"edges\": [");
    for (size_t e = 0; e < plan->edges_n; e++)
        buf_printf(out, "%s\n  {\"from\": %zu, \"to\": %zu}", e ? "," : "", plan->edges[e].from + 1,
                   plan->edges[e].to + 1);
    buf_add_text(out, "\n]");
    if (timing)
        plan_timing_write_session_json(timing, out);
    buf_add_text(out, "}\n");
    buf_release(&detail);
}

// An edge is on the critical path where both its ends are.
static bool is_on_path(const struct plan_timing *timing, const struct plan_edge *edge) {
    return plan_timing_marks(timing, edge->from) && plan_timing_marks(timing, edge->to);
}

static void write_dot_node(const struct plan *plan, const struct plan_timing *timing, size_t i,
                           struct buf *label, struct buf *out) {
    buf_clear(label);
    buf_add_str(label, plan->nodes[i].label);
    buf_add_char(label, '\n');
    write_detail(plan, &plan->nodes[i], label);
    if (timing) {
        buf_add_char(label, '\n');
        plan_timing_write_label(&timing->nodes[i], "\n", label);
    }
    buf_printf(out, "    n%zu [label=", i + 1);
    buf_add_json(out, buf_str(label)); // Graphviz strings take the same escapes
    if (plan_timing_marks(timing, i))
        buf_add_text(out, ", color=\"" PATH_COLOUR "\", penwidth=2.5");
    else if (timing && !timing->nodes[i].known)
        buf_add_text(out, ", style=\"rounded,dashed\"");
    buf_add_text(out, "];\n");
}

void plan_write_dot(const struct plan *plan, const struct plan_timing *timing, struct buf *out) {
    struct buf label = BUF_INIT;
    buf_add_text(out, "digraph pressrun {\n    rankdir=LR;\n    node [shape=box, style=rounded, "
                      "fontname=\"sans-serif\"];\n");
    if (timing) {
        plan_timing_write_session(timing, &label);
        buf_add_text(out, "    labelloc=t;\n    fontname=\"sans-serif\";\n    label=");
        buf_add_json(out, buf_str(&label));
        buf_add_text(out, ";\n");
    }
    for (size_t i = 0; i < plan->nodes_n; i++)
        write_dot_node(plan, timing, i, &label, out);
    for (size_t e = 0; e < plan->edges_n; e++)
        buf_printf(out, "    n%zu -> n%zu%s;\n", plan->edges[e].from + 1, plan->edges[e].to + 1,
                   is_on_path(timing, &plan->edges[e]) ? " [color=\"" PATH_COLOUR "\", penwidth=2.5]" : "");
    buf_add_text(out, "}\n");
    buf_release(&label);
}

static void write_mermaid_label(struct str text, struct buf *out) {
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '"' || c == '#' || c == '<' || c == '>' || c == '&' || c == '{' || c == '}')
            buf_printf(out, "#%d;", c);
        else
            buf_add_char(out, c == '\n' ? ' ' : c);
    }
}

// Nodes and edges of the critical path, and nodes without times, where there are any.
static void write_mermaid_marks(const struct plan *plan, const struct plan_timing *timing, struct buf *out) {
    const char *separator = "    linkStyle ";
    for (size_t i = 0; i < plan->nodes_n; i++)
        if (plan_timing_marks(timing, i))
            buf_printf(out, "    style n%zu stroke:" PATH_COLOUR ",stroke-width:3px\n", i + 1);
        else if (!timing->nodes[i].known)
            buf_printf(out, "    style n%zu stroke-dasharray:4\n", i + 1);
    for (size_t e = 0; e < plan->edges_n; e++)
        if (is_on_path(timing, &plan->edges[e])) {
            buf_printf(out, "%s%zu", separator, e);
            separator = ",";
        }
    if (*separator == ',')
        buf_add_text(out, " stroke:" PATH_COLOUR ",stroke-width:3px\n");
}

void plan_write_mermaid(const struct plan *plan, const struct plan_timing *timing, struct buf *out) {
    struct buf detail = BUF_INIT;
    buf_add_text(out, "flowchart LR\n");
    if (timing) {
        buf_add_text(out, "    %% ");
        plan_timing_write_session(timing, out);
        buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < plan->nodes_n; i++) {
        buf_clear(&detail);
        write_detail(plan, &plan->nodes[i], &detail);
        buf_printf(out, "    n%zu[\"", i + 1);
        write_mermaid_label(plan->nodes[i].label, out);
        buf_add_text(out, "<br>");
        write_mermaid_label(buf_str(&detail), out);
        if (timing) {
            buf_add_text(out, "<br>");
            plan_timing_write_label(&timing->nodes[i], "<br>", out);
        }
        buf_add_text(out, "\"]\n");
    }
    for (size_t e = 0; e < plan->edges_n; e++)
        buf_printf(out, "    n%zu --> n%zu\n", plan->edges[e].from + 1, plan->edges[e].to + 1);
    if (timing)
        write_mermaid_marks(plan, timing, out);
    buf_release(&detail);
}
