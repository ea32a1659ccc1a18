// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/backoff.h"

static void test_doubles_up_to_the_most(void **state) {
    (void)state;
    uint64_t due = 100000000;
    for (uint32_t tried = 0; tried < 70; tried++) {
        const uint64_t delay = backoff_delay(100000000, tried, 12345);
        assert_in_range(delay, due / 2, due);
        due = due * 2 < BACKOFF_MOST ? due * 2 : BACKOFF_MOST;
    }
    assert_in_range(backoff_delay(UINT64_MAX, UINT32_MAX, 7), BACKOFF_MOST / 2, BACKOFF_MOST);
}

static void test_nothing_stays_nothing(void **state) {
    (void)state;
    assert_int_equal(backoff_delay(0, 0, 1), 0);
    assert_int_equal(backoff_delay(0, UINT32_MAX, 1), 0);
}

static void test_chance(void **state) {
    (void)state;
    uint64_t least = UINT64_MAX, most = 0;
    for (uint64_t random = 0; random < 1000; random++) {
        const uint64_t delay = backoff_delay(1000000, 0, random * 77);
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
        assert_int_equal(delay, backoff_delay(1000000, 0, random * 77));
    }
    assert_true(least < 510000 && most > 990000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles_up_to_the_most),
        cmocka_unit_test(test_nothing_stays_nothing),
        cmocka_unit_test(test_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
