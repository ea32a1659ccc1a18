// SPDX-License-Identifier: MIT
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    WINDOW = 100,         // code points of a long line that are shown
    WINDOW_BEFORE = 60,   // of them at most so many before the caret
    MESSAGE_BYTES = 4000, // longer messages are cut
    LOOK_BACK = 16,       // messages of one place that a later one is compared with
};

static const struct diag diag_no_memory = {
    .severity = SEVERITY_ERROR,
    .caret_n = 1,
    .message = {"out of memory while reporting an error", 38},
};

static bool is_start(char c) { // of a code point, not a continuation byte
    return ((unsigned char)c & 0xC0) != 0x80;
}

// Bytes of the code point at p, 0 where it is not valid UTF-8.
static size_t point_bytes(const unsigned char *p, size_t n) {
    if (p[0] < 0x80)
        return 1;
    size_t want = p[0] >= 0xC2 && p[0] <= 0xDF   ? 2
                  : p[0] >= 0xE0 && p[0] <= 0xEF ? 3
                  : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4
                                                 : 0;
    if (!want || n < want)
        return 0;
    for (size_t i = 1; i < want; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    bool overlong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
    bool outside = (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF4 && p[1] > 0x8F);
    return overlong || outside ? 0 : want;
}

// How many bytes at p may go to a terminal as they are: 0 or one code point. C0, DEL and C1 may not.
static size_t shown_bytes(const char *p, size_t n) {
    const unsigned char *u = (const unsigned char *)p;
    size_t size = point_bytes(u, n);
    if (size == 1 && (u[0] < 0x20 || u[0] == 0x7F))
        return 0;
    return size == 2 && u[0] == 0xC2 && u[1] < 0xA0 ? 0 : size;
}

// Byte for byte, so that offsets stay.
static void mask_line(char *p, size_t n) {
    for (size_t i = 0; i < n;) {
        size_t size = shown_bytes(p + i, n - i);
        if (!size && p[i] != '\t')
            p[i] = '?';
        i += size ? size : 1;
    }
}

struct str diag_escape(struct arena *arena, struct str text) {
    size_t room = 0;
    for (size_t i = 0; i < text.n; i++)
        room += (unsigned char)text.p[i] < 0x20 || (unsigned char)text.p[i] >= 0x7F ? 4 : 1;
    char *out = arena_alloc(arena, room + 1);
    if (!out)
        return (struct str){NULL, 0};
    size_t n = 0;
    for (size_t i = 0; i < text.n;) {
        size_t size = shown_bytes(text.p + i, text.n - i);
        if (size) {
            memcpy(out + n, text.p + i, size);
            n += size;
            i += size;
            continue;
        }
        char c = text.p[i++];
        if (c == '\n' || c == '\t') {
            out[n++] = '\\';
            out[n++] = c == '\n' ? 'n' : 't';
        } else {
            n += (size_t)snprintf(out + n, 5, "\\x%02x", (unsigned)(unsigned char)c);
        }
    }
    out[n] = 0;
    return (struct str){out, n};
}

// The formatted text, escaped; {NULL, 0} when the arena is full.
__attribute__((format(printf, 2, 0))) static struct str format_text(struct arena *arena, const char *format,
                                                                    va_list args) {
    char text[MESSAGE_BYTES];
    int n = vsnprintf(text, sizeof text, format, args);
    size_t size = n < 0 ? 0 : (size_t)n;
    if (size >= sizeof text) {
        size = sizeof text - 4;
        while (size && !is_start(text[size]))
            size--;
        memcpy(text + size, "...", 3);
        size += 3;
    }
    return diag_escape(arena, (struct str){text, size});
}

void source_locate(struct str text, size_t at, uint32_t *line, uint32_t *column, struct span *line_span) {
    at = at < text.n ? at : text.n;
    size_t start = str_starts(text, STR("\xEF\xBB\xBF")) ? 3 : 0;
    uint32_t lines = 1, points = 1;
    for (const char *p; start < at && (p = memchr(text.p + start, '\n', at - start)); lines++)
        start = (size_t)(p - text.p) + 1;
    for (size_t i = start; i < at; i++)
        points += is_start(text.p[i]);
    *line = lines;
    *column = points;
    if (!line_span)
        return;
    const char *end = start < text.n ? memchr(text.p + start, '\n', text.n - start) : NULL;
    size_t stop = end ? (size_t)(end - text.p) : text.n;
    if (stop > start && text.p[stop - 1] == '\r')
        stop--;
    *line_span = (struct span){(uint32_t)start, (uint32_t)(stop - start)};
}

// Moves from `at` by up to `points` code points towards `edge`, which may lie on either side. In what is not
// UTF-8 four bytes count as one at most, so that the way stays short.
static size_t step(const char *p, size_t at, size_t edge, size_t points) {
    for (; points && at != edge; points--) {
        for (size_t bytes = 0; at != edge && bytes < 4; bytes++) {
            at += at < edge ? 1 : (size_t)-1;
            if (at != edge && is_start(p[at]))
                break;
        }
    }
    return at;
}

// Copies the line, or the part of it around the caret, into the diag. False: out of memory.
static bool show_line(struct arena *arena, struct str line, size_t caret, size_t caret_n, struct diag *d) {
    size_t from = 0, to = step(line.p, 0, line.n, WINDOW);
    if (to < line.n) { // too long
        from = step(line.p, caret, 0, WINDOW_BEFORE);
        to = step(line.p, from, line.n, WINDOW);
    }
    const char *before = from > 0 ? "..." : "", *after = to < line.n ? "..." : "";
    char *text = arena_alloc(arena, to - from + 7);
    if (!text)
        return false;
    size_t n = (size_t)snprintf(text, 4, "%s", before);
    d->caret = (uint32_t)(n + caret - from);
    memcpy(text + n, line.p + from, to - from);
    mask_line(text + n, to - from);
    n += to - from;
    n += (size_t)snprintf(text + n, 4, "%s", after);
    d->line_text = (struct str){text, n};
    size_t room = n > d->caret ? n - d->caret : 0;
    d->caret_n = (uint32_t)(caret_n < room ? caret_n : room);
    if (d->caret_n == 0)
        d->caret_n = 1; // just after the end
    return true;
}

static bool place(struct arena *arena, const struct source_text *source, struct span span, struct diag *d) {
    d->caret_n = 1;
    if (!source)
        return true;
    d->file = diag_escape(arena, source->name);
    if (!d->file.p)
        return false;
    if (!source->text.p)
        return true;
    struct span line;
    source_locate(source->text, span.at, &d->line, &d->column, &line);
    size_t at = span.at < source->text.n ? span.at : source->text.n;
    size_t caret = at > line.at ? at - line.at : 0;
    caret = caret < line.n ? caret : line.n;
    size_t caret_n = span.n < line.n - caret ? span.n : line.n - caret;
    return show_line(arena, str_slice(source->text, line.at, (size_t)line.at + line.n), caret, caret_n, d);
}

__attribute__((format(printf, 5, 0))) static struct diag *make(struct arena *arena, enum severity severity,
                                                               const struct source_text *source,
                                                               struct span span, const char *format,
                                                               va_list args) {
    struct diag *d = ARENA_NEW(arena, struct diag);
    if (!d)
        return NULL;
    d->severity = severity;
    d->message = format_text(arena, format, args);
    return d->message.p && place(arena, source, span, d) ? d : NULL;
}

void diags_init(struct diags *list, struct arena *arena) {
    *list = (struct diags){.arena = arena};
}

const struct diag *diag_make(struct arena *arena, const struct source_text *source, struct span span,
                             const char *format, ...) {
    va_list args;
    va_start(args, format);
    const struct diag *d = make(arena, SEVERITY_ERROR, source, span, format, args);
    va_end(args);
    return d ? d : &diag_no_memory;
}

static void append(struct diags *list, enum severity severity, struct diag *d) {
    if (severity == SEVERITY_ERROR)
        list->errors++;
    else
        list->warnings++;
    if (!d) {
        if (list->spare.message.p)
            return; // said already
        list->spare = diag_no_memory;
        d = &list->spare;
    }
    d->next = NULL;
    if (list->last)
        list->last->next = d;
    else
        list->first = d;
    list->last = d;
}

struct diag *diags_error(struct diags *list, const struct source_text *source, struct span span,
                         const char *format, ...) {
    va_list args;
    va_start(args, format);
    struct diag *d = make(list->arena, SEVERITY_ERROR, source, span, format, args);
    va_end(args);
    append(list, SEVERITY_ERROR, d);
    return d;
}

struct diag *diags_warning(struct diags *list, const struct source_text *source, struct span span,
                           const char *format, ...) {
    va_list args;
    va_start(args, format);
    struct diag *d = make(list->arena, SEVERITY_WARNING, source, span, format, args);
    va_end(args);
    append(list, SEVERITY_WARNING, d);
    return d;
}

void diag_hint(struct diags *list, struct diag *diag, const char *format, ...) {
    if (!diag)
        return;
    va_list args;
    va_start(args, format);
    struct str line = format_text(list->arena, format, args);
    va_end(args);
    if (!line.p)
        return;
    if (!diag->hint.p) {
        diag->hint = line;
        return;
    }
    char *both = arena_printf(list->arena, "%.*s\n%.*s", STR_ARG(diag->hint), STR_ARG(line));
    if (both)
        diag->hint = str_of(both);
}

struct style {
    const char *location, *error, *warning, *caret, *off;
};

static void write_line(const struct diag *d, const struct style *style, struct buf *out) {
    char number[16];
    int width = snprintf(number, sizeof number, "%5u", d->line);
    buf_printf(out, "%s | %.*s\n%*s | ", number, STR_ARG(d->line_text), width, "");
    for (size_t i = 0; i < d->caret; i++) {
        char c = i < d->line_text.n ? d->line_text.p[i] : ' ';
        if (c == '\t' || is_start(c))
            buf_add_char(out, c == '\t' ? '\t' : ' ');
    }
    buf_add_text(out, style->caret);
    buf_add_char(out, '^');
    for (size_t i = d->caret + 1; i < (size_t)d->caret + d->caret_n && i < d->line_text.n; i++) {
        if (is_start(d->line_text.p[i]))
            buf_add_char(out, '~');
    }
    buf_add_text(out, style->off);
    buf_add_char(out, '\n');
}

static void write_hint(struct str hint, struct buf *out) {
    while (hint.p) {
        const char *end = hint.n ? memchr(hint.p, '\n', hint.n) : NULL;
        struct str line = {hint.p, end ? (size_t)(end - hint.p) : hint.n};
        buf_add_text(out, "  hint: ");
        buf_add_str(out, line);
        buf_add_char(out, '\n');
        hint = end ? str_from(hint, line.n + 1) : (struct str){NULL, 0};
    }
}

void diag_write(const struct diag *diag, bool colour, struct buf *out) {
    static const struct style plain = {"", "", "", "", ""};
    static const struct style ansi = {"\033[1m", "\033[1;31m", "\033[1;35m", "\033[1;32m", "\033[0m"};
    const struct style *style = colour ? &ansi : &plain;
    if (diag->file.n) {
        buf_add_text(out, style->location);
        buf_add_str(out, diag->file);
        if (diag->line)
            buf_printf(out, ":%u:%u", diag->line, diag->column);
        buf_printf(out, ":%s ", style->off);
    }
    bool error = diag->severity == SEVERITY_ERROR;
    buf_printf(out, "%s%s:%s ", error ? style->error : style->warning, error ? "error" : "warning",
               style->off);
    buf_add_str(out, diag->message);
    buf_add_char(out, '\n');
    if (diag->line)
        write_line(diag, style, out);
    write_hint(diag->hint, out);
}

static bool is_after(const struct diag *a, const struct diag *b) {
    int c = str_compare(a->file, b->file);
    if (c)
        return c > 0;
    return a->line != b->line ? a->line > b->line : a->column > b->column;
}

static struct diag *merge(struct diag *a, struct diag *b) {
    struct diag *first = NULL, **end = &first;
    while (a && b) {
        struct diag **from = is_after(a, b) ? &b : &a; // equal: a, which came first
        *end = *from;
        end = &(*from)->next;
        *from = *end;
    }
    *end = a ? a : b;
    return first;
}

static bool says_the_same(const struct diag *a, const struct diag *b) {
    return a->severity == b->severity && str_equal(a->message, b->message) && str_equal(a->hint, b->hint);
}

// Two who use the same broken text report it both. Of a place the first few are looked at, so that a place with
// very many costs no more than any other. Returns the last one that stays.
static struct diag *drop_repeated(struct diags *list) {
    struct diag *first = list->first, *last = list->first; // of the place; of all
    for (struct diag *d = first ? first->next : NULL, *next; d; d = next) {
        next = d->next;
        if (is_after(d, first)) {
            first = d;
        } else {
            const struct diag *earlier = first;
            for (int i = 0; i < LOOK_BACK && earlier != d && !says_the_same(earlier, d); i++)
                earlier = earlier->next;
            if (earlier != d && says_the_same(earlier, d)) {
                last->next = next;
                --*(d->severity == SEVERITY_ERROR ? &list->errors : &list->warnings);
                continue;
            }
        }
        last = d;
    }
    return last;
}

// A merge sort from below: bins[i] holds 2^i diags in order, the earlier ones in the higher bins.
void diags_sort(struct diags *list) {
    struct diag *bins[64] = {NULL}, *next;
    for (struct diag *d = list->first; d; d = next) {
        next = d->next;
        d->next = NULL;
        size_t i = 0;
        for (; bins[i]; i++) {
            d = merge(bins[i], d);
            bins[i] = NULL;
        }
        bins[i] = d;
    }
    struct diag *all = NULL;
    for (size_t i = 0; i < 64; i++)
        all = bins[i] ? merge(bins[i], all) : all;
    list->first = all;
    list->last = drop_repeated(list);
}

const struct diag *diag_copy(struct arena *arena, const struct diag *diag) {
    struct diag *copy = arena_alloc(arena, sizeof *copy);
    if (!copy)
        return diag_make(arena, NULL, (struct span){0, 0}, "%s", "out of memory");
    *copy = *diag;
    copy->file = arena_str(arena, diag->file);
    copy->line_text = arena_str(arena, diag->line_text);
    copy->message = arena_str(arena, diag->message);
    if (diag->hint.p)
        copy->hint = arena_str(arena, diag->hint);
    copy->next = NULL;
    return copy;
}

bool diag_is_same(const struct diag *a, const struct diag *b) {
    return a->line == b->line && a->column == b->column && str_equal(a->file, b->file) &&
           str_equal(a->message, b->message);
}

void diags_append(struct diags *list, const struct diags *from) {
    for (const struct diag *diag = from->first; diag; diag = diag->next) {
        struct diag *added = diag->severity == SEVERITY_ERROR
                                 ? diags_error(list, NULL, (struct span){0, 0}, "%s", "")
                                 : diags_warning(list, NULL, (struct span){0, 0}, "%s", "");
        *added = *diag_copy(list->arena, diag);
        added->next = NULL; // it is the last one
    }
}
