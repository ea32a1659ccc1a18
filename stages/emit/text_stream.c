// SPDX-License-Identifier: MIT
/*
 * Outputs one after another as they are, with the job's separator between them.
 */
#include <assert.h>

#include "stages/emit/stream.h"

static enum status text_begin(struct lane *lane, struct str name, struct err *err) {
    (void)name;
    (void)err;
    return stream_begin(lane);
}

static enum status text_write(struct lane *lane, struct str piece, struct err *err) {
    assert(lane->is_open);
    buf_add_str(&lane->spill.text, piece);
    return stream_grown(lane, piece.n, err);
}

static enum status text_commit(struct lane *lane, struct err *err) {
    (void)err;
    return stream_commit(lane);
}

const struct sink_kind emit_text = {
    .name = "text",
    .doc = "one file of all outputs, in record order",
    .ordered = true,
    .named = false,
    .open = stream_open,
    .lane_new = stream_lane_new,
    .lane_free = stream_lane_free,
    .begin = text_begin,
    .write = text_write,
    .commit = text_commit,
    .abort = stream_abort,
    .seal = stream_seal,
    .flush = stream_flush,
    .close = stream_close,
};
