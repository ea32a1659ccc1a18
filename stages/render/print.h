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
// print_str, escaped unless v is a safe string.
bool print_str_escaped(struct call *call, struct value v, struct buf *out);
// A value's text as a slice: strings as they are, others printed into call->arena.
bool print_to_str(struct call *call, struct value v, struct str *out);

#endif
