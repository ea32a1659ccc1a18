// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_FAILURES_H
#define PRESSRUN_PIPELINE_FAILURES_H
/*
 * The list of what failed: `.pressrun/errors.jsonl` in the output directory, one JSON object a line, written as it
 * happens; and the observer. Memory does not grow with it.
 *
 * A line has source, path, line and byte of the record, its number (`record`, from 1; absent for a group), key (or
 * null), job (absent where the record could not be loaded for any), at (file, line, column in a template), message,
 * hint. A job that did not come to its end has a line with neither record nor key.
 *
 * The list of the run before goes when a run begins. A run of some of the work (`run_options`: selected, retry) keeps what that
 * list says of jobs it does not have, and puts its own in its place only when it ends, so that nothing is forgotten.
 *
 * A dry run has no list, only the observer.
 *
 * Any thread may report.
 */
#include "pipeline/run/run.h"
#include "stages/emit/emit.h"

#define FAILURES_FILE EMIT_BOOKS "/errors.jsonl"

struct run;
struct failures; // owned

struct failures *failures_new(struct run *run);
void failures_free(struct failures *failures);
void failures_report(struct failures *failures, const struct failure *failure);
// A job that did not come to its end; for the list alone.
void failures_report_job(struct failures *failures, const struct failure *failure);
// After the last report. False: the list lacks something, which has been told.
bool failures_end(struct failures *failures);
// Every line of the list below an output directory, in order; none where there is no list.
typedef void (*failures_line_fn)(void *self, const struct map *line, struct str text);
enum status failures_read(const struct fs *fs, const char *output, failures_line_fn fn, void *self,
                          struct err *err);

const char *failures_path(const struct failures *failures); // "" where nothing failed

#endif
