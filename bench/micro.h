// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_MICRO_H
#define PRESSRUN_BENCH_MICRO_H
/*
 * Micro-benchmarks: one thing that pressrun does for every record, again and again in this process, on one thread: reading,
 * compiling, rendering, emitting; over the real code, with records and templates of the scenarios.
 *
 * A repetition does rounds until so many seconds have gone by that the clock's grain does not show; the first repetition is
 * thrown away. Its time per operation is one sample, and the interval holds the true median with 95 %.
 *
 * The table is micros.def. A result owns nothing. One thread.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/str.h"

enum { MICRO_REPETITIONS = 21 };

struct micro {
    const char *name, *scenario, *operation, *what;
    int needs;
    // Adds what it did to *operations and *bytes.
    enum status (*round)(void *material, uint64_t *operations, uint64_t *bytes, struct err *err);
};

extern const struct micro micros[]; // ends with a name of NULL
const struct micro *micro_find(struct str name);

struct micro_options {
    const struct fs *fs;
    const struct clock *clock;
    const char *scratch; // a directory that is there
    uint64_t seed;
    double seconds;               // of a repetition
    const atomic_bool *interrupt; // may be NULL
};

struct micro_result {
    const struct micro *micro;
    double samples[MICRO_REPETITIONS]; // nanoseconds an operation, sorted
    double median, low, high;
    double bytes;        // an operation
    uint64_t operations; // in all repetitions
    bool interrupted;
};

enum status micro_run(const struct micro *micro, const struct micro_options *options,
                      struct micro_result *result, struct err *err);

#endif
