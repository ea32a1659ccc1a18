// SPDX-License-Identifier: MIT
#include "pipeline/run/run_past.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/salt.h"
#include "pipeline/reasons/values.h"
#include "pipeline/run/run_private.h"

#define NOTHING_READ  "nothing is known of earlier runs"
#define NOTHING_KNOWN "nothing is known of earlier runs, and this one will not be remembered"

static void note_found(const struct run *run, const struct journal_found *found) {
    char text[256];
    if (found->set_aside && found->version)
        snprintf(text, sizeof text,
                 "the journal is of another version (%u): it is now %s, and everything is made again",
                 found->version, JOURNAL_OLD_FILE);
    else if (found->set_aside)
        snprintf(text, sizeof text, "%s is no journal: it is now %s, and everything is made again",
                 JOURNAL_FILE, JOURNAL_OLD_FILE);
    else if (found->damaged)
        snprintf(text, sizeof text,
                 "the journal is damaged in %" PRIu64 " place%s: the outputs concerned are made again",
                 found->damaged, found->damaged == 1 ? "" : "s");
    else
        return;
    run_warn(run, text);
}

void run_past_warn(const struct run *run, const char *what, const struct err *err) {
    char text[sizeof err->text + 128];
    snprintf(text, sizeof text, "%s: %s", what, err->text);
    run_warn(run, text);
}

void run_past_forget_job(const struct job_run *job, struct journal_batch *batch) {
    const struct past *past = job->run->past;
    char path[JOB_ENTRY_PATH_SIZE];
    if (past->notes == past->journal)
        journal_batch_remove(batch, past->notes, job_entry_path(job->job->job->name, path));
    else
        job_entry_add(batch, past->notes, job->past->noted, &(struct job_entry){0}, past->no_fields);
}

static void look_for_job(struct run *run, struct job_run *job, struct journal_reader *reader) {
    struct job_past *past = job->past;
    struct journal_entry entry;
    char room[JOB_ENTRY_PATH_SIZE];
    const struct str path = job_entry_path(job->job->job->name, room);
    past->has_entry = journal_find(reader, path, &entry);
    if (job->job->stream.p && !plan_is_to_stdout(job->job)) {
        run_why_look_at_stream(job, reader, past->has_entry ? &entry : NULL);
        if (past->has_entry && !journal_find(reader, path, &entry))
            past->has_entry = false;
    }
    past->trusted = run->options->trust && past->has_entry;
    if (!past->has_entry || entry.recipe != past->recipe || entry.left || !past->looks)
        return;
    past->done = job_entry_read(&entry);
    past->settled = !plan_is_to_stdout(job->job) && !run->options->retry &&
                    run_lengths_are_kept(job); // until something speaks against it
}

// The journal's; a dry run takes the job's own where the journal has none.
static enum status take_recipe(struct run *run, const struct journal_recipe *recipe, struct job_past *past,
                               struct err *err) {
    if (!run->options->dry) {
        enum status status = journal_recipe(run->past->journal, recipe, &past->recipe, err);
        return status == STATUS_OK ? journal_recipe(run->past->notes, recipe, &past->noted, err) : status;
    }
    past->recipe = journal_find_recipe(run->past->journal, recipe);
    struct journal_recipe *own = past->recipe ? NULL : ARENA_NEW(&run->past->arena, struct journal_recipe);
    if (own) {
        *own = *recipe;
        past->recipe = own;
    }
    past->noted = past->recipe;
    return past->recipe ? STATUS_OK : err_set(err, STATUS_LIMIT, "out of memory");
}

static bool prepare_jobs(struct run *run, struct journal_reader *reader) {
    struct past *past = run->past;
    uint32_t most_fields = 0;
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++) {
        struct job_run *job = &run->jobs[j];
        struct err err;
        job->past = &past->jobs[j];
        job->past->imprint = imprint_new(fields_projection(job->job->fields));
        const struct journal_recipe recipe =
            recipe_of(run->plan, job->job, job->past->imprint, run->options->now, &past->arena);
        job->past->made_with = recipe_digest(&recipe);
        most_fields = recipe.fields_n > most_fields ? recipe.fields_n : most_fields;
        job->past->looks = !run->options->force && !job->partial;
        if (take_recipe(run, &recipe, job->past, &err) == STATUS_OK) {
            look_for_job(run, job, reader);
            continue;
        }
        run_past_warn(run, NOTHING_KNOWN, &err);
        return false;
    }
    past->no_fields = MEM_NEW_ARRAY(uint64_t, most_fields + 1);
    return true;
}

static enum status open_stage_notes(struct run *run, struct err *err) {
    const struct journal_options options = {
        .fs = run->options->fs, .root = run->stage, .writable = true, .salt = salt_draw()};
    struct journal_found found;
    return journal_open(options, &run->past->notes, &found, err);
}

// A dry run goes on without a journal that cannot be read, as a run would with a new one.
static struct journal *open_journal(struct run *run) {
    struct journal_options options = {
        .fs = run->options->fs, .root = run->root, .writable = !run->options->dry, .salt = salt_draw()};
    struct journal *journal;
    struct journal_found found = {0};
    struct err err;
    enum status status = journal_open(options, &journal, &found, &err);
    if (status != STATUS_OK)
        run_past_warn(run, run->options->dry ? NOTHING_READ : NOTHING_KNOWN, &err);
    else
        note_found(run, &found);
    options.root = -1;
    if (status != STATUS_OK && run->options->dry)
        status = journal_open(options, &journal, &found, &err);
    return status == STATUS_OK ? journal : NULL;
}

void run_past_open(struct run *run) {
    struct journal *journal = open_journal(run);
    struct err err;
    if (!journal)
        return;
    const uint32_t generation = journal_figures(journal).generation;
    run->past = MEM_NEW(struct past);
    run->past->journal = run->past->notes = journal;
    if (run->stage >= 0 && open_stage_notes(run, &err) != STATUS_OK) {
        run_past_warn(run, NOTHING_KNOWN, &err);
        journal_close(journal);
        mem_free(run->past);
        run->past = NULL;
        return;
    }
    run->past->writable = !run->options->dry;
    run->past->generation = generation;
    run->past->jobs = MEM_NEW_ARRAY(struct job_past, run->plan->manifest->jobs_n + 1);
    arena_init(&run->past->arena, 0);
    for (size_t p = 0; p < run->plan->passes_n; p++)
        run->passes[p].imprint = imprint_new(run->passes[p].pass->projection);
    for (uint32_t w = 0; w < run->options->workers; w++)
        journal_reader_init(&run->workers[w].past, journal);
    if (prepare_jobs(run, &run->workers[0].past))
        run_why_begin(run);
    else
        run_past_release(run);
}

void run_past_release(struct run *run) {
    struct past *past = run->past;
    if (!past)
        return;
    for (uint32_t w = 0; w < run->options->workers; w++) {
        journal_reader_release(&run->workers[w].past);
        buf_release(&run->workers[w].scratch);
        mem_free(run->workers[w].hashes);
    }
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++) {
        imprint_free(past->jobs[j].imprint);
        run->jobs[j].past = NULL;
    }
    values_free(past->values);
    values_free(past->fresh);
    mem_free(past->jobs);
    mem_free(past->no_fields);
    arena_release(&past->arena);
    if (past->notes != past->journal)
        journal_close(past->notes);
    journal_close(past->journal);
    mem_free(past);
    run->past = NULL;
}
