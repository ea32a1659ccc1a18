// SPDX-License-Identifier: MIT
/*
 * JSON lines: each output is one JSON string in a line of its own; or, `raw`, is a JSON text already and
 * must be one line: white space at its end goes, a line end within it fails the output.
 */
#include <assert.h>

#include "stages/emit/stream.h"

static bool is_raw(const struct lane *lane) {
    return stream_options(lane)->raw;
}

static enum status jsonl_begin(struct lane *lane, struct str name, struct err *err) {
    (void)name;
    (void)err;
    stream_begin(lane);
    lane->content_end = spill_end(&lane->spill);
    lane->newline = lane->has_lines = false;
    if (!is_raw(lane))
        buf_add(&lane->spill.text, "\"\"", 2);
    return STATUS_OK;
}

// The text always ends with the closing quote. The next piece is put over the byte before it, which the new
// opening quote overwrites and which is then put back.
static void add_quoted(struct buf *text, struct str piece) {
    text->n -= 2;
    size_t at = text->n;
    char kept = text->p[at];
    buf_add_json(text, piece);
    text->p[at] = kept;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Follows where the content ends and whether it has more than one line, however it is cut into pieces.
static void add_raw(struct lane *lane, struct str piece) {
    uint64_t at = spill_end(&lane->spill);
    size_t content = piece.n;
    while (content > 0 && is_space(piece.p[content - 1]))
        content--;
    if (content > 0) {
        lane->has_lines = lane->has_lines || lane->newline || memchr(piece.p, '\n', content);
        lane->newline = false;
        lane->content_end = at + content;
    }
    if (content < piece.n && memchr(piece.p + content, '\n', piece.n - content))
        lane->newline = true;
    buf_add_str(&lane->spill.text, piece);
}

static enum status jsonl_write(struct lane *lane, struct str piece, struct err *err) {
    assert(lane->is_open);
    if (is_raw(lane))
        add_raw(lane, piece);
    else if (piece.n > 0)
        add_quoted(&lane->spill.text, piece);
    return stream_grown(lane, piece.n, err);
}

static enum status jsonl_commit(struct lane *lane, struct err *err) {
    if (is_raw(lane)) {
        const char *fault = lane->has_lines ? "the output is not one line" : NULL;
        if (lane->content_end == lane->item_at)
            fault = "the output is empty, where a JSON text must be";
        if (fault) {
            stream_abort(lane);
            return err_set(err, STATUS_DATA, "%s", fault);
        }
        spill_cut(&lane->spill, lane->content_end);
    }
    buf_add_char(&lane->spill.text, '\n');
    return stream_commit(lane);
}

static enum status jsonl_open(const struct sink_options *options, struct sink **out, struct err *err) {
    struct sink_options own = *options;
    own.separator = (struct str){NULL, 0}; // lines separate
    return stream_open(&own, out, err);
}

static const char *const extensions[] = {".jsonl", NULL};

const struct sink_kind emit_jsonl = {
    .name = "jsonl",
    .doc = "one JSON string, or with `raw` one JSON text, a line, in record order",
    .extensions = extensions,
    .ordered = true,
    .named = false,
    .open = jsonl_open,
    .lane_new = stream_lane_new,
    .lane_free = stream_lane_free,
    .begin = jsonl_begin,
    .write = jsonl_write,
    .commit = jsonl_commit,
    .abort = stream_abort,
    .seal = stream_seal,
    .flush = stream_flush,
    .close = stream_close,
};
