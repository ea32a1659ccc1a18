// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_TABLE_KEYS_H
#define PRESSRUN_STAGES_EMIT_TABLE_KEYS_H
/*
 * The keys of the rows that one run has put into a table, so that a second row with one of them is found: which of
 * the two would stay is nothing that anybody meant.
 *
 * A key is the values of the unique columns, and two are the same where the table would find them the same: after
 * the column's conversion, numbers by their value whatever their type, text by the collation of the unique index
 * (SQLite's own three). The first unique index over the columns counts, as it does for SQLite.
 *
 * Keys are remembered as digests of 128 bits in an open-addressing set: 21 to 43 bytes a row, about 32, for as long as
 * the run goes on.
 *
 * One thread at a time. The texts given and the database must outlive this.
 */
#include <sqlite3.h>

#include "base/buf.h"
#include "base/digest.h"
#include "stages/emit/table_values.h"

struct key_column;

struct table_keys {
    sqlite3 *db;
    struct str table;
    const struct str *unique;
    size_t unique_n;
    bool keyed; // the one unique column is the record's key
    bool looked;
    struct key_column *columns;  // owned; unique_n of them
    const struct shape *located; // a shared shape; columns know where in its rows they are
    sqlite3_stmt *convert;       // a value to what the column makes of it
    struct buf bytes;            // scratch
    struct digest *slots;        // owned; {0, 0} is free
    size_t slots_n, n;
};

void table_keys_init(struct table_keys *keys, sqlite3 *db, struct str table, const struct str *unique,
                     size_t unique_n, bool keyed);
void table_keys_release(struct table_keys *keys);

// The row's key; the table must be there. A code of SQLite's.
int table_keys_of(struct table_keys *keys, const struct table_row *row, struct digest *key);
bool table_keys_have(const struct table_keys *keys, struct digest key);
void table_keys_add(struct table_keys *keys, struct digest key);

// The row's key as messages show it: `1, "x" (a, b)`.
void table_keys_show(struct table_keys *keys, const struct table_row *row, struct buf *out);

// A value of a row as a parameter, whose text must last until it is stepped. A code of SQLite's.
int table_bind(sqlite3_stmt *stmt, int parameter, struct value v);

#endif
