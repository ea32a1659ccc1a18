// SPDX-License-Identifier: MIT
// The routes of each source of files: one table for all, the jobs behind them, and which conflict.
#include "base/mem.h"
#include "pipeline/plan/plan.h"
#include "stages/load/routes/routes.h"

enum { CONFLICTS_SHOWN = 20 };

struct conflicts {
    const struct plan *plan;
    const struct plan_source *source;
    struct diags *diags;
    size_t n;
};

static bool report(void *context, uint32_t first, uint32_t second, struct str path) {
    struct conflicts *c = context;
    const struct manifest *m = c->plan->manifest;
    const struct manifest_route *a = &m->routes[c->source->route_numbers[first]],
                                *b = &m->routes[c->source->route_numbers[second]];
    uint32_t line, column;
    source_locate(m->text.text, a->span.at, &line, &column, NULL);
    struct diag *d =
        diags_error(c->diags, &m->text, b->span,
                    "the routes \"%.*s\" and \"%.*s\" conflict: both take %.*s, and neither is more "
                    "specific",
                    STR_ARG(a->pattern), STR_ARG(b->pattern), STR_ARG(path));
    diag_hint(c->diags, d, "the other one is at %.*s:%u:%u", STR_ARG(m->text.name), line, column);
    return ++c->n < CONFLICTS_SHOWN;
}

static void check_conflicts(const struct plan *plan, size_t s, struct diags *diags) {
    struct conflicts c = {plan, &plan->sources[s], diags, 0};
    if (!routes_conflicts(c.source->routes, report, &c))
        diags_warning(
            diags, &plan->manifest->text, plan->manifest->sources[s].span,
            "the routes of source \"%.*s\" overlap in so many ways that not all conflicts were looked for",
            STR_ARG(plan->manifest->sources[s].name));
}

static void arrange_source(struct plan *plan, size_t s, const uint32_t *jobs) {
    const struct manifest *m = plan->manifest;
    struct plan_source *source = &plan->sources[s];
    struct str *patterns = MEM_NEW_ARRAY(struct str, m->routes_n + 1);
    uint32_t *route_jobs = ARENA_NEW_ARRAY(&plan->arena, uint32_t, m->routes_n + 1);
    size_t *numbers = ARENA_NEW_ARRAY(&plan->arena, size_t, m->routes_n + 1), n = 0;
    if (!route_jobs || !numbers)
        mem_fail(m->routes_n * sizeof *numbers);
    for (size_t r = 0; r < m->routes_n; r++) {
        if (m->routes[r].source != s)
            continue;
        patterns[n] = m->routes[r].pattern;
        route_jobs[n] = jobs[r];
        numbers[n++] = r;
    }
    if (n > 0)
        source->routes = routes_new(patterns, n);
    source->routes_n = n;
    source->route_jobs = route_jobs;
    source->route_numbers = numbers;
    mem_free(patterns);
}

void plan_arrange_routes(struct plan *plan, struct diags *diags) {
    const struct manifest *m = plan->manifest;
    if (m->routes_n == 0)
        return;
    uint32_t *jobs = MEM_NEW_ARRAY(uint32_t, m->routes_n);
    for (size_t r = 0; r < m->routes_n; r++)
        jobs[r] = MANIFEST_NO_ROUTE;
    for (size_t j = 0; j < m->jobs_n; j++)
        if (m->jobs[j].route != MANIFEST_NO_ROUTE)
            jobs[m->jobs[j].route] = (uint32_t)j;
    for (size_t s = 0; s < m->sources_n; s++) {
        arrange_source(plan, s, jobs);
        if (plan->sources[s].routes)
            check_conflicts(plan, s, diags);
    }
    mem_free(jobs);
}

// Counting ----------------------------------------------------------------------------------------------------

enum status plan_count_routes(const struct fs *fs, struct plan *plan, size_t s, struct plan_routed *out,
                              struct err *err) {
    const struct plan_source *source = &plan->sources[s];
    const struct load_routes routes = {.table = source->routes};
    struct load_options options = manifest_load_options(plan->manifest, &plan->manifest->sources[s]);
    struct loader *loader;
    options.fs = fs;
    options.routes = &routes;
    *out = (struct plan_routed){.files = MEM_NEW_ARRAY(uint64_t, source->routes_n + 1)};
    if (load_open(&options, &loader, err) != STATUS_OK)
        return err->status;
    struct batch *batch = batch_new();
    enum status status;
    do {
        batch_clear(batch);
        status = load_pull(loader, batch, err);
        for (size_t i = 0; i < batch->items_n; i++)
            out->files[batch->items[i].route]++;
    } while (status == STATUS_OK && batch->items_n > 0);
    const struct load_left_out left = load_left_out(loader);
    out->left_out = left.n;
    out->first_left_out = left.n ? arena_str(&plan->arena, left.first) : (struct str){NULL, 0};
    batch_free(batch);
    load_close(loader);
    return status;
}
