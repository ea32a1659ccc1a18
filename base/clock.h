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

#endif
