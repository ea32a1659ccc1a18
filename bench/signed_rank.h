// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_SIGNED_RANK_H
#define PRESSRUN_BENCH_SIGNED_RANK_H
/*
 * Paired differences without assumptions on the shape of their noise: the Hodges-Lehmann estimate, and confidence
 * bounds from the exact null distribution of Wilcoxon's signed-rank statistic W.
 *
 * With M = n (n + 1) / 2 Walsh averages w(1) <= ... <= w(M), the (d_i + d_j) / 2 of all i <= j, and k the largest whole
 * number with P(W <= k - 1) <= error, w(k) is a lower bound of the centre and w(M + 1 - k) an upper one, each wrong with a
 * probability of at most `error`, whatever the distribution, as long as it is symmetric. Ties and differences of 0 stay in,
 * each with all its averages, and only make that rarer: bounds that may equal the centre are not wrong (Pratt; Hollander and
 * Wolfe, Nonparametric Statistical Methods, 3.1 to 3.3).
 *
 * Differences are finite. Pure functions, thread-safe.
 */
#include <stdint.h>

enum { SIGNED_RANK_MOST = 96 }; // pairs

// P(W <= w) for n pairs without ties; n is 1 to SIGNED_RANK_MOST, here and below.
double signed_rank_cdf(uint32_t n, uint32_t w);
// k as above; 0: the bounds are infinite, there are too few pairs for so small an error.
uint32_t signed_rank_critical(uint32_t n, double error);

struct walsh {
    uint32_t n;       // pairs
    uint32_t m;       // averages
    double *averages; // ascending; owned
};
void walsh_init(struct walsh *w, const double *differences, uint32_t n);
void walsh_release(struct walsh *w);
double walsh_estimate(const struct walsh *w);            // Hodges-Lehmann: the median
double walsh_lower(const struct walsh *w, double error); // -INFINITY where there are too few pairs
double walsh_upper(const struct walsh *w, double error); // INFINITY

#endif
