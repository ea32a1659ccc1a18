// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RECORD_SCAN_H
#define PRESSRUN_STAGES_RECORD_SCAN_H
/*
 * The steps below the reader: strings, numbers, literals and white space of JSON. Inline is what nearly every
 * byte of a record goes through; the rest is in scan.c.
 *
 * Each step takes where it stands and returns where it got to, or NULL after a fault; nothing at or beyond
 * `end` is ever read.
 */
#include <emmintrin.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/utf8.h"
#include "stages/record/value.h"

struct scan {
    const char *begin, *end;
    struct arena *arena; // for strings with escapes
    enum status status;
    const char *fault; // what was wrong, a constant
    size_t fault_at;
    uint32_t max_depth;
};

// Says what is wrong at a place; NULL, for the caller to return.
const char *scan_fail(struct scan *s, const char *at, const char *fault) __attribute__((cold, noinline));
const char *scan_memory(struct scan *s) __attribute__((cold, noinline)); // the arena is full

static inline const char *scan_space(const struct scan *s, const char *p) {
    while (p < s->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

// First quote, backslash or control character from p on, or end. *high becomes true where bytes before it are
// not ASCII.
static inline const char *scan_plain(const char *p, const char *end, bool *high) {
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1F);
    unsigned highs = 0;
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i stops = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)),
                                     _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
        unsigned stop = (unsigned)_mm_movemask_epi8(stops), above = (unsigned)_mm_movemask_epi8(v);
        if (stop) {
            highs |= above & ((stop & (0 - stop)) - 1); // only those before the stop
            *high |= highs != 0;
            return p + __builtin_ctz(stop);
        }
        highs |= above;
    }
    for (; p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\'; p++)
        highs |= (unsigned char)*p & 0x80;
    *high |= highs != 0;
    return p;
}

// The rest of a string with escapes or a fault; `start` is behind its opening quote, p where the plain part ends.
const char *scan_string_rest(struct scan *s, const char *start, const char *p, bool high, struct str *out);

// A string, from behind its opening quote to behind its closing one. *out is a slice of the text, or of the
// arena where it has escapes. Valid UTF-8.
static inline const char *scan_string(struct scan *s, const char *start, struct str *out) {
    bool high = false;
    const char *p = scan_plain(start, s->end, &high);
    if (p == s->end || *p != '"' || high)
        return scan_string_rest(s, start, p, high, out);
    *out = (struct str){start, (size_t)(p - start)};
    return p + 1;
}

const char *scan_number(struct scan *s, const char *p, struct value *out);  // p at '-' or a digit
const char *scan_literal(struct scan *s, const char *p, struct value *out); // true, false, null; else a fault
const char *scan_key(struct scan *s, const char *p, struct str *key); // p at the quote; takes the ':' too
const char *scan_skip(struct scan *s, const char *p, uint32_t depth); // checks a value, makes nothing

#endif
