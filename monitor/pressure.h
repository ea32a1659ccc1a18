// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_PRESSURE_H
#define PRESSRUN_MONITOR_PRESSURE_H
/*
 * How busy the machine is, and how much of its memory is used, by the kernel's books: what a governor wants to know.
 * (resources.h tells what this process uses.)
 *
 * Processor: the CPUs that this process may run on (/proc/stat; time that a hypervisor took counts as busy), or its control
 * group where that has a quota (cpu.stat, cpuacct.usage), whichever is used more. Memory: the control group with a limit
 * that is used most, without the file cache that the kernel would give back at once (memory.current less inactive_file; of
 * version 1 memory.usage_in_bytes less total_inactive_file), or the machine (MemTotal less MemAvailable), whichever is used
 * more. What is in none of these books is not known.
 *
 * The books are opened once; a look takes some 30 us. One thread at a time.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/fs.h"

enum { PRESSURE_CPUS_MOST = 4096 };

struct pressure_cpus {
    uint64_t bits[PRESSURE_CPUS_MOST / 64]; // CPU n: bit n % 64 of word n / 64
};
// Those it may run on, as this thread is told; all, where these are fewer than `known`: then it is the thread that is bound.
void pressure_cpus_of_process(uint32_t known, struct pressure_cpus *cpus);

struct pressure_load {
    bool cpu_known;
    double cpus; // there are
    double busy,
        own; // cores, of all and of this process with its children that have ended; since the last look
    bool memory_known;
    uint64_t memory_used, memory_limit; // bytes
};

struct pressure;
// `root` is put before /proc and /sys; "" is the system. The first look tells nothing of the processor.
struct pressure *pressure_open(const struct fs *fs, const char *root, const struct pressure_cpus *cpus);
void pressure_look(struct pressure *p, uint64_t at, struct pressure_load *load); // at: monotonic, nanoseconds
void pressure_close(struct pressure *p);                                         // NULL is fine

#endif
