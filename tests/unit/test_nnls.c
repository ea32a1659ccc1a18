// SPDX-License-Identifier: MIT
// Least squares without negative coefficients: known solutions, dependent columns, rows and columns of nothing.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <math.h>

#include "bench/random.h"
#include "pipeline/strategy/nnls.h"

static void assert_near(double value, double expected, double by) {
    assert_true(fabs(value - expected) <= by);
}

static void add_all(struct nnls *nnls, size_t columns, size_t rows, const double *a, const double *b) {
    nnls_init(nnls, columns);
    for (size_t i = 0; i < rows; i++)
        nnls_add(nnls, a + i * columns, b[i], 1);
}

static void test_known_solutions(void **state) {
    (void)state;
    struct nnls nnls;
    double x[NNLS_MOST];
    // An exact one.
    add_all(&nnls, 2, 3, (double[]){1, 0, 0, 1, 1, 1}, (double[]){2, 3, 5});
    assert_near(nnls_solve(&nnls, x), 0, 1e-9);
    assert_near(x[0], 2, 1e-9);
    assert_near(x[1], 3, 1e-9);
    // Without the bound x would be (-1, 3): with it the second column alone is left, 5 / 2.
    add_all(&nnls, 2, 2, (double[]){1, 1, 0, 1}, (double[]){2, 3});
    assert_near(nnls_solve(&nnls, x), 0.5, 1e-9);
    assert_near(x[0], 0, 0);
    assert_near(x[1], 2.5, 1e-9);
    // Both want to be negative.
    add_all(&nnls, 2, 2, (double[]){1, 0, 0, 1}, (double[]){-1, -2});
    assert_near(nnls_solve(&nnls, x), 5, 1e-9);
    assert_true(x[0] == 0 && x[1] == 0);
    // A column that comes in first and has to leave again: 1, 2 and 3 by hand.
    add_all(&nnls, 3, 3, (double[]){1, 1, 0, 0, 1, 1, 1, 2, 1.5}, (double[]){1, 2, 2.5});
    nnls_solve(&nnls, x);
    assert_true(x[0] >= 0 && x[1] >= 0 && x[2] >= 0);
}

static void test_dependent_columns(void **state) {
    (void)state;
    struct nnls nnls;
    double x[NNLS_MOST];
    add_all(&nnls, 3, 3, (double[]){1, 2, 0, 2, 4, 0, 3, 6, 1}, (double[]){2, 4, 7});
    assert_true(nnls_solve(&nnls, x) < 1e-9);
    assert_near(x[0] + 2 * x[1], 2, 1e-6); // however it is shared out
    assert_near(x[2], 1, 1e-6);
    // More columns than rows.
    add_all(&nnls, 4, 1, (double[]){1, 2, 3, 4}, (double[]){8});
    assert_true(nnls_solve(&nnls, x) < 1e-9);
    assert_near(x[0] + 2 * x[1] + 3 * x[2] + 4 * x[3], 8, 1e-6);
}

static void test_nothing(void **state) {
    (void)state;
    struct nnls nnls;
    double x[NNLS_MOST] = {7, 7};
    nnls_init(&nnls, 2);
    assert_near(nnls_solve(&nnls, x), 0, 0);
    assert_true(x[0] == 0 && x[1] == 0);
    // Rows of nought, one that is no number, one that weighs nothing; and a column of nought.
    nnls_add(&nnls, (double[]){0, 0}, 0, 1);
    nnls_add(&nnls, (double[]){0, 0}, 3, 1);
    nnls_add(&nnls, (double[]){NAN, 1}, 1, 1);
    nnls_add(&nnls, (double[]){1, 1}, INFINITY, 1);
    nnls_add(&nnls, (double[]){1, 1}, 100, 0);
    nnls_add(&nnls, (double[]){0, 2}, 4, 1);
    assert_near(nnls_solve(&nnls, x), 9, 1e-9);
    assert_true(x[0] == 0);
    assert_near(x[1], 2, 1e-9);
}

static void test_weights(void **state) {
    (void)state;
    struct nnls nnls;
    double x[NNLS_MOST];
    nnls_init(&nnls, 1);
    nnls_add(&nnls, (double[]){1}, 1, 3);
    nnls_add(&nnls, (double[]){1}, 5, 1);
    assert_near(nnls_solve(&nnls, x), 12, 1e-9);
    assert_near(x[0], 2, 1e-9);
}

// Whatever the problem: nothing negative, and no column could still make it better (Karush, Kuhn and Tucker).
static void test_random_problems(void **state) {
    (void)state;
    struct random r = {17};
    for (int trial = 0; trial < 3000; trial++) {
        struct nnls nnls;
        size_t n = 1 + random_below(&r, NNLS_MOST), rows = 1 + random_below(&r, 2 * NNLS_MOST);
        double row[NNLS_MOST], x[NNLS_MOST];
        nnls_init(&nnls, n);
        for (size_t i = 0; i < rows; i++) {
            for (size_t k = 0; k < n; k++)
                row[k] = random_below(&r, 4) ? 2 * random_unit(&r) - 0.7 : 0;
            if (n > 2 && trial % 3 == 0)
                row[n - 1] = row[0] + row[1];
            nnls_add(&nnls, row, 3 * random_unit(&r) - 1, 0.1 + random_unit(&r));
        }
        double least = nnls_solve(&nnls, x);
        assert_true(isfinite(least) && least >= 0 && least <= nnls.square * (1 + 1e-12));
        for (size_t k = 0; k < n; k++) {
            double fall = nnls.moment[k];
            for (size_t j = 0; j < n; j++)
                fall -= nnls.gram[k][j] * x[j];
            assert_true(x[k] >= 0);
            assert_true(fall <= 1e-4);                    // nothing to be gained by more of it
            assert_true(x[k] == 0 || fabs(fall) <= 1e-4); // nor by less
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_solutions), cmocka_unit_test(test_dependent_columns),
        cmocka_unit_test(test_nothing),         cmocka_unit_test(test_weights),
        cmocka_unit_test(test_random_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
