// SPDX-License-Identifier: MIT
/*
 * A byte for the kind, then of an integer or float 8 bytes in the machine's order, of a text its length and bytes, of a
 * list its length and elements, of a map its length and, in turn, keys and values. Lengths are 7 bits a byte, the lowest
 * first, the 8th where more follow.
 */
#include "stages/record/value_pack.h"

#include <string.h>

enum kind {
    KIND_NONE,
    KIND_FALSE,
    KIND_TRUE,
    KIND_INT,
    KIND_FLOAT,
    KIND_BIG,
    KIND_STRING,
    KIND_LIST,
    KIND_MAP
};

enum { SHAPE_KEYS = 64, DEPTH = 1024 };

// Packing -----------------------------------------------------------------------------------------------------

static void add_length(struct buf *out, uint32_t n) {
    for (; n >= 128; n >>= 7)
        buf_add_char(out, (char)(n | 128));
    buf_add_char(out, (char)n);
}

static void add_text(struct buf *out, enum kind kind, struct str text) {
    buf_add_char(out, (char)kind);
    add_length(out, (uint32_t)text.n);
    buf_add_str(out, text);
}

static void add_bits(struct buf *out, enum kind kind, int64_t bits) {
    buf_add_char(out, (char)kind);
    buf_add(out, (const char *)&bits, sizeof bits);
}

static void add_map(struct buf *out, const struct map *map) {
    buf_add_char(out, KIND_MAP);
    add_length(out, map->shape->n);
    for (uint32_t i = 0; i < map->shape->n; i++) {
        add_text(out, KIND_STRING, value_str(map->shape->keys[i]));
        value_pack(out, map->values[i]);
    }
}

void value_pack(struct buf *out, struct value v) {
    switch (v.tag) {
    case VALUE_BOOL:
        buf_add_char(out, v.i ? KIND_TRUE : KIND_FALSE);
        break;
    case VALUE_INT:
        add_bits(out, KIND_INT, v.i);
        break;
    case VALUE_FLOAT: // the same eight bytes
        add_bits(out, KIND_FLOAT, v.i);
        break;
    case VALUE_BIG:
        add_text(out, KIND_BIG, value_str(v));
        break;
    case VALUE_STRING:
        add_text(out, KIND_STRING, value_str(v));
        break;
    case VALUE_LIST:
        buf_add_char(out, KIND_LIST);
        add_length(out, v.list->n);
        for (uint32_t i = 0; i < v.list->n; i++)
            value_pack(out, v.list->items[i]);
        break;
    case VALUE_MAP:
        add_map(out, v.map);
        break;
    default:
        buf_add_char(out, KIND_NONE);
    }
}

// Unpacking ---------------------------------------------------------------------------------------------------

static bool take_length(struct str *rest, uint32_t *n) {
    *n = 0;
    for (unsigned shift = 0; shift < 32 && rest->n > 0; shift += 7) {
        const unsigned char byte = (unsigned char)rest->p[0];
        *rest = str_from(*rest, 1);
        *n |= (uint32_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

static bool take_text(struct str *rest, uint8_t tag, struct value *out) {
    uint32_t n;
    if (!take_length(rest, &n) || n > rest->n)
        return false;
    *out = value_string(str_slice(*rest, 0, n));
    out->tag = tag;
    *rest = str_from(*rest, n);
    return true;
}

static bool take_bits(struct str *rest, uint8_t tag, struct value *out) {
    if (rest->n < sizeof out->i)
        return false;
    *out = (struct value){.tag = tag};
    memcpy(&out->i, rest->p, sizeof out->i);
    *rest = str_from(*rest, sizeof out->i);
    return true;
}

struct unpacking {
    struct str *rest;
    struct shapes *shapes;
    struct arena *arena;
    uint32_t depth;
};

static bool take(struct unpacking *u, struct value *out);

static bool take_list(struct unpacking *u, struct value *out) {
    uint32_t n;
    if (!take_length(u->rest, &n) || n > u->rest->n)
        return false;
    struct list *list = list_new(u->arena, n);
    for (uint32_t i = 0; list && i < n; i++)
        if (!take(u, &list->items[i]))
            return false;
    *out = value_list(list);
    return list != NULL;
}

static const struct shape *shape_of(const struct unpacking *u, const struct value *keys, uint32_t n) {
    const struct shape *shape = shapes_of_names(u->shapes, keys, n);
    struct value *own = shape ? NULL : ARENA_NEW_ARRAY(u->arena, struct value, n + 1);
    if (shape || !own)
        return shape;
    memcpy(own, keys, n * sizeof *own);
    return shape_new_private(u->arena, own, n);
}

static bool take_map(struct unpacking *u, struct value *out) {
    struct value few[SHAPE_KEYS];
    uint32_t n;
    if (!take_length(u->rest, &n) || n > u->rest->n)
        return false;
    struct value *keys = n <= SHAPE_KEYS ? few : ARENA_NEW_ARRAY(u->arena, struct value, n);
    struct value *values = arena_alloc(u->arena, (n + 1) * sizeof *values);
    struct map *map = ARENA_NEW(u->arena, struct map);
    for (uint32_t i = 0; keys && values && i < n; i++)
        if (u->rest->n == 0 || u->rest->p[0] != KIND_STRING || !take(u, &keys[i]) || !take(u, &values[i]))
            return false;
    if (!keys || !values || !map)
        return false;
    *map = (struct map){.shape = shape_of(u, keys, n), .values = values};
    *out = value_map(map);
    return map->shape != NULL;
}

static bool take_nested(struct unpacking *u, bool map, struct value *out) {
    if (++u->depth > DEPTH)
        return false;
    const bool fine = map ? take_map(u, out) : take_list(u, out);
    u->depth--;
    return fine;
}

static bool take(struct unpacking *u, struct value *out) {
    struct str *rest = u->rest;
    if (rest->n == 0)
        return false;
    const char kind = rest->p[0];
    *rest = str_from(*rest, 1);
    switch (kind) {
    case KIND_NONE:
        *out = value_none();
        return true;
    case KIND_FALSE:
    case KIND_TRUE:
        *out = value_bool(kind == KIND_TRUE);
        return true;
    case KIND_INT:
        return take_bits(rest, VALUE_INT, out);
    case KIND_FLOAT:
        return take_bits(rest, VALUE_FLOAT, out);
    case KIND_BIG:
        return take_text(rest, VALUE_BIG, out);
    case KIND_STRING:
        return take_text(rest, VALUE_STRING, out);
    case KIND_LIST:
    case KIND_MAP:
        return take_nested(u, kind == KIND_MAP, out);
    default:
        return false;
    }
}

bool value_unpack(struct str *rest, struct shapes *shapes, struct arena *arena, struct value *out) {
    struct unpacking u = {.rest = rest, .shapes = shapes, .arena = arena};
    return take(&u, out);
}
