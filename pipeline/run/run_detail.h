// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_RUN_DETAIL_H
#define PRESSRUN_PIPELINE_RUN_DETAIL_H
/*
 * What a session has for who wants to know more than figures: faults with their places, the slowest outputs of each job,
 * what each worker did when, the cache by tier, how jobs ended, the machine. All of it is bounded, whatever the run is.
 *
 * A run that nobody watches has none of it; one whose strategy watches no times has faults, cache, jobs and machine. Of
 * quick outputs only those that were timed can be among the slowest (run_watch.c); of a job with a filter it is the
 * filter's time that counts.
 *
 * Each worker adds to what is its own; faults come under the lock of their list (failures.c).
 */
#include "pipeline/run/run.h"

struct run;
struct run_span;
struct worker;
struct lot;
struct entry;

void run_detail_init(struct run *run);
void run_detail_release(struct run *run);
void run_detail_span(const struct run *run, const struct worker *worker, const struct run_span *span);
void run_detail_output(const struct lot *lot, const struct entry *entry, const struct worker *worker,
                       uint64_t took);
void run_detail_fault(const struct run *run, const struct failure *failure);
void run_detail_fill(const struct run *run, const struct run_report *report, struct session *session);
json_t *run_uses_json(const struct run *run); // run_uses.c; NULL: no template was used
void run_write_parts(const struct run_report *report, struct session *session); // run_json.c

#endif
