// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_ESCAPE_H
#define PRESSRUN_STAGES_RENDER_ESCAPE_H
/*
 * Escaping for HTML: & < > " ' become &amp; &lt; &gt; &#34; &#39;. Sixteen bytes at a time: a block without
 * any of the five is copied by the same store that copies it. (print_escaped, in print.h, appends to a buffer.)
 * The functions called named write &quot; for the quotation mark, as Mustache does.
 */
#include <stddef.h>

#include "base/str.h"

enum { ESCAPE_WORST = 6 }; // bytes out for one byte in

size_t escape_growth(struct str text);          // how many bytes longer the escaped text is; 0: nothing to do
size_t escape_copy(struct str text, char *out); // needs text.n + escape_growth(text) bytes; returns as many
// Needs ESCAPE_WORST * text.n + 16 bytes of room, for it stores whole blocks; returns the bytes that count.
size_t escape_copy_wide(struct str text, char *out);
size_t escape_copy_named(struct str text, char *out); // the same

#endif
