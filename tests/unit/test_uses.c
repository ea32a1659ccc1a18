// SPDX-License-Identifier: MIT
// How often things were used: added up, ranked, read from what a session has, whatever stands there, and from many of them.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <stdlib.h>

#include "base/fs.h"
#include "monitor/history.h"
#include "monitor/session_merge.h"
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

static void expect(const struct uses *uses, const char *text) {
    struct buf got = BUF_INIT;
    for (size_t i = 0; i < uses->n; i++)
        buf_printf(&got, "%s%.*s %llu", i ? ", " : "", STR_ARG(uses->list[i].name),
                   (unsigned long long)uses->list[i].n);
    assert_string_equal(buf_text(&got), text);
    buf_release(&got);
}

static void test_rank(void **state) {
    (void)state;
    struct uses uses = {0};
    uses_rank(&uses, 3);
    assert_null(uses_json(&uses));
    uses_add(&uses, STR("b"), 2);
    uses_add(&uses, STR("a"), 5);
    uses_add(&uses, STR("none"), 0);
    uses_add(&uses, STR("c"), 7);
    uses_add(&uses, STR("b"), 3);
    uses_add(&uses, STR(""), 1);
    uses_rank(&uses, 3);
    expect(&uses, "c 7, a 5, b 5");
    uses_add(&uses, STR("a"), 3);
    uses_rank(&uses, SIZE_MAX);
    expect(&uses, "a 8, c 7, b 5");
    uses_rank(&uses, 0);
    expect(&uses, "");
    uses_release(&uses);
}

static void add_text(struct uses *uses, const char *text, struct arena *arena) {
    json_t *list = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(list);
    uses_add_json(uses, list, arena);
    json_decref(list);
}

static void test_json(void **state) {
    (void)state;
    struct uses uses = {0};
    struct arena arena;
    arena_init(&arena, 0);
    static const char *const odd[] = {
        "1", "\"x\"", "{\"name\": \"x\", \"uses\": 1}", "[]",
        "[1, null, {}, {\"name\": \"x\"}, {\"uses\": 3}, {\"name\": 1, \"uses\": 1},"
        " {\"name\": \"x\", \"uses\": -1}, {\"name\": \"x\", \"uses\": \"2\"}]"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        add_text(&uses, odd[i], &arena);
    uses_add_json(&uses, NULL, &arena);
    assert_int_equal(uses.n, 0);
    add_text(&uses, "[{\"name\": \"g\\u00fc\", \"uses\": 3}, {\"name\": \"\", \"uses\": 1, \"more\": 1}]",
             &arena);
    json_t *list = uses_json(&uses);
    uses_add_json(&uses, list, &arena);
    json_decref(list);
    uses_rank(&uses, 9);
    expect(&uses, "gü 6,  2");
    uses_release(&uses);
    arena_release(&arena);
}

static void keep_session(int64_t second, const char *name, json_t *templates) {
    struct fs fs = fs_system();
    struct session s;
    struct err err;
    session_init(&s);
    session_begin(&s, (1700000000 + second) * INT64_C(1000000000));
    s.name = str_of(name);
    s.outcome = STR("done");
    session_set_more(&s, "templates", templates);
    assert_int_equal(history_add(&fs, scene.path, &s, HISTORY_KEEP, &err), STATUS_OK);
    session_release(&s);
}

static void test_history(void **state) {
    (void)state;
    struct fs fs = fs_system();
    struct history *h;
    struct uses uses = {0};
    struct arena arena;
    struct err err;
    const struct history_filter filter = {STR("name"), STR("="), STR("a")};
    arena_init(&arena, 0);
    keep_session(1, "a", json_pack("[{s:s, s:i}]", "name", "oldest", "uses", 9));
    keep_session(2, "a",
                 json_pack("[{s:s, s:i}, {s:s, s:i}]", "name", "x", "uses", 2, "name", "y", "uses", 3));
    keep_session(3, "b", json_pack("[{s:s, s:i}]", "name", "of b", "uses", 99));
    keep_session(4, "a", NULL);
    keep_session(5, "a", json_pack("[{s:s, s:i}]", "name", "x", "uses", 4));
    keep_session(6, "a", json_string("no list"));
    assert_int_equal(history_open(&fs, scene.path, HISTORY_KEEP, &h, &err), STATUS_OK);
    assert_int_equal(history_uses(h, &filter, 1, 4, &arena, &uses, &err), STATUS_OK);
    expect(&uses, "x 6, y 3");
    uses_release(&uses);
    assert_int_equal(history_uses(h, NULL, 0, 100, &arena, &uses, &err), STATUS_OK);
    expect(&uses, "of b 99, oldest 9, x 6, y 3");
    uses_release(&uses);
    history_close(h);
    arena_release(&arena);
}

static void test_merge(void **state) {
    (void)state;
    static const char *const sessions[] = {"{\"session\": \"s1\", \"started\": 1, \"metrics\": {}, "
                                           "\"templates\": [{\"name\": \"x\", \"uses\": 2}]}",
                                           "{\"session\": \"s2\", \"started\": 2, \"metrics\": {}}",
                                           "{\"session\": \"s3\", \"started\": 3, \"metrics\": {}, "
                                           "\"templates\": [{\"name\": \"y\", \"uses\": 9}, "
                                           "{\"name\": \"x\", \"uses\": 1}]}"};
    struct session_merge *m = session_merge_new();
    struct uses uses = {0};
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < 3; i++) {
        json_t *session = json_loads(sessions[i], 0, NULL);
        assert_true(session_merge_add(m, session));
        json_decref(session);
    }
    json_t *merged = session_merge_json(m);
    uses_add_json(&uses, json_object_get(merged, "templates"), &arena);
    expect(&uses, "y 9, x 3");
    json_decref(merged);
    session_merge_free(m);
    uses_release(&uses);
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rank), cmocka_unit_test(test_json),
                                       cmocka_unit_test_setup_teardown(test_history, open_scene, close_scene),
                                       cmocka_unit_test(test_merge)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
