// SPDX-License-Identifier: MIT
// Operators where they refuse, and integers against the machine's own wide ones. What they give: test_library.
#include "stages/render/ops.h"

#include <math.h>
#include <stdio.h>

#include "stages/render/bigint.h"
#include "stages/render/print.h"
#include "stages/render/sequence.h"
#include "tests/support/library_call.h"

static struct value text(const char *s) {
    return value_string(str_of(s));
}

static void undefined_is_used(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_STRICT, 0);
    struct value u = value_undefined(UNDEFINED_NAME, STR("x")), out;
    struct value silent = value_undefined(UNDEFINED_SILENT, STR("x"));
    const struct value *items;
    uint32_t n;
    int64_t length;
    bool found;
    FAILS(&call, call_defined(&call, u), "'x' is undefined");
    FAILS(&call, op_add(&call, u, value_int(1), &out), "'x' is undefined");
    FAILS(&call, op_items(&call, u, &items, &n), "'x' is undefined");
    FAILS(&call, op_length(&call, u, &length), "'x' is undefined");
    FAILS(&call, op_contains(&call, text("abc"), u, &found), "'x' is undefined");
    FAILS(&call, op_contains(&call, u, text("abc"), &found), "'x' is undefined");
    assert_true(call_defined(&call, silent));
    assert_true(op_items(&call, silent, &items, &n));
    assert_int_equal(n, 0);
    struct value lacking = value_undefined(UNDEFINED_ATTRIBUTE, STR("y"));
    FAILS(&call, call_defined(&call, lacking), "'dict object' has no attribute 'y'");
    FAILS(&call, op_undefined(&call, op_nothing("it was empty")), "it was empty");
    library_call_end(&call);
}

static void memory_runs_out(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 1 << 20);
    struct value out, range, list;
    const struct value *items;
    uint32_t n;
    FAILS(&call, op_mul(&call, text("abc"), value_int(1 << 20), &out), "memory");
    FAILS(&call, op_mul(&call, text("abc"), value_int(INT64_MAX), &out), "memory");
    assert_true(op_new_list(&call, &(struct value){.tag = VALUE_INT}, 1, &list));
    FAILS(&call, op_mul(&call, list, value_int(INT64_MAX), &out), "memory");
    FAILS(&call, op_mul(&call, list, value_int(1 << 20), &out), "memory");
    assert_true(sequence_new_range(&call, 0, INT64_MAX, 1, &range));
    FAILS(&call, op_items(&call, range, &items, &n), "memory");
    FAILS(&call, op_pow(&call, value_int(10), value_int(5000), &out), "digits");
    FAILS(&call, sequence_new_range(&call, INT64_MIN, INT64_MAX, 1, &out), "too many");
    FAILS(&call, sequence_new_range(&call, 0, 1, 0, &out), "zero");
    library_call_end(&call);
}

static void deep_nesting_ends(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 0);
    struct value self, other;
    int order;
    struct list *list = list_new_mutable(call.arena), *twin = list_new_mutable(call.arena);
    self = value_list(list);
    other = value_list(twin);
    assert_true(list_append(list, self));
    assert_true(list_append(twin, other));
    assert_false(op_equal(self, other));
    FAILS(&call, op_compare(&call, self, other, &order), "nested");
    struct buf b = BUF_INIT;
    FAILS(&call, print_str(&call, self, &b), "nested");
    FAILS(&call, print_pretty(&call, self, &b), "nested");
    struct json_style style = {.item_separator = STR(","), .key_separator = STR(":")};
    FAILS(&call, print_json(&call, self, &style, &b), "nested");
    buf_release(&b);
    library_call_end(&call);
}

static void not_a_number_has_no_order(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 0);
    struct value nan_value = value_float((double)NAN);
    int order = 0;
    assert_true(op_compare(&call, nan_value, value_int(1), &order));
    assert_int_equal(order, OP_UNORDERED);
    assert_true(op_compare(&call, value_int(1), nan_value, &order));
    assert_int_equal(order, OP_UNORDERED);
    assert_false(op_equal(nan_value, nan_value));
    assert_true(op_compare(&call, value_int(INT64_MAX), value_float(9223372036854775807.0), &order));
    assert_int_equal(order, -1); // the double is 2^63
    library_call_end(&call);
}

// ---- integers

static uint64_t random_state = 0x2545f4914f6cdd1d;
static uint64_t random_next(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

__extension__ typedef __int128 wide;

static struct str wide_text(wide v, char out[48]) {
    char *p = out + 48;
    bool negative = v < 0;
    for (wide rest = v; rest != 0 || p == out + 48; rest /= 10)
        *--p = (char)('0' + (int)(negative ? -(rest % 10) : rest % 10));
    if (negative)
        *--p = '-';
    return (struct str){p, (size_t)(out + 48 - p)};
}

static struct value wide_value(struct call *call, wide v) {
    char digits[48];
    struct value out;
    struct str s = wide_text(v < 0 ? -v : v, digits);
    assert_true(bigint_parse(call, s, v < 0, &out));
    return out;
}

static void same(struct call *call, struct value got, wide expected) {
    char digits[48];
    struct str s, want = wide_text(expected, digits);
    assert_true(print_to_str(call, got, &s));
    if (!str_equal(s, want))
        fail_msg("%.*s, not %.*s", STR_ARG(s), STR_ARG(want));
    assert_int_equal(got.tag, expected >= INT64_MIN && expected <= INT64_MAX ? VALUE_INT : VALUE_BIG);
}

// Up to 60 bits times up to 60 bits, so that nothing overflows 128.
static wide random_wide(void) {
    wide v = (wide)(random_next() >> (4 + random_next() % 60));
    if (random_next() % 2)
        v = v * (wide)(random_next() >> (4 + random_next() % 60));
    return random_next() % 2 ? -v : v;
}

static void integers_against_wide_ones(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 0);
    for (int i = 0; i < 20000; i++) {
        wide a = random_wide(), b = random_wide();
        struct value x = wide_value(&call, a), y = wide_value(&call, b), out;
        int order;
        assert_true(op_add(&call, x, y, &out));
        same(&call, out, a + b);
        assert_true(op_sub(&call, x, y, &out));
        same(&call, out, a - b);
        assert_true(op_neg(&call, x, &out));
        same(&call, out, -a);
        assert_true(op_compare(&call, x, y, &order));
        assert_int_equal(order, (a > b) - (a < b));
        assert_int_equal(op_equal(x, y), a == b);
        if (b != 0) {
            wide rest = a % b, quotient = a / b;
            bool adjust = rest != 0 && (rest < 0) != (b < 0);
            assert_true(op_floordiv(&call, x, y, &out));
            same(&call, out, quotient - adjust);
            assert_true(op_mod(&call, x, y, &out));
            same(&call, out, adjust ? rest + b : rest);
        }
        arena_clear(call.arena);
    }
    library_call_end(&call);
}

static void large_products_divide_again(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 0);
    for (int i = 0; i < 300; i++) {
        struct value a = value_int(1), b = value_int(1), product, quotient, rest;
        for (uint64_t k = random_next() % 20 + 1; k; k--)
            assert_true(op_mul(&call, a, wide_value(&call, random_wide() * 2 + 1), &a));
        for (uint64_t k = random_next() % 20 + 1; k; k--)
            assert_true(op_mul(&call, b, wide_value(&call, random_wide() * 2 + 1), &b));
        assert_true(op_mul(&call, a, b, &product));
        assert_true(op_floordiv(&call, product, b, &quotient));
        assert_true(op_mod(&call, product, b, &rest));
        assert_true(op_equal(quotient, a));
        assert_false(op_truth(rest));
        arena_clear(call.arena);
    }
    library_call_end(&call);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undefined_is_used),          cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(deep_nesting_ends),          cmocka_unit_test(not_a_number_has_no_order),
        cmocka_unit_test(integers_against_wide_ones), cmocka_unit_test(large_products_divide_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
