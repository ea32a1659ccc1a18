// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_CACHE_MADE_H
#define PRESSRUN_CLI_CACHE_MADE_H
/*
 * What entries of the cache were made with, found out from the manifest: the templates that lead to one, and the key of
 * what one makes of a record.
 */
#include "cli/command.h"
#include "pipeline/plan/plan.h"

struct cache_made {
    struct cli *cli;
    struct plan *plan; // owned; all jobs are compiled
};

// Sets the manifest's globals as --define says, so as they were for the run. False: what is wrong has been told.
bool cache_made_define(struct cli *cli, struct manifest *manifest, const struct options *options);

// False: what is wrong with the manifest or its templates has been told.
bool cache_made_init(struct cache_made *made, struct cli *cli, const struct manifest *manifest);
void cache_made_release(struct cache_made *made);

// Calls `see` with the template of each job that is `name` or leads to it. Returns how many there are.
size_t cache_made_with(const struct cache_made *made, struct str name,
                       void (*see)(void *context, struct str template_name), void *context);

// Calls `see` with the fingerprint of what each job whose template is `name` makes of a record. False: the record is none, which
// has been told.
bool cache_made_of(const struct cache_made *made, struct str name, struct str record,
                   void (*see)(void *context, struct digest fingerprint), void *context);

#endif
