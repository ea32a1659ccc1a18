// SPDX-License-Identifier: MIT
// The Mustache front end: what it says about wrong templates, what it makes of right ones, and that no template
// makes it stumble.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "stages/compile/compile.h"

static const struct library library = {0};
static const struct compile_options options = {.library = &library};

static struct program *compile(struct str text, const char *language, struct arena *arena,
                               struct diags *diags) {
    struct source_text source = {STR("t"), text};
    arena_init(arena, 0);
    diags_init(diags, arena);
    return compile_template(language_named(str_of(language)), &source, &options, diags);
}

static void describe(const struct diags *diags, struct buf *out) {
    for (const struct diag *d = diags->first; d; d = d->next)
        buf_printf(out, "%u:%u+%u %.*s\n", (unsigned)d->line, (unsigned)d->column, (unsigned)d->caret_n,
                   STR_ARG(d->message));
}

static void test_errors(void **state) {
    (void)state;
    static const struct {
        const char *text, *errors;
    } rows[] = {
        {"", ""},
        {"{ {a} } }} }}}", ""},
        {"a\n{{b", "2:1+3 this tag is not closed\n"},
        {"{{", "1:1+2 this tag is not closed\n"},
        {"{{  ", "1:1+4 this tag is not closed\n"},
        {"{{{a}}", "1:1+6 this tag is not closed\n"},
        {"{{=<% %>}}", "1:1+10 this tag is not closed\n"},
        {"{{! a", "1:1+5 this tag is not closed\n"},
        {"{{a\n{{b}}", "1:1+3 this tag is not closed\n"},
        {"{{a {{b}} {{c", "1:1+4 this tag is not closed\n1:11+3 this tag is not closed\n"},
        {"{{}}", "1:1+4 this tag has no name\n"},
        {"{{# }}", "1:1+6 this tag has no name\n"},
        {"{{>}}{{>*}}{{<}}{{$}}{{/}}{{&}}{{{ }}}",
         "1:1+5 this tag has no name\n1:6+6 this tag has no name\n1:12+5 this tag has no name\n"
         "1:17+5 this tag has no name\n1:22+5 this tag has no name\n1:27+5 this tag has no name\n"
         "1:32+7 this tag has no name\n"},
        {"{{a b}}", "1:3+3 there are no blanks in a name\n"},
        {"{{#if x}}{{/if}}", "1:4+4 there are no blanks in a name\n"},
        {"{{>a b}}", "1:4+3 there are no blanks in a name\n"},
        {"{{a..b}}{{.a}}{{a.}}{{..}}{{#.}}{{/.}}{{.}}{{>a..b}}",
         "1:3+4 a part of this name is empty\n1:11+2 a part of this name is empty\n"
         "1:17+2 a part of this name is empty\n1:23+2 a part of this name is empty\n"},
        {"{{>*a..b}}", "1:5+4 a part of this name is empty\n"},
        {"{{= =}}{{==}}{{=a=}}{{=a b c=}}{{=a=b c=}}",
         "1:1+7 these are no delimiters\n1:8+6 these are no delimiters\n1:17+1 these are no delimiters\n"
         "1:24+5 these are no delimiters\n1:35+5 these are no delimiters\n"},
        {"{{=| |=}}|a", "1:10+2 this tag is not closed\n"},
        {"{{=| |=}}|", "1:10+1 this tag is not closed\n"},
        {"{{#a}}", "1:1+6 the section 'a' that begins here has no end\n"},
        {"{{^a}}{{<b}}{{$c}}", "1:13+6 the block 'c' that begins here has no end\n1:7+6 the parent 'b' that "
                               "begins here has no end\n"
                               "1:1+6 the section 'a' that begins here has no end\n"},
        {"{{#a}}{{#b}}{{/a}}{{/b}}", "1:7+6 the section 'b' that begins here has no end\n"
                                     "1:19+6 this ends 'b', which has not begun\n"},
        {"{{/a}}", "1:1+6 this ends 'a', which has not begun\n"},
        {"{{#a}}\n{{/b}}{{#c}}{{/c}}", "2:1+6 this ends 'b', but the section 'a' of line 1 is open\n"},
        {"{{#a.b}}{{/a.b}}{{<*n}}{{/*n}}{{<*n}}{{/n}}", ""},
        {"{{#a}}{{/ a }}{{# b}}{{/b }}", ""},
        {"\xff", "1:1+1 this is not UTF-8\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        struct diags diags;
        struct buf got = BUF_INIT;
        struct program *p = compile(str_of(rows[i].text), "mustache", &arena, &diags);
        describe(&diags, &got);
        if (!str_is(buf_str(&got), rows[i].errors))
            fail_msg("%s\nsays\n%s\nnot\n%s", rows[i].text, buf_text(&got), rows[i].errors);
        assert_int_equal(p == NULL, rows[i].errors[0] != 0);
        program_free(p);
        buf_release(&got);
        arena_release(&arena);
    }
}

static void test_hints(void **state) {
    (void)state;
    static const struct {
        const char *text, *hint;
    } rows[] = {
        {"{{a", "it ends with }}"},
        {"{{{a", "it ends with }}}"},
        {"{{=<% %>=}}<%={{ }}%>", "it ends with =%>"},
        {"{{#people}}{{/poeple}}", "did you mean \"people\"?"},
        {"{{#people}}{{#x}}{{/peopl}}", "did you mean \"people\"?"},
        {"{{#each list}}{{/each}}",
         "Mustache has no helpers with arguments; values are prepared in the data"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        struct diags diags;
        assert_null(compile(str_of(rows[i].text), "mustache", &arena, &diags));
        if (!str_is(diags.first->hint, rows[i].hint))
            fail_msg("%s: %.*s", rows[i].text, STR_ARG(diags.first->hint));
        arena_release(&arena);
    }
}

static void test_listing(void **state) {
    (void)state;
    static const struct {
        const char *language, *text, *listing;
    } rows[] = {
        {"mustache", "{{a}}{{{b.c}}}{{.}}\n",
         "t, mustache: slots 0, stack 1\n"
         "    1 | {{a}}{{{b.c}}}{{.}}\n"
         "      0   PUT_LOOKUP escaped \"a\"\n"
         "      1   LOOKUP \"b\"\n"
         "      2   FIELD \"c\"\n"
         "      3   PUT\n"
         "      4   CURRENT\n"
         "      5   PUT escaped\n"
         "      6   TEXT \"\\n\"\n"
         "    2 | \n"
         "      7   RETURN\n"},
        {"mustache", "{{#a}}{{#b}}x{{/b}}{{/a}}{{^a}}y{{/a}}",
         "t, mustache: slots 6, stack 1\n"
         "    1 | {{#a}}{{#b}}x{{/b}}{{/a}}{{^a}}y{{/a}}\n"
         "      0   LOOKUP \"a\"\n"
         "      1   SECTION slot 0 -> 7\n"
         "      2 > LOOKUP \"b\"\n"
         "      3   SECTION slot 3 -> 6\n"
         "      4 > TEXT \"x\"\n"
         "      5   SECTION_NEXT slot 3 -> 4\n"
         "      6 > SECTION_NEXT slot 0 -> 2\n"
         "      7 > LOOKUP \"a\"\n"
         "      8   INVERTED -> 10\n"
         "      9   TEXT \"y\"\n"
         "     10 > RETURN\n"},
        {"mustache", " {{>p}}\n{{>p}}{{>*q}}{{$b}}d{{/b}}",
         "t, mustache: slots 0, stack 1\n"
         "    1 |  {{>p}}\n"
         "      0   PARTIAL \"p.mustache\" indent \" \"\n"
         "    2 | {{>p}}{{>*q}}{{$b}}d{{/b}}\n"
         "      1   PARTIAL \"p.mustache\"\n"
         "      2   LOOKUP \"q\"\n"
         "      3   PARTIAL_NAMED\n"
         "      4   BLOCK within-line b -> 6\n"
         "      5   TEXT \"d\"\n"
         "      6 > RETURN\n"
         "\n"
         "refers to\n"
         "    \"p.mustache\", mustache-indented, not there, which is fine\n"
         "    \"p.mustache\", mustache, not there, which is fine\n"},
        {"mustache", "{{<p.mustache}}{{$a}}\n  x\n  y{{/a}}{{$b}}z{{/b}}{{$a}}w{{/a}}{{/p.mustache}}",
         "t, mustache: slots 0, stack 0\n"
         "    1 | {{<p.mustache}}{{$a}}\n"
         "      0   PARTIAL \"p.mustache\" {a=function 1, b=function 2}\n"
         "    3 |   y{{/a}}{{$b}}z{{/b}}{{$a}}w{{/a}}{{/p.mustache}}\n"
         "      1   RETURN\n"
         "\n"
         "function 1 a(): slots 0, stack 0\n"
         "    3 |   y{{/a}}{{$b}}z{{/b}}{{$a}}w{{/a}}{{/p.mustache}}\n"
         "      2   INDENT\n"
         "      3   TEXT \"w\"\n"
         "      4   RETURN\n"
         "\n"
         "function 2 b(): slots 0, stack 0\n"
         "    3 |   y{{/a}}{{$b}}z{{/b}}{{$a}}w{{/a}}{{/p.mustache}}\n"
         "      5   INDENT\n"
         "      6   TEXT \"z\"\n"
         "      7   RETURN\n"
         "\n"
         "refers to\n"
         "    \"p.mustache\", mustache, not there, which is fine\n"},
        {"mustache-indented", "a\n\n{{b}} {{c}}\n  {{>d}}\n",
         "t, mustache-indented: slots 0, stack 1\n"
         "    1 | a\n"
         "      0   INDENT\n"
         "      1   TEXT \"a\\n\\n\"\n"
         "    3 | {{b}} {{c}}\n"
         "      2   INDENT\n"
         "      3   PUT_LOOKUP escaped \"b\"\n"
         "      4   TEXT \" \"\n"
         "      5   PUT_LOOKUP escaped \"c\"\n"
         "      6   TEXT \"\\n\"\n"
         "    4 |   {{>d}}\n"
         "      7   PARTIAL \"d.mustache\" indent \"  \"\n"
         "    5 | \n"
         "      8   RETURN\n"
         "\n"
         "refers to\n"
         "    \"d.mustache\", mustache-indented, not there, which is fine\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        struct diags diags;
        struct buf got = BUF_INIT;
        struct program *p = compile(str_of(rows[i].text), rows[i].language, &arena, &diags);
        assert_non_null(p);
        program_disassemble(p, &library, &got);
        if (!str_is(buf_str(&got), rows[i].listing))
            fail_msg("%s\nbecomes\n%s\nnot\n%s", rows[i].text, buf_text(&got), rows[i].listing);
        program_free(p);
        buf_release(&got);
        arena_release(&arena);
    }
}

static void repeat(struct buf *out, const char *text, int times) {
    for (int i = 0; i < times; i++)
        buf_add_text(out, text);
}

static void test_deep(void **state) {
    (void)state;
    for (int depth = 200; depth <= 201; depth++) {
        struct arena arena;
        struct diags diags;
        struct buf text = BUF_INIT;
        repeat(&text, "{{#a}}", depth);
        repeat(&text, "{{/a}}", depth);
        struct program *p = compile(buf_str(&text), "mustache", &arena, &diags);
        assert_int_equal(p != NULL, depth == 200);
        assert_true(p || str_is(diags.first->message, "sections are nested more than 200 deep"));
        program_free(p);
        arena_release(&arena);
        buf_clear(&text);
        buf_add_text(&text, "{{a");
        repeat(&text, ".b", depth + 799);
        buf_add_text(&text, "}}");
        p = compile(buf_str(&text), "mustache", &arena, &diags);
        assert_int_equal(p != NULL, depth == 200);
        assert_true(p || str_is(diags.first->message, "this name has more than 1000 parts"));
        program_free(p);
        arena_release(&arena);
        buf_release(&text);
    }
}

// Whatever is put together either becomes a program the verifier accepts, or is an error.
static void test_garbage(void **state) {
    (void)state;
    static const char *const pieces[] = {"{{#", "{{^",    "{{/",    "{{>",    "{{<",    "{{$",   "{{&",
                                         "{{{", "{{!",    "{{=",    "}}",     "}}}",    "=}}",   "a",
                                         "b",   ".",      "*",      " ",      "\n",     "\r\n",  "\t",
                                         "| |", "{{#a}}", "{{/a}}", "{{<a}}", "{{$a}}", "{{b}}", "|"};
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        struct arena arena;
        struct diags diags;
        struct buf text = BUF_INIT;
        for (int i = 0; i < 12; i++) {
            seed = seed * 1664525u + 1013904223u;
            buf_add_text(&text, pieces[(seed >> 16) % (sizeof pieces / sizeof *pieces)]);
        }
        struct program *p =
            compile(buf_str(&text), round % 2 ? "mustache" : "mustache-indented", &arena, &diags);
        assert_int_equal(p == NULL, diags.errors > 0);
        for (const struct diag *d = diags.first; d; d = d->next)
            if (!str_starts(d->message, STR("th")) && !str_starts(d->message, STR("a part")))
                fail_msg("%s: %.*s", buf_text(&text), STR_ARG(d->message));
        program_free(p);
        buf_release(&text);
        arena_release(&arena);
    }
}

static void test_language(void **state) {
    (void)state;
    assert_string_equal(language_for(STR("a.mustache"))->name, "mustache");
    assert_string_equal(language_for(STR("a.html.mustache"))->name, "mustache");
    assert_string_equal(language_for(STR("a.mustache.html"))->name, "mustache");
    assert_string_equal(language_for(STR("mustache"))->name, "jinja");
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_errors), cmocka_unit_test(test_hints),   cmocka_unit_test(test_listing),
        cmocka_unit_test(test_deep),   cmocka_unit_test(test_garbage), cmocka_unit_test(test_language),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
