// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_HISTOGRAM_H
#define PRESSRUN_MONITOR_HISTOGRAM_H
/*
 * A histogram of whole numbers (nanoseconds, bytes) over their whole range, in little memory: linear below 256, then 128
 * buckets for each doubling. A value is known to within HISTOGRAM_ERROR of itself; the least, the greatest, the sum and the
 * count are exact.
 *
 * Adding two gives the histogram of all their values, so each worker fills its own. Memory grows with the greatest value:
 * 9 KB for a second, 11 KB for an hour, in nanoseconds. One thread at a time.
 */
#include <stdbool.h>
#include <stdint.h>

#define HISTOGRAM_ERROR (1.0 / 256) // relative, of a quantile

struct histogram {
    uint32_t *counts; // owned; saturate
    uint32_t buckets;
    uint64_t n, min, max;
    double sum;
};

void histogram_release(struct histogram *h); // a zeroed struct is an empty histogram
void histogram_clear(struct histogram *h);   // keeps its memory
void histogram_add(struct histogram *h, uint64_t value);
void histogram_add_times(struct histogram *h, uint64_t value,
                         uint32_t times); // one observation that stands for so many
void histogram_merge(struct histogram *h, const struct histogram *other);
// The value that a share q of all do not exceed; 0 of an empty one. q = 0: the least, 1: the greatest.
uint64_t histogram_quantile(const struct histogram *h, double q);
double histogram_mean(const struct histogram *h);

// What is in it, in buckets four times as wide, for whoever keeps it: ascending, those that are not empty, with how many
// are in each. Begins with *next = 0; false: there are no more.
#define HISTOGRAM_COARSE_ERROR (1.0 / 64)
enum { HISTOGRAM_COARSE_BUCKETS = 1856 };
bool histogram_next(const struct histogram *h, uint32_t *next, uint32_t *bucket, uint64_t *count);
// The value in the middle of such a bucket. Below 64 a bucket has four values, bucket b those from 4 b on; above, it begins
// at (b % 32 + 32) << (b / 32 + 1).
uint64_t histogram_middle(uint32_t bucket);

#endif
