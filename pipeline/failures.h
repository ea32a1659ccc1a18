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
 * The list of the run before goes when a run begins; a run that only repeats what failed keeps it until it has come to
 * its end (`failures_end`), so that nothing is forgotten when it is interrupted.
 *
 * Any thread may report.
 */
#include "pipeline/run.h"

#define FAILURES_DIRECTORY ".pressrun"
#define FAILURES_FILE      FAILURES_DIRECTORY "/errors.jsonl"

struct run;
struct failures; // owned

struct failures *failures_new(struct run *run);
void failures_free(struct failures *failures);
void failures_report(struct failures *failures, const struct failure *failure);
// A job that did not come to its end; for the list alone.
void failures_report_job(struct failures *failures, const struct failure *failure);
void failures_end(struct failures *failures, bool complete); // after the last report
const char *failures_path(const struct failures *failures);  // "" where nothing failed

#endif
