// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RECORD_PROJECTION_H
#define PRESSRUN_STAGES_RECORD_PROJECTION_H
/*
 * Which fields of a record are wanted: a tree of names. A node that is `whole` wants all below it. A list is
 * transparent: the projection of a field applies to each element of the list it holds.
 *
 * Immutable once built; read by many threads.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct projection {
    struct str name; // of the root: {NULL, 0}
    bool whole;
    const struct projection *const *children;
    size_t n;
};

// What is wanted of a field: a node, or NULL where the field is not wanted at all.
const struct projection *projection_find(const struct projection *p, struct str name);

#endif
