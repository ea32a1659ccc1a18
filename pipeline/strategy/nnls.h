// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_STRATEGY_NNLS_H
#define PRESSRUN_PIPELINE_STRATEGY_NNLS_H
/*
 * Least squares with coefficients that are not negative: x >= 0 that makes the weighted sum of (row . x - target)^2
 * least. Costs are not negative, and a fit that may say so otherwise makes up for one wrong cost with another.
 *
 * Lawson and Hanson's active set (Solving Least Squares Problems, 1974, chapter 23) on the normal equations: rows are
 * only ever added up, so any number of them take no memory, and the few columns (at most NNLS_MOST) are solved by
 * Cholesky. Columns that depend on others, or that are nought, get 0. That squares the condition: columns should be
 * of similar size, to within some 1e4, as costs as shares of a run's time are. No allocation, no state elsewhere.
 */
#include <stddef.h>

enum { NNLS_MOST = 16 };

struct nnls {
    size_t n;                          // columns
    double gram[NNLS_MOST][NNLS_MOST]; // sum of weight row_i row_j
    double moment[NNLS_MOST];          // sum of weight row_i target
    double square;                     // sum of weight target^2
    double weight;                     // of all rows
};

void nnls_init(struct nnls *nnls, size_t columns);
// A row that is not finite, or whose weight is not above 0, is left out.
void nnls_add(struct nnls *nnls, const double *row, double target, double weight);
// Fills x; returns the weighted sum of squares that is left.
double nnls_solve(const struct nnls *nnls, double *x);

#endif
