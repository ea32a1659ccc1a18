// SPDX-License-Identifier: MIT
// Reports of every kind from documents as they are, and from documents in which anything may be missing or something else.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/report_sources.h"

static const struct {
    const char *file, *kind;
} sources[] = {
    {"session", "session"},     {"merged", "merged"},         {"history", "history"},
    {"trend", "history"},       {"comparison", "comparison"}, {"difference", "comparison"},
    {"benchmark", "benchmark"}, {"load", "benchmark"},        {"strategy", "strategy"},
    {"gate", "gate"},           {"doctor", "doctor"},
};
enum { SOURCES = sizeof sources / sizeof *sources };

static json_t *read_source(const char *name) {
    char path[512];
    snprintf(path, sizeof path, PRESSRUN_REPORT_SOURCES "/%s.json", name);
    json_t *source = json_load_file(path, 0, NULL);
    assert_non_null(source);
    return source;
}

static json_t *report_of(const json_t *source, const json_t *history) {
    struct buf document = BUF_INIT;
    struct err err;
    char *text = json_dumps(source, JSON_ENCODE_ANY);
    const struct report_options options = {.made = 1795303803, .history = history};
    const enum status status = report_make(str_of(text), &options, false, &document, &err);
    json_t *report = status == STATUS_OK ? json_loadb(document.p, document.n, 0, NULL) : NULL;
    assert_true(status == STATUS_DATA || report);
    free(text);
    buf_release(&document);
    return report;
}

// ---- what holds for every report

static void check_text(const json_t *object, const char *key) {
    const json_t *text = json_object_get(object, key);
    assert_true(json_is_string(text));
    assert_true(json_string_length(text) <= REPORT_TEXT);
    for (size_t i = 0; i < json_string_length(text); i++)
        assert_true((unsigned char)json_string_value(text)[i] >= 0x20 || json_string_value(text)[i] == '\n');
}

static void check_table(const json_t *table) {
    const json_t *rows = json_object_get(table, "rows");
    const size_t columns = json_array_size(json_object_get(table, "columns"));
    assert_true(columns >= 1 && columns <= REPORT_COLUMNS);
    assert_true(json_array_size(rows) <= REPORT_ROWS);
    size_t i, k;
    json_t *row, *cell;
    json_array_foreach(rows, i, row) {
        const json_t *cells = json_object_get(row, "cells");
        assert_int_equal(json_array_size(cells), columns);
        json_array_foreach(cells, k, cell) {
            const double share = json_number_value(json_object_get(cell, "share"));
            check_text(cell, "text");
            assert_true(share >= 0 && share <= 1);
        }
    }
}

static void check_lanes(const json_t *chart) {
    const double end = json_number_value(json_object_get(json_object_get(chart, "x"), "max"));
    size_t i, k, spans = 0;
    json_t *lane, *span;
    json_array_foreach(json_object_get(chart, "lanes"), i, lane) {
        json_array_foreach(json_object_get(lane, "spans"), k, span) {
            const double from = json_number_value(json_object_get(span, "from")),
                         to = json_number_value(json_object_get(span, "to")),
                         base = json_number_value(json_object_get(span, "base")),
                         share = json_number_value(json_object_get(span, "share"));
            assert_true(from >= 0 && from <= to && to <= end * (1 + 1e-9));
            assert_true(base >= 0 && share >= 0 && base + share <= 1 + 1e-9);
            spans++;
        }
    }
    assert_true(spans <= REPORT_SPANS);
}

static void check_axis(const json_t *axis) {
    if (!axis)
        return;
    const double min = json_number_value(json_object_get(axis, "min")),
                 max = json_number_value(json_object_get(axis, "max"));
    assert_true(isfinite(min) && isfinite(max) && max > min);
    size_t i;
    json_t *tick;
    json_array_foreach(json_object_get(axis, "ticks"), i, tick) {
        const double at = json_number_value(json_object_get(tick, "at")), slack = (max - min) * 1e-6;
        assert_true(at >= min - slack && at <= max + slack);
        check_text(tick, "text");
    }
}

static void check_chart(const json_t *chart) {
    size_t i;
    json_t *series;
    check_text(chart, "text");
    check_axis(json_object_get(chart, "x"));
    check_axis(json_object_get(chart, "y"));
    check_lanes(chart);
    json_array_foreach(json_object_get(chart, "series"), i, series) {
        assert_true(json_array_size(json_object_get(series, "points")) <= REPORT_POINTS);
    }
    assert_true(i <= REPORT_SERIES);
}

static void check_block(const json_t *block) {
    const char *type = json_string_value(json_object_get(block, "type"));
    assert_non_null(type);
    if (strcmp(type, "table") == 0)
        check_table(block);
    else if (strcmp(type, "chart") == 0)
        check_chart(block);
    else if (strcmp(type, "faults") == 0)
        assert_true(json_array_size(json_object_get(block, "items")) <= REPORT_FAULTS);
    else
        check_text(block, "text");
}

static void check_report(const json_t *report) {
    static const char *const texts[] = {"kind", "title", "subtitle", "made", "program"};
    size_t i, k;
    json_t *section, *block, *figure;
    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        check_text(report, texts[i]);
    check_text(json_object_get(report, "verdict"), "word");
    json_array_foreach(json_object_get(report, "figures"), i, figure) {
        check_text(figure, "text");
        assert_true(json_is_number(json_object_get(figure, "value")));
    }
    json_array_foreach(json_object_get(report, "sections"), i, section) {
        assert_true(json_array_size(json_object_get(section, "blocks")) > 0);
        json_array_foreach(json_object_get(section, "blocks"), k, block) {
            check_block(block);
        }
    }
}

// ---- documents as they are

static const json_t *section_of(const json_t *report, const char *id) {
    size_t i;
    json_t *section;
    json_array_foreach(json_object_get(report, "sections"), i, section) {
        if (strcmp(json_string_value(json_object_get(section, "id")), id) == 0)
            return section;
    }
    return NULL;
}

static void test_every_kind(void **state) {
    (void)state;
    for (size_t i = 0; i < SOURCES; i++) {
        json_t *source = read_source(sources[i].file), *report = report_of(source, NULL);
        assert_non_null(report);
        assert_string_equal(json_string_value(json_object_get(report, "kind")), sources[i].kind);
        assert_true(json_array_size(json_object_get(report, "figures")) > 0);
        assert_true(json_array_size(json_object_get(report, "sections")) > 0);
        check_report(report);
        json_decref(report);
        json_decref(source);
    }
}

static const char *text_at(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static void test_session(void **state) {
    (void)state;
    json_t *source = read_source("session"), *report = report_of(source, NULL);
    const json_t *verdict = json_object_get(report, "verdict");
    assert_string_equal(text_at(verdict, "state"), "bad");
    assert_string_equal(text_at(verdict, "word"), "failed");
    assert_non_null(strstr(text_at(verdict, "text"), "39,976 outputs from 20,000 records"));
    assert_non_null(strstr(text_at(verdict, "text"), "22 failed"));
    const json_t *faults = json_array_get(json_object_get(section_of(report, "failures"), "blocks"), 0);
    const json_t *fault = json_array_get(json_object_get(faults, "items"), 0);
    assert_string_equal(text_at(fault, "place"), "t/card.j2:1:10");
    assert_string_equal(text_at(fault, "record"), "u.jsonl:8, key 7");
    assert_int_equal(json_integer_value(json_object_get(fault, "count")), 10);
    assert_int_equal(json_integer_value(json_object_get(fault, "caret")), 9);
    const json_t *alerts = json_array_get(json_object_get(section_of(report, "alerts"), "blocks"), 0);
    assert_int_equal(json_array_size(json_object_get(alerts, "rows")), 1); // the other one did not fire
    assert_non_null(section_of(report, "timeline"));
    assert_non_null(section_of(report, "slowest"));
    assert_null(section_of(report, "trend"));
    const json_t *lines = json_array_get(json_object_get(section_of(report, "profile"), "blocks"), 0);
    assert_int_equal(json_integer_value(json_object_get(lines, "more")), 7);
    json_decref(report);
    json_decref(source);
}

static void test_carets_count_characters(void **state) {
    (void)state;
    json_t *source = read_source("session");
    json_t *item = json_array_get(json_object_get(json_object_get(source, "failures"), "items"), 0);
    json_object_set_new(item, "excerpt", json_string("\xe2\x82\xac {{ \xc3\xa9t\xc3\xa9 }}"));
    json_object_set_new(item, "caret", json_integer(7));
    json_object_set_new(item, "caret_n", json_integer(5));
    json_t *report = report_of(source, NULL);
    const json_t *faults = json_array_get(json_object_get(section_of(report, "failures"), "blocks"), 0);
    const json_t *fault = json_array_get(json_object_get(faults, "items"), 0);
    assert_int_equal(json_integer_value(json_object_get(fault, "caret")), 5);
    assert_int_equal(json_integer_value(json_object_get(fault, "caret_n")), 3);
    json_decref(report);
    json_decref(source);
}

static void test_with_history(void **state) {
    (void)state;
    json_t *source = read_source("session"), *trends = json_array();
    json_t *trend =
        json_pack("{s:s, s:s, s:[], s:[{s:s, s:f, s:f, s:f}]}", "metric", "run.seconds", "unit", "s",
                  "points", "changes", "session", "s7", "before", 0.1, "after", 0.2, "p", 1e-4);
    for (int i = 0; i < 1000; i++) {
        char id[16];
        snprintf(id, sizeof id, "s%d", i);
        json_array_append_new(
            json_object_get(trend, "points"),
            json_pack("{s:s, s:f, s:f}", "session", id, "started", (double)i, "value", i == 500 ? 9.0 : 0.1));
    }
    json_array_append_new(trends, trend);
    json_t *report = report_of(source, trends);
    check_report(report);
    const json_t *chart = json_array_get(json_object_get(section_of(report, "trend"), "blocks"), 0);
    const json_t *points = json_object_get(json_array_get(json_object_get(chart, "series"), 0), "points");
    double greatest = 0;
    size_t i;
    json_t *point;
    json_array_foreach(points, i, point) {
        greatest = fmax(greatest, json_number_value(json_array_get(point, 1)));
    }
    assert_true(greatest == 9.0); // a peak is there though most points are not
    assert_int_equal(json_array_size(json_object_get(chart, "marks")), 1);
    json_decref(report);
    json_decref(trends);
    json_decref(source);
}

// A report is what it was, whoever asks for it again.
static void test_again(void **state) {
    (void)state;
    json_t *source = read_source("gate"), *report = report_of(source, NULL), *again = report_of(report, NULL);
    assert_true(json_equal(report, again));
    json_object_set_new(report, "report", json_integer(99));
    assert_null(report_of(report, NULL));
    json_decref(again);
    json_decref(report);
    json_decref(source);
}

static void refuse(const char *text) {
    struct buf document = BUF_INIT;
    struct err err;
    assert_int_equal(report_make(str_of(text), &(struct report_options){0}, false, &document, &err),
                     STATUS_DATA);
    assert_int_equal(document.n, 0);
    assert_true(err.text[0]);
    buf_release(&document);
}

static void test_no_report(void **state) {
    (void)state;
    refuse("");
    refuse("{");
    refuse("{}");
    refuse("12");
    refuse("[1, 2]");
    refuse("{\"name\": \"x\"}");
    refuse("{\"report\": 2}");
}

// ---- bounds

static void test_a_large_session_is_a_small_report(void **state) {
    (void)state;
    json_t *source = read_source("session"), *distributions = json_object_get(source, "distributions");
    json_t *items = json_object_get(json_object_get(source, "failures"), "items");
    json_t *lanes = json_object_get(json_object_get(source, "timeline"), "lanes");
    for (int i = 0; i < 2000; i++) {
        char name[32];
        snprintf(name, sizeof name, "job.%d", i);
        json_object_set_new(distributions, name,
                            json_pack("{s:f, s:f, s:f}", "p50", 1.0, "mean", 1.0, "count", 5.0));
        json_array_append_new(items, json_pack("{s:s, s:i}", "message", name, "count", 2));
        json_array_append(lanes, json_array_get(lanes, 0));
    }
    json_t *report = report_of(source, NULL);
    check_report(report);
    const json_t *faults = json_array_get(json_object_get(section_of(report, "failures"), "blocks"), 0);
    assert_int_equal(json_array_size(json_object_get(faults, "items")), REPORT_FAULTS);
    assert_int_equal(json_integer_value(json_object_get(faults, "more")), 2 * (2000 + 4 - REPORT_FAULTS));
    char *text = json_dumps(report, 0);
    assert_true(strlen(text) < 500000);
    free(text);
    json_decref(report);
    json_decref(source);
}

static void test_hostile_texts(void **state) {
    (void)state;
    json_t *source = read_source("session");
    char *longest = malloc(100001);
    memset(longest, 'x', 100000);
    memcpy(longest + REPORT_TEXT - 4, "\xe2\x82\xac", 3); // to be cut before it, not within
    longest[100000] = 0;
    json_object_set_new(source, "name", json_string(longest));
    json_object_set_new(source, "outcome", json_string("\033[31m\n\x7f<script>"));
    json_t *report = report_of(source, NULL);
    check_report(report);
    assert_string_equal(text_at(json_object_get(report, "verdict"), "word"), " [31m\n <script>");
    free(longest);
    json_decref(report);
    json_decref(source);
}

// ---- documents in which anything is something else

static json_t *wrong(size_t which) {
    switch (which) {
    case 0:
        return json_null();
    case 1:
        return json_string("no\033thing");
    case 2:
        return json_real(-1e300);
    case 3:
        return json_array();
    case 4:
        return json_object();
    default:
        return json_integer(INT64_MAX);
    }
}
enum { WRONG = 6 };

static void visit(json_t *root, json_t *at, size_t *tried) {
    const char *key;
    json_t *value;
    void *next;
    size_t i;
    if (json_is_object(at)) {
        const size_t step = json_object_size(at) / 6 + 1;
        i = 0;
        json_object_foreach_safe(at, next, key, value) {
            if (i++ % step)
                continue;
            json_t *kept = json_incref(value);
            char name[256];
            snprintf(name, sizeof name, "%s", key);
            json_object_set_new(at, name, wrong(++*tried % WRONG));
            json_t *report = report_of(root, NULL);
            if (report && !json_object_get(root, "report"))
                check_report(report);
            json_decref(report);
            json_object_set_new(at, name, kept);
        }
        json_object_foreach(at, key, value) {
            visit(root, value, tried);
        }
    }
    json_array_foreach(at, i, value) {
        if (i < 1) // the others are like it
            visit(root, value, tried);
    }
}

static void test_anything(void **state) {
    (void)state;
    size_t tried = 0;
    for (size_t i = 0; i < SOURCES; i++) {
        json_t *source = read_source(sources[i].file);
        visit(source, source, &tried);
        json_decref(source);
    }
    assert_true(tried > 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_report),
        cmocka_unit_test(test_anything),
        cmocka_unit_test(test_hostile_texts),
        cmocka_unit_test(test_a_large_session_is_a_small_report),
        cmocka_unit_test(test_carets_count_characters),
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_session),
        cmocka_unit_test(test_with_history),
        cmocka_unit_test(test_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
