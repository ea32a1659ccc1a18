// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_JOB_ENTRY_H
#define PRESSRUN_PIPELINE_JOB_ENTRY_H
/*
 * What the journal (cache/journal.h) keeps of a job as a whole, in an entry among those of its outputs whose name,
 * `.pressrun/job/NAME`, no output can have. It is there from the end of a run without any failure of the job until
 * something of it is to be made again. When that is, and when it holds, its caller knows.
 *
 * This is the only place that knows which of an entry's fields say what of a job: raw and record are the source's sums,
 * output is the sum of its outputs' digests, size how many they are, inode how many records `where` left out. An entry
 * that is all zero says that the job was not done: a stage has it in place of a removal, to pass it on.
 *
 * Texts and digests only; no I/O but the batch's. Threads: as the journal's batches.
 */
#include "cache/journal.h"

// What a source was: the sum of its records, and of the first ones alone, by which most that changed are known soon.
struct source_sum {
    struct digest all, first;
};
enum { SOURCE_FIRST = 1024 };

struct job_entry {
    struct source_sum source;
    struct digest output; // the sum of its outputs' digests
    uint64_t outputs;
    uint64_t excluded; // records
};

enum { JOB_ENTRY_PATH_SIZE = 4096 };
struct str job_entry_path(struct str job, char path[JOB_ENTRY_PATH_SIZE]);
bool job_entry_is(const struct journal_entry *entry); // else it is an output's
// Of one that job_entry_is.
struct job_entry job_entry_read(const struct journal_entry *entry);
bool job_entry_is_undone(const struct journal_entry *entry);

// To a batch of this journal; `recipe` is the job's, `no_fields` as many hashes as it has fields.
void job_entry_add(struct journal_batch *batch, const struct journal *journal,
                   const struct journal_recipe *recipe, const struct job_entry *done,
                   const uint64_t *no_fields);

#endif
