// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_JOINS_JOIN_SPILL_H
#define PRESSRUN_STAGES_LOAD_JOINS_JOIN_SPILL_H
/*
 * Packed records by key in a temporary SQLite database: what an index of a join (join_index.h) has no room for. SQLite
 * makes the file in its directory for temporary files (SQLITE_TMPDIR, TMPDIR, /var/tmp, ...) and unlinks it at once, so
 * nothing is left behind. In memory there is a bounded page cache.
 *
 * Records are added in any order of keys to a table without an index; join_spill_end sorts them and writes each key's
 * together, in the order of keys, integers by their value: so lookups in that order go through the table once.
 *
 * Adding and ending is one thread's; looking up is anybody's, one after the other.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct join_spill; // owned

enum status join_spill_open(struct str name, const atomic_bool *interrupt, struct join_spill **out,
                            struct err *err);
void join_spill_close(struct join_spill *spill); // NULL is fine

// `place`: of the record among all, which orders those of a key.
enum status join_spill_add(struct join_spill *spill, struct str key, uint64_t place, struct str packed,
                           struct err *err);
// `one`: only the first record of a key is kept. How many keys there are, and how many records were left out.
enum status join_spill_end(struct join_spill *spill, bool one, uint64_t *keys, uint64_t *repeated,
                           struct err *err);

struct join_spilled {
    uint64_t number;   // of the key, from 0
    uint32_t n;        // records
    struct str packed; // all of them, in the arena given
};
// n 0: the key is not there.
enum status join_spill_find(struct join_spill *spill, struct str key, struct arena *arena,
                            struct join_spilled *out, struct err *err);

// All keys, by number, with the place of their first record; text in SQLite's memory. False: stop.
typedef bool (*join_spill_fn)(void *context, uint64_t number, struct str key, uint64_t place, uint32_t n);
void join_spill_each(struct join_spill *spill, join_spill_fn fn, void *context);

uint64_t join_spill_bytes(const struct join_spill *spill);

#endif
