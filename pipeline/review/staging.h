// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_STAGING_H
#define PRESSRUN_PIPELINE_STAGING_H
/*
 * What a run would publish, kept apart until somebody has looked at it: a generation, in a directory beneath the books
 * of the output directory. Its life is the directory's name, and each step of it is one rename:
 *
 *     .pressrun/stage        being filled; complete, and waiting for its verdict, once `generation.json` is in it
 *     .pressrun/publishing   decided: what is not yet in its place will be, whoever comes next
 *     .pressrun/previous     published; `files` now holds what was replaced
 *     .pressrun/rollback     being taken back
 *     .pressrun/dropped      only to be removed
 *
 * and in it
 *
 *     files/PATH             staged outputs; after publishing the ones that were there before
 *     changes                one line for each of them, and for what no longer belongs (staging_list.h)
 *     generation.json        counts, the run's digest and session, the digest of `changes`; written last, with a rename
 *     prune                  there while outputs that no longer belong go, too
 *     .pressrun/journal      what the run would have noted in the journal
 *     replaced/.pressrun/journal   what the journal said of the outputs that were replaced
 *
 * One generation waits at a time, and one previous one is kept. Publishing swaps each output with the one it replaces,
 * in one step where the file system can; a file that is fresh in its place is done, so that it can be gone through
 * again after a kill at any point. Where something fails, all is swapped back.
 *
 * All of this is for whoever holds the output's lock, but for staging_look and reading, which need none.
 * Ownership: descriptors belong to whoever asked. Threads: one.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/fs.h"
#include "stages/emit/emit.h"

#define STAGING_STAGE      EMIT_BOOKS "/stage"
#define STAGING_PUBLISHING EMIT_BOOKS "/publishing"
#define STAGING_PREVIOUS   EMIT_BOOKS "/previous"
#define STAGING_ROLLBACK   EMIT_BOOKS "/rollback"
#define STAGING_DROPPED    EMIT_BOOKS "/dropped"
#define STAGING_FILES      "files"
#define STAGING_FACTS      "generation.json"

// An output directory.
struct staging_root {
    const struct fs *fs;
    int root;
};

struct staging_counts {
    uint64_t added, changed, removed; // removed: belong no longer; published only with `prune`
    uint64_t unchanged;
    uint64_t bytes; // staged
};

struct staging_facts {
    char session[64]; // "": the run kept none
    int64_t when;     // seconds since 1970
    struct digest digest, list;
    uint64_t failed; // records and outputs of the run
    struct staging_counts counts;
};

enum staging_state { STAGING_NONE, STAGING_INCOMPLETE, STAGING_COMPLETE };

// What is in one of the directories above. STATUS_DATA: its facts are damaged, or of another version.
enum status staging_look(struct staging_root at, const char *directory, enum staging_state *state,
                         struct staging_facts *facts, struct err *err);
bool staging_parse(struct str text, struct staging_facts *facts); // what generation.json says

// An empty stage, in place of the one that is there; *files is where outputs go, *stage the directory itself.
enum status staging_begin(struct staging_root at, int *stage, int *files, struct err *err);

// The generation is complete: makes the list of what is staged, with `removed` (sorted paths), and then says so.
// Fills in facts->list and facts->counts but for `unchanged`.
struct staging_removed {
    const struct str *paths;
    size_t n;
};
enum status staging_seal(struct staging_root at, struct staging_removed removed, bool durable,
                         struct staging_facts *facts, struct err *err);

// Nothing of it is left to see once this returns; an absent one is fine.
enum status staging_drop(struct staging_root at, const char *directory, struct err *err);

// The directory and everything in it. -errno of the first fault; 0 where there is none.
int staging_remove_tree(const struct fs *fs, int root, const char *path);

#endif
