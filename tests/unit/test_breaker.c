// SPDX-License-Identifier: MIT
// The circuit breaker, by a scripted clock.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "cache/breaker.h"

static uint64_t scripted(void *self) {
    return *(uint64_t *)self;
}

static struct breaker breaker_of(uint64_t *now) {
    struct breaker breaker;
    breaker_init(&breaker, &(struct breaker_options){.clock = {.self = now, .monotonic = scripted},
                                                     .failures = 3,
                                                     .pause = 10,
                                                     .pause_most = 35});
    return breaker;
}

static void note(struct breaker *breaker, enum breaker_pass wanted, bool well) {
    assert_int_equal(breaker_lets(breaker), wanted != BREAKER_NO);
    assert_int_equal(breaker_ask(breaker), wanted);
    breaker_note(breaker, wanted, well);
}

static void test_opens(void **state) {
    (void)state;
    uint64_t now = 1;
    struct breaker breaker = breaker_of(&now);
    for (int i = 0; i < 10; i++) { // never three in a row
        note(&breaker, BREAKER_YES, false);
        note(&breaker, BREAKER_YES, false);
        note(&breaker, BREAKER_YES, true);
    }
    for (int i = 0; i < 3; i++)
        note(&breaker, BREAKER_YES, false);
    assert_int_equal(breaker.opened, 1);
    now += 9;
    note(&breaker, BREAKER_NO, true);
    static const uint64_t pauses[] = {20, 35, 35, 35};
    now += 1;
    for (int i = 0; i < 4; i++) { // doubling, up to the most
        note(&breaker, BREAKER_TRY, false);
        now += pauses[i] - 1;
        note(&breaker, BREAKER_NO, false);
        now += 1;
    }
    note(&breaker, BREAKER_TRY, true);
    assert_int_equal(breaker.opened, 5);
    for (int i = 0; i < 3; i++)
        note(&breaker, BREAKER_YES, false);
    now += 10; // the first pause again
    note(&breaker, BREAKER_TRY, true);
    breaker_release(&breaker);
}

// One try at a time, and what was let through before neither closes nor prolongs.
static void test_one_try(void **state) {
    (void)state;
    uint64_t now = 1;
    struct breaker breaker = breaker_of(&now);
    enum breaker_pass before = breaker_ask(&breaker);
    assert_int_equal(before, BREAKER_YES);
    for (int i = 0; i < 3; i++)
        note(&breaker, BREAKER_YES, false);
    breaker_note(&breaker, before, true);
    assert_int_equal(breaker_ask(&breaker), BREAKER_NO);
    now += 10;
    breaker_note(&breaker, before, false);
    assert_int_equal(breaker_ask(&breaker), BREAKER_TRY);
    assert_false(breaker_lets(&breaker));
    assert_int_equal(breaker_ask(&breaker), BREAKER_NO);
    breaker_note(&breaker, before, false);
    assert_int_equal(breaker_ask(&breaker), BREAKER_NO);
    breaker_note(&breaker, BREAKER_TRY, true);
    assert_int_equal(breaker_ask(&breaker), BREAKER_YES);
    assert_int_equal(breaker.opened, 1);
    breaker_release(&breaker);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opens),
        cmocka_unit_test(test_one_try),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
