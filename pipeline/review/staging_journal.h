// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_STAGING_JOURNAL_H
#define PRESSRUN_PIPELINE_STAGING_JOURNAL_H
/*
 * The journals of a generation: what the run that was staged would have noted, and what the output directory's journal
 * said of the outputs that were replaced. Publishing adds the former to the output directory's, after it has kept the
 * latter; rolling back gives the latter back. Both may be done again.
 *
 * Recipes are passed on by what is in them, so entries keep what they were made of.
 *
 * Journals, list and descriptors stay the caller's, who holds the output's lock. One thread.
 */
#include "cache/journal.h"
#include "pipeline/review/staging_list.h"

struct staging_books {
    const struct fs *fs;
    struct journal *journal; // the output directory's
    int root, generation;    // descriptors
    bool durable;
    uint64_t salt; // for journals that begin here
};

// Reads the list from its beginning to its end.
enum status staging_books_publish(const struct staging_books *books, struct staging_reader *list, bool prune,
                                  struct err *err);
enum status staging_books_absorb(const struct staging_books *books,
                                 struct err *err); // the former, without the latter
enum status staging_books_restore(const struct staging_books *books, struct staging_reader *list,
                                  struct err *err);

#endif
