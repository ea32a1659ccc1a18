// SPDX-License-Identifier: MIT
#include "stages/render/strings.h"

#include "base/utf8.h"
#include "stages/render/letters.h"
#include "stages/render/ops.h"
#include "stages/render/text.h"

// ---- lines

static size_t line_end(struct str s, size_t at) { // bytes of a line end at `at`; 0: there is none
    uint8_t c = (uint8_t)s.p[at];
    if (c == '\r')
        return at + 1 < s.n && s.p[at + 1] == '\n' ? 2 : 1;
    if ((c >= 10 && c <= 12) || (c >= 0x1c && c <= 0x1e))
        return 1;
    if (c == 0xc2 && at + 1 < s.n && (uint8_t)s.p[at + 1] == 0x85)
        return 2;
    if (c == 0xe2 && at + 2 < s.n && (uint8_t)s.p[at + 1] == 0x80 && ((uint8_t)s.p[at + 2] & 0xfe) == 0xa8)
        return 3;
    return 0;
}

bool strings_next_line(struct str *rest, bool keep, struct str *line) {
    if (rest->n == 0)
        return false;
    size_t at = 0, end = 0;
    while (at < rest->n && (end = line_end(*rest, at)) == 0)
        at++;
    *line = str_slice(*rest, 0, keep ? at + end : at);
    *rest = str_from(*rest, at + end);
    return true;
}

// ---- replacing and stripping

bool strings_replace(struct call *call, struct str text, struct str part, struct str with, int64_t most,
                     struct str *out) {
    const char *at = part.n ? memmem(text.p, text.n, part.p, part.n) : text.p;
    *out = text;
    if (!at || most == 0)
        return true;
    struct text t;
    text_init(&t, call->arena, text.n + with.n);
    if (part.n == 0) { // between all characters
        size_t size;
        text_add_str(&t, with);
        for (size_t i = 0; i < text.n; i += size) {
            utf8_decode(text.p + i, &size);
            text_add(&t, text.p + i, size);
            if (most < 0 || --most > 0)
                text_add_str(&t, with);
            else
                most = 0;
        }
        return text_finish_str(&t, call, out);
    }
    struct str rest = text;
    for (; at && most != 0; most--) {
        text_add(&t, rest.p, (size_t)(at - rest.p));
        text_add_str(&t, with);
        rest = str_from(rest, (size_t)(at - rest.p) + part.n);
        at = memmem(rest.p, rest.n, part.p, part.n);
    }
    text_add_str(&t, rest);
    return text_finish_str(&t, call, out);
}

static size_t last_point(struct str s) { // where the last character begins
    size_t at = s.n - 1;
    while (((uint8_t)s.p[at] & 0xc0) == 0x80)
        at--;
    return at;
}

struct str strings_strip(struct str text, struct str set, bool left, bool right) {
    size_t size;
    while (left && text.n) {
        utf8_decode(text.p, &size);
        if (!memmem(set.p, set.n, text.p, size))
            break;
        text = str_from(text, size);
    }
    while (right && text.n) {
        size_t at = last_point(text);
        if (!memmem(set.p, set.n, text.p + at, text.n - at))
            break;
        text.n = at;
    }
    return text;
}

// ---- splitting

struct parts {
    struct call *call;
    struct list *list;
    bool safe, failed;
};

static void add_part(struct parts *p, struct str part) {
    if (!p->failed && !list_append(p->list, p->safe ? value_safe(part) : value_string(part)))
        p->failed = !call_no_memory(p->call);
}

static struct str trim_side(struct str text, bool right) {
    struct str trimmed = letters_trim(text);
    if (trimmed.n == 0)
        return trimmed;
    return right ? (struct str){text.p, (size_t)(trimmed.p + trimmed.n - text.p)}
                 : str_from(text, (size_t)(trimmed.p - text.p));
}

static size_t word_size(struct str text, bool right) { // of the word at that side
    size_t n = 0;
    while (n < text.n) {
        size_t size, at = right ? last_point((struct str){text.p, text.n - n}) : n;
        if (letters_is(utf8_decode(text.p + at, &size), LETTERS_SPACE))
            break;
        n += size;
    }
    return n;
}

static void split_words(struct parts *p, struct str text, int64_t most, bool right) {
    for (text = trim_side(text, right); text.n; most--) {
        if (most == 0) { // white space on its far side stays
            add_part(p, text);
            return;
        }
        size_t n = word_size(text, right);
        add_part(p, right ? str_from(text, text.n - n) : str_slice(text, 0, n));
        text = right ? str_slice(text, 0, text.n - n) : str_from(text, n);
        text = trim_side(text, right);
    }
}

static const char *find_last(struct str text, struct str part) {
    for (size_t i = text.n + 1; i-- > part.n;)
        if (memcmp(text.p + i - part.n, part.p, part.n) == 0)
            return text.p + i - part.n;
    return NULL;
}

static void split_at(struct parts *p, struct str text, struct str separator, int64_t most, bool right) {
    for (; most != 0; most--) {
        const char *at =
            right ? find_last(text, separator) : memmem(text.p, text.n, separator.p, separator.n);
        if (!at)
            break;
        size_t i = (size_t)(at - text.p);
        add_part(p, right ? str_from(text, i + separator.n) : str_slice(text, 0, i));
        text = right ? str_slice(text, 0, i) : str_from(text, i + separator.n);
    }
    add_part(p, text);
}

bool strings_split(struct call *call, struct str text, struct str separator, int64_t most, bool from_right,
                   bool safe, struct value *out) {
    struct parts p = {.call = call, .list = list_new_mutable(call->arena), .safe = safe};
    if (!p.list)
        return call_no_memory(call);
    if (!separator.p) {
        split_words(&p, text, most, from_right);
    } else if (separator.n == 0) {
        return call_fail(call, "empty separator");
    } else {
        split_at(&p, text, separator, most, from_right);
    }
    for (uint32_t i = 0, k = p.list->n; from_right && i + 1 < k; i++, k--) {
        struct value swapped = p.list->items[i];
        p.list->items[i] = p.list->items[k - 1];
        p.list->items[k - 1] = swapped;
    }
    *out = value_list(p.list);
    return !p.failed;
}

// ---- width

bool strings_center(struct call *call, struct str text, int64_t width, struct str fill, struct str *out) {
    int64_t pad = width - (int64_t)utf8_length(text);
    *out = text;
    if (pad <= 0)
        return true;
    int64_t left = pad / 2 + (pad & width & 1);
    struct text t;
    text_init(&t, call->arena, 0);
    text_fill(&t, fill, (size_t)left);
    text_add_str(&t, text);
    text_fill(&t, fill, (size_t)(pad - left));
    return text_finish_str(&t, call, out);
}

bool strings_next_word(struct str *rest, struct str *word) {
    *rest = trim_side(*rest, false);
    *word = str_slice(*rest, 0, word_size(*rest, false));
    *rest = str_from(*rest, word->n);
    return word->n != 0;
}
