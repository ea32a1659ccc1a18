// SPDX-License-Identifier: MIT
#include "stages/record/projection.h"

#include "base/mem.h"

static const struct projection everything = {.whole = true};

const struct projection *projection_find(const struct projection *p, struct str name) {
    if (p->whole)
        return p;
    for (size_t i = 0; i < p->n; i++)
        if (str_equal(p->children[i]->name, name))
            return p->children[i];
    if (p->bracketed && name.n >= 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
        return &everything;
    return NULL;
}

static void *keep(struct arena *arena, size_t size) {
    void *p = arena_zero(arena, size);
    if (!p)
        mem_fail(size);
    return p;
}

const struct projection *projection_of_elements(struct arena *arena, const struct projection *field,
                                                bool listed) {
    if (field->whole)
        return NULL;
    struct projection *p = keep(arena, sizeof *p);
    *p = *field;
    p->name = (struct str){NULL, 0};
    p->keys = listed ? field->element_keys : field->keys;
    p->element_keys = false;
    return p;
}

static const struct projection *child_named(const struct projection *p, struct str name) {
    for (size_t i = 0; i < p->n; i++)
        if (str_equal(p->children[i]->name, name))
            return p->children[i];
    return NULL;
}

static const struct projection *unite(struct arena *arena, const struct projection *a,
                                      const struct projection *b) {
    struct projection *p = keep(arena, sizeof *p);
    const struct projection **children = keep(arena, (a->n + b->n + 1) * sizeof(struct projection *));
    *p = (struct projection){.name = a->name,
                             .whole = a->whole || b->whole,
                             .keys = a->keys || b->keys,
                             .element_keys = a->element_keys || b->element_keys,
                             .bracketed = a->bracketed || b->bracketed,
                             .children = children};
    for (size_t i = 0; i < a->n; i++) {
        const struct projection *other = child_named(b, a->children[i]->name);
        children[p->n++] = other ? unite(arena, a->children[i], other) : a->children[i];
    }
    for (size_t i = 0; i < b->n; i++)
        if (!child_named(a, b->children[i]->name))
            children[p->n++] = b->children[i];
    return p;
}

const struct projection *projection_union(struct arena *arena, const struct projection *a,
                                          const struct projection *b) {
    return a && b && !a->whole && !b->whole ? unite(arena, a, b) : NULL;
}
