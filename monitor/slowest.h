// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_SLOWEST_H
#define PRESSRUN_MONITOR_SLOWEST_H
/*
 * The slowest few of many, each with what names it. Who does not belong to them costs one comparison. Names are cut at
 * SLOWEST_NAME bytes, between two characters.
 *
 * One thread at a time; each worker fills its own, and they are put together in the end.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { SLOWEST = 10, SLOWEST_NAME = 80 };

struct slow_one {
    uint64_t nanoseconds;
    uint64_t record, line; // its number in its source, from 1, and its line; 0: none
    uint32_t name_n;
    char name[SLOWEST_NAME];
};

struct slowest { // all zero: empty
    uint32_t n;
    struct slow_one ones[SLOWEST]; // the slowest first
};

// Whether one that took so long belongs to them.
static inline bool slowest_takes(const struct slowest *s, uint64_t nanoseconds) {
    return s->n < SLOWEST || nanoseconds > s->ones[SLOWEST - 1].nanoseconds;
}
void slowest_add(struct slowest *s, uint64_t nanoseconds, struct str name, uint64_t record, uint64_t line);
void slowest_merge(struct slowest *s, const struct slowest *other);

#endif
