// SPDX-License-Identifier: MIT
#include "base/mem.h"
#include "cache/packs_private.h"

enum { FIRST_SLOTS = 256 };

void pack_index_release(struct pack_index *index) {
    mem_free(index->slots);
    *index = (struct pack_index){0};
}

static struct slot *place_of(const struct pack_index *index, struct cache_key key) {
    size_t at = (size_t)(key.digest.low + (uint64_t)key.category * 0x9e3779b97f4a7c15u) & (index->cap - 1);
    for (;; at = (at + 1) & (index->cap - 1)) {
        struct slot *slot = &index->slots[at];
        if (!slot->full || (slot->category == key.category && digest_equal(slot->digest, key.digest)))
            return slot;
    }
}

static bool is_forgotten(const struct slot *slot) {
    return slot->segment == PACK_NO_SEGMENT;
}

// Makes room for one more; forgotten slots go on the way.
static void grow(struct pack_index *index) {
    size_t kept = 0;
    for (size_t i = 0; i < index->cap; i++)
        kept += index->slots[i].full && !is_forgotten(&index->slots[i]);
    size_t cap = FIRST_SLOTS;
    while (cap < (kept + 1) * 2)
        cap *= 2;
    struct pack_index grown = {.slots = MEM_NEW_ARRAY(struct slot, cap), .cap = cap};
    for (size_t i = 0; i < index->cap; i++) {
        const struct slot *slot = &index->slots[i];
        if (!slot->full || is_forgotten(slot))
            continue;
        struct cache_key key = {(enum cache_category)slot->category, slot->digest};
        *place_of(&grown, key) = *slot;
        grown.n++;
    }
    mem_free(index->slots);
    *index = grown;
}

struct slot *pack_index_find(const struct pack_index *index, struct cache_key key) {
    if (index->cap == 0)
        return NULL;
    struct slot *slot = place_of(index, key);
    return slot->full ? slot : NULL;
}

static void bury(struct packs *packs, int32_t segment, size_t bytes) {
    if (segment != PACK_NO_SEGMENT && packs->segments[segment])
        packs->segments[segment]->dead += bytes;
}

static void clear_category(struct packs *packs, const struct entry *entry, int32_t segment) {
    enum cache_category category = entry->key.category;
    if (entry->time < packs->cleared[category])
        return;
    packs->cleared[category] = entry->time;
    packs->cleared_segment[category] = segment;
    for (size_t i = 0; i < packs->index.cap; i++) {
        struct slot *slot = &packs->index.slots[i];
        if (slot->full && slot->category == category && slot->time <= entry->time && !is_forgotten(slot))
            pack_slot_forget(packs, slot);
    }
}

void pack_index_add(struct packs *packs, const struct entry *entry, int32_t segment, uint64_t offset) {
    if (entry->time > packs->last_time)
        packs->last_time = entry->time;
    if (entry->kind == ENTRY_CLEAR) {
        clear_category(packs, entry, segment);
        return;
    }
    if (entry->kind == ENTRY_DICTIONARY || entry->time <= packs->cleared[entry->key.category]) {
        bury(packs, segment, entry_size(entry));
        return;
    }
    struct pack_index *index = &packs->index;
    if ((index->n + 1) * 3 > index->cap * 2)
        grow(index);
    struct slot *slot = place_of(index, entry->key);
    if (slot->full && !is_forgotten(slot)) {
        if (slot->time > entry->time || (slot->time == entry->time && slot->segment == segment)) {
            bury(packs, segment, entry_size(entry));
            return;
        }
        bury(packs, slot->segment, ENTRY_HEADER + (size_t)slot->stored);
    }
    index->n += !slot->full;
    *slot = (struct slot){
        .digest = entry->key.digest,
        .time = entry->time,
        .segment = segment,
        .offset = (uint32_t)offset,
        .stored = entry->stored,
        .size = entry->size,
        .tag = entry->tag,
        .category = (uint8_t)entry->key.category,
        .kind = (uint8_t)entry->kind,
        .full = true,
    };
    packs->untrained[entry->key.category] += entry->kind == ENTRY_ZSTD && entry->dictionary == 0;
}

bool pack_slot_valid(const struct packs *packs, const struct slot *slot) {
    return slot->full && !is_forgotten(slot) && slot->kind != ENTRY_GONE &&
           slot->time > packs->cleared[slot->category];
}

void pack_slot_forget(struct packs *packs, struct slot *slot) {
    if (is_forgotten(slot))
        return;
    bury(packs, slot->segment, ENTRY_HEADER + (size_t)slot->stored);
    slot->segment = PACK_NO_SEGMENT;
    slot->time = 0;
}
