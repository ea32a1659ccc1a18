// SPDX-License-Identifier: MIT
#include "cache/packs.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cache/packs_private.h"

enum { SMALL = 16 << 10, SEGMENTS_IN_CAP = 8, CLEAN_SLICE = 1 << 20 };

static const uint64_t train_after = CODEC_SAMPLES;

enum status packs_open(const struct packs_options *options, struct packs **out, struct err *err) {
    struct packs *packs = MEM_NEW(struct packs);
    packs->fs = *options->fs;
    packs->clock = *options->clock;
    packs->dir = options->dir;
    packs->read_only = options->read_only;
    packs->cap = options->cap ? options->cap : PACKS_CAP;
    uint64_t part = packs->cap / SEGMENTS_IN_CAP;
    packs->segment_bytes = options->segment ? options->segment : part < PACKS_SEGMENT ? part : PACKS_SEGMENT;
    packs->own = PACK_NO_SEGMENT;
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        packs->cleared_segment[c] = PACK_NO_SEGMENT;
    pthread_mutex_init(&packs->lock, NULL);
    packs->codec = codec_new(options->levels);
    pthread_mutex_lock(&packs->lock);
    int result = pack_look(packs, true);
    pthread_mutex_unlock(&packs->lock);
    *out = packs;
    if (result == 0)
        return STATUS_OK;
    packs_tier(packs).close(packs);
    *out = NULL;
    return err_os(err, -result, "cannot list the cache's directory");
}

static struct str pending_of(const struct packs *packs, const struct slot *slot) {
    uint64_t base = packs->segments[slot->segment]->size;
    if (slot->segment != packs->own || slot->offset < base)
        return (struct str){NULL, 0};
    return str_slice(buf_str(&packs->pending), slot->offset - base,
                     slot->offset - base + ENTRY_HEADER + slot->stored);
}

bool pack_read_slot(struct packs *packs, const struct slot *slot, struct buf *bytes, struct entry *entry) {
    struct segment *segment = packs->segments[slot->segment];
    struct cache_key key = {(enum cache_category)slot->category, slot->digest};
    size_t n = ENTRY_HEADER + (size_t)slot->stored;
    uint64_t offset = slot->offset;
    struct str pending = pending_of(packs, slot);
    int result = 0;
    buf_clear(bytes);
    if (pending.p) {
        buf_add_str(bytes, pending);
    } else {
        segment->used = true;
        atomic_fetch_add(&segment->pins, 1);
        pthread_mutex_unlock(&packs->lock);
        buf_reserve(bytes, n);
        result = pack_read(packs, segment->fd, bytes->p, n, offset);
        bytes->n = result == 0 ? n : 0;
        pack_segment_unpin(packs, segment);
        pthread_mutex_lock(&packs->lock);
    }
    if (result < 0 && result != -ENODATA)
        packs->stats.failed++;
    return entry_open(buf_str(bytes), entry) && entry_size(entry) == bytes->n &&
           cache_key_equal(entry->key, key);
}

// The slot of a key may be another's place by now; only what was read from where it still points is forgotten.
static void found_damaged(struct packs *packs, struct cache_key key, const struct slot *read) {
    packs->stats.damaged++;
    struct slot *slot = pack_index_find(&packs->index, key);
    if (!slot || slot->segment != read->segment || slot->offset != read->offset || slot->time != read->time)
        return;
    if (packs->segments[slot->segment])
        packs->segments[slot->segment]->damaged = true;
    pack_slot_forget(packs, slot);
}

bool pack_fetch(struct packs *packs, struct cache_key key, struct buf *bytes, struct entry *entry) {
    struct slot *slot = pack_index_find(&packs->index, key);
    if (!slot || !pack_slot_valid(packs, slot)) {
        if (!pack_look_again(packs))
            return false;
        slot = pack_index_find(&packs->index, key);
        if (!slot || !pack_slot_valid(packs, slot))
            return false;
    }
    slot->uses = slot->uses < UINT8_MAX ? (uint8_t)(slot->uses + 1) : UINT8_MAX;
    struct slot read = *slot;
    if (pack_read_slot(packs, &read, bytes, entry))
        return true;
    found_damaged(packs, key, &read);
    return false;
}

static struct cache_value *unpack(struct packs *packs, const struct entry *entry, struct str payload) {
    struct cache_value *value = cache_value_new(entry->size, entry_made(entry));
    if (value && codec_unpack(packs->codec, entry, payload, value->bytes)) {
        value->tag = entry->tag;
        return value;
    }
    cache_value_drop(value);
    return NULL;
}

static struct cache_value *get(void *self, struct cache_key key) {
    struct packs *packs = self;
    struct buf bytes = BUF_INIT;
    struct entry entry;
    struct cache_value *value = NULL;
    pthread_mutex_lock(&packs->lock);
    bool fetched = pack_fetch(packs, key, &bytes, &entry);
    bool unknown = fetched && entry.dictionary && !codec_has(packs->codec, entry.dictionary);
    if (unknown)
        pack_look(packs, false); // its dictionary came after our last look
    pthread_mutex_unlock(&packs->lock);
    if (fetched)
        value = unpack(packs, &entry, str_from(buf_str(&bytes), ENTRY_HEADER));
    struct cache_counts *counts = &packs->stats.categories[key.category];
    pthread_mutex_lock(&packs->lock);
    counts->hits += value != NULL;
    counts->misses += value == NULL;
    counts->hit_bytes += value ? value->n : 0;
    if (fetched && !value) {
        struct slot *slot = pack_index_find(&packs->index, key);
        if (slot && slot->time == entry.time && pack_slot_valid(packs, slot))
            found_damaged(
                packs, key,
                &(struct slot){.segment = slot->segment, .offset = slot->offset, .time = slot->time});
    }
    pthread_mutex_unlock(&packs->lock);
    buf_release(&bytes);
    return value;
}

// Later than all that this process has seen, whatever the clock does.
static int64_t next_time(struct packs *packs) {
    int64_t now = packs->clock.wall(packs->clock.self);
    packs->last_time = now > packs->last_time ? now : packs->last_time + 1;
    return packs->last_time;
}

// `made`: the value, which another tier may have had for long. Of a mark it is of no use.
static bool append_sealed(struct packs *packs, struct entry *entry, int64_t made, char *bytes) {
    uint64_t offset;
    entry->time = next_time(packs);
    entry->age = made < entry->time ? entry->time - made : 0;
    entry_seal(entry, bytes);
    return pack_append(packs, entry, (struct str){bytes, entry_size(entry)}, &offset);
}

static bool put(void *self, struct cache_key key, struct cache_value *value) {
    struct packs *packs = self;
    if (packs->read_only || value->n > ENTRY_LARGEST)
        return false;
    char small[SMALL];
    size_t room = ENTRY_HEADER + codec_bound(value->n);
    char *bytes = room <= sizeof small ? small : malloc(room);
    if (!bytes)
        return false;
    struct entry entry = {.key = key, .tag = value->tag};
    codec_pack(packs->codec, (struct str){value->bytes, value->n}, &entry, bytes + ENTRY_HEADER);
    pthread_mutex_lock(&packs->lock);
    bool kept = append_sealed(packs, &entry, value->made, bytes);
    struct cache_counts *counts = &packs->stats.categories[key.category];
    counts->puts += kept;
    counts->put_bytes += kept ? value->n : 0;
    bool train = packs->untrained[key.category] >= train_after && !packs->trained[key.category] &&
                 codec_current(packs->codec, key.category) == 0;
    packs->trained[key.category] = packs->trained[key.category] || train;
    bool filled = packs->filled;
    packs->filled = false;
    pthread_mutex_unlock(&packs->lock);
    if (train)
        pack_train(packs, key.category);
    if (filled)
        packs_gc(packs, CLEAN_SLICE);
    if (bytes != small)
        free(bytes);
    return kept;
}

static void append_mark(struct packs *packs, struct cache_key key, enum entry_kind kind) {
    char bytes[ENTRY_HEADER] = {0};
    struct entry entry = {.key = key, .kind = kind};
    append_sealed(packs, &entry, INT64_MAX, bytes);
}

static void invalidate(void *self, struct cache_key key) {
    struct packs *packs = self;
    pthread_mutex_lock(&packs->lock);
    struct slot *slot = pack_index_find(&packs->index, key);
    if (slot && pack_slot_valid(packs, slot)) {
        packs->stats.categories[key.category].invalidated++;
        append_mark(packs, key, ENTRY_GONE);
        slot = pack_index_find(&packs->index, key);
        if (slot && pack_slot_valid(packs, slot)) // it could not be written: at least here
            pack_slot_forget(packs, slot);
    }
    pthread_mutex_unlock(&packs->lock);
}

static void clear(void *self, enum cache_category category) {
    struct packs *packs = self;
    pthread_mutex_lock(&packs->lock);
    for (size_t i = 0; i < packs->index.cap; i++) {
        const struct slot *slot = &packs->index.slots[i];
        if (slot->category == category && pack_slot_valid(packs, slot))
            packs->stats.categories[category].invalidated++;
    }
    append_mark(packs, (struct cache_key){.category = category}, ENTRY_CLEAR);
    packs->cleared[category] = packs->last_time;
    packs->untrained[category] = 0;
    pthread_mutex_unlock(&packs->lock);
}

static void flush(void *self) {
    struct packs *packs = self;
    pthread_mutex_lock(&packs->lock);
    pack_flush(packs);
    pthread_mutex_unlock(&packs->lock);
}

static void stats(void *self, struct cache_stats *out) {
    struct packs *packs = self;
    pthread_mutex_lock(&packs->lock);
    *out = packs->stats;
    out->cap = packs->cap;
    for (size_t i = 0; i < packs->segments_n; i++)
        out->bytes += packs->segments[i] ? packs->segments[i]->size : 0;
    out->bytes += packs->pending.n;
    for (size_t i = 0; i < packs->index.cap; i++) {
        const struct slot *slot = &packs->index.slots[i];
        if (!pack_slot_valid(packs, slot))
            continue;
        struct cache_held *held = &out->held[slot->category];
        held->entries++;
        held->bytes += slot->size;
        held->stored += ENTRY_HEADER + (uint64_t)slot->stored;
        out->entries++;
    }
    pthread_mutex_unlock(&packs->lock);
}

static void close_packs(void *self) {
    struct packs *packs = self;
    pack_flush(packs);
    pack_own_close(packs);
    for (size_t i = 0; i < packs->segments_n; i++)
        if (packs->segments[i])
            pack_segment_unpin(packs, packs->segments[i]);
    mem_free(packs->segments);
    pack_index_release(&packs->index);
    buf_release(&packs->pending);
    codec_free(packs->codec);
    pthread_mutex_destroy(&packs->lock);
    mem_free(packs);
}

void packs_refresh(struct packs *packs) {
    pthread_mutex_lock(&packs->lock);
    pack_look(packs, false);
    pthread_mutex_unlock(&packs->lock);
}

void packs_each(struct packs *packs, void (*see)(void *context, const struct packs_entry *entry),
                void *context) {
    pthread_mutex_lock(&packs->lock);
    for (size_t i = 0; i < packs->index.cap; i++) {
        const struct slot *slot = &packs->index.slots[i];
        if (!pack_slot_valid(packs, slot))
            continue;
        const struct packs_entry entry = {.key = {(enum cache_category)slot->category, slot->digest},
                                          .made = slot->time,
                                          .tag = slot->tag,
                                          .bytes = slot->size,
                                          .stored = ENTRY_HEADER + (uint64_t)slot->stored,
                                          .uses = slot->uses};
        see(context, &entry);
    }
    pthread_mutex_unlock(&packs->lock);
}

struct cache_tier packs_tier(struct packs *packs) {
    return (struct cache_tier){
        .self = packs,
        .kind = CACHE_PACKS,
        .get = get,
        .put = put,
        .invalidate = invalidate,
        .clear = clear,
        .flush = flush,
        .stats = stats,
        .close = close_packs,
    };
}
