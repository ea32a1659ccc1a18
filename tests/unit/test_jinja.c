// SPDX-License-Identifier: MIT
// The Jinja front end: what it says about wrong templates, and that no template makes it stumble.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "stages/compile/compile.h"

static bool never(struct call *call) {
    (void)call;
    return false;
}

static const struct library_function filters[] = {{"default", "[value boolean]", never, ""},
                                                  {"join", "[d attribute]", never, ""},
                                                  {"upper", "", never, ""}};
static const struct library_function tests[] = {{"defined", "", never, ""}, {"odd", "", never, ""}};
static const struct library library = {.filters = filters, .filters_n = 3, .tests = tests, .tests_n = 2};
static const struct compile_options plain = {.library = &library};

static struct program *compile(struct str text, const struct compile_options *options, struct arena *arena,
                               struct diags *diags) {
    struct source_text source = {STR("t"), text};
    arena_init(arena, 0);
    diags_init(diags, arena);
    return compile_template(languages[0], &source, options, diags);
}

// Line, column, underlined bytes and message of every error, one a line.
static void describe(const struct diags *diags, struct buf *out) {
    for (const struct diag *d = diags->first; d; d = d->next)
        buf_printf(out, "%u:%u+%u %.*s\n", (unsigned)d->line, (unsigned)d->column, (unsigned)d->caret_n,
                   STR_ARG(d->message));
}

struct row {
    const char *text, *errors;
};

static void check(const struct row *row) {
    struct arena arena;
    struct diags diags;
    struct buf got = BUF_INIT;
    struct program *p = compile(str_of(row->text), &plain, &arena, &diags);
    describe(&diags, &got);
    if (!str_is(buf_str(&got), row->errors))
        fail_msg("%s\nsays\n%s\nnot\n%s", row->text, buf_text(&got), row->errors);
    assert_int_equal(p == NULL, row->errors[0] != 0);
    program_free(p);
    buf_release(&got);
    arena_release(&arena);
}

static void test_expressions(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"{{ 1 + }}", "1:8+2 expected an expression, got '}}'\n"},
        {"{{ }}", "1:4+2 expected an expression, got '}}'\n"},
        {"{{ a b }}", "1:6+1 expected '}}', got 'b'\n"},
        {"{{ x. }}", "1:7+2 expected a name or a number, got '}}'\n"},
        {"{{ x[1 }}", "1:8+1 expected ']' before the end of the tag\n"},
        {"{{ f(a=1, 2) }}", "1:11+1 a positional argument follows a keyword argument\n"},
        {"{{ f(a=1, a=2) }}", "1:11+1 the argument 'a' is given twice\n"},
        {"{{ f(*a, b) }}", "1:10+1 a positional argument follows '*'\n"},
        {"{{ f(*a, *b) }}", "1:10+1 '*' is given twice\n"},
        {"{{ f(**a, **b) }}", "1:11+2 an argument follows '**'\n"},
        {"{{ f(**a, b=1) }}", "1:11+1 an argument follows '**'\n"},
        {"{{ f(*) }}", "1:7+1 expected an expression, got ')'\n"},
        {"{{ 'abc }}", "1:4+1 this string has no end\n"},
        {"{{ 'a\\xZ' }}", "1:6+2 this escape has too few digits\n"},
        {"{{ '\\ud800' }}", "1:5+6 this escape is no character\n"},
        {"{{ '\\N{NO SUCH THING}' }}", "1:5+17 there is no character of this name\n"},
        {"{{ a & b }}", "1:6+1 unexpected character '&'\n"},
        {"{{ \xE2\x98\x83 }}", "1:4+3 unexpected character '\xE2\x98\x83'\n"},
        {"{{ 1", "1:4+1 unexpected end of template, expected '}}'\n"},
        {"{{ x is odd is odd }}", "1:13+2 tests with 'is' cannot be chained\n"},
        {"{{ x|uper }}", "1:6+4 there is no filter 'uper'\n"},
        {"{{ x is od }}", "1:9+2 there is no test 'od'\n"},
        {"{{ x|nope|alsonot }}", "1:6+4 there is no filter 'nope'\n1:11+7 there is no filter 'alsonot'\n"},
        {"{{ a[1:2, 3] }}", "1:4+5 a slice cannot be one of several keys\n"},
        {"{{ 012 }}", "1:5+2 expected '}}', got '12'\n"},
        {"{{ not }}", "1:8+2 expected an expression, got '}}'\n"},
        {"\xFF{{ 1 }}", "1:1+1 this is not UTF-8\n"},
        {"a\n{{ 1 }}\xC3", "2:8+1 this is not UTF-8\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

static void test_statements(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"{% if x %}a", "1:11+1 unexpected end of template: 'if' of line 1 has no 'endif'\n"},
        {"{% for x in y %}\n{% if x %}\n{% endfor %}",
         "3:4+6 'endfor' comes while 'if' of line 2 is open, which wants 'elif', 'else' or 'endif'\n"},
        {"{% endif %}", "1:4+5 unexpected tag 'endif'\n"},
        {"{% foo %}{% endfoo %}", "1:4+3 unknown tag 'foo'\n"},
        {"{% %}", "1:4+2 expected the name of a tag, got '%}'\n"},
        {"{% for x y %}{% endfor %}", "1:10+1 expected 'in', got 'y'\n"},
        {"{% for 1 in l %}{% endfor %}", "1:8+1 cannot assign to a constant\n"},
        {"{% set x['a'] = 1 %}", "1:9+1 expected '=' or '%}', got '['\n"},
        {"{% macro m(a, a) %}{% endmacro %}", "1:15+1 there are two parameters 'a'\n"},
        {"{% macro m(a=1, b) %}{% endmacro %}",
         "1:17+1 a parameter without a default follows one with a default\n"},
        {"{% call 5 %}x{% endcall %}", "1:9+1 expected a call, as in {% call name() %}\n"},
        {"{% break %}", "1:4+5 'break' outside of a loop\n"},
        {"{% for a in b %}{% macro m() %}{% continue %}{% endmacro %}{% endfor %}",
         "1:35+8 'continue' outside of a loop\n"},
        {"{% for a in b %}{% set loop = 1 %}{% endfor %}",
         "1:24+4 cannot assign to 'loop' inside of a for loop\n"},
        {"{# x", "1:1+2 this comment has no end, '#}' is missing\n"},
        {"{% raw %}x", "1:1+9 this raw block has no end, 'endraw' is missing\n"},
        {"{% for a in b recursive if c %}{% endfor %}", "1:25+2 expected '%}', got 'if'\n"},
        {"{% for a in b recursive %}{% set loop = 1 %}{% endfor %}",
         "1:34+4 cannot assign to 'loop' inside of a for loop\n"},
        {"{% autoescape %}{% endautoescape %}", "1:15+2 expected an expression, got '%}'\n"},
        {"{% autoescape true %}",
         "1:20+2 unexpected end of template: 'autoescape' of line 1 has no 'endautoescape'\n"},
        {"{% block a-b %}{% endblock %}", "1:11+1 the name of a block is an identifier, without hyphens\n"},
        {"{% block a required %}x{% endblock %}",
         "1:10+1 a required block is empty: it may contain white space and comments only\n"},
        {"{% block a %}{% endblock b %}", "1:26+1 expected the end of the tag or 'a', got 'b'\n"},
        {"{% block a required scoped %}{% endblock %}", "1:21+6 expected '%}', got 'scoped'\n"},
        {"{% for a in b %}{% block c %}{% break %}{% endblock %}{% endfor %}",
         "1:33+5 'break' outside of a loop\n"},
        {"{% import 'a' %}", "1:15+2 expected 'as', got '%}'\n"},
        {"{% from 'a' import %}", "1:20+2 expected a name, got '%}'\n"},
        {"{% from 'a' import b, %}", "1:23+2 expected a name, got '%}'\n"},
        {"{% from 'a' import b,, c %}", "1:22+1 expected a name, got ','\n"},
        {"{% from 'a' import _b %}", "1:20+2 names that begin with an underscore cannot be imported\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

// One fault does not hide the next, nor make others.
static void test_all_at_once(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"{{ 1 + }} {{ ok }} {{ 2 * }}\n{% if %}x{% endif %}{{ 'a' 1 }}",
         "1:8+2 expected an expression, got '}}'\n"
         "1:27+2 expected an expression, got '}}'\n"
         "2:7+2 expected an expression, got '%}'\n"
         "2:28+1 expected '}}', got '1'\n"},
        {"{{ {'a': 1 }} fine {{ b }}{{ c d }}", "1:13+1 unexpected '}'\n"
                                                "1:32+1 expected '}}', got 'd'\n"},
        {"{% if (a %}{{ b c }}{% endif %}", "1:11+1 expected ')' before the end of the tag\n"
                                            "1:17+1 expected '}}', got 'c'\n"},
        {"{% for a in b %}{% if a %}{% endfor %}{{ x y }}",
         "1:30+6 'endfor' comes while 'if' of line 1 is open, which wants 'elif', 'else' or 'endif'\n"
         "1:44+1 expected '}}', got 'y'\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

// A misspelt end is one error, not two: the block ends where it is.
static void test_misspelt_ends(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"{% if a %}{% block b %}{% endblok b %}{% endif %}", "1:27+7 unknown tag 'endblok'\n"},
        {"{% for a in b %}{% end %}", "1:20+3 unknown tag 'end'\n"},
        {"{% for a in b %}{% end for %}{{ c d }}",
         "1:20+3 unknown tag 'end'\n1:35+1 expected '}}', got 'd'\n"},
        {"{% if a %}{% else %}{% endfi %}", "1:24+5 unknown tag 'endfi'\n"},
        {"{% if a %}{% endfilters %}{% endif %}", "1:14+10 unknown tag 'endfilters'\n"},
        {"{% if a %}{% end", "1:14+3 unknown tag 'end'\n1:14+3 unexpected end of template, expected '%}'\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

static void test_hints(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"{{ x|uper }}", "did you mean \"upper\"?"},
        {"{% fro x in y %}", "did you mean \"for\"?"},
        {"{% if x %}\n{% end %}{% endif %}", "did you mean \"endif\"?\nthe innermost open block is 'if' of "
                                             "line 1, it wants 'elif', 'else' or 'endif'"},
        {"{{ x|upcase }}", "\"pressrun help filters\" lists them"},
        {"{{ x is divisable }}", "\"pressrun help tests\" lists them"},
        {"{% if a && b %}{% endif %}", "'and' is written as a word: a and b"},
        {"{% if a || b %}{% endif %}", "'or' is written as a word: a or b"},
        {"{% if !a %}{% endif %}", "'not' is written as a word: not a"},
        {"{{ a ? b : c }}", "a choice is written with words: a if condition else b"},
        {"{% if a = b %}{% endif %}", "'==' compares"},
        {"{{ a }", "this tag ends with }}"},
        {"{% if a }{% endif %}", "this tag ends with %}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        struct diags diags;
        assert_null(compile(str_of(rows[i].text), &plain, &arena, &diags));
        assert_true(str_equal(diags.first->hint, str_of(rows[i].errors)));
        arena_release(&arena);
    }
}

// An unknown filter within an if fails only where it is reached.
static void test_soft(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"{% if x %}{{ x|nope }}{% endif %}", ""},
        {"{{ x|nope if x else 1 }}", ""},
        {"{% if x %}{% for a in x %}{{ a|nope }}{% endfor %}{% endif %}",
         "1:32+4 there is no filter 'nope'\n"},
        {"{% for a in [] %}{{ a is nope }}{% endfor %}", "1:26+4 there is no test 'nope'\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

static void repeat(struct buf *out, const char *text, size_t n) {
    while (n--)
        buf_add_text(out, text);
}

// Depth costs an error, not the stack; length costs nothing.
static void test_deep_and_long(void **state) {
    (void)state;
    static const struct {
        const char *begin, *more, *middle, *less, *end;
        size_t n;
        bool fine;
    } rows[] = {
        {"{{ ", "(", "1", ")", " }}", 100000, false},
        {"{{ ", "[", "1", "]", " }}", 150, true},
        {"{{ ", "- ", "a", "", " }}", 100000, false},
        {"{{ ", "not ", "a", "", " }}", 100000, false},
        {"{{ a", "+b", "", "", " }}", 100000, false},
        {"{{ a", "+b", "", "", " }}", 900, true},
        {"{{ a", ".b", "", "", " }}", 100000, false},
        {"{{ a", "|upper", "", "", " }}", 100000, false},
        {"{{ a", " if b else a", "", "", " }}", 100000, false},
        {"{{ a", " and a", "", "", " }}", 100000, false},
        {"{{ a", " ~ a", "", "", " }}", 50000, true},
        {"{{ [a", ", a", "", "", "] }}", 50000, true},
        {"{{ a", "< a", "", "", " }}", 50000, true},
        {"", "{% if a %}", "", "{% endif %}", "", 100000, false},
        {"", "{% if a %}", "x", "{% endif %}", "", 150, true},
        {"", "{% for a in a %}", "x", "{% endfor %}", "", 150, true},
        {"", "{% macro m() %}", "x", "{% endmacro %}", "", 150, true},
        {"{% if a %}", "{% elif a %}b", "", "", "{% endif %}", 20000, true},
        {"{{", "(", "", "", "", 100000, false},
        {"", "{% raw %}", "", "", "", 20000, false},
        {"", "{#", "", "", "", 20000, false},
        {"", "{% foo %}", "", "", "", 20000, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf text = BUF_INIT;
        struct arena arena;
        struct diags diags;
        buf_add_text(&text, rows[i].begin);
        repeat(&text, rows[i].more, rows[i].n);
        buf_add_text(&text, rows[i].middle);
        repeat(&text, rows[i].less, rows[i].n);
        buf_add_text(&text, rows[i].end);
        struct program *p = compile(buf_str(&text), &plain, &arena, &diags);
        if ((p != NULL) != rows[i].fine)
            fail_msg("row %zu (%s)", i, rows[i].more);
        assert_int_equal(p == NULL, diags.errors > 0);
        assert_true(diags.errors <= 60);
        program_free(p);
        arena_release(&arena);
        buf_release(&text);
    }
}

static uint64_t next_random(uint64_t *random) {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

// Pieces of templates in any order, some bytes changed: an error or a program, nothing else.
static void test_garbage(void **state) {
    (void)state;
    static const char *const pieces[] = {
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "-",
        "+",
        " ",
        "\n",
        "\r\n",
        "if",
        "elif",
        "else",
        "endif",
        "for",
        "in",
        "endfor",
        "set",
        "endset",
        "macro",
        "endmacro",
        "call",
        "endcall",
        "filter",
        "endfilter",
        "with",
        "endwith",
        "include",
        "raw",
        "endraw",
        "do",
        "break",
        "continue",
        "not",
        "and",
        "or",
        "is",
        "odd",
        "x",
        "y",
        "loop",
        "loop.index",
        "caller()",
        "varargs",
        "'a'",
        "\"b",
        "1",
        "2.5",
        "0x1F",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        ",",
        ":",
        "|upper",
        "|nope",
        "~",
        "=",
        "==",
        "<",
        "**",
        "\xC3\xA9",
        "\xFF",
        "{% if x %}",
        "{% for x in y %}",
        "{% endfor %}",
        "{% endif %}",
        "{{ x }}",
        "{% set x = 1 %}",
        "{% else %}",
        "{% include 'a' %}",
        "{% macro m(a, b=1) %}",
        "{% endmacro %}",
    };
    uint64_t random = 2463534242u;
    size_t programs = 0;
    for (int round = 0; round < 20000; round++) {
        struct buf text = BUF_INIT;
        for (uint64_t n = next_random(&random) % 24; n; n--) {
            buf_add_text(&text, pieces[next_random(&random) % (sizeof pieces / sizeof *pieces)]);
            buf_add_text(&text, next_random(&random) % 2 ? " " : "");
        }
        struct compile_options options = plain;
        options.trim_blocks = next_random(&random) % 2;
        options.lstrip_blocks = next_random(&random) % 2;
        options.autoescape = next_random(&random) % 2;
        struct arena arena;
        struct diags diags;
        struct program *p = compile(buf_str(&text), &options, &arena, &diags);
        if ((p == NULL) != (diags.errors > 0))
            fail_msg("no program and no error: %s", buf_text(&text));
        for (const struct diag *d = diags.first; d; d = d->next)
            if (str_starts(d->message, STR("program of")))
                fail_msg("%s gives %.*s", buf_text(&text), STR_ARG(d->message));
        programs += p != NULL;
        program_free(p);
        arena_release(&arena);
        buf_release(&text);
    }
    assert_true(programs > 100);
}

static void test_expression_programs(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"a and b.c == 1", ""},
        {" x\n", ""},
        {"", "1:1+1 unexpected end of template, expected an expression\n"},
        {"a b", "1:3+1 expected the end of the expression, got 'b'\n"},
        {"a %}", "1:3+2 expected the end of the expression, got '%}'\n"},
        {"{{ a }}", "1:6+1 expected ':', got '}'\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        struct diags diags;
        struct buf got = BUF_INIT;
        struct source_text source = {STR("e"), str_of(rows[i].text)};
        arena_init(&arena, 0);
        diags_init(&diags, &arena);
        struct program *p = compile_expression(&source, &plain, &diags);
        describe(&diags, &got);
        if (!str_is(buf_str(&got), rows[i].errors))
            fail_msg("%s\nsays\n%s", rows[i].text, buf_text(&got));
        assert_int_equal(p != NULL, rows[i].errors[0] == 0);
        assert_true(!p || p->is_expression);
        program_free(p);
        buf_release(&got);
        arena_release(&arena);
    }
}

static void test_languages(void **state) {
    (void)state;
    static const char *const names[] = {"a.j2", "a.html.j2", "a.html", "a", "", "a.j2.txt", ".", "x.y/z"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_string_equal(language_for(str_of(names[i]))->name, "jinja");
    assert_ptr_equal(language_named(STR("jinja")), languages[0]);
    assert_null(language_named(STR("jinj")));
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_statements),
        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_misspelt_ends),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_soft),
        cmocka_unit_test(test_deep_and_long),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_expression_programs),
        cmocka_unit_test(test_languages),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
