// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RECORD_ITEM_H
#define PRESSRUN_STAGES_RECORD_ITEM_H
/*
 * One record in flight, and the batch it travels in.
 *
 * A loader fills a batch in two steps. `pull` (one at a time, in order) reads bytes and finds where records
 * begin and end: cheap. `parse` (any thread, any batch) makes the values: dear. A batch owns its bytes and its
 * arena; values of its items borrow from both, so they are valid until the batch is recycled.
 *
 * A failed item keeps its located error and never stops the batch.
 */
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"
#include "stages/record/value.h"

struct item {
    struct str raw;           // the record's bytes in the batch's buffer
    uint64_t ordinal;         // of the record in its source, from 0; bad records count, blank lines do not
    uint64_t line;            // from 1; 0 where the source has no lines
    uint64_t column;          // of raw in its line, from 1; 0: as 1
    uint64_t byte;            // offset of raw in the (uncompressed) source
    struct value record;      // VALUE_MISSING until parsed, and where that failed
    uint32_t route;           // of a file that was chosen by routes: which one; else 0
    bool unwanted;            // nobody asks for its values, so it is not parsed
    const struct diag *error; // in the batch's arena; NULL: fine so far
    uint64_t error_byte;      // offset of the fault in the (uncompressed) source
};

struct batch {
    uint64_t sequence; // of the batch in its source, from 0
    char *bytes;       // owned (base/mem.h); the items' raw text
    size_t bytes_n, bytes_cap;
    struct item *items; // owned
    size_t items_n, items_cap;
    struct arena arena;
};

struct batch *batch_new(void);
void batch_clear(struct batch *b); // for reuse: no items, no bytes, keeps reasonable room
void batch_free(struct batch *b);
// Swaps what they have, but for the sequence; what was asked of made's arena since then counts as asked of b's.
void batch_exchange(struct batch *b, struct batch *made, struct arena_asked since);
struct item *batch_add(struct batch *b); // a zeroed item at the end, record VALUE_MISSING

#endif
