// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_DATABASE_COPY_H
#define PRESSRUN_PIPELINE_DATABASE_COPY_H
/*
 * A copy of an SQLite database to try things on: a file that has no name any more as soon as it is there, so that nothing is left
 * of it however the process ends. It is one state of the database, whoever writes meanwhile; it has no journal and is never
 * synced, so it is of use to nobody else.
 *
 * Copying ends at a moment of the clock, and is not begun where the database is larger than it may be, or the file system has not
 * half as much again as it needs: indexes are made in the copy.
 */
#include <sqlite3.h>
#include <stdint.h>

#include "base/err.h"
#include "pipeline/doctor/query_time.h"

// `directory`: NULL or "" is /tmp. STATUS_LIMIT: it is too large, or there is no room; of all others `err` says why, too.
enum status database_copy_open(sqlite3 *db, const char *directory, uint64_t bytes_most,
                               const struct query_deadline *deadline, sqlite3 **copy, struct err *err);

#endif
