// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_RESOURCES_H
#define PRESSRUN_MONITOR_RESOURCES_H
/*
 * What this process uses: processor, memory and disk, by the kernel's books; once, or sampled by a thread of its own while
 * something runs.
 *
 * The sampler looks often at first (every 50 ms) and keeps at most RESOURCES_SAMPLES samples: when they are full every other
 * one goes and the interval doubles. A look takes some 10 us. What the kernel does not tell (disk, in some containers) is 0
 * and not known.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "monitor/session.h"

enum { RESOURCES_SAMPLES = 128 };

struct resources {
    double cpu_seconds; // user and system, all threads
    uint64_t rss_bytes, peak_rss_bytes;
    bool disk_known;
    uint64_t read_bytes, written_bytes; // that went to or came from storage
};
void resources_now(struct resources *r);

struct sampler; // a thread
// `in_flight` is what is sampled besides; it must outlive the sampler. NULL: there can be no thread; that is no error.
struct sampler *sampler_start(const atomic_uint *in_flight);
// Ends the thread; its samples, and what was used since the start, are in the session then. NULL is fine.
void sampler_stop(struct sampler *s, struct session *session);

#endif
