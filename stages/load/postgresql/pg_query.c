// SPDX-License-Identifier: MIT
#include "stages/load/postgresql/pg_query.h"

#include "base/mem.h"

static bool is_letter(char c) { // of a name, PostgreSQL's way
    return (c | 0x20) >= 'a' ? (c | 0x20) <= 'z' : c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word(char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80 || c == '_';
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// Each of these takes where something begins, and returns what is behind it.

static size_t pass_quoted(struct str text, size_t at, bool backslashes) {
    char quote = text.p[at++];
    for (; at < text.n; at++) {
        if (backslashes && text.p[at] == '\\')
            at++;
        else if (text.p[at] == quote && at + 1 < text.n && text.p[at + 1] == quote)
            at++;
        else if (text.p[at] == quote)
            return at + 1;
    }
    return text.n;
}

static size_t pass_line(struct str text, size_t at) {
    while (at < text.n && text.p[at] != '\n' && text.p[at] != '\r')
        at++;
    return at;
}

static size_t pass_comment(struct str text, size_t at) { // they nest
    for (int depth = 0; at + 1 < text.n; at++) {
        bool opens = text.p[at] == '/' && text.p[at + 1] == '*';
        bool closes = text.p[at] == '*' && text.p[at + 1] == '/';
        depth += opens - closes;
        at += opens || closes;
        if (closes && depth == 0)
            return at + 1;
    }
    return text.n;
}

// $$ ... $$ or $tag$ ... $tag$; a dollar that begins neither is passed alone.
static size_t pass_dollar(struct str text, size_t at) {
    size_t tag = at + 1;
    while (tag < text.n && (is_letter(text.p[tag]) || (tag > at + 1 && is_word(text.p[tag]))))
        tag++;
    if (tag >= text.n || text.p[tag] != '$')
        return at + 1;
    const struct str mark = str_slice(text, at, tag + 1);
    for (size_t i = tag + 1; i < text.n; i++)
        if (str_starts(str_from(text, i), mark))
            return i + mark.n;
    return text.n;
}

static size_t pass_word(struct str text, size_t at) {
    size_t end = at;
    while (end < text.n && (is_word(text.p[end]) || (end > at && text.p[end] == '$')))
        end++;
    if (end == at + 1 && (text.p[at] | 0x20) == 'e' && end < text.n && text.p[end] == '\'')
        return pass_quoted(text, end, true);
    return end;
}

static bool begins_parameter(struct str text, size_t at) {
    char before = at > 0 ? text.p[at - 1] : ' ';
    return text.p[at] == ':' && at + 1 < text.n && is_letter(text.p[at + 1]) && !is_word(before) &&
           !strchr(":)]\"'", before);
}

static bool begins_comment(struct str text, size_t at, char first, char second) {
    return text.p[at] == first && at + 1 < text.n && text.p[at + 1] == second;
}

// What begins at `at`, up to where the next thing does; *matters where it is neither space nor comment nor semicolon.
static size_t pass(struct str text, size_t at, bool *matters) {
    char c = text.p[at];
    *matters = false;
    if (begins_comment(text, at, '-', '-'))
        return pass_line(text, at);
    if (begins_comment(text, at, '/', '*')) {
        size_t end = pass_comment(text, at);
        *matters = !str_ends(str_slice(text, 0, end), STR("*/")); // which the server is to say
        return end;
    }
    *matters = !is_space(c) && c != ';';
    if (c == '\'' || c == '"')
        return pass_quoted(text, at, false);
    if (c == '$')
        return pass_dollar(text, at);
    return is_word(c) ? pass_word(text, at) : at + 1;
}

static void add_piece(struct pg_query *query, struct str written, size_t from, size_t to) {
    if (to <= from)
        return;
    MEM_GROW(query->pieces, query->pieces_cap, query->pieces_n + 1);
    query->pieces[query->pieces_n++] = (struct pg_query_piece){query->text.n, from};
    buf_add(&query->text, written.p + from, to - from);
}

enum status pg_query_write(struct pg_query *query, struct str written, const struct pg_parameters *parameters,
                           struct str *missing) {
    size_t from = 0, end = 0, at = 0;
    while (at < written.n) {
        bool matters;
        if (!parameters || !begins_parameter(written, at)) {
            at = pass(written, at, &matters);
            end = matters ? at : end;
            continue;
        }
        add_piece(query, written, from, at);
        from = pass_word(written, at + 1);
        const struct str name = str_slice(written, at + 1, from);
        if (!parameters->write(parameters->self, name, &query->text)) {
            *missing = name;
            return STATUS_DATA;
        }
        at = end = from;
    }
    add_piece(query, written, from, end);
    return STATUS_OK;
}

size_t pg_query_place(const struct pg_query *query, size_t at) {
    size_t i = query->pieces_n;
    while (i > 1 && query->pieces[i - 1].at > at)
        i--;
    if (i == 0)
        return at;
    const struct pg_query_piece *piece = &query->pieces[i - 1];
    return at >= piece->at ? piece->from + (at - piece->at) : piece->from;
}

void pg_query_release(struct pg_query *query) {
    buf_release(&query->text);
    mem_free(query->pieces);
    *query = (struct pg_query){0};
}

void pg_query_add_literal(struct buf *out, struct str text) {
    bool backslash = text.n && memchr(text.p, '\\', text.n);
    buf_add_text(out, backslash ? " E'" : "'");
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\'' || text.p[i] == '\\')
            buf_add_char(out, text.p[i]);
        buf_add_char(out, text.p[i]);
    }
    buf_add_char(out, '\'');
}

void pg_query_add_name(struct buf *out, struct str name) {
    buf_add_char(out, '"');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, name.p[i]);
    }
    buf_add_char(out, '"');
}

void pg_query_add_element(struct buf *out, struct str text) {
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, text.p[i]);
    }
    buf_add_char(out, '"');
}
