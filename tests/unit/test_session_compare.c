// SPDX-License-Identifier: MIT
// Two sessions side by side: what counts as moved, and what is missing in one of them.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/session.h"
#include "monitor/session_compare.h"

static json_t *load(const char *text) {
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

static void compare(const char *a, const char *b, struct session_comparison *c) {
    json_t *one = load(a), *other = load(b);
    session_compare(one, other, c);
    json_decref(one);
    json_decref(other); // the comparison borrows nothing of them
}

static const struct session_figure *find(const struct session_comparison *c, const char *name) {
    for (size_t i = 0; i < c->figures_n; i++)
        if (str_is(c->figures[i].name, name))
            return &c->figures[i];
    return NULL;
}

static enum session_change change_of(const struct session_comparison *c, const char *name) {
    const struct session_figure *f = find(c, name);
    assert_non_null(f);
    return f->change;
}

static void test_work_first(void **state) {
    (void)state;
    struct session_comparison c;
    compare("{\"metrics\": {\"run.seconds\": 1, \"render.opcodes\": 1000000, \"load.records\": 7}}",
            "{\"metrics\": {\"run.seconds\": 1, \"render.opcodes\": 1000001, \"load.records\": 7}}", &c);
    assert_int_equal(c.figures_n, 3);
    assert_true(c.figures[0].work && c.figures[1].work && !c.figures[2].work);
    assert_int_equal(change_of(&c, "render.opcodes"), SESSION_MOVED); // however little
    assert_int_equal(find(&c, "render.opcodes")->worse, 1);
    assert_int_equal(change_of(&c, "load.records"), SESSION_SAME);
    assert_int_equal(change_of(&c, "run.seconds"), SESSION_SAME);
    assert_int_equal(session_comparison_count(&c, true, SESSION_MOVED), 1);
    assert_int_equal(session_comparison_count(&c, false, SESSION_MOVED), 0);
    session_comparison_release(&c);
}

static void test_nobody_knows_what_is_usual(void **state) {
    (void)state;
    struct session_comparison c;
    compare("{\"metrics\": {\"run.seconds\": 100, \"run.cpu_seconds\": 100, \"run.idle_seconds\": 0, "
            "\"cache.render.hit_rate\": 0.5}}",
            "{\"metrics\": {\"run.seconds\": 104.9, \"run.cpu_seconds\": 95, \"run.idle_seconds\": 1, "
            "\"run.peak_rss_bytes\": 5, \"cache.render.hit_rate\": 0.9}}",
            &c);
    assert_int_equal(change_of(&c, "run.seconds"), SESSION_USUAL);
    assert_int_equal(change_of(&c, "run.cpu_seconds"), SESSION_DIFFERS);
    assert_int_equal(change_of(&c, "run.idle_seconds"), SESSION_DIFFERS);
    assert_int_equal(change_of(&c, "run.peak_rss_bytes"), SESSION_DIFFERS);
    assert_true(isnan(find(&c, "run.peak_rss_bytes")->a));
    assert_int_equal(find(&c, "run.cpu_seconds")->worse, -1);
    assert_int_equal(find(&c, "cache.render.hit_rate")->worse, -1);
    assert_int_equal(find(&c, "run.peak_rss_bytes")->worse, 0);
    session_comparison_release(&c);
}

static void test_what_is_usual(void **state) {
    (void)state;
    struct session_comparison c;
    compare("{\"metrics\": {\"run.seconds\": 100, \"run.cpu_seconds\": 100, \"load.seconds\": 100, "
            "\"load.records\": 1}}",
            "{\"metrics\": {\"run.seconds\": 150, \"run.cpu_seconds\": 150, \"load.seconds\": 100.5, "
            "\"load.records\": 2}}",
            &c);
    struct session_usual usual[4];
    for (size_t i = 0; i < c.figures_n; i++) {
        usual[i] = (struct session_usual){20, 50, 120, 100};
        if (str_is(c.figures[i].name, "run.cpu_seconds"))
            usual[i].high = 160;
        if (str_is(c.figures[i].name, "load.seconds"))
            usual[i].low = usual[i].high = 100; // outside, but by hardly anything
    }
    assert_int_equal(c.figures_n, 4);
    session_comparison_judge(&c, usual);
    assert_int_equal(change_of(&c, "run.seconds"), SESSION_MOVED);
    assert_int_equal(change_of(&c, "run.cpu_seconds"), SESSION_USUAL);
    assert_int_equal(change_of(&c, "load.seconds"), SESSION_USUAL);
    assert_int_equal(change_of(&c, "load.records"), SESSION_MOVED); // work has no usual
    session_comparison_release(&c);
}

static json_t *session_of(uint64_t from, uint64_t step, size_t n) {
    struct session s;
    struct buf text = BUF_INIT;
    session_init(&s);
    session_begin(&s, 1);
    for (size_t i = 0; i < n; i++)
        histogram_add(session_distribution(&s, STR("render")), from + i * step);
    session_write_json(&s, &text);
    json_t *json = load(buf_text(&text));
    buf_release(&text);
    session_release(&s);
    return json;
}

static double later_of(json_t *a, json_t *b) {
    struct session_comparison c;
    session_compare(a, b, &c);
    assert_int_equal(c.pairs_n, 1);
    double later = c.pairs[0].later;
    session_comparison_release(&c);
    return later;
}

static void test_distributions(void **state) {
    (void)state;
    json_t *a = session_of(1000000, 0, 100), *same = session_of(1000000, 0, 1000),
           *slower = session_of(2000000, 1000, 10), *mixed = session_of(0, 2000000, 4); // 0, 2, 4, 6 ms
    assert_true(later_of(a, same) == 0.5);
    assert_true(later_of(a, slower) == 1 && later_of(slower, a) == 0);
    assert_true(fabs(later_of(a, mixed) - 0.75) < 1e-12);
    assert_true(fabs(later_of(mixed, a) - 0.25) < 1e-12);
    assert_true(fabs(later_of(mixed, mixed) - 0.5) < 1e-12);
    struct session_comparison c;
    json_object_del(json_object_get(json_object_get(slower, "distributions"), "render"), "buckets");
    session_compare(a, slower, &c);
    assert_true(isnan(c.pairs[0].later));
    assert_int_equal(change_of(&c, "render.p99"), SESSION_DIFFERS);
    session_comparison_release(&c);
    json_decref(a);
    json_decref(same);
    json_decref(slower);
    json_decref(mixed);
}

// What cannot be right is as if it were not there.
static void test_odd_documents(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"metrics\": 5, \"distributions\": []}",
        "{\"session\": 3, \"metrics\": {\"run.seconds\": \"1\"}, \"distributions\": {\"a\": 1, \"b\": {}}}",
        "{\"metrics\": {\"x\": 1}, \"distributions\": {\"render\": {\"p50\": {}, \"buckets\": {}}}}",
    };
    enum { N = sizeof texts / sizeof *texts };
    for (size_t i = 0; i < N * N; i++) {
        struct session_comparison c;
        struct buf text = BUF_INIT;
        compare(texts[i / N], texts[i % N], &c);
        assert_int_equal(c.figures_n, 0);
        session_comparison_write_json(&c, &text);
        json_decref(load(buf_text(&text)));
        buf_release(&text);
        session_comparison_release(&c);
    }
}

static void test_one_lacks_a_distribution(void **state) {
    (void)state;
    json_t *a = session_of(5, 5, 5), *b = load("{\"session\": \"b\", \"metrics\": {}}");
    struct session_comparison c;
    struct buf text = BUF_INIT;
    session_compare(a, b, &c);
    assert_int_equal(c.pairs_n, 1);
    assert_true(c.pairs[0].a[FIGURE_COUNT] == 5 && isnan(c.pairs[0].b[FIGURE_COUNT]));
    session_comparison_write_json(&c, &text);
    json_t *json = load(buf_text(&text)),
           *side = json_object_get(json_object_get(json_object_get(json, "distributions"), "render"), "b");
    assert_true(json_is_null(json_object_get(side, "p99")));
    json_decref(json);
    buf_release(&text);
    session_comparison_release(&c);
    json_decref(a);
    json_decref(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_first),    cmocka_unit_test(test_nobody_knows_what_is_usual),
        cmocka_unit_test(test_what_is_usual), cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_odd_documents), cmocka_unit_test(test_one_lacks_a_distribution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
