// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_GATE_PAST_H
#define PRESSRUN_BENCH_GATE_PAST_H
/*
 * A baseline without an executable: what candidates of earlier gates made, did and took, as the history keeps it. Each
 * benchmark of each gate is a session of its own (monitor/session.h), called "gate SUITE/BENCHMARK" with what its records
 * are made from; so `pressrun history` shows them, and their trends.
 *
 * Outputs and work are held against the newest one, on whatever machine. Times of other days say little: one is only
 * called unusual, against the newest BASELINE_SESSIONS on machines of this class (bench/baseline.h).
 *
 * Sessions go to a directory of the history, for which the caller has the leave. One thread.
 */
#include "bench/gate_run.h"

// Of each benchmark of the suite that has been kept, into `records`, which has room for all. Texts are in `arena`.
enum status gate_past_find(const struct fs *fs, const char *directory, const struct gate_suite *suite,
                           struct arena *arena, struct gate_record *records, size_t *n, struct err *err);

// What B did in a gate that has been judged, if that may be a baseline: rows that passed, or had nothing to be compared
// with, and commands. `now`: nanoseconds since 1970.
enum status gate_past_keep(const struct fs *fs, const char *directory, const struct gate_suite *suite,
                           const struct gate_result *r, int64_t now, struct err *err);

#endif
