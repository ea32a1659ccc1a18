// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_INDEX_CANDIDATES_H
#define PRESSRUN_PIPELINE_INDEX_CANDIDATES_H
/*
 * Indexes that a query might use if they were there. What they should have is asked of SQLite's own planner: every
 * table of the database's outline is a virtual one, which the planner tells what it would like to look up, and in which order it
 * wants the rows, for every order of the loops. So views, subqueries, joins and every spelling of a condition are understood as
 * SQLite understands them. Nothing is read.
 *
 * A candidate's columns are those that are compared for equality, then one that is compared otherwise or those that rows are
 * ordered or grouped by. `rest` are other columns of the table that the query reads: with them at its end the index would have
 * all there is to know.
 *
 * Not found: indexes on expressions (lower(email)) and on some rows only. Names are those of the wishes.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "pipeline/doctor/index_wishes.h"

enum { INDEX_COLUMNS_MOST = 8, INDEX_REST_MOST = 3 };

struct index_column {
    struct str name;
    struct str collation; // {NULL, 0}: the column's own
    bool descending;
};

struct index_candidate {
    struct str table;
    struct index_column columns[INDEX_COLUMNS_MOST];
    size_t n;
    struct index_column rest[INDEX_REST_MOST];
    size_t rest_n; // 0: none, or too many
};

struct index_candidates {
    struct index_candidate *list; // owned
    size_t n, cap;
};

// An SQLite result code; on an error there are none.
int index_candidates_find(struct wishes *wishes, const char *sql, struct index_candidates *out);
void index_candidates_release(struct index_candidates *candidates);

// Whether the one's columns are how the other's begin.
bool index_candidate_begins(const struct index_candidate *candidate, const struct index_candidate *other);
// "CREATE INDEX name ON table (a, b DESC)", and "table (a, b DESC)".
void index_candidate_write_sql(const struct index_candidate *candidate, struct str name, struct buf *out);
void index_candidate_write(const struct index_candidate *candidate, struct buf *out);

#endif
