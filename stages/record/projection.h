// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RECORD_PROJECTION_H
#define PRESSRUN_STAGES_RECORD_PROJECTION_H
/*
 * Which fields of a record are wanted: a tree of names. A node that is `whole` wants all below it. A list is
 * transparent: the projection of a field applies to each element of the list it holds.
 *
 * Where a mapping's `keys` are wanted it keeps all of them, in order, those of its fields that are not wanted with
 * none as their value; so how many there are, whether there are any, and which, is as it was. `element_keys` says
 * the same of mappings that are elements of the list that the field holds, at whatever depth.
 *
 * Immutable once built; read by many threads.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

struct projection {
    struct str name; // of the root: {NULL, 0}
    bool whole, keys, element_keys;
    bool bracketed; // fields whose names are in brackets, as "[NAME]", are wanted whole
    const struct projection *const *children;
    size_t n;
};

// What is wanted of a field: a node, or NULL where the field is not wanted at all.
const struct projection *projection_find(const struct projection *p, struct str name);

// What is wanted of records that a field's mapping, or its list's elements, are to be; NULL: everything. In `arena`, with
// the nodes of `field` below it.
const struct projection *projection_of_elements(struct arena *arena, const struct projection *field,
                                                bool listed);
// What either wants of a record; NULL is everything. In `arena`, with nodes of both below it.
const struct projection *projection_union(struct arena *arena, const struct projection *a,
                                          const struct projection *b);

#endif
