// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_USES_H
#define PRESSRUN_MONITOR_USES_H
/*
 * How often things with names were used: counted in any order, added up by name, the most used first. A run keeps those of
 * its templates with its session, and those of many sessions are added up again.
 *
 * Names are borrowed, or in an arena. One thread.
 */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct use {
    struct str name;
    uint64_t n;
};

struct uses {
    struct use *list; // owned
    size_t n, cap;
};

enum { USES_KEPT = 500 }; // with a session

void uses_add(struct uses *uses, struct str name, uint64_t n);
// Adds up what has one name, puts the most used first (by name, where they are equal), and leaves `most` of them.
void uses_rank(struct uses *uses, size_t most);
void uses_release(struct uses *uses);
json_t *uses_json(const struct uses *uses); // a list of name and uses; NULL: there are none
// What such a list says; what is none adds nothing. Names are copied into the arena.
void uses_add_json(struct uses *uses, const json_t *list, struct arena *arena);

#endif
