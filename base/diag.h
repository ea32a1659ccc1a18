// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BASE_DIAG_H
#define PRESSRUN_BASE_DIAG_H
/*
 * Located messages about what users wrote: manifests, templates, records. Many at once, in the order of
 * their places, each with file, line, column, the line itself, a caret and where it helps a hint.
 *
 * A place is a `struct span` (bytes) in a `struct source_text`. Lines and columns count from 1; a column
 * counts code points. Everything a diag points to is copied into the arena of its list, so a diag outlives
 * the text it is about.
 *
 * Written form (diag_write), which tests and editors rely on:
 *
 *     pressrun.yaml:7:5: error: unknown key "templte"
 *         7 |     templte: card.j2
 *           |     ^~~~~~~
 *       hint: did you mean "template"?
 *
 * Nothing that users wrote reaches a terminal raw: in the line, control characters and bytes that are not
 * UTF-8 show as '?' (tabs stay, and the caret's line repeats them); in messages and hints they are escaped.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

struct span {
    uint32_t at, n; // bytes
};

struct source_text {
    struct str name; // as the user knows it: the path given, or "<stdin>", "to of job cards"
    struct str text;
};

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

struct diag {
    enum severity severity;
    struct str file;
    uint32_t line, column;   // 0: no place, the file as a whole
    struct str line_text;    // the line (cut to a window around the caret when long), without its end
    uint32_t caret, caret_n; // byte offset into line_text, and how many bytes to underline (at least 1)
    struct str message;
    struct str hint; // {NULL, 0}: none. Lines are separated by '\n'
    struct diag *next;
};

struct diags {
    struct arena *arena; // where the diags live
    struct diag *first, *last;
    size_t errors, warnings;
    struct diag spare; // stands in for the first diag that the arena has no room for
};

void diags_init(struct diags *list, struct arena *arena);

// A diag made in `arena`, in no list. `source` may be NULL (no place). Never NULL: falls back to a constant
// "out of memory" diag.
const struct diag *diag_make(struct arena *arena, const struct source_text *source, struct span span,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));

// NULL when the arena is full (the list then says so, once, and the error is counted).
struct diag *diags_error(struct diags *list, const struct source_text *source, struct span span,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));
struct diag *diags_warning(struct diags *list, const struct source_text *source, struct span span,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));
// Adds a line to the hint; a NULL diag is fine.
void diag_hint(struct diags *list, struct diag *diag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// A copy whose texts live in `arena` too. Never NULL, as diag_make.
const struct diag *diag_copy(struct arena *arena, const struct diag *diag);
// The same place and message, whatever the hint.
bool diag_is_same(const struct diag *a, const struct diag *b);
// Copies all of `from` to the end of `list`, whose arena may be another one.
void diags_append(struct diags *list, const struct diags *from);

// Text as a terminal may have it: no control characters, no bytes that are not UTF-8. {NULL, 0}: no memory.
struct str diag_escape(struct arena *arena, struct str text);

// Appends the written form; with ANSI colours where `colour`.
void diag_write(const struct diag *diag, bool colour, struct buf *out);
// By file, then place; stable. What says the same of the same place again is dropped and not counted.
void diags_sort(struct diags *list);

// Line and column (from 1) of a byte; *line_span gets the line's bytes where not NULL, without its end (LF or
// CRLF) and without a byte-order mark, which is no column either. Linear in `at`.
void source_locate(struct str text, size_t at, uint32_t *line, uint32_t *column, struct span *line_span);

#endif
