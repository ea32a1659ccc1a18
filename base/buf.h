// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_BUF_H
#define PRESSRUN_BASE_BUF_H
/*
 * A growing byte buffer that the holder owns. Growth aborts when memory is out (base/mem.h), so it is for
 * bookkeeping and for what a caller has bounded already.
 *
 * Invariant: n <= cap; p is NULL exactly while cap is 0. Not NUL-terminated, except by buf_text.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf {
    char *p;
    size_t n, cap;
};

#define BUF_INIT ((struct buf){0})

void buf_release(struct buf *b);
static inline void buf_clear(struct buf *b) {
    b->n = 0;
}
void buf_reserve(struct buf *b, size_t more); // room for `more` bytes after n
void buf_shrink(struct buf *b, size_t keep);  // frees the memory when cap is above `keep`; only while empty

static inline void buf_add(struct buf *b, const char *p, size_t n) {
    if (b->cap - b->n < n)
        buf_reserve(b, n);
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
}
static inline void buf_add_str(struct buf *b, struct str s) {
    buf_add(b, s.p, s.n);
}
static inline void buf_add_char(struct buf *b, char c) {
    buf_add(b, &c, 1);
}
void buf_add_text(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *buf_text(struct buf *b); // NUL-terminated view, valid until the next change

static inline struct str buf_str(const struct buf *b) {
    return (struct str){b->p, b->n};
}

// A JSON string with its quotes: escapes " \ and control characters, all else as it is (UTF-8 stays UTF-8).
void buf_add_json(struct buf *b, struct str text);

#endif
