// SPDX-License-Identifier: MIT
// The bulk reader against jansson: random documents within what both accept must give the same values.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "stages/record/reader.h"

enum { DOCUMENTS = 20000, LARGEST = 1 << 16 };

struct made {
    uint64_t seed;
    struct buf text;
};

static uint32_t random_below(struct made *m, uint32_t n) { // splitmix64
    uint64_t z = m->seed += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ z >> 31) >> 32) % n;
}

static void make_space(struct made *m) {
    while (random_below(m, 8) == 0)
        buf_add_char(&m->text, " \t\n\r"[random_below(m, 4)]);
}

static uint32_t make_point(struct made *m) {
    static const uint32_t tops[] = {0x80, 0x80, 0x80, 0x800, 0x10000, 0x110000};
    for (;;) {
        uint32_t c = random_below(m, tops[random_below(m, 6)]);
        if (c != 0 && (c < 0xD800 || c > 0xDFFF)) // jansson takes no NUL unless asked to
            return c;
    }
}

static void make_escaped(struct made *m, uint32_t c) {
    static const char from[] = "\"\\/\b\f\n\r\t", to[] = "\"\\/bfnrt";
    const char *simple = c < 0x80 ? strchr(from, (int)c) : NULL;
    if (simple && random_below(m, 2))
        buf_printf(&m->text, "\\%c", to[simple - from]);
    else if (c < 0x10000)
        buf_printf(&m->text, random_below(m, 2) ? "\\u%04x" : "\\u%04X", c);
    else
        buf_printf(&m->text, "\\u%04x\\u%04X", 0xD800 + ((c - 0x10000) >> 10),
                   0xDC00 + ((c - 0x10000) & 0x3FF));
}

static void make_string(struct made *m) {
    uint32_t n = random_below(m, random_below(m, 4) ? 12 : 90), kind = random_below(m, 4);
    buf_add_char(&m->text, '"');
    for (uint32_t i = 0; i < n; i++) {
        uint32_t c = kind == 0 ? make_point(m) : 'a' + random_below(m, 26);
        char bytes[4];
        if (c < 0x20 || c == '"' || c == '\\' || (kind == 1 && random_below(m, 4) == 0))
            make_escaped(m, c);
        else
            buf_add(&m->text, bytes, utf8_encode(c, bytes));
    }
    buf_add_char(&m->text, '"');
}

static void make_digits(struct made *m, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        buf_add_char(&m->text, (char)('0' + random_below(m, 10)));
}

static void make_number(struct made *m) {
    if (random_below(m, 2))
        buf_add_char(&m->text, '-');
    if (random_below(m, 5) == 0) {
        buf_add_char(&m->text, '0');
    } else { // integers up to 18 digits: jansson refuses what does not fit
        buf_add_char(&m->text, (char)('1' + random_below(m, 9)));
        make_digits(m, random_below(m, 18));
    }
    uint32_t kind = random_below(m, 3);
    if (kind == 0)
        return;
    if (kind == 1 || random_below(m, 2)) {
        buf_add_char(&m->text, '.');
        make_digits(m, 1 + random_below(m, random_below(m, 3) ? 4 : 30));
    }
    if (kind == 2)
        buf_printf(
            &m->text, "%c%s%u", "eE" [random_below(m, 2)],
            (const char *[]) { "", "+", "-" }[random_below(m, 3)],
            random_below(m, random_below(m, 4) ? 25 : 280));
}

static void make_value(struct made *m, uint32_t depth);

static void make_container(struct made *m, uint32_t depth, bool object) {
    uint32_t n = random_below(m, depth > 5 ? 2 : random_below(m, 30) ? 7 : 160), common = random_below(m, 2);
    buf_add_char(&m->text, object ? '{' : '[');
    for (uint32_t i = 0; i < n && m->text.n < LARGEST; i++) {
        if (i)
            buf_add_char(&m->text, ',');
        make_space(m);
        if (object) {
            if (common) // keys that come again in later documents, and sometimes in this one
                buf_printf(&m->text, "\"key%u\"", random_below(m, 20) ? i : random_below(m, 8));
            else
                make_string(m);
            make_space(m);
            buf_add_char(&m->text, ':');
        }
        make_value(m, depth + 1);
    }
    make_space(m);
    buf_add_char(&m->text, object ? '}' : ']');
}

static void make_value(struct made *m, uint32_t depth) {
    make_space(m);
    uint32_t kind = depth == 0 ? 6 + random_below(m, 2) : random_below(m, depth < 40 ? 9 : 6);
    if (kind < 2)
        make_string(m);
    else if (kind < 4)
        make_number(m);
    else if (kind < 6)
        buf_add_text(&m->text, (const char *[]){"true", "false", "null"}[random_below(m, 3)]);
    else
        make_container(m, depth, kind == 6);
    make_space(m);
}

static bool same_value(struct value v, const json_t *j);

static bool same_map(const struct map *map, const json_t *j) {
    if (map->shape->n != json_object_size(j))
        return false;
    for (uint32_t i = 0; i < map->shape->n; i++) {
        struct str key = value_str(map->shape->keys[i]);
        const json_t *member = json_object_getn(j, key.p, key.n);
        if (!member || !same_value(map->values[i], member) || shape_find(map->shape, key) != i)
            return false;
    }
    return true;
}

static bool same_list(const struct list *list, const json_t *j) {
    if (list->n != json_array_size(j))
        return false;
    for (uint32_t i = 0; i < list->n; i++)
        if (!same_value(list->items[i], json_array_get(j, i)))
            return false;
    return true;
}

static bool same_value(struct value v, const json_t *j) {
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        return v.tag == VALUE_MAP && same_map(v.map, j);
    case JSON_ARRAY:
        return v.tag == VALUE_LIST && same_list(v.list, j);
    case JSON_STRING:
        return v.tag == VALUE_STRING &&
               str_equal(value_str(v), (struct str){json_string_value(j), json_string_length(j)});
    case JSON_INTEGER:
        return v.tag == VALUE_INT && v.i == json_integer_value(j);
    case JSON_REAL:
        return v.tag == VALUE_FLOAT && v.f == json_real_value(j) &&
               signbit(v.f) == signbit(json_real_value(j));
    case JSON_NULL:
        return v.tag == VALUE_NONE;
    default:
        return v.tag == VALUE_BOOL && v.i == json_is_true(j);
    }
}

static void values_are_the_same(void **state) {
    (void)state;
    const char *wish = getenv("PRESSRUN_DOCUMENTS"), *seed = getenv("PRESSRUN_SEED");
    long documents = wish ? strtol(wish, NULL, 10) : DOCUMENTS, done = 0;
    struct made m = {.seed = seed ? strtoull(seed, NULL, 10) : 1};
    struct arena arena = {0};
    struct reader reader;
    struct shapes *shapes = shapes_new();
    reader_init(&reader, shapes, NULL);
    for (; done < documents; done++) {
        if (done % 1000 == 0) { // a new table now and then, so that shared shapes are met too
            shapes_free(shapes);
            shapes = shapes_new();
            reader.shapes = shapes;
        }
        uint64_t start = m.seed;
        buf_clear(&m.text);
        make_value(&m, 0);
        struct value v;
        json_error_t error;
        json_t *j = json_loadb(m.text.p, m.text.n, 0, &error);
        if (!j)
            fail_msg("seed %llu: jansson refuses: %s", (unsigned long long)start, error.text);
        if (reader_parse(&reader, buf_str(&m.text), &arena, &v) != STATUS_OK)
            fail_msg("seed %llu: refused at %zu: %s", (unsigned long long)start, reader.fault_at,
                     reader.fault);
        if (!same_value(v, j))
            fail_msg("seed %llu: another value\n%s", (unsigned long long)start, buf_text(&m.text));
        json_decref(j);
        arena_clear(&arena);
    }
    print_message("%ld documents\n", done);
    buf_release(&m.text);
    reader_release(&reader);
    arena_release(&arena);
    shapes_free(shapes);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_are_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
