// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_LETTERS_H
#define PRESSRUN_STAGES_RENDER_LETTERS_H
/*
 * Letters: case mapping and character classes of Unicode, as Python's str methods define them. ASCII and the
 * common two-byte letters (Latin-1, Latin Extended-A, Greek, Cyrillic) are mapped here; libunistring knows the
 * rest: one letter that becomes several (sharp s, ligatures), title case, final sigma.
 *
 * Strings are valid UTF-8.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "stages/program/library.h"

enum letters_case {
    LETTERS_UPPER,
    LETTERS_LOWER,
    LETTERS_TITLE,      // the first letter of each run of letters in title case, the others in lower case
    LETTERS_CAPITALIZE, // the first character in title case, all others in lower case
    LETTERS_SWAP,
    LETTERS_FOLD, // for comparing without regard to case
};

// The text mapped; the same slice where nothing changes. False: call_no_memory.
bool letters_map(struct call *call, struct str text, enum letters_case how, struct str *out);

enum letters_class {
    LETTERS_ALPHA,
    LETTERS_DECIMAL, // digits of a positional system
    LETTERS_DIGIT,   // those, and superscripts and the like
    LETTERS_NUMERIC, // those, and fractions and the like
    LETTERS_ALNUM,
    LETTERS_SPACE,
    LETTERS_PRINTABLE,
    LETTERS_WORD, // \w of regular expressions: letters, numbers, underscore
};

bool letters_is(uint32_t point, enum letters_class what);
int letters_digit(uint32_t point);      // value of a decimal digit, or -1
bool letters_is_upper(struct str text); // some cased letter, and none of another case
bool letters_is_lower(struct str text);
bool letters_is_title(struct str text);
bool letters_is_identifier(struct str text);

// Without white space (as Python's str.strip sees it) at both ends.
struct str letters_trim(struct str text);

#endif
