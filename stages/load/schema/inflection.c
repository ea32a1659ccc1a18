// SPDX-License-Identifier: MIT
#include "stages/load/schema/inflection.h"

#include "base/utf8.h"

// Words ---------------------------------------------------------------------------------------------------------

struct pair {
    const char *singular, *plural;
};

// What obeys no rule below. An entry stands for the end of a word, too, where it begins with '-'.
static const struct pair irregular[] = {
    {"person", "people"},
    {"man", "men"},
    {"-woman", "women"},
    {"-sman", "smen"},
    {"-yman", "ymen"},
    {"-tleman", "tlemen"},
    {"-child", "children"},
    {"-foot", "feet"},
    {"-tooth", "teeth"},
    {"-goose", "geese"},
    {"mouse", "mice"},
    {"louse", "lice"},
    {"ox", "oxen"},
    {"quiz", "quizzes"},
    {"-matrix", "matrices"},
    {"-vertex", "vertices"},
    {"appendix", "appendices"},
    {"index", "indexes"},
    {"index", "indices"},
    {"criterion", "criteria"},
    {"phenomenon", "phenomena"},
    {"medium", "media"},
    {"datum", "data"},
    {"axis", "axes"},
    {"-analysis", "analyses"},
    {"crisis", "crises"},
    {"-thesis", "theses"},
    {"synopsis", "synopses"},
    {"-gnosis", "gnoses"},
    {"oasis", "oases"},
    {"ellipsis", "ellipses"},
    {"-alias", "aliases"},
    {"-canvas", "canvases"},
    {"atlas", "atlases"},
    {"gas", "gases"},
    {"bias", "biases"},
    {"lens", "lenses"},
    {"iris", "irises"},
    {"leaf", "leaves"},
    {"life", "lives"},
    {"wife", "wives"},
    {"knife", "knives"},
    {"half", "halves"},
    {"-shelf", "shelves"},
    {"-self", "selves"},
    {"thief", "thieves"},
    {"wolf", "wolves"},
    {"loaf", "loaves"},
    {"calf", "calves"},
    {"elf", "elves"},
    {"scarf", "scarves"},
    {"hero", "heroes"},
    {"potato", "potatoes"},
    {"tomato", "tomatoes"},
    {"echo", "echoes"},
    {"veto", "vetoes"},
    {"torpedo", "torpedoes"},
    {"cargo", "cargoes"},
    {"-movie", "movies"},
    {"-cookie", "cookies"},
    {"zombie", "zombies"},
    {"calorie", "calories"},
    {"selfie", "selfies"},
    {"rookie", "rookies"},
    {"brownie", "brownies"},
    {"tie", "ties"},
    {"pie", "pies"},
    {"lie", "lies"},
    {"-cache", "caches"},
    {"-dache", "daches"},
    {"niche", "niches"},
    {"avalanche", "avalanches"},
    {"use", "uses"},
    {"reuse", "reuses"},
    {"excuse", "excuses"},
    {"fuse", "fuses"},
    {"abuse", "abuses"},
    {"-ause", "auses"},
    {"-ouse", "ouses"},
    {"bus", "buses"},
    {"menu", "menus"},
    {"taxi", "taxis"},
    {"ski", "skis"},
    {"-pi", "pis"},
    {"uri", "uris"},
    {"wiki", "wikis"},
    {"emoji", "emojis"},
};

// The same in both.
static const char *const uncountable[] = {
    "sheep",    "fish",     "series",  "species",   "information", "equipment", "money",    "rice",
    "news",     "metadata", "staff",   "deer",      "software",    "hardware",  "police",   "data",
    "feedback", "chaos",    "physics", "advice",    "music",       "traffic",   "aircraft", "sms",
    "https",    "dns",      "gps",     "analytics", "logistics",   "goods",     "media",
};

// The first row whose ending fits counts, where the word has more than that.
struct ending {
    const char *plural, *singular;
};
static const struct ending to_singular[] = {
    {"ss", "ss"},   {"us", "us"}, {"is", "is"},   {"sses", "ss"}, {"uses", "us"}, {"shes", "sh"},
    {"ches", "ch"}, {"xes", "x"}, {"zzes", "zz"}, {"tzes", "tz"}, {"ies", "y"},   {"s", ""},
};
static const struct ending to_plural[] = {
    {"ies", "y"}, {"es", "is"},   {"ses", "s"},   {"xes", "x"},
    {"zes", "z"}, {"ches", "ch"}, {"shes", "sh"}, {"s", ""},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool is_vowel(char c) {
    return c && strchr("aeiou", c);
}

// "-woman" fits every word that ends so, "person" only itself.
static bool fits(struct str word, const struct pair *entry, bool plural) {
    bool open = entry->singular[0] == '-';
    struct str end = str_of(plural ? entry->plural : entry->singular + open);
    return open ? str_ends(word, end) : str_equal(word, end);
}

static bool is_uncountable(struct str word) {
    for (size_t i = 0; i < COUNT(uncountable); i++)
        if (str_is(word, uncountable[i]))
            return true;
    return false;
}

static void add_changed(struct str word, const char *from, const char *to, struct buf *out) {
    buf_add(out, word.p, word.n - strlen(from));
    buf_add_text(out, to);
}

static void add_singular(struct str word, struct buf *out) {
    if (is_uncountable(word)) {
        buf_add_str(out, word);
        return;
    }
    for (size_t i = 0; i < COUNT(irregular); i++) {
        const char *singular = irregular[i].singular + (irregular[i].singular[0] == '-');
        if (fits(word, &irregular[i], false)) {
            buf_add_str(out, word);
            return;
        }
        if (fits(word, &irregular[i], true)) {
            add_changed(word, irregular[i].plural, singular, out);
            return;
        }
    }
    for (size_t i = 0; i < COUNT(to_singular); i++) {
        if (!str_ends(word, str_of(to_singular[i].plural)) || word.n <= strlen(to_singular[i].plural))
            continue;
        add_changed(word, to_singular[i].plural, to_singular[i].singular, out);
        return;
    }
    buf_add_str(out, word);
}

static void add_plural(struct str word, struct buf *out) {
    if (is_uncountable(word)) {
        buf_add_str(out, word);
        return;
    }
    for (size_t i = 0; i < COUNT(irregular); i++) {
        const char *singular = irregular[i].singular + (irregular[i].singular[0] == '-');
        if (!fits(word, &irregular[i], false))
            continue;
        add_changed(word, singular, irregular[i].plural, out);
        return;
    }
    for (size_t i = 0; i < COUNT(to_plural); i++) {
        const char *end = to_plural[i].singular;
        if (!str_ends(word, str_of(end)))
            continue;
        if (end[0] == 'y' && (word.n < 2 || is_vowel(word.p[word.n - 2])))
            continue;
        add_changed(word, end, to_plural[i].plural, out);
        return;
    }
}

// Of the caller's own words one that the name is, or ends with as a word; NULL: none.
static const struct schema_word *own_word(const struct schema_settings *settings, struct str snake,
                                          bool plural) {
    for (size_t i = 0; i < settings->irregulars_n; i++) {
        const struct schema_word *word = &settings->irregulars[i];
        struct str end = plural ? word->plural : word->singular;
        if (str_ends(snake, end) && (snake.n == end.n || snake.p[snake.n - end.n - 1] == '_'))
            return word;
    }
    return NULL;
}

static size_t last_word(struct str snake) {
    size_t at = snake.n;
    while (at > 0 && snake.p[at - 1] != '_')
        at--;
    return at;
}

void inflection_singular(const struct schema_settings *settings, struct str snake, struct buf *out) {
    const struct schema_word *word = own_word(settings, snake, true);
    if (word) {
        buf_add(out, snake.p, snake.n - word->plural.n);
        buf_add_str(out, word->singular);
        return;
    }
    size_t at = own_word(settings, snake, false) ? snake.n : last_word(snake);
    buf_add(out, snake.p, at);
    if (at < snake.n)
        add_singular(str_from(snake, at), out);
}

void inflection_plural(const struct schema_settings *settings, struct str singular, struct buf *out) {
    const struct schema_word *word = own_word(settings, singular, false);
    if (word) {
        buf_add(out, singular.p, singular.n - word->singular.n);
        buf_add_str(out, word->plural);
        return;
    }
    size_t at = last_word(singular);
    buf_add(out, singular.p, at);
    add_plural(str_from(singular, at), out);
}

// Identifiers ---------------------------------------------------------------------------------------------------

// U+00C0 to U+017F without their marks; ' ': not a letter.
static const char *const plain[] = {
    "A", "A", "A",  "A",  "A", "A", "AE", "C",  "E",  "E", "E", "E", "I",  "I",  "I", "I", "D", "N",
    "O", "O", "O",  "O",  "O", " ", "O",  "U",  "U",  "U", "U", "Y", "TH", "ss", "a", "a", "a", "a",
    "a", "a", "ae", "c",  "e", "e", "e",  "e",  "i",  "i", "i", "i", "d",  "n",  "o", "o", "o", "o",
    "o", " ", "o",  "u",  "u", "u", "u",  "y",  "th", "y", "A", "a", "A",  "a",  "A", "a", "C", "c",
    "C", "c", "C",  "c",  "C", "c", "D",  "d",  "D",  "d", "E", "e", "E",  "e",  "E", "e", "E", "e",
    "E", "e", "G",  "g",  "G", "g", "G",  "g",  "G",  "g", "H", "h", "H",  "h",  "I", "i", "I", "i",
    "I", "i", "I",  "i",  "I", "i", "IJ", "ij", "J",  "j", "K", "k", "k",  "L",  "l", "L", "l", "L",
    "l", "L", "l",  "L",  "l", "N", "n",  "N",  "n",  "N", "n", "n", "N",  "n",  "O", "o", "O", "o",
    "O", "o", "OE", "oe", "R", "r", "R",  "r",  "R",  "r", "S", "s", "S",  "s",  "S", "s", "S", "s",
    "T", "t", "T",  "t",  "T", "t", "U",  "u",  "U",  "u", "U", "u", "U",  "u",  "U", "u", "U", "u",
    "W", "w", "Y",  "y",  "Y", "Z", "z",  "Z",  "z",  "Z", "z", "s",
};
_Static_assert(COUNT(plain) == 0x180 - 0xC0, "one for each letter");

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The code point at *at, which moves behind it; of what is no UTF-8 the byte alone.
static uint32_t next_point(struct str name, size_t *at) {
    size_t n = 1;
    while (n < 4 && *at + n < name.n && ((unsigned char)name.p[*at + n] & 0xC0) == 0x80)
        n++;
    uint32_t point = (unsigned char)name.p[*at];
    if (utf8_valid(str_slice(name, *at, *at + n), NULL))
        point = utf8_decode(name.p + *at, &n);
    else
        n = 1;
    *at += n;
    return point;
}

// All in ASCII, and ' ' for what separates words.
static void add_ascii(struct str name, struct buf *out) {
    for (size_t at = 0; at < name.n;) {
        uint32_t point = next_point(name, &at);
        if (point >= 0xC0 && point < 0x180)
            buf_add_text(out, plain[point - 0xC0]);
        else if (point < 0xC0 || (point >= 0x2000 && point <= 0x206F) || point == 0x3000)
            buf_add_char(out, is_upper((char)point) || is_lower((char)point) || is_digit((char)point)
                                  ? (char)point
                                  : ' ');
        else
            buf_printf(out, "u%x", point);
    }
}

// A word begins at i: a capital after a small letter or a digit, or the last of several before a small one, but for the
// plural of an abbreviation: IDs.
static bool begins_word(struct str text, size_t i) {
    char before = text.p[i - 1], after = i + 1 < text.n ? text.p[i + 1] : ' ';
    if (!is_upper(text.p[i]))
        return false;
    if (is_lower(before) || is_digit(before))
        return true;
    bool plural = after == 's' && (i + 2 == text.n || !is_lower(text.p[i + 2]));
    return is_upper(before) && is_lower(after) && !plural;
}

void inflection_snake(struct str name, struct buf *out) {
    struct buf ascii = BUF_INIT;
    add_ascii(name, &ascii);
    const struct str text = buf_str(&ascii);
    const size_t start = out->n;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool first = out->n == start;
        if (c == ' ' || (i > 0 && begins_word(text, i))) {
            if (!first && out->p[out->n - 1] != '_')
                buf_add_char(out, '_');
            first = out->n == start;
        }
        if (c == ' ')
            continue;
        if (first && is_digit(c))
            buf_add_char(out, '_');
        buf_add_char(out, is_upper(c) ? (char)(c - 'A' + 'a') : c);
    }
    buf_release(&ascii);
    if (out->n > start && out->p[out->n - 1] == '_')
        out->n--;
    if (out->n == start)
        buf_add_text(out, "unnamed");
}

void inflection_camel(struct str snake, bool upper, struct buf *out) {
    for (size_t i = 0; i < snake.n; i++) {
        char c = snake.p[i];
        bool leads = i == 0 && c == '_'; // before a digit
        if (c == '_' && !leads) {
            upper = true;
            continue;
        }
        buf_add_char(out, upper && is_lower(c) ? (char)(c - 'a' + 'A') : c);
        upper = false;
    }
}
