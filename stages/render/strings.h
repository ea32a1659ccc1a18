// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_STRINGS_H
#define PRESSRUN_STAGES_RENDER_STRINGS_H
/*
 * What string methods and text filters share. Lines end as Python's str.splitlines sees it: \n, \r, \r\n, and
 * the vertical tab, form feed, file, group and record separators, NEL, line and paragraph separators.
 */
#include <stdbool.h>
#include <stdint.h>

#include "stages/program/library.h"

// The next line of *rest, without its end unless `keep`; false at the end of the text.
bool strings_next_line(struct str *rest, bool keep, struct str *line);

// Non-overlapping occurrences of `part` (not empty) replaced, at most `most` (< 0: all).
bool strings_replace(struct call *call, struct str text, struct str part, struct str with, int64_t most,
                     struct str *out);

// Characters of `set` stripped from the sides asked for.
struct str strings_strip(struct str text, struct str set, bool left, bool right);

// Splits at `separator` ({NULL, 0}: at white space), at most `most` times (< 0: always), from the right where
// asked; makes a list of strings, safe ones where `safe`.
bool strings_split(struct call *call, struct str text, struct str separator, int64_t most, bool from_right,
                   bool safe, struct value *out);

// With `fill` on both sides until it is `width` characters wide, as Python's center does.
bool strings_center(struct call *call, struct str text, int64_t width, struct str fill, struct str *out);

// Words between white space: the next one of *rest; false at the end.
bool strings_next_word(struct str *rest, struct str *word);

#endif
