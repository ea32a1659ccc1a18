// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_GATE_RUN_H
#define PRESSRUN_BENCH_GATE_RUN_H
/*
 * Runs a suite. First session: each benchmark, then the control. Second session, when all of the first is over: those that
 * were flagged, and, where it is wanted, those that seem faster, with A and B exchanged. Sessions have seeds of their own.
 *
 * A benchmark that cannot be run is a row with an error, and the others go on; where the host kept taking the CPUs away it is
 * as unclear as it was by then, with a note.
 *
 * Where A cannot run there is only what was recorded of it: B runs once, or a few times where usual times are known, and
 * outputs and work are compared. Of an unusual time there is a warning and no more.
 *
 * One thread.
 */
#include "base/clock.h"
#include "bench/baseline.h"
#include "bench/gate_place.h"

// What a benchmark made and did when it was run once.
struct gate_record {
    const char *name;
    double scale; // of its records, where they are made
    struct digest digest;
    struct work work;
    double cpu_seconds;
    struct baseline usual; // CPU seconds of runs like it
    bool usual_known;
};

struct gate_run_options {
    const struct gate_suite *suite;
    struct gate_place_options place;
    const char *texts[2]; // A and B, as gate_place_init takes them; A NULL: there is only its record
    const struct gate_record *records; // of A; may be NULL
    size_t records_n;
    bool takes_time; // of B where A does not run, to be kept
    bool confirms_faster;
    double alpha_suite;
    const struct clock *clock;
    void *self;
    // After each pair, and before the first one of a benchmark (pairs = 0); may be NULL.
    void (*progress)(void *self, const char *benchmark, int session, const struct verdict_look *look,
                     uint32_t pairs);
};

// `r` has been initialised and says who compares; it is judged. STATUS_OK also where it was interrupted.
enum status gate_run(const struct gate_run_options *options, struct gate_result *r, struct err *err);

// Runs each benchmark of B once. `records` has room for all of the suite, and is filled with those that can be recorded, which
// a regret cannot; names are the suite's. STATUS_DATA: one failed.
enum status gate_run_records(const struct gate_run_options *options, struct gate_record *records, size_t *n,
                             struct err *err);

#endif
