// SPDX-License-Identifier: MIT
// What a manifest without faults is read as: fields, types of values, places of expressions.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "pipeline/manifest/manifest.h"
#include "pipeline/manifest/manifest_table.h"
#include "stages/record/document.h"

static struct arena arena;
static struct diags diags;

static int setup(void **state) {
    (void)state;
    arena_init(&arena, 0);
    diags_init(&diags, &arena);
    return chdir(PRESSRUN_MANIFEST_CASES);
}

static int teardown(void **state) {
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct manifest *read_manifest(const char *path) {
    struct fs fs = fs_system();
    struct manifest *m = manifest_read(&fs, path, &diags);
    struct buf out = BUF_INIT;
    for (const struct diag *d = diags.first; d; d = d->next)
        diag_write(d, false, &out);
    if (out.n)
        print_error("%s", buf_text(&out));
    buf_release(&out);
    return m;
}

static void assert_unsound(const struct fs *fs, const char *path) {
    struct manifest *m = manifest_read(fs, path, &diags);
    assert_false(m->sound);
    manifest_free(m);
}

static void assert_str(struct str got, const char *want) {
    assert_int_equal(got.n, strlen(want));
    assert_memory_equal(got.p, want, got.n);
}

static struct document_node *yaml(const char *text) {
    struct source_text source = {STR("t.yaml"), str_of(text)};
    return document_read_yaml(&arena, &source, &diags);
}

static void test_no_file(void **state) {
    (void)state;
    struct fs fs = fs_system();
    assert_unsound(&fs, "nowhere/pressrun.yaml");
    assert_int_equal(diags.errors, 1);
    assert_non_null(strstr(diags.first->message.p, "nowhere/pressrun.yaml"));
    assert_unsound(&fs, "files"); // a directory
    assert_int_equal(diags.errors, 2);
    assert_null(manifest_find(&fs, &arena, "files"));
    assert_null(manifest_find(&fs, &arena, "nowhere"));
    assert_string_equal(manifest_find(&fs, &arena, "json_list"), "json_list/pressrun.json");
    manifest_free(NULL);
}

// The n-th open fails, as it does with no descriptor left.
struct failing_fs {
    struct fs real;
    int left;
};

static int failing_open(void *self, int dir, const char *path, int flags, mode_t mode) {
    struct failing_fs *f = self;
    return f->left-- > 0 ? f->real.open(f->real.self, dir, path, flags, mode) : -EMFILE;
}

static int open_beneath(void *self, int dir, const char *path, int flags, mode_t mode) {
    struct failing_fs *f = self;
    return f->real.open_beneath(f->real.self, dir, path, flags, mode);
}

static ssize_t read_some(void *self, int fd, void *p, size_t n) {
    struct failing_fs *f = self;
    return f->real.read(f->real.self, fd, p, n);
}

static int stat_open(void *self, int fd, struct stat *st) {
    struct failing_fs *f = self;
    return f->real.stat(f->real.self, fd, st);
}

static int close_open(void *self, int fd) {
    struct failing_fs *f = self;
    return f->real.close(f->real.self, fd);
}

static void test_every_open_may_fail(void **state) {
    (void)state;
    struct failing_fs failing = {.real = fs_system()};
    struct fs fs = {.self = &failing,
                    .open = failing_open,
                    .open_beneath = open_beneath,
                    .read = read_some,
                    .stat = stat_open,
                    .close = close_open};
    bool done = false;
    int n = 0;
    for (; n < 100 && !done; n++) {
        failing.left = n;
        diags_init(&diags, &arena);
        struct manifest *m = manifest_read(&fs, "valid_small/pressrun.yaml", &diags);
        assert_true(m->sound == (diags.errors == 0));
        done = m->sound;
        manifest_free(m);
    }
    assert_true(done);
    assert_in_range(n, 4, 20); // manifest, source, template directory, template
}

static void check_job(const struct manifest *m) {
    const struct manifest_job *job = &m->jobs[0];
    assert_str(job->name, "cards");
    assert_str(m->sources[job->source].name, "users");
    assert_str(job->template_name, "card.j2");
    assert_str(job->to, "cards/{{ id }}.txt");
    assert_str(job->where, "tier != 'banned'");
    assert_null(job->group_by.p);
    assert_int_equal(job->on_error, ON_ERROR_FALLBACK);
    assert_non_null(job->fallback.p);
    assert_int_equal(job->fallback.n, 0);
    assert_int_equal(job->undefined, 2);
    const struct {
        struct str text;
        struct span span;
    } places[] = {{job->name, job->span},
                  {job->template_name, job->template_span},
                  {job->to, job->to_span},
                  {job->where, job->where_span}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(places[i].span.n, places[i].text.n);
        assert_memory_equal(m->text.text.p + places[i].span.at, places[i].text.p, places[i].text.n);
    }
}

static void test_all_fields(void **state) {
    (void)state;
    struct manifest *m = read_manifest("valid_full/pressrun.yaml");
    assert_non_null(m);
    assert_str(m->name, "nightly");
    assert_str(m->directory, "valid_full");
    assert_int_equal(m->places_n, 2);
    assert_str(m->places[0].path, "valid_full/../files/templates");
    assert_int_equal(m->sources_n, 3);
    assert_str(m->sources[0].path, "valid_full/../files/users.jsonl");
    assert_str(m->sources[0].shown, "../files/users.jsonl");
    assert_str(m->sources[0].key, "id");
    assert_non_null(m->sources[1].pointer.p);
    assert_int_equal(m->sources[1].pointer.n, 0);
    assert_null(m->sources[1].key.p);
    assert_str(m->sources[2].path, "-");
    assert_int_equal(m->jobs_n, 5);
    check_job(m);
    const struct manifest_job *prompts = &m->jobs[1], *text = &m->jobs[2], *index = &m->jobs[3];
    assert_true(prompts->raw);
    assert_int_equal(prompts->level, 19);
    assert_int_equal(prompts->needs_n, 1);
    assert_int_equal(prompts->needs[0], 0);
    assert_int_equal(prompts->on_error, ON_ERROR_SKIP);
    assert_int_equal(prompts->undefined, 1);
    assert_null(prompts->separator.p);
    assert_non_null(text->separator.p);
    assert_false(text->collect);
    assert_str(text->group_by, "country");
    assert_true(index->collect);
    assert_int_equal(index->needs_n, 2);
    assert_int_equal(index->needs[1], 1);
    assert_int_equal(index->on_error, ON_ERROR_FAIL);
    assert_str(m->output, "valid_full/build/out");
    assert_str(m->output_shown, "build/out");
    assert_str(m->strategy, "balanced");
    assert_true(m->trim_blocks && m->lstrip_blocks && !m->keep_trailing_newline && m->chat);
    assert_int_equal(m->autoescape_n, 2);
    assert_str(m->autoescape[1], "xml");
    assert_int_equal(m->limits.include_depth, 16);
    assert_int_equal(m->limits.steps, 10000000);
    assert_int_equal(m->limits.output_bytes, 64 << 20);
    assert_int_equal(m->limits.record_bytes, 10000);
    assert_int_equal(m->limits.memory_bytes, 1 << 30);
    assert_int_equal(m->limits.seconds, 60);
    manifest_free(m);
}

static void test_defaults(void **state) {
    (void)state;
    struct manifest *m = read_manifest("valid_json/pressrun.json");
    assert_non_null(m);
    assert_null(m->name.p);
    assert_int_equal(m->globals.tag, VALUE_MISSING);
    assert_str(m->output, "valid_json/out");
    assert_int_equal(m->autoescape_n, 2);
    assert_false(m->autoescape_all);
    assert_int_equal(m->limits.steps, 0);
    assert_int_equal(m->jobs[0].undefined, 1);
    assert_int_equal(m->jobs[0].on_error, ON_ERROR_SKIP);
    assert_int_equal(m->jobs[0].to_span.n, m->jobs[0].to.n);
    manifest_free(m);
    m = read_manifest("valid_default_templates/pressrun.yaml");
    assert_str(m->places[0].path, "valid_default_templates/templates");
    manifest_free(m);
    m = read_manifest("valid_own_directory/pressrun.yaml");
    assert_str(m->places[0].path, "valid_own_directory");
    manifest_free(m);
    m = read_manifest("valid_autoescape_everywhere/pressrun.yaml");
    assert_true(m->autoescape_all);
    assert_int_equal(m->autoescape_n, 0);
    manifest_free(m);
}

static void test_globals(void **state) {
    (void)state;
    struct manifest *m = read_manifest("valid_full/pressrun.yaml");
    assert_int_equal(m->globals.tag, VALUE_MAP);
    const struct map *map = m->globals.map;
    assert_int_equal(map->shape->n, 6);
    assert_str(value_str(map_get(map, STR("site"))), "example.org");
    assert_int_equal(map_get(map, STR("limit")).tag, VALUE_INT);
    assert_true(map_get(map, STR("ratio")).f == 0.5);
    assert_int_equal(map_get(map, STR("on")).tag, VALUE_BOOL);
    assert_int_equal(map_get(map, STR("nothing")).tag, VALUE_NONE);
    struct value list = map_get(map_get(map, STR("nested")).map, STR("list"));
    assert_int_equal(list.tag, VALUE_LIST);
    assert_int_equal(list.list->n, 3);
    assert_int_equal(list.list->items[2].list->items[0].i, 3);
    manifest_free(m);
    m = read_manifest("valid_globals_file/pressrun.yaml");
    assert_str(value_str(map_get(m->globals.map, STR("big"))), "123456789012345678901234567890");
    assert_int_equal(map_get(m->globals.map, STR("big")).tag, VALUE_BIG);
    assert_int_equal(map_get(m->globals.map, STR("list")).list->n, 4);
    manifest_free(m);
    m = read_manifest("valid_globals_with_a_file_key/pressrun.yaml");
    assert_int_equal(m->globals.map->shape->n, 2);
    manifest_free(m);
}

static void test_scalars(void **state) {
    (void)state;
    struct row {
        const char *text;
        enum document_kind kind;
        double number;
        const char *shown; // of a text or a big number
    };
    static const struct row rows[] = {
        {"", DOCUMENT_NULL, 0, NULL},
        {"~", DOCUMENT_NULL, 0, NULL},
        {"null", DOCUMENT_NULL, 0, NULL},
        {"nULL", DOCUMENT_TEXT, 0, "nULL"},
        {"true", DOCUMENT_BOOL, 1, NULL},
        {"False", DOCUMENT_BOOL, 0, NULL},
        {"yes", DOCUMENT_TEXT, 0, "yes"},
        {"NO", DOCUMENT_TEXT, 0, "NO"},
        {"off", DOCUMENT_TEXT, 0, "off"},
        {"0", DOCUMENT_INT, 0, NULL},
        {"-0", DOCUMENT_INT, 0, NULL},
        {"+12", DOCUMENT_INT, 12, NULL},
        {"0123", DOCUMENT_INT, 123, NULL},
        {"0x1F", DOCUMENT_INT, 31, NULL},
        {"0o17", DOCUMENT_INT, 15, NULL},
        {"0x", DOCUMENT_TEXT, 0, "0x"},
        {"0o8", DOCUMENT_TEXT, 0, "0o8"},
        {"-0x1", DOCUMENT_TEXT, 0, "-0x1"},
        {"1_000", DOCUMENT_TEXT, 0, "1_000"},
        {"12:30", DOCUMENT_TEXT, 0, "12:30"},
        {"1.5", DOCUMENT_FLOAT, 1.5, NULL},
        {"1.", DOCUMENT_FLOAT, 1, NULL},
        {".5", DOCUMENT_FLOAT, 0.5, NULL},
        {"-1e3", DOCUMENT_FLOAT, -1000, NULL},
        {"1e", DOCUMENT_TEXT, 0, "1e"},
        {".", DOCUMENT_TEXT, 0, "."},
        {"1.2.3", DOCUMENT_TEXT, 0, "1.2.3"},
        {"-", DOCUMENT_LIST, 0, NULL},
        {"+", DOCUMENT_TEXT, 0, "+"},
        {"2024-01-02", DOCUMENT_TEXT, 0, "2024-01-02"},
        {"'5'", DOCUMENT_TEXT, 0, "5"},
        {"\"true\"", DOCUMENT_TEXT, 0, "true"},
        {"!!str 5", DOCUMENT_TEXT, 0, "5"},
        {"! 5", DOCUMENT_TEXT, 0, "5"},
        {"|\n  5\n", DOCUMENT_TEXT, 0, "5\n"},
        {"9223372036854775807", DOCUMENT_INT, 9223372036854775807.0, NULL},
        {"9223372036854775808", DOCUMENT_BIG, 0, "9223372036854775808"},
        {"-00009223372036854775809", DOCUMENT_BIG, 0, "-9223372036854775809"},
        {"+009223372036854775808", DOCUMENT_BIG, 0, "9223372036854775808"},
        {"-9223372036854775808", DOCUMENT_INT, -9223372036854775808.0, NULL},
        {".inf", DOCUMENT_FLOAT, (double)INFINITY, NULL},
        {"-.Inf", DOCUMENT_FLOAT, -(double)INFINITY, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        snprintf(text, sizeof text, "a: %s\n", rows[i].text);
        if (rows[i].kind == DOCUMENT_LIST)
            snprintf(text, sizeof text, "a:\n - 1\n");
        struct document_node *root = yaml(text);
        assert_non_null(root);
        const struct document_node *node = document_find(root, STR("a"))->value;
        assert_int_equal(node->kind, rows[i].kind);
        if (rows[i].shown)
            assert_str(node->text, rows[i].shown);
        if (node->kind == DOCUMENT_BOOL)
            assert_int_equal(node->boolean, rows[i].number != 0);
        if (node->kind == DOCUMENT_INT)
            assert_true((double)node->integer == rows[i].number);
        if (node->kind == DOCUMENT_FLOAT)
            assert_true(node->real == rows[i].number);
    }
    struct document_node *nan = document_find(yaml("a: .nan"), STR("a"))->value;
    assert_true(nan->kind == DOCUMENT_FLOAT && isnan(nan->real));
    assert_int_equal(diags.errors, 0);
}

static void test_text_spans(void **state) {
    (void)state;
    struct row {
        const char *text, *written; // the bytes of the span
    };
    static const struct row rows[] = {
        {"a: plain text # no\n", "plain text"},
        {"a: 'single'\n", "single"},
        {"a: \"double\"\n", "double"},
        {"a: \"\xC3\xA4\xE2\x82\xAC\"\n", "\xC3\xA4\xE2\x82\xAC"},
        {"\xC3\xA4: 1\na: x\n", "x"},
        {"\xEF\xBB\xBF\xC3\xA4: 1\r\na: x\r\n", "x"},
        {"{a: [x], b: 1}\n", "x"},
        {"a: ''\n", ""},
        {"a: 'it''s'\n", "'it''s'"}, // from here on the text is spelt differently
        {"a: \"x\\ty\"\n", "\"x\\ty\""},
        {"a: \"\\L\\L\"\n", "\"\\L\\L"}, // six bytes each: the span must not be as long as the text
        {"a: two\n  lines\n", "two\n  lines"},
        {"a: 'two\n  lines'\n", "'two\n  lines'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct document_node *root = yaml(rows[i].text);
        assert_non_null(root);
        const struct document_node *node = document_find(root, STR("a"))->value;
        if (node->kind == DOCUMENT_LIST)
            node = node->entries->value;
        assert_int_equal(node->kind, DOCUMENT_TEXT);
        struct str written = str_slice(str_of(rows[i].text), node->span.at, node->span.at + node->span.n);
        assert_str(written, rows[i].written);
        assert_int_equal(str_equal(written, node->text), node->span.n == node->text.n);
    }
    const struct document_node *block = document_find(yaml("a: |\n  x\nb: 1\n"), STR("a"))->value;
    assert_str(block->text, "x\n");
    assert_int_not_equal(block->span.n, block->text.n);
}

static void test_aliases_share(void **state) {
    (void)state;
    struct document_node *root = yaml("a: &x [1, 2]\nb: *x\nc: &x 3\nd: *x\n");
    assert_non_null(root);
    assert_ptr_equal(document_find(root, STR("a"))->value, document_find(root, STR("b"))->value);
    assert_int_equal(document_find(root, STR("d"))->value->integer, 3); // a name may be given again
    assert_int_equal(root->weight, 1 + 3 + 3 + 1 + 1);
    assert_int_equal(root->height, 2);
}

static void test_many_errors_end(void **state) {
    (void)state;
    struct buf text = BUF_INIT;
    for (int i = 0; i < 30000; i++)
        buf_printf(&text, "k%d: 1\nk%d: 1\n", i, i);
    struct source_text source = {STR("t.yaml"), buf_str(&text)};
    assert_non_null(document_read_yaml(&arena, &source, &diags));
    assert_int_equal(diags.errors, DOCUMENT_ERRORS);
    buf_release(&text);
}

static void test_long_chain_of_needs(void **state) {
    (void)state;
    struct fs fs = fs_system();
    char path[] = "/tmp/pressrun-chain-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    fprintf(file, "templates: %s/files/templates\nsources: { users: %s/files/users.jsonl }\njobs:\n",
            PRESSRUN_MANIFEST_CASES, PRESSRUN_MANIFEST_CASES);
    enum { JOBS = 2000 };
    for (int i = 0; i < JOBS; i++)
        fprintf(file, "  j%d: { from: users, template: card.j2, to: '%d.txt', needs: j%d }\n", i, i,
                (i + 1) % JOBS);
    fclose(file);
    assert_unsound(&fs, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(diags.errors, 1);
    assert_non_null(strstr(diags.first->message.p, "j0 -> j1 -> j2 -> "));
}

static void test_sizes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes; // 0: no size
    } rows[] = {
        {"", 0},
        {"5", 0},
        {"B", 0},
        {"5b", 0},
        {"5 MB ", 0},
        {"5  MB", 0},
        {"-5MB", 0},
        {"05MB", 0},
        {"0MB", 0},
        {"1.5MB", 0},
        {"12345678901B", 0},
        {"5mib", 0},
        {"1B", 1},
        {"7 kB", 7000},
        {"1MB", 1000000},
        {"2GB", 2000000000},
        {"1KiB", 1024},
        {"64MiB", 64 << 20},
        {"9999999999GiB", 9999999999ull << 30},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t bytes = 0;
        assert_int_equal(manifest_parse_size(str_of(rows[i].text), &bytes), rows[i].bytes != 0);
        assert_true(bytes == rows[i].bytes);
    }
}

// Every row has what its forms need, and every row below another is found from there.
static void test_table(void **state) {
    (void)state;
    size_t rows = 0, found = 0;
    for (const struct manifest_key *key = manifest_keys; key->path; key++, rows++) {
        assert_non_null(key->doc);
        assert_true(key->forms);
        assert_true(key->what || key->value);
        assert_true(!(key->forms & FORM_COUNT) || key->min <= key->max);
        bool parent = key->forms & (FORM_MAPPING | FORM_NAMED | FORM_LISTED);
        size_t children = 0;
        for (const struct manifest_key *child = NULL; (child = manifest_key_next(key, child)); children++)
            assert_true(child > key || key->like);
        assert_int_equal(parent, children > 0);
        assert_true(!(key->forms & (FORM_NAMED | FORM_LISTED)) ||
                    (children == 1 && manifest_key_next(key, NULL)->noun));
        found += key->like ? 0 : children; // these are another row's
    }
    assert_int_equal(found + 1, rows);
}

static void test_key_list(void **state) {
    (void)state;
    struct buf out = BUF_INIT;
    manifest_write_keys(&out);
    assert_non_null(strstr(buf_text(&out), "jobs.NAME.to: a path, which may be a template; required\n    "));
    assert_non_null(strstr(
        buf_text(&out), "limits.output_bytes: a size up to 1024GiB, such as 64MiB; default \"64MiB\"\n    "));
    buf_release(&out);
}

static void test_alerts(void **state) {
    (void)state;
    struct manifest *m = read_manifest("valid_alerts/pressrun.yaml");
    assert_true(m->sound);
    assert_int_equal(m->alerts_n, 6);
    assert_int_equal(m->alert_exit, ALERT_HIGH);
    const struct alert_rule *r = m->alerts;
    static const double values[] = {120, 0.5, 250e-6, 1.5e-3, 1.5 * 1024 * 1024 * 1024, 0};
    static const double lasting[] = {0, 30, 0, 0, 0, 0.5};
    static const enum alert_severity severities[] = {ALERT_HIGH,   ALERT_LOW,    ALERT_MEDIUM,
                                                     ALERT_MEDIUM, ALERT_MEDIUM, ALERT_CRITICAL};
    static const enum alert_op ops[] = {ALERT_GT, ALERT_LT, ALERT_GTE, ALERT_LTE, ALERT_GT, ALERT_EQ};
    for (size_t i = 0; i < 6; i++) {
        assert_true(fabs(r[i].value - values[i]) <= 1e-12 * values[i]);
        assert_true(fabs(r[i].lasting - lasting[i]) < 1e-12);
        assert_int_equal(r[i].severity, severities[i]);
        assert_int_equal(r[i].op, ops[i]);
    }
    assert_str(r[2].metric, "job.cards.p99");
    assert_str(r[2].subject.distribution, "job.cards");
    assert_str(r[3].subject.distribution, "template.card.j2");
    assert_string_equal(r[2].command[1], "-c");
    assert_null(r[2].command[3]);
    assert_int_equal(r[2].program[0], '/');
    assert_null(r[0].command);
    manifest_free(m);
    m = read_manifest("valid_small/pressrun.yaml");
    assert_int_equal(m->alerts_n, 0);
    assert_int_equal(m->alert_exit, ALERT_SEVERITIES);
    manifest_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_alerts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_open_may_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_errors_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_chain_of_needs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_globals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scalars, setup, teardown),
        cmocka_unit_test_setup_teardown(test_text_spans, setup, teardown),
        cmocka_unit_test_setup_teardown(test_aliases_share, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_table, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_list, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
