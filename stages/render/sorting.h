// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_SORTING_H
#define PRESSRUN_STAGES_RENDER_SORTING_H
/*
 * Stable sorting by keys, and the keys that filters take from elements: `attribute='a.b'`, ignoring case.
 */
#include <stdbool.h>
#include <stdint.h>

#include "stages/program/library.h"
#include "stages/record/value.h"

// Sorts items and (where it is another array) keys in step. False after call_fail: keys without an order.
// SORTING_EQUAL_FIRST: equal keys need no order, as where Python compares lists of keys.
enum { SORTING_REVERSE = 1, SORTING_EQUAL_FIRST = 2 };
bool sorting_sort(struct call *call, struct value *items, struct value *keys, uint32_t n, unsigned how);

// What `attribute` names: parts separated by dots, digits are positions; several names separated by commas give
// a list of values where `several`.
struct sorting_getter {
    const struct value *attribute; // NULL: the element itself
    const struct value *otherwise; // for an undefined part; NULL: stays undefined
    bool fold;                     // strings in lower case
    bool several;
};

bool sorting_get(struct call *call, const struct sorting_getter *getter, struct value v, struct value *out);
// An array of n keys in the arena.
bool sorting_keys(struct call *call, const struct sorting_getter *getter, const struct value *items,
                  uint32_t n, struct value **out);
// The same by calling a function with each element.
bool sorting_invoke_keys(struct call *call, struct value function, const struct value *items, uint32_t n,
                         struct value **out);

#endif
