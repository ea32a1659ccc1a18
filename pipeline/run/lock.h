// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_LOCK_H
#define PRESSRUN_PIPELINE_LOCK_H
/*
 * One run at a time writes to an output directory: whoever holds the lock on its `.pressrun/lock`. The kernel
 * gives the lock back when a process ends, however it ends, so nobody ever has to remove one by hand, and the file
 * is never deleted: that would let two runs hold locks on two files of one name.
 *
 * While a run works the file's first line is its process number; a run that ends by itself empties the file. So a
 * file that is free and not empty tells of a run that was killed (`left_behind`), and that there may be leftovers
 * to clear away (stages/emit/recover.h).
 *
 * Where the file system knows no locks, the run goes on without one (`unavailable`), and cannot know about runs
 * before it.
 */
#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/fs.h"
#include "stages/emit/emit.h"

#define LOCK_FILE EMIT_BOOKS "/lock"

struct lock {
    struct fs fs;
    int fd; // -1: none
    bool
        left_behind; // the run before this one did not come to its end; the caller's to lower, when all is cleared away
    bool unavailable;
};

struct lock_options {
    const char *shown;                                    // the directory, as messages name it
    bool wait;                                            // for whoever has it, instead of failing
    const atomic_bool *interrupt;                         // ends the waiting; may be NULL
    void (*on_wait)(void *context, const char *sentence); // told once before waiting begins; may be NULL
    void *context;
};

// STATUS_CONFLICT: another run has it, and is named. STATUS_CANCELLED: interrupted while waiting. Where this does
// not return STATUS_OK there is nothing to release. `root`: descriptor of the output directory.
enum status lock_take(const struct fs *fs, int root, const struct lock_options *options, struct lock *lock,
                      struct err *err);

// For a run that came to its end, well or not. What is still left behind is so for the next run, too. A second call
// does nothing.
void lock_release(struct lock *lock);

// The process that wrote its number there: it has the lock, or was killed. 0: there is none.
long lock_holder(const struct fs *fs, int root);

#endif
