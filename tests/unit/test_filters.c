// SPDX-License-Identifier: MIT
// The library's tables, and filters where they refuse: strict undefined, limits, data that may not change, what
// is random. What they give: test_library.
#include "stages/render/methods.h"
#include "stages/render/ops.h"
#include "stages/render/print.h"
#include "tests/support/library_call.h"

static struct value text(const char *s) {
    return value_string(str_of(s));
}

static void table_is_sound(const struct library_function *rows, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (i && strcmp(rows[i - 1].name, rows[i].name) >= 0)
            fail_msg("%s stands before %s", rows[i - 1].name, rows[i].name);
        assert_non_null(rows[i].call);
        assert_true(rows[i].doc && *rows[i].doc);
        assert_int_equal(library_find(rows, n, str_of(rows[i].name)), i);
    }
}

static void tables_are_sound(void **state) {
    (void)state;
    const struct library *libraries[] = {library_builtin(), library_chat()};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        table_is_sound(libraries[i]->filters, libraries[i]->filters_n);
        table_is_sound(libraries[i]->tests, libraries[i]->tests_n);
        table_is_sound(libraries[i]->globals, libraries[i]->globals_n);
    }
    struct method_table tables[] = {methods_str(),  methods_list(), methods_tuple(),
                                    methods_dict(), methods_int(),  methods_float()};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        table_is_sound(tables[i].rows, tables[i].n);
}

static void random_is_refused(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 0);
    FAILS(&call, library_filter(&call, "random", text("abc"), NULL, 0), "same input");
    FAILS(&call, library_filter(&call, "nosuch", text("abc"), NULL, 0), "No filter named 'nosuch'");
    library_call_end(&call);
}

static void strict_undefined_is_used(void **state) {
    (void)state;
    static const char *const names[] = {"upper",  "lower",  "title",     "trim", "length", "list",
                                        "first",  "join",   "sort",      "sum",  "int",    "float",
                                        "abs",    "round",  "e",         "safe", "string", "items",
                                        "unique", "tojson", "wordcount", "min",  "max",    "pprint"};
    struct call call = library_call_begin(UNDEFINED_STRICT, 0);
    struct value u = value_undefined(UNDEFINED_NAME, STR("x"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool fine = library_filter(&call, names[i], u, NULL, 0);
        if (fine && strcmp(names[i], "pprint") != 0) // which shows it, as Python does
            fail_msg("%s takes an undefined", names[i]);
    }
    assert_true(library_filter(&call, "default", u, (struct value[]){value_int(5)}, 1));
    assert_int_equal(call.result.i, 5);
    library_call_end(&call);
}

static void kept_undefined_prints_its_name(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_KEEP, 0);
    assert_true(library_filter(&call, "string", value_undefined(UNDEFINED_NAME, STR("user.name")), NULL, 0));
    assert_true(str_is(value_str(call.result), "{{ user.name }}"));
    library_call_end(&call);
}

static void memory_runs_out(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 1 << 20);
    struct value wide = value_int(1 << 28);
    FAILS(&call, library_filter(&call, "center", text("a"), &wide, 1), "memory");
    FAILS(&call, library_filter(&call, "indent", text("a\nb"), &wide, 1), "memory");
    FAILS(&call, library_filter(&call, "slice", text("a"), &wide, 1), "memory");
    FAILS(&call, library_filter(&call, "format", text("%500000000s"), &wide, 1), "memory");
    FAILS(&call, library_filter(&call, "format", text("%.100000f"), &wide, 1), "precision");
    // A small list that prints as a large text.
    char *big = arena_alloc(call.arena, 100000);
    assert_non_null(big);
    memset(big, 'x', 100000);
    struct list *list = list_new(call.arena, 1000);
    assert_non_null(list);
    for (uint32_t i = 0; i < 1000; i++)
        list->items[i] = value_string((struct str){big, 100000});
    FAILS(&call, library_filter(&call, "string", value_list(list), NULL, 0), "memory");
    FAILS(&call, library_filter(&call, "tojson", value_list(list), NULL, 0), "memory");
    FAILS(&call, library_filter(&call, "join", value_list(list), NULL, 0), "memory");
    library_call_end(&call);
}

static bool method(struct call *call, struct value v, const char *name, const struct value *args,
                   uint32_t n) {
    struct value m = method_get(call, v, str_of(name));
    struct call_args given = {.positional = args, .positional_n = n};
    assert_int_equal(m.tag, VALUE_OBJECT);
    return vm_invoke(call, m, &given);
}

static void data_does_not_change(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 0);
    struct value list = value_list(list_new(call.arena, 0)), one = value_int(1), copy;
    struct value pair[] = {text("k"), one};
    FAILS(&call, method(&call, list, "append", &one, 1), "cannot be changed");
    FAILS(&call, method(&call, list, "clear", NULL, 0), "cannot be changed");
    FAILS(&call, method(&call, list, "sort", NULL, 0), "cannot be changed");
    assert_true(library_filter(&call, "list", list, NULL, 0));
    copy = call.result;
    assert_true(method(&call, copy, "append", &one, 1));
    assert_int_equal(copy.list->n, 1);
    assert_int_equal(list.list->n, 0);
    struct value map = value_map(map_new_mutable(call.arena));
    assert_true(method(&call, map, "setdefault", pair, 2));
    map.map->arena = NULL;
    FAILS(&call, method(&call, map, "pop", pair, 1), "cannot be changed");
    FAILS(&call, method(&call, map, "update", &map, 1), "cannot be changed");
    library_call_end(&call);
}

static void lists_change(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 0);
    struct list *list = list_new_mutable(call.arena);
    struct value l = value_list(list), args[2] = {value_int(0), text("first")};
    FAILS(&call, method(&call, l, "pop", NULL, 0), "pop from empty list");
    for (int i = 0; i < 5; i++)
        assert_true(list_append(list, value_int(i)));
    assert_true(method(&call, l, "insert", args, 2));
    args[0] = value_int(-1);
    args[1] = text("before last");
    assert_true(method(&call, l, "insert", args, 2));
    assert_true(method(&call, l, "extend", &l, 1)); // with itself
    FAILS(&call, method(&call, l, "remove", &(struct value){.tag = VALUE_INT, .i = 99}, 1), "not in list");
    FAILS(&call, method(&call, l, "pop", &(struct value){.tag = VALUE_INT, .i = 99}, 1), "out of range");
    assert_true(method(&call, l, "pop", args, 1));
    assert_int_equal(call.result.i, 4);
    struct str s;
    assert_true(print_to_str(&call, l, &s));
    assert_true(str_is(s, "['first', 0, 1, 2, 3, 'before last', 4, 'first', 0, 1, 2, 3, 'before last']"));
    library_call_end(&call);
}

static void iterators_run_once(void **state) {
    (void)state;
    struct call call = library_call_begin(UNDEFINED_DEFAULT, 0);
    struct value upper = text("upper"), it;
    assert_true(library_filter(&call, "map", text("abc"), &upper, 1));
    it = call.result;
    assert_int_equal(it.tag, VALUE_ITER);
    FAILS(&call, library_filter(&call, "length", it, NULL, 0), "has no len()");
    FAILS(&call, library_filter(&call, "last", it, NULL, 0), "not reversible");
    FAILS(&call, library_filter(&call, "tojson", it, NULL, 0), "not JSON serializable");
    assert_true(library_filter(&call, "first", it, NULL, 0));
    assert_true(str_is(value_str(call.result), "A"));
    assert_true(library_filter(&call, "join", it, NULL, 0)); // what is left
    assert_true(str_is(value_str(call.result), "BC"));
    assert_true(library_filter(&call, "list", it, NULL, 0));
    assert_int_equal(call.result.list->n, 0);
    library_call_end(&call);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_is_refused),  cmocka_unit_test(strict_undefined_is_used),
        cmocka_unit_test(memory_runs_out),    cmocka_unit_test(data_does_not_change),
        cmocka_unit_test(iterators_run_once), cmocka_unit_test(kept_undefined_prints_its_name),
        cmocka_unit_test(tables_are_sound),   cmocka_unit_test(lists_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
