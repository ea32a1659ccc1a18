// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_COMPARE_H
#define PRESSRUN_STAGES_EMIT_COMPARE_H
/*
 * Whether an output is there already. Where that cannot be found out it counts as not there: then it is written.
 *
 * `room` is the caller's, to be used again; what is in it goes.
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/str.h"

// A regular file under this name in the directory, opened for reading (`flags`: and what else), looked at; -errno. A
// path with directories in it is opened beneath the directory.
int compare_open(const struct fs *fs, int directory, const char *name, int flags, struct stat *st);
// Reads up to n bytes; fewer only at the end. -errno.
ssize_t compare_read(const struct fs *fs, int fd, char *p, size_t n);

// The file `name` holds these bytes. `st`: what it was before they were read.
bool compare_text(const struct fs *fs, int directory, const char *name, struct str text, struct buf *room,
                  struct stat *st);
// It holds the same bytes as `other` in another directory or the same, which has this size.
struct compare_place {
    int directory;
    const char *name;
};
bool compare_files(const struct fs *fs, struct compare_place file, struct compare_place other, uint64_t size,
                   struct buf *room, struct stat *st);

// Whether a file can take the place of what is under a path beneath `root`, or lie where nothing is yet; -errno of
// what would be said where it cannot: a directory is there, or something else than directories on the way.
int compare_is_place(const struct fs *fs, int root, const char *path);

#endif
