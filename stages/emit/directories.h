// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_DIRECTORIES_H
#define PRESSRUN_STAGES_EMIT_DIRECTORIES_H
/*
 * The last few directories that outputs went to, kept open. Where descriptors run out, here or at a caller's own
 * call, all are given back (directories_drop) and the call is worth a second try.
 *
 * Owned by one lane. What lanes share: which directories were made by this run, and how many descriptors idle lanes
 * may keep; thread-safe.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/fs.h"
#include "base/str.h"

enum { DIRECTORIES_KEPT = 128, DIRECTORIES_WAYS = 8 }; // one is in one of so many places, by its hash

// Directories that were not there before: nothing can be in them that is to be compared. 16 bytes each.
struct directories_shared {
    pthread_mutex_t lock;
    struct digest *made; // of paths; open addressing, zero is unused
    size_t made_n, mask; // mask + 1 places, or none yet
    atomic_uint open;    // descriptors of all lanes
    unsigned idle_max;   // beyond, an idle lane closes its own
};

void directories_share(struct directories_shared *shared);
void directories_unshare(struct directories_shared *shared); // when all lanes have ended

struct directory {
    char *path; // owned, NUL-terminated; NULL: unused
    size_t n;
    uint64_t hash;
    int fd;        // -1: closed since the last batch
    bool made;     // by this run
    uint64_t used; // by the tick
};

struct directories {
    const struct fs *fs;
    int root;
    struct directories_shared *shared;
    struct directory kept[DIRECTORIES_KEPT];
    uint64_t tick;
};

void directories_init(struct directories *d, const struct fs *fs, int root,
                      struct directories_shared *shared);
// The lane will wait: gives back its descriptors, where there are many, and remembers the names.
void directories_rest(struct directories *d);
void directories_drop(struct directories *d);

// The descriptor of a path's directory, made where it is missing; good until the next call. *made: it was empty a
// moment ago. -errno.
int directories_find(struct directories *d, struct str path, bool *made);

bool directories_ran_out(int result); // of descriptors: the process, or the system

#endif
