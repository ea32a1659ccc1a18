// SPDX-License-Identifier: MIT
/*
 * A ring of early pieces. The lock is held for handling a slot only, never while a piece runs; pieces are
 * batches, so it is taken some thousand times a second at most.
 */
#include <assert.h>
#include <pthread.h>

#include "base/mem.h"
#include "scheduler/scheduler.h"

typedef void piece_fn(void *self, struct worker *worker);

struct slot {
    piece_fn *fn; // NULL: empty
    void *self;
};

struct turns {
    pthread_mutex_t lock;
    uint64_t next; // whose turn it is: it is having it, or has not come yet
    uint32_t window;
    struct slot slots[]; // sequences next + 1 .. next + window, at sequence % window
};

struct turns *turns_new(uint32_t window) {
    window = window ? window : 1;
    struct turns *t = mem_alloc(sizeof *t + window * sizeof *t->slots);
    pthread_mutex_init(&t->lock, NULL);
    t->window = window;
    return t;
}

void turns_free(struct turns *t) {
    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
}

// True: it is this piece's turn, and the caller runs it. False: it is kept.
static bool begin_turn(struct turns *t, uint64_t sequence, piece_fn *fn, void *self) {
    pthread_mutex_lock(&t->lock);
    bool now = sequence == t->next;
    if (!now) {
        struct slot *slot = &t->slots[sequence % t->window];
        assert(sequence > t->next && sequence - t->next <= t->window && !slot->fn);
        *slot = (struct slot){.fn = fn, .self = self};
    }
    pthread_mutex_unlock(&t->lock);
    return now;
}

// Ends a turn; the slot of the next one, empty if it is not there yet.
static struct slot next_turn(struct turns *t) {
    pthread_mutex_lock(&t->lock);
    t->next++;
    struct slot *slot = &t->slots[t->next % t->window], taken = *slot;
    *slot = (struct slot){0};
    pthread_mutex_unlock(&t->lock);
    return taken;
}

void turns_enter(struct turns *t, uint64_t sequence, piece_fn *fn, void *self, struct worker *worker) {
    if (!begin_turn(t, sequence, fn, self))
        return;
    for (struct slot turn = {.fn = fn, .self = self}; turn.fn; turn = next_turn(t))
        turn.fn(turn.self, worker);
}
