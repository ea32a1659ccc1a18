// SPDX-License-Identifier: MIT
#include "cache/memory.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>

#include "base/mem.h"

enum { SHARDS = 64, FIRST_BUCKETS = 16, LARGEST_PART = 8, NONE = -1 };

struct slot {
    struct cache_key key;
    struct cache_value *value; // NULL: a free slot, chained by `next`
    int32_t next;              // in its bucket
    bool used;                 // since the hand came by
};

struct shard {
    alignas(64) pthread_mutex_t lock;
    struct slot *slots;
    size_t slots_cap; // for MEM_GROW
    int32_t slots_n, free, hand;
    int32_t *buckets; // a power of two of them
    uint32_t buckets_n;
    size_t bytes, entries;
    struct cache_counts counts[CACHE_CATEGORIES_N];
    struct cache_held held[CACHE_CATEGORIES_N];
    uint64_t evictions;
};

struct memory {
    struct shard shards[SHARDS];
    size_t cap, part;
};

static size_t weight(const struct cache_value *value) {
    return sizeof *value + value->n + sizeof(struct slot) + 2 * sizeof(int32_t);
}

static void *new_buckets(uint32_t n) {
    int32_t *buckets = MEM_NEW_ARRAY(int32_t, n);
    for (uint32_t i = 0; i < n; i++)
        buckets[i] = NONE;
    return buckets;
}

static void *aligned_memory(void) {
    void *p = NULL;
    if (posix_memalign(&p, alignof(struct memory), sizeof(struct memory)) != 0)
        mem_fail(sizeof(struct memory));
    memset(p, 0, sizeof(struct memory));
    return p;
}

struct memory *memory_new(size_t cap) {
    struct memory *memory = aligned_memory();
    memory->cap = cap;
    memory->part = cap / SHARDS;
    for (int i = 0; i < SHARDS; i++) {
        struct shard *shard = &memory->shards[i];
        pthread_mutex_init(&shard->lock, NULL);
        shard->free = NONE;
        shard->buckets_n = FIRST_BUCKETS;
        shard->buckets = new_buckets(FIRST_BUCKETS);
    }
    return memory;
}

static struct shard *shard_lock(struct memory *memory, struct cache_key key) {
    struct shard *shard = &memory->shards[key.digest.high % SHARDS];
    pthread_mutex_lock(&shard->lock);
    return shard;
}

static int32_t *bucket_of(const struct shard *shard, struct cache_key key) {
    return &shard->buckets[(key.digest.low + (uint64_t)key.category * 0x9e3779b97f4a7c15u) &
                           (shard->buckets_n - 1)];
}

static int32_t slot_find(const struct shard *shard, struct cache_key key) {
    int32_t at = *bucket_of(shard, key);
    while (at != NONE && !cache_key_equal(shard->slots[at].key, key))
        at = shard->slots[at].next;
    return at;
}

// Counts a value in (1) or out (-1).
static void hold(struct shard *shard, struct cache_key key, const struct cache_value *value, int sign) {
    struct cache_held *held = &shard->held[key.category];
    const uint64_t times = (uint64_t)(int64_t)sign;
    held->entries += times;
    held->bytes += times * value->n;
    held->stored += times * weight(value);
    shard->entries += times;
    shard->bytes += times * weight(value);
}

static struct cache_value *slot_remove(struct shard *shard, int32_t at) { // its value is the caller's to drop
    struct slot *slot = &shard->slots[at];
    int32_t *link = bucket_of(shard, slot->key);
    while (*link != at)
        link = &shard->slots[*link].next;
    *link = slot->next;
    struct cache_value *value = slot->value;
    slot->value = NULL;
    slot->next = shard->free;
    shard->free = at;
    hold(shard, slot->key, value, -1);
    return value;
}

static void grow_buckets(struct shard *shard) {
    mem_free(shard->buckets);
    shard->buckets_n *= 2;
    shard->buckets = new_buckets(shard->buckets_n);
    for (int32_t i = 0; i < shard->slots_n; i++) {
        if (!shard->slots[i].value)
            continue;
        int32_t *bucket = bucket_of(shard, shard->slots[i].key);
        shard->slots[i].next = *bucket;
        *bucket = i;
    }
}

static void slot_add(struct shard *shard, struct cache_key key, struct cache_value *value) {
    if (shard->entries >= shard->buckets_n)
        grow_buckets(shard);
    int32_t at = shard->free;
    if (at == NONE) {
        MEM_GROW(shard->slots, shard->slots_cap, (size_t)shard->slots_n + 1);
        at = shard->slots_n++;
    } else {
        shard->free = shard->slots[at].next;
    }
    int32_t *bucket = bucket_of(shard, key);
    shard->slots[at] = (struct slot){.key = key, .value = value, .next = *bucket};
    *bucket = at;
    hold(shard, key, value, 1);
}

// Moves the hand to something unused and takes it out. There is something: bytes are held.
static struct cache_value *evict(struct shard *shard) {
    for (;;) {
        shard->hand = shard->hand + 1 < shard->slots_n ? shard->hand + 1 : 0;
        struct slot *slot = &shard->slots[shard->hand];
        if (slot->value && !slot->used)
            return slot_remove(shard, shard->hand);
        slot->used = false;
    }
}

static struct cache_value *get(void *self, struct cache_key key) {
    struct shard *shard = shard_lock(self, key);
    struct cache_counts *counts = &shard->counts[key.category];
    int32_t at = slot_find(shard, key);
    struct cache_value *value = NULL;
    if (at != NONE) {
        value = shard->slots[at].value;
        shard->slots[at].used = true;
        cache_value_hold(value);
        counts->hits++;
        counts->hit_bytes += value->n;
    } else {
        counts->misses++;
    }
    pthread_mutex_unlock(&shard->lock);
    return value;
}

static bool put(void *self, struct cache_key key, struct cache_value *value) {
    struct memory *memory = self;
    if (weight(value) > memory->part / LARGEST_PART)
        return false;
    struct shard *shard = shard_lock(memory, key);
    int32_t at = slot_find(shard, key);
    if (at != NONE)
        cache_value_drop(slot_remove(shard, at));
    while (shard->bytes + weight(value) > memory->part) {
        cache_value_drop(evict(shard));
        shard->evictions++;
    }
    cache_value_hold(value);
    slot_add(shard, key, value);
    shard->counts[key.category].puts++;
    shard->counts[key.category].put_bytes += value->n;
    pthread_mutex_unlock(&shard->lock);
    return true;
}

static void invalidate(void *self, struct cache_key key) {
    struct shard *shard = shard_lock(self, key);
    int32_t at = slot_find(shard, key);
    if (at != NONE) {
        cache_value_drop(slot_remove(shard, at));
        shard->counts[key.category].invalidated++;
    }
    pthread_mutex_unlock(&shard->lock);
}

static void clear(void *self, enum cache_category category) {
    struct memory *memory = self;
    for (int i = 0; i < SHARDS; i++) {
        struct shard *shard = &memory->shards[i];
        pthread_mutex_lock(&shard->lock);
        for (int32_t at = 0; at < shard->slots_n; at++) {
            if (!shard->slots[at].value || shard->slots[at].key.category != category)
                continue;
            cache_value_drop(slot_remove(shard, at));
            shard->counts[category].invalidated++;
        }
        pthread_mutex_unlock(&shard->lock);
    }
}

static void flush(void *self) { // no other process sees it
    (void)self;
}

static void add_counts(struct cache_counts *to, const struct cache_counts *from) {
    to->hits += from->hits;
    to->misses += from->misses;
    to->puts += from->puts;
    to->invalidated += from->invalidated;
    to->hit_bytes += from->hit_bytes;
    to->put_bytes += from->put_bytes;
}

static void stats(void *self, struct cache_stats *out) {
    struct memory *memory = self;
    *out = (struct cache_stats){.cap = memory->cap};
    for (int i = 0; i < SHARDS; i++) {
        struct shard *shard = &memory->shards[i];
        pthread_mutex_lock(&shard->lock);
        for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++) {
            add_counts(&out->categories[c], &shard->counts[c]);
            out->held[c].entries += shard->held[c].entries;
            out->held[c].bytes += shard->held[c].bytes;
            out->held[c].stored += shard->held[c].stored;
        }
        out->entries += shard->entries;
        out->bytes += shard->bytes;
        out->evictions += shard->evictions;
        pthread_mutex_unlock(&shard->lock);
    }
}

static void close_memory(void *self) {
    struct memory *memory = self;
    for (int i = 0; i < SHARDS; i++) {
        struct shard *shard = &memory->shards[i];
        for (int32_t at = 0; at < shard->slots_n; at++)
            cache_value_drop(shard->slots[at].value);
        mem_free(shard->slots);
        mem_free(shard->buckets);
        pthread_mutex_destroy(&shard->lock);
    }
    free(memory);
}

struct cache_tier memory_tier(struct memory *memory) {
    return (struct cache_tier){
        .self = memory,
        .kind = CACHE_MEMORY,
        .get = get,
        .put = put,
        .invalidate = invalidate,
        .clear = clear,
        .flush = flush,
        .stats = stats,
        .close = close_memory,
    };
}
