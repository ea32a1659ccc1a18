// SPDX-License-Identifier: MIT
#include "bench/quantiles.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bench/random.h"
#include "bench/special.h"

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void quantiles_sort(double *samples, size_t n) {
    qsort(samples, n, sizeof *samples, by_value);
}

double quantiles_of_sorted(const double *samples, size_t n, double q) {
    assert(n >= 1 && q >= 0 && q <= 1);
    double at = q * (double)(n - 1);
    size_t below = (size_t)at;
    if (below + 1 >= n)
        return samples[n - 1];
    return samples[below] + (at - (double)below) * (samples[below + 1] - samples[below]);
}

double quantiles_median(double *samples, size_t n) {
    quantiles_sort(samples, n);
    return quantiles_of_sorted(samples, n, 0.5);
}

// P(at most k of n are below the q-quantile).
static double binomial_cdf(size_t n, double q, size_t k) {
    return k >= n ? 1 : special_beta((double)(n - k), (double)k + 1, 1 - q);
}

bool quantiles_interval(const double *sorted, size_t n, double q, double confidence, double *low,
                        double *high) {
    assert(n >= 1 && q > 0 && q < 1);
    double risk = (1 - confidence) / 2;
    // The i-th smallest is above the quantile where fewer than i are below it.
    size_t l = 0, h = 0;
    while (l < n && binomial_cdf(n, q, l) <= risk)
        l++;
    while (h < n && binomial_cdf(n, q, h) < 1 - risk)
        h++;
    bool both = l >= 1 && h < n;
    *low = sorted[both ? l - 1 : 0];
    *high = sorted[both ? h : n - 1];
    return both;
}

void quantiles_proportion(uint64_t hits, uint64_t n, double confidence, double *low, double *high) {
    assert(n >= 1 && hits <= n);
    double risk = (1 - confidence) / 2, x = (double)hits, rest = (double)(n - hits);
    *low = hits ? special_beta_inverse(x, rest + 1, risk) : 0;
    *high = hits < n ? special_beta_inverse(x + 1, rest, 1 - risk) : 1;
}

void quantiles_bootstrap(const double *samples, size_t n, quantiles_statistic *statistic, size_t rounds,
                         double confidence, uint64_t seed, double *low, double *high) {
    assert(n >= 1 && n <= UINT32_MAX && rounds >= 1);
    struct random random = {seed};
    double *sample = MEM_NEW_ARRAY(double, n), *replicates = MEM_NEW_ARRAY(double, rounds);
    for (size_t r = 0; r < rounds; r++) {
        for (size_t i = 0; i < n; i++)
            sample[i] = samples[random_below(&random, (uint32_t)n)];
        replicates[r] = statistic(sample, n);
    }
    quantiles_sort(replicates, rounds);
    *low = quantiles_of_sorted(replicates, rounds, (1 - confidence) / 2);
    *high = quantiles_of_sorted(replicates, rounds, (1 + confidence) / 2);
    mem_free(sample);
    mem_free(replicates);
}
