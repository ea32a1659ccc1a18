// SPDX-License-Identifier: MIT
// The bulk reader: what it refuses and where it says so, what it makes of the rest.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "stages/record/reader.h"

struct bench {
    struct shapes *shapes;
    struct reader reader;
    struct arena arena;
    struct value value;
};

static int setup(void **state) {
    struct bench *b = MEM_NEW(struct bench);
    b->shapes = shapes_new();
    reader_init(&b->reader, b->shapes, NULL);
    *state = b;
    return 0;
}

static int teardown(void **state) {
    struct bench *b = *state;
    reader_release(&b->reader);
    arena_release(&b->arena);
    shapes_free(b->shapes);
    mem_free(b);
    return 0;
}

// Every text is read from a block of exactly its size, so that sanitizers see a read beyond its end.
static enum status read_text(struct bench *b, struct str text) {
    char *exact = malloc(text.n ? text.n : 1);
    if (text.n)
        memcpy(exact, text.p, text.n);
    struct value raw;
    enum status status = reader_parse(&b->reader, (struct str){exact, text.n}, &b->arena, &raw);
    if (status == STATUS_OK)
        assert_true(value_copy(&b->arena, raw, &b->value));
    else
        assert_int_equal(raw.tag, VALUE_MISSING);
    free(exact);
    return status;
}

static void refuse(struct bench *b, struct str text, size_t at, const char *words) {
    if (read_text(b, text) != STATUS_DATA)
        fail_msg("accepted: %.*s", STR_ARG(text));
    if (b->reader.fault_at != at || !strstr(b->reader.fault, words))
        fail_msg("%.*s: at %zu: %s", STR_ARG(text), b->reader.fault_at, b->reader.fault);
}

static struct value accept(struct bench *b, struct str text) {
    if (read_text(b, text) != STATUS_OK)
        fail_msg("refused: %.*s: at %zu: %s", STR_ARG(text), b->reader.fault_at, b->reader.fault);
    return b->value;
}

#define REFUSE(b, text, at, words) refuse((b), STR(text), (at), (words))
#define ACCEPT(b, text)            accept((b), STR(text))

static void faults_are_placed_and_named(void **state) {
    struct bench *b = *state;
    ACCEPT(b, "{}"); // the first of all: nothing was ever pushed
    ACCEPT(b, "[]");
    REFUSE(b, "", 0, "expected a value");
    REFUSE(b, "  ", 2, "text ends here");
    REFUSE(b, "nul", 0, "expected a value");
    REFUSE(b, "truex", 4, "nothing more");
    REFUSE(b, "1 2", 2, "nothing more");
    REFUSE(b, "{", 1, "key");
    REFUSE(b, "{\"a\"", 4, "':'");
    REFUSE(b, "{\"a\" 1}", 5, "':'");
    REFUSE(b, "{\"a\":", 5, "expected a value");
    REFUSE(b, "{\"a\":1", 6, "',' or '}'");
    REFUSE(b, "{\"a\":1 \"b\":2}", 7, "',' or '}'");
    REFUSE(b, "{\"a\":1,}", 7, "key");
    REFUSE(b, "{a:1}", 1, "key");
    REFUSE(b, "[1", 2, "',' or ']'");
    REFUSE(b, "[1,]", 3, "expected a value");
    REFUSE(b, "[1 2]", 3, "',' or ']'");
    REFUSE(b, "[1}", 2, "',' or ']'");
    REFUSE(b, "\"abc", 0, "closed");
    REFUSE(b, "\"abcdefghijklmnopqrstuvwxyz", 0, "closed");
    REFUSE(b, "\"a\tb\"", 2, "control character");
    REFUSE(b, "\"abcdefghijklmnopqrst\nuvwxyz\"", 21, "control character");
    REFUSE(b, "\"a\0b\"", 2, "control character");
    REFUSE(b, "\"\\x\"", 1, "escape");
    REFUSE(b, "\"\\", 1, "closed");
    REFUSE(b, "\"\\u12\"", 1, "hexadecimal");
    REFUSE(b, "\"\\u12", 1, "hexadecimal");
    REFUSE(b, "\"\\ud800\"", 1, "surrogate");
    REFUSE(b, "\"\\ud800\\n\"", 1, "surrogate");
    REFUSE(b, "\"\\ud800\\ud800\"", 1, "surrogate");
    REFUSE(b, "\"\\udc00\"", 1, "surrogate");
    REFUSE(b, "[\"ok\",\"ab\xFF\"]", 9, "UTF-8");
    REFUSE(b, "{\"\xC3\":1}", 2, "UTF-8");
    REFUSE(b, "\xEF\xBB\xBF{}", 0, "expected a value"); // a mark belongs to documents, not to values
    REFUSE(b, "01", 0, "begin with 0");
    REFUSE(b, "-", 1, "digit");
    REFUSE(b, "-a", 1, "digit");
    REFUSE(b, "1.", 2, "digit");
    REFUSE(b, "1.e5", 2, "digit");
    REFUSE(b, "1e", 2, "digit");
    REFUSE(b, "1e+", 3, "digit");
    REFUSE(b, "[1e400]", 1, "too large");
    REFUSE(b, "[-1e400]", 1, "too large");
}

static void odd_numbers(void **state) {
    struct bench *b = *state;
    struct value v = ACCEPT(b, "-0");
    assert_true(v.tag == VALUE_INT && v.i == 0);
    v = ACCEPT(b, "-0.0");
    assert_true(v.tag == VALUE_FLOAT && v.f == 0 && signbit(v.f));
    v = ACCEPT(b, "9223372036854775807");
    assert_true(v.tag == VALUE_INT && v.i == INT64_MAX);
    v = ACCEPT(b, "-9223372036854775808");
    assert_true(v.tag == VALUE_INT && v.i == INT64_MIN);
    v = ACCEPT(b, "9223372036854775808");
    assert_true(v.tag == VALUE_BIG && str_is(value_str(v), "9223372036854775808"));
    v = ACCEPT(b, "-123456789012345678901234567890");
    assert_true(v.tag == VALUE_BIG && str_is(value_str(v), "-123456789012345678901234567890"));
    v = ACCEPT(b, "999999999999999999");
    assert_true(v.tag == VALUE_INT && v.i == 999999999999999999);
    v = ACCEPT(b, "1e2");
    assert_true(v.tag == VALUE_FLOAT && v.f == 100);
    v = ACCEPT(b, "78.1");
    assert_true(v.tag == VALUE_FLOAT && v.f == 78.1);
    v = ACCEPT(b, "0.1000000000000000055511151231257827021181583404541015625");
    assert_true(v.tag == VALUE_FLOAT && v.f == 0.1);
    v = ACCEPT(b, "18446744073709551616.5"); // wraps 64 bits
    assert_true(v.tag == VALUE_FLOAT && v.f == 0x1p64);
    v = ACCEPT(b, "1e-400");
    assert_true(v.tag == VALUE_FLOAT && v.f == 0);
    v = ACCEPT(b, "1.7976931348623157e308");
    assert_true(v.tag == VALUE_FLOAT && v.f == 1.7976931348623157e308);
    v = ACCEPT(b, "0e9999999999");
    assert_true(v.tag == VALUE_FLOAT && v.f == 0);
}

static void strings_and_escapes(void **state) {
    struct bench *b = *state;
    assert_true(str_is(value_str(ACCEPT(b, "\"\"")), ""));
    assert_true(str_is(value_str(ACCEPT(b, "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"")), "\"\\/\b\f\n\r\t"));
    assert_true(str_is(value_str(ACCEPT(b, "\"\\u00e9\\u20AC\\ud83d\\ude00\"")),
                       "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"));
    assert_true(str_equal(value_str(ACCEPT(b, "\"a\\u0000b\"")), STR("a\0b")));
    assert_true(str_is(value_str(ACCEPT(b, "\"\x7F\"")), "\x7F"));
    // Every length and place around the 16 bytes the scanner takes at once.
    for (size_t n = 1; n < 70; n++) {
        for (size_t at = 0; at < n; at++) {
            char raw[100] = "\"", want[100];
            memset(raw + 1, 'x', n);
            memset(want, 'x', n);
            memcpy(raw + 1 + at, "\\n", 2);
            want[at] = '\n';
            size_t size = at + 1 < n ? n : n + 1;
            raw[1 + size] = '"';
            memmove(want + at + 1, want + at + 2, size - at - 2);
            struct value v = accept(b, (struct str){raw, size + 2});
            assert_true(str_equal(value_str(v), (struct str){want, size - 1}));
            raw[1 + at] = (char)0xC3; // then "\xC3n" is not UTF-8
            raw[2 + at] = 'n';
            refuse(b, (struct str){raw, size + 2}, at + 1, "UTF-8");
            arena_clear(&b->arena);
        }
    }
}

static void objects_keep_the_order_and_the_last_value(void **state) {
    struct bench *b = *state;
    struct value v = ACCEPT(b, "{\"a\":1,\"b\":2,\"a\":3,\"c\":4,\"b\":5}");
    assert_int_equal(v.map->shape->n, 3);
    assert_false(v.map->shape->shared);
    const char *const keys[] = {"a", "b", "c"};
    const int64_t values[] = {3, 5, 4};
    for (int i = 0; i < 3; i++) {
        assert_true(str_is(value_str(v.map->shape->keys[i]), keys[i]));
        assert_int_equal(v.map->values[i].i, values[i]);
    }
    v = ACCEPT(b, "{\"\":1,\"\":2}");
    assert_true(v.map->shape->n == 1 && map_get(v.map, STR("")).i == 2);
    v = ACCEPT(b, "{\"a\":{\"x\":1,\"x\":{\"x\":2,\"x\":3}},\"\\u0061\":[{\"b\":1,\"b\":7}]}");
    assert_int_equal(v.map->shape->n, 1);
    assert_int_equal(map_get(map_get(v.map, STR("a")).list->items[0].map, STR("b")).i, 7);
}

// Where a key's text, quotes and all, could pass for other JSON.
static void keys_with_quotes_are_not_guessed(void **state) {
    struct bench *b = *state;
    struct value v = ACCEPT(b, "{\"a\\\":1,\\\"b\":2}");
    assert_true(v.map->shape->n == 1 && map_get(v.map, STR("a\":1,\"b")).i == 2);
    v = ACCEPT(b, "{\"a\":1,\"b\":2}");
    assert_true(v.map->shape->n == 2 && map_get(v.map, STR("b")).i == 2);
    v = ACCEPT(b, "{\"a\\\":1,\\\"b\":2}");
    assert_int_equal(v.map->shape->n, 1);
    for (int i = 0; i < 3; i++) { // known, and written otherwise
        v = ACCEPT(b, "{ \"key\" : 1 , \"a key longer than sixteen bytes\" :2}");
        assert_true(map_get(v.map, STR("key")).i == 1 && v.map->values[1].i == 2);
        v = ACCEPT(b, "{\"key\":1,\"a key longer than sixteen bytes\":2}");
        assert_true(map_get(v.map, STR("key")).i == 1 && v.map->values[1].i == 2);
        v = ACCEPT(b, "{\"k\\u0065y\":1}");
        assert_int_equal(map_get(v.map, STR("key")).i, 1);
        v = ACCEPT(b, "{\"keys\":1}");
        assert_int_equal(map_get(v.map, STR("keys")).i, 1);
    }
}

static void shapes_are_shared(void **state) {
    struct bench *b = *state;
    const struct shape *first = ACCEPT(b, "{\"a\":1,\"b\":[{\"c\":1}]}").map->shape;
    assert_ptr_equal(ACCEPT(b, "{ \"a\" : true, \"b\":null}").map->shape, first);
    assert_ptr_not_equal(ACCEPT(b, "{\"b\":1,\"a\":2}").map->shape, first);
    assert_ptr_equal(ACCEPT(b, "{}").map->shape, ACCEPT(b, "[{}]").list->items[0].map->shape);
}

// Objects of n keys, each key twice, as large as makes quadratic work show.
static void wide_objects(void **state) {
    struct bench *b = *state;
    const int sizes[] = {8, 9, 127, 128, 129, 1000, 100000};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        for (int times = 1; times <= 2; times++) {
            struct buf text = BUF_INIT;
            for (int t = 0; t < times; t++)
                for (int i = 0; i < sizes[k]; i++)
                    buf_printf(&text, "%s\"w%d\":%d", text.n ? "," : "{", i, i + t);
            buf_add_char(&text, '}');
            struct value v = accept(b, buf_str(&text));
            assert_int_equal(v.map->shape->n, sizes[k]);
            assert_int_equal(v.map->shape->shared, times == 1 && sizes[k] <= SHAPE_SHARED_KEYS);
            for (int i = 0; i < sizes[k]; i++) {
                char key[16];
                snprintf(key, sizeof key, "w%d", i);
                struct value got = map_get(v.map, str_of(key));
                assert_true(got.tag == VALUE_INT && got.i == i + times - 1);
                assert_true(v.map->values[i].i == got.i);
            }
            buf_release(&text);
            arena_clear(&b->arena);
        }
    }
}

static void a_full_table_of_shapes_changes_nothing(void **state) {
    struct bench *b = *state;
    for (int i = 0; i < 9 * SHAPES_LIMIT; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"k%d\":{\"n\":%d},\"z\":1}", i, i);
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        struct value v = accept(b, str_of(text));
        assert_int_equal(v.map->shape->n, 2);
        assert_int_equal(map_get(map_get(v.map, str_of(key)).map, STR("n")).i, i);
        arena_clear(&b->arena);
    }
}

static void nest(char *text, size_t depth, const char *open, const char *close) {
    text[0] = 0;
    char *p = text;
    for (size_t i = 0; i < depth; i++)
        p = stpcpy(p, open);
    p = stpcpy(p, "1");
    for (size_t i = 0; i < depth; i++)
        p = stpcpy(p, close);
}

static void nesting_is_limited(void **state) {
    struct bench *b = *state;
    char text[8 * READER_MAX_DEPTH];
    nest(text, READER_MAX_DEPTH, "[", "]");
    accept(b, str_of(text));
    nest(text, READER_MAX_DEPTH + 1, "[", "]");
    refuse(b, str_of(text), READER_MAX_DEPTH, "deeply");
    nest(text, READER_MAX_DEPTH, "{\"\":", "}");
    accept(b, str_of(text));
    nest(text, READER_MAX_DEPTH + 1, "{\"\":", "}");
    refuse(b, str_of(text), (size_t)4 * READER_MAX_DEPTH, "deeply");
    const size_t many = 1 << 20;
    char *open = malloc(many);
    memset(open, '[', many);
    refuse(b, (struct str){open, many}, READER_MAX_DEPTH, "deeply");
    free(open);
}

static void a_full_arena_fails_the_record(void **state) {
    struct bench *b = *state;
    struct shapes *shapes = shapes_new();
    struct reader r;
    reader_init(&r, shapes, NULL);
    const struct str texts[] = {
        STR("[1,2,3,4,5,6,7,8]"), STR("{\"a\":1,\"b\":2}"), STR("{\"a\":1,\"a\":2}"),
        STR("\"\\u00e9\\u00e9\\u00e9\""),
        STR("{\"0\":1,\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"0\":2}")};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct arena full;
        arena_init(&full, 1 << 14);
        assert_non_null(arena_alloc(&full, 1 << 14));
        assert_int_equal(reader_parse(&r, texts[i], &full, &b->value), STATUS_MEMORY);
        assert_non_null(r.fault);
        arena_release(&full);
        arena_init(&full, 0); // the reader is as good as before
        assert_int_equal(reader_parse(&r, texts[i], &full, &b->value), STATUS_OK);
        arena_release(&full);
    }
    reader_release(&r);
    shapes_free(shapes);
}

// Keys that are wanted for themselves: unread values are none, an array's elements have a wish of their own.
static void projections_keep_keys(void **state) {
    struct bench *b = *state;
    const struct projection x = {.name = STR("x"), .whole = true};
    const struct projection *const under[] = {&x};
    struct projection a = {.name = STR("a"), .children = under, .n = 1};
    const struct projection *const top[] = {&a};
    const struct projection root = {.children = top, .n = 1};
    const struct str map = STR("{\"a\":{\"u\":[1],\"x\":2,\"u\":3,\"v\":{\"x\":4}}}");
    const struct str list = STR("{\"a\":[[{\"u\":1,\"x\":{\"u\":5}}],{\"x\":2}]}");
    b->reader.projection = &root;
    for (int round = 0; round < 3; round++) {
        a.keys = true;
        struct map *m = map_get(accept(b, map).map, STR("a")).map;
        assert_int_equal(m->shape->n, 3);
        assert_int_equal(map_get(m, STR("u")).tag, VALUE_NONE);
        assert_int_equal(map_get(m, STR("x")).i, 2);
        assert_int_equal(map_get(m, STR("v")).tag, VALUE_NONE);
        struct list *l = map_get(accept(b, list).map, STR("a")).list;
        assert_int_equal(l->items[0].list->items[0].map->shape->n, 1);
        a.keys = false;
        a.element_keys = true;
        assert_int_equal(map_get(accept(b, map).map, STR("a")).map->shape->n, 1);
        l = map_get(accept(b, list).map, STR("a")).list;
        assert_int_equal(l->items[0].list->items[0].map->shape->n, 2);
        assert_int_equal(map_get(map_get(l->items[0].list->items[0].map, STR("x")).map, STR("u")).i, 5);
        assert_int_equal(l->items[1].map->shape->n, 1);
        a.element_keys = false;
    }
    a.keys = true;
    REFUSE(b, "{\"a\":{\"u\":tru}}", 10, "value");
}

static void expect_fields(struct bench *b, struct str text, uint64_t parsed, uint64_t skipped) {
    const struct field_count before = b->reader.fields;
    accept(b, text);
    if (b->reader.fields.parsed - before.parsed != parsed ||
        b->reader.fields.skipped - before.skipped != skipped)
        fail_msg("%.*s: %d parsed, %d skipped", STR_ARG(text), (int)(b->reader.fields.parsed - before.parsed),
                 (int)(b->reader.fields.skipped - before.skipped));
}

static void fields_are_counted(void **state) {
    struct bench *b = *state;
    const struct projection a = {.name = STR("a"), .whole = true}, x = {.name = STR("x"), .whole = true};
    const struct projection *const under_b[] = {&x};
    struct projection in_b = {.name = STR("b"), .children = under_b, .n = 1};
    const struct projection *const top[] = {&a, &in_b};
    const struct projection root = {.children = top, .n = 2};
    for (int round = 0; round < 3; round++) { // whether or not the keys are known already
        b->reader.projection = NULL;
        expect_fields(b, STR("17"), 0, 0);
        expect_fields(b, STR("{}"), 0, 0);
        expect_fields(b, STR("[1, [2, 3], {}]"), 0, 0);
        expect_fields(b, STR("{\"a\": 1, \"b\": [1, 2]}"), 2, 0);
        expect_fields(b, STR("{\"a\": {\"p\": {\"q\": 1}}, \"b\": [{\"x\": 1}, [{\"x\": 2}]]}"), 6, 0);
        expect_fields(b, STR("{\"a\": 1, \"a\": 2, \"b\": 3}"), 3, 0); // as they stand there
        b->reader.projection = &root;
        expect_fields(b, STR("{\"n\": {\"p\": {\"q\": 1}}, \"a\": {\"p\": 1}}"), 2, 1);
        expect_fields(b, STR("{\"n\": 1, \"a\": 1, \"n\": [{\"p\": 1}]}"), 1, 2);
        expect_fields(b, STR("{\"b\": [{\"x\": 1, \"y\": 2}, [{\"y\": {\"x\": 1}}]], \"a\": 1}"), 3, 2);
        in_b.keys = true; // a key that stays without its value is a field skipped
        expect_fields(b, STR("{\"b\": {\"x\": 1, \"y\": {\"x\": 2}}}"), 2, 1);
        expect_fields(b, STR("{\"b\": {\"y\": 1, \"x\": 1, \"y\": 2}}"), 2, 2);
        in_b.keys = false;
    }
}

// Whether a shape is shared depends on what was read before, so its memory must not count.
static void shapes_do_not_count_as_memory(void **state) {
    struct bench *b = *state;
    const struct str text = STR("{\"a\": 1, \"b\": {\"c\": [1, 2], \"d\": \"\\u00e9\"}, \"e\": {}}");
    struct arena_asked shared, private;
    struct value v;
    arena_init(&b->arena, 0);
    assert_int_equal(reader_parse(&b->reader, text, &b->arena, &v), STATUS_OK);
    assert_true(v.map->shape->shared);
    shared = arena_asked(&b->arena);
    assert_int_equal(shared.pieces, 3 + 1 + 1);
    arena_release(&b->arena);
    struct shapes *full = shapes_new();
    b->reader.shapes = full;
    for (int i = 0; i < 2 * SHAPES_LIMIT; i++) {
        char filler[32];
        snprintf(filler, sizeof filler, "{\"k%d\": 1}", i);
        assert_int_equal(reader_parse(&b->reader, str_of(filler), &b->arena, &v), STATUS_OK);
    }
    arena_release(&b->arena);
    assert_int_equal(reader_parse(&b->reader, text, &b->arena, &v), STATUS_OK);
    assert_false(v.map->shape->shared);
    private = arena_asked(&b->arena);
    assert_int_equal(private.pieces, shared.pieces);
    assert_int_equal(private.bytes, shared.bytes);
    b->reader.shapes = b->shapes;
    shapes_free(full);
}

static void projections_skip_but_check(void **state) {
    struct bench *b = *state;
    const struct projection a = {.name = STR("a"), .whole = true}, x = {.name = STR("x"), .whole = true};
    const struct projection *const under_b[] = {&x};
    const struct projection in_b = {.name = STR("b"), .children = under_b, .n = 1};
    const struct projection *const top[] = {&a, &in_b};
    const struct projection root = {.children = top, .n = 2};
    const struct projection nothing = {.n = 0};
    const struct str text = STR("{\"skip\":{\"a\":1},\"a\":{\"p\":[1,{\"q\":2}]},\"n\":[1,\"\\u00e9\",{}],"
                                "\"b\":[{\"x\":1,\"y\":2},[{\"y\":3,\"x\":4}],5],\"z\":-1.5e3}");
    for (int round = 0; round < 3; round++) { // before and after others have interned all the keys
        b->reader.projection = &root;
        struct value v = accept(b, text);
        assert_int_equal(v.map->shape->n, 2);
        assert_int_equal(map_get(v.map, STR("a")).map->shape->n, 1);
        struct list *list = map_get(v.map, STR("b")).list;
        assert_int_equal(list->n, 3);
        assert_int_equal(list->items[0].map->shape->n, 1);
        assert_int_equal(map_get(list->items[0].map, STR("x")).i, 1);
        assert_int_equal(map_get(list->items[1].list->items[0].map, STR("x")).i, 4);
        assert_int_equal(list->items[2].i, 5);
        b->reader.projection = &nothing;
        assert_int_equal(accept(b, text).map->shape->n, 0);
        b->reader.projection = NULL;
        assert_int_equal(accept(b, text).map->shape->n, 5);
    }
    b->reader.projection = &nothing;
    // Numbers that are skipped sixteen bytes at a time, and the same at the end of the text.
    static const char *const numbers[] = {"0",
                                          "-0",
                                          "12",
                                          "-1.5",
                                          "0.25",
                                          "123456789012345",
                                          "1234567890123456",
                                          "1e5",
                                          "1.5E-3",
                                          "1234567890.12345",
                                          "-1234567890.12345",
                                          "0.1234567890123456789"};
    static const char *const wrong[] = {"01", "-",  "1.",   "1.e5", "-01", "1e", "00.5",
                                        "+1", ".5", "1..2", "1.5.", "--1", "1-2"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char whole[120];
        snprintf(whole, sizeof whole, "{\"n\":[%s,%s],\"m\":%s,\"x\":\"a text that comes behind\"}",
                 numbers[i], numbers[i], numbers[i]);
        accept(b, str_of(whole));
        snprintf(whole, sizeof whole, "{\"n\":%s}", numbers[i]);
        accept(b, str_of(whole));
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char whole[120];
        struct value v;
        snprintf(whole, sizeof whole, "{\"n\":%s,\"x\":\"a text that comes behind\"}", wrong[i]);
        assert_int_equal(reader_parse(&b->reader, str_of(whole), &b->arena, &v), STATUS_DATA);
        snprintf(whole, sizeof whole, "{\"n\":%s}", wrong[i]);
        assert_int_equal(reader_parse(&b->reader, str_of(whole), &b->arena, &v), STATUS_DATA);
    }
    REFUSE(b, "{\"n\":\"\xFF\"}", 6, "UTF-8");
    REFUSE(b, "{\"n\":\"\\ud800\"}", 6, "surrogate");
    REFUSE(b, "{\"n\":\"\t\"}", 6, "control");
    REFUSE(b, "{\"n\":[1,2}", 9, "',' or ']'");
    REFUSE(b, "{\"n\":{\"a\" 1}}", 10, "':'");
    REFUSE(b, "{\"n\":{1:1}}", 6, "key");
    REFUSE(b, "{\"n\":[}", 6, "expected a value");
    REFUSE(b, "{\"n\":", 5, "expected a value");
    REFUSE(b, "{\"n\":01}", 5, "begin with 0");
    REFUSE(b, "{\"n\":1", 6, "',' or '}'");
    char deep[8 * READER_MAX_DEPTH];
    nest(deep, READER_MAX_DEPTH, "{\"n\":", "}");
    accept(b, str_of(deep));
    nest(deep, READER_MAX_DEPTH + 1, "{\"n\":", "}");
    refuse(b, str_of(deep), (size_t)5 * READER_MAX_DEPTH, "deeply");
}

static void marks_say_where_all_stands(void **state) {
    struct bench *b = *state;
    struct reader_marks marks = {0};
    b->reader.marks = &marks;
    const struct {
        const char *key, *text;
        bool duplicate;
    } want[] = {
        {"", "{\"a\" : 1, \"b\":[true, {\"c\\n\":null}],\"a\":\"x\" , \"b\":2}", false},
        {"\"a\"", "1", false},
        {"\"b\"", "[true, {\"c\\n\":null}]", false},
        {"", "true", false},
        {"", "{\"c\\n\":null}", false},
        {"\"c\\n\"", "null", false},
        {"\"a\"", "\"x\"", true},
        {"\"b\"", "2", true},
    };
    const struct str text = STR(" {\"a\" : 1, \"b\":[true, {\"c\\n\":null}],\"a\":\"x\" , \"b\":2} ");
    for (int round = 0; round < 2; round++) { // the second time the keys are known
        marks.n = 0;
        accept(b, text);
        assert_int_equal(marks.n, sizeof want / sizeof *want);
        for (size_t i = 0; i < marks.n; i++) {
            const struct reader_mark *m = &marks.marks[i];
            assert_true(str_is(str_slice(text, m->at, (size_t)m->at + m->n), want[i].text));
            assert_true(str_is(str_slice(text, m->key_at, (size_t)m->key_at + m->key_n), want[i].key));
            assert_int_equal(m->duplicate, want[i].duplicate);
        }
    }
    mem_free(marks.marks);
}

static bool read_case(struct bench *b, const char *dir, const char *name) {
    char path[1024], *text;
    size_t size;
    struct err err;
    struct fs fs = fs_system();
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (fs_read_file(&fs, path, 64 << 20, &text, &size, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    enum status status = read_text(b, (struct str){text, size});
    mem_free(text);
    arena_clear(&b->arena);
    assert_true(status == STATUS_OK || status == STATUS_DATA);
    return status == STATUS_OK;
}

// The published cases: y_ must be accepted, n_ refused, i_ may be either.
static void conforms(void **state) {
    struct bench *b = *state;
    const char *base = getenv("PRESSRUN_CONFORMANCE_DIR");
    char dir[512];
    snprintf(dir, sizeof dir, "%s/json", base ? base : "");
    DIR *cases = base ? opendir(dir) : NULL;
    if (!cases) {
        print_message("skipped: no JSON conformance cases in %s (PRESSRUN_CONFORMANCE_DIR)\n", dir);
        skip();
    }
    int accepted = 0, refused = 0, wrong = 0;
    for (struct dirent *entry; (entry = readdir(cases));) {
        const char *name = entry->d_name;
        if (name[0] == '.' || name[1] != '_')
            continue;
        bool ok = read_case(b, dir, name);
        accepted += name[0] == 'y';
        refused += name[0] == 'n';
        if ((name[0] == 'y' && !ok) || (name[0] == 'n' && ok)) {
            print_message("%s: %s\n", name, ok ? "accepted" : b->reader.fault);
            wrong++;
        }
    }
    closedir(cases);
    assert_int_equal(wrong, 0);
    assert_true(accepted > 90 && refused > 180);
}

struct worker {
    pthread_t thread;
    struct shapes *shapes;
    int64_t sum;
};

static void *read_many(void *argument) {
    struct worker *w = argument;
    struct reader r;
    struct arena arena = {0};
    reader_init(&r, w->shapes, NULL);
    for (int i = 0; i < 3000; i++) {
        char text[200];
        snprintf(text, sizeof text, "{\"id\":%d,\"k%d\":[1,2],\"o\":{\"x\":%d,\"y%d\":0},\"last\":1}", i,
                 i % 50, i, i % 7);
        struct value v;
        if (reader_parse(&r, str_of(text), &arena, &v) == STATUS_OK && v.map->shape->n == 4)
            w->sum += map_get(v.map, STR("id")).i + map_get(map_get(v.map, STR("o")).map, STR("x")).i;
        arena_clear(&arena);
    }
    reader_release(&r);
    arena_release(&arena);
    return NULL;
}

static void many_threads_share_the_shapes(void **state) {
    struct bench *b = *state;
    struct worker workers[4] = {{0}};
    for (int i = 0; i < 4; i++) {
        workers[i].shapes = b->shapes;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, read_many, &workers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].sum, 2999 * 3000);
    }
}

// What is left of a value when only what is wanted is kept.
static struct value cut(struct bench *b, const struct projection *want, struct value v) {
    if (!want || want->whole)
        return v;
    if (v.tag == VALUE_LIST) {
        struct list *list = list_new(&b->arena, v.list->n);
        for (uint32_t i = 0; i < v.list->n; i++)
            list->items[i] = cut(b, want, v.list->items[i]);
        return value_list(list);
    }
    if (v.tag != VALUE_MAP)
        return v;
    struct map *map = map_new_mutable(&b->arena);
    for (uint32_t i = 0; i < v.map->shape->n; i++) {
        const struct projection *inner = projection_find(want, value_str(v.map->shape->keys[i]));
        if (inner)
            map_put(map, v.map->shape->keys[i], cut(b, inner, v.map->values[i]));
    }
    return value_map(map);
}

static void expect_same(struct bench *b, struct value a, struct value c) {
    assert_int_equal(a.tag, c.tag);
    if (a.tag == VALUE_LIST) {
        assert_int_equal(a.list->n, c.list->n);
        for (uint32_t i = 0; i < a.list->n; i++)
            expect_same(b, a.list->items[i], c.list->items[i]);
    } else if (a.tag == VALUE_MAP) {
        assert_int_equal(a.map->shape->n, c.map->shape->n);
        for (uint32_t i = 0; i < a.map->shape->n; i++) {
            assert_true(str_equal(value_str(a.map->shape->keys[i]), value_str(c.map->shape->keys[i])));
            expect_same(b, a.map->values[i], c.map->values[i]);
        }
    } else if (a.tag == VALUE_INT) {
        assert_true(a.i == c.i);
    }
}

static uint32_t below(uint64_t *seed, uint32_t n) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % n;
}

static void write_random(uint64_t *seed, uint32_t depth, struct buf *out) {
    static const char *const keys[] = {"a", "b", "c", "d\\n", "\\u0061", "e", "long key of its own", ""};
    uint32_t what = depth ? below(seed, 4) : 0;
    if (what > 1) {
        buf_printf(out, "%u", (unsigned)below(seed, 100));
        return;
    }
    uint32_t n = below(seed, 7);
    buf_add_text(out, what ? "[" : "{");
    for (uint32_t i = 0; i < n; i++) {
        buf_add_text(out, i ? "," : "");
        if (!what && below(seed, 12) == 0)
            buf_printf(out, "\"k%u\":", (unsigned)below(seed, 200)); // keys that are data
        else if (!what)
            buf_printf(out, "\"%s\"%s", keys[below(seed, 8)], below(seed, 3) ? ":" : " : ");
        if (depth < 5)
            write_random(seed, depth + 1, out);
        else
            buf_add_text(out, "1");
    }
    buf_add_text(out, what ? "]" : "}");
}

// Records of all kinds, read in turn with more projections than are remembered, are what is left of the whole ones.
static void projections_of_records_that_differ(void **state) {
    struct bench *b = *state;
    static const struct projection whole = {.name = {"a", 1}, .whole = true},
                                   e = {.name = {"e", 1}, .whole = true};
    static const struct projection *const leaves[] = {&whole, &e};
    static const struct projection inner = {.name = {"b", 1}, .children = leaves, .n = 2};
    static const struct projection line = {.name = {"d\n", 2}, .children = leaves, .n = 1};
    static const struct projection *const all[] = {&whole, &inner, &line};
    struct projection roots[12];
    for (size_t i = 0; i < 12; i++)
        roots[i] = (struct projection){.children = all, .n = i % 4};
    uint64_t seed = 7;
    struct buf text = BUF_INIT;
    for (int i = 0; i < 3000; i++) {
        buf_clear(&text);
        write_random(&seed, 0, &text);
        b->reader.projection = NULL;
        struct value full = accept(b, buf_str(&text));
        const struct projection *want = &roots[below(&seed, i < 1500 ? 4 : 12)];
        b->reader.projection = want;
        expect_same(b, accept(b, buf_str(&text)), cut(b, want, full));
    }
    buf_release(&text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(faults_are_placed_and_named),
        TEST(odd_numbers),
        TEST(strings_and_escapes),
        TEST(objects_keep_the_order_and_the_last_value),
        TEST(keys_with_quotes_are_not_guessed),
        TEST(shapes_are_shared),
        TEST(wide_objects),
        TEST(a_full_table_of_shapes_changes_nothing),
        TEST(nesting_is_limited),
        TEST(a_full_arena_fails_the_record),
        TEST(projections_skip_but_check),
        TEST(projections_of_records_that_differ),
        TEST(projections_keep_keys),
        TEST(fields_are_counted),
        TEST(shapes_do_not_count_as_memory),
        TEST(marks_say_where_all_stands),
        TEST(conforms),
        TEST(many_threads_share_the_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
