// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/suggest.h"

struct row {
    const char *word, *candidates[4], *best; // best NULL: none
    size_t distance;
};

static void test_rows(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"", {"a", "template"}, NULL, 0},
        {"x", {"y"}, NULL, 0}, // all letters differ
        {"zzzzzz", {"template", "to"}, NULL, 0},
        {"tem", {"template"}, NULL, 0},
        {"templte", {"to", "template"}, "template", 1},
        {"tepmlate", {"template"}, "template", 1}, // a transposition is one step
        {"TEMPLATE", {"template"}, "template", 0},
        {"user", {"uses", "users"}, "uses", 1}, // the first of equals stays
        {"user", {"uxxs", "users"}, "users", 1},
        {"usr", {"usersx", "user"}, "user", 1},
        {"abcdef", {"abcdxy"}, "abcdxy", 2}, // a third of six
        {"abcde", {"abcxy"}, NULL, 0},
        {"a", {"ab"}, "ab", 1},
        {"ca", {"abc"}, NULL, 0}, // string alignment: 3 steps, not 2
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct suggestion s = suggest_for(str_of(rows[i].word));
        for (size_t k = 0; k < 4 && rows[i].candidates[k]; k++)
            suggest_offer(&s, str_of(rows[i].candidates[k]));
        if (!rows[i].best) {
            assert_null(s.best.p);
            continue;
        }
        assert_non_null(s.best.p);
        assert_int_equal(s.best.n, strlen(rows[i].best));
        assert_memory_equal(s.best.p, rows[i].best, s.best.n);
        assert_int_equal(s.distance, rows[i].distance);
    }
}

static void test_long_words_are_left_alone(void **state) {
    (void)state;
    static char a[5000], b[5000];
    memset(a, 'a', sizeof a);
    memset(b, 'a', sizeof b);
    struct suggestion s = suggest_for((struct str){a, 97});
    suggest_offer(&s, (struct str){b, 96});
    suggest_offer(&s, (struct str){b, 97});
    assert_null(s.best.p);
    s = suggest_for((struct str){a, 5000});
    suggest_offer(&s, (struct str){b, 4999});
    assert_null(s.best.p);
    s = suggest_for((struct str){a, 96});
    suggest_offer(&s, (struct str){b, 95});
    assert_int_equal(s.best.n, 95);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_long_words_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
