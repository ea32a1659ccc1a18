// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_FRAMES_H
#define PRESSRUN_STAGES_EMIT_FRAMES_H
/*
 * zstd frames, each with a checksum of its content. Frames put one after another are one .zst file, so lanes
 * compress theirs in parallel and the stream only appends them.
 *
 * Owned by one thread at a time.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { FRAMES_DEFAULT_LEVEL = 3 };

struct frames;                        // owned
struct frames *frames_new(int level); // 0: the default

void frames_free(struct frames *f);

// Appends text as one whole frame.
enum status frames_add(struct frames *f, struct str text, struct buf *out, struct err *err);

// The same in pieces: appends what comes out so far; `last` ends the frame.
enum status frames_add_piece(struct frames *f, struct str piece, bool last, struct buf *out, struct err *err);
void frames_drop(struct frames *f); // forgets the frame that was begun in pieces

#endif
