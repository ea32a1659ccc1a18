// SPDX-License-Identifier: MIT
#include "bench/arrivals.h"

#include <math.h>

static const double nanoseconds = 1e9;
static const double slack = 1e-6; // of an operation: what rounding may have taken or added

// Operations of the whole ramp-up, the last one perhaps a part.
static double ramped(const struct arrivals *a) {
    return a->rate * a->ramp / 2;
}

struct arrivals arrivals_of(double rate, double ramp, double seconds) {
    struct arrivals a = {.rate = rate, .ramp = ramp, .seconds = seconds};
    a.ramp_n = (uint64_t)ceil(ramped(&a) - slack);
    a.n = (uint64_t)ceil(ramped(&a) + rate * seconds - slack);
    return a;
}

uint64_t arrivals_time(const struct arrivals *a, uint64_t i) {
    double before = ramped(a), at = (double)i;
    double seconds = at < before ? sqrt(2 * a->ramp * at / a->rate) : a->ramp + (at - before) / a->rate;
    return (uint64_t)(seconds * nanoseconds);
}

uint64_t arrivals_due(const struct arrivals *a, uint64_t time) {
    double t = (double)(time + 1) / nanoseconds; // times are rounded down
    double sofar = t < a->ramp ? a->rate * t * t / (2 * a->ramp) : ramped(a) + (t - a->ramp) * a->rate;
    uint64_t due = (uint64_t)(sofar + slack) + 1;
    return due < a->n ? due : a->n;
}

uint64_t arrivals_end(const struct arrivals *a) {
    return (uint64_t)((a->ramp + a->seconds) * nanoseconds);
}
