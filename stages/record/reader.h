// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RECORD_READER_H
#define PRESSRUN_STAGES_RECORD_READER_H
/*
 * The bulk reader: JSON text straight to values, no tree in between. RFC 8259: strict grammar, UTF-8 validated,
 * lone surrogate escapes refused, nesting limited, duplicate keys last-wins (at the first one's position).
 * Integers that fit become int64, larger ones keep their digits; everything with a point or an exponent is a
 * double, correctly rounded ("-0" is the integer 0, "-0.0" the double). A double too large for the format is
 * refused.
 *
 * Strings without escapes are slices of the text, so the text must outlive the values; all else is in the arena.
 *
 * A projection (NULL: all fields) names the fields to build; others are checked and skipped.
 *
 * It counts fields. A field is a member of an object that is built, at whatever depth, as often as it stands there: one
 * that was made a value is parsed, one of which no value was made is skipped, with all that is inside it. Elements of
 * arrays are no fields, but members of objects that are elements are.
 *
 * One reader per thread; the shapes are shared. Errors are by byte offset; whoever knows lines makes them places.
 */
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "stages/record/projection.h"
#include "stages/record/value.h"

// Where a value and its key stand in the text, in document order (depth first, duplicates included); for
// whoever must report places inside a document: the manifest. Not for records.
struct reader_mark {
    uint32_t key_at, key_n; // with its quotes; 0, 0 for elements and the root
    uint32_t at, n;
    bool duplicate; // this key stood in the same object before
};
struct reader_marks {
    struct reader_mark *marks; // owned (base/mem.h)
    size_t n, cap;
};

// Fields of records, of this and of other formats.
struct field_count {
    uint64_t parsed, skipped;
};

struct reader {
    struct shapes *shapes;
    const struct projection *projection; // NULL: everything
    struct reader_marks *marks;          // NULL: none wanted
    uint32_t max_depth;
    // scratch, kept between records
    struct value *stack;
    size_t stack_n, stack_cap;
    struct trail *trails; // of what was read with a projection (reader_trail.h)
    const char *fault;    // what was wrong, a constant
    size_t fault_at;      // byte offset of it
    struct field_count
        fields; // since reader_init, those before a fault included; who reads other formats adds to it
};

enum { READER_MAX_DEPTH = 512 };

void reader_init(struct reader *r, struct shapes *shapes, const struct projection *projection);
void reader_release(struct reader *r);

// One JSON value that fills `text` (white space around it is fine). STATUS_OK, STATUS_DATA (fault, fault_at
// are set) or STATUS_MEMORY (the arena is full).
enum status reader_parse(struct reader *r, struct str text, struct arena *arena, struct value *out);

#endif
