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
 * What is in use, what was ever asked for, and where the limit is reached depend on what was asked for alone, never
 * on the blocks that happen to be there: so the same work counts the same and fails the same on every worker.
 *
 * Pointers into an arena are borrowed until it is cleared or released. One thread at a time.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; // newest first; the newest is the one being filled
    char *at, *end;             // free part of the newest block, as far as the limit allows
    char *start;                // of the newest block's data
    size_t elsewhere;           // bytes in use but for start to at; may wrap around
    size_t limit;               // 0: none; arena_limit sets it
    uint64_t pieces;            // asked for since arena_init
    uint64_t given_back;        // bytes of them that are no longer in use
};

// What was ever asked for: pieces, and their bytes, rounded up.
struct arena_asked {
    uint64_t pieces, bytes;
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

// Bytes in use since the last clear, rounded up.
static inline size_t arena_used(const struct arena *arena) {
    return arena->elsewhere + (size_t)(arena->at - arena->start);
}

// So many bytes may be in use from now on; 0: as many as there are. What is in use already stays.
void arena_limit(struct arena *arena, size_t limit);

void *arena_grow(struct arena *arena, size_t size); // slow path of arena_alloc

// 16-byte aligned, not zeroed; NULL beyond the limit or out of memory.
__attribute__((always_inline)) static inline void *arena_alloc(struct arena *arena, size_t size) {
    size_t need = (size + 15) & ~(size_t)15;
    if (need - 1 <
        (size_t)(arena->end - arena->at)) { // nothing, and what is too large for size_t, have need 0
        void *p = arena->at;
        arena->at += need;
        arena->pieces++;
        return p;
    }
    return arena_grow(arena, size);
}

// Another size, a multiple of 16 like the old one, for a piece; its first `kept` bytes stay. Bytes count as if it grew
// in place. Of a piece that is not the newest one the old place is lost until the arena is cleared, and growing it is
// asking for a new one. NULL as above: the piece is as it was.
void *arena_extend(struct arena *arena, char *piece, size_t old_size, size_t size, size_t kept);
// Gives back the end of a piece, if it is the newest one.
void arena_shrink(struct arena *arena, char *piece, size_t old_size, size_t size);

struct arena_asked arena_asked(const struct arena *arena);
// What was asked for since then does not count: it depends on more than the work.
void arena_uncount(struct arena *arena, struct arena_asked since);

void *arena_zero(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const char *text, size_t size); // NUL-terminated copy, or NULL
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct str arena_str(struct arena *arena, struct str text); // copy; {NULL, 0} when out of memory

struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);

#define ARENA_NEW(arena, type)          ((type *)arena_zero((arena), sizeof(type)))
#define ARENA_NEW_ARRAY(arena, type, n) ((type *)arena_zero((arena), sizeof(type) * (size_t)(n)))

#endif
