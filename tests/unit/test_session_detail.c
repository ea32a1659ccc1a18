// SPDX-License-Identifier: MIT
// What a session has besides figures: the timeline of workers, the slowest, faults with their places.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/quantity.h"
#include "monitor/session_faults.h"
#include "monitor/slowest.h"
#include "monitor/timeline.h"

// ---- timeline

static const char *const kinds[TIMELINE_KINDS] = {"compile", "load", "render", "emit"};

static uint64_t sum_of(const struct timeline *t, int kind) {
    uint64_t sum = 0;
    for (int b = 0; b < TIMELINE_BUCKETS; b++)
        sum += t->times[b][kind];
    return sum;
}

static void test_nothing_is_lost(void **state) {
    (void)state;
    struct timeline *t = MEM_NEW(struct timeline);
    uint64_t at = 0, render = 0, emit = 0, random = 1;
    for (int i = 0; i < 5000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const uint64_t length = random >> 40, part = length / 3;
        timeline_add(t, &(struct timeline_span){at, at + length, 2, 3, part});
        render += length - part;
        emit += part;
        at += length + 1000;
    }
    const uint64_t rendered = sum_of(t, 2), emitted = sum_of(t, 3);
    assert_true(rendered + emitted == render + emit);          // to the nanosecond
    assert_true(emitted <= emit && emit - emitted < 5000 * 4); // but for how a span is split
    assert_true(t->width * TIMELINE_BUCKETS >= at - 1000);
    assert_true(t->width * TIMELINE_BUCKETS < 3 * at); // no coarser than need be
    mem_free(t);
}

static void test_spans_of_no_length(void **state) {
    (void)state;
    struct timeline *t = MEM_NEW(struct timeline);
    timeline_add(t, &(struct timeline_span){5, 5, 1, 3, 0});
    timeline_add(t, &(struct timeline_span){9, 4, 1, 3, 0}); // a clock that went back
    assert_true(sum_of(t, 1) == 0);
    mem_free(t);
}

static json_int_t percent(const json_t *lane, const char *kind, size_t at) {
    return json_integer_value(json_array_get(json_object_get(json_object_get(lane, kind), "percent"), at));
}

// The workers' timelines are of different widths, and the run ends within a bucket.
static void test_timelines_together(void **state) {
    (void)state;
    struct timeline *a = MEM_NEW(struct timeline), *b = MEM_NEW(struct timeline);
    struct timeline *const all[] = {a, NULL, b};
    const uint64_t unit = TIMELINE_WIDTH, end = unit * TIMELINE_BUCKETS + unit;
    timeline_add(a, &(struct timeline_span){2 * unit, 4 * unit, 1, 3, 0});
    timeline_add(b, &(struct timeline_span){end - unit / 2, end, 2, 3, 0});
    json_t *json = timeline_json(all, 3, end, kinds);
    const json_t *lanes = json_object_get(json, "lanes"), *first = json_array_get(lanes, 0),
                 *last = json_array_get(lanes, 2);
    assert_int_equal(json_array_size(lanes), 3);
    assert_true(json_real_value(json_object_get(json, "bucket_seconds")) == 2 * (double)unit / 1e9);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(first, "load"), "from")), 1);
    assert_int_equal(percent(first, "load", 0), 100);
    assert_int_equal(json_array_size(json_object_get(json_object_get(first, "load"), "percent")), 1);
    assert_null(json_object_get(first, "render"));
    assert_int_equal(json_object_size(json_array_get(lanes, 1)), 1); // its name alone
    assert_int_equal(percent(last, "render", 0), 50);                // of the bucket as far as the run went
    json_decref(json);
    mem_free(a);
    mem_free(b);
}

static void test_many_workers_share_lanes(void **state) {
    (void)state;
    enum { WORKERS = 100 };
    struct timeline *all[WORKERS];
    for (int w = 0; w < WORKERS; w++) {
        all[w] = MEM_NEW(struct timeline);
        timeline_add(all[w], &(struct timeline_span){0, TIMELINE_WIDTH, 2, 3, 0});
    }
    json_t *json = timeline_json(all, WORKERS, TIMELINE_WIDTH, kinds);
    const json_t *lanes = json_object_get(json, "lanes");
    size_t i;
    json_t *lane;
    assert_int_equal(json_array_size(lanes), TIMELINE_LANES);
    json_array_foreach(lanes, i, lane) {
        assert_int_equal(percent(lane, "render", 0), 100); // not some of hundred
    }
    assert_string_equal(json_string_value(json_object_get(json_array_get(lanes, 31), "name")),
                        "workers 97 to 100");
    json_decref(json);
    for (int w = 0; w < WORKERS; w++)
        mem_free(all[w]);
}

// ---- the slowest

static void test_the_slowest_of_many(void **state) {
    (void)state;
    struct slowest a = {0}, b = {0};
    for (uint64_t i = 0; i < 1000; i++) { // 0, 7, 14 ... in no order
        char name[16];
        snprintf(name, sizeof name, "k%llu", (unsigned long long)(i * 7 % 1000));
        slowest_add(i % 2 ? &a : &b, i * 7 % 1000, str_of(name), i + 1, i + 2);
    }
    slowest_merge(&a, &b);
    assert_int_equal(a.n, SLOWEST);
    for (uint64_t i = 0; i < SLOWEST; i++) {
        assert_true(a.ones[i].nanoseconds == 999 - i);
        assert_true(a.ones[i].record * 7 % 1000 == (999 - i + 7) % 1000);
    }
    assert_memory_equal(a.ones[0].name, "k999", 4);
    assert_false(slowest_takes(&a, 990));
    assert_true(slowest_takes(&a, 991));
}

static void test_a_long_name_is_cut_between_characters(void **state) {
    (void)state;
    struct slowest s = {0};
    char name[SLOWEST_NAME + 10];
    memset(name, 'x', sizeof name);
    memcpy(name + SLOWEST_NAME - 2, "\xe2\x82\xac", 3);
    slowest_add(&s, 1, (struct str){name, sizeof name}, 0, 0);
    assert_int_equal(s.ones[0].name_n, SLOWEST_NAME - 2);
    slowest_add(&s, 2, (struct str){NULL, 0}, 0, 0);
    assert_int_equal(s.ones[0].name_n, 0);
}

// ---- faults

static void add_fault(struct session *s, const char *file, uint32_t line, const char *message,
                      const char *job) {
    const struct diag diag = {.file = str_of(file),
                              .line = line,
                              .column = line ? 3 : 0,
                              .line_text = STR("{{ name }}"),
                              .caret = 3,
                              .caret_n = 4,
                              .message = str_of(message)};
    session_add_fault(
        s, &diag,
        &(struct session_fault_of){
            .job = str_of(job), .path = STR("u.jsonl"), .key = STR("k\0ey"), .line = 12, .record = 12});
}

static const json_t *fault_at(const json_t *failures, size_t i) {
    return json_array_get(json_object_get(failures, "items"), i);
}

static json_int_t count_at(const json_t *failures, size_t i) {
    return json_integer_value(json_object_get(fault_at(failures, i), "count"));
}

static void test_faults_at_one_place_are_one(void **state) {
    (void)state;
    struct session s;
    session_init(&s);
    for (int i = 0; i < 100; i++)
        add_fault(&s, "a.j2", 7, i ? "\"b\" is no number" : "\"a\" is no number", "cards");
    add_fault(&s, "a.j2", 7, "\"a\" is no number", "pages");
    add_fault(&s, "a.j2", 0, "one", "cards"); // without a place the message tells
    add_fault(&s, "a.j2", 0, "other", "cards");
    json_t *failures = session_faults_json(&s);
    assert_int_equal(json_array_size(json_object_get(failures, "items")), 4);
    assert_int_equal(count_at(failures, 0), 100);
    assert_string_equal(json_string_value(json_object_get(fault_at(failures, 0), "message")),
                        "\"a\" is no number");
    assert_string_equal(json_string_value(json_object_get(fault_at(failures, 0), "key")), "k ey");
    assert_null(json_object_get(fault_at(failures, 2), "excerpt"));
    json_decref(failures);
    session_release(&s);
}

static void test_faults_are_bounded(void **state) {
    (void)state;
    struct session s;
    char *longest = mem_alloc(5000);
    memset(longest, 'x', 4999);
    longest[4999] = 0;
    session_init(&s);
    for (uint32_t i = 0; i < 3 * SESSION_FAULTS; i++)
        add_fault(&s, "u.jsonl", i + 1, longest, NULL);
    json_t *failures = session_faults_json(&s);
    assert_int_equal(json_array_size(json_object_get(failures, "items")), SESSION_FAULTS);
    assert_int_equal(json_integer_value(json_object_get(failures, "more")), 2 * SESSION_FAULTS);
    assert_int_equal(json_string_length(json_object_get(fault_at(failures, 0), "message")), FAULT_TEXT);
    assert_null(json_object_get(fault_at(failures, 0), "job"));
    json_decref(failures);
    session_release(&s);
    mem_free(longest);
}

static void test_faults_of_sessions_together(void **state) {
    (void)state;
    struct session s;
    session_init(&s);
    for (uint32_t i = 0; i < SESSION_FAULTS + 5; i++)
        add_fault(&s, "u.jsonl", i + 1, "bad", NULL);
    json_t *one = session_faults_json(&s), *all = json_pack("{s:[], s:i}", "items", "more", 0);
    session_faults_merge(all, one);
    session_faults_merge(all, one);
    json_array_append_new(json_object_get(one, "items"),
                          json_pack("{s:s, s:i}", "message", "new", "count", 9));
    session_faults_merge(all, one);
    assert_int_equal(json_array_size(json_object_get(all, "items")), SESSION_FAULTS);
    assert_int_equal(count_at(all, 0), 3);
    assert_int_equal(json_integer_value(json_object_get(all, "more")), 3 * 5 + 9);
    json_decref(one);
    json_decref(all);
    session_release(&s);
}

// ---- quantities

static void test_quantities(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *unit, *text;
    } cases[] = {{0, "s", "0 s"},
                 {1.2e-8, "s", "12 ns"},
                 {9.996e-6, "s", "10.0 us"},
                 {0.0012345, "s", "1.23 ms"},
                 {0.99951, "s", "1.00 s"},
                 {119.96, "s", "120 s"},
                 {120, "s", "2 min 00 s"},
                 {3725, "s", "62 min 05 s"},
                 {-0.5, "s", "-500 ms"},
                 {999, "B", "999 B"},
                 {999999, "B", "1.0 MB"},
                 {1234567, "", "1,234,567"},
                 {0.12345, "", "0.123"},
                 {-3, "", "-3"},
                 {0.5, "share", "50 %"},
                 {0.0123, "share", "1.2 %"},
                 {1.5, "x", "1.50x"},
                 {101724.3, "1/s", "101,724/s"},
                 {2.5, "1/s", "2.500/s"},
                 {1e300, "", "1e+300"},
                 {1.0 / 0.0, "B", "-"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf text = BUF_INIT;
        quantity_add(&text, cases[i].value, cases[i].unit);
        assert_string_equal(buf_text(&text), cases[i].text);
        buf_release(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans_of_no_length),
        cmocka_unit_test(test_nothing_is_lost),
        cmocka_unit_test(test_timelines_together),
        cmocka_unit_test(test_many_workers_share_lanes),
        cmocka_unit_test(test_a_long_name_is_cut_between_characters),
        cmocka_unit_test(test_the_slowest_of_many),
        cmocka_unit_test(test_faults_are_bounded),
        cmocka_unit_test(test_faults_at_one_place_are_one),
        cmocka_unit_test(test_faults_of_sessions_together),
        cmocka_unit_test(test_quantities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
