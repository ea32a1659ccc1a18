// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_COUNTER_H
#define PRESSRUN_BENCH_COUNTER_H
/*
 * What the kernel counts of a process and of all that it starts (perf_event_open), in user space, from its exec on. Many
 * virtual machines and containers have no such counters; nothing here fails because of that, there is just no number.
 * Thread-safe.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum counter { COUNTER_INSTRUCTIONS, COUNTER_TASK_NANOSECONDS };

int counter_open(enum counter counter, pid_t pid); // a descriptor; -1: this machine does not tell
uint64_t counter_read(int fd);                     // of a process that has ended; 0: nothing was counted
bool counter_exists(enum counter counter);

#endif
