// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_PROGRAM_DIRECTIVE_H
#define PRESSRUN_STAGES_PROGRAM_DIRECTIVE_H
/*
 * Directives of the prompt language: the lines that begin with "//". What one means is needed twice: by the
 * compiler for those a template spells out, by the machine for those that values bring in.
 *
 * The library this follows calls a method of a Ruby object by the directive's name, so that a name every Ruby
 * object answers to ("//send", "//instance_eval") does things there. Here such names are refused.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

enum directive_kind {
    DIRECTIVE_INCLUDE,  // path
    DIRECTIVE_EXCLUDED, // "run" and "initialize": an error text takes its place
    DIRECTIVE_UNKNOWN,  // the same
    DIRECTIVE_NAMELESS, // nothing but the slashes: a failure, as are those below
    DIRECTIVE_PATHS,    // an include of no or several files
    DIRECTIVE_REFUSED,  // a method of Ruby's objects
};

struct directive {
    enum directive_kind kind;
    struct str line; // without blanks around it: what the directive's text is put in place of
    struct str name, path;
};

// Ruby's strip: blanks, line ends and NUL.
struct str directive_strip(struct str line);
// False where the line is no directive.
bool directive_parse(struct str line, struct directive *out);
// What is wrong with those that are failures; {NULL, 0}: nothing. In `arena`.
struct str directive_fault(const struct directive *d, struct arena *arena);

// The next line of `text` from *at on that is a directive; false at the end.
bool directive_next(struct str text, size_t *at, struct directive *out);

// A path as a template's name: without "x/..", and "." only where that is all. False where it leaves the search path; {NULL, 0} in *out:
// no memory.
bool directive_template(struct str path, struct arena *arena, struct str *out);

#endif
