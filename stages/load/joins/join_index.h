// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_JOINS_JOIN_INDEX_H
#define PRESSRUN_STAGES_LOAD_JOINS_JOIN_INDEX_H
/*
 * The records of a source by a key, for the records of another source that they belong to: a hash table in memory, and
 * beyond a bound a temporary table (join_spill.h). What a key's records are does not depend on where they were.
 *
 * First all are added, in their source's order, by one thread at a time; then join_index_end; from there on any number
 * of threads look up. Lists have the order in which records were added. What is found lives as long as the index, or,
 * of what was spilled, as the arena that the caller gave.
 *
 * Left out: what makes a key of a record, and which records have none (pipeline/run/run_join.h).
 */
#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "stages/record/value.h"

struct join_index; // owned

struct join_index_options {
    struct shapes *shapes;        // of the run
    struct str name;              // of the source, for messages
    bool one;                     // a key has one record; others of the same key are counted and left out
    size_t most;                  // bytes in memory; 0: 256 MiB
    const atomic_bool *interrupt; // may be NULL
};

struct join_index *join_index_new(const struct join_index_options *options);
void join_index_free(struct join_index *index); // NULL is fine

// A copy of the record is kept.
enum status join_index_add(struct join_index *index, struct str key, struct value record, struct err *err);
enum status join_index_end(struct join_index *index, struct err *err);

// The records of a key: a list, empty where there are none; or the one record, or none.
enum status join_index_find(struct join_index *index, struct str key, struct arena *arena, struct value *out,
                            struct err *err);

struct join_figures {
    uint64_t records, keys; // that are there
    uint64_t repeated;      // records left out, since their key had one
    uint64_t found_again;   // keys that were looked up more than once
    uint64_t lost;          // keys that nobody looked up
    uint64_t lost_records;  // and the records these have
    uint64_t spilled;       // bytes of the temporary table; 0: all was in memory
};
// When nobody looks up any more. `example`: the first key that nobody looked up, in `arena`; {NULL, 0}: none.
void join_index_figures(struct join_index *index, struct join_figures *figures, struct arena *arena,
                        struct str *example);

#endif
