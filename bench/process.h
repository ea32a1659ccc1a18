// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_PROCESS_H
#define PRESSRUN_BENCH_PROCESS_H
/*
 * One measured run of a command in a fresh process: what it took, by the kernel's books, children included.
 *
 * Standard input is /dev/null, standard output is kept (it may hold a digest), of standard error the end. Environment and
 * directory are the caller's, but for a padding variable of the size asked for, since where the stack begins can change a
 * program's speed by more than what is looked for, and OMP_WAIT_POLICY, without which idle threads burn instructions.
 *
 * Peak memory is the kernel's maximum resident set of any process in the tree; it starts at what the parent had when it
 * forked. Instructions are of user space, 0 where the machine does not count them.
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
    uint32_t padding;             // bytes in the environment
    double seconds;               // it is killed then; 0: never
    const atomic_bool *interrupt; // true: it is killed, with all it started; may be NULL
};

struct process_sample {
    double wall, user, system; // seconds
    uint64_t peak_rss_bytes;
    uint64_t instructions; // 0: not counted
    int exit_code;         // 128 + the signal where one ended it
    bool timed_out, interrupted;
    double stolen; // seconds that the host took from these CPUs, of all processes, as /proc/stat says
};

// Not STATUS_OK: it could not be started. `output` and `errors` (either may be NULL) are cleared and filled.
enum status process_run(const struct process_command *command, struct process_sample *sample,
                        struct buf *output, struct buf *errors, struct err *err);
bool process_counts_instructions(void); // whether this machine lets us

#endif
