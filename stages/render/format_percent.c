// SPDX-License-Identifier: MIT
#include <math.h>

#include "base/utf8.h"
#include "stages/render/bigint.h"
#include "stages/render/format.h"
#include "stages/render/ops.h"
#include "stages/render/print.h"

struct percent {
    struct call *call;
    struct str template;
    size_t at;
    bool safe;
    struct value args;
    uint32_t used; // of a tuple's elements; of a single argument
    struct text out;
};

static bool is_tuple(struct value v) {
    return v.tag == VALUE_LIST && v.flags & VALUE_TUPLE;
}

static bool next_argument(struct percent *p, struct value *out) {
    uint32_t n = is_tuple(p->args) ? p->args.list->n : 1;
    if (p->used >= n)
        return call_fail(p->call, "not enough arguments for format string");
    *out = is_tuple(p->args) ? p->args.list->items[p->used] : p->args;
    p->used++;
    return true;
}

static bool named_argument(struct percent *p, struct value *out) {
    size_t from = ++p->at, depth = 1;
    for (; p->at < p->template.n && depth; p->at++)
        depth += p->template.p[p->at] == '(' ? 1 : p->template.p[p->at] == ')' ? (size_t)-1 : 0;
    if (depth)
        return call_fail(p->call, "incomplete format key");
    if (p->args.tag != VALUE_MAP)
        return call_fail(p->call, "format requires a mapping");
    struct str name = str_slice(p->template, from, p->at - 1);
    *out = map_get(p->args.map, name);
    return out->tag != VALUE_MISSING ||
           call_fail(p->call, "the format's key '%.*s' is missing", STR_ARG(name));
}

static bool parse_number(struct percent *p, bool *starred, int64_t *out) {
    *starred = false;
    if (p->at < p->template.n && p->template.p[p->at] == '*') {
        struct value v;
        p->at++;
        *starred = true;
        return next_argument(p, &v) && op_integer(p->call, v, out);
    }
    *out = 0;
    while (p->at < p->template.n && p->template.p[p->at] >= '0' && p->template.p[p->at] <= '9') {
        *out = *out * 10 + (p->template.p[p->at++] - '0');
        if (*out > INT32_MAX)
            return call_fail(p->call, "width too big");
    }
    return true;
}

static bool parse_conversion(struct percent *p, struct format_spec *spec) {
    bool left = false, starred;
    for (; p->at < p->template.n; p->at++) {
        char c = p->template.p[p->at];
        if (c == '-')
            left = true;
        else if (c == '+' || (c == ' ' && spec->sign != '+'))
            spec->sign = c;
        else if (c == '#')
            spec->alternate = true;
        else if (c == '0')
            spec->zero = true;
        else if (c != ' ')
            break;
    }
    if (!parse_number(p, &starred, &spec->width))
        return false;
    if (starred && spec->width < 0) {
        left = true;
        spec->width = -spec->width;
    }
    if (p->at < p->template.n && p->template.p[p->at] == '.') {
        p->at++;
        if (!parse_number(p, &starred, &spec->precision))
            return false;
        if (spec->precision < 0)
            spec->precision = 0;
    }
    while (p->at < p->template.n && strchr("hlL", p->template.p[p->at]) && p->template.p[p->at])
        p->at++;
    if (p->at >= p->template.n)
        return call_fail(p->call, "incomplete format");
    spec->type = p->template.p[p->at++];
    spec->align = left ? '<' : 0;
    return true;
}

static bool put_text(struct percent *p, struct value v, struct format_spec *spec) {
    struct str text;
    bool repr = spec->type != 's', safe = v.tag == VALUE_STRING && v.flags & VALUE_SAFE && !repr;
    if (repr) {
        struct buf b = BUF_INIT;
        if (!print_repr(p->call, v, &b)) {
            buf_release(&b);
            return false;
        }
        if (!print_take(p->call, &b, &text))
            return false;
    } else if (!print_to_str(p->call, v, &text)) {
        return false;
    }
    if (p->safe && !safe) {
        struct text escaped;
        text_init(&escaped, p->call->arena, 0);
        text_add_escaped(&escaped, text);
        if (!text_finish_str(&escaped, p->call, &text))
            return false;
    }
    if (spec->precision >= 0)
        text.n = utf8_offset(text, (size_t)spec->precision);
    format_padded(text, spec, '>', &p->out);
    return true;
}

static bool put_integer(struct percent *p, struct value v, struct format_spec *spec) {
    char c = spec->type;
    bool decimal = c == 'd' || c == 'i' || c == 'u';
    if (v.tag == VALUE_FLOAT && decimal) {
        if (!isfinite(v.f))
            return call_fail(p->call, "cannot convert float %s to integer", isnan(v.f) ? "NaN" : "infinity");
        if (!bigint_of_double(p->call, v.f, &v))
            return false;
    }
    if (v.tag != VALUE_INT && v.tag != VALUE_BOOL && v.tag != VALUE_BIG)
        return v.tag == VALUE_UNDEFINED
                   ? op_undefined(p->call, v)
                   : call_fail(p->call, "%%%c format: %s is required, not %s", c,
                               decimal ? "a real number" : "an integer", op_type_name(v));
    if (decimal)
        spec->type = 'd';
    return format_integer(p->call, v, spec, &p->out);
}

static bool put_float(struct percent *p, struct value v, struct format_spec *spec) {
    double d;
    if (v.tag == VALUE_UNDEFINED)
        return op_undefined(p->call, v);
    if (!op_double(v, &d))
        return call_fail(p->call, "must be real number, not %s", op_type_name(v));
    return format_float(p->call, d, spec, &p->out);
}

static bool put_character(struct percent *p, struct value v, struct format_spec *spec) {
    char bytes[4];
    struct str text;
    if (v.tag == VALUE_STRING && utf8_length(value_str(v)) == 1)
        text = value_str(v);
    else if ((v.tag == VALUE_INT || v.tag == VALUE_BOOL) && v.i >= 0 && v.i <= 0x10ffff &&
             !(v.i >= 0xd800 && v.i < 0xe000))
        text = (struct str){bytes, utf8_encode((uint32_t)v.i, bytes)};
    else
        return call_fail(p->call, "%%c requires int or char");
    format_padded(text, spec, '>', &p->out);
    return true;
}

static bool put_conversion(struct percent *p) {
    struct format_spec spec = {.precision = -1};
    struct value v = value_missing();
    size_t begin = p->at;
    if (p->at < p->template.n && p->template.p[p->at] == '(' && !named_argument(p, &v))
        return false;
    if (!parse_conversion(p, &spec))
        return false;
    if (spec.type == '%') {
        text_add_char(&p->out, '%');
        return true;
    }
    if (!spec.type || !strchr("diuoxXeEfFgGcrsa", spec.type))
        return call_fail(p->call, "unsupported format character '%c' (0x%x) at index %zu", spec.type,
                         (unsigned)(uint8_t)spec.type, begin);
    if (v.tag == VALUE_MISSING && !next_argument(p, &v))
        return false;
    if (strchr("srA", spec.type) || spec.type == 'a')
        return put_text(p, v, &spec);
    if (strchr("diuoxX", spec.type))
        return put_integer(p, v, &spec);
    return spec.type == 'c' ? put_character(p, v, &spec) : put_float(p, v, &spec);
}

bool format_percent(struct call *call, struct value template, struct value args, struct value *out) {
    struct percent p = {
        .call = call, .template = value_str(template), .safe = template.flags & VALUE_SAFE, .args = args};
    text_init(&p.out, call->arena, p.template.n + 32);
    while (p.at < p.template.n) {
        const char *from = p.template.p + p.at, *sign = memchr(from, '%', p.template.n - p.at);
        size_t plain = sign ? (size_t)(sign - from) : p.template.n - p.at;
        text_add(&p.out, from, plain);
        p.at += plain + (sign != NULL);
        if (sign && !put_conversion(&p))
            return false;
    }
    bool mapping = args.tag == VALUE_MAP || (args.tag == VALUE_LIST && !is_tuple(args));
    if (!mapping && p.used < (is_tuple(args) ? args.list->n : 1))
        return call_fail(call, "not all arguments converted during string formatting");
    struct str text;
    if (!text_finish_str(&p.out, call, &text))
        return false;
    *out = p.safe ? value_safe(text) : value_string(text);
    return true;
}
