// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_ARENA_H
#define PRESSRUN_BASE_ARENA_H
/*
 * Bump allocation in blocks, freed all at once: one arena per run, one per batch, scratch per worker.
 *
 * An arena has a limit in bytes (0: none). Beyond it, or when the system has no memory, arena_alloc returns
 * NULL; callers fail the item they work on. arena_clear keeps some blocks for reuse, since touching fresh
 * pages costs more than the work done in them.
 *
 * Pointers into an arena are borrowed until it is cleared or released. One thread at a time.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; // newest first; the newest is the one being filled
    char *at, *end;             // free part of the newest block
    size_t used;                // bytes handed out since the last clear, rounded up
    size_t limit;               // 0: none
};

// A point to which an arena can be wound back, giving up everything allocated since.
struct arena_mark {
    struct arena_block *block;
    char *at;
    size_t used;
};

void arena_init(struct arena *arena, size_t limit);
void arena_clear(struct arena *arena);   // keeps up to 1 MiB of blocks
void arena_release(struct arena *arena); // frees everything

void *arena_grow(struct arena *arena, size_t size); // slow path of arena_alloc

// 16-byte aligned, not zeroed; NULL beyond the limit or out of memory.
static inline void *arena_alloc(struct arena *arena, size_t size) {
    size_t need = (size + 15) & ~(size_t)15;
    if (need >= size && need <= (size_t)(arena->end - arena->at)) {
        void *p = arena->at;
        arena->at += need;
        arena->used += need;
        return p;
    }
    return arena_grow(arena, size);
}

void *arena_zero(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const char *text, size_t size); // NUL-terminated copy, or NULL
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct str arena_str(struct arena *arena, struct str text); // copy; {NULL, 0} when out of memory

struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);

#define ARENA_NEW(arena, type)          ((type *)arena_zero((arena), sizeof(type)))
#define ARENA_NEW_ARRAY(arena, type, n) ((type *)arena_zero((arena), sizeof(type) * (size_t)(n)))

#endif
