// SPDX-License-Identifier: MIT
/*
 * What queries gave, for the loader of databases. Kept is what was slow for what it gave: a query that sorts or sums up
 * before its first row, or asks much for each. Reading the rows of any other one from the cache takes the time that
 * reading them from the database would: nothing of it is kept, and it is not even looked up for long.
 */
#include "pipeline/run/run_watch.h"

enum { SLOW = 5 * 1000 * 1000 };

static struct str get(void *self, struct digest key, void **handle) {
    struct run_keeper *keeper = self;
    struct cache_books_job known;
    if (run_cache_known(keeper->run, CACHE_SOURCE, keeper->name, &known) && !known.used)
        return (struct str){NULL, 0};
    struct cache_value *value =
        run_cache_get(keeper->run, (struct cache_key){CACHE_SOURCE, key}, &keeper->found);
    *handle = value;
    return value ? (struct str){value->bytes, value->n} : (struct str){NULL, 0};
}

static void drop(void *self, void *handle) {
    (void)self;
    cache_value_drop(handle);
}

static void put(void *self, struct digest key, struct str bytes, uint64_t took) {
    const struct run_keeper *keeper = self;
    struct cache_books_job learnt = {
        .category = CACHE_SOURCE, .name = keeper->name, .make = took, .keep = run_cache_cost(bytes.n)};
    learnt.used = bytes.p && took >= RUN_CACHE_FACTOR * learnt.keep;
    if (learnt.used)
        run_cache_put(keeper->run, (struct cache_key){CACHE_SOURCE, key}, 0, bytes);
    if (bytes.p || took < SLOW) // else it was slow, and something else was in the way this time
        run_cache_learn(keeper->run, &learnt);
}

static uint64_t now(void *self) {
    return run_now(((const struct run_keeper *)self)->run);
}

static int64_t wall(void *self) {
    const struct clock *clock = &((const struct run_keeper *)self)->run->options->clock;
    return clock->wall(clock->self);
}

void run_cache_keep_source(struct run *run, struct str name, struct run_keeper *keeper) {
    *keeper = (struct run_keeper){
        .keeper = {.self = keeper,
                   .most = run_cache_most(run, CACHE_SOURCE),
                   .slow = SLOW,
                   .slow_byte = RUN_CACHE_FACTOR * (run_cache_cost(1) - run_cache_cost(0)),
                   .get = get,
                   .drop = drop,
                   .put = put,
                   .now = now,
                   .wall = wall},
        .run = run,
        .name = name};
    run_cache_keep_schema(keeper);
}
