// SPDX-License-Identifier: MIT
/*
 * The node between compiling and loading: takes the output directory for this run, clears away what a killed one left,
 * finds out what there is to do, and opens the sinks of the jobs that have something to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/buf.h"
#include "pipeline/run/run_join.h"
#include "pipeline/run/run_watch.h"
#include "stages/emit/recover.h"

// `.pressrun` is where runs keep their books.
static bool is_in_books(const char *path) {
    for (const char *part = path; *part; part += strspn(part, "/")) {
        size_t n = strcspn(part, "/");
        if (str_is((struct str){part, n}, EMIT_BOOKS))
            return true;
        part += n;
    }
    return false;
}

static enum status open_output(struct run *run, struct err *err) {
    const struct fs *fs = run->options->fs;
    const char *path = run->options->output ? run->options->output : run->plan->manifest->output.p;
    if (is_in_books(path))
        return err_set(err, STATUS_DATA, "%s cannot be an output directory: %s is for what runs remember",
                       path, EMIT_BOOKS);
    int made = run->options->dry ? 0 : fs_make_dirs(fs, AT_FDCWD, path, 0777);
    if (made < 0)
        return err_os(err, -made, "cannot make the output directory %s", path);
    run->root = fs->open(fs->self, AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (run->root == -ENOENT && run->options->dry) // nothing has been made yet
        run->root = -1;
    else if (run->root < 0)
        return err_os(err, -run->root, "cannot open the output directory %s", path);
    return STATUS_OK;
}

const char *run_output_shown(const struct run *run) {
    return run->options->output ? run->options->output : run->plan->manifest->output_shown.p;
}

static void note_waiting(void *self, const char *sentence) {
    run_note(self, sentence);
}

// What a killed run left behind. What of it cannot be removed now is left for the next run.
static void recover(struct run *run) {
    struct emit_leftovers found = {0};
    struct buf text = BUF_INIT;
    int result = emit_recover(run->options->fs, run->root, &found);
    run->lock_file.left_behind = result < 0 || found.kept > 0;
    buf_add_text(&text, "the last run was killed:");
    if (found.temporaries)
        buf_printf(&text, " %llu temporary file%s removed", (unsigned long long)found.temporaries,
                   found.temporaries == 1 ? "" : "s");
    if (found.torn)
        buf_printf(&text, "%s %llu half-written output%s put aside in " EMIT_TORN_DIRECTORY " (",
                   found.temporaries ? "," : "", (unsigned long long)found.torn, found.torn == 1 ? "" : "s");
    for (uint64_t i = 0; i < found.torn && i < EMIT_LEFTOVERS_SHOWN; i++)
        buf_printf(&text, "%s%s", i ? ", " : "", found.torn_shown[i]);
    if (found.torn)
        buf_add_text(&text, found.torn > EMIT_LEFTOVERS_SHOWN ? ", ...)" : ")");
    if (found.torn)
        run_warn(run, buf_text(&text));
    else if (found.temporaries)
        run_note(run, buf_text(&text));
    buf_release(&text);
}

// One run at a time; what a killed one left behind goes first.
static enum status take_output(struct run *run, struct err *err) {
    const struct lock_options options = {.shown = run_output_shown(run),
                                         .wait = run->options->wait,
                                         .interrupt = run->options->interrupt,
                                         .on_wait = note_waiting,
                                         .context = run};
    if (!plan_writes_files(run->plan) || run->options->dry)
        return STATUS_OK;
    if (lock_take(run->options->fs, run->root, &options, &run->lock_file, err) != STATUS_OK)
        return err->status;
    run->locked = true;
    if (run->lock_file.left_behind)
        recover(run);
    return STATUS_OK;
}

static enum status open_sinks(struct run *run, struct err *err) {
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++) {
        struct job_run *job = &run->jobs[j];
        struct claim holder;
        struct sink_options options = {.fs = run->options->fs,
                                       .root = run->root,
                                       .staged = run->stage_files >= 0,
                                       .stage = run->stage_files,
                                       .path = job->job->stream,
                                       .separator = job->job->job->separator,
                                       .raw = job->job->job->raw,
                                       .level = job->job->job->level,
                                       .durable = run->options->durable,
                                       .force = run->options->force,
                                       .stamped = run->past != NULL,
                                       .interrupt = run->options->interrupt,
                                       .inplace = job->job->job->inplace,
                                       .table = job->job->job->table.p ? job->job->job->table
                                                                       : job->job->job->name,
                                       .unique = job->job->job->unique,
                                       .unique_n = job->job->job->unique_n};
        if (job->job->stream.p && !plan_is_to_stdout(job->job))
            if (!claims_take(run->claims, job->job->stream, (struct claim){job->index, 0}, &holder) &&
                holder.job >= CLAIMS_INPUT)
                return err_set(err, STATUS_CONFLICT, "job %.*s would write %.*s, which is %s of this run",
                               STR_ARG(job->job->job->name), STR_ARG(job->job->stream),
                               holder.job == CLAIMS_INPUT ? "an input" : "the trace");
        for (const struct job_run *other = run->jobs; other < job; other++)
            if (job->job->stream.p && other->job->stream.p && str_equal(job->job->stream, other->job->stream))
                options.beside = other->sink;
        if (run_is_settled(job) || run->options->dry)
            continue;
        if (job->job->sink->open(&options, &job->sink, err) != STATUS_OK)
            return err->status;
        run_lengths_open(job);
    }
    return STATUS_OK;
}

static enum status prepare_output(struct run *run, struct err *err) {
    plan_project(run->plan);
    run_joins_prepare(run);
    if (open_output(run, err) != STATUS_OK || take_output(run, err) != STATUS_OK ||
        run_stage_open(run, err) != STATUS_OK)
        return err->status;
    run->failures = failures_new(run);
    run_claim_inputs(run);
    if (run->options->remember && (run->locked || (run->options->dry && plan_writes_files(run->plan))))
        run_past_open(run);
    return STATUS_OK;
}

static enum step open_failed(struct run *run, const struct err *err) {
    run_is_interrupted(run); // perhaps while it waited for another run
    run_break(run, err);
    return STEP_FAILED;
}

// Outputs of jobs that have nothing to do.
static uint64_t count_settled(const struct run *run) {
    uint64_t n = 0;
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++)
        n += run_is_settled(&run->jobs[j]) ? run->jobs[j].counters.up_to_date : 0;
    return n;
}

// What the step itself did since `from`; it did not wait meanwhile.
static void tell_opened(struct run *run, const struct worker *worker, uint64_t from, uint64_t settled) {
    const struct run_hits hits = {.up_to_date = settled};
    const struct run_span span = {.kind = SPAN_OPEN,
                                  .subject = STR("outputs"),
                                  .from = from,
                                  .to = run_now(run),
                                  .after = {run->opened},
                                  .hits = &hits};
    run_opened(run, run_spent(run, worker, &span));
}

// Released when all that compile have done so; blocked while what is there is looked at.
enum step run_open_step(void *self, struct worker *worker) {
    struct run *run = self;
    struct err err;
    uint64_t from = run_now(run);
    if (!run->failures) {
        const enum status status = prepare_output(run, &err);
        tell_opened(run, worker, from, 0);
        if (status != STATUS_OK)
            return open_failed(run, &err);
        from = run_now(run);
    }
    run->surveying = run->opened;
    if (run_survey_step(run, worker) == STEP_BLOCKED)
        return STEP_BLOCKED;
    const enum status status = open_sinks(run, &err);
    tell_opened(run, worker, from, count_settled(run));
    return status == STATUS_OK ? STEP_DONE : open_failed(run, &err);
}
