// SPDX-License-Identifier: MIT
#include "base/arena.h"

#include <stdarg.h>
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

static void fill(struct arena *arena, struct arena_block *block) {
    arena->blocks = block;
    arena->at = block ? block->data : NULL;
    arena->end = block ? block->data + block->size : NULL;
}

void arena_release(struct arena *arena) {
    free_blocks(arena->blocks, NULL);
    arena_init(arena, arena->limit);
}

// Keeps only the newest block, which is the largest, unless it is larger than what is worth keeping.
void arena_clear(struct arena *arena) {
    struct arena_block *newest = arena->blocks;
    arena->used = 0;
    if (!newest)
        return;
    if (newest->size > KEEP_BYTES) {
        free_blocks(newest, NULL);
        fill(arena, NULL);
        return;
    }
    free_blocks(newest->older, NULL);
    newest->older = NULL;
    fill(arena, newest);
}

void *arena_grow(struct arena *arena, size_t size) {
    size_t need = (size + 15) & ~(size_t)15;
    if (need < size ||
        (arena->limit && need > arena->limit - (arena->used < arena->limit ? arena->used : arena->limit)))
        return NULL;
    size_t block_size = arena->blocks ? arena->blocks->size * 2 : FIRST_BLOCK;
    if (block_size > LARGEST_BLOCK)
        block_size = LARGEST_BLOCK;
    if (block_size < need)
        block_size = need;
    if (block_size > SIZE_MAX - sizeof(struct arena_block))
        return NULL;
    struct arena_block *block = malloc(sizeof *block + block_size);
    if (!block)
        return NULL;
    block->older = arena->blocks;
    block->size = block_size;
    fill(arena, block);
    arena->at += need;
    arena->used += need;
    return block->data;
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
    return (struct arena_mark){arena->blocks, arena->at, arena->used};
}

void arena_rewind(struct arena *arena, struct arena_mark mark) {
    free_blocks(arena->blocks, mark.block);
    fill(arena, mark.block);
    if (mark.block)
        arena->at = mark.at;
    arena->used = mark.used;
}
