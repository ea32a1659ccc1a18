// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_CARRY_H
#define PRESSRUN_STAGES_LOAD_CARRY_H
/*
 * What one batch leaves over for the next: bytes are read straight into a batch, and those behind its last whole
 * record are carried over. For formats whose records are pieces of a stream of bytes.
 *
 * A read that fails is kept until the whole records before it are given out. Room is the caller's business: it
 * reserves before it asks for bytes.
 */
#include "base/buf.h"
#include "stages/load/loader.h"

struct carry {
    struct buf rest;    // owned; bytes read but not given out yet
    bool ended;         // there are no more bytes behind those that were read
    struct err failure; // of reading
};

void carry_release(struct carry *c);
// Begins an empty batch with what was left over; `more` bytes fit behind it.
void carry_out(struct carry *c, struct batch *batch, size_t more);
// Reads until the batch has `want` bytes, the source ends or reading fails.
void carry_fill(struct carry *c, struct input *input, struct batch *batch, size_t want);
// Ends a batch at `from`: what is behind goes to the next one. Room beyond `keep` is given back once it is empty.
void carry_in(struct carry *c, struct batch *batch, size_t from, size_t keep);

#endif
