// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_DATABASE_OUTLINE_H
#define PRESSRUN_PIPELINE_DATABASE_OUTLINE_H
/*
 * An SQLite database without its rows, in memory: tables, indexes, views, and what ANALYZE found out. SQLite plans a query for it
 * as for the database itself, so indexes can be tried for nothing.
 *
 * Left out are triggers and what cannot be made again here, for want of a function or module: a query that needs it cannot be
 * prepared on the outline.
 */
#include <sqlite3.h>

#include "base/str.h"

// Makes the tables of an outline. `type`: "table", "view", "virtual"; `sql` as the database has it.
struct outline_maker {
    void *self;
    void (*table)(void *self, sqlite3 *outline, struct str name, struct str sql);
};

// An SQLite result code; on an error *outline is NULL. `maker` NULL: tables are made as they are, with their indexes.
int database_outline_open(sqlite3 *db, const struct outline_maker *maker, sqlite3 **outline);

#endif
