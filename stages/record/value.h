// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RECORD_VALUE_H
#define PRESSRUN_STAGES_RECORD_VALUE_H
/*
 * The value: what records are made of and what templates compute with. 16 bytes, tagged, passed by value.
 *
 *     byte  0    1     2..3   4..7    8..15
 *           tag  flags aux    n       i | f | s | list | map | iter | object
 *
 * Input data is immutable and may be read by many threads at once. Templates may also make mutable
 * containers, one-shot iterators, objects and safe strings; those belong to one rendering and one thread.
 *
 * Ownership: nothing here is owned. Strings are slices into an input buffer, a program's constants or an
 * arena; containers live in an arena; all are valid as long as that is.
 *
 * Invariants: strings are valid UTF-8 and below 4 GiB. VALUE_BIG's text is a canonical decimal integer outside
 * int64. An immutable list has arena == NULL. A map has exactly shape->n values.
 * Integers from the input that fit int64 are VALUE_INT, larger ones VALUE_BIG with their exact digits.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "stages/record/shape.h"

enum value_tag {
    VALUE_MISSING, // no value at all: an unset variable, an absent argument. Never seen by templates
    VALUE_UNDEFINED, // a template asked for what is not there; s, n: the expression's name; aux: enum undefined_kind
    VALUE_NONE,
    VALUE_BOOL,   // i: 0 or 1
    VALUE_INT,    // i
    VALUE_FLOAT,  // f
    VALUE_BIG,    // s, n: decimal digits, '-' first where negative
    VALUE_STRING, // s, n; VALUE_SAFE in flags: markup that is not escaped again
    VALUE_LIST,   // list; VALUE_TUPLE in flags: prints as a tuple, never mutable
    VALUE_MAP,    // map
    VALUE_ITER,   // iter: a one-shot iterator
    VALUE_OBJECT, // object: loop, macro, namespace, bound method, function, ...
};

enum { VALUE_SAFE = 1, VALUE_TUPLE = 2 };

enum undefined_kind {
    UNDEFINED_NAME,      // a variable: "'x' is undefined"
    UNDEFINED_ATTRIBUTE, // an attribute or key: "'dict object' has no attribute 'x'"
    UNDEFINED_INDEX,     // an element: "list object has no element 3"
    UNDEFINED_PARAMETER, // of a macro: "parameter 'x' was not provided"
    UNDEFINED_SILENT,    // result of an inline if without else: never strict
};

struct value {
    uint8_t tag, flags;
    uint16_t aux;
    uint32_t n;
    union {
        int64_t i;
        double f;
        const char *s;
        struct list *list;
        struct map *map;
        struct iter *iter;
        struct object *object;
    };
};
_Static_assert(sizeof(struct value) == 16, "a value is 16 bytes");

struct list {
    uint32_t n, cap;
    struct value *items;
    struct arena *arena; // where a mutable list grows; NULL: immutable
};

struct map {
    const struct shape *shape; // a mutable map's shape is its own
    struct value *values;      // shape->n of them
    struct arena *arena;       // where a mutable map grows; NULL: immutable
    uint32_t cap;              // room in values, for mutable maps
};

// A one-shot iterator over values that are already computed: `next` moves on and never goes back.
struct iter {
    const struct value *items;
    uint32_t n, next;
    const char *type_name; // "generator", "dict_items", ... for printing
};

// Something with behaviour. The renderer defines the operations; the record layer only carries it.
struct object_type;
struct object {
    const struct object_type *type;
};

static inline struct value value_missing(void) {
    return (struct value){.tag = VALUE_MISSING};
}
static inline struct value value_none(void) {
    return (struct value){.tag = VALUE_NONE};
}
static inline struct value value_bool(bool b) {
    return (struct value){.tag = VALUE_BOOL, .i = b};
}
static inline struct value value_int(int64_t i) {
    return (struct value){.tag = VALUE_INT, .i = i};
}
static inline struct value value_float(double f) {
    return (struct value){.tag = VALUE_FLOAT, .f = f};
}
static inline struct value value_string(struct str s) {
    return (struct value){.tag = VALUE_STRING, .n = (uint32_t)s.n, .s = s.p};
}
static inline struct value value_safe(struct str s) {
    return (struct value){.tag = VALUE_STRING, .flags = VALUE_SAFE, .n = (uint32_t)s.n, .s = s.p};
}
static inline struct value value_undefined(enum undefined_kind kind, struct str name) {
    return (struct value){.tag = VALUE_UNDEFINED, .aux = (uint16_t)kind, .n = (uint32_t)name.n, .s = name.p};
}
static inline struct value value_object(struct object *object) {
    return (struct value){.tag = VALUE_OBJECT, .object = object};
}
static inline struct value value_list(struct list *list) {
    return (struct value){.tag = VALUE_LIST, .list = list};
}
static inline struct value value_map(struct map *map) {
    return (struct value){.tag = VALUE_MAP, .map = map};
}
static inline struct str value_str(struct value v) { // of STRING, BIG, UNDEFINED
    return (struct str){v.s, v.n};
}
static inline bool value_is_string(struct value v) {
    return v.tag == VALUE_STRING;
}

// An immutable list with room for n items, to be filled by the caller; NULL when the arena is full.
struct list *list_new(struct arena *arena, uint32_t n);
// A mutable list (a template's), empty.
struct list *list_new_mutable(struct arena *arena);
bool list_append(struct list *list, struct value v); // only mutable; false: out of memory

// An immutable map with values to be filled by the caller.
struct map *map_new(struct arena *arena, const struct shape *shape);
struct map *map_new_mutable(struct arena *arena);
// Sets key (a string, or anything hashable: no list, no map) in a mutable map; false: out of memory.
bool map_put(struct map *map, struct value key, struct value v);
bool map_remove(struct map *map, struct value key); // mutable; false: was not there
void map_clear(struct map *map);                    // mutable

// Field lookup by name: VALUE_MISSING where the map has none. The renderer's fast path remembers positions.
struct value map_get(const struct map *map, struct str name);
// Lookup by any hashable key: strings, tuples, and numbers as Python compares them (1 == 1.0 == true).
struct value map_get_key(const struct map *map, struct value key);

// Deep copy into another arena (strings too), so that a value may outlive its batch. false: out of memory.
// Immutable data only: no iterators, no objects. Shared shapes stay shared.
bool value_copy(struct arena *arena, struct value from, struct value *to);

#endif
