// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_RECOVER_H
#define PRESSRUN_STAGES_EMIT_RECOVER_H
/*
 * What a run that was killed left in the output directory: temporary files, which never got their names, and
 * outputs it was overwriting in place (inplace.h). Only for whoever knows that no run is at work there.
 *
 * A temporary file is told by the shape of its whole name, and must be a regular file. Symbolic links are not
 * followed. A directory that has a `.pressrun` directory of its own is another run's output directory and is passed by; so
 * is `.pressrun` itself. An output is torn where the journal names it and it is neither as it was nor as it
 * was to be; it is moved to EMIT_TORN_DIRECTORY, so that nobody reads it and the next run makes it again. One that
 * somebody edited after the run was killed looks the same, and is found there: nothing is deleted that might be
 * somebody's work.
 */
#include <stdint.h>

#include "base/fs.h"
#include "stages/emit/emit.h"

#define EMIT_TORN_DIRECTORY EMIT_BOOKS "/torn"

enum { EMIT_LEFTOVERS_SHOWN = 3 };

struct emit_leftovers {
    uint64_t temporaries; // removed
    uint64_t torn;        // put aside
    uint64_t kept;        // of both: could not be looked at, or not be moved
    char torn_shown[EMIT_LEFTOVERS_SHOWN][EMIT_SHOWN_SIZE]; // the first few, as messages show them
};

// Goes through all of it whatever happens; -errno of the first thing that failed.
int emit_recover(const struct fs *fs, int root, struct emit_leftovers *found);

#endif
