// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_ARRIVALS_H
#define PRESSRUN_BENCH_ARRIVALS_H
/*
 * When the operations of a load are due: the schedule of an open loop, which knows nothing of how long anything takes.
 *
 * During the ramp-up of R seconds the rate grows evenly from 0 to r, so that i operations are due at sqrt(2 R i / r); from
 * then on they are 1 / r apart. What is due within the ramp-up is not measured. Times are nanoseconds since the beginning,
 * operations are counted from 0. Numbers alone: no clock, no state, thread-safe.
 */
#include <stdint.h>

struct arrivals {
    double rate;          // a second
    double ramp, seconds; // the ramp-up and, after it, what is measured
    uint64_t ramp_n, n;   // operations of the ramp-up; all
};

struct arrivals arrivals_of(double rate, double ramp, double seconds);
uint64_t arrivals_time(const struct arrivals *a, uint64_t i);
uint64_t arrivals_due(const struct arrivals *a, uint64_t time); // how many are, until then and then
uint64_t arrivals_end(const struct arrivals *a);                // nothing begins from here on

#endif
