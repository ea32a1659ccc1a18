// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_QUANTILES_H
#define PRESSRUN_BENCH_QUANTILES_H
/*
 * Quantiles of samples that are at hand as a whole; monitor/histogram.h is for those that are not. The intervals hold for
 * any distribution. Samples are finite, and there is at least one. Pure functions, thread-safe.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void quantiles_sort(double *samples, size_t n);
// The q-quantile, interpolated between neighbours (type 7 of Hyndman and Fan, as most programs have it). q in [0, 1].
double quantiles_of_sorted(const double *samples, size_t n, double q);
double quantiles_median(double *samples, size_t n); // sorts

// Order statistics that hold the true q-quantile between them with a probability of at least `confidence`, with about
// equal risk on both sides. False: no two of so few do; the interval is then the whole range.
bool quantiles_interval(const double *sorted, size_t n, double q, double confidence, double *low,
                        double *high);

// The exact (Clopper-Pearson) interval of a probability of which `hits` of `n` trials were seen.
void quantiles_proportion(uint64_t hits, uint64_t n, double confidence, double *low, double *high);

// The interval of any statistic of the sample, by resampling: percentiles of `rounds` bootstrap replicates. The same seed
// gives the same interval. n is below 2^32; `statistic` may change the order of what it gets.
typedef double quantiles_statistic(double *samples, size_t n);
void quantiles_bootstrap(const double *samples, size_t n, quantiles_statistic *statistic, size_t rounds,
                         double confidence, uint64_t seed, double *low, double *high);

#endif
