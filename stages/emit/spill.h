// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_SPILL_H
#define PRESSRUN_STAGES_EMIT_SPILL_H
/*
 * Bytes that are appended, perhaps partly taken back, and then read once from the start: in memory up to a
 * limit, beyond it in a file that has no name any more, so that nothing is left of it however the process ends.
 *
 * Offsets count all bytes ever appended, those taken back included. What was taken back from the file stays in it
 * as a hole that reading passes over.
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/fs.h"

struct spill_hole {
    uint64_t from, to;
};

struct spill {
    const struct fs *fs;
    int directory;         // where the file is made
    size_t limit;          // bytes of memory
    struct buf text;       // the end; append to it directly, then call spill_settle
    uint64_t spilled;      // bytes before text, in the file
    int write_fd, read_fd; // -1: none
    bool broken;           // a write failed: where the file ends is not known; until cleared all else fails
    struct spill_hole *holes;
    size_t holes_n, holes_cap;
};

enum { SPILL_KEPT = 16 }; // so many bytes at the end always stay in text

void spill_init(struct spill *s, const struct fs *fs, int directory, size_t limit);
void spill_release(struct spill *s);
void spill_clear(struct spill *s); // empties it; keeps some memory

static inline uint64_t spill_end(const struct spill *s) {
    return s->spilled + s->text.n;
}
int spill_settle(struct spill *s);              // moves text to the file where it is above the limit; -errno
void spill_cut(struct spill *s, uint64_t from); // takes back everything from this offset on

// Hands all that was not taken back to fn, in order; -errno, also what fn returned.
int spill_read(struct spill *s, int (*fn)(void *self, struct str piece), void *self);

#endif
