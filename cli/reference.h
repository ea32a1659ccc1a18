// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_REFERENCE_H
#define PRESSRUN_CLI_REFERENCE_H
/*
 * What templates can use, as text made from the tables of languages, filters, tests and functions. manual.h makes
 * the same into manual pages.
 */
#include "base/buf.h"
#include "stages/program/library.h"

// One kind of the library's functions.
struct reference_kind {
    const char *name, *plural; // "filter", "filters"
    const char *use;           // how one is written, with %s for it
};
enum { REFERENCE_KINDS = 3 };
extern const struct reference_kind reference_kinds[REFERENCE_KINDS];

// The rows of a kind, one after the other: those of all templates and those of chat templates by name. `chat_only`:
// only there, or other than elsewhere. NULL: the end.
const struct library_function *reference_row(size_t kind, size_t at, bool *chat_only);

// As in Python: "truncate(length=255, killwords=False, end='...', leeway=5)"; the name alone where there are no
// parameters, but for functions.
void reference_write_signature(size_t kind, const struct library_function *f, struct buf *out);
// What "arguments..." and "keywords..." in it mean; nothing where they are not in it.
void reference_write_rest(const struct library_function *f, struct buf *out);

void reference_write_kind(size_t kind, struct buf *out);
void reference_write_metrics(struct buf *out); // what is measured of a run
// One language, or all without a name; false where there is none of that name.
bool reference_write_languages(const char *only, struct buf *out);
// False: there is none of that name; *near the most similar name or {NULL, 0}.
bool reference_write_one(size_t kind, const char *name, struct buf *out, struct str *near);

#endif
