// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_CACHE_TEXT_H
#define PRESSRUN_CLI_CACHE_TEXT_H
/*
 * What is to be said of the cache: its figures, as text and as JSON, and sums of entries. Nothing is kept of what it is
 * given. One thread.
 */
#include "base/buf.h"
#include "cache/packs.h"
#include "pipeline/caching/cache_books.h"

struct cache_figures {
    struct str directory; // of the file tier, as people know it
    bool has_tier;        // there is a file tier
    struct cache_stats tier;
    const struct cache_books *books;
};

void cache_text_stats(const struct cache_figures *figures, struct buf *out);
void cache_text_stats_json(const struct cache_figures *figures, struct buf *out);

void cache_text_gc(const struct cache_stats *before, const struct cache_stats *after, // NULL: it was not done
                   struct buf *out);
void cache_text_verified(const struct packs_verified *found, bool repaired, struct buf *out);

// Entries that are gone, or would be.
struct cache_sum {
    struct cache_held held[CACHE_CATEGORIES_N];
    uint64_t entries, stored;
};
void cache_sum_add(struct cache_sum *sum, enum cache_category category, uint64_t bytes, uint64_t stored);
// "3 entries (render 2, through 1), 1.2 kB"
void cache_text_sum(const struct cache_sum *sum, struct buf *out);
// The same as an object in a line, with `dry_run`.
void cache_text_sum_json(const struct cache_sum *sum, bool dry_run, struct buf *out);

#endif
