// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_SCHEDULER_WORKERS_H
#define PRESSRUN_SCHEDULER_WORKERS_H
/*
 * How many workers there may be: the smaller of what the kernel allows (workers.c) and of what whoever launched this
 * process granted it (workers_hints.c, a table with a row per variable). The parts of workers_available, for tests: the
 * kernel's books are read from a tree that looks like the system's, variables through a function.
 *
 * Nothing is kept; any thread, while no other changes the environment.
 */
#include <stdint.h>

#include "base/fs.h"
#include "scheduler/scheduler.h"

// CPUs that the cgroup quota allows, rounded up, at least 1; 0: no quota. `root` is put before
// /proc/self/cgroup and /sys/fs/cgroup; "" is the system. The tightest quota from the process's group up to
// the root counts.
uint32_t workers_cgroup_quota(const struct fs *fs, const char *root);

// CPUs of the cpuset that the process's group shares (its container, its batch job); 0: not known.
uint32_t workers_cgroup_cpus(const struct fs *fs, const char *root);

uint32_t workers_affinity(void); // CPUs this process may run on, at least 1

// What the kernel allows.
struct workers_machine {
    uint32_t affinity; // CPUs this process may run on, at least 1
    uint32_t quota;    // of its cgroup; 0: none
    uint32_t shared;   // CPUs that it shares with other processes of the same launcher; 0: not known
};

struct workers_environment {
    void *self;
    const char *(*get)(void *self, const char *variable); // NULL: not set
};

// A launcher's word; n 0: it has given none. Values that cannot be meant are passed over.
struct worker_count workers_hinted(const struct workers_machine *machine,
                                   const struct workers_environment *environment);

// The smallest of all; of equals the kernel's word counts.
struct worker_count workers_choose(const struct workers_machine *machine,
                                   const struct workers_environment *environment);

#endif
