// SPDX-License-Identifier: MIT
// The table of strategies, and how many workers each has.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "pipeline/strategy/strategy.h"

static void each_is_found_by_its_name(void **state) {
    (void)state;
    const struct strategy *found;
    struct err err;
    size_t n = 0;
    for (; strategies[n]; n++) {
        assert_int_equal(strategy_find(str_of(strategies[n]->name), &found, &err), STATUS_OK);
        assert_ptr_equal(found, strategies[n]);
        assert_string_equal(strategy_name(n), strategies[n]->name);
        assert_true(strategies[n]->best_for[0] && strategies[n]->partition);
    }
    assert_int_equal(n, STRATEGIES_N);
    assert_string_equal(strategy_name(n), "auto");
    assert_null(strategy_name(n + 1));
    assert_int_equal(strategy_find(STR("auto"), &found, &err), STATUS_OK);
    assert_ptr_equal(found, &strategy_auto);
}

static void what_there_is_not_is_said(void **state) {
    (void)state;
    const struct strategy *found = NULL;
    struct err err;
    assert_int_equal(strategy_find(STR("paralel"), &found, &err), STATUS_DATA);
    assert_string_equal(err.text, "there is no strategy \"paralel\", did you mean \"parallel\"?");
    assert_int_equal(strategy_find(STR("fast"), &found, &err), STATUS_DATA);
    assert_string_equal(err.text,
                        "there is no strategy \"fast\"; minimal, sequential, parallel, cache_heavy, "
                        "balanced and auto are");
    assert_int_equal(strategy_find(STR(""), &found, &err), STATUS_DATA);
    assert_int_equal(strategy_find(STR("default"), &found, &err), STATUS_DATA); // cannot be asked for
    assert_null(found);
}

static void workers_are_between_one_and_all(void **state) {
    (void)state;
    for (size_t i = 0; strategies[i]; i++)
        for (uint32_t available = 0; available <= 9; available++) {
            const struct strategy_workers n = strategy_workers(strategies[i], available);
            assert_true(1 <= n.least && n.least <= n.start && n.start <= n.most);
            assert_true(n.most <= (available ? available : 1));
        }
}

static void check_start(const struct strategy *strategy, uint32_t available, uint32_t start) {
    assert_int_equal(strategy_workers(strategy, available).start, start);
}

static void workers_are_as_the_table_says(void **state) {
    (void)state;
    check_start(&strategy_minimal, 8, 1);
    check_start(&strategy_sequential, 8, 1);
    check_start(&strategy_parallel, 8, 8);
    check_start(&strategy_cache_heavy, 8, 8);
    check_start(&strategy_default, 8, 8);
    check_start(&strategy_balanced, 1, 1);
    check_start(&strategy_balanced, 2, 1);
    check_start(&strategy_balanced, 3, 2);
    check_start(&strategy_balanced, 8, 4);
    assert_int_equal(strategy_workers(&strategy_balanced, 8).most, 8);
    assert_int_equal(strategy_workers(&strategy_minimal, 8).most, 1);
}

static void caching_is_as_the_table_says(void **state) {
    (void)state;
    const struct strategy_caching *heavy = &strategy_cache_heavy.caching;
    assert_int_equal(strategy_minimal.caching.categories, 0);
    assert_int_equal(strategy_parallel.caching.categories, 1u << CACHE_PROGRAM);
    assert_int_equal(strategy_sequential.caching.tiers, STRATEGY_LOCAL);
    assert_int_equal(strategy_balanced.caching.tiers, STRATEGY_LOCAL);
    assert_true(heavy->keeps_all && heavy->lifetimes > 1 && heavy->levels > 0 &&
                heavy->tiers >> CACHE_REDIS & 1);
    for (size_t i = 0; strategies[i]; i++) {
        assert_true(strategies[i]->caching.lifetimes >= 1); // the manifest's would be cut short
        assert_int_equal(strategies[i]->caching.also & ~strategies[i]->caching.tiers, 0);
    }
    assert_false(strategy_minimal.monitoring.times || strategy_minimal.monitoring.resources);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_found_by_its_name),       cmocka_unit_test(what_there_is_not_is_said),
        cmocka_unit_test(workers_are_between_one_and_all), cmocka_unit_test(workers_are_as_the_table_says),
        cmocka_unit_test(caching_is_as_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
