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

// ---- markup

struct entity {
    const char *name;
    uint16_t point;
};

static const struct entity entities[] = {
    {"AElig", 0xc6},    {"Aacute", 0xc1},   {"Agrave", 0xc0},   {"Aring", 0xc5},    {"Auml", 0xc4},
    {"Ccedil", 0xc7},   {"Dagger", 0x2021}, {"Eacute", 0xc9},   {"Egrave", 0xc8},   {"Ntilde", 0xd1},
    {"Oslash", 0xd8},   {"Ouml", 0xd6},     {"Prime", 0x2033},  {"Uuml", 0xdc},     {"aacute", 0xe1},
    {"acirc", 0xe2},    {"acute", 0xb4},    {"aelig", 0xe6},    {"agrave", 0xe0},   {"amp", '&'},
    {"apos", '\''},     {"aring", 0xe5},    {"atilde", 0xe3},   {"auml", 0xe4},     {"bdquo", 0x201e},
    {"brvbar", 0xa6},   {"bull", 0x2022},   {"ccedil", 0xe7},   {"cedil", 0xb8},    {"cent", 0xa2},
    {"copy", 0xa9},     {"curren", 0xa4},   {"dagger", 0x2020}, {"darr", 0x2193},   {"deg", 0xb0},
    {"divide", 0xf7},   {"eacute", 0xe9},   {"ecirc", 0xea},    {"egrave", 0xe8},   {"emsp", 0x2003},
    {"ensp", 0x2002},   {"eth", 0xf0},      {"euml", 0xeb},     {"euro", 0x20ac},   {"frac12", 0xbd},
    {"frac14", 0xbc},   {"frac34", 0xbe},   {"ge", 0x2265},     {"gt", '>'},        {"harr", 0x2194},
    {"hellip", 0x2026}, {"iacute", 0xed},   {"icirc", 0xee},    {"iexcl", 0xa1},    {"igrave", 0xec},
    {"infin", 0x221e},  {"iquest", 0xbf},   {"iuml", 0xef},     {"laquo", 0xab},    {"larr", 0x2190},
    {"ldquo", 0x201c},  {"le", 0x2264},     {"lsaquo", 0x2039}, {"lsquo", 0x2018},  {"lt", '<'},
    {"macr", 0xaf},     {"mdash", 0x2014},  {"micro", 0xb5},    {"middot", 0xb7},   {"minus", 0x2212},
    {"nbsp", 0xa0},     {"ndash", 0x2013},  {"ne", 0x2260},     {"not", 0xac},      {"ntilde", 0xf1},
    {"oacute", 0xf3},   {"ocirc", 0xf4},    {"ograve", 0xf2},   {"ordf", 0xaa},     {"ordm", 0xba},
    {"oslash", 0xf8},   {"otilde", 0xf5},   {"ouml", 0xf6},     {"para", 0xb6},     {"permil", 0x2030},
    {"plusmn", 0xb1},   {"pound", 0xa3},    {"prime", 0x2032},  {"quot", '"'},      {"raquo", 0xbb},
    {"rarr", 0x2192},   {"rdquo", 0x201d},  {"reg", 0xae},      {"rsaquo", 0x203a}, {"rsquo", 0x2019},
    {"sbquo", 0x201a},  {"sect", 0xa7},     {"shy", 0xad},      {"sup1", 0xb9},     {"sup2", 0xb2},
    {"sup3", 0xb3},     {"szlig", 0xdf},    {"thinsp", 0x2009}, {"thorn", 0xfe},    {"times", 0xd7},
    {"trade", 0x2122},  {"uacute", 0xfa},   {"uarr", 0x2191},   {"ucirc", 0xfb},    {"ugrave", 0xf9},
    {"uml", 0xa8},      {"uuml", 0xfc},     {"yacute", 0xfd},   {"yen", 0xa5},      {"yuml", 0xff},
};

// "&#39;" or "&#x27;" at `at`: its bytes, 0 where it is none.
static size_t numeric_entity(struct str s, size_t at, uint32_t *point) {
    size_t i = at + 2, base = 10;
    if (i < s.n && (s.p[i] == 'x' || s.p[i] == 'X')) {
        base = 16;
        i++;
    }
    size_t first = i;
    uint32_t n = 0;
    for (; i < s.n; i++) {
        char c = s.p[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 99;
        if (digit >= base)
            break;
        n = n < 0x200000 ? n * (uint32_t)base + digit : n;
    }
    if (i == first)
        return 0;
    bool bad = n == 0 || n > 0x10ffff || (n >= 0xd800 && n < 0xe000);
    *point = bad ? 0xfffd : n;
    return i - at + (i < s.n && s.p[i] == ';');
}

static size_t named_entity(struct str s, size_t at, uint32_t *point) {
    size_t end = at + 1;
    while (end < s.n && end - at < 10 && ((s.p[end] | 0x20) >= 'a' || s.p[end] <= '9') && s.p[end] != ';' &&
           s.p[end] != '&')
        end++;
    if (end >= s.n || s.p[end] != ';')
        return 0;
    struct str name = str_slice(s, at + 1, end);
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        if (str_is(name, entities[i].name)) {
            *point = entities[i].point;
            return end + 1 - at;
        }
    }
    return 0;
}

bool strings_unescape(struct call *call, struct str text, struct str *out) {
    *out = text;
    if (!text.n || !memchr(text.p, '&', text.n))
        return true;
    struct text t;
    text_init(&t, call->arena, text.n);
    for (size_t at = 0; at < text.n;) {
        uint32_t point = 0;
        size_t size = 0;
        if (text.p[at] == '&')
            size = at + 1 < text.n && text.p[at + 1] == '#' ? numeric_entity(text, at, &point)
                                                            : named_entity(text, at, &point);
        if (size)
            text_add_point(&t, point);
        else
            text_add_char(&t, text.p[at++]);
        at += size;
    }
    return text_finish_str(&t, call, out);
}

// Drops what stands between `open` and `close`; an unclosed one stays.
static bool drop_between(struct call *call, struct str text, struct str open, struct str close,
                         struct str *out) {
    struct text t;
    text_init(&t, call->arena, text.n);
    for (;;) {
        const char *from = memmem(text.p, text.n, open.p, open.n);
        size_t begin = from ? (size_t)(from - text.p) : 0;
        struct str rest = str_from(text, begin + open.n);
        const char *to = from ? memmem(rest.p, rest.n, close.p, close.n) : NULL;
        if (!to)
            break;
        text_add(&t, text.p, begin);
        text = str_from(rest, (size_t)(to - rest.p) + close.n);
    }
    text_add_str(&t, text);
    return text_finish_str(&t, call, out);
}

bool strings_strip_tags(struct call *call, struct str text, struct str *out) {
    struct text t;
    if (!drop_between(call, text, STR("<!--"), STR("-->"), &text) ||
        !drop_between(call, text, STR("<"), STR(">"), &text))
        return false;
    text_init(&t, call->arena, text.n);
    for (text = letters_trim(text); text.n; text = trim_side(text, false)) {
        size_t n = word_size(text, false);
        if (t.n)
            text_add_char(&t, ' ');
        text_add(&t, text.p, n);
        text = str_from(text, n);
    }
    struct str joined;
    return text_finish_str(&t, call, &joined) && strings_unescape(call, joined, out);
}
