// SPDX-License-Identifier: MIT
#include "base/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *older;
    size_t size; // of data
    _Alignas(16) char data[];
};

enum { FIRST_BLOCK = 16 << 10, LARGEST_BLOCK = 1 << 20, KEEP_BYTES = 1 << 20 };

void arena_init(struct arena *arena, size_t limit) {
    *arena = (struct arena){.limit = limit};
}

static void free_blocks(struct arena_block *block, const struct arena_block *until) {
    while (block != until) {
        struct arena_block *older = block->older;
        free(block);
        block = older;
    }
}

// Up to where the newest block may be filled.
static void set_end(struct arena *arena) {
    size_t used = arena_used(arena);
    arena->end = arena->blocks ? arena->blocks->data + arena->blocks->size : NULL;
    if (arena->limit) {
        size_t left = used < arena->limit ? arena->limit - used : 0;
        if (left < (size_t)(arena->end - arena->at))
            arena->end = arena->at + left;
    }
}

// The newest block from here on, its part before `at` being in use as all else that comes to `used`.
static void fill(struct arena *arena, struct arena_block *block, char *at, size_t used) {
    arena->blocks = block;
    arena->start = block ? block->data : NULL;
    arena->at = at;
    arena->elsewhere = used - (size_t)(at - arena->start);
    set_end(arena);
}

void arena_limit(struct arena *arena, size_t limit) {
    arena->limit = limit;
    set_end(arena);
}

void arena_release(struct arena *arena) {
    free_blocks(arena->blocks, NULL);
    arena_init(arena, arena->limit);
}

// Keeps only the newest block, which is the largest, unless it is larger than what is worth keeping.
void arena_clear(struct arena *arena) {
    struct arena_block *newest = arena->blocks;
    arena->given_back += arena_used(arena);
    if (newest && newest->size > KEEP_BYTES) {
        free_blocks(newest, NULL);
        newest = NULL;
    } else if (newest) {
        free_blocks(newest->older, NULL);
        newest->older = NULL;
    }
    fill(arena, newest, newest ? newest->data : NULL, 0);
}

// Room for `need` bytes in a new block, `used` of all others being in use.
static bool add_block(struct arena *arena, size_t need, size_t used) {
    size_t block_size = arena->blocks ? arena->blocks->size * 2 : FIRST_BLOCK;
    if (block_size > LARGEST_BLOCK)
        block_size = LARGEST_BLOCK;
    if (block_size < need)
        block_size = need;
    if (block_size > SIZE_MAX - sizeof(struct arena_block))
        return false;
    struct arena_block *block = malloc(sizeof *block + block_size);
    if (!block)
        return false;
    block->older = arena->blocks;
    block->size = block_size;
    fill(arena, block, block->data, used);
    return true;
}

static bool is_allowed(const struct arena *arena, size_t more) {
    size_t used = arena_used(arena);
    return !arena->limit || (used <= arena->limit && more <= arena->limit - used);
}

void *arena_grow(struct arena *arena, size_t size) {
    size_t need = (size + 15) & ~(size_t)15;
    if (need < size || !is_allowed(arena, need))
        return NULL;
    bool room = arena->blocks && need <= (size_t)(arena->end - arena->at);
    if (!room && !add_block(arena, need, arena_used(arena)))
        return NULL;
    char *p = arena->at;
    arena->at += need;
    arena->pieces++;
    return p;
}

void *arena_extend(struct arena *arena, char *piece, size_t old_size, size_t size, size_t kept) {
    if (!piece || arena->at != piece + old_size) {
        char *p = arena_alloc(arena, size);
        return p && kept ? memcpy(p, piece, kept) : p;
    }
    size_t more = size - old_size;
    if (more <= (size_t)(arena->end - arena->at)) {
        arena->at += more;
        return piece;
    }
    if (!is_allowed(arena, more) || !add_block(arena, size, arena_used(arena) - old_size))
        return NULL;
    arena->at += size;
    return kept ? memcpy(arena->start, piece, kept) : arena->start;
}

void arena_shrink(struct arena *arena, char *piece, size_t old_size, size_t size) {
    if (piece && arena->at == piece + old_size)
        arena->at = piece + size;
}

struct arena_asked arena_asked(const struct arena *arena) {
    return (struct arena_asked){arena->pieces, arena->given_back + arena_used(arena)};
}

void arena_uncount(struct arena *arena, struct arena_asked since) {
    arena->given_back -= arena_asked(arena).bytes - since.bytes;
    arena->pieces = since.pieces;
}

void *arena_zero(struct arena *arena, size_t size) {
    void *p = arena_alloc(arena, size);
    return p ? memset(p, 0, size) : NULL;
}

char *arena_copy(struct arena *arena, const char *text, size_t size) {
    char *p = size == SIZE_MAX ? NULL : arena_alloc(arena, size + 1);
    if (!p)
        return NULL;
    if (size)
        memcpy(p, text, size);
    p[size] = 0;
    return p;
}

struct str arena_str(struct arena *arena, struct str text) {
    char *p = arena_copy(arena, text.p, text.n);
    return p ? (struct str){p, text.n} : (struct str){NULL, 0};
}

char *arena_printf(struct arena *arena, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *p = n < 0 ? NULL : arena_alloc(arena, (size_t)n + 1);
    if (p)
        vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return p;
}

struct arena_mark arena_mark(const struct arena *arena) {
    return (struct arena_mark){arena->blocks, arena->at, arena_used(arena)};
}

void arena_rewind(struct arena *arena, struct arena_mark mark) {
    arena->given_back += arena_used(arena) - mark.used;
    free_blocks(arena->blocks, mark.block);
    fill(arena, mark.block, mark.block ? mark.at : NULL, mark.used);
}
