// SPDX-License-Identifier: MIT
// Loading: what sources may do wrong, and that whatever the size of a batch or a read the records are the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "stages/load/load.h"
#include "tests/support/memory_source.h"

struct run {
    struct memory_source source;
    struct load_options options;
    struct fs fs;
    struct shapes *shapes;
    struct reader reader;
    struct batch *batch;
    // what came of it
    struct buf log; // a line per record: "ordinal line column byte: {name} or error"
    size_t records, failed, batches;
    enum status status;
    struct err err;
};

static int setup(void **state) {
    struct run *r = MEM_NEW(struct run);
    r->fs = memory_source_fs(&r->source);
    r->options = (struct load_options){.fs = &r->fs, .path = "t.jsonl", .name = STR("t.jsonl")};
    r->shapes = shapes_new();
    reader_init(&r->reader, r->shapes, NULL);
    r->batch = batch_new();
    *state = r;
    return 0;
}

static int teardown(void **state) {
    struct run *r = *state;
    batch_free(r->batch);
    reader_release(&r->reader);
    shapes_free(r->shapes);
    buf_release(&r->log);
    mem_free(r);
    return 0;
}

static void log_item(struct run *r, const struct item *item) {
    uint64_t column = item->column ? item->column : 1;
    buf_printf(&r->log, "%d %d:%d @%d ", (int)item->ordinal, (int)item->line, (int)column, (int)item->byte);
    if (item->error) {
        assert_int_equal(item->record.tag, VALUE_MISSING);
        buf_printf(&r->log, "!%u:%u @%d %.*s", item->error->line, item->error->column, (int)item->error_byte,
                   STR_ARG(item->error->message));
        r->failed++;
    } else {
        assert_int_equal(item->record.tag, VALUE_MAP);
        struct value n = map_get(item->record.map, STR("n"));
        if (n.tag == VALUE_INT)
            buf_printf(&r->log, "n=%d", (int)n.i);
        else
            buf_printf(&r->log, "%d bytes", (int)item->raw.n);
    }
    buf_add_char(&r->log, '\n');
    r->records++;
}

static void load_batches(struct run *r, struct loader *loader) {
    for (;;) {
        batch_clear(r->batch);
        r->err.status = STATUS_OK;
        r->status = load_pull(loader, r->batch, &r->err);
        if (r->status != STATUS_OK || r->batch->items_n == 0)
            break;
        load_parse(loader, &r->reader, r->batch);
        for (size_t i = 0; i < r->batch->items_n; i++)
            log_item(r, &r->batch->items[i]);
        r->batches++;
    }
    struct err again; // an error stays, and so does the end
    batch_clear(r->batch);
    assert_int_equal(load_pull(loader, r->batch, &again), r->status);
    assert_int_equal(r->batch->items_n, 0);
}

// Loads the whole source; returns what came of it, followed by the source's error where there was one.
static const char *load(struct run *r, struct str bytes) {
    memory_source_put(&r->source, bytes);
    buf_clear(&r->log);
    r->records = r->failed = r->batches = 0;
    struct loader *loader = NULL;
    r->status = load_open(&r->options, &loader, &r->err);
    if (r->status == STATUS_OK) {
        assert_int_equal(load_bytes_total(loader), bytes.n);
        load_batches(r, loader);
        if (r->status == STATUS_OK)
            assert_int_equal(load_bytes_read(loader), bytes.n);
        load_close(loader);
    }
    assert_int_equal(r->source.opens, r->source.closes);
    if (r->status != STATUS_OK)
        buf_printf(&r->log, "%s\n", r->err.text);
    return buf_text(&r->log);
}

// The same whatever the sizes of batches and reads.
static void expect(struct run *r, struct str bytes, const char *want) {
    const size_t sizes[] = {0, 1, 2, 3, 7, 16, 64};
    for (size_t b = 0; b < sizeof sizes / sizeof *sizes; b++) {
        for (size_t p = 0; p < sizeof sizes / sizeof *sizes; p++) {
            for (size_t records = 0; records <= 2; records++) {
                r->options.batch_bytes = sizes[b];
                r->options.batch_records = records;
                r->source.piece = sizes[p];
                const char *got = load(r, bytes);
                if (strcmp(got, want) != 0)
                    fail_msg("batches of %zu bytes, %zu records, reads of %zu:\n%s\nnot\n%s", sizes[b],
                             records, sizes[p], got, want);
            }
        }
    }
    r->options.batch_bytes = r->options.batch_records = r->source.piece = 0;
}

static void use(struct run *r, const char *path, const char *pointer) {
    r->options.path = path;
    r->options.name = str_of(path);
    r->options.pointer = str_of(pointer);
}

static struct buf pack(struct str bytes) {
    struct buf packed = BUF_INIT;
    buf_reserve(&packed, ZSTD_compressBound(bytes.n));
    packed.n = ZSTD_compress(packed.p, packed.cap, bytes.p, bytes.n, 1);
    assert_false(ZSTD_isError(packed.n));
    return packed;
}

// JSON lines ---------------------------------------------------------------------------------------------------

static void a_bad_line_costs_one_record(void **state) {
    struct run *r = *state;
    expect(r,
           STR("{\"n\":1}\n{\"n\":}\n[1]\n{\"n\":\"\xFF\"}\n{\"n\":\"\0\"}\n{\"n\" 2}\n\"\xC3\xA9\" "
               "x\n{\"n\":\"abc\n"
               "{\"n\":8}\n"),
           "0 1:1 @0 n=1\n"
           "1 2:1 @8 !2:6 @13 expected a value\n"
           "2 3:1 @15 !3:1 @15 a record must be a JSON object\n"
           "3 4:1 @19 !4:7 @25 invalid UTF-8 in a string\n"
           "4 5:1 @29 !5:7 @35 control character in a string\n"
           "5 6:1 @39 !6:6 @44 expected ':' after the key\n"
           "6 7:1 @47 !7:5 @52 expected nothing more after the value\n"
           "7 8:1 @54 !8:6 @59 a string must be closed, but the text ends before\n"
           "8 9:1 @64 n=8\n");
}

static void odd_lines(void **state) {
    struct run *r = *state;
    expect(r, STR(""), "");
    expect(r, STR("\n"), "");
    expect(r, STR("\n\r\n \t\n"), "");
    expect(r, STR("\xEF\xBB\xBF"), "");
    expect(r, STR("\xEF\xBB\xBF\n"), "");
    expect(r, STR("{\"n\":1}"), "0 1:1 @0 n=1\n");
    expect(r, STR("{\"n\":1}\r\n\r\n{\"n\":2}\r\n"), "0 1:1 @0 n=1\n1 3:1 @11 n=2\n");
    expect(r, STR("\n \n{\"n\":1}\n\n\n{\"n\":2}\n \n"), "0 3:1 @3 n=1\n1 6:1 @13 n=2\n");
    expect(r, STR("\xEF\xBB\xBF{\"n\":1}\n{\"n\":x}\n"),
           "0 1:1 @3 n=1\n1 2:1 @11 !2:6 @16 expected a value\n"); // bytes count the mark, columns do not
    expect(r, STR("{\"n\":1}\n{\"n\":2"),
           "0 1:1 @0 n=1\n1 2:1 @8 !2:7 @14 expected ',' or '}' after the value\n");
    expect(r, STR("{\"n\":1}\n  {\"n\":2}  \n\xEF\xBB\xBF{}\n"),
           "0 1:1 @0 n=1\n1 2:1 @8 n=2\n2 3:1 @20 !3:1 @20 expected a value\n");
}

static void a_long_line_costs_one_record(void **state) {
    struct run *r = *state;
    r->options.record_bytes = 10;
    expect(r, STR("{\"n\":1234}\n{\"n\":12345}\n{\"n\":1}\n"),
           "0 1:1 @0 n=1234\n"
           "1 2:1 @11 !2:1 @11 the record is longer than 10 bytes (limits: record_bytes)\n"
           "2 3:1 @23 n=1\n");
    expect(r, STR("{\"n\":1234}\r\n{\"n\":1234} \r\n          \n{\"n\":1234}"),
           "0 1:1 @0 n=1234\n"
           "1 2:1 @12 !2:1 @12 the record is longer than 10 bytes (limits: record_bytes)\n"
           "2 4:1 @36 n=1234\n");
    struct buf text = BUF_INIT; // the source ends within the long line
    for (int i = 0; i < 500; i++)
        buf_add_text(&text, "xxxx");
    expect(r, buf_str(&text), "0 1:1 @0 !1:1 @0 the record is longer than 10 bytes (limits: record_bytes)\n");
    buf_add_text(&text, "\n{\"n\":5}");
    expect(r, buf_str(&text),
           "0 1:1 @0 !1:1 @0 the record is longer than 10 bytes (limits: record_bytes)\n1 2:1 @2001 n=5\n");
    buf_release(&text);
}

static void memory_is_bounded_by_the_limit(void **state) {
    struct run *r = *state;
    struct buf text = BUF_INIT;
    buf_reserve(&text, 100 << 20);
    memset(text.p, 'x', 100 << 20);
    text.n = 100 << 20;
    buf_add_text(&text, "\n{\"n\":2}\n");
    r->options.record_bytes = 1 << 20;
    r->source.bytes = buf_str(&text);
    struct loader *loader;
    assert_int_equal(load_open(&r->options, &loader, &r->err), STATUS_OK);
    assert_int_equal(load_pull(loader, r->batch, &r->err), STATUS_OK);
    assert_int_equal(r->batch->items_n, 1);
    assert_non_null(r->batch->items[0].error);
    assert_true(r->batch->bytes_cap <= 4 << 20);
    batch_clear(r->batch);
    assert_int_equal(load_pull(loader, r->batch, &r->err), STATUS_OK);
    assert_int_equal(r->batch->items_n, 1);
    assert_int_equal(r->batch->items[0].byte, (100 << 20) + 1);
    load_close(loader);
    buf_release(&text);
}

// Six megabytes of empty lists would be a hundred megabytes of values.
static void values_of_a_record_are_bounded(void **state) {
    struct run *r = *state;
    struct buf text = BUF_INIT;
    buf_add_text(&text, "{\"name\":1}\n{\"b\":[[]");
    for (int i = 0; i < 2000000; i++)
        buf_add_text(&text, ",[]");
    buf_add_text(&text, "]}\n{\"name\":3}\n");
    r->source.bytes = buf_str(&text);
    r->options.record_bytes = 8 << 20;
    struct loader *loader;
    size_t fine = 0, failed = 0;
    assert_int_equal(load_open(&r->options, &loader, &r->err), STATUS_OK);
    while (load_pull(loader, r->batch, &r->err) == STATUS_OK && r->batch->items_n > 0) {
        load_parse(loader, &r->reader, r->batch);
        for (size_t i = 0; i < r->batch->items_n; i++) {
            const struct diag *error = r->batch->items[i].error;
            fine += !error;
            failed +=
                error && str_starts(error->message, STR("the values of the record need too much memory"));
        }
        batch_clear(r->batch);
    }
    assert_int_equal(fine, 2);
    assert_int_equal(failed, 1);
    load_close(loader);
    buf_release(&text);
}

static void a_large_record_below_the_limit_is_fine(void **state) {
    struct run *r = *state;
    struct buf text = BUF_INIT;
    buf_add_text(&text, "{\"n\":1}\n{\"s\":\"");
    for (int i = 0; i < 1 << 20; i++)
        buf_add_text(&text, "xxxx");
    buf_add_text(&text, "\"}\n{\"n\":3}\n");
    char want[100];
    snprintf(want, sizeof want, "0 1:1 @0 n=1\n1 2:1 @8 %d bytes\n2 3:1 @%d n=3\n", (4 << 20) + 8,
             (4 << 20) + 17);
    assert_string_equal(load(r, buf_str(&text)), want);
    buf_release(&text);
}

static void batches_end_where_they_should(void **state) {
    struct run *r = *state;
    struct buf text = BUF_INIT;
    for (int i = 0; i < 10000; i++)
        buf_printf(&text, "{\"n\":%d}\n", i);
    r->options.batch_records = 100;
    load(r, buf_str(&text));
    assert_int_equal(r->records, 10000);
    assert_int_equal(r->batches, 100);
    r->options.batch_records = 0;
    r->options.batch_bytes = 1000;
    load(r, buf_str(&text));
    assert_int_equal(r->records, 10000);
    assert_true(r->batches > 100 && r->batches < 200);
    buf_release(&text);
}

// JSON documents -----------------------------------------------------------------------------------------------

static void elements_are_records(void **state) {
    struct run *r = *state;
    use(r, "t.json", NULL);
    expect(r, STR("[]"), "");
    expect(r, STR(" [ ] \n"), "");
    expect(r, STR("\xEF\xBB\xBF[{\"n\":1}]"), "0 1:2 @4 n=1\n");
    expect(r, STR("[{\"n\":1},{\"n\":2}]"), "0 1:2 @1 n=1\n1 1:10 @9 n=2\n");
    expect(r, STR("[\n  {\"n\":1},\n\n  {\n    \"n\" : 2\n  }\n]\n"), "0 2:3 @4 n=1\n1 4:3 @16 n=2\n");
    expect(r, STR("[{\"n\":1,\"s\":\"]},{[\\\"\\\\\"},{\"n\":2,\"o\":[[{}],[]]} ]"),
           "0 1:2 @1 n=1\n1 1:26 @25 n=2\n");
}

static void a_broken_element_costs_one_record(void **state) {
    struct run *r = *state;
    use(r, "t.json", NULL);
    expect(r,
           STR("[{\"n\":1},\n {\"n\":},{\"n\":\n  nul}, 7, {\"n\":1} {\"n\":2}, 1\0, {\"\xC3\xA9\":\"\n\"},\n"
               "{\"n\":9}]"),
           "0 1:2 @1 n=1\n"
           "1 2:2 @11 !2:7 @16 expected a value\n"
           "2 2:9 @18 !3:3 @26 expected a value\n"
           "3 3:9 @32 !3:9 @32 a record must be a JSON object\n"
           "4 3:12 @35 !3:20 @43 expected nothing more after the value\n"
           "5 3:29 @52 !3:30 @53 expected nothing more after the value\n"
           "6 3:33 @56 !3:39 @63 control character in a string\n"
           "7 5:1 @68 n=9\n");
    r->options.record_bytes = 10;
    expect(r, STR("[{\"n\":12345678},{\"n\":2},\n[[[[[[[[[[]]]]]]]]]],{\"n\":3}]"),
           "0 1:2 @1 !1:2 @1 the record is longer than 10 bytes (limits: record_bytes)\n"
           "1 1:17 @16 n=2\n"
           "2 2:1 @25 !2:1 @25 the record is longer than 10 bytes (limits: record_bytes)\n"
           "3 2:22 @46 n=3\n");
}

static void a_broken_outline_ends_the_source(void **state) {
    struct run *r = *state;
    use(r, "t.json", NULL);
    expect(r, STR(""), "t.json:1:1: expected an array of records, but the document ends here\n");
    expect(r, STR(" \n7"), "t.json:2:1: expected an array of records, found '7'\n");
    expect(r, STR("[{\"n\":1},"),
           "0 1:2 @1 n=1\nt.json:1:10: expected a record, but the document ends here\n");
    expect(r, STR("[{\"n\":1}"),
           "0 1:2 @1 n=1\nt.json:1:9: expected ',' or ']', but the document ends here\n");
    expect(r, STR("[{\"n\":1},{\"n\":2"),
           "0 1:2 @1 n=1\nt.json:1:16: expected a closing bracket, but the document ends here\n");
    expect(r, STR("[{\"n\":1},{\"n\":\"2]"),
           "0 1:2 @1 n=1\nt.json:1:18: expected the end of a string, but the document ends here\n");
    expect(r, STR("[{\"n\":1},]"), "0 1:2 @1 n=1\nt.json:1:10: expected a record, found ']'\n");
    expect(r, STR("[,{}]"), "t.json:1:2: expected a record or ']', found ','\n");
    expect(r, STR("[{\"n\":1}}"), "0 1:2 @1 n=1\nt.json:1:9: expected ',' or ']', found '}'\n");
    expect(r, STR("[{\"n\":1},{\"n\":[2}]"), "0 1:2 @1 n=1\nt.json:1:17: expected ']', found '}'\n");
    expect(r, STR("[{\"n\":1},\n{\"n\":{2]}]"), "0 1:2 @1 n=1\nt.json:2:8: expected '}', found ']'\n");
    expect(r, STR("[{\"n\":1}] x"),
           "0 1:2 @1 n=1\nt.json:1:11: expected the end of the document, found 'x'\n");
    expect(r, STR("[{\"n\":1}]\n[{\"n\":2}]"),
           "0 1:2 @1 n=1\nt.json:2:1: expected the end of the document, found '['\n");
    expect(r, STR("{\"a\":[]}"),
           "t.json:1:1: expected an array of records (where it lies deeper, `pointer` says "
           "where), found '{'\n");
}

// Elements full of quotes, backslashes and brackets, where 64 bytes at a time must see what single bytes see.
static void long_elements_end_where_short_steps_say(void **state) {
    struct run *r = *state;
    static const char *const parts[] = {"\\\\", "\\\"", "\\n", "[", "]",
                                        "{",    "}",    ",",   "x", "yyyyyyyyyyyyyyyyyyyyyyyyy"};
    uint64_t seed = 7;
    use(r, "t.json", NULL);
    for (int round = 0; round < 300; round++) {
        struct buf text = BUF_INIT, want = BUF_INIT;
        buf_add_char(&text, '[');
        for (int n = 0; n < 5; n++) {
            size_t from = text.n;
            if (n)
                from++, buf_add_char(&text, ',');
            buf_printf(&text, "{\"n\":%d,\"s\":[[{\"k\":\"", n);
            for (int i = 0; i < 60; i++) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                buf_add_text(&text, parts[(seed >> 33) % 10]);
                if ((seed >> 20) % 8 == 0)
                    buf_add_text(&text, "\"},{\"k\":\"");
            }
            buf_add_text(&text, "\"}]]}");
            buf_printf(&want, "%d 1:%zu @%zu n=%d\n", n, from + 1, from, n);
        }
        buf_add_char(&text, ']');
        for (r->source.piece = 0; r->source.piece <= 1; r->source.piece++)
            assert_string_equal(load(r, buf_str(&text)), buf_text(&want));
        buf_release(&text);
        buf_release(&want);
    }
}

static void pointers_lead_to_arrays(void **state) {
    struct run *r = *state;
    const struct str text =
        STR("{\"skip\":{\"a\":[1,\"]\"]},\"a\":[{\"b\\u002f~\":{\"\":[{\"n\":1},{\"n\":2}],\"z\":0},"
            "\"x\":1}, [ [], [{\"n\":3}] ] ],\"e\":7}\n");
    use(r, "t.json", "/a/0/b~1~0/");
    expect(r, text, "0 1:45 @44 n=1\n1 1:53 @52 n=2\n");
    use(r, "t.json", "/a/1/1");
    expect(r, text, "0 1:84 @83 n=3\n");
    use(r, "t.json", "/a/1/0");
    expect(r, text, "");
    use(r, "t.json", "/skip");
    expect(r, text, "t.json:1:9: expected an array of records at the pointer, found '{'\n");
    use(r, "t.json", "/e");
    expect(r, text, "t.json:1:101: expected an array of records, found '7'\n");
    use(r, "t.json", "/none");
    expect(r, text, "t.json: the document has nothing at the pointer \"/none\"\n");
    use(r, "t.json", "/e/x");
    expect(r, text, "t.json: the document has nothing at the pointer \"/e/x\"\n");
    use(r, "t.json", "/a/2/x");
    expect(r, text, "t.json: the document has nothing at the pointer \"/a/2\"\n");
    const char *const no_index[] = {
        "/a/x", "/a/01", "/a/-1", "/a/+1", "/a/-", "/a/", "/a/99999999999999999999"};
    for (size_t i = 0; i < sizeof no_index / sizeof *no_index; i++) {
        char want[200];
        use(r, "t.json", no_index[i]);
        snprintf(want, sizeof want,
                 "t.json: the pointer \"%s\" names a key where the document has an array\n", no_index[i]);
        expect(r, text, want);
    }
}

static void what_stands_around_the_array(void **state) {
    struct run *r = *state;
    use(r, "t.json", "/a");
    expect(r, STR("{}"), "t.json: the document has nothing at the pointer \"/a\"\n");
    expect(r, STR("{\"b\":1"), "t.json:1:7: expected ',' or '}', but the document ends here\n");
    expect(r, STR("{1:2}"), "t.json:1:2: expected a key in double quotes, found '1'\n");
    expect(r, STR("{\"b\" 2}"), "t.json:1:6: expected ':' after the key, found '2'\n");
    expect(r, STR("{\"b"), "t.json:1:4: expected the end of a key, but the document ends here\n");
    expect(r, STR("{\"\\x\":1,\"a\":[{\"n\":1}]}"), "0 1:14 @13 n=1\n");
    expect(r, STR("{\"a\":[{\"n\":1}]"),
           "0 1:7 @6 n=1\nt.json:1:15: expected ',' or '}', but the document ends here\n");
    expect(r, STR("{\"a\":[{\"n\":1}]]"), "0 1:7 @6 n=1\nt.json:1:15: expected ',' or '}', found ']'\n");
    expect(r, STR("{\"a\":[{\"n\":1}],\"b\":[2}}"), "0 1:7 @6 n=1\nt.json:1:22: expected ']', found '}'\n");
    expect(r, STR("{\"a\":[{\"n\":1}],\"b\":[2]} 3"),
           "0 1:7 @6 n=1\nt.json:1:25: expected the end of the document, found '3'\n");
}

static void bad_pointers_are_refused_at_once(void **state) {
    struct run *r = *state;
    use(r, "t.json", "a");
    assert_string_equal(load(r, STR("[]")), "t.json: the JSON pointer \"a\" must begin with '/'\n");
    use(r, "t.json", "/~2");
    assert_string_equal(load(r, STR("[]")), "t.json: in the JSON pointer \"/~2\" a '~' must be ~0 or ~1\n");
    use(r, "t.json", "/a~");
    assert_string_equal(load(r, STR("[]")), "t.json: in the JSON pointer \"/a~\" a '~' must be ~0 or ~1\n");
    use(r, "t.jsonl", "/a");
    load(r, STR("{}"));
    assert_int_equal(r->status, STATUS_DATA);
}

static void deep_elements(void **state) {
    struct run *r = *state;
    use(r, "t.json", NULL);
    struct buf text = BUF_INIT;
    buf_add_char(&text, '[');
    for (int i = 0; i < 2000; i++)
        buf_add_text(&text, "{\"a\":");
    buf_add_char(&text, '1');
    for (int i = 0; i < 2000; i++)
        buf_add_char(&text, '}');
    buf_add_text(&text, ",{\"n\":2}]");
    assert_non_null(strstr(load(r, buf_str(&text)), "@2561 nested too deeply\n1 1:12004 @12003 n=2\n"));
    buf_release(&text);
}

// Compressed ---------------------------------------------------------------------------------------------------

static struct buf many_records(int n) {
    struct buf text = BUF_INIT;
    for (int i = 0; i < n; i++)
        buf_printf(&text, "{\"n\":%d}\n", i);
    return text;
}

static void compressed_is_the_same(void **state) {
    struct run *r = *state;
    struct buf plain = many_records(3000);
    char *want = strdup(load(r, buf_str(&plain)));
    assert_int_equal(r->records, 3000);
    struct buf packed = pack(buf_str(&plain));
    use(r, "t.jsonl.zst", NULL);
    const size_t sizes[] = {0, 1, 5, 1000};
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < 4; k++) {
            r->options.batch_bytes = sizes[i];
            r->source.piece = sizes[k];
            assert_string_equal(load(r, buf_str(&packed)), want);
        }
    }
    free(want);
    buf_release(&plain);
    buf_release(&packed);
}

static void frames_follow_each_other(void **state) {
    struct run *r = *state;
    use(r, "t.jsonl.zst", NULL);
    struct buf one = pack(STR("{\"n\":1}\n{\"n\"")), two = pack(STR(":2}\n{\"n\":3}\n")),
               none = pack(STR(""));
    struct buf all = BUF_INIT;
    buf_add_str(&all, buf_str(&none));
    buf_add_str(&all, buf_str(&one));
    buf_add_str(&all, buf_str(&none));
    buf_add_str(&all, buf_str(&two));
    expect(r, buf_str(&all), "0 1:1 @0 n=1\n1 2:1 @8 n=2\n2 3:1 @16 n=3\n");
    buf_add_text(&all, "no frame");
    expect(r, buf_str(&all),
           "0 1:1 @0 n=1\n1 2:1 @8 n=2\n2 3:1 @16 n=3\nt.jsonl.zst is damaged: Unknown frame descriptor\n");
    expect(r, STR(""), "");
    expect(r, STR("{\"n\":1}\n"), "t.jsonl.zst is damaged: Unknown frame descriptor\n");
    buf_release(&one);
    buf_release(&two);
    buf_release(&none);
    buf_release(&all);
}

static void a_cut_or_damaged_source_ends_after_its_records(void **state) {
    struct run *r = *state;
    struct buf plain = BUF_INIT;
    uint64_t seed = 1;
    for (int i = 0; i < 40000; i++) { // several blocks that do not compress to nothing
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        buf_printf(&plain, "{\"n\":%d,\"x\":\"%llx\"}\n", i, (unsigned long long)seed);
    }
    struct buf packed = pack(buf_str(&plain));
    use(r, "t.jsonl.zst", NULL);
    size_t before = 0;
    for (size_t tenth = 1; tenth < 10; tenth++) {
        load(r, str_slice(buf_str(&packed), 0, packed.n * tenth / 10));
        assert_int_equal(r->status, STATUS_DATA);
        assert_non_null(strstr(r->err.text, "t.jsonl.zst is truncated"));
        assert_true(r->records >= before && r->failed == 0);
        before = r->records;
    }
    assert_true(before > 30000);
    packed.p[packed.n / 2] = (char)(packed.p[packed.n / 2] ^ 0x55);
    load(r, buf_str(&packed)); // there is no checksum, so it may also come out as bad records
    assert_true(r->status == STATUS_DATA || r->failed > 0 || r->records == 40000);
    load(r, str_slice(buf_str(&packed), 0, packed.n - 1));
    assert_int_equal(r->status, STATUS_DATA);
    buf_release(&plain);
    buf_release(&packed);
}

static void compressed_documents(void **state) {
    struct run *r = *state;
    use(r, "t.json.zst", "/r");
    struct buf packed = pack(STR("\xEF\xBB\xBF{\"r\":[{\"n\":1},{\"n\":2}]}"));
    expect(r, buf_str(&packed), "0 1:7 @9 n=1\n1 1:15 @17 n=2\n");
    expect(r, str_slice(buf_str(&packed), 0, packed.n - 4),
           "0 1:7 @9 n=1\nt.json.zst is truncated: its last zstd frame is not complete\n");
    buf_release(&packed);
}

// The outside world --------------------------------------------------------------------------------------------

// Every call fails once. What was whole before is delivered, and then the source says why it ended.
static void any_call_may_fail(void **state) {
    struct run *r = *state;
    const struct str text = STR("{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    struct buf packed = pack(text), document = pack(STR("[{\"n\":1},{\"n\":2},{\"n\":3}]"));
    const struct {
        const char *path;
        struct str bytes;
    } sources[] = {
        {"t.jsonl", text},
        {"t.json", STR("[{\"n\":1},{\"n\":2},{\"n\":3}]")},
        {"t.jsonl.zst", buf_str(&packed)},
        {"t.json.zst", buf_str(&document)},
    };
    for (size_t i = 0; i < 4; i++) {
        use(r, sources[i].path, NULL);
        r->source.piece = 5;
        r->source.fail_at = 0;
        load(r, sources[i].bytes);
        assert_int_equal(r->status, STATUS_OK);
        int calls = r->source.calls;
        size_t most = 0;
        assert_true(calls > 6);
        for (int n = 1; n <= calls; n++) {
            r->source.fail_at = n;
            load(r, sources[i].bytes);
            assert_int_equal(r->status, STATUS_IO);
            assert_int_equal(r->err.os, n == 1 ? EACCES : EIO);
            assert_non_null(strstr(r->err.text, sources[i].path));
            assert_int_equal(r->failed, 0);
            assert_true(r->records >= most);
            most = r->records;
        }
        assert_int_equal(most, 3);
    }
    buf_release(&packed);
    buf_release(&document);
}

// More whole lines than a batch takes are waiting when the read fails: they come first all the same.
static void lines_that_wait_are_not_lost(void **state) {
    struct run *r = *state;
    struct buf text = many_records(100);
    r->options.batch_records = 3;
    r->source.piece = 400;
    r->source.fail_at = 6; // open, stat, and a few reads
    load(r, buf_str(&text));
    assert_int_equal(r->status, STATUS_IO);
    assert_true(r->records >= 80 && r->failed == 0);
    buf_release(&text);
}

static void interrupted_reads_go_on(void **state) {
    struct run *r = *state;
    r->source.interrupt = true;
    expect(r, STR("{\"n\":1}\n{\"n\":2}\n"), "0 1:1 @0 n=1\n1 2:1 @8 n=2\n");
}

static void a_source_must_not_change(void **state) {
    struct run *r = *state;
    r->source.change_at = 10;
    expect(r, STR("{\"n\":1}\n{\"n\":2}\n"),
           "0 1:1 @0 n=1\n1 2:1 @8 n=2\nt.jsonl changed while it was read\n");
    use(r, "t.json", NULL);
    load(r, STR("[{\"n\":1},{\"n\":2}]"));
    assert_int_equal(r->records, 2);
    assert_string_equal(r->err.text, "t.json changed while it was read");
}

static void formats_are_known_by_name(void **state) {
    struct run *r = *state;
    const char *const paths[] = {"a.jsonl", "a.ndjson", "a.jsonl.zst", "a.json", "a.json.zst"};
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(load_format_for(str_of(paths[i]))->name, i < 3 ? "jsonl" : "json");
    assert_null(load_format_for(STR("a.txt")));
    assert_null(load_format_for(STR("jsonl")));
    assert_null(load_format_for(STR("a.zst")));
    assert_null(load_format_named(STR("JSON")));
    assert_ptr_equal(load_format_named(STR("json")), load_format_for(STR("x.json")));
    use(r, "a.txt", NULL);
    load(r, STR(""));
    assert_int_equal(r->status, STATUS_DATA);
    r->options.format = STR("json");
    assert_string_equal(load(r, STR("[{\"n\":1}]")), "0 1:2 @1 n=1\n");
    r->options.format = STR("yaml");
    load(r, STR(""));
    assert_int_equal(r->status, STATUS_DATA);
}

static void real_files(void **state) {
    struct run *r = *state;
    struct fs fs = fs_system();
    struct loader *loader;
    r->options.fs = &fs;
    use(r, "/nowhere/t.jsonl", NULL);
    assert_int_equal(load_open(&r->options, &loader, &r->err), STATUS_IO);
    assert_string_equal(r->err.text, "cannot open /nowhere/t.jsonl: No such file or directory");
    use(r, "/tmp", NULL);
    r->options.format = STR("jsonl");
    assert_int_equal(load_open(&r->options, &loader, &r->err), STATUS_DATA);
    assert_string_equal(r->err.text, "/tmp is a directory");
}

static void standard_input(void **state) {
    struct run *r = *state;
    struct fs fs = fs_system();
    struct loader *loader;
    int fds[2], kept = dup(STDIN_FILENO);
    const char text[] = "\xEF\xBB\xBF{\"n\":1}\n";
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], text, sizeof text - 1), sizeof text - 1);
    close(fds[1]);
    dup2(fds[0], STDIN_FILENO);
    close(fds[0]);
    r->options = (struct load_options){.fs = &fs, .path = "-", .name = STR("<stdin>")};
    assert_int_equal(load_open(&r->options, &loader, &r->err), STATUS_OK);
    load_batches(r, loader);
    assert_int_equal(load_bytes_total(loader), 0);
    assert_int_equal(load_bytes_read(loader), sizeof text - 1);
    load_close(loader);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); // not ours to close
    dup2(kept, STDIN_FILENO);
    close(kept);
    assert_string_equal(buf_text(&r->log), "0 1:1 @3 n=1\n");
}

// A fault's diag shows the record's line in the source, wherever in the document that is.
static void faults_show_the_line(void **state) {
    struct run *r = *state;
    struct loader *loader;
    r->source.bytes = STR("{\"n\":1}\n\n{\"name\": nil}\n");
    assert_int_equal(load_open(&r->options, &loader, &r->err), STATUS_OK);
    assert_int_equal(load_pull(loader, r->batch, &r->err), STATUS_OK);
    load_parse(loader, &r->reader, r->batch);
    struct buf out = BUF_INIT;
    diag_write(r->batch->items[1].error, false, &out);
    assert_string_equal(buf_text(&out), "t.jsonl:3:10: error: expected a value\n"
                                        "    3 | {\"name\": nil}\n"
                                        "      |          ^\n");
    buf_release(&out);
    load_close(loader);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_bad_line_costs_one_record),
        TEST(odd_lines),
        TEST(a_long_line_costs_one_record),
        TEST(memory_is_bounded_by_the_limit),
        TEST(values_of_a_record_are_bounded),
        TEST(a_large_record_below_the_limit_is_fine),
        TEST(batches_end_where_they_should),
        TEST(elements_are_records),
        TEST(a_broken_element_costs_one_record),
        TEST(a_broken_outline_ends_the_source),
        TEST(long_elements_end_where_short_steps_say),
        TEST(pointers_lead_to_arrays),
        TEST(what_stands_around_the_array),
        TEST(bad_pointers_are_refused_at_once),
        TEST(deep_elements),
        TEST(compressed_is_the_same),
        TEST(frames_follow_each_other),
        TEST(a_cut_or_damaged_source_ends_after_its_records),
        TEST(compressed_documents),
        TEST(any_call_may_fail),
        TEST(lines_that_wait_are_not_lost),
        TEST(interrupted_reads_go_on),
        TEST(a_source_must_not_change),
        TEST(formats_are_known_by_name),
        TEST(real_files),
        TEST(standard_input),
        TEST(faults_show_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
