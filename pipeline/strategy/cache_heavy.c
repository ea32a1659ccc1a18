// SPDX-License-Identifier: MIT
// Everything that can be kept is, for long and in little room: what is made again and again pays for what never is.
#include "pipeline/strategy/strategy.h"

// What is read often is worth a slower way to write it: reading takes the same time whatever the level.
enum { LIFETIMES = 12, LEVELS = 6 };

const struct strategy strategy_cache_heavy = {
    .name = "cache_heavy",
    .best_for = "expensive, repetitive work",
    .workers = {.start = STRATEGY_ALL, .least = STRATEGY_ONE, .most = STRATEGY_ALL},
    .caching = {.categories = STRATEGY_EVERY_CATEGORY,
                .tiers = STRATEGY_LOCAL | 1u << CACHE_REDIS,
                .also = 1u << CACHE_MEMORY,
                .lifetimes = LIFETIMES,
                .levels = LEVELS,
                .keeps_all = true},
    .monitoring = {.times = true, .resources = true},
    .partition = &partitions[PARTITION_LEAST_LOADED],
};
