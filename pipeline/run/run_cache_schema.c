// SPDX-License-Identifier: MIT
/*
 * What sources with "schema" are made of, for the loader of schemas. It is looked up and kept whatever it took to make: with
 * all three parts at hand a database is not opened at all, and there is but one of each for a source.
 */
#include "pipeline/run/run_watch.h"

static const enum cache_category categories[] = {
    [LOAD_KEPT_SCHEMA] = CACHE_SCHEMA,
    [LOAD_KEPT_TYPES] = CACHE_TYPES,
    [LOAD_KEPT_RELATIONS] = CACHE_RELATIONS,
};

static struct str get(void *self, enum load_kept kind, struct digest key, void **handle) {
    struct run_keeper *keeper = self;
    struct cache_value *value =
        run_cache_get(keeper->run, (struct cache_key){categories[kind], key}, &keeper->found);
    *handle = value;
    return value ? (struct str){value->bytes, value->n} : (struct str){NULL, 0};
}

static void drop(void *self, void *handle) {
    (void)self;
    cache_value_drop(handle);
}

static void put(void *self, enum load_kept kind, struct digest key, struct str bytes) {
    const struct run_keeper *keeper = self;
    if (bytes.n <= run_cache_most(keeper->run, categories[kind]))
        run_cache_put(keeper->run, (struct cache_key){categories[kind], key}, 0, bytes);
}

static int64_t wall(void *self) {
    const struct clock *clock = &((const struct run_keeper *)self)->run->options->clock;
    return clock->wall(clock->self);
}

void run_cache_keep_schema(struct run_keeper *keeper) {
    keeper->shelf = (struct load_shelf){.self = keeper, .get = get, .drop = drop, .put = put, .wall = wall};
}

const struct load_shelf *run_cache_shelf(const struct run *run, const struct run_keeper *keeper) {
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        if (run_cache_has(run, categories[i]))
            return &keeper->shelf;
    return NULL;
}
