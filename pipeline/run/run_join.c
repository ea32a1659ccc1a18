// SPDX-License-Identifier: MIT
// Joins of a pass: which there are, and what their sources are.
#include "pipeline/run/run_join.h"

#include "base/mem.h"
#include "pipeline/run/run_watch.h"

// Which there are ------------------------------------------------------------------------------------------------

struct join_index *run_join_index(const struct run *run, const struct plan_join *planned) {
    const struct join_index_options options = {.shapes = run->shapes,
                                               .name = planned->source->name,
                                               .one = planned->join->one,
                                               .most = run->plan->manifest->limits.join_bytes,
                                               .interrupt = run->options->interrupt};
    return join_index_new(&options);
}

static struct run_join **add_joins(struct pass_run *pass, const struct plan_join *planned, size_t n);

static struct run_join *add_join(struct pass_run *pass, const struct plan_join *planned) {
    struct run *run = pass->run;
    struct run_joins *joins = pass->joins;
    struct run_join *join = MEM_NEW(struct run_join);
    join->pass = pass;
    join->join = planned;
    join->joins = add_joins(pass, planned->joins, planned->joins_n);
    join->joins_n = planned->joins_n;
    join->imprint = imprint_new(planned->projection);
    join->index = planned->read ? run_join_index(run, planned) : NULL;
    join->turns = turns_new(run->credits);
    run_cache_keep_source(run, planned->source->name, &join->keeper);
    MEM_GROW(joins->all, joins->cap, joins->n + 1);
    joins->all[joins->n++] = join;
    return join;
}

static struct run_join **add_joins(struct pass_run *pass, const struct plan_join *planned, size_t n) {
    struct run_join **added = MEM_NEW_ARRAY(struct run_join *, n + 1);
    for (size_t i = 0; i < n; i++)
        added[i] = add_join(pass, &planned[i]);
    return added;
}

void run_joins_prepare(struct run *run) {
    for (size_t p = 0; p < run->plan->passes_n; p++) {
        struct pass_run *pass = &run->passes[p];
        if (pass->pass->joins_n == 0)
            continue;
        pass->joins = MEM_NEW(struct run_joins);
        pass->joins->own = add_joins(pass, pass->pass->joins, pass->pass->joins_n);
        pass->joins->own_n = pass->pass->joins_n;
    }
}

static void free_join(struct run_join *join) {
    if (join->loader)
        load_close(join->loader);
    run_join_free_pieces(join);
    turns_free(join->turns);
    join_index_free(join->index);
    imprint_free(join->imprint);
    buf_release(&join->missed_key);
    mem_free((void *)join->joins);
    mem_free(join);
}

void run_joins_release(struct pass_run *pass) {
    struct run_joins *joins = pass->joins;
    if (!joins)
        return;
    for (size_t i = 0; i < joins->n; i++)
        free_join(joins->all[i]);
    mem_free(joins->all);
    mem_free(joins->own);
    mem_free(joins);
    pass->joins = NULL;
}

// What they are, for the next run to compare -----------------------------------------------------------------------

void run_joins_add_sum(size_t number, const struct source_sum *joined, struct source_sum *sum) {
    const uint64_t parts[] = {number, joined->all.high, joined->all.low};
    sum->all = digest_add(sum->all, digest_of((struct str){(const char *)parts, sizeof parts}));
}

bool run_joins_can_be_read_twice(const struct pass_run *pass) {
    for (size_t i = 0; pass->joins && i < pass->joins->n; i++)
        if (!run_can_read_twice(pass->run, pass->joins->all[i]->join->source))
            return false;
    return true;
}

enum status run_join_open(struct pass_run *pass, struct run_join *join, struct loader **loader,
                          struct err *err) {
    return run_open_loader(pass->run, join->join->source, join->join->projection, NULL, &join->keeper, loader,
                           err);
}

static bool survey_join(struct pass_run *pass, struct run_join *join, struct worker_run *mine,
                        struct source_sum *sum) {
    struct loader *loader = NULL;
    struct err err;
    if (run_join_open(pass, join, &loader, &err) != STATUS_OK)
        return false;
    const bool fine = run_survey_records(pass, loader, join->join->projection, join->imprint, mine, sum);
    load_close(loader);
    return fine;
}

bool run_joins_survey(struct pass_run *pass, struct worker_run *mine, struct source_sum *sum) {
    for (size_t i = 0; pass->joins && i < pass->joins->n; i++) {
        struct source_sum joined = {0};
        if (!pass->joins->all[i]->index)
            continue;
        if (!survey_join(pass, pass->joins->all[i], mine, &joined))
            return false;
        run_joins_add_sum(i, &joined, sum);
    }
    return true;
}
