// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_CACHE_BOOKS_H
#define PRESSRUN_PIPELINE_CACHE_BOOKS_H
/*
 * What is remembered of the cache between runs, but for the values: how often something was found or not, and what each
 * job's outputs cost, so that the next run knows from its first output on whether keeping them pays.
 *
 * It is one small JSON file beside the journal, written as a whole under the output directory's lock, and only by
 * runs that used the cache or learnt something else than the file says. What cannot be read is as good as nothing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fs.h"
#include "cache/cache.h"
#include "stages/emit/emit.h"

#define CACHE_BOOKS_FILE EMIT_BOOKS "/cache.json" // beneath the output directory

struct cache_books_category {
    uint64_t hits, misses, hit_bytes, puts, put_bytes;
    uint64_t tier_hits[CACHE_TIERS_N];
};

struct cache_books_job { // or a source
    enum cache_category category;
    struct str name;
    uint64_t make, keep; // nanoseconds: of making one value; of what it costs to keep and get one
    bool used;           // it pays
};

struct cache_books_use { // of an entry
    struct cache_key key;
    uint64_t uses;
};
enum { CACHE_BOOKS_USES = 500 };

struct cache_books {
    struct arena arena; // texts
    uint64_t runs;      // that used the cache
    int64_t since;      // the first of them, nanoseconds since 1970
    struct cache_books_category categories[CACHE_CATEGORIES_N];
    struct cache_books_use *used; // owned; those that were used most, most first
    size_t used_n, used_cap;
    struct cache_books_job *jobs; // owned
    size_t jobs_n, jobs_cap;
};

void cache_books_init(struct cache_books *books);
void cache_books_release(struct cache_books *books);
void cache_books_read(struct cache_books *books, const struct fs *fs, int root); // into an empty one
bool cache_books_write(const struct cache_books *books, const struct fs *fs, int root);

const struct cache_books_job *cache_books_find(const struct cache_books *books, enum cache_category category,
                                               struct str name); // NULL: unknown
// Adds uses of an entry; cache_books_rank, after the last of them, leaves those used most.
void cache_books_use(struct cache_books *books, struct cache_key key, uint64_t uses);
void cache_books_rank(struct cache_books *books);
// Whether what was learnt of a job differs from what is known, by more than a quarter or in what follows from it.
bool cache_books_learn(struct cache_books *books, const struct cache_books_job *job);

#endif
