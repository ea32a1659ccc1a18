// SPDX-License-Identifier: MIT
// Rules against snapshots by the script: when they fire, and when they do not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>

#include "monitor/alerts.h"

enum { FIRED_MOST = 16 };

struct scene {
    struct snapshot snapshot;
    struct alerts alerts;
    struct alert_rule rules[FIRED_MOST];
    const struct alert *fired[FIRED_MOST];
    size_t rules_n, fired_n;
};

static void take(void *self, const struct alert *alert) {
    struct scene *scene = self;
    assert_true(scene->fired_n < FIRED_MOST);
    scene->fired[scene->fired_n++] = alert;
}

static struct alert_rule *rule(struct scene *scene, const char *metric, enum alert_op op, double value) {
    struct alert_rule *added = &scene->rules[scene->rules_n++];
    *added =
        (struct alert_rule){.metric = str_of(metric), .op = op, .value = value, .severity = ALERT_MEDIUM};
    assert_true(alert_subject_of(added->metric, &added->subject));
    return added;
}

static void begin(struct scene *scene) {
    snapshot_init(&scene->snapshot);
    alerts_init(&scene->alerts, scene->rules, scene->rules_n);
}

static void end(struct scene *scene) {
    snapshot_release(&scene->snapshot);
    alerts_release(&scene->alerts);
}

// How many fire at that moment.
static size_t judge(struct scene *scene, double seconds, bool over) {
    const size_t before = scene->fired_n;
    scene->snapshot.seconds = seconds;
    scene->snapshot.over = over;
    snapshot_set(&scene->snapshot, METRIC_RUN_SECONDS, seconds);
    alerts_judge(&scene->alerts, &scene->snapshot, &(struct alert_taker){scene, take});
    return scene->fired_n - before;
}

static void test_names(void **state) {
    (void)state;
    struct alert_subject subject;
    assert_true(alert_subject_of(STR("run.seconds"), &subject));
    assert_null(subject.distribution.p);
    assert_string_equal(alert_subject_unit(&subject), "s");
    assert_true(alert_subject_of(STR("job.a.b.p99"), &subject));
    assert_true(str_is(subject.distribution, "job.a.b"));
    assert_int_equal(subject.figure, FIGURE_P99);
    assert_string_equal(alert_subject_unit(&subject), "s");
    assert_true(alert_subject_of(STR("render.count"), &subject));
    assert_string_equal(alert_subject_unit(&subject), "");
    assert_true(alert_subject_of(STR("cache.render.hit_rate"), &subject));
    assert_string_equal(alert_subject_unit(&subject), "share");
    assert_false(alert_subject_of(STR("run.p98"), &subject));
    assert_false(alert_subject_of(STR("p99"), &subject));
    assert_false(alert_subject_of(STR(".p99"), &subject));
    assert_false(alert_subject_of(STR(""), &subject));
    assert_int_equal(alert_severity_find(STR("critical")), ALERT_CRITICAL);
    assert_int_equal(alert_severity_find(STR("never")), -1);
}

// Each operator below, at and above its value.
static void test_operators(void **state) {
    (void)state;
    static const bool wanted[ALERT_OPS][3] = {[ALERT_GT] = {false, false, true},
                                              [ALERT_GTE] = {false, true, true},
                                              [ALERT_LT] = {true, false, false},
                                              [ALERT_LTE] = {true, true, false},
                                              [ALERT_EQ] = {false, true, false}};
    for (int op = 0; op < ALERT_OPS; op++)
        for (int i = 0; i < 3; i++) {
            struct scene scene = {.rules_n = 0};
            rule(&scene, "run.failed", (enum alert_op)op, 5);
            begin(&scene);
            snapshot_set(&scene.snapshot, METRIC_RUN_FAILED, 4 + i);
            assert_int_equal(judge(&scene, 1, true), wanted[op][i]);
            assert_int_equal(alerts_worst(&scene.alerts), wanted[op][i] ? ALERT_MEDIUM : -1);
            end(&scene);
        }
}

// A figure that only grows is known to be too much at once; one that is not yet enough is not too little.
static void test_as_a_whole(void **state) {
    (void)state;
    struct scene scene = {.rules_n = 0};
    rule(&scene, "run.seconds", ALERT_GT, 2);
    rule(&scene, "load.records", ALERT_LT, 100);
    rule(&scene, "run.records_per_second", ALERT_GT, 10);
    rule(&scene, "run.failed", ALERT_EQ, 3);
    begin(&scene);
    snapshot_set(&scene.snapshot, METRIC_LOAD_RECORDS, 3);
    snapshot_set(&scene.snapshot, METRIC_RUN_RECORDS_PER_SECOND, 1000);
    snapshot_set(&scene.snapshot, METRIC_RUN_FAILED, 3);
    assert_int_equal(judge(&scene, 1, false), 0);
    assert_int_equal(judge(&scene, 2, false), 0);
    assert_int_equal(judge(&scene, 2.25, false), 1);
    assert_ptr_equal(scene.fired[0]->rule, &scene.rules[0]);
    assert_true(scene.fired[0]->live);
    assert_true(fabs(scene.fired[0]->value - 2.25) < 1e-9);
    assert_int_equal(judge(&scene, 3, false), 0); // once
    snapshot_set(&scene.snapshot, METRIC_LOAD_RECORDS, 99);
    snapshot_set(&scene.snapshot, METRIC_RUN_FAILED, 4);
    assert_int_equal(judge(&scene, 4, true), 2);
    assert_ptr_equal(scene.fired[1]->rule, &scene.rules[1]);
    assert_ptr_equal(scene.fired[2]->rule, &scene.rules[2]);
    assert_false(scene.fired[1]->live);
    assert_true(fabs(scene.alerts.alerts[0].at - 2.25) <
                1e-9); // the figure and the moment stay those of the firing
    assert_true(fabs(scene.alerts.alerts[0].value - 2.25) < 1e-9);
    assert_true(fabs(scene.alerts.alerts[0].last - 4) < 1e-9);
    end(&scene);
}

static void test_for_a_while(void **state) {
    (void)state;
    struct scene scene = {.rules_n = 0};
    rule(&scene, "cache.render.hit_rate", ALERT_LT, 0.5)->lasting = 1;
    begin(&scene);
    assert_int_equal(judge(&scene, 0.25, false), 0); // not known
    snapshot_set(&scene.snapshot, METRIC_CACHE_RENDER_HIT_RATE, 0.1);
    assert_int_equal(judge(&scene, 0.5, false), 0);
    assert_int_equal(judge(&scene, 1.25, false), 0);
    snapshot_set(&scene.snapshot, METRIC_CACHE_RENDER_HIT_RATE, 0.5);
    assert_int_equal(judge(&scene, 1.5, false), 0); // a break, so it begins anew
    snapshot_set(&scene.snapshot, METRIC_CACHE_RENDER_HIT_RATE, 0.1);
    assert_int_equal(judge(&scene, 1.75, false), 0);
    assert_int_equal(judge(&scene, 2.5, false), 0);
    scene.snapshot.known[METRIC_CACHE_RENDER_HIT_RATE] = false;
    assert_int_equal(judge(&scene, 2.75, false), 0); // not known is a break, too
    scene.snapshot.known[METRIC_CACHE_RENDER_HIT_RATE] = true;
    assert_int_equal(judge(&scene, 3, false), 0);
    assert_int_equal(judge(&scene, 4, false), 1);
    assert_true(scene.fired[0]->live);
    assert_true(fabs(scene.fired[0]->since - 3) < 1e-9);
    end(&scene);
}

// The end is one more look, and makes a while no longer than it was.
static void test_for_a_while_at_the_end(void **state) {
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct scene scene = {.rules_n = 0};
        rule(&scene, "run.parallel_efficiency", ALERT_LT, 0.5)->lasting = 2;
        begin(&scene);
        snapshot_set(&scene.snapshot, METRIC_RUN_EFFICIENCY, 0.2);
        assert_int_equal(judge(&scene, 1, false), 0);
        assert_int_equal(judge(&scene, late ? 3 : 2.9, true), late);
        end(&scene);
    }
}

static void test_distributions(void **state) {
    (void)state;
    struct scene scene = {.rules_n = 0};
    struct histogram histogram = {0};
    rule(&scene, "job.cards.p99", ALERT_GT, 0.5);
    rule(&scene, "job.cards.max", ALERT_GT, 0.5);
    rule(&scene, "job.cards.count", ALERT_LT, 10);
    rule(&scene, "job.other.count", ALERT_LT, 10);
    begin(&scene);
    assert_int_equal(judge(&scene, 1, false), 0);
    histogram_add(&histogram, 1000000000);
    snapshot_set_distribution(&scene.snapshot, STR("job.cards"), &histogram);
    assert_int_equal(judge(&scene, 2, false), 1); // only the greatest stays what it is
    assert_ptr_equal(scene.fired[0]->rule, &scene.rules[1]);
    assert_int_equal(judge(&scene, 3, true), 2); // of the other job nothing is known
    assert_false(scene.alerts.alerts[3].known);
    histogram_release(&histogram);
    end(&scene);
}

// Figures of the moment have no end.
static void test_of_the_moment(void **state) {
    (void)state;
    struct scene scene = {.rules_n = 0};
    rule(&scene, "live.queue_depth", ALERT_LT, 1);
    rule(&scene, "live.rss_bytes", ALERT_GT, 1e9)->lasting = 1;
    begin(&scene);
    snapshot_set(&scene.snapshot, METRIC_LIVE_QUEUE, 4);
    snapshot_set(&scene.snapshot, METRIC_LIVE_RSS, 2e9);
    assert_int_equal(judge(&scene, 1, false), 0);
    snapshot_set(&scene.snapshot, METRIC_LIVE_QUEUE, 0);
    assert_int_equal(judge(&scene, 1.5, false), 1);
    scene.snapshot.known[METRIC_LIVE_RSS] = false;
    assert_int_equal(judge(&scene, 2.5, true), 0);
    end(&scene);
}

static void test_no_number(void **state) {
    (void)state;
    struct scene scene = {.rules_n = 0};
    rule(&scene, "run.parallel_efficiency", ALERT_EQ, 1);
    rule(&scene, "run.records_per_second", ALERT_GT, 1);
    begin(&scene);
    snapshot_set(&scene.snapshot, METRIC_RUN_EFFICIENCY, NAN);
    snapshot_set(&scene.snapshot, METRIC_RUN_RECORDS_PER_SECOND, INFINITY);
    assert_int_equal(judge(&scene, 1, true), 0);
    assert_false(scene.alerts.alerts[0].known);
    end(&scene);
}

static void test_worst(void **state) {
    (void)state;
    struct scene scene = {.rules_n = 0};
    rule(&scene, "run.seconds", ALERT_GT, 1)->severity = ALERT_HIGH;
    rule(&scene, "run.seconds", ALERT_GT, 2)->severity = ALERT_LOW;
    rule(&scene, "run.seconds", ALERT_GT, 3)->severity = ALERT_CRITICAL;
    begin(&scene);
    assert_int_equal(alerts_worst(&scene.alerts), -1);
    assert_int_equal(judge(&scene, 3, true), 2);
    assert_int_equal(alerts_worst(&scene.alerts), ALERT_HIGH);
    end(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_as_a_whole),
        cmocka_unit_test(test_for_a_while),
        cmocka_unit_test(test_for_a_while_at_the_end),
        cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_of_the_moment),
        cmocka_unit_test(test_no_number),
        cmocka_unit_test(test_worst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
