// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_SCHEDULER_READY_H
#define PRESSRUN_SCHEDULER_READY_H
/*
 * Pieces of work in the order in which they are to be taken: the higher rank first, of equal ones the one that came
 * first. A binary heap in one block of memory that grows; `due` instead of rank makes it a list of timers.
 *
 * Owned by who initialised it with zeros. No lock of its own: the pool's (pool.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;
struct piece {
    void (*fn)(void *self, struct worker *worker);
    void *self;
    uint64_t rank;  // what the longest way behind it weighs; or how large it is, where that comes first
    uint64_t order; // in which it came
};

struct ready {
    struct piece *pieces; // a heap
    size_t n, cap;
};

void ready_put(struct ready *r, const struct piece *piece);
bool ready_take(struct ready *r, struct piece *piece); // false: there is none
void ready_release(struct ready *r);

#endif
