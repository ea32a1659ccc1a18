// SPDX-License-Identifier: MIT
/*
 * The machine with real templates: what includes, macros and loops see and say, and the exact words of faults.
 * The expected texts of `cases` are Jinja2's.
 */
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

static const char record[] =
    "{\"name\":\"Anna\",\"items\":\"mine\",\"n\":3,\"tags\":[\"a\",\"b\",\"c\"],\"tree\":{\"v\":1,\"kids\":[{"
    "\"v\":2,\"kids\":[]},{\"v\":3,\"kids\":[{\"v\":4,\"kids\":[]}]}]},\"d\":{\"keys\":\"k\",\"x\":1}}";

static const struct {
    const char *title, *main, *a, *b, *expected;
} cases[] = {
    {"an include sees what is set",
     "{% set x = 1 %}{% include \"a\" %}{% for i in tags %}{% set y = i %}{% include \"a\" %}{% endfor %}",
     "{{ x }}{{ y }}{{ i }}{{ n }};", NULL, "13;1aa3;1bb3;1cc3;"},
    {"a name set later",
     "{% include \"a\" %}{% set name = \"B\" %}{% include \"a\" %}{% if false %}{% set n = 4 %}{% endif %}{% "
     "include \"a\" %}",
     "{{ name }}{{ n }};", NULL, "Anna3;B3;B3;"},
    {"includes in includes", "{% set x = 1 %}{% for i in tags %}{% include \"a\" %}{% endfor %}",
     "{% set y = x %}<{% include \"b\" %}>", "{{ x }}{{ y }}{{ i }}{{ name }}",
     "<11aAnna><11bAnna><11cAnna>"},
    {"an include does not leak", "{% include \"a\" %}{{ x }}{{ m is defined }}",
     "{% set x = 1 %}{% macro m() %}{% endmacro %}", NULL, "False"},
    {"without context", "{% set x = 1 %}{% include \"a\" without context %}",
     "[{{ x }}{{ name }}{{ range(2)|list }}]", NULL, "[[0, 1]]"},
    {"ignore missing", "{% include \"nope\" ignore missing %}ok", NULL, NULL, "ok"},
    {"the loop, named", "{% for i in tags %}{{ loop.index }}{% include \"a\" %}{% endfor %}",
     "{{ loop.last }}{{ loop.index0 }} ", NULL, "1False0 2False1 3True2 "},
    {"the loop, not named", "{% for i in tags %}{% include \"a\" %}{% endfor %}", "{{ loop is defined }} ",
     NULL, "False False False "},
    {"loop attributes",
     "{% for i in tags %}{{ [loop.index, loop.index0, loop.revindex, loop.revindex0, loop.first, loop.last, "
     "loop.length, loop.depth, loop.depth0] }}{{ loop.previtem }}{{ loop.nextitem }} {% endfor %}",
     NULL, NULL,
     "[1, 0, 3, 2, True, False, 3, 1, 0]b [2, 1, 2, 1, False, False, 3, 1, 0]ac [3, 2, 1, 0, False, True, 3, "
     "1, 0]b "},
    {"loop as a value",
     "{% for i in tags %}{% set l = loop %}{{ l.index }}{{ l.last }}{{ l }}{{ l.nothing }} {% endfor %}",
     NULL, NULL, "1False<LoopContext 1/3> 2False<LoopContext 2/3> 3True<LoopContext 3/3> "},
    {"loop functions",
     "{% for i in [1,1,2,2] %}{{ loop.cycle(\"a\", \"b\", \"c\") }}{{ loop.changed(i) }} {% endfor %}", NULL,
     NULL, "aTrue bFalse cTrue aFalse "},
    {"a long range",
     "{% for i in range(40, 2, -2) %}{% if loop.index in [1, 2, 19] %}{{ [i, loop.index, loop.index0, "
     "loop.revindex, loop.revindex0, loop.first, loop.last, loop.length, loop.depth] }}{{ loop.previtem "
     "}}|{{ loop.nextitem }} {% endif %}{% endfor %}",
     NULL, NULL,
     "[40, 1, 0, 19, 18, True, False, 19, 1]|38 [38, 2, 1, 18, 17, False, False, 19, 1]40|36 [4, 19, 18, 1, "
     "0, False, True, 19, 1]6| "},
    {"a long range and its loop as a value",
     "{% for i in range(20) %}{% set l = loop %}{% if i > 17 %}{{ l.index }}{{ l.previtem }}{{ l.nextitem "
     "}}{{ l.last }}{{ loop.cycle(1, 2) }}{{ loop.changed(i // 2) }}{{ l }} {% endif %}{% endfor %}{% for i "
     "in range(17) %}{{ i }}{% if not loop.last %},{% endif %}{% else %}none{% endfor %}",
     NULL, NULL,
     "191719False1True<LoopContext 19/20> 2018True2False<LoopContext 20/20> "
     "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16"},
    {"data a template changes is its own, every time",
     "{% do d.clear() %}{{ d|length }}{% do tags.append('z') %}{{ tags|join }}{{ tree.kids.pop().v }}"
     "{{ tree.kids|length }}{% set d = tags %}{% do d.pop() %}{{ tags|length }}",
     NULL, NULL, "0abcz313"},
    {"loops in loops",
     "{% for i in tags %}{% set outer = loop %}{% for j in [1,2] %}{{ outer.index }}{{ loop.index }}{{ "
     "loop.depth }} {% endfor %}{{ loop.index }}|{% endfor %}",
     NULL, NULL, "111 121 1|211 221 2|311 321 3|"},
    {"for else",
     "{% for i in [] %}{{ i }}{% else %}none{% endfor %}{% for i in nothing %}x{% else %}none{% endfor %}{% "
     "for i in tags %}{{ i }}{% else %}none{% endfor %}",
     NULL, NULL, "nonenoneabc"},
    {"a filtered loop",
     "{% for i in tags if i != \"b\" %}{{ loop.index }}/{{ loop.length }}{{ i }}{% if not loop.last %},{% "
     "endif %}{% endfor %}",
     NULL, NULL, "1/2a,2/2c"},
    {"pairs", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}",
     NULL, NULL, "keys=k;x=1;keysx"},
    {"methods before keys",
     "{{ d.keys()|list }}{{ d[\"keys\"] }}{{ d.x }}{{ d[\"x\"] }}{{ d.nope }}{{ d[\"nope\"] }}{{ "
     "d.get(\"x\") }}",
     NULL, NULL, "['keys', 'x']k111"},
    {"elements",
     "{{ tags[0] }}{{ tags[-1] }}{{ tags[9] }}{{ name[1] }}{{ tags[0:2] }}{{ name[::-1] }}{{ \"x\".upper() "
     "}}",
     NULL, NULL, "acn['a', 'b']annAX"},
    {"macro arguments",
     "{% macro m(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, 5) }}{{ m(c=9, a=8) "
     "}}{{ m() }}{{ m(1, c=3) }}",
     NULL, NULL, "121;151;829;2;123;"},
    {"macro rest",
     "{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}{{ m() }}", NULL,
     NULL, "1(2, 3){'x': 4}(){}"},
    {"macro closure", "{% set x = 1 %}{% macro m() %}{{ x }}{{ name }}{% endmacro %}{% set x = 2 %}{{ m() }}",
     NULL, NULL, "2Anna"},
    {"macro in a loop",
     "{% for i in tags %}{% macro m(a) %}{{ i }}{{ a }}{% endmacro %}{{ m(1) }}{{ m(2) }} {% endfor %}", NULL,
     NULL, "a1a2 b1b2 c1c2 "},
    {"macro in a macro",
     "{% macro o(x) %}{% macro i(y) %}{{ x }}{{ y }}{% endmacro %}{{ i(1) }}{{ i(2) }}{% endmacro %}{{ "
     "o(\"a\") }}{{ o(\"b\") }}",
     NULL, NULL, "a1a2b1b2"},
    {"macro outlives its frame",
     "{% set ns = namespace() %}{% macro o(x) %}{% macro i(y) %}{{ x }}{{ y }}{% endmacro %}{% set ns.f = i "
     "%}{% endmacro %}{{ o(\"a\") }}{{ o(\"b\") }}{% set g = ns.f %}{{ o(\"c\") }}{{ g(1) }}{{ ns.f(2) }}",
     NULL, NULL, "b1c2"},
    {"macro of an include",
     "{% set ns = namespace() %}{% set x = 1 %}{% for i in tags %}{% include \"a\" %}{% endfor %}{{ ns.f() "
     "}}",
     "{% set z = i %}{% macro m() %}{{ x }}{{ z }}{{ name }}{% endmacro %}{% set ns.f = m %}", NULL,
     "1cAnna"},
    {"macro that includes",
     "{% set x = 1 %}{% macro m(a) %}{% include \"a\" %}{% endmacro %}{{ m(2) }}{{ m(3) }}",
     "{{ a }}{{ x }}{{ name }};", NULL, "21Anna;31Anna;"},
    {"recursive macro",
     "{% macro t(k) %}{{ k.v }}({% for c in k.kids %}{{ t(c) }}{% endfor %}){% endmacro %}{{ t(tree) }}",
     NULL, NULL, "1(2()3(4()))"},
    {"call blocks",
     "{% macro m(x) %}[{{ caller(x) }}{{ caller(4) }}]{% endmacro %}{% set y = 5 %}{% call(n) m(3) %}{{ n "
     "}}{{ y }}{{ name }}{% endcall %}",
     NULL, NULL, "[35Anna45Anna]"},
    {"call in call",
     "{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}a{% call m() %}b{% endcall %}c{% endcall %}",
     NULL, NULL, "<a<b>c>"},
    {"set blocks",
     "{% set x %}a{{ name }}{% set y %}b{% endset %}{{ y }}c{% endset %}[{{ x }}{{ x|length }}]", NULL, NULL,
     "[aAnnabc7]"},
    {"capture and macro",
     "{% macro m() %}{% set z %}q{% endset %}{{ z }}{{ z }}{% endmacro %}{% set x %}a{{ m() }}{{ m()|upper "
     "}}{% endset %}{{ x }}{{ m() ~ 1 }}",
     NULL, NULL, "aqqQQqq1"},
    {"namespaces",
     "{% set ns = namespace(a=1, b=\"x\") %}{% for i in tags %}{% set ns.a = ns.a + 1 %}{% set ns.c = i %}{% "
     "endfor %}{{ ns.a }}{{ ns.b }}{{ ns.c }}{{ ns.d }}",
     NULL, NULL, "4xc"},
    {"undefined",
     "{{ who }}{{ who is defined }}{{ who|default(\"x\") }}{{ d.who|default(\"y\") }}{{ who == whom }}{{ not "
     "who }}{{ who or 1 }}",
     NULL, NULL, "FalsexyTrueTrue1"},
    {"inline if",
     "{{ 1 if n > 2 }}{{ 1 if n > 5 }}{{ (1 if n > 5) is defined }}{{ \"a\" if n == 3 else \"b\" }}", NULL,
     NULL, "1Falsea"},
    {"strings and numbers",
     "{{ n + 1 }}{{ n / 2 }}{{ n // 2 }}{{ n ** 2 }}{{ -n }}{{ n ~ name ~ 1.5 }}{{ \"a\" * n }}{{ n in [3] "
     "}}{{ \"nn\" in name }}{{ 1 < n < 4 }}",
     NULL, NULL, "41.519-33Anna1.5aaaTrueTrueTrue"},
    {"macro filters",
     "{% macro m() %}x{% endmacro %}{{ m()|upper }}{{ [m(), m()]|join(\"-\") }}{{ m }}{{ m.name }}{{ "
     "m.arguments }}",
     NULL, NULL, "Xx-x<Macro 'm'>m()"},
    {"a list of names", "{% include [\"nope\", \"a\"] %}{% set w = \"a\" %}{% include w %}", "{{ n }};", NULL,
     "3;3;"},
};

static const struct {
    enum undefined_mode mode;
    const char *main, *a, *expected;
} faults[] = {
    {UNDEFINED_STRICT,
     "Dear\n"
     "{{ nmae }},",
     NULL,
     "main:2:4: error: 'nmae' is undefined\n"
     "    2 | {{ nmae }},\n"
     "      |    ^~~~\n"
     "  hint: did you mean \"name\"?\n"},
    {UNDEFINED_STRICT, "{% for t in tags %}{% include 'a' %}{% endfor %}",
     "\n"
     " {{ d.kesy }}",
     "a:2:5: error: 'dict object' has no attribute 'kesy'\n"
     "    2 |  {{ d.kesy }}\n"
     "      |     ^~~~~~\n"
     "  hint: did you mean \"keys\"?\n"
     "  hint: included at main:1:31\n"},
    {UNDEFINED_DEFAULT, "{{ who.name }}", NULL,
     "main:1:4: error: 'who' is undefined\n"
     "    1 | {{ who.name }}\n"
     "      |    ^~~~~~~~\n"},
    {UNDEFINED_DEFAULT,
     "{% macro card(x) %}{{ x.y.z }}{% endmacro %}\n"
     "{{ card(d) }}",
     NULL,
     "main:1:23: error: 'dict object' has no attribute 'y'\n"
     "    1 | {% macro card(x) %}{{ x.y.z }}{% endmacro %}\n"
     "      |                       ^~~~~\n"
     "  hint: in macro 'card', called at main:2:4\n"},
    {UNDEFINED_STRICT, "{{ nmae|upper }}", NULL,
     "main:1:9: error: 'nmae' is undefined\n"
     "    1 | {{ nmae|upper }}\n"
     "      |         ^~~~~\n"
     "  hint: did you mean \"name\"?\n"},
    {UNDEFINED_STRICT, "{% if d.z %}{% endif %}", NULL,
     "main:1:7: error: 'dict object' has no attribute 'z'\n"
     "    1 | {% if d.z %}{% endif %}\n"
     "      |       ^~~\n"},
    {UNDEFINED_DEFAULT, "{{ name() }}", NULL,
     "main:1:4: error: 'str' object is not callable\n"
     "    1 | {{ name() }}\n"
     "      |    ^~~~~~\n"},
    {UNDEFINED_DEFAULT, "{{ 1 + name }}", NULL,
     "main:1:4: error: unsupported operand type(s) for +: 'int' and 'str'\n"
     "    1 | {{ 1 + name }}\n"
     "      |    ^~~~~~~~\n"},
    {UNDEFINED_DEFAULT, "{% if 1 < name %}{% endif %}", NULL,
     "main:1:7: error: '<' not supported between instances of 'int' and 'str'\n"
     "    1 | {% if 1 < name %}{% endif %}\n"
     "      |       ^~~~~~~~\n"},
    {UNDEFINED_DEFAULT, "{% include 'a' %}", "{% include 'main' %}",
     "main:1:12: error: templates are included more than 4 deep\n"
     "    1 | {% include 'a' %}\n"
     "      |            ^~~\n"
     "  hint: a template includes itself: a\n"
     "  hint: included at a:1:12\n"
     "  hint: included at main:1:12\n"
     "  hint: included at a:1:12\n"
     "  hint: included at main:1:12\n"},
    {UNDEFINED_DEFAULT,
     "{% macro m() %}{{ m() }}{% endmacro %}\n"
     "{{ [m()|upper, 1] }}",
     NULL,
     "main:1:19: error: calls are nested more than 5 deep\n"
     "    1 | {% macro m() %}{{ m() }}{% endmacro %}\n"
     "      |                   ^~~\n"
     "  hint: in macro 'm', called at main:1:19\n"
     "  hint: in macro 'm', called at main:1:19\n"
     "  hint: in macro 'm', called at main:1:19\n"
     "  hint: in macro 'm', called at main:1:19\n"
     "  hint: in macro 'm', called at main:2:5\n"},
    {UNDEFINED_DEFAULT, "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ x.y }}{% endcall %}",
     NULL,
     "main:1:61: error: 'x' is undefined\n"
     "    1 | {% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ x.y }}{% endcall %}\n"
     "      |                                                             ^~~\n"
     "  hint: in a call block, called at main:1:19\n"
     "  hint: in macro 'm', called at main:1:52\n"},
    {UNDEFINED_DEFAULT, "{% for a in range(100) %}{% for b in range(100) %}{% endfor %}{% endfor %}", NULL,
     "main:1:38: error: the template ran more than 5000 steps\n"
     "    1 | {% for a in range(100) %}{% for b in range(100) %}{% endfor %}{% endfor %}\n"
     "      |                                      ^~~~~~~~~~\n"
     "  hint: `limits: steps` in the manifest or --limit steps=N sets this\n"},
    {UNDEFINED_DEFAULT, "{% for a in range(9000000000) %}{% endfor %}", NULL,
     "main:1:13: error: a loop takes 4294967295 elements at most, not 9000000000\n"
     "    1 | {% for a in range(9000000000) %}{% endfor %}\n"
     "      |             ^~~~~~~~~~~~~~~~~\n"},
    // What goes through many elements in one go takes steps too.
    {UNDEFINED_DEFAULT, "{{ range(100000)|list|sum }}", NULL,
     "main:1:23: error: the template ran more than 5000 steps\n"
     "    1 | {{ range(100000)|list|sum }}\n"
     "      |                       ^~~\n"
     "  hint: `limits: steps` in the manifest or --limit steps=N sets this\n"},
    {UNDEFINED_DEFAULT, "{% set l = range(5000)|list %}{% for i in range(100) %}{{ -1 in l }}{% endfor %}",
     NULL,
     "main:1:59: error: the template ran more than 5000 steps\n"
     "    1 | {% set l = range(5000)|list %}{% for i in range(100) %}{{ -1 in l }}{% endfor %}\n"
     "      |                                                           ^~~~~~~\n"
     "  hint: `limits: steps` in the manifest or --limit steps=N sets this\n"},
    {UNDEFINED_DEFAULT,
     "{% set n = namespace(a=[], b=[]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}"
     "{% set n.b = [n.b, n.b] %}{% endfor %}\n{{ n.a == n.b }}",
     NULL,
     "main:2:4: error: the template ran more than 5000 steps\n"
     "    2 | {{ n.a == n.b }}\n"
     "      |    ^~~~~~~~~~\n"
     "  hint: `limits: steps` in the manifest or --limit steps=N sets this\n"},
    {UNDEFINED_DEFAULT, "{% set t = 'ab' * 1000000 %}{{ t|replace('x', 'y') }}", NULL,
     "main:1:34: error: the template ran more than 5000 steps\n"
     "    1 | {% set t = 'ab' * 1000000 %}{{ t|replace('x', 'y') }}\n"
     "      |                                  ^~~~~~~~~~~~~~~~~\n"
     "  hint: `limits: steps` in the manifest or --limit steps=N sets this\n"},
    {UNDEFINED_DEFAULT, "{% for i in [[[1]]] recursive %}{{ loop(i) }}{% endfor %}", NULL,
     "main:1:13: error: 'int' object is not iterable\n"
     "    1 | {% for i in [[[1]]] recursive %}{{ loop(i) }}{% endfor %}\n"
     "      |             ^~~~~~~\n"
     "  hint: in a recursive loop, called at main:1:36\n"
     "  hint: in a recursive loop, called at main:1:36\n"
     "  hint: in a recursive loop, called at main:1:36\n"
     "  hint: in a recursive loop, called at main:1:13\n"},
    {UNDEFINED_DEFAULT, "{% for i in [[[[[[[[]]]]]]]] recursive %}{{ loop(i) }}{% endfor %}", NULL,
     "main:1:45: error: calls are nested more than 5 deep\n"
     "    1 | {% for i in [[[[[[[[]]]]]]]] recursive %}{{ loop(i) }}{% endfor %}\n"
     "      |                                             ^~~~~~~\n"
     "  hint: in a recursive loop, called at main:1:45\n"
     "  hint: in a recursive loop, called at main:1:45\n"
     "  hint: in a recursive loop, called at main:1:45\n"
     "  hint: in a recursive loop, called at main:1:45\n"
     "  hint: in a recursive loop, called at main:1:13\n"},
    {UNDEFINED_DEFAULT, "{% for i in tags %}{{ loop(i) }}{% endfor %}", NULL,
     "main:1:23: error: the loop must have the 'recursive' marker to be called recursively\n"
     "    1 | {% for i in tags %}{{ loop(i) }}{% endfor %}\n"
     "      |                       ^~~~~~~\n"},
    {UNDEFINED_DEFAULT, "{% for i in [1] recursive %}{{ loop(1, 2) }}{% endfor %}", NULL,
     "main:1:32: error: loop() takes one argument, what to go through\n"
     "    1 | {% for i in [1] recursive %}{{ loop(1, 2) }}{% endfor %}\n"
     "      |                                ^~~~~~~~~~\n"
     "  hint: in a recursive loop, called at main:1:13\n"},
    {UNDEFINED_DEFAULT, "{{ range(*n) }}", NULL,
     "main:1:4: error: 'int' object is not iterable\n"
     "    1 | {{ range(*n) }}\n"
     "      |    ^~~~~~~~~\n"},
    {UNDEFINED_DEFAULT, "{{ dict(**tags) }}", NULL,
     "main:1:4: error: argument after ** must be a mapping, not list\n"
     "    1 | {{ dict(**tags) }}\n"
     "      |    ^~~~~~~~~~~~\n"},
    {UNDEFINED_DEFAULT, "{{ dict(x=1, **d) }}", NULL,
     "main:1:4: error: got multiple values for keyword argument 'x'\n"
     "    1 | {{ dict(x=1, **d) }}\n"
     "      |    ^~~~~~~~~~~~~~\n"},
    {UNDEFINED_DEFAULT, "{{ dict(**{1: 2}) }}", NULL,
     "main:1:4: error: keywords must be strings\n"
     "    1 | {{ dict(**{1: 2}) }}\n"
     "      |    ^~~~~~~~~~~~~~\n"},
    {UNDEFINED_STRICT, "{% autoescape nope %}{% endautoescape %}", NULL,
     "main:1:15: error: 'nope' is undefined\n"
     "    1 | {% autoescape nope %}{% endautoescape %}\n"
     "      |               ^~~~\n"},
    {UNDEFINED_DEFAULT, "{% include 'aa' %}", "",
     "main:1:12: error: there is no template \"aa\"\n"
     "    1 | {% include 'aa' %}\n"
     "      |            ^~~~\n"},
    {UNDEFINED_DEFAULT, "{% for a, b in tags %}{% endfor %}", NULL,
     "main:1:8: error: not enough values to unpack (expected 2, got 1)\n"
     "    1 | {% for a, b in tags %}{% endfor %}\n"
     "      |        ^~~~\n"},
    {UNDEFINED_DEFAULT, "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", NULL,
     "main:1:34: error: macro 'm' takes not more than 1 argument(s)\n"
     "    1 | {% macro m(a) %}{% endmacro %}{{ m(1, 2) }}\n"
     "      |                                  ^~~~~~~\n"},
};

enum { MAIN, A, B, NAMES };
static const char *const names[NAMES] = {"main", "a", "b"};

// Templates compiled from strings and linked to each other by name.
struct set {
    struct program *programs[NAMES];
    struct shapes *shapes;
    struct arena arena;
    struct value record;
    struct vm *vm;
};

static const struct program *find_named(void *self, struct str name, const char *language, bool autoescape,
                                        bool *missing) {
    const struct set *set = self;
    (void)language;
    (void)autoescape;
    for (int i = 0; i < NAMES; i++)
        if (set->programs[i] && str_is(name, names[i]))
            return set->programs[i];
    *missing = true;
    return NULL;
}

static void set_open(struct set *set, const char *const *texts, enum undefined_mode mode, bool autoescape) {
    struct compile_options options = {.autoescape = autoescape, .library = library_builtin()};
    struct diags diags;
    *set = (struct set){.shapes = shapes_new()};
    arena_init(&set->arena, 0);
    diags_init(&diags, &set->arena);
    for (int i = 0; i < NAMES; i++) {
        if (!texts[i])
            continue;
        struct source_text source = {str_of(names[i]), str_of(texts[i])};
        set->programs[i] = compile_template(language_named(STR("jinja")), &source, &options, &diags);
        if (!set->programs[i])
            fail_msg("%s: %.*s", texts[i], STR_ARG(diags.first->message));
    }
    for (int i = 0; i < NAMES; i++)
        for (uint32_t r = 0; set->programs[i] && r < set->programs[i]->refs_n; r++) {
            bool missing;
            set->programs[i]->refs[r].program =
                find_named(set, set->programs[i]->refs[r].name, NULL, false, &missing);
        }
    struct reader reader;
    reader_init(&reader, set->shapes, NULL);
    assert_int_equal(reader_parse(&reader, STR(record), &set->arena, &set->record), STATUS_OK);
    reader_release(&reader);
    struct vm_options vm = {.library = library_builtin(),
                            .undefined = mode,
                            .limits = {.steps = 5000, .include_depth = 4, .call_depth = 5},
                            .finder = {set, find_named}};
    set->vm = vm_new(&vm);
}

static void set_close(struct set *set) {
    vm_free(set->vm);
    for (int i = 0; i < NAMES; i++)
        program_free(set->programs[i]);
    arena_release(&set->arena);
    shapes_free(set->shapes);
}

static bool check_text(const char *title, struct str got, const char *expected) {
    if (str_is(got, expected))
        return true;
    print_error("%s:\n got  %.*s\n want %s\n", title, STR_ARG(got), expected);
    return false;
}

static void renders_as_jinja_does(void **state) {
    (void)state;
    bool fine = true;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *texts[NAMES] = {cases[i].main, cases[i].a, cases[i].b};
        struct set set;
        set_open(&set, texts, UNDEFINED_DEFAULT, false);
        for (int again = 0; again < 2; again++) { // the second time with warm caches
            const struct diag *fault;
            if (vm_render(set.vm, set.programs[MAIN], set.record, NULL, 0, &fault))
                fine &= check_text(cases[i].title, vm_output(set.vm), cases[i].expected);
            else
                fine &= check_text(cases[i].title, fault->message, cases[i].expected);
        }
        set_close(&set);
    }
    assert_true(fine);
}

static void faults_say_where_and_why(void **state) {
    (void)state;
    bool fine = true;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const char *texts[NAMES] = {faults[i].main, faults[i].a, NULL};
        struct set set;
        struct buf text = BUF_INIT;
        const struct diag *fault = NULL;
        set_open(&set, texts, faults[i].mode, false);
        for (int again = 0; again < 2; again++) {
            buf_clear(&text);
            if (vm_render(set.vm, set.programs[MAIN], set.record, NULL, 0, &fault))
                fine &= check_text("rendered", vm_output(set.vm), faults[i].expected);
            else
                diag_write(fault, false, &text);
            fine &= check_text(faults[i].main, buf_str(&text), faults[i].expected);
        }
        buf_release(&text);
        set_close(&set);
    }
    assert_true(fine);
}

static void strict_mode_lets_asking_pass(void **state) {
    (void)state;
    const char *texts[NAMES] = {"{{ who is defined }}{{ who|default('x') }}{{ d.who is undefined }}"
                                "{{ d.who|default('y') }}{{ 1 if false }}{{ name }}"};
    struct set set;
    const struct diag *fault;
    set_open(&set, texts, UNDEFINED_STRICT, false);
    assert_true(vm_render(set.vm, set.programs[MAIN], set.record, NULL, 0, &fault));
    assert_true(check_text("strict", vm_output(set.vm), "FalsexTrueyAnna"));
    set_close(&set);
}

// What a hint is made of must be the item's own: the stack still holds values of the items before.
static void faults_do_not_depend_on_earlier_items(void **state) {
    (void)state;
    enum { BIG = 50000, RECORDS = 3 };
    static const char *const starts[RECORDS] = {
        "{\"even\": true, \"zero\": 0, \"d\": {}, \"n\": 0.5, \"big\": \"",
        "{\"even\": false, \"name\": \"x\", \"n\": 0.5, \"big\": \"",
        "{\"even\": true, \"zero\": 0, \"d\": {\"name\": 1}, \"n\": \"str\", \"big\": \""};
    const char *texts[NAMES] = {"{% if even %}{% if zero == d[n] %}{% endif %}{{ big|upper|length }}"
                                "{% else %}{{ -name }}{% endif %}"};
    struct set set;
    struct reader reader;
    struct arena arenas[RECORDS];
    struct buf first = BUF_INIT, text = BUF_INIT;
    const struct diag *fault;
    set_open(&set, texts, UNDEFINED_DEFAULT, false);
    reader_init(&reader, set.shapes, NULL);
    for (int before = -1; before < RECORDS; before++) {
        const int order[] = {before, 1};
        for (int i = before < 0 ? 1 : 0; i < 2; i++) {
            struct arena *arena = &arenas[i];
            struct value v;
            buf_clear(&text);
            buf_add_text(&text, starts[order[i]]);
            for (int k = 0; k < BIG; k++)
                buf_add_char(&text, 'b');
            buf_add_text(&text, "\"}");
            arena_init(arena, 0);
            assert_int_equal(reader_parse(&reader, buf_str(&text), arena, &v), STATUS_OK);
            assert_int_equal(vm_render(set.vm, set.programs[MAIN], v, NULL, 0, &fault), order[i] != 1);
            if (order[i] == 1) {
                buf_clear(&text);
                diag_write(fault, false, &text);
            }
            arena_release(arena);
        }
        if (before < 0)
            buf_add_str(&first, buf_str(&text));
        assert_string_equal(buf_text(&text), buf_text(&first));
    }
    buf_release(&first);
    buf_release(&text);
    reader_release(&reader);
    set_close(&set);
}

static void macros_are_safe_where_text_is_escaped(void **state) {
    (void)state;
    const char *texts[NAMES] = {"{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m('&') }}{{ m('&') ~ '<' }}"
                                "{% set y %}<{{ '<' }}{% endset %}{{ y }}{{ '<' ~ '>' }}{% include 'a' %}",
                                "{{ y }}{{ '<b>'|safe }}"};
    struct set set;
    const struct diag *fault;
    set_open(&set, texts, UNDEFINED_DEFAULT, true);
    assert_true(vm_render(set.vm, set.programs[MAIN], set.record, NULL, 0, &fault));
    assert_true(check_text("safe", vm_output(set.vm), "<&amp;><&amp;>&lt;<&lt;&lt;&gt;<&lt;<b>"));
    set_close(&set);
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(faults_say_where_and_why),
        cmocka_unit_test(strict_mode_lets_asking_pass),
        cmocka_unit_test(renders_as_jinja_does),
        cmocka_unit_test(faults_do_not_depend_on_earlier_items),
        cmocka_unit_test(macros_are_safe_where_text_is_escaped),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
