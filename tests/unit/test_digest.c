// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "base/digest.h"
#include "base/salt.h"

static void assert_digest(struct digest d, const char *hex) {
    char text[DIGEST_HEX_SIZE];
    digest_hex(d, text);
    assert_string_equal(text, hex);
}

// The published values of XXH3-128, seed 0: digests are kept in files, so they must not change.
static void of_is_xxh3_128(void **state) {
    (void)state;
    assert_digest(digest_of((struct str){NULL, 0}), "99aa06d3014798d86001c324468d497f");
    assert_digest(digest_of(STR("abc")), "06b05ab6733a618578af5f94892f3950");
}

static void output_fields_are_framed(void **state) {
    (void)state;
    struct digest a = digest_output(STR("a"), STR("bc"), STR("d"));
    assert_false(digest_equal(a, digest_output(STR("ab"), STR("c"), STR("d"))));
    assert_false(digest_equal(a, digest_output(STR("a"), STR("b"), STR("cd"))));
    assert_false(digest_equal(a, digest_output(STR("a"), STR("bcd"), STR(""))));
    assert_false(digest_equal(a, digest_output(STR(""), STR("abc"), STR("d"))));
    assert_false(
        digest_equal(digest_output(STR(""), STR(""), STR("a")), digest_output(STR(""), STR("a"), STR(""))));
    assert_false(
        digest_equal(digest_output(STR("a"), STR(""), STR("")), digest_output(STR(""), STR("a"), STR(""))));
    // and are part of it at all
    assert_false(digest_equal(a, digest_output(STR("x"), STR("bc"), STR("d"))));
    assert_false(digest_equal(a, digest_output(STR("a"), STR("xx"), STR("d"))));
    assert_false(digest_equal(a, digest_output(STR("a"), STR("bc"), STR("x"))));
    assert_true(digest_equal(a, digest_output(STR("a"), STR("bc"), STR("d"))));
}

static void output_is_stable(void **state) {
    (void)state;
    assert_digest(digest_output(STR("cards"), STR("en.html"), STR("English\n")),
                  "992513f3461c1c039713090251e483be");
}

static void pieces_have_the_digest_of_the_whole(void **state) {
    (void)state;
    static char bytes[5000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * i >> 3);
    struct str all = {bytes, sizeof bytes};
    struct digest whole = digest_output(STR("cards"), STR("en.html"), all);
    for (size_t step = 1; step <= sizeof bytes; step = step * 3 + 1) {
        struct digest_stream *s = digest_stream_new();
        for (size_t at = 0; at < all.n; at += step)
            digest_stream_add(s, str_slice(all, at, at + step < all.n ? at + step : all.n));
        assert_true(digest_equal(digest_stream_output(s, STR("cards"), STR("en.html")), whole));
        digest_stream_add(s, STR("")); // asking ends nothing, and an empty piece changes nothing
        assert_true(digest_equal(digest_stream_output(s, STR("cards"), STR("en.html")), whole));
        digest_stream_add(s, STR("x"));
        assert_false(digest_equal(digest_stream_output(s, STR("cards"), STR("en.html")), whole));
        digest_stream_free(s);
    }
    struct digest_stream *none = digest_stream_new();
    assert_true(digest_equal(digest_stream_output(none, STR("a"), STR("b")),
                             digest_output(STR("a"), STR("b"), STR(""))));
    digest_stream_free(none);
}

static void sums_carry_in_any_order(void **state) {
    (void)state;
    struct digest low = {.high = 0, .low = UINT64_MAX}, one = {.high = 0, .low = 1};
    struct digest all = {.high = UINT64_MAX, .low = UINT64_MAX}, zero = {0, 0};
    assert_true(digest_equal(digest_add(low, one), (struct digest){.high = 1, .low = 0}));
    assert_true(digest_equal(digest_add(all, one), zero));
    struct digest sum = zero, back;
    for (uint64_t i = 0; i < 100; i++)
        sum = digest_add(sum, digest_of((struct str){(const char *)&i, sizeof i}));
    back = zero;
    for (uint64_t i = 100; i-- > 0;)
        back = digest_add(back, digest_of((struct str){(const char *)&i, sizeof i}));
    assert_true(digest_equal(sum, back));
}

static void hex_is_high_half_first(void **state) {
    (void)state;
    assert_digest((struct digest){.high = 0x0123456789abcdefu, .low = 0xfedcba9876543210u},
                  "0123456789abcdeffedcba9876543210");
}

static void salts_differ(void **state) {
    (void)state;
    enum { DRAWN = 8 };
    uint64_t drawn[DRAWN];
    for (int i = 0; i < DRAWN; i++) {
        drawn[i] = salt_draw();
        for (int before = 0; before < i; before++)
            assert_true(drawn[before] != drawn[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_is_xxh3_128),         cmocka_unit_test(output_fields_are_framed),
        cmocka_unit_test(output_is_stable),       cmocka_unit_test(sums_carry_in_any_order),
        cmocka_unit_test(hex_is_high_half_first), cmocka_unit_test(pieces_have_the_digest_of_the_whole),
        cmocka_unit_test(salts_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
