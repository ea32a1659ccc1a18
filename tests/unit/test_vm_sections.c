// SPDX-License-Identifier: MIT
// Mustache in the machine: where names are found, what is false, indentation, limits, and the words of faults.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"
#include "stages/compile/compile.h"
#include "stages/record/reader.h"
#include "stages/render/builtins.h"
#include "stages/render/vm.h"

enum { TEXTS = 3 };

static const char *const names[TEXTS] = {"main.mustache", "a.mustache", "b.mustache"};
static const char *const forms[] = {"mustache", "mustache-indented"};

// Templates in both forms, linked, and a machine.
struct set {
    struct program *programs[TEXTS][2];
    struct arena arena;
    struct shapes *shapes;
    struct reader reader;
    struct vm *vm;
};

static const struct program *find(void *self, struct str name, const char *language, bool autoescape,
                                  bool *missing) {
    const struct set *set = self;
    (void)autoescape;
    *missing = false;
    for (int i = 0; i < TEXTS; i++)
        if (set->programs[i][0] && str_is(name, names[i]))
            return set->programs[i][strcmp(language, forms[1]) == 0];
    *missing = true;
    return NULL;
}

static void link_program(struct set *set, struct program *p) {
    bool missing;
    for (uint32_t i = 0; i < p->refs_n; i++)
        p->refs[i].program = find(set, p->refs[i].name, p->refs[i].language, false, &missing);
}

static struct value parse(struct set *set, const char *json) {
    struct value v;
    assert_int_equal(reader_parse(&set->reader, str_of(json), &set->arena, &v), STATUS_OK);
    return v;
}

static void set_open(struct set *set, const char *const *texts, enum undefined_mode mode,
                     const char *globals) {
    struct compile_options options = {.library = library_builtin()};
    struct diags diags;
    *set = (struct set){.shapes = shapes_new()};
    arena_init(&set->arena, 0);
    diags_init(&diags, &set->arena);
    reader_init(&set->reader, set->shapes, NULL);
    for (int i = 0; i < TEXTS && texts[i]; i++)
        for (int form = 0; form < 2; form++) {
            struct source_text source = {str_of(names[i]), str_of(texts[i])};
            set->programs[i][form] =
                compile_template(language_named(str_of(forms[form])), &source, &options, &diags);
            if (!set->programs[i][form])
                fail_msg("%s: %.*s", texts[i], STR_ARG(diags.first->message));
        }
    for (int i = 0; i < TEXTS && texts[i]; i++)
        for (int form = 0; form < 2; form++)
            link_program(set, set->programs[i][form]);
    struct vm_options vm = {.library = library_builtin(),
                            .undefined = mode,
                            .limits = {.steps = 3000, .include_depth = 4, .call_depth = 5},
                            .finder = {set, find},
                            .globals = globals ? parse(set, globals).map : NULL};
    set->vm = vm_new(&vm);
}

static void set_close(struct set *set) {
    vm_free(set->vm);
    for (int i = 0; i < TEXTS; i++)
        for (int form = 0; form < 2; form++)
            program_free(set->programs[i][form]);
    reader_release(&set->reader);
    arena_release(&set->arena);
    shapes_free(set->shapes);
}

// The text, or where it fails the message and its hint.
static struct str render(struct set *set, struct value record, const struct vm_extra *extra, size_t extra_n) {
    const struct diag *fault = NULL;
    if (vm_render(set->vm, set->programs[0][0], record, extra, extra_n, &fault))
        return vm_output(set->vm);
    char *text = arena_printf(&set->arena, "%u:%u %.*s%s%.*s", (unsigned)fault->line, (unsigned)fault->column,
                              STR_ARG(fault->message), fault->hint.n ? "; " : "", STR_ARG(fault->hint));
    return str_of(text);
}

static const struct {
    const char *data, *main, *a, *b, *expected;
} cases[] = {
    // where names are found
    {"{\"x\":1,\"s\":{\"y\":2,\"t\":{\"z\":3}}}", "{{#s}}{{#t}}{{x}}{{y}}{{z}}{{s.y}}{{/t}}{{/s}}", NULL,
     NULL, "1232"},
    {"{\"x\":1,\"s\":{\"x\":null}}", "{{#s}}[{{x}}]{{^x}}no{{/x}}{{/s}}", NULL, NULL, "[]no"},
    {"{\"x\":1,\"l\":[{\"x\":2},{\"y\":3},{\"x\":4,\"y\":5},{},{\"z\":6},6]}", "{{#l}}{{x}}{{/l}}{{x}}", NULL,
     NULL, "2141111"},
    {"{\"x\":1,\"s\":{\"x\":2}}", "{{x}}{{#s}}{{>a}}{{/s}}{{>a}}", "{{x}}{{#s}}{{x}}{{/s}}", NULL, "12212"},
    {"{\"a\":{\"b\":{}},\"b\":{\"c\":1}}", "{{#a}}[{{b.c}}]{{/a}}[{{a.b.c.d}}][{{b.c.d}}]", NULL, NULL,
     "[][][]"},
    {"{\"a.b\":1}", "[{{a.b}}]{{^a.b}}no{{/a.b}}", NULL, NULL, "[]no"},
    {"{\"x\":1}", "{{site}}{{x}}{{range}}{{#g}}{{x}}{{/g}}", NULL, NULL, "S12"},
    {"{\"site\":\"mine\"}", "{{site}}", NULL, NULL, "mine"},
    // values of sections
    {"[1,[2,3],{\"x\":4},\"\",null]", "{{#.}}<{{.}}{{x}}{{#.}}{{.}}{{/.}}>{{/.}}", NULL, NULL,
     "<11><[2,3]23><{&quot;x&quot;:4}4{&quot;x&quot;:4}><><>"},
    {"\"text\"", "{{.}}{{#.}}{{.}}{{/.}}{{x}}", NULL, NULL, "texttext"},
    {"{\"t\":true,\"f\":false,\"z\":0,\"e\":\"\",\"n\":null,\"l\":[],\"d\":0.0,\"m\":{},\"b\":1e-9}",
     "{{#t}}t{{/t}}{{#f}}f{{/f}}{{#z}}z{{/z}}{{#e}}e{{/e}}{{#n}}n{{/n}}{{#l}}l{{/l}}{{#d}}d{{/d}}{{#m}}m{{/"
     "m}}{{#b}}b{{/b}}{{#u}}u{{/u}}",
     NULL, NULL, "tmb"},
    // printing
    {"{\"s\":\"&<>\\\"'/`\",\"l\":[\"<\",1.5,true,null]}", "{{s}}{{{s}}}{{l}}{{{l}}}", NULL, NULL,
     "&amp;&lt;&gt;&quot;&#39;/`&<>\"'/`[&quot;&lt;&quot;,1.5,true,null][\"<\",1.5,true,null]"},
    // indentation
    {"{\"v\":\"1\\n2\"}", " {{>a}}\n  {{>*n}}\n.", "x\n  {{>b}}\ny {{>b}}\n\nz", "{{{v}}}\n",
     " x\n   1\n2\n y 1\n2\n\n\n z  1\n2\n."},
    {"{\"l\":[1,2]}", "  {{>a}}\n", "{{#l}}\n{{.}}\n{{/l}}\n{{#l}}{{.}}{{/l}}\n{{^l}}\n{{/l}}\n", NULL,
     "  1\n  2\n  12\n"},
    {"{}", "  {{>none}}\n{{<none}}{{$x}}y{{/x}}{{/none}}.", NULL, NULL, "."},
    // blocks
    {"{}", "{{<a}}{{$x}}1{{/x}}{{/a}}", "{{<b}}{{$x}}2{{/x}}{{$y}}3{{/y}}{{/b}}",
     "{{$x}}x{{/x}}{{$y}}y{{/y}}{{$z}}z{{/z}}", "13z"},
    {"{}", "{{<a}}{{$x}}1{{/x}}{{/a}}", "{{>b}}{{$x}}2{{/x}}", "{{$x}}partial{{/x}}", "partial1"},
    {"{\"s\":{\"v\":1}}", "{{<a}}{{$x}}{{#s}}{{v}}{{/s}}{{v}}{{/x}}{{/a}}", "{{#s}}{{$x}}{{/x}}{{/s}}", NULL,
     "11"},
    {"{\"p\":\"a\"}", "{{<*p}}{{$x}}1{{/x}}{{/*p}}{{<*q}}{{$x}}2{{/x}}{{/*q}}", "[{{$x}}{{/x}}]", NULL,
     "[1]"},
    // limits
    {"{}", "{{>a}}", "{{>a}}", NULL,
     "1:1 partials are nested more than 4 deep; a template renders itself: a.mustache\nincluded at "
     "a.mustache:1:1\nincluded at a.mustache:1:1\nincluded at a.mustache:1:1\nincluded at main.mustache:1:1"},
    {"{}", "{{<a}}{{$x}}{{$x}}{{/x}}{{/x}}{{/a}}", "{{$x}}{{/x}}", NULL,
     "1:13 blocks are nested more than 5 deep; in block 'x', rendered at main.mustache:1:13\nin block 'x', "
     "rendered at main.mustache:1:13\nin block 'x', rendered at main.mustache:1:13\nin block 'x', rendered "
     "at "
     "main.mustache:1:13\nin block 'x', rendered at a.mustache:1:1\nincluded at main.mustache:1:1"},
    {"[[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6],[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6]]",
     "{{#.}}{{#.}}{{>a}}{{>a}}{{>a}}{{>a}}{{>a}}{{>a}}{{>a}}{{>a}}{{>a}}{{>a}}{{/.}}{{/.}}",
     "{{>b}}{{>b}}{{>b}}{{>b}}{{>b}}{{>b}}{{>b}}{{>b}}{{>b}}{{>b}}", "",
     "1:7 the template ran more than 3000 steps; `limits: steps` in the manifest or --limit steps=N sets "
     "this\n"
     "included at main.mustache:1:13"},
};

static bool check(const char *what, struct str got, const char *expected) {
    if (str_is(got, expected))
        return true;
    print_error("%s:\n got  %.*s\n want %s\n", what, STR_ARG(got), expected);
    return false;
}

static void test_cases(void **state) {
    (void)state;
    bool fine = true;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *texts[TEXTS] = {cases[i].main, cases[i].a, cases[i].b};
        struct set set;
        set_open(&set, texts, UNDEFINED_DEFAULT, "{\"site\":\"S\",\"g\":{\"x\":2},\"n\":\"b\"}");
        for (int again = 0; again < 2; again++) // the second time with warm caches
            fine &=
                check(cases[i].main, render(&set, parse(&set, cases[i].data), NULL, 0), cases[i].expected);
        set_close(&set);
    }
    assert_true(fine);
}

static void test_strict(void **state) {
    (void)state;
    static const struct {
        const char *main, *expected;
    } rows[] = {
        {"{{name}}{{none}}{{#no}}{{x}}{{/no}}{{^no.way}}fine{{/no.way}}{{>none}}", "Annfine"},
        {"{{nmae}}", "1:1 'nmae' is undefined; did you mean \"name\"?"},
        {"{{#pets}}{{kindd}}{{/pets}}", "1:10 'kindd' is undefined; did you mean \"kind\"?"},
        {"{{#pets}}{{town.nmae}}{{/pets}}", "1:10 'nmae' is undefined; did you mean \"name\"?"},
        {"{{#pets}}{{siet}}{{/pets}}", "1:10 'siet' is undefined; did you mean \"site\"?"},
        {"{{rang}}", "1:1 'rang' is undefined"}, // what is called range elsewhere is not here
        {"{{name.first}}", "1:1 'first' is undefined"},
        {"{{zzzz.x.y}}", "1:1 'zzzz' is undefined"},
        {"{{>*zzzz}}", "1:1 'zzzz' is undefined"},
        {"{{>*none}}", ""},
    };
    bool fine = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *texts[TEXTS] = {rows[i].main};
        struct set set;
        set_open(&set, texts, UNDEFINED_STRICT, "{\"site\":\"S\"}");
        struct value record = parse(
            &set,
            "{\"name\":\"Ann\",\"none\":null,\"town\":{\"name\":\"Port\"},\"pets\":[{\"kind\":\"dog\"}]}");
        fine &= check(rows[i].main, render(&set, record, NULL, 0), rows[i].expected);
        set_close(&set);
    }
    assert_true(fine);
}

static void test_keep(void **state) {
    (void)state;
    const char *texts[TEXTS] = {"{{ a }}{{{a.b}}}{{& c.x }}{{#a}}{{b}}{{/a}}{{c}}"};
    struct set set;
    set_open(&set, texts, UNDEFINED_KEEP, NULL);
    assert_true(
        check("keep", render(&set, parse(&set, "{\"c\":1}"), NULL, 0), "{{ a }}{{{a.b}}}{{& c.x }}1"));
    set_close(&set);
}

static void test_extra(void **state) {
    (void)state;
    const char *texts[TEXTS] = {"{{group}}:{{#records}}{{id}}{{group}}{{x}} {{/records}}{{x}}{{.}}{{>a}}",
                                "{{group}}{{records.id}}"};
    struct set set;
    set_open(&set, texts, UNDEFINED_DEFAULT, "{\"x\":\"g\",\"group\":\"hidden\"}");
    struct vm_extra extra[] = {{STR("group"), value_string(STR("G"))},
                               {STR("records"), parse(&set, "[{\"id\":1},{\"id\":2,\"x\":3}]")}};
    for (int again = 0; again < 2; again++)
        assert_true(check("extra", render(&set, value_missing(), extra, 2), "G:1Gg 2G3 gG"));
    struct value record = parse(&set, "{\"group\":\"field\"}");
    assert_true(
        check("over a record", render(&set, record, extra, 1), "G:g{&quot;group&quot;:&quot;field&quot;}G"));
    set_close(&set);
}

// Caches remember shapes; whatever comes, each record has its own fields.
static void test_shapes(void **state) {
    (void)state;
    static const char *const records[] = {
        "{\"a\":1,\"b\":2}",         "{\"b\":2,\"a\":1}",  "{\"a\":1}", "{\"c\":{\"a\":4}}", "{}",
        "{\"b\":{\"a\":5},\"a\":1}", "{\"c\":[{\"a\":6}]}"};
    const char *texts[TEXTS] = {"{{a}}{{b}}{{b.a}}.{{#c}}{{a}}{{/c}}.{{#b}}{{^c}}{{/c}}{{/b}}"};
    struct set set;
    set_open(&set, texts, UNDEFINED_DEFAULT, NULL);
    static const char *const wanted[] = {"12..", "12..", "1..", ".4.", "..", "1{&quot;a&quot;:5}5..", ".6."};
    for (int i = 0; i < 100; i++) {
        size_t at = (size_t)(i * 5 + i / 7) % 7;
        assert_true(check(records[at], render(&set, parse(&set, records[at]), NULL, 0), wanted[at]));
    }
    set_close(&set);
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_cases), cmocka_unit_test(test_strict), cmocka_unit_test(test_keep),
        cmocka_unit_test(test_extra), cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
