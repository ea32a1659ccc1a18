// SPDX-License-Identifier: MIT
#include "stages/render/letters.h"

#include <unicase.h>
#include <unictype.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/utf8.h"
#include "stages/render/text.h"

// ---- case mapping

// One to one mappings of the common two-byte letters; 0: ask libunistring.
static uint32_t common_upper(uint32_t c) {
    if (c < 0x100) // U+00B5, U+00DF and U+00FF leave the block
        return c == 0xb5 || c == 0xdf || c == 0xff ? 0 : c >= 0xe0 && c != 0xf7 ? c - 0x20 : c;
    if (c < 0x180) {
        if (c == 0x131 || c == 0x138 || c == 0x149 || c == 0x17f)
            return 0;
        bool odd_is_lower = c < 0x139 || (c >= 0x14a && c < 0x178);
        return c == 0x178 ? c : odd_is_lower ? c & ~1u : c - !(c & 1);
    }
    if (c >= 0x3b1 && c <= 0x3c9)
        return c == 0x3c2 ? 0x3a3 : c - 0x20;
    if (c >= 0x391 && c <= 0x3a9 && c != 0x3a2)
        return c;
    if (c >= 0x400 && c < 0x460)
        return c < 0x430 ? c : c < 0x450 ? c - 0x20 : c - 0x50;
    return 0;
}

static uint32_t common_lower(uint32_t c) {
    if (c < 0x100)
        return c >= 0xc0 && c <= 0xde && c != 0xd7 ? c + 0x20 : c;
    if (c < 0x180) {
        if (c == 0x130 || c == 0x131 || c == 0x138 || c == 0x149 || c == 0x178 || c == 0x17f)
            return 0;
        bool odd_is_lower = c < 0x139 || (c >= 0x14a && c < 0x178);
        return odd_is_lower ? c | 1u : c + (c & 1);
    }
    if (c >= 0x391 && c <= 0x3a9) // sigma depends on what follows
        return c == 0x3a2 || c == 0x3a3 ? 0 : c + 0x20;
    if (c >= 0x3b1 && c <= 0x3c9)
        return c;
    if (c >= 0x400 && c < 0x460)
        return c < 0x410 ? c + 0x50 : c < 0x430 ? c + 0x20 : c;
    return 0;
}

// Scripts without case that fill whole texts: kana, CJK, Hangul.
static bool is_caseless(uint32_t c) {
    return (c >= 0x3000 && c < 0xa640) || (c >= 0xac00 && c < 0xfb00);
}

// A capital sigma is final where a cased letter comes before and none after, case-ignorable ones aside.
static bool is_final_sigma(struct str text, size_t at) {
    bool before = false;
    for (size_t i = at; i > 0 && !before;) {
        do
            i--;
        while (((uint8_t)text.p[i] & 0xc0) == 0x80);
        size_t size;
        uint32_t c = utf8_decode(text.p + i, &size);
        if (uc_is_property_case_ignorable(c))
            continue;
        before = uc_is_property_cased(c);
        break;
    }
    if (!before)
        return false;
    for (size_t i = at + 2; i < text.n;) {
        size_t size;
        uint32_t c = utf8_decode(text.p + i, &size);
        if (!uc_is_property_case_ignorable(c))
            return !uc_is_property_cased(c);
        i += size;
    }
    return true;
}

typedef uint8_t *full_mapping(const uint8_t *s, size_t n, const char *language, uninorm_t form,
                              uint8_t *buffer, size_t *length);

static void add_mapped(struct text *t, struct str text, size_t at, size_t size, uint32_t c,
                       enum letters_case how) {
    static full_mapping *const mappings[] = {[LETTERS_UPPER] = u8_toupper,
                                             [LETTERS_LOWER] = u8_tolower,
                                             [LETTERS_TITLE] = u8_totitle,
                                             [LETTERS_FOLD] = u8_casefold};
    if (how == LETTERS_LOWER && c == 0x3a3) {
        text_add_point(t, is_final_sigma(text, at) ? 0x3c2 : 0x3c3);
        return;
    }
    if (!is_caseless(c) && how != LETTERS_SWAP) {
        uint8_t buffer[64];
        size_t n = sizeof buffer;
        if (mappings[how]((const uint8_t *)text.p + at, size, NULL, NULL, buffer, &n) == buffer) {
            text_add(t, (const char *)buffer, n);
            return;
        }
    }
    text_add(t, text.p + at, size);
}

static void add_point(struct text *t, struct str text, size_t at, size_t size, uint32_t c,
                      enum letters_case how) {
    uint32_t mapped = 0;
    if (size == 2 && how == LETTERS_LOWER)
        mapped = common_lower(c);
    else if (size == 2 && (how == LETTERS_UPPER || how == LETTERS_TITLE))
        mapped = common_upper(c);
    if (mapped)
        text_add_point(t, mapped);
    else
        add_mapped(t, text, at, size, c, how);
}

static bool ascii_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
static bool ascii_lower(char c) {
    return c >= 'a' && c <= 'z';
}

// What happens to the character at hand, given what came before it.
static enum letters_case step_of(enum letters_case how, uint32_t c, bool after_letter) {
    switch (how) {
    case LETTERS_TITLE:
    case LETTERS_CAPITALIZE:
        return after_letter ? LETTERS_LOWER : LETTERS_TITLE;
    case LETTERS_SWAP:
        return uc_is_property_uppercase(c)   ? LETTERS_LOWER
               : uc_is_property_lowercase(c) ? LETTERS_UPPER
                                             : LETTERS_SWAP; // stays
    default:
        return how;
    }
}

static bool map_points(struct call *call, struct str text, enum letters_case how, struct str *out) {
    struct text t;
    text_init(&t, call->arena, text.n + 16);
    bool after_letter = false;
    for (size_t at = 0; at < text.n;) {
        size_t size = 1;
        char b = text.p[at];
        uint32_t c = (uint8_t)b;
        if (c < 0x80) {
            enum letters_case step = step_of(how, c, after_letter);
            bool lowers = step == LETTERS_LOWER || step == LETTERS_FOLD;
            bool letter = ascii_upper(b) || ascii_lower(b);
            text_add_char(&t, (lowers ? ascii_upper(b) : ascii_lower(b)) ? (char)(b ^ 0x20) : b);
            after_letter = how == LETTERS_CAPITALIZE || letter;
        } else {
            c = utf8_decode(text.p + at, &size);
            add_point(&t, text, at, size, c, step_of(how, c, after_letter));
            after_letter = how == LETTERS_CAPITALIZE || (how == LETTERS_TITLE && uc_is_property_cased(c));
        }
        at += size;
    }
    return text_finish_str(&t, call, out);
}

// Up to eight bytes at once: none of the sums below carries into the next byte.
static inline bool ascii_map_word(const char *p, size_t n, char from, char *out) {
    const uint64_t each = 0x0101010101010101u;
    uint64_t word = 0;
    memcpy(&word, p, n);
    if (word & (0x80 * each))
        return false;
    uint64_t at_least = word + (uint64_t)(0x80 - from) * each,
             above = word + (uint64_t)(0x80 - 26 - from) * each;
    word ^= ((at_least & ~above) & (0x80 * each)) >> 2;
    memcpy(out, &word, n);
    return true;
}

// Upper or lower case of ASCII letters, 32 apart; `from` is the first of those that change. False where the text
// is not all ASCII: what was written is then of no use.
static bool ascii_map(const char *p, size_t n, char from, char *out) {
    size_t i = 0;
#ifdef __SSE2__
    const __m128i shift = _mm_set1_epi8((char)(-128 - from)), limit = _mm_set1_epi8(-128 + 26);
    for (; n - i >= 16; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        if (_mm_movemask_epi8(block))
            return false;
        __m128i letters = _mm_cmplt_epi8(_mm_add_epi8(block, shift), limit);
        block = _mm_xor_si128(block, _mm_and_si128(letters, _mm_set1_epi8(0x20)));
        _mm_storeu_si128((__m128i *)(void *)(out + i), block);
    }
#endif
    // Words of eight, the last one over what has been done already; less than that, two words of four or single ones.
    if (n - i >= 8 || i > 0) {
        for (; n - i >= 8; i += 8)
            if (!ascii_map_word(p + i, 8, from, out + i))
                return false;
        return i == n || ascii_map_word(p + n - 8, 8, from, out + n - 8);
    }
    if (n >= 4)
        return ascii_map_word(p, 4, from, out) && ascii_map_word(p + n - 4, 4, from, out + n - 4);
    for (; i < n; i++)
        if (!ascii_map_word(p + i, 1, from, out + i))
            return false;
    return true;
}

bool letters_map(struct call *call, struct str text, enum letters_case how, struct str *out) {
    if (how != LETTERS_UPPER && how != LETTERS_LOWER && how != LETTERS_FOLD)
        return map_points(call, text, how, out);
    if (text.n == 0) {
        *out = STR("");
        return true;
    }
    char *p = arena_alloc(call->arena, text.n);
    if (!p)
        return call_no_memory(call);
    if (!ascii_map(text.p, text.n, how == LETTERS_UPPER ? 'a' : 'A', p))
        return map_points(call, text, how, out);
    *out = (struct str){p, text.n};
    return true;
}

// ---- classes

static bool is_space(uint32_t c) {
    return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

static bool is_printable(uint32_t c) {
    if (c < 0x7f)
        return c >= 0x20;
    return !uc_is_general_category_withtable(
        c, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf | UC_CATEGORY_MASK_Cs | UC_CATEGORY_MASK_Co |
               UC_CATEGORY_MASK_Cn | UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp | UC_CATEGORY_MASK_Zs);
}

bool letters_is(uint32_t c, enum letters_class what) {
    switch (what) {
    case LETTERS_ALPHA:
        return c < 0x80 ? ascii_upper((char)c) || ascii_lower((char)c)
                        : uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L);
    case LETTERS_DECIMAL:
        return letters_digit(c) >= 0;
    case LETTERS_DIGIT:
        return uc_digit_value(c) >= 0;
    case LETTERS_NUMERIC:
        return uc_numeric_value(c).denominator != 0;
    case LETTERS_ALNUM:
        return letters_is(c, LETTERS_ALPHA) || letters_is(c, LETTERS_NUMERIC);
    case LETTERS_SPACE:
        return is_space(c);
    case LETTERS_PRINTABLE:
        return is_printable(c);
    case LETTERS_WORD:
        return c == '_' || letters_is(c, LETTERS_ALNUM);
    }
    return false;
}

int letters_digit(uint32_t c) {
    if (c < 0x80)
        return c >= '0' && c <= '9' ? (int)c - '0' : -1;
    return uc_decimal_value(c);
}

bool letters_is_upper(struct str text) {
    bool some = false;
    size_t size;
    for (size_t at = 0; at < text.n; at += size) {
        uint32_t c = utf8_decode(text.p + at, &size);
        if (uc_is_property_lowercase(c) || uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Lt))
            return false;
        some = some || uc_is_property_uppercase(c);
    }
    return some;
}

bool letters_is_lower(struct str text) {
    bool some = false;
    size_t size;
    for (size_t at = 0; at < text.n; at += size) {
        uint32_t c = utf8_decode(text.p + at, &size);
        if (uc_is_property_uppercase(c) || uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Lt))
            return false;
        some = some || uc_is_property_lowercase(c);
    }
    return some;
}

bool letters_is_title(struct str text) {
    bool some = false, after_letter = false;
    size_t size;
    for (size_t at = 0; at < text.n; at += size) {
        uint32_t c = utf8_decode(text.p + at, &size);
        bool lower = uc_is_property_lowercase(c);
        bool upper = uc_is_property_uppercase(c) || uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Lt);
        if ((upper && after_letter) || (lower && !after_letter))
            return false;
        after_letter = upper || lower;
        some = some || after_letter;
    }
    return some;
}

bool letters_is_identifier(struct str text) {
    size_t size;
    for (size_t at = 0; at < text.n; at += size) {
        uint32_t c = utf8_decode(text.p + at, &size);
        if (at ? !uc_is_property_xid_continue(c) : c != '_' && !uc_is_property_xid_start(c))
            return false;
    }
    return text.n != 0;
}

struct str letters_trim(struct str text) {
    size_t size;
    while (text.n && is_space(utf8_decode(text.p, &size)))
        text = str_from(text, size);
    while (text.n) {
        size_t last = text.n - 1;
        while (((uint8_t)text.p[last] & 0xc0) == 0x80)
            last--;
        if (!is_space(utf8_decode(text.p + last, &size)))
            break;
        text.n = last;
    }
    return text;
}
