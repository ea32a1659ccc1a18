// SPDX-License-Identifier: MIT
#include "stages/compile/jinja_literal.h"

#include <string.h>
#include <uniname.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/utf8.h"

enum { DIGITS_LIMIT = 4300 }; // of an integer literal

static int digit_of(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return 99;
}

static struct jinja_token make(const struct jinja_lexer *lexer, enum jinja_token_kind kind, struct str text) {
    struct span span = {(uint32_t)(text.p - lexer->p), (uint32_t)text.n};
    return (struct jinja_token){.kind = kind, .span = span};
}

// Digits of a base with single underscores between them: where they end.
static size_t digits(struct str s, size_t at, int base) {
    while (at < s.n && (digit_of(s.p[at]) < base || (s.p[at] == '_' && at > 0 && at + 1 < s.n &&
                                                     s.p[at - 1] != '_' && digit_of(s.p[at + 1]) < base)))
        at++;
    return at;
}

// A float's length, or 0: digits, then a fraction, an exponent, or both.
static size_t float_length(struct str s) {
    size_t at = digits(s, 0, 10), whole = at;
    if (at + 1 < s.n && s.p[at] == '.' && digit_of(s.p[at + 1]) < 10)
        at = digits(s, at + 1, 10);
    size_t e = at;
    if (e < s.n && (s.p[e] | 0x20) == 'e') {
        e++;
        e += e < s.n && (s.p[e] == '+' || s.p[e] == '-');
        if (e < s.n && digit_of(s.p[e]) < 10)
            at = digits(s, e, 10);
    }
    return at > whole ? at : 0;
}

static size_t without_underscores(struct str s, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '_')
            out[n++] = s.p[i];
    return n;
}

// Decimal digits of a number given in another base, by long multiplication, nine decimal digits at a time.
static struct str to_decimal(struct arena *arena, struct str s, int base) {
    enum { PART = 1000000000 };
    size_t parts_cap = s.n / 7 + 2, parts_n = 1;
    uint32_t *parts = ARENA_NEW_ARRAY(arena, uint32_t, parts_cap);
    char *out = arena_alloc(arena, parts_cap * 9 + 1);
    if (!parts || !out)
        mem_fail(parts_cap);
    for (size_t i = 0; i < s.n; i++) {
        uint64_t carry = (uint64_t)digit_of(s.p[i]);
        for (size_t k = 0; k < parts_n; k++) {
            carry += (uint64_t)parts[k] * (uint64_t)base;
            parts[k] = (uint32_t)(carry % PART);
            carry /= PART;
        }
        if (carry)
            parts[parts_n++] = (uint32_t)carry;
    }
    size_t n = 0;
    for (size_t k = parts_n; k-- > 0;)
        for (uint32_t scale = PART / 10; scale; scale /= 10) {
            char c = (char)('0' + parts[k] / scale % 10);
            if (n || c != '0')
                out[n++] = c;
        }
    return (struct str){out, n};
}

static struct jinja_token integer(struct jinja_lexer *lexer, struct str text, int base) {
    struct jinja_token t = make(lexer, JINJA_INTEGER, text);
    if (text.n > DIGITS_LIMIT) {
        diags_error(lexer->diags, lexer->source, t.span, "this number has more than %d digits",
                    (int)DIGITS_LIMIT);
        t.kind = JINJA_BAD;
        return t;
    }
    char *plain = arena_alloc(lexer->arena, text.n + 1);
    if (!plain)
        mem_fail(text.n);
    struct str s = {plain, without_underscores(text, plain)};
    if (base != 10)
        s = to_decimal(lexer->arena, str_from(s, 2), base);
    while (s.n > 1 && s.p[0] == '0')
        s = str_from(s, 1);
    int64_t small;
    if (s.n == 0)
        t.value = value_int(0);
    else if (number_parse_int(s, &small))
        t.value = value_int(small);
    else
        t.value = (struct value){.tag = VALUE_BIG, .n = (uint32_t)s.n, .s = s.p};
    return t;
}

struct jinja_token jinja_literal_number(struct jinja_lexer *lexer, bool after_dot, struct str rest) {
    size_t n = after_dot ? 0 : float_length(rest);
    if (n) {
        struct str text = {rest.p, n};
        struct jinja_token t = make(lexer, JINJA_FLOAT, text);
        char *plain = arena_alloc(lexer->arena, n);
        if (!plain)
            mem_fail(n);
        double v;
        if (number_parse_double((struct str){plain, without_underscores(text, plain)}, &v)) {
            t.value = value_float(v);
        } else {
            diags_error(lexer->diags, lexer->source, t.span, "this is no number");
            t.kind = JINJA_BAD;
        }
        return t;
    }
    int base = 10;
    if (rest.n > 2 && rest.p[0] == '0') {
        char c = (char)(rest.p[1] | 0x20);
        base = c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 10;
        size_t first = rest.p[2] == '_' ? 3 : 2;
        if (base != 10 && (first >= rest.n || digit_of(rest.p[first]) >= base))
            base = 10;
    }
    if (base != 10)
        n = digits(rest, 2, base);
    else // a number that begins with 0 is 0: "012" is two numbers
        n = digits(rest, 0, rest.p[0] == '0' ? 1 : 10);
    return integer(lexer, (struct str){rest.p, n}, base);
}

// ---- strings

size_t jinja_literal_string_length(struct str rest) {
    char quote = rest.p[0];
    for (size_t i = 1; i < rest.n; i++) {
        if (rest.p[i] == '\\')
            i++;
        else if (rest.p[i] == quote)
            return i + 1;
    }
    return 0;
}

// A string being unescaped.
struct unescape {
    struct jinja_lexer *lexer;
    struct str in;
    size_t at;
    char *out;
    size_t n;
};

static bool escape_fault(struct unescape *u, size_t from, size_t to, const char *what) {
    size_t at = (size_t)(u->in.p - u->lexer->p);
    struct span span = {(uint32_t)(at + from), (uint32_t)(to - from)};
    diags_error(u->lexer->diags, u->lexer->source, span, "%s", what);
    return false;
}

static bool put_point(struct unescape *u, size_t from, uint32_t point) {
    if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
        return escape_fault(u, from, u->at, "this escape is no character");
    u->n += utf8_encode(point, u->out + u->n);
    return true;
}

// \xhh, \uhhhh, \Uhhhhhhhh
static bool unescape_hex(struct unescape *u, size_t from, size_t count) {
    uint32_t point = 0;
    for (size_t i = 0; i < count; i++, u->at++) {
        int digit = u->at < u->in.n ? digit_of(u->in.p[u->at]) : 99;
        if (digit > 15)
            return escape_fault(u, from, u->at, "this escape has too few digits");
        point = point << 4 | (uint32_t)digit;
    }
    return put_point(u, from, point);
}

static bool unescape_octal(struct unescape *u, size_t from) {
    uint32_t point = 0;
    for (u->at--; u->at < u->in.n && u->at < from + 4 && digit_of(u->in.p[u->at]) < 8; u->at++)
        point = point << 3 | (uint32_t)digit_of(u->in.p[u->at]);
    return put_point(u, from, point);
}

// \N{NAME}
static bool unescape_named(struct unescape *u, size_t from) {
    char name[128];
    size_t n = 0;
    bool open = u->at < u->in.n && u->in.p[u->at] == '{';
    while (open && ++u->at < u->in.n && u->in.p[u->at] != '}' && n < sizeof name - 1)
        name[n++] = u->in.p[u->at];
    name[n] = 0;
    if (!open || u->at >= u->in.n || u->in.p[u->at] != '}' || strlen(name) != n)
        return escape_fault(u, from, u->at, "this escape wants the name of a character, as in \\N{SNOWMAN}");
    u->at++;
    ucs4_t point = unicode_name_character(name);
    if (point == UNINAME_INVALID)
        return escape_fault(u, from, u->at, "there is no character of this name");
    return put_point(u, from, point);
}

static bool unescape_one(struct unescape *u) {
    static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
    size_t start = u->at++;
    if (u->at >= u->in.n) { // cannot be: the literal would not have ended there
        u->out[u->n++] = '\\';
        return true;
    }
    char c = u->in.p[u->at++];
    const char *hit = c ? strchr(from, c) : NULL;
    if (hit) {
        u->out[u->n++] = to[hit - from];
        return true;
    }
    switch (c) {
    case '\r':
        u->at += u->at < u->in.n && u->in.p[u->at] == '\n';
        return true;
    case '\n':
        return true;
    case 'x':
        return unescape_hex(u, start, 2);
    case 'u':
        return unescape_hex(u, start, 4);
    case 'U':
        return unescape_hex(u, start, 8);
    case 'N':
        return unescape_named(u, start);
    default:
        if (digit_of(c) < 8)
            return unescape_octal(u, start);
        u->out[u->n++] = '\\';
        u->out[u->n++] = c;
        return true;
    }
}

struct jinja_token jinja_literal_string(struct jinja_lexer *lexer, struct str rest) {
    size_t size = jinja_literal_string_length(rest);
    struct jinja_token t = make(lexer, JINJA_STRING, (struct str){rest.p, size});
    struct str in = {rest.p + 1, size - 2};
    if (!memchr(in.p, '\\', in.n) && !memchr(in.p, '\r', in.n)) {
        t.value = value_string(in);
        return t;
    }
    // An escape is never shorter than the character it stands for.
    struct unescape u = {.lexer = lexer, .in = in, .out = arena_alloc(lexer->arena, in.n + 1)};
    if (!u.out)
        mem_fail(in.n);
    while (u.at < in.n) {
        char c = in.p[u.at];
        if (c == '\\') {
            if (!unescape_one(&u)) {
                t.kind = JINJA_BAD;
                return t;
            }
            continue;
        }
        u.at++;
        if (c == '\r') {
            u.at += u.at < in.n && in.p[u.at] == '\n';
            c = '\n';
        }
        u.out[u.n++] = c;
    }
    t.value = value_string((struct str){u.out, u.n});
    return t;
}
