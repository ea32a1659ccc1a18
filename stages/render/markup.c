// SPDX-License-Identifier: MIT
#include "stages/render/markup.h"

#include "stages/render/strings.h"
#include "stages/render/text.h"

struct entity {
    const char *name;
    uint16_t point;
    bool open; // the semicolon may be missing
};

// clang-format off
static const struct entity entities[] = { // sorted by name
    {"AElig", 0xc6, 1}, {"AMP", 0x26, 1}, {"Aacute", 0xc1, 1}, {"Acirc", 0xc2, 1}, {"Agrave", 0xc0, 1},
    {"Alpha", 0x391, 0}, {"Aring", 0xc5, 1}, {"Atilde", 0xc3, 1}, {"Auml", 0xc4, 1}, {"Beta", 0x392, 0},
    {"COPY", 0xa9, 1}, {"Ccedil", 0xc7, 1}, {"Chi", 0x3a7, 0}, {"Dagger", 0x2021, 0}, {"Delta", 0x394, 0},
    {"ETH", 0xd0, 1}, {"Eacute", 0xc9, 1}, {"Ecirc", 0xca, 1}, {"Egrave", 0xc8, 1}, {"Epsilon", 0x395, 0},
    {"Eta", 0x397, 0}, {"Euml", 0xcb, 1}, {"GT", 0x3e, 1}, {"Gamma", 0x393, 0}, {"Iacute", 0xcd, 1},
    {"Icirc", 0xce, 1}, {"Igrave", 0xcc, 1}, {"Iota", 0x399, 0}, {"Iuml", 0xcf, 1}, {"Kappa", 0x39a, 0},
    {"LT", 0x3c, 1}, {"Lambda", 0x39b, 0}, {"Mu", 0x39c, 0}, {"Ntilde", 0xd1, 1}, {"Nu", 0x39d, 0},
    {"OElig", 0x152, 0}, {"Oacute", 0xd3, 1}, {"Ocirc", 0xd4, 1}, {"Ograve", 0xd2, 1}, {"Omega", 0x3a9, 0},
    {"Omicron", 0x39f, 0}, {"Oslash", 0xd8, 1}, {"Otilde", 0xd5, 1}, {"Ouml", 0xd6, 1}, {"Phi", 0x3a6, 0},
    {"Pi", 0x3a0, 0}, {"Prime", 0x2033, 0}, {"Psi", 0x3a8, 0}, {"QUOT", 0x22, 1}, {"REG", 0xae, 1},
    {"Rho", 0x3a1, 0}, {"Scaron", 0x160, 0}, {"Sigma", 0x3a3, 0}, {"THORN", 0xde, 1}, {"Tau", 0x3a4, 0},
    {"Theta", 0x398, 0}, {"Uacute", 0xda, 1}, {"Ucirc", 0xdb, 1}, {"Ugrave", 0xd9, 1}, {"Upsilon", 0x3a5, 0},
    {"Uuml", 0xdc, 1}, {"Xi", 0x39e, 0}, {"Yacute", 0xdd, 1}, {"Yuml", 0x178, 0}, {"Zeta", 0x396, 0},
    {"aacute", 0xe1, 1}, {"acirc", 0xe2, 1}, {"acute", 0xb4, 1}, {"aelig", 0xe6, 1}, {"agrave", 0xe0, 1},
    {"alpha", 0x3b1, 0}, {"amp", 0x26, 1}, {"and", 0x2227, 0}, {"ang", 0x2220, 0}, {"apos", 0x27, 0},
    {"aring", 0xe5, 1}, {"ast", 0x2a, 0}, {"asymp", 0x2248, 0}, {"atilde", 0xe3, 1}, {"auml", 0xe4, 1},
    {"bdquo", 0x201e, 0}, {"beta", 0x3b2, 0}, {"brvbar", 0xa6, 1}, {"bsol", 0x5c, 0}, {"bull", 0x2022, 0},
    {"cap", 0x2229, 0}, {"ccedil", 0xe7, 1}, {"cedil", 0xb8, 1}, {"cent", 0xa2, 1}, {"check", 0x2713, 0},
    {"chi", 0x3c7, 0}, {"circ", 0x2c6, 0}, {"clubs", 0x2663, 0}, {"colon", 0x3a, 0}, {"comma", 0x2c, 0},
    {"commat", 0x40, 0}, {"cong", 0x2245, 0}, {"copy", 0xa9, 1}, {"cross", 0x2717, 0}, {"cup", 0x222a, 0},
    {"curren", 0xa4, 1}, {"dArr", 0x21d3, 0}, {"dagger", 0x2020, 0}, {"darr", 0x2193, 0}, {"deg", 0xb0, 1},
    {"delta", 0x3b4, 0}, {"diams", 0x2666, 0}, {"divide", 0xf7, 1}, {"dollar", 0x24, 0}, {"eacute", 0xe9, 1},
    {"ecirc", 0xea, 1}, {"egrave", 0xe8, 1}, {"empty", 0x2205, 0}, {"emsp", 0x2003, 0}, {"ensp", 0x2002, 0},
    {"epsilon", 0x3b5, 0}, {"equals", 0x3d, 0}, {"equiv", 0x2261, 0}, {"eta", 0x3b7, 0}, {"eth", 0xf0, 1},
    {"euml", 0xeb, 1}, {"euro", 0x20ac, 0}, {"excl", 0x21, 0}, {"exist", 0x2203, 0}, {"fnof", 0x192, 0},
    {"forall", 0x2200, 0}, {"frac12", 0xbd, 1}, {"frac14", 0xbc, 1}, {"frac34", 0xbe, 1},
    {"frasl", 0x2044, 0}, {"gamma", 0x3b3, 0}, {"ge", 0x2265, 0}, {"grave", 0x60, 0}, {"gt", 0x3e, 1},
    {"hArr", 0x21d4, 0}, {"harr", 0x2194, 0}, {"hearts", 0x2665, 0}, {"hellip", 0x2026, 0},
    {"hyphen", 0x2010, 0}, {"iacute", 0xed, 1}, {"icirc", 0xee, 1}, {"iexcl", 0xa1, 1}, {"igrave", 0xec, 1},
    {"infin", 0x221e, 0}, {"int", 0x222b, 0}, {"iota", 0x3b9, 0}, {"iquest", 0xbf, 1}, {"isin", 0x2208, 0},
    {"iuml", 0xef, 1}, {"kappa", 0x3ba, 0}, {"lArr", 0x21d0, 0}, {"lambda", 0x3bb, 0}, {"laquo", 0xab, 1},
    {"larr", 0x2190, 0}, {"lcub", 0x7b, 0}, {"ldquo", 0x201c, 0}, {"le", 0x2264, 0}, {"lowast", 0x2217, 0},
    {"lowbar", 0x5f, 0}, {"loz", 0x25ca, 0}, {"lpar", 0x28, 0}, {"lrm", 0x200e, 0}, {"lsaquo", 0x2039, 0},
    {"lsqb", 0x5b, 0}, {"lsquo", 0x2018, 0}, {"lt", 0x3c, 1}, {"macr", 0xaf, 1}, {"mdash", 0x2014, 0},
    {"micro", 0xb5, 1}, {"middot", 0xb7, 1}, {"minus", 0x2212, 0}, {"mu", 0x3bc, 0}, {"nabla", 0x2207, 0},
    {"nbsp", 0xa0, 1}, {"ndash", 0x2013, 0}, {"ne", 0x2260, 0}, {"ni", 0x220b, 0}, {"not", 0xac, 1},
    {"notin", 0x2209, 0}, {"ntilde", 0xf1, 1}, {"nu", 0x3bd, 0}, {"num", 0x23, 0}, {"oacute", 0xf3, 1},
    {"ocirc", 0xf4, 1}, {"oelig", 0x153, 0}, {"ograve", 0xf2, 1}, {"oline", 0x203e, 0}, {"omega", 0x3c9, 0},
    {"omicron", 0x3bf, 0}, {"or", 0x2228, 0}, {"ordf", 0xaa, 1}, {"ordm", 0xba, 1}, {"oslash", 0xf8, 1},
    {"otilde", 0xf5, 1}, {"ouml", 0xf6, 1}, {"para", 0xb6, 1}, {"part", 0x2202, 0}, {"percnt", 0x25, 0},
    {"period", 0x2e, 0}, {"permil", 0x2030, 0}, {"phi", 0x3c6, 0}, {"phone", 0x260e, 0}, {"pi", 0x3c0, 0},
    {"plus", 0x2b, 0}, {"plusmn", 0xb1, 1}, {"pound", 0xa3, 1}, {"prime", 0x2032, 0}, {"prod", 0x220f, 0},
    {"prop", 0x221d, 0}, {"psi", 0x3c8, 0}, {"quest", 0x3f, 0}, {"quot", 0x22, 1}, {"rArr", 0x21d2, 0},
    {"radic", 0x221a, 0}, {"raquo", 0xbb, 1}, {"rarr", 0x2192, 0}, {"rcub", 0x7d, 0}, {"rdquo", 0x201d, 0},
    {"reg", 0xae, 1}, {"rho", 0x3c1, 0}, {"rlm", 0x200f, 0}, {"rpar", 0x29, 0}, {"rsaquo", 0x203a, 0},
    {"rsqb", 0x5d, 0}, {"rsquo", 0x2019, 0}, {"sbquo", 0x201a, 0}, {"scaron", 0x161, 0}, {"sect", 0xa7, 1},
    {"semi", 0x3b, 0}, {"shy", 0xad, 1}, {"sigma", 0x3c3, 0}, {"sigmaf", 0x3c2, 0}, {"sim", 0x223c, 0},
    {"sol", 0x2f, 0}, {"spades", 0x2660, 0}, {"star", 0x2606, 0}, {"sub", 0x2282, 0}, {"sum", 0x2211, 0},
    {"sup", 0x2283, 0}, {"sup1", 0xb9, 1}, {"sup2", 0xb2, 1}, {"sup3", 0xb3, 1}, {"szlig", 0xdf, 1},
    {"tau", 0x3c4, 0}, {"there4", 0x2234, 0}, {"theta", 0x3b8, 0}, {"thinsp", 0x2009, 0}, {"thorn", 0xfe, 1},
    {"tilde", 0x2dc, 0}, {"times", 0xd7, 1}, {"trade", 0x2122, 0}, {"uArr", 0x21d1, 0}, {"uacute", 0xfa, 1},
    {"uarr", 0x2191, 0}, {"ucirc", 0xfb, 1}, {"ugrave", 0xf9, 1}, {"uml", 0xa8, 1}, {"upsilon", 0x3c5, 0},
    {"uuml", 0xfc, 1}, {"verbar", 0x7c, 0}, {"xi", 0x3be, 0}, {"yacute", 0xfd, 1}, {"yen", 0xa5, 1},
    {"yuml", 0xff, 1}, {"zeta", 0x3b6, 0}, {"zwj", 0x200d, 0}, {"zwnj", 0x200c, 0},
};

// What the numbers 128 to 159 mean on pages: the characters of Windows-1252.
static const uint16_t windows[32] = {
    0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d,
    0x17d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a,
    0x153, 0x9d, 0x17e, 0x178,
};
// clang-format on

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
    *point = bad ? 0xfffd : n >= 0x80 && n < 0xa0 ? windows[n - 0x80] : n;
    return i - at + (i < s.n && s.p[i] == ';');
}

static const struct entity *find_entity(struct str name) {
    size_t low = 0, high = sizeof entities / sizeof *entities;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(name, str_of(entities[middle].name));
        if (order == 0)
            return &entities[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// "&eacute;" at `at`; the old names need no semicolon, and may be the beginning of a longer word.
static size_t named_entity(struct str s, size_t at, uint32_t *point) {
    enum { NAME_MOST = 8 };
    size_t end = at + 1;
    while (end < s.n && end - at <= NAME_MOST && is_name_char(s.p[end]))
        end++;
    for (size_t to = end; to > at + 2; to--) {
        const struct entity *e = find_entity(str_slice(s, at + 1, to));
        bool closed = to < s.n && s.p[to] == ';';
        if (!e || !(closed || e->open))
            continue;
        *point = e->point;
        return to - at + closed;
    }
    return 0;
}

bool markup_unescape(struct call *call, struct str text, struct str *out) {
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

bool markup_strip_tags(struct call *call, struct str text, struct str *out) {
    struct text t;
    if (!drop_between(call, text, STR("<!--"), STR("-->"), &text) ||
        !drop_between(call, text, STR("<"), STR(">"), &text))
        return false;
    text_init(&t, call->arena, text.n);
    for (struct str word; strings_next_word(&text, &word);) {
        if (t.n)
            text_add_char(&t, ' ');
        text_add_str(&t, word);
    }
    struct str joined;
    return text_finish_str(&t, call, &joined) && markup_unescape(call, joined, out);
}
