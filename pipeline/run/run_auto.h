// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_RUN_AUTO_H
#define PRESSRUN_PIPELINE_RUN_AUTO_H
/*
 * `auto` in a run: asks the chooser (pipeline/strategy/chooser.h) which strategy the next batches are to have, puts it into
 * effect between two batches, and tells the chooser what they took.
 *
 * A strategy is changed, and a probe begins and ends, when no batch is in flight: until then no further batch is taken.
 * Otherwise batches flow into each other, and are measured in windows: so many ended, so much time passed. Work is
 * counted in bytes of the sources, and a little for each record, for sources that have no bytes.
 *
 * The first batches are small, until their size has settled (batch_size.h), and find caches cold: they go to the strategy
 * that the chooser begins with, and it is not told of them unless they are all there are.
 *
 * Every load node asks before it takes a batch; who is told to wait is woken when the last batch has ended. One lock,
 * taken twice for each batch.
 */
#include <pthread.h>

#include "pipeline/run/forecast.h"

struct run;
struct pass_run;

struct run_auto {
    const struct forecast *forecast; // NULL: the strategy is given, and nothing here does anything
    pthread_mutex_t lock;
    struct chooser chooser;
    bool begun;
    struct chooser_slice slice; // what is being handed out
    uint64_t slice_left;        // batches of it that are not
    bool has_next;
    struct chooser_slice next; // when `slice` is over and what is in flight has ended
    uint64_t open;             // batches in flight
    bool waited;               // some load node waits for them to end
    uint64_t handed;
    uint64_t settled;  // batches that have ended and were as large as they are to be
    bool dear;         // a record or two were enough for one
    bool warm;         // the chooser is asked
    double work;       // of all that have ended
    double batch_work; // of one, lately
    // The window: batches that have ended and are not observed yet.
    uint64_t window_batches, window_began, window_ended; // the last of them
    double window_work;
    uint64_t window_worked;
    uint64_t first_began;
    double chooser_work; // that the chooser has been told of
};

void run_auto_init(struct run *run, const struct forecast *forecast);
void run_auto_release(struct run *run);
// Before a batch is taken. False: not now; the pass's load node will be woken.
bool run_auto_admit(struct run *run);
// A batch that was admitted, and for which workers worked so many nanoseconds.
void run_auto_ended(struct run *run, uint64_t bytes, uint64_t records, uint64_t worked);
void run_auto_unused(struct run *run); // there was none; before anything that follows from the source's end
void run_auto_end(struct run *run);    // of the run: what has not been observed yet is

#endif
