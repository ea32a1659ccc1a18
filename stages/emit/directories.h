// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_DIRECTORIES_H
#define PRESSRUN_STAGES_EMIT_DIRECTORIES_H
/*
 * The last few directories that outputs went to, kept open. Where descriptors run out, here or at a caller's own
 * call, all are given back (directories_drop) and the call is worth a second try.
 *
 * Owned by one lane.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/fs.h"
#include "base/str.h"

enum { DIRECTORIES_KEPT = 16 }; // descriptors are scarce

struct directory {
    char *path; // owned, NUL-terminated; NULL: unused
    size_t n;
    int fd;        // -1: closed since the last batch
    bool made;     // by us just now: nothing can be in it yet that is to be compared
    uint64_t used; // by the tick
};

struct directories {
    const struct fs *fs;
    int root;
    struct directory kept[DIRECTORIES_KEPT];
    uint64_t tick;
};

void directories_init(struct directories *d, const struct fs *fs, int root);
void directories_close(struct directories *d); // the descriptors; remembers the names
void directories_drop(struct directories *d);

// The descriptor of a path's directory, made where it is missing; good until the next call. *made: it was empty a
// moment ago. -errno.
int directories_find(struct directories *d, struct str path, bool *made);

bool directories_ran_out(int result); // of descriptors: the process, or the system

#endif
