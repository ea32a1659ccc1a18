// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_CGROUP_H
#define PRESSRUN_BASE_CGROUP_H
/*
 * Where the books of this process's control groups are: the directories from its group up to the mount point, of both
 * versions. What is in the files there is for the caller (scheduler/workers.c: quotas; monitor/pressure.c: use and limits).
 *
 * Groups that are not to be seen are visited all the same, and their files are then missing: in a container the path is
 * often the host's, while the mount shows the container's own group at its top.
 *
 * `root` is put before /proc and /sys, for tests; "" is the system. Nothing is kept; any thread.
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/fs.h"

enum cgroup_version { CGROUP_V1 = 1, CGROUP_V2 = 2 };

// A group that has, or may have, the controller's files; `directory` is valid within the call.
typedef void cgroup_visit_fn(void *context, enum cgroup_version version, struct str directory);

// Visits the groups of `controller` ("cpu", "cpuacct", "cpuset", "memory"): the process's own first, of each hierarchy.
void cgroup_visit(const struct fs *fs, const char *root, const char *controller, cgroup_visit_fn *visit,
                  void *context);

// A small file's text, owned (mem_free); NULL: it is not there, or not to be read.
char *cgroup_read(const struct fs *fs, struct str directory, const char *name);

#endif
