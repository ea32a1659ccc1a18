// SPDX-License-Identifier: MIT
// Prompts: what is taken out of their text, what lines mean, and what keeps values from running wild.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/mem.h"
#include "stages/compile/prompt.h"
#include "stages/compile/prompt_text.h"
#include "stages/program/directive.h"
#include "stages/render/builtins.h"
#include "stages/render/vm.h"

static void test_directives(void **state) {
    (void)state;
    static const struct {
        const char *line;
        int kind; // -1: no directive
        const char *stripped, *path;
    } rows[] = {
        {"", -1, "", ""},
        {"/ / include a", -1, "", ""},
        {"a //include a", -1, "", ""},
        {"//", DIRECTIVE_NAMELESS, "//", ""},
        {" \t//\v ", DIRECTIVE_NAMELESS, "//", ""},
        {"//include", DIRECTIVE_PATHS, "//include", ""},
        {"//import a b", DIRECTIVE_PATHS, "//import a b", ""},
        {"//Include a", DIRECTIVE_UNKNOWN, "//Include a", ""},
        {"///include a", DIRECTIVE_UNKNOWN, "///include a", ""},
        {"//send include a", DIRECTIVE_REFUSED, "//send include a", ""},
        {"//! x", DIRECTIVE_REFUSED, "//! x", ""},
        {"//yield_self", DIRECTIVE_REFUSED, "//yield_self", ""},
        {"//sendx", DIRECTIVE_UNKNOWN, "//sendx", ""},
        {"//run include a", DIRECTIVE_EXCLUDED, "//run include a", ""},
        {"  //\tinclude  a.txt \r", DIRECTIVE_INCLUDE, "//\tinclude  a.txt", "a.txt"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct directive d = {.kind = DIRECTIVE_UNKNOWN};
        bool found = directive_parse(str_of(rows[i].line), &d);
        if (found != (rows[i].kind >= 0) || (found && (int)d.kind != rows[i].kind))
            fail_msg("%s: %d %d", rows[i].line, found, (int)d.kind);
        if (found)
            assert_true(str_is(d.line, rows[i].stripped));
        if (found && d.kind == DIRECTIVE_INCLUDE)
            assert_true(str_is(d.path, rows[i].path));
    }
}

static void test_paths(void **state) {
    (void)state;
    static const struct {
        const char *path, *name; // NULL: it leaves the search path
    } rows[] = {
        {"/etc/passwd", NULL},
        {"..", NULL},
        {"../a", NULL},
        {"a/../../b", NULL},
        {"./../a", NULL},
        {"a/./../../x/..", NULL},
        {"a", "a"},
        {"./a//b/../c", "a/c"},
        {"a/..", "."},
        {".", "."},
        {"a/", "a/"},
        {"...", "..."},
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str name;
        bool inside = directive_template(str_of(rows[i].path), &arena, &name);
        if (inside != (rows[i].name != NULL) || (inside && !str_is(name, rows[i].name)))
            fail_msg("%s: %d %.*s", rows[i].path, inside, inside ? (int)name.n : 0, inside ? name.p : "");
    }
    arena_release(&arena);
}

static void test_text(void **state) {
    (void)state;
    static const struct compile_variable variables[] = {{{"A", 1}, {"value", 5}}, {{"B_1", 3}, {"", 0}}};
    static const struct {
        const char *source, *text;
    } rows[] = {
        {"", ""},
        {"\n", ""},
        {"a<!--", "a<!--"},
        {"a<!-->b", "a<!-->b"},
        {"a<!--b--><!--\n--->c", "ac"},
        {"__END__", ""},
        {" __END__\n__END__ \n__END__x\n__END__\nz", " __END__\n__END__ \n__END__x"},
        {"#\n #\n\v#\na#\n", "a#"},
        {"```markdown\n#\n```markdown\n```\n#\n```\n#\n```\n#\na",
         "```markdown\n#\n```markdown\n```\n#\n```\n```\na"},
        {"```md\n#a\n```\n#b\n", "```md\n```"},
        {"$A ${A} $AB $A_ ${A ${AB} ${} $$A $B_1.", "value value $AB $A_ ${A ${AB} ${} $value ."},
    };
    struct compile_options options = {.environment = variables, .environment_n = 2};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct prompt_text made;
        prompt_text_make(str_of(rows[i].source), &options, &made);
        if (!str_is(buf_str(&made.text), rows[i].text))
            fail_msg("%s becomes %.*s", rows[i].source, STR_ARG(buf_str(&made.text)));
        prompt_text_release(&made);
    }
}

// Every byte that is left knows its place, those of a value the place of the variable.
static void test_origins(void **state) {
    (void)state;
    static const struct compile_variable variable = {{"A", 1}, {"--", 2}};
    struct compile_options options = {.environment = &variable, .environment_n = 1};
    struct str source = STR("ab<!-- -->c\r\n# gone\r\nd${A}e\nf");
    struct prompt_text made;
    prompt_text_make(source, &options, &made);
    assert_true(str_is(buf_str(&made.text), "abc\nd--e\nf"));
    for (size_t i = 0; i < made.text.n; i++) {
        uint32_t from = prompt_text_origin(&made, i);
        assert_true(from < source.n);
        assert_int_equal(made.text.p[i] == '-' ? '$' : made.text.p[i], source.p[from]);
    }
    prompt_text_release(&made);
}

struct rendering {
    const char *text;
    struct vm_limits limits;
    const char *fault;
};

// Values that name each other grow by the number of keywords, those with a backslash by the text around them.
static void test_limits(void **state) {
    (void)state;
    static const struct rendering rows[] = {
        {"[A][B][C][D][E]", {.output_bytes = 5000}, "the output is larger than 5000 bytes"},
        {"[A][B][C][D][E]", {.steps = 3}, "the template ran more than 3 steps"},
        {"[X][X][X][X][X][X][X][X][X][X]", {.output_bytes = 100}, "the output is larger than 100 bytes"},
        {"[G]", {0}, "\"\\k<\" in the text for [G] names a group that is not there"},
        {"[N]", {0}, "the value of [N] is a string or a list of strings, not 'int'"},
        {"[L]", {0}, "//include takes the path of one file"},
    };
    static const char *const names[] = {"[A]", "[B]", "[C]", "[D]", "[E]", "[X]", "[G]", "[L]", "[N]"};
    static const char *const values[] = {"[B][B][B][B][B][B]",
                                         "[C][C][C][C][C][C]",
                                         "[D][D][D][D][D][D]",
                                         "[E][E][E][E][E][E]",
                                         "[F][F][F][F][F][F]",
                                         "\\`\\`\\'",
                                         "\\k<x>",
                                         "a\n//include"};
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct diags diags;
        struct map *record = map_new_mutable(&arena);
        diags_init(&diags, &arena);
        for (size_t k = 0; k < (str_is(str_of(rows[i].text), "[N]") ? 9 : 8); k++)
            assert_true(map_put(record, value_string(str_of(names[k])),
                                k == 8 ? value_int(1) : value_string(str_of(values[k]))));
        struct source_text source = {STR("m"), str_of(rows[i].text)};
        struct compile_options options = {.library = library_builtin()};
        struct program *program = compile_template(&language_prompt, &source, &options, &diags);
        assert_non_null(program);
        struct vm_options machine = {.library = library_builtin(), .limits = rows[i].limits};
        struct vm *vm = vm_new(&machine);
        const struct diag *fault;
        assert_false(vm_render(vm, program, value_map(record), NULL, 0, &fault));
        if (!str_is(fault->message, rows[i].fault))
            fail_msg("%s: %.*s", rows[i].text, STR_ARG(fault->message));
        vm_free(vm);
        program_free(program);
    }
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directives), cmocka_unit_test(test_paths),  cmocka_unit_test(test_text),
        cmocka_unit_test(test_origins),    cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
