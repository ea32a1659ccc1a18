// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_SUPPORT_FAULTY_FS_H
#define PRESSRUN_TESTS_SUPPORT_FAULTY_FS_H
/*
 * The file system, but its n-th call fails; it can also be short of breath or of space. What is written to standard
 * output is kept.
 */
#include "base/buf.h"
#include "base/fs.h"

struct faulty {
    struct fs real;
    int calls, fail_at, error;
    bool hit, unlink_failed, is_short;
    int fills_up; // 2: the next write takes 1000 bytes; 1: it finds no space; 0: there is space (again)
    int open_files, syncs;
    struct buf standard_output;
};

// `f` is its state. fail_at: the number of the call, counted from 1; 0: none yet.
struct fs faulty_fs(struct faulty *f, int fail_at, int error);

#endif
