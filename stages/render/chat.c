// SPDX-License-Identifier: MIT
/*
 * What chat templates of language models have besides Jinja: raise_exception(), strftime_now() and a `tojson`
 * that writes what json.dumps does, with characters beyond ASCII as they are.
 */
#include <time.h>

#include "base/number.h"
#include "stages/render/arguments.h"
#include "stages/render/filters.h"
#include "stages/render/globals.h"
#include "stages/render/machine.h"

bool global_raise_exception(struct call *call) {
    struct str text;
    return print_to_str(call, call->args[1], &text) &&
           call_fail_text(call,
                          text.n > 0 ? text : STR("raise_exception() was called with an empty message"));
}

// ---- strftime_now

enum { DIRECTIVE_SIZE = 24, WIDTH_DIGITS = 3 };

// The length of the directive at `at` ("%-d", "%Ey", "%010Y"), 1 where there is none.
static size_t directive_length(struct str format, size_t at) {
    size_t i = at + 1, digits = 0;
    while (i < format.n && strchr("_-0^#+", format.p[i]) && format.p[i])
        i++;
    for (; i < format.n && format.p[i] >= '0' && format.p[i] <= '9'; i++)
        digits++;
    if (i < format.n && (format.p[i] == 'E' || format.p[i] == 'O'))
        i++;
    bool letter = i < format.n && (format.p[i] == '%' || (format.p[i] >= 'A' && format.p[i] <= 'Z') ||
                                   (format.p[i] >= 'a' && format.p[i] <= 'z'));
    size_t n = i + 1 - at;
    return letter && digits <= WIDTH_DIGITS && n < DIRECTIVE_SIZE ? n : 1;
}

// One directive, by the C library, which Python asks as well. No command sets a locale, so names are English.
static void add_directive(struct text *t, struct str directive, int64_t now, const struct tm *tm) {
    if (directive.n == 1 || str_is(directive, "%f") || str_is(directive, "%z") || str_is(directive, "%Z")) {
        // What only Python knows: microseconds, and that a time without a zone shows none.
        text_add_str(t, directive.n == 1 ? directive : str_is(directive, "%f") ? STR("000000") : STR(""));
        return;
    }
    if (str_is(directive, "%s")) { // the C library would take the time for a local one
        char digits[NUMBER_TEXT_SIZE];
        text_add(t, digits, number_write_int(digits, now));
        return;
    }
    // A mark at the end tells an empty result from one that does not fit.
    char format[DIRECTIVE_SIZE + 2], out[1200];
    memcpy(format, directive.p, directive.n);
    memcpy(format + directive.n, "|", 2);
    size_t n = strftime(out, sizeof out, format, tm);
    text_add(t, out, n ? n - 1 : 0);
}

bool global_strftime_now(struct call *call) {
    if (call->args[1].tag != VALUE_STRING)
        return call_fail(call, "strftime_now() wants a format string, not %s", op_type_name(call->args[1]));
    struct str format = value_str(call->args[1]);
    time_t now = (time_t)vm_now(call->vm);
    struct tm tm;
    struct text t;
    if (!gmtime_r(&now, &tm))
        return call_fail(call, "the time of this run is in no year there is");
    text_init(&t, call->arena, format.n * 2);
    for (size_t at = 0; at < format.n;) {
        size_t n = format.p[at] == '%' ? directive_length(format, at) : 0;
        if (n)
            add_directive(&t, str_slice(format, at, at + n), now, &tm);
        else
            text_add_char(&t, format.p[at]);
        at += n ? n : 1;
    }
    return text_finish(&t, call, false);
}

// ---- tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False)

static bool json_separators(struct call *call, struct value v, struct json_style *style) {
    if (v.tag != VALUE_LIST || v.list->n != 2 || v.list->items[0].tag != VALUE_STRING ||
        v.list->items[1].tag != VALUE_STRING)
        return call_fail(call, "tojson: separators are a pair of strings, such as (',', ':')");
    style->item_separator = value_str(v.list->items[0]);
    style->key_separator = value_str(v.list->items[1]);
    return true;
}

bool filter_tojson_chat(struct call *call) {
    struct json_style style = {.item_separator = STR(", "), .key_separator = STR(": ")};
    struct buf b = BUF_INIT;
    struct str s;
    if (!arg_truth(call, 1, &style.ascii) || !json_indent(call, 2, &style))
        return false;
    if (arg_set(call, 3) && !json_separators(call, call->args[3], &style))
        return false;
    if (!arg_truth(call, 4, &style.sort))
        return false;
    if (!print_json(call, call->args[0], &style, &b)) {
        buf_release(&b);
        return false;
    }
    return print_take(call, &b, &s) && return_str(call, s, false);
}
