// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_SELFTEST_RUN_H
#define PRESSRUN_BENCH_SELFTEST_RUN_H
/*
 * Asks the questions of a self-test. The operation (operation.h) is run by this program itself, in fresh processes, with
 * records of the scenario `medium`; how many make a run of the wanted length, and how much slower a step of the busy loop
 * makes it, is measured first.
 *
 * What is asked next is the level of which the least share is done, so that wherever it ends all levels have about their
 * share, and drift of the machine hits all of them. One thread.
 */
#include <stdatomic.h>

#include "base/clock.h"
#include "base/fs.h"
#include "bench/selftest.h"

struct selftest_options {
    const char *program; // this
    const char *scratch; // a directory that is there
    const struct fs *fs;
    const struct clock *clock;
    uint64_t seed;
    double run_seconds;           // that a run is to take, CPU time
    uint32_t pairs;               // of equals
    uint32_t comparisons;         // at each level
    double seconds;               // nothing is begun after that; 0: for ever
    const atomic_bool *interrupt; // may be NULL
    void *self;
    // An answer that is whole: to be stored. Not STATUS_OK ends it all.
    enum status (*store)(void *self, struct comparison *c, double percent, struct err *err);
    void (*progress)(void *self, const char *what, double percent, size_t done, size_t all); // may be NULL
};

// Makes the scenario's files, which the runs read. Once, before all else.
enum status selftest_prepare(const struct selftest_options *options, struct err *err);
// Fills s->operation.
enum status selftest_calibrate(struct selftest *s, const struct selftest_options *options, struct err *err);
// Until there is as much as wanted of all levels that `s` has. STATUS_CANCELLED: interrupted.
enum status selftest_run(struct selftest *s, const struct selftest_options *options, struct err *err);

extern const char *const selftest_template; // that the operation renders
#define SELFTEST_WORD "operation"           // `pressrun bench operation DIRECTORY RECORDS STEPS` is one run

#endif
