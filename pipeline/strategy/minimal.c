// SPDX-License-Identifier: MIT
// One worker that does nothing but the work: what all others are measured against.
#include "pipeline/strategy/strategy.h"

const struct strategy strategy_minimal = {
    .name = "minimal",
    .best_for = "debugging, tiny jobs: the baseline",
    .workers = {.start = STRATEGY_ONE, .least = STRATEGY_ONE, .most = STRATEGY_ONE},
    .caching = {.categories = 0, .tiers = 0, .lifetimes = 1},
    .monitoring = {.times = false, .resources = false},
    .partition = &partitions[PARTITION_STATIC],
};
