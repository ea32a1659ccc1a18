// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_PROGRAM_FIELDS_VALUES_H
#define PRESSRUN_STAGES_PROGRAM_FIELDS_VALUES_H
/*
 * Abstract values: what a variable or an operand may be at run time. Interned, so that equal ones have one id and
 * joining is cheap; id 0 is nothing at all. A value is
 *
 *     entries    places of the record, and what code must be known of: macros, functions, methods, loops, constants
 *     kinds      what else it may be, none of the record
 *     elements   where it is a list or mapping that the template made: what is in it
 *
 * What a template's containers hold besides (they can be changed by methods) has been read whole by whoever put it
 * there; so only the elements known here need to be followed.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

typedef uint32_t abstract; // id of a value

enum {
    ABSTRACT_NOTHING = 0,
    ABSTRACT_ENTRIES = 200,
    ABSTRACT_PLACES = 24,
    ABSTRACT_CONSTANTS = 16,
    ABSTRACT_DEPTH = 6,
};

enum abstract_kind {
    KIND_MISSING = 1, // no value: an unset variable
    KIND_NUMBER = 2,  // or none, or a boolean
    KIND_TEXT = 4,
    KIND_ANY = 8,    // not known
    KIND_LIST = 128, // what has `elements` is a list, no mapping
    KIND_DATA = 64,  // not known, but nothing that can be called
    KIND_TOP = 32,   // any of more places than are followed; those have been spilled
    KIND_GROUP = 16, // pairs that groupby makes: something, and the list that `elements` tells of
};

enum abstract_entry {
    ENTRY_PLACE,    // a: place
    ENTRY_ELEMENT,  // a: place: an element of the list there
    ENTRY_CONSTANT, // a: member, b: constant, a string
    ENTRY_MACRO,    // a: unit
    ENTRY_FUNCTION, // a: row
    ENTRY_METHOD,   // a: row, b: the value it belongs to
    ENTRY_MODULE,   // a: member
    ENTRY_LOOP,     // b: what is looped over; a: the unit that it calls, + 1; 0: none
};

struct abstract_value {
    uint32_t n, kinds;
    abstract elements;
    uint32_t depth;          // of elements within elements
    const uint64_t *entries; // ascending
};

struct abstracts {
    struct arena *arena;
    const struct abstract_value **values;
    size_t n, cap;
    abstract *index; // hash table: id, 0 empty
    size_t index_mask;
    struct abstract_join {
        abstract a, b, joined;
    } * joins;         // remembered
    abstract *spilled; // values whose places are no longer followed, and so are read whole; owned
    size_t spilled_n, spilled_cap;
    bool overflow; // a value got too large, and what is known of it is incomplete
};

// A value being put together.
struct abstract_build {
    uint64_t entries[ABSTRACT_ENTRIES];
    uint32_t n, kinds;
    abstract elements;
};

static inline uint64_t abstract_pack(enum abstract_entry kind, uint32_t a, abstract b) {
    return (uint64_t)kind << 56 | (uint64_t)a << 32 | b;
}
static inline enum abstract_entry entry_kind(uint64_t entry) {
    return (enum abstract_entry)(entry >> 56);
}
static inline uint32_t entry_a(uint64_t entry) {
    return (uint32_t)(entry >> 32) & 0xffffff;
}
static inline abstract entry_b(uint64_t entry) {
    return (abstract)entry;
}

void abstracts_init(struct abstracts *x, struct arena *arena);
void abstracts_release(struct abstracts *x);

static inline const struct abstract_value *abstract_of(const struct abstracts *x, abstract v) {
    return x->values[v];
}
abstract abstract_kinds(struct abstracts *x, uint32_t kinds);
abstract abstract_entry(struct abstracts *x, enum abstract_entry kind, uint32_t a, abstract b);
abstract abstract_join(struct abstracts *x, abstract a, abstract b);
abstract abstract_list(struct abstracts *x, abstract elements,
                       uint32_t kinds); // a container of the template's
abstract abstract_elements(struct abstracts *x, abstract v);
abstract abstract_without_missing(struct abstracts *x, abstract v);
abstract abstract_data(struct abstracts *x, abstract v); // places and containers alone
// What a new value is that is made of v's elements or text: constants are text, the list may be changed later.
abstract abstract_derived(struct abstracts *x, abstract v);
bool abstract_is_scalar(const struct abstracts *x, abstract v); // for certain
// A value that is missing is used by nothing, so it makes nothing uncertain.
bool abstract_is_group(const struct abstracts *x, abstract v);  // for certain
bool abstract_is_list(const struct abstracts *x, abstract v);   // what it has elements of
bool abstract_is_number(const struct abstracts *x, abstract v); // for certain

void build_add(struct abstracts *x, struct abstract_build *b, abstract v);
void build_entry(struct abstracts *x, struct abstract_build *b, uint64_t entry);
abstract build_end(struct abstracts *x, struct abstract_build *b);

#endif
