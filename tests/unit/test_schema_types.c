// SPDX-License-Identifier: MIT
// SQL types: what they amount to, and what languages call them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "stages/load/schema/schema_types.h"

static const struct schema_settings plain;

static void expect_base(const char *declared, enum schema_base base) {
    struct schema_type type = schema_type_of(str_of(declared), false);
    if (type.base != base)
        fail_msg("%s: %s, not %s", declared, schema_base_names[type.base], schema_base_names[base]);
}

static void test_odd(void **state) {
    (void)state;
    expect_base("", SCHEMA_ANY);
    expect_base("   ", SCHEMA_ANY);
    expect_base("(((", SCHEMA_ANY);
    expect_base("varchar(", SCHEMA_TEXT);
    expect_base("varchar(max)", SCHEMA_TEXT);
    expect_base("no such thing", SCHEMA_ANY);
    expect_base("\xff[", SCHEMA_ANY);
    assert_int_equal(schema_type_of(STR("varchar(max)"), false).length, -1);
    assert_int_equal(schema_type_of(STR("varchar(-3)"), false).length, -1);
    assert_int_equal(schema_type_of(STR("varchar(99999999999999999999)"), false).length, 999999999);
    assert_true(schema_type_of(STR("int["), false).array);
}

static void test_bases(void **state) {
    (void)state;
    expect_base("INTEGER", SCHEMA_INTEGER);
    expect_base("int unsigned", SCHEMA_INTEGER);
    expect_base("UNSIGNED BIG INT", SCHEMA_INTEGER);
    expect_base("tinyint(1)", SCHEMA_BOOLEAN);
    expect_base("tinyint(4)", SCHEMA_INTEGER);
    expect_base("BIT", SCHEMA_BOOLEAN);
    expect_base("double  precision", SCHEMA_FLOAT);
    expect_base("FLOAT(24)", SCHEMA_FLOAT);
    expect_base("NUMERIC(10,2)", SCHEMA_DECIMAL);
    expect_base("character varying(40)", SCHEMA_TEXT);
    expect_base("NVARCHAR(160)", SCHEMA_TEXT);
    expect_base("timestamp(6) with time zone", SCHEMA_DATETIME);
    expect_base("time without time zone", SCHEMA_TIME);
    expect_base("datetime", SCHEMA_DATETIME);
    expect_base("date", SCHEMA_DATE);
    expect_base("jsonb", SCHEMA_JSON);
    expect_base("uuid", SCHEMA_UUID);
    expect_base("bytea", SCHEMA_BLOB);
    expect_base("LONGBLOB", SCHEMA_BLOB);
    expect_base("interval", SCHEMA_TEXT); // has an int in it
    expect_base("point", SCHEMA_ANY);
    struct schema_type type = schema_type_of(STR("decimal(10, 2)"), false);
    assert_int_equal(type.precision, 10);
    assert_int_equal(type.scale, 2);
    assert_int_equal(type.length, -1);
    type = schema_type_of(STR("integer[][]"), false);
    assert_true(type.array);
    assert_int_equal(type.base, SCHEMA_INTEGER);
    assert_int_equal(schema_type_of(STR("mood"), true).base, SCHEMA_TEXT);
}

static void expect_members(const struct schema_settings *settings, const char *declared,
                           const char *members) {
    struct buf json = BUF_INIT;
    schema_types_write(settings, str_of(declared), false, &json);
    assert_string_equal(buf_text(&json), members);
    buf_release(&json);
}

static void test_languages(void **state) {
    (void)state;
    expect_members(
        &plain, "varchar(40)",
        "\"type\":\"text\",\"array\":false,\"length\":40,\"precision\":null,\"scale\":null,\"types\":{"
        "\"typescript\":\"string\",\"json_schema\":{\"type\":\"string\",\"maxLength\":40},"
        "\"c\":\"char *\",\"python\":\"str\",\"sql\":\"varchar(40)\"}");
    expect_members(
        &plain, "numeric(8)[]",
        "\"type\":\"decimal\",\"array\":true,\"length\":null,\"precision\":8,\"scale\":null,\"types\":{"
        "\"typescript\":\"number[]\",\"json_schema\":{\"type\":\"array\",\"items\":{\"type\":\"number\"}},"
        "\"c\":\"double *\",\"python\":\"list[Decimal]\",\"sql\":\"decimal(8) array\"}");
    expect_members(
        &plain, "",
        "\"type\":\"any\",\"array\":false,\"length\":null,\"precision\":null,\"scale\":null,\"types\":{"
        "\"typescript\":\"unknown\",\"json_schema\":{},\"c\":\"void "
        "*\",\"python\":\"Any\",\"sql\":\"text\"}");
}

static void expect_has(const char *declared, const char *part) {
    const struct schema_mapping mappings[] = {
        {STR("typescript"), STR("decimal"), STR("string | number")},
        {STR("typescript"), STR("DECIMAL(10,2)"), STR("Money")},
        {STR("rust"), STR("integer"), STR("i64")},
        {STR("rust"), STR("mood"), STR("Mood")},
        {STR("rust"), STR("array"), STR("Vec<{}>")},
        {STR("json_schema"), STR("uuid"), STR("id \"x\"")},
    };
    const struct schema_settings settings = {.mappings = mappings,
                                             .mappings_n = sizeof mappings / sizeof *mappings};
    struct buf json = BUF_INIT;
    schema_types_write(&settings, str_of(declared), false, &json);
    if (!strstr(buf_text(&json), part))
        fail_msg("%s is not in %s", part, buf_text(&json));
    buf_release(&json);
}

// The whole declaration before the name before the base.
static void test_own_mappings(void **state) {
    (void)state;
    expect_has("decimal(8,2)", "\"typescript\":\"string | number\"");
    expect_has("decimal(10,2)", "\"typescript\":\"Money\"");
    expect_has("decimal(8,2)[]", "\"typescript\":\"(string | number)[]\"");
    expect_has("int", "\"rust\":\"i64\"");
    expect_has("bigint[]", "\"rust\":\"Vec<i64>\"");
    expect_has("MOOD", "\"rust\":\"Mood\"");
    expect_has("text", "\"rust\":null");
    expect_has("uuid", "\"json_schema\":\"id \\\"x\\\"\"");
}

static void test_any_stands_for_the_rest(void **state) {
    (void)state;
    const struct schema_mapping any[] = {{STR("go"), STR("any"), STR("interface{}")},
                                         {STR("typescript"), STR("any"), STR("any")}};
    const struct schema_settings settings = {.mappings = any, .mappings_n = 2};
    struct buf json = BUF_INIT;
    schema_types_write(&settings, STR("text"), false, &json);
    assert_non_null(strstr(buf_text(&json), "\"go\":\"interface{}\""));
    assert_non_null(strstr(buf_text(&json), "\"typescript\":\"string\"")); // which is built in
    buf_clear(&json);
    schema_types_write(&settings, STR(""), false, &json);
    assert_non_null(strstr(buf_text(&json), "\"typescript\":\"any\""));
    buf_release(&json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_odd),
        cmocka_unit_test(test_bases),
        cmocka_unit_test(test_languages),
        cmocka_unit_test(test_own_mappings),
        cmocka_unit_test(test_any_stands_for_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
