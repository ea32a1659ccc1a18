// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_SUPPORT_MEMORY_SOURCE_H
#define PRESSRUN_TESTS_SUPPORT_MEMORY_SOURCE_H
/*
 * A source in memory behind the file system's functions, whatever its path. It gives `piece` bytes at a time, fails
 * its `fail_at`-th call (from 1; closing does not count), and says that it has changed once `change_at` bytes are read.
 */
#include "base/fs.h"
#include "base/str.h"

struct memory_source {
    struct str bytes;
    size_t at, piece; // 0: as many as are asked for
    int calls, fail_at, opens, closes;
    size_t change_at;
    bool interrupt; // every other read is interrupted
};

struct fs memory_source_fs(struct memory_source *s);
// Puts other bytes there and begins to count anew.
void memory_source_put(struct memory_source *s, struct str bytes);

#endif
