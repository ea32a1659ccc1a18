// SPDX-License-Identifier: MIT
// Names of databases as identifiers; English words in singular and plural.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "stages/load/schema/inflection.h"

static const struct schema_settings plain;

static void expect_snake(const char *name, const char *snake) {
    struct buf out = BUF_INIT;
    inflection_snake(str_of(name), &out);
    assert_string_equal(buf_text(&out), snake);
    buf_release(&out);
}

static void expect_words(const struct schema_settings *settings, const char *one, const char *many) {
    struct buf out = BUF_INIT;
    inflection_plural(settings, str_of(one), &out);
    assert_string_equal(buf_text(&out), many);
    buf_clear(&out);
    inflection_singular(settings, str_of(many), &out);
    assert_string_equal(buf_text(&out), one);
    buf_clear(&out);
    inflection_singular(settings, str_of(one), &out); // stays what it is
    assert_string_equal(buf_text(&out), one);
    buf_release(&out);
}

static void test_no_letters(void **state) {
    (void)state;
    expect_snake("", "unnamed");
    expect_snake(" -\t\"'", "unnamed");
    expect_snake("\xe2\x80\x94", "unnamed"); // a dash
    expect_snake("1", "_1");
    expect_snake("__2nd__", "_2nd");
}

static void test_bad_bytes(void **state) {
    (void)state;
    const char *const names[] = {"\xff\xfe", "a\200b", "\xc3", "x\xf0\x9f", "\xed\xa0\x80"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buf out = BUF_INIT;
        inflection_snake(str_of(names[i]), &out);
        assert_true(out.n > 0);
        for (size_t k = 0; k < out.n; k++)
            assert_non_null(strchr("abcdefghijklmnopqrstuvwxyz0123456789_", out.p[k]));
        buf_release(&out);
    }
}

static void test_words_of_a_name(void **state) {
    (void)state;
    expect_snake("InvoiceLine", "invoice_line");
    expect_snake("invoiceLine", "invoice_line");
    expect_snake("INVOICE_LINE", "invoice_line");
    expect_snake("Order Details", "order_details");
    expect_snake("order-details.2", "order_details_2");
    expect_snake("HTTPServer", "http_server");
    expect_snake("userIDs", "user_ids");
    expect_snake("ArtistID", "artist_id");
    expect_snake("Address2", "address2");
    expect_snake("Gr\xc3\xb6\xc3\x9f"
                 "e",
                 "grosse");
    expect_snake("\xe7\x94\xa8\xe6\x88\xb7", "u7528u6237");
}

static void test_camel(void **state) {
    (void)state;
    struct buf out = BUF_INIT;
    inflection_camel(STR("order_item_2"), false, &out);
    assert_string_equal(buf_text(&out), "orderItem2");
    buf_clear(&out);
    inflection_camel(STR("order_item"), true, &out);
    assert_string_equal(buf_text(&out), "OrderItem");
    buf_clear(&out);
    inflection_camel(STR("_2nd_item"), true, &out);
    assert_string_equal(buf_text(&out), "_2ndItem");
    buf_release(&out);
}

static void test_regular(void **state) {
    (void)state;
    static const char *const words[][2] = {
        {"album", "albums"},       {"category", "categories"}, {"day", "days"},
        {"address", "addresses"},  {"status", "statuses"},     {"box", "boxes"},
        {"branch", "branches"},    {"wish", "wishes"},         {"house", "houses"},
        {"purchase", "purchases"}, {"response", "responses"},  {"size", "sizes"},
        {"drive", "drives"},       {"olive", "olives"},        {"shoe", "shoes"},
        {"photo", "photos"},       {"database", "databases"},  {"license", "licenses"},
        {"course", "courses"},     {"exercise", "exercises"},  {"buzz", "buzzes"},
        {"key", "keys"},           {"human", "humans"},        {"coach", "coaches"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        expect_words(&plain, words[i][0], words[i][1]);
}

static void test_irregular(void **state) {
    (void)state;
    static const char *const words[][2] = {
        {"person", "people"},     {"woman", "women"},
        {"salesman", "salesmen"}, {"child", "children"},
        {"index", "indexes"},     {"matrix", "matrices"},
        {"analysis", "analyses"}, {"hypothesis", "hypotheses"},
        {"leaf", "leaves"},       {"hero", "heroes"},
        {"movie", "movies"},      {"cache", "caches"},
        {"alias", "aliases"},     {"api", "apis"},
        {"menu", "menus"},        {"series", "series"},
        {"news", "news"},         {"metadata", "metadata"},
        {"media", "media"},       {"quiz", "quizzes"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        expect_words(&plain, words[i][0], words[i][1]);
    expect_words(&plain, "order_item", "order_items");
    expect_words(&plain, "people_skill", "people_skills");
}

static void test_own_words(void **state) {
    (void)state;
    const struct schema_word words[] = {{STR("kunde"), STR("kunden")},
                                        {STR("octopus"), STR("octopodes")},
                                        {STR("use_case"), STR("usecases")},
                                        {STR("person"), STR("persons")}};
    const struct schema_settings settings = {.irregulars = words, .irregulars_n = 4};
    expect_words(&settings, "kunde", "kunden");
    expect_words(&settings, "stamm_kunde", "stamm_kunden");
    expect_words(&settings, "octopus", "octopodes");
    expect_words(&settings, "use_case", "usecases");
    expect_words(&settings, "person", "persons");   // the manifest's win
    expect_words(&settings, "sekunde", "sekundes"); // ends alike, but is another word
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_letters),      cmocka_unit_test(test_bad_bytes),
        cmocka_unit_test(test_words_of_a_name), cmocka_unit_test(test_camel),
        cmocka_unit_test(test_regular),         cmocka_unit_test(test_irregular),
        cmocka_unit_test(test_own_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
