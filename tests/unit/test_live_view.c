// SPDX-License-Identifier: MIT
// The live view at every width and height: never wider, never higher, and nothing that is not known.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <string.h>
#include <uniwidth.h>

#include "base/utf8.h"
#include "cli/live_view.h"

static size_t widest(const char *text) {
    size_t most = 0, columns = 0, size;
    for (; *text; text += size) {
        const uint32_t point = utf8_decode(text, &size);
        const int width = uc_width(point, "UTF-8");
        assert_true(width >= 0 || point == '\n');
        columns = point == '\n' ? 0 : columns + (size_t)width;
        most = columns > most ? columns : most;
    }
    return most;
}

static size_t lines_of(const char *text) {
    size_t lines = 1;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void fill(struct snapshot *s) {
    struct histogram h = {0};
    snapshot_init(s);
    for (int i = 0; i < METRICS; i++)
        snapshot_set(s, (enum metric)i, 1234567);
    snapshot_set(s, METRIC_LIVE_PROGRESS, 0.619);
    snapshot_set(s, METRIC_CACHE_RENDER_HIT_RATE, 0.5);
    snapshot_set(s, METRIC_CACHE_THROUGH_HIT_RATE, 0.25);
    snapshot_set(s, METRIC_CACHE_SOURCE_HIT_RATE, 1);
    snapshot_set(s, METRIC_LIVE_ETA, 90.2);
    s->seconds = 12.34;
    s->name = STR("nightly");
    histogram_add(&h, 12000);
    snapshot_set_distribution(s, STR("template.card.j2"), &h);
    histogram_release(&h);
}

static void test_whole(void **state) {
    (void)state;
    const struct live_view view = {.columns = 79, .rows = 24};
    struct snapshot s;
    struct buf text = BUF_INIT;
    fill(&s);
    assert_int_equal(live_view_write(&view, &s, &text), 6);
    assert_string_equal(buf_text(&text),
                        "nightly  ████████████████████████░░░░░░░░░░░░░░░░   61 %  ETA 91 s   12.3 s\n"
                        "records 1,234,567   1,234,567/s   1,234,567 failed\n"
                        "outputs 1,234,567   1,234,567/s   1.2 MB/s   1,234,567 up to date\n"
                        "workers 1234567.0 of 1234567 busy   queue 1234567   CPU 1234567.0   1.2 MB\n"
                        "cache   outputs 50.0 %   filters 25.0 %   queries 100.0 %\n"
                        "slowest card.j2   p50 12.0 us   p99 12.0 us");
    buf_release(&text);
    snapshot_release(&s);
}

static void test_nothing_known(void **state) {
    (void)state;
    const struct live_view view = {.columns = 79, .rows = 24};
    struct snapshot s;
    struct buf text = BUF_INIT;
    snapshot_init(&s);
    s.name = STR("new");
    s.seconds = 0.25;
    assert_int_equal(live_view_write(&view, &s, &text), 1);
    assert_string_equal(buf_text(&text), "new   250 ms");
    buf_clear(&text);
    live_view_write_line(&s, &text);
    assert_string_equal(buf_text(&text), "0 records, 0 written, 0 records/s");
    buf_release(&text);
    snapshot_release(&s);
}

// Names are whatever somebody called a file: wide characters, marks, escapes, bytes that are no text.
static void test_every_size(void **state) {
    (void)state;
    static const char *const names[] = {
        "nightly",
        "",
        "日本語の長い名前のパイプラインです日本語の長い名前",
        "e\xcc\x81\xcc\x81\xcc\x81t\xc3\xa9",
        "\x1b[2J\x1b[31mred\x07\xff\xfe",
        "a name that is much longer than any terminal would be, and then some more"};
    struct snapshot s;
    struct histogram h = {0};
    struct buf text = BUF_INIT, template = BUF_INIT;
    histogram_add(&h, 12000000);
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        fill(&s);
        s.name = str_of(names[n]);
        buf_clear(&template);
        buf_printf(&template, "template.%s", names[n]);
        snapshot_set_distribution(&s, buf_str(&template), &h);
        for (size_t columns = 0; columns < 120; columns++)
            for (size_t rows = 1; rows < 8; rows++) {
                const struct live_view view = {.columns = columns, .rows = rows};
                buf_clear(&text);
                const size_t lines = live_view_write(&view, &s, &text);
                assert_int_equal(lines, lines_of(buf_text(&text)));
                assert_true(lines <= rows && widest(buf_text(&text)) <= columns);
            }
        snapshot_release(&s);
    }
    histogram_release(&h);
    buf_release(&template);
    buf_release(&text);
}

// Colour takes no columns.
static void test_colour(void **state) {
    (void)state;
    struct snapshot s;
    struct buf plain = BUF_INIT, coloured = BUF_INIT;
    fill(&s);
    for (size_t columns = 10; columns < 100; columns++) {
        buf_clear(&plain);
        buf_clear(&coloured);
        live_view_write(&(struct live_view){.columns = columns, .rows = 24}, &s, &plain);
        live_view_write(&(struct live_view){.columns = columns, .rows = 24, .colour = true}, &s, &coloured);
        char *to = coloured.p;
        for (const char *from = buf_text(&coloured); *from; from++) {
            if (*from == '\033')
                from = strchr(from, 'm');
            else
                *to++ = *from;
        }
        *to = 0;
        assert_string_equal(coloured.p, buf_text(&plain));
    }
    assert_null(strchr(buf_text(&plain), '\033'));
    assert_true(coloured.n > plain.n);
    buf_release(&plain);
    buf_release(&coloured);
    snapshot_release(&s);
}

static void test_line(void **state) {
    (void)state;
    struct snapshot s;
    struct buf text = BUF_INIT;
    snapshot_init(&s);
    s.seconds = 5;
    snapshot_set(&s, METRIC_LOAD_RECORDS, 51000);
    snapshot_set(&s, METRIC_EMIT_WRITTEN, 40000);
    snapshot_set(&s, METRIC_EMIT_UNCHANGED, 1000);
    snapshot_set(&s, METRIC_RUN_RECORDS_PER_SECOND, 10200);
    snapshot_set(&s, METRIC_RUN_FAILED, 3);
    snapshot_set(&s, METRIC_LIVE_ETA, 7.4);
    live_view_write_line(&s, &text);
    assert_string_equal(buf_text(&text),
                        "51,000 records, 41,000 written, 3 failed, 10,200 records/s, ETA 7 s");
    buf_release(&text);
    snapshot_release(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),      cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_every_size), cmocka_unit_test(test_colour),
        cmocka_unit_test(test_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
