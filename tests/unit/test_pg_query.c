// SPDX-License-Identifier: MIT
// Queries on their way to PostgreSQL, and urls on their way to be shown.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "base/buf.h"
#include "stages/load/postgresql/pg_query.h"
#include "stages/load/postgresql/pg_url.h"

static bool write_known(void *self, struct str name, struct buf *out) {
    (void)self;
    if (str_is(name, "unknown"))
        return false;
    buf_printf(out, "<%.*s>", STR_ARG(name));
    return true;
}

static const struct pg_parameters known = {NULL, write_known};

static void check_written(const char *written, const char *want) {
    struct pg_query query = {0};
    struct str missing;
    assert_int_equal(pg_query_write(&query, str_of(written), &known, &missing), STATUS_OK);
    assert_string_equal(buf_text(&query.text), want);
    pg_query_release(&query);
}

static void parameters_are_put_in(void **state) {
    (void)state;
    check_written(":a", "<a>");
    check_written("select * from t where x>:low and y=:high_2",
                  "select * from t where x><low> and y=<high_2>");
    check_written("select (:a,:b)", "select (<a>,<b>)");
    check_written("select a[:from], :\xC3\xA4", "select a[<from>], <\xC3\xA4>");
}

static void other_colons_stay(void **state) {
    static const char *const queries[] = {"select a::text, 'x'::text, (1)::int, \"A\"::int",
                                          "select a[1:n], a[i:n], a[f(1):n], a[b[1]:n]",
                                          "select ':a', \":a\", 'it''s :a', E'\\':a'",
                                          "select $$:a$$, $t$ :a $$ :a $t$, a$1:b",
                                          "select 1 -- :a\n, 2",
                                          "select 1 /* :a /* :a */ :a */ , 2",
                                          "select 1 : 2, x:=3, :1",
                                          "select ':a",
                                          "select /* :a",
                                          "select $x$ :a",
                                          "select \":a",
                                          "select E':a\\"};
    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        check_written(queries[i], queries[i]);
}

static void the_end_goes(void **state) {
    (void)state;
    check_written("select 1;", "select 1");
    check_written("select ';' ; -- all\n /* of ; them */ ; \n", "select ';'");
    check_written("select 1; select 2 ;", "select 1; select 2");
    check_written(" -- nothing\n;", "");
    check_written("", "");
}

static void an_unknown_one_is_told(void **state) {
    struct pg_query query = {0};
    struct str missing;
    (void)state;
    assert_int_equal(pg_query_write(&query, STR("select :a, :unknown"), &known, &missing), STATUS_DATA);
    assert_true(str_is(missing, "unknown"));
    pg_query_release(&query);
}

static void places_are_found_again(void **state) {
    const struct str written = STR("select :a, nme, :bbbbbbbbbbbbbbb, nme2");
    struct pg_query query = {0};
    struct str missing;
    (void)state;
    pg_query_write(&query, written, &known, &missing);
    const char *text = buf_text(&query.text);
    assert_int_equal(pg_query_place(&query, (size_t)(strstr(text, "nme,") - text)),
                     strstr(written.p, "nme,") - written.p);
    assert_int_equal(pg_query_place(&query, (size_t)(strstr(text, "nme2") - text)),
                     strstr(written.p, "nme2") - written.p);
    assert_int_equal(pg_query_place(&query, 0), 0);
    pg_query_release(&query);
}

static void literals_are_quoted(void **state) {
    struct buf out = BUF_INIT;
    (void)state;
    pg_query_add_literal(&out, STR("it's"));
    pg_query_add_literal(&out, STR("a\\' or 1=1"));
    pg_query_add_name(&out, STR("a\"b"));
    assert_string_equal(buf_text(&out), "'it''s' E'a\\\\'' or 1=1'\"a\"\"b\"");
    buf_release(&out);
}

static void check_shown(const char *url, const char *want) {
    struct buf out = BUF_INIT;
    pg_url_write_shown(str_of(url), &out);
    assert_string_equal(buf_text(&out), want);
    assert_int_equal(pg_url_has_secret(str_of(url)), strcmp(url, want) != 0);
    buf_release(&out);
}

static void passwords_are_hidden(void **state) {
    (void)state;
    check_shown("postgresql://", "postgresql://");
    check_shown("postgresql://ann@host:5432/shop?sslmode=require",
                "postgresql://ann@host:5432/shop?sslmode=require");
    check_shown("postgresql://ann:pw@host/shop", "postgresql://ann:***@host/shop");
    check_shown("postgres://ann:p:w@x/y?z@host/shop", "postgres://ann:***@host/shop");
    check_shown("postgresql://host:5432/shop", "postgresql://host:5432/shop");
    check_shown("postgresql:///shop?password=pw&host=h&sslpassword=x",
                "postgresql:///shop?password=***&host=h&sslpassword=***");
    check_shown("postgresql:///shop?p%61ssword=pw", "postgresql:///shop?p%61ssword=***");
    check_shown("postgresql://ann:pw@h/s?PASSWORD=pw", "postgresql://ann:***@h/s?PASSWORD=***");
}

static void check_masked(const char *text, const char *want) {
    struct buf copy = BUF_INIT;
    buf_add_text(&copy, text);
    assert_int_equal(pg_url_mask(copy.p, copy.n), strcmp(text, want) != 0);
    assert_string_equal(buf_text(&copy), want);
    buf_release(&copy);
}

static void passwords_in_texts_are_masked(void **state) {
    (void)state;
    check_masked("a: { url: postgresql://u:pw@h/d, key: id }", "a: { url: postgresql://u:**@h/d, key: id }");
    check_masked("\"postgres://u:p'w@h\", 'postgres://u:p\"w@h'",
                 "\"postgres://u:***@h\", 'postgres://u:***@h'");
    check_masked("url: \"postgresql:///d?password=pw\" # u@h", "url: \"postgresql:///d?password=**\" # u@h");
    check_masked("postgresql://a:b@c\npostgresql://d:e@f", "postgresql://a:*@c\npostgresql://d:*@f");
    check_masked("mysql://u:pw@h p", "mysql://u:pw@h p");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_put_in),  cmocka_unit_test(other_colons_stay),
        cmocka_unit_test(the_end_goes),           cmocka_unit_test(an_unknown_one_is_told),
        cmocka_unit_test(places_are_found_again), cmocka_unit_test(literals_are_quoted),
        cmocka_unit_test(passwords_are_hidden),   cmocka_unit_test(passwords_in_texts_are_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
