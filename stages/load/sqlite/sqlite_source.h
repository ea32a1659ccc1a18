// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_SOURCE_H
#define PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_SOURCE_H
/*
 * The one statement whose rows are wanted of a SQLite database: the manifest's query, or all of a table. Connections
 * are sqlite_pool.c's business, ranges sqlite_split.c's, what rows become sqlite_rows.c's.
 *
 * The statement must be a single SELECT, VALUES or WITH that writes nothing. Its parameters (:name) have the values that
 * load_options give them. All is read in the pool's snapshot, so a writer in between changes nothing.
 *
 * A table's rows come in the order of its rowid or primary key, or of the key it is split by, so that each run sees the
 * same order; those of a view, a virtual table or a query as SQLite gives them, where the query has no order by. A query
 * that is split comes in the order of that key.
 *
 * A lock of somebody else's is waited for, 5 seconds at most. `interrupt` ends that, and a long query, too.
 *
 * The rows of a query can be kept where they depend on nothing but the database (`fickle` is false) and that did not
 * change while they were read: sqlite_identity before and after says so.
 *
 * One thread at a time; whoever uses `db` or a statement of it has entered the connection.
 */
#include <sqlite3.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/err.h"
#include "stages/load/load.h"
#include "stages/load/sqlite/sqlite_pool.h"

struct sqlite_source {
    struct sqlite_pools *own;             // owned; NULL: the pool is shared
    struct sqlite_pool *pool;             // used
    struct sqlite_connection *connection; // taken
    sqlite3 *db;                          // the connection's
    sqlite3_stmt *rows;                   // owned; NULL where the schema is what is asked for
    struct str name;
    uint64_t size; // of the file, in bytes
    int page_size;
    int pages_before;    // that the connection had read
    struct buf whole;    // SELECT * FROM the table, or (the query)
    struct buf key;      // what its rows can be split by, as SQL; none: they cannot
    const char *unsplit; // why it is not read in ranges although that was asked for; NULL: nothing is wrong
    bool by_rowid;       // which is unique, never NULL, and a whole number
    bool fickle;         // the query may give other rows for the same database: random(), the time
    bool dated;          // while it is prepared: it uses functions that may look at the time
};

// On an error everything is closed again.
enum status sqlite_source_open(struct sqlite_source *s, const struct load_options *options, struct err *err);
void sqlite_source_close(struct sqlite_source *s);

enum status sqlite_source_enter(struct sqlite_source *s, struct err *err);
void sqlite_source_leave(struct sqlite_source *s);
// Of statements that are made of the query, besides its own parameters: where a range begins and ends (sqlite_split.h).
#define SQLITE_RANGE_FROM "@pressrun_from"
#define SQLITE_RANGE_TO   "@pressrun_to"
// Gives the query's parameters in a statement that is made of it their values.
enum status sqlite_source_bind(const struct sqlite_source *s, const struct load_options *options,
                               sqlite3_stmt *stmt, struct err *err);

// What the last call of SQLite's had to say; `rows` came before it.
enum status sqlite_source_error(const struct sqlite_source *s, uint64_t rows, struct err *err);

// About how much of the file was read so far: the pages that were not in SQLite's cache, so those read twice count
// twice. Never above the size.
uint64_t sqlite_source_bytes_read(const struct sqlite_source *s);

#endif
