// SPDX-License-Identifier: MIT
#include "stages/load/joins/join_index.h"

#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "stages/load/joins/join_spill.h"
#include "stages/record/value_pack.h"

enum { USUAL_BYTES = 256 << 20, FIRST_SLOTS = 1024, KEY_WITHIN = 16 };

struct node {            // a record
    struct node *before; // of the same key
    struct value record;
    uint64_t place;
};

// One cache line, so that adding a record to a key that is far away in memory costs one way there: short keys are within,
// and the key's last record is not looked at.
struct group {
    uint64_t hash;
    uint32_t n, key_n;
    union {
        char within[KEY_WITHIN]; // key_n up to that
        const char *far;
    } key;
    struct node *last;
    uint64_t place;     // of the first record
    struct value found; // when all are added
};
_Static_assert(sizeof(struct group) == 64, "a group is a cache line");

struct join_index {
    struct join_index_options options;
    struct arena arena; // keys, nodes, records, lists
    struct group *groups;
    size_t groups_n, groups_cap;
    uint32_t *slots; // place in groups + 1; linear probing
    size_t slots_n;  // a power of two
    struct join_spill *spill;
    struct buf packed;
    struct list nothing;
    uint64_t records, repeated, keys;
    atomic_uchar *seen; // by key: looked up; 2: more than once
};

struct join_index *join_index_new(const struct join_index_options *options) {
    struct join_index *index = MEM_NEW(struct join_index);
    index->options = *options;
    if (index->options.most == 0)
        index->options.most = USUAL_BYTES;
    arena_init(&index->arena, 0);
    return index;
}

static void forget_memory(struct join_index *index) {
    arena_release(&index->arena);
    arena_init(&index->arena, 0);
    mem_free(index->groups);
    mem_free(index->slots);
    index->groups = NULL;
    index->slots = NULL;
    index->groups_n = index->groups_cap = index->slots_n = 0;
}

void join_index_free(struct join_index *index) {
    if (!index)
        return;
    forget_memory(index);
    arena_release(&index->arena);
    join_spill_close(index->spill);
    buf_release(&index->packed);
    mem_free(index->seen);
    mem_free(index);
}

// In memory --------------------------------------------------------------------------------------------------

static struct str key_of(const struct group *group) {
    return (struct str){group->key_n <= KEY_WITHIN ? group->key.within : group->key.far, group->key_n};
}

static uint32_t *slot_of(const struct join_index *index, struct str key, uint64_t hash) {
    size_t i = hash & (index->slots_n - 1);
    for (; index->slots[i]; i = (i + 1) & (index->slots_n - 1)) {
        const struct group *group = &index->groups[index->slots[i] - 1];
        if (group->hash == hash && str_equal(key_of(group), key))
            break;
    }
    return &index->slots[i];
}

static void grow_slots(struct join_index *index) {
    mem_free(index->slots);
    index->slots_n = index->slots_n ? index->slots_n * 2 : FIRST_SLOTS;
    index->slots = MEM_NEW_ARRAY(uint32_t, index->slots_n);
    for (size_t g = 0; g < index->groups_n; g++)
        *slot_of(index, key_of(&index->groups[g]), index->groups[g].hash) = (uint32_t)g + 1;
}

// NULL: there is no memory.
static struct group *group_of(struct join_index *index, struct str key) {
    if (index->groups_n * 2 >= index->slots_n)
        grow_slots(index);
    const uint64_t hash = digest_of(key).low;
    uint32_t *slot = slot_of(index, key, hash);
    if (*slot)
        return &index->groups[*slot - 1];
    struct group made = {.hash = hash, .key_n = (uint32_t)key.n};
    if (key.n <= KEY_WITHIN)
        memcpy(made.key.within, key.n ? key.p : "", key.n);
    else
        made.key.far = arena_str(&index->arena, key).p;
    if ((key.n > KEY_WITHIN && !made.key.far) || index->groups_n >= UINT32_MAX - 1)
        return NULL;
    MEM_GROW(index->groups, index->groups_cap, index->groups_n + 1);
    struct group *group = &index->groups[index->groups_n++];
    *group = made;
    *slot = (uint32_t)index->groups_n;
    return group;
}

static bool add_to_group(struct join_index *index, struct group *group, uint64_t place, struct value record) {
    struct node *node = ARENA_NEW(&index->arena, struct node);
    if (!node || !value_copy(&index->arena, record, &node->record))
        return false;
    node->place = place;
    node->before = group->last;
    group->last = node;
    if (group->n++ == 0)
        group->place = place;
    return true;
}

static bool is_over(const struct join_index *index) {
    const size_t tables = index->groups_cap * sizeof *index->groups + index->slots_n * sizeof *index->slots;
    return arena_used(&index->arena) + tables > index->options.most;
}

static enum status no_memory(const struct join_index *index, struct err *err) {
    return err_set(err, STATUS_MEMORY, "%.*s: no memory for its records by key",
                   STR_ARG(index->options.name));
}

// In the temporary table ---------------------------------------------------------------------------------------

static enum status add_spilled(struct join_index *index, struct str key, uint64_t place, struct value record,
                               struct err *err) {
    buf_clear(&index->packed);
    value_pack(&index->packed, record);
    return join_spill_add(index->spill, key, place, buf_str(&index->packed), err);
}

static enum status spill(struct join_index *index, struct err *err) {
    enum status status = join_spill_open(index->options.name, index->options.interrupt, &index->spill, err);
    for (size_t g = 0; status == STATUS_OK && g < index->groups_n; g++)
        for (const struct node *node = index->groups[g].last; status == STATUS_OK && node;
             node = node->before)
            status = add_spilled(index, key_of(&index->groups[g]), node->place, node->record, err);
    forget_memory(index);
    return status;
}

static enum status find_spilled(struct join_index *index, struct str key, struct arena *arena,
                                struct value *out, uint64_t *number, struct err *err) {
    struct join_spilled found;
    if (join_spill_find(index->spill, key, arena, &found, err) != STATUS_OK)
        return err->status;
    *number = found.n ? found.number : UINT64_MAX;
    if (found.n == 0)
        return STATUS_OK;
    struct list *list = list_new(arena, found.n);
    bool fine = list != NULL;
    for (uint32_t i = 0; fine && i < found.n; i++)
        fine = value_unpack(&found.packed, index->options.shapes, arena, &list->items[i]);
    if (!fine)
        return no_memory(index, err);
    *out = index->options.one ? list->items[0] : value_list(list);
    return STATUS_OK;
}

// ------------------------------------------------------------------------------------------------------------

enum status join_index_add(struct join_index *index, struct str key, struct value record, struct err *err) {
    const uint64_t place = index->records++;
    if (index->spill)
        return add_spilled(index, key, place, record, err);
    struct group *group = group_of(index, key);
    if (!group)
        return no_memory(index, err);
    if (index->options.one && group->n > 0) {
        index->repeated++;
        return STATUS_OK;
    }
    if (!add_to_group(index, group, place, record))
        return no_memory(index, err);
    return is_over(index) ? spill(index, err) : STATUS_OK;
}

static bool end_group(struct join_index *index, struct group *group) {
    if (index->options.one) {
        group->found = group->last->record; // the only one
        return true;
    }
    struct list *list = list_new(&index->arena, group->n);
    if (!list)
        return false;
    uint32_t i = group->n;
    for (const struct node *node = group->last; node; node = node->before)
        list->items[--i] = node->record;
    group->found = value_list(list);
    return true;
}

enum status join_index_end(struct join_index *index, struct err *err) {
    index->keys = index->groups_n;
    if (index->spill) {
        uint64_t repeated = 0;
        if (join_spill_end(index->spill, index->options.one, &index->keys, &repeated, err) != STATUS_OK)
            return err->status;
        index->repeated += repeated;
    }
    for (size_t g = 0; g < index->groups_n; g++)
        if (!end_group(index, &index->groups[g]))
            return no_memory(index, err);
    index->records -= index->repeated;
    index->seen = MEM_NEW_ARRAY(atomic_uchar, index->keys + 1);
    return STATUS_OK;
}

// Who looks up a key that others do at the same time writes what they would.
static void mark(struct join_index *index, uint64_t number) {
    atomic_uchar *seen = &index->seen[number];
    const unsigned char before = atomic_load_explicit(seen, memory_order_relaxed);
    if (before < 2)
        atomic_fetch_add_explicit(seen, 1, memory_order_relaxed);
}

enum status join_index_find(struct join_index *index, struct str key, struct arena *arena, struct value *out,
                            struct err *err) {
    uint64_t number = UINT64_MAX;
    *out = index->options.one ? value_none() : value_list(&index->nothing);
    if (!key.p)
        return STATUS_OK;
    if (index->spill) {
        if (find_spilled(index, key, arena, out, &number, err) != STATUS_OK)
            return err->status;
    } else if (index->groups_n > 0) {
        const uint32_t slot = *slot_of(index, key, digest_of(key).low);
        number = slot ? slot - 1 : UINT64_MAX;
        if (slot)
            *out = index->groups[number].found;
    }
    if (number != UINT64_MAX)
        mark(index, number);
    return STATUS_OK;
}

// Figures ------------------------------------------------------------------------------------------------------

struct counting {
    const struct join_index *index;
    struct join_figures *figures;
    struct arena *arena;
    struct str *example;
    uint64_t place; // of the example's first record
};

static bool count_key(void *context, uint64_t number, struct str key, uint64_t place, uint32_t n) {
    struct counting *c = context;
    const unsigned char seen = atomic_load_explicit(&c->index->seen[number], memory_order_relaxed);
    c->figures->found_again += seen > 1;
    if (seen > 0)
        return true;
    c->figures->lost++;
    c->figures->lost_records += n;
    if (!c->example->p || place < c->place) {
        *c->example = arena_str(c->arena, key);
        c->place = place;
    }
    return true;
}

void join_index_figures(struct join_index *index, struct join_figures *figures, struct arena *arena,
                        struct str *example) {
    struct counting c = {.index = index, .figures = figures, .arena = arena, .example = example};
    *example = (struct str){NULL, 0};
    *figures =
        (struct join_figures){.records = index->records, .keys = index->keys, .repeated = index->repeated};
    if (!index->seen) // it was not brought to its end
        return;
    if (index->spill) {
        figures->spilled = join_spill_bytes(index->spill);
        join_spill_each(index->spill, count_key, &c);
    }
    for (size_t g = 0; g < index->groups_n; g++)
        count_key(&c, g, key_of(&index->groups[g]), index->groups[g].place, index->groups[g].n);
}
