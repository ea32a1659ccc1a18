// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_INPLACE_H
#define PRESSRUN_STAGES_EMIT_INPLACE_H
/*
 * Overwriting a file where it is, which on a slow disk costs a thirtieth of putting a new one in its place. For as
 * long as it takes the file is neither old nor new; so before a file is touched its name and the digests of its old
 * and its new content go into a journal, by which recover.c finds what a killed run tore:
 *
 *     {"old":"0123...","new":"4567...","path":"cards/de/1.txt"}
 *
 * one such line each, in `.pressrun/inplace-N.jsonl`: a file per sink, since each is removed when its sink is done.
 * Journals count upwards, so of two that name the same file the one with the higher N is the newer; they are
 * removed in that order. A line that is not whole was not followed by a write.
 *
 * Only small files are overwritten (INPLACE_MAX): with large ones it is not the replacing that costs.
 *
 * inplace_note is thread-safe.
 */
#include "base/buf.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/str.h"
#include "stages/emit/emit.h"

enum { INPLACE_MAX = 1 << 20, INPLACE_NAME_SIZE = 64 };

struct inplace_entry {
    struct digest before, after;
    struct str path; // in `room` of inplace_parse
};

void inplace_add_line(struct buf *lines, struct inplace_entry entry);
// A line without its end. `room` is cleared and gets the path. False: it is not one.
bool inplace_parse(struct str line, struct buf *room, struct inplace_entry *entry);
// Where a journal is, relative to the root, and which one a name in EMIT_BOOKS is, if it is one.
void inplace_name(unsigned number, char path[INPLACE_NAME_SIZE]);
bool inplace_number(const char *name, unsigned *number);

struct inplace; // owned
struct inplace *inplace_new(const struct fs *fs, int root);
// Whole lines; they are in the file when this returns 0. -errno.
int inplace_note(struct inplace *journal, struct str lines);
// A file could be neither written nor given back its old content: the journal stays.
void inplace_tore(struct inplace *journal);
// Removes the file, unless one is torn or the caller keeps it (true then: it stays), and frees the journal. NULL is
// fine.
bool inplace_free(struct inplace *journal, bool keep);

// What a failed overwrite left: the old file, none, or (where even removing it failed) a torn one.
enum inplace_left { INPLACE_OLD, INPLACE_NONE, INPLACE_TORN };

// Puts `text` in the place of `before`, which is all that the file holds. Where that fails the old content is put
// back, and where that fails too the file is removed; -errno of the first fault. A file that is not the one
// described by `present` any more is not touched: -ESTALE.
int inplace_overwrite(const struct fs *fs, int directory, const char *name, const struct stat *present,
                      struct str before, struct str text, enum inplace_left *left);

#endif
