// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_RETRY_H
#define PRESSRUN_PIPELINE_RETRY_H
/*
 * What the last run could not do, as its `.pressrun/errors.jsonl` tells: for `run --only-failed`.
 *
 * A record is known again by its key where its source has `key:`, else by its number in the source. What failed
 * before its key was known (a record that could not be read) is known by number in any case. An output that is made of
 * several records, a stream and a table are made again as a whole.
 *
 * Immutable once read; any thread may ask.
 */
#include "base/fs.h"
#include "pipeline/manifest/manifest.h"

struct retry; // owned

// Reads the list below an output directory. *out is NULL where there is none: nothing failed. STATUS_CONFLICT: the last
// run was killed or is at work, so the list does not tell all.
enum status retry_read(const struct fs *fs, const char *output, struct retry **out, struct err *err);
void retry_free(struct retry *retry);

// Leaves only the jobs that have something to do again; perhaps none.
void retry_select(const struct retry *retry, struct manifest *m);

// Whether all of a job's outputs are to be made again.
bool retry_is_whole(const struct retry *retry, const struct manifest *m, const struct manifest_job *job);

// Whether a record is to be rendered again. `key` {NULL, 0}: by its number, from 1.
bool retry_wants(const struct retry *retry, const struct manifest *m, const struct manifest_job *job,
                 struct str key, uint64_t number);

#endif
