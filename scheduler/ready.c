// SPDX-License-Identifier: MIT
#include "scheduler/ready.h"

#include "base/mem.h"

static bool comes_before(const struct piece *a, const struct piece *b) {
    return a->rank != b->rank ? a->rank > b->rank : a->order < b->order;
}

void ready_put(struct ready *r, const struct piece *piece) {
    MEM_GROW(r->pieces, r->cap, r->n + 1);
    size_t at = r->n++;
    for (size_t parent; at > 0 && comes_before(piece, &r->pieces[parent = (at - 1) / 2]); at = parent)
        r->pieces[at] = r->pieces[parent];
    r->pieces[at] = *piece;
}

bool ready_take(struct ready *r, struct piece *piece) {
    if (r->n == 0)
        return false;
    *piece = r->pieces[0];
    const struct piece last = r->pieces[--r->n];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < r->n; at = child) {
        if (child + 1 < r->n && comes_before(&r->pieces[child + 1], &r->pieces[child]))
            child++;
        if (!comes_before(&r->pieces[child], &last))
            break;
        r->pieces[at] = r->pieces[child];
    }
    r->pieces[at] = last;
    return true;
}

void ready_release(struct ready *r) {
    mem_free(r->pieces);
    *r = (struct ready){0};
}
