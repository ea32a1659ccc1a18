// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_PROFILE_H
#define PRESSRUN_STAGES_RENDER_PROFILE_H
/*
 * Where machines spend their time: somebody ticks from time to time, and at the next instruction the machine notes where it
 * was, the stack of templates, macros and blocks that led there, with as many nanoseconds as ticks have said since. What the tick came
 * upon is the instruction before, so long ones (a filter that sorts) get what they take. A tick that comes while nothing is
 * rendered is dropped when the next rendering begins.
 *
 * Machines without a profile run other code (vm.c is compiled twice) and pay nothing; those with one look at a word before
 * each instruction.
 *
 * What is noted is a tree: a call is an instruction, and who called. So it is bounded: of deeper stacks than PROFILE_DEPTH the
 * innermost part is kept, and of more than PROFILE_CALLS calls the rest goes to the first one, which is nobody's. Programs are
 * borrowed.
 *
 * Threads: profile_tick from any, all else by the machine's, and reading when that has ended. Machines of one thread may
 * share one.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/program/program.h"

enum { PROFILE_DEPTH = 64, PROFILE_CALLS = 1 << 14 };

struct profile_call {
    uint32_t caller;  // its index; 0: nobody called it
    uint32_t subject; // of whoever is outermost
    const struct program *program;
    const struct function_code *function;
    uint32_t instruction;
    uint64_t nanoseconds; // its own, without what it called
};

struct profile {
    atomic_uint_least64_t due; // nanoseconds of ticks that nobody has noted; 0: none
    uint32_t subject;          // what is rendered next is for, whatever that means to the caller
    uint64_t ticks;            // noted
    struct profile_call *calls;
    size_t calls_n, calls_cap;
    uint32_t *buckets;
};

struct profile *profile_new(void);
void profile_free(struct profile *p);

static inline void profile_tick(struct profile *p, uint64_t nanoseconds) {
    atomic_fetch_add_explicit(&p->due, nanoseconds, memory_order_relaxed);
}
static inline void profile_drop(struct profile *p) {
    atomic_store_explicit(&p->due, 0, memory_order_relaxed);
}
static inline bool profile_is_due(struct profile *p) {
    return atomic_load_explicit(&p->due, memory_order_relaxed) != 0;
}

// The call that these places, the innermost first, lead to gets the nanoseconds that are due.
struct profile_place {
    const struct program *program;
    const struct function_code *function;
    uint32_t instruction;
};
void profile_note(struct profile *p, const struct profile_place *places, size_t n);

#endif
