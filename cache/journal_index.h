// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_JOURNAL_INDEX_H
#define PRESSRUN_CACHE_JOURNAL_INDEX_H
/*
 * Where the journal's latest entry of each output is, by 64 bits of its path's hash and of its raw record's. Items are
 * numbered in the order the outputs first came and keep their numbers; two open-addressing tables of item numbers,
 * each slot with 32 bits of the hash so that a miss touches no item. It knows nothing of files.
 *
 * Invariants: each path key has one item; each live item with a raw key has a slot in `raws`, unless RAW_EQUALS others
 * of that key came before. Slots of raw keys that an item no longer has stay until the table grows, and are skipped.
 * Owns its memory. Finding may go on in many threads; changing may not go on beside anything else.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_NONE UINT32_MAX

struct journal_item {
    uint64_t path_key, raw_key; // raw_key 0: none
    uint64_t unit : 38;         // where its entry begins in the file, in 4 bytes
    uint64_t units : 16;        // the entry's length, in the same
    uint64_t job : 8;           // of its job's hash, so that most others' entries need not be read
    uint64_t live : 1;          // not removed
    uint64_t left : 1;          // did not belong to the last complete run
};

struct journal_place { // what is known of an entry that comes in
    uint64_t path_key, raw_key;
    uint64_t at; // in the file
    size_t size;
    uint8_t job;
};

struct journal_slot {
    uint32_t tag, number; // number + 1; 0: free
};
struct journal_table {
    struct journal_slot *slots;
    size_t mask, used; // slots - 1
};

struct journal_index {
    struct journal_item *items;
    size_t items_n, items_cap;
    struct journal_table paths, raws;
    uint64_t live, left, live_bytes;
};

void journal_index_init(struct journal_index *index, size_t expected); // outputs
void journal_index_release(struct journal_index *index);
size_t journal_index_bytes(const struct journal_index *index);

// All return an item's number, or JOURNAL_NONE.
uint32_t journal_index_find(const struct journal_index *index, uint64_t path_key);
// The first, or the next after the slot in *at, that has this raw key. Begin with *at = SIZE_MAX.
uint32_t journal_index_find_raw(const struct journal_index *index, uint64_t raw_key, size_t *at);
uint32_t journal_index_put(struct journal_index *index, const struct journal_place *place);
void journal_index_prefetch(const struct journal_index *index, uint64_t path_key,
                            uint64_t raw_key); // for a put
void journal_index_remove(struct journal_index *index, uint32_t number);
void journal_index_leave(struct journal_index *index, uint32_t number, bool left);

#endif
