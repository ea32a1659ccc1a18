// SPDX-License-Identifier: MIT
// Trends over sessions that are made up: levels, what changed with them, what stands alone, what is to be expected.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/fs.h"
#include "bench/random.h"
#include "bench/trend.h"
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

struct made {
    const char *name, *version, *machine;
    double seconds, opcodes, rss;
};

// The i-th run, a day after the one before.
static void keep(int i, const struct made *made) {
    struct fs fs = fs_system();
    struct session s;
    struct err err;
    session_init(&s);
    session_begin(&s, (1700000000 + i * INT64_C(86400)) * INT64_C(1000000000));
    s.name = str_of(made->name);
    s.version = str_of(made->version);
    s.machine = str_of(made->machine);
    s.strategy = STR("balanced");
    s.outcome = STR("done");
    session_set(&s, METRIC_RUN_WORKERS, 4);
    session_set(&s, METRIC_RENDER_OPCODES, made->opcodes);
    session_set(&s, METRIC_RUN_PEAK_RSS, made->rss);
    if (made->seconds > 0)
        session_set(&s, METRIC_RUN_SECONDS, made->seconds);
    assert_int_equal(history_add(&fs, scene.path, &s, HISTORY_KEEP, &err), STATUS_OK);
    session_release(&s);
}

static struct history *open_history(void) {
    struct fs fs = fs_system();
    struct history *h;
    struct err err;
    assert_int_equal(history_open(&fs, scene.path, HISTORY_KEEP, &h, &err), STATUS_OK);
    return h;
}

static void read_trend(const char *figure, struct trend *t) {
    struct history *h = open_history();
    struct err err;
    assert_int_equal(trend_read(h, NULL, 0, str_of(figure), 1000, t, &err), STATUS_OK);
    history_close(h);
}

static void assert_json(const struct trend *t) {
    struct buf text = BUF_INIT;
    trend_write_json(t, &text);
    json_t *json = json_loads(buf_text(&text), 0, NULL);
    assert_non_null(json);
    assert_int_equal(json_array_size(json_object_get(json, "points")), t->points_n);
    assert_int_equal(json_array_size(json_object_get(json, "changes")), t->changes_n);
    assert_int_equal(!json_is_null(json_object_get(json, "expected")), t->expects);
    json_decref(json);
    buf_release(&text);
}

static void test_nothing(void **state) {
    (void)state;
    struct trend t;
    struct moves m;
    struct err err;
    struct history *h = open_history();
    assert_int_equal(trend_read(h, NULL, 0, STR("run.seconds"), 10, &t, &err), STATUS_OK);
    assert_true(t.points_n == 0 && t.changes_n == 0 && !t.expects && t.mixed_n == 0);
    assert_json(&t);
    trend_release(&t);
    assert_int_equal(moves_read(h, NULL, 0, 10, &m, &err), STATUS_OK);
    assert_true(m.runs_n == 0 && m.sessions == 0 && m.figures == 0);
    moves_release(&m);
    history_close(h);
}

enum { RUNS = 40, CHANGED = 25, ALONE = 10, WITHOUT = 12 };

// Slower by a tenth from one version on, which does more work as well; one run stands alone, one has no time.
static void keep_forty(void) {
    struct random r = {.state = 9};
    for (int i = 0; i < RUNS; i++) {
        struct made made = {"a",
                            i < CHANGED ? "1.0" : "1.1",
                            i % 2 ? "host-1, EPYC" : "host-2, EPYC",
                            10 + 0.2 * random_unit(&r),
                            1000,
                            5e6};
        if (i >= CHANGED) {
            made.seconds *= 1.1;
            made.opcodes = 1200;
        }
        if (i == ALONE)
            made.seconds = 50;
        if (i == WITHOUT)
            made.seconds = 0;
        keep(i, &made);
    }
}

static void test_a_change(void **state) {
    (void)state;
    struct trend t;
    keep_forty();
    read_trend("run.seconds", &t);
    assert_int_equal(t.points_n, RUNS - 1);
    assert_string_equal(t.unit, "s");
    assert_int_equal(t.changes_n, 1);
    const struct trend_change *c = &t.changes[0];
    assert_int_equal(c->change.at, CHANGED - 1); // one before it has no time
    assert_true(fabs(c->change.after / c->change.before - 1.1) < 0.01);
    assert_int_equal(c->with_n, 3);
    assert_string_equal(c->with[0].what, "version");
    assert_true(str_is(c->with[0].before, "1.0") && str_is(c->with[0].after, "1.1"));
    assert_string_equal(c->with[1].what, "machine");
    assert_string_equal(c->with[2].what, "render.opcodes");
    assert_true(c->with[2].number && c->with[2].old_value == 1000 && c->with[2].new_value == 1200);
    for (size_t i = 0; i < t.points_n; i++)
        assert_int_equal(t.points[i].outlier, i == ALONE);
    assert_int_equal(t.mixed_n, 0); // another host is no other machine
    assert_true(t.expects && t.expected.n == RUNS - CHANGED);
    assert_true(t.expected.low > 10.5 && t.expected.high < 11.5);
    assert_json(&t);
    trend_release(&t);

    read_trend("render.opcodes", &t);
    assert_int_equal(t.changes_n, 1);
    assert_int_equal(t.changes[0].change.at, CHANGED);
    for (size_t i = 0; i < t.changes[0].with_n; i++)
        assert_string_not_equal(t.changes[0].with[i].what, "render.opcodes"); // goes without saying
    assert_true(t.expects && t.expected.low == 1200 && t.expected.high == 1200);
    trend_release(&t);
}

static void test_all_figures(void **state) {
    (void)state;
    struct moves m;
    struct err err;
    keep_forty();
    struct history *h = open_history();
    assert_int_equal(moves_read(h, NULL, 0, 1000, &m, &err), STATUS_OK);
    assert_true(m.sessions == RUNS && m.figures == 4);
    assert_int_equal(m.runs_n, 1);
    assert_int_equal(m.runs[0].figures_n, 2);
    assert_string_equal(m.runs[0].figures[0].name, "render.opcodes");
    assert_string_equal(m.runs[0].figures[1].name, "run.seconds");
    assert_true(m.runs[0].figures[0].worse == 1 && m.runs[0].figures[1].worse == 1);
    assert_string_equal(m.runs[0].with[0].what, "version");
    struct buf text = BUF_INIT;
    moves_write_json(&m, &text);
    json_t *json = json_loads(buf_text(&text), 0, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "changes")), 1);
    json_decref(json);
    buf_release(&text);
    moves_release(&m);
    assert_int_equal(moves_read(h, NULL, 0, RUNS - CHANGED, &m, &err), STATUS_OK); // of the new level alone
    assert_true(m.sessions == RUNS - CHANGED && m.runs_n == 0);
    moves_release(&m);
    history_close(h);
}

static void test_mixed(void **state) {
    (void)state;
    struct trend t;
    for (int i = 0; i < 12; i++) {
        const struct made made = {i % 3 ? "a" : "b", "1", i % 2 ? "h, EPYC" : "h, Xeon", 10, 1, 1};
        keep(i, &made);
    }
    read_trend("run.seconds", &t);
    assert_int_equal(t.mixed_n, 2);
    assert_string_equal(t.mixed[0], "name");
    assert_string_equal(t.mixed[1], "machine");
    assert_true(!t.expects && t.expected.n == 4); // like the last one: of every second that is a
    assert_json(&t);
    trend_release(&t);
}

// A value that no run can have, from a file of whoever.
static void test_odd_values(void **state) {
    (void)state;
    struct trend t;
    assert_int_equal(mkdirat(scene.root, "sessions", 0777), 0);
    put_text(&scene, "sessions/a.json",
             "{\"session\": \"a\", \"started\": 1, \"metrics\": {\"run.seconds\": -1e308, \"run.workers\": "
             "1e308}}");
    put_text(&scene, "sessions/b.json",
             "{\"session\": \"b\", \"started\": 2, \"metrics\": {\"run.seconds\": 1e308}}");
    read_trend("run.seconds", &t);
    assert_int_equal(t.points_n, 1);
    assert_true(str_is(t.points[0].id, "b"));
    assert_json(&t);
    trend_release(&t);
    read_trend("job.none.p99", &t);
    assert_int_equal(t.points_n, 0);
    trend_release(&t);
}

int main(void) {
#define ONE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)
    const struct CMUnitTest tests[] = {
        ONE(test_nothing), ONE(test_a_change), ONE(test_all_figures), ONE(test_mixed), ONE(test_odd_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
