// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_MUSTACHE_TAG_H
#define PRESSRUN_STAGES_COMPILE_MUSTACHE_TAG_H
/*
 * Mustache's tags, one at a time: where each begins and ends, its kind, its name. Delimiters change as the tags
 * that change them go by. What stands alone on its line, and what the names mean, is the parser's (mustache.c).
 *
 * A fault is reported to `diags` once and gives MUSTACHE_BAD; the tag after it is found again. Texts are slices of
 * the source.
 */
#include <stdbool.h>

#include "base/diag.h"

enum mustache_kind {
    MUSTACHE_BAD,
    MUSTACHE_VALUE,    // {{name}}
    MUSTACHE_RAW,      // {{{name}}} and {{&name}}
    MUSTACHE_SECTION,  // {{#name}}
    MUSTACHE_INVERTED, // {{^name}}
    MUSTACHE_CLOSE,    // {{/name}}
    MUSTACHE_PARTIAL,  // {{>name}}
    MUSTACHE_PARENT,   // {{<name}}
    MUSTACHE_BLOCK,    // {{$name}}
    MUSTACHE_COMMENT,  // {{! }}
    MUSTACHE_SET,      // {{=<% %>=}}
};

struct mustache_tag {
    enum mustache_kind kind;
    bool dynamic; // a partial's or parent's name is looked up: {{>*name}}
    struct str name;
    struct span span; // with the delimiters
};

struct mustache_lexer {
    const struct source_text *source;
    struct diags *diags;
    size_t at; // behind the last tag
    struct str open, close;
};

void mustache_lex_init(struct mustache_lexer *l, const struct source_text *source, struct diags *diags);
// False: there are no more tags.
bool mustache_lex_tag(struct mustache_lexer *l, struct mustache_tag *tag);

#endif
