// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_RUN_WATCH_H
#define PRESSRUN_PIPELINE_RUN_WATCH_H
/*
 * Where a run's time goes, for the files run*.c only. A span is what a worker did in one go; it adds to the busy time of its
 * stage, to the stage's distribution, to the trace and to the critical path, as far as these are wanted. What batches and
 * filters took as a whole are spans, too.
 *
 * Times are nanoseconds of the monotonic clock. Each worker adds to what is its own, so nothing here waits for another.
 */
#include "pipeline/run/run_private.h"

enum run_span_kind {
    SPAN_COMPILE,
    SPAN_OPEN,
    SPAN_SURVEY,
    SPAN_LOOK,
    SPAN_READ,
    SPAN_PARSE,
    SPAN_SELECT,
    SPAN_GATHER,
    SPAN_RENDER,
    SPAN_SEAL,
    SPAN_WRITE,
    SPAN_CLOSE,
    // From its beginning to its end, on whichever workers: not of run_spent.
    SPAN_BATCH,
    SPAN_GROUPS,
    SPAN_THROUGH
};
// What a worker did in one go.
struct run_span {
    enum run_span_kind kind;
    struct str subject;          // name of the job or source
    uint64_t batch;              // its number
    bool of_groups;              // it is one of groups, which have numbers of their own
    size_t items;                // records or outputs
    uint64_t from, to;           // as run_now says
    uint64_t emitting;           // of a rendering: the part that the sink took
    size_t flow;                 // of a life: which of the run's passes, or behind those, which job
    uint32_t index;              // of the job, or of the pass
    struct path_mark after[2];   // what it waited for
    const struct run_hits *hits; // NULL: none
    uint64_t worked;             // of a life: nanoseconds
};
struct run_span_words {
    const char *name;
    const char *role; // of the subject
    enum run_stage stage;
    bool whole;     // of all batches together
    bool of_passes; // its index is that of a pass
};
extern const struct run_span_words run_span_words[];
struct str run_span_subject(const struct run *run, const struct run_span_words *words, uint32_t index);
uint64_t run_now(const struct run *run); // monotonic, nanoseconds
void run_opened(struct run *run,
                struct path_mark last); // something that is done for opening, compiling included
struct path_mark run_spent(struct run *run, const struct worker *worker, const struct run_span *span);
// How long a batch took in a stage, for the stage's distribution.
void run_observe(const struct run *run, const struct worker *worker, enum run_stage stage,
                 uint64_t nanoseconds);
// Renders what is pending of a lot, and times as many of its outputs as are worth it.
void run_render_entries(struct lot *lot, struct vm *vm, const struct worker *worker);
void run_filtered(const struct run *run, const struct worker *worker,
                  struct passage *passage); // its process, if there was one, has ended
void run_batch_begins(struct run *run, const struct worker *worker); // is in flight
void run_batch_ends(struct run *run, const struct worker *worker, const struct run_span *life); // `to` is now
void run_watch_init(struct run *run);
void run_watch_release(struct run *run);
void run_watch_end(struct run *run, struct run_report *report);
void run_session_fill(const struct run *run, const struct run_report *report); // run_session.c

#endif
