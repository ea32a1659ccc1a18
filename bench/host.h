// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_HOST_H
#define PRESSRUN_BENCH_HOST_H
/*
 * What a measurement was taken on, in words that say whether another one can be compared with it. No host names.
 */
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct host {
    char system[200]; // kernel, release, architecture
    char cpu[128];    // model; empty: not known
    uint32_t cpus;    // that are online
    char mask[256];   // those that were used: "0-3,6"
    bool counts_instructions;
};

void host_describe(struct host *host, const cpu_set_t *used);
void host_write_mask(const cpu_set_t *set, char *text, uint32_t size); // cut where it does not fit

#endif
