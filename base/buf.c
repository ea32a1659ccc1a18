// SPDX-License-Identifier: MIT
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

void buf_release(struct buf *b) {
    mem_free(b->p);
    *b = BUF_INIT;
}

void buf_reserve(struct buf *b, size_t more) {
    if (more > SIZE_MAX - b->n)
        mem_fail(more);
    MEM_GROW(b->p, b->cap, b->n + more);
}

void buf_shrink(struct buf *b, size_t keep) {
    if (b->n == 0 && b->cap > keep)
        buf_release(b);
}

void buf_add_text(struct buf *b, const char *text) {
    buf_add(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n > 0) {
        buf_reserve(b, (size_t)n + 1);
        vsnprintf(b->p + b->n, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

const char *buf_text(struct buf *b) {
    buf_reserve(b, 1);
    b->p[b->n] = 0;
    return b->p;
}

// How many bytes need no escape: eight at a time while none of them is a quote, a backslash or a control.
static size_t plain_run(const char *p, size_t n) {
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, 8);
        uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
        uint64_t hit = ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((w - ones * 0x20) & ~w);
        if (hit & highs)
            break;
    }
    while (i < n && (unsigned char)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

void buf_add_json(struct buf *b, struct str text) {
    static const char hex[] = "0123456789abcdef";
    buf_reserve(b, text.n + 2);
    buf_add_char(b, '"');
    for (size_t i = 0; i < text.n;) {
        size_t run = plain_run(text.p + i, text.n - i);
        buf_add(b, text.p + i, run);
        i += run;
        if (i == text.n)
            break;
        unsigned char c = (unsigned char)text.p[i++];
        switch (c) {
        case '"':
            buf_add(b, "\\\"", 2);
            break;
        case '\\':
            buf_add(b, "\\\\", 2);
            break;
        case '\n':
            buf_add(b, "\\n", 2);
            break;
        case '\r':
            buf_add(b, "\\r", 2);
            break;
        case '\t':
            buf_add(b, "\\t", 2);
            break;
        default: {
            char u[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            buf_add(b, u, sizeof u);
        }
        }
    }
    buf_add_char(b, '"');
}
