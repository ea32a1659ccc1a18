// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_CSV_CSV_SCAN_H
#define PRESSRUN_STAGES_LOAD_CSV_CSV_SCAN_H
/*
 * Where records of CSV end and where their fields do; nothing of what the fields mean.
 *
 * A quote opens only at a field's start. Inside, two quotes are one and line ends are text; behind the closing one
 * the field goes on without quotes up to the delimiter or the end of line, which is a fault of the record (csv_field
 * says so) but keeps the records after it whole. A quote elsewhere is a letter like any other.
 *
 * Both walk 16 bytes at a time and may look at, but never act on, CSV_PAD bytes behind the end: whoever owns the
 * bytes makes them readable.
 */
#include <emmintrin.h>
#include <stdbool.h>

#include "base/str.h"

enum { CSV_PAD = 16 };

// First of two bytes from p on, or end.
static inline const char *csv_find(const char *p, const char *end, char a, char b) {
    const __m128i first = _mm_set1_epi8(a), second = _mm_set1_epi8(b);
    for (; p < end; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(v, first), _mm_cmpeq_epi8(v, second));
        unsigned mask = (unsigned)_mm_movemask_epi8(hits);
        if (mask) {
            p += __builtin_ctz(mask);
            return p < end ? p : end;
        }
    }
    return end;
}

/*
 * A record's end is looked for in pieces, as its bytes arrive. Quotes that are open too long end that: behind `limit`
 * bytes of a record, or as many of their own where they open later, nobody can tell any more where records end.
 */
struct csv_scan {
    size_t limit;
    size_t at;            // how far it got, in what is left of the record
    size_t gone;          // bytes of the record that were given up before that (csv_scan_drop)
    char before;          // the last of them; at the record's start a delimiter, since a field begins there
    bool quoted;          // within quotes
    size_t quote;         // where they opened, counted from the record's start
    uint64_t quote_lines; // ends of lines before that
    uint64_t lines;       // ends of lines within quotes
};

enum csv_end {
    CSV_MORE,    // not within these bytes
    CSV_END,     // at s->at, at its LF or, where `ended`, with the bytes
    CSV_RUNAWAY, // not within the limit, for quotes that are not closed
};

void csv_scan_begin(struct csv_scan *s, char delimiter, size_t limit); // at the start of a record
// The bytes are those of the record from `gone` on.
enum csv_end csv_scan_end(struct csv_scan *s, char delimiter, struct str bytes, bool ended);
void csv_scan_drop(struct csv_scan *s, struct str bytes); // gives up the bytes before s->at

enum csv_fault { CSV_FINE, CSV_UNCLOSED, CSV_TEXT_BEHIND_QUOTE };

struct csv_field {
    struct str text; // without its quotes
    bool quoted;
    bool doubled; // has quotes that are written twice
    enum csv_fault fault;
};

// The quoted field whose opening quote is at p; returns where it ends.
const char *csv_field_quoted(const char *p, const char *end, char delimiter, struct csv_field *out);

// The field that begins at p, up to its delimiter or the record's end, which is returned.
static inline const char *csv_field(const char *p, const char *end, char delimiter, struct csv_field *out) {
    if (__builtin_expect(p < end && *p == '"', 0))
        return csv_field_quoted(p, end, delimiter, out);
    const char *to = csv_find(p, end, delimiter, delimiter);
    *out = (struct csv_field){.text = {p, (size_t)(to - p)}};
    return to;
}

// The field's text with each doubled quote made one; `to` has room for field->text.n bytes. Returns how many.
size_t csv_field_plain(const struct csv_field *field, char *to);

// Offset of the first NUL or byte that is not UTF-8, or -1.
int64_t csv_bad_byte(struct str bytes);

#endif
