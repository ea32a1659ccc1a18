// SPDX-License-Identifier: MIT
// The statistics against published tables, exact small cases and properties; tests/support/check_statistics.py has them
// checked by another implementation as well.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>

#include "base/mem.h"
#include "bench/changes.h"
#include "bench/quantiles.h"
#include "bench/random.h"
#include "bench/signed_rank.h"
#include "bench/special.h"

static void assert_near(double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.15g is not within %g of %.15g", got, tolerance, want);
}

// ---- distributions

static void test_normal(void **state) {
    (void)state;
    assert_near(special_normal_cdf(0), 0.5, 1e-15);
    assert_near(special_normal_cdf(1.959963984540054), 0.975, 1e-14);
    assert_near(special_normal_cdf(-5), 2.866515718791939e-07, 1e-20);
    assert_near(special_normal_density(1), 0.24197072451914337, 1e-15);
}

// R. A. Fisher and F. Yates, Statistical Tables (1938), table III: values of t for two-sided risks of 5 % and 1 %.
static void test_student(void **state) {
    (void)state;
    static const struct {
        double freedom, five, one;
    } table[] = {{1, 12.7062, 63.6567},  {2, 4.30265, 9.92484},  {5, 2.57058, 4.03214},
                 {10, 2.22814, 3.16927}, {30, 2.04227, 2.75000}, {120, 1.97993, 2.61742}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_near(special_student_two_sided(table[i].five, table[i].freedom), 0.05, 2e-6);
        assert_near(special_student_two_sided(-table[i].one, table[i].freedom), 0.01, 1e-6);
    }
    assert_near(special_student_two_sided(0, 3), 1, 0);
}

static void test_beta(void **state) {
    (void)state;
    assert_near(special_beta(1, 1, 0.3), 0.3, 1e-15);
    assert_near(special_beta(2, 3, 0.5), 0.6875, 1e-14); // P(at least 2 of 4 coins) = 11 / 16
    assert_near(special_beta(3, 2, 0), 0, 0);
    assert_near(special_beta(3, 2, 1), 1, 0);
    for (double p = 0.001; p < 1; p += 0.0371)
        assert_near(special_beta(7.5, 0.5, special_beta_inverse(7.5, 0.5, p)), p, 1e-12);
}

// ---- signed ranks

// All 2^n signs.
static double count_cdf(uint32_t n, uint32_t w) {
    uint32_t hits = 0;
    for (uint32_t signs = 0; signs < 1u << n; signs++) {
        uint32_t sum = 0;
        for (uint32_t i = 0; i < n; i++)
            sum += signs >> i & 1 ? i + 1 : 0;
        hits += sum <= w;
    }
    return (double)hits / (double)(1u << n);
}

static void test_null_distribution(void **state) {
    (void)state;
    for (uint32_t n = 1; n <= 12; n++)
        for (uint32_t w = 0; w <= n * (n + 1) / 2; w++)
            assert_near(signed_rank_cdf(n, w), count_cdf(n, w), 1e-15);
    assert_near(signed_rank_cdf(96, 96 * 97 / 4), 0.5, 0.002);
    assert_near(signed_rank_cdf(96, 0), 0x1p-96, 0);
    assert_near(signed_rank_cdf(96, 96 * 97 / 2), 1, 1e-12);
}

// Critical values (largest W with P(W <= w) <= error), which are one less than k: F. Wilcoxon and R. A. Wilcox, Some Rapid
// Approximate Statistical Procedures (1964), table 2, to n = 30; R. L. McCornack, Extended tables of the Wilcoxon matched
// pair signed rank statistic, J. Am. Stat. Assoc. 60 (1965), beyond.
static void test_critical_values(void **state) {
    (void)state;
    static const struct {
        uint32_t n;
        int five, two_and_half, one, half; // one-sided; -1: none
    } table[] = {
        {5, 0, -1, -1, -1},       {6, 2, 0, -1, -1},        {7, 3, 2, 0, -1},
        {8, 5, 3, 1, 0},          {9, 8, 5, 3, 1},          {10, 10, 8, 5, 3},
        {11, 13, 10, 7, 5},       {12, 17, 13, 9, 7},       {13, 21, 17, 12, 9},
        {14, 25, 21, 15, 12},     {15, 30, 25, 19, 15},     {16, 35, 29, 23, 19},
        {17, 41, 34, 27, 23},     {18, 47, 40, 32, 27},     {19, 53, 46, 37, 32},
        {20, 60, 52, 43, 37},     {21, 67, 58, 49, 42},     {22, 75, 65, 55, 48},
        {23, 83, 73, 62, 54},     {24, 91, 81, 69, 61},     {25, 100, 89, 76, 68},
        {26, 110, 98, 84, 75},    {27, 119, 107, 92, 83},   {28, 130, 116, 101, 91},
        {29, 140, 126, 110, 100}, {30, 151, 137, 120, 109}, {35, 213, 195, 173, 159},
        {40, 286, 264, 238, 220}, {45, 371, 343, 312, 291}, {50, 466, 434, 397, 373},
    };
    static const double errors[] = {0.05, 0.025, 0.01, 0.005};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const int values[] = {table[i].five, table[i].two_and_half, table[i].one, table[i].half};
        for (size_t e = 0; e < 4; e++)
            assert_int_equal((int)signed_rank_critical(table[i].n, errors[e]) - 1, values[e]);
    }
    assert_int_equal(signed_rank_critical(4, 0.05), 0); // 1/16 is the least there is
}

// Each error of each look: as many sign patterns as are counted here, and no more.
static void test_errors_of_looks(void **state) {
    (void)state;
    for (uint32_t n = 1; n <= SIGNED_RANK_MOST; n++)
        for (double error = 0.5; error > 1e-6; error /= 3) {
            uint32_t k = signed_rank_critical(n, error);
            assert_true(k == 0 || signed_rank_cdf(n, k - 1) <= error);
            assert_true(signed_rank_cdf(n, k) > error);
        }
}

// Equal differences and differences of nothing.
static void test_ties(void **state) {
    (void)state;
    double d[SIGNED_RANK_MOST] = {0};
    struct walsh w;
    walsh_init(&w, d, SIGNED_RANK_MOST);
    assert_true(walsh_estimate(&w) == 0 && walsh_lower(&w, 0.01) == 0 && walsh_upper(&w, 0.01) == 0);
    walsh_release(&w);
    // Of lattice noise, bounds that may equal the centre are wrong less often than they say.
    enum { TRIALS = 4000, N = 16 };
    struct random random = {8};
    uint64_t above = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        for (int i = 0; i < N; i++)
            d[i] = (double)random_below(&random, 3) - 1;
        walsh_init(&w, d, N);
        above += walsh_lower(&w, 0.05) > 0;
        walsh_release(&w);
    }
    double low, high;
    quantiles_proportion(above, TRIALS, 0.999, &low, &high);
    assert_true(low <= 0.05);
}

// Differences as large as they come.
static void test_extremes(void **state) {
    (void)state;
    double d[8];
    struct walsh w;
    for (int i = 0; i < 8; i++)
        d[i] = i % 2 ? 700 : -700; // ln of about 1e304
    walsh_init(&w, d, 8);
    assert_true(walsh_estimate(&w) == 0 && walsh_lower(&w, 0.01) == -700 && walsh_upper(&w, 0.01) == 700);
    walsh_release(&w);
}

static void test_walsh(void **state) {
    (void)state;
    const double d[] = {1, 5, 2};
    struct walsh w;
    walsh_init(&w, d, 3); // 1 1.5 2 3 3.5 5
    assert_int_equal(w.m, 6);
    assert_near(walsh_estimate(&w), 2.5, 0);
    assert_near(walsh_lower(&w, 0.125), 1, 0);
    assert_near(walsh_upper(&w, 0.125), 5, 0);
    assert_near(walsh_lower(&w, 0.25), 1.5, 0);
    assert_near(walsh_upper(&w, 0.25), 3.5, 0);
    assert_true(isinf(walsh_lower(&w, 0.1)) && walsh_lower(&w, 0.1) < 0);
    assert_true(isinf(walsh_upper(&w, 0.1)) && walsh_upper(&w, 0.1) > 0);
    walsh_release(&w);
    walsh_init(&w, d, 1);
    assert_near(walsh_estimate(&w), 1, 0);
    walsh_release(&w);
}

// Bounds of symmetric noise are wrong as often as they say, and no more.
static void test_bounds_hold(void **state) {
    (void)state;
    enum { TRIALS = 4000, N = 24 };
    struct random random = {42};
    int missed = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        double d[N];
        for (int i = 0; i < N; i++) { // heavy tails
            double u = random_unit(&random) - 0.5;
            d[i] = tan(3.1 * u);
        }
        struct walsh w;
        walsh_init(&w, d, N);
        missed += walsh_lower(&w, 0.05) > 0;
        walsh_release(&w);
    }
    double low, high;
    quantiles_proportion((uint64_t)missed, TRIALS, 0.999, &low, &high);
    assert_true(low <= 0.05 && high >= 0.04); // k is a whole number, so that the risk is just below
}

// ---- quantiles

static void test_quantiles(void **state) {
    (void)state;
    double x[] = {5, 1, 4, 2, 3}, low, high;
    assert_near(quantiles_median(x, 5), 3, 0);
    assert_near(quantiles_of_sorted(x, 5, 0), 1, 0);
    assert_near(quantiles_of_sorted(x, 5, 1), 5, 0);
    assert_near(quantiles_of_sorted(x, 5, 0.9), 4.6, 1e-12);
    assert_false(quantiles_interval(x, 5, 0.5, 0.95, &low, &high)); // 1 - 2/32 is below 95 %
    assert_near(low, 1, 0);
    assert_near(high, 5, 0);
    assert_true(quantiles_interval(x, 5, 0.5, 0.9, &low, &high));
    assert_near(low, 1, 0);
    assert_near(high, 5, 0);
}

// K. Diem (ed.), Documenta Geigy, Scientific Tables, 6th ed. (1962), binomial limits: the 95 % interval of the median of 20 is from the 6th to the 15th, of 50 from the 18th to the 33rd.
static void test_median_interval(void **state) {
    (void)state;
    double x[50], low, high;
    for (int i = 0; i < 50; i++)
        x[i] = i + 1;
    assert_true(quantiles_interval(x, 20, 0.5, 0.95, &low, &high));
    assert_near(low, 6, 0);
    assert_near(high, 15, 0);
    assert_true(quantiles_interval(x, 50, 0.5, 0.95, &low, &high));
    assert_near(low, 18, 0);
    assert_near(high, 33, 0);
    assert_false(quantiles_interval(x, 50, 0.99, 0.95, &low, &high));
}

// C. J. Clopper and E. S. Pearson, Biometrika 26 (1934); digits as R's binom.test prints them.
static void test_proportion(void **state) {
    (void)state;
    double low, high;
    quantiles_proportion(0, 10, 0.95, &low, &high);
    assert_near(low, 0, 0);
    assert_near(high, 0.3084971, 1e-6);
    quantiles_proportion(8, 10, 0.95, &low, &high);
    assert_near(low, 0.4439045, 1e-6);
    assert_near(high, 0.9747893, 1e-6);
    quantiles_proportion(10, 10, 0.95, &low, &high);
    assert_near(high, 1, 0);
}

static void test_bootstrap(void **state) {
    (void)state;
    double x[40], low, high, again, other;
    struct random random = {7};
    for (int i = 0; i < 40; i++)
        x[i] = 10 + random_unit(&random);
    quantiles_bootstrap(x, 40, quantiles_median, 2000, 0.95, 1, &low, &high);
    assert_true(low > 10.2 && low < high && high < 10.8);
    quantiles_bootstrap(x, 40, quantiles_median, 2000, 0.95, 1, &again, &other);
    assert_near(again, low, 0);
    assert_near(other, high, 0);
}

// ---- change points

static size_t find(const double *x, size_t n, double magnitude, struct change *first) {
    size_t found;
    struct change *changes =
        changes_find(x, n, &(struct changes_options){.min_magnitude = magnitude}, &found);
    if (found)
        *first = changes[0];
    mem_free(changes);
    return found;
}

static void test_changes(void **state) {
    (void)state;
    enum { N = 200 };
    double x[N];
    struct random random = {3};
    struct change first;
    for (size_t i = 0; i < N; i++)
        x[i] = 100 + 2 * random_unit(&random);
    assert_int_equal(find(x, N, 0, &first), 0);
    x[70] = 160; // an outlier is no change
    assert_int_equal(find(x, N, 0, &first), 0);
    for (size_t i = 120; i < N; i++)
        x[i] *= 1.05;
    assert_int_equal(find(x, N, 0, &first), 1);
    assert_int_equal(first.at, 120);
    assert_near(first.after / first.before, 1.05, 0.01);
    assert_int_equal(find(x, N, 0.1, &first), 0); // not large enough
    for (size_t i = 160; i < N; i++)
        x[i] /= 1.05;
    assert_int_equal(find(x, N, 0.01, &first), 2);
}

static void test_changes_of_little(void **state) {
    (void)state;
    const double x[] = {1, 1, 1, 1, 2, 2, 2, 2};
    struct change first;
    for (size_t n = 0; n < 4; n++)
        assert_int_equal(find(x, n, 0, &first), 0);
    assert_int_equal(find(x, 8, 0, &first), 1); // without any noise it is plain
    assert_int_equal(first.at, 4);
    assert_near(first.p, 0, 0);
}

// Many unchanged series: hardly any alarm.
static void test_false_alarms(void **state) {
    (void)state;
    enum { SERIES = 200, N = 100 };
    struct random random = {11};
    size_t alarms = 0;
    for (int s = 0; s < SERIES; s++) {
        double x[N];
        struct change first;
        for (int i = 0; i < N; i++)
            x[i] = 1000 + 30 * (random_unit(&random) + random_unit(&random) + random_unit(&random));
        alarms += find(x, N, 0.01, &first) > 0;
    }
    assert_true(alarms <= SERIES / 20);
}

// A value that stands alone is set aside; a change never is, not even one that has just begun.
static void test_set_aside(void **state) {
    (void)state;
    enum { N = 40 };
    double x[N], cleaned[N];
    bool outlier[N];
    struct random random = {7};
    struct change first;
    for (size_t i = 0; i < N; i++)
        x[i] = 100 + random_unit(&random);
    assert_int_equal(changes_set_aside(x, N, cleaned, outlier), 0);
    for (size_t i = 0; i < N; i++)
        assert_true(cleaned[i] == x[i]);
    x[0] = 300;
    x[17] = 20;
    x[N - 1] = 200;
    assert_int_equal(changes_set_aside(x, N, cleaned, outlier), 3);
    assert_true(outlier[0] && outlier[17] && outlier[N - 1]);
    assert_near(cleaned[17], 100.5, 0.5);
    x[N - 2] = 200; // two in a row may be the beginning of something
    assert_int_equal(changes_set_aside(x, N, cleaned, outlier), 2);
    assert_true(!outlier[N - 1] && !outlier[N - 2]);
    for (size_t i = 0; i < N; i++) // a small change, hidden by two outliers
        x[i] = (i < 20 ? 100 : 102) + random_unit(&random);
    x[5] = 400;
    x[31] = 400;
    assert_int_equal(find(x, N, 0, &first), 0);
    assert_int_equal(changes_set_aside(x, N, cleaned, outlier), 2);
    assert_int_equal(find(cleaned, N, 0, &first), 1);
    assert_int_equal(first.at, 20);
    for (size_t i = 0; i < N; i++) // without any noise, any change is one
        x[i] = i < 20 ? 7 : 8;
    assert_int_equal(changes_set_aside(x, N, cleaned, outlier), 0);
    for (size_t n = 0; n < 6; n++) // too few to tell
        assert_int_equal(changes_set_aside((double[]){1, 1, 9, 1, 1}, n < 5 ? n : 5, cleaned, outlier), 0);
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_student),
        cmocka_unit_test(test_beta),
        cmocka_unit_test(test_null_distribution),
        cmocka_unit_test(test_critical_values),
        cmocka_unit_test(test_errors_of_looks),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_walsh),
        cmocka_unit_test(test_bounds_hold),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_median_interval),
        cmocka_unit_test(test_proportion),
        cmocka_unit_test(test_bootstrap),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_changes_of_little),
        cmocka_unit_test(test_false_alarms),
        cmocka_unit_test(test_set_aside),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
