// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "stages/record/value_json.h"
#include "stages/render/ops.h"
#include "stages/render/print.h"

enum { DEPTH_MOST = 500 };

struct writer {
    struct call *call;
    const struct json_style *style;
    struct buf *out;
    size_t begin;
    int depth;
};

static bool write_value(struct writer *w, struct value v);

// ---- strings

static bool is_html_special(char c) {
    return c == '<' || c == '>' || c == '&' || c == '\'';
}

static void add_unit(uint32_t unit, struct buf *out) {
    buf_printf(out, "\\u%04" PRIx32, unit);
}

static void add_special(char c, struct buf *out) {
    switch (c) {
    case '"':
        buf_add(out, "\\\"", 2);
        return;
    case '\\':
        buf_add(out, "\\\\", 2);
        return;
    case '\n':
        buf_add(out, "\\n", 2);
        return;
    case '\r':
        buf_add(out, "\\r", 2);
        return;
    case '\t':
        buf_add(out, "\\t", 2);
        return;
    case '\b':
        buf_add(out, "\\b", 2);
        return;
    case '\f':
        buf_add(out, "\\f", 2);
        return;
    default:
        add_unit((uint32_t)(uint8_t)c, out);
    }
}

static void write_string(struct writer *w, struct str text) {
    struct buf *out = w->out;
    buf_reserve(out, text.n + 2);
    buf_add_char(out, '"');
    size_t from = 0, size;
    for (size_t at = 0; at < text.n; at += size) {
        char c = text.p[at];
        size = 1;
        bool ascii = ((uint8_t)c & 0x80) == 0;
        // DEL stands as it is in JSON, but not where only printable ASCII may.
        bool plain = ascii ? c >= 0x20 && c != '"' && c != '\\' && (c != 0x7f || !w->style->ascii) &&
                                 !(w->style->html && is_html_special(c))
                           : !w->style->ascii;
        if (plain)
            continue;
        buf_add(out, text.p + from, at - from);
        if (ascii) {
            add_special(c, out);
        } else {
            uint32_t point = utf8_decode(text.p + at, &size);
            if (point >= 0x10000) {
                add_unit(0xd800 + ((point - 0x10000) >> 10), out);
                point = 0xdc00 + ((point - 0x10000) & 0x3ff);
            }
            add_unit(point, out);
        }
        from = at + size;
    }
    buf_add(out, text.p + from, text.n - from);
    buf_add_char(out, '"');
}

// ---- containers

static void break_line(struct writer *w) {
    if (!w->style->unit.p)
        return;
    buf_add_char(w->out, '\n');
    for (int i = 0; i < w->depth; i++)
        buf_add_str(w->out, w->style->unit);
}

static void separate(struct writer *w) {
    buf_add_str(w->out, w->style->item_separator);
    break_line(w);
}

static bool deeper(struct writer *w) {
    if (++w->depth > DEPTH_MOST)
        return call_fail(w->call, "values nested more than %d deep cannot be written as JSON", DEPTH_MOST);
    return true;
}

static bool write_list(struct writer *w, const struct list *list) {
    if (list->n == 0) {
        buf_add(w->out, "[]", 2);
        return true;
    }
    if (!deeper(w))
        return false;
    buf_add_char(w->out, '[');
    break_line(w);
    for (uint32_t i = 0; i < list->n; i++) {
        if (i)
            separate(w);
        if (!write_value(w, list->items[i]) || !print_bounded(w->call, w->out, w->begin))
            return false;
    }
    w->depth--;
    break_line(w);
    buf_add_char(w->out, ']');
    return true;
}

static bool write_key(struct writer *w, struct value key) {
    if (key.tag == VALUE_STRING) {
        write_string(w, value_str(key));
        return true;
    }
    buf_add_char(w->out, '"');
    if (!value_json_add_scalar(w->out, key))
        return call_fail(w->call, "keys must be str, int, float, bool or None, not %s", op_type_name(key));
    buf_add_char(w->out, '"');
    return true;
}

struct sorter {
    struct call *call;
    const struct value *keys;
    bool failed;
};

static int compare_keys(const void *a, const void *b, void *context) {
    struct sorter *s = context;
    uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    int order = 0;
    if (!s->failed && !op_compare(s->call, s->keys[i], s->keys[k], &order))
        s->failed = true;
    return order;
}

static bool key_order(struct writer *w, const struct map *map, uint32_t **order) {
    uint32_t n = map->shape->n;
    *order = arena_alloc(w->call->arena, n * sizeof **order);
    if (!*order)
        return call_no_memory(w->call);
    for (uint32_t i = 0; i < n; i++)
        (*order)[i] = i;
    struct sorter s = {.call = w->call, .keys = map->shape->keys};
    if (w->style->sort)
        qsort_r(*order, n, sizeof **order, compare_keys, &s);
    return !s.failed;
}

static bool write_map(struct writer *w, const struct map *map) {
    uint32_t *order;
    if (map->shape->n == 0) {
        buf_add(w->out, "{}", 2);
        return true;
    }
    if (!deeper(w) || !key_order(w, map, &order))
        return false;
    buf_add_char(w->out, '{');
    break_line(w);
    for (uint32_t i = 0; i < map->shape->n; i++) {
        if (i)
            separate(w);
        if (!write_key(w, map->shape->keys[order[i]]))
            return false;
        buf_add_str(w->out, w->style->key_separator);
        if (!write_value(w, map->values[order[i]]) || !print_bounded(w->call, w->out, w->begin))
            return false;
    }
    w->depth--;
    break_line(w);
    buf_add_char(w->out, '}');
    return true;
}

static bool write_value(struct writer *w, struct value v) {
    if (v.tag == VALUE_STRING) {
        write_string(w, value_str(v));
        return true;
    }
    if (v.tag == VALUE_LIST)
        return write_list(w, v.list);
    if (v.tag == VALUE_MAP)
        return write_map(w, v.map);
    return value_json_add_scalar(w->out, v) ||
           call_fail(w->call, "Object of type %s is not JSON serializable", op_type_name(v));
}

bool print_json(struct call *call, struct value v, const struct json_style *style, struct buf *out) {
    struct writer w = {.call = call, .style = style, .out = out, .begin = out->n};
    return write_value(&w, v);
}
