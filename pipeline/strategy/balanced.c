// SPDX-License-Identifier: MIT
// Half of the machine to begin with; more of it where measuring says that nobody else wants it.
#include "pipeline/strategy/strategy.h"

const struct strategy strategy_balanced = {
    .name = "balanced",
    .best_for = "shared production machines",
    .workers = {.start = STRATEGY_HALF, .least = STRATEGY_ONE, .most = STRATEGY_ALL},
    .caching = {.categories = STRATEGY_EVERY_CATEGORY, .tiers = STRATEGY_LOCAL, .lifetimes = 1},
    .monitoring = {.times = true, .resources = true},
    .partition = &partitions[PARTITION_LEAST_LOADED],
};
