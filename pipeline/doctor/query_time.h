// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_QUERY_TIME_H
#define PRESSRUN_PIPELINE_QUERY_TIME_H
/*
 * How long an SQLite query takes until its last row, and how much the database does for it. Rows are stepped through, and
 * looked at no further. What takes longer than it may is stopped.
 *
 * `cpu` is the processor's time of the calling thread: what other processes do meanwhile is not in it, nor is waiting for a disk.
 * `work`, the steps of SQLite's own machine, is the same every time; sorting is little of it.
 *
 * Times are nanoseconds. The connection's progress handler is taken, and none is left. One thread.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct query_time {
    uint64_t wall, cpu;
    uint64_t first; // until the first row, or the end where there is none
    uint64_t rows;
    uint64_t work;
    uint64_t indexed; // rows that were put into automatic indexes
    uint64_t scanned; // rows of tables that were gone through without an index
    bool stopped;
};

// Ends what runs on a connection at a moment of the clock.
struct query_deadline {
    const struct clock *clock;
    uint64_t end; // monotonic
};
void query_deadline_set(sqlite3 *db, struct query_deadline *deadline); // which lives until it is cleared
void query_deadline_clear(sqlite3 *db);

// Once, `most` nanoseconds at most. An SQLite result code; a query that was stopped is no error.
int query_time_once(sqlite3 *db, const char *sql, const struct clock *clock, uint64_t most,
                    struct query_time *time);
// The fastest of some: what is short is timed again, so that its figure is its own.
int query_time_best(sqlite3 *db, const char *sql, const struct clock *clock, uint64_t most,
                    struct query_time *time);

#endif
