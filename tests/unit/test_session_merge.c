// SPDX-License-Identifier: MIT
// Several sessions as one: what is added, what is not, and that quantiles are those of all observations together.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "monitor/distribution_json.h"
#include "monitor/session.h"
#include "monitor/session_merge.h"

static json_t *load(const char *text) {
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

static bool add(struct session_merge *m, const char *text) {
    json_t *json = load(text);
    const bool added = session_merge_add(m, json);
    json_decref(json);
    return added;
}

static double metric(const json_t *document, const char *name) {
    const json_t *value = json_object_get(json_object_get(document, "metrics"), name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *text(const json_t *document, const char *key) {
    return json_string_value(json_object_get(document, key));
}

static const char one[] =
    "{\"session\": \"a\", \"started\": 100, \"name\": \"n\", \"strategy\": \"balanced\", \"outcome\": "
    "\"done\", "
    "\"digest\": \"1\", \"metrics\": {\"run.seconds\": 10, \"run.workers\": 4, \"run.workers_least\": 2, "
    "\"run.parallel_efficiency\": 1.0, \"run.peak_rss_bytes\": 500, \"load.records\": 1000, "
    "\"run.records_per_second\": 100, \"cache.render.hits\": 90, \"cache.render.misses\": 10, "
    "\"cache.render.hit_rate\": 0.9, \"strategy.regret\": 0.1}, "
    "\"errors\": [{\"kind\": \"x\", \"count\": 2}, {\"kind\": \"y\", \"count\": 1}], "
    "\"nodes\": [{\"stage\": \"render\", \"job\": \"j\", \"seconds\": 2, \"outputs\": 10, \"p50\": 1}]}";
static const char other[] =
    "{\"session\": \"b\", \"started\": 50, \"name\": \"n\", \"strategy\": \"minimal\", \"outcome\": "
    "\"failed\", "
    "\"digest\": \"2\", \"metrics\": {\"run.seconds\": 30, \"run.workers\": 1, \"run.workers_least\": 1, "
    "\"run.parallel_efficiency\": 0.5, \"run.peak_rss_bytes\": 400, \"load.records\": 200, "
    "\"run.records_per_second\": 7, \"cache.render.hits\": 0, \"cache.render.misses\": 100, "
    "\"cache.render.hit_rate\": 0, \"strategy.regret\": 0.5}, "
    "\"errors\": [{\"kind\": \"y\", \"count\": 4}], "
    "\"nodes\": [{\"stage\": \"render\", \"job\": \"j\", \"seconds\": 3, \"outputs\": 5}, "
    "{\"stage\": \"render\", \"job\": \"k\", \"seconds\": 1}]}";

static void test_rules(void **state) {
    (void)state;
    struct session_merge *m = session_merge_new();
    assert_true(add(m, one) && add(m, other));
    json_t *d = session_merge_json(m);
    assert_true(metric(d, "run.seconds") == 40 && metric(d, "load.records") == 1200);
    assert_true(metric(d, "run.workers") == 4 && metric(d, "run.workers_least") == 1);
    assert_true(metric(d, "run.peak_rss_bytes") == 500);
    assert_true(metric(d, "run.records_per_second") == 30);
    assert_true(metric(d, "cache.render.hit_rate") == 0.45);
    assert_true(fabs(metric(d, "run.parallel_efficiency") - 55.0 / 70) < 1e-12); // 40 and 30 workers' seconds
    assert_true(fabs(metric(d, "strategy.regret") - 0.4) < 1e-12);
    assert_true(isnan(metric(d, "render.opcodes"))); // nobody knows
    assert_string_equal(text(d, "name"), "n");
    assert_string_equal(text(d, "strategy"), "balanced; minimal");
    assert_string_equal(text(d, "outcome"), "failed");
    assert_string_equal(text(d, "digest"), "");
    const json_t *merged = json_object_get(d, "merged"), *nodes = json_object_get(d, "nodes");
    assert_int_equal(json_array_size(json_object_get(merged, "sessions")), 2);
    assert_true(json_number_value(json_object_get(merged, "elapsed_seconds")) == 60); // 50 to 110
    assert_true(json_number_value(json_object_get(d, "started")) == 50);
    assert_int_equal(json_array_size(json_object_get(d, "errors")), 2);
    assert_int_equal(json_array_size(nodes), 2);
    const json_t *node = json_array_get(nodes, 0);
    assert_true(json_number_value(json_object_get(node, "seconds")) == 5);
    assert_int_equal(json_integer_value(json_object_get(node, "outputs")), 15);
    assert_null(json_object_get(node, "p50"));
    json_decref(d);
    session_merge_free(m);
}

static void test_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"session\": \"\", \"started\": 1, \"metrics\": {}}",
        "{\"session\": 5, \"started\": 1, \"metrics\": {}}",
        "{\"session\": \"c\", \"metrics\": {}}",
        "{\"session\": \"c\", \"started\": 1}",
        "{\"session\": \"c\", \"started\": 1, \"metrics\": {}, \"merged\": {\"sessions\": []}}",
    };
    struct session_merge *m = session_merge_new();
    assert_true(add(m, one));
    assert_false(add(m, one)); // it would count twice
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (add(m, texts[i]))
            fail_msg("%s", texts[i]);
    json_t *d = session_merge_json(m);
    assert_true(metric(d, "run.seconds") == 10);
    assert_string_equal(text(d, "digest"), "1");
    assert_string_equal(text(d, "outcome"), "done");
    json_decref(d);
    session_merge_free(m);
}

// What was merged can be merged again; but not with what is in it.
static void test_merged_again(void **state) {
    (void)state;
    struct session_merge *m = session_merge_new(), *all = session_merge_new();
    assert_true(add(m, one) && add(m, other));
    json_t *d = session_merge_json(m);
    assert_true(add(all, "{\"session\": \"c\", \"started\": 500, \"metrics\": {\"run.seconds\": 1}}"));
    assert_true(session_merge_add(all, d));
    assert_false(session_merge_add(all, d));
    assert_false(add(all, other));
    json_t *everything = session_merge_json(all);
    const json_t *merged = json_object_get(everything, "merged");
    assert_true(metric(everything, "run.seconds") == 41);
    assert_int_equal(json_array_size(json_object_get(merged, "sessions")), 3);
    assert_true(json_number_value(json_object_get(merged, "elapsed_seconds")) == 451); // 50 to 501
    json_decref(everything);
    json_decref(d);
    session_merge_free(all);
    session_merge_free(m);
}

static json_t *session_of(struct session *s) {
    struct buf json = BUF_INIT;
    session_write_json(s, &json);
    json_t *document = load(buf_text(&json));
    buf_release(&json);
    return document;
}

// Observations shared out to three sessions are, merged, what one session of all of them keeps.
static void test_quantiles_of_all(void **state) {
    (void)state;
    enum { PARTS = 3, N = 5000 };
    struct session parts[PARTS], whole;
    struct session_merge *m = session_merge_new();
    struct histogram a = {0}, b = {0};
    uint64_t seed = 3;
    session_init(&whole);
    session_begin(&whole, 1);
    for (int i = 0; i < PARTS; i++) {
        session_init(&parts[i]);
        session_begin(&parts[i], i + 2);
    }
    for (int i = 0; i < N; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const uint64_t value = 1000 + (seed >> 40) * (uint64_t)(i % PARTS + 1);
        histogram_add(session_distribution(&parts[i % PARTS], STR("render")), value);
        histogram_add(session_distribution(&whole, STR("render")), value);
    }
    for (int i = 0; i < PARTS; i++) {
        json_t *part = session_of(&parts[i]);
        assert_true(session_merge_add(m, part));
        json_decref(part);
        session_release(&parts[i]);
    }
    json_t *merged = session_merge_json(m), *all = session_of(&whole);
    assert_true(distribution_read(json_object_get(json_object_get(merged, "distributions"), "render"), &a));
    assert_true(distribution_read(json_object_get(json_object_get(all, "distributions"), "render"), &b));
    assert_true(a.n == N && b.n == N && a.max == b.max && fabs(a.sum / b.sum - 1) < 1e-9);
    for (double q = 0; q <= 1; q += 0.01)
        assert_int_equal(histogram_quantile(&a, q), histogram_quantile(&b, q));
    histogram_release(&a);
    histogram_release(&b);
    json_decref(merged);
    json_decref(all);
    session_release(&whole);
    session_merge_free(m);
}

static void test_without_a_histogram(void **state) {
    (void)state;
    struct session_merge *m = session_merge_new();
    assert_true(add(
        m,
        "{\"session\": \"a\", \"started\": 1, \"metrics\": {}, \"distributions\": {\"render\": {\"p50\": 1, "
        "\"max\": 3, \"mean\": 2, \"count\": 2, \"buckets\": [763, 1, 49, 1]}}}"));
    assert_true(add(
        m,
        "{\"session\": \"b\", \"started\": 2, \"metrics\": {}, \"distributions\": {\"render\": {\"p50\": 1, "
        "\"max\": 9, \"mean\": 5, \"count\": 4}, \"none\": {\"count\": 0}, \"odd\": 7}}"));
    json_t *d = session_merge_json(m);
    const json_t *all = json_object_get(d, "distributions"), *render = json_object_get(all, "render");
    assert_int_equal(json_object_size(all), 1);
    assert_null(json_object_get(render, "p50"));
    assert_null(json_object_get(render, "buckets"));
    assert_true(json_number_value(json_object_get(render, "count")) == 6);
    assert_true(json_number_value(json_object_get(render, "mean")) == 4);
    assert_true(json_number_value(json_object_get(render, "max")) == 9);
    assert_int_equal(json_array_size(json_object_get(json_object_get(d, "merged"), "without_quantiles")), 1);
    json_decref(d);
    session_merge_free(m);
}

// Kinds of errors and texts are bounded.
static void test_bounds(void **state) {
    (void)state;
    struct session_merge *m = session_merge_new();
    char document[512];
    for (int i = 0; i < 300; i++) {
        snprintf(document, sizeof document,
                 "{\"session\": \"%d\", \"started\": 1, \"version\": \"%d\", \"metrics\": {}, \"errors\": "
                 "[{\"kind\": "
                 "\"kind %d\", \"count\": 2}, {\"kind\": 5, \"count\": 1}, {\"count\": 1}, {\"kind\": \"x\", "
                 "\"count\": "
                 "-1}]}",
                 i, i, i);
        assert_true(add(m, document));
    }
    json_t *d = session_merge_json(m), *errors = json_object_get(d, "errors"), *error;
    size_t i;
    json_int_t sum = 0;
    assert_int_equal(json_array_size(errors), SESSION_ERROR_KINDS);
    json_array_foreach(errors, i, error) {
        sum += json_integer_value(json_object_get(error, "count"));
    }
    assert_int_equal(sum, 600);
    assert_string_equal(text(d, "version"), "0; 1; 2; 3; 4; 5; 6; 7; ...");
    json_decref(d);
    session_merge_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_merged_again), cmocka_unit_test(test_quantiles_of_all),
        cmocka_unit_test(test_bounds),       cmocka_unit_test(test_without_a_histogram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
