// SPDX-License-Identifier: MIT
// Rows as a server sends them, to records; what no honest server would send fails the record and nothing else.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdlib.h>

#include "base/mem.h"
#include "stages/load/csv/csv_scan.h"
#include "stages/load/postgresql/pg_values.h"
#include "stages/record/value_json.h"

enum { COLUMNS_MOST = 8 };

struct rig {
    struct loader loader;
    struct csv_columns columns;
    struct pg_type types[COLUMNS_MOST];
    struct shapes *shapes;
    struct reader reader;
    struct batch *batch;
};

static void open_rig(struct rig *rig, size_t n, const struct pg_type *types) {
    static const struct str names[COLUMNS_MOST] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1},
                                                   {"e", 1}, {"f", 1}, {"g", 1}, {"h", 1}};
    const struct load_options options = {.name = STR("db"), .columns = names, .columns_n = n};
    struct err err;
    *rig = (struct rig){.shapes = shapes_new(), .batch = batch_new()};
    loader_take_options(&rig->loader, &options);
    assert_int_equal(csv_columns_init(&rig->columns, &options, &err), STATUS_OK);
    memcpy(rig->types, types, n * sizeof *types);
    reader_init(&rig->reader, rig->shapes, NULL);
}

static void close_rig(struct rig *rig) {
    reader_release(&rig->reader);
    csv_columns_release(&rig->columns);
    batch_free(rig->batch);
    shapes_free(rig->shapes);
}

static struct item *parse(struct rig *rig, struct str row) {
    batch_clear(rig->batch);
    loader_reserve(rig->batch, row.n + CSV_PAD);
    memset(rig->batch->bytes, 0, row.n + CSV_PAD);
    if (row.n)
        memcpy(rig->batch->bytes, row.p, row.n);
    struct item *item = loader_add(&rig->loader, rig->batch, 0, 0, 0);
    item->raw = (struct str){rig->batch->bytes, row.n};
    pg_values_parse(&rig->loader, &rig->columns, rig->types, &rig->reader, rig->batch, item);
    return item;
}

static void add_value(struct buf *out, struct value value) {
    if (value_is_string(value)) {
        buf_add_json(out, value_str(value));
    } else if (value.tag == VALUE_LIST) {
        for (uint32_t i = 0; i < value.list->n; i++) {
            buf_add_text(out, i ? ", " : "[");
            add_value(out, value.list->items[i]);
        }
        buf_add_text(out, value.list->n ? "]" : "[]");
    } else if (value.tag == VALUE_MAP) {
        buf_add_text(out, "{");
        for (uint32_t i = 0; i < value.map->shape->n; i++) {
            buf_add_text(out, i ? ", " : "");
            add_value(out, value.map->shape->keys[i]);
            buf_add_text(out, ": ");
            add_value(out, value.map->values[i]);
        }
        buf_add_text(out, "}");
    } else {
        assert_true(value_json_add_scalar(out, value));
    }
}

// What one column of a type makes of a text, as JSON; or the end of the error.
static void check(struct pg_type type, const char *text, const char *want) {
    struct rig rig;
    struct buf out = BUF_INIT;
    open_rig(&rig, 1, &type);
    struct item *item = parse(&rig, str_of(text));
    if (item->error) {
        buf_add_text(&out, "! ");
        buf_add_str(&out, item->error->message);
    } else {
        add_value(&out, map_get(item->record.map, STR("a")));
    }
    assert_string_equal(buf_text(&out), want);
    buf_release(&out);
    close_rig(&rig);
}

static void scalars(void **state) {
    (void)state;
    check((struct pg_type){.kind = PG_TEXT}, "", "\"\"");
    check((struct pg_type){.kind = PG_TEXT}, "\\N", "null");
    check((struct pg_type){.kind = PG_TEXT}, "\\\\N", "\"\\\\N\"");
    check((struct pg_type){.kind = PG_TEXT}, "a\\tb\\nc\\\\d\\r\\b\\f\\v",
          "\"a\\tb\\nc\\\\d\\r\\u0008\\u000c\\u000b\"");
    check((struct pg_type){.kind = PG_INTEGER}, "-9223372036854775808", "-9223372036854775808");
    check((struct pg_type){.kind = PG_NUMERIC}, "123456789012345678901234567890",
          "123456789012345678901234567890");
    check((struct pg_type){.kind = PG_NUMERIC}, "-0.50", "-0.5");
    check((struct pg_type){.kind = PG_FLOAT}, "5", "5.0");
    check((struct pg_type){.kind = PG_FLOAT}, "1e-07", "1e-07");
    check((struct pg_type){.kind = PG_BOOLEAN}, "f", "false");
    check((struct pg_type){.kind = PG_JSON}, "{\"a\": \"x\\\\ny\"}", "{\"a\": \"x\\ny\"}");
}

static void lists(void **state) {
    const struct pg_type text = {.kind = PG_TEXT, .is_list = true, .delimiter = ','};
    const struct pg_type integer = {.kind = PG_INTEGER, .is_list = true, .delimiter = ','};
    (void)state;
    check(integer, "{}", "[]");
    check(integer, "{1,NULL,-3}", "[1, null, -3]");
    check(integer, "{{1,2},{3,4}}", "[[1, 2], [3, 4]]");
    check(integer, "[0:1][5:5]={{7},{8}}", "[[7], [8]]");
    check(text, "{a b,\"NULL\",NULL,\"\",\"c,}{\"}", "[\"a b\", \"NULL\", null, \"\", \"c,}{\"]");
    check(text, "{\"a\\\\\"b\",\"c\\\\\\\\d\"}", "[\"a\\\"b\", \"c\\\\d\"]");
    check((struct pg_type){.kind = PG_TEXT, .is_list = true, .delimiter = ';'}, "{(1,1),(0,0);(2,2),(1,1)}",
          "[\"(1,1),(0,0)\", \"(2,2),(1,1)\"]");
}

static void what_is_wrong_fails_the_row(void **state) {
    const struct pg_type integer = {.kind = PG_INTEGER, .is_list = true, .delimiter = ','};
    (void)state;
    check((struct pg_type){.kind = PG_INTEGER}, "twelve", "! row 1, column \"a\": expected a number");
    check((struct pg_type){.kind = PG_NUMERIC}, "1-", "! row 1, column \"a\": expected a number");
    check((struct pg_type){.kind = PG_FLOAT}, "", "! row 1, column \"a\": expected a number");
    check((struct pg_type){.kind = PG_TEXT}, "\xFF", "! row 1: the text is not valid UTF-8");
    check((struct pg_type){.kind = PG_JSON}, "{",
          "! row 1, column \"a\": not JSON: expected a key in double quotes");
    check(integer, "1,2", "! row 1, column \"a\": an array that cannot be read");
    check(integer, "{1,2", "! row 1, column \"a\": an array that cannot be read");
    check(integer, "{1,{2}", "! row 1, column \"a\": an array that cannot be read");
    check(integer, "", "! row 1, column \"a\": an array that cannot be read");
    check(integer, "[1:2]", "! row 1, column \"a\": an array that cannot be read");
}

static void columns_that_are_not_wanted_are_passed_over(void **state) {
    const struct projection second = {.name = STR("b"), .whole = true};
    const struct projection *const children[] = {&second};
    const struct projection wanted = {.children = children, .n = 1};
    const struct pg_type types[3] = {{.kind = PG_INTEGER}, {.kind = PG_TEXT}, {.kind = PG_JSON}};
    struct rig rig;
    (void)state;
    open_rig(&rig, 3, types);
    rig.reader.projection = &wanted;
    struct item *item = parse(&rig, STR("no number\tx\\ty\tno JSON"));
    assert_null(item->error);
    assert_int_equal(item->record.map->shape->n, 1);
    assert_true(str_is(value_str(map_get(item->record.map, STR("b"))), "x\ty"));
    assert_int_equal(rig.reader.fields.parsed, 1);
    assert_int_equal(rig.reader.fields.skipped, 2);
    item = parse(&rig, STR("1"));
    assert_true(str_ends(item->error->message, STR("the row ends here")));
    close_rig(&rig);
}

// No row crashes it: each of these bytes everywhere in rows of all types.
static void any_row_is_survived(void **state) {
    static const char bytes[] = {'{', '}', '"', '\\', ',', '\t', 'N',   '[',
                                 '=', ':', '1', '-',  '.', 'e',  '\x80'};
    struct pg_type types[7];
    struct rig rig;
    unsigned seed = 1;
    (void)state;
    for (int i = 0; i < 7; i++)
        types[i] = (struct pg_type){.kind = (enum pg_kind)(i % 6), .is_list = i > 2, .delimiter = ','};
    open_rig(&rig, 7, types);
    for (int n = 0; n < 20000; n++) {
        char row[40];
        size_t length = 0;
        for (seed = seed * 1103515245u + 12345u; length < (seed >> 16) % sizeof row;)
            row[length++] = bytes[((seed = seed * 1103515245u + 12345u) >> 16) % sizeof bytes];
        struct item *item = parse(&rig, (struct str){row, length});
        assert_true((item->error == NULL) == (item->record.tag == VALUE_MAP));
    }
    close_rig(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),
        cmocka_unit_test(lists),
        cmocka_unit_test(what_is_wrong_fails_the_row),
        cmocka_unit_test(columns_that_are_not_wanted_are_passed_over),
        cmocka_unit_test(any_row_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
