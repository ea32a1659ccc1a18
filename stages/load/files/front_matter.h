// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_FILES_FRONT_MATTER_H
#define PRESSRUN_STAGES_LOAD_FILES_FRONT_MATTER_H
/*
 * Front matter: what a page says about itself before its text.
 *
 *     ---                   {
 *     title: About            "title": "About"
 *     ---                   }
 *     The text              The text
 *
 * YAML stands between a first line "---" and the next line that is "---" or "..."; blanks may follow the marks.
 * A page without that second line has no front matter: its first line is a thematic break.
 *
 * JSON is an object at the very start, if '{' is followed by '"' or '}', white space aside; "{{ x }}", "{% x %}"
 * and "{#x}" are text. Behind the object its line must end. A page that begins like that and goes on otherwise
 * is faulty, since that is more often a slip than what was meant.
 *
 * A byte-order mark is passed over; lines may end in CRLF. The text begins with the line after the front matter.
 * Empty YAML is an empty mapping. What has front matter and what is data itself ("x.json") the caller decides.
 *
 * All of it is made values, and counts as fields parsed.
 *
 * Bounded: at most FRONT_MATTER_BYTES, and FRONT_MATTER_VALUES with aliases written out, so that many pages at
 * once take no more memory than their texts allow for.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"
#include "stages/record/reader.h"
#include "stages/record/value.h"

enum { FRONT_MATTER_BYTES = 64 << 10, FRONT_MATTER_VALUES = 16 << 10 };

struct front_matter {
    struct value meta;        // a map; VALUE_MISSING: there is none
    struct str text;          // what follows it
    const struct diag *fault; // in the arena, located in the page; NULL: fine
    size_t fault_at;          // its byte in the page
};

// The page must be valid UTF-8 and below 4 GiB; the values borrow from it and from the arena, which must have no
// limit. The reader's projection is not heeded.
struct front_matter front_matter_read(struct arena *arena, struct reader *reader,
                                      const struct source_text *page);

#endif
