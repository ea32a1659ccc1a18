// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_JOURNAL_PRIVATE_H
#define PRESSRUN_CACHE_JOURNAL_PRIVATE_H
/*
 * What the journal's files share: opening and appending (journal.c), looking up (journal_read.c), taking in what is in the file (journal_scan.c),
 * rewriting it (journal_compact.c). See journal.h for who may do what when.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "cache/journal.h"
#include "cache/journal_format.h"
#include "cache/journal_index.h"
#include "cache/journal_recipes.h"

struct journal {
    struct journal_options options;
    int fd;           // -1: no file, only reading
    uint64_t end;     // of the last sound record that was taken in or appended
    uint64_t scanned; // up to here the index knows
    uint64_t salt;    // the file's
    uint32_t edition; // another one: what windows hold is not in the file any more
    struct journal_index index;
    struct journal_recipes recipes;
    uint32_t last_generation, generation;
    _Atomic uint64_t *seen; // a bit an item
    size_t seen_words;
    bool runs;            // entries taken in are this run's
    bool header_damaged;  // to be rewritten
    bool broken;          // the tail is not sound any more: nothing is appended
    pthread_mutex_t lock; // appending: end, broken
    struct journal_found found;
};

// All that is read at `at`, up to n bytes; less at the end of the file. Negative: -errno.
ssize_t journal_read_at(const struct fs *fs, int fd, void *p, size_t n, uint64_t at);
// Takes in all records from `from` on, and sets `end` and `scanned`. The journal's counts of damage grow.
enum status journal_scan(struct journal *journal, uint64_t from, struct err *err);
void journal_forget(struct journal *journal, size_t outputs); // an empty index with room for so many
void journal_begin(struct journal *journal);                  // a generation in which nothing was seen yet
// An entry's recipe; NULL: lost, or it cannot be the one.
const struct journal_kept_recipe *journal_recipe_of(const struct journal *journal, uint32_t id,
                                                    uint32_t fields_n);
uint8_t journal_job_tag(uint64_t job_key);
// Takes in what was appended, as seen in this run.
enum status journal_take_in(struct journal *journal, struct err *err);

#endif
