// SPDX-License-Identifier: MIT
#include "pipeline/plan/plan_timing.h"

#include <jansson.h>
#include <string.h>

#include "base/mem.h"

// ---- reading

static double number(const json_t *object, const char *key) {
    const double value = json_number_value(json_object_get(object, key));
    return value > 0 && value < 1e15 ? value : 0;
}

static struct str text(struct arena *arena, const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    const struct str kept = arena_str(
        arena, (struct str){json_string_value(value), json_is_string(value) ? json_string_length(value) : 0});
    if (!kept.p)
        mem_fail(1);
    return kept;
}

// "render cards", as the nodes of plans are called. A filter's processes are part of rendering.
static void add_label(const json_t *part, struct buf *label) {
    const char *stage = json_string_value(json_object_get(part, "stage"));
    const char *job = json_string_value(json_object_get(part, "job")),
               *source = json_string_value(json_object_get(part, "source"));
    stage = stage ? stage : "";
    buf_clear(label);
    buf_printf(label, "%s %s", strcmp(stage, "through") == 0 ? "render" : stage,
               job      ? job
               : source ? source
                        : "outputs");
}

// Gathering is loading for a job, and has no node of that name; nor has what is between nodes.
static struct plan_times *find(const struct plan *plan, struct plan_timing *timing, const json_t *part,
                               struct buf *label) {
    add_label(part, label);
    for (size_t i = 0; i < plan->nodes_n; i++)
        if (str_equal(plan->nodes[i].label, buf_str(label)))
            return &timing->nodes[i];
    return NULL;
}

static void take_units(const json_t *part, struct plan_times *times) {
    static const char *const units[] = {"outputs", "batches"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (json_is_integer(json_object_get(part, units[i]))) {
            times->unit = units[i];
            times->n = (uint64_t)number(part, units[i]);
        }
    times->p50 = number(part, "p50");
    times->p95 = number(part, "p95");
}

static void take_nodes(const struct plan *plan, const json_t *parts, struct plan_timing *timing) {
    struct buf label = BUF_INIT;
    double busy = 0;
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i);
        struct plan_times *times = find(plan, timing, part, &label);
        busy += number(part, "seconds");
        if (!times)
            continue;
        times->known = true;
        times->seconds = number(part, "seconds");
        times->through = number(part, "through_seconds");
        take_units(part, times);
    }
    for (size_t i = 0; i < plan->nodes_n && busy > 0; i++)
        timing->nodes[i].share = timing->nodes[i].seconds / busy;
    buf_release(&label);
}

static void take_path(const struct plan *plan, const json_t *parts, struct plan_timing *timing) {
    const struct {
        const char *stage;
        double *share;
    } between[] = {{"start", &timing->start},
                   {"waiting", &timing->waiting},
                   {"end", &timing->end},
                   {"unknown", &timing->unknown}};
    struct buf label = BUF_INIT;
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i);
        const char *stage = json_string_value(json_object_get(part, "stage"));
        struct plan_times *times = find(plan, timing, part, &label);
        if (times)
            times->path += number(part, "share");
        for (size_t k = 0; stage && k < sizeof between / sizeof *between; k++)
            if (strcmp(stage, between[k].stage) == 0)
                *between[k].share = number(part, "share");
    }
    buf_release(&label);
}

static void mark(const struct plan *plan, struct plan_timing *timing) {
    double all = 0;
    for (size_t i = 0; i < plan->nodes_n; i++)
        all += timing->nodes[i].path;
    for (size_t i = 0; i < plan->nodes_n; i++)
        timing->nodes[i].marked = timing->nodes[i].path > 0 && timing->nodes[i].path >= PLAN_PATH_LEAST * all;
}

bool plan_timing_read(const struct plan *plan, struct str document, struct arena *arena,
                      struct plan_timing *timing) {
    json_t *session = json_loadb(document.p, document.n, 0, NULL);
    const json_t *nodes = json_object_get(session, "nodes"), *metrics = json_object_get(session, "metrics");
    const bool known = json_array_size(nodes) > 0;
    if (known) {
        *timing = (struct plan_timing){.session = text(arena, session, "session"),
                                       .outcome = text(arena, session, "outcome"),
                                       .seconds = number(metrics, "run.seconds"),
                                       .workers = (uint32_t)number(metrics, "run.workers")};
        timing->nodes = arena_zero(arena, sizeof *timing->nodes * (plan->nodes_n + 1));
        if (!timing->nodes)
            mem_fail(sizeof *timing->nodes);
        take_nodes(plan, nodes, timing);
        take_path(plan, json_object_get(session, "critical_path"), timing);
        mark(plan, timing);
    }
    json_decref(session);
    return known;
}

bool plan_timing_marks(const struct plan_timing *timing, size_t node) {
    return timing && timing->nodes[node].marked;
}

// ---- writing

static void add_duration(struct buf *out, double seconds) {
    if (seconds >= 0.9995)
        buf_printf(out, "%.2f s", seconds);
    else if (seconds >= 0.9995e-3)
        buf_printf(out, "%.2f ms", seconds * 1e3);
    else if (seconds >= 0.9995e-6)
        buf_printf(out, "%.2f us", seconds * 1e6);
    else
        buf_printf(out, "%.0f ns", seconds * 1e9);
}

static void add_share(struct buf *out, double share) {
    buf_printf(out, "%.1f %%", share * 100);
}

// Right-aligned; clears it.
static void add_cell(struct buf *out, struct buf *cell, int width) {
    buf_printf(out, " %*s", width, buf_text(cell));
    buf_clear(cell);
}

static void write_after(const struct plan *plan, size_t node, struct buf *out) {
    const char *separator = "  after ";
    for (size_t e = 0; e < plan->edges_n; e++) {
        if (plan->edges[e].to != node)
            continue;
        buf_printf(out, "%s%zu", separator, plan->edges[e].from + 1);
        separator = ", ";
    }
}

// "2 batches", "1 batch".
static void add_units(const struct plan_times *times, struct buf *out) {
    const bool batches = strcmp(times->unit, "batches") == 0;
    buf_printf(out, "%llu %s", (unsigned long long)times->n,
               times->n != 1 ? times->unit
               : batches     ? "batch"
                             : "output");
}

static void write_times(const struct plan_times *times, struct buf *out) {
    struct buf cell = BUF_INIT;
    add_duration(&cell, times->seconds);
    add_cell(out, &cell, 10);
    add_share(&cell, times->share);
    add_cell(out, &cell, 8);
    if (times->unit)
        add_units(times, &cell);
    add_cell(out, &cell, 16);
    if (times->unit)
        add_duration(&cell, times->p50);
    add_cell(out, &cell, 10);
    if (times->unit)
        add_duration(&cell, times->p95);
    add_cell(out, &cell, 10);
    if (times->path > 0)
        add_share(&cell, times->path);
    add_cell(out, &cell, 8);
    buf_release(&cell);
}

void plan_timing_write_session(const struct plan_timing *timing, struct buf *out) {
    buf_printf(out, "session %.*s: %.*s in ", STR_ARG(timing->session), STR_ARG(timing->outcome));
    add_duration(out, timing->seconds);
    buf_printf(out, " on %u worker%s", timing->workers, timing->workers == 1 ? "" : "s");
}

static void write_between(const struct plan_timing *timing, struct buf *out) {
    const struct {
        const char *what;
        double share;
    } parts[] = {{"starting", timing->start},
                 {"waiting", timing->waiting},
                 {"ending", timing->end},
                 {"not known any more", timing->unknown}};
    const char *separator = "\nThe critical path is marked (*). Of the run's time it was besides: ";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].share <= 0)
            continue;
        buf_printf(out, "%s%s ", separator, parts[i].what);
        add_share(out, parts[i].share);
        separator = ", ";
    }
    buf_add_text(out, *separator == ',' ? ".\n" : "");
}

void plan_timing_write_text(const struct plan *plan, const struct plan_timing *timing, struct buf *out) {
    size_t widest = strlen("node");
    for (size_t i = 0; i < plan->nodes_n; i++)
        widest = plan->nodes[i].label.n > widest ? plan->nodes[i].label.n : widest;
    plan_timing_write_session(timing, out);
    buf_printf(out, "\n\n      %-*s %10s %8s %16s %10s %10s %8s\n", (int)widest, "node", "busy", "share",
               "count", "p50", "p95", "path");
    for (size_t i = 0; i < plan->nodes_n; i++) {
        const struct plan_times *times = &timing->nodes[i];
        buf_printf(out, "%c%3zu  %-*.*s", plan_timing_marks(timing, i) ? '*' : ' ', i + 1, (int)widest,
                   STR_ARG(plan->nodes[i].label));
        if (times->known)
            write_times(times, out);
        else
            buf_printf(out, " %10s%58s", "no times", "");
        write_after(plan, i, out);
        if (times->through > 0) {
            buf_add_text(out, "; filter processes ");
            add_duration(out, times->through);
        }
        while (out->p[out->n - 1] == ' ')
            out->n--;
        buf_add_char(out, '\n');
    }
    write_between(timing, out);
}

void plan_timing_write_label(const struct plan_times *times, const char *separator, struct buf *out) {
    if (!times->known) {
        buf_add_text(out, "no times");
        return;
    }
    add_duration(out, times->seconds);
    buf_add_text(out, " busy, ");
    add_share(out, times->share);
    if (times->unit) {
        buf_add_text(out, separator);
        add_units(times, out);
        buf_add_text(out, ", p50 ");
        add_duration(out, times->p50);
        buf_add_text(out, ", p95 ");
        add_duration(out, times->p95);
    }
    if (times->through > 0) {
        buf_printf(out, "%sfilter processes ", separator);
        add_duration(out, times->through);
    }
    if (times->marked) {
        buf_printf(out, "%scritical path ", separator);
        add_share(out, times->path);
    }
}

void plan_timing_write_json(const struct plan_times *times, struct buf *out) {
    if (!times->known) {
        buf_add_text(out, ", \"timing\": null");
        return;
    }
    buf_printf(out, ", \"timing\": {\"seconds\": %.9g, \"share\": %.6g", times->seconds, times->share);
    if (times->unit)
        buf_printf(out, ", \"%s\": %llu, \"p50\": %.9g, \"p95\": %.9g", times->unit,
                   (unsigned long long)times->n, times->p50, times->p95);
    if (times->through > 0)
        buf_printf(out, ", \"through_seconds\": %.9g", times->through);
    buf_printf(out, ", \"path_share\": %.6g, \"on_path\": %s}", times->path,
               times->marked ? "true" : "false");
}

void plan_timing_write_session_json(const struct plan_timing *timing, struct buf *out) {
    buf_add_text(out, ", \"timing\": {\"session\": ");
    buf_add_json(out, timing->session);
    buf_add_text(out, ", \"outcome\": ");
    buf_add_json(out, timing->outcome);
    buf_printf(out,
               ", \"seconds\": %.9g, \"workers\": %u, \"path\": {\"start\": %.6g, \"waiting\": %.6g, "
               "\"end\": %.6g, \"unknown\": %.6g}}",
               timing->seconds, timing->workers, timing->start, timing->waiting, timing->end,
               timing->unknown);
}
