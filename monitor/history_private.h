// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_HISTORY_PRIVATE_H
#define PRESSRUN_MONITOR_HISTORY_PRIVATE_H
// What history.c (the database, and questions to it), history_table.c and history_merge.c (what comes into it) share.
#include <sqlite3.h>

#include "monitor/history.h"

#define HISTORY_DATABASE "history.db"
#define HISTORY_SESSIONS "sessions"
enum { HISTORY_PATH = 4096 };

struct history {
    sqlite3 *db;
};

void history_join(char out[HISTORY_PATH], const char *directory, const char *name);
enum status history_failed(sqlite3 *db, const char *what, struct err *err);
enum status history_execute(sqlite3 *db, const char *sql, struct err *err);
// Waits so many milliseconds for whoever has it.
enum status history_open_database(const char *directory, int wait, sqlite3 **db, struct err *err);

// A question about sessions s, newest first: `what`, the conditions (the first behind `before`), and a limit, which is
// the last parameter; parameters of the conditions begin at `first`.
enum status history_prepare(struct history *h, const char *what, const char *before,
                            const struct history_filter *filters, size_t n, int first,
                            sqlite3_stmt **statement, struct err *err);
struct str history_text(sqlite3_stmt *statement, int column, struct arena *arena); // a copy

// How many files wait in the directory.
size_t history_pending(const struct fs *fs, const char *directory);
// Takes in what waits, and drops what is too old.
enum status history_merge(const struct fs *fs, const char *directory, sqlite3 *db, uint32_t keep,
                          struct err *err);

#endif
