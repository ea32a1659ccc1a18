// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_CONNECTION_H
#define PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_CONNECTION_H
/*
 * One connection to a SQLite database that is only read, and SQLite's complaints in words. Which connections there are
 * is sqlite_pool.c's business, what is asked of them sqlite_source.c's.
 *
 * The database is never written. Its schema is not trusted: functions with side effects do not run from it. What a path
 * is (missing, a directory, a pipe, empty, compressed) is told before SQLite sees it; what is no database, cut short,
 * damaged or locked, when the transaction begins.
 *
 * Of a database with a write-ahead log SQLite makes the -wal and -shm files beside it even to read, and a reader leaves
 * them there; where the directory does not let it, that is an error.
 *
 * SQLite reads files by itself: of load_options' functions only open and stat are used, with O_PATH, since closing any
 * other descriptor of the file would drop the locks that this process holds on it.
 *
 * One thread at a time.
 */
#include <sqlite3.h>
#include <stdatomic.h>

#include "base/err.h"
#include "stages/load/load.h"

struct sqlite_connection {
    sqlite3 *db;                  // owned
    struct str name;              // for messages, as whoever uses it calls the database; borrowed
    const atomic_bool *interrupt; // may be NULL
    uint32_t patience;            // milliseconds that a lock of somebody else's is waited for
    uint64_t size;                // of the file, in bytes
    int page_size;
    bool has_log; // a write-ahead log: writers do not wait for readers
    dev_t device; // of the file that was opened
    ino_t inode;
};

// Opens the database, outside any transaction. On an error everything is closed again.
enum status sqlite_connection_open(struct sqlite_connection *c, const struct load_options *options,
                                   uint32_t patience, struct err *err);
// Begins the transaction in which all is read: from here on nobody's change is seen.
enum status sqlite_connection_begin(struct sqlite_connection *c, const struct load_options *options,
                                    struct err *err);
// Ends one transaction and begins another. False: it could not be.
bool sqlite_connection_begin_again(struct sqlite_connection *c);
// A number that changes whenever somebody else has changed the database since this connection last asked; begins the
// transaction where one is to begin. False: it cannot be told.
bool sqlite_connection_version(const struct sqlite_connection *c, int64_t *version);
bool sqlite_connection_is_reading(const struct sqlite_connection *c); // the transaction is still there
void sqlite_connection_close(struct sqlite_connection *c);

// What the last call of SQLite's had to say; `rows` came before it.
enum status sqlite_connection_error(const struct sqlite_connection *c, uint64_t rows, struct err *err);

#endif
