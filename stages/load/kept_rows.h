// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_KEPT_ROWS_H
#define PRESSRUN_STAGES_LOAD_KEPT_ROWS_H
/*
 * The rows of a query as bytes that can be kept and read again: integers, floats, text and none, little-endian.
 *
 *     4  columns        then of each: 4 bytes of length, the name
 *     8  rows           then of each row, of each column: a byte for the kind, and 8 bytes of an integer or float,
 *                       or 4 bytes of length and a text
 *
 * A writer owns its bytes. A reader borrows them; it has looked through all of them before it gives the first row, so
 * that bytes which are no rows are told while there is still another way. One thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "stages/record/value.h"

void kept_rows_begin(struct buf *out, const struct value *names, uint32_t n);
void kept_rows_add(struct buf *out, struct value value); // text, integer, float or none
void kept_rows_end(struct buf *out, uint64_t rows);

struct kept_rows {
    struct str rest;
    uint64_t left; // rows
    uint32_t columns;
    struct str names; // as written
};

bool kept_rows_open(struct kept_rows *kept, struct str bytes); // false: these are no rows
struct str kept_rows_name(struct kept_rows *kept);   // the next column's; as many times as there are columns
bool kept_rows_next(struct kept_rows *kept);         // to the next row; false: there is none
struct value kept_rows_take(struct kept_rows *kept); // the row's next value; text is borrowed

#endif
