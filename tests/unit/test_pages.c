// SPDX-License-Identifier: MIT
// Directories of files as sources: what may be wrong with a file, where front matter ends, and what a record has.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "stages/load/files/front_matter.h"
#include "stages/load/load.h"
#include "tests/support/faulty_fs.h"
#include "tests/support/scene.h"

struct site {
    struct scene scene;
    struct faulty faulty;
    struct fs fs; // over it
    struct load_options options;
    struct shapes *shapes;
    struct reader reader;
    struct batch *batch;
    // what came of it
    struct buf log; // a line per record
    size_t records, failed, batches, most;
    enum status status;
    struct err err;
};

static int setup(void **state) {
    struct site *site = MEM_NEW(struct site);
    scene_open(&site->scene);
    site->fs = faulty_fs(&site->faulty, 0, EIO);
    site->options = (struct load_options){.fs = &site->fs,
                                          .path = site->scene.path,
                                          .name = STR("**"),
                                          .format = STR("files"),
                                          .files = STR("**")};
    site->shapes = shapes_new();
    reader_init(&site->reader, site->shapes, NULL);
    site->batch = batch_new();
    *state = site;
    return 0;
}

static int teardown(void **state) {
    struct site *site = *state;
    scene_close(&site->scene);
    batch_free(site->batch);
    reader_release(&site->reader);
    shapes_free(site->shapes);
    buf_release(&site->log);
    mem_free(site);
    return 0;
}

static void put(struct site *site, const char *path, struct str text) {
    char *directory = mem_copy(path, strlen(path)), *slash = strrchr(directory, '/');
    if (slash) {
        *slash = 0;
        assert_int_equal(fs_make_dirs(&site->scene.fs, site->scene.root, directory, 0777), 0);
    }
    mem_free(directory);
    put_file(&site->scene, path, text.p, text.n);
}

#define PUT(site, path, literal) put(site, path, STR(literal))

static void log_value(struct buf *log, struct value v) {
    if (v.tag == VALUE_STRING) {
        buf_add_json(log, value_str(v));
    } else if (v.tag == VALUE_INT) {
        buf_printf(log, "%d", (int)v.i);
    } else if (v.tag == VALUE_BOOL) {
        buf_add_text(log, v.i ? "true" : "false");
    } else if (v.tag == VALUE_NONE) {
        buf_add_text(log, "null");
    } else if (v.tag == VALUE_LIST) {
        for (uint32_t i = 0; i < v.list->n; i++) {
            buf_add_text(log, i ? " " : "[");
            log_value(log, v.list->items[i]);
        }
        buf_add_text(log, v.list->n ? "]" : "[]");
    } else {
        assert_int_equal(v.tag, VALUE_MAP);
        buf_add_char(log, '{');
        for (uint32_t i = 0; i < v.map->shape->n; i++) {
            buf_printf(log, "%s%.*s=", i ? " " : "", STR_ARG(value_str(v.map->shape->keys[i])));
            log_value(log, v.map->values[i]);
        }
        buf_add_char(log, '}');
    }
}

// A fault's byte must be where its line and column are.
static void check_byte(const struct item *item) {
    uint32_t line, column;
    if (item->error->line == 0) {
        assert_int_equal(item->error_byte, 0);
        return;
    }
    source_locate(item->raw, item->error_byte, &line, &column, NULL);
    assert_int_equal(line, item->error->line);
    assert_int_equal(column, item->error->column);
}

static void log_item(struct site *site, const struct item *item) {
    struct buf *log = &site->log;
    assert_int_equal(item->ordinal, site->records++);
    assert_int_equal(item->line, 0);
    if (item->error) {
        const struct diag *d = item->error;
        assert_int_equal(item->record.tag, VALUE_MISSING);
        check_byte(item);
        buf_printf(log, "%.*s:%u:%u! %.*s\n", STR_ARG(d->file), d->line, d->column, STR_ARG(d->message));
        site->failed++;
        return;
    }
    assert_int_equal(item->record.tag, VALUE_MAP);
    struct map *map = item->record.map;
    buf_printf(log, "%.*s ", STR_ARG(value_str(map_get(map, STR("path")))));
    log_value(log, map_get(map, STR("meta")));
    buf_add_char(log, ' ');
    log_value(log, map_get(map, STR("content")));
    buf_add_char(log, '\n');
}

static const char *load(struct site *site) {
    struct loader *loader;
    site->faulty.calls = 0;
    site->records = site->failed = site->batches = site->most = 0;
    buf_clear(&site->log);
    site->status = load_open(&site->options, &loader, &site->err);
    if (site->status != STATUS_OK)
        return site->err.text;
    for (;;) {
        batch_clear(site->batch);
        site->status = load_pull(loader, site->batch, &site->err);
        if (site->status != STATUS_OK || site->batch->items_n == 0)
            break;
        load_parse(loader, &site->reader, site->batch);
        for (size_t i = 0; i < site->batch->items_n; i++)
            log_item(site, &site->batch->items[i]);
        site->batches++;
        site->most = site->batch->items_n > site->most ? site->batch->items_n : site->most;
    }
    if (site->status == STATUS_OK)
        assert_int_equal(load_bytes_read(loader), load_bytes_total(loader));
    load_close(loader);
    assert_int_equal(site->faulty.open_files, 0);
    return site->status == STATUS_OK ? buf_text(&site->log) : site->err.text;
}

// Faults -----------------------------------------------------------------------------------------------------

static void bad_sources(void **state) {
    struct site *site = *state;
    char base[300], wanted[512];
    site->options.files = STR("../*");
    assert_string_equal(load(site), "**: the pattern has a part \"..\"; it must stay below the directory it "
                                    "starts from");
    assert_int_equal(site->status, STATUS_DATA);
    site->options.files = (struct str){NULL, 0};
    assert_string_equal(load(site), "**: the pattern is empty");
    site->options.files = STR("**");
    snprintf(base, sizeof base, "%s/missing", site->scene.path);
    site->options.path = base;
    snprintf(wanted, sizeof wanted, "**: cannot open the directory %s: No such file or directory", base);
    assert_string_equal(load(site), wanted);
    assert_int_equal(site->status, STATUS_IO);
    PUT(site, "missing", "a file");
    snprintf(wanted, sizeof wanted, "**: cannot open the directory %s: Not a directory", base);
    assert_string_equal(load(site), wanted);
}

static void nothing(void **state) {
    assert_string_equal(load(*state), "");
    assert_int_equal(((struct site *)*state)->status, STATUS_OK);
}

static void bad_files(void **state) {
    struct site *site = *state;
    PUT(site, "a.md", "fine");
    PUT(site, "b.md", "one\ntwo \xFF\n");
    PUT(site, "c.md",
        "\xEF\xBB\xBF"
        "one\n\xC3\xA4 \0");
    PUT(site, "d.md", "\0\xFF");
    PUT(site, "e.md", "\xFF\0");
    PUT(site, "\xFFx.md", "fine");
    PUT(site, "f.md", "---\ntitle: \xC3\n---\n");
    assert_int_equal(symlinkat("nowhere", site->scene.root, "g.md"), 0);
    PUT(site, "h.md", "fine");
    assert_string_equal(load(site), "a.md {} \"fine\"\n"
                                    "b.md:2:5! invalid UTF-8\n"
                                    "c.md:2:3! there is a NUL byte\n"
                                    "d.md:1:1! there is a NUL byte\n"
                                    "e.md:1:1! invalid UTF-8\n"
                                    "f.md:2:8! invalid UTF-8\n"
                                    "g.md:0:0! cannot open the file: No such file or directory\n"
                                    "h.md {} \"fine\"\n"
                                    "\\xffx.md:0:0! the name of the file is not UTF-8\n");
}

static void every_call_fails(void **state) {
    struct site *site = *state;
    PUT(site, "a/x.md", "---\na: 1\n---\nA");
    PUT(site, "b.md", "B");
    assert_string_equal(load(site), "a/x.md {a=1} \"A\"\nb.md {} \"B\"\n");
    int calls = site->faulty.calls;
    size_t broken = 0, failed = 0;
    for (int n = 1; n <= calls; n++) {
        site->faulty.fail_at = n;
        const char *text = load(site);
        broken += site->status != STATUS_OK;
        failed += site->failed;
        if (site->status == STATUS_OK) {
            assert_int_equal(site->records, 2);
            assert_true(site->failed <= 1);
        }
        if (site->status != STATUS_OK || site->failed)
            assert_non_null(strstr(text, ": Input/output error"));
    }
    assert_int_equal(broken, 3); // opening the base, listing two directories
    assert_int_equal(failed, 6); // opening and reading twice each file; its size may be unknown
}

static void too_long(void **state) {
    struct site *site = *state;
    PUT(site, "a.md", "12345678");
    PUT(site, "b.md", "123456789");
    PUT(site, "c.md", "");
    site->options.record_bytes = 8;
    const char *wanted = "a.md {} \"12345678\"\n"
                         "b.md:0:0! the record is longer than 8 bytes (limits: record_bytes)\n"
                         "c.md {} \"\"\n";
    assert_string_equal(load(site), wanted);
    site->faulty.byte_by_byte = true;
    assert_string_equal(load(site), wanted);
}

// A file that was saved between the look at its size and the reading is read as it is.
static void changed_between(void **state) {
    struct site *site = *state;
    struct loader *loader;
    char large[10000];
    memset(large, 'x', sizeof large);
    PUT(site, "a.md", "short");
    PUT(site, "b.md", "a rather long text");
    PUT(site, "c.md", "gone");
    PUT(site, "d.md", "");
    PUT(site, "e.md", "small");
    site->options.record_bytes = sizeof large;
    assert_int_equal(load_open(&site->options, &loader, &site->err), STATUS_OK);
    assert_int_equal(load_pull(loader, site->batch, &site->err), STATUS_OK);
    put(site, "a.md", (struct str){large, sizeof large});
    PUT(site, "b.md", "short");
    assert_int_equal(unlinkat(site->scene.root, "c.md", 0), 0);
    PUT(site, "d.md", "more");
    assert_int_equal(unlinkat(site->scene.root, "e.md", 0), 0);
    assert_int_equal(mkfifoat(site->scene.root, "e.md", 0666), 0);
    load_parse(loader, &site->reader, site->batch);
    const struct item *items = site->batch->items;
    assert_int_equal(site->batch->items_n, 5);
    struct str content = value_str(map_get(items[0].record.map, STR("content")));
    assert_true(str_equal(content, (struct str){large, sizeof large}));
    assert_int_equal(map_get(items[0].record.map, STR("size")).i, sizeof large);
    assert_true(str_is(value_str(map_get(items[1].record.map, STR("content"))), "short"));
    assert_int_equal(map_get(items[1].record.map, STR("size")).i, 5);
    assert_non_null(items[2].error);
    assert_true(str_is(value_str(map_get(items[3].record.map, STR("content"))), "more"));
    assert_true(str_is(value_str(map_get(items[4].record.map, STR("content"))), "")); // nobody writes to it
    load_close(loader);
}

static void grows_too_long(void **state) {
    struct site *site = *state;
    struct loader *loader;
    char large[10001];
    memset(large, 'x', sizeof large);
    PUT(site, "a.md", "short");
    site->options.record_bytes = sizeof large - 1;
    assert_int_equal(load_open(&site->options, &loader, &site->err), STATUS_OK);
    assert_int_equal(load_pull(loader, site->batch, &site->err), STATUS_OK);
    put(site, "a.md", (struct str){large, sizeof large});
    load_parse(loader, &site->reader, site->batch);
    assert_true(str_is(site->batch->items[0].error->message,
                       "the record is longer than 10000 bytes (limits: record_bytes)"));
    load_close(loader);
}

static void is_interrupted(void **state) {
    struct site *site = *state;
    atomic_bool interrupt = true;
    site->options.interrupt = &interrupt;
    load(site);
    assert_int_equal(site->status, STATUS_CANCELLED);
}

// Front matter -----------------------------------------------------------------------------------------------

static const char *page_named(struct site *site, const char *name, struct str text) {
    put(site, name, text);
    const char *result = load(site);
    assert_int_equal(site->status, STATUS_OK);
    assert_int_equal(site->records, 1);
    return result;
}

#define PAGE(text, wanted)  assert_string_equal(page_named(site, "p", STR(text)), "p " wanted "\n")
#define FAULT(text, wanted) assert_string_equal(page_named(site, "p", STR(text)), "p:" wanted "\n")

static void faulty_yaml(void **state) {
    struct site *site = *state;
    FAULT("---\na: [1\n---\nT", "3:1! invalid YAML: did not find expected ',' or ']'");
    FAULT("---\ntitle: a\ntags: x\ntitle: b\n---\n",
          "4:1! duplicate key \"title\"; the first one is on line 2");
    FAULT("\xEF\xBB\xBF---\r\na: 1\r\n\xC3\xA4: *b\r\n---\r\n", "3:4! unknown alias *b");
    FAULT("---\n- a\n---\n", "2:1! front matter must be a mapping of keys to values, not a list");
    FAULT("---\nJust some text\n---\n", "2:1! front matter must be a mapping of keys to values, not text");
    FAULT("---\na: !x 1\n---\n",
          "2:4! the tag <!x> is not supported; write the value plainly, or as text in quotes");
    FAULT("---\na: \x01\n---\n", "2:4! invalid YAML: control characters are not allowed");
    FAULT("---\n{\n---\n", "3:1! invalid YAML: did not find expected node content");
}

// The line shown is the page's, also where the fault is that the front matter ends.
static void shows_the_line(void **state) {
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"---\na: [\n---\nT", "p:3:1: error: invalid YAML: did not find expected node content\n"
                              "    3 | ---\n"
                              "      | ^\n"
                              "  hint: while parsing a flow node\n"},
        {"\xEF\xBB\xBF---\r\na: *b\r\n---\r\n", "p:2:4: error: unknown alias *b\n"
                                                "    2 | a: *b\n"
                                                "      |    ^~\n"
                                                "  hint: text that begins with '*' needs quotes\n"},
        {"{\n  \"a\": x\n}\n", "p:2:8: error: expected a value\n"
                               "    2 |   \"a\": x\n"
                               "      |        ^\n"},
    };
    struct site *site = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        struct buf text = BUF_INIT;
        arena_init(&arena, 0);
        const struct source_text page = {STR("p"), str_of(cases[i].text)};
        struct front_matter front = front_matter_read(&arena, &site->reader, &page);
        assert_non_null(front.fault);
        diag_write(front.fault, false, &text);
        assert_string_equal(buf_text(&text), cases[i].wanted);
        buf_release(&text);
        arena_release(&arena);
    }
}

static void faulty_json(void **state) {
    struct site *site = *state;
    FAULT("{\"a\": 1,}\nText", "1:9! expected a key in double quotes");
    FAULT("{\n  \"a\": 01\n}\nText", "2:8! a number must not begin with 0");
    FAULT("{\"a\": 1} Text", "1:10! the text must begin on a line of its own after the front matter");
    FAULT("{}Text", "1:3! the text must begin on a line of its own after the front matter");
    FAULT("{\"a\": 1\nText", "2:1! expected ',' or '}' after the value");
    FAULT("{\"a\": \"}\n", "1:9! control character in a string");
    FAULT("{ \"quoted\" } text", "1:12! expected ':' after the key");
}

static void too_much(void **state) {
    struct site *site = *state;
    struct buf text = BUF_INIT;
    buf_add_text(&text, "---\na: ");
    while (text.n < FRONT_MATTER_BYTES + 1)
        buf_add_text(&text, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ");
    buf_add_text(&text, "\n---\n");
    assert_string_equal(page_named(site, "p", buf_str(&text)),
                        "p:1:1! the front matter is longer than 65536 bytes\n");
    memcpy(text.p, "{\"aa\":\"", 7);
    text.p[text.n - 4] = '"';
    text.p[text.n - 3] = '}';
    text.p[text.n - 5] = ' ';
    text.n -= 2;
    assert_string_equal(page_named(site, "p", buf_str(&text)),
                        "p:1:1! the front matter is longer than 65536 bytes\n");
    buf_clear(&text);
    buf_add_text(&text, "---\na: &a [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]\n");
    buf_add_text(&text, "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n");
    buf_add_text(&text, "c: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n---\n");
    assert_string_equal(page_named(site, "p", buf_str(&text)),
                        "p:1:1! the front matter stands for more than 16384 values\n");
    buf_clear(&text);
    buf_add_text(&text, "---\na: ");
    for (int i = 0; i < 1000; i++)
        buf_add_char(&text, '[');
    buf_add_text(&text, "\n---\n");
    assert_string_equal(page_named(site, "p", buf_str(&text)), "p:2:103! more than 100 levels of nesting\n");
    buf_release(&text);
}

static void yaml(void **state) {
    struct site *site = *state;
    PAGE("---\ntitle: A page\ntags: [a, b]\ndraft: true\n---\nText\n",
         "{title=\"A page\" tags=[\"a\" \"b\"] draft=true} \"Text\\n\"");
    PAGE("---  \t\r\na: 1\r\n...  \r\nText\r\n", "{a=1} \"Text\\r\\n\"");
    PAGE("\xEF\xBB\xBF---\na: 1\n---\nText", "{a=1} \"Text\"");
    PAGE("---\na: 1\n---\n\nText\n---\nmore", "{a=1} \"\\nText\\n---\\nmore\"");
    PAGE("---\na: 1\n---", "{a=1} \"\"");
    PAGE("---\na: |\n  x\n  ---\n  y\n---\nT", "{a=\"x\\n---\\ny\\n\"} \"T\"");
    FAULT("---\na: 1\n----\nb: 2\n---x\n---\nT", "4:1! invalid YAML: could not find expected ':'");
    PAGE("---\n---\nT", "{} \"T\"");
    PAGE("---\n# only a remark\n---\nT", "{} \"T\"");
    PAGE("---\na: &x {b: 2024-01-02}\nc: *x\nd:\n---\n",
         "{a={b=\"2024-01-02\"} c={b=\"2024-01-02\"} d=null} \"\"");
}

static void json(void **state) {
    struct site *site = *state;
    PAGE("{\"title\": \"A page\", \"tags\": [1, \"}\"]}\nText\n",
         "{title=\"A page\" tags=[1 \"}\"]} \"Text\\n\"");
    PAGE("{\r\n  \"a\": {\"b\": \"\\\"{\\u00e4\"}\r\n}  \r\nText", "{a={b=\"\\\"{\xC3\xA4\"}} \"Text\"");
    PAGE("\xEF\xBB\xBF{\"a\": 1}\n", "{a=1} \"\"");
    PAGE("{\"a\": 1}", "{a=1} \"\"");
    PAGE("{}\n{}\n", "{} \"{}\\n\"");
}

// The fields that templates read are the record's, not those of what a page says about itself.
static void projection_is_left_alone(void **state) {
    struct site *site = *state;
    static const struct projection nothing_at_all = {.name = {NULL, 0}};
    site->reader.projection = &nothing_at_all;
    PAGE("{\"a\": 1}\n", "{a=1} \"\"");
    assert_ptr_equal(site->reader.projection, &nothing_at_all);
}

static void no_front_matter(void **state) {
    struct site *site = *state;
    PAGE("", "{} \"\"");
    PAGE("Text\n---\na: 1\n---\n", "{} \"Text\\n---\\na: 1\\n---\\n\"");
    PAGE("---\nText that goes on\n", "{} \"---\\nText that goes on\\n\"");
    PAGE("---", "{} \"---\"");
    PAGE("---\n", "{} \"---\\n\"");
    PAGE("--- a\n---\n", "{} \"--- a\\n---\\n\"");
    PAGE("----\n---\n", "{} \"----\\n---\\n\"");
    PAGE(" ---\na: 1\n---\n", "{} \" ---\\na: 1\\n---\\n\"");
    PAGE("\n---\na: 1\n---\n", "{} \"\\n---\\na: 1\\n---\\n\"");
    PAGE("{{ title }}\n", "{} \"{{ title }}\\n\"");
    PAGE("{% if x %}\n", "{} \"{% if x %}\\n\"");
    PAGE("{#id}", "{} \"{#id}\"");
    PAGE("{", "{} \"{\"");
    PAGE("{ a }", "{} \"{ a }\"");
    PAGE("[1]\n", "{} \"[1]\\n\"");
    PAGE("\xEF\xBB\xBFText", "{} \"Text\"");
}

static void data_has_none(void **state) {
    static const char *const names[] = {"p.json", "p.jsonl", "p.ndjson", "p.yaml", "p.yml"};
    struct site *site = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char wanted[64];
        struct str text = i < 3 ? STR("{\"a\": 1}\n") : STR("---\na: 1\n---\n");
        snprintf(wanted, sizeof wanted, "%s {} %s\n", names[i],
                 i < 3 ? "\"{\\\"a\\\": 1}\\n\"" : "\"---\\na: 1\\n---\\n\"");
        assert_string_equal(page_named(site, names[i], text), wanted);
        unlinkat(site->scene.root, names[i], 0);
    }
}

// Records ----------------------------------------------------------------------------------------------------

static void fields(void **state) {
    static const struct {
        const char *path, *wanted;
    } cases[] = {
        {"a.md", "directory=\"\" name=\"a.md\" stem=\"a\" extension=\".md\""},
        {"x/y.z/a", "directory=\"x/y.z\" name=\"a\" stem=\"a\" extension=\"\""},
        {"x/a.tar.gz", "directory=\"x\" name=\"a.tar.gz\" stem=\"a.tar\" extension=\".gz\""},
        {"x/.profile", "directory=\"x\" name=\".profile\" stem=\".profile\" extension=\"\""},
        {"x/.a.b", "directory=\"x\" name=\".a.b\" stem=\".a\" extension=\".b\""},
        {"x/a.", "directory=\"x\" name=\"a.\" stem=\"a.\" extension=\"\""},
        {"\xC3\xA4/\xC3\xB6.\xC3\xBC", "directory=\"\xC3\xA4\" name=\"\xC3\xB6.\xC3\xBC\" stem=\"\xC3\xB6\" "
                                       "extension=\".\xC3\xBC\""},
    };
    struct site *site = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct loader *loader;
        char wanted[256];
        put(site, cases[i].path, STR("---\nm: 1\n---\nText\n"));
        site->options.files = str_of(cases[i].path);
        assert_int_equal(load_open(&site->options, &loader, &site->err), STATUS_OK);
        batch_clear(site->batch);
        assert_int_equal(load_pull(loader, site->batch, &site->err), STATUS_OK);
        load_parse(loader, &site->reader, site->batch);
        assert_int_equal(site->batch->items_n, 1);
        buf_clear(&site->log);
        log_value(&site->log, site->batch->items[0].record);
        snprintf(wanted, sizeof wanted, "{path=\"%s\" %s size=18 content=\"Text\\n\" meta={m=1}}",
                 cases[i].path, cases[i].wanted);
        assert_string_equal(buf_text(&site->log), wanted);
        load_close(loader);
    }
}

// Where no more shapes are shared the records' own ones have the same keys, for as long as the records are there.
static void private_shapes(void **state) {
    struct site *site = *state;
    for (int i = 0; i < SHAPES_LIMIT; i++) {
        char name[16];
        int n = snprintf(name, sizeof name, "k%d", i);
        const struct value key = value_string((struct str){name, (size_t)n});
        shapes_of_names(site->shapes, &key, 1);
    }
    PUT(site, "a.md", "---\nm: 1\n---\nText\n");
    PUT(site, "b.md", "Text");
    assert_string_equal(load(site), "a.md {m=1} \"Text\\n\"\nb.md {} \"Text\"\n");
    struct loader *loader;
    assert_int_equal(load_open(&site->options, &loader, &site->err), STATUS_OK);
    batch_clear(site->batch);
    assert_int_equal(load_pull(loader, site->batch, &site->err), STATUS_OK);
    load_parse(loader, &site->reader, site->batch);
    assert_int_equal(site->batch->items_n, 2);
    buf_clear(&site->log);
    log_value(&site->log, site->batch->items[1].record);
    assert_string_equal(buf_text(&site->log),
                        "{path=\"b.md\" directory=\"\" name=\"b.md\" stem=\"b\" extension=\".md\" size=4 "
                        "content=\"Text\" meta={}}");
    load_close(loader);
}

// Whatever the size of a batch and of a read, the records are the same.
static void batches(void **state) {
    struct site *site = *state;
    char path[32];
    struct buf text = BUF_INIT;
    for (int i = 0; i < 200; i++) {
        snprintf(path, sizeof path, "%d/%d.md", i % 7, i);
        buf_clear(&text);
        if (i % 3)
            buf_printf(&text, "---\nn: %d\n---\n", i);
        if (i % 5)
            buf_printf(&text, "Text %d\n", i);
        put(site, path, i == 99 ? STR("---\n: [\n---\n") : buf_str(&text));
    }
    buf_release(&text);
    load(site);
    assert_int_equal(site->records, 200);
    assert_int_equal(site->failed, 1);
    assert_int_equal(site->most, 64);
    assert_int_equal(site->batches, 4);
    char *all = mem_copy(site->log.p, site->log.n);
    for (int i = 0; i < 4; i++) {
        site->options.batch_records = i == 1 ? 1 : 0;
        site->options.batch_bytes = i == 2 ? 100 : 0;
        site->faulty.byte_by_byte = i == 3;
        assert_string_equal(load(site), all);
        assert_true(i != 1 || site->batches == 200);
        assert_true(i != 2 || site->most < 30);
    }
    mem_free(all);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(bad_sources),
        TEST(nothing),
        TEST(bad_files),
        TEST(every_call_fails),
        TEST(too_long),
        TEST(changed_between),
        TEST(grows_too_long),
        TEST(is_interrupted),
        TEST(faulty_yaml),
        TEST(shows_the_line),
        TEST(faulty_json),
        TEST(too_much),
        TEST(yaml),
        TEST(json),
        TEST(projection_is_left_alone),
        TEST(no_front_matter),
        TEST(data_has_none),
        TEST(fields),
        TEST(private_shapes),
        TEST(batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
