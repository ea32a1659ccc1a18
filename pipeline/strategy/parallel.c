// SPDX-License-Identifier: MIT
// Programs are shared by all jobs of a run; nothing else is looked up or kept, so that no worker ever meets another in
// the cache.
#include "pipeline/strategy/strategy.h"

const struct strategy strategy_parallel = {
    .name = "parallel",
    .best_for = "large independent work",
    .workers = {.start = STRATEGY_ALL, .least = STRATEGY_ONE, .most = STRATEGY_ALL},
    .caching = {.categories = 1u << CACHE_PROGRAM, .tiers = 1u << CACHE_MEMORY, .lifetimes = 1},
    .monitoring = {.times = true, .resources = true},
    .partition = &partitions[PARTITION_LEAST_LOADED],
};
