// SPDX-License-Identifier: MIT
#include "stages/render/print.h"

#include <inttypes.h>

#include "base/number.h"
#include "base/utf8.h"
#include "stages/render/letters.h"
#include "stages/render/machine.h"
#include "stages/render/ops.h"
#include "stages/render/sequence.h"
#include "stages/render/text.h"

enum { DEPTH_MOST = 500, BYTES_MOST = 256 << 20 };

struct printer {
    struct call *call;
    struct buf *out;
    size_t begin;
    int depth;
};

static bool repr_within(struct printer *p, struct value v);

bool print_bounded(struct call *call, const struct buf *out, size_t begin) {
    size_t limit = call->arena->limit ? call->arena->limit : BYTES_MOST;
    return out->n - begin <= limit || call_no_memory(call);
}

// ---- strings

static void quote_point(uint32_t c, struct buf *out) {
    if (c < 0x100)
        buf_printf(out, "\\x%02" PRIx32, c);
    else if (c < 0x10000)
        buf_printf(out, "\\u%04" PRIx32, c);
    else
        buf_printf(out, "\\U%08" PRIx32, c);
}

static void quote_ascii(char c, char quote, struct buf *out) {
    switch (c) {
    case '\n':
        buf_add(out, "\\n", 2);
        return;
    case '\r':
        buf_add(out, "\\r", 2);
        return;
    case '\t':
        buf_add(out, "\\t", 2);
        return;
    case '\\':
        buf_add(out, "\\\\", 2);
        return;
    default:
        break;
    }
    if (c == quote)
        buf_add_char(out, '\\');
    if (c < 0x20 || c == 0x7f)
        quote_point((uint32_t)(uint8_t)c, out);
    else
        buf_add_char(out, c);
}

void print_quoted(struct str text, struct buf *out) {
    bool single = text.n && memchr(text.p, '\'', text.n);
    char quote = single && !memchr(text.p, '"', text.n) ? '"' : '\'';
    buf_reserve(out, text.n + 2);
    buf_add_char(out, quote);
    size_t from = 0, size;
    for (size_t at = 0; at < text.n; at += size) {
        char c = text.p[at];
        size = 1;
        bool ascii = ((uint8_t)c & 0x80) == 0;
        if (ascii && c >= 0x20 && c != 0x7f && c != '\\' && c != quote)
            continue;
        uint32_t point = ascii ? 0 : utf8_decode(text.p + at, &size);
        if (!ascii && letters_is(point, LETTERS_PRINTABLE))
            continue;
        buf_add(out, text.p + from, at - from);
        if (ascii)
            quote_ascii(c, quote, out);
        else
            quote_point(point, out);
        from = at + size;
    }
    buf_add(out, text.p + from, text.n - from);
    buf_add_char(out, quote);
}

// ---- scalars

// A number (int, bool, float) as str() prints it; NUMBER_TEXT_SIZE bytes are enough.
static size_t copy_number(struct value v, char *out) {
    switch (v.tag) {
    case VALUE_BOOL:
        memcpy(out, v.i ? "True" : "False", v.i ? 4 : 5);
        return v.i ? 4 : 5;
    case VALUE_INT:
        return number_write_int(out, v.i);
    default:
        return number_write_double(out, v.f);
    }
}

static void add_number(struct value v, struct buf *out) {
    if (out->cap - out->n < NUMBER_TEXT_SIZE)
        buf_reserve(out, NUMBER_TEXT_SIZE);
    out->n += copy_number(v, out->p + out->n);
}

static bool print_undefined(struct call *call, struct value v, struct buf *out) {
    if (v.aux == UNDEFINED_SILENT)
        return true;
    switch (vm_undefined(call->vm)) {
    case UNDEFINED_DEFAULT:
        return true;
    case UNDEFINED_STRICT:
        return op_undefined(call, v);
    case UNDEFINED_KEEP:
        buf_printf(out, "{{ %.*s }}", STR_ARG(value_str(v)));
        return true;
    }
    return true;
}

// ---- containers

static bool deeper(struct printer *p) {
    if (++p->depth > DEPTH_MOST)
        return call_fail(p->call, "values nested more than %d deep cannot be printed", DEPTH_MOST);
    return true;
}

static bool repr_items(struct printer *p, const char *open, const struct value *items, uint32_t n,
                       const char *close) {
    if (!deeper(p))
        return false;
    buf_add_text(p->out, open);
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_add(p->out, ", ", 2);
        if (!repr_within(p, items[i]) || !print_bounded(p->call, p->out, p->begin))
            return false;
    }
    buf_add_text(p->out, close);
    p->depth--;
    return true;
}

static bool repr_map(struct printer *p, const struct map *map) {
    if (!deeper(p))
        return false;
    buf_add_char(p->out, '{');
    for (uint32_t i = 0; i < map->shape->n; i++) {
        if (i)
            buf_add(p->out, ", ", 2);
        if (!repr_within(p, map->shape->keys[i]))
            return false;
        buf_add(p->out, ": ", 2);
        if (!repr_within(p, map->values[i]) || !print_bounded(p->call, p->out, p->begin))
            return false;
    }
    buf_add_char(p->out, '}');
    p->depth--;
    return true;
}

static bool repr_object(struct printer *p, struct value v) {
    const struct object_type *type = v.object->type;
    if (type->print)
        return type->print(p->call->vm, v.object, p->out);
    if (!sequence_is(v)) {
        buf_printf(p->out, "<%s object>", type->name);
        return true;
    }
    const struct value *items;
    uint32_t n;
    if (!sequence_items(p->call, v, &items, &n))
        return false;
    buf_add_text(p->out, type->name);
    return repr_items(p, "([", items, n, "])");
}

static bool repr_within(struct printer *p, struct value v) {
    switch ((enum value_tag)v.tag) {
    case VALUE_STRING:
        if (v.flags & VALUE_SAFE)
            buf_add(p->out, "Markup(", 7);
        print_quoted(value_str(v), p->out);
        if (v.flags & VALUE_SAFE)
            buf_add_char(p->out, ')');
        return true;
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_FLOAT:
        add_number(v, p->out);
        return true;
    case VALUE_BIG:
        buf_add_str(p->out, value_str(v));
        return true;
    case VALUE_NONE:
        buf_add(p->out, "None", 4);
        return true;
    case VALUE_LIST:
        if (v.flags & VALUE_TUPLE)
            return repr_items(p, "(", v.list->items, v.list->n, v.list->n == 1 ? ",)" : ")");
        return repr_items(p, "[", v.list->items, v.list->n, "]");
    case VALUE_MAP:
        return repr_map(p, v.map);
    case VALUE_ITER:
        buf_printf(p->out, "<%s object>", op_type_name(v));
        return true;
    case VALUE_OBJECT:
        return repr_object(p, v);
    case VALUE_UNDEFINED:
    case VALUE_MISSING:
        buf_add(p->out, "Undefined", 9);
        return true;
    }
    return true;
}

bool print_repr(struct call *call, struct value v, struct buf *out) {
    struct printer p = {.call = call, .out = out, .begin = out->n};
    return repr_within(&p, v);
}

static bool is_markup(struct value v) {
    return v.tag == VALUE_OBJECT && v.object->type->markup;
}

bool print_str(struct call *call, struct value v, struct buf *out) {
    if (v.tag == VALUE_STRING) {
        buf_add_str(out, value_str(v));
        return true;
    }
    if (v.tag == VALUE_UNDEFINED)
        return print_undefined(call, v, out);
    if (is_markup(v)) {
        buf_add_str(out, v.object->type->markup(v.object));
        return true;
    }
    return print_repr(call, v, out);
}

bool print_str_escaped(struct call *call, struct value v, struct buf *out) {
    switch (v.tag) {
    case VALUE_STRING:
        if (v.flags & VALUE_SAFE)
            buf_add_str(out, value_str(v));
        else
            print_escaped(value_str(v), out);
        return true;
    case VALUE_INT:
    case VALUE_FLOAT:
    case VALUE_BOOL:
        add_number(v, out);
        return true;
    default:
        if (is_markup(v))
            return print_str(call, v, out);
        break;
    }
    struct buf plain = BUF_INIT;
    bool fine = print_str(call, v, &plain);
    if (fine)
        print_escaped(buf_str(&plain), out);
    buf_release(&plain);
    return fine;
}

bool print_take(struct call *call, struct buf *b, struct str *out) {
    *out = b->n ? arena_str(call->arena, buf_str(b)) : STR("");
    buf_release(b);
    return out->p || call_no_memory(call);
}

bool print_to_str(struct call *call, struct value v, struct str *out) {
    switch (v.tag) {
    case VALUE_STRING:
    case VALUE_BIG:
        *out = value_str(v);
        return true;
    case VALUE_NONE:
        *out = STR("None");
        return true;
    case VALUE_BOOL:
        *out = v.i ? STR("True") : STR("False");
        return true;
    case VALUE_INT:
    case VALUE_FLOAT: {
        char *p = arena_alloc(call->arena, NUMBER_TEXT_SIZE);
        if (!p)
            return call_no_memory(call);
        *out = (struct str){p, copy_number(v, p)};
        return true;
    }
    default:
        break;
    }
    struct buf b = BUF_INIT;
    if (print_str(call, v, &b))
        return print_take(call, &b, out);
    buf_release(&b);
    return false;
}
