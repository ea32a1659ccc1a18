// SPDX-License-Identifier: MIT
#include "pipeline/strategy/strategy.h"

#include "base/suggest.h"

const struct strategy *const strategies[STRATEGIES_N + 1] = {
    &strategy_minimal,     &strategy_sequential, &strategy_parallel,
    &strategy_cache_heavy, &strategy_balanced,   NULL,
};

// All workers, and whatever of the cache the manifest has.
#define EVERYTHING                                                                                           \
    .workers = {.start = STRATEGY_ALL, .least = STRATEGY_ONE, .most = STRATEGY_ALL},                         \
    .caching = {.categories = STRATEGY_EVERY_CATEGORY,                                                       \
                .tiers = STRATEGY_LOCAL | 1u << CACHE_REDIS,                                                 \
                .lifetimes = 1},                                                                             \
    .monitoring = {.times = true, .resources = true}, .partition = &partitions[PARTITION_LEAST_LOADED]

const struct strategy strategy_default = {
    .name = "default", .best_for = "runs that say nothing of it", EVERYTHING};

const struct strategy strategy_auto = {
    .name = "auto", .best_for = "runs that are to find out for themselves", EVERYTHING};

const char *strategy_name(size_t i) {
    return i < STRATEGIES_N ? strategies[i]->name : i == STRATEGIES_N ? strategy_auto.name : NULL;
}

void strategy_names(const char *names[STRATEGIES_N]) {
    for (size_t i = 0; i < STRATEGIES_N; i++)
        names[i] = strategies[i]->name;
}

enum status strategy_find(struct str name, const struct strategy **strategy, struct err *err) {
    size_t chosen;
    if (suggest_choose("strategy", name, strategy_name, &chosen, err) != STATUS_OK)
        return err->status;
    *strategy = chosen < STRATEGIES_N ? strategies[chosen] : &strategy_auto;
    return STATUS_OK;
}

static uint32_t share_of(enum strategy_share share, uint32_t available) {
    return share == STRATEGY_ONE ? 1 : share == STRATEGY_HALF ? available / 2 + available % 2 : available;
}

struct strategy_workers strategy_workers(const struct strategy *strategy, uint32_t available) {
    const uint32_t n = available ? available : 1;
    return (struct strategy_workers){.start = share_of(strategy->workers.start, n),
                                     .least = share_of(strategy->workers.least, n),
                                     .most = share_of(strategy->workers.most, n)};
}
