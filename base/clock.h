// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_CLOCK_H
#define PRESSRUN_BASE_CLOCK_H
/*
 * Time behind a struct of functions, so that tests can script it. Nanoseconds throughout.
 */
#include <stdint.h>

struct clock {
    void *self;
    uint64_t (*monotonic)(void *self); // for durations
    int64_t (*wall)(void *self);       // since 1970-01-01T00:00:00Z
    uint64_t (*thread_cpu)(void *self);
};

struct clock clock_system(void);

// Waits until the kernel would give a file that is written now a later time than this (nanoseconds since 1970). That takes
// one tick of its clock at most, some milliseconds; times that lie further ahead are not waited for.
void clock_wait_past(int64_t file_time);

#endif
