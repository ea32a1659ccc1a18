// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_PRINT_H
#define PRESSRUN_STAGES_RENDER_PRINT_H
/*
 * Values as text. print_str is Python's str() (what `{{ value }}` shows), print_repr its repr() (what elements
 * of a list show), print_json a JSON text. Undefined prints as the mode says: nothing, an error, or the
 * expression it came from in braces.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "stages/program/library.h"
#include "stages/record/value.h"

bool print_str(struct call *call, struct value v, struct buf *out);
bool print_repr(struct call *call, struct value v, struct buf *out);
// HTML-escapes & < > " ' as &amp; &lt; &gt; &#34; &#39;. SIMD scan, copies plain runs.
void print_escaped(struct str text, struct buf *out);
void print_escaped_named(struct str text, struct buf *out); // &quot; for the quotation mark
// print_str, escaped unless v is a safe string.
bool print_str_escaped(struct call *call, struct value v, struct buf *out);
// How print_json writes. Both separators are written as they are; `unit` {NULL, 0}: all on one line.
struct json_style {
    bool ascii;      // characters beyond ASCII as \uXXXX
    bool html;       // < > & ' as \uXXXX, so that the text may stand in a page
    bool sort;       // by key
    struct str unit; // of indentation, once per level; an empty one still breaks lines
    struct str item_separator, key_separator;
};
bool print_json(struct call *call, struct value v, const struct json_style *style, struct buf *out);
// As Python's pprint: sorted keys, and lines of at most 80 columns where the structure allows.
bool print_pretty(struct call *call, struct value v, struct buf *out);
// A string as Python's repr would quote it.
void print_quoted(struct str text, struct buf *out);

// Moves what a buffer holds into call->arena and releases the buffer. False: call_no_memory.
bool print_take(struct call *call, struct buf *b, struct str *out);
// Whether what was printed since `begin` may still grow: no item prints more than its memory limit.
bool print_bounded(struct call *call, const struct buf *out, size_t begin);

// A value's text as a slice: strings as they are, others printed into call->arena.
bool print_to_str(struct call *call, struct value v, struct str *out);

#endif
