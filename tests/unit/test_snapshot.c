// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "monitor/snapshot.h"

#define SECOND 1000000000ull

static void add(struct snapshot *s, const char *name, uint64_t nanoseconds) {
    struct histogram h = {0};
    histogram_add(&h, nanoseconds);
    snapshot_set_distribution(s, str_of(name), &h);
    histogram_release(&h);
}

static void test_unknown_is_not_zero(void **state) {
    (void)state;
    struct snapshot s;
    double value = 7;
    snapshot_init(&s);
    assert_false(snapshot_figure(&s, STR("run.seconds"), &value));
    assert_false(snapshot_figure(&s, STR("render.p99"), &value));
    assert_false(snapshot_figure(&s, STR("no.such"), &value));
    assert_false(snapshot_figure(&s, STR(""), &value));
    assert_null(snapshot_slowest_template(&s));
    snapshot_set(&s, METRIC_RUN_FAILED, 0);
    assert_true(snapshot_figure(&s, STR("run.failed"), &value));
    assert_true(value == 0);
    snapshot_release(&s);
}

// A name that is in use again after a clear is the same one; nothing grows from filling to filling.
static void test_clear_keeps_places(void **state) {
    (void)state;
    struct snapshot s;
    double value;
    snapshot_init(&s);
    for (int i = 0; i < 100; i++) {
        snapshot_clear(&s);
        assert_null(snapshot_distribution(&s, STR("render")));
        assert_false(snapshot_figure(&s, STR("render.max"), &value));
        add(&s, "render", 2 * SECOND);
        assert_true(snapshot_figure(&s, STR("render.max"), &value));
        assert_true(value == 2);
    }
    assert_int_equal(s.distributions_n, 1);
    snapshot_release(&s);
}

static void test_slowest_template(void **state) {
    (void)state;
    struct snapshot s;
    snapshot_init(&s);
    add(&s, "job.slow", 9 * SECOND);
    add(&s, "template.a.j2", 2 * SECOND);
    add(&s, "template.b.j2", 3 * SECOND);
    assert_true(str_is(snapshot_slowest_template(&s)->name, "template.b.j2"));
    snapshot_clear(&s);
    assert_null(snapshot_slowest_template(&s));
    snapshot_release(&s);
}

static void test_of_session(void **state) {
    (void)state;
    struct snapshot s;
    struct session session;
    double value;
    session_init(&session);
    snapshot_init(&s);
    session_set(&session, METRIC_RUN_SECONDS, 1.5);
    session_set(&session, METRIC_LOAD_RECORDS, 10);
    histogram_add(session_distribution(&session, STR("job.cards")), SECOND / 4);
    snapshot_set(&s, METRIC_LIVE_QUEUE, 3);
    snapshot_of_session(&s, &session);
    assert_true(s.over && s.seconds == 1.5);
    assert_false(snapshot_figure(&s, STR("live.queue_depth"), &value));
    assert_true(snapshot_figure(&s, STR("load.records"), &value) && value == 10);
    assert_true(snapshot_figure(&s, STR("job.cards.p50"), &value) && value == 0.25);
    assert_true(snapshot_figure(&s, STR("job.cards.count"), &value) && value == 1);
    session_release(&session);
    snapshot_release(&s);
}

static void test_live_names(void **state) {
    (void)state;
    assert_true(metric_is_live(METRIC_LIVE_RECORDS_RATE));
    assert_true(metric_is_live(METRIC_LIVE_ETA));
    assert_false(metric_is_live(METRIC_RUN_SECONDS));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_is_not_zero), cmocka_unit_test(test_clear_keeps_places),
        cmocka_unit_test(test_slowest_template),    cmocka_unit_test(test_of_session),
        cmocka_unit_test(test_live_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
