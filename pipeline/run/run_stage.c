// SPDX-License-Identifier: MIT
// A run that stages: where its outputs go instead, and what becomes of them at its end.
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/salt.h"
#include "pipeline/review/staging_publish.h"
#include "pipeline/run/run_private.h"

static bool is_staging(const struct run *run) {
    return run->options->review.stage || run->options->review.max_changed.set ||
           run->options->review.max_removed.set;
}

static struct staging_root root_of(const struct run *run) {
    return (struct staging_root){.fs = run->options->fs, .root = run->root};
}

static void note_text(void *self, const char *text) {
    run_note(self, text);
}

static void note_obstacle(void *self, struct str path, enum staging_obstacle obstacle) {
    char text[EMIT_SHOWN_SIZE + 128], shown[EMIT_SHOWN_SIZE];
    snprintf(text, sizeof text, "%s %s", emit_show_path(path, shown), staging_obstacle_texts[obstacle]);
    run_note(self, text);
}

static struct staging_how how_of(struct run *run, const struct staging_watcher *watcher) {
    return (struct staging_how){.durable = run->options->durable,
                                .salt = salt_draw(),
                                .journal = run->past && run->past->writable ? run->past->journal : NULL,
                                .watcher = watcher};
}

static enum status check_job(const struct plan_job *job, struct err *err) {
    if (job->sink->rows)
        return err_set(
            err, STATUS_UNSUPPORTED,
            "job %.*s writes rows to %.*s, which cannot be staged: whoever has the database open would go on "
            "with the one that publishing replaces; leave the job out with --only, or run it without "
            "staging",
            STR_ARG(job->job->name), STR_ARG(job->stream));
    if (plan_is_to_stdout(job))
        return err_set(
            err, STATUS_UNSUPPORTED,
            "job %.*s writes to standard output, which cannot be staged: leave it out with --only, or run it "
            "without staging",
            STR_ARG(job->job->name));
    return STATUS_OK;
}

static void note_replaced(struct run *run, const struct staging_facts *facts) {
    const struct staging_counts *c = &facts->counts;
    char text[256];
    snprintf(text, sizeof text, "replacing what was staged before: %llu added, %llu changed, %llu removed",
             (unsigned long long)c->added, (unsigned long long)c->changed, (unsigned long long)c->removed);
    run_note(run, text);
}

// Somebody is to look at it, and a run that publishes would decide for them.
static enum status refuse_waiting(const struct run *run, struct err *err) {
    return err_set(err, STATUS_CONFLICT,
                   "a staged run waits in %s: look at it with \"pressrun diff\", then \"pressrun publish\" "
                   "or \"pressrun "
                   "drop\"; or stage anew with \"pressrun run --stage\"",
                   run_output_shown(run));
}

static enum status settle_stage(struct run *run, struct err *err) {
    struct staging_facts facts;
    enum staging_state state;
    enum status status = staging_look(root_of(run), STAGING_STAGE, &state, &facts, err);
    if (status != STATUS_OK && status != STATUS_DATA)
        return status;
    if (state == STAGING_COMPLETE && !is_staging(run))
        return refuse_waiting(run, err);
    if (state == STAGING_COMPLETE)
        note_replaced(run, &facts);
    else if (state == STAGING_INCOMPLETE)
        run_note(run, "removing what a run staged that did not come to its end");
    return state == STAGING_NONE ? STATUS_OK : staging_drop(root_of(run), STAGING_STAGE, err);
}

enum status run_stage_open(struct run *run, struct err *err) {
    const struct staging_watcher watcher = {.self = run, .note = note_text, .obstacle = note_obstacle};
    const struct staging_how how = how_of(run, &watcher);
    for (size_t j = 0; is_staging(run) && j < run->plan->manifest->jobs_n; j++)
        if (check_job(run->jobs[j].job, err) != STATUS_OK)
            return err->status;
    if (!run->locked) // it writes no files
        return STATUS_OK;
    if (staging_settle(root_of(run), &how, err) != STATUS_OK || settle_stage(run, err) != STATUS_OK)
        return err->status;
    return is_staging(run) ? staging_begin(root_of(run), &run->stage, &run->stage_files, err) : STATUS_OK;
}

void run_stage_close(struct run *run) {
    const struct fs *fs = run->options->fs;
    if (run->stage >= 0)
        fs->close(fs->self, run->stage);
    if (run->stage_files >= 0)
        fs->close(fs->self, run->stage_files);
    run->stage = run->stage_files = -1;
}

// Bounds ---------------------------------------------------------------------------------------------------------

bool run_bound_exceeded(const struct run_bound *bound, uint64_t n, uint64_t known) {
    if (!bound->set || known == 0)
        return false;
    return bound->percent ? (double)n * 100 > bound->most * (double)known : (double)n > bound->most;
}

static bool exceeds(const struct run *run, struct run_review *review) {
    const struct run_review_options *options = &run->options->review;
    return run_bound_exceeded(&options->max_changed, review->counts.changed, review->known) ||
           run_bound_exceeded(&options->max_removed, review->counts.removed, review->known);
}

// The end --------------------------------------------------------------------------------------------------------

static struct staging_facts facts_of(const struct run *run) {
    struct staging_facts facts = {.when = run->options->clock.wall(run->options->clock.self) / 1000000000,
                                  .failed = run->failures_n};
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++) {
        facts.digest = digest_add(facts.digest, run->jobs[j].digest);
        facts.counts.unchanged += run->jobs[j].counters.unchanged + run->jobs[j].counters.up_to_date;
    }
    const struct session *session = run->options->session;
    if (session)
        snprintf(facts.session, sizeof facts.session, "%.*s", STR_ARG(session->id));
    return facts;
}

// Outputs that no longer belong wait for somebody who looks, or for --prune; by themselves they are nothing to publish,
// and what there is to go back to stays.
static bool is_empty(const struct run *run, const struct run_review *review) {
    const bool waits = run->options->review.stage || review->exceeded || run->options->prune;
    return review->counts.added + review->counts.changed + (waits ? review->counts.removed : 0) == 0;
}

struct removed {
    struct str *paths; // owned, as they are
    size_t n, cap;
};

static void add_removed(void *context, struct str path) {
    struct removed *removed = context;
    MEM_GROW(removed->paths, removed->cap, removed->n + 1);
    removed->paths[removed->n++] = (struct str){mem_copy(path.p, path.n), path.n};
}

static int compare_paths(const void *a, const void *b) {
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

// What the run neither made nor left alone; known only where it came to its end.
static enum status seal(struct run *run, bool complete, struct staging_facts *facts, struct err *err) {
    struct removed removed = {.n = 0};
    if (complete)
        run_past_each_left(run, add_removed, &removed);
    if (removed.n > 0)
        qsort(removed.paths, removed.n, sizeof *removed.paths, compare_paths);
    enum status status =
        staging_seal(root_of(run), (struct staging_removed){.paths = removed.paths, .n = removed.n},
                     run->options->durable, facts, err);
    for (size_t i = 0; i < removed.n; i++)
        mem_free((char *)removed.paths[i].p);
    mem_free(removed.paths);
    return status;
}

static enum status publish(struct run *run, bool complete, struct run_review *review, struct err *err) {
    const struct staging_watcher watcher = {.self = run, .note = note_text, .obstacle = note_obstacle};
    struct staging_how how = how_of(run, &watcher);
    struct staging_outcome outcome;
    how.prune = run->options->prune;
    enum status status = staging_publish(root_of(run), &how, &outcome, err);
    review->published = status == STATUS_OK;
    if (status == STATUS_OK) {
        run->pruned += outcome.removed;
        run_past_close(run, complete);
    }
    return status;
}

// There is nothing to look at, but what outputs were made from may have changed.
static enum status absorb(struct run *run, bool complete, struct err *err) {
    const struct staging_watcher watcher = {.self = run, .note = note_text};
    const struct staging_how how = how_of(run, &watcher);
    staging_absorb(root_of(run), &how);
    run_past_close(run, complete);
    return staging_drop(root_of(run), STAGING_STAGE, err);
}

bool run_stage_stamp(const struct run *run, struct str output, struct lane_stamp *stamp) {
    const struct fs *fs = run->options->fs;
    char path[RUN_PATH_SIZE];
    struct stat st;
    int n = snprintf(path, sizeof path, "%.*s", STR_ARG(output));
    if (n < 0 || (size_t)n >= sizeof path)
        return false;
    if (run->stage_files < 0 || fs->stat_at(fs->self, run->stage_files, path, &st) < 0)
        if (fs->stat_at(fs->self, run->root, path, &st) < 0)
            return false;
    *stamp = lane_stamp_of(&st);
    return S_ISREG(st.st_mode);
}

void run_stage_end(struct run *run, bool complete, struct run_review *review) {
    struct err err;
    if (run->stage_files < 0)
        return;
    run_stage_close(run);
    if (run_is_interrupted(run) || graph_state(run->graph, run->open_node) != NODE_DONE) {
        if (staging_drop(root_of(run), STAGING_STAGE, &err) != STATUS_OK)
            run_break(run, &err);
        return;
    }
    struct staging_facts facts = facts_of(run);
    enum status status = seal(run, complete, &facts, &err);
    review->counts = facts.counts;
    review->known = facts.counts.changed + facts.counts.unchanged + facts.counts.removed;
    review->staged = status == STATUS_OK;
    review->exceeded = status == STATUS_OK && exceeds(run, review);
    if (status == STATUS_OK && is_empty(run, review)) {
        review->published = review->counts.removed > 0;
        status = absorb(run, complete, &err);
    } else if (status == STATUS_OK && !run->options->review.stage && !review->exceeded) {
        status = publish(run, complete, review, &err);
    }
    if (status != STATUS_OK)
        run_break(run, &err);
}
