// SPDX-License-Identifier: MIT
// Values as bytes and back, and what is wanted of records that are joined.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <math.h>

#include "stages/record/imprint.h"
#include "stages/record/projection.h"
#include "stages/record/reader.h"
#include "stages/record/value_pack.h"

struct world {
    struct shapes *shapes;
    struct reader reader;
    struct arena arena;
    struct buf bytes;
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
    buf_release(&w->bytes);
}

static struct value parse(struct world *w, const char *json) {
    struct value v;
    assert_int_equal(reader_parse(&w->reader, str_of(json), &w->arena, &v), STATUS_OK);
    return v;
}

static struct digest digest_value(struct value v) {
    struct imprint *imprint = imprint_new(NULL);
    struct buf scratch = BUF_INIT;
    struct digest digest = imprint_take(imprint, v, &scratch, NULL);
    buf_release(&scratch);
    imprint_free(imprint);
    return digest;
}

static const char *const texts[] = {
    "{}",
    "[]",
    "{\"a\": null, \"b\": [true, false, 0, -1, 9223372036854775807, 1.5, -0.0, \"\"], \"c\": {\"d\": {}}}",
    "{\"big\": 123456789012345678901234567890, \"name\": \"Käse\", \"list\": [[[1], {\"x\": [\"y\"]}]]}",
};

static void what_was_packed_is_the_same(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const struct value v = parse(&w, texts[i]);
        struct value back;
        buf_clear(&w.bytes);
        value_pack(&w.bytes, v);
        buf_add_text(&w.bytes, "rest");
        struct str rest = buf_str(&w.bytes);
        assert_true(value_unpack(&rest, w.shapes, &w.arena, &back));
        assert_true(str_is(rest, "rest"));
        assert_true(digest_equal(digest_value(v), digest_value(back)));
        if (v.tag == VALUE_MAP)
            assert_ptr_equal(v.map->shape, back.map->shape);
    }
    end(&w);
}

static void infinity_is_no_json_but_a_value(void **state) {
    (void)state;
    struct world w;
    struct value back;
    begin(&w);
    value_pack(&w.bytes, value_float(-INFINITY));
    struct str rest = buf_str(&w.bytes);
    assert_true(value_unpack(&rest, w.shapes, &w.arena, &back));
    assert_true(back.tag == VALUE_FLOAT && isinf(back.f) && back.f < 0);
    end(&w);
}

// More keys than shapes are shared for, and a text whose length takes two bytes.
static void wide_maps_have_a_shape_of_their_own(void **state) {
    (void)state;
    enum { KEYS = 300 };
    struct world w;
    struct buf json = BUF_INIT;
    begin(&w);
    for (int i = 0; i < KEYS; i++)
        buf_printf(&json, "%s\"key%d\": \"%0200d\"", i ? ", " : "{", i, i);
    buf_add_char(&json, '}');
    const struct value v = parse(&w, buf_text(&json));
    struct value back;
    value_pack(&w.bytes, v);
    struct str rest = buf_str(&w.bytes);
    assert_true(value_unpack(&rest, w.shapes, &w.arena, &back));
    assert_false(back.map->shape->shared);
    assert_true(digest_equal(digest_value(v), digest_value(back)));
    assert_int_equal(map_get(back.map, STR("key299")).n, 200);
    buf_release(&json);
    end(&w);
}

static void bytes_that_break_off_are_no_value(void **state) {
    (void)state;
    struct world w;
    struct value back;
    begin(&w);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        buf_clear(&w.bytes);
        value_pack(&w.bytes, parse(&w, texts[i]));
        for (size_t n = 0; n < w.bytes.n; n++) {
            struct str rest = {w.bytes.p, n};
            assert_false(value_unpack(&rest, w.shapes, &w.arena, &back));
        }
    }
    const char *const wrong[] = {"\x63", "\x07\xff\xff\xff\xff\x0f", "\x06\xff\xff\xff\xff\xff\xff",
                                 "\x08\x01\x03"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct str rest = str_of(wrong[i]);
        assert_false(value_unpack(&rest, w.shapes, &w.arena, &back));
    }
    // Lists within lists, deeper than any reader makes them.
    buf_clear(&w.bytes);
    for (int i = 0; i < 100000; i++)
        buf_add(&w.bytes, "\x07\x01", 2);
    struct str rest = buf_str(&w.bytes);
    assert_false(value_unpack(&rest, w.shapes, &w.arena, &back));
    end(&w);
}

static void a_full_arena_is_told(void **state) {
    (void)state;
    struct world w;
    struct arena small;
    struct value back;
    begin(&w);
    value_pack(&w.bytes, parse(&w, texts[2]));
    for (size_t limit = 16; limit < 160; limit += 16) {
        struct str rest = buf_str(&w.bytes);
        arena_init(&small, limit);
        assert_false(value_unpack(&rest, w.shapes, &small, &back));
        arena_release(&small);
    }
    end(&w);
}

// Projections ---------------------------------------------------------------------------------------------------

#define LITERAL(text)                                                                                        \
    { text, sizeof text - 1 } // STR is no constant
static const struct projection price = {.name = LITERAL("price"), .whole = true},
                               house = {.name = LITERAL("house"), .whole = true},
                               street = {.name = LITERAL("street"), .whole = true};
static const struct projection *const of_first[] = {&house}, *const of_second[] = {&street};
static const struct projection first_address = {.name = LITERAL("address"), .children = of_first, .n = 1},
                               second_address = {.name = LITERAL("address"), .children = of_second, .n = 1};
static const struct projection *const first_children[] = {&price, &first_address}, *const second_children[] =
                                                                                       {&second_address};
static const struct projection first = {.name = LITERAL("orders"),
                                        .element_keys = true,
                                        .children = first_children,
                                        .n = 2},
                               second = {.keys = true, .children = second_children, .n = 1};

static void elements_are_wanted_as_the_field_is(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    const struct projection *listed = projection_of_elements(&arena, &first, true);
    assert_true(listed->keys && !listed->element_keys && !listed->name.p);
    assert_ptr_equal(projection_find(listed, STR("price")), &price);
    const struct projection *one = projection_of_elements(&arena, &first, false);
    assert_false(one->keys);
    assert_null(projection_of_elements(&arena, &price, true));
    arena_release(&arena);
}

static void a_union_has_what_either_has(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    const struct projection *both = projection_union(&arena, &first, &second);
    assert_true(both->keys && both->element_keys && !both->whole);
    assert_int_equal(both->n, 2);
    const struct projection *address = projection_find(both, STR("address"));
    assert_non_null(projection_find(address, STR("house")));
    assert_non_null(projection_find(address, STR("street")));
    assert_null(projection_find(address, STR("town")));
    assert_null(projection_union(&arena, NULL, &second));
    assert_null(projection_union(&arena, &first, NULL));
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_is_the_same),
        cmocka_unit_test(infinity_is_no_json_but_a_value),
        cmocka_unit_test(wide_maps_have_a_shape_of_their_own),
        cmocka_unit_test(bytes_that_break_off_are_no_value),
        cmocka_unit_test(a_full_arena_is_told),
        cmocka_unit_test(elements_are_wanted_as_the_field_is),
        cmocka_unit_test(a_union_has_what_either_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
