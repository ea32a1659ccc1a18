// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_SUPPORT_JOURNAL_RUN_H
#define PRESSRUN_TESTS_SUPPORT_JOURNAL_RUN_H
/*
 * Journals with made-up outputs: all of an entry follows from its number and version, so that whatever is found can be
 * held against what was written. What goes wrong here fails the test, except where a status is returned.
 */
#include "cache/journal.h"
#include "tests/support/scene.h"

enum { RUN_FIELDS = 3, RUN_PARTS = 3, RUN_VERSIONS = 9 };

struct journal_options run_options(const struct fs *fs, int root, bool writable);
struct journal *run_open(const struct fs *fs, int root, bool writable, struct journal_found *found);
struct journal_recipe run_recipe(int version); // of version 1 to RUN_VERSIONS; has three parts
struct str run_path(int output, char room[64]);
struct digest run_raw(int output, int version);
struct journal_entry run_entry(int output, int version, char room[64], uint64_t fields[RUN_FIELDS]);
bool run_is_recipe(const struct journal_recipe *recipe, int version);
bool run_is_entry(const struct journal_entry *entry, int output, int version); // the recipe may be lost

// Appends outputs from..to-1 in one batch.
enum status run_append(struct journal *journal, int from, int to, int version, bool sync, struct err *err);
void run_put(struct journal *journal, int from, int to, int version); // must succeed
// The version in which an output is found, 0: it is not. Fails where it is none of 1 to `versions`.
int run_found(struct journal_reader *reader, int output, int versions);
int run_count(struct journal *journal, int outputs, int versions); // how many of 0..outputs-1 are found
bool run_entry_of(struct journal_reader *reader, int output, struct journal_entry *entry); // journal_find's
const struct journal_recipe *run_kept(struct journal *journal, const struct journal_recipe *recipe);
void run_end(struct journal *journal, bool complete);
struct journal *run_reopen(struct scene *scene, struct journal *journal); // finds no damage

// A journal's file: RUN_SAMPLE outputs, 4 to 7 once more in version 2, the last of which left; owned.
enum { RUN_SAMPLE = 12 };
struct buf run_sample(void);
struct scene run_scene(void); // with a directory for a journal
uint64_t run_salt(const struct buf *file);

#endif
