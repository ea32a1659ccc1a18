// SPDX-License-Identifier: MIT
#include <stdatomic.h>

#include "scheduler/scheduler.h"

void credits_init(struct credits *c, struct graph *g, uint32_t node, uint32_t n) {
    atomic_init(&c->left, (int64_t)n);
    atomic_init(&c->wanted, false);
    c->graph = g;
    c->node = node;
}

static bool take(struct credits *c) {
    int64_t left = atomic_load(&c->left);
    while (left > 0)
        if (atomic_compare_exchange_weak(&c->left, &left, left - 1))
            return true;
    return false;
}

// The taker says that it wants before it looks once more; the giver adds before it looks whether anybody
// wants. All four are sequentially consistent, so at least one of the two sees the other: no wake is lost.
bool credits_take(struct credits *c) {
    if (take(c))
        return true;
    atomic_store(&c->wanted, true);
    return take(c); // `wanted` may stay behind: a wake too many does no harm
}

void credits_give(struct credits *c) {
    atomic_fetch_add(&c->left, 1);
    if (atomic_load(&c->wanted) && atomic_exchange(&c->wanted, false))
        graph_wake(c->graph, c->node);
}
