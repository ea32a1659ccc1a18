// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_PROGRAM_FIELDS_PLACES_H
#define PRESSRUN_STAGES_PROGRAM_FIELDS_PLACES_H
/*
 * The places of a record that programs name, as a tree, and what is read of each. The root is the record; a list is
 * transparent, so a place stands for a field and for the elements of the list it may hold.
 *
 * Bounded: beyond PLACES_MOST places, or levels of nesting, everything counts as read.
 */
#include <stdint.h>

#include "base/arena.h"
#include "stages/program/fields.h"

enum { PLACES_MOST = 20000, PLACES_DEPTH = 24, PLACE_ROOT = 0 };
#define PLACE_NONE UINT32_MAX // no enumerator: those are ints

enum place_read {
    PLACE_WHOLE = 1,        // with all that is below
    PLACE_KEYS = 2,         // the keys of the mapping that it is
    PLACE_ELEMENT_KEYS = 4, // the keys of mappings in the list that it is
    // what follows is for people
    PLACE_VALUE = 8,     // it itself
    PLACE_ELEMENTS = 16, // elements of the list that it is
    PLACE_MEMBERS = 32,  // fields by unknown names
    PLACE_ASKED = 64,    // whether it is there, or what kind of value it is
    PLACE_TRUTH = 128,
    PLACE_NAMED = 256,   // named in a way that is no method
    PLACE_DIRECT = 512,  // as a field of the place above it
    PLACE_SEEN = 1024,   // some record has it
    PLACE_IN_LIST = 2048 // as a field of an element of it
};

struct place {
    struct str name;
    uint32_t parent, first, last, next; // PLACE_NONE: none
    uint16_t read;                      // enum place_read
    uint16_t depth;
};

// Where a place is named.
struct place_site {
    const struct program *program;
    uint32_t at;   // the instruction
    uint32_t part; // of it, where it names one after the other
    uint32_t place;
};

struct fields {
    const struct library *library;
    struct arena arena;
    struct place *places;
    size_t places_n, places_cap;
    uint32_t *index; // hash table by parent and name: place + 1
    size_t index_mask;
    struct place_site *sites;
    size_t sites_n, sites_cap;
    bool everything;
    bool bracketed;     // all fields whose names are in brackets, as prompts read them
    struct value *seen; // records looked through
    size_t seen_n, seen_cap;
};

// PLACE_NONE: there are too many, and everything counts as read from now on.
uint32_t places_child(struct fields *f, uint32_t parent, struct str name);
uint32_t places_find(const struct fields *f, uint32_t parent, struct str name); // PLACE_NONE: none

static inline void places_read(struct fields *f, uint32_t place, unsigned how) {
    f->places[place].read |= (uint16_t)how;
}

#endif
