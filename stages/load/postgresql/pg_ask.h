// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_ASK_H
#define PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_ASK_H
/*
 * Questions to a PostgreSQL server that are no source's: its catalogs, plans, statistics. For whoever is not concerned with
 * libpq, nor with whether it is there: without it opening is STATUS_UNSUPPORTED.
 *
 * All is asked in one transaction, read-only, as sources are read (pg_connection.h). A question that fails is undone, and the next
 * one can be asked. No sentence has a password.
 *
 * One thread at a time.
 */
#include "base/arena.h"
#include "stages/load/load.h"

struct pg_ask; // owned by whoever opened it

// Rows of texts, one after the other; none is {NULL, 0}. In the arena.
struct pg_answer {
    const struct str *cells;
    size_t rows, columns;
};

// `options`: path (the url), name and interrupt are looked at.
enum status pg_ask_open(const struct load_options *options, struct pg_ask **out, struct err *err);
void pg_ask_close(struct pg_ask *ask); // NULL is fine

// A source's query, or that of its table, with the values of its parameters, as it is run; without an end.
enum status pg_ask_query(struct pg_ask *ask, const struct load_options *options, struct buf *sql,
                         struct err *err);
// One statement, `seconds` at most. STATUS_LIMIT: it took longer.
enum status pg_ask(struct pg_ask *ask, const char *sql, unsigned seconds, struct arena *arena,
                   struct pg_answer *out, struct err *err);

#endif
