// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "base/utf8.h"
#include "stages/render/ops.h"
#include "stages/render/print.h"

// Values over several lines, as Python's pprint lays them out: what fits on its line stays there, else each
// element gets a line of its own, and the keys of maps are sorted.

enum { WIDTH = 80, DEPTH_MOST = 200 };

struct pretty {
    struct call *call;
    struct buf *out;
    size_t begin;
    int depth;
};

static bool put(struct pretty *p, struct value v, size_t indent, size_t allowance);

static int compare_keys(const void *a, const void *b, void *context) {
    const struct value *keys = context;
    struct value x = keys[*(const uint32_t *)a], y = keys[*(const uint32_t *)b];
    int order = 0;
    bool numbers = x.tag != VALUE_STRING && y.tag != VALUE_STRING && x.tag <= VALUE_BIG && y.tag <= VALUE_BIG;
    if (x.tag == VALUE_STRING && y.tag == VALUE_STRING)
        return str_compare(value_str(x), value_str(y));
    if (numbers && x.tag >= VALUE_BOOL && y.tag >= VALUE_BOOL && op_compare(NULL, x, y, &order))
        return order == OP_UNORDERED ? 0 : order;
    return strcmp(op_type_name(x), op_type_name(y)); // without an order of their own: by type
}

static bool sorted(struct pretty *p, const struct map *map, uint32_t **order) {
    uint32_t n = map->shape->n;
    struct value *keys = arena_alloc(p->call->arena, (n + 1) * sizeof *keys);
    *order = arena_alloc(p->call->arena, (n + 1) * sizeof **order);
    if (!*order || !keys)
        return call_no_memory(p->call);
    for (uint32_t i = 0; i < n; i++) {
        (*order)[i] = i;
        keys[i] = map->shape->keys[i];
    }
    qsort_r(*order, n, sizeof **order, compare_keys, keys);
    return true;
}

// The value on one line, keys sorted.
static bool put_flat(struct pretty *p, struct value v) {
    if (++p->depth > DEPTH_MOST)
        return call_fail(p->call, "values nested more than %d deep cannot be printed", DEPTH_MOST);
    if (v.tag == VALUE_MAP) {
        uint32_t *order;
        if (!sorted(p, v.map, &order))
            return false;
        buf_add_char(p->out, '{');
        for (uint32_t i = 0; i < v.map->shape->n; i++) {
            buf_add_text(p->out, i ? ", " : "");
            if (!put_flat(p, v.map->shape->keys[order[i]]))
                return false;
            buf_add_text(p->out, ": ");
            if (!put_flat(p, v.map->values[order[i]]))
                return false;
        }
        buf_add_char(p->out, '}');
    } else if (v.tag == VALUE_LIST) {
        bool tuple = v.flags & VALUE_TUPLE;
        buf_add_char(p->out, tuple ? '(' : '[');
        for (uint32_t i = 0; i < v.list->n; i++) {
            buf_add_text(p->out, i ? ", " : "");
            if (!put_flat(p, v.list->items[i]))
                return false;
        }
        buf_add_text(p->out, !tuple ? "]" : v.list->n == 1 ? ",)" : ")");
    } else if (!print_repr(p->call, v, p->out)) {
        return false;
    }
    p->depth--;
    return print_bounded(p->call, p->out, p->begin);
}

static void new_line(struct pretty *p, size_t indent) {
    buf_add_text(p->out, ",\n");
    for (size_t i = 0; i < indent; i++)
        buf_add_char(p->out, ' ');
}

static bool put_list(struct pretty *p, struct value v, size_t indent, size_t allowance) {
    bool tuple = v.flags & VALUE_TUPLE;
    const char *close = !tuple ? "]" : v.list->n == 1 ? ",)" : ")";
    buf_add_char(p->out, tuple ? '(' : '[');
    for (uint32_t i = 0; i < v.list->n; i++) {
        if (i)
            new_line(p, indent + 1);
        if (!put(p, v.list->items[i], indent + 1, i + 1 == v.list->n ? allowance + strlen(close) : 1))
            return false;
    }
    buf_add_text(p->out, close);
    return true;
}

static bool put_map(struct pretty *p, struct value v, size_t indent, size_t allowance) {
    uint32_t *order, n = v.map->shape->n;
    if (!sorted(p, v.map, &order))
        return false;
    buf_add_char(p->out, '{');
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            new_line(p, indent + 1);
        size_t from = p->out->n;
        if (!put_flat(p, v.map->shape->keys[order[i]]))
            return false;
        buf_add_text(p->out, ": ");
        size_t key = utf8_length(str_from(buf_str(p->out), from));
        if (!put(p, v.map->values[order[i]], indent + 1 + key, i + 1 == n ? allowance + 1 : 1))
            return false;
    }
    buf_add_char(p->out, '}');
    return true;
}

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// The next piece of a string: a word with the white space after it.
static struct str next_piece(struct str *rest) {
    size_t i = 0;
    while (i < rest->n && !is_blank(rest->p[i]))
        i++;
    while (i < rest->n && is_blank(rest->p[i]))
        i++;
    struct str piece = str_slice(*rest, 0, i);
    *rest = str_from(*rest, i);
    return piece;
}

static size_t quoted_width(struct str s) {
    struct buf b = BUF_INIT;
    print_quoted(s, &b);
    size_t width = utf8_length(buf_str(&b));
    buf_release(&b);
    return width;
}

struct literal { // a long string as several literals
    struct pretty *p;
    size_t indent;
    uint32_t n;
};

static void put_part(struct literal *l, struct str part) {
    if (part.n == 0)
        return;
    if (l->n++) {
        buf_add_char(l->p->out, '\n');
        for (size_t i = 0; i < l->indent; i++)
            buf_add_char(l->p->out, ' ');
    }
    print_quoted(part, l->p->out);
}

// A line's words, as many to a literal as fit.
static void put_words(struct literal *l, struct str line, size_t allowance) {
    struct str open = str_slice(line, 0, 0);
    while (line.n) {
        struct str piece = next_piece(&line), longer = {open.p, open.n + piece.n};
        size_t most = WIDTH - l->indent - (line.n ? 0 : allowance);
        bool fits = quoted_width(longer) <= most;
        if (!fits)
            put_part(l, open);
        open = fits ? longer : piece;
    }
    put_part(l, open);
}

// The literals of a long string, each on a line of its own: lines first, then words.
static uint32_t put_literals(struct pretty *p, struct str rest, size_t indent, size_t allowance) {
    struct literal l = {.p = p, .indent = indent};
    while (rest.n) {
        const char *newline = memchr(rest.p, '\n', rest.n);
        struct str line = newline ? str_slice(rest, 0, (size_t)(newline - rest.p) + 1) : rest;
        rest = str_from(rest, line.n);
        size_t after = rest.n ? 0 : allowance;
        if (quoted_width(line) <= WIDTH - indent - after)
            put_part(&l, line);
        else
            put_words(&l, line, after);
    }
    return l.n;
}

// In brackets where it is the whole value and takes several literals.
static void put_string(struct pretty *p, struct value v, size_t indent, size_t allowance) {
    bool outermost = p->depth == 1;
    size_t from = p->out->n;
    uint32_t n = put_literals(p, value_str(v), indent + outermost, allowance + outermost);
    if (!outermost || n < 2)
        return;
    buf_add_char(p->out, ')');
    memmove(p->out->p + from + 1, p->out->p + from, p->out->n - 1 - from);
    p->out->p[from] = '(';
    buf_add_char(p->out, ')');
}

static bool put(struct pretty *p, struct value v, size_t indent, size_t allowance) {
    struct buf flat = BUF_INIT, *out = p->out;
    size_t begin = p->begin;
    p->out = &flat;
    p->begin = 0;
    bool fine = put_flat(p, v);
    p->out = out;
    p->begin = begin;
    size_t width = utf8_length(buf_str(&flat));
    bool fits = width + indent + allowance <= WIDTH;
    bool container = (v.tag == VALUE_LIST && v.list->n) || (v.tag == VALUE_MAP && v.map->shape->n);
    bool words = v.tag == VALUE_STRING && !(v.flags & VALUE_SAFE) && v.n && indent + allowance + 10 < WIDTH;
    if (fine && (fits || (!container && !words)))
        buf_add_str(out, buf_str(&flat));
    buf_release(&flat);
    if (!fine || fits || (!container && !words))
        return fine && print_bounded(p->call, out, begin);
    p->depth++;
    if (v.tag == VALUE_STRING)
        put_string(p, v, indent, allowance);
    else
        fine = v.tag == VALUE_MAP ? put_map(p, v, indent, allowance) : put_list(p, v, indent, allowance);
    p->depth--;
    return fine;
}

bool print_pretty(struct call *call, struct value v, struct buf *out) {
    struct pretty p = {.call = call, .out = out, .begin = out->n};
    return put(&p, v, 0, 0);
}
