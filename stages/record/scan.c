// SPDX-License-Identifier: MIT
#include "stages/record/scan.h"

#include <math.h>

#include "base/number.h"

const char *scan_fail(struct scan *s, const char *at, const char *fault) {
    s->status = STATUS_DATA;
    s->fault = fault;
    s->fault_at = (size_t)(at - s->begin);
    return NULL;
}

const char *scan_memory(struct scan *s) {
    s->status = STATUS_MEMORY;
    s->fault = "the record needs more memory than it may have";
    s->fault_at = 0;
    return NULL;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The four digits of a \u escape at p, or -1.
static int32_t hex_unit(const char *p, const char *end) {
    int32_t unit = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static bool is_surrogate(int32_t unit, int32_t first) {
    return (unit & 0xFC00) == first;
}

// A \u escape, or the pair of them that makes a code point beyond the basic plane; p at the backslash.
static const char *scan_unicode(struct scan *s, const char *p, uint32_t *point) {
    int32_t unit = hex_unit(p + 2, s->end), second = -1;
    if (unit < 0)
        return scan_fail(s, p, "expected four hexadecimal digits after \\u");
    if (is_surrogate(unit, 0xDC00))
        return scan_fail(s, p, "the second half of a surrogate pair stands alone");
    *point = (uint32_t)unit;
    if (!is_surrogate(unit, 0xD800))
        return p + 6;
    if (s->end - p >= 12 && p[6] == '\\' && p[7] == 'u')
        second = hex_unit(p + 8, s->end);
    if (second < 0 || !is_surrogate(second, 0xDC00))
        return scan_fail(s, p, "the first half of a surrogate pair stands alone");
    *point = 0x10000 + (((uint32_t)unit & 0x3FF) << 10 | ((uint32_t)second & 0x3FF));
    return p + 12;
}

static int simple_escape(char c) {
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return -1;
    }
}

static const char *scan_escape(struct scan *s, const char *p, uint32_t *point) {
    if (s->end - p < 2)
        return scan_fail(s, p, "a string must be closed, but the text ends here");
    if (p[1] == 'u')
        return scan_unicode(s, p, point);
    int c = simple_escape(p[1]);
    if (c < 0)
        return scan_fail(s, p, "unknown escape in a string");
    *point = (uint32_t)c;
    return p + 2;
}

// The closing quote, with all escapes checked on the way; p where the plain part ended.
static const char *find_close(struct scan *s, const char *start, const char *p, bool *high, bool *escapes) {
    for (;; p = scan_plain(p, s->end, high)) {
        if (p == s->end)
            return scan_fail(s, start - 1, "a string must be closed, but the text ends before");
        if (*p == '"')
            return p;
        if (*p != '\\')
            return scan_fail(s, p, "control character in a string");
        uint32_t point;
        *escapes = true;
        p = scan_escape(s, p, &point);
        if (!p)
            return NULL;
    }
}

// What the escapes stand for never takes more bytes than they do.
static bool unescape(struct scan *s, const char *p, const char *close, struct str *out) {
    char *made = arena_alloc(s->arena, (size_t)(close - p));
    if (!made) {
        scan_memory(s);
        return false;
    }
    char *to = made;
    while (p < close) {
        const char *escape = memchr(p, '\\', (size_t)(close - p));
        size_t n = (size_t)((escape ? escape : close) - p);
        memcpy(to, p, n);
        to += n;
        p += n;
        if (escape) {
            uint32_t point = 0;
            p = scan_escape(s, p, &point);
            to += utf8_encode(point, to);
        }
    }
    *out = (struct str){made, (size_t)(to - made)};
    return true;
}

const char *scan_string_rest(struct scan *s, const char *start, const char *p, bool high, struct str *out) {
    bool escapes = false;
    const char *close = find_close(s, start, p, &high, &escapes);
    if (!close)
        return NULL;
    struct str raw = {start, (size_t)(close - start)};
    size_t bad;
    if (high && !utf8_valid(raw, &bad))
        return scan_fail(s, start + bad, "invalid UTF-8 in a string");
    *out = raw;
    if (escapes && s->arena && !unescape(s, start, close, out))
        return NULL;
    return close + 1;
}

static bool is_digit(const struct scan *s, const char *p) {
    return p < s->end && (unsigned char)(*p - '0') <= 9;
}

// Digits onto *n, which wraps beyond 19 of them; the caller counts.
static const char *scan_digits(const struct scan *s, const char *p, uint64_t *n) {
    for (; is_digit(s, p); p++)
        *n = *n * 10 + (uint64_t)(*p - '0');
    return p;
}

static const char *scan_exponent(struct scan *s, const char *p, int *exponent) {
    bool minus = p < s->end && *p == '-';
    p += p < s->end && (*p == '-' || *p == '+');
    if (!is_digit(s, p))
        return scan_fail(s, p, "expected a digit in the exponent");
    int n = 0;
    for (; is_digit(s, p); p++)
        n = n < 10000 ? n * 10 + (*p - '0') : n;
    *exponent = minus ? -n : n;
    return p;
}

enum { DIGITS_IN_64_BITS = 19 };

// From the '.' or 'e' on. `digits` of `count` digits stand before it.
static const char *scan_real(struct scan *s, const char *start, const char *p, uint64_t digits, size_t count,
                             struct value *out) {
    int exponent = 0;
    size_t decimals = 0;
    if (*p == '.') {
        const char *from = ++p;
        if (!is_digit(s, p))
            return scan_fail(s, p, "expected a digit after the decimal point");
        p = scan_digits(s, p, &digits);
        decimals = (size_t)(p - from);
    }
    if (p < s->end && (*p == 'e' || *p == 'E')) {
        p = scan_exponent(s, p + 1, &exponent);
        if (!p)
            return NULL;
    }
    out->tag = VALUE_FLOAT;
    if (count + decimals <= DIGITS_IN_64_BITS &&
        number_scale_exact(digits, exponent - (int)decimals, &out->f)) {
        out->f = *start == '-' ? -out->f : out->f;
        return p;
    }
    number_parse_double((struct str){start, (size_t)(p - start)}, &out->f);
    return isinf(out->f) ? scan_fail(s, start, "the number is too large for a double") : p;
}

const char *scan_number(struct scan *s, const char *p, struct value *out) {
    const char *start = p, *first = p += *p == '-';
    uint64_t n = 0;
    if (!is_digit(s, p))
        return scan_fail(s, p, "expected a digit after '-'");
    p = scan_digits(s, p, &n);
    size_t count = (size_t)(p - first);
    if (*first == '0' && count > 1)
        return scan_fail(s, start, "a number must not begin with 0");
    *out = value_int(0);
    if (p < s->end && (*p == '.' || *p == 'e' || *p == 'E'))
        return scan_real(s, start, p, n, count, out);
    struct str text = {start, (size_t)(p - start)};
    if (count < DIGITS_IN_64_BITS) {
        out->i = start == first ? (int64_t)n : -(int64_t)n;
    } else if (!number_parse_int(text, &out->i)) {
        *out = value_string(text); // no leading zeros, so the digits are canonical as they stand
        out->tag = VALUE_BIG;
    }
    return p;
}

static inline bool starts_with(const struct scan *s, const char *p, const char *word, size_t n) {
    return (size_t)(s->end - p) >= n && memcmp(p, word, n) == 0;
}

const char *scan_literal(struct scan *s, const char *p, struct value *out) {
    if (starts_with(s, p, "true", 4)) {
        *out = value_bool(true);
        return p + 4;
    }
    if (starts_with(s, p, "false", 5)) {
        *out = value_bool(false);
        return p + 5;
    }
    if (starts_with(s, p, "null", 4)) {
        *out = value_none();
        return p + 4;
    }
    return scan_fail(s, p, p == s->end ? "expected a value, but the text ends here" : "expected a value");
}

const char *scan_key(struct scan *s, const char *p, struct str *key) {
    if (p == s->end || *p != '"')
        return scan_fail(s, p, "expected a key in double quotes");
    p = scan_string(s, p + 1, key);
    if (!p)
        return NULL;
    p = scan_space(s, p);
    if (p == s->end || *p != ':')
        return scan_fail(s, p, "expected ':' after the key");
    return p + 1;
}

// ---- skipping: the same checks, and nothing is made

// Without an arena, escapes are checked and not resolved.
static inline const char *skip_string(struct scan *s, const char *start) {
    bool high = false;
    const char *p = scan_plain(start, s->end, &high);
    if (p < s->end && *p == '"' && !high)
        return p + 1;
    struct arena *arena = s->arena;
    struct str none;
    s->arena = NULL;
    p = scan_string_rest(s, start, p, high, &none);
    s->arena = arena;
    return p;
}

static inline const char *skip_key(struct scan *s, const char *p) {
    bool high = false;
    struct str key;
    if (__builtin_expect(p < s->end && *p == '"', 1)) {
        const char *close = scan_plain(p + 1, s->end, &high);
        if (__builtin_expect(!high && s->end - close >= 2 && close[0] == '"' && close[1] == ':', 1))
            return close + 2;
    }
    return scan_key(s, p, &key);
}

// A number of less than 16 bytes without an exponent, as most are, looked at all at once; else scan_number.
static inline const char *skip_number(struct scan *s, const char *start) {
    struct value none;
    if (__builtin_expect(s->end - start < 17, 0))
        return scan_number(s, start, &none);
    const char *p = start + (*start == '-');
    __m128i v = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), _mm_set1_epi8('0'));
    __m128i digits = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(9)), v);
    unsigned others = ~(unsigned)_mm_movemask_epi8(digits) & 0xFFFF, first = others & (0 - others);
    unsigned n = (unsigned)__builtin_ctz(others | 0x10000), rest = others ^ first;
    bool point = n < 16 && p[n] == '.', zeros = p[0] == '0' && n > 1;
    unsigned end = point ? (unsigned)__builtin_ctz(rest | 0x10000) : n;
    if (__builtin_expect(
            n == 0 || n == 16 || zeros || end >= 16 || (point && end == n + 1) || (p[end] | 0x20) == 'e', 0))
        return scan_number(s, start, &none);
    return p + end;
}

// What begins neither an object nor an array; *p is there.
static inline const char *skip_scalar(struct scan *s, const char *p) {
    struct value none;
    if (*p == '"')
        return skip_string(s, p + 1);
    if (*p == '-' || (unsigned char)(*p - '0') <= 9)
        return skip_number(s, p);
    return scan_literal(s, p, &none);
}

static const char *skip_container(struct scan *s, const char *p, uint32_t depth) {
    bool object = *p == '{';
    char close = object ? '}' : ']';
    if (depth >= s->max_depth)
        return scan_fail(s, p, "nested too deeply");
    p = scan_space(s, p + 1);
    if (p < s->end && *p == close)
        return p + 1;
    for (;;) {
        p = object ? skip_key(s, scan_space(s, p)) : p;
        p = p ? scan_space(s, p) : NULL;
        bool scalar = p && p < s->end && *p != '{' && *p != '[';
        p = scalar ? skip_scalar(s, p) : p ? scan_skip(s, p, depth + 1) : NULL;
        if (!p)
            return NULL;
        p = scan_space(s, p);
        if (p < s->end && *p == close)
            return p + 1;
        if (p == s->end || *p != ',')
            return scan_fail(
                s, p, object ? "expected ',' or '}' after the value" : "expected ',' or ']' after the value");
        p++;
    }
}

const char *scan_skip(struct scan *s, const char *p, uint32_t depth) {
    struct value none;
    p = scan_space(s, p);
    if (p == s->end)
        return scan_literal(s, p, &none);
    return *p == '{' || *p == '[' ? skip_container(s, p, depth) : skip_scalar(s, p);
}
