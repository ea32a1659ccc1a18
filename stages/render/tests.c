// SPDX-License-Identifier: MIT
#include "stages/render/tests.h"

#include <math.h>

#include "stages/render/arguments.h"
#include "stages/render/letters.h"
#include "stages/render/machine.h"
#include "stages/render/sequence.h"

static uint8_t tag_of(const struct call *call) {
    return call->args[0].tag;
}

// ---- kinds of values

static bool test_boolean(struct call *call) {
    return return_bool(call, tag_of(call) == VALUE_BOOL);
}
static bool test_callable(struct call *call) {
    struct value v = call->args[0];
    bool object = v.tag == VALUE_OBJECT && v.object->type->invoke;
    return return_bool(call, object || v.tag == VALUE_UNDEFINED);
}
static bool test_defined(struct call *call) {
    return return_bool(call, tag_of(call) != VALUE_UNDEFINED);
}
static bool test_escaped(struct call *call) {
    return return_bool(call, is_safe(call->args[0]));
}
static bool test_false(struct call *call) {
    return return_bool(call, tag_of(call) == VALUE_BOOL && !call->args[0].i);
}
static bool test_float(struct call *call) {
    return return_bool(call, tag_of(call) == VALUE_FLOAT);
}
static bool test_integer(struct call *call) {
    return return_bool(call, tag_of(call) == VALUE_INT || tag_of(call) == VALUE_BIG);
}
static bool test_iterable(struct call *call) {
    struct value v = call->args[0];
    bool iterates = v.tag == VALUE_STRING || v.tag == VALUE_LIST || v.tag == VALUE_MAP ||
                    v.tag == VALUE_ITER || v.tag == VALUE_UNDEFINED ||
                    (v.tag == VALUE_OBJECT && sequence_is(v));
    return call_defined(call, v) && return_bool(call, iterates);
}
static bool test_mapping(struct call *call) {
    return return_bool(call, tag_of(call) == VALUE_MAP);
}
static bool test_none(struct call *call) {
    return return_bool(call, tag_of(call) == VALUE_NONE);
}
static bool test_number(struct call *call) {
    uint8_t tag = tag_of(call);
    return return_bool(call, tag == VALUE_INT || tag == VALUE_FLOAT || tag == VALUE_BOOL || tag == VALUE_BIG);
}
static bool test_sequence(struct call *call) {
    struct value v = call->args[0];
    bool sequence =
        v.tag == VALUE_STRING || v.tag == VALUE_LIST || v.tag == VALUE_MAP || sequence_is_range(v);
    if (v.tag == VALUE_UNDEFINED)
        sequence = vm_undefined(call->vm) != UNDEFINED_STRICT;
    return return_bool(call, sequence);
}
static bool test_string(struct call *call) {
    return return_bool(call, tag_of(call) == VALUE_STRING);
}
static bool test_true(struct call *call) {
    return return_bool(call, tag_of(call) == VALUE_BOOL && call->args[0].i);
}
static bool test_undefined(struct call *call) {
    return return_bool(call, tag_of(call) == VALUE_UNDEFINED);
}

// ---- texts and names

static bool test_lower(struct call *call) {
    struct str s;
    return print_to_str(call, call->args[0], &s) && return_bool(call, letters_is_lower(s));
}
static bool test_upper(struct call *call) {
    struct str s;
    return print_to_str(call, call->args[0], &s) && return_bool(call, letters_is_upper(s));
}

static bool in_table(struct call *call, const struct library_function *table, uint32_t n) {
    struct value v = call->args[0];
    return call_defined(call, v) && op_hashable(call, v) &&
           return_bool(call, v.tag == VALUE_STRING && library_find(table, n, value_str(v)) >= 0);
}
static bool test_filter(struct call *call) {
    const struct library *library = vm_library(call->vm);
    return in_table(call, library->filters, library->filters_n);
}
static bool test_test(struct call *call) {
    const struct library *library = vm_library(call->vm);
    return in_table(call, library->tests, library->tests_n);
}

// ---- numbers

static bool remainder_is(struct call *call, struct value divisor, int64_t wanted) {
    struct value rest;
    return op_mod(call, call->args[0], divisor, &rest) &&
           return_bool(call, op_equal(rest, value_int(wanted)));
}
static bool test_divisibleby(struct call *call) {
    return remainder_is(call, call->args[1], 0);
}
static bool test_even(struct call *call) {
    return remainder_is(call, value_int(2), 0);
}
static bool test_odd(struct call *call) {
    return remainder_is(call, value_int(2), 1);
}

// ---- comparisons

static bool both_defined(struct call *call) {
    return call_defined(call, call->args[0]) && call_defined(call, call->args[1]);
}
static bool test_eq(struct call *call) {
    bool same;
    return both_defined(call) && op_equals(call, call->args[0], call->args[1], &same) &&
           return_bool(call, same);
}
static bool test_ne(struct call *call) {
    bool same;
    return both_defined(call) && op_equals(call, call->args[0], call->args[1], &same) &&
           return_bool(call, !same);
}

static bool order_of(struct call *call, const char *symbol, int *order) {
    return op_compare_as(call, call->args[0], call->args[1], symbol, order);
}
static bool test_ge(struct call *call) {
    int order;
    return order_of(call, ">=", &order) && return_bool(call, order == 0 || order == 1);
}
static bool test_gt(struct call *call) {
    int order;
    return order_of(call, ">", &order) && return_bool(call, order == 1);
}
static bool test_le(struct call *call) {
    int order;
    return order_of(call, "<=", &order) && return_bool(call, order == 0 || order == -1);
}
static bool test_lt(struct call *call) {
    int order;
    return order_of(call, "<", &order) && return_bool(call, order == -1);
}

static bool test_in(struct call *call) {
    bool found;
    return op_contains(call, call->args[1], call->args[0], &found) && return_bool(call, found);
}

// The same object; values without an identity are the same where they are equal and of one type.
static bool test_sameas(struct call *call) {
    struct value a = call->args[0], b = call->args[1];
    bool same = a.tag == b.tag;
    if (same && (a.tag == VALUE_LIST || a.tag == VALUE_MAP || a.tag == VALUE_ITER || a.tag == VALUE_OBJECT))
        same = a.list == b.list;
    else if (same)
        same = a.tag != VALUE_UNDEFINED && op_equal(a, b);
    return return_bool(call, same);
}

const struct library_function tests_rows[TESTS_COUNT] = {
#define TEST(name, params, call, doc) {name, params, call, doc},
#include "stages/render/tests.def"
};

const struct library_reading tests_reads[] = {
    {test_boolean, READS_TYPE},  {test_callable, READS_TYPE},  {test_defined, READS_TYPE},
    {test_false, READS_TYPE},    {test_float, READS_TYPE},     {test_integer, READS_TYPE},
    {test_iterable, READS_TYPE}, {test_mapping, READS_TYPE},   {test_none, READS_TYPE},
    {test_number, READS_TYPE},   {test_sequence, READS_TYPE},  {test_string, READS_TYPE},
    {test_true, READS_TYPE},     {test_undefined, READS_TYPE}, {NULL, READS_WHOLE},
};
