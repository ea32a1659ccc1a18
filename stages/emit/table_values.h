// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_TABLE_VALUES_H
#define PRESSRUN_STAGES_EMIT_TABLE_VALUES_H
/*
 * An output as a row of a table: a JSON object whose keys are the columns, or a plain text as the column `text`.
 * Made by the lanes, in parallel, and checked so far as one row can be checked without the table: what is found wrong
 * here, or refused by the table, fails one output.
 *
 * The row's values are NONE, BOOL, INT, FLOAT or STRING; integers beyond 64 bits are their digits, lists and objects
 * their JSON text, both as strings. Values and their names live in the arena given, and in the text.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "stages/emit/table_names.h"
#include "stages/record/reader.h"

enum { TABLE_COLUMNS_MAX = 2000, TABLE_TEXT_MAX = 1000000000 }; // SQLite's own limits as distributed

#define TABLE_KEY_COLUMN  "key"
#define TABLE_TEXT_COLUMN "text"

struct table_row {
    struct str key;            // the record's
    const struct shape *shape; // names of the columns, without `key`
    const struct value *values;
    size_t bytes; // of the output
};

// What makes rows; one per lane.
struct table_values {
    struct reader reader;
    const struct str *unique; // none: rows are told apart by `key`, which no output may have then
    size_t unique_n;
    const struct shape *checked; // a shared shape whose names are fine
    const struct shape *text;    // of rows that are a plain text
    struct table_names names;    // of the output being checked
    struct buf json;             // scratch
};

void table_values_init(struct table_values *v, struct shapes *shapes, const struct str *unique,
                       size_t unique_n);
void table_values_release(struct table_values *v);

// Sets shape and values; `text` must live as long as the row. The error is about the output alone and names no file.
enum status table_values_of_json(struct table_values *v, struct str text, struct arena *arena,
                                 struct table_row *row, struct err *err);
enum status table_values_of_text(struct table_values *v, struct str text, struct arena *arena,
                                 struct table_row *row, struct err *err);

#endif
