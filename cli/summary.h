// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_SUMMARY_H
#define PRESSRUN_CLI_SUMMARY_H
/*
 * What a person reads of a run when it is over: a headline, then a line each for what was loaded, made, kept and found, and
 * what it took. Lines that have nothing to tell are left out. It only reads the report; machines get run_write_json.
 */
#include "pipeline/run/run.h"

// The summary, several lines. What said how many workers there are; NULL: the strategy.
void summary_write(const struct manifest *manifest, const struct run_report *report,
                   const char *workers_source, bool colour, struct buf *out);

#endif
