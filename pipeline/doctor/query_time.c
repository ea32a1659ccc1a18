// SPDX-License-Identifier: MIT
#include "pipeline/doctor/query_time.h"

enum { STEPS = 1000, REPEATS = 5 }; // between two looks at the clock; at most so often
// What took longer altogether is not timed again: of the processor, and by the clock on a machine that is busy.
static const uint64_t ENOUGH = 8 * UINT64_C(1000000), PATIENCE = 1000 * UINT64_C(1000000);

static int look_up(void *self) {
    const struct query_deadline *deadline = self;
    return deadline->clock->monotonic(deadline->clock->self) > deadline->end;
}

void query_deadline_set(sqlite3 *db, struct query_deadline *deadline) {
    sqlite3_progress_handler(db, STEPS, look_up, deadline);
}

void query_deadline_clear(sqlite3 *db) {
    sqlite3_progress_handler(db, 0, NULL, NULL);
}

static uint64_t now(const struct clock *clock) {
    return clock->monotonic(clock->self);
}

static int step_through(sqlite3_stmt *stmt, const struct clock *clock, struct query_time *time) {
    const uint64_t from = now(clock), cpu = clock->thread_cpu(clock->self);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        if (time->rows++ == 0)
            time->first = now(clock) - from;
    time->cpu = clock->thread_cpu(clock->self) - cpu;
    time->wall = now(clock) - from;
    time->first = time->rows ? time->first : time->wall;
    time->work = (uint64_t)sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 0);
    time->indexed = (uint64_t)sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_AUTOINDEX, 0);
    time->scanned = (uint64_t)sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
    return code;
}

int query_time_once(sqlite3 *db, const char *sql, const struct clock *clock, uint64_t most,
                    struct query_time *time) {
    struct query_deadline deadline = {.clock = clock, .end = now(clock) + most};
    sqlite3_stmt *stmt = NULL;
    *time = (struct query_time){0};
    int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (code == SQLITE_OK) {
        query_deadline_set(db, &deadline);
        code = step_through(stmt, clock, time);
        query_deadline_clear(db);
    }
    time->stopped = code == SQLITE_INTERRUPT;
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE || code == SQLITE_INTERRUPT ? SQLITE_OK : code;
}

int query_time_best(sqlite3 *db, const char *sql, const struct clock *clock, uint64_t most,
                    struct query_time *time) {
    int code = query_time_once(db, sql, clock, most, time);
    uint64_t cpu = time->cpu, wall = time->wall;
    for (int i = 1; i < REPEATS && code == SQLITE_OK && !time->stopped && cpu < ENOUGH && wall < PATIENCE;
         i++) {
        struct query_time again;
        code = query_time_once(db, sql, clock, most, &again);
        cpu += again.cpu;
        wall += again.wall;
        if (again.cpu < time->cpu && !again.stopped)
            *time = again;
    }
    return code;
}
