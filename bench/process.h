// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_PROCESS_H
#define PRESSRUN_BENCH_PROCESS_H
/*
 * One measured run of a command in a fresh process: what it took, by the kernel's books, children included.
 *
 * Standard input is /dev/null, standard output is kept (it may hold a digest), of standard error the end. Environment and
 * directory are the caller's, but for a padding variable of the size asked for, since where the stack begins can change a
 * program's speed by more than what is looked for, variables that the caller names, and OMP_WAIT_POLICY, without which
 * idle threads burn instructions.
 *
 * The command leads a process group of its own, with no signal blocked or ignored; the whole group is killed when the time is
 * up or the caller is interrupted, and the command itself when the caller dies. Whoever left the group is not waited for
 * longer than it holds standard output or error open.
 *
 * CPU time is of the command and of all descendants that somebody waited for. Peak memory is the kernel's maximum resident
 * set of any one process among them; it starts at what this program had when it forked (its own memory, about 2 MB), so
 * less than that cannot be told apart. Instructions are of user space, 0 where the machine does not count them.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct process_command {
    const char *const *arguments; // NULL-terminated; [0] is looked up in PATH
    const char *directory;        // NULL: the caller's
    const cpu_set_t *cpus;        // NULL: all that the caller may use
    const char *const
        *variables; // of the environment: "NAME=value" sets one, "NAME" takes it away; NULL ends; may be NULL
    bool keeps_end; // of standard output, where it is too much for all of it: the end, not the beginning
    uint32_t padding;             // bytes in the environment
    double seconds;               // it is killed then; 0: never
    const atomic_bool *interrupt; // it is killed when this is true; may be NULL
};

struct process_sample {
    double wall, user, system; // seconds
    uint64_t peak_rss_bytes;
    uint64_t instructions;       // 0: not counted
    int exit_code;               // 128 + the signal where one ended it
    bool timed_out, interrupted; // killed
    double stolen; // seconds that the host took from these CPUs, from whatever ran there, as /proc/stat says
};

// Not STATUS_OK: it could not be started. `output` and `errors` (either may be NULL) are cleared and filled.
enum status process_run(const struct process_command *command, struct process_sample *sample,
                        struct buf *output, struct buf *errors, struct err *err);
double process_stolen_step(void); // the least that `stolen` can tell from 0: a tick

#endif
