// SPDX-License-Identifier: MIT
#include "base/mem.h"
#include "pipeline/plan/check_joins.h"
#include "pipeline/plan/check_private.h"
#include "stages/load/load.h"
#include "stages/render/vm.h"

enum { LOOKED_AT = 16 }; // files of a route

struct looking {
    const struct plan *plan;
    const struct plan_source *source;
    const struct manifest_source *spec;
    struct check_joins *joins;
    size_t number;
    uint64_t *files; // by route
    size_t *seen;    // of these, records that were looked at
    struct diags *diags;
};

static const struct plan_job *job_of(const struct looking *l, uint32_t route) {
    const uint32_t job = l->source->route_jobs[route];
    return job == MANIFEST_NO_ROUTE ? NULL : &l->plan->jobs[job];
}

// All are counted; few of each route are read.
static void look_at(struct looking *l, const struct loader *loader, struct reader *reader,
                    struct batch *batch) {
    for (size_t i = 0; i < batch->items_n; i++)
        batch->items[i].unwanted = ++l->files[batch->items[i].route] > LOOKED_AT;
    load_parse(loader, reader, batch);
    check_joins_attach(l->joins, l->number, batch);
    for (size_t i = 0; i < batch->items_n; i++) {
        const struct item *item = &batch->items[i];
        const struct plan_job *job = job_of(l, item->route);
        if (item->error && !item->unwanted)
            check_warn_record(item, l->diags);
        if (item->error || item->unwanted || !job || !job->fields)
            continue;
        fields_see(job->fields, item->record);
        l->seen[item->route]++;
    }
}

static void tell(const struct looking *l, struct load_left_out left) {
    const struct manifest *manifest = l->plan->manifest;
    for (uint32_t r = 0; r < l->source->routes_n; r++) {
        const struct plan_job *job = job_of(l, r);
        if (l->files[r] == 0)
            diags_warning(l->diags, &manifest->text, manifest->routes[l->source->route_numbers[r]].span,
                          "no file of source \"%.*s\" takes this route", STR_ARG(l->spec->name));
        else if (job && job->fields && l->seen[r])
            check_warn_missing(l->plan, l->spec, job->fields, job->job->undefined != UNDEFINED_STRICT,
                               l->seen[r], l->diags);
    }
    if (left.n)
        diags_warning(l->diags, &manifest->text, l->spec->path_span, "%llu file%s no route%s %.*s",
                      (unsigned long long)left.n, left.n == 1 ? " has" : "s have",
                      left.n == 1 ? ":" : ", such as", STR_ARG(left.first));
}

void check_routes(const struct fs *fs, const struct plan *plan, size_t s, struct shapes *shapes,
                  struct diags *diags) {
    const struct load_routes routes = {.table = plan->sources[s].routes};
    struct looking l = {.plan = plan,
                        .source = &plan->sources[s],
                        .spec = &plan->manifest->sources[s],
                        .joins = check_joins_new(fs, plan, shapes),
                        .number = s,
                        .files = MEM_NEW_ARRAY(uint64_t, plan->sources[s].routes_n + 1),
                        .seen = MEM_NEW_ARRAY(size_t, plan->sources[s].routes_n + 1),
                        .diags = diags};
    struct load_options options = manifest_load_options(plan->manifest, l.spec);
    struct loader *loader = NULL;
    struct batch *batch = batch_new();
    struct reader reader;
    struct err err;
    options.fs = fs;
    options.shapes = shapes;
    options.routes = &routes;
    reader_init(&reader, shapes, NULL);
    enum status status = load_open(&options, &loader, &err);
    while (status == STATUS_OK) {
        batch_clear(batch);
        status = load_pull(loader, batch, &err);
        if (status != STATUS_OK || batch->items_n == 0)
            break;
        look_at(&l, loader, &reader, batch);
    }
    if (status == STATUS_OK)
        tell(&l, load_left_out(loader));
    else
        diags_error(diags, &plan->manifest->text, l.spec->path_span, "%s", err.text);
    if (loader)
        load_close(loader);
    reader_release(&reader);
    batch_free(batch);
    check_joins_free(l.joins);
    mem_free(l.files);
    mem_free(l.seen);
}
