// SPDX-License-Identifier: MIT
#include "base/utf8.h"
#include "stages/render/arguments.h"
#include "stages/render/bind.h"
#include "stages/render/filters.h"
#include "stages/render/format.h"
#include "stages/render/letters.h"
#include "stages/render/strings.h"

// Filters that make texts of texts. A safe string stays safe; what is put into it is escaped.

static bool mapped(struct call *call, enum letters_case how) {
    struct str s;
    bool safe;
    return self_text(call, &s, &safe) && letters_map(call, s, how, &s) && return_str(call, s, safe);
}
bool filter_capitalize(struct call *call) {
    return mapped(call, LETTERS_CAPITALIZE);
}
bool filter_lower(struct call *call) {
    return mapped(call, LETTERS_LOWER);
}
bool filter_upper(struct call *call) {
    return mapped(call, LETTERS_UPPER);
}

bool filter_string(struct call *call) {
    struct str s;
    bool safe;
    return self_text(call, &s, &safe) && return_str(call, s, safe);
}

// ---- title: words begin after white space, hyphens and opening brackets

static bool is_word_break(uint32_t c) {
    return c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || letters_is(c, LETTERS_SPACE);
}

static bool title_ascii(struct call *call, struct str s, struct str *out) {
    char *p = arena_alloc(call->arena, s.n + 1);
    if (!p)
        return call_no_memory(call);
    bool start = true;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
        p[i] = (start ? lower : upper) ? (char)(c ^ 0x20) : c;
        start = !upper && !lower && is_word_break((uint8_t)c);
    }
    *out = (struct str){p, s.n};
    return true;
}

static bool title_any(struct call *call, struct str s, struct str *out) {
    struct text t;
    text_init(&t, call->arena, 0);
    for (size_t at = 0, end; at < s.n; at = end) {
        size_t first, size;
        bool breaks = is_word_break(utf8_decode(s.p + at, &first));
        for (end = at + first; end < s.n && is_word_break(utf8_decode(s.p + end, &size)) == breaks;)
            end += size;
        struct str head, tail;
        if (!letters_map(call, str_slice(s, at, at + first), LETTERS_UPPER, &head) ||
            !letters_map(call, str_slice(s, at + first, end), LETTERS_LOWER, &tail))
            return false;
        text_add_str(&t, head);
        text_add_str(&t, tail);
    }
    return text_finish_str(&t, call, out);
}

bool filter_title(struct call *call) {
    struct str s;
    bool safe;
    return self_text(call, &s, &safe) &&
           (utf8_is_ascii(s) ? title_ascii(call, s, &s) : title_any(call, s, &s)) &&
           return_str(call, s, false);
}

// ----

bool filter_center(struct call *call) {
    struct str s;
    bool safe;
    int64_t width;
    return self_text(call, &s, &safe) && arg_int(call, 1, 80, &width) &&
           strings_center(call, s, width, STR(" "), &s) && return_str(call, s, safe);
}

bool filter_trim(struct call *call) {
    struct str s, set;
    bool safe;
    if (!self_text(call, &s, &safe))
        return false;
    if (!arg_set(call, 1))
        return return_str(call, letters_trim(s), safe);
    if (call->args[1].tag != VALUE_STRING)
        return call_fail(call, "strip arg must be None or str");
    if (!(safe ? escaped_text(call, call->args[1], &set) : print_to_str(call, call->args[1], &set)))
        return false;
    return return_str(call, strings_strip(s, set, true, true), safe);
}

bool filter_format(struct call *call) {
    struct str s;
    bool safe;
    uint32_t n;
    const struct map *keywords = bind_keywords(call, &n);
    if (!self_text(call, &s, &safe))
        return false;
    while (n > 1 && call->args[n - 1].tag == VALUE_MISSING)
        n--;
    struct value template = safe ? value_safe(s) : value_string(s), args;
    if (keywords && n > 1)
        return call_fail(call, "can't handle positional and keyword arguments at the same time");
    if (keywords)
        return format_percent(call, template,
                              (struct value){.tag = VALUE_MAP, .map = call->args[call->n - 1].map},
                              &call->result);
    struct value *items = ARENA_NEW_ARRAY(call->arena, struct value, n);
    if (!items)
        return call_no_memory(call);
    memcpy(items, call->args + 1, (n - 1) * sizeof *items);
    return op_new_tuple(call, items, n - 1, &args) && format_percent(call, template, args, &call->result);
}

bool filter_replace(struct call *call) {
    struct value v = call->args[0], old = call->args[1], with = call->args[2];
    struct str s, part, by;
    int64_t most = -1;
    if (arg_set(call, 3) && !op_integer(call, call->args[3], &most))
        return false;
    bool safe = call->autoescape && (is_safe(v) || is_safe(old) || is_safe(with));
    if (!(safe
              ? escaped_text(call, v, &s) && escaped_text(call, old, &part) && escaped_text(call, with, &by)
              : print_to_str(call, v, &s) && print_to_str(call, old, &part) && print_to_str(call, with, &by)))
        return false;
    return strings_replace(call, s, part, by, most, &s) && return_str(call, s, safe);
}

static bool truncate_end(struct call *call, struct value v, struct str *out) {
    if (v.tag != VALUE_STRING && v.tag != VALUE_UNDEFINED)
        return call_fail(call, "object of type '%s' has no len()", op_type_name(v));
    return print_to_str(call, v, out);
}

bool filter_truncate(struct call *call) {
    struct value v = call->args[0];
    struct str s, end = STR("...");
    int64_t length, leeway = 5, size;
    bool killwords;
    if (!arg_int(call, 1, 255, &length) || !arg_truth(call, 2, &killwords) ||
        (arg_given(call, 3) && !truncate_end(call, call->args[3], &end)) ||
        (arg_set(call, 4) && !op_integer(call, call->args[4], &leeway)) || !op_length(call, v, &size))
        return false;
    int64_t end_size = (int64_t)utf8_length(end);
    if (length < end_size)
        return call_fail(call, "expected length >= %lld, got %lld", (long long)end_size, (long long)length);
    if (leeway < 0)
        return call_fail(call, "expected leeway >= 0, got %lld", (long long)leeway);
    call->result = v;
    if (size - leeway <= length)
        return true;
    if (arg_given(call, 3) && call->args[3].tag == VALUE_UNDEFINED)
        return op_undefined(call, call->args[3]);
    if (v.tag != VALUE_STRING)
        return call_fail(call, "truncate needs a string, not %s", op_type_name(v));
    s = value_str(v);
    s.n = utf8_offset(s, (size_t)(length - end_size));
    const char *blank = killwords || !s.n ? NULL : memrchr(s.p, ' ', s.n);
    if (blank)
        s.n = (size_t)(blank - s.p);
    if (is_safe(v) && arg_given(call, 3) && !is_safe(call->args[3]) && !escape_to_str(call, end, &end))
        return false;
    struct text t;
    text_init(&t, call->arena, s.n + end.n);
    text_add_str(&t, s);
    text_add_str(&t, end);
    return text_finish(&t, call, is_safe(v));
}

bool filter_wordcount(struct call *call) {
    struct str s;
    bool safe, in_word = false;
    size_t size;
    int64_t words = 0;
    if (!self_text(call, &s, &safe))
        return false;
    for (size_t at = 0; at < s.n; at += size) {
        bool word = letters_is(utf8_decode(s.p + at, &size), LETTERS_WORD);
        words += word && !in_word;
        in_word = word;
    }
    return return_int(call, words);
}

// ---- indent

static bool indent_unit(struct call *call, struct str *out) {
    if (!arg_given(call, 1) || call->args[1].tag != VALUE_STRING) {
        int64_t width;
        struct text t;
        if (!arg_int(call, 1, 4, &width))
            return false;
        text_init(&t, call->arena, 0);
        text_fill(&t, STR(" "), width > 0 ? (size_t)width : 0);
        return text_finish_str(&t, call, out);
    }
    *out = value_str(call->args[1]); // markup takes it as it is
    return true;
}

bool filter_indent(struct call *call) {
    struct value v = call->args[0];
    bool first, blank;
    struct str unit, rest, line;
    if (v.tag == VALUE_UNDEFINED)
        return op_undefined(call, v);
    if (v.tag != VALUE_STRING)
        return call_fail(call, "unsupported operand type(s) for +=: '%s' and 'str'", op_type_name(v));
    if (!indent_unit(call, &unit) || !arg_truth(call, 2, &first) || !arg_truth(call, 3, &blank))
        return false;
    struct text t;
    rest = value_str(v);
    text_init(&t, call->arena, rest.n + unit.n * 4);
    if (first)
        text_add_str(&t, unit);
    // An end of line at the end of the text is kept: an empty line follows it.
    bool open = rest.n == 0, some = false;
    while (strings_next_line(&rest, true, &line)) {
        struct str bare, copy = line;
        strings_next_line(&copy, false, &bare);
        if (some)
            text_add_char(&t, '\n');
        if (some && (blank || bare.n))
            text_add_str(&t, unit);
        text_add_str(&t, bare);
        some = true;
        open = bare.n != line.n;
    }
    if (some && open) {
        text_add_char(&t, '\n');
        if (blank)
            text_add_str(&t, unit);
    }
    return text_finish(&t, call, is_safe(v));
}
