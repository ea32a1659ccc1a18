// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_VALUES_H
#define PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_VALUES_H
/*
 * A row of a SQLite statement as a record: integers, floats, text and NULL (none) as they are stored; a BLOB, or text
 * that is not UTF-8 or has a NUL, fails the record. SQLite hands out one value at a time and forgets it at the next row,
 * so the row is copied into the batch's arena. Text of columns that are not wanted is checked, but not copied: none is in
 * its place.
 *
 * All rows share one shape, unless they have more columns than shapes are shared for: then each batch has its own, which
 * lives as long as the records do.
 *
 * The columns are owned by who took them, and do not change; any number of threads may read rows into batches of their
 * own.
 */
#include <sqlite3.h>

#include "stages/load/kept_rows.h"
#include "stages/load/loader.h"

struct sqlite_columns {
    const struct shape *shape; // shared; NULL: each batch makes a private one of `names`
    struct value *names;       // owned, n strings
    struct arena arena;        // their text
    bool *wanted;              // owned, n
    uint32_t n, wanted_n;
};

// Of a statement, or where there is none, of what is kept.
enum status sqlite_columns_take(struct sqlite_columns *columns, const struct load_options *options,
                                sqlite3_stmt *rows, struct kept_rows *kept, struct err *err);
void sqlite_columns_release(struct sqlite_columns *columns);
// For all rows of a batch; NULL: no memory.
const struct shape *sqlite_columns_shape(const struct sqlite_columns *columns, struct arena *arena);

struct sqlite_row {
    const struct loader *loader;
    const struct sqlite_columns *columns;
    const struct shape *shape;
    sqlite3_stmt *rows;     // stands on it; NULL: it is kept
    struct kept_rows *kept; // and is passed over whatever comes of it
    struct buf *record;     // not NULL: all of it is added, unwanted text, too
};
// Adds the row to the batch. Items' ordinals count from the batch's beginning until sqlite_rows.c knows better, and so do
// messages (sqlite_row_number). False: the item failed.
bool sqlite_row_add(const struct sqlite_row *row, struct batch *batch);
// Where an item of the batch stands among all rows; its message says so.
void sqlite_row_number(const struct loader *loader, struct batch *batch, struct item *item, uint64_t ordinal);

#endif
