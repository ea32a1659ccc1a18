// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_FORECAST_H
#define PRESSRUN_PIPELINE_FORECAST_H
/*
 * What a run of a plan will probably ask for, and what it would take under each strategy: what `auto` begins with.
 *
 * Work: what the newest session of the manifest asked for, in proportion to the size of the sources now and then; where
 * there is none, what that many bytes of records usually come to. Times: the prior (pipeline/strategy/prior.h), fitted to
 * the sessions of this machine. For sources so small that reading the history would take longer than could be saved,
 * it is not read. A choice that is remembered begins.
 *
 * One thread; no memory is kept.
 */
#include "pipeline/plan/plan.h"
#include "pipeline/strategy/prior.h"

struct forecast_options {
    const struct fs *fs;
    const struct plan *plan;
    const char *history; // directory; NULL: there is none
    uint32_t history_keep;
    struct str machine; // as sessions name this one
    const char *output; // directory; NULL: the manifest's
    uint32_t workers;   // that there are
    bool caches;        // some tier may be used
};

struct forecast {
    struct prior_work work;
    struct chooser_options
        options;      // of `strategies`, in their order; costs per byte of sources; without batches
    size_t sessions;  // that the prior was fitted to
    bool caches;      // some tier may be used
    bool of_manifest; // the work is what a session of the manifest asked for
};

// Outputs are dear: those that keep none are out.
void forecast_keep_outputs(struct chooser_options *options);
void forecast_make(const struct forecast_options *options, struct forecast *forecast);

#endif
