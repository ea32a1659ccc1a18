// SPDX-License-Identifier: MIT
#include "cache/journal_recipes.h"

#include "cache/journal_format.h"

enum { SLOTS_FIRST = 16 };

// Tables -------------------------------------------------------------------------------------------------------

static inline size_t first_slot(const struct journal_table *table, uint32_t tag) {
    return (size_t)((uint64_t)tag * UINT64_C(0x9E3779B97F4A7C15) >> 32) & table->mask;
}

static void table_init(struct journal_table *table, size_t slots) {
    *table = (struct journal_table){.slots = MEM_NEW_ARRAY(struct journal_slot, slots), .mask = slots - 1};
}

static void table_put(struct journal_table *table, struct journal_slot slot) {
    size_t i = first_slot(table, slot.tag);
    while (table->slots[i].number)
        i = (i + 1) & table->mask;
    table->slots[i] = slot;
    table->used++;
}

static void table_add(struct journal_table *table, uint32_t tag, size_t place) {
    if (table->used >= (table->mask + 1) / 4 * 3) {
        struct journal_table old = *table;
        table_init(table, (old.mask + 1) * 2);
        for (size_t i = 0; i <= old.mask; i++)
            if (old.slots[i].number)
                table_put(table, old.slots[i]);
        mem_free(old.slots);
    }
    table_put(table, (struct journal_slot){.tag = tag, .number = (uint32_t)place + 1});
}

// Finding ------------------------------------------------------------------------------------------------------

size_t journal_recipes_place(const struct journal_recipes *recipes, uint32_t id) {
    const struct journal_table *table = &recipes->ids;
    for (size_t i = first_slot(table, id); table->slots[i].number; i = (i + 1) & table->mask)
        if (table->slots[i].tag == id)
            return table->slots[i].number - 1;
    return SIZE_MAX;
}

const struct journal_kept_recipe *journal_recipes_find(const struct journal_recipes *recipes, uint32_t id) {
    size_t place = journal_recipes_place(recipes, id);
    return place == SIZE_MAX ? NULL : recipes->kept[place];
}

static uint32_t content_tag(struct str content) {
    return (uint32_t)digest_of(content).low;
}

const struct journal_kept_recipe *journal_recipes_equal(const struct journal_recipes *recipes,
                                                        struct str content) {
    const struct journal_table *table = &recipes->contents;
    uint32_t tag = content_tag(content);
    for (size_t i = first_slot(table, tag); table->slots[i].number; i = (i + 1) & table->mask) {
        const struct journal_kept_recipe *kept = recipes->kept[table->slots[i].number - 1];
        if (table->slots[i].tag == tag && str_equal(kept->content, content))
            return kept;
    }
    return NULL;
}

// Taking in ----------------------------------------------------------------------------------------------------

// The recipe is its job's latest now.
static void take_job(struct journal_recipes *recipes, size_t place) {
    struct journal_kept_recipe *kept = recipes->kept[place];
    struct journal_table *table = &recipes->jobs;
    uint32_t tag = (uint32_t)kept->job_key;
    recipes->live_bytes += kept->live_bytes;
    for (size_t i = first_slot(table, tag); table->slots[i].number; i = (i + 1) & table->mask) {
        struct journal_kept_recipe *other = recipes->kept[table->slots[i].number - 1];
        if (table->slots[i].tag == tag && str_equal(other->recipe.job, kept->recipe.job)) {
            recipes->live_bytes -= other->live_bytes;
            other->live_bytes = 0;
            table->slots[i].number = (uint32_t)place + 1;
            return;
        }
    }
    table_add(table, tag, place);
}

void journal_recipes_note(struct journal_recipes *recipes, uint32_t id) {
    if (id != JOURNAL_NONE && id > recipes->last_id)
        recipes->last_id = id;
}

void journal_recipes_take(struct journal_recipes *recipes, uint32_t id, struct str content, size_t bytes) {
    journal_recipes_note(recipes, id);
    if (id == JOURNAL_NONE || journal_recipes_find(recipes, id))
        return;
    const struct journal_kept_recipe *equal = journal_recipes_equal(recipes, content);
    if (equal) {
        table_add(&recipes->ids, id, journal_recipes_place(recipes, equal->recipe.id));
        return;
    }
    struct journal_kept_recipe *kept = journal_decode_content(content);
    if (!kept)
        return;
    kept->recipe.id = id;
    kept->live_bytes = bytes;
    MEM_GROW(recipes->kept, recipes->cap, recipes->n + 1);
    recipes->kept[recipes->n] = kept;
    table_add(&recipes->ids, id, recipes->n);
    table_add(&recipes->contents, content_tag(content), recipes->n);
    take_job(recipes, recipes->n++);
}

void journal_recipes_init(struct journal_recipes *recipes) {
    *recipes = (struct journal_recipes){0};
    table_init(&recipes->ids, SLOTS_FIRST);
    table_init(&recipes->contents, SLOTS_FIRST);
    table_init(&recipes->jobs, SLOTS_FIRST);
}

void journal_recipes_release(struct journal_recipes *recipes) {
    for (size_t i = 0; i < recipes->n; i++)
        mem_free(recipes->kept[i]);
    mem_free(recipes->kept);
    mem_free(recipes->ids.slots);
    mem_free(recipes->contents.slots);
    mem_free(recipes->jobs.slots);
    *recipes = (struct journal_recipes){0};
}
