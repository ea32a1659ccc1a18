// SPDX-License-Identifier: MIT
// The names in a query's text, and what they stand for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "stages/load/query_parameters.h"
#include "stages/record/reader.h"

static void assert_names(const char *query, const char *expected) {
    struct buf names = BUF_INIT;
    struct str name;
    for (size_t at = 0; query_parameters_next(str_of(query), &at, &name);) {
        buf_add_str(&names, name);
        buf_add_char(&names, ' ');
    }
    assert_string_equal(buf_text(&names), expected);
    buf_release(&names);
}

static void names(void **state) {
    (void)state;
    assert_names("", "");
    assert_names("select 1", "");
    assert_names("select :a, @b, $c from t where d = :größe and :a", "a b c größe a ");
    assert_names(":a", "a ");
    assert_names("select : from t; select :", "");
    assert_names("select ':a', \":b\", `:c`, [:d], 'it''s :e', :f", "f ");
    assert_names("select 1 -- :a\n, :b /* :c\n */ /* :d", "b ");
    assert_names("select x::int, ::, a$b, :c::text", "c ");
    assert_names("select 'not closed :a", "");
    assert_names("select \"not closed :a", "");
    assert_names("select [not closed :a", "");
    assert_names("--:a", "");
    assert_names("/*:a", "");
    assert_names("/", "");
}

struct values {
    struct arena arena;
    struct shapes *shapes;
    struct load_options options;
};

static struct value read_json(struct values *v, const char *json) {
    struct reader reader;
    struct value value = value_missing();
    reader_init(&reader, v->shapes, NULL);
    assert_int_equal(reader_parse(&reader, str_of(json), &v->arena, &value), STATUS_OK);
    reader_release(&reader);
    return value;
}

static int setup(void **state) {
    static struct values v;
    v = (struct values){.shapes = shapes_new()};
    arena_init(&v.arena, 0);
    v.options = (struct load_options){.name = STR("t.db"), .query = STR("select :a, :b, :a, :no")};
    *state = &v;
    return 0;
}

static int teardown(void **state) {
    struct values *v = *state;
    arena_release(&v->arena);
    shapes_free(v->shapes);
    return 0;
}

static void assert_written(struct values *v, const char *expected) {
    struct buf text = BUF_INIT;
    query_parameters_write(&v->options, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_release(&text);
}

static void what_they_stand_for(void **state) {
    struct values *v = *state;
    assert_written(v, "");
    v->options.globals =
        read_json(v, "{\"a\": 1, \"b\": [1, \"two\", {\"x\": null, \"y\": [true, 2.5]}], \"c\": 3}");
    assert_written(v, " a=1 b=[1,\"two\",{\"x\":null,\"y\":[true,2.5]}] a=1");
    v->options.parameters = read_json(v, "{\"a\": null}"); // which wins, although it is none
    assert_written(v, " a=null b=[1,\"two\",{\"x\":null,\"y\":[true,2.5]}] a=null");
    v->options.parameters = read_json(v, "{\"a\": \"q\\\"\"}");
    v->options.globals = value_missing();
    assert_written(v, " a=\"q\\\"\" a=\"q\\\"\"");
}

static void what_is_missing(void **state) {
    struct values *v = *state;
    struct err err;
    assert_int_equal(query_parameters_missing(&v->options, STR("customer"), &err), STATUS_DATA);
    assert_string_equal(err.text,
                        "t.db: query: nothing gives :customer a value; say it in `parameters` of the "
                        "source, or in `globals`");
    v->options.globals = read_json(v, "{\"custmer\": 1}");
    query_parameters_missing(&v->options, STR("customer"), &err);
    assert_string_equal(err.text,
                        "t.db: query: nothing is called \"customer\" in the source's parameters or in "
                        "the globals; did you mean \"custmer\"?");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test_setup_teardown(what_they_stand_for, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_missing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
