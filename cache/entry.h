// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_ENTRY_H
#define PRESSRUN_CACHE_ENTRY_H
/*
 * One entry of a pack as bytes, little-endian, without gaps:
 *
 *     0   16  checksum: XXH3-128, low half first, of all that follows
 *     16   3  magic "PRE"
 *     19   1  version of this layout
 *     20   1  category
 *     21   1  kind
 *     22   2  age: how old the value was then, seconds: 11 bits, to be shifted left by the upper 5
 *     24   4  number of the dictionary, 0: none
 *     28   4  size of the value
 *     32   4  size of the payload
 *     36  16  key, low half first
 *     52   8  time when it was put here, nanoseconds since 1970
 *     60   4  tag of the value
 *     64   .  payload
 *
 * Entries say themselves what they are, so a pack needs no header of its own, and after a damaged one the next can
 * be found. Nothing of an entry is believed before its checksum was compared.
 */
#include "base/str.h"
#include "cache/tier.h"

enum entry_kind {
    ENTRY_RAW,        // the payload is the value
    ENTRY_ZSTD,       // a zstd frame
    ENTRY_GONE,       // the key was invalidated: no entry of that time or before is valid
    ENTRY_CLEAR,      // the same for all keys of the category
    ENTRY_DICTIONARY, // a dictionary, alone in its file
    ENTRY_KINDS_N
};

enum { ENTRY_HEADER = 64, ENTRY_MAGIC_AT = 16, ENTRY_MAGIC_SIZE = 4, ENTRY_LARGEST = 64 << 20 };

struct entry {
    struct cache_key key;
    enum entry_kind kind;
    uint32_t dictionary, size, stored, tag;
    int64_t time;
    int64_t
        age; // nanoseconds: of a value that another tier had before. In bytes to the second, or to a thousandth of it
};

static inline size_t entry_size(const struct entry *entry) {
    return ENTRY_HEADER + (size_t)entry->stored;
}

// When the value was made, which its lifetime counts from.
static inline int64_t entry_made(const struct entry *entry) {
    return entry->age < entry->time ? entry->time - entry->age : 0;
}

// Writes the header before a payload that is at bytes + ENTRY_HEADER already.
void entry_seal(const struct entry *entry, char *bytes);
// What a header says, where it may be one: sizes and time within limits, a known version, category and kind. Not verified.
bool entry_peek(struct str bytes, struct entry *entry);
// The same of a whole entry at the start of `bytes`, with its checksum.
bool entry_open(struct str bytes, struct entry *entry);
// The next place from `at` on where an entry may start; bytes.n where there is none.
size_t entry_search(struct str bytes, size_t at);

#endif
