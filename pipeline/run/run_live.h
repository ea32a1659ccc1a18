// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_RUN_LIVE_H
#define PRESSRUN_PIPELINE_RUN_LIVE_H
/*
 * A run told of while it goes on, for the files run*.c only: SNAPSHOTS_PER_SECOND times a second a thread of its own puts a
 * snapshot together and hands it to the observer. Where nobody asks for snapshots there is no thread, and nothing is counted.
 *
 * Workers hardly wait for it. What they count is their own: totals in words that only they write and anybody may read. Their
 * histograms have a lock each worker has for itself, which is held for a microsecond when one of them is read.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "monitor/histogram.h"
#include "stages/emit/emit.h"

struct run;
struct run_live;
struct lot;
struct worker;

enum { RUN_LIVE_TOTALS = 16 }; // at least as many as are counted in run_live.c

// What a worker tells of itself.
struct worker_live {
    atomic_uint_fast64_t totals[RUN_LIVE_TOTALS];
    atomic_uint_fast64_t opcodes, allocations, allocated_bytes; // of its machines
    bool on;              // somebody else reads its histograms; it does not change while the graph runs
    pthread_mutex_t lock; // over these, where it is
};

void run_live_begin(struct run *run); // before the graph runs
void run_live_end(struct run *run);   // when it has; the observer is not called any more
void run_live_release(struct run *run);
// A lot has come to its end, with that result.
void run_live_count(const struct run *run, const struct worker *worker, const struct lot *lot,
                    const struct lane_result *result);

#endif
