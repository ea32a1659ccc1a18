// SPDX-License-Identifier: MIT
#include "stages/load/carry.h"

void carry_release(struct carry *c) {
    buf_release(&c->rest);
}

void carry_out(struct carry *c, struct batch *batch, size_t more) {
    loader_reserve(batch, c->rest.n + more);
    if (c->rest.n)
        memcpy(batch->bytes, c->rest.p, c->rest.n);
    batch->bytes_n = c->rest.n;
    buf_clear(&c->rest);
}

void carry_fill(struct carry *c, struct input *input, struct batch *batch, size_t want) {
    while (batch->bytes_n < want && !c->ended && c->failure.status == STATUS_OK) {
        size_t got;
        if (input_read(input, batch->bytes + batch->bytes_n, want - batch->bytes_n, &got, &c->failure) !=
            STATUS_OK)
            return;
        c->ended = got == 0;
        batch->bytes_n += got;
    }
}

void carry_in(struct carry *c, struct batch *batch, size_t from, size_t keep) {
    buf_add(&c->rest, batch->bytes + from, batch->bytes_n - from);
    buf_shrink(&c->rest, keep);
    batch->bytes_n = from;
}
