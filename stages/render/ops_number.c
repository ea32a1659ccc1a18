// SPDX-License-Identifier: MIT
#include <math.h>

#include "stages/render/bigint.h"
#include "stages/render/format.h"
#include "stages/render/ops.h"
#include "stages/render/text.h"

// Arithmetic as Python's: integers stay exact, int64 on the fast path and big integers beyond; a float anywhere
// makes the result a float; strings and lists have + and *.

static bool is_integer(struct value v) {
    return v.tag == VALUE_INT || v.tag == VALUE_BOOL || v.tag == VALUE_BIG;
}
static bool is_small(struct value v) {
    return v.tag == VALUE_INT || v.tag == VALUE_BOOL;
}
static bool is_number(struct value v) {
    return is_integer(v) || v.tag == VALUE_FLOAT;
}

static bool unsupported(struct call *call, const char *symbol, struct value a, struct value b) {
    if (a.tag == VALUE_UNDEFINED)
        return op_undefined(call, a);
    if (b.tag == VALUE_UNDEFINED)
        return op_undefined(call, b);
    return call_fail(call, "unsupported operand type(s) for %s: '%s' and '%s'", symbol, op_type_name(a),
                     op_type_name(b));
}

// Both as doubles; fails where a big integer has none.
static bool doubles(struct call *call, const char *symbol, struct value a, struct value b, double *x,
                    double *y) {
    if (!is_number(a) || !is_number(b))
        return unsupported(call, symbol, a, b);
    if (!op_double(a, x) || !op_double(b, y) || (a.tag == VALUE_BIG && isinf(*x)) ||
        (b.tag == VALUE_BIG && isinf(*y)))
        return call_fail(call, "int too large to convert to float");
    return true;
}

typedef bool big_operation(struct call *call, const struct bigint *a, const struct bigint *b,
                           struct bigint *out);

static bool on_big(struct call *call, big_operation *operation, struct value a, struct value b,
                   struct value *out) {
    struct bigint x, y, z;
    return bigint_of(call, a, &x) && bigint_of(call, b, &y) && operation(call, &x, &y, &z) &&
           bigint_value(call, &z, out);
}

// ---- strings and lists

static bool add_strings(struct call *call, struct value a, struct value b, struct value *out) {
    bool safe = (a.flags | b.flags) & VALUE_SAFE;
    struct text t;
    text_init(&t, call->arena, (size_t)a.n + b.n);
    for (int i = 0; i < 2; i++) {
        struct value part = i ? b : a;
        if (safe && !(part.flags & VALUE_SAFE))
            text_add_escaped(&t, value_str(part));
        else
            text_add_str(&t, value_str(part));
    }
    struct str s;
    if (!text_finish_str(&t, call, &s))
        return false;
    *out = safe ? value_safe(s) : value_string(s);
    return true;
}

static bool add_lists(struct call *call, struct value a, struct value b, struct value *out) {
    size_t n = (size_t)a.list->n + b.list->n;
    struct value *items = n > UINT32_MAX ? NULL : arena_alloc(call->arena, (n ? n : 1) * sizeof *items);
    if (!items)
        return call_no_memory(call);
    if (a.list->n)
        memcpy(items, a.list->items, a.list->n * sizeof *items);
    if (b.list->n)
        memcpy(items + a.list->n, b.list->items, b.list->n * sizeof *items);
    return a.flags & VALUE_TUPLE ? op_new_tuple(call, items, (uint32_t)n, out)
                                 : op_new_list(call, items, (uint32_t)n, out);
}

static bool repeat(struct call *call, struct value v, int64_t times, struct value *out) {
    if (times < 0)
        times = 0;
    if (v.tag == VALUE_STRING) {
        struct text t;
        struct str s;
        text_init(&t, call->arena, 0);
        text_fill(&t, value_str(v), (size_t)times);
        if (!text_finish_str(&t, call, &s))
            return false;
        *out = value_string(s);
        out->flags = v.flags;
        return true;
    }
    size_t n = 0;
    if (__builtin_mul_overflow((size_t)v.list->n, (size_t)times, &n) || n > UINT32_MAX)
        return call_no_memory(call);
    struct value *items = arena_alloc(call->arena, (n ? n : 1) * sizeof *items);
    if (!items)
        return call_no_memory(call);
    for (size_t i = 0; i < n; i += v.list->n)
        memcpy(items + i, v.list->items, v.list->n * sizeof *items);
    return v.flags & VALUE_TUPLE ? op_new_tuple(call, items, (uint32_t)n, out)
                                 : op_new_list(call, items, (uint32_t)n, out);
}

// ---- the operators

bool op_add(struct call *call, struct value a, struct value b, struct value *out) {
    if (is_small(a) && is_small(b)) {
        int64_t sum;
        if (__builtin_add_overflow(a.i, b.i, &sum))
            return on_big(call, bigint_add, a, b, out);
        *out = value_int(sum);
        return true;
    }
    if (a.tag == VALUE_STRING && b.tag == VALUE_STRING)
        return add_strings(call, a, b, out);
    if (a.tag == VALUE_LIST && b.tag == VALUE_LIST && (a.flags & VALUE_TUPLE) == (b.flags & VALUE_TUPLE))
        return add_lists(call, a, b, out);
    if (is_integer(a) && is_integer(b))
        return on_big(call, bigint_add, a, b, out);
    if (b.tag != VALUE_UNDEFINED && (a.tag == VALUE_STRING || a.tag == VALUE_LIST) && !is_number(a))
        return call_fail(call, "can only concatenate %s (not \"%s\") to %s", op_type_name(a), op_type_name(b),
                         op_type_name(a));
    double x, y;
    if (!doubles(call, "+", a, b, &x, &y))
        return false;
    *out = value_float(x + y);
    return true;
}

bool op_sub(struct call *call, struct value a, struct value b, struct value *out) {
    int64_t difference;
    if (is_small(a) && is_small(b) && !__builtin_sub_overflow(a.i, b.i, &difference)) {
        *out = value_int(difference);
        return true;
    }
    if (is_integer(a) && is_integer(b))
        return on_big(call, bigint_sub, a, b, out);
    double x, y;
    if (!doubles(call, "-", a, b, &x, &y))
        return false;
    *out = value_float(x - y);
    return true;
}

bool op_mul(struct call *call, struct value a, struct value b, struct value *out) {
    int64_t product;
    if (is_small(a) && is_small(b) && !__builtin_mul_overflow(a.i, b.i, &product)) {
        *out = value_int(product);
        return true;
    }
    if ((a.tag == VALUE_STRING || a.tag == VALUE_LIST) && is_small(b))
        return repeat(call, a, b.i, out);
    if ((b.tag == VALUE_STRING || b.tag == VALUE_LIST) && is_small(a))
        return repeat(call, b, a.i, out);
    if (is_integer(a) && is_integer(b))
        return on_big(call, bigint_mul, a, b, out);
    if ((a.tag == VALUE_STRING || a.tag == VALUE_LIST) && b.tag != VALUE_UNDEFINED)
        return call_fail(call, "can't multiply sequence by non-int of type '%s'", op_type_name(b));
    double x, y;
    if (!doubles(call, "*", a, b, &x, &y))
        return false;
    *out = value_float(x * y);
    return true;
}

bool op_div(struct call *call, struct value a, struct value b, struct value *out) {
    double x, y;
    if (!doubles(call, "/", a, b, &x, &y))
        return false;
    if (y == 0.0)
        return call_fail(call, a.tag == VALUE_FLOAT || b.tag == VALUE_FLOAT ? "float division by zero"
                                                                            : "division by zero");
    // Quotients of large integers are rounded once only: 64 bits of mantissa hold them exactly.
    if (is_small(a) && is_small(b))
        *out = value_float((double)((long double)a.i / (long double)b.i));
    else
        *out = value_float(x / y);
    return true;
}

static double floor_mod(double x, double y) {
    double r = fmod(x, y);
    if (r != 0.0 && (r < 0) != (y < 0))
        r += y;
    return r == 0.0 ? copysign(0.0, y) : r;
}

static double floor_div(double x, double y) {
    double r = fmod(x, y), q = (x - r) / y;
    if (r != 0.0 && (r < 0) != (y < 0))
        q -= 1.0;
    if (q == 0.0)
        return copysign(0.0, x / y);
    double whole = floor(q);
    return q - whole > 0.5 ? whole + 1.0 : whole;
}

static bool is_zero(struct value v) {
    return v.tag == VALUE_FLOAT ? v.f == 0.0 : is_small(v) && v.i == 0;
}

static bool big_divmod(struct call *call, struct value a, struct value b, bool quotient, struct value *out) {
    struct bigint x, y, q, r;
    return bigint_of(call, a, &x) && bigint_of(call, b, &y) && bigint_divmod(call, &x, &y, &q, &r) &&
           bigint_value(call, quotient ? &q : &r, out);
}

bool op_floordiv(struct call *call, struct value a, struct value b, struct value *out) {
    if (is_number(a) && is_zero(b))
        return call_fail(call, a.tag == VALUE_FLOAT || b.tag == VALUE_FLOAT
                                   ? "float floor division by zero"
                                   : "integer division or modulo by zero");
    if (is_small(a) && is_small(b) && !(a.i == INT64_MIN && b.i == -1)) {
        int64_t q = a.i / b.i;
        *out = value_int(q - (a.i % b.i != 0 && (a.i < 0) != (b.i < 0)));
        return true;
    }
    if (is_integer(a) && is_integer(b))
        return big_divmod(call, a, b, true, out);
    double x, y;
    if (!doubles(call, "//", a, b, &x, &y))
        return false;
    *out = value_float(floor_div(x, y));
    return true;
}

bool op_mod(struct call *call, struct value a, struct value b, struct value *out) {
    if (a.tag == VALUE_STRING)
        return format_percent(call, a, b, out);
    if (is_number(a) && is_zero(b))
        return call_fail(call, a.tag == VALUE_FLOAT || b.tag == VALUE_FLOAT
                                   ? "float modulo"
                                   : "integer division or modulo by zero");
    if (is_small(a) && is_small(b)) {
        int64_t r = b.i == -1 ? 0 : a.i % b.i;
        *out = value_int(r != 0 && (r < 0) != (b.i < 0) ? r + b.i : r);
        return true;
    }
    if (is_integer(a) && is_integer(b))
        return big_divmod(call, a, b, false, out);
    double x, y;
    if (!doubles(call, "%", a, b, &x, &y))
        return false;
    *out = value_float(floor_mod(x, y));
    return true;
}

static bool pow_double(struct call *call, double x, double y, struct value *out) {
    if (x == 0.0 && y < 0)
        return call_fail(call, "0.0 cannot be raised to a negative power");
    if (x < 0 && isfinite(x) && isfinite(y) && y != floor(y))
        return call_fail(call, "a negative number cannot be raised to a fractional power");
    double z = pow(x, y);
    if (isinf(z) && isfinite(x) && isfinite(y))
        return call_fail(call, "the result of ** is too large for a float");
    *out = value_float(z);
    return true;
}

bool op_pow(struct call *call, struct value a, struct value b, struct value *out) {
    if (is_integer(a) && is_small(b) && b.i >= 0) {
        int64_t power = 1, base = is_small(a) ? a.i : 0;
        bool fits = is_small(a);
        for (int64_t e = b.i; fits && e; e >>= 1) {
            if (e & 1)
                fits = !__builtin_mul_overflow(power, base, &power);
            if (fits && e > 1)
                fits = !__builtin_mul_overflow(base, base, &base);
        }
        if (fits) {
            *out = value_int(power);
            return true;
        }
        struct bigint x, z;
        return bigint_of(call, a, &x) && bigint_pow(call, &x, (uint64_t)b.i, &z) &&
               bigint_value(call, &z, out);
    }
    double x, y;
    if (!doubles(call, "** or pow()", a, b, &x, &y))
        return false;
    return pow_double(call, x, y, out);
}

bool op_neg(struct call *call, struct value a, struct value *out) {
    if (is_small(a))
        return op_sub(call, value_int(0), a, out);
    if (a.tag == VALUE_FLOAT) {
        *out = value_float(-a.f);
        return true;
    }
    if (a.tag == VALUE_BIG)
        return on_big(call, bigint_sub, value_int(0), a, out);
    if (a.tag == VALUE_UNDEFINED)
        return op_undefined(call, a);
    return call_fail(call, "bad operand type for unary -: '%s'", op_type_name(a));
}

bool op_pos(struct call *call, struct value a, struct value *out) {
    if (a.tag == VALUE_UNDEFINED)
        return op_undefined(call, a);
    if (!is_number(a))
        return call_fail(call, "bad operand type for unary +: '%s'", op_type_name(a));
    *out = a.tag == VALUE_BOOL ? value_int(a.i) : a;
    return true;
}
