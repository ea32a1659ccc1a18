// SPDX-License-Identifier: MIT
// Figures of several sessions at once: what is missing, what nobody has, order and bounds.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <math.h>

#include "base/fs.h"
#include "monitor/history.h"
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

static void keep_session(int64_t second, const char *name, double workers) {
    struct fs fs = fs_system();
    struct session s;
    struct err err;
    session_init(&s);
    session_begin(&s, (1700000000 + second) * INT64_C(1000000000));
    s.name = str_of(name);
    s.strategy = STR("balanced");
    s.outcome = STR("done");
    session_set(&s, METRIC_RUN_SECONDS, (double)second);
    if (workers > 0)
        session_set(&s, METRIC_RUN_WORKERS, workers);
    assert_int_equal(history_add(&fs, scene.path, &s, HISTORY_KEEP, &err), STATUS_OK);
    session_release(&s);
}

static void test_table(void **state) {
    (void)state;
    static const char *const figures[] = {"run.workers", "render.p99", "run.seconds"};
    const struct history_filter filter = {STR("name"), STR("="), STR("a")};
    struct fs fs = fs_system();
    struct history *h;
    struct history_session *rows;
    struct arena arena;
    struct err err;
    size_t n;
    arena_init(&arena, 0);
    keep_session(1, "a", 4);
    keep_session(2, "a", 0);
    keep_session(3, "b", 2);
    keep_session(4, "a", 8);
    assert_int_equal(history_open(&fs, scene.path, HISTORY_KEEP, &h, &err), STATUS_OK);
    assert_int_equal(history_table(h, &filter, 1, figures, 3, 10, &arena, &rows, &n, &err), STATUS_OK);
    assert_int_equal(n, 3);
    assert_true(rows[0].values[2] == 4 && rows[1].values[2] == 2 && rows[2].values[2] == 1); // newest first
    assert_true(rows[0].values[0] == 8 && isnan(rows[1].values[0]) && rows[2].values[0] == 4);
    assert_true(isnan(rows[0].values[1])); // no session has one
    assert_true(str_is(rows[0].name, "a") && str_is(rows[0].strategy, "balanced") && rows[0].id.n);
    assert_true(rows[0].started > rows[1].started);
    assert_int_equal(history_table(h, NULL, 0, figures, 3, 2, &arena, &rows, &n, &err), STATUS_OK);
    assert_int_equal(n, 2);
    assert_true(str_is(rows[1].name, "b"));
    assert_int_equal(history_table(h, NULL, 0, figures, 0, 9, &arena, &rows, &n, &err), STATUS_OK);
    assert_int_equal(n, 4);
    assert_true(str_is(rows[0].outcome, "done") && rows[0].machine.n);
    const char **names;
    assert_int_equal(history_figures(h, &arena, &names, &n, &err), STATUS_OK);
    assert_int_equal(n, 2);
    assert_string_equal(names[0], "run.seconds");
    assert_string_equal(names[1], "run.workers");
    assert_int_equal(history_table(h, NULL, 0, figures, 5000, 9, &arena, &rows, &n, &err), STATUS_DATA);
    assert_int_equal(n, 0);
    history_close(h);
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_table, open_scene, close_scene)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
