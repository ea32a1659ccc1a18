// SPDX-License-Identifier: MIT
#include "pipeline/strategy/nnls.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

#define DEPENDENT 1e-11 // of a column's square, what is left of it beside the others
#define SATISFIED 1e-10 // of the greatest gradient, what counts as none

void nnls_init(struct nnls *nnls, size_t columns) {
    assert(columns <= NNLS_MOST);
    *nnls = (struct nnls){.n = columns};
}

void nnls_add(struct nnls *nnls, const double *row, double target, double weight) {
    bool finite = isfinite(target) && isfinite(weight) && weight > 0;
    for (size_t i = 0; i < nnls->n; i++)
        finite = finite && isfinite(row[i]);
    if (!finite)
        return;
    for (size_t i = 0; i < nnls->n; i++) {
        for (size_t j = 0; j < nnls->n; j++)
            nnls->gram[i][j] += weight * row[i] * row[j];
        nnls->moment[i] += weight * row[i] * target;
    }
    nnls->square += weight * target * target;
    nnls->weight += weight;
}

// The columns that may be above 0, in the order they came in: a Cholesky factor grows by a row with each.
struct passive {
    size_t n, columns[NNLS_MOST];
    double factor[NNLS_MOST][NNLS_MOST];
};

// False: the column is a mixture of those that are in.
static bool admit(const struct nnls *nnls, struct passive *in, size_t column) {
    double *row = in->factor[in->n], left = nnls->gram[column][column];
    for (size_t i = 0; i < in->n; i++) {
        double sum = nnls->gram[column][in->columns[i]];
        for (size_t k = 0; k < i; k++)
            sum -= row[k] * in->factor[i][k];
        row[i] = sum / in->factor[i][i];
        left -= row[i] * row[i];
    }
    if (!(left > DEPENDENT * nnls->gram[column][column]))
        return false;
    row[in->n] = sqrt(left);
    in->columns[in->n++] = column;
    return true;
}

// The best with just these columns, whatever its signs.
static void solve_passive(const struct nnls *nnls, const struct passive *in, double *x) {
    double y[NNLS_MOST] = {0}; // clang-tidy cannot know that as many are set as are read
    for (size_t i = 0; i < nnls->n; i++)
        x[i] = 0;
    for (size_t i = 0; i < in->n; i++) {
        y[i] = nnls->moment[in->columns[i]];
        for (size_t k = 0; k < i; k++)
            y[i] -= in->factor[i][k] * y[k];
        y[i] /= in->factor[i][i];
    }
    for (size_t i = in->n; i-- > 0;) {
        double sum = y[i];
        for (size_t k = i + 1; k < in->n; k++)
            sum -= in->factor[k][i] * x[in->columns[k]];
        x[in->columns[i]] = sum / in->factor[i][i];
    }
}

// Goes from x towards `best` as far as nothing becomes negative; what becomes nought leaves.
static bool step_towards(const struct nnls *nnls, struct passive *in, const double *best, double *x) {
    double share = 1;
    size_t first = NNLS_MOST;
    for (size_t i = 0; i < in->n; i++) {
        size_t c = in->columns[i];
        if (best[c] <= 0 && x[c] / (x[c] - best[c]) <= share) {
            share = x[c] / (x[c] - best[c]);
            first = c;
        }
    }
    struct passive kept = {0};
    for (size_t i = 0; i < in->n; i++) {
        size_t c = in->columns[i];
        x[c] += share * (best[c] - x[c]);
        if (c == first || x[c] <= 0)
            x[c] = 0;
        else
            admit(nnls, &kept, c);
    }
    bool left = kept.n < in->n;
    *in = kept;
    return left;
}

// How the sum falls with a column; the one with the steepest fall that has not been tried, or `n`.
static size_t steepest(const struct nnls *nnls, const struct passive *in, const double *x,
                       const bool *barred) {
    size_t best = nnls->n;
    double most = 0;
    for (size_t c = 0; c < nnls->n; c++) {
        bool skip = barred[c] || !(nnls->gram[c][c] > 0);
        for (size_t i = 0; i < in->n; i++)
            skip = skip || in->columns[i] == c;
        double fall = nnls->moment[c];
        for (size_t k = 0; k < nnls->n; k++)
            fall -= nnls->gram[c][k] * x[k];
        if (skip || fall <= SATISFIED * fabs(nnls->moment[c]))
            continue;
        fall /= sqrt(nnls->gram[c][c]); // whatever the column's unit
        if (fall > most) {
            most = fall;
            best = c;
        }
    }
    return best;
}

static double residual(const struct nnls *nnls, const double *x) {
    double sum = nnls->square;
    for (size_t i = 0; i < nnls->n; i++) {
        sum -= 2 * x[i] * nnls->moment[i];
        for (size_t j = 0; j < nnls->n; j++)
            sum += x[i] * nnls->gram[i][j] * x[j];
    }
    return sum > 0 ? sum : 0;
}

double nnls_solve(const struct nnls *nnls, double *x) {
    struct passive in = {0};
    double best[NNLS_MOST];
    bool barred[NNLS_MOST] = {false};
    for (size_t i = 0; i < nnls->n; i++)
        x[i] = 0;
    // Each round lessens the sum, so no set of columns comes twice; the bound is for what rounding may do.
    for (size_t round = 0; round < 8 * NNLS_MOST; round++) {
        size_t column = steepest(nnls, &in, x, barred);
        if (column == nnls->n)
            break;
        if (!admit(nnls, &in, column)) {
            barred[column] = true;
            continue;
        }
        solve_passive(nnls, &in, best);
        if (best[column] <= 0) { // by rounding alone
            barred[column] = true;
            in.n--;
            continue;
        }
        while (step_towards(nnls, &in, best, x))
            solve_passive(nnls, &in, best);
    }
    return residual(nnls, x);
}
