// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "pipeline/run/claims.h"

static struct str path_of(char text[32], unsigned n) {
    int len = snprintf(text, 32, "cards/%u/%u.txt", n % 100, n);
    return (struct str){text, (size_t)len};
}

static void test_second_claim_learns_the_first(void **state) {
    (void)state;
    struct claims *claims = claims_new();
    struct claim holder = {0};
    assert_true(claims_take(claims, STR("a.txt"), (struct claim){3, 41}, &holder));
    assert_true(claims_take(claims, STR("b.txt"), (struct claim){0, 0}, &holder));
    assert_false(claims_take(claims, STR("a.txt"), (struct claim){7, 99}, &holder));
    assert_int_equal(holder.job, 3);
    assert_int_equal(holder.record, 41);
    assert_false(claims_take(claims, STR("b.txt"), (struct claim){7, 99}, &holder));
    assert_int_equal(holder.job, 0);
    assert_int_equal(holder.record, 0);
    claims_free(claims);
}

static void test_a_file_is_no_directory(void **state) {
    (void)state;
    struct claims *claims = claims_new();
    struct claim holder;
    assert_true(claims_take(claims, STR("a/b/c.txt"), (struct claim){1, 1}, &holder));
    assert_false(claims_take(claims, STR("a/b"), (struct claim){2, 2}, &holder));
    assert_int_equal(holder.job, 1);
    assert_false(claims_take(claims, STR("a"), (struct claim){2, 2}, &holder));
    assert_true(claims_take(claims, STR("x"), (struct claim){3, 3}, &holder));
    assert_false(claims_take(claims, STR("x/y/z"), (struct claim){4, 4}, &holder));
    assert_int_equal(holder.job, 3);
    assert_int_equal(holder.record, 3);
    assert_true(claims_take(claims, STR("a/b/d"), (struct claim){5, 5}, &holder));
    assert_true(claims_take(claims, STR("a/bc"), (struct claim){5, 6}, &holder));
    claims_free(claims);
}

static void test_largest_numbers(void **state) {
    (void)state;
    struct claims *claims = claims_new();
    struct claim holder;
    assert_true(claims_take(claims, STR("a"), (struct claim){CLAIMS_JOBS_MAX - 1, UINT64_MAX}, &holder));
    assert_false(claims_take(claims, STR("a"), (struct claim){0, 0}, &holder));
    assert_int_equal(holder.job, CLAIMS_JOBS_MAX - 1);
    assert_int_equal(holder.record, ((uint64_t)1 << 40) - 1);
    claims_free(claims);
}

static void test_many(void **state) {
    (void)state;
    enum { N = 200000 };
    struct claims *claims = claims_new();
    struct claim holder;
    char text[32];
    for (unsigned i = 0; i < N; i++)
        assert_true(claims_take(claims, path_of(text, i), (struct claim){i % 1000, i}, &holder));
    for (unsigned i = 0; i < N; i++) {
        assert_false(claims_take(claims, path_of(text, i), (struct claim){0, 0}, &holder));
        assert_int_equal(holder.job, i % 1000);
        assert_int_equal(holder.record, i);
    }
    claims_free(claims);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_claim_learns_the_first),
        cmocka_unit_test(test_a_file_is_no_directory),
        cmocka_unit_test(test_largest_numbers),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
