// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_STAGING_MOVE_H
#define PRESSRUN_PIPELINE_STAGING_MOVE_H
/*
 * One change of a generation at a time: looked at, put in its place, or taken back. Either way what leaves the output
 * directory is kept under its path in the generation's `files`.
 *
 * Each can be done again, whatever of it was done before: a file that is fresh where it is to be is done.
 *
 * Descriptors stay the caller's, who holds the output's lock. One thread.
 */
#include "pipeline/review/staging_list.h"
#include "pipeline/review/staging_private.h"

struct moving {
    const struct fs *fs;
    int root, files; // descriptors of the output directory and of the generation's files
    bool prune;      // what no longer belongs goes
};

// What stands in the way of a change.
enum staging_obstacle {
    STAGING_FREE,
    STAGING_EDITED,    // somebody has changed what it is to replace since it was staged
    STAGING_APPEARED,  // somebody has put a file where none was
    STAGING_VANISHED,  // somebody has removed what it is to replace
    STAGING_DIRECTORY, // a directory is there, or something else than one on the way
    STAGING_ELSEWHERE, // on another file system, which a rename does not reach
    STAGING_LOST,      // the staged file is gone or was changed
    STAGING_OBSTACLES
};
extern const char *const staging_obstacle_texts[STAGING_OBSTACLES]; // "was edited ..."
bool staging_may_force(enum staging_obstacle obstacle);             // what publish --force goes over
// -errno; nothing is changed.
int staging_obstacle_of(const struct moving *m, const struct staging_change *change,
                        enum staging_obstacle *obstacle);

enum staging_done { STAGING_MOVED, STAGING_WAS_MOVED, STAGING_KEPT };
// Puts the change in its place. STAGING_KEPT: it no longer belongs, but is not to go, or was edited. -errno.
int staging_move_in(const struct moving *m, const struct staging_change *change, enum staging_done *done);
// Takes it back. STAGING_KEPT: it is not as it was published any more, so it stays. -errno.
int staging_move_back(const struct moving *m, const struct staging_change *change, enum staging_done *done);

#endif
