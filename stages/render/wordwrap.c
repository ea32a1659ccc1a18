// SPDX-License-Identifier: MIT
#include "base/utf8.h"
#include "stages/render/arguments.h"
#include "stages/render/filters.h"
#include "stages/render/letters.h"
#include "stages/render/strings.h"

// The filter wordwrap, which breaks lines where Python's textwrap does: after white space, after the hyphen of a
// hyphenated word, around dashes between words.

struct wrap {
    const uint32_t *points; // of one line
    size_t n;
    int64_t width;
    bool break_long, break_hyphens;
    struct str newline;
    struct text *out;
    size_t lines;   // written so far of this line
    size_t pending; // where a word that was cut ends
};

struct chunk {
    size_t at, end;
};

static bool is_blank(uint32_t c) {
    return (c >= 9 && c <= 13) || c == ' ';
}

static bool is_letter_at(const struct wrap *w, size_t i) { // \w that is no digit
    if (i >= w->n)
        return false;
    uint32_t c = w->points[i];
    return c == '_' || (letters_is(c, LETTERS_WORD) && !letters_is(c, LETTERS_DECIMAL));
}

static bool is_word_punctuation(uint32_t c) {
    return (c < 0x80 && c && strchr("!\"'&.,?", (int)c)) || letters_is(c, LETTERS_WORD);
}

// Two or more hyphens at i, a word right after them and before them: their end, or 0.
static size_t dash_end(const struct wrap *w, size_t i) {
    size_t end = i;
    while (end < w->n && w->points[end] == '-')
        end++;
    bool between = i > 0 && is_word_punctuation(w->points[i - 1]) && end < w->n &&
                   letters_is(w->points[end], LETTERS_WORD);
    return end - i >= 2 && between ? end : 0;
}

// A hyphen at i that a line may end with: two letters, or letter-hyphen-letter, before it and two after.
static bool is_hyphen_break(const struct wrap *w, size_t i) {
    if (w->points[i] != '-' || i < 2)
        return false;
    bool before = is_letter_at(w, i - 1) &&
                  (is_letter_at(w, i - 2) || (i >= 3 && w->points[i - 2] == '-' && is_letter_at(w, i - 3)));
    bool joined = i + 2 < w->n && w->points[i + 2] == '-';
    return before && is_letter_at(w, i + 1) && is_letter_at(w, i + 2 + joined);
}

static size_t chunk_end(const struct wrap *w, size_t at) {
    size_t end = at;
    if (is_blank(w->points[at])) {
        while (end < w->n && is_blank(w->points[end]))
            end++;
        return end;
    }
    if (w->break_hyphens && w->points[at] == '-' && (end = dash_end(w, at)))
        return end;
    for (end = at + 1; end < w->n && !is_blank(w->points[end]); end++) {
        if (w->break_hyphens && is_hyphen_break(w, end))
            return end + 1;
        if (w->break_hyphens && w->points[end] == '-' && dash_end(w, end))
            return end;
    }
    return end;
}

// How much of a word that fits on no line goes on this one.
static size_t cut_long(const struct wrap *w, struct chunk word, int64_t used) {
    int64_t left = w->width - used;
    size_t cut = left < 1 ? 0 : (size_t)left;
    if (!w->break_hyphens || word.end - word.at <= cut)
        return word.at + cut;
    for (size_t i = word.at + cut; i-- > word.at + 1;) {
        if (w->points[i] != '-')
            continue;
        for (size_t k = word.at; k < i; k++)
            if (w->points[k] != '-')
                return i + 1;
        break;
    }
    return word.at + cut;
}

static void write_line(struct wrap *w, size_t from, size_t to) {
    if (from == to)
        return;
    if (w->lines++)
        text_add_str(w->out, w->newline);
    for (size_t i = from; i < to; i++)
        text_add_point(w->out, w->points[i]);
}

static void wrap_points(struct wrap *w) {
    w->lines = w->pending = 0;
    size_t at = 0;
    while (at < w->n) {
        if (w->lines && is_blank(w->points[at]))
            at = chunk_end(w, at);
        size_t begin = at, last = at; // the line, and where its last chunk begins
        while (at < w->n) {
            size_t end = at < w->pending ? w->pending : chunk_end(w, at);
            if ((int64_t)(end - begin) > w->width)
                break;
            last = at;
            at = end;
        }
        if (at < w->n) {
            struct chunk word = {at, at < w->pending ? w->pending : chunk_end(w, at)};
            bool longer = (int64_t)(word.end - word.at) > w->width;
            if (longer && (w->break_long || at == begin)) {
                last = at;
                at = w->break_long ? cut_long(w, word, (int64_t)(at - begin)) : word.end;
                w->pending = word.end;
            }
        }
        size_t to = at;
        if (to > last && is_blank(w->points[last])) // white space at the end of a line goes
            to = last;
        write_line(w, begin, to);
    }
}

static bool wrap_line(struct call *call, struct wrap *w, struct str line) {
    uint32_t *points = arena_alloc(call->arena, (line.n + 1) * sizeof *points);
    if (!points)
        return call_no_memory(call);
    size_t size;
    w->n = 0;
    for (size_t at = 0; at < line.n; at += size)
        points[w->n++] = utf8_decode(line.p + at, &size);
    w->points = points;
    wrap_points(w);
    return true;
}

static bool wrapstring(struct call *call, struct value v, struct str *out) {
    if (v.tag == VALUE_UNDEFINED)
        return op_undefined(call, v);
    if (v.tag != VALUE_STRING)
        return call_fail(call, "'%s' object has no attribute 'join'", op_type_name(v));
    *out = value_str(v);
    return true;
}

bool filter_wordwrap(struct call *call) {
    struct value v = call->args[0];
    struct text t;
    struct wrap w = {.width = 79, .break_long = true, .break_hyphens = true, .newline = STR("\n"), .out = &t};
    if (v.tag == VALUE_UNDEFINED)
        return op_undefined(call, v);
    if (v.tag != VALUE_STRING)
        return call_fail(call, "'%s' object has no attribute 'splitlines'", op_type_name(v));
    if (!arg_int(call, 1, 79, &w.width) || (arg_given(call, 2) && !arg_truth(call, 2, &w.break_long)) ||
        (arg_set(call, 3) && !wrapstring(call, call->args[3], &w.newline)) ||
        (arg_given(call, 4) && !arg_truth(call, 4, &w.break_hyphens)))
        return false;
    if (w.width <= 0 && v.n)
        return call_fail(call, "invalid width %lld (must be > 0)", (long long)w.width);
    struct str rest = value_str(v), line;
    text_init(&t, call->arena, rest.n + rest.n / 16 + 16);
    for (bool some = false; strings_next_line(&rest, false, &line); some = true) {
        if (some)
            text_add_str(&t, w.newline);
        if (!wrap_line(call, &w, line))
            return false;
    }
    return text_finish(&t, call, false);
}
