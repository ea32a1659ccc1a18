// SPDX-License-Identifier: MIT
#include "base/utf8.h"
#include "stages/render/arguments.h"
#include "stages/render/filters.h"
#include "stages/render/markup.h"
#include "stages/render/sequence.h"

// Filters for pages: escaping, attributes, addresses, JSON.

bool filter_escape(struct call *call) {
    struct str s;
    return escaped_text(call, call->args[0], &s) && return_str(call, s, true);
}

bool filter_forceescape(struct call *call) {
    struct str s;
    return print_to_str(call, call->args[0], &s) && escape_to_str(call, s, &s) && return_str(call, s, true);
}

bool filter_safe(struct call *call) {
    struct str s;
    return print_to_str(call, call->args[0], &s) && return_str(call, s, true);
}

bool filter_striptags(struct call *call) {
    struct str s;
    return print_to_str(call, call->args[0], &s) && markup_strip_tags(call, s, &s) &&
           return_str(call, s, false);
}

// ---- urlencode

static bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || c == '~';
}

static bool add_quoted(struct call *call, struct value v, bool query, struct text *t) {
    static const char digits[] = "0123456789ABCDEF";
    struct str s;
    if (!print_to_str(call, v, &s))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (is_unreserved(c) || (c == '/' && !query)) {
            text_add_char(t, c);
        } else if (c == ' ' && query) {
            text_add_char(t, '+');
        } else {
            char escaped[3] = {'%', digits[(uint8_t)c >> 4], digits[(uint8_t)c & 15]};
            text_add(t, escaped, sizeof escaped);
        }
    }
    return true;
}

static bool add_pairs(struct call *call, struct value v, struct text *t) {
    const struct value *items, *pair;
    uint32_t n, parts;
    if (v.tag == VALUE_MAP) {
        items = sequence_pairs(call, v.map);
        n = v.map->shape->n;
        if (!items)
            return false;
    } else if (!op_items(call, v, &items, &n)) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!op_items(call, items[i], &pair, &parts))
            return false;
        if (parts != 2)
            return call_fail(call,
                             parts < 2 ? "not enough values to unpack (expected 2, got %u)"
                                       : "too many values to unpack (expected 2, got %u)",
                             parts);
        if (i)
            text_add_char(t, '&');
        if (!add_quoted(call, pair[0], true, t))
            return false;
        text_add_char(t, '=');
        if (!add_quoted(call, pair[1], true, t))
            return false;
    }
    return true;
}

bool filter_urlencode(struct call *call) {
    struct value v = call->args[0];
    struct text t;
    bool iterable = v.tag == VALUE_MAP || v.tag == VALUE_LIST || v.tag == VALUE_ITER ||
                    v.tag == VALUE_UNDEFINED || sequence_is(v);
    text_init(&t, call->arena, 0);
    return (iterable ? add_pairs(call, v, &t) : add_quoted(call, v, false, &t)) &&
           text_finish(&t, call, false);
}

// ---- xmlattr

static bool is_attribute_name(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (strchr(" \t\n\r\f\v/>=", s.p[i]) && s.p[i])
            return false;
    return true;
}

static bool add_attribute(struct call *call, struct value key, struct value v, struct text *t) {
    struct str name, text;
    if (key.tag != VALUE_STRING)
        return call_fail(call, "attribute names must be strings, not %s", op_type_name(key));
    if (!is_attribute_name(value_str(key)))
        return call_fail(call, "Invalid character in attribute name: '%.*s'", STR_ARG(value_str(key)));
    if (!escaped_text(call, key, &name) || !escaped_text(call, v, &text))
        return false;
    text_add_str(t, name);
    text_add(t, "=\"", 2);
    text_add_str(t, text);
    text_add_char(t, '"');
    return true;
}

bool filter_xmlattr(struct call *call) {
    struct value v = call->args[0];
    bool space = true;
    if (v.tag == VALUE_UNDEFINED)
        return op_undefined(call, v);
    if (v.tag != VALUE_MAP)
        return call_fail(call, "'%s' object has no attribute 'items'", op_type_name(v));
    if (arg_given(call, 1) && !arg_truth(call, 1, &space))
        return false;
    struct text t;
    text_init(&t, call->arena, 0);
    bool some = false;
    for (uint32_t i = 0; i < v.map->shape->n; i++) {
        struct value one = v.map->values[i];
        if (one.tag == VALUE_NONE || one.tag == VALUE_UNDEFINED)
            continue;
        if (some || space)
            text_add_char(&t, ' ');
        if (!add_attribute(call, v.map->shape->keys[i], one, &t))
            return false;
        some = true;
    }
    return text_finish(&t, call, call->autoescape);
}

// ---- whole values

bool json_indent(struct call *call, uint32_t i, struct json_style *style) {
    if (!arg_set(call, i))
        return true;
    style->item_separator = STR(",");
    if (call->args[i].tag == VALUE_STRING) {
        style->unit = value_str(call->args[i]);
        style->unit.p = style->unit.p ? style->unit.p : "";
        return true;
    }
    int64_t width;
    struct text t;
    if (!op_integer(call, call->args[i], &width))
        return false;
    text_init(&t, call->arena, 0);
    text_fill(&t, STR(" "), width > 0 ? (size_t)width : 0);
    return text_finish_str(&t, call, &style->unit);
}

bool filter_tojson(struct call *call) {
    struct json_style style = {
        .ascii = true, .html = true, .sort = true, .item_separator = STR(", "), .key_separator = STR(": ")};
    struct buf b = BUF_INIT;
    struct str s;
    if (!json_indent(call, 1, &style))
        return false;
    if (!print_json(call, call->args[0], &style, &b)) {
        buf_release(&b);
        return false;
    }
    return print_take(call, &b, &s) && return_str(call, s, true);
}

bool filter_pprint(struct call *call) {
    struct buf b = BUF_INIT;
    struct str s;
    if (!print_pretty(call, call->args[0], &b)) {
        buf_release(&b);
        return false;
    }
    return print_take(call, &b, &s) && return_str(call, s, false);
}
