// SPDX-License-Identifier: MIT
#include "base/utf8.h"

#include <emmintrin.h>

// Steps over ASCII, 16 bytes at a time while there are as many.
static const unsigned char *skip_ascii(const unsigned char *p, const unsigned char *end) {
    while (end - p >= 16) {
        int high = _mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)p));
        if (high)
            return p + __builtin_ctz((unsigned)high);
        p += 16;
    }
    while (p < end && *p < 0x80)
        p++;
    return p;
}

static bool is_tail(unsigned char c) {
    return (c & 0xC0) == 0x80;
}

// Bytes of the well-formed sequence at p, whose first byte is not ASCII; 0: ill-formed (RFC 3629, section 4).
static size_t sequence_size(const unsigned char *p, const unsigned char *end) {
    unsigned char lead = p[0];
    size_t room = (size_t)(end - p);
    if (lead < 0xE0)
        return lead >= 0xC2 && room >= 2 && is_tail(p[1]) ? 2 : 0;
    if (lead < 0xF0) {
        if (room < 3 || !is_tail(p[1]) || !is_tail(p[2]))
            return 0;
        bool overlong = lead == 0xE0 && p[1] < 0xA0, surrogate = lead == 0xED && p[1] >= 0xA0;
        return overlong || surrogate ? 0 : 3;
    }
    if (lead > 0xF4 || room < 4 || !is_tail(p[1]) || !is_tail(p[2]) || !is_tail(p[3]))
        return 0;
    bool overlong = lead == 0xF0 && p[1] < 0x90, beyond = lead == 0xF4 && p[1] >= 0x90;
    return overlong || beyond ? 0 : 4;
}

static unsigned bytes_between(__m128i v, int first, int last) { // as signed bytes
    return (unsigned)_mm_movemask_epi8(_mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8((char)(first - 1))),
                                                     _mm_cmplt_epi8(v, _mm_set1_epi8((char)(last + 1)))));
}

// Steps over blocks of 16 bytes in which all sequences of two and three bytes are well-formed, whatever their first
// two bytes: those that begin with E0 or ED, and those of four bytes, are left to sequence_size. Ends where a sequence
// begins.
static const unsigned char *skip_blocks(const unsigned char *p, const unsigned char *end) {
    unsigned due = 0; // bytes of the next block that end sequences of this one
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned high = (unsigned)_mm_movemask_epi8(v),
                 tails = (unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(v, _mm_set1_epi8(-64)));
        unsigned two = bytes_between(v, -62, -33),
                 three = bytes_between(v, -31, -20) | bytes_between(v, -18, -17);
        unsigned expected = due | (two | three) << 1 | three << 2;
        if ((expected & 0xFFFF) != tails || (tails | two | three) != high)
            break;
        due = expected >> 16;
    }
    while (due && is_tail(*--p))
        ;
    return p;
}

bool utf8_valid(struct str text, size_t *bad) {
    const unsigned char *begin = (const unsigned char *)text.p, *p = begin;
    const unsigned char *end = text.n ? begin + text.n : begin;
    for (;;) {
        p = skip_ascii(skip_blocks(p, end), end);
        if (p == end)
            return true;
        do { // foreign letters come in runs
            size_t n = sequence_size(p, end);
            if (n == 0) {
                if (bad)
                    *bad = (size_t)(p - begin);
                return false;
            }
            p += n;
        } while (p < end && *p >= 0x80);
    }
}

bool utf8_is_ascii(struct str text) {
    const unsigned char *p = (const unsigned char *)text.p, *end = text.n ? p + text.n : p;
    return skip_ascii(p, end) == end;
}

// How many of 16 bytes begin a code point: those that are not 10xxxxxx, which as signed bytes are above -65.
static size_t count_starts(const char *p) {
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i ones = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8(-65)), _mm_set1_epi8(1));
    __m128i sums = _mm_sad_epu8(ones, _mm_setzero_si128());
    return (size_t)(_mm_cvtsi128_si32(sums) + _mm_extract_epi16(sums, 4));
}

size_t utf8_length(struct str text) {
    size_t points = 0, i = 0;
    for (; text.n - i >= 16; i += 16)
        points += count_starts(text.p + i);
    for (; i < text.n; i++)
        points += !is_tail((unsigned char)text.p[i]);
    return points;
}

size_t utf8_offset(struct str text, size_t points) {
    size_t i = 0;
    while (text.n - i >= 16) {
        size_t here = count_starts(text.p + i);
        if (here > points)
            break;
        points -= here;
        i += 16;
    }
    for (; i < text.n; i++)
        if (!is_tail((unsigned char)text.p[i]) && points-- == 0)
            return i;
    return text.n;
}

uint32_t utf8_decode(const char *p, size_t *size) {
    const unsigned char *u = (const unsigned char *)p;
    if (u[0] < 0x80) {
        *size = 1;
        return u[0];
    }
    if (u[0] < 0xE0) {
        *size = 2;
        return (u[0] & 0x1Fu) << 6 | (u[1] & 0x3Fu);
    }
    if (u[0] < 0xF0) {
        *size = 3;
        return (u[0] & 0x0Fu) << 12 | (u[1] & 0x3Fu) << 6 | (u[2] & 0x3Fu);
    }
    *size = 4;
    return (u[0] & 0x07u) << 18 | (u[1] & 0x3Fu) << 12 | (u[2] & 0x3Fu) << 6 | (u[3] & 0x3Fu);
}

size_t utf8_encode(uint32_t point, char out[4]) {
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xC0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xE0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3F));
    out[2] = (char)(0x80 | (point >> 6 & 0x3F));
    out[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}
