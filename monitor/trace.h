// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_TRACE_H
#define PRESSRUN_MONITOR_TRACE_H
/*
 * A trace: what each worker did when, written while it happens, in Chrome's trace event format, which Perfetto and
 * chrome://tracing open. Rows are workers; on them lie spans; beside them counters, and lives: spans that begin on one
 * row and may end on another.
 *
 * The file is the format's plain array, one event a line. Its readers do not need the closing bracket, so what a killed
 * process leaves behind can be opened, too. Names are cut after TRACE_NAME_MOST bytes, and what is not UTF-8 in them is
 * made so. Times are given in nanoseconds and written in microseconds with three decimals, so nothing is lost; but readers
 * that calculate with doubles find that a span overlaps the one before where it begins at that one's end, and drop it or
 * take it for a part. So a span begins at least TRACE_APART after the one before it on its row.
 *
 * Memory: each row has a buffer of its own, of TRACE_BLOCK bytes and less than one event; when it is full it goes to the
 * file as a whole. However long the trace, no event is dropped and memory stays as it is. A write that fails ends the
 * trace with the last whole event, and nothing else: trace_close tells.
 *
 * Threads: one at a time on a row, without a lock; only a full buffer takes one. Owned by who opened it.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"

enum { TRACE_BLOCK = 64 << 10, TRACE_NAME_MOST = 200, TRACE_APART = 2 }; // bytes, bytes, nanoseconds

struct trace;

struct trace_options {
    const struct fs *fs;
    const char *path;     // a new file, an empty one, a former trace, or no regular file at all
    struct str process;   // what the whole is called
    const char *row_name; // "worker": rows are called worker 1, worker 2, ...
    const char *last_row; // the name of one more row behind these, shown first; NULL: none
    uint32_t rows;
    uint64_t origin; // the time that is 0 in the trace
};

struct trace_arg {
    const char *name;
    uint64_t value;
};

// Something that took time. Texts without a letter that JSON would escape, but for `subject`, which is any.
struct trace_span {
    const char *name;     // "render"; the subject, if there is one, is added
    const char *category; // "render"
    const char *role;     // what the subject is: "job"; NULL: there is none
    struct str subject;
    uint64_t from, to;
    const struct trace_arg *args;
    size_t args_n;
};

// STATUS_CONFLICT: a file is there that is no trace, or another process writes it; it is as it was.
enum status trace_open(const struct trace_options *options, struct trace **trace, struct err *err);
// The end; frees. Anything but STATUS_OK: the file lacks what came after the fault.
enum status trace_close(struct trace *trace, struct err *err);
const char *trace_path(const struct trace *trace);

void trace_span(struct trace *trace, uint32_t row, const struct trace_span *span);
// `id` is the span's own among those of its category that are open at the same time.
void trace_life(struct trace *trace, uint32_t row, const struct trace_span *span, uint64_t id);
void trace_counter(struct trace *trace, uint32_t row, const char *name, uint64_t at, uint64_t value);

#endif
