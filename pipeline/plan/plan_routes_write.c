// SPDX-License-Identifier: MIT
// The table of a manifest's routes, the most specific first, with the files that each takes.
#include <stdlib.h>

#include "base/mem.h"
#include "pipeline/plan/plan.h"
#include "stages/load/routes/routes.h"

struct row {
    uint32_t route, order;
};

static int by_order(const void *a, const void *b) {
    const struct row *one = a, *other = b;
    if (one->order != other->order)
        return one->order < other->order ? -1 : 1;
    return one->route < other->route ? -1 : one->route > other->route;
}

static struct row *rows_of(const struct plan_source *source) {
    struct row *rows = MEM_NEW_ARRAY(struct row, source->routes_n + 1);
    for (uint32_t r = 0; r < source->routes_n; r++)
        rows[r] = (struct row){r, routes_order(source->routes, r)};
    qsort(rows, source->routes_n, sizeof *rows, by_order);
    return rows;
}

static const struct manifest_job *job_of(const struct plan *plan, const struct plan_source *source,
                                         uint32_t route) {
    return plan->jobs[source->route_jobs[route]].job;
}

// Columns -----------------------------------------------------------------------------------------------------

struct widths {
    size_t files, pattern, template;
};

static size_t digits_of(uint64_t n) {
    size_t digits = 1;
    while (n >= 10) {
        n /= 10;
        digits++;
    }
    return digits;
}

static size_t wider(size_t a, size_t b) {
    return a > b ? a : b;
}

static struct widths widths_of(const struct plan *plan, size_t s, const struct plan_routed *counts) {
    const struct plan_source *source = &plan->sources[s];
    struct widths w = {.files = wider(strlen("files"), digits_of(counts->left_out)),
                       .pattern = strlen("route"),
                       .template = strlen("template")};
    for (uint32_t r = 0; r < source->routes_n; r++) {
        const struct manifest_job *job = job_of(plan, source, r);
        w.files = wider(w.files, digits_of(counts->files[r]));
        w.pattern = wider(w.pattern, job->name.n);
        w.template = wider(w.template, job->template_name.n);
    }
    return w;
}

static void write_head(const struct plan *plan, size_t s, struct buf *out) {
    const struct manifest_source *spec = &plan->manifest->sources[s];
    const struct routes_figures f = routes_figures(plan->sources[s].routes);
    buf_printf(out,
               "source %.*s (%.*s): %zu route%s (%zu literal, %zu with names, %zu with * or whole parts), "
               "%zu part%s at most\n",
               STR_ARG(spec->name), STR_ARG(spec->shown), f.routes, f.routes == 1 ? "" : "s", f.literal,
               f.named, f.wild, f.parts, f.parts == 1 ? "" : "s");
    buf_printf(out, "  a trie of %zu nodes, %zu deep, %zu bytes\n", f.nodes, f.depth, f.bytes);
}

static void write_source(const struct plan *plan, size_t s, const struct plan_routed *counts,
                         struct buf *out) {
    const struct plan_source *source = &plan->sources[s];
    const struct widths w = widths_of(plan, s, counts);
    struct row *rows = rows_of(source);
    write_head(plan, s, out);
    buf_printf(out, "  %*s  %-*s  %-*s  to\n", (int)w.files, "files", (int)w.pattern, "route",
               (int)w.template, "template");
    for (size_t i = 0; i < source->routes_n; i++) {
        const struct manifest_job *job = job_of(plan, source, rows[i].route);
        buf_printf(out, "  %*llu  %-*.*s  %-*.*s  %.*s\n", (int)w.files,
                   (unsigned long long)counts->files[rows[i].route], (int)w.pattern, STR_ARG(job->name),
                   (int)w.template, STR_ARG(job->template_name), STR_ARG(job->to));
    }
    if (counts->left_out)
        buf_printf(out, "  %*llu  no route%s %.*s\n", (int)w.files, (unsigned long long)counts->left_out,
                   counts->left_out == 1 ? ":" : ", such as", STR_ARG(counts->first_left_out));
    mem_free(rows);
}

void plan_write_routes(const struct plan *plan, const struct plan_routed *counts, struct buf *out) {
    for (size_t s = 0; s < plan->manifest->sources_n; s++)
        if (plan->sources[s].routes)
            write_source(plan, s, &counts[s], out);
    if (plan->manifest->routes_n == 0)
        buf_add_text(out, "the manifest has no routes\n");
}

// JSON --------------------------------------------------------------------------------------------------------

static void write_names(const struct plan_source *source, uint32_t route, struct buf *out) {
    static const char *const kinds[] = {[ROUTE_TEXT] = "text", [ROUTE_INT] = "int", [ROUTE_PATH] = "path"};
    const struct route_name *names;
    const size_t n = routes_names(source->routes, route, &names);
    buf_add_text(out, ", \"names\": {");
    for (size_t i = 0; i < n; i++) {
        buf_add_text(out, i ? ", " : "");
        buf_add_json(out, names[i].name);
        buf_printf(out, ": \"%s\"", kinds[names[i].kind]);
    }
    buf_add_char(out, '}');
}

static void write_row(const struct plan *plan, size_t s, uint32_t route, const struct plan_routed *counts,
                      struct buf *out) {
    const struct plan_source *source = &plan->sources[s];
    const struct manifest_job *job = job_of(plan, source, route);
    buf_add_text(out, "{\"route\": ");
    buf_add_json(out, job->name);
    write_names(source, route, out);
    buf_add_text(out, ", \"template\": ");
    buf_add_json(out, job->template_name);
    buf_add_text(out, ", \"to\": ");
    buf_add_json(out, job->to);
    buf_printf(out, ", \"files\": %llu}", (unsigned long long)counts->files[route]);
}

static void write_source_json(const struct plan *plan, size_t s, const struct plan_routed *counts,
                              struct buf *out) {
    const struct plan_source *source = &plan->sources[s];
    const struct manifest_source *spec = &plan->manifest->sources[s];
    const struct routes_figures f = routes_figures(source->routes);
    struct row *rows = rows_of(source);
    buf_add_text(out, "{\"source\": ");
    buf_add_json(out, spec->name);
    buf_add_text(out, ", \"files\": ");
    buf_add_json(out, spec->shown);
    buf_printf(out,
               ", \"literal\": %zu, \"named\": %zu, \"wild\": %zu, \"parts\": %zu, \"nodes\": %zu, "
               "\"depth\": %zu, \"bytes\": %zu",
               f.literal, f.named, f.wild, f.parts, f.nodes, f.depth, f.bytes);
    buf_printf(out, ", \"unrouted\": %llu, \"first_unrouted\": ", (unsigned long long)counts->left_out);
    if (counts->left_out)
        buf_add_json(out, counts->first_left_out);
    else
        buf_add_text(out, "null");
    buf_add_text(out, ", \"routes\": [");
    for (size_t i = 0; i < source->routes_n; i++) {
        buf_add_text(out, i ? ",\n  " : "\n  ");
        write_row(plan, s, rows[i].route, counts, out);
    }
    buf_add_text(out, "]}");
    mem_free(rows);
}

void plan_write_routes_json(const struct plan *plan, const struct plan_routed *counts, struct buf *out) {
    bool any = false;
    buf_add_text(out, "{\"sources\": [");
    for (size_t s = 0; s < plan->manifest->sources_n; s++) {
        if (!plan->sources[s].routes)
            continue;
        buf_add_text(out, any ? ",\n " : "\n ");
        write_source_json(plan, s, &counts[s], out);
        any = true;
    }
    buf_add_text(out, "]}\n");
}
