// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_FILES_WALK_H
#define PRESSRUN_STAGES_LOAD_FILES_WALK_H
/*
 * The files below a directory whose paths match a pattern: only paths are kept, relative to that directory,
 * sorted by their bytes, each once. Only directories that can have a match are looked at.
 *
 * A file is a regular file, or a symbolic link to one. A link that leads nowhere is given as a file, so that
 * whoever opens it tells; what is neither file nor directory is left out. A directory that cannot be read is an
 * error; one that is not there, or vanishes meanwhile, has no files.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "stages/load/files/glob.h"

struct walk_paths {
    struct buf text;    // all paths, each with a NUL
    const char **paths; // owned, into the text
    size_t n;
};

// `interrupt` (may be NULL): true ends the walk with STATUS_CANCELLED. Release the paths whatever it returns.
enum status walk_files(const struct glob *glob, const struct fs *fs, const char *base,
                       const atomic_bool *interrupt, struct walk_paths *out, struct err *err);
void walk_release(struct walk_paths *paths);

#endif
