// SPDX-License-Identifier: MIT
#include "base/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t read_clock(clockid_t id) {
    struct timespec t = {0};
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint64_t system_monotonic(void *self) {
    (void)self;
    return (uint64_t)read_clock(CLOCK_MONOTONIC);
}

static int64_t system_wall(void *self) {
    (void)self;
    return read_clock(CLOCK_REALTIME);
}

static uint64_t system_thread_cpu(void *self) {
    (void)self;
    return (uint64_t)read_clock(CLOCK_THREAD_CPUTIME_ID);
}

struct clock clock_system(void) {
    return (struct clock){
        .self = NULL,
        .monotonic = system_monotonic,
        .wall = system_wall,
        .thread_cpu = system_thread_cpu,
    };
}

void clock_wait_past(int64_t file_time) {
    enum { TICK = 20000000, NAP = 500000 }; // of the slowest kernels, and some more
    int64_t now = read_clock(CLOCK_REALTIME_COARSE);
    for (int64_t give_up = now + TICK; now <= file_time && file_time - now < TICK && now < give_up;
         now = read_clock(CLOCK_REALTIME_COARSE))
        nanosleep(&(struct timespec){.tv_nsec = NAP}, NULL);
}
