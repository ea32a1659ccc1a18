// SPDX-License-Identifier: MIT
#include "stages/render/escape.h"

#include "stages/render/print.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static const uint8_t extra[256] = {['&'] = 4, ['<'] = 3, ['>'] = 3, ['"'] = 4, ['\''] = 4};

static inline size_t escape_one(char c, char *out, bool named) {
    switch (c) {
    case '&':
        memcpy(out, "&amp;", 5);
        return 5;
    case '<':
        memcpy(out, "&lt;", 4);
        return 4;
    case '>':
        memcpy(out, "&gt;", 4);
        return 4;
    case '"':
        memcpy(out, named ? "&quot;" : "&#34;", named ? 6 : 5);
        return named ? 6 : 5;
    default:
        memcpy(out, "&#39;", 5);
        return 5;
    }
}

#ifdef __SSE2__
// A bit per byte of the block that must be escaped. The five: 22 26 27 3C 3E.
static unsigned block_mask(__m128i block) {
    __m128i amp = _mm_cmpeq_epi8(_mm_or_si128(block, _mm_set1_epi8(1)), _mm_set1_epi8('\''));  // & and '
    __m128i angle = _mm_cmpeq_epi8(_mm_or_si128(block, _mm_set1_epi8(2)), _mm_set1_epi8('>')); // < and >
    __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(amp, angle), quote));
}
#endif

size_t escape_growth(struct str text) {
    size_t more = 0, i = 0;
#ifdef __SSE2__
    for (; text.n - i >= 16; i += 16) {
        unsigned mask = block_mask(_mm_loadu_si128((const __m128i *)(const void *)(text.p + i)));
        for (; mask; mask &= mask - 1)
            more += extra[(uint8_t)text.p[i + (size_t)__builtin_ctz(mask)]];
    }
#endif
    for (; i < text.n; i++)
        more += extra[(uint8_t)text.p[i]];
    return more;
}

size_t escape_copy(struct str text, char *out) {
    char *at = out;
    size_t from = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (!extra[(uint8_t)text.p[i]])
            continue;
        memcpy(at, text.p + from, i - from);
        at += i - from;
        at += escape_one(text.p[i], at, false);
        from = i + 1;
    }
    if (text.n > from)
        memcpy(at, text.p + from, text.n - from);
    return (size_t)(at - out) + (text.n - from);
}

static inline size_t copy_wide(struct str text, char *out, bool named) {
    char *at = out;
    const char *p = text.p, *end = text.p + text.n;
#ifdef __SSE2__
    while (end - p >= 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)p);
        _mm_storeu_si128((__m128i *)(void *)at, block);
        unsigned mask = block_mask(block);
        if (!mask) {
            p += 16;
            at += 16;
            continue;
        }
        size_t plain = (size_t)__builtin_ctz(mask);
        at += plain;
        p += plain;
        at += escape_one(*p++, at, named);
    }
    if (end - p >= 8) {
        __m128i block = _mm_loadl_epi64((const __m128i *)(const void *)p);
        if (!block_mask(block)) {
            _mm_storel_epi64((__m128i *)(void *)at, block);
            p += 8;
            at += 8;
        }
    }
#endif
    for (; p < end; p++) {
        if (extra[(uint8_t)*p])
            at += escape_one(*p, at, named);
        else
            *at++ = *p;
    }
    return (size_t)(at - out);
}

size_t escape_copy_wide(struct str text, char *out) {
    return copy_wide(text, out, false);
}

size_t escape_copy_named(struct str text, char *out) {
    return copy_wide(text, out, true);
}

static void print_with(struct str text, struct buf *out, size_t (*copy)(struct str text, char *out)) {
    enum { CHUNK = 4096 }; // bounds the worst case that is reserved ahead
    while (text.n) {
        struct str chunk = {text.p, text.n < CHUNK ? text.n : CHUNK};
        size_t need = ESCAPE_WORST * chunk.n + 16;
        if (out->cap - out->n < need)
            buf_reserve(out, need);
        out->n += copy(chunk, out->p + out->n);
        text = str_from(text, chunk.n);
    }
}

void print_escaped(struct str text, struct buf *out) {
    print_with(text, out, escape_copy_wide);
}

void print_escaped_named(struct str text, struct buf *out) {
    print_with(text, out, escape_copy_named);
}
