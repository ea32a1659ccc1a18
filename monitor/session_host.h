// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_SESSION_HOST_H
#define PRESSRUN_MONITOR_SESSION_HOST_H
/*
 * What a run ran on, for who compares it with another one or wonders about it: kernel, processor, CPUs and memory. No host
 * name. Reads the kernel's books once, some 50 us. Any thread.
 */
#include <jansson.h>
#include <stdint.h>

#include "base/fs.h"

// system, processor, cpus (online), cpus_allowed (that this process may run on), memory_bytes, and of the tightest control
// group memory_limit_bytes, where there is a limit below that.
// `known`: so many CPUs this process may use in any case; a thread that is bound to fewer does not tell.
json_t *session_host_json(const struct fs *fs, uint32_t known);

#endif
