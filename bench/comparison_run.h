// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_COMPARISON_RUN_H
#define PRESSRUN_BENCH_COMPARISON_RUN_H
/*
 * Runs a comparison: the rounds of pairs that its verdict needs. The discarded first runs say whether the outputs are the
 * same and how much work each did; where that settles the verdict no time is taken. One thread.
 */
#include "bench/comparison.h"
#include "bench/target.h"

struct comparison_run {
    const struct target *targets[2];
    uint64_t seed;  // the second round has one made of it
    double seconds; // for each run; 0: for ever
    cpu_set_t cpus;
    const atomic_bool *interrupt; // may be NULL
    void *self;                   // of progress, which is called after each pair and may be NULL
    void (*progress)(void *self, size_t round, const struct verdict_look *look, uint32_t pairs);
};

// `c` has been filled with what is wanted. Not STATUS_OK: a run failed, or printed now this and now that. A comparison that
// can be judged, INVALID included, is STATUS_OK.
enum status comparison_run(struct comparison *c, const struct comparison_run *run, struct err *err);

// The second round of one that has had its first, whenever it is wanted; it is judged with `confirm` from then on.
enum status comparison_confirm(struct comparison *c, const struct comparison_run *run, double alpha,
                               struct err *err);

#endif
