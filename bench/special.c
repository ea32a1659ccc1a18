// SPDX-License-Identifier: MIT
#include "bench/special.h"

#include <math.h>

double special_normal_density(double x) {
    return exp(-x * x / 2) * 0.3989422804014326779; // 1 / sqrt(2 pi)
}

double special_normal_cdf(double x) {
    return erfc(-x * 0.7071067811865475244) / 2; // 1 / sqrt(2)
}

// The continued fraction of the incomplete beta function, by Lentz's method. Converges fast where
// x < (a + 1) / (a + b + 2).
static double beta_fraction(double a, double b, double x) {
    enum { TERMS = 10000 };
    const double tiny = 1e-300, enough = 1e-15;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double result = d;
    for (int m = 1; m < TERMS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        result *= d * c;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        result *= d * c;
        if (fabs(d * c - 1) < enough)
            break;
    }
    return result;
}

double special_beta(double a, double b, double x) {
    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    int sign;
    double log_front =
        lgamma_r(a + b, &sign) - lgamma_r(a, &sign) - lgamma_r(b, &sign) + a * log(x) + b * log1p(-x);
    double front = exp(log_front);
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double special_beta_inverse(double a, double b, double p) {
    enum { HALVINGS = 200 };
    double low = 0, high = 1;
    if (p <= 0)
        return 0;
    if (p >= 1)
        return 1;
    for (int i = 0; i < HALVINGS && high - low > 1e-16 * high; i++) {
        double middle = low + (high - low) / 2;
        if (special_beta(a, b, middle) < p)
            low = middle;
        else
            high = middle;
    }
    return low + (high - low) / 2;
}

double special_student_two_sided(double t, double freedom) {
    return special_beta(freedom / 2, 0.5, freedom / (freedom + t * t));
}
