// SPDX-License-Identifier: MIT
// What a run leaves for the next one: its outputs as they come, and at its end what is complete.
#include <stdio.h>

#include "base/mem.h"
#include "pipeline/run/run_past.h"
#include "pipeline/run/run_private.h"

static void remember(struct lot *lot, const struct entry *entry, const struct lane_stamp *stamp) {
    const struct past *past = lot->job->run->past;
    if (!past->writable)
        return;
    const struct entry_past *made = entry->past;
    const struct journal_entry kept = {.path = entry->path,
                                       .recipe = lot->job->past->noted,
                                       .raw = made->raw,
                                       .record = made->record,
                                       .output = entry->digest,
                                       .size = stamp->size,
                                       .inode = stamp->inode,
                                       .mtime = stamp->mtime,
                                       .why = made->why,
                                       .fields_n = lot->job->past->noted->fields_n};
    journal_batch_add(&lot->remembered, past->notes, &kept, made->fields);
    if (made->found && past->notes != past->journal) // it belongs, which an entry in the journal would say
        journal_see(past->journal, made->number);
}

void run_past_remember(struct lot *lot, const struct lane_result *result) {
    struct job_run *job = lot->job;
    struct past *past = job->run->past;
    size_t output = 0;
    struct err err;
    for (size_t i = 0; i < lot->entries_n; i++) {
        const struct entry *entry = &lot->entries[i];
        const struct lane_stamp none = {0};
        const struct lane_stamp *stamp =
            entry->emitted && output < result->stamps_n ? &result->stamps[output] : &none;
        output += entry->emitted;
        job->newest = stamp->mtime > job->newest ? stamp->mtime : job->newest;
        if (entry->state == ENTRY_FAILED && !entry->path.p)
            atomic_store(&job->run->loses_sight, true);
        if (!entry->past)
            continue;
        if (entry->state == ENTRY_UP_TO_DATE && entry->past->moved && past->writable)
            remember(lot, entry, &entry->past->stamp);
        else if (entry->state == ENTRY_PENDING && stamp->mtime)
            remember(lot, entry, stamp);
        else if (entry->past->found && entry->state != ENTRY_EXCLUDED)
            journal_see(past->journal, entry->past->number);
    }
    if (lot->remembered.entries && past->writable &&
        journal_append(past->notes, &lot->remembered, false, &err) != STATUS_OK)
        run_past_give_up(job->run, &err);
}

void run_past_give_up(struct run *run, const struct err *err) {
    pthread_mutex_lock(&run->lock);
    const bool first = run->past->writable;
    run->past->writable = false;
    pthread_mutex_unlock(&run->lock);
    if (first)
        run_past_warn(run, "not all that is made is remembered", err);
}

// What is done is done ------------------------------------------------------------------------------------------

static void add_job(struct run *run, const struct job_run *job, struct journal_batch *batch) {
    const struct job_entry done = {.source = run_source_of(job),
                                   .output = job->digest,
                                   .outputs = job->outputs + job->counters.up_to_date,
                                   .excluded = job->counters.excluded};
    job_entry_add(batch, run->past->notes, job->past->noted, &done, run->past->no_fields);
}

// The file that a job's outputs went into, as it is now.
static void add_stream(struct run *run, struct job_run *job, struct journal_batch *batch) {
    struct lane_stamp stamp;
    if (!run_stage_stamp(run, job->job->stream, &stamp))
        return;
    job->newest = stamp.mtime > job->newest ? stamp.mtime : job->newest;
    const struct journal_entry kept = {.path = job->job->stream,
                                       .recipe = job->past->noted,
                                       .output = job->digest,
                                       .size = stamp.size,
                                       .inode = stamp.inode,
                                       .mtime = stamp.mtime,
                                       .why = run_why_of_stream(job),
                                       .fields_n = job->past->noted->fields_n};
    journal_batch_add(batch, run->past->notes, &kept, run->past->no_fields);
    struct journal_entry before;
    if (run->past->notes != run->past->journal &&
        journal_find(&run->workers[0].past, job->job->stream, &before)) // it belongs
        journal_see(run->past->journal, before.number);
}

static bool shares_stream(const struct run *run, const struct job_run *job) {
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++) {
        const struct job_run *other = &run->jobs[j];
        if (other != job && other->job->stream.p && !other->past->settled &&
            str_equal(other->job->stream, job->job->stream))
            return true;
    }
    return false;
}

static void add_done(struct run *run, struct job_run *job, struct journal_batch *batch) {
    const struct pass_run *pass = &run->passes[job->job->pass];
    const bool done = graph_state(run->graph, job->emit_node) == NODE_DONE;
    const bool to_file = job->job->stream.p && !plan_is_to_stdout(job->job);
    if (!done || plan_is_to_stdout(job->job))
        return;
    if (to_file && (!job->past->settled || shares_stream(run, job)))
        add_stream(run, job, batch);
    if (!job->past->settled && !job->lacking && !run->options->retry && pass->source_known)
        add_job(run, job, batch);
}

static void append_done(struct run *run) {
    struct journal_batch batch = {0};
    struct err err;
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++)
        add_done(run, &run->jobs[j], &batch);
    if (batch.entries && journal_append(run->past->notes, &batch, run->options->durable, &err) != STATUS_OK)
        run_past_give_up(run, &err);
    journal_batch_release(&batch);
}

// A change within the tick of the file system's clock that an output was written in would not show in its time.
static void let_tick_pass(const struct run *run) {
    int64_t newest = 0;
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++)
        newest = run->jobs[j].newest > newest ? run->jobs[j].newest : newest;
    clock_wait_past(newest);
}

// What could not be read was taken for unknown.
static void tell_unread(const struct run *run) {
    struct err err;
    for (uint32_t w = 0; w < run->options->workers; w++)
        if (run->workers[w].past.os) {
            err_os(&err, run->workers[w].past.os, "cannot read %s", JOURNAL_FILE);
            run_past_warn(run, "not all that is remembered could be read", &err);
            return;
        }
}

void run_past_end(struct run *run, bool complete) {
    if (!run->past)
        return;
    if (run->options->dry && !run->options->asked_n)
        run_prune(run, complete);
    if (run->past->writable) {
        append_done(run);
        run_why_end(run);
        if (run->past->notes == run->past->journal)
            run_past_close(run, complete);
    }
    tell_unread(run);
    let_tick_pass(run); // what was remembered before that failed counts, too
}

struct leaving {
    struct run *run;
    run_past_left_fn fn;
    void *context;
};

static bool look_at_left(void *context, const struct journal_entry *entry) {
    const struct leaving *leaving = context;
    struct run *run = leaving->run;
    const struct lane_stamp stamp = run_past_stamp(entry);
    uint32_t why = 0;
    struct err err;
    if (!journal_is_seen(run->past->journal, entry->number) && !job_entry_is(entry) &&
        recipe_is_of(entry->recipe, run->plan->manifest) && emit_check_path(entry->path, &err) == STATUS_OK &&
        run_past_is_untouched(run, entry->path, &stamp, &why))
        leaving->fn(leaving->context, entry->path);
    return true;
}

void run_past_each_left(struct run *run, run_past_left_fn fn, void *context) {
    struct leaving leaving = {.run = run, .fn = fn, .context = context};
    if (run->past && run->past->writable && !run->loses_sight)
        journal_each(&run->workers[0].past, look_at_left, &leaving);
}

void run_past_close(struct run *run, bool complete) {
    struct past *past = run->past;
    struct err err;
    const int64_t now = run->options->clock.wall(run->options->clock.self);
    if (past->writable &&
        journal_end_run(past->journal, complete && !run->loses_sight, now, &err) != STATUS_OK)
        run_past_give_up(run, &err);
    if (past->writable) // else what belongs again could not be said
        run_prune(run, complete);
    // When all that belongs was seen or made, what was lost to damage is known again.
    const bool mended = complete && !run->loses_sight && journal_figures(past->journal).damaged > 0;
    if (past->writable && (mended || journal_is_redundant(past->journal)) &&
        journal_compact(past->journal, &err) != STATUS_OK)
        run_past_warn(run, "the journal keeps what is outdated", &err);
}
