// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_JINJA_LEX_H
#define PRESSRUN_STAGES_COMPILE_JINJA_LEX_H
/*
 * Jinja's tokens: template text between tags, with whitespace control already applied, and the words,
 * literals and operators inside of tags. Comments and raw blocks are seen to here.
 *
 * One token at a time, on demand. A fault is reported to `diags` once and gives JINJA_BAD; after it (or at any
 * other place within a tag) jinja_lex_recover goes on behind the end of the tag.
 *
 * The text must be valid UTF-8. Texts and string values are slices of the source or live in `arena`.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/diag.h"
#include "stages/compile/compile.h"
#include "stages/record/value.h"

enum jinja_token_kind {
    JINJA_END,
    JINJA_BAD,
    JINJA_TEXT,
    JINJA_PRINT_BEGIN, // {{
    JINJA_PRINT_END,
    JINJA_BLOCK_BEGIN, // {%
    JINJA_BLOCK_END,
    JINJA_NAME,
    JINJA_STRING,
    JINJA_INTEGER,
    JINJA_FLOAT,
    JINJA_ADD,
    JINJA_SUB,
    JINJA_MUL,
    JINJA_DIV,
    JINJA_FLOORDIV,
    JINJA_MOD,
    JINJA_POW,
    JINJA_TILDE,
    JINJA_LBRACKET,
    JINJA_RBRACKET,
    JINJA_LPAREN,
    JINJA_RPAREN,
    JINJA_LBRACE,
    JINJA_RBRACE,
    JINJA_EQ,
    JINJA_NE,
    JINJA_LT,
    JINJA_LE,
    JINJA_GT,
    JINJA_GE,
    JINJA_ASSIGN,
    JINJA_DOT,
    JINJA_COLON,
    JINJA_PIPE,
    JINJA_COMMA,
    JINJA_SEMICOLON,
    JINJA_TOKEN_KINDS
};

struct jinja_token {
    enum jinja_token_kind kind;
    struct span span;
    struct str text;    // of TEXT (with newlines normalised) and NAME
    struct value value; // of literals
};

enum { JINJA_NESTING = 200 }; // of brackets within a tag

enum jinja_lex_state { JINJA_IN_TEXT, JINJA_IN_PRINT, JINJA_IN_BLOCK };

struct jinja_lexer {
    struct arena *arena;
    const struct source_text *source;
    const struct compile_options *options;
    struct diags *diags;
    const char *p;  // the text
    size_t at, end; // end: without the final newline that is dropped
    size_t tag;     // where the current tag began
    enum jinja_lex_state state;
    bool line_starting;       // what was lexed last ended with a newline
    char open[JINJA_NESTING]; // closing brackets that are waited for
    uint32_t open_n;
};

void jinja_lex_init(struct jinja_lexer *lexer, struct arena *arena, const struct source_text *source,
                    const struct compile_options *options, struct diags *diags);
// The whole source is one expression: there is no text, and the end of it ends the tag.
void jinja_lex_init_expression(struct jinja_lexer *lexer, struct arena *arena,
                               const struct source_text *source, const struct compile_options *options,
                               struct diags *diags);
struct jinja_token jinja_lex_next(struct jinja_lexer *lexer);
// Behind the next end of the current kind of tag, from byte `from` on; to the end where there is none.
void jinja_lex_recover(struct jinja_lexer *lexer, size_t from);
// How a token is called in messages: "'%}'", "'+'", "name".
const char *jinja_token_name(enum jinja_token_kind kind);

#endif
