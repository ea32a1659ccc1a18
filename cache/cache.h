// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_CACHE_H
#define PRESSRUN_CACHE_CACHE_H
/*
 * Reading through the tiers: a value is looked for in one after the other, and what a later one has is put into those
 * before it. Which tiers a category uses, how long its values are good and how large they may be is a row of a table, made
 * from CACHE_CATEGORIES and changed by options.
 *
 * What a key stands for is not known here, and nothing is computed: a miss is the caller's to fill, with cache_put.
 * Any number of threads may call all but open and close. The tiers are closed with the cache.
 */
#include "base/clock.h"
#include "cache/tier.h"

enum { CACHE_TIERS_MOST = 4 };

struct cache_policy { // of a category
    int64_t lifetime; // nanoseconds, 0: no end
    size_t largest;   // bytes of a value
    unsigned tiers;   // bit i: the i-th tier is used
    bool refresh;     // look nowhere, but put: everything is made again
};

struct cache_category_report {
    uint64_t hits, misses;
    uint64_t expired, refused; // misses as too old; values that no tier kept: too large, or it cannot
    uint64_t tier_hits[CACHE_TIERS_MOST];
    uint64_t get_time[CACHE_TIERS_MOST];  // nanoseconds of those that were timed
    uint64_t get_timed[CACHE_TIERS_MOST]; // one in 16
    uint64_t hit_bytes, put_bytes, puts;
    uint64_t put_time, put_timed; // into all tiers; one in 16
};

// Hits, by the kind of the tier that had the value.
struct cache_found {
    uint64_t in[CACHE_TIERS_N];
};

struct cache; // owned

// Tiers first to last, at most CACHE_TIERS_MOST; they become the cache's.
struct cache *cache_open(const struct cache_tier *tiers, unsigned n, const struct clock *clock);
void cache_close(struct cache *cache); // NULL is fine

struct cache_policy cache_policy(const struct cache *cache, enum cache_category category);
// Before the first get: not for use while other threads ask.
void cache_set_policy(struct cache *cache, enum cache_category category, struct cache_policy policy);
// Others in the place of all of them, at any time; borrowed until the cache is closed. What is under way goes on by those
// before.
void cache_use_policies(struct cache *cache, const struct cache_policy policies[CACHE_CATEGORIES_N]);

// Held, or NULL. A hit is also counted in `found`, where that is not NULL.
struct cache_value *cache_get(struct cache *cache, struct cache_key key, struct cache_found *found);
// The same of many, so that a tier far away is asked once for all that is not nearer: values[i] held, or NULL.
void cache_get_many(struct cache *cache, const struct cache_key *keys, unsigned n,
                    struct cache_value **values, struct cache_found *found);
// Of bytes that are copied once, to all tiers of the category.
void cache_put(struct cache *cache, struct cache_key key, uint32_t tag, struct str bytes);
void cache_invalidate(struct cache *cache, struct cache_key key);
void cache_clear(struct cache *cache, enum cache_category category);
void cache_flush(struct cache *cache);

struct cache_category_report cache_report(const struct cache *cache, enum cache_category category);
unsigned cache_tiers(const struct cache *cache);
enum cache_tier_kind cache_tier_stats(const struct cache *cache, unsigned tier, struct cache_stats *stats);

#endif
