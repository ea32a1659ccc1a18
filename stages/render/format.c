// SPDX-License-Identifier: MIT
#include "stages/render/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/number.h"
#include "base/utf8.h"
#include "stages/render/bigint.h"
#include "stages/render/ops.h"
#include "stages/render/print.h"

enum { PRECISION_MOST = 10000, WIDTH_MOST = 100 << 20 };

static void pad_around(struct str left, struct str body, struct str right, size_t shown,
                       const struct format_spec *spec, char align, struct text *out) {
    size_t width = spec->width > 0 ? (size_t)spec->width : 0, pad = width > shown ? width - shown : 0;
    struct str fill = spec->fill.n ? spec->fill : STR(" ");
    size_t before = align == '>' ? pad : align == '^' ? pad / 2 : 0;
    text_fill(out, fill, before);
    text_add_str(out, left);
    if (align == '=')
        text_fill(out, fill, pad);
    text_add_str(out, body);
    text_add_str(out, right);
    if (align == '<' || align == '^')
        text_fill(out, fill, pad - before);
}

void format_padded(struct str text, const struct format_spec *spec, char align, struct text *out) {
    pad_around(STR(""), text, STR(""), utf8_length(text), spec, spec->align ? spec->align : align, out);
}

// Digits with a separator every `every` of them, zeros in front until `least` characters are there.
static bool group_digits(struct call *call, struct str digits, char separator, size_t every, size_t least,
                         struct str *out) {
    size_t n = digits.n;
    while (separator && n + (n - 1) / every < least)
        n++;
    size_t size = n + (separator && n ? (n - 1) / every : 0);
    char *p = arena_alloc(call->arena, size + 1);
    if (!p)
        return call_no_memory(call);
    size_t at = size;
    for (size_t i = 0; i < n; i++) {
        if (separator && i && i % every == 0)
            p[--at] = separator;
        p[--at] = i < digits.n ? digits.p[digits.n - 1 - i] : '0';
    }
    *out = (struct str){p, size};
    return true;
}

// sign, prefix, integral digits (grouped), the rest after them.
static bool number_padded(struct call *call, bool negative, struct str prefix, struct str digits,
                          struct str rest, const struct format_spec *spec, struct text *out) {
    char lead[8];
    size_t lead_n = 0;
    if (negative)
        lead[lead_n++] = '-';
    else if (spec->sign == '+' || spec->sign == ' ')
        lead[lead_n++] = spec->sign;
    memcpy(lead + lead_n, prefix.p, prefix.n);
    lead_n += prefix.n;
    struct format_spec padded = *spec;
    char align = spec->align;
    if (spec->zero && !align) {
        align = '=';
        padded.fill = STR("0");
    }
    if (spec->width > WIDTH_MOST)
        return call_fail(call, "the width of a format is too large");
    if (spec->grouping && digits.n) {
        size_t taken = lead_n + rest.n, width = spec->width > 0 ? (size_t)spec->width : 0;
        size_t least = align == '=' && str_is(padded.fill, "0") && width > taken ? width - taken : 0;
        size_t every =
            spec->type == 'x' || spec->type == 'X' || spec->type == 'b' || spec->type == 'o' ? 4 : 3;
        if (!group_digits(call, digits, spec->grouping, every, least, &digits))
            return false;
    }
    pad_around((struct str){lead, lead_n}, digits, rest, lead_n + digits.n + rest.n, &padded,
               align ? align : '>', out);
    return true;
}

// ---- integers

static size_t digits_of(uint64_t n, unsigned base, bool upper, char *end) {
    const char *symbols = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char *p = end;
    do {
        *--p = symbols[n % base];
        n /= base;
    } while (n);
    return (size_t)(end - p);
}

bool format_integer(struct call *call, struct value v, const struct format_spec *spec, struct text *out) {
    char type = spec->type;
    unsigned base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
    struct str prefix = STR("");
    if (spec->alternate)
        prefix = type == 'x'   ? STR("0x")
                 : type == 'X' ? STR("0X")
                 : type == 'o' ? STR("0o")
                 : type == 'b' ? STR("0b")
                               : STR("");
    char digits[64];
    struct str body;
    bool negative;
    if (v.tag == VALUE_BIG) {
        negative = v.s[0] == '-';
        body = str_from(value_str(v), negative);
        if (base != 10 && !bigint_digits(call, v, base, type == 'X', &body))
            return false;
    } else {
        negative = v.i < 0;
        uint64_t n = negative ? -(uint64_t)v.i : (uint64_t)v.i;
        size_t size = digits_of(n, base, type == 'X', digits + sizeof digits);
        body = (struct str){digits + sizeof digits - size, size};
    }
    if (spec->precision > (int64_t)body.n) { // only "%.5d": that many digits at least
        if (spec->precision > PRECISION_MOST)
            return call_fail(call, "the precision of a format is too large");
        char *p = arena_alloc(call->arena, (size_t)spec->precision);
        if (!p)
            return call_no_memory(call);
        size_t zeros = (size_t)spec->precision - body.n;
        memset(p, '0', zeros);
        memcpy(p + zeros, body.p, body.n);
        body = (struct str){p, (size_t)spec->precision};
    }
    return number_padded(call, negative, prefix, body, STR(""), spec, out);
}

// ---- floats

// Digits of |d| without sign, as C's printf makes them.
static bool float_digits(struct call *call, double d, char type, int64_t precision, bool alternate,
                         struct str *out) {
    if (precision > PRECISION_MOST)
        return call_fail(call, "the precision of a format is too large");
    size_t size = 400 + (size_t)precision;
    char *p = arena_alloc(call->arena, size), pattern[8] = {0};
    if (!p)
        return call_no_memory(call);
    snprintf(pattern, sizeof pattern, "%%%s.*%c", alternate ? "#" : "", type);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int n = snprintf(p, size, pattern, (int)precision, d);
#pragma GCC diagnostic pop
    *out = (struct str){p, n < 0 ? 0 : (size_t)n};
    return true;
}

// "1.500e+02" -> "1.5e+02"
static void trim_mantissa(struct str *s) {
    char *e = memchr(s->p, 'e', s->n), *end = e;
    while (e && end[-1] == '0')
        end--;
    if (!e || !memchr(s->p, '.', s->n))
        return;
    if (end[-1] == '.')
        end--;
    size_t tail = (size_t)(s->p + s->n - e);
    memmove(end, e, tail);
    s->n = (size_t)(end - s->p) + tail;
}

// Without a type: as repr where no precision is given, else like 'g' but with a digit after the point.
static bool plain_float(struct call *call, double d, int64_t precision, struct str *out) {
    char *p = arena_alloc(call->arena, NUMBER_TEXT_SIZE);
    if (!p)
        return call_no_memory(call);
    if (precision < 0) {
        *out = (struct str){p, number_write_double(p, d)};
        return true;
    }
    int64_t digits = precision ? precision : 1;
    if (!float_digits(call, d, 'e', digits - 1, false, out))
        return false;
    const char *e = memchr(out->p, 'e', out->n);
    int64_t exponent = 0;
    number_parse_int((struct str){e + 1, (size_t)(out->p + out->n - e) - 1}, &exponent);
    if (exponent < -4 || exponent >= digits - 1) {
        trim_mantissa(out);
        return true;
    }
    if (!float_digits(call, d, 'g', digits, false, out) || memchr(out->p, '.', out->n))
        return out->p != NULL;
    struct text t;
    text_init(&t, call->arena, out->n + 2);
    text_add_str(&t, *out);
    text_add(&t, ".0", 2);
    return text_finish_str(&t, call, out);
}

bool format_float(struct call *call, double d, const struct format_spec *spec, struct text *out) {
    char type = spec->type;
    bool percent = type == '%', negative = signbit(d) && !isnan(d);
    double magnitude = fabs(percent ? d * 100 : d);
    int64_t precision = spec->precision;
    struct format_spec shown = *spec;
    struct str body;
    if (!isfinite(d)) {
        bool upper = type == 'F' || type == 'E' || type == 'G';
        body = isnan(d) ? (upper ? STR("NAN") : STR("nan")) : (upper ? STR("INF") : STR("inf"));
        if (percent)
            body = isnan(d) ? STR("nan%") : STR("inf%");
        shown.grouping = 0;
        return number_padded(call, negative, STR(""), body, STR(""), &shown, out);
    }
    if (type == 0) {
        if (!plain_float(call, magnitude, precision, &body))
            return false;
    } else {
        char c_type = percent ? 'f' : type == 'n' ? 'g' : type;
        if (!float_digits(call, magnitude, c_type, precision < 0 ? 6 : precision, spec->alternate, &body))
            return false;
    }
    size_t whole = 0;
    while (whole < body.n && body.p[whole] >= '0' && body.p[whole] <= '9')
        whole++;
    struct str rest = str_from(body, whole);
    if (percent) {
        char *p = arena_alloc(call->arena, rest.n + 1);
        if (!p)
            return call_no_memory(call);
        memcpy(p, rest.p, rest.n);
        p[rest.n] = '%';
        rest = (struct str){p, rest.n + 1};
    }
    return number_padded(call, negative, STR(""), str_slice(body, 0, whole), rest, &shown, out);
}

// ---- by type

static bool is_align(char c) {
    return c == '<' || c == '>' || c == '^' || c == '=';
}

static bool parse_count(struct call *call, struct str text, size_t *at, int64_t *out) {
    int64_t n = 0;
    while (*at < text.n && text.p[*at] >= '0' && text.p[*at] <= '9') {
        n = n * 10 + (text.p[(*at)++] - '0');
        if (n > WIDTH_MOST)
            return call_fail(call, "too large a number in the format '%.*s'", STR_ARG(text));
    }
    *out = n;
    return true;
}

static bool parse_spec(struct call *call, struct str text, struct format_spec *spec) {
    *spec = (struct format_spec){.precision = -1};
    size_t at = 0, first = 0;
    if (text.n)
        utf8_decode(text.p, &first);
    if (first && first < text.n && is_align(text.p[first])) {
        spec->fill = (struct str){text.p, first};
        spec->align = text.p[first];
        at = first + 1;
    } else if (text.n && is_align(text.p[0])) {
        spec->align = text.p[at++];
    }
    if (at < text.n && (text.p[at] == '+' || text.p[at] == '-' || text.p[at] == ' '))
        spec->sign = text.p[at++];
    if (at < text.n && text.p[at] == '#')
        spec->alternate = text.p[at++] == '#';
    if (at < text.n && text.p[at] == '0') {
        spec->zero = true;
        if (spec->align && !spec->fill.n)
            spec->fill = STR("0");
        at++;
    }
    if (!parse_count(call, text, &at, &spec->width))
        return false;
    if (at < text.n && (text.p[at] == ',' || text.p[at] == '_'))
        spec->grouping = text.p[at++];
    if (at < text.n && text.p[at] == '.') {
        size_t digits = ++at;
        if (!parse_count(call, text, &at, &spec->precision))
            return false;
        if (at == digits)
            return call_fail(call, "Format specifier missing precision");
    }
    if (at < text.n)
        spec->type = text.p[at++];
    return at == text.n || call_fail(call, "Invalid format specifier '%.*s'", STR_ARG(text));
}

static bool unknown_code(struct call *call, const struct format_spec *spec, struct value v) {
    return call_fail(call, "Unknown format code '%c' for object of type '%s'", spec->type, op_type_name(v));
}

static bool format_string(struct call *call, struct value v, struct format_spec *spec, struct text *out) {
    if (spec->type && spec->type != 's')
        return unknown_code(call, spec, v);
    if (spec->align == '=' || spec->sign || spec->alternate || spec->grouping)
        return call_fail(call, "the format of a string has options that are for numbers only");
    struct str text = value_str(v);
    if (spec->precision >= 0)
        text.n = utf8_offset(text, (size_t)spec->precision);
    if (spec->zero && !spec->fill.n)
        spec->fill = STR("0");
    format_padded(text, spec, '<', out);
    return true;
}

static bool format_number(struct call *call, struct value v, struct format_spec *spec, struct text *out) {
    if (spec->grouping && spec->type && strchr(spec->grouping == '_' ? "cn" : "bcnoxX", spec->type))
        return call_fail(call, "Cannot specify '%c' with '%c'.", spec->grouping, spec->type);
    if (v.tag == VALUE_FLOAT) {
        if (spec->type && !strchr("eEfFgGn%", spec->type))
            return unknown_code(call, spec, v);
        return format_float(call, v.f, spec, out);
    }
    if (spec->type && strchr("eEfFgG%", spec->type)) {
        double d;
        if (!op_double(v, &d) || isinf(d))
            return call_fail(call, "int too large to convert to float");
        return format_float(call, d, spec, out);
    }
    if (spec->type && !strchr("dboxXnc", spec->type))
        return unknown_code(call, spec, v);
    if (spec->precision >= 0)
        return call_fail(call, "Precision not allowed in integer format specifier");
    if (spec->type == 'c') {
        char bytes[4];
        if (spec->sign || spec->alternate)
            return call_fail(call, "Sign not allowed with integer format specifier 'c'");
        if (v.tag == VALUE_BIG || v.i < 0 || v.i > 0x10ffff || (v.i >= 0xd800 && v.i < 0xe000))
            return call_fail(call, "%%c arg not in range(0x110000)");
        format_padded((struct str){bytes, utf8_encode((uint32_t)v.i, bytes)}, spec, '>', out);
        return true;
    }
    return format_integer(call, v, spec, out);
}

bool format_value(struct call *call, struct value v, struct str spec_text, struct text *out) {
    if (spec_text.n == 0) {
        struct str s;
        if (!print_to_str(call, v, &s))
            return false;
        text_add_str(out, s);
        return true;
    }
    struct format_spec spec;
    if (!parse_spec(call, spec_text, &spec))
        return false;
    switch (v.tag) {
    case VALUE_STRING:
        return format_string(call, v, &spec, out);
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_BIG:
    case VALUE_FLOAT:
        return format_number(call, v, &spec, out);
    default:
        return call_fail(call, "unsupported format string passed to %s.__format__", op_type_name(v));
    }
}
