// SPDX-License-Identifier: MIT
/*
 * Operators, printing, filters, tests and methods against recorded cases: library_cases.jsonl, one a line, says
 * what is called with what, and what Jinja2 3.1.2 (or Python 3.11, for operators and methods) makes of it.
 *
 *     {"kind": "filter", "name": "center", "value": "foo", "args": [9], "expected": "   foo   "}
 *
 * Values are JSON, and {"$safe": text}, {"$undef": name}, {"$tuple": [...]}, {"$range": [start, stop, step]}.
 * `expected` is the result as text, iterators as lists, safe ones with "Markup:" in front; `error` instead of it:
 * the call fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stages/record/reader.h"
#include "stages/render/bind.h"
#include "stages/render/builtins.h"
#include "stages/render/ops.h"
#include "stages/render/print.h"
#include "stages/render/sequence.h"
#include "stages/render/vm_private.h"

struct bench {
    struct vm *vm;
    struct arena arena;
    struct reader reader;
    struct shapes *shapes;
    unsigned cases, failures;
};

// ---- values as the cases write them

static struct value made(struct bench *b, struct value v);

static struct value *made_items(struct bench *b, const struct value *items, uint32_t n) {
    struct value *out = ARENA_NEW_ARRAY(&b->arena, struct value, n + 1);
    assert_non_null(out);
    for (uint32_t i = 0; i < n; i++)
        out[i] = made(b, items[i]);
    return out;
}

static struct value made_special(struct bench *b, struct str kind, struct value v) {
    struct call call = {.vm = b->vm, .arena = &b->arena};
    struct value out = value_none();
    if (str_is(kind, "$safe"))
        return value_safe(value_str(v));
    if (str_is(kind, "$undef"))
        return value_undefined(UNDEFINED_NAME, value_str(v));
    if (str_is(kind, "$tuple"))
        assert_true(op_new_tuple(&call, made_items(b, v.list->items, v.list->n), v.list->n, &out));
    else
        assert_true(sequence_new_range(&call, v.list->items[0].i, v.list->items[1].i,
                                       v.list->n > 2 ? v.list->items[2].i : 1, &out));
    return out;
}

static struct value made(struct bench *b, struct value v) {
    if (v.tag == VALUE_LIST) {
        struct call call = {.vm = b->vm, .arena = &b->arena};
        assert_true(op_new_list(&call, made_items(b, v.list->items, v.list->n), v.list->n, &v));
        return v;
    }
    if (v.tag != VALUE_MAP)
        return v;
    const struct shape *shape = v.map->shape;
    if (shape->n == 1 && value_str(shape->keys[0]).n > 1 && shape->keys[0].s[0] == '$')
        return made_special(b, value_str(shape->keys[0]), v.map->values[0]);
    struct map *map = map_new_mutable(&b->arena);
    assert_non_null(map);
    for (uint32_t i = 0; i < shape->n; i++)
        assert_true(map_put(map, shape->keys[i], made(b, v.map->values[i])));
    return value_map(map);
}

// ---- calls

static bool arithmetic(struct call *call, struct str name, struct value a, struct value b,
                       struct value *out) {
    static const struct {
        const char *name;
        bool (*call)(struct call *call, struct value a, struct value b, struct value *out);
    } rows[] = {{"+", op_add},       {"-", op_sub}, {"*", op_mul},  {"/", op_div},
                {"//", op_floordiv}, {"%", op_mod}, {"**", op_pow}, {"[]", op_index}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_is(name, rows[i].name))
            return rows[i].call(call, a, b, out);
    fail_msg("no operator %.*s", STR_ARG(name));
    return false;
}

static bool text_of(struct call *call, struct value v, bool repr, struct value *out) {
    struct buf b = BUF_INIT;
    struct str s;
    bool fine = repr ? print_repr(call, v, &b) : print_str(call, v, &b);
    if (!fine) {
        buf_release(&b);
        return false;
    }
    fine = print_take(call, &b, &s);
    *out = value_string(s);
    return fine;
}

static bool run_operator(struct call *call, struct str name, struct value a, const struct call_args *args) {
    struct value b = args->positional_n ? args->positional[0] : value_missing(), *out = &call->result;
    int64_t n = 0;
    int order = 0;
    bool found = false;
    if (str_is(name, "neg"))
        return op_neg(call, a, out);
    if (str_is(name, "pos"))
        return op_pos(call, a, out);
    if (str_is(name, "str") || str_is(name, "repr"))
        return text_of(call, a, str_is(name, "repr"), out);
    if (str_is(name, "[:]"))
        return op_slice(call, a, b, args->positional[1], args->positional[2], out);
    if (str_is(name, "len")) {
        bool fine = op_length(call, a, &n);
        *out = value_int(n);
        return fine;
    }
    if (str_is(name, "in")) {
        bool fine = op_contains(call, b, a, &found);
        *out = value_bool(found);
        return fine;
    }
    if (str_is(name, "<")) {
        bool fine = op_compare(call, a, b, &order);
        *out = value_bool(fine && order == -1);
        return fine;
    }
    if (str_is(name, "==")) {
        *out = value_bool(op_equal(a, b));
        return true;
    }
    return arithmetic(call, name, a, b, out);
}

static bool run(struct call *call, struct str kind, struct str name, struct value v,
                const struct call_args *args) {
    if (str_is(kind, "operator"))
        return run_operator(call, name, v, args);
    if (str_is(kind, "filter"))
        return vm_apply_filter(call, name, v, args);
    if (str_is(kind, "test")) {
        bool passed = false;
        bool fine = vm_apply_test(call, name, v, args, &passed);
        call->result = value_bool(passed);
        return fine;
    }
    struct value method = method_get(call, v, name);
    return method.tag == VALUE_OBJECT && vm_invoke(call, method, args);
}

static struct str printed(struct bench *b, struct call *call) {
    struct value v = call->result, text;
    const struct value *items;
    uint32_t n;
    if (v.tag == VALUE_ITER) {
        assert_true(op_items(call, v, &items, &n));
        assert_true(op_new_list(call, made_items(b, NULL, 0), 0, &v));
        for (uint32_t i = 0; i < n; i++)
            assert_true(list_append(v.list, items[i]));
    }
    if (!text_of(call, v, false, &text))
        return STR("(cannot be printed)");
    struct buf out = BUF_INIT;
    buf_add_text(&out, v.tag == VALUE_STRING && v.flags & VALUE_SAFE ? "Markup:" : "");
    buf_add_str(&out, value_str(text));
    struct str s;
    assert_true(print_take(call, &out, &s));
    return s;
}

static void run_case(struct bench *b, struct str line, const struct map *c) {
    struct call call = {.vm = b->vm, .arena = &b->arena};
    call.autoescape = op_truth(map_get(c, STR("autoescape")));
    struct value args = made(b, map_get(c, STR("args"))), expected = map_get(c, STR("expected"));
    struct call_args given = {.positional = args.list->items, .positional_n = args.list->n};
    struct value keywords = map_get(c, STR("keywords"));
    if (keywords.tag == VALUE_MAP) {
        struct str *names = ARENA_NEW_ARRAY(&b->arena, struct str, keywords.map->shape->n + 1);
        for (uint32_t i = 0; i < keywords.map->shape->n; i++)
            names[i] = value_str(keywords.map->shape->keys[i]);
        given.names = names;
        given.keywords_n = keywords.map->shape->n;
        given.keywords = made_items(b, keywords.map->values, given.keywords_n);
    }
    b->vm->fault_text = (struct str){NULL, 0};
    bool fine = run(&call, value_str(map_get(c, STR("kind"))), value_str(map_get(c, STR("name"))),
                    made(b, map_get(c, STR("value"))), &given);
    b->cases++;
    struct str got = fine ? printed(b, &call) : b->vm->fault_text;
    bool good = expected.tag == VALUE_STRING ? fine && str_equal(got, value_str(expected)) : !fine && got.n;
    if (good)
        return;
    b->failures++;
    print_error("%.*s\n    %s %.*s\n", STR_ARG(line), fine ? "gives" : "fails:", STR_ARG(got));
}

static void recorded_cases(void **state) {
    struct bench b = {0};
    FILE *file = fopen(*state, "r");
    assert_non_null(file);
    b.vm = vm_new(&(struct vm_options){.library = library_builtin()});
    b.shapes = shapes_new();
    reader_init(&b.reader, b.shapes, NULL);
    arena_init(&b.arena, 0);
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; (n = getline(&line, &cap, file)) > 0;) {
        struct value c;
        struct str text = {line, (size_t)n - 1};
        assert_int_equal(reader_parse(&b.reader, text, &b.arena, &c), STATUS_OK);
        run_case(&b, text, c.map);
        arena_clear(&b.arena);
        arena_clear(&b.vm->faults);
    }
    assert_true(b.cases > 0);
    free(line);
    fclose(file);
    vm_free(b.vm);
    reader_release(&b.reader);
    shapes_free(b.shapes);
    arena_release(&b.arena);
    if (b.failures)
        fail_msg("%u of %u cases", b.failures, b.cases);
}

int main(int n, char **args) { // another file of cases may be named
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(recorded_cases, n > 1 ? args[1] : (char[]){LIBRARY_CASES})};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
