// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_COMPILE_H
#define PRESSRUN_STAGES_COMPILE_COMPILE_H
/*
 * Compile: template text to a verified program. A language is one front end (text to tree) and one row of
 * `languages`; the tree, folding and code generation are shared (tree.h, fold.c, codegen.c).
 *
 * To add a language: write compile/NAME.c with `const struct language language_NAME`, add it to the table in
 * compile.c and to compile/CMakeLists.txt, give it golden cases; docs/internals.md walks through an example.
 *
 * All syntax errors of a text that can be told apart are reported at once, located, in `diags`.
 * No state is kept between calls; any number of threads may compile.
 */
#include <stdbool.h>

#include "base/diag.h"
#include "stages/program/library.h"
#include "stages/program/program.h"

// An environment variable that templates may read: named in the manifest, read once.
struct compile_variable {
    struct str name, value;
};

struct compile_options {
    bool trim_blocks, lstrip_blocks, keep_trailing_newline;
    bool autoescape;
    bool chat; // templates of chats with language models: what jinja.h says of them; with library_chat
    const struct library *library;
    const struct compile_variable *environment; // borrowed: lives as long as the programs
    size_t environment_n;
};

struct tree; // stages/compile/tree.h

struct language {
    const char *name;
    const char *const *extensions; // NULL-terminated, with the dot
    const char *doc;               // one line; NULL: only templates refer to it, people need not know
    bool takes_any_bytes;          // else a text that is not UTF-8 is refused before it is parsed
    // Text, less than 2 GiB, to tree in `arena`; false where `diags` got an error.
    bool (*parse)(struct arena *arena, const struct source_text *source,
                  const struct compile_options *options, struct diags *diags, struct tree **out);
    bool (*parse_expression)(struct arena *arena, const struct source_text *source,
                             const struct compile_options *options, struct diags *diags, struct tree **out);
};

extern const struct language *const languages[]; // NULL-terminated; [0] is jinja
const struct language *language_named(struct str name);
// By a template's name: its last extension, or the one before ".html", ".txt" and the like where the last is none
// of a language's ("page.j2", "page.html.j2", "page.html" is jinja). Never NULL: jinja is the default.
const struct language *language_for(struct str template_name);

// The text is copied. NULL where `diags` got an error. References are not linked yet (templates.h does that).
struct program *compile_template(const struct language *language, const struct source_text *source,
                                 const struct compile_options *options, struct diags *diags);
// Whatever decides what a template is compiled to, its text included: the program's `own`.
struct digest compile_digest(const struct language *language, struct str text,
                             const struct compile_options *options);
// One expression (`where`, `group_by`, `key`); always jinja.
struct program *compile_expression(const struct source_text *source, const struct compile_options *options,
                                   struct diags *diags);

#endif
