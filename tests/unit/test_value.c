// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "stages/record/value.h"
#include "stages/record/value_json.h"

static struct value text(const char *s) {
    return value_string(str_of(s));
}

static struct value big(const char *digits) {
    struct value v = text(digits);
    v.tag = VALUE_BIG;
    return v;
}

static bool is_int(struct value v, int64_t i) {
    return v.tag == VALUE_INT && v.i == i;
}

static void full_arenas_fail_cleanly(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024);
    assert_null(list_new(&arena, 1 << 20));
    struct list *list = list_new_mutable(&arena);
    struct map *map = map_new_mutable(&arena);
    uint32_t items = 0, keys = 0;
    while (items < 1000 && list_append(list, value_int(items)))
        items++;
    assert_true(items > 0 && items < 1000 && list->n == items);
    arena_clear(&arena);
    map = map_new_mutable(&arena);
    while (keys < 1000 && map_put(map, value_int(keys), value_int(keys)))
        keys++;
    assert_true(keys > 0 && keys < 1000 && map->shape->n == keys);
    for (uint32_t i = 0; i < keys; i++) // what was there before is still there
        assert_true(is_int(map_get_key(map, value_int(i)), i));
    arena_release(&arena);
}

static void keys_compare_as_in_python(void **state) {
    (void)state;
    const struct value same[][2] = {
        {value_int(1), value_float(1.0)},
        {value_int(1), value_bool(true)},
        {value_int(0), value_bool(false)},
        {value_float(0.0), value_bool(false)},
        {value_float(-0.0), value_int(0)},
        {value_none(), value_none()},
        {text("x"), value_safe(STR("x"))},
        {text(""), value_string((struct str){NULL, 0})},
        {value_int(INT64_MIN), value_float(-0x1p63)},
        {big("100000000000000000000"), value_float(1e20)},
        {big("-9223372036854775809"), big("-9223372036854775809")},
    };
    const struct value different[][2] = {
        {value_int(1), text("1")},
        {value_int(1), value_float(1.5)},
        {value_int(0), value_none()},
        {value_int(INT64_MAX), value_float(0x1p63)},
        {big("100000000000000000001"), value_float(1e20)},
        {big("100000000000000000000"), text("100000000000000000000")},
        {value_float((double)NAN), value_float((double)NAN)},
        {value_float((double)INFINITY), big("100000000000000000000")},
        {text(""), value_none()},
    };
    for (int padding = 0; padding <= 20; padding += 20) { // without an index, and with one
        struct arena arena;
        arena_init(&arena, 0);
        for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
            for (int side = 0; side < 2; side++) {
                struct map *map = map_new_mutable(&arena);
                for (int k = 0; k < padding; k++)
                    assert_true(map_put(map, value_int(1000 + k), value_none()));
                assert_true(map_put(map, same[i][side], value_int(7)));
                assert_true(is_int(map_get_key(map, same[i][!side]), 7));
                assert_true(map_put(map, same[i][!side], value_int(8)));
                assert_int_equal(map->shape->n, padding + 1);
                assert_int_equal(map->shape->keys[padding].tag, same[i][side].tag); // the first key stays
            }
        }
        for (size_t i = 0; i < sizeof different / sizeof *different; i++) {
            for (int side = 0; side < 2; side++) {
                struct map *map = map_new_mutable(&arena);
                for (int k = 0; k < padding; k++)
                    assert_true(map_put(map, value_int(1000 + k), value_none()));
                assert_true(map_put(map, different[i][side], value_int(7)));
                assert_int_equal(map_get_key(map, different[i][!side]).tag, VALUE_MISSING);
            }
        }
        arena_release(&arena);
    }
}

static void maps_grow_and_shrink(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct map *map = map_new_mutable(&arena);
    char name[16];
    assert_false(map_remove(map, text("none")));
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "k%d", i);
        struct str key = arena_str(&arena, str_of(name));
        assert_true(map_put(map, value_string(key), value_int(i)));
        assert_true(is_int(map_get(map, key), i));
    }
    assert_int_equal(map_get(map, STR("k1000")).tag, VALUE_MISSING);
    for (int i = 0; i < 1000; i += 2) {
        snprintf(name, sizeof name, "k%d", i);
        assert_true(map_remove(map, text(name)));
        assert_false(map_remove(map, text(name)));
    }
    assert_int_equal(map->shape->n, 500);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "k%d", i);
        assert_int_equal(map_get(map, str_of(name)).tag, i % 2 ? VALUE_INT : VALUE_MISSING);
    }
    for (uint32_t i = 0; i < 500; i++) // the order of insertion
        assert_true(is_int(map->values[i], 2 * i + 1));
    arena_release(&arena);
}

static void lists_grow(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct list *list = list_new_mutable(&arena);
    assert_int_equal(list->n, 0);
    for (int i = 0; i < 1000; i++)
        assert_true(list_append(list, value_int(i)));
    for (uint32_t i = 0; i < 1000; i++)
        assert_true(is_int(list->items[i], i));
    assert_null(list_new(&arena, 0)->arena);
    arena_release(&arena);
}

// A copy shares nothing with what it was made from, but shared shapes.
static void copies_stand_alone(void **state) {
    (void)state;
    struct arena from, to;
    arena_init(&from, 0);
    arena_init(&to, 0);
    struct shapes *shapes = shapes_new();
    struct shape_node *node = shape_node_next(shapes, shapes_root(shapes), STR("name"));
    const struct shape *shared = shape_node_shape(shapes, node);
    struct value keys[20], copy;
    for (int i = 0; i < 20; i++)
        keys[i] = value_string(str_of(arena_printf(&from, "key%d", i)));
    struct map *wide = map_new(&from, shape_new_private(&from, keys, 20)), *map = map_new(&from, shared);
    struct list *list = list_new(&from, 3);
    list->items[0] = value_safe(str_of(arena_printf(&from, "<b>")));
    list->items[1] = big(arena_printf(&from, "12345678901234567890"));
    list->items[2] = value_float(1.5);
    for (int i = 0; i < 20; i++)
        wide->values[i] = value_int(i);
    wide->values[3] = value_list(list);
    map->values[0] = value_map(wide);
    assert_true(value_copy(&to, value_map(map), &copy));
    memset((char *)(uintptr_t)keys[3].s, 'x', 4);
    arena_release(&from);
    assert_ptr_equal(copy.map->shape, shared);
    struct map *inner = map_get(copy.map, STR("name")).map;
    assert_false(inner->shape->shared);
    assert_true(is_int(map_get(inner, STR("key19")), 19));
    struct list *items = map_get(inner, STR("key3")).list;
    assert_int_equal(items->n, 3);
    assert_true(str_is(value_str(items->items[0]), "<b>") && items->items[0].flags == VALUE_SAFE);
    assert_true(str_is(value_str(items->items[1]), "12345678901234567890") &&
                items->items[1].tag == VALUE_BIG);
    struct arena small;
    arena_init(&small, 16 << 10);
    assert_non_null(arena_alloc(&small, (16 << 10) - 64));
    struct value none;
    assert_false(value_copy(&small, copy, &none));
    arena_release(&small);
    arena_release(&to);
    shapes_free(shapes);
}

static void a_map_with_other_keys_copies_too(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct map *map = map_new_mutable(&arena);
    for (int i = 0; i < 30; i++)
        assert_true(map_put(map, value_int(i), value_int(i)));
    struct value copy;
    assert_true(value_copy(&arena, value_map(map), &copy));
    for (int i = 0; i < 30; i++)
        assert_true(is_int(map_get_key(copy.map, value_float(i)), i));
    arena_release(&arena);
}

static void scalars_are_json(void **state) {
    (void)state;
    const struct {
        struct value v;
        const char *want;
    } cases[] = {
        {value_none(), "null"},
        {value_bool(true), "true"},
        {value_bool(false), "false"},
        {value_int(INT64_MIN), "-9223372036854775808"},
        {big("-12345678901234567890"), "-12345678901234567890"},
        {value_float(-0.0), "-0.0"},
        {value_float(1e300), "1e+300"},
        {value_float(NAN), "NaN"},
        {value_float(INFINITY), "Infinity"},
        {value_float(-INFINITY), "-Infinity"},
    };
    struct list list = {0};
    const struct value others[] = {text("1"), value_list(&list), value_missing(),
                                   value_undefined(UNDEFINED_NAME, STR("x"))};
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(value_json_add_scalar(&out, others[i]));
    assert_int_equal(out.n, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&out);
        buf_add_char(&out, '[');
        assert_true(value_json_add_scalar(&out, cases[i].v));
        assert_string_equal(buf_text(&out) + 1, cases[i].want);
    }
    buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_arenas_fail_cleanly), cmocka_unit_test(keys_compare_as_in_python),
        cmocka_unit_test(maps_grow_and_shrink),     cmocka_unit_test(lists_grow),
        cmocka_unit_test(copies_stand_alone),       cmocka_unit_test(a_map_with_other_keys_copies_too),
        cmocka_unit_test(scalars_are_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
