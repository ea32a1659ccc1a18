// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_INDEX_WISHES_H
#define PRESSRUN_PIPELINE_INDEX_WISHES_H
/*
 * What SQLite's planner would like of the tables of a query: which columns it could look rows up by, in which order it
 * wants them. A wish is one question of the planner's to one table; index_candidates.h makes indexes of wishes.
 *
 * Names live in the arena, wishes until they are released.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum { WISH_COLUMNS_MOST = 8 };

struct wished_column {
    uint16_t column;
    bool descending;
    struct str collation; // {NULL, 0}: the column's own
};

struct wished_field { // a column of a table
    struct str name, collation;
    const char *affinity;
    bool is_key; // it is the row id
};

struct wished_table {
    struct str name;
    struct wished_field *fields; // owned
    size_t n, cap;
};

struct wish {
    size_t table;
    struct wished_column equal[WISH_COLUMNS_MOST], range[WISH_COLUMNS_MOST], order[WISH_COLUMNS_MOST];
    size_t equal_n, range_n, order_n;
    uint64_t used; // columns that are read; the last bit is for all from 63 on
};

struct wishes {
    sqlite3 *outline; // whose tables are all asked
    struct arena *arena;
    struct wished_table *tables; // owned, as its columns
    size_t tables_n, tables_cap;
    struct wish *list; // owned; no two are the same
    size_t n, cap;
};

// SQLite result codes. `wishes`, which must stay where it is, is to be released whatever it is.
int wishes_open(sqlite3 *db, struct arena *arena, struct wishes *wishes);
int wishes_collect(struct wishes *wishes, const char *sql); // in place of those before
void wishes_release(struct wishes *wishes);

#endif
