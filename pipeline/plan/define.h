// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_DEFINE_H
#define PRESSRUN_PIPELINE_DEFINE_H
/*
 * Values from the command line: `-D name=text` and `-D name:=json`, put over a mapping that is there already (a
 * manifest's globals, the data of one rendering).
 *
 * Values and names live in the arena given; the words of the command line must outlive them.
 */
#include "base/diag.h"
#include "stages/record/value.h"

struct define {
    struct str name;
    struct value value;
};

// Reads the words that followed -D, in order. NULL: what is wrong is in diags, placed in the word.
const struct define *define_parse(struct arena *arena, const char *const *words, size_t n,
                                  struct diags *diags);

// `base` (a map, or VALUE_MISSING for none) with the definitions over it; of two with one name the later one counts.
struct value define_over(struct arena *arena, struct value base, const struct define *defines, size_t n);

#endif
