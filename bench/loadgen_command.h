// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_LOADGEN_COMMAND_H
#define PRESSRUN_BENCH_LOADGEN_COMMAND_H
/*
 * An operation of a load that is a command: it is run in a fresh process each time (process.h), and has done well when its
 * exit code is 0. Its output is read and forgotten; the bytes counted are what of it is kept, 16 KiB at most. Starting and
 * reaping the process is part of the operation. Words and quotes as in target.h.
 */
#include "bench/loadgen.h"
#include "bench/target.h"

struct loadgen_command {
    struct target target;
    double seconds; // it is killed, and has failed, after so many; 0: never
    const atomic_bool *interrupt;
};

enum status loadgen_command_init(struct loadgen_command *c, const char *text, double seconds,
                                 const atomic_bool *interrupt, struct err *err);
void loadgen_command_release(struct loadgen_command *c);
struct loadgen_operation loadgen_command_operation(struct loadgen_command *c); // valid as long as `c`

#endif
