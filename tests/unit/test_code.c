// SPDX-License-Identifier: MIT
// The code a template becomes: listings in code_listings.txt of the templates in code_cases.txt, one a line after
// a line with its name. With PRESSRUN_BLESS=1 in the environment the listings are written anew.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/mem.h"
#include "stages/compile/compile.h"
#include "stages/compile/tree.h"

static bool never(struct call *call) {
    (void)call;
    return false;
}

static const struct library_function filters[] = {{"join", "[d attribute]", never, ""},
                                                  {"upper", "", never, ""}};
static const struct library_function tests[] = {{"odd", "", never, ""}};
static const struct library library = {.filters = filters, .filters_n = 2, .tests = tests, .tests_n = 1};

static bool is_only_text(const struct program *p) {
    for (uint32_t i = 0; i < p->code_n; i++)
        if (p->code[i].op != OP_TEXT && p->code[i].op != OP_RETURN)
            return false;
    return true;
}

static struct program *compile(struct str text, bool autoescape, struct arena *arena) {
    struct source_text source = {STR("t"), text};
    struct compile_options options = {.library = &library, .autoescape = autoescape};
    struct diags diags;
    arena_init(arena, 0);
    diags_init(&diags, arena);
    struct program *p = compile_template(languages[0], &source, &options, &diags);
    if (!p)
        fail_msg("%.*s: %.*s", STR_ARG(text), STR_ARG(diags.first->message));
    return p;
}

static struct str next_line(struct str *rest) {
    const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    struct str line = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
    *rest = str_from(*rest, line.n + 1);
    return line;
}

static void read_file(const char *path, char **text, size_t *n) {
    struct fs fs = fs_system();
    struct err err;
    if (fs_read_file(&fs, path, 1 << 20, text, n, &err) != STATUS_OK)
        fail_msg("%s", err.text);
}

static void test_listings(void **state) {
    (void)state;
    char *cases, *expected = NULL;
    size_t cases_n, expected_n = 0;
    struct buf got = BUF_INIT;
    read_file(CODE_CASES, &cases, &cases_n);
    for (struct str rest = {cases, cases_n}; rest.n;) {
        struct arena arena;
        struct str name = next_line(&rest), text = next_line(&rest);
        struct program *p = compile(text, false, &arena);
        buf_printf(&got, "%.*s\n%.*s\n", STR_ARG(name), STR_ARG(text));
        program_disassemble(p, &library, &got);
        buf_add_char(&got, '\n');
        program_free(p);
        arena_release(&arena);
    }
    mem_free(cases);
    if (getenv("PRESSRUN_BLESS")) {
        FILE *f = fopen(CODE_LISTINGS, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(got.p, 1, got.n, f), got.n);
        fclose(f);
    }
    read_file(CODE_LISTINGS, &expected, &expected_n);
    struct str a = buf_str(&got), b = {expected, expected_n};
    while (a.n || b.n) {
        struct str line = next_line(&a), want = next_line(&b);
        if (!str_equal(line, want))
            fail_msg("the listing has\n%.*s\nwhere\n%.*s\nis expected", STR_ARG(line), STR_ARG(want));
    }
    mem_free(expected);
    buf_release(&got);
}

// Autoescape is decided when compiling: literals are escaped then, values when they are written.
static void test_autoescape(void **state) {
    (void)state;
    struct arena arena;
    struct program *p = compile(STR("<{{ '<' }}{{ a }}{% set b %}{% endset %}{{ b }}"), true, &arena);
    assert_true(p->autoescape);
    assert_int_equal(p->code[0].op, OP_TEXT);
    assert_true(str_is(value_str(p->constants[p->code[0].c]), "<&lt;"));
    for (uint32_t i = 0; i < p->code_n; i++)
        if (p->code[i].op == OP_EMIT || p->code[i].op == OP_EMIT_NAME)
            assert_int_equal(p->code[i].a, ESCAPE_ON);
        else if (p->code[i].op == OP_CAPTURED) // what a macro sets depends on where it is called
            assert_int_equal(p->code[i].a, ESCAPE_DYNAMIC);
    program_free(p);
    arena_release(&arena);
}

static void test_constant_templates(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool constant;
    } rows[] = {{"", true},
                {"a", true},
                {"a{{ 'b' }}{# c #}", true},
                {"{{ a }}", false},
                {"{% if a %}{% endif %}", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        struct program *p = compile(str_of(rows[i].text), false, &arena);
        assert_int_equal(is_only_text(p), rows[i].constant);
        program_free(p);
        arena_release(&arena);
    }
}

// Every instruction points into the source.
static void test_positions(void **state) {
    (void)state;
    struct arena arena;
    struct program *p = compile(STR("{% for a in b|upper %}\n{{ a.b + 'x' }}{% endfor %}"), false, &arena);
    for (uint32_t i = 0; i < p->code_n; i++) {
        assert_true(p->positions[i] <= p->source.text.n);
        assert_true((size_t)p->positions[i] + p->extents[i] <= p->source.text.n);
        if (p->code[i].op == OP_ADD)
            assert_memory_equal(p->source.text.p + p->positions[i], "a.b + 'x'", 9);
        if (p->code[i].op == OP_FILTER)
            assert_memory_equal(p->source.text.p + p->positions[i], "upper", 5);
    }
    program_free(p);
    arena_release(&arena);
}

static struct node *literal(struct arena *arena, struct value v) {
    return node_const(arena, (struct span){0, 1}, v);
}

// 1 ~ 1 ~ ..., as a chain, and "a" + "a" + ..., as a tree that leans to the left or to the right.
static struct node *long_concat(struct arena *arena, int n) {
    struct node *node = node_new(arena, NODE_CONCAT, (struct span){0, 1});
    struct node_list items = {0};
    for (int i = 0; i < n; i++)
        node_append(&items, literal(arena, value_int(1)));
    node->items = items.first;
    return node;
}

static struct node *long_sum(struct arena *arena, int n, struct str text, bool right) {
    struct node *node = literal(arena, value_string(text));
    for (int i = 1; i < n; i++) {
        struct node *sum = node_new(arena, NODE_BINARY, (struct span){0, 1});
        sum->op = OP_ADD;
        sum->left = right ? literal(arena, value_string(text)) : node;
        sum->right = right ? node : literal(arena, value_string(text));
        node = sum;
    }
    return node;
}

// What folding takes grows with its input, not with its square: the arena's limit tells.
static void test_long_folds(void **state) {
    (void)state;
    enum { ITEMS = 100000, MOST = 1 << 16, HEIGHT = 999 };
    struct arena arena;
    arena_init(&arena, (size_t)64 << 20);
    struct node *node = tree_fold(&arena, long_concat(&arena, ITEMS));
    assert_int_equal(node->kind, NODE_CONCAT);
    assert_int_equal(value_str(node->items->value).n, MOST);
    assert_int_equal(value_str(node->items->next->value).n, ITEMS - MOST);
    assert_null(node->items->next->next);
    for (int i = 0; i < ITEMS - MOST; i++)
        assert_int_equal(value_str(node->items->next->value).p[i], '1');
    node = tree_fold(&arena, long_concat(&arena, MOST));
    assert_int_equal(node->kind, NODE_CONST);
    assert_int_equal(value_str(node->value).n, MOST);
    arena_release(&arena);

    static const char text[61] = "012345678901234567890123456789012345678901234567890123456789";
    arena_init(&arena, 1 << 20);
    node = tree_fold(&arena, long_sum(&arena, HEIGHT, STR(text), false));
    assert_int_equal(node->kind, NODE_CONST);
    assert_int_equal(value_str(node->value).n, 60 * HEIGHT);
    for (size_t i = 0; i < (size_t)60 * HEIGHT; i++)
        assert_int_equal(value_str(node->value).p[i], text[i % 60]);
    arena_release(&arena);
    arena_init(&arena, 1 << 20);
    assert_int_equal(tree_fold(&arena, long_sum(&arena, HEIGHT, STR(text), true))->kind, NODE_BINARY);
    arena_release(&arena);
}

// What was folded stands where the whole of it stood, and does not change what its parts came from.
static void test_joined_texts(void **state) {
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"{{ 'a' + 'b' }}", "ab"},
        {"{{ ('a' + 'b') + ('c' + 'd') }}", "abcd"},
        {"{{ 'a' ~ 1 ~ ('b' ~ none) ~ 'c' + 'd' }}", "a1bNonecd"},
        {"{{ 'a' ~ ('b' ~ 'cdefghijkl') ~ 'm' }}", "abcdefghijklm"},
        {"{{ 'abc' + 'defg' + 'hijklmnopq' + 'rstuvwxyz' }}", "abcdefghijklmnopqrstuvwxyz"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        struct program *p = compile(str_of(rows[i].text), false, &arena);
        assert_true(is_only_text(p));
        assert_int_equal(p->code[0].op, OP_TEXT);
        assert_true(str_is(value_str(p->constants[p->code[0].c]), rows[i].want));
        program_free(p);
        arena_release(&arena);
    }
}

// A program owns what it needs: the text it was made of may go.
static void test_text_is_copied(void **state) {
    (void)state;
    struct arena arena;
    char text[] = "abc{{ name }}";
    struct program *p = compile(str_of(text), false, &arena);
    arena_release(&arena);
    memset(text, 'x', sizeof text);
    assert_true(str_is(value_str(p->constants[p->code[0].c]), "abc"));
    assert_true(str_is(p->source.text, "abc{{ name }}"));
    program_free(p);
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_listings),           cmocka_unit_test(test_autoescape),
        cmocka_unit_test(test_constant_templates), cmocka_unit_test(test_positions),
        cmocka_unit_test(test_text_is_copied),     cmocka_unit_test(test_long_folds),
        cmocka_unit_test(test_joined_texts),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
