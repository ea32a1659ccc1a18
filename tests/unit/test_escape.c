// SPDX-License-Identifier: MIT
// HTML escaping: every length and alignment around the block size against a loop over bytes.
#include "stages/render/escape.h"
#include "stages/render/print.h"
#include "stages/render/text.h"
#include "tests/support/library_call.h"

enum { LONGEST = 100 };

static size_t by_bytes(struct str text, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        const char *as = text.p[i] == '&'    ? "&amp;"
                         : text.p[i] == '<'  ? "&lt;"
                         : text.p[i] == '>'  ? "&gt;"
                         : text.p[i] == '"'  ? "&#34;"
                         : text.p[i] == '\'' ? "&#39;"
                                             : NULL;
        if (as) {
            memcpy(out + n, as, strlen(as));
            n += strlen(as);
        } else {
            out[n++] = text.p[i];
        }
    }
    return n;
}

static void check(struct str text) {
    char expected[LONGEST * ESCAPE_WORST], exact[LONGEST * ESCAPE_WORST];
    size_t n = by_bytes(text, expected);
    assert_int_equal(text.n + escape_growth(text), n);
    assert_int_equal(escape_copy(text, exact), n);
    assert_memory_equal(exact, expected, n);
    struct buf b = BUF_INIT;
    buf_add_text(&b, "before");
    print_escaped(text, &b);
    assert_int_equal(b.n, 6 + n);
    assert_memory_equal(b.p + 6, expected, n);
    assert_true(b.n <= b.cap);
    buf_release(&b);
}

static void each_special_at_each_place(void **state) {
    (void)state;
    for (size_t n = 0; n <= 50; n++) {
        // Exactly as long as the text, so that a sanitizer sees any byte read beyond it.
        char *text = test_malloc(n + 1);
        for (size_t at = 0; at <= n; at++) {
            for (const char *special = "&<>\"'x"; *special; special++) {
                memset(text, 'a', n);
                if (at < n)
                    text[at] = *special;
                check((struct str){text, n});
            }
        }
        test_free(text);
    }
}

static void all_bytes(void **state) { // neighbours of the five are not escaped
    (void)state;
    char text[64];
    for (int c = 1; c < 256; c++) {
        memset(text, c, sizeof text);
        check((struct str){text, sizeof text});
    }
}

static void worst_case_and_chunks(void **state) {
    (void)state;
    struct buf b = BUF_INIT;
    enum { SIZE = 20000 };
    char *text = test_malloc(SIZE);
    memset(text, '"', SIZE);
    print_escaped((struct str){text, SIZE}, &b);
    assert_int_equal(b.n, (size_t)SIZE * 5);
    for (size_t i = 0; i < b.n; i += 5)
        assert_memory_equal(b.p + i, "&#34;", 5);
    test_free(text);
    buf_release(&b);
}

static void text_beyond_the_limit_fails(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 64 << 10);
    struct text t;
    char quotes[4000];
    memset(quotes, '"', sizeof quotes);
    text_init(&t, call.arena, 0);
    for (int i = 0; i < 100; i++)
        text_add_escaped(&t, (struct str){quotes, sizeof quotes});
    FAILS(&call, text_finish(&t, &call, true), "memory");
    library_call_end(&call);
}

static void text_grows_in_place_and_elsewhere(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 0);
    struct text t;
    text_init(&t, call.arena, 1);
    for (int i = 0; i < 5000; i++) {
        text_add(&t, "0123456789", 10);
        if (i % 7 == 0)
            assert_non_null(arena_alloc(call.arena, 1)); // stands in the way
    }
    assert_true(text_finish(&t, &call, false));
    assert_int_equal(call.result.n, 50000);
    for (uint32_t i = 0; i < call.result.n; i++)
        assert_int_equal(call.result.s[i], '0' + i % 10);
    library_call_end(&call);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_beyond_the_limit_fails),
        cmocka_unit_test(each_special_at_each_place),
        cmocka_unit_test(all_bytes),
        cmocka_unit_test(worst_case_and_chunks),
        cmocka_unit_test(text_grows_in_place_and_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
