// SPDX-License-Identifier: MIT
#include "stages/record/item.h"

#include "base/mem.h"

enum { KEEP_BYTES = 4 << 20, KEEP_ITEMS = 16 << 10 };

struct batch *batch_new(void) {
    struct batch *b = MEM_NEW(struct batch);
    arena_init(&b->arena, 0);
    return b;
}

// One huge record must not make every later batch hold its room.
void batch_clear(struct batch *b) {
    if (b->bytes_cap > KEEP_BYTES) {
        mem_free(b->bytes);
        b->bytes = NULL;
        b->bytes_cap = 0;
    }
    if (b->items_cap > KEEP_ITEMS) {
        mem_free(b->items);
        b->items = NULL;
        b->items_cap = 0;
    }
    b->bytes_n = 0;
    b->items_n = 0;
    b->sequence = 0;
    arena_clear(&b->arena);
}

void batch_free(struct batch *b) {
    if (!b)
        return;
    mem_free(b->bytes);
    mem_free(b->items);
    arena_release(&b->arena);
    mem_free(b);
}

void batch_exchange(struct batch *b, struct batch *made, struct arena_asked since) {
    const struct arena_asked before = arena_asked(&b->arena), now = arena_asked(&made->arena);
    const struct batch old = *b;
    *b = *made;
    *made = old;
    b->sequence = old.sequence;
    b->arena.pieces = before.pieces + now.pieces - since.pieces;
    b->arena.given_back = before.bytes + now.bytes - since.bytes - arena_used(&b->arena);
}

struct item *batch_add(struct batch *b) {
    MEM_GROW(b->items, b->items_cap, b->items_n + 1);
    struct item *item = &b->items[b->items_n++];
    *item = (struct item){.record = value_missing()};
    return item;
}
