// SPDX-License-Identifier: MIT
#include "stages/record/value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

enum { FIRST_ROOM = 8, LINEAR_KEYS = 8, LONGEST_DOUBLE = 320 }; // digits of DBL_MAX, sign and NUL

struct list *list_new(struct arena *arena, uint32_t n) {
    struct list *list = arena_alloc(arena, sizeof *list + n * sizeof(struct value));
    if (!list)
        return NULL;
    *list = (struct list){.n = n, .cap = n, .items = (struct value *)(void *)(list + 1)};
    return list;
}

struct list *list_new_mutable(struct arena *arena) {
    struct list *list = arena_alloc(arena, sizeof *list);
    if (list)
        *list = (struct list){.arena = arena};
    return list;
}

// Room for one more in a mutable container's array. The old array stays behind in the arena, which at most
// doubles what the container takes.
static struct value *grow_values(struct arena *arena, const struct value *old, uint32_t n, uint32_t cap) {
    struct value *grown = arena_alloc(arena, cap * sizeof *grown);
    if (grown && n)
        memcpy(grown, old, n * sizeof *grown);
    return grown;
}

static uint32_t next_cap(uint32_t cap) {
    return cap == 0 ? FIRST_ROOM : cap > UINT32_MAX / 4 ? 0 : cap * 2; // 0: as full as it can be
}

bool list_append(struct list *list, struct value v) {
    if (list->n == list->cap) {
        uint32_t cap = next_cap(list->cap);
        struct value *items = cap ? grow_values(list->arena, list->items, list->n, cap) : NULL;
        if (!items)
            return false;
        list->items = items;
        list->cap = cap;
    }
    list->items[list->n++] = v;
    return true;
}

struct map *map_new(struct arena *arena, const struct shape *shape) {
    struct map *map = arena_alloc(arena, sizeof *map + shape->n * sizeof(struct value));
    if (map)
        *map = (struct map){.shape = shape, .values = (struct value *)(void *)(map + 1), .cap = shape->n};
    return map;
}

struct map *map_new_mutable(struct arena *arena) {
    struct map *map = arena_alloc(arena, sizeof *map);
    struct shape *shape = map ? arena_zero(arena, sizeof *shape) : NULL;
    if (!shape)
        return NULL;
    *map = (struct map){.shape = shape, .arena = arena};
    return map;
}

struct value map_get(const struct map *map, struct str name) {
    int64_t at = shape_find(map->shape, name);
    return at < 0 ? value_missing() : map->values[at];
}

/*
 * Keys compare as in Python: all numbers by value, whatever their type, so 1, 1.0 and true are one key. A
 * number that is an integer within int64 is compared as that; the rest are doubles and VALUE_BIG. Tuples compare
 * by their elements, objects and iterators by identity, and two undefined values are one key.
 */
static bool key_int(struct value key, int64_t *i) {
    if (key.tag == VALUE_INT || key.tag == VALUE_BOOL) {
        *i = key.i;
        return true;
    }
    if (key.tag != VALUE_FLOAT || !(key.f >= -0x1p63 && key.f < 0x1p63) || key.f != floor(key.f))
        return false;
    *i = (int64_t)key.f;
    return true;
}

static uint64_t hash_bytes(const void *p, size_t n) {
    return shape_hash((struct str){p, n});
}

static uint64_t key_hash(struct value key) {
    int64_t i;
    double f;
    if (key.tag == VALUE_STRING)
        return shape_hash(value_str(key));
    if (key_int(key, &i))
        return hash_bytes(&i, sizeof i);
    if (key.tag == VALUE_FLOAT)
        return hash_bytes(&key.f, sizeof key.f);
    if (key.tag == VALUE_BIG && number_parse_double(value_str(key), &f)) // equal to some double, maybe
        return hash_bytes(&f, sizeof f);
    if (key.tag == VALUE_LIST) {
        uint64_t hash = key.list->n;
        for (uint32_t k = 0; k < key.list->n; k++)
            hash = (hash ^ key_hash(key.list->items[k])) * UINT64_C(0x9E3779B97F4A7C15);
        return hash ^ hash >> 32;
    }
    if (key.tag == VALUE_OBJECT || key.tag == VALUE_ITER)
        return hash_bytes(&key.object, sizeof key.object);
    return key.tag;
}

static bool big_equals_float(struct value big, struct value number) {
    char digits[LONGEST_DOUBLE];
    if (!isfinite(number.f))
        return false;
    int n = snprintf(digits, sizeof digits, "%.0f", number.f);
    return number.f == floor(number.f) && str_equal(value_str(big), (struct str){digits, (size_t)n});
}

static bool keys_equal(struct value a, struct value b);

static bool tuples_equal(const struct list *a, const struct list *b) {
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (!keys_equal(a->items[i], b->items[i]))
            return false;
    return true;
}

static bool keys_equal(struct value a, struct value b) {
    int64_t i = 0, j = 0;
    if (a.tag == VALUE_STRING || b.tag == VALUE_STRING)
        return a.tag == b.tag && str_equal(value_str(a), value_str(b));
    bool a_int = key_int(a, &i), b_int = key_int(b, &j);
    if (a_int || b_int)
        return a_int && b_int && i == j;
    if (a.tag == VALUE_FLOAT && b.tag == VALUE_FLOAT)
        return a.f == b.f;
    if (a.tag == VALUE_BIG && b.tag == VALUE_BIG)
        return str_equal(value_str(a), value_str(b));
    if (a.tag == VALUE_BIG && b.tag == VALUE_FLOAT)
        return big_equals_float(a, b);
    if (a.tag == VALUE_FLOAT && b.tag == VALUE_BIG)
        return big_equals_float(b, a);
    if (a.tag != b.tag)
        return false;
    if (a.tag == VALUE_LIST)
        return tuples_equal(a.list, b.list);
    if (a.tag == VALUE_OBJECT || a.tag == VALUE_ITER)
        return a.object == b.object;
    return a.tag == VALUE_NONE || a.tag == VALUE_UNDEFINED;
}

static int64_t find_key(const struct shape *shape, struct value key) {
    if (key.tag == VALUE_STRING)
        return shape_find(shape, value_str(key));
    if (shape->mask) {
        for (uint32_t slot = (uint32_t)key_hash(key) & shape->mask;; slot = (slot + 1) & shape->mask) {
            uint32_t at = shape->index[slot];
            if (at == 0)
                return -1;
            if (keys_equal(shape->keys[at - 1], key))
                return at - 1;
        }
    }
    for (uint32_t i = 0; i < shape->n; i++)
        if (keys_equal(shape->keys[i], key))
            return i;
    return -1;
}

struct value map_get_key(const struct map *map, struct value key) {
    int64_t at = find_key(map->shape, key);
    return at < 0 ? value_missing() : map->values[at];
}

// A mutable map made its shape itself, so it may write to it.
static struct shape *own_shape(struct map *map) {
    return (struct shape *)(uintptr_t)map->shape;
}

static void index_add(struct shape *shape, uint32_t at) {
    uint32_t slot = (uint32_t)key_hash(shape->keys[at]) & shape->mask;
    while (shape->index[slot])
        slot = (slot + 1) & shape->mask;
    shape->index[slot] = at + 1;
}

static void index_fill(struct shape *shape) {
    memset(shape->index, 0, ((size_t)shape->mask + 1) * sizeof *shape->index);
    for (uint32_t i = 0; i < shape->n; i++)
        index_add(shape, i);
}

// Keys, values and, beyond a few keys, an index twice as large, so that it never fills.
static bool grow_map(struct map *map) {
    struct shape *shape = own_shape(map);
    uint32_t cap = next_cap(map->cap);
    if (cap == 0)
        return false;
    struct value *keys = grow_values(map->arena, shape->keys, shape->n, cap);
    struct value *values = keys ? grow_values(map->arena, map->values, shape->n, cap) : NULL;
    uint32_t *index = NULL;
    if (values && cap > LINEAR_KEYS)
        index = arena_alloc(map->arena, (size_t)cap * 2 * sizeof *index);
    if (!values || (cap > LINEAR_KEYS && !index))
        return false;
    shape->keys = keys;
    map->values = values;
    map->cap = cap;
    if (index) {
        shape->index = index;
        shape->mask = cap * 2 - 1;
        index_fill(shape);
    }
    return true;
}

bool map_put(struct map *map, struct value key, struct value v) {
    struct shape *shape = own_shape(map);
    int64_t at = find_key(shape, key);
    if (at >= 0) {
        map->values[at] = v;
        return true;
    }
    if (shape->n == map->cap && !grow_map(map))
        return false;
    uint32_t n = shape->n++;
    ((struct value *)(uintptr_t)shape->keys)[n] = key;
    map->values[n] = v;
    if (shape->mask)
        index_add(shape, n);
    return true;
}

bool map_remove(struct map *map, struct value key) {
    struct shape *shape = own_shape(map);
    int64_t found = find_key(shape, key);
    if (found < 0)
        return false;
    size_t at = (size_t)found, after = shape->n - at - 1;
    struct value *keys = (struct value *)(uintptr_t)shape->keys;
    memmove(keys + at, keys + at + 1, after * sizeof *keys);
    memmove(map->values + at, map->values + at + 1, after * sizeof *keys);
    shape->n--;
    if (shape->mask)
        index_fill(shape);
    return true;
}

void map_clear(struct map *map) {
    struct shape *shape = own_shape(map);
    shape->n = 0;
    if (shape->mask)
        index_fill(shape);
}

static bool copy_values(struct arena *arena, const struct value *from, uint32_t n, struct value *to) {
    for (uint32_t i = 0; i < n; i++)
        if (!value_copy(arena, from[i], &to[i]))
            return false;
    return true;
}

static const struct shape *copy_shape(struct arena *arena, const struct shape *from) {
    if (from->shared)
        return from;
    struct value *keys = arena_alloc(arena, from->n * sizeof *keys);
    if (!keys || !copy_values(arena, from->keys, from->n, keys))
        return NULL;
    return shape_new_private(arena, keys, from->n);
}

static bool copy_list(struct arena *arena, struct value from, struct value *to) {
    struct list *list = list_new(arena, from.list->n);
    if (!list || !copy_values(arena, from.list->items, list->n, list->items))
        return false;
    *to = from;
    to->list = list;
    return true;
}

static bool copy_map(struct arena *arena, struct value from, struct value *to) {
    const struct shape *shape = copy_shape(arena, from.map->shape);
    struct map *map = shape ? map_new(arena, shape) : NULL;
    if (!map || !copy_values(arena, from.map->values, shape->n, map->values))
        return false;
    *to = value_map(map);
    return true;
}

bool value_copy(struct arena *arena, struct value from, struct value *to) {
    switch (from.tag) {
    case VALUE_LIST:
        return copy_list(arena, from, to);
    case VALUE_MAP:
        return copy_map(arena, from, to);
    case VALUE_STRING:
    case VALUE_BIG:
    case VALUE_UNDEFINED:
        *to = from;
        if (!from.n)
            to->s = "";
        else if (!(to->s = arena_copy(arena, from.s, from.n)))
            return false;
        return true;
    default:
        *to = from;
        return true;
    }
}
