// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_TABLE_UPSERT_H
#define PRESSRUN_STAGES_EMIT_TABLE_UPSERT_H
/*
 * The statement that puts a row into a table, as text: it takes the place of the row with the same unique columns,
 * where it differs from that in anything.
 *
 * What a column makes of a value decides how a new one is compared with the one that is there. In an upsert SQLite
 * does not convert all values of `excluded` as it will when it stores them: numbers are still numbers there where the
 * column will make text of them. A column with a numeric type stores 1.0 as 1 or 1 as 1.0, so types say nothing.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

enum table_conversion { CONVERTS_TO_NUMBER, CONVERTS_TO_TEXT, CONVERTS_NOTHING };

struct table_column {
    struct str name; // owned by whoever made it
    enum table_conversion conversion;
    bool unique;   // one of those by which rows replace others
    bool optional; // stays as it is where a row has no value for it
    bool written;  // by the statement
};

struct table_upsert {
    struct str table;
    const struct table_column *columns; // the parameter of each is its number, from 1
    size_t columns_n;
    const struct str *unique;
    size_t unique_n;
    bool force; // put rows that do not differ, too
};

void table_upsert_add_unique(const struct table_upsert *upsert, struct buf *sql); // `"a", "b"`
void table_upsert_add(const struct table_upsert *upsert, struct buf *sql);

#endif
