// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_LENGTHS_FORMAT_H
#define PRESSRUN_CACHE_LENGTHS_FORMAT_H
/*
 * The parts of a file of lengths that its writer and its reader share; lengths.h has the layout.
 */
#include "base/buf.h"
#include "cache/lengths.h"

#define LENGTHS_MAGIC "presslen"
enum {
    LENGTHS_HEAD = 16,
    LENGTHS_FRAME = 28,  // of a block, before its items
    LENGTHS_END = 20,    // of the foot, behind what it says
    LENGTHS_FOOT = 68,   // of the foot, before its texts
    LENGTHS_VARINT = 10, // at most
    LENGTHS_DIGITS = 18, // of a numeric key, at most
    LENGTHS_TEXTS_N = 3, // job, path, separator
    LENGTHS_FOOT_MOST = 4 << 20,
};
enum lengths_form { LENGTHS_NEXT, LENGTHS_NUMBER, LENGTHS_TEXT };

// What a block can grow to: it is full behind the item that fills it.
enum { LENGTHS_PLAIN_MOST = LENGTHS_BLOCK + LENGTHS_LONGEST + 4 * LENGTHS_VARINT };

struct lengths_block {
    uint64_t checksum, number;
    uint32_t stored, plain, items;
};

// What the key before says about the next one.
struct lengths_keys {
    uint64_t number;
    struct buf text;
};

#endif
