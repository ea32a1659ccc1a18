// SPDX-License-Identifier: MIT
#include "stages/load/sqlite/sqlite_checks.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "stages/record/sqlite_names.h"

enum { CHOICES_MOST = 1000 };

// Words ----------------------------------------------------------------------------------------------------------------

enum kind { END, NAME, TEXT, OTHER };

struct word {
    enum kind kind;
    struct str raw; // of names and texts what is between the quotes, still doubled
    char quote;     // 0: none
};

static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

// Past a comment, white space, or nothing.
static struct str skip_space(struct str rest) {
    for (;;) {
        size_t n = 0;
        if (rest.n && strchr(" \t\r\n\f", rest.p[0]) && rest.p[0]) {
            n = 1;
        } else if (str_starts(rest, STR("--"))) {
            const char *end = memchr(rest.p, '\n', rest.n);
            n = end ? (size_t)(end - rest.p) : rest.n;
        } else if (str_starts(rest, STR("/*"))) {
            const char *end = memmem(rest.p + 2, rest.n - 2, "*/", 2);
            n = end ? (size_t)(end - rest.p) + 2 : rest.n;
        } else {
            return rest;
        }
        rest = str_from(rest, n);
    }
}

// From behind the quote that begins it to the one that ends it.
static size_t quoted_length(struct str text, char close) {
    size_t n = 0;
    while (n < text.n && (text.p[n] != close || (close != ']' && n + 1 < text.n && text.p[n + 1] == close)))
        n += text.p[n] == close ? 2 : 1;
    return n < text.n ? n : text.n;
}

static struct word next_word(struct str *rest) {
    *rest = skip_space(*rest);
    struct word word = {.kind = rest->n ? OTHER : END};
    if (!rest->n)
        return word;
    const char c = rest->p[0];
    size_t n = 1;
    if (c == '\'' || c == '"' || c == '`' || c == '[') {
        word.kind = c == '\'' ? TEXT : NAME;
        word.quote = c == '[' ? ']' : c;
        const size_t inside = quoted_length(str_from(*rest, 1), word.quote);
        word.raw = str_slice(*rest, 1, 1 + inside);
        n = inside + 2;
    } else {
        while (is_name(c) && n < rest->n && is_name(rest->p[n]))
            n++;
        word.kind = is_name(c) ? NAME : OTHER;
        word.raw = str_slice(*rest, 0, n);
    }
    *rest = str_from(*rest, n);
    return word;
}

static bool is_word(struct word word, const char *text) {
    return word.kind == NAME && !word.quote && sqlite_names_equal(word.raw, str_of(text));
}

static bool is_sign(struct word word, char sign) {
    return word.kind == OTHER && word.raw.p[0] == sign;
}

// What stands between the quotes.
static void add_inside(struct word word, struct buf *out) {
    for (size_t i = 0; i < word.raw.n; i++) {
        buf_add_char(out, word.raw.p[i]);
        i += word.quote && word.quote != ']' && word.raw.p[i] == word.quote;
    }
}

// Conditions -------------------------------------------------------------------------------------------------------------

struct condition {
    struct word column;
    struct word *texts; // owned
    size_t n, cap;
};

// ( column IN ( 'a', 'b' ) )
static bool take_condition(struct str rest, struct condition *c) {
    if (!is_sign(next_word(&rest), '('))
        return false;
    c->column = next_word(&rest);
    if (c->column.kind != NAME || !is_word(next_word(&rest), "in") || !is_sign(next_word(&rest), '('))
        return false;
    for (;;) {
        struct word text = next_word(&rest);
        if (text.kind != TEXT || c->n == CHOICES_MOST)
            return false;
        MEM_GROW(c->texts, c->cap, c->n + 1);
        c->texts[c->n++] = text;
        struct word after = next_word(&rest);
        if (is_sign(after, ')'))
            return is_sign(next_word(&rest), ')');
        if (!is_sign(after, ','))
            return false;
    }
}

static struct schema_column *column_named(struct schema_table *table, struct word word) {
    struct buf name = BUF_INIT;
    struct schema_column *found = NULL;
    add_inside(word, &name);
    for (size_t i = 0; i < table->columns_n && !found; i++)
        if (sqlite_names_equal(table->columns[i].name, buf_str(&name)))
            found = &table->columns[i];
    buf_release(&name);
    return found;
}

static void set_choices(struct schema *schema, struct schema_column *column, const struct condition *c) {
    struct str *choices = ARENA_NEW_ARRAY(&schema->arena, struct str, c->n);
    struct buf text = BUF_INIT;
    if (!choices)
        mem_fail(sizeof *choices * c->n);
    bool fine = true;
    for (size_t i = 0; i < c->n; i++) {
        buf_clear(&text);
        buf_reserve(&text, 1); // an empty text is one, too
        add_inside(c->texts[i], &text);
        fine = fine && utf8_valid(buf_str(&text), NULL);
        choices[i] = schema_text(schema, buf_str(&text));
    }
    buf_release(&text);
    if (!fine)
        return;
    column->choices = choices;
    column->choices_n = (uint32_t)c->n;
}

void sqlite_checks_read(struct schema *schema, struct schema_table *table, struct str sql) {
    struct condition c = {.n = 0};
    for (struct word word; (word = next_word(&sql)).kind != END;) {
        c.n = 0;
        if (!is_word(word, "check") || !take_condition(sql, &c))
            continue;
        struct schema_column *column = column_named(table, c.column);
        if (column && column->choices_n == 0)
            set_choices(schema, column, &c);
    }
    mem_free(c.texts);
}
