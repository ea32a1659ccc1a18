// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_STREAM_H
#define PRESSRUN_STAGES_EMIT_STREAM_H
/*
 * What the ordered streams share: many outputs, one file (or standard output), plain or compressed. A kind of stream
 * says how an output is spelled; here is everything else.
 *
 * A lane holds its outputs as they will stand in the file, in memory up to 8 MiB and beyond that in a nameless
 * file. Each output is led by the separator, the lane's first one too; the stream's very first goes without it.
 * `.zst`: each lane becomes one frame, compressed in `seal`, so the bytes depend on where the batches end, not on
 * the number of workers. A lane that outgrew memory is compressed while it is flushed.
 *
 * At close a file that has these bytes already is left alone; the temporary file is compared with it then.
 *
 * Where a flush fails the stream is broken: all later ones fail, and close drops it.
 */
#include "stages/emit/emit.h"
#include "stages/emit/spill.h"

struct lane {
    struct sink *sink;
    struct spill spill;
    bool is_open;     // an output is in progress
    uint64_t item_at; // where it begins, its separator included
    uint64_t item_bytes;
    uint64_t outputs, bytes; // committed
    struct frames *frames;
    struct buf packed; // the sealed lane
    bool sealed;
    // of raw JSON lines
    uint64_t content_end; // after the last byte that is not white space
    bool newline;         // since then
    bool has_lines;       // a line end stands between other bytes
};

enum status stream_open(const struct sink_options *options, struct sink **out, struct err *err);
struct lane *stream_lane_new(struct sink *sink);
void stream_lane_free(struct lane *lane);
const struct sink_options *stream_options(const struct lane *lane);

enum status stream_begin(struct lane *lane); // leads with the separator
enum status stream_grown(struct lane *lane, size_t n,
                         struct err *err); // after text was added: n bytes of the output
enum status stream_commit(struct lane *lane);
void stream_abort(struct lane *lane);

enum status stream_seal(struct lane *lane, struct err *err);
enum status stream_flush(struct lane *lane, struct lane_result *result, struct err *err);
enum status stream_close(struct sink *sink, bool publish, struct lane_result *result, struct err *err);

#endif
