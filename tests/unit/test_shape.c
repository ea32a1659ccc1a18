// SPDX-License-Identifier: MIT
// Shapes: shared by whoever has the same keys in the same order, on however many threads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>

#include "stages/record/shape.h"
#include "stages/record/shape_node.h"
#include "stages/record/value.h"

static struct shape_node *walk(struct shapes *shapes, const char *const *keys) {
    struct shape_node *node = shapes_root(shapes);
    for (; node && *keys; keys++)
        node = shape_node_next(shapes, node, str_of(*keys));
    return node;
}

static void a_key_twice_is_nobodys_shape(void **state) {
    (void)state;
    struct shapes *shapes = shapes_new();
    assert_null(walk(shapes, (const char *const[]){"a", "b", "a", NULL}));
    assert_null(walk(shapes, (const char *const[]){"", "", NULL}));
    assert_non_null(walk(shapes, (const char *const[]){"a", "b", NULL}));
    shapes_free(shapes);
}

static void too_many_keys_are_nobodys_shape(void **state) {
    (void)state;
    struct shapes *shapes = shapes_new();
    struct shape_node *node = shapes_root(shapes);
    char key[16];
    for (int i = 0; i < SHAPE_SHARED_KEYS; i++) {
        snprintf(key, sizeof key, "k%d", i);
        node = shape_node_next(shapes, node, str_of(key));
        assert_non_null(node);
    }
    assert_null(shape_node_next(shapes, node, STR("one more")));
    const struct shape *shape = shape_node_shape(shapes, node);
    assert_int_equal(shape->n, SHAPE_SHARED_KEYS);
    for (int i = 0; i < SHAPE_SHARED_KEYS; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(shape_find(shape, str_of(key)), i);
        assert_int_equal(shape_node_find(node, str_of(key)), i);
    }
    assert_int_equal(shape_find(shape, STR("k128")), -1);
    assert_int_equal(shape_find(shape, STR("")), -1);
    shapes_free(shapes);
}

static void names_are_walked_at_once(void **state) {
    (void)state;
    struct shapes *shapes = shapes_new();
    const struct value names[] = {value_string(STR("b")), value_string(STR("a")), value_string(STR("b"))};
    assert_null(shapes_of_names(NULL, names, 2));
    assert_null(shapes_of_names(shapes, names, 3)); // one of them twice
    const struct shape *shape = shapes_of_names(shapes, names, 2);
    assert_non_null(shape);
    assert_ptr_equal(shape, shape_node_shape(shapes, walk(shapes, (const char *const[]){"b", "a", NULL})));
    assert_ptr_equal(shapes_of_names(shapes, NULL, 0), shape_node_shape(shapes, shapes_root(shapes)));
    shapes_free(shapes);
}

// Data with random keys fill the table; then everybody is private, and what was known stays known.
static void a_full_table_says_so(void **state) {
    (void)state;
    struct shapes *shapes = shapes_new();
    const char *const known[] = {"id", "name", NULL};
    const struct shape *first = shape_node_shape(shapes, walk(shapes, known));
    char key[32];
    int nodes = 0, made = 2; // that of {} too
    for (int i = 0; i < 10 * SHAPES_LIMIT; i++) {
        snprintf(key, sizeof key, "random%d", i);
        struct shape_node *node = shape_node_next(shapes, shapes_root(shapes), str_of(key));
        nodes += node != NULL;
        made += node && shape_node_shape(shapes, node) != NULL;
    }
    assert_true(nodes < 10 * SHAPES_LIMIT);
    assert_int_equal(made, SHAPES_LIMIT);
    assert_null(walk(shapes, (const char *const[]){"new", NULL}));
    assert_non_null(shape_node_shape(shapes, shapes_root(shapes)));
    assert_ptr_equal(shape_node_shape(shapes, walk(shapes, known)), first);
    shapes_free(shapes);
}

static void the_same_keys_in_the_same_order(void **state) {
    (void)state;
    struct shapes *shapes = shapes_new();
    struct shape_node *ab = walk(shapes, (const char *const[]){"a", "b", NULL});
    struct shape_node *ba = walk(shapes, (const char *const[]){"b", "a", NULL});
    struct shape_node *a = walk(shapes, (const char *const[]){"a", NULL});
    assert_ptr_equal(ab, walk(shapes, (const char *const[]){"a", "b", NULL}));
    assert_ptr_not_equal(ab, ba);
    assert_ptr_equal(node_guess(a), ab);
    assert_null(node_guess(ab));
    assert_true(str_is(node_key(ab), "b"));
    const struct shape *shape = shape_node_shape(shapes, ab);
    assert_ptr_equal(shape, shape_node_shape(shapes, ab));
    assert_true(shape->shared);
    assert_int_equal(shape_find(shape, STR("a")), 0);
    assert_int_equal(shape_find(shape, STR("b")), 1);
    assert_int_equal(shape_node_find(ab, STR("c")), -1);
    const struct shape *none = shape_node_shape(shapes, shapes_root(shapes));
    assert_int_equal(none->n, 0);
    assert_int_equal(shape_find(none, STR("a")), -1);
    shapes_free(shapes);
}

static void interned_keys_are_copies(void **state) {
    (void)state;
    struct shapes *shapes = shapes_new();
    char key[] = "zero\0inside \"quoted\"";
    struct str s = {key, sizeof key - 1};
    struct shape_node *node = shape_node_next(shapes, shapes_root(shapes), s);
    memset(key, 'x', sizeof key);
    assert_true(str_equal(node_key(node), STR("zero\0inside \"quoted\"")));
    assert_int_equal(shape_find(shape_node_shape(shapes, node), STR("zero\0inside \"quoted\"")), 0);
    shapes_free(shapes);
}

static void private_shapes_find_their_keys(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    for (uint32_t n = 0; n <= 3000; n = n * 3 + 1) {
        struct value *keys = ARENA_NEW_ARRAY(&arena, struct value, n);
        for (uint32_t i = 0; i < n; i++)
            keys[i] = value_string(str_of(arena_printf(&arena, "key %u", i)));
        struct shape *shape = shape_new_private(&arena, keys, n);
        assert_false(shape->shared);
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(shape_find(shape, value_str(keys[i])), i);
        assert_int_equal(shape_find(shape, STR("key -1")), -1);
    }
    arena_release(&arena);
    arena_init(&arena, 100);
    struct value keys[50] = {{0}};
    for (int i = 0; i < 50; i++)
        keys[i] = value_string(STR("x"));
    assert_null(shape_new_private(&arena, keys, 50));
    arena_release(&arena);
}

enum { THREADS = 4, PATHS = 300, ROUNDS = 20 };

struct worker {
    pthread_t thread;
    struct shapes *shapes;
    const struct shape *found[PATHS];
};

static void *intern(void *argument) {
    struct worker *w = argument;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PATHS; i++) {
            struct shape_node *node = shapes_root(w->shapes);
            for (int k = 0; k < 2 + i % 12; k++) {
                char key[32];
                snprintf(key, sizeof key, "%d", (i * 7 + k * 13) % 40 + k * 100);
                node = shape_node_next(w->shapes, node, str_of(key));
            }
            (void)node_guess(node);
            w->found[i] = shape_node_shape(w->shapes, node);
        }
    }
    return NULL;
}

static void threads_agree(void **state) {
    (void)state;
    struct worker workers[THREADS];
    struct shapes *shapes = shapes_new();
    for (int i = 0; i < THREADS; i++) {
        workers[i].shapes = shapes;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, intern, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < PATHS; i++) {
        assert_non_null(workers[0].found[i]);
        for (int t = 1; t < THREADS; t++)
            assert_ptr_equal(workers[t].found[i], workers[0].found[i]);
    }
    shapes_free(shapes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_twice_is_nobodys_shape),    cmocka_unit_test(too_many_keys_are_nobodys_shape),
        cmocka_unit_test(names_are_walked_at_once),        cmocka_unit_test(a_full_table_says_so),
        cmocka_unit_test(the_same_keys_in_the_same_order), cmocka_unit_test(interned_keys_are_copies),
        cmocka_unit_test(private_shapes_find_their_keys),  cmocka_unit_test(threads_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
