// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_DOCTOR_SQLITE_H
#define PRESSRUN_PIPELINE_DOCTOR_SQLITE_H
/*
 * A look at a SQLite database that changes nothing, and leaves nothing beside it: it is opened for reading only, its pages are checked for as long as there
 * is time (DOCTOR_SQLITE_MS), and a query is prepared, which runs nothing.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum { DOCTOR_SQLITE_MS = 1000, DOCTOR_SQLITE_FAULT = 300 };

enum doctor_sqlite_end {
    DOCTOR_SQLITE_SOUND,
    DOCTOR_SQLITE_UNREADABLE, // not there, not to be read, or no database
    DOCTOR_SQLITE_LOCKED,     // somebody else has it to himself
    DOCTOR_SQLITE_DAMAGED,
    DOCTOR_SQLITE_QUERY, // it cannot be prepared
};

struct doctor_sqlite {
    enum doctor_sqlite_end end;
    bool whole; // all pages were checked
    uint64_t pages, page_size;
    uint64_t log_bytes;              // of its write-ahead log
    char fault[DOCTOR_SQLITE_FAULT]; // "" of a sound one
};

// Opened so; false: it cannot be. The caller closes it.
bool doctor_sqlite_open(const char *path, sqlite3 **db);

// `query` may be NULL.
void doctor_sqlite_look(struct doctor_sqlite *look, const struct clock *clock, const char *path,
                        const char *query);

#endif
