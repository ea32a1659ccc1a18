// SPDX-License-Identifier: MIT
#include "base/suggest.h"

#include "base/buf.h"

enum { LONGEST = 96 }; // longer words are no misspelt keys, and the work grows with the square

static unsigned char folded(char c) {
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

// Three rows of the table of prefix distances are enough: a transposition looks two rows back.
static size_t distance_between(struct str a, struct str b) {
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.n; j++)
        above[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            unsigned char x = folded(a.p[i - 1]), y = folded(b.p[j - 1]);
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == folded(b.p[j - 2]) && y == folded(a.p[i - 2]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b.n];
}

struct suggestion suggest_for(struct str word) {
    return (struct suggestion){.word = word};
}

void suggest_offer(struct suggestion *s, struct str candidate) {
    size_t limit = s->word.n / 3 > 1 ? s->word.n / 3 : 1;
    size_t shorter = least(s->word.n, candidate.n), longer = s->word.n + candidate.n - shorter;
    if (longer > LONGEST || longer - shorter > limit)
        return;
    size_t distance = distance_between(s->word, candidate);
    if (distance > limit || distance >= longer || (s->best.p && distance >= s->distance))
        return;
    s->best = candidate;
    s->distance = distance;
}

static void name_all(const char *(*name)(size_t n), struct buf *out) {
    for (size_t i = 0; name(i); i++)
        buf_printf(out, "%s%s", i == 0 ? "" : name(i + 1) ? ", " : " and ", name(i));
}

enum status suggest_choose(const char *kind, struct str word, const char *(*name)(size_t n), size_t *chosen,
                           struct err *err) {
    struct suggestion suggestion = suggest_for(word);
    for (size_t i = 0; name(i); i++) {
        *chosen = i;
        if (str_is(word, name(i)))
            return STATUS_OK;
        suggest_offer(&suggestion, str_of(name(i)));
    }
    if (suggestion.best.p)
        return err_set(err, STATUS_DATA, "there is no %s \"%.*s\", did you mean \"%.*s\"?", kind,
                       STR_ARG(word), STR_ARG(suggestion.best));
    struct buf all = BUF_INIT;
    name_all(name, &all);
    err_set(err, STATUS_DATA, "there is no %s \"%.*s\"; %s are", kind, STR_ARG(word), buf_text(&all));
    buf_release(&all);
    return err->status;
}
