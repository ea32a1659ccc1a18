// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_JINJA_LITERAL_H
#define PRESSRUN_STAGES_COMPILE_JINJA_LITERAL_H
/*
 * Numbers and strings as Python writes them, for the lexer: `rest` is the source from the literal on. The
 * token has its value; JINJA_BAD after an error has been reported.
 */
#include "stages/compile/jinja_lex.h"

// `after_dot`: "1.5" is no float after a point ("x.1.5" is x, 1, 5).
struct jinja_token jinja_literal_number(struct jinja_lexer *lexer, bool after_dot, struct str rest);
// Bytes with both quotes; 0: it has no end.
size_t jinja_literal_string_length(struct str rest);
struct jinja_token jinja_literal_string(struct jinja_lexer *lexer, struct str rest);

#endif
