// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_MARKUP_H
#define PRESSRUN_STAGES_RENDER_MARKUP_H
/*
 * HTML back to text: tags and entities. Of HTML's named entities it knows those of Latin-1 (with or without the
 * semicolon, as browsers do), Greek letters, arrows and common typography; others stay as they are.
 */
#include <stdbool.h>

#include "stages/program/library.h"

// Without tags and comments, white space joined, entities decoded.
bool markup_strip_tags(struct call *call, struct str text, struct str *out);
// Entities decoded.
bool markup_unescape(struct call *call, struct str text, struct str *out);

#endif
