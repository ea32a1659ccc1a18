// SPDX-License-Identifier: MIT
#include "stages/emit/table_names.h"

#include "base/mem.h"
#include "stages/record/sqlite_names.h"
#include "stages/record/value.h"

enum {
    SLOTS_MIN = 64,
    WISHES = 4096, // names in them, and
    WISHES_BYTES = 4 << 20,
};

// The set --------------------------------------------------------------------------------------------------------

static uint64_t hash_of(struct table_names *names, struct str name) {
    buf_clear(&names->lower);
    buf_add_str(&names->lower, name);
    for (size_t i = 0; i < names->lower.n; i++)
        if (names->lower.p[i] >= 'A' && names->lower.p[i] <= 'Z')
            names->lower.p[i] = (char)(names->lower.p[i] - 'A' + 'a');
    return shape_hash(buf_str(&names->lower));
}

// Where the name is, or would be.
static uint32_t *slot_of(struct table_names *names, struct str name) {
    size_t at = (size_t)hash_of(names, name) & (names->slots_n - 1);
    while (names->slots[at] && !sqlite_names_equal(names->names[names->slots[at] - 1], name))
        at = (at + 1) & (names->slots_n - 1);
    return &names->slots[at];
}

size_t table_names_find(struct table_names *names, struct str name) {
    uint32_t number = names->n > 0 ? *slot_of(names, name) : 0;
    return number ? number - 1 : TABLE_NAME_NONE;
}

static void grow(struct table_names *names) {
    mem_free(names->slots);
    names->slots_n = names->slots_n ? names->slots_n * 2 : SLOTS_MIN;
    names->slots = MEM_NEW_ARRAY(uint32_t, names->slots_n);
    for (size_t i = 0; i < names->n; i++)
        *slot_of(names, names->names[i]) = (uint32_t)i + 1;
}

size_t table_names_add(struct table_names *names, struct str name) {
    if ((names->n + 1) * 2 > names->slots_n)
        grow(names);
    *slot_of(names, name) = (uint32_t)names->n + 1;
    MEM_GROW(names->names, names->cap, names->n + 1);
    names->names[names->n] = name;
    return names->n++;
}

void table_names_clear(struct table_names *names) {
    if (names->n > 0)
        memset(names->slots, 0, names->slots_n * sizeof *names->slots);
    names->n = 0;
}

void table_names_release(struct table_names *names) {
    mem_free(names->names);
    mem_free(names->slots);
    buf_release(&names->lower);
}

// Wishes ---------------------------------------------------------------------------------------------------------

void table_wishes_init(struct table_wishes *wishes) {
    *wishes = (struct table_wishes){0};
    arena_init(&wishes->arena, WISHES_BYTES);
}

void table_wishes_add(struct table_wishes *wishes, const struct shape *shape) {
    if (shape == wishes->seen || wishes->names.n + shape->n > WISHES)
        return;
    size_t before = wishes->names.n;
    for (uint32_t i = 0; i < shape->n; i++) {
        struct str name = value_str(shape->keys[i]);
        if (table_names_find(&wishes->names, name) != TABLE_NAME_NONE)
            continue;
        struct str text = arena_str(&wishes->arena, name);
        if (!text.p) // the group is a part of one then, which is as good as none
            break;
        table_names_add(&wishes->names, text);
    }
    wishes->seen = shape->shared ? shape : NULL; // the address of another one says nothing
    if (wishes->names.n == before)
        return;
    MEM_GROW(wishes->ends, wishes->ends_cap, wishes->ends_n + 1);
    wishes->ends[wishes->ends_n++] = wishes->names.n;
}

void table_wishes_clear(struct table_wishes *wishes) {
    table_names_clear(&wishes->names);
    arena_clear(&wishes->arena);
    wishes->ends_n = 0;
    wishes->seen = NULL;
}

void table_wishes_release(struct table_wishes *wishes) {
    table_names_release(&wishes->names);
    arena_release(&wishes->arena);
    mem_free(wishes->ends);
}
