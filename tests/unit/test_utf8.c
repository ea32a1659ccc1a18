// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"

// Every ill-formed shape, at every distance from the 16-byte steps of the scanner.
static void refuses_what_is_not_utf8(void **state) {
    (void)state;
    const struct str bad[] = {
        STR("\x80"),
        STR("\xBF"),
        STR("\xC0\x80"),
        STR("\xC1\xBF"),
        STR("\xC3"),
        STR("\xC3("),
        STR("\xE0\x80\x80"),
        STR("\xE0\x9F\xBF"),
        STR("\xE2\x82"),
        STR("\xE2("),
        STR("\xE2\x82("),
        STR("\xED\xA0\x80"),
        STR("\xED\xBF\xBF"),
        STR("\xF0\x80\x80\x80"),
        STR("\xF0\x8F\xBF\xBF"),
        STR("\xF0\x9F\x98"),
        STR("\xF0\x9F\x98("),
        STR("\xF4\x90\x80\x80"),
        STR("\xF5\x80\x80\x80"),
        STR("\xFE"),
        STR("\xFF"),
        STR("\xF8\x88\x80\x80\x80"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        for (size_t before = 0; before < 40; before++) {
            for (size_t after = 0; after < 20; after += 19) {
                char text[80];
                size_t n = before + bad[i].n + after, at = 99;
                memset(text, 'a', sizeof text);
                memcpy(text + before, bad[i].p, bad[i].n);
                assert_false(utf8_valid((struct str){text, n}, &at));
                assert_int_equal(at, before);
                assert_false(utf8_valid((struct str){text, n}, NULL));
            }
        }
    }
}

static void accepts_every_code_point(void **state) {
    (void)state;
    for (uint32_t c = 0; c <= 0x110000; c++) {
        char text[24] = "aaaaaaaaaaaaaaaaaaaa";
        size_t n = utf8_encode(c, text + 7), size = 0;
        bool scalar = c < 0x110000 && (c < 0xD800 || c > 0xDFFF);
        assert_int_equal(utf8_valid((struct str){text, 20}, NULL), scalar);
        if (!scalar)
            continue;
        assert_int_equal(utf8_decode(text + 7, &size), c);
        assert_int_equal(size, n);
        assert_int_equal(utf8_length((struct str){text, 20}), 21 - n);
    }
    assert_true(utf8_valid((struct str){NULL, 0}, NULL));
}

// By the definition, one sequence after the other.
static bool is_valid(const char *text, size_t n, size_t *bad) {
    for (size_t i = 0, size; i < n; i += size) {
        uint32_t lead = (unsigned char)text[i];
        char again[4];
        size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        *bad = i;
        if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || n - i < size)
            return false;
        for (size_t k = 1; k < size; k++)
            if (((unsigned char)text[i + k] & 0xC0) != 0x80)
                return false;
        uint32_t point = utf8_decode(text + i, &size);
        if (point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF) || utf8_encode(point, again) != size)
            return false;
    }
    return true;
}

// Foreign text in which a byte is changed, so that faults meet whole blocks of it at every offset.
static void agrees_on_damaged_text(void **state) {
    (void)state;
    static const char letters[] = "Ünïcödé, привет мир; 東京都と、Ελλάδα – “so” \xF0\x9F\x98\x80 ascii";
    uint32_t seed = 1;
    for (int round = 0; round < 200000; round++) {
        char text[sizeof letters];
        size_t at = 99, expected = 0;
        memcpy(text, letters, sizeof text);
        seed = seed * 1664525 + 1013904223;
        size_t from = seed >> 8 & 15, changed = from + (seed >> 16) % (sizeof letters - 1 - from);
        seed = seed * 1664525 + 1013904223;
        text[changed] = (char)(seed >> 24);
        struct str part = {text + from, sizeof letters - 1 - from};
        bool valid = is_valid(part.p, part.n, &expected);
        assert_int_equal(utf8_valid(part, &at), valid);
        if (!valid)
            assert_int_equal(at, expected);
    }
}

static void counts_and_steps(void **state) {
    (void)state;
    struct str text =
        STR("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 and then some more ASCII text \xE6\x97\xA5!");
    assert_int_equal(utf8_length(text), text.n - 1 - 2 - 3 - 2);
    assert_int_equal(utf8_offset(text, 0), 0);
    assert_int_equal(utf8_offset(text, 1), 1);
    assert_int_equal(utf8_offset(text, 2), 3);
    assert_int_equal(utf8_offset(text, 3), 6);
    assert_int_equal(utf8_offset(text, 4), 10);
    assert_int_equal(utf8_offset(text, 35), text.n - 4);
    assert_int_equal(utf8_offset(text, 36), text.n - 1);
    assert_int_equal(utf8_offset(text, 37), text.n);
    assert_int_equal(utf8_offset(text, 38), text.n);
    assert_int_equal(utf8_offset(text, SIZE_MAX), text.n);
    assert_int_equal(utf8_length((struct str){NULL, 0}), 0);
    for (size_t i = 0, at = 0; at < text.n; i++) { // offset and length agree at every point
        size_t size;
        assert_int_equal(utf8_offset(text, i), at);
        assert_int_equal(utf8_length((struct str){text.p, at}), i);
        utf8_decode(text.p + at, &size);
        at += size;
    }
}

static void tells_ascii(void **state) {
    (void)state;
    char text[50];
    memset(text, 'x', sizeof text);
    assert_true(utf8_is_ascii((struct str){text, sizeof text}));
    assert_true(utf8_is_ascii((struct str){NULL, 0}));
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (char)0xC3;
        assert_false(utf8_is_ascii((struct str){text, sizeof text}));
        assert_true(utf8_is_ascii((struct str){text, i}));
        text[i] = 0;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_not_utf8),
        cmocka_unit_test(accepts_every_code_point),
        cmocka_unit_test(agrees_on_damaged_text),
        cmocka_unit_test(counts_and_steps),
        cmocka_unit_test(tells_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
