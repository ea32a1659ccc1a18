// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_LOADGEN_H
#define PRESSRUN_BENCH_LOADGEN_H
/*
 * An open-loop load generator: operations begin when they are due (arrivals.h), not when the one before has ended. So many
 * users, a thread each, take whatever is due next; an operation that finds all of them busy is late, and its latency counts
 * from when it was due all the same. A stall therefore shows in every operation that was due while it lasted, and not once.
 *
 * At the end of the schedule nothing begins any more. What was due and had not begun is `unstarted`; it is in the latencies
 * with what it had waited by then, which is the least that it would have been. What has begun is waited for. The rate
 * achieved is that of the operations that began; below LOADGEN_ENOUGH of the rate asked for the load was another one than
 * was wanted, so nothing it measured counts: it is not valid.
 *
 * The waiting itself is part of the latency: the machine wakes a user some microseconds late (`wait` has that). Which
 * operation of the mix is done, and with what, depends on the seed and its number alone.
 *
 * Result: counts and histograms in nanoseconds, of what was due after the ramp-up; all of bounded size. Owned by the result.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "bench/arrivals.h"
#include "monitor/histogram.h"

#define LOADGEN_ENOUGH 0.99 // of the rate
enum { LOADGEN_SLOTS = 100, LOADGEN_USERS = 1024 };

struct loadgen_operation {
    const char *name;
    double weight; // above 0: how often, as a share of all weights
    void *self;
    // One of them, by a user (from 0; each has one at a time). `choice`: a random number to choose with. False: it failed,
    // and *err says why. *bytes: that it made.
    bool (*run)(void *self, uint32_t user, uint64_t choice, uint64_t *bytes, struct err *err);
};

struct loadgen_options {
    const struct loadgen_operation *operations; // at least one
    uint32_t operations_n;
    struct arrivals arrivals; // at least one
    uint32_t users;
    uint64_t seed;
    struct clock clock;
    void (*sleep)(void *clock_self, uint64_t nanoseconds); // NULL: the machine's
    const atomic_bool *interrupt;                          // may be NULL
    // A few times a second, from the calling thread; may be NULL. `begun` of `due`, at a time since the beginning.
    void (*progress)(void *self, uint64_t time, uint64_t begun, uint64_t due);
    void *self;
};

struct loadgen_times {
    struct histogram latency, wait, service; // from when it was due; until it began; from then on
};

struct loadgen_part { // an operation of the mix
    struct loadgen_times times;
    uint64_t done, failed, unstarted, bytes; // done: failed ones, too
    char fault[512];                         // the first failure's words; empty: none
};

struct loadgen_slot {     // a stretch of time, the ramp-up included
    uint64_t operations;  // that were due in it
    uint64_t latency_max; // of these; nanoseconds
    uint64_t
        backlog; // the most that were due and had not begun when one began in it; in the last one at the end, too
};

struct loadgen_result {
    struct loadgen_part *parts; // owned; in the order of the operations
    uint32_t parts_n;
    struct loadgen_part all;
    struct loadgen_slot slots[LOADGEN_SLOTS]; // equal shares of the whole time
    uint64_t planned;                         // operations that were due
    uint64_t backlog;                         // the most
    double achieved;                          // a second
    bool valid, interrupted;                  // interrupted: nothing else counts
};

enum status loadgen_run(const struct loadgen_options *options, struct loadgen_result *result,
                        struct err *err);
void loadgen_release(struct loadgen_result *result);

#endif
