// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_REVIEW_H
#define PRESSRUN_CLI_REVIEW_H
/*
 * What the commands of a review share (diff, publish, drop, rollback): which output directory it is about, and the lock
 * on it.
 */
#include "cli/command.h"
#include "pipeline/review/staging.h"
#include "pipeline/run/lock.h"

// Rows of these commands: the directory comes from the manifest, or from -o alone.
#define OPTIONS_REVIEW                                                                                       \
    OPTIONS_MANIFEST, {                                                                                      \
        "output", 'o', "DIR", "the output directory, instead of the manifest's"                              \
    }

struct review {
    struct cli *cli;
    const struct fs *fs;
    const char *shown; // the output directory, as messages name it
    int root;          // -1: not open
    bool locked;
    struct lock lock;
};

// False: what is wrong has been told.
bool review_open(struct review *review, struct cli *cli, const struct options *options);
bool review_lock(struct review *review, bool wait);
void review_close(struct review *review);
struct staging_root review_root(const struct review *review);

#endif
