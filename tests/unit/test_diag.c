// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/diag.h"

static struct arena arena;

static int setup(void **state) {
    (void)state;
    arena_init(&arena, 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_release(&arena);
    return 0;
}

static void expect_written(const struct diag *d, bool colour, const char *want) {
    struct buf out = BUF_INIT;
    diag_write(d, colour, &out);
    assert_string_equal(buf_text(&out), want);
    buf_release(&out);
}

static struct source_text source(const char *text) {
    return (struct source_text){STR("f.yaml"), str_of(text)};
}

static struct span span(uint32_t at, uint32_t n) {
    return (struct span){at, n};
}

static void test_no_memory(void **state) {
    (void)state;
    struct arena tiny;
    arena_init(&tiny, 1);
    struct source_text s = source("a: b\n");
    const struct diag *d = diag_make(&tiny, &s, span(0, 1), "x");
    assert_non_null(d);
    expect_written(d, false, "error: out of memory while reporting an error\n");
    struct diags list;
    diags_init(&list, &tiny);
    diag_hint(&list, diags_error(&list, &s, span(0, 1), "x"), "a hint to nothing");
    diags_error(&list, &s, span(0, 1), "y");
    assert_int_equal(list.errors, 2);
    assert_non_null(list.first);
    assert_ptr_equal(list.first, list.last);
    assert_null(list.first->next);
    arena_release(&tiny);
}

static void test_hostile_text(void **state) {
    (void)state;
    struct source_text s = source("a\033[2Jb\xFF\xC2\x9B\x7F \xED\xA0\x80 \xC3\xA9\n");
    const struct diag *d = diag_make(&arena, &s, span(1, 1), "key \"%s\"", "\033[2J\n\xFF\xC2\x9B\xC3\xA9");
    expect_written(d, false,
                   "f.yaml:1:2: error: key \"\\x1b[2J\\n\\xff\\xc2\\x9b\xC3\xA9\"\n"
                   "    1 | a?[2Jb???? ??? \xC3\xA9\n"
                   "      |  ^\n");
    s.name = STR("evil\n\033name");
    expect_written(diag_make(&arena, &s, span(0, 1), "x"), false,
                   "evil\\n\\x1bname:1:1: error: x\n"
                   "    1 | a?[2Jb???? ??? \xC3\xA9\n"
                   "      | ^\n");
}

static void test_long_message_is_cut(void **state) {
    (void)state;
    static char text[10001];
    memset(text, 'x', 10000);
    const struct diag *d = diag_make(&arena, NULL, span(0, 0), "%s", text);
    assert_in_range(d->message.n, 3000, 4000);
    assert_memory_equal(d->message.p + d->message.n - 4, "x...", 4);
}

static void test_places(void **state) {
    (void)state;
    struct row {
        const char *text;
        uint32_t at, n;
        const char *want;
    };
    static const struct row rows[] = {
        {"", 0, 0, "f.yaml:1:1: error: m\n    1 | \n      | ^\n"},
        {"abc", 99, 5, "f.yaml:1:4: error: m\n    1 | abc\n      |    ^\n"},     // beyond the end
        {"abc\n", 4, 0, "f.yaml:2:1: error: m\n    2 | \n      | ^\n"},          // after the last line
        {"abc\n", 3, 1, "f.yaml:1:4: error: m\n    1 | abc\n      |    ^\n"},    // the line's end
        {"abc\r\nd", 4, 1, "f.yaml:1:5: error: m\n    1 | abc\n      |    ^\n"}, // LF of CRLF
        {"ab\ncd ef\n", 3, 2, "f.yaml:2:1: error: m\n    2 | cd ef\n      | ^~\n"},
        {"ab\ncd\nef\n", 4, 4, "f.yaml:2:2: error: m\n    2 | cd\n      |  ^\n"}, // several lines: the first
        {"\ta\tb", 3, 1, "f.yaml:1:4: error: m\n    1 | \ta\tb\n      | \t \t^\n"},
        {"\xC3\xA9\xE2\x82\xAC x", 6, 1,
         "f.yaml:1:4: error: m\n    1 | \xC3\xA9\xE2\x82\xAC x\n      |    ^\n"},
        {"a \xC3\xA9\xE2\x82\xAC", 2, 5,
         "f.yaml:1:3: error: m\n    1 | a \xC3\xA9\xE2\x82\xAC\n      |   ^~\n"},
        {"\xEF\xBB\xBFkey: 1", 3, 3, "f.yaml:1:1: error: m\n    1 | key: 1\n      | ^~~\n"},
        {"\xEF\xBB\xBFkey: 1", 0, 0, "f.yaml:1:1: error: m\n    1 | key: 1\n      | ^\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct source_text s = source(rows[i].text);
        expect_written(diag_make(&arena, &s, span(rows[i].at, rows[i].n), "m"), false, rows[i].want);
    }
}

static void test_no_place(void **state) {
    (void)state;
    expect_written(diag_make(&arena, NULL, span(0, 0), "m %d", 1), false, "error: m 1\n");
    struct source_text s = {STR("gone.yaml"), {NULL, 0}};
    expect_written(diag_make(&arena, &s, span(0, 0), "no such file"), false,
                   "gone.yaml: error: no such file\n");
}

static void test_line_numbers_wider_than_the_margin(void **state) {
    (void)state;
    static char text[1234570];
    memset(text, '\n', 1234566);
    memcpy(text + 1234566, "abc", 4);
    struct source_text s = source(text);
    expect_written(diag_make(&arena, &s, span(1234567, 1), "m"), false,
                   "f.yaml:1234567:2: error: m\n1234567 | abc\n        |  ^\n");
}

static void test_long_lines(void **state) {
    (void)state;
    static char text[1001];
    memset(text, '.', 1000);
    text[500] = 'X';
    text[501] = 'Y';
    struct source_text s = source(text);
    const struct diag *d = diag_make(&arena, &s, span(500, 2), "m");
    assert_int_equal(d->column, 501);
    assert_int_equal(d->line_text.n, 106);
    assert_memory_equal(d->line_text.p + d->caret, "XY", 2);
    assert_int_equal(d->caret_n, 2);
    assert_int_equal(d->caret, 63);
    d = diag_make(&arena, &s, span(0, 5), "m"); // nothing cut before
    assert_int_equal(d->caret, 0);
    assert_int_equal(d->line_text.n, 103);
    d = diag_make(&arena, &s, span(1000, 0), "m"); // at the end: nothing cut after
    assert_int_equal(d->line_text.n, 63);
    assert_int_equal(d->caret, 63);
    d = diag_make(&arena, &s, span(500, 400), "m"); // the underline ends with what is shown
    assert_int_equal(d->caret + d->caret_n, d->line_text.n);
}

static void test_long_lines_cut_between_code_points(void **state) {
    (void)state;
    static char text[3001];
    for (size_t i = 0; i < 3000; i += 3)
        memcpy(text + i, "\xE2\x82\xAC", 3);
    struct source_text s = source(text);
    const struct diag *d = diag_make(&arena, &s, span(1500, 3), "m");
    assert_int_equal(d->column, 501);
    assert_int_equal(d->line_text.n, 306);
    assert_null(memchr(d->line_text.p, '?', d->line_text.n));
    memset(text, '\x80', 3000); // nothing but continuation bytes
    d = diag_make(&arena, &s, span(1500, 3), "m");
    assert_in_range(d->caret, 0, d->line_text.n);
    assert_in_range(d->line_text.n, 100, 406);
}

static void test_hints_and_colour(void **state) {
    (void)state;
    struct diags list;
    diags_init(&list, &arena);
    struct source_text s = source("templte: card.j2\n");
    struct diag *d = diags_error(&list, &s, span(0, 7), "unknown key \"%s\"", "templte");
    diag_hint(&list, d, "did you mean \"%s\"?", "template");
    diag_hint(&list, d, "or\nnot");
    expect_written(d, false,
                   "f.yaml:1:1: error: unknown key \"templte\"\n"
                   "    1 | templte: card.j2\n"
                   "      | ^~~~~~~\n"
                   "  hint: did you mean \"template\"?\n"
                   "  hint: or\\nnot\n");
    d = diags_warning(&list, &s, span(9, 4), "careful");
    expect_written(d, true,
                   "\033[1mf.yaml:1:10:\033[0m \033[1;35mwarning:\033[0m careful\n"
                   "    1 | templte: card.j2\n"
                   "      |          \033[1;32m^~~~\033[0m\n");
    d = diags_error(&list, NULL, span(0, 0), "bad");
    expect_written(d, true, "\033[1;31merror:\033[0m bad\n");
    assert_int_equal(list.errors, 2);
    assert_int_equal(list.warnings, 1);
}

static void test_outlives_the_text(void **state) {
    (void)state;
    char text[] = "abc", name[] = "n";
    struct source_text s = {{name, 1}, {text, 3}};
    const struct diag *d = diag_make(&arena, &s, span(1, 1), "m");
    memset(text, 'z', 3);
    name[0] = 'z';
    expect_written(d, false, "n:1:2: error: m\n    1 | abc\n      |  ^\n");
}

static void test_sort(void **state) {
    (void)state;
    struct diags list;
    diags_init(&list, &arena);
    diags_sort(&list);
    assert_null(list.first);
    struct source_text a = {STR("a"), STR("xxxxxxxxxx\nyyyyyyyyyy")}, b = {STR("b"), STR("xxxxxxxxxxxxxxx")};
    for (int i = 0; i < 500; i++) { // a fixed shuffle; the message tells the order of arrival
        uint32_t at = (uint32_t)(i * 7919 % 19);
        diags_error(&list, i % 3 ? &a : &b, span(at, 1), "%d", i);
    }
    diags_warning(&list, NULL, span(0, 0), "%d", 500);
    diags_sort(&list);
    size_t n = 1;
    assert_int_equal(list.first->file.n, 0);
    for (const struct diag *d = list.first; d->next; d = d->next, n++) {
        int c = str_compare(d->file, d->next->file);
        assert_true(c <= 0);
        if (c)
            continue;
        assert_true(d->line <= d->next->line);
        if (d->line != d->next->line)
            continue;
        assert_true(d->column <= d->next->column);
        if (d->column == d->next->column)
            assert_true(d->message.n < d->next->message.n || str_compare(d->message, d->next->message) < 0);
    }
    assert_int_equal(n, 501);
    assert_null(list.last->next);
}

static void test_sort_drops_repetitions(void **state) {
    (void)state;
    struct diags list;
    diags_init(&list, &arena);
    struct source_text s = source("a\nbb\n");
    for (int i = 0; i < 3; i++) { // what several users of one text say of it
        diags_error(&list, &s, span(3, 1), "second");
        diags_error(&list, &s, span(0, 1), "one");
        diags_error(&list, &s, span(0, 1), "two");
        diags_warning(&list, &s, span(0, 1), "one");
        diags_error(&list, NULL, span(0, 0), "nowhere");
    }
    diag_hint(&list, diags_error(&list, &s, span(0, 1), "two"), "with a hint");
    diags_error(&list, &s, span(2, 1), "second");
    diags_sort(&list);
    static const char *const want[] = {"nowhere", "one", "two", "one", "two", "second", "second"};
    const struct diag *d = list.first;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++, d = d->next) {
        assert_non_null(d);
        assert_true(str_is(d->message, want[i]));
        assert_int_equal(d == list.last, !d->next);
    }
    assert_null(d);
    assert_int_equal(list.errors, 6);
    assert_int_equal(list.warnings, 1);
    for (int i = 0; i < 1000; i++)
        diags_warning(&list, NULL, span(0, 0), "%d", i % 500);
    diags_sort(&list); // more than are compared: some stay, all are counted
    size_t n = 0;
    for (d = list.first; d; d = d->next)
        n++;
    assert_int_equal(n, list.errors + list.warnings);
    assert_in_range(list.warnings, 501, 1001);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_message_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_places, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_numbers_wider_than_the_margin, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_lines_cut_between_code_points, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hints_and_colour, setup, teardown),
        cmocka_unit_test_setup_teardown(test_outlives_the_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sort, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sort_drops_repetitions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
