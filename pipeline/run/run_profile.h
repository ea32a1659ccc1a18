// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_RUN_PROFILE_H
#define PRESSRUN_PIPELINE_RUN_PROFILE_H
/*
 * Where the workers' machines spend their time (stages/render/profile.h), for a run that is asked for costs: a thread ticks
 * them, every 2 ms at first, later at a five-thousandth of the time the run has taken, 5 ms at most; so a short run has
 * enough samples and a long one is not disturbed. A tick stands for the time since the one before.
 *
 * Begun before the workers' machines are made, ended while their programs are there. For the files run*.c only.
 */
#include "pipeline/run/run_private.h"

void run_profile_begin(struct run *run); // nothing, where no costs are asked for
void run_profile_end(struct run *run);   // puts all together
void run_profile_release(struct run *run);

// What the worker renders from now on is for this job (its index).
static inline void run_profile_job(const struct run *run, const struct worker *worker, uint32_t job) {
    struct profile *profile = run->workers[worker->index].profile;
    if (profile)
        profile->subject = job;
}

#endif
