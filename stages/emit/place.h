// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_PLACE_H
#define PRESSRUN_STAGES_EMIT_PLACE_H
/*
 * Where an output goes: its directory, its temporary file, and how faults there are told. Shared by the sinks.
 *
 * renameat cannot be kept beneath a root, so the parent directory is opened beneath the root once, and all that
 * follows uses plain names (no slash) relative to that descriptor. A symbolic link that leads out of the root is
 * thus refused; one that an output's own name turns out to be is replaced.
 */
#include "base/err.h"
#include "base/fs.h"
#include "base/str.h"

enum { PLACE_TEMPORARY_SIZE = 64 };

// Splits a path at its last slash. `directory` is empty for a name in the root itself.
void place_split(struct str path, struct str *directory, struct str *name);

// Opens (O_PATH) a directory beneath `root`, made with its parents where it is missing (*made then). -errno.
int place_open_directory(const struct fs *fs, int root, const char *directory, bool *made);

// A new file under a name that nobody else uses: process and `owner` (any address of the caller's) are in it.
int place_open_temporary(const struct fs *fs, int directory, const void *owner, int flags,
                         char name[PLACE_TEMPORARY_SIZE]);
// The same for an owner of many, which numbers them; what their names have in common is made once.
struct place_owner {
    char prefix[PLACE_TEMPORARY_SIZE];
    size_t n;
};
void place_owner_init(struct place_owner *owner, const void *address);
int place_open_numbered(const struct fs *fs, int directory, const struct place_owner *owner, unsigned number,
                        int flags, char name[PLACE_TEMPORARY_SIZE]);
bool place_is_temporary(const char *name); // has the shape of such a name

// "cannot write PATH: why". Always STATUS_IO.
enum status place_error(struct err *err, int os, struct str path);

#endif
