// SPDX-License-Identifier: MIT
#include "stages/program/fields_values.h"

#include <string.h>

#include "base/mem.h"

enum { JOINS = 1024, VALUES_MOST = 200000 };

void abstracts_init(struct abstracts *x, struct arena *arena) {
    *x = (struct abstracts){.arena = arena, .index_mask = 255};
    x->index = MEM_NEW_ARRAY(abstract, x->index_mask + 1);
    x->joins = MEM_NEW_ARRAY(struct abstract_join, JOINS);
    static const struct abstract_value nothing = {.n = 0};
    MEM_GROW(x->values, x->cap, 1);
    x->values[x->n++] = &nothing;
}

void abstracts_release(struct abstracts *x) {
    mem_free(x->values);
    mem_free(x->index);
    mem_free(x->joins);
    mem_free(x->spilled);
}

static uint64_t mix(uint64_t h, uint64_t v) {
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static uint64_t hash_of(const uint64_t *entries, uint32_t n, uint32_t kinds, abstract elements) {
    uint64_t h = mix(kinds, elements);
    for (uint32_t i = 0; i < n; i++)
        h = mix(h, entries[i]);
    return h;
}

static bool is_value(const struct abstract_value *v, const uint64_t *entries, uint32_t n, uint32_t kinds,
                     abstract elements) {
    return v->n == n && v->kinds == kinds && v->elements == elements &&
           (n == 0 || memcmp(v->entries, entries, n * sizeof *entries) == 0);
}

static void grow_index(struct abstracts *x) {
    x->index_mask = 2 * x->index_mask + 1;
    mem_free(x->index);
    x->index = MEM_NEW_ARRAY(abstract, x->index_mask + 1);
    for (abstract v = 1; v < x->n; v++) {
        const struct abstract_value *a = x->values[v];
        size_t i = hash_of(a->entries, a->n, a->kinds, a->elements) & x->index_mask;
        while (x->index[i])
            i = (i + 1) & x->index_mask;
        x->index[i] = v;
    }
}

static abstract intern(struct abstracts *x, const uint64_t *entries, uint32_t n, uint32_t kinds,
                       abstract elements) {
    if (n == 0 && kinds == 0 && elements == 0)
        return ABSTRACT_NOTHING;
    size_t i = hash_of(entries, n, kinds, elements) & x->index_mask;
    for (; x->index[i]; i = (i + 1) & x->index_mask)
        if (is_value(x->values[x->index[i]], entries, n, kinds, elements))
            return x->index[i];
    if (x->n >= VALUES_MOST) {
        x->overflow = true;
        return ABSTRACT_NOTHING;
    }
    struct abstract_value *v = ARENA_NEW(x->arena, struct abstract_value);
    uint64_t *copy = ARENA_NEW_ARRAY(x->arena, uint64_t, n + 1);
    if (!v || !copy)
        mem_fail(sizeof *v);
    if (n)
        memcpy(copy, entries, n * sizeof *copy);
    *v = (struct abstract_value){n, kinds, elements, elements ? x->values[elements]->depth + 1 : 0, copy};
    MEM_GROW(x->values, x->cap, x->n + 1);
    x->values[x->n] = v;
    x->index[i] = (abstract)x->n++;
    if (x->n > x->index_mask / 2)
        grow_index(x);
    return (abstract)x->n - 1;
}

// ---- putting together

void build_entry(struct abstracts *x, struct abstract_build *b, uint64_t entry) {
    uint32_t i = b->n;
    while (i > 0 && b->entries[i - 1] > entry)
        i--;
    if (i > 0 && b->entries[i - 1] == entry)
        return;
    if (b->n == ABSTRACT_ENTRIES) {
        x->overflow = true;
        return;
    }
    memmove(b->entries + i + 1, b->entries + i, (b->n - i) * sizeof *b->entries);
    b->entries[i] = entry;
    b->n++;
}

static void add_elements(struct abstracts *x, struct abstract_build *b, abstract elements) {
    b->elements = b->elements ? abstract_join(x, b->elements, elements) : elements;
}

void build_add(struct abstracts *x, struct abstract_build *b, abstract v) {
    const struct abstract_value *a = x->values[v];
    for (uint32_t i = 0; i < a->n; i++)
        build_entry(x, b, a->entries[i]);
    // Two containers in one are a group, or a list, only where both are.
    uint32_t mixed = a->elements && b->elements ? (a->kinds ^ b->kinds) & (KIND_GROUP | KIND_LIST) : 0;
    b->kinds = (b->kinds | a->kinds) & ~mixed;
    if (a->elements)
        add_elements(x, b, a->elements);
}

static bool is_place(uint64_t entry) {
    return entry_kind(entry) == ENTRY_PLACE || entry_kind(entry) == ENTRY_ELEMENT;
}

// Many constants are just some text, as any is beside text, and many places are no longer told apart.
static void limit_entries(struct abstracts *x, struct abstract_build *b) {
    uint32_t constants = 0, places = 0, kept = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        constants += entry_kind(b->entries[i]) == ENTRY_CONSTANT;
        places += is_place(b->entries[i]);
    }
    bool text = constants > ABSTRACT_CONSTANTS || (constants && b->kinds & KIND_TEXT);
    bool top = places > ABSTRACT_PLACES || b->kinds & KIND_TOP;
    if (!text && !(top && places))
        return;
    if (top && places) {
        MEM_GROW(x->spilled, x->spilled_cap, x->spilled_n + 1);
        x->spilled[x->spilled_n++] = intern(x, b->entries, b->n, 0, 0);
    }
    for (uint32_t i = 0; i < b->n; i++)
        if (!(text && entry_kind(b->entries[i]) == ENTRY_CONSTANT) && !(top && is_place(b->entries[i])))
            b->entries[kept++] = b->entries[i];
    b->n = kept;
    b->kinds |= (text ? KIND_TEXT : 0) | (top ? KIND_TOP | KIND_ANY : 0);
}

abstract build_end(struct abstracts *x, struct abstract_build *b) {
    limit_entries(x, b);
    if (b->elements && x->values[b->elements]->depth >= ABSTRACT_DEPTH)
        x->overflow = true;
    return intern(x, b->entries, b->n, b->kinds, x->overflow ? 0 : b->elements);
}

abstract abstract_kinds(struct abstracts *x, uint32_t kinds) {
    return intern(x, NULL, 0, kinds, 0);
}

abstract abstract_entry(struct abstracts *x, enum abstract_entry kind, uint32_t a, abstract b) {
    uint64_t entry = abstract_pack(kind, a, b);
    return intern(x, &entry, 1, 0, 0);
}

abstract abstract_join(struct abstracts *x, abstract a, abstract b) {
    if (a == b || b == ABSTRACT_NOTHING)
        return a;
    if (a == ABSTRACT_NOTHING)
        return b;
    struct abstract_join *join = &x->joins[mix(a, b) % JOINS];
    if (join->a == a && join->b == b)
        return join->joined;
    struct abstract_build build = {.n = 0};
    build_add(x, &build, a);
    build_add(x, &build, b);
    abstract joined = build_end(x, &build);
    *join = (struct abstract_join){a, b, joined};
    return joined;
}

abstract abstract_list(struct abstracts *x, abstract elements, uint32_t kinds) {
    struct abstract_build b = {.kinds = kinds, .elements = elements};
    return build_end(x, &b);
}

abstract abstract_elements(struct abstracts *x, abstract v) {
    const struct abstract_value *a = x->values[v];
    struct abstract_build b = {.kinds = a->kinds & (KIND_TEXT | KIND_ANY | KIND_DATA)};
    for (uint32_t i = 0; i < a->n; i++) {
        uint64_t e = a->entries[i];
        switch (entry_kind(e)) {
        case ENTRY_PLACE: // the keys of a mapping, too, or the characters of a string
        case ENTRY_ELEMENT:
            build_entry(x, &b, abstract_pack(ENTRY_ELEMENT, entry_a(e), 0));
            b.kinds |= KIND_TEXT;
            break;
        case ENTRY_CONSTANT:
            b.kinds |= KIND_TEXT;
            break;
        case ENTRY_MACRO:
        case ENTRY_FUNCTION:
        case ENTRY_METHOD:
        case ENTRY_MODULE:
        case ENTRY_LOOP:
            break;
        }
    }
    if (a->elements)
        build_add(x, &b, a->elements);
    return build_end(x, &b);
}

abstract abstract_without_missing(struct abstracts *x, abstract v) {
    const struct abstract_value *a = x->values[v];
    return intern(x, a->entries, a->n, a->kinds & ~(uint32_t)KIND_MISSING, a->elements);
}

abstract abstract_data(struct abstracts *x, abstract v) {
    const struct abstract_value *a = x->values[v];
    struct abstract_build b = {.kinds = a->kinds & (KIND_GROUP | KIND_LIST), .elements = a->elements};
    for (uint32_t i = 0; i < a->n; i++)
        if (is_place(a->entries[i]))
            build_entry(x, &b, a->entries[i]);
    return build_end(x, &b);
}

abstract abstract_derived(struct abstracts *x, abstract v) {
    const struct abstract_value *a = x->values[v];
    const uint32_t lost = KIND_MISSING | KIND_GROUP;
    struct abstract_build b = {.kinds = a->kinds & ~lost};
    for (uint32_t i = 0; i < a->n; i++)
        if (entry_kind(a->entries[i]) == ENTRY_CONSTANT)
            b.kinds |= KIND_TEXT;
        else
            build_entry(x, &b, a->entries[i]);
    b.elements = abstract_join(x, a->elements, abstract_kinds(x, KIND_ANY));
    return build_end(x, &b);
}

bool abstract_is_number(const struct abstracts *x, abstract v) {
    const struct abstract_value *a = x->values[v];
    return a->n == 0 && (a->kinds & ~(uint32_t)KIND_MISSING) == KIND_NUMBER && !a->elements;
}

bool abstract_is_scalar(const struct abstracts *x, abstract v) {
    const struct abstract_value *a = x->values[v];
    for (uint32_t i = 0; i < a->n; i++)
        if (entry_kind(a->entries[i]) != ENTRY_CONSTANT)
            return false;
    return v != ABSTRACT_NOTHING && !a->elements &&
           !(a->kinds & ~(uint32_t)(KIND_NUMBER | KIND_TEXT | KIND_MISSING));
}

bool abstract_is_group(const struct abstracts *x, abstract v) {
    const struct abstract_value *a = x->values[v];
    return a->n == 0 && a->kinds & KIND_GROUP;
}

bool abstract_is_list(const struct abstracts *x, abstract v) {
    return x->values[v]->kinds & KIND_LIST;
}
