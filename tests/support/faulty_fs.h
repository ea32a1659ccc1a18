// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_SUPPORT_FAULTY_FS_H
#define PRESSRUN_TESTS_SUPPORT_FAULTY_FS_H
/*
 * The file system, but its n-th call fails; it can also be short of breath or of space. What is written to standard
 * output is kept.
 */
#include "base/buf.h"
#include "base/fs.h"

enum { FAULTY_DIED = 77 };

struct faulty {
    struct fs real;
    int calls, fail_at, error;
    bool hit, unlink_failed, is_short;
    bool byte_by_byte; // reads give one, and every other call is interrupted
    bool stays;        // all calls after the one that failed fail, too
    bool dies;         // the process ends before that call, with FAULTY_DIED
    int fills_up; // above 1: so many writes but one take 1000 bytes; 1: the next finds no space; 0: there is
    bool stays_full; // and never again
    int open_files, syncs;
    struct buf standard_output;
};

// `f` is its state. fail_at: the number of the call, counted from 1; 0: none yet.
struct fs faulty_fs(struct faulty *f, int fail_at, int error);

#endif
