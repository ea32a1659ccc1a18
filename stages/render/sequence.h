// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_SEQUENCE_H
#define PRESSRUN_STAGES_RENDER_SEQUENCE_H
/*
 * The objects that iterate: ranges, which hold three numbers until somebody walks them, and the views that
 * keys(), values() and items() of a map give, which print under their own name, have a length and no index.
 *
 * The operators of ops.h ask here about any VALUE_OBJECT; all but sequence_is answer false for other objects.
 */
#include <stdbool.h>
#include <stdint.h>

#include "stages/program/library.h"
#include "stages/record/value.h"

bool sequence_is(struct value v);
bool sequence_is_range(struct value v);
bool sequence_length(struct value v, int64_t *out);
bool sequence_items(struct call *call, struct value v, const struct value **items, uint32_t *n);
bool sequence_contains(struct value v, struct value member, bool *out); // ranges only, without walking them
// Ranges, and views as sets: what says whether elements are equal.
struct sequence_equality {
    bool (*equal)(void *self, struct value a, struct value b);
    void *self;
};
bool sequence_equal(struct value a, struct value b, const struct sequence_equality *elements);
struct value sequence_at(struct value v, int64_t index); // ranges only; MISSING beyond the end
// The part of a range that a slice with these bounds (as op_slice has clamped them) selects.
bool sequence_slice(struct call *call, struct value v, int64_t start, int64_t stop, int64_t step,
                    struct value *out);

bool sequence_new_range(struct call *call, int64_t start, int64_t stop, int64_t step, struct value *out);
// `name` is the view's type: "dict_keys", "dict_values", "dict_items".
bool sequence_new_view(struct call *call, const char *name, const struct value *items, uint32_t n,
                       struct value *out);
// The pairs of a map as tuples, n = map->shape->n; NULL after call_no_memory.
struct value *sequence_pairs(struct call *call, const struct map *map);

#endif
