// SPDX-License-Identifier: MIT
#include "stages/compile/jinja_parse.h"

#include <stdarg.h>
#include <stdio.h>

// An expression in brackets takes three levels of recursion.
enum { DEPTH_LIMIT = 3 * JINJA_NESTING + 50, ERRORS_LIMIT = 50 };

static struct jinja_token next_token(struct jinja_parser *p) {
    if (!p->has_ahead)
        return jinja_lex_next(&p->lexer);
    p->has_ahead = false;
    return p->ahead;
}

void jinja_advance(struct jinja_parser *p) {
    if (p->panic)
        return;
    p->last = p->current.span;
    p->consumed = (size_t)p->current.span.at + p->current.span.n;
    p->current = next_token(p);
    if (p->current.kind == JINJA_BAD) // the lexer has said why
        p->panic = true;
}

const struct jinja_token *jinja_peek(struct jinja_parser *p) {
    if (!p->has_ahead) {
        p->ahead = jinja_lex_next(&p->lexer);
        p->has_ahead = true;
    }
    return &p->ahead;
}

struct diag *jinja_fail(struct jinja_parser *p, struct span span, const char *format, ...) {
    if (p->panic)
        return NULL;
    p->panic = true;
    p->current.kind = JINJA_BAD;
    if (p->over)
        return NULL;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return diags_error(p->diags, p->source, span, "%s", text);
}

bool jinja_at(const struct jinja_parser *p, enum jinja_token_kind kind) {
    return p->current.kind == kind;
}

bool jinja_at_word(const struct jinja_parser *p, const char *word) {
    return p->current.kind == JINJA_NAME && str_is(p->current.text, word);
}

bool jinja_accept(struct jinja_parser *p, enum jinja_token_kind kind) {
    if (p->current.kind != kind)
        return false;
    jinja_advance(p);
    return true;
}

bool jinja_accept_word(struct jinja_parser *p, const char *word) {
    if (!jinja_at_word(p, word))
        return false;
    jinja_advance(p);
    return true;
}

void jinja_unexpected(struct jinja_parser *p, const char *expected) {
    enum { SHOWN = 40 };
    const struct jinja_token *t = &p->current;
    if (t->kind == JINJA_END) {
        // There is nothing to point at behind the end, so the last token is shown.
        jinja_fail(p, p->last, "unexpected %s, expected %s", jinja_token_name(JINJA_END), expected);
    } else if (t->kind == JINJA_NAME || t->kind == JINJA_STRING || t->kind == JINJA_INTEGER ||
               t->kind == JINJA_FLOAT) {
        bool cut = t->span.n > SHOWN;
        struct str text = str_slice(p->source->text, t->span.at, t->span.at + (cut ? SHOWN : t->span.n));
        while (cut && text.n && ((unsigned char)text.p[text.n] & 0xC0) == 0x80)
            text.n--;
        const char *quote = t->kind == JINJA_STRING ? "" : "'";
        jinja_fail(p, t->span, "expected %s, got %s%.*s%s%s", expected, quote, STR_ARG(text),
                   cut ? "..." : "", quote);
    } else {
        enum jinja_token_kind kind = t->kind;
        size_t at = t->span.at;
        struct diag *diag = jinja_fail(p, t->span, "expected %s, got %s", expected, jinja_token_name(kind));
        if (kind == JINJA_ASSIGN)
            diag_hint(p->diags, diag, "'==' compares");
        else if (kind == JINJA_PIPE && at && p->source->text.p[at - 1] == '|')
            diag_hint(p->diags, diag, "'or' is written as a word: a or b");
    }
}

bool jinja_expect(struct jinja_parser *p, enum jinja_token_kind kind) {
    if (jinja_accept(p, kind))
        return true;
    jinja_unexpected(p, jinja_token_name(kind));
    return false;
}

void jinja_end_tag(struct jinja_parser *p, enum jinja_token_kind kind) {
    if (jinja_expect(p, kind) && !p->panic)
        return;
    // From the character before the fault, which may be the first one of the tag's end.
    size_t from = p->current.span.at;
    jinja_lex_recover(&p->lexer, from > p->lexer.tag ? from - 1 : from);
    p->has_ahead = false;
    p->panic = false;
    if (p->diags->errors >= ERRORS_LIMIT) {
        p->over = true;
        p->current.kind = JINJA_END;
        return;
    }
    p->current = next_token(p);
    if (p->current.kind == JINJA_BAD)
        p->panic = true;
}

struct span jinja_span_from(const struct jinja_parser *p, size_t start) {
    size_t end = p->consumed > start ? p->consumed : start + 1;
    return (struct span){(uint32_t)start, (uint32_t)(end - start)};
}

bool jinja_enter(struct jinja_parser *p) {
    if (p->depth >= DEPTH_LIMIT)
        jinja_fail(p, p->current.span, "this expression is nested too deep");
    if (p->panic)
        return false;
    p->depth++;
    return true;
}

void jinja_leave(struct jinja_parser *p) {
    p->depth--;
}
