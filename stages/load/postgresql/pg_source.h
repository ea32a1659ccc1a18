// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_SOURCE_H
#define PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_SOURCE_H
/*
 * The rows of a PostgreSQL database that are wanted, the manifest's query or all of a table, as a statement that
 * the server has looked at: its columns, their types, and what was wrong with it.
 *
 * A table's rows come in the order of its primary key, so that each run sees the same order; those of a table without one, of
 * a view or of a query without order by, as the server gives them.
 *
 * One thread at a time.
 */
#include "stages/load/load.h"
#include "stages/load/postgresql/pg_connection.h"
#include "stages/load/postgresql/pg_types.h"

struct pg_source {
    struct buf sql;        // a SELECT without an end
    struct buf order;      // " ORDER BY ..." of a table's
    struct buf key;        // the key of a table that is large enough to be read in ranges of it
    struct str split;      // the column of integers that ranges can be made by; {NULL, 0}: none
    struct str *names;     // owned, with their texts
    struct pg_type *types; // owned
    size_t n;              // columns
};

// The connection's names of source and interrupt are those of the options.
enum status pg_source_find(struct pg_source *source, struct pg_connection *c,
                           const struct load_options *options, struct err *err);
void pg_source_release(struct pg_source *source); // a zeroed one too

#endif
