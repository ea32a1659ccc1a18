// SPDX-License-Identifier: MIT
// What a run keeps of its streams, so that `pressrun verify` can tell them again: which items, and how long.
#include <errno.h>
#include <stdio.h>

#include "cache/lengths.h"
#include "pipeline/run/run_private.h"

static enum lengths_spelling spelling_of(const struct plan_job *job) {
    if (job->sink != &emit_jsonl)
        return LENGTHS_TEXTS;
    return job->job->raw ? LENGTHS_LINES : LENGTHS_STRINGS;
}

static bool has_lengths(const struct plan_job *job) {
    return !job->sink->named && !job->sink->rows && !plan_is_to_stdout(job);
}

bool run_lengths_are_kept(const struct job_run *job) {
    const struct fs *fs = job->run->options->fs;
    char name[LENGTHS_NAME_SIZE];
    struct stat st;
    if (!has_lengths(job->job))
        return true;
    lengths_name(job->job->stream, name);
    return fs->stat_at(fs->self, job->run->root, name, &st) == 0;
}

// What is about a staged stream is staged, too.
static int books_root(const struct run *run) {
    return run->stage >= 0 ? run->stage : run->root;
}

void run_lengths_open(struct job_run *job) {
    const struct plan_job *plan = job->job;
    const struct run *run = job->run;
    if (!run->options->remember || !has_lengths(plan))
        return;
    const struct lengths_stream stream = {.job = plan->job->name,
                                          .path = plan->stream,
                                          .separator = plan->job->separator,
                                          .spelling = spelling_of(plan)};
    job->lengths = lengths_write(run->options->fs, books_root(run), &stream);
}

void run_lengths_add(const struct lot *lot) {
    struct lengths_writer *lengths = lot->job->lengths;
    for (size_t i = 0; lengths && i < lot->entries_n; i++) {
        const struct entry *entry = &lot->entries[i];
        char ordinal[RUN_ORDINAL_SIZE];
        if (!entry->emitted)
            continue;
        const struct lengths_item item = {
            .key = run_entry_key(entry, ordinal), .n = entry->text_n, .tail = entry->tail};
        lengths_add(lengths, &item);
    }
}

// From here on what was kept before is of a stream that is no more.
void run_lengths_prepare(struct job_run *job, bool publish) {
    struct err err;
    if (!job->lengths)
        return;
    if (!publish) {
        lengths_drop(job->lengths);
        job->lengths = NULL;
        return;
    }
    int forgot = lengths_forget(job->run->options->fs, books_root(job->run), job->job->stream);
    if (forgot < 0) {
        err_os(&err, -forgot, "job %.*s: what was kept of its stream's items cannot be removed",
               STR_ARG(job->job->job->name));
        run_warn(job->run, err.text);
    }
}

void run_lengths_close(struct job_run *job, bool published) {
    struct lane_stamp stamp;
    struct err err;
    uint64_t bytes;
    if (!job->lengths)
        return;
    struct lengths_writer *lengths = job->lengths;
    job->lengths = NULL;
    if (!published || !run_stage_stamp(job->run, job->job->stream, &stamp)) {
        lengths_drop(lengths);
        return;
    }
    const struct lengths_stream stream = {
        .digest = job->digest, .size = stamp.size, .inode = stamp.inode, .mtime = stamp.mtime};
    if (lengths_publish(lengths, &stream, &bytes, &err) == STATUS_OK)
        return;
    char text[768];
    snprintf(text, sizeof text, "job %.*s: its stream cannot be verified later: %s",
             STR_ARG(job->job->job->name), err.text);
    run_warn(job->run, text);
}
