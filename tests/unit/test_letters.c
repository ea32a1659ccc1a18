// SPDX-License-Identifier: MIT
// Case mapping: every code point against libunistring, whose tables the fast paths shorten.
#include "stages/render/letters.h"

#include <unicase.h>

#include "base/utf8.h"
#include "tests/support/library_call.h"

static struct str map(struct call *call, const char *text, enum letters_case how) {
    struct str out;
    assert_true(letters_map(call, str_of(text), how, &out));
    return out;
}

#define MAPS(how, from, to) assert_true(str_is(map(&call, (from), (how)), (to)))

static void memory_runs_out(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 1 << 10);
    char text[5000];
    struct str out;
    memset(text, 'x', sizeof text);
    FAILS(&call, letters_map(&call, (struct str){text, sizeof text}, LETTERS_UPPER, &out), "memory");
    text[0] = (char)0xc3;
    text[1] = (char)0xa9;
    FAILS(&call, letters_map(&call, (struct str){text, sizeof text}, LETTERS_UPPER, &out), "memory");
    library_call_end(&call);
}

typedef uint8_t *mapping(const uint8_t *s, size_t n, const char *language, uninorm_t form, uint8_t *buffer,
                         size_t *length);

static void all_points(mapping *reference, enum letters_case how) {
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 0);
    for (uint32_t c = 1; c <= 0x10ffff; c++) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        char text[4];
        uint8_t buffer[64];
        size_t n = utf8_encode(c, text), size = sizeof buffer;
        struct str out;
        assert_ptr_equal(reference((uint8_t *)text, n, NULL, NULL, buffer, &size), buffer);
        assert_true(letters_map(&call, (struct str){text, n}, how, &out));
        if (out.n != size || memcmp(out.p, buffer, size) != 0)
            fail_msg("U+%04X", c);
        if (c % 4096 == 0)
            arena_clear(call.arena);
    }
    library_call_end(&call);
}
static void upper_of_all_points(void **state) {
    (void)state;
    all_points(u8_toupper, LETTERS_UPPER);
}
static void lower_of_all_points(void **state) {
    (void)state;
    all_points(u8_tolower, LETTERS_LOWER);
}
static void fold_of_all_points(void **state) {
    (void)state;
    all_points(u8_casefold, LETTERS_FOLD);
}

static void words(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 0);
    MAPS(LETTERS_LOWER, "ΑΣ ΣΑ Σ ΑΣ.", "ας σα σ ας.");
    MAPS(LETTERS_UPPER, "straße ŉ", "STRASSE ʼN");
    MAPS(LETTERS_TITLE, "they're ǆ ﬁn", "They'Re ǅ Fin");
    MAPS(LETTERS_CAPITALIZE, "éCOLE", "École");
    MAPS(LETTERS_SWAP, "Straße Жж", "sTRASSE жЖ");
    MAPS(LETTERS_UPPER, "", "");
    library_call_end(&call);
}

static void classes(void **state) {
    (void)state;
    assert_true(letters_is(0x663, LETTERS_DECIMAL)); // Arabic three
    assert_int_equal(letters_digit(0x663), 3);
    assert_int_equal(letters_digit(0xb2), -1); // superscript two: a digit, not a decimal one
    assert_true(letters_is(0xb2, LETTERS_DIGIT));
    assert_true(letters_is(0xbd, LETTERS_NUMERIC));
    assert_false(letters_is(0x301, LETTERS_WORD)); // a combining mark alone
    assert_true(letters_is(0x1c, LETTERS_SPACE));
    assert_false(letters_is(0x200b, LETTERS_SPACE));
    assert_false(letters_is(0xa0, LETTERS_PRINTABLE));
    assert_false(letters_is_identifier(STR("1a")));
    assert_true(letters_is_identifier(STR("\xc3\xa9t\xc3\xa9_1")));
    assert_false(letters_is_upper(STR("1")));
    assert_true(letters_is_title(STR("Ab Cd")));
    assert_true(str_is(letters_trim(STR("\xe3\x80\x80 a b\xc2\xa0\n")), "a b"));
    assert_int_equal(letters_trim(STR(" \t ")).n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(words),
        cmocka_unit_test(classes),
        cmocka_unit_test(upper_of_all_points),
        cmocka_unit_test(lower_of_all_points),
        cmocka_unit_test(fold_of_all_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
