// SPDX-License-Identifier: MIT
#include "cache/cache.h"

#include <assert.h>

#include "base/mem.h"

enum { TIMED_EVERY = 16, MANY = 100 };

struct counters {
    atomic_ullong hits, misses, expired, refused, hit_bytes, puts, put_bytes, put_time, put_timed;
    atomic_ullong tier_hits[CACHE_TIERS_MOST], get_time[CACHE_TIERS_MOST], get_timed[CACHE_TIERS_MOST];
};

struct cache {
    struct cache_tier tiers[CACHE_TIERS_MOST];
    unsigned n;
    struct clock clock;
    struct cache_policy own[CACHE_CATEGORIES_N];
    const struct cache_policy *_Atomic policies; // its own, or the caller's
    struct counters counters[CACHE_CATEGORIES_N];
};

struct cache *cache_open(const struct cache_tier *tiers, unsigned n, const struct clock *clock) {
    struct cache *cache = MEM_NEW(struct cache);
    assert(n <= CACHE_TIERS_MOST);
    for (unsigned i = 0; i < n; i++)
        cache->tiers[i] = tiers[i];
    cache->n = n;
    cache->clock = *clock;
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        cache->own[c] = (struct cache_policy){
            .lifetime = cache_usual[c].lifetime, .largest = cache_usual[c].largest, .tiers = ~0u};
    atomic_init(&cache->policies, cache->own);
    return cache;
}

void cache_close(struct cache *cache) {
    for (unsigned i = 0; cache && i < cache->n; i++)
        cache->tiers[i].close(cache->tiers[i].self);
    mem_free(cache);
}

static const struct cache_policy *policy_of(const struct cache *cache, enum cache_category category) {
    return atomic_load_explicit(&cache->policies, memory_order_acquire) + category;
}

struct cache_policy cache_policy(const struct cache *cache, enum cache_category category) {
    return *policy_of(cache, category);
}

void cache_set_policy(struct cache *cache, enum cache_category category, struct cache_policy policy) {
    cache->own[category] = policy;
}

void cache_use_policies(struct cache *cache, const struct cache_policy policies[CACHE_CATEGORIES_N]) {
    atomic_store_explicit(&cache->policies, policies, memory_order_release);
}

static void count(atomic_ullong *counter, uint64_t n) {
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t counted(const atomic_ullong *counter) {
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static bool uses(const struct cache *cache, enum cache_category category, unsigned tier) {
    return policy_of(cache, category)->tiers >> tier & 1;
}

static struct cache_value *get_from(struct cache *cache, unsigned tier, struct cache_key key, bool timed) {
    const struct cache_tier *t = &cache->tiers[tier];
    struct counters *counters = &cache->counters[key.category];
    uint64_t start = timed ? cache->clock.monotonic(cache->clock.self) : 0;
    struct cache_value *value = t->get(t->self, key);
    if (timed) {
        count(&counters->get_time[tier], cache->clock.monotonic(cache->clock.self) - start);
        count(&counters->get_timed[tier], 1);
    }
    return value;
}

static bool is_expired(const struct cache *cache, struct cache_key key, const struct cache_value *value) {
    int64_t lifetime = policy_of(cache, key.category)->lifetime;
    return lifetime && cache->clock.wall(cache->clock.self) - value->made >= lifetime;
}

// A value that a tier gave: NULL where it is too old, else counted and put into the tiers before.
static struct cache_value *take(struct cache *cache, unsigned tier, struct cache_key key,
                                struct cache_value *value, struct cache_found *found) {
    struct counters *counters = &cache->counters[key.category];
    if (value && is_expired(cache, key, value)) {
        cache_value_drop(value);
        count(&counters->expired, 1);
        return NULL; // a later tier may have a newer one, of another process
    }
    if (!value)
        return NULL;
    for (unsigned before = 0; before < tier; before++)
        if (uses(cache, key.category, before))
            cache->tiers[before].put(cache->tiers[before].self, key, value);
    count(&counters->hits, 1);
    if (found)
        found->in[cache->tiers[tier].kind]++;
    count(&counters->tier_hits[tier], 1);
    count(&counters->hit_bytes, value->n);
    return value;
}

struct cache_value *cache_get(struct cache *cache, struct cache_key key, struct cache_found *found) {
    struct counters *counters = &cache->counters[key.category];
    bool timed = counted(&counters->hits) % TIMED_EVERY == 0;
    for (unsigned i = 0; i < cache->n && !policy_of(cache, key.category)->refresh; i++) {
        if (!uses(cache, key.category, i))
            continue;
        struct cache_value *value = take(cache, i, key, get_from(cache, i, key, timed), found);
        if (value)
            return value;
    }
    count(&counters->misses, 1);
    return NULL;
}

// The time is that of all, so each has its part of it.
static void get_batch(struct cache *cache, unsigned tier, const struct cache_key *keys, unsigned n,
                      struct cache_value **values) {
    const struct cache_tier *t = &cache->tiers[tier];
    uint64_t start = cache->clock.monotonic(cache->clock.self);
    t->get_many(t->self, keys, n, values);
    uint64_t each = (cache->clock.monotonic(cache->clock.self) - start) / n;
    for (unsigned i = 0; i < n; i++) {
        count(&cache->counters[keys[i].category].get_time[tier], each);
        count(&cache->counters[keys[i].category].get_timed[tier], 1);
    }
}

// Asks one tier for what is still NULL in values.
static void get_missing(struct cache *cache, unsigned tier, const struct cache_key *keys, unsigned n,
                        struct cache_value **values, struct cache_found *found) {
    struct cache_key wanted[MANY];
    struct cache_value *got[MANY];
    unsigned at[MANY], m = 0;
    for (unsigned i = 0; i < n; i++) {
        enum cache_category category = keys[i].category;
        if (values[i] || policy_of(cache, category)->refresh || !uses(cache, category, tier))
            continue;
        wanted[m] = keys[i];
        at[m++] = i;
    }
    if (m && cache->tiers[tier].get_many)
        get_batch(cache, tier, wanted, m, got);
    for (unsigned i = 0; i < m; i++) {
        bool timed = counted(&cache->counters[wanted[i].category].hits) % TIMED_EVERY == 0;
        if (!cache->tiers[tier].get_many)
            got[i] = get_from(cache, tier, wanted[i], timed);
        values[at[i]] = take(cache, tier, wanted[i], got[i], found);
    }
}

void cache_get_many(struct cache *cache, const struct cache_key *keys, unsigned n,
                    struct cache_value **values, struct cache_found *found) {
    for (unsigned from = 0; from < n; from += MANY) {
        unsigned some = n - from < MANY ? n - from : MANY;
        for (unsigned i = 0; i < some; i++)
            values[from + i] = NULL;
        for (unsigned tier = 0; tier < cache->n; tier++)
            get_missing(cache, tier, keys + from, some, values + from, found);
        for (unsigned i = 0; i < some; i++)
            if (!values[from + i])
                count(&cache->counters[keys[from + i].category].misses, 1);
    }
}

void cache_put(struct cache *cache, struct cache_key key, uint32_t tag, struct str bytes) {
    struct counters *counters = &cache->counters[key.category];
    struct cache_value *value = NULL;
    if (bytes.n <= policy_of(cache, key.category)->largest)
        value = cache_value_of(bytes, cache->clock.wall(cache->clock.self));
    if (!value) {
        count(&counters->refused, 1);
        return;
    }
    value->tag = tag;
    bool timed = counted(&counters->puts) % TIMED_EVERY == 0;
    uint64_t start = timed ? cache->clock.monotonic(cache->clock.self) : 0;
    bool kept = false;
    for (unsigned i = 0; i < cache->n; i++)
        if (uses(cache, key.category, i))
            kept = cache->tiers[i].put(cache->tiers[i].self, key, value) || kept;
    if (timed) {
        count(&counters->put_time, cache->clock.monotonic(cache->clock.self) - start);
        count(&counters->put_timed, 1);
    }
    count(&counters->puts, kept);
    count(&counters->put_bytes, kept ? bytes.n : 0);
    count(&counters->refused, !kept);
    cache_value_drop(value);
}

// From the last tier on, so that nobody refills an earlier one from a later.
void cache_invalidate(struct cache *cache, struct cache_key key) {
    for (unsigned i = cache->n; i-- > 0;)
        cache->tiers[i].invalidate(cache->tiers[i].self, key);
}

void cache_clear(struct cache *cache, enum cache_category category) {
    for (unsigned i = cache->n; i-- > 0;)
        cache->tiers[i].clear(cache->tiers[i].self, category);
}

void cache_flush(struct cache *cache) {
    for (unsigned i = 0; i < cache->n; i++)
        cache->tiers[i].flush(cache->tiers[i].self);
}

struct cache_category_report cache_report(const struct cache *cache, enum cache_category category) {
    const struct counters *counters = &cache->counters[category];
    struct cache_category_report report = {
        .hits = counted(&counters->hits),
        .misses = counted(&counters->misses),
        .expired = counted(&counters->expired),
        .refused = counted(&counters->refused),
        .hit_bytes = counted(&counters->hit_bytes),
        .puts = counted(&counters->puts),
        .put_bytes = counted(&counters->put_bytes),
        .put_time = counted(&counters->put_time),
        .put_timed = counted(&counters->put_timed),
    };
    for (unsigned i = 0; i < cache->n; i++) {
        report.tier_hits[i] = counted(&counters->tier_hits[i]);
        report.get_time[i] = counted(&counters->get_time[i]);
        report.get_timed[i] = counted(&counters->get_timed[i]);
    }
    return report;
}

unsigned cache_tiers(const struct cache *cache) {
    return cache->n;
}

enum cache_tier_kind cache_tier_stats(const struct cache *cache, unsigned tier, struct cache_stats *stats) {
    cache->tiers[tier].stats(cache->tiers[tier].self, stats);
    return cache->tiers[tier].kind;
}
