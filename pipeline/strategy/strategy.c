// SPDX-License-Identifier: MIT
#include "pipeline/strategy/strategy.h"

#include "base/suggest.h"

const struct strategy *const strategies[] = {
    &strategy_minimal,     &strategy_sequential, &strategy_parallel,
    &strategy_cache_heavy, &strategy_balanced,   NULL,
};

const struct strategy strategy_default = {
    .name = "default",
    .best_for = "runs that say nothing of it",
    .workers = {.start = STRATEGY_ALL, .least = STRATEGY_ONE, .most = STRATEGY_ALL},
    .caching = {.categories = STRATEGY_EVERY_CATEGORY,
                .tiers = STRATEGY_LOCAL | 1u << CACHE_REDIS,
                .lifetimes = 1},
    .monitoring = {.times = true, .resources = true},
    .partition = &partitions[PARTITION_LEAST_LOADED],
};

const char *strategy_name(size_t i) {
    return strategies[i] ? strategies[i]->name : NULL;
}

enum status strategy_find(struct str name, const struct strategy **strategy, struct err *err) {
    size_t chosen;
    if (suggest_choose("strategy", name, strategy_name, &chosen, err) != STATUS_OK)
        return err->status;
    *strategy = strategies[chosen];
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
