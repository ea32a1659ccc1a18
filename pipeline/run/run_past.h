// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_RUN_PAST_H
#define PRESSRUN_PIPELINE_RUN_PAST_H
/*
 * What a run knows of those before it, by the journal (cache/journal.h), and what it leaves for the next one. For the files
 * run*.c only.
 *
 * From cheap to dear, an output is left alone when
 *   1. its job is settled: recipe, source and all outputs are as they were after the last run (run_survey.c);
 *   2. its record's bytes are those it was made from: the record is not parsed;
 *   3. the fields that the job reads are: nothing is rendered;
 *   4. its bytes would be the same: nothing is written (the sink finds that).
 * In the first three cases the file is looked at, unless the user trusts it to be there.
 *
 * A job has an entry of its own, `.pressrun/job/NAME`, from the end of a run without any failure of the job until
 * something of it is to be made again (pipeline/reasons/job_entry.h). Of a stream there is one entry, for the file.
 *
 * Threads: run_past_open and run_past_end are for one; the rest is for any worker.
 */
#include <stdatomic.h>

#include "cache/journal.h"
#include "pipeline/reasons/job_entry.h"
#include "pipeline/reasons/reason.h"
#include "pipeline/reasons/recipe.h"
#include "scheduler/scheduler.h"
#include "stages/emit/emit.h"
#include "stages/record/item.h"

struct entry;
struct flight;
struct job_run;
struct loader;
struct lot;
struct pass_run;
struct run;
struct worker;
struct values;
struct worker_run;

struct survey {
    int phase;
    atomic_uint remaining; // tasks
    atomic_uint_fast64_t next;
};

struct job_past {
    struct imprint *imprint;
    const struct journal_recipe *recipe; // the journal's
    const struct journal_recipe *noted;  // the same where it is noted
    bool looks;                          // for what may be left alone
    bool settled;
    bool trusted;   // not even looked at; only what did not break off: that may have left more than it said
    bool has_entry; // of its own, which is to go when anything is made
    struct digest made_with;    // of the recipe
    struct job_entry done;      // what that entry says
    struct source_sum surveyed; // of a route: what its files are now
    // Of a stream: what speaks for making it again, and the recipe it was made with; NULL: not known.
    uint32_t why;
    const struct journal_recipe *before;
    struct digest source_before; // of its job's entry
    // of the survey
    atomic_bool differs;
    atomic_uint_fast64_t left_alone; // outputs
};

struct past {
    struct journal *journal;
    struct journal *notes; // where this run's go: the journal, or a stage's own
    struct arena arena;    // recipes
    struct job_past *jobs;
    uint64_t *no_fields; // hashes for entries that are of no record
    bool writable;
    uint32_t generation;   // of this run
    struct values *values; // that earlier runs kept; NULL: nobody asks for them
    struct values *fresh;  // under run->lock: of this one
    size_t values_shown;   // under run->lock: bytes written to find these
};

// Of an entry that is to be remembered, or was.
struct entry_past {
    struct digest raw, record;
    const uint64_t *fields; // hashes, by the recipe; NULL: the record was not looked at
    struct digest output;   // as it was; of the digest
    struct lane_stamp stamp;
    uint32_t number;                     // the journal's
    bool found;                          // it has one
    bool moved;                          // as it was, but made from other bytes, or back: to be said anew
    uint32_t why;                        // enum reason
    const struct journal_recipe *before; // that it was made with; NULL: not known
    const uint64_t *fields_before;       // hashes by that one; NULL: nobody asks for them
};

static inline struct lane_stamp run_past_stamp(const struct journal_entry *entry) {
    return (struct lane_stamp){.size = entry->size, .inode = entry->inode, .mtime = entry->mtime};
}
enum { RUN_PATH_SIZE = 4096 };
void run_past_warn(const struct run *run, const char *what, const struct err *err);

// Opens the journal and makes the recipes. A journal that cannot be read or written is no error: then nothing is
// remembered, which is told.
void run_past_open(struct run *run);
void run_past_release(struct run *run);

// run_look.c
struct known { // of a record and a job, by the record's bytes; past NULL: nothing
    struct str path;
    struct entry_past *past;
};
// Before a flight is parsed: what is known by its records' bytes. Marks those that need not be parsed.
void run_past_look_raw(struct flight *flight, struct worker *worker);
// An entry that has a path: is it as it was? Then its state says so.
void run_past_look(struct lot *lot, struct entry *entry, struct worker *worker);
// The fingerprint of what a job, by its recipe's digest, makes of a record, by its imprint.
struct digest run_past_fingerprint_of(struct digest recipe, struct digest record);
// What an entry's output is made of, all of it: equal fingerprints make equal outputs. False: that is not known.
bool run_past_fingerprint(const struct lot *lot, const struct entry *entry, const struct worker *worker,
                          struct digest *fingerprint);
// run_remember.c. In the lot's emit turn: what it published, or left alone, is remembered.
void run_past_remember(struct lot *lot, const struct lane_result *result);
// The file is as the run that made it left it.
bool run_past_is_untouched(const struct run *run, struct str path, const struct lane_stamp *stamp,
                           uint32_t *why);
// A job's own entry is not right any more. A stage says so by one of nothing.
void run_past_forget_job(const struct job_run *job, struct journal_batch *batch);
void run_past_take(struct entry *entry, struct entry_past *past); // it is up to date
// The journal cannot be written any more.
void run_past_give_up(struct run *run, const struct err *err);
// After all: what is complete is noted, what does not belong any more is told or removed. Of a run that stages only the
// former, in its stage; run_past_close does the rest once that is published.
void run_past_end(struct run *run, bool complete);
void run_past_close(struct run *run, bool complete);
// Outputs of this manifest that the run neither made nor left alone, and that are as they were left.
typedef void (*run_past_left_fn)(void *context, struct str path);
void run_past_each_left(struct run *run, run_past_left_fn fn, void *context);

// run_why.c: what makes outputs be made again, for the observer.
bool run_why_is_asked(const struct run *run); // somebody wants to know
// Whether all records of a job are to be looked at, since somebody asked for an output of it.
bool run_why_wants_records(const struct job_run *job);
void run_why_begin(struct run *run);
void run_why_tell(struct lot *lot); // in its emit turn
// What speaks against a stream as it is; `own` is its job's entry or NULL.
void run_why_look_at_stream(struct job_run *job, struct journal_reader *reader,
                            const struct journal_entry *own);
uint32_t run_why_of_stream(const struct job_run *job); // when its source is read
void run_why_tell_stream(const struct job_run *job, bool complete);
void run_why_end(struct run *run);

// run_prune.c: what no longer belongs is told of, or removed, by a run that is `complete` and lost sight of nothing.
void run_prune(struct run *run, bool complete);

// run_survey.c: which jobs have nothing to do. STEP_BLOCKED until that is known, then STEP_DONE.
enum step run_survey_step(struct run *run, struct worker *worker);
// Whether a source can be read for it, and then once more: no pipe.
bool run_can_read_twice(const struct run *run, const struct manifest_source *source);
// The same for a source that is read to its end; an imprint is of the fields that the projection leaves.
bool run_survey_records(const struct pass_run *pass, struct loader *loader,
                        const struct projection *projection, const struct imprint *imprint,
                        struct worker_run *mine, struct source_sum *sum);
// Adds a record to what its source is, whatever the order: by its bytes, where they tell (`raw`, else zero), or its fields.
// False: it has failed.
bool run_source_add(struct source_sum *sum, const struct item *item, const struct digest *raw,
                    const struct imprint *imprint, struct worker_run *mine);

#endif
