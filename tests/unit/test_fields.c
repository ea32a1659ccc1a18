// SPDX-License-Identifier: MIT
// Which fields templates read. A case is templates ("== name" begins each; the first is the one looked at) and paths.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/mem.h"
#include "stages/compile/templates.h"
#include "stages/program/fields.h"
#include "stages/record/reader.h"
#include "stages/record/shape.h"
#include "stages/record/value_json.h"
#include "stages/render/builtins.h"

struct world {
    char root[64];
    struct fs fs;
    struct templates *templates;
    struct arena arena;
    struct diags diags;
    struct fields *fields;
};

static int set_up(void **state) {
    struct world *w = MEM_NEW(struct world);
    snprintf(w->root, sizeof w->root, "%s", "test_fields.XXXXXX");
    if (!mkdtemp(w->root))
        return -1;
    w->fs = fs_system();
    arena_init(&w->arena, 0);
    *state = w;
    return 0;
}

static void forget(struct world *w) {
    fields_free(w->fields);
    templates_free(w->templates);
    w->fields = NULL;
    w->templates = NULL;
}

static int tear_down(void **state) {
    struct world *w = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", w->root);
    forget(w);
    arena_release(&w->arena);
    int failed = system(command);
    mem_free(w);
    return failed;
}

static void write_file(struct world *w, struct str name, struct str text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%.*s", w->root, STR_ARG(name));
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fwrite(text.p, 1, text.n, f);
    fclose(f);
}

// Writes the templates of a case; the name of the first.
static struct str write_templates(struct world *w, const char *text) {
    struct str first = {NULL, 0};
    if (strncmp(text, "== ", 3) != 0) {
        write_file(w, STR("t.j2"), str_of(text));
        return STR("t.j2");
    }
    while (*text) {
        const char *line = strchr(text, '\n'), *end = strstr(text + 1, "\n== ");
        struct str name = {text + 3, (size_t)(line - text - 3)};
        end = end ? end + 1 : text + strlen(text);
        write_file(w, name, (struct str){line + 1, (size_t)(end - line - 1)});
        first = first.p ? first : name;
        text = end;
    }
    return first;
}

static const struct program *compile(struct world *w, const char *text) {
    const struct compile_options options = {.library = library_builtin()};
    struct err err;
    bool missing;
    forget(w);
    diags_init(&w->diags, &w->arena);
    w->templates = templates_new(&w->fs, &options);
    assert_int_equal(templates_add_path(w->templates, str_of(w->root), &err), STATUS_OK);
    struct str name = write_templates(w, text);
    const struct program *p = templates_find(w->templates, name, NULL, false, &w->diags, &missing);
    if (!p)
        fail_msg("%s: does not compile: %.*s", text, w->diags.first ? (int)w->diags.first->message.n : 0,
                 w->diags.first ? w->diags.first->message.p : "");
    return p;
}

static const struct fields_scope of_record = {.record = true};
static const struct fields_scope of_group = {.records = {"records", 7}, .other = {"group", 5}};

static void analyse(struct world *w, const char *text, const struct fields_scope *scope) {
    const struct program *p = compile(w, text);
    w->fields = fields_new(library_builtin());
    fields_add(w->fields, p, scope);
}

static void expect_paths(struct world *w, const char *text, const char *expected) {
    struct buf found = BUF_INIT;
    struct str *paths;
    size_t n = fields_paths(w->fields, &paths);
    for (size_t i = 0; i < n; i++)
        buf_printf(&found, "%s%.*s", i ? " " : "", STR_ARG(paths[i]));
    mem_free(paths);
    if (!str_is(buf_str(&found), expected))
        fail_msg("%s\n  reads    %s\n  expected %s", text, buf_text(&found), expected);
    buf_release(&found);
}

struct reading {
    const char *text, *paths;
};

static void expect(struct world *w, const struct reading *cases, size_t n, const struct fields_scope *scope) {
    for (size_t i = 0; i < n; i++) {
        analyse(w, cases[i].text, scope);
        expect_paths(w, cases[i].text, cases[i].paths);
    }
}

#define EXPECT(cases, scope) expect(*state, cases, sizeof cases / sizeof *cases, scope)

static void what_cannot_be_followed_is_everything(void **state) {
    static const struct reading cases[] = {
        {"{% include x %}", "*"},
        {"{% extends x %}", "*"},
        {"{% import x as m %}", "*"},
        {"== a.mustache\n{{>*x}}\n", "*"},
        {"== a.mustache\n{{.}}\n", "*"},
        {"== a.j2\n{% include 'b.j2' %}\n== b.j2\n{% include y %}\n", "*"},
        {"{% if z %}{% else %}{% include x %}{% endif %}", "*"},
    };
    EXPECT(cases, &of_record);
}

static void values(void **state) {
    static const struct reading cases[] = {
        {"text", ""},
        {"{{ a }}", "a"},
        {"{{ a.b }} {{ a['c'] }} {{ a.d.e }}", "a.b a.c a.d.e"},
        {"{{ a }}{{ a.b }}", "a"},
        {"{{ a[0].b }} {{ a[-1].c }}", "a[].b a[].c"},
        {"{{ a[1:].b }}{% for x in a[1:] %}{{ x.c }}{% endfor %}", "a.b a[].c"},
        {"{{ a[k] }}", "a.* k"},
        {"{{ a[k].b }}", "a.* k"},
        {"{% set k = 'x' if c else 'y' %}{{ a[k].b }}", "a.x.b a.y.b c"},
        {"{{ a ~ b.c }} {{ -d }} {{ e + 1 }} {{ f // g.h }}", "a b.c d e f g.h"},
        {"{{ a.b == 1 }} {{ c < d.e }} {{ 'x' in f }} {{ g in h.i }}", "a.b c d.e f g h.i"},
        {"{{ a and b.c }} {{ not d }} {{ 1 < e < 3 }}", "a b.c d e"},
        {"{{ a.upper() }} {{ b.split(',')[0] }} {{ c.d.strip() }}", "a b c.d"},
        {"{{ a.title }} {{ b.count }} {{ c.index.x }}", "a.title b.count c.index.x"},
        {"{{ a.get('b') }} {{ a.get('c', d.e) }} {{ f.get(g) }}", "a.b a.c d.e f.* g"},
        {"{% for k in a.keys() %}{{ k }}{% endfor %}", "a"},
        {"{% for k, v in a.items() %}{{ v.x }}{% endfor %}{{ b.values()|list }}", "a.* b.*"},
        {"{{ [a, b.c][0].d }} {{ {'x': e}.x.f }} {{ {'x': g}['x'].h }} {{ (i, 1)[0].j }}",
         "a.d b.c.d e.f g.h i.j"},
        {"{% set x = a %}{{ x.b }}{% set x, y = c, d %}{{ y.e }}", "a.b c.e d.e"},
        {"{% set x %}{{ a.b }}{% endset %}{{ x }}{{ x.c }}", "a.b"},
        {"{% with x = a.b, y = 1 %}{{ x.c }}{{ y }}{% endwith %}{{ x }}", "a.b.c x"},
        {"{% if q %}{% set x = 1 %}{% endif %}{{ x }}", "q x"},
        {"{% set x = 1 %}{{ x }}", ""},
        {"{% set n = namespace(v=a) %}{% set n.w = b.c %}{{ n.v.z }}", "a b.c"},
        {"{% set l = [] %}{{ l.append(a.b) }}{% for x in l %}{{ x.c }}{% endfor %}{{ d[l[0]] }}", "a.b d.*"},
        {"{{ range(a.n)|list }}{% for i in range(3) %}{{ b[i].c }}{% endfor %}", "a.n b[].c"},
        {"{{ dict(a, x=b.c) }} {{ cycler(d, e).next() }}", "a b.c d e"},
        {"{% set l = [a, b.c] %}{{ l.d }}{% set m = {'k': e} %}{{ m.d.f }}", "a b.c e.f"},
        {"{% autoescape a.b %}{{ c|safe }}{% endautoescape %}", "a.b c"},
        {"{{ a['x.y'] }} {{ a[''] }}", "a.\"\" a.\"x.y\""},
    };
    EXPECT(cases, &of_record);
}

static void loops(void **state) {
    static const struct reading cases[] = {
        {"{% for x in a %}{% endfor %}", "a"},
        {"{% for x in a %}{{ x }}{% endfor %}", "a[]"},
        {"{% for x in a.b %}{{ x.c }}{{ loop.index }}{% else %}{{ d }}{% endfor %}", "a.b[].c d"},
        {"{% for x in a %}{{ x.b }}{% endfor %}{% for x in c %}{{ x.d }}{% endfor %}", "a[].b c[].d"},
        {"{% for x in a if x.b %}{{ loop.length }}{{ x.c }}{% endfor %}", "a[].b a[].c"},
        {"{% for x in a %}{% for y in x.b %}{{ y.c }}{{ x.d }}{% endfor %}{% endfor %}", "a[].b[].c a[].d"},
        {"{% for k, v in a %}{{ v.b }}{% endfor %}", "a[].b"},
        {"{% for x in a %}{{ loop.previtem.b }}{{ loop.nextitem.c }}{% endfor %}", "a[].b a[].c"},
        {"{% for x in a %}{{ b[loop.index0 - 1].c }}{% endfor %}", "a b[].c"},
        {"{% for x in a %}{{ loop.cycle(b, c.d) }}{{ loop.changed(x.e) }}{% endfor %}", "a[].e b c.d"},
        {"{% for x in a recursive %}{{ x.b }}{{ loop(x.kids) }}{% endfor %}",
         "a[].b a[].kids[].b a[].kids[].kids"},
        {"== a.j2\n{% for x in a %}{% include 'b.j2' %}{% endfor %}\n== b.j2\n{{ x.b }}{{ loop.index }}{{ y "
         "}}\n",
         "a[].b loop.index y"},
    };
    EXPECT(cases, &of_record);
}

static void filters_and_tests(void **state) {
    static const struct reading cases[] = {
        {"{{ a|upper }} {{ b.c|tojson }} {{ d|trim|replace(e.f, 'x') }}", "a b.c d e.f"},
        {"{{ a.b|default('x') }} {{ (c|d(e)).f }}", "a.b c.f e.f"},
        {"{{ a is defined }} {{ b.c is none }} {{ d is mapping }}", "a b.c d"},
        {"{{ a is eq(b.c) }} {{ d is divisibleby(e) }} {{ f is in(g) }}", "a b.c d e f g"},
        {"{{ a|length }} {{ (b|first).c }} {{ (d|last).e }} {{ f|count }}", "a b[].c d[].e f"},
        {"{% for x in a|list|reverse %}{{ x.b }}{% endfor %}", "a[].b"},
        {"{% for g in a|batch(2) %}{% for x in g %}{{ x.b }}{% endfor %}{% endfor %}", "a[].b"},
        {"{{ a|map(attribute='b.c')|join(',') }} {{ d|map('upper')|list|join }}", "a[].b.c d[]"},
        {"{{ a|map(attribute=b)|list }}", "a.* b"},
        {"{{ a|map('default', b)|list }}", "a[] b"},
        {"{{ a|map(b) }}", "a b"},
        {"{% for x in a|selectattr('b') %}{{ x.c }}{% endfor %}", "a[].b a[].c"},
        {"{% for x in a|rejectattr('b', 'eq', d.e) %}{{ x.c }}{% endfor %}", "a[].b a[].c d.e"},
        {"{% for x in a|select('mapping') %}{{ x.c }}{% endfor %}{{ b|reject('odd')|list }}", "a[].c b[]"},
        {"{% for x in a|sort(attribute='b,c.d') %}{{ x.e }}{% endfor %}", "a[].b a[].c.d a[].e"},
        {"{{ (a|min(attribute='b')).c }} {{ (d|max).e }}", "a[].b a[].c d[]"},
        {"{{ a|sum(attribute='b', start=c) }} {{ d|join(', ', attribute='e') }}", "a[].b c d[].e"},
        {"{% for x in a|unique(attribute='b') %}{{ x.c }}{% endfor %}", "a[].b a[].c"},
        {"{% for k, l in a|groupby('b') %}{{ k }}{% for x in l %}{{ x.c }}{% endfor %}{% endfor %}",
         "a[].b a[].c"},
        {"{% for g in a|groupby('b') %}{{ g.grouper }}{% for x in g.list %}{{ x.c }}{% endfor %}{% endfor %}",
         "a[].b a[].c"},
        {"{{ a|sort }} {{ b|attr('items') }} {{ c|dictsort }} {{ d|items|list }}", "a[] b c d"},
        {"{{ a|join(*b) }} {{ a|default(**c) }}", "a b c"},
    };
    EXPECT(cases, &of_record);
}

static void macros(void **state) {
    static const struct reading cases[] = {
        {"{% macro m(x, y=a) %}{{ x.b }}{{ y.c }}{{ z }}{% endmacro %}{{ m(d) }}", "a.c d.b z"},
        {"{% macro m(x) %}{{ x.b }}{% endmacro %}{{ m(x=d.e) }}{{ m(f) }}", "d.e.b f.b"},
        {"{% macro m() %}{{ varargs[0].b }}{{ kwargs.k.c }}{% endmacro %}{{ m(d, k=e) }}", "d.b e.c"},
        {"{% macro m(x) %}{{ x.b }}{% if x.kid %}{{ m(x.kid) }}{% endif %}{% endmacro %}{{ m(a) }}",
         "a.b a.kid.b a.kid.kid"},
        {"{% macro m(x) %}{{ caller(x.b) }}{% endmacro %}{% call(y) m(a) %}{{ y.c }}{{ d }}{% endcall %}",
         "a.b.c d"},
        {"{% macro m(x) %}{{ x.b }}{% endmacro %}{% set n = namespace(f=m) %}{{ n.f(a) }}", "a"},
        {"{% macro m(x) %}{{ x.b }}{% endmacro %}{{ m(*a) }}", "a"},
        {"{% set x = a %}{% macro m() %}{{ x.b }}{% endmacro %}{% set x = c %}{{ m() }}", "a.b c.b"},
        {"{% macro m(i) %}{{ a[i].b }}{% endmacro %}{{ m(1) }}", "a[].b"},
        {"{% macro m(i) %}{{ a[i].b }}{% endmacro %}{{ namespace(f=m).f(1) }}{{ m(2) }}", "a.*"},
        {"{% set x = a %}{% for i in b %}{% set x = x.c %}{% endfor %}{{ x.d }}", "a.c a.d b"},
    };
    EXPECT(cases, &of_record);
}

static void templates(void **state) {
    static const struct reading cases[] = {
        {"== a.j2\n{% include 'b.j2' %}{% set x = y.z %}{% include 'b.j2' %}\n== b.j2\n{{ x.c }}\n",
         "x.c y.z.c"},
        {"== a.j2\n{% set x = y %}{% include 'b.j2' without context %}\n== b.j2\n{{ x.c }}\n", "y"},
        {"== a.j2\n{% set x = y %}{% include 'b.j2' %}\n== b.j2\n{% include 'c.j2' %}\n== c.j2\n{{ x.c }}\n",
         "y.c"},
        {"== a.j2\n{% include 'a.j2' %}{{ x }}\n", "x"},
        {"== a.j2\n{% include 'none.j2' ignore missing %}{{ x }}\n", "x"},
        {"== a.j2\n{% extends 'b.j2' %}{% set t = y %}{% block c %}{{ x.d }}{{ super() }}{% endblock %}\n"
         "== b.j2\n{{ t.u }}{% block c %}{{ e }}{% endblock %}\n",
         "e t.u x.d y.u"},
        {"== a.j2\n{% block b %}{{ x }}{% endblock %}{{ self.b() }}\n", "x"},
        {"== a.j2\n{% for i in y %}{% block b scoped %}{{ i.c }}{% endblock %}{% endfor %}\n", "i.c y[].c"},
        {"== a.j2\n{% import 'b.j2' as m %}{{ m.f(x) }}\n== b.j2\n{% macro f(v) %}{{ v.c }}{{ z }}{% "
         "endmacro %}\n",
         "x.c"},
        {"== a.j2\n{% from 'b.j2' import f with context %}{{ f(x) }}\n"
         "== b.j2\n{% macro f(v) %}{{ v.c }}{{ z }}{% endmacro %}\n",
         "x.c z"},
        {"== a.j2\n{% import 'b.j2' as m %}{{ [m][0].f(x) }}\n== b.j2\n{% macro f(v) %}{{ v.c }}{% endmacro "
         "%}\n",
         "x"},
        {"== a.j2\n{% import 'b.j2' as m %}{{ namespace(m=m).m.f(x) }}\n"
         "== b.j2\n{% macro f(v) %}{{ v.c }}{% endmacro %}\n",
         "x"},
    };
    EXPECT(cases, &of_record);
}

static void sections(void **state) {
    static const struct reading cases[] = {
        {"== a.mustache\n{{a}} {{b.c}} {{{d}}}\n", "a b.c d"},
        {"== a.mustache\n{{#a}}{{b}}{{/a}}{{c}}\n", "a.b b c"},
        {"== a.mustache\n{{#a}}{{#b}}{{c}}{{/b}}{{/a}}\n", "a.b.c a.c b.c c"},
        {"== a.mustache\n{{#a}}{{.}}{{/a}}{{^b}}c{{/b}}\n", "a b"},
        {"== a.mustache\n{{#a}}{{>b}}{{/a}}\n== b.mustache\n{{c}}{{#d}}{{.}}{{/d}}\n", "a.c a.d c d"},
        {"== a.mustache\n{{#a}}{{<b}}{{$x}}{{c}}{{/x}}{{/b}}{{/a}}\n"
         "== b.mustache\n{{#d}}{{$x}}{{e}}{{/x}}{{/d}}\n",
         "a.c a.d.c a.d.e a.e c d.c d.e e"},
        {"== a.j2\n{% set s = x.y %}{% include 'b.mustache' %}\n== b.mustache\n{{s.t}}{{u}}\n", "u x.y.t"},
    };
    EXPECT(cases, &of_record);
}

static void keywords(void **state) {
    static const struct reading cases[] = {
        {"== a.prompt\nwith nothing\n", ""},
        {"== a.prompt\n[COUNTRY NAME]\n", "COUNTRY NAME [...] [COUNTRY NAME] country_name"},
        {"== a.j2\n{{ x }}{% include 'b.prompt' %}\n== b.prompt\n[Y]\n", "Y [...] [Y] x y"},
    };
    EXPECT(cases, &of_record);
}

static void groups(void **state) {
    static const struct reading cases[] = {
        {"{% for r in records %}{{ r.a }}{% endfor %}{{ group }}{{ a }}", "a"},
        {"{% for r in records|sort(attribute='b') %}{{ r.a.c }}{% endfor %}{{ records|length }}", "a.c b"},
        {"{{ records[0].x }}{{ records|map(attribute='y')|join }}", "x y"},
        {"{% for k, l in records|groupby('k') %}{{ k }}{% for r in l %}{{ r.n }}{% endfor %}{% endfor %}",
         "k n"},
        {"== a.mustache\n{{#records}}{{x}}{{/records}}{{group}}\n", "x"},
        {"{{ records }}", "*"},
        {"{{ records[0][x] }}", "*"},
        {"{% for r in records %}{% if loop.previtem and loop.previtem.a != r.a %}x{% endif %}{% endfor %}",
         "a"},
    };
    EXPECT(cases, &of_group);
}

static void write_json(struct value v, struct buf *out) {
    if (v.tag == VALUE_LIST) {
        buf_add_char(out, '[');
        for (uint32_t i = 0; i < v.list->n; i++) {
            buf_add_text(out, i ? "," : "");
            write_json(v.list->items[i], out);
        }
        buf_add_char(out, ']');
    } else if (v.tag == VALUE_MAP) {
        buf_add_char(out, '{');
        for (uint32_t i = 0; i < v.map->shape->n; i++) {
            buf_add_text(out, i ? "," : "");
            buf_add_json(out, value_str(v.map->shape->keys[i]));
            buf_add_char(out, ':');
            write_json(v.map->values[i], out);
        }
        buf_add_char(out, '}');
    } else if (!value_json_add_scalar(out, v)) {
        buf_add_json(out, value_str(v));
    }
}

// The record as a reader with the projection makes it.
static void expect_record(struct world *w, const char *record, const char *expected) {
    struct shapes *shapes = shapes_new();
    struct reader reader;
    struct value v;
    struct buf found = BUF_INIT;
    reader_init(&reader, shapes, fields_projection(w->fields));
    assert_int_equal(reader_parse(&reader, str_of(record), &w->arena, &v), STATUS_OK);
    write_json(v, &found);
    assert_string_equal(buf_text(&found), expected);
    buf_release(&found);
    reader_release(&reader);
    shapes_free(shapes);
}

static void projections(void **state) {
    struct world *w = *state;
    const char *record = "{\"a\":{\"x\":1,\"y\":[2]},\"b\":[{\"c\":1,\"d\":2},3],\"e\":{\"f\":4}}";
    static const struct {
        const char *text, *record;
    } cases[] = {
        {"", "{}"},
        {"{{ a }}", "{\"a\":{\"x\":1,\"y\":[2]}}"},
        {"{{ a.y }}", "{\"a\":{\"y\":[2]}}"},
        {"{{ a is defined }}", "{\"a\":{}}"},
        {"{% if a %}{{ a.x }}{% endif %}", "{\"a\":{\"x\":1,\"y\":null}}"},
        {"{{ b|length }}", "{\"b\":[{},3]}"},
        {"{% for x in b %}{{ x.d }}{% endfor %}", "{\"b\":[{\"d\":2},3]}"},
        {"{% for x in b if x %}{{ x.d }}{% endfor %}", "{\"b\":[{\"c\":null,\"d\":2},3]}"},
        {"{% for k in e %}{{ k }}{% endfor %}", "{\"e\":{\"f\":4}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        analyse(w, cases[i].text, &of_record);
        expect_record(w, record, cases[i].record);
    }
    analyse(w, "{{ a[x] }}{% include y %}", &of_record);
    assert_null(fields_projection(w->fields));
    assert_true(fields_is_everything(w->fields));
}

// More constants than are told apart come to an end as text, wherever they are met with again.
static void many_constants(void **state) {
    struct world *w = *state;
    struct buf text = BUF_INIT;
    buf_add_text(&text, "{{ [");
    for (int i = 0; i < 3000; i++)
        buf_printf(&text, "'c%d',", i);
    buf_add_text(&text, "] | length }}{{ a.b }}");
    analyse(w, buf_text(&text), &of_record);
    assert_false(fields_is_everything(w->fields));
    expect_paths(w, "many constants", "a.b");
    buf_release(&text);
}

static void several_programs_are_joined(void **state) {
    struct world *w = *state;
    struct fields *all = fields_new(library_builtin());
    analyse(w, "{{ a.b }}{{ c }}", &of_record);
    fields_add_all(all, w->fields);
    analyse(w, "{{ a.d }}{{ c.e }}", &of_record);
    fields_add_all(all, w->fields);
    fields_free(w->fields);
    w->fields = all;
    expect_paths(w, "two programs", "a.b a.d c");
}

// Sees a record or several, in a JSON array, and expects "path@line:column" of what is missing, "?nearest" behind.
static void expect_missing(struct world *w, const char *text, const char *records, const char *expected) {
    struct shapes *shapes = shapes_new();
    struct reader reader;
    struct value v;
    struct buf found = BUF_INIT;
    analyse(w, text, &of_record);
    reader_init(&reader, shapes, NULL);
    assert_int_equal(reader_parse(&reader, str_of(records), &w->arena, &v), STATUS_OK);
    for (uint32_t i = 0; i < v.list->n; i++)
        fields_see(w->fields, v.list->items[i]);
    struct fields_missing *missing;
    size_t n = fields_missing(w->fields, &missing);
    for (size_t i = 0; i < n; i++) {
        uint32_t line, column;
        source_locate(missing[i].program->source.text, missing[i].span.at, &line, &column, NULL);
        buf_printf(&found, "%s%.*s@%u:%u", i ? " " : "", STR_ARG(missing[i].path), line, column);
        if (missing[i].nearest.p)
            buf_printf(&found, "?%.*s", STR_ARG(missing[i].nearest));
        if (missing[i].is_tested)
            buf_add_text(&found, " (tested)");
    }
    if (strcmp(buf_text(&found), expected) != 0)
        fail_msg("%s\n  misses   %s\n  expected %s", text, buf_text(&found), expected);
    mem_free(missing);
    buf_release(&found);
    reader_release(&reader);
    shapes_free(shapes);
}

static void missing_fields(void **state) {
    struct world *w = *state;
    expect_missing(w, "{{ usernme }}\n {{ user.nme }}", "[{\"username\":1,\"user\":{\"name\":2}}]",
                   "usernme@1:4?username user.nme@2:5?name");
    expect_missing(w, "{{ a }}", "[]", "");
    expect_missing(w, "{{ a }}", "[{\"b\":1},{\"a\":2}]", "");
    expect_missing(w, "{{ a|default('') }}{{ b is defined }}{{ c.get('d') }}", "[{\"c\":{}}]", "");
    expect_missing(w, "{% if 'x' in a %}{{ a.x }}{% endif %}", "[{\"a\":{\"y\":1}}]", "");
    expect_missing(w, "{% if x %}{% endif %}", "[{\"y\":1}]", "x@1:7 (tested)");
    expect_missing(w, "{{ range(3) }}{{ text.upper() }}{{ text.titel }}", "[{\"text\":\"x\"}]", "");
    expect_missing(w, "{{ user.address.city }}", "[{\"user\":{\"adress\":1}}]", "user.address@1:4?adress");
    expect_missing(w, "{% for x in a %}{{ x.b }}{{ x.c }}{% endfor %}", "[{\"a\":[{\"b\":1}]},{\"a\":[]}]",
                   "a[].c@1:29");
    expect_missing(w, "{% if q %}{% set t = 1 %}{% endif %}{{ t }}", "[{\"q\":1}]", "");
    expect_missing(w, "== a.mustache\n{{#a}}{{b}}{{c}}{{/a}}\n", "[{\"a\":{\"b\":1}}]", "a.c@1:12");
}

// A template that is made to take long: what the analysis knows of it is bounded.
static void large_and_tangled_templates(void **state) {
    struct world *w = *state;
    struct buf text = BUF_INIT;
    for (int i = 0; i < 2000; i++)
        buf_printf(&text, "{%% if a%d %%}{%% set x%d = b.c%d %%}{%% else %%}{{ x%d.y }}{%% endif %%}\n", i,
                   i % 50, i, (i * 7) % 50);
    compile(w, buf_text(&text));
    analyse(w, buf_text(&text), &of_record);
    assert_non_null(w->fields);
    buf_clear(&text);
    buf_add_text(&text,
                 "{% macro m(x, y, z) %}{{ x.a }}{{ m(x.b, y.c, z.d) }}{{ m(y.e, z.f, x.g) }}"
                 "{{ m([x, y], [y, z], {'k': x}) }}{{ m(z.items, x.get, m) }}{% endmacro %}{{ m(p, q, r) }}");
    analyse(w, buf_text(&text), &of_record);
    assert_true(fields_is_everything(w->fields) || fields_projection(w->fields));
    buf_release(&text);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_cannot_be_followed_is_everything),
        TEST(values),
        TEST(loops),
        TEST(filters_and_tests),
        TEST(macros),
        TEST(templates),
        TEST(sections),
        TEST(keywords),
        TEST(groups),
        TEST(projections),
        TEST(many_constants),
        TEST(several_programs_are_joined),
        TEST(missing_fields),
        TEST(large_and_tangled_templates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
