// SPDX-License-Identifier: MIT
// Printing where it depends on the machine (undefined), escapes, or must stop. Forms of values: test_library.
#include "stages/render/print.h"

#include "base/number.h"
#include "stages/render/ops.h"
#include "tests/support/library_call.h"

static struct str shown(struct call *call, struct value v, bool escaped) {
    struct buf b = BUF_INIT;
    struct str s;
    assert_true(escaped ? print_str_escaped(call, v, &b) : print_str(call, v, &b));
    assert_true(print_take(call, &b, &s));
    return s;
}

static void undefined_by_mode(void **state) {
    (void)state;
    struct value u = value_undefined(UNDEFINED_NAME, STR("a.b")),
                 silent = value_undefined(UNDEFINED_SILENT, STR(""));
    struct buf b = BUF_INIT;
    struct call call = library_call_begin(UNDEFINED_STRICT, 0);
    FAILS(&call, print_str(&call, u, &b), "'a.b' is undefined");
    FAILS(&call, print_str_escaped(&call, u, &b), "'a.b' is undefined");
    assert_true(print_str(&call, silent, &b));
    assert_true(print_repr(&call, u, &b)); // as an element it may be shown
    assert_true(str_is(buf_str(&b), "Undefined"));
    library_call_end(&call);
    buf_release(&b);
    call = library_call_begin(UNDEFINED_DEFAULT, 0);
    assert_int_equal(shown(&call, u, false).n, 0);
    library_call_end(&call);
    call = library_call_begin(UNDEFINED_KEEP, 0);
    assert_true(str_is(shown(&call, u, false), "{{ a.b }}"));
    assert_true(str_is(shown(&call, silent, false), ""));
    library_call_end(&call);
}

static void too_much_ends(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 1 << 20);
    char *big = arena_alloc(call.arena, 100000);
    struct buf b = BUF_INIT;
    memset(big, 'x', 100000);
    struct list *list = list_new(call.arena, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        list->items[i] = value_string((struct str){big, 100000});
    FAILS(&call, print_str(&call, value_list(list), &b), "memory");
    FAILS(&call, print_pretty(&call, value_list(list), &b), "memory");
    buf_release(&b);
    library_call_end(&call);
}

static void escaped_unless_safe(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 0);
    struct value one = value_string(STR("<a>")), list;
    assert_true(str_is(shown(&call, one, true), "&lt;a&gt;"));
    assert_true(str_is(shown(&call, value_safe(STR("<a>")), true), "<a>"));
    assert_true(op_new_list(&call, &one, 1, &list));
    assert_true(str_is(shown(&call, list, true), "[&#39;&lt;a&gt;&#39;]"));
    assert_true(str_is(shown(&call, value_int(INT64_MIN), true), "-9223372036854775808"));
    assert_true(str_is(shown(&call, value_bool(false), true), "False"));
    assert_true(str_is(shown(&call, value_none(), true), "None"));
    library_call_end(&call);
}

static void quotes(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"", "''"},
        {"it's", "\"it's\""},
        {"'\"", "'\\'\"'"},
        {"\\\n\r\t\x01\x7f", "'\\\\\\n\\r\\t\\x01\\x7f'"},
        {"\xc2\xa0\xc3\xa9", "'\\xa0\xc3\xa9'"},
        {"\xe2\x80\x8b", "'\\u200b'"},
        {"\xf3\xa0\x80\x81", "'\\U000e0001'"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct buf b = BUF_INIT;
        print_quoted(str_of(pairs[i][0]), &b);
        assert_true(str_is(buf_str(&b), pairs[i][1]));
        buf_release(&b);
    }
}

static void text_is_not_copied(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 0);
    struct str s, literal = STR("abc");
    assert_true(print_to_str(&call, value_string(literal), &s));
    assert_ptr_equal(s.p, literal.p);
    assert_int_equal(arena_used(call.arena), 0);
    library_call_end(&call);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undefined_by_mode),   cmocka_unit_test(too_much_ends),
        cmocka_unit_test(escaped_unless_safe), cmocka_unit_test(quotes),
        cmocka_unit_test(text_is_not_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
