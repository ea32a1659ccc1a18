// SPDX-License-Identifier: MIT
// Everything that can be kept is, for long and in little room: what is made again and again pays for what never is.
#include "pipeline/strategy/strategy.h"

// One level more takes a fifth to twice the time and up to a seventh less room, measured on texts of 1 kB to 1 MB; six more,
// six times the time and hardly less room. Reading takes the same time whatever the level.
enum { LIFETIMES = 12, LEVELS = 1 };

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
