// SPDX-License-Identifier: MIT
#include "cache/tier.h"

#include <stdlib.h>

const struct cache_usual cache_usual[CACHE_CATEGORIES_N] = {
#define X(NAME, name, level, size, seconds) {#name, level, (size), (int64_t)(seconds)*1000000000},
    CACHE_CATEGORIES(X)
#undef X
};

static const char *const tier_names[CACHE_TIERS_N] = {
    [CACHE_MEMORY] = "memory", [CACHE_PACKS] = "file", [CACHE_REDIS] = "redis"};

const char *cache_category_name(enum cache_category category) {
    return cache_usual[category].name;
}

bool cache_category_find(struct str name, enum cache_category *category) {
    for (unsigned i = 0; i < CACHE_CATEGORIES_N; i++) {
        if (str_is(name, cache_usual[i].name)) {
            *category = (enum cache_category)i;
            return true;
        }
    }
    return false;
}

const char *cache_tier_name(enum cache_tier_kind kind) {
    return tier_names[kind];
}

uint64_t cache_unused_bytes(const struct cache_stats *stats) {
    uint64_t used = 0;
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        used += stats->held[c].stored;
    return stats->bytes > used ? stats->bytes - used : 0;
}

struct cache_value *cache_value_new(size_t n, int64_t made) {
    struct cache_value *value = n < SIZE_MAX / 2 ? malloc(sizeof *value + n) : NULL;
    if (!value)
        return NULL;
    atomic_init(&value->holders, 1);
    value->made = made;
    value->tag = 0;
    value->n = n;
    return value;
}

struct cache_value *cache_value_of(struct str bytes, int64_t made) {
    struct cache_value *value = cache_value_new(bytes.n, made);
    if (value && bytes.n)
        memcpy(value->bytes, bytes.p, bytes.n);
    return value;
}

void cache_value_hold(struct cache_value *value) {
    atomic_fetch_add_explicit(&value->holders, 1, memory_order_relaxed);
}

void cache_value_drop(struct cache_value *value) {
    if (value && atomic_fetch_sub_explicit(&value->holders, 1, memory_order_acq_rel) == 1)
        free(value);
}
