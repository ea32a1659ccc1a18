// SPDX-License-Identifier: MIT
/*
 * The bounds of batches, pass by pass and job by job; what they cost decides about the rest (batch_size.h).
 *
 * The bytes of a compressed stream depend on where its batches end, since each becomes a frame; so there they must not
 * depend on time, and have the sizes that others have at most.
 */
#include "pipeline/run/run_private.h"

enum { RECORDS_MOST = 4096, BYTES_LEAST = 4 << 10, BYTES_FIRST = 16 << 10, BYTES_MOST = 256 << 10 };
enum { BYTES_ROOM = 1 << 20, FILTERED_LEAST = 8 };
// Of groups, whose weight is their records; these are there already.
enum { GROUPS_MOST = 4096, GROUPED_FIRST = 1024, GROUPED_MOST = 1 << 20 };
enum { GROUPS_FIXED = 64, GROUPED_FIXED = 1024 };

static bool is_compressed_stream(const struct plan_job *job) {
    return !job->sink->named && !job->sink->rows && job->stream.p && str_ends(job->stream, STR(".zst"));
}

// All of a filter's processes have work, and as much again waits for them, however long an output takes. They take text by
// text, of whichever batch, so smaller batches would share nothing out better, and each costs its way through the workers.
static size_t enough_to_filter(const struct run *run, const struct plan_job *job) {
    const size_t enough = (2 * (size_t)run->through_processes + run->credits - 1) / run->credits;
    if (!job->filter.argv)
        return 1;
    return enough > FILTERED_LEAST ? enough : FILTERED_LEAST;
}

static void size_groups(struct run *run, struct job_run *job) {
    const bool fixed = is_compressed_stream(job->job);
    const struct batch_size_bounds bounds = {
        .workers = run->options->workers,
        .units_least = enough_to_filter(run, job->job),
        .units_most = GROUPS_MOST,
        .weight_least = 1,
        .weight_first = GROUPED_FIRST,
        .weight_most = fixed ? GROUPED_FIXED : GROUPED_MOST,
        .weight_room = GROUPED_MOST,
        .fixed = run->options->batch ? run->options->batch
                 : fixed             ? GROUPS_FIXED
                                     : 0,
    };
    batch_size_init(&job->group_size, &bounds);
}

static void size_records(struct run *run, struct pass_run *pass) {
    struct batch_size_bounds bounds = {.workers = run->options->workers,
                                       .units_least = 1,
                                       .units_most = RECORDS_MOST,
                                       .weight_least = BYTES_LEAST,
                                       .weight_first = BYTES_FIRST,
                                       .weight_most = BYTES_MOST,
                                       .weight_room = BYTES_ROOM,
                                       .fixed = run->options->batch};
    for (size_t i = 0; i < pass->jobs_n; i++) {
        const struct plan_job *job = run->jobs[pass->jobs[i]].job;
        const size_t enough = job->gathers ? 1 : enough_to_filter(run, job);
        bounds.units_least = enough > bounds.units_least ? enough : bounds.units_least;
        if (!job->gathers && !bounds.fixed && is_compressed_stream(job))
            bounds.fixed = RECORDS_MOST;
    }
    batch_size_init(&pass->size, &bounds);
}

void run_size_batches(struct run *run) {
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++)
        size_groups(run, &run->jobs[j]);
    for (size_t p = 0; p < run->plan->passes_n; p++)
        size_records(run, &run->passes[p]);
}
