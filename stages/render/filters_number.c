// SPDX-License-Identifier: MIT
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/utf8.h"
#include "stages/render/arguments.h"
#include "stages/render/bigint.h"
#include "stages/render/filters.h"
#include "stages/render/letters.h"

// ---- reading numbers as Python's int() and float() do

static bool is_ascii_letter(uint32_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// The text without white space around it, digits of any script as ASCII, single underscores between digits
// dropped; `letters` may be digits too. False where it cannot be a number.
static bool plain_digits(struct call *call, struct str s, bool letters, struct str *out, bool *plain) {
    struct text t;
    s = letters_trim(s);
    *plain = false;
    text_init(&t, call->arena, s.n);
    size_t size;
    bool after_digit = false, joined = false;
    for (size_t at = 0; at < s.n; at += size) {
        uint32_t c = utf8_decode(s.p + at, &size);
        int value = letters_digit(c);
        bool digit = value >= 0 || (letters && is_ascii_letter(c));
        if ((c >= 0x80 && !digit) || (c == '_' ? !after_digit : joined && !digit))
            return true;
        joined = c == '_';
        after_digit = digit;
        if (!joined)
            text_add_char(&t, value >= 0 ? (char)('0' + value) : (char)c);
    }
    *plain = !joined && s.n != 0;
    return text_finish_str(&t, call, out);
}

static int digit_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

// Digits of any base, exactly.
static bool digits_value(struct call *call, struct str digits, int64_t base, bool negative,
                         struct value *out) {
    if (base == 10)
        return bigint_parse(call, digits, negative, out);
    struct value total = value_int(0), unit = value_int(base);
    for (size_t i = 0; i < digits.n; i++)
        if (!op_mul(call, total, unit, &total) ||
            !op_add(call, total, value_int(digit_value(digits.p[i])), &total))
            return false;
    *out = total;
    return !negative || op_neg(call, total, out);
}

static int64_t prefix_base(struct str s) {
    char c = s.n > 2 && s.p[0] == '0' ? (char)(s.p[1] | 0x20) : 0;
    return c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 0;
}

// *read: whether the text is an integer of that base.
static bool read_integer(struct call *call, struct str text, int64_t base, struct value *out, bool *read) {
    struct str s;
    if (!plain_digits(call, text, true, &s, read) || !*read)
        return *read == false;
    *read = false;
    bool negative = s.n && s.p[0] == '-';
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = str_from(s, 1);
    int64_t prefix = prefix_base(s);
    if (prefix && (base == prefix || base == 0)) {
        base = prefix;
        s = str_from(s, 2);
    } else if (base == 0) {
        base = 10;
        bool zeros = true;
        for (size_t i = 0; i < s.n; i++)
            zeros = zeros && s.p[i] == '0';
        if (s.n && s.p[0] == '0' && !zeros)
            return true;
    }
    for (size_t i = 0; i < s.n; i++)
        if (digit_value(s.p[i]) >= base)
            return true;
    *read = s.n != 0;
    return !*read || digits_value(call, s, base, negative, out);
}

static bool word_is(struct str s, const char *word) {
    struct str w = str_of(word);
    bool same = s.n == w.n;
    for (size_t i = 0; i < s.n && same; i++)
        same = (s.p[i] | 0x20) == w.p[i];
    return same;
}

static bool read_float(struct call *call, struct str text, double *out, bool *read) {
    struct str s;
    if (!plain_digits(call, text, false, &s, read) || !*read)
        return *read == false;
    bool negative = s.p[0] == '-';
    struct str body = str_from(s, negative || s.p[0] == '+');
    if (word_is(body, "inf") || word_is(body, "infinity") || word_is(body, "nan")) {
        *out = word_is(body, "nan") ? (double)NAN : (double)INFINITY;
    } else { // ".5" and "5." too
        struct text t;
        text_init(&t, call->arena, body.n + 2);
        for (size_t i = 0; i < body.n; i++) {
            bool digit_before = i && body.p[i - 1] >= '0' && body.p[i - 1] <= '9';
            bool digit_after = i + 1 < body.n && body.p[i + 1] >= '0' && body.p[i + 1] <= '9';
            bool point = body.p[i] == '.';
            if (point && !digit_before && digit_after)
                text_add_char(&t, '0');
            text_add_char(&t, body.p[i]);
            if (point && digit_before && !digit_after)
                text_add_char(&t, '0');
        }
        if (!text_finish_str(&t, call, &body))
            return false;
        *read = body.n && body.p[0] >= '0' && body.p[0] <= '9' && number_parse_double(body, out);
    }
    if (*read && negative)
        *out = -*out;
    return true;
}

// float(value): *read tells whether it is a number, or a text of one.
static bool value_as_float(struct call *call, struct value v, double *out, bool *read) {
    if (v.tag == VALUE_UNDEFINED)
        return op_undefined(call, v);
    if (v.tag == VALUE_STRING)
        return read_float(call, value_str(v), out, read);
    *read = op_double(v, out);
    if (v.tag == VALUE_BIG && *read && isinf(*out))
        return call_fail(call, "int too large to convert to float");
    return true;
}

// ---- the filters

bool filter_int(struct call *call) {
    struct value v = call->args[0];
    int64_t base = 10;
    bool read = false;
    double d = 0;
    if (v.tag == VALUE_INT || v.tag == VALUE_BIG || v.tag == VALUE_BOOL) {
        call->result = v.tag == VALUE_BOOL ? value_int(v.i) : v;
        return true;
    }
    if (v.tag == VALUE_STRING && !arg_int(call, 2, 10, &base))
        return false;
    bool base_fits = base == 0 || (base >= 2 && base <= 36);
    if (v.tag == VALUE_STRING && base_fits && !read_integer(call, value_str(v), base, &call->result, &read))
        return false;
    if (read)
        return true;
    if (!value_as_float(call, v, &d, &read))
        return false;
    if (read && isinf(d))
        return call_fail(call, "cannot convert float infinity to integer");
    if (read && !isnan(d))
        return bigint_of_double(call, d, &call->result);
    call->result = arg_given(call, 1) ? call->args[1] : value_int(0);
    return true;
}

bool filter_float(struct call *call) {
    double d;
    bool read;
    if (!value_as_float(call, call->args[0], &d, &read))
        return false;
    call->result = read ? value_float(d) : arg_given(call, 1) ? call->args[1] : value_float(0.0);
    return true;
}

bool filter_abs(struct call *call) {
    struct value v = call->args[0];
    switch (v.tag) {
    case VALUE_INT:
    case VALUE_BOOL:
        return v.i < 0 ? op_neg(call, v, &call->result) : return_int(call, v.i);
    case VALUE_FLOAT:
        call->result = value_float(fabs(v.f));
        return true;
    case VALUE_BIG:
        if (v.s[0] == '-')
            return op_neg(call, v, &call->result);
        call->result = v;
        return true;
    case VALUE_UNDEFINED:
        return op_undefined(call, v);
    default:
        return call_fail(call, "bad operand type for abs(): '%s'", op_type_name(v));
    }
}

// ---- round

// Correctly rounded: the decimal digits of the double are cut by printf, halves to even.
static bool round_float(struct call *call, double d, int64_t precision, double *out) {
    char text[720];
    if (!isfinite(d) || precision > 323) {
        *out = d;
        return true;
    }
    if (precision >= 0) {
        int n = snprintf(text, sizeof text, "%.*f", (int)precision, d);
        return number_parse_double((struct str){text, (size_t)n}, out) ||
               call_fail(call, "the number cannot be rounded");
    }
    // Before the point: as many significant digits as are left.
    int n = snprintf(text, sizeof text, "%.20e", d);
    int64_t exponent = strtol(strchr(text, 'e') + 1, NULL, 10), digits = exponent + 1 + precision;
    if (digits > 0)
        n = snprintf(text, sizeof text, "%.*e", (int)digits - 1, d);
    else if (digits == 0 && fabs(d) > 5 * pow(10, (double)exponent))
        n = snprintf(text, sizeof text, "%s1e%lld", d < 0 ? "-" : "", (long long)-precision);
    else
        n = snprintf(text, sizeof text, "%s0.0", signbit(d) ? "-" : "");
    return number_parse_double((struct str){text, (size_t)n}, out) ||
           call_fail(call, "the rounded number is too large for a float");
}

static bool round_integer(struct call *call, struct value v, int64_t precision) {
    struct value unit, half, quotient, rest;
    call->result = v.tag == VALUE_BOOL ? value_int(v.i) : v;
    if (precision >= 0)
        return true;
    if (precision < -4000)
        return return_int(call, 0);
    // Halves go to the even multiple, so 2 * rest is compared with the unit.
    if (!op_pow(call, value_int(10), value_int(-precision), &unit) ||
        !op_floordiv(call, v, unit, &quotient) || !op_mod(call, v, unit, &rest) ||
        !op_mul(call, rest, value_int(2), &half))
        return false;
    int order;
    struct value odd;
    if (!op_compare(call, half, unit, &order) || !op_mod(call, quotient, value_int(2), &odd))
        return false;
    if ((order > 0 || (order == 0 && op_truth(odd))) && !op_add(call, quotient, value_int(1), &quotient))
        return false;
    return op_mul(call, quotient, unit, &call->result);
}

bool filter_round(struct call *call) {
    struct value v = call->args[0];
    int64_t precision;
    struct str method = STR("common");
    double d;
    if (v.tag == VALUE_UNDEFINED)
        return op_undefined(call, v);
    if (!arg_int(call, 1, 0, &precision) ||
        (arg_given(call, 2) && !print_to_str(call, call->args[2], &method)))
        return false;
    bool up = str_is(method, "ceil"), down = str_is(method, "floor");
    if (!up && !down && !str_is(method, "common"))
        return call_fail(call, "method must be common, ceil or floor");
    if (!op_double(v, &d))
        return call_fail(call, "type %s doesn't define __round__ method", op_type_name(v));
    if (!up && !down && v.tag != VALUE_FLOAT)
        return round_integer(call, v, precision);
    if (!up && !down) {
        if (!round_float(call, d, precision, &d))
            return false;
    } else {
        double unit = pow(10, (double)precision), scaled = d * unit;
        if (!isfinite(scaled))
            return call_fail(call, "cannot convert float %s to integer", isnan(scaled) ? "NaN" : "infinity");
        d = (up ? ceil(scaled) : floor(scaled)) / unit;
        d = d == 0 ? 0.0 : d; // an integer was divided: no negative zero
    }
    call->result = value_float(d);
    return true;
}

bool filter_filesizeformat(struct call *call) {
    static const char *const decimal[] = {"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
    static const char *const binary[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"};
    double bytes;
    bool read, by_1024;
    struct value v = call->args[0];
    if (!value_as_float(call, v, &bytes, &read) || !arg_truth(call, 1, &by_1024))
        return false;
    if (!read && v.tag == VALUE_STRING)
        return call_fail(call, "could not convert string to float: '%.*s'", STR_ARG(value_str(v)));
    if (!read)
        return call_fail(call, "float() argument must be a string or a real number, not '%s'",
                         op_type_name(v));
    double base = by_1024 ? 1024 : 1000, unit = base * base;
    char *text = arena_alloc(call->arena, 400);
    if (!text)
        return call_no_memory(call);
    int n;
    if (bytes == 1) {
        n = snprintf(text, 400, "1 Byte");
    } else if (isnan(bytes) || (isinf(bytes) && bytes < 0)) {
        return call_fail(call, "cannot convert float %s to integer", isnan(bytes) ? "NaN" : "infinity");
    } else if (bytes < base) {
        n = snprintf(text, 400, "%.0f Bytes", trunc(bytes) == 0 ? 0.0 : trunc(bytes));
    } else {
        size_t i = 0;
        for (; i < 7 && bytes >= unit; i++)
            unit *= base;
        n = snprintf(text, 400, "%.1f %s", base * bytes / unit, by_1024 ? binary[i] : decimal[i]);
    }
    return return_str(call, (struct str){text, (size_t)n}, false);
}
