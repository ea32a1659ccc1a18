// SPDX-License-Identifier: MIT
#include "base/number.h"
#include "stages/render/format.h"
#include "stages/render/machine.h"
#include "stages/render/ops.h"
#include "stages/render/print.h"

struct fields {
    struct call *call;
    const struct call_args *args;
    bool safe;
    int64_t automatic; // next number of {}; -1: fields are numbered by hand
    bool counted;      // some field was numbered, in either way
};

static bool expand(struct fields *f, struct str template, int depth, struct text *out);

static bool is_number(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n != 0;
}

static bool positional(struct fields *f, struct str name, struct value *out) {
    int64_t index = 0;
    if (name.n == 0) {
        if (f->counted && f->automatic < 0)
            return call_fail(f->call,
                             "cannot switch from manual field specification to automatic field numbering");
        index = f->automatic++;
    } else {
        if (f->counted && f->automatic >= 0)
            return call_fail(f->call,
                             "cannot switch from automatic field numbering to manual field specification");
        f->automatic = -1;
        if (!number_parse_int(name, &index))
            return call_fail(f->call, "too many decimal digits in the format");
    }
    f->counted = true;
    if (index >= f->args->positional_n)
        return call_fail(f->call, "Replacement index %lld out of range for positional args tuple",
                         (long long)index);
    *out = f->args->positional[index];
    return true;
}

static bool first_value(struct fields *f, struct str name, struct value *out) {
    if (name.n == 0 || is_number(name))
        return positional(f, name, out);
    for (uint32_t i = 0; i < f->args->keywords_n; i++) {
        if (str_equal(f->args->names[i], name)) {
            *out = f->args->keywords[i];
            return true;
        }
    }
    return call_fail(f->call, "the format's key '%.*s' is missing", STR_ARG(name));
}

static bool element(struct fields *f, struct str key, struct value *v) {
    int64_t index;
    struct value found;
    struct value k = is_number(key) && number_parse_int(key, &index) ? value_int(index) : value_string(key);
    if (v->tag == VALUE_UNDEFINED)
        return op_undefined(f->call, *v);
    if (!op_index(f->call, *v, k, &found))
        return false;
    if (found.tag == VALUE_MISSING)
        return call_fail(f->call, "the format's element [%.*s] is missing", STR_ARG(key));
    *v = found;
    return true;
}

// name(.attribute|[element])*
static bool field_value(struct fields *f, struct str field, struct value *out) {
    size_t at = 0;
    while (at < field.n && field.p[at] != '.' && field.p[at] != '[')
        at++;
    if (!first_value(f, str_slice(field, 0, at), out))
        return false;
    while (at < field.n) {
        size_t from = at + 1, to = from;
        if (field.p[at] == '[') {
            while (to < field.n && field.p[to] != ']')
                to++;
            if (to == field.n || to == from)
                return call_fail(f->call, "Missing ']' in format string");
            if (!element(f, str_slice(field, from, to), out))
                return false;
            at = to + 1;
            if (at < field.n && field.p[at] != '.' && field.p[at] != '[')
                return call_fail(f->call, "Only '.' or '[' may follow ']' in format field specifier");
            continue;
        }
        while (to < field.n && field.p[to] != '.' && field.p[to] != '[')
            to++;
        if (to == from)
            return call_fail(f->call, "Empty attribute in format string");
        if (!vm_get_attribute(f->call, *out, str_slice(field, from, to), false, out))
            return false;
        at = to;
    }
    return true;
}

static bool converted(struct fields *f, char conversion, struct value *v) {
    struct str text;
    if (conversion == 's') {
        if (!print_to_str(f->call, *v, &text))
            return false;
    } else if (conversion == 'r' || conversion == 'a') {
        struct buf b = BUF_INIT;
        if (!print_repr(f->call, *v, &b)) {
            buf_release(&b);
            return false;
        }
        if (!print_take(f->call, &b, &text))
            return false;
    } else {
        return call_fail(f->call, "Unknown conversion specifier '%c'", conversion);
    }
    *v = value_string(text);
    return true;
}

static bool put_field(struct fields *f, struct str field, int depth, struct text *out) {
    struct value v;
    struct str spec = STR("");
    size_t end = 0, brackets = 0;
    while (end < field.n && (brackets || (field.p[end] != '!' && field.p[end] != ':'))) {
        brackets = field.p[end] == '[' ? 1 : field.p[end] == ']' ? 0 : brackets;
        end++;
    }
    if (!field_value(f, str_slice(field, 0, end), &v))
        return false;
    if (end < field.n && field.p[end] == '!') {
        if (end + 1 >= field.n || (end + 2 < field.n && field.p[end + 2] != ':'))
            return call_fail(f->call, "expected ':' after conversion specifier");
        if (!converted(f, field.p[end + 1], &v))
            return false;
        end += 2;
    }
    if (end < field.n) {
        struct text inner;
        text_init(&inner, f->call->arena, 0);
        if (!expand(f, str_from(field, end + 1), depth + 1, &inner) ||
            !text_finish_str(&inner, f->call, &spec))
            return false;
    }
    bool safe = v.tag == VALUE_STRING && v.flags & VALUE_SAFE;
    if (f->safe && safe && spec.n)
        return call_fail(f->call, "Unsupported format specification for Markup.");
    if (!f->safe || safe || depth)
        return format_value(f->call, v, spec, out);
    struct text plain;
    struct str text;
    text_init(&plain, f->call->arena, 0);
    if (!format_value(f->call, v, spec, &plain) || !text_finish_str(&plain, f->call, &text))
        return false;
    text_add_escaped(out, text);
    return true;
}

static bool expand(struct fields *f, struct str t, int depth, struct text *out) {
    if (depth > 1)
        return call_fail(f->call, "Max string recursion exceeded");
    for (size_t at = 0; at < t.n; at++) {
        char c = t.p[at];
        if (c != '{' && c != '}') {
            text_add_char(out, c);
            continue;
        }
        if (at + 1 < t.n && t.p[at + 1] == c && !depth) {
            text_add_char(out, c);
            at++;
            continue;
        }
        if (c == '}')
            return call_fail(f->call, "Single '}' encountered in format string");
        size_t end = at + 1, open = 1;
        for (; end < t.n && open; end++)
            open += t.p[end] == '{' ? 1 : t.p[end] == '}' ? (size_t)-1 : 0;
        if (open)
            return call_fail(f->call, at + 1 == t.n ? "Single '{' encountered in format string"
                                                    : "expected '}' before end of string");
        if (!put_field(f, str_slice(t, at + 1, end - 1), depth, out))
            return false;
        at = end - 1;
    }
    return true;
}

bool format_fields(struct call *call, struct value template, const struct call_args *args,
                   struct value *out) {
    struct fields f = {.call = call, .args = args, .safe = template.flags & VALUE_SAFE};
    struct text text;
    struct str made;
    text_init(&text, call->arena, (size_t) template.n + 32);
    if (!expand(&f, value_str(template), 0, &text) || !text_finish_str(&text, call, &made))
        return false;
    *out = f.safe ? value_safe(made) : value_string(made);
    return true;
}
