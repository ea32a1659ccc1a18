// SPDX-License-Identifier: MIT
// What tells records apart for whoever reads only some of their fields.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "stages/record/imprint.h"
#include "stages/record/reader.h"

struct world {
    struct shapes *shapes;
    struct reader reader;
    struct arena arena;
    struct buf scratch;
};

static void begin(struct world *w) {
    *w = (struct world){.shapes = shapes_new()};
    reader_init(&w->reader, w->shapes, NULL);
    arena_init(&w->arena, 0);
}

static void end(struct world *w) {
    reader_release(&w->reader);
    arena_release(&w->arena);
    shapes_free(w->shapes);
    buf_release(&w->scratch);
}

static struct value parse(struct world *w, const char *json) {
    struct value v;
    assert_int_equal(reader_parse(&w->reader, str_of(json), &w->arena, &v), STATUS_OK);
    return v;
}

static struct digest take(struct world *w, const struct imprint *imprint, const char *json,
                          uint64_t *hashes) {
    return imprint_take(imprint, parse(w, json), &w->scratch, hashes);
}

static bool same(struct world *w, const struct imprint *imprint, const char *a, const char *b) {
    uint64_t x[8], y[8];
    assert_true(imprint_fields(imprint) <= 8);
    bool equal = digest_equal(take(w, imprint, a, x), take(w, imprint, b, y));
    assert_int_equal(equal, memcmp(x, y, imprint_fields(imprint) * sizeof *x) == 0);
    return equal;
}

#define NODE(...)   ((const struct projection){__VA_ARGS__})
#define NAMED(text) .name = {text, sizeof text - 1}

// user.name whole, messages[].role whole, meta's keys, and fields in brackets
static const struct projection name = {NAMED("name"), .whole = true}, role = {NAMED("role"), .whole = true};
static const struct projection *const of_user[] = {&name}, *const of_messages[] = {&role};
static const struct projection user = {NAMED("user"), .children = of_user, .n = 1},
                               messages = {NAMED("messages"), .children = of_messages, .n = 1},
                               meta = {NAMED("meta"), .keys = true}, there = {NAMED("there")};
static const struct projection *const of_root[] = {&user, &messages, &meta, &there};
static const struct projection root = {.children = of_root, .n = 4, .bracketed = true};

static void test_names(void **state) {
    (void)state;
    static const char *const expected[] = {"[...]", "user.name", "messages.role", "meta.*", "there"};
    struct imprint *imprint = imprint_new(&root), *all = imprint_new(NULL);
    const struct str *names = imprint_names(imprint);
    size_t n = 0, found = 0;
    for (; n < imprint_fields(imprint); n++)
        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
            found += str_is(names[n], expected[i]);
    assert_int_equal(found, 5);
    assert_int_equal(imprint_fields(all), 1);
    assert_true(str_is(imprint_names(all)[0], "*"));
    imprint_free(imprint);
    imprint_free(all);
    imprint_free(NULL);
}

static void test_what_is_read(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    struct imprint *p = imprint_new(&root);
    const char *record =
        "{\"user\": {\"name\": \"a\", \"age\": 1}, \"messages\": [{\"role\": \"x\", \"n\": 1}, "
        "{\"role\": \"y\"}], \"meta\": {\"k\": 1}, \"there\": {\"q\": 1}, \"[A]\": 1, \"z\": 2}";
    static const char *const as_good[] = {
        "{\"user\": {\"name\": \"a\", \"age\": 2}, \"messages\": [{\"role\": \"x\", \"n\": 1}, {\"role\": "
        "\"y\"}], "
        "\"meta\": {\"k\": 1}, \"there\": {\"q\": 1}, \"[A]\": 1, \"z\": 2}",
        "{\"z\": 3, \"[A]\": 1, \"there\": {\"r\": 2}, \"meta\": {\"k\": [2]}, \"messages\": [{\"n\": 5, "
        "\"role\": "
        "\"x\"}, {\"role\": \"y\", \"m\": null}], \"user\": {\"name\": \"a\"}}",
    };
    static const char *const others[] = {
        // another name; none; null; a number; a list of it; no user; another user
        "{\"user\": {\"name\": \"b\"}, \"messages\": [{\"role\": \"x\"}, {\"role\": \"y\"}], \"meta\": "
        "{\"k\": 1}, "
        "\"there\": {}, \"[A]\": 1}",
        "{\"user\": {}, \"messages\": [{\"role\": \"x\"}, {\"role\": \"y\"}], \"meta\": {\"k\": 1}, "
        "\"there\": {}, "
        "\"[A]\": 1}",
        "{\"user\": {\"name\": null}, \"messages\": [{\"role\": \"x\"}, {\"role\": \"y\"}], \"meta\": "
        "{\"k\": 1}, "
        "\"there\": {}, \"[A]\": 1}",
        "{\"user\": [{\"name\": \"a\"}], \"messages\": [{\"role\": \"x\"}, {\"role\": \"y\"}], \"meta\": "
        "{\"k\": 1}, "
        "\"there\": {}, \"[A]\": 1}",
        "{\"user\": {\"name\": [\"a\"]}, \"messages\": [{\"role\": \"x\"}, {\"role\": \"y\"}], \"meta\": "
        "{\"k\": 1}, "
        "\"there\": {}, \"[A]\": 1}",
        "{\"user\": \"a\", \"messages\": [{\"role\": \"x\"}, {\"role\": \"y\"}], \"meta\": {\"k\": 1}, "
        "\"there\": {}, "
        "\"[A]\": 1}",
        // messages: another order, one less, nested otherwise
        "{\"user\": {\"name\": \"a\"}, \"messages\": [{\"role\": \"y\"}, {\"role\": \"x\"}], \"meta\": "
        "{\"k\": 1}, "
        "\"there\": {}, \"[A]\": 1}",
        "{\"user\": {\"name\": \"a\"}, \"messages\": [{\"role\": \"x\"}], \"meta\": {\"k\": 1}, \"there\": "
        "{}, "
        "\"[A]\": 1}",
        "{\"user\": {\"name\": \"a\"}, \"messages\": [[{\"role\": \"x\"}, {\"role\": \"y\"}]], \"meta\": "
        "{\"k\": 1}, "
        "\"there\": {}, \"[A]\": 1}",
        // keys, what is there, brackets
        "{\"user\": {\"name\": \"a\"}, \"messages\": [{\"role\": \"x\"}, {\"role\": \"y\"}], \"meta\": "
        "{\"l\": 1}, "
        "\"there\": {}, \"[A]\": 1}",
        "{\"user\": {\"name\": \"a\"}, \"messages\": [{\"role\": \"x\"}, {\"role\": \"y\"}], \"meta\": "
        "{\"k\": 1}, "
        "\"[A]\": 1}",
        "{\"user\": {\"name\": \"a\"}, \"messages\": [{\"role\": \"x\"}, {\"role\": \"y\"}], \"meta\": "
        "{\"k\": 1}, "
        "\"there\": 1, \"[A]\": 1}",
        "{\"user\": {\"name\": \"a\"}, \"messages\": [{\"role\": \"x\"}, {\"role\": \"y\"}], \"meta\": "
        "{\"k\": 1}, "
        "\"there\": {}, \"[A]\": 2}",
        "{\"user\": {\"name\": \"a\"}, \"messages\": [{\"role\": \"x\"}, {\"role\": \"y\"}], \"meta\": "
        "{\"k\": 1}, "
        "\"there\": {}, \"[A]\": 1, \"[B]\": null}",
    };
    for (size_t i = 0; i < sizeof as_good / sizeof *as_good; i++)
        assert_true(same(&w, p, record, as_good[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (same(&w, p, record, others[i]))
            fail_msg("no difference: %s", others[i]);
    imprint_free(p);
    end(&w);
}

// Lists on the way are not lists at its end.
static void test_steps(void **state) {
    (void)state;
    static const char *const records[] = {"{\"user\": [{\"name\": \"a\"}]}",
                                          "{\"user\": {\"name\": [\"a\"]}}", "{\"user\": [\"a\"]}",
                                          "{\"user\": \"a\"}", "{\"user\": {\"name\": \"a\"}}"};
    struct world w;
    begin(&w);
    struct imprint *p = imprint_new(&root);
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++)
            assert_int_equal(same(&w, p, records[i], records[k]), i == k);
    imprint_free(p);
    end(&w);
}

// Values that look alike, of a field that is read whole.
static void test_values(void **state) {
    (void)state;
    static const char *const values[] = {
        "null",
        "true",
        "false",
        "0",
        "1",
        "1.0",
        "-0.0",
        "\"\"",
        "\"1\"",
        "\"a\\u0000\"",
        "[]",
        "{}",
        "[null]",
        "[[]]",
        "[1, 2]",
        "[12]",
        "[\"1\", \"2\"]",
        "[\"12\"]",
        "[2, 1]",
        "{\"a\": 1}",
        "{\"a\": 1, \"b\": 2}",
        "{\"b\": 2, \"a\": 1}",
        "{\"ab\": null}",
        "123456789012345678901234567890",
        "\"123456789012345678901234567890\"",
    };
    struct world w;
    begin(&w);
    static const struct projection *const only[] = {&name};
    struct imprint *p = imprint_new(&NODE(.children = only, .n = 1)), *all = imprint_new(NULL);
    size_t n = sizeof values / sizeof *values;
    struct buf a = BUF_INIT, b = BUF_INIT;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            buf_clear(&a);
            buf_clear(&b);
            buf_printf(&a, "{\"name\": %s}", values[i]);
            buf_printf(&b, "{\"name\": %s}", values[k]);
            assert_int_equal(same(&w, p, buf_text(&a), buf_text(&b)), i == k);
            assert_int_equal(same(&w, all, buf_text(&a), buf_text(&b)), i == k);
        }
    assert_false(same(&w, p, "{}", "{\"name\": null}"));
    buf_release(&a);
    buf_release(&b);
    imprint_free(p);
    imprint_free(all);
    end(&w);
}

// Digests are kept by journals: they are the same in every version.
static void test_kept(void **state) {
    (void)state;
    struct world w;
    uint64_t hash;
    char hex[DIGEST_HEX_SIZE];
    begin(&w);
    struct imprint *all = imprint_new(NULL);
    digest_hex(take(&w, all, "{\"a\": [1, 2.5, \"x\", null, true], \"b\": {}}", &hash), hex);
    assert_string_equal(hex, "e2324da3bae402e56ff4f22c0e68c861");
    imprint_free(all);
    end(&w);
}

static void test_shown(void **state) {
    (void)state;
    static const struct {
        const char *json, *name, *messages;
    } cases[] = {
        {"{\"user\": {\"name\": \"a\\n\"}, \"messages\": [{\"role\": 1}, {}, {\"role\": [2.5, {\"k\": "
         "null}]}]}",
         "\"a\\n\"", "[1, null, [2.5, {\"k\": null}]]"},
        {"{\"user\": 3, \"messages\": []}", "3", "[]"},
        {"{}", NULL, NULL},
    };
    struct world w;
    begin(&w);
    struct imprint *p = imprint_new(&root);
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct value record = parse(&w, cases[i].json);
        for (uint32_t f = 0; f < imprint_fields(p); f++) {
            const char *expected = str_is(imprint_names(p)[f], "user.name")       ? cases[i].name
                                   : str_is(imprint_names(p)[f], "messages.role") ? cases[i].messages
                                                                                  : "";
            buf_clear(&out);
            if (expected && !*expected)
                continue;
            assert_int_equal(imprint_show(p, f, record, &out), expected != NULL);
            if (expected)
                assert_string_equal(buf_text(&out), expected);
        }
    }
    buf_release(&out);
    imprint_free(p);
    end(&w);
}

// What changed of a field, as far as one element of a list did.
static void test_narrowed(void **state) {
    (void)state;
    static const struct {
        const char *before, *after, *told;
    } cases[] = {
        {"{\"o\":[{\"p\":1},{\"p\":2}]}", "{\"o\":[{\"p\":1},{\"p\":3}]}", "o[1].p 2 3"},
        {"{\"o\":[{\"p\":\"a, ]\\\"[\"},{\"p\":2}]}", "{\"o\":[{\"p\":\"b\"},{\"p\":2}]}",
         "o[0].p \"a, ]\\\"[\" \"b\""},
        {"{\"o\":[{\"p\":[1,2]},{\"p\":[3,4]}]}", "{\"o\":[{\"p\":[1,2]},{\"p\":[3,5]}]}", "o[1].p[1] 4 5"},
        {"{\"o\":[{\"p\":{\"x\":[1, 2]}}]}", "{\"o\":[{\"p\":{\"x\":[1, 3]}}]}",
         "o[0].p {\"x\": [1, 2]} {\"x\": [1, 3]}"},
        {"{\"o\":[{\"p\":1},{}]}", "{\"o\":[{\"p\":1},{\"p\":3}]}", "o[1].p null 3"},
        {"{\"o\":[{\"p\":1},{\"p\":2}]}", "{\"o\":[{\"p\":2},{\"p\":1}]}", NULL}, // two of them
        {"{\"o\":[{\"p\":1}]}", "{\"o\":[{\"p\":1},{\"p\":3}]}", NULL},           // more
        {"{\"o\":[{\"p\":1},{\"p\":3}]}", "{\"o\":[{\"p\":1}]}", NULL},           // fewer
        {"{\"o\":[]}", "{\"o\":[{\"p\":1}]}", NULL},
        {"{\"o\":[{\"p\":1}]}", "{\"o\":[]}", NULL},
        {"{\"o\":{\"p\":1}}", "{\"o\":{\"p\":2}}", NULL}, // no list
        {"{\"o\":{\"p\":1}}", "{\"o\":[{\"p\":2}]}", NULL},
    };
    static const struct projection leaf = {.name = {"p", 1}, .whole = true}, *const leaves[] = {&leaf},
                                   list = {.name = {"o", 1}, .children = leaves, .n = 1},
                                   *const lists[] = {&list}, record = {.children = lists, .n = 1};
    struct world w;
    struct buf before = BUF_INIT, place = BUF_INIT, now = BUF_INIT;
    begin(&w);
    struct imprint *p = imprint_new(&record);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&before);
        buf_clear(&place);
        assert_true(imprint_show(p, 0, parse(&w, cases[i].before), &before));
        struct str was = buf_str(&before);
        const bool narrowed = imprint_narrow(p, 0, parse(&w, cases[i].after), &was, &place, &now);
        assert_int_equal(narrowed, cases[i].told != NULL);
        buf_printf(&place, " %.*s %.*s", STR_ARG(was), STR_ARG(buf_str(&now)));
        if (narrowed)
            assert_string_equal(buf_text(&place), cases[i].told);
    }
    buf_release(&before);
    buf_release(&place);
    buf_release(&now);
    imprint_free(p);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),    cmocka_unit_test(test_what_is_read), cmocka_unit_test(test_values),
        cmocka_unit_test(test_steps),    cmocka_unit_test(test_kept),         cmocka_unit_test(test_shown),
        cmocka_unit_test(test_narrowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
