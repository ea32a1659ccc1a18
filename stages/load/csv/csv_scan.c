// SPDX-License-Identifier: MIT
#include "stages/load/csv/csv_scan.h"

#include "base/utf8.h"

void csv_scan_begin(struct csv_scan *s, char delimiter, size_t limit) {
    *s = (struct csv_scan){.limit = limit, .before = delimiter};
}

static bool is_runaway(const struct csv_scan *s, size_t at) {
    size_t behind = s->gone + at;
    return s->quote <= s->limit ? behind > s->limit : behind - s->quote > s->limit;
}

// From within quotes to behind the closing one (CSV_END), or to where the bytes end: a quote that is the last byte
// there is may be half of two, so it is not taken before more is known.
static enum csv_end leave_quotes(struct csv_scan *s, struct str bytes, bool ended) {
    const char *p = bytes.p + s->at, *end = bytes.p + bytes.n;
    for (;;) {
        const char *stop = csv_find(p, end, '"', '\n');
        if (stop < end && *stop == '\n') {
            s->lines++;
            p = stop + 1;
            continue;
        }
        s->at = (size_t)(stop - bytes.p);
        if (is_runaway(s, s->at))
            return CSV_RUNAWAY;
        if (stop == end || (stop + 1 == end && !ended))
            return CSV_MORE;
        if (stop + 1 == end || stop[1] != '"') {
            s->at++;
            s->quoted = false;
            return CSV_END;
        }
        p = stop + 2;
    }
}

enum csv_end csv_scan_end(struct csv_scan *s, char delimiter, struct str bytes, bool ended) {
    const char *end = bytes.p + bytes.n;
    for (;;) {
        enum csv_end left = s->quoted ? leave_quotes(s, bytes, ended) : CSV_END;
        if (left != CSV_END)
            return left == CSV_MORE && ended ? CSV_END : left;
        const char *p = csv_find(bytes.p + s->at, end, '\n', '"');
        s->at = (size_t)(p - bytes.p);
        if (p == end)
            return ended ? CSV_END : CSV_MORE;
        if (*p == '\n')
            return CSV_END;
        s->quoted = (s->at ? p[-1] : s->before) == delimiter;
        s->quote = s->gone + s->at;
        s->quote_lines = s->lines;
        s->at++;
    }
}

void csv_scan_drop(struct csv_scan *s, struct str bytes) {
    if (s->at == 0)
        return;
    s->before = bytes.p[s->at - 1];
    s->gone += s->at;
    s->at = 0;
}

const char *csv_field_quoted(const char *p, const char *end, char delimiter, struct csv_field *out) {
    const char *from = ++p;
    *out = (struct csv_field){.quoted = true};
    for (;; p += 2) {
        p = csv_find(p, end, '"', '"');
        if (p == end) {
            out->fault = CSV_UNCLOSED;
            return end;
        }
        if (p + 1 == end || p[1] != '"')
            break;
        out->doubled = true;
    }
    out->text = (struct str){from, (size_t)(p - from)};
    const char *to = csv_find(p + 1, end, delimiter, delimiter);
    if (to != p + 1)
        out->fault = CSV_TEXT_BEHIND_QUOTE;
    return to;
}

size_t csv_field_plain(const struct csv_field *field, char *to) {
    const char *p = field->text.p, *end = p + field->text.n;
    char *at = to;
    for (;;) {
        const char *quote = csv_find(p, end, '"', '"');
        size_t n = (size_t)(quote - p) + (quote < end); // with the first of the two
        memcpy(at, p, n);
        at += n;
        if (quote == end)
            return (size_t)(at - to);
        p = quote + 2;
    }
}

int64_t csv_bad_byte(struct str bytes) {
    const __m128i zero = _mm_setzero_si128();
    __m128i high = zero, nul = zero;
    size_t i = 0, bad = bytes.n;
    for (; bytes.n - i >= 16; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(bytes.p + i));
        high = _mm_or_si128(high, v);
        nul = _mm_or_si128(nul, _mm_cmpeq_epi8(v, zero));
    }
    if (i < bytes.n) { // the rest, and for those the pad makes readable, anything but NUL
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(bytes.p + i));
        unsigned mine = (1u << (bytes.n - i)) - 1;
        if (((unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, zero)) & mine) ||
            ((unsigned)_mm_movemask_epi8(v) & mine))
            high = _mm_set1_epi8(-1);
    }
    if (!_mm_movemask_epi8(_mm_or_si128(high, nul)))
        return -1;
    const char *first = memchr(bytes.p, 0, bytes.n);
    if (first)
        bytes.n = (size_t)(first - bytes.p);
    if (!utf8_valid(bytes, &bad))
        return (int64_t)bad;
    return first ? (int64_t)bytes.n : -1;
}
