// SPDX-License-Identifier: MIT
#include "pipeline/strategy/strategy.h"

const struct strategy strategy_sequential = {
    .name = "sequential",
    .best_for = "development",
    .workers = {.start = STRATEGY_ONE, .least = STRATEGY_ONE, .most = STRATEGY_ONE},
    .caching = {.categories = STRATEGY_EVERY_CATEGORY, .tiers = STRATEGY_LOCAL, .lifetimes = 1},
    .monitoring = {.times = true, .resources = true},
    .partition = &partitions[PARTITION_STATIC],
};
