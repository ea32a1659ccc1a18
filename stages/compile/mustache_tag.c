// SPDX-License-Identifier: MIT
#include "stages/compile/mustache_tag.h"

#include <string.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct str trim(struct str text) {
    while (text.n && is_blank(text.p[0]))
        text = str_from(text, 1);
    while (text.n && is_blank(text.p[text.n - 1]))
        text.n--;
    return text;
}

// Where `what` begins at or behind `from`; the length of the source where it does not.
static size_t find(const struct mustache_lexer *l, struct str what, size_t from) {
    struct str text = l->source->text;
    const char *at = from < text.n ? memmem(text.p + from, text.n - from, what.p, what.n) : NULL;
    return at ? (size_t)(at - text.p) : text.n;
}

static struct span span_of(const struct mustache_lexer *l, struct str part) {
    return (struct span){(uint32_t)(part.p - l->source->text.p), (uint32_t)part.n};
}

void mustache_lex_init(struct mustache_lexer *l, const struct source_text *source, struct diags *diags) {
    *l = (struct mustache_lexer){.source = source, .diags = diags, .open = STR("{{"), .close = STR("}}")};
}

static enum mustache_kind kind_of(char c) {
    switch (c) {
    case '{':
    case '&':
        return MUSTACHE_RAW;
    case '#':
        return MUSTACHE_SECTION;
    case '^':
        return MUSTACHE_INVERTED;
    case '/':
        return MUSTACHE_CLOSE;
    case '>':
        return MUSTACHE_PARTIAL;
    case '<':
        return MUSTACHE_PARENT;
    case '$':
        return MUSTACHE_BLOCK;
    case '!':
        return MUSTACHE_COMMENT;
    case '=':
        return MUSTACHE_SET;
    default:
        return MUSTACHE_VALUE;
    }
}

// The end of what is in the tag, whose first character decides what ends it; with what closes it in *closing.
static size_t content_end(const struct mustache_lexer *l, size_t from, char sigil, size_t *closing) {
    char extra = sigil == '{' ? '}' : sigil == '=' ? '=' : 0;
    *closing = l->close.n + (extra != 0);
    for (size_t at = find(l, l->close, from);; at = find(l, l->close, at + 1)) {
        if (at >= l->source->text.n)
            return at;
        if (!extra || (at > from && l->source->text.p[at - 1] == extra))
            return extra ? at - 1 : at;
    }
}

// The tag has no end. Goes on with the next one, if one begins.
static bool unclosed(struct mustache_lexer *l, struct mustache_tag *tag, size_t begin, size_t from) {
    struct str text = l->source->text;
    const char *line_end = from < text.n ? memchr(text.p + from, '\n', text.n - from) : NULL;
    size_t end = line_end ? (size_t)(line_end - text.p) : text.n;
    size_t next = find(l, l->open, from);
    char sigil = from < text.n ? text.p[from] : 0;
    if (next < end)
        end = next;
    *tag = (struct mustache_tag){.kind = MUSTACHE_BAD, .span = {(uint32_t)begin, (uint32_t)(end - begin)}};
    struct diag *diag = diags_error(l->diags, l->source, tag->span, "this tag is not closed");
    diag_hint(l->diags, diag, "it ends with %s%.*s",
              sigil == '{'   ? "}"
              : sigil == '=' ? "="
                             : "",
              STR_ARG(l->close));
    l->at = next;
    return true;
}

static bool set_delimiters(struct mustache_lexer *l, struct str text) {
    struct str open = {text.p, 0};
    while (open.n < text.n && !is_blank(text.p[open.n]))
        open.n++;
    struct str close = trim(str_from(text, open.n));
    bool fine = open.n && close.n && !memchr(text.p, '=', text.n);
    for (size_t i = 0; i < close.n; i++)
        fine &= !is_blank(close.p[i]);
    if (fine) {
        l->open = open;
        l->close = close;
    }
    return fine;
}

static bool bad(struct mustache_lexer *l, struct mustache_tag *tag, struct str part, const char *message,
                const char *hint) {
    struct diag *diag =
        diags_error(l->diags, l->source, part.n ? span_of(l, part) : tag->span, "%s", message);
    if (hint)
        diag_hint(l->diags, diag, "%s", hint);
    tag->kind = MUSTACHE_BAD;
    return true;
}

static bool has_blank(struct str name) {
    for (size_t i = 0; i < name.n; i++)
        if (is_blank(name.p[i]))
            return true;
    return false;
}

// What begins something still does, so that its end is no error too.
static bool bad_blank(struct mustache_lexer *l, struct mustache_tag *tag) {
    enum mustache_kind kind = tag->kind;
    bool begins = kind == MUSTACHE_SECTION || kind == MUSTACHE_INVERTED || kind == MUSTACHE_BLOCK ||
                  kind == MUSTACHE_PARENT;
    bool helper = kind == MUSTACHE_VALUE || kind == MUSTACHE_SECTION;
    bad(l, tag, tag->name, "there are no blanks in a name",
        helper ? "Mustache has no helpers with arguments; values are prepared in the data" : NULL);
    if (begins)
        tag->kind = kind;
    while (has_blank(tag->name))
        tag->name.n--;
    return true;
}

// Names of fields are parts between points; "." alone is the innermost section.
static bool has_empty_part(struct str name) {
    bool begins = true;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '.' && begins)
            return true;
        begins = name.p[i] == '.';
    }
    return begins;
}

static bool names_field(const struct mustache_tag *tag) {
    switch (tag->kind) {
    case MUSTACHE_VALUE:
    case MUSTACHE_RAW:
    case MUSTACHE_SECTION:
    case MUSTACHE_INVERTED:
        return true;
    default:
        return tag->dynamic;
    }
}

static bool check_name(struct mustache_lexer *l, struct mustache_tag *tag) {
    struct str name = tag->name;
    if (!name.n)
        return bad(l, tag, name, "this tag has no name", NULL);
    if (has_blank(name))
        return bad_blank(l, tag);
    if (names_field(tag) && !str_is(name, ".") && has_empty_part(name))
        return bad(l, tag, name, "a part of this name is empty", "parts are separated by single points");
    return true;
}

bool mustache_lex_tag(struct mustache_lexer *l, struct mustache_tag *tag) {
    struct str text = l->source->text;
    size_t begin = find(l, l->open, l->at), from = begin + l->open.n, closing;
    if (begin >= text.n)
        return false;
    while (from < text.n && is_blank(text.p[from]))
        from++;
    if (from >= text.n)
        return unclosed(l, tag, begin, text.n);
    char sigil = text.p[from];
    *tag = (struct mustache_tag){.kind = kind_of(sigil)};
    size_t content = from + (tag->kind != MUSTACHE_VALUE);
    size_t end = content_end(l, content, sigil, &closing);
    size_t next = find(l, l->open, content);
    bool takes_any = tag->kind == MUSTACHE_COMMENT || tag->kind == MUSTACHE_SET;
    if (end >= text.n || (!takes_any && next < end && next + l->open.n <= end))
        return unclosed(l, tag, begin, from);
    l->at = end + closing;
    tag->span = (struct span){(uint32_t)begin, (uint32_t)(l->at - begin)};
    tag->name = trim(str_slice(text, content, end));
    if (tag->kind == MUSTACHE_SET)
        return set_delimiters(l, tag->name) ||
               bad(l, tag, tag->name, "these are no delimiters",
                   "two of them, separated by a blank, without '=': {{=<% %>=}}");
    if (tag->kind == MUSTACHE_COMMENT)
        return true;
    if ((tag->kind == MUSTACHE_PARTIAL || tag->kind == MUSTACHE_PARENT || tag->kind == MUSTACHE_CLOSE) &&
        str_starts(tag->name, STR("*"))) {
        tag->dynamic = true;
        tag->name = trim(str_from(tag->name, 1));
    }
    return check_name(l, tag);
}
