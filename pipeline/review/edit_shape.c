// SPDX-License-Identifier: MIT
#include "pipeline/review/edit_shape.h"

#include <string.h>

// Tokens ---------------------------------------------------------------------------------------------------------

enum token_kind { TOKEN_WORD, TOKEN_NUMBER, TOKEN_BLANK, TOKEN_MARK };

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || (c & 0x80);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// 1,234.5 is one number; 2026-11-21 are three, with marks between them.
static size_t number_length(struct str text) {
    size_t n = 1;
    while (n < text.n && (is_word(text.p[n]) || ((text.p[n] == '.' || text.p[n] == ',') && n + 1 < text.n &&
                                                 is_digit(text.p[n + 1]))))
        n++;
    return n;
}

static struct str take_token(struct str *text, enum token_kind *kind) {
    size_t n = 1;
    char c = text->p[0];
    if (is_digit(c)) {
        *kind = TOKEN_NUMBER;
        n = number_length(*text);
    } else if (is_word(c)) {
        *kind = TOKEN_WORD;
        while (n < text->n && is_word(text->p[n]))
            n++;
    } else if (is_blank(c)) {
        *kind = TOKEN_BLANK;
        while (n < text->n && is_blank(text->p[n]))
            n++;
    } else {
        *kind = TOKEN_MARK;
    }
    struct str token = {text->p, n};
    *text = str_from(*text, n);
    return token;
}

// Words of the other side ----------------------------------------------------------------------------------------

static uint64_t *find_word(struct edit_room *room, uint64_t hash) {
    size_t at = hash % EDIT_SHAPE_WORDS;
    for (size_t i = 0; i < EDIT_SHAPE_WORDS / 2; i++) { // at most half full, so that a place is found soon
        uint64_t *place = &room->words[(at + i) % EDIT_SHAPE_WORDS];
        if (*place == hash || *place == 0)
            return place;
    }
    return NULL;
}

static uint64_t hash_word(struct str word) {
    return digest_of(word).low | 1;
}

// Of a long text the first ones.
static void know_words(struct edit_room *room, struct str text) {
    enum token_kind kind;
    memset(room->words, 0, sizeof room->words);
    for (size_t n = 0; text.n > 0 && n < EDIT_SHAPE_WORDS / 2;) {
        struct str token = take_token(&text, &kind);
        if (kind != TOKEN_WORD)
            continue;
        uint64_t *place = find_word(room, hash_word(token));
        n += place && *place == 0;
        if (place)
            *place = hash_word(token);
    }
}

static bool is_known(struct edit_room *room, struct str word) {
    const uint64_t *place = find_word(room, hash_word(word));
    return place && *place;
}

// Abstract text --------------------------------------------------------------------------------------------------

enum level { LEVEL_ALIKE, LEVEL_FORM };

// What stands for a token; 0: itself.
static char placeholder(struct edit_room *room, enum level level, enum token_kind kind, struct str token) {
    if (kind == TOKEN_NUMBER)
        return level == LEVEL_FORM ? '~' : '#';
    if (kind == TOKEN_WORD && (level == LEVEL_FORM || is_known(room, token)))
        return '~';
    return 0;
}

// Placeholders that only blanks part are one. They are written after a NUL, which no line diff is made of.
static void add_abstract(struct edit_room *room, enum level level, struct str text) {
    enum token_kind kind;
    struct buf *out = &room->text;
    while (text.n > 0) {
        struct str token = take_token(&text, &kind);
        char c = placeholder(room, level, kind, token);
        bool merged = c && ((out->n >= 2 && out->p[out->n - 1] == c && out->p[out->n - 2] == 0) ||
                            (out->n >= 3 && out->p[out->n - 1] == ' ' && out->p[out->n - 2] == c &&
                             out->p[out->n - 3] == 0));
        if (merged) {
            out->n -= out->p[out->n - 1] == ' ';
        } else if (c) {
            buf_add(out, (const char[]){0, c}, 2);
        } else if (kind == TOKEN_BLANK) {
            buf_add_char(out, ' ');
        } else {
            buf_add_str(out, token);
        }
    }
}

static struct digest abstract(struct edit_room *room, enum level level, struct str old, struct str fresh) {
    buf_clear(&room->text);
    know_words(room, fresh);
    add_abstract(room, level, old);
    buf_add(&room->text, "\0\n", 2);
    know_words(room, old);
    add_abstract(room, level, fresh);
    return digest_of(buf_str(&room->text));
}

// Units of an edit -----------------------------------------------------------------------------------------------

// Digests of what the edit is made of, in order; one that was there before is left out.
struct sequence {
    struct digest seen[EDIT_SHAPE_SEEN];
    size_t n;
    struct digest sum;
};

static void add_unit(struct sequence *s, struct digest unit) {
    size_t known = s->n < EDIT_SHAPE_SEEN ? s->n : EDIT_SHAPE_SEEN;
    for (size_t i = 0; i < known; i++)
        if (digest_equal(s->seen[i], unit))
            return;
    s->seen[s->n++ % EDIT_SHAPE_SEEN] = unit;
    struct digest pair[2] = {s->sum, unit};
    s->sum = digest_of((struct str){(const char *)pair, sizeof pair});
}

// The part of two lines that is not the same at their beginning or end, in whole tokens.
static void trim_same(struct str *old, struct str *fresh) {
    enum token_kind kind;
    struct str a = *old, b = *fresh;
    while (a.n > 0 && b.n > 0) {
        struct str rest_a = a, rest_b = b;
        if (!str_equal(take_token(&rest_a, &kind), take_token(&rest_b, &kind)))
            break;
        a = rest_a;
        b = rest_b;
    }
    size_t n = 0, shorter = a.n < b.n ? a.n : b.n;
    while (n < shorter && a.p[a.n - 1 - n] == b.p[b.n - 1 - n])
        n++;
    while (n > 0 && ((n < a.n && is_word(a.p[a.n - n]) && is_word(a.p[a.n - n - 1])) ||
                     (n < b.n && is_word(b.p[b.n - n]) && is_word(b.p[b.n - n - 1]))))
        n--; // not in the middle of a word
    *old = str_slice(a, 0, a.n - n);
    *fresh = str_slice(b, 0, b.n - n);
}

static struct str lines_text(const struct line_side *side, size_t at, size_t n) {
    if (n == 0)
        return STR("");
    const char *end = side->lines[at + n - 1].p + side->lines[at + n - 1].n;
    return (struct str){side->lines[at].p, (size_t)(end - side->lines[at].p)};
}

static void add_units(struct edit_room *room, struct sequence levels[2], struct str old, struct str fresh) {
    add_unit(&levels[LEVEL_ALIKE], abstract(room, LEVEL_ALIKE, old, fresh));
    add_unit(&levels[LEVEL_FORM], abstract(room, LEVEL_FORM, old, fresh));
}

// As many lines come as go: each is the other one's successor. Else lines stand for themselves.
static void add_block(const struct line_diff *d, const struct line_block *b, struct edit_room *room,
                      struct sequence levels[2]) {
    for (size_t i = 0; i < b->old_n && b->old_n == b->new_n; i++) {
        struct str old = d->old.lines[b->old_at + i], fresh = d->fresh.lines[b->new_at + i];
        trim_same(&old, &fresh);
        add_units(room, levels, old, fresh);
    }
    if (b->old_n == b->new_n)
        return;
    for (size_t i = 0; i < b->old_n; i++)
        add_units(room, levels, d->old.lines[b->old_at + i], STR(""));
    for (size_t i = 0; i < b->new_n; i++)
        add_units(room, levels, STR(""), d->fresh.lines[b->new_at + i]);
}

void edit_shape_of(const struct line_diff *d, struct edit_room *room, struct edit_shape *shape) {
    struct sequence levels[2] = {{.n = 0}, {.n = 0}};
    struct digest exact = {0, 0};
    for (size_t i = 0; i < d->n; i++) {
        const struct line_block *b = &d->blocks[i];
        struct digest parts[3] = {exact, digest_of(lines_text(&d->old, b->old_at, b->old_n)),
                                  digest_of(lines_text(&d->fresh, b->new_at, b->new_n))};
        exact = digest_of((struct str){(const char *)parts, sizeof parts});
        add_block(d, b, room, levels);
    }
    *shape = (struct edit_shape){.exact = exact,
                                 .alike = levels[LEVEL_ALIKE].sum,
                                 .form = levels[LEVEL_FORM].sum,
                                 .removed = d->removed,
                                 .added = d->added};
}

void edit_room_release(struct edit_room *room) {
    buf_release(&room->text);
}
