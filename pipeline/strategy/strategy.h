// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_STRATEGY_H
#define PRESSRUN_PIPELINE_STRATEGY_H
/*
 * Strategies: how a run spends the machine. A strategy says how many workers there are, what of the cache is used and
 * kept, what is watched, and how batches are shared out. It never says anything about what comes out: the bytes, the
 * digest and the journal are the same with each of them, so a run may go over from one to another between two batches.
 *
 * What is said outright is stronger: -j wins over `workers`, --cache over `caching.categories` and `caching.tiers`. The
 * journal is no part of a strategy.
 *
 * To add one:
 *   1. write NAME.c beside the others: one `const struct strategy strategy_NAME`, with all of its members;
 *   2. declare it below, and put it into `strategies` (strategy.c), where people will look for it in a list;
 *   3. add the file to pipeline/CMakeLists.txt, and a row to the table of docs/strategies.md;
 *   4. the manifest's key, --strategy, their messages, the schema and the tests that compare outputs know it then.
 *
 * All is constant; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "cache/tier.h"
#include "scheduler/partition.h"

enum strategy_share {
    STRATEGY_ONE,
    STRATEGY_HALF,
    STRATEGY_ALL
}; // of the workers there may be; a half is rounded up

// Of the manifest's tiers and categories: what of them is used. What the manifest turns off stays off.
struct strategy_caching {
    unsigned categories; // bits by enum cache_category
    unsigned tiers;      // bits by enum cache_tier_kind
    unsigned also;       // tiers that every category has, even where the manifest's would not be in them
    unsigned lifetimes;  // are the manifest's times this; no end stays none
    int levels;          // of compression are higher by so many
    bool keeps_all;      // outputs are looked up and kept whether or not it has been measured that this pays
};

struct strategy {
    const char *name, *best_for;
    struct {
        enum strategy_share start, least, most; // least and most: for whoever changes their number on the way
    } workers;
    struct strategy_caching caching;
    struct {
        bool times;                    // distributions of how long batches, outputs and filters take
        bool resources;                // samples of processor, memory and disk; a thread of its own
    } monitoring;                      // counters are always kept
    const struct partition *partition; // of batches among workers
};

extern const struct strategy strategy_minimal, strategy_sequential, strategy_parallel, strategy_cache_heavy,
    strategy_balanced;
enum { STRATEGIES_N = 5 };
extern const struct strategy *const strategies[STRATEGIES_N + 1]; // ends with NULL
// What `auto` begins as: a run with it goes over to one of the others with its first batch (pipeline/run/run_auto.h).
extern const struct strategy strategy_auto;
// Of a run that asks for none: all workers, and whatever of the cache the manifest has.
extern const struct strategy strategy_default;

const char *
strategy_name(size_t i); // of the i-th that can be asked for, `auto` being the last; NULL at the end
void strategy_names(const char *names[STRATEGIES_N]); // of `strategies`
// One by its name. STATUS_DATA: there is none; err has the nearest, or all.
enum status strategy_find(struct str name, const struct strategy **strategy, struct err *err);

struct strategy_workers {
    uint32_t start, least, most; // 1 <= least <= start <= most <= available
};
struct strategy_workers strategy_workers(const struct strategy *strategy, uint32_t available);

#define STRATEGY_EVERY_CATEGORY                                                                              \
    (1u << CACHE_SOURCE | 1u << CACHE_PROGRAM | 1u << CACHE_RENDER | 1u << CACHE_THROUGH |                   \
     1u << CACHE_SCHEMA | 1u << CACHE_TYPES | 1u << CACHE_RELATIONS)
#define STRATEGY_LOCAL (1u << CACHE_MEMORY | 1u << CACHE_PACKS)

#endif
