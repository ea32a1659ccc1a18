// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RECORD_VALUE_JSON_H
#define PRESSRUN_STAGES_RECORD_VALUE_JSON_H
/*
 * Scalars as JSON text, the same wherever one is written: as a template's, or in a column of a table. Strings are not
 * among them, whose escapes differ (buf_add_json has the plain ones), nor are containers, whose layout does.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "stages/record/value.h"

// Adds none, a boolean or a number; numbers that JSON does not have are NaN, Infinity and -Infinity, which data never
// are. False: it is nothing of that, and nothing is added.
bool value_json_add_scalar(struct buf *out, struct value v);

#endif
