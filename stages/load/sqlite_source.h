// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SQLITE_SOURCE_H
#define PRESSRUN_STAGES_LOAD_SQLITE_SOURCE_H
/*
 * A SQLite database opened to be read, and the one statement whose rows are wanted: the manifest's query, or all of
 * a table. What rows become is sqlite_rows.c's business.
 *
 * The database is never written: it is opened read-only, and the statement must be a single SELECT, VALUES or WITH
 * that writes nothing. All is read in one transaction, so a writer in between changes nothing. Its schema is not
 * trusted: functions with side effects do not run from it.
 *
 * A table's rows come in the order of its rowid or primary key, so that each run sees the same order; those of a view,
 * a virtual table or a query as SQLite gives them, where the query has no order by.
 *
 * Of a database with a write-ahead log SQLite makes the -wal and -shm files beside it even to read, and a reader leaves
 * them there; where the directory does not let it, that is an error.
 *
 * A lock of somebody else's is waited for, 5 seconds at most. `interrupt` ends that, and a long query, too.
 *
 * The rows of a query can be kept where they depend on nothing but the database (`fickle` is false) and that did not
 * change while they were read: sqlite_source_identity before and after says so.
 *
 * SQLite reads files by itself: of load_options' functions only open and stat are used, to tell what a path is before
 * SQLite sees it. One thread at a time.
 */
#include <sqlite3.h>
#include <stdatomic.h>

#include "base/err.h"
#include "stages/load/load.h"

struct sqlite_source {
    sqlite3 *db;        // owned
    sqlite3_stmt *rows; // owned; NULL where the schema is what is asked for
    struct str name;
    const atomic_bool *interrupt; // may be NULL
    bool impatient;               // does not wait for locks
    uint64_t size;                // of the file, in bytes
    int page_size;
    bool fickle; // the query may give other rows for the same database: random(), the time
    bool dated;  // while it is prepared: it uses functions that may look at the time
};

// On an error everything is closed again.
enum status sqlite_source_open(struct sqlite_source *s, const struct load_options *options, struct err *err);
// A digest of what tells one state of a database and its write-ahead log from another: sizes, times, inodes. False:
// there is none, or it changed so lately (`wall`: now) that another change might not show.
bool sqlite_source_identity(const struct load_options *options, int64_t wall, struct digest *identity);
void sqlite_source_close(struct sqlite_source *s);

// What the last call of SQLite's had to say; `rows` came before it.
enum status sqlite_source_error(const struct sqlite_source *s, uint64_t rows, struct err *err);

// About how much of the file was read so far: the pages that were not in SQLite's cache, so those read twice count
// twice. Never above the size.
uint64_t sqlite_source_bytes_read(const struct sqlite_source *s);

#endif
