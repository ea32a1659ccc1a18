// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_TIER_H
#define PRESSRUN_CACHE_TIER_H
/*
 * What all tiers of the cache share: the key, the value, the categories and the table of functions that a tier is.
 *
 * A cache sees keys and bytes only. A key is a category and a 128-bit digest of all that the value was made of, so
 * equal keys mean equal bytes, and an old value is at worst unused.
 *
 * A value is counted: who got one gives it back with cache_value_drop, and until then nobody changes or frees its
 * bytes. Copying two kilobytes costs several times what the lock around a lookup does.
 *
 * All functions may be called by many threads at once. No tier ever fails a caller: what cannot be had is a miss,
 * what cannot be kept is not, and both are counted.
 *
 * To add a tier: write NAME.h with a function that gives a struct cache_tier, and add it to the enum cache_tier_kind;
 * cache.c asks its tiers in the order they were given.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/str.h"

// name, level of compression, largest value in bytes, lifetime in seconds (0: no end)
#define CACHE_CATEGORIES(X)                                                                                  \
    X(SOURCE, source, 3, 64 << 20, 2 * 3600)                                                                 \
    X(PROGRAM, program, 3, 4 << 20, 0)                                                                       \
    X(RENDER, render, 3, 1 << 20, 0)                                                                         \
    X(THROUGH, through, 3, 8 << 20, 0)                                                                       \
    X(SCHEMA, schema, 3, 64 << 20, 2 * 3600)                                                                 \
    X(TYPES, types, 3, 16 << 20, 24 * 3600)                                                                  \
    X(RELATIONS, relations, 3, 64 << 20, 24 * 3600)

enum cache_category {
#define X(NAME, name, level, size, lifetime) CACHE_##NAME,
    CACHE_CATEGORIES(X)
#undef X
        CACHE_CATEGORIES_N
};

// What holds of a category as long as nobody wishes otherwise.
struct cache_usual {
    const char *name;
    int level;        // of compression
    size_t largest;   // bytes of a value
    int64_t lifetime; // nanoseconds, 0: no end
};
extern const struct cache_usual cache_usual[CACHE_CATEGORIES_N];

const char *cache_category_name(enum cache_category category);
bool cache_category_find(struct str name, enum cache_category *category);

struct cache_key {
    enum cache_category category;
    struct digest digest;
};

static inline bool cache_key_equal(struct cache_key a, struct cache_key b) {
    return a.category == b.category && digest_equal(a.digest, b.digest);
}

struct cache_value {
    atomic_uint holders;
    int64_t made; // nanoseconds since 1970; whichever tier it comes from, when it was first put
    uint32_t tag; // what it was made with, for invalidating by that; 0: nothing
    size_t n;
    char bytes[];
};

struct cache_value *cache_value_new(size_t n, int64_t made);        // held once; NULL where memory is out
struct cache_value *cache_value_of(struct str bytes, int64_t made); // a copy, likewise
void cache_value_hold(struct cache_value *value);
void cache_value_drop(struct cache_value *value); // NULL is fine

struct cache_counts { // of one category in one tier
    uint64_t hits, misses, puts, invalidated;
    uint64_t hit_bytes, put_bytes; // of values, uncompressed
};

struct cache_held { // of one category in one tier, now
    uint64_t entries;
    uint64_t bytes, stored; // of values; and what these take, as far as the tier knows it
};

struct cache_stats {
    struct cache_counts categories[CACHE_CATEGORIES_N];
    struct cache_held held[CACHE_CATEGORIES_N];
    uint64_t entries, bytes, cap; // held now, as stored
    uint64_t evictions;
    uint64_t damaged; // entries found that are not what was written, served never
    uint64_t failed;  // what the system refused
};

// Of what a tier takes, all that is not valid any more, such as entries that were replaced.
uint64_t cache_unused_bytes(const struct cache_stats *stats);

enum cache_tier_kind { CACHE_MEMORY, CACHE_PACKS, CACHE_REDIS, CACHE_TIERS_N };

struct cache_tier {
    void *self;
    enum cache_tier_kind kind;
    struct cache_value *(*get)(void *self, struct cache_key key); // held, or NULL
    // Many at once, where that is cheaper: NULL where it is not, and get is asked for each.
    void (*get_many)(void *self, const struct cache_key *keys, unsigned n, struct cache_value **values);
    bool (*put)(void *self, struct cache_key key,
                struct cache_value *value); // holds it itself if it keeps it
    void (*invalidate)(void *self, struct cache_key key);
    void (*clear)(void *self, enum cache_category category);
    void (*flush)(void *self); // what was put is to be seen by other processes
    void (*stats)(void *self, struct cache_stats *stats);
    void (*close)(void *self);
};

const char *cache_tier_name(enum cache_tier_kind kind);

#endif
