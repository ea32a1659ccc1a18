// SPDX-License-Identifier: MIT
// The values of CSV's fields: types of columns, which fields are wanted, and the shape that records share.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>

#include "base/buf.h"
#include "tests/support/csv_run.h"

// Types ---------------------------------------------------------------------------------------------------------

static void integers(void **state) {
    struct csv_run *r = *state;
    run_type(r, STR("n"), COLUMN_INTEGER);
    run_expect(r,
               STR("n,t\n1,1\n-7,\n+7,\n007,\n-0,\n ,x\n,\n\"\",\n\" "
                   "12\t\",\n9223372036854775807,\n-9223372036854775808,\n"
                   "9223372036854775808,\n-00009223372036854775809,\n+0009223372036854775807,\n"
                   "+123456789012345678901234567890,\n"),
               "2 @4 n=<1>|t=1\n3 @8 n=<-7>|t=\n4 @12 n=<7>|t=\n5 @16 n=<7>|t=\n6 @21 n=<0>|t=\n"
               "7 @25 n=<none>|t=x\n8 @29 n=<none>|t=\n9 @31 n=<none>|t=\n10 @35 n=<12>|t=\n"
               "11 @43 n=<9223372036854775807>|t=\n12 @64 n=<-9223372036854775808>|t=\n"
               "13 @86 n=<big 9223372036854775808>|t=\n14 @107 n=<big -9223372036854775809>|t=\n"
               "15 @133 n=<9223372036854775807>|t=\n16 @158 n=<big 123456789012345678901234567890>|t=\n");
    run_expect(r,
               STR("t,n\na,1.0\na,1e3\na,x\na,-\na,1 "
                   "2\na,0x10\na,\"1\"\"\"\nx,12345678901234567890123456789012345678901234567\xC3\xA9x\n"),
               "2 @4 !2:3 @6 column \"n\": expected an integer, found \"1.0\"\n"
               "3 @10 !3:3 @12 column \"n\": expected an integer, found \"1e3\"\n"
               "4 @16 !4:3 @18 column \"n\": expected an integer, found \"x\"\n"
               "5 @20 !5:3 @22 column \"n\": expected an integer, found \"-\"\n"
               "6 @24 !6:3 @26 column \"n\": expected an integer, found \"1 2\"\n"
               "7 @30 !7:3 @32 column \"n\": expected an integer, found \"0x10\"\n"
               "8 @37 !8:3 @39 column \"n\": expected an integer, found \"1\"\"\n"
               "9 @45 !9:3 @47 column \"n\": expected an integer, found "
               "\"1234567890123456789012345678901234567890...\"\n");
}

static void numbers(void **state) {
    struct csv_run *r = *state;
    run_type(r, STR("n"), COLUMN_NUMBER);
    run_expect(
        r,
        STR("n,t\n1,\n1.0,\n-1.5e3,\n+2.5,\n01,\n00.5,\n.5,\n5.,\n1E2,\n123456789012345678901,\n,\n-0,\n-0.0,"
            "\n"),
        "2 @4 n=<1>|t=\n3 @7 n=<1.0>|t=\n4 @12 n=<-1500.0>|t=\n5 @20 n=<2.5>|t=\n6 @26 n=<1>|t=\n"
        "7 @30 n=<0.5>|t=\n8 @36 n=<0.5>|t=\n9 @40 n=<5.0>|t=\n10 @44 n=<100.0>|t=\n"
        "11 @49 n=<big 123456789012345678901>|t=\n12 @72 n=<none>|t=\n13 @74 n=<0>|t=\n14 @78 n=<-0.0>|t=\n");
    run_expect(r, STR("n,t\nnan,\n1e999,\n+1e999,\n\"1,5\",\n.,\n1e,\n1_000,\ninf,\n1.2.3,\n"),
               "2 @4 !2:1 @4 column \"n\": expected a number, found \"nan\"\n"
               "3 @9 !3:1 @9 column \"n\": expected a number that fits a double, found \"1e999\"\n"
               "4 @16 !4:1 @16 column \"n\": expected a number that fits a double, found \"+1e999\"\n"
               "5 @24 !5:1 @24 column \"n\": expected a number, found \"1,5\"\n"
               "6 @31 !6:1 @31 column \"n\": expected a number, found \".\"\n"
               "7 @34 !7:1 @34 column \"n\": expected a number, found \"1e\"\n"
               "8 @38 !8:1 @38 column \"n\": expected a number, found \"1_000\"\n"
               "9 @45 !9:1 @45 column \"n\": expected a number, found \"inf\"\n"
               "10 @50 !10:1 @50 column \"n\": expected a number, found \"1.2.3\"\n");
}

static void booleans(void **state) {
    struct csv_run *r = *state;
    run_type(r, STR("b"), COLUMN_BOOLEAN);
    run_expect(
        r, STR("b,t\nTRUE,\nyes,\n1,\nFalse,\nNO,\n0,\n,\n\"\tTrue \",\n"),
        "2 @4 b=<true>|t=\n3 @10 b=<true>|t=\n4 @15 b=<true>|t=\n5 @18 b=<false>|t=\n6 @25 b=<false>|t=\n"
        "7 @29 b=<false>|t=\n8 @32 b=<none>|t=\n9 @34 b=<true>|t=\n");
    const char *const wrong[] = {"y", "t", "2", "-1", "truer", "tru", "on", "01", "\x14rue"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[40];
        snprintf(text, sizeof text, "t,b\n,%s\n", wrong[i]);
        if (!strstr(run_load(r, str_of(text)),
                    "!2:2 @5 column \"b\": expected true, false, yes, no, 1 or 0, found"))
            fail_msg("%s: %s", wrong[i], buf_text(&r->log));
    }
}

static void json(void **state) {
    struct csv_run *r = *state;
    run_type(r, STR("j"), COLUMN_JSON);
    run_expect(r,
               STR("t,j\n1,\"[1, \"\"a\"\",\n {\"\"x\"\":null}]\"\n2,\n3, "
                   "12\n4,null\n5,\"\"\"\"\n\"6\",\"\"\"\\u00e9\"\"\"\n"),
               "2 @4 t=1|j=[<1>,a,x=<none>]\n4 @34 t=2|j=<none>\n5 @37 t=3|j=<12>\n6 @43 t=4|j=<none>\n"
               "7 @50 !7:4 @53 column \"j\": not JSON: a string must be closed, but the text ends before\n"
               "8 @57 t=6|j=\xC3\xA9\n");
    run_expect(r, STR("t,j\n1,{\n2,\"{\"\"a\"\":\n x}\"\n3,\"  [1,]\"\n4,[1\n5,5\n"),
               "2 @4 !2:4 @7 column \"j\": not JSON: expected a key in double quotes\n"
               "3 @8 !4:2 @20 column \"j\": not JSON: expected a value\n"
               "5 @24 !5:9 @32 column \"j\": not JSON: expected a value\n"
               "6 @35 !6:5 @39 column \"j\": not JSON: expected ',' or ']' after the value\n"
               "7 @40 t=5|j=<5>\n");
}

// One short record's values may take no more than their share, and what a failed one took is given back.
static void json_is_bounded(void **state) {
    struct csv_run *r = *state;
    run_type(r, STR("j"), COLUMN_JSON);
    r->options.record_bytes = 16 << 20; // the values may take four times as much, at least 64 MiB
    struct buf text = BUF_INIT;
    buf_add_text(&text, "j\n\"[[]");
    for (int i = 0; i < 3000000; i++)
        buf_add_text(&text, ",[]");
    buf_add_text(&text, "]\"\n1\n");
    run_load(r, buf_str(&text));
    if (!str_is(buf_str(&r->log),
                "2 @2 !2:1 @2 the values of the record need too much memory (limits: record_bytes)\n"
                "3 @9000009 j=<1>\n"))
        fail_msg("%.200s", buf_text(&r->log));
    buf_release(&text);
}

static void a_projection_leaves_out_but_checks(void **state) {
    struct csv_run *r = *state;
    const struct projection inner = {.name = STR("x"), .whole = true}, c = {.name = STR("c"), .whole = true};
    const struct projection *const of_j[] = {&inner};
    const struct projection j = {.name = STR("j"), .children = of_j, .n = 1};
    const struct projection *const some[] = {&c, &j};
    const struct projection root = {.children = some, .n = 2}, none = {.n = 0};
    run_type(r, STR("a"), COLUMN_INTEGER);
    run_type(r, STR("j"), COLUMN_JSON);
    run_type(r, STR("k"), COLUMN_JSON);
    const struct str text =
        STR("a,b,c,j,k\n1,2,3,\"{\"\"x\"\":1,\"\"y\"\":2}\",\"[1]\"\nx,2,3,4,5\n1,2,\"\"\"\",4,{\n");
    r->reader.projection = &root;
    run_expect(r, text,
               "2 @10 c=3|j=x=<1>\n3 @42 !3:1 @42 column \"a\": expected an integer, found \"x\"\n"
               "4 @52 !4:13 @64 column \"k\": not JSON: expected a key in double quotes\n");
    assert_ptr_equal(r->reader.projection, &root);
    r->reader.projection = &none;
    run_expect(r, STR("a,b\n1,\"2\"\"\"\n"), "t.csv: types: there is no column \"j\"\n");
    r->options.types_n = 0;
    run_expect(r, STR("a,b\n1,\"2\"\"\"\n"), "2 @4 \n");
    assert_int_equal(r->fields, 0);
}

// Shape --------------------------------------------------------------------------------------------------------

static void records_share_a_shape(void **state) {
    struct csv_run *r = *state;
    run_load(r, STR("a,b\n1,2\n"));
    const struct shape *first = r->shape;
    run_load(r, STR("a,b\n\"3\",4\n"));
    assert_ptr_equal(r->shape, first);
    assert_true(first->shared); // and there as long as the shapes are
}

// More than shapes share: the shape belongs to the batch, whatever becomes of the loader.
static void many_columns_are_no_trouble(void **state) {
    struct csv_run *r = *state;
    enum { COLUMNS = 300 };
    struct buf text = BUF_INIT;
    struct loader *loader;
    for (int i = 0; i < COLUMNS; i++)
        buf_printf(&text, "%sc%d", i ? "," : "", i);
    buf_add_text(&text, "\r\n");
    for (int row = 0; row < 4; row++)
        for (int i = 0; i < COLUMNS; i++)
            buf_printf(&text, "%d%s", i * row, i + 1 < COLUMNS ? "," : row == 1 ? "x\n" : "\r\n");
    run_type(r, STR("c299"), COLUMN_INTEGER);
    r->source.bytes = buf_str(&text);
    assert_int_equal(load_open(&r->options, &loader, &r->err), STATUS_OK);
    assert_int_equal(load_pull(loader, r->batch, &r->err), STATUS_OK);
    load_parse(loader, &r->reader, r->batch);
    load_close(loader);
    buf_release(&text);
    const struct item *items = r->batch->items;
    assert_int_equal(r->batch->items_n, 4);
    assert_true(items[1].error && items[1].error->column == 1087);
    for (int row = 0; row < 4; row += row ? 1 : 2) {
        const struct map *map = items[row].record.map;
        assert_false(map->shape->shared);
        assert_int_equal(map->shape->n, COLUMNS);
        assert_int_equal(shape_find(map->shape, STR("c217")), 217);
        assert_int_equal(map_get(map, STR("c299")).i, 299 * row);
    }
    assert_ptr_equal(items[3].record.map->shape, items[2].record.map->shape);
}

// How much is counted for all records when batches hold this many.
static struct arena_asked asked_in_batches(struct csv_run *r, struct str text, size_t records) {
    struct loader *loader;
    struct batch *batch = batch_new();
    r->options.batch_records = records;
    memory_source_put(&r->source, text);
    assert_int_equal(load_open(&r->options, &loader, &r->err), STATUS_OK);
    for (;;) {
        batch_clear(batch);
        assert_int_equal(load_pull(loader, batch, &r->err), STATUS_OK);
        if (batch->items_n == 0)
            break;
        load_parse(loader, &r->reader, batch);
    }
    struct arena_asked asked = arena_asked(&batch->arena);
    load_close(loader);
    batch_free(batch);
    return asked;
}

static void batches_do_not_change_what_is_counted(void **state) {
    struct csv_run *r = *state;
    enum { COLUMNS = 300, ROWS = 12, BAD = 5 };
    const struct projection c1 = {.name = STR("c1"), .whole = true};
    const struct projection *const top[] = {&c1};
    const struct projection root = {.children = top, .n = 1};
    struct buf text = BUF_INIT;
    for (int row = 0; row < ROWS; row++)
        for (int i = 0; i < COLUMNS; i++)
            buf_printf(&text, row ? "%d%s" : "c%d%s", i,
                       i + 1 == COLUMNS || (row == BAD && i == 1) ? "\n" : ",");
    struct arena_asked whole = asked_in_batches(r, buf_str(&text), 0);
    assert_int_equal(r->reader.fields.parsed, (ROWS - 2) * COLUMNS);
    assert_int_equal(r->reader.fields.skipped, 0);
    for (size_t records = 1; records < ROWS; records += 3) {
        struct arena_asked asked = asked_in_batches(r, buf_str(&text), records);
        assert_int_equal(asked.pieces, whole.pieces);
        assert_int_equal(asked.bytes, whole.bytes);
    }
    r->reader.fields = (struct field_count){0, 0};
    r->reader.projection = &root;
    asked_in_batches(r, buf_str(&text), 0);
    assert_int_equal(r->reader.fields.parsed, ROWS - 2);
    assert_int_equal(r->reader.fields.skipped, (ROWS - 2) * (COLUMNS - 1));
    buf_release(&text);
}

struct parsing {
    struct csv_run *run;
    struct loader *loader;
    struct projection *projection;
    size_t failed;
};

static void *parse_on(void *self) {
    struct parsing *p = self;
    struct batch *batch = batch_new();
    struct reader reader;
    reader_init(&reader, p->run->shapes, p->projection);
    batch_clear(batch);
    for (size_t i = 0; i < p->run->batch->items_n; i++) {
        struct item *item = batch_add(batch);
        *item = p->run->batch->items[i];
    }
    load_parse(p->loader, &reader, batch);
    for (size_t i = 0; i < batch->items_n; i++) {
        const struct item *item = &batch->items[i];
        p->failed += item->error || !str_is(value_str(map_get(item->record.map, STR("b"))), "2\"");
    }
    batch_free(batch);
    reader_release(&reader);
    return NULL;
}

static void threads_parse_at_once(void **state) {
    enum { THREADS = 4 };
    struct csv_run *r = *state;
    const struct projection b = {.name = STR("b"), .whole = true};
    const struct projection *const some[] = {&b};
    struct projection root = {.children = some, .n = 1};
    struct parsing parsing[THREADS];
    pthread_t threads[THREADS];
    struct buf text = BUF_INIT;
    buf_add_text(&text, "a,b\n");
    for (int i = 0; i < 500; i++)
        buf_add_text(&text, "1,\"2\"\"\"\n");
    r->source.bytes = buf_str(&text);
    struct loader *loader;
    assert_int_equal(load_open(&r->options, &loader, &r->err), STATUS_OK);
    assert_int_equal(load_pull(loader, r->batch, &r->err), STATUS_OK);
    assert_int_equal(r->batch->items_n, 500);
    for (int i = 0; i < THREADS; i++) {
        parsing[i] = (struct parsing){r, loader, i % 2 ? &root : NULL, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, parse_on, &parsing[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(parsing[i].failed, 0);
    }
    load_close(loader);
    buf_release(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, run_setup, run_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(integers),
        TEST(numbers),
        TEST(booleans),
        TEST(json),
        TEST(json_is_bounded),
        TEST(a_projection_leaves_out_but_checks),
        TEST(records_share_a_shape),
        TEST(many_columns_are_no_trouble),
        TEST(batches_do_not_change_what_is_counted),
        TEST(threads_parse_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
