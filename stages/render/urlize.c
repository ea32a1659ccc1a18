// SPDX-License-Identifier: MIT
#include "base/utf8.h"
#include "stages/render/arguments.h"
#include "stages/render/filters.h"
#include "stages/render/letters.h"
#include "stages/render/strings.h"

// The filter urlize: addresses in a text become links. It works on the escaped text, word by word; brackets and
// punctuation around an address stay outside of the link.

struct links {
    struct call *call;
    struct text out;
    int64_t limit;         // characters shown of an address; -1: all
    struct str attributes; // ` rel="..." target="..."`
    const struct value *schemes;
    uint32_t schemes_n;
};

// ---- what is an address

static bool is_word_point(uint32_t c) {
    return letters_is(c, LETTERS_WORD);
}

static bool is_ascii_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool starts_folded(struct str s, const char *prefix) {
    size_t n = strlen(prefix);
    if (s.n < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((is_ascii_letter(s.p[i]) ? s.p[i] | 0x20 : s.p[i]) != prefix[i])
            return false;
    return true;
}

// Nothing, a port, and a path that has no white space.
static bool is_address_end(struct str s) {
    if (s.n && s.p[0] == ':') {
        size_t digits = 1;
        while (digits < s.n && digits <= 5 && s.p[digits] >= '0' && s.p[digits] <= '9')
            digits++;
        if (digits == 1)
            return false;
        s = str_from(s, digits);
    }
    return s.n == 0 || s.p[0] == '/' || s.p[0] == '?' || s.p[0] == '#';
}

// Bytes of a label of a host name: letters, digits, underscore, '%', '-'.
static size_t label_size(struct str s, size_t *points) {
    size_t at = 0, size;
    *points = 0;
    while (at < s.n) {
        uint32_t c = utf8_decode(s.p + at, &size);
        if (c != '%' && c != '-' && !is_word_point(c))
            break;
        at += size;
        ++*points;
    }
    return at;
}

static size_t letters_size(struct str s) {
    size_t n = 0;
    while (n < s.n && is_ascii_letter(s.p[n]))
        n++;
    return n;
}

// A top-level domain, of any length up to 63 letters, or an encoded international one, then the address's end.
static bool is_top_level(struct str s) {
    size_t n = letters_size(s);
    if (n > 63)
        n = 63;
    for (size_t i = n; i >= 2; i--)
        if (is_address_end(str_from(s, i)))
            return true;
    if (!starts_folded(s, "xn--"))
        return false;
    size_t at = 4, size, points = 0;
    for (; at < s.n && points < 59; at += size, points++) {
        uint32_t c = utf8_decode(s.p + at, &size);
        if (c != '%' && !is_word_point(c))
            break;
    }
    return points >= 2 && is_address_end(str_from(s, at));
}

static bool is_number_address(struct str s) { // 192.0.2.1
    for (int part = 0; part < 4; part++) {
        size_t n = 0;
        if (part && !(s.n && s.p[0] == '.'))
            return false;
        s = str_from(s, part > 0);
        while (n < s.n && n < 3 && s.p[n] >= '0' && s.p[n] <= '9')
            n++;
        if (n == 0)
            return false;
        s = str_from(s, n);
    }
    return is_address_end(s);
}

static bool is_bracket_address(struct str s) { // [2001:db8::1]
    const char *close = s.n && s.p[0] == '[' ? memchr(s.p, ']', s.n) : NULL;
    if (!close)
        return false;
    size_t colons = 0, end = (size_t)(close - s.p);
    for (size_t i = 1; i < end; i++) {
        bool hex = (s.p[i] >= '0' && s.p[i] <= '9') || ((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'f');
        if (s.p[i] != ':' && !hex)
            return false;
        colons += s.p[i] == ':';
    }
    return colons >= 2 && colons <= 8 && is_address_end(str_from(s, end + 1));
}

// Labels with dots after them, then a top-level domain.
static bool is_host(struct str s) {
    for (;;) {
        if (is_top_level(s))
            return true;
        size_t points, n = label_size(s, &points);
        if (n == 0 || n >= s.n || s.p[n] != '.')
            return false;
        s = str_from(s, n + 1);
    }
}

static bool is_common_domain(struct str s) { // example.org
    static const char *const domains[] = {"com", "net", "int", "edu", "gov", "org", "info", "mil"};
    for (bool some = false;; some = true) {
        for (size_t i = 0; some && i < sizeof domains / sizeof *domains; i++)
            if (starts_folded(s, domains[i]) && is_address_end(str_from(s, strlen(domains[i]))))
                return true;
        size_t points, n = label_size(s, &points);
        if (points < 2 || points > 63 || n >= s.n || s.p[n] != '.')
            return false;
        s = str_from(s, n + 1);
    }
}

static bool is_address(struct str s) {
    size_t scheme = starts_folded(s, "https://") ? 8 : starts_folded(s, "http://") ? 7 : 0;
    struct str rest = str_from(s, scheme);
    if (scheme && (is_host(rest) || is_number_address(rest) || is_bracket_address(rest)))
        return true;
    return (starts_folded(s, "www.") && is_host(str_from(s, 4))) || is_common_domain(s);
}

// something@word.word, with a word of letters at the end
static bool is_mail(struct str s) {
    for (size_t at = 1; at < s.n; at++) {
        if (s.p[at] != '@')
            continue;
        struct str host = str_from(s, at + 1);
        size_t i = 0, size, last_dot = 0;
        bool fine = host.n != 0;
        for (; i < host.n && fine; i += size) {
            uint32_t c = utf8_decode(host.p + i, &size);
            fine = is_word_point(c) || (i && (c == '.' || c == '-'));
            if (c == '.')
                last_dot = i;
        }
        bool tail = last_dot && last_dot + 1 < host.n && !memchr(host.p + last_dot, '-', host.n - last_dot);
        if (fine && tail)
            return true;
    }
    return false;
}

// ---- a word and its surroundings

static const struct bracket {
    const char *open, *close;
} brackets[] = {{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}};

static size_t opening_size(struct str s) {
    size_t n = 0;
    for (;;) {
        struct str rest = str_from(s, n);
        if (rest.n && (rest.p[0] == '(' || rest.p[0] == '<'))
            n++;
        else if (str_starts(rest, STR("&lt;")))
            n += 4;
        else
            return n;
    }
}

static size_t closing_size(struct str s) {
    size_t n = 0;
    for (;;) {
        struct str rest = {s.p, s.n - n};
        if (rest.n && strchr(")>.,\n", rest.p[rest.n - 1]) && rest.p[rest.n - 1])
            n++;
        else if (str_ends(rest, STR("&gt;")))
            n += 4;
        else
            return n;
    }
}

static size_t count_of(struct str s, const char *part) {
    struct str p = str_of(part);
    size_t n = 0;
    for (const char *at; (at = memmem(s.p, s.n, p.p, p.n)); n++)
        s = str_from(s, (size_t)(at - s.p) + p.n);
    return n;
}

// Closing brackets whose opening ones are within the address belong to it.
static void balance(struct str *middle, struct str *tail) {
    for (size_t b = 0; b < sizeof brackets / sizeof *brackets; b++) {
        struct str close = str_of(brackets[b].close);
        size_t open = count_of(*middle, brackets[b].open), have = count_of(*tail, brackets[b].close);
        if (open <= count_of(*middle, brackets[b].close))
            continue;
        for (size_t i = 0; i < (open < have ? open : have); i++) {
            const char *at = memmem(tail->p, tail->n, close.p, close.n);
            if (!at)
                break;
            size_t moved = (size_t)(at - tail->p) + close.n;
            middle->n += moved; // they are neighbours
            *tail = str_from(*tail, moved);
        }
    }
}

static void put_link(struct links *l, const char *prefix, struct str address, struct str shown, bool cut,
                     struct str attributes) {
    struct text *t = &l->out;
    text_add(t, "<a href=\"", 9);
    text_add_str(t, str_of(prefix));
    text_add_str(t, address);
    text_add_char(t, '"');
    text_add_str(t, attributes);
    text_add_char(t, '>');
    if (cut && l->limit >= 0 && (int64_t)utf8_length(shown) > l->limit) {
        text_add(t, shown.p, utf8_offset(shown, (size_t)l->limit));
        text_add(t, "...", 3);
    } else {
        text_add_str(t, shown);
    }
    text_add(t, "</a>", 4);
}

static bool put_scheme(struct links *l, struct str middle) {
    for (uint32_t i = 0; i < l->schemes_n; i++) {
        struct str scheme = value_str(l->schemes[i]);
        if (middle.n > scheme.n && str_starts(middle, scheme)) {
            put_link(l, "", middle, middle, false, l->attributes);
            return true;
        }
    }
    return false;
}

static void put_middle(struct links *l, struct str s) {
    struct str none = STR("");
    if (is_address(s))
        put_link(l, str_starts(s, STR("https://")) || str_starts(s, STR("http://")) ? "" : "https://", s, s,
                 true, l->attributes);
    else if (str_starts(s, STR("mailto:")) && is_mail(str_from(s, 7)))
        put_link(l, "", s, str_from(s, 7), false, none);
    else if (!str_starts(s, STR("www.")) && !memchr(s.p, ':', s.n) && is_mail(s))
        put_link(l, "mailto:", s, s, false, none);
    else if (!put_scheme(l, s))
        text_add_str(&l->out, s);
}

static void put_word(struct links *l, struct str word) {
    size_t head = opening_size(word);
    struct str middle = str_from(word, head);
    size_t tail_n = closing_size(middle);
    struct str tail = str_from(middle, middle.n - tail_n);
    middle.n -= tail_n;
    balance(&middle, &tail);
    text_add(&l->out, word.p, head);
    if (middle.n)
        put_middle(l, middle);
    text_add_str(&l->out, tail);
}

static void put_words(struct links *l, struct str s) {
    for (size_t at = 0; at < s.n;) {
        size_t size = 0, end = at;
        bool blank = letters_is(utf8_decode(s.p + at, &size), LETTERS_SPACE);
        while (end < s.n && letters_is(utf8_decode(s.p + end, &size), LETTERS_SPACE) == blank)
            end += size;
        if (blank)
            text_add(&l->out, s.p + at, end - at);
        else
            put_word(l, str_slice(s, at, end));
        at = end;
    }
}

// ---- arguments

static bool add_words(struct call *call, struct value v, struct list *words) {
    struct str s;
    struct value parts;
    if (v.tag == VALUE_NONE || v.tag == VALUE_MISSING)
        return true;
    if (!print_to_str(call, v, &s) ||
        !strings_split(call, s, (struct str){NULL, 0}, -1, false, false, &parts))
        return false;
    for (uint32_t i = 0; i < parts.list->n; i++) { // sorted, each once
        uint32_t at = 0;
        struct str word = value_str(parts.list->items[i]);
        while (at < words->n && str_compare(value_str(words->items[at]), word) < 0)
            at++;
        if (at < words->n && str_equal(value_str(words->items[at]), word))
            continue;
        if (!list_append(words, value_none()))
            return call_no_memory(call);
        memmove(words->items + at + 1, words->items + at, (words->n - 1 - at) * sizeof *words->items);
        words->items[at] = value_string(word);
    }
    return true;
}

static bool link_attributes(struct call *call, struct str *out) {
    struct list *words = list_new_mutable(call->arena);
    struct text t;
    struct str target;
    bool nofollow;
    if (!words)
        return call_no_memory(call);
    if (!arg_truth(call, 2, &nofollow) || !add_words(call, value_string(STR("noopener")), words) ||
        (nofollow && !add_words(call, value_string(STR("nofollow")), words)) ||
        (arg_set(call, 4) && !add_words(call, call->args[4], words)))
        return false;
    text_init(&t, call->arena, 0);
    text_add_str(&t, STR(" rel=\""));
    for (uint32_t i = 0; i < words->n; i++) {
        if (i)
            text_add_char(&t, ' ');
        text_add_escaped(&t, value_str(words->items[i]));
    }
    text_add_char(&t, '"');
    if (arg_set(call, 3) && op_truth(call->args[3])) {
        if (!escaped_text(call, call->args[3], &target))
            return false;
        text_add_str(&t, STR(" target=\""));
        text_add_str(&t, target);
        text_add_char(&t, '"');
    }
    return text_finish_str(&t, call, out);
}

// Two or more characters of a name, a colon, up to two slashes.
static bool is_scheme(struct str s) {
    size_t slashes = 0, at = 0, size, points = 0;
    while (s.n && s.p[s.n - 1] == '/' && slashes < 2) {
        s.n--;
        slashes++;
    }
    if (s.n == 0 || s.p[--s.n] != ':')
        return false;
    for (; at < s.n; at += size, points++) {
        uint32_t c = utf8_decode(s.p + at, &size);
        if (!is_word_point(c) && c != '.' && c != '+' && c != '-')
            return false;
    }
    return points >= 2;
}

static bool link_schemes(struct call *call, struct links *l) {
    if (!arg_set(call, 5))
        return true;
    if (!op_items(call, call->args[5], &l->schemes, &l->schemes_n))
        return false;
    for (uint32_t i = 0; i < l->schemes_n; i++) {
        struct value v = l->schemes[i];
        if (v.tag != VALUE_STRING || !is_scheme(value_str(v)))
            return call_fail(call, "a value of extra_schemes is not a valid URI scheme prefix");
    }
    return true;
}

bool filter_urlize(struct call *call) {
    struct links l = {.call = call, .limit = -1};
    struct str s;
    if ((arg_set(call, 1) && !op_integer(call, call->args[1], &l.limit)) || !link_schemes(call, &l) ||
        !link_attributes(call, &l.attributes) || !escaped_text(call, call->args[0], &s))
        return false;
    text_init(&l.out, call->arena, s.n + 64);
    put_words(&l, s);
    return text_finish(&l.out, call, call->autoescape);
}
