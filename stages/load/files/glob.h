// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_FILES_GLOB_H
#define PRESSRUN_STAGES_LOAD_FILES_GLOB_H
/*
 * Patterns of paths, as "notes/{2023,2024}/[!_]*.md":
 *
 *     *        any characters of one part            ?       one character (code point)
 *     [a-z]    one of them                           [!a-z]  none of them; [^a-z] says the same
 *     **       as a whole part: any number of directories, none included; as the last part: all files beneath
 *     {a,b}    alternatives, which may have '/' and braces of their own; taken apart before all else
 *     \*       the character itself
 *
 * A name that begins with a dot is only matched by a part that does; so ** enters no such directory. Nor does it
 * enter a directory through a symbolic link, which is why a walk always ends; other parts do.
 *
 * Refused: patterns that are empty, absolute or have a part "." or "..", brackets and braces that are not
 * closed, ** with anything next to it, a '/' at the end, two in a row.
 *
 * Here is only the matching, one name at a time, on the way from the top of a tree down; walk.h walks. A set
 * holds the parts of all alternatives that the names in one directory may match, so each directory is looked
 * at once whatever the number of alternatives.
 *
 * A glob never changes; any thread may use it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { GLOB_BYTES = 1024, GLOB_PARTS = 512 }; // of a pattern; of all its alternatives together

struct glob; // owned

struct glob_set {
    uint64_t bits[GLOB_PARTS / 64];
};

// STATUS_DATA with a sentence about "the pattern", which does not repeat it.
enum status glob_check(struct str pattern, struct err *err);
enum status glob_new(struct str pattern, struct glob **out, struct err *err);
void glob_free(struct glob *glob);

// What the names in the topmost directory may match.
struct glob_set glob_start(const struct glob *glob);
// What the names in the directory `name` may match; false: nothing in it can.
bool glob_enter(const struct glob *glob, const struct glob_set *at, struct str name, bool is_link,
                struct glob_set *inside);
// Whether a file of that name is meant.
bool glob_accepts(const struct glob *glob, const struct glob_set *at, struct str name);

// Where only certain names can match there is no need to list a directory: gives them one by one, each once.
// False from the start: it must be listed. `*next` begins as 0.
bool glob_next_name(const struct glob *glob, const struct glob_set *at, size_t *next, struct str *name);

#endif
