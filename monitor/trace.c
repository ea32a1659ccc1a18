// SPDX-License-Identifier: MIT
#include "monitor/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

// How a trace begins, by which it is known again. All of it is one process to its readers, number 1. Some of them want
// a category and a time of every event, so the names of rows have them, too, as Chrome's own.
#define HEAD                                                                                                 \
    "[\n{\"name\":\"process_name\",\"cat\":\"__metadata\",\"ph\":\"M\",\"ts\":0,\"pid\":1,\"tid\":0,"        \
    "\"args\":{\"name\":"
#define NEXT ",\n{\"name\":"

// Rows do not share a cache line.
struct row {
    struct buf text; // whole events
    uint64_t free;   // from then on a span may begin
    char apart[64 - (sizeof(struct buf) + sizeof(uint64_t)) % 64];
};

struct trace {
    const struct fs *fs;
    char *path;
    int fd;
    uint64_t origin;
    struct row *rows;
    uint32_t rows_n;
    pthread_mutex_t lock; // of what follows
    uint64_t written;     // bytes, all of them whole events
    struct err err;
    atomic_bool broken; // err is set
};

const char *trace_path(const struct trace *trace) {
    return trace->path;
}

// ---- texts

#define ADD(b, literal) buf_add((b), (literal), sizeof(literal) - 1)

static void add_number(struct buf *b, uint64_t value) {
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    buf_add(b, digits + at, sizeof digits - at);
}

static void add_micros(struct buf *b, uint64_t nanoseconds) {
    uint64_t rest = nanoseconds % 1000;
    const char digits[] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
                           (char)('0' + rest % 10)};
    add_number(b, nanoseconds / 1000);
    buf_add(b, digits, sizeof digits);
}

static void add_time(struct buf *b, const struct trace *trace, uint64_t at) {
    add_micros(b, at > trace->origin ? at - trace->origin : 0);
}

// "prefix text", quoted; `prefix` may be empty.
static void add_name(struct buf *b, const char *prefix, struct str text) {
    char name[TRACE_NAME_MOST];
    size_t n = strlen(prefix), bad;
    memcpy(name, prefix, n);
    if (n && text.n)
        name[n++] = ' ';
    size_t most = sizeof name - n, cut = text.n < most ? text.n : most;
    if (cut < text.n)
        while (cut && ((unsigned char)text.p[cut] & 0xc0) == 0x80)
            cut--;
    if (cut)
        memcpy(name + n, text.p, cut);
    n += cut;
    for (size_t from = 0; !utf8_valid((struct str){name + from, n - from}, &bad); from += bad)
        name[from + bad] = '?';
    buf_add_json(b, (struct str){name, n});
}

// ---- the file

// Under the lock. What was written of a block that did not fit is taken back, as far as that can be done.
static void put(struct trace *trace, struct str text) {
    if (atomic_load_explicit(&trace->broken, memory_order_relaxed))
        return;
    if (fs_write_all(trace->fs, trace->fd, text.p, text.n, &trace->err) == STATUS_OK) {
        trace->written += text.n;
        return;
    }
    atomic_store_explicit(&trace->broken, true, memory_order_relaxed);
    trace->fs->truncate(trace->fs->self, trace->fd, (off_t)trace->written);
}

static void spill(struct trace *trace, struct buf *text) {
    pthread_mutex_lock(&trace->lock);
    put(trace, buf_str(text));
    pthread_mutex_unlock(&trace->lock);
    buf_clear(text);
}

// Where the row's next event goes, or NULL where nothing is written any more.
static struct buf *event(struct trace *trace, uint32_t row) {
    struct buf *text = &trace->rows[row].text;
    if (text->n > TRACE_BLOCK)
        spill(trace, text);
    return atomic_load_explicit(&trace->broken, memory_order_relaxed) ? NULL : text;
}

// The file is ours to overwrite: there is nothing in it, or a trace.
static enum status take_file(const struct trace *trace, struct err *err) {
    const struct fs *fs = trace->fs;
    struct stat st;
    char head[sizeof HEAD - 1];
    size_t n = 0;
    ssize_t got = 0;
    int result = fs->stat(fs->self, trace->fd, &st);
    if (result < 0)
        return err_os(err, -result, "cannot look at %s", trace->path);
    if (!S_ISREG(st.st_mode))
        return STATUS_OK;
    if (fs->lock(fs->self, trace->fd) == -EWOULDBLOCK)
        return err_set(err, STATUS_CONFLICT, "another process writes its trace to %s", trace->path);
    while (n < sizeof head && (got = fs->read(fs->self, trace->fd, head + n, sizeof head - n)) != 0) {
        if (got == -EINTR)
            continue;
        if (got < 0)
            return err_os(err, (int)-got, "cannot read %s", trace->path);
        n += (size_t)got;
    }
    if (n && (n < sizeof head || memcmp(head, HEAD, n) != 0))
        return err_set(err, STATUS_CONFLICT, "%s is there and is no trace, so it is left as it is",
                       trace->path);
    result = n ? fs->truncate(fs->self, trace->fd, 0) : 0;
    return result < 0 ? err_os(err, -result, "cannot empty %s", trace->path) : STATUS_OK;
}

// Shown in the order of `place`; with its number, unless that is 0.
static void put_row(struct buf *text, uint32_t row, uint32_t place, const char *name) {
    buf_printf(text,
               NEXT "\"thread_name\",\"cat\":\"__metadata\",\"ph\":\"M\",\"ts\":0,\"pid\":1,\"tid\":%u,"
                    "\"args\":{\"name\":\"%s",
               row, name);
    if (place)
        buf_printf(text, " %u", place);
    buf_printf(text,
               "\"}}" NEXT "\"thread_sort_index\",\"cat\":\"__metadata\",\"ph\":\"M\",\"ts\":0,\"pid\":1,"
               "\"tid\":%u,\"args\":{\"sort_index\":%u}}",
               row, place);
}

// Names of the whole and of its rows, which also tells whether the file can be written to.
static enum status put_names(struct trace *trace, const struct trace_options *options, struct err *err) {
    struct buf text = BUF_INIT;
    ADD(&text, HEAD);
    add_name(&text, "", options->process);
    ADD(&text, "}}");
    for (uint32_t row = 1; row <= options->rows; row++)
        put_row(&text, row, row, options->row_name);
    if (options->last_row)
        put_row(&text, options->rows + 1, 0, options->last_row);
    put(trace, buf_str(&text));
    buf_release(&text);
    if (trace->broken)
        return err_os(err, trace->err.os, "cannot write the trace %s", trace->path);
    return STATUS_OK;
}

static void release(struct trace *trace) {
    for (uint32_t row = 0; row < trace->rows_n; row++)
        buf_release(&trace->rows[row].text);
    mem_free(trace->rows);
    mem_free(trace->path);
    pthread_mutex_destroy(&trace->lock);
    mem_free(trace);
}

enum status trace_open(const struct trace_options *options, struct trace **trace, struct err *err) {
    const struct fs *fs = options->fs;
    int fd =
        fs->open(fs->self, AT_FDCWD, options->path, O_RDWR | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_os(err, -fd, "cannot create the trace %s", options->path);
    struct trace *made = MEM_NEW(struct trace);
    *made = (struct trace){.fs = fs,
                           .path = mem_copy(options->path, strlen(options->path)),
                           .fd = fd,
                           .origin = options->origin,
                           .rows = MEM_NEW_ARRAY(struct row, options->rows + 1),
                           .rows_n = options->rows + 1};
    pthread_mutex_init(&made->lock, NULL);
    if (take_file(made, err) == STATUS_OK && put_names(made, options, err) == STATUS_OK) {
        *trace = made;
        return STATUS_OK;
    }
    fs->close(fs->self, fd);
    release(made);
    return err->status;
}

enum status trace_close(struct trace *trace, struct err *err) {
    for (uint32_t row = 0; row < trace->rows_n; row++)
        spill(trace, &trace->rows[row].text);
    put(trace, STR("\n]\n"));
    int closed = trace->fs->close(trace->fs->self, trace->fd);
    if (closed < 0 && !trace->broken) {
        err_os(&trace->err, -closed, "cannot close");
        trace->broken = true;
    }
    enum status status = STATUS_OK;
    if (trace->broken)
        status = err_os(err, trace->err.os, "the trace %s is incomplete", trace->path);
    release(trace);
    return status;
}

// ---- events

// As far as spans and the two ends of a life are the same: from the name to the time, and the row.
static void begin(struct buf *b, const struct trace *trace, const struct trace_span *span, char phase,
                  uint64_t at) {
    ADD(b, NEXT);
    add_name(b, span->name, span->subject);
    ADD(b, ",\"cat\":\"");
    buf_add_text(b, span->category);
    ADD(b, "\",\"ph\":\"");
    buf_add_char(b, phase);
    ADD(b, "\",\"ts\":");
    add_time(b, trace, at);
}

static void add_row(struct buf *b, uint32_t row) {
    ADD(b, ",\"pid\":1,\"tid\":");
    add_number(b, (uint64_t)row + 1);
}

static void add_args(struct buf *b, const struct trace_span *span) {
    const char *separator = "\"";
    ADD(b, ",\"args\":{");
    if (span->role) {
        ADD(b, "\"");
        buf_add_text(b, span->role);
        ADD(b, "\":");
        add_name(b, "", span->subject);
        separator = ",\"";
    }
    for (size_t i = 0; i < span->args_n; i++) {
        buf_add_text(b, separator);
        buf_add_text(b, span->args[i].name);
        ADD(b, "\":");
        add_number(b, span->args[i].value);
        separator = ",\"";
    }
    ADD(b, "}}");
}

void trace_span(struct trace *trace, uint32_t row, const struct trace_span *span) {
    struct buf *b = event(trace, row);
    if (!b)
        return;
    struct row *mine = &trace->rows[row];
    uint64_t from = span->from > mine->free ? span->from : mine->free;
    uint64_t to = span->to > from ? span->to : from;
    mine->free = to + TRACE_APART;
    begin(b, trace, span, 'X', from);
    ADD(b, ",\"dur\":");
    add_micros(b, to - from);
    add_row(b, row);
    add_args(b, span);
}

void trace_life(struct trace *trace, uint32_t row, const struct trace_span *span, uint64_t id) {
    struct buf *b = event(trace, row);
    if (!b)
        return;
    for (int end = 0; end < 2; end++) {
        begin(b, trace, span, end ? 'e' : 'b', end ? span->to : span->from);
        ADD(b, ",\"id\":");
        add_number(b, id);
        add_row(b, row);
        add_args(b, span);
    }
}

void trace_counter(struct trace *trace, uint32_t row, const char *name, uint64_t at, uint64_t value) {
    struct buf *b = event(trace, row);
    if (!b)
        return;
    ADD(b, NEXT "\"");
    buf_add_text(b, name);
    ADD(b, "\",\"cat\":\"counter\",\"ph\":\"C\",\"ts\":");
    add_time(b, trace, at);
    add_row(b, row);
    ADD(b, ",\"args\":{\"value\":");
    add_number(b, value);
    ADD(b, "}}");
}
