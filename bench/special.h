// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_SPECIAL_H
#define PRESSRUN_BENCH_SPECIAL_H
/*
 * The distributions that the statistics need, to about twelve digits. Pure functions, thread-safe.
 */

// Standard normal.
double special_normal_density(double x);
double special_normal_cdf(double x);
// The regularised incomplete beta function I_x(a, b), for a, b > 0 and x in [0, 1].
double special_beta(double a, double b, double x);
// Its inverse in x; p in [0, 1].
double special_beta_inverse(double a, double b, double p);
// P(|T| >= |t|) of Student's t with so many degrees of freedom (need not be whole), which are > 0.
double special_student_two_sided(double t, double freedom);

#endif
