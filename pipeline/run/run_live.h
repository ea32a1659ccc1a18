// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_RUN_LIVE_H
#define PRESSRUN_PIPELINE_RUN_LIVE_H
/*
 * A run told of while it goes on, for the files run*.c only: SNAPSHOTS_PER_SECOND times a second a thread of its own puts a
 * snapshot together and hands it to the observer. Where nobody asks for snapshots there is no thread, and nothing is counted.
 *
 * Workers never wait for it. What they count is their own: totals in words that only they write and anybody may read; of
 * their histograms they make a copy at the end of a lot, when a snapshot is about to be taken and the last copy is not being
 * read. So a figure may be behind by a batch, and percentiles of a worker that sleeps by an interval.
 */
#include <pthread.h>
#include <stdatomic.h>

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
    uint32_t told;            // the last snapshot that it made a copy for; its own
    pthread_mutex_t lock;     // over the copies
    struct histogram *copies; // owned; see run_live.c for their order. NULL: the run is not watched
};

void run_live_begin(struct run *run); // before the graph runs
void run_live_end(struct run *run);   // when it has; the observer is not called any more
void run_live_release(struct run *run);
// A lot has come to its end, with that result.
void run_live_count(const struct run *run, const struct worker *worker, const struct lot *lot,
                    const struct lane_result *result);

#endif
