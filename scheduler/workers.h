// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_SCHEDULER_WORKERS_H
#define PRESSRUN_SCHEDULER_WORKERS_H
/*
 * The parts of workers_available, for tests: quotas read from a tree that looks like the system's.
 */
#include <stdint.h>

#include "base/fs.h"

// CPUs that the cgroup quota allows, rounded up, at least 1; 0: no quota. `root` is put before
// /proc/self/cgroup and /sys/fs/cgroup; "" is the system. The tightest quota from the process's group up to
// the root counts.
uint32_t workers_cgroup_quota(const struct fs *fs, const char *root);

uint32_t workers_affinity(void); // CPUs this process may run on, at least 1

#endif
