// SPDX-License-Identifier: MIT
#include "stages/render/bigint.h"

#include <stdio.h>

#include "base/number.h"

enum { LIMB_DIGITS = 9 };
static const uint32_t LIMB_BASE = 1000000000;

static bool make(struct call *call, uint32_t n, struct bigint *out) {
    if (n > BIGINT_LIMBS)
        return call_fail(call, "the integer has more than %d digits", BIGINT_LIMBS * LIMB_DIGITS);
    *out = (struct bigint){.limbs = ARENA_NEW_ARRAY(call->arena, uint32_t, n ? n : 1), .n = n};
    return out->limbs || call_no_memory(call);
}

static void trim(struct bigint *b) {
    while (b->n && b->limbs[b->n - 1] == 0)
        b->n--;
    if (b->n == 0)
        b->negative = false;
}

static bool of_digits(struct call *call, struct str digits, struct bigint *out) {
    while (digits.n && digits.p[0] == '0')
        digits = str_from(digits, 1);
    if (digits.n > (size_t)BIGINT_LIMBS * LIMB_DIGITS)
        return call_fail(call, "the integer has more than %d digits", BIGINT_LIMBS * LIMB_DIGITS);
    if (!make(call, (uint32_t)((digits.n + LIMB_DIGITS - 1) / LIMB_DIGITS), out))
        return false;
    size_t end = digits.n;
    for (uint32_t i = 0; i < out->n; i++) {
        size_t from = end > LIMB_DIGITS ? end - LIMB_DIGITS : 0;
        for (size_t k = from; k < end; k++)
            out->limbs[i] = out->limbs[i] * 10 + (uint32_t)(digits.p[k] - '0');
        end = from;
    }
    trim(out);
    return true;
}

bool bigint_of(struct call *call, struct value v, struct bigint *out) {
    if (v.tag == VALUE_BIG) {
        struct str s = value_str(v);
        bool negative = s.n && s.p[0] == '-';
        if (!of_digits(call, str_from(s, negative), out))
            return false;
        out->negative = negative && out->n;
        return true;
    }
    if (!make(call, 3, out))
        return false;
    out->negative = v.i < 0;
    uint64_t rest = v.i < 0 ? -(uint64_t)v.i : (uint64_t)v.i;
    for (uint32_t i = 0; i < 3; i++, rest /= LIMB_BASE)
        out->limbs[i] = (uint32_t)(rest % LIMB_BASE);
    trim(out);
    return true;
}

bool bigint_value(struct call *call, const struct bigint *b, struct value *out) {
    size_t size = (size_t)b->n * LIMB_DIGITS + 2;
    char *text = arena_alloc(call->arena, size + LIMB_DIGITS);
    if (!text)
        return call_no_memory(call);
    size_t n = 0;
    if (b->negative)
        text[n++] = '-';
    for (uint32_t i = b->n; i-- > 0;) {
        char limb[16];
        int width = snprintf(limb, sizeof limb, i == b->n - 1 ? "%u" : "%09u", b->limbs[i]);
        memcpy(text + n, limb, (size_t)width);
        n += (size_t)width;
    }
    if (b->n == 0)
        text[n++] = '0';
    int64_t small;
    if (number_parse_int((struct str){text, n}, &small))
        *out = value_int(small);
    else
        *out = (struct value){.tag = VALUE_BIG, .n = (uint32_t)n, .s = text};
    return true;
}

bool bigint_parse(struct call *call, struct str digits, bool negative, struct value *out) {
    struct bigint b;
    if (!of_digits(call, digits, &b))
        return false;
    b.negative = negative && b.n;
    return bigint_value(call, &b, out);
}

bool bigint_of_double(struct call *call, double d, struct value *out) {
    if (d >= -9223372036854775808.0 && d < 9223372036854775808.0) {
        *out = value_int((int64_t)d);
        return true;
    }
    char text[352]; // 309 digits at most
    int n = snprintf(text, sizeof text, "%.0f", d);
    bool negative = text[0] == '-';
    return bigint_parse(call, (struct str){text + negative, (size_t)n - negative}, negative, out);
}

static int compare_magnitude(const struct bigint *a, const struct bigint *b) {
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (uint32_t i = a->n; i-- > 0;)
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    return 0;
}

static bool add_magnitude(struct call *call, const struct bigint *a, const struct bigint *b,
                          struct bigint *out) {
    uint32_t n = a->n > b->n ? a->n : b->n;
    if (!make(call, n + 1, out))
        return false;
    uint32_t carry = 0;
    for (uint32_t i = 0; i <= n; i++) {
        uint32_t sum = (i < a->n ? a->limbs[i] : 0) + (i < b->n ? b->limbs[i] : 0) + carry;
        carry = sum >= LIMB_BASE;
        out->limbs[i] = carry ? sum - LIMB_BASE : sum;
    }
    return true;
}

// a's magnitude is not the smaller one.
static bool sub_magnitude(struct call *call, const struct bigint *a, const struct bigint *b,
                          struct bigint *out) {
    if (!make(call, a->n, out))
        return false;
    uint32_t borrow = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        uint32_t take = (i < b->n ? b->limbs[i] : 0) + borrow;
        borrow = a->limbs[i] < take;
        out->limbs[i] = a->limbs[i] + (borrow ? LIMB_BASE : 0) - take;
    }
    return true;
}

bool bigint_add(struct call *call, const struct bigint *a, const struct bigint *b, struct bigint *out) {
    bool negative = a->negative;
    if (a->negative == b->negative) {
        if (!add_magnitude(call, a, b, out))
            return false;
    } else if (compare_magnitude(a, b) >= 0) {
        if (!sub_magnitude(call, a, b, out))
            return false;
    } else {
        negative = b->negative;
        if (!sub_magnitude(call, b, a, out))
            return false;
    }
    out->negative = negative;
    trim(out);
    return true;
}

bool bigint_sub(struct call *call, const struct bigint *a, const struct bigint *b, struct bigint *out) {
    struct bigint minus = *b;
    minus.negative = !b->negative;
    return bigint_add(call, a, &minus, out);
}

bool bigint_mul(struct call *call, const struct bigint *a, const struct bigint *b, struct bigint *out) {
    if (!make(call, a->n && b->n ? a->n + b->n : 0, out))
        return false;
    if (out->n == 0)
        return true;
    for (uint32_t i = 0; i < a->n; i++) {
        uint64_t carry = 0;
        for (uint32_t k = 0; k < b->n; k++) {
            uint64_t x = (uint64_t)a->limbs[i] * b->limbs[k] + out->limbs[i + k] + carry;
            out->limbs[i + k] = (uint32_t)(x % LIMB_BASE);
            carry = x / LIMB_BASE;
        }
        out->limbs[i + b->n] = (uint32_t)carry;
    }
    out->negative = a->negative != b->negative;
    trim(out);
    return true;
}

static uint32_t divide_by_limb(struct bigint *q, uint32_t divisor) { // in place; returns the remainder
    uint64_t rest = 0;
    for (uint32_t i = q->n; i-- > 0;) {
        uint64_t x = rest * LIMB_BASE + q->limbs[i];
        q->limbs[i] = (uint32_t)(x / divisor);
        rest = x % divisor;
    }
    return (uint32_t)rest;
}

static void scale(struct bigint *b, uint32_t factor) { // in place; the top limb has room
    uint64_t carry = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        uint64_t x = (uint64_t)b->limbs[i] * factor + carry;
        b->limbs[i] = (uint32_t)(x % LIMB_BASE);
        carry = x / LIMB_BASE;
    }
}

// Subtracts q times v from u at limb `at`; false where that goes below zero (u is then u + base^k).
static bool subtract_product(struct bigint *u, const struct bigint *v, uint32_t at, uint64_t q) {
    uint64_t carry = 0;
    int64_t borrow = 0;
    for (uint32_t i = 0; i <= v->n; i++) {
        uint64_t product = (i < v->n ? v->limbs[i] * q : 0) + carry;
        carry = product / LIMB_BASE;
        int64_t x = (int64_t)u->limbs[at + i] - (int64_t)(product % LIMB_BASE) - borrow;
        borrow = x < 0;
        u->limbs[at + i] = (uint32_t)(borrow ? x + LIMB_BASE : x);
    }
    return borrow == 0;
}

static void add_back(struct bigint *u, const struct bigint *v, uint32_t at) {
    uint32_t carry = 0;
    for (uint32_t i = 0; i <= v->n; i++) {
        uint32_t x = u->limbs[at + i] + (i < v->n ? v->limbs[i] : 0) + carry;
        carry = x >= LIMB_BASE;
        u->limbs[at + i] = carry ? x - LIMB_BASE : x;
    }
}

// Knuth, The Art of Computer Programming 4.3.1, algorithm D, on magnitudes. u has one limb more than a, v at
// least two; both are scaled so that v's top limb is at least half the base.
static void divide_long(struct bigint *u, const struct bigint *v, struct bigint *q) {
    uint64_t top = v->limbs[v->n - 1], next = v->limbs[v->n - 2];
    for (uint32_t at = u->n - v->n; at-- > 0;) {
        uint64_t high = (uint64_t)u->limbs[at + v->n] * LIMB_BASE + u->limbs[at + v->n - 1];
        uint64_t guess = high / top, rest = high % top;
        while (guess >= LIMB_BASE ||
               (rest < LIMB_BASE && guess * next > rest * LIMB_BASE + u->limbs[at + v->n - 2])) {
            guess--;
            rest += top;
        }
        if (!subtract_product(u, v, at, guess)) {
            guess--;
            add_back(u, v, at);
        }
        q->limbs[at] = (uint32_t)guess;
    }
}

static bool divide_magnitude(struct call *call, const struct bigint *a, const struct bigint *b,
                             struct bigint *q, struct bigint *r) {
    if (compare_magnitude(a, b) < 0)
        return make(call, 0, q) && make(call, a->n, r) &&
               (memcpy(r->limbs, a->limbs, a->n * sizeof *r->limbs), 1);
    struct bigint u, v;
    if (!make(call, a->n, q) || !make(call, b->n, r))
        return false;
    if (b->n == 1) {
        memcpy(q->limbs, a->limbs, a->n * sizeof *q->limbs);
        r->limbs[0] = divide_by_limb(q, b->limbs[0]);
        return true;
    }
    // One limb more than make() allows is fine here: it is gone before anybody sees it.
    u = (struct bigint){.limbs = ARENA_NEW_ARRAY(call->arena, uint32_t, a->n + 1), .n = a->n + 1};
    if (!u.limbs || !make(call, b->n, &v))
        return call_no_memory(call);
    uint32_t factor = LIMB_BASE / (b->limbs[b->n - 1] + 1);
    memcpy(u.limbs, a->limbs, a->n * sizeof *u.limbs);
    memcpy(v.limbs, b->limbs, b->n * sizeof *v.limbs);
    scale(&u, factor);
    scale(&v, factor);
    divide_long(&u, &v, q);
    divide_by_limb(&u, factor);
    memcpy(r->limbs, u.limbs, b->n * sizeof *r->limbs);
    return true;
}

bool bigint_divmod(struct call *call, const struct bigint *a, const struct bigint *b, struct bigint *quotient,
                   struct bigint *remainder) {
    if (!divide_magnitude(call, a, b, quotient, remainder))
        return false;
    quotient->negative = a->negative != b->negative;
    remainder->negative = a->negative;
    trim(quotient);
    trim(remainder);
    if (remainder->n == 0 || a->negative == b->negative)
        return true;
    uint32_t one_limb = 1;
    struct bigint one = {.limbs = &one_limb, .n = 1}, q = *quotient, r = *remainder;
    return bigint_sub(call, &q, &one, quotient) && bigint_add(call, &r, b, remainder);
}

bool bigint_pow(struct call *call, const struct bigint *a, uint64_t exponent, struct bigint *out) {
    struct bigint base = *a;
    if (!make(call, 1, out))
        return false;
    out->limbs[0] = 1;
    if (base.n == 0 || (base.n == 1 && base.limbs[0] == 1)) { // 0, 1, -1: any exponent is cheap
        if (exponent == 0)
            return true;
        *out = base;
        out->negative = base.negative && exponent % 2;
        return true;
    }
    for (;;) {
        struct bigint next;
        if (exponent & 1) {
            if (!bigint_mul(call, out, &base, &next))
                return false;
            *out = next;
        }
        exponent >>= 1;
        if (exponent == 0)
            return true;
        if (!bigint_mul(call, &base, &base, &next))
            return false;
        base = next;
    }
}

bool bigint_digits(struct call *call, struct value v, unsigned base, bool upper, struct str *out) {
    const char *symbols = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    struct bigint b;
    if (!bigint_of(call, v, &b))
        return false;
    size_t room = (size_t)b.n * 30 + 1; // a limb has less than 30 bits
    char *text = arena_alloc(call->arena, room), *at = text ? text + room : NULL;
    if (!text)
        return call_no_memory(call);
    do {
        *--at = symbols[divide_by_limb(&b, base)];
        trim(&b);
    } while (b.n);
    *out = (struct str){at, (size_t)(text + room - at)};
    return true;
}
