// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_JINJA_PARSE_H
#define PRESSRUN_STAGES_COMPILE_JINJA_PARSE_H
/*
 * The parser of Jinja: what statements (jinja.c) and expressions (jinja_expr.c) share.
 *
 * Recursive descent with one token, and a second one where the first is a name. A fault is reported once and
 * puts the parser into panic: the current token is JINJA_BAD, nothing is consumed and nothing more reported,
 * so that every function just returns; jinja_end_tag then goes on behind the tag. Functions never return NULL
 * for an expression: in panic it is some constant.
 */
#include <stdbool.h>

#include "stages/compile/jinja_lex.h"
#include "stages/compile/tree.h"

struct open_block; // a tag whose end tag is waited for

struct jinja_parser {
    struct arena *arena;
    const struct source_text *source;
    const struct compile_options *options;
    struct diags *diags;
    struct jinja_lexer lexer;
    struct jinja_token current, ahead;
    bool has_ahead;
    bool panic;
    bool over;          // the template ended too early, and that has been said
    bool ends_early;    // the current word ends a block further out; see jinja.c
    uint32_t depth;     // of recursion
    uint32_t loops;     // for loops around, in this function
    size_t consumed;    // end of the last token consumed
    struct span last;   // the last token consumed
    struct str unknown; // the unknown tag reported last
    const struct open_block *blocks;
};

void jinja_advance(struct jinja_parser *p);
const struct jinja_token *jinja_peek(struct jinja_parser *p); // the token after the current one, a name
// The error, for hints to be added; NULL where one was reported for this tag already.
__attribute__((format(printf, 3, 4))) struct diag *jinja_fail(struct jinja_parser *p, struct span span,
                                                              const char *format, ...);
// Consumes the current token if it is of this kind; expect: else fails.
bool jinja_accept(struct jinja_parser *p, enum jinja_token_kind kind);
bool jinja_expect(struct jinja_parser *p, enum jinja_token_kind kind);
bool jinja_at(const struct jinja_parser *p, enum jinja_token_kind kind);
bool jinja_at_word(const struct jinja_parser *p, const char *word);
bool jinja_accept_word(struct jinja_parser *p, const char *word);
// "expected WHAT, got ..." at the current token.
void jinja_unexpected(struct jinja_parser *p, const char *expected);
// The end of a tag; leaves panic.
void jinja_end_tag(struct jinja_parser *p, enum jinja_token_kind kind);
// From `start` to the last token consumed.
struct span jinja_span_from(const struct jinja_parser *p, size_t start);
bool jinja_enter(struct jinja_parser *p); // deeper; false in panic, then there is nothing to leave
void jinja_leave(struct jinja_parser *p);

// Where a tuple without brackets may stand.
struct jinja_tuple_rule {
    bool plain;           // of names and literals only: a target
    bool no_choice;       // without inline if
    const char *end_word; // ends it, too; NULL: none
    bool bracketed;       // in parentheses: may be empty
};

struct node *jinja_expression(struct jinja_parser *p);
struct node *jinja_tuple(struct jinja_parser *p, struct jinja_tuple_rule rule);
// "name(args) | name ...", the first name being the current token; `node` is what is filtered, NULL: the text
// of a block.
struct node *jinja_filters(struct jinja_parser *p, struct node *node);
// What may stand left of "=": a name or a tuple of such; end_word as in jinja_tuple_rule.
struct node *jinja_target(struct jinja_parser *p, const char *end_word);
struct node *jinja_name_target(struct jinja_parser *p);

#endif
