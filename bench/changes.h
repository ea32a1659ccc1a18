// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_CHANGES_H
#define PRESSRUN_BENCH_CHANGES_H
/*
 * Change points of a series: where its level moved for good, rather than by a single outlier.
 *
 * E-divisive (Matteson and James): a series is split where the energy distance between the part before and the part after
 * is greatest; Student's t-test between the two, instead of permutations, decides whether to believe it, and the parts are
 * split again. It is done in overlapping windows with a generous error, so that a long history costs no more than its
 * length and old changes do not hide small new ones; then the weakest points are dropped one by one until all that are
 * left are significant between their neighbours, and large enough.
 *
 * Values are finite. The result depends on nothing but the series. Thread-safe.
 */
#include <stdbool.h>
#include <stddef.h>

struct change {
    size_t at;            // the first value of the new level
    double before, after; // means of the levels
    double p;             // of the t-test between the two levels
};

struct changes_options {
    size_t window;        // 0: 30 values
    double p;             // 0: 0.001, less in series longer than a window, which have more to offer
    double min_magnitude; // relative size that counts; 0: any
};

// An owned array (mem_free), ascending; NULL where there are none.
struct change *changes_find(const double *series, size_t n, const struct changes_options *options,
                            size_t *changes_n);

// Values that stand alone: far from the ten around them (five before, five behind), unlike both neighbours. They hide a
// change by making everything look noisy. `cleaned` is the series with the median around it in the place of each;
// `outlier` tells which. Both have n elements. How many there are.
size_t changes_set_aside(const double *series, size_t n, double *cleaned, bool *outlier);

#endif
