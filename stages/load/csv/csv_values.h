// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_CSV_CSV_VALUES_H
#define PRESSRUN_STAGES_LOAD_CSV_CSV_VALUES_H
/*
 * One record of CSV to a map of values.
 *
 * A column is text, a slice of the record's bytes, unless it has a type. Of a type, blanks (spaces and tabs) around
 * the value do not count, and nothing is none:
 *
 *     integer   digits, with a sign or without; leading zeros do not count. Beyond int64 the digits are kept
 *     number    an integer where it is written as one, else a decimal with point or exponent: a double
 *     boolean   true, yes, 1; false, no, 0; in any case
 *     json      a JSON text, read as records of JSON lines are
 *
 * What fails the record: too few or too many fields, a quoted field that goes on behind its closing quote or has
 * none, NUL, invalid UTF-8, a value that is not of its type. Fields that the projection leaves out are checked too.
 *
 * Threads: any number, each with its own reader and batch.
 */
#include "stages/load/csv/csv_columns.h"
#include "stages/load/loader.h"

// Sets item->record or fails the item. CSV_PAD bytes behind item->raw can be read.
void csv_values_parse(const struct loader *loader, struct csv_columns *columns, char delimiter,
                      struct reader *reader, struct batch *batch, struct item *item);

#endif
