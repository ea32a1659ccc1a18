// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_READBACK_H
#define PRESSRUN_STAGES_EMIT_READBACK_H
/*
 * Outputs as they are on the disk, to be compared with what was written: the bytes of a file beneath the root,
 * decompressed where its name ends in ".zst" (several frames in a row are one text), all of them as they are. And
 * the text of a line that a .jsonl stream has, where it is spelled as the stream spells it.
 *
 * One of these reads many outputs, one after the other, with the buffers it has: some 400 KB. One thread at a time.
 */
#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"

enum { READBACK_PIECE = 128 << 10 };

struct readback; // owned
struct readback *readback_new(const struct fs *fs, int root);
void readback_free(struct readback *r); // NULL is fine

// What became of a name.
enum readback_found {
    READBACK_OPEN,
    READBACK_MISSING,
    READBACK_OTHER, // there is something that no output can be: a directory, a device
    READBACK_FAILED // err
};
// Ends the output before.
enum readback_found readback_open(struct readback *r, struct str path, struct err *err);
const struct stat *readback_stat(const struct readback *r); // of the one that is open, when it was opened
// The next piece, valid until the next call; empty at the end. STATUS_DATA: it is damaged or cut off.
enum status readback_next(struct readback *r, struct str *piece, struct err *err);

/*
 * A JSON string that comes in pieces, to the text in it. Exactly what buf_add_json writes is taken, so that equal texts
 * are equal bytes.
 */
struct readback_string {
    enum { STRING_BEFORE, STRING_WITHIN, STRING_ESCAPE, STRING_HEX, STRING_BEHIND } at;
    unsigned hex_n, code;
};
// Takes bytes from the start of *bytes and adds their text to `text`, as far as the string goes. STRING_BEHIND: it has
// ended. False: this is no such string.
bool readback_unquote(struct readback_string *s, struct str *bytes, struct buf *text);

#endif
