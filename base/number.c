// SPDX-License-Identifier: MIT
#include "base/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Powers of ten that a double holds exactly.
static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { EXACT_POWER = 22, MOST_DIGITS = 800, EXPONENT_CLAMP = 100000 };

static const uint64_t EXACT_DIGITS = UINT64_C(1) << 53;

static size_t write_unsigned(char *out, uint64_t value) {
    char reversed[20];
    size_t n = 0;
    do {
        reversed[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    for (size_t i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    return n;
}

size_t number_write_int(char *out, int64_t value) {
    if (value >= 0)
        return write_unsigned(out, (uint64_t)value);
    out[0] = '-';
    return 1 + write_unsigned(out + 1, 0 - (uint64_t)value);
}

bool number_scale_exact(uint64_t digits, int exponent, double *value) {
    if (digits > EXACT_DIGITS || exponent < -EXACT_POWER || exponent > EXACT_POWER)
        return false;
    // Both operands are exact, so the one operation rounds correctly.
    *value = exponent < 0 ? (double)digits / powers[-exponent] : (double)digits * powers[exponent];
    return true;
}

bool number_parse_int(struct str text, int64_t *value) {
    size_t i = text.n && (text.p[0] == '-' || text.p[0] == '+');
    if (i == text.n)
        return false;
    bool negative = text.p[0] == '-';
    uint64_t n = 0, limit = (uint64_t)INT64_MAX + negative;
    for (; i < text.n; i++) {
        unsigned digit = (unsigned char)text.p[i] - (unsigned)'0';
        if (digit > 9 || n > (limit - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *value = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

// A decimal taken apart: the significant digits (without leading zeros) times 10^exponent.
struct decimal {
    bool negative;
    char digits[MOST_DIGITS +
                1]; // a last '1' stands for whatever is cut off, which suffices to round correctly
    size_t n;
    long exponent;
};

static void decimal_add(struct decimal *d, char digit, bool after_point) {
    if (d->n == 0 && digit == '0') {
        d->exponent -= after_point;
    } else if (d->n < MOST_DIGITS) {
        d->digits[d->n++] = digit;
        d->exponent -= after_point;
    } else {
        if (digit != '0') {
            d->digits[MOST_DIGITS] = '1';
            d->n = MOST_DIGITS + 1;
        }
        d->exponent += !after_point;
    }
}

static bool parse_exponent(struct str text, size_t i, long *exponent) {
    bool minus = i < text.n && text.p[i] == '-';
    i += i < text.n && (text.p[i] == '-' || text.p[i] == '+');
    if (i == text.n)
        return false;
    long n = 0;
    for (; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        if (n < INT32_MAX)
            n = n * 10 + (text.p[i] - '0');
    }
    *exponent += minus ? -n : n;
    return true;
}

static bool parse_decimal(struct str text, struct decimal *d) {
    size_t i = text.n && (text.p[0] == '-' || text.p[0] == '+');
    bool point = false, any = false;
    d->negative = text.n && text.p[0] == '-';
    d->n = 0;
    d->exponent = 0;
    for (; i < text.n; i++) {
        char c = text.p[i];
        if (c >= '0' && c <= '9') {
            any = true;
            decimal_add(d, c, point);
        } else if (c == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    if (!any)
        return false;
    if (i == text.n)
        return true;
    return (text.p[i] == 'e' || text.p[i] == 'E') && parse_exponent(text, i + 1, &d->exponent);
}

static double decimal_value(const struct decimal *d) {
    double value = 0;
    if (d->n <= 19) {
        uint64_t digits = 0;
        for (size_t i = 0; i < d->n; i++)
            digits = digits * 10 + (uint64_t)(d->digits[i] - '0');
        if (digits == 0)
            return 0;
        if (d->exponent >= -EXACT_POWER && d->exponent <= EXACT_POWER &&
            number_scale_exact(digits, (int)d->exponent, &value))
            return value;
    }
    // No decimal point, so even a plain strtod would do; the C locale object is a constant of the C library.
    char text[MOST_DIGITS + 32];
    long exponent = d->exponent + (d->n > MOST_DIGITS ? -1 : 0);
    long clamped = exponent > EXPONENT_CLAMP    ? EXPONENT_CLAMP
                   : exponent < -EXPONENT_CLAMP ? -EXPONENT_CLAMP
                                                : exponent;
    memcpy(text, d->digits, d->n);
    snprintf(text + d->n, sizeof text - d->n, "e%ld", clamped);
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    value = c ? strtod_l(text, NULL, c) : strtod(text, NULL);
    if (c)
        freelocale(c);
    return value;
}

bool number_parse_double(struct str text, double *value) {
    struct decimal d;
    if (!parse_decimal(text, &d))
        return false;
    *value = decimal_value(&d);
    if (d.negative)
        *value = -*value;
    return true;
}

// Most doubles in data have few decimals: find the first power of ten that makes an integer of them which, divided
// again, gives the same double. Below 10^15 that integer is the only one of its length, so it is the shortest form.
static size_t write_few_decimals(char *out, double value) {
    for (int k = 0; k <= 15; k++) {
        double scaled = value * powers[k];
        if (scaled >= 1e15)
            return 0;
        uint64_t r = (uint64_t)(scaled + 0.5);
        if ((double)r / powers[k] != value)
            continue;
        uint64_t unit = (uint64_t)powers[k];
        size_t n = write_unsigned(out, r / unit);
        out[n++] = '.';
        if (k == 0) {
            out[n++] = '0';
            return n;
        }
        uint64_t fraction = r % unit;
        for (int i = k - 1; i >= 0; i--) {
            out[n + (size_t)i] = (char)('0' + fraction % 10);
            fraction /= 10;
        }
        return n + (size_t)k;
    }
    return 0;
}

// `precision` significant digits of value, and the exponent of the first. Whatever the locale's point is, it
// stands after the first digit and has no digits in it.
static void print_decimal(double value, int precision, struct decimal *d) {
    char text[64];
    int n = snprintf(text, sizeof text, "%.*e", precision - 1, value);
    d->negative = false;
    d->n = 0;
    int i = 0;
    for (; i < n && text[i] != 'e'; i++)
        if (text[i] >= '0' && text[i] <= '9')
            d->digits[d->n++] = text[i];
    d->exponent = strtol(text + i + 1, NULL, 10) - (precision - 1);
}

static void decimal_increment(struct decimal *d) {
    size_t i = d->n;
    while (i > 0 && d->digits[i - 1] == '9')
        d->digits[--i] = '0';
    if (i > 0) {
        d->digits[i - 1]++;
    } else {
        d->digits[0] = '1'; // 99 becomes 100: one more power of ten, same number of digits
        d->exponent++;
    }
}

static void shortest_decimal(double value, struct decimal *d) {
    // In the normal range a decimal of up to 15 digits comes back from a double unharmed, so fewer than 15 need
    // not be tried. Denser near zero.
    int exponent;
    bool boundary = frexp(value, &exponent) == 0.5;
    for (int precision = value < DBL_MIN ? 1 : 15; precision <= 17; precision++) {
        print_decimal(value, precision, d);
        if (decimal_value(d) == value)
            break;
        // Below a power of two doubles are twice as dense as above it: the nearest decimal may lie on the dense
        // side and fail where the next one above still succeeds.
        if (boundary) {
            decimal_increment(d);
            if (decimal_value(d) == value)
                break;
        }
    }
    while (d->n > 1 && d->digits[d->n - 1] == '0') {
        d->n--;
        d->exponent++;
    }
}

static size_t write_decimal(char *out, const struct decimal *d) {
    size_t n = 0;
    long first = d->exponent + (long)d->n - 1; // power of ten of the first digit
    if (first < -4 || first >= 16) {
        out[n++] = d->digits[0];
        if (d->n > 1) {
            out[n++] = '.';
            memcpy(out + n, d->digits + 1, d->n - 1);
            n += d->n - 1;
        }
        out[n++] = 'e';
        out[n++] = first < 0 ? '-' : '+';
        uint64_t e = (uint64_t)(first < 0 ? -first : first);
        if (e < 10)
            out[n++] = '0';
        return n + write_unsigned(out + n, e);
    }
    long whole = first + 1; // digits before the point
    for (long i = 0; i < whole; i++)
        out[n++] = i < (long)d->n ? d->digits[i] : '0';
    if (whole <= 0)
        out[n++] = '0';
    out[n++] = '.';
    for (long i = whole; i < 0; i++)
        out[n++] = '0';
    size_t from = whole < 0 ? 0 : (size_t)whole;
    if (from >= d->n) {
        out[n++] = '0';
        return n;
    }
    memcpy(out + n, d->digits + from, d->n - from);
    return n + d->n - from;
}

size_t number_write_double(char *out, double value) {
    size_t sign = 0;
    if (isnan(value)) {
        memcpy(out, "nan", 3);
        return 3;
    }
    if (signbit(value)) {
        out[sign++] = '-';
        value = -value;
    }
    if (isinf(value)) {
        memcpy(out + sign, "inf", 3);
        return sign + 3;
    }
    if (value == 0) {
        memcpy(out + sign, "0.0", 3);
        return sign + 3;
    }
    size_t n = value >= 1e-4 && value < 1e15 ? write_few_decimals(out + sign, value) : 0;
    if (n == 0) {
        struct decimal d;
        shortest_decimal(value, &d);
        n = write_decimal(out + sign, &d);
    }
    return sign + n;
}
