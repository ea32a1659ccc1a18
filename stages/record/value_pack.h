// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RECORD_VALUE_PACK_H
#define PRESSRUN_STAGES_RECORD_VALUE_PACK_H
/*
 * Values as bytes and back, for what does not fit in memory for a while: exact, so that a value that was away is the
 * same as one that was not. The bytes are for the program that wrote them, not for a file that outlives it.
 *
 * Immutable data only: no iterators, no objects. What is unpacked has its strings in the bytes, which must live as
 * long; all else is in the arena given. Any thread.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "stages/record/value.h"

void value_pack(struct buf *out, struct value v);

// Takes the next value off `rest`. False: these are no such bytes, or the arena is full.
bool value_unpack(struct str *rest, struct shapes *shapes, struct arena *arena, struct value *out);

#endif
