// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_GATE_PLACE_H
#define PRESSRUN_BENCH_GATE_PLACE_H
/*
 * Where a benchmark of a suite runs: its records, where they are made up, and the two processes that are compared. It is made
 * anew for each session and removed after it, so that no more than one benchmark's files lie about; the same seed makes the
 * same files.
 *
 * One thread.
 */
#include "bench/gate_suite.h"
#include "bench/target.h"

struct gate_place_options {
    const char *self;    // this program, which runs strategies and manifests
    const char *scratch; // a directory that is there
    const struct fs *fs;
    uint64_t seed;
    const char *(*strategy)(size_t n); // names of strategies; NULL after the last
    const atomic_bool *interrupt;      // may be NULL
};

struct gate_place {
    const struct gate_benchmark *benchmark;
    struct target targets[2];
    bool has[2];
    char *made;     // owned: a directory; NULL: nothing was made
    char *manifest; // owned; NULL: there is none
};

// Texts as bench/target.h takes them: executables or strategies, of which NULL does not run. STATUS_DATA: one is nothing
// that could run this benchmark.
enum status gate_place_init(struct gate_place *place, const struct gate_benchmark *b,
                            const char *const texts[2], const struct gate_place_options *options,
                            struct err *err);
void gate_place_release(struct gate_place *place); // also where init failed

// One run, which nothing is timed by; warm benchmarks run twice.
enum status gate_place_run(struct gate_place *place, int which, const atomic_bool *interrupt,
                           struct target_report *report, struct process_sample *sample, struct err *err);

#endif
