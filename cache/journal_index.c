// SPDX-License-Identifier: MIT
#include "cache/journal_index.h"

#include "base/mem.h"
#include "cache/journal_format.h"

enum { SLOTS_FIRST = 64, RAW_EQUALS = 8 };

static inline uint32_t tag_of(uint64_t key) {
    return (uint32_t)(key >> 32);
}

static size_t slots_for(size_t n) { // at most three quarters full
    size_t slots = SLOTS_FIRST;
    while (slots / 4 * 3 < n)
        slots *= 2;
    return slots;
}

static void table_init(struct journal_table *table, size_t expected) {
    size_t slots = slots_for(expected);
    *table = (struct journal_table){.slots = MEM_NEW_ARRAY(struct journal_slot, slots), .mask = slots - 1};
}

static void table_add(struct journal_table *table, uint64_t key, uint32_t number) {
    size_t i = key & table->mask;
    while (table->slots[i].number)
        i = (i + 1) & table->mask;
    table->slots[i] = (struct journal_slot){.tag = tag_of(key), .number = number + 1};
    table->used++;
}

// Makes room for one more, from the items anew, which drops what is outdated.
static void table_grow(struct journal_index *index, struct journal_table *table, bool raws) {
    if (table->used < (table->mask + 1) / 4 * 3)
        return;
    mem_free(table->slots);
    table_init(table, index->items_n + index->items_n / 2 + 1);
    for (size_t i = 0; i < index->items_n; i++) {
        const struct journal_item *item = &index->items[i];
        if (!raws)
            table_add(table, item->path_key, (uint32_t)i);
        else if (item->live && item->raw_key)
            table_add(table, item->raw_key, (uint32_t)i);
    }
}

void journal_index_init(struct journal_index *index, size_t expected) {
    *index = (struct journal_index){.items_cap = expected};
    index->items = expected ? MEM_NEW_ARRAY(struct journal_item, expected) : NULL;
    table_init(&index->paths, expected);
    table_init(&index->raws, expected);
}

void journal_index_release(struct journal_index *index) {
    mem_free(index->items);
    mem_free(index->paths.slots);
    mem_free(index->raws.slots);
    *index = (struct journal_index){0};
}

size_t journal_index_bytes(const struct journal_index *index) {
    return index->items_cap * sizeof *index->items +
           (index->paths.mask + index->raws.mask + 2) * sizeof(struct journal_slot);
}

uint32_t journal_index_find(const struct journal_index *index, uint64_t path_key) {
    const struct journal_table *table = &index->paths;
    for (size_t i = path_key & table->mask; table->slots[i].number; i = (i + 1) & table->mask)
        if (table->slots[i].tag == tag_of(path_key) &&
            index->items[table->slots[i].number - 1].path_key == path_key)
            return table->slots[i].number - 1;
    return JOURNAL_NONE;
}

uint32_t journal_index_find_raw(const struct journal_index *index, uint64_t raw_key, size_t *at) {
    const struct journal_table *table = &index->raws;
    size_t i = *at == SIZE_MAX ? raw_key & table->mask : (*at + 1) & table->mask;
    for (; table->slots[i].number; i = (i + 1) & table->mask) {
        const struct journal_item *item = &index->items[table->slots[i].number - 1];
        if (table->slots[i].tag == tag_of(raw_key) && item->raw_key == raw_key && item->live) {
            *at = i;
            return table->slots[i].number - 1;
        }
    }
    return JOURNAL_NONE;
}

static void put_raw(struct journal_index *index, uint64_t raw_key, uint32_t number) {
    size_t at = SIZE_MAX;
    // Many equals would make each of them a walk along all the others.
    for (int i = 0; i < RAW_EQUALS; i++) {
        uint32_t other = journal_index_find_raw(index, raw_key, &at);
        if (other == JOURNAL_NONE)
            break;
        if (other == number || i == RAW_EQUALS - 1)
            return;
    }
    table_grow(index, &index->raws, true);
    table_add(&index->raws, raw_key, number);
}

uint32_t journal_index_put(struct journal_index *index, const struct journal_place *place) {
    uint64_t path_key = place->path_key, raw_key = place->raw_key;
    uint32_t number = journal_index_find(index, path_key);
    bool had_raw = false;
    if (number == JOURNAL_NONE) {
        number = (uint32_t)index->items_n;
        table_grow(index, &index->paths, false);
        MEM_GROW(index->items, index->items_cap, index->items_n + 1);
        index->items[index->items_n++] = (struct journal_item){.path_key = path_key};
        table_add(&index->paths, path_key, number);
    } else {
        had_raw = index->items[number].live && index->items[number].raw_key == raw_key;
        journal_index_remove(index, number);
    }
    struct journal_item *item = &index->items[number];
    item->raw_key = raw_key;
    item->unit = place->at / JOURNAL_UNIT & ((UINT64_C(1) << 38) - 1);
    item->units = place->size / JOURNAL_UNIT & UINT16_MAX;
    item->job = place->job;
    item->live = true;
    index->live++;
    index->live_bytes += place->size;
    if (raw_key && !had_raw)
        put_raw(index, raw_key, number);
    return number;
}

void journal_index_prefetch(const struct journal_index *index, uint64_t path_key, uint64_t raw_key) {
    __builtin_prefetch(&index->paths.slots[path_key & index->paths.mask], 1);
    __builtin_prefetch(&index->raws.slots[raw_key & index->raws.mask], 1);
}

void journal_index_remove(struct journal_index *index, uint32_t number) {
    struct journal_item *item = &index->items[number];
    if (!item->live)
        return;
    journal_index_leave(index, number, false);
    item->live = false;
    index->live--;
    index->live_bytes -= (uint64_t)item->units * JOURNAL_UNIT;
}

void journal_index_leave(struct journal_index *index, uint32_t number, bool left) {
    struct journal_item *item = &index->items[number];
    if (!item->live || item->left == left)
        return;
    item->left = left;
    if (left)
        index->left++;
    else
        index->left--;
}
