// SPDX-License-Identifier: MIT
// What the next run is to be expected to take: the interval against published values of t, how often it holds, and which
// runs it is made from.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <math.h>
#include <stdio.h>

#include "base/fs.h"
#include "bench/baseline.h"
#include "bench/random.h"
#include "tests/support/scene.h"

static struct scene scene;

static int open_scene(void **state) {
    scene_open(&scene);
    *state = scene.path;
    return 0;
}

static int close_scene(void **state) {
    (void)state;
    scene_close(&scene);
    return 0;
}

// R. A. Fisher and F. Yates, Statistical Tables (1938), table III: two-sided risks of 5 % and 1 %.
static void test_published_t(void **state) {
    (void)state;
    static const struct {
        size_t n;
        double alpha, t;
    } table[] = {{6, 0.025, 2.57058},  {6, 0.005, 4.03214},  {11, 0.025, 2.22814},
                 {11, 0.005, 3.16927}, {31, 0.025, 2.04227}, {31, 0.005, 2.75000}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        double values[32], n = (double)table[i].n;
        struct baseline b;
        for (size_t k = 0; k < table[i].n; k++)
            values[k] = (double)k;
        assert_true(baseline_of(values, table[i].n, table[i].alpha, &b));
        double deviation = sqrt(n * (n + 1) / 12); // of 0 to n - 1
        assert_true(fabs(b.mean - (n - 1) / 2) < 1e-12 && fabs(b.deviation - deviation) < 1e-12);
        assert_true(fabs((b.high - b.mean) / deviation / sqrt(1 + 1 / n) - table[i].t) < 1e-5);
        assert_true(fabs(b.high + b.low - 2 * b.mean) < 1e-9);
    }
}

static void test_too_little(void **state) {
    (void)state;
    static const double same[] = {7, 7, 7, 7, 7}, odd[] = {1, 2, 3, 4, INFINITY};
    struct baseline b;
    assert_false(baseline_of(same, 0, 0.01, &b));
    assert_int_equal(b.n, 0);
    assert_false(baseline_of(same, BASELINE_LEAST - 1, 0.01, &b));
    assert_true(b.n == 4 && b.mean == 7);
    assert_false(baseline_of(odd, 5, 0.01, &b));
    assert_true(baseline_of(same, 5, 0.01, &b));
    assert_true(b.low == 7 && b.high == 7 && b.deviation == 0);
}

static double normal(struct random *r) {
    return sqrt(-2 * log(1 - random_unit(r))) * cos(2 * 3.14159265358979323846 * random_unit(r));
}

// Of 4,000 next values about 2 in 100 are outside, one on each side.
static void test_how_often(void **state) {
    (void)state;
    struct random r = {.state = 5};
    int above = 0, below = 0;
    for (int i = 0; i < 4000; i++) {
        double values[BASELINE_SESSIONS];
        struct baseline b;
        for (int k = 0; k < BASELINE_SESSIONS; k++)
            values[k] = normal(&r);
        assert_true(baseline_of(values, BASELINE_SESSIONS, BASELINE_ALPHA, &b));
        double next = normal(&r);
        above += next > b.high;
        below += next < b.low;
    }
    assert_in_range(above, 22, 62); // 40, and three and a half standard deviations
    assert_in_range(below, 22, 62);
}

static void test_machine_class(void **state) {
    (void)state;
    assert_true(str_is(baseline_machine_class(STR("ci-7, EPYC, 64 cores")), ", EPYC, 64 cores"));
    assert_true(str_is(baseline_machine_class(STR("alone")), "alone"));
    assert_true(str_is(baseline_machine_class(STR("")), ""));
}

struct kept {
    const char *name, *machine, *strategy, *outcome;
    double workers;
};

static void keep(int64_t second, const struct kept *kept, double seconds) {
    struct fs fs = fs_system();
    struct session s;
    struct err err;
    session_init(&s);
    session_begin(&s, (1700000000 + second) * INT64_C(1000000000));
    s.name = str_of(kept->name);
    s.machine = str_of(kept->machine);
    s.strategy = str_of(kept->strategy);
    s.outcome = str_of(kept->outcome);
    session_set(&s, METRIC_RUN_WORKERS, kept->workers);
    session_set(&s, METRIC_RUN_SECONDS, seconds);
    assert_int_equal(history_add(&fs, scene.path, &s, HISTORY_KEEP, &err), STATUS_OK);
    session_release(&s);
}

// Only runs like it count, the newest of them, and those before a session where one is named.
static void test_runs_like_it(void **state) {
    (void)state;
    static const struct kept usual = {"a", "host-1, EPYC", "balanced", "done", 4},
                             others[] = {
                                 {"b", "host-1, EPYC", "balanced", "done", 4},
                                 {"a", "host-1, Xeon", "balanced", "done", 4},
                                 {"a", "host-1, EPYC", "minimal", "done", 4},
                                 {"a", "host-1, EPYC", "balanced", "failed", 4},
                                 {"a", "host-1, EPYC", "balanced", "done", 2},
                             };
    struct baseline_question q = {.figure = STR("run.seconds"),
                                  .name = STR("a"),
                                  .machine = STR("host-9, EPYC"),
                                  .strategy = STR("balanced"),
                                  .workers = 4};
    struct fs fs = fs_system();
    struct history *h;
    struct baseline b;
    struct err err;
    bool known;
    for (int i = 0; i < 5; i++)
        keep(i, &others[i], 1000);
    for (int i = 0; i < 4; i++)
        keep(10 + i, &usual, 1 + i);
    assert_int_equal(history_open(&fs, scene.path, HISTORY_KEEP, &h, &err), STATUS_OK);
    assert_int_equal(baseline_ask(h, &q, &b, &known, &err), STATUS_OK);
    assert_true(!known && b.n == 4 && b.mean == 2.5);
    history_close(h);
    for (int i = 0; i < BASELINE_SESSIONS; i++)
        keep(20 + i, &usual, 7);
    assert_int_equal(history_open(&fs, scene.path, HISTORY_KEEP, &h, &err), STATUS_OK);
    assert_int_equal(baseline_ask(h, &q, &b, &known, &err), STATUS_OK);
    assert_true(known && b.n == BASELINE_SESSIONS && b.mean == 7 && b.high == 7);
    q.before = STR("20231114T2213"); // the minute in which all of them begin
    assert_int_equal(baseline_ask(h, &q, &b, &known, &err), STATUS_OK);
    assert_true(!known && b.n == 0);
    q.before = (struct str){0};
    q.workers = 0;
    q.strategy = q.machine = (struct str){0};
    assert_int_equal(baseline_ask(h, &q, &b, &known, &err), STATUS_OK);
    assert_true(known && b.mean == 7);
    q.name = STR("nobody");
    assert_int_equal(baseline_ask(h, &q, &b, &known, &err), STATUS_OK);
    assert_true(!known && b.n == 0);
    history_close(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_t),
        cmocka_unit_test(test_too_little),
        cmocka_unit_test(test_how_often),
        cmocka_unit_test(test_machine_class),
        cmocka_unit_test_setup_teardown(test_runs_like_it, open_scene, close_scene),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
