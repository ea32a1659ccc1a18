// SPDX-License-Identifier: MIT
#include "stages/program/fields_places.h"

#include "base/mem.h"

enum { SAME_NAMES = 2 }; // a name within itself that often is a tree that is walked

static size_t slot_of(const struct fields *f, uint32_t parent, struct str name) {
    uint64_t h = (uint64_t)parent * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 0x100000001b3u;
    size_t i = (size_t)(h ^ h >> 32) & f->index_mask;
    for (; f->index[i]; i = (i + 1) & f->index_mask) {
        const struct place *p = &f->places[f->index[i] - 1];
        if (p->parent == parent && str_equal(p->name, name))
            break;
    }
    return i;
}

static void grow_index(struct fields *f) {
    mem_free(f->index);
    f->index_mask = f->index_mask ? 2 * f->index_mask + 1 : 63;
    f->index = MEM_NEW_ARRAY(uint32_t, f->index_mask + 1);
    for (size_t i = 0; i < f->places_n; i++)
        f->index[slot_of(f, f->places[i].parent, f->places[i].name)] = (uint32_t)i + 1;
}

static uint32_t add_place(struct fields *f, uint32_t parent, struct str name) {
    if (parent != PLACE_NONE)
        name = arena_str(&f->arena, name);
    if (parent != PLACE_NONE && !name.p)
        mem_fail(1);
    MEM_GROW(f->places, f->places_cap, f->places_n + 1);
    uint32_t at = (uint32_t)f->places_n++;
    f->places[at] =
        (struct place){.name = name,
                       .parent = parent,
                       .first = PLACE_NONE,
                       .last = PLACE_NONE,
                       .next = PLACE_NONE,
                       .depth = parent == PLACE_NONE ? 0 : (uint16_t)(f->places[parent].depth + 1)};
    if (parent != PLACE_NONE) {
        struct place *above = &f->places[parent];
        if (above->first == PLACE_NONE)
            above->first = at;
        else
            f->places[above->last].next = at;
        above->last = at;
    }
    return at;
}

struct fields *fields_new(const struct library *library) {
    struct fields *f = MEM_NEW(struct fields);
    f->library = library;
    arena_init(&f->arena, 0);
    add_place(f, PLACE_NONE, (struct str){NULL, 0});
    grow_index(f);
    return f;
}

void fields_free(struct fields *f) {
    if (!f)
        return;
    mem_free(f->places);
    mem_free(f->index);
    mem_free(f->sites);
    mem_free(f->seen);
    arena_release(&f->arena);
    mem_free(f);
}

uint32_t places_find(const struct fields *f, uint32_t parent, struct str name) {
    size_t i = slot_of(f, parent, name);
    return f->index[i] ? f->index[i] - 1 : PLACE_NONE;
}

static bool is_walked(const struct fields *f, uint32_t parent, struct str name) {
    int same = 0;
    for (uint32_t p = parent; p != PLACE_NONE; p = f->places[p].parent)
        same += p != PLACE_ROOT && str_equal(f->places[p].name, name);
    return same >= SAME_NAMES || f->places[parent].depth >= PLACES_DEPTH;
}

uint32_t places_child(struct fields *f, uint32_t parent, struct str name) {
    size_t i = slot_of(f, parent, name);
    if (f->index[i])
        return f->index[i] - 1;
    if (is_walked(f, parent, name)) {
        places_read(f, parent, PLACE_WHOLE | PLACE_VALUE);
        return parent;
    }
    if (f->places_n >= PLACES_MOST) {
        f->everything = true;
        return PLACE_NONE;
    }
    uint32_t place = add_place(f, parent, name);
    f->index[i] = place + 1;
    if (2 * f->places_n > f->index_mask)
        grow_index(f);
    return place;
}

void fields_add_all(struct fields *f, const struct fields *other) {
    uint32_t *to = MEM_NEW_ARRAY(uint32_t, other->places_n);
    f->everything |= other->everything;
    f->bracketed |= other->bracketed;
    for (size_t i = 0; i < other->places_n && !f->everything; i++) { // parents come first
        const struct place *p = &other->places[i];
        to[i] = p->parent == PLACE_NONE ? PLACE_ROOT : places_child(f, to[p->parent], p->name);
        if (to[i] != PLACE_NONE)
            places_read(f, to[i], p->read);
    }
    for (size_t i = 0; i < other->sites_n && !f->everything; i++) {
        MEM_GROW(f->sites, f->sites_cap, f->sites_n + 1);
        f->sites[f->sites_n] = other->sites[i];
        f->sites[f->sites_n++].place = to[other->sites[i].place];
    }
    mem_free(to);
}
