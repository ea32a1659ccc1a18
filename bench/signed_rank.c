// SPDX-License-Identifier: MIT
#include "bench/signed_rank.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "bench/quantiles.h"

enum { SUMS = SIGNED_RANK_MOST * (SIGNED_RANK_MOST + 1) / 2 + 1 };

// P(W = w) for each w: every rank is in the sum or not, with the same probability. The smallest, 2^-96, is far from where
// doubles lose digits.
static uint32_t null_distribution(uint32_t n, double p[SUMS]) {
    uint32_t most = 0;
    assert(n >= 1 && n <= SIGNED_RANK_MOST);
    memset(p, 0, SUMS * sizeof *p);
    p[0] = 1;
    for (uint32_t rank = 1; rank <= n; rank++) {
        most += rank;
        for (uint32_t w = most + 1; w-- > 0;)
            p[w] = (p[w] + (w >= rank ? p[w - rank] : 0)) / 2;
    }
    return most;
}

double signed_rank_cdf(uint32_t n, uint32_t w) {
    double p[SUMS], sum = 0;
    uint32_t most = null_distribution(n, p);
    for (uint32_t i = 0; i <= w && i <= most; i++)
        sum += p[i];
    return sum < 1 ? sum : 1;
}

uint32_t signed_rank_critical(uint32_t n, double error) {
    double p[SUMS], sum = 0;
    uint32_t most = null_distribution(n, p);
    for (uint32_t k = 0; k <= most; k++) {
        sum += p[k];
        if (sum > error)
            return k;
    }
    return most;
}

void walsh_init(struct walsh *w, const double *differences, uint32_t n) {
    assert(n >= 1 && n <= SIGNED_RANK_MOST);
    w->n = n;
    w->m = n * (n + 1) / 2;
    w->averages = MEM_NEW_ARRAY(double, w->m);
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = i; j < n; j++)
            w->averages[at++] = (differences[i] + differences[j]) / 2;
    quantiles_sort(w->averages, w->m);
}

void walsh_release(struct walsh *w) {
    mem_free(w->averages);
    w->averages = NULL;
}

double walsh_estimate(const struct walsh *w) {
    return (w->averages[(w->m - 1) / 2] + w->averages[w->m / 2]) / 2;
}

double walsh_lower(const struct walsh *w, double error) {
    uint32_t k = signed_rank_critical(w->n, error);
    return k ? w->averages[k - 1] : -INFINITY;
}

double walsh_upper(const struct walsh *w, double error) {
    uint32_t k = signed_rank_critical(w->n, error);
    return k ? w->averages[w->m - k] : INFINITY;
}
