// SPDX-License-Identifier: MIT
/*
 * What queries gave, for the loader of databases. Kept is what was slow to begin: a query that sorts or sums up does
 * its work before the first row, and reading the rows from the cache takes but the time that reading them from the
 * database would. One whose first row comes at once is not even looked up for long: nothing of it is kept.
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

static void put(void *self, struct digest key, struct str bytes, uint64_t first) {
    const struct run_keeper *keeper = self;
    struct cache_books_job learnt = {
        .category = CACHE_SOURCE, .name = keeper->name, .make = first, .keep = run_cache_cost(bytes.n)};
    learnt.used = bytes.p && first >= RUN_CACHE_FACTOR * learnt.keep;
    if (learnt.used)
        run_cache_put(keeper->run, (struct cache_key){CACHE_SOURCE, key}, 0, bytes);
    if (bytes.p || first < SLOW) // else it was slow, and something else was in the way this time
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
    *keeper = (struct run_keeper){.keeper = {.self = keeper,
                                             .slow = SLOW,
                                             .most = run_cache_most(run, CACHE_SOURCE),
                                             .get = get,
                                             .drop = drop,
                                             .put = put,
                                             .now = now,
                                             .wall = wall},
                                  .run = run,
                                  .name = name};
    run_cache_keep_schema(keeper);
}
