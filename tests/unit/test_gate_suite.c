// SPDX-License-Identifier: MIT
// Suites as people write them, and capsules in the history, in files, and damaged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/capsule.h"
#include "bench/compiler.h"
#include "bench/gate_suite.h"
#include "monitor/history_capsules.h"
#include "tests/support/faulty_fs.h"
#include "tests/support/scene.h"

static struct scene scene;

static int open_scene(void **state) {
    scene_open(&scene);
    *state = scene.path;
    return 0;
}

static int close_scene(void **state) {
    (void)state;
    scene_close(&scene);
    return 0;
}

// ---- suites

// The first thing that is wrong with a text; "" where nothing is.
static const char *fault_of(const char *text, char fault[512]) {
    struct gate_suite suite;
    struct arena arena;
    struct diags diags;
    arena_init(&arena, 0);
    diags_init(&diags, &arena);
    bool sound = gate_suite_read(&suite, "gate.yaml", str_of(text), &diags);
    assert_int_equal(sound, diags.errors == 0);
    fault[0] = 0;
    if (diags.first)
        snprintf(fault, 512, "%u:%u %.*s", (unsigned)diags.first->line, (unsigned)diags.first->column,
                 STR_ARG(diags.first->message));
    gate_suite_release(&suite);
    arena_release(&arena);
    return fault;
}

static void test_faults(void **state) {
    (void)state;
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"", "1:1 there is nothing in this file"},
        {"[]", "1:1 \"suite\": expected a mapping, found a list"},
        {"name: x", "1:1 \"benchmarks\": expected a mapping of 1 to 256 benchmarks"},
        {"benchmarks: {}", "1:13 \"benchmarks\": expected a mapping of 1 to 256 benchmarks, found a mapping"},
        {"benchmark: {}\nbenchmarks: { a: { command: x } }", "1:1 unknown key \"benchmark\""},
        {"benchmarks: { a: 3 }", "1:18 \"a\": expected a mapping, found a number"},
        {"benchmarks: { a: {} }", "1:15 \"a\" needs a scenario, a manifest, a command or a regret"},
        {"benchmarks: { a: { scenario: promts } }",
         "1:30 there is no scenario \"promts\", did you mean \"prompts\"?"},
        {"benchmarks: { a: { scenario: touch1 } }",
         "1:30 touch1 changes its records between two runs, and a gate does not"},
        {"benchmarks: { a: { scenario: page, command: ls } }",
         "1:36 \"a\": there can be only one of scenario, manifest, command and regret"},
        {"benchmarks: { a: { scenario: page, scale: 0 } }",
         "1:43 \"scale\": expected a number above 0, at most 1000"},
        {"benchmarks: { a: { scenario: page, pairs: 97 } }",
         "1:43 \"pairs\": expected a whole number from 1 to 96"},
        {"benchmarks: { a: { scenario: page, metric: time } }",
         "1:44 there is no metric \"time\"; cpu, wall, instructions and peak_rss are"},
        {"benchmarks: { a: { scenario: page, accept: [run.seconds] } }",
         "1:45 no work counter is called \"run.seconds\""},
        {"benchmarks: { a: { scenario: page, baseline: ls } }",
         "1:15 \"a\": only a command can have a baseline of its own"},
        {"benchmarks: { a: { command: ls, state: warm } }",
         "1:15 \"a\": only a scenario or a manifest can be warm"},
        {"control: b\nbenchmarks: { a: { command: ls } }", "1:1 \"control\": there is no benchmark \"b\""},
        {"benchmarks: { control: { command: ls } }", "1:15 \"control\" is no name"},
        {"benchmarks: { \"a b\": { command: ls } }", "1:16 \"a b\" is no name"},
    };
    char fault[512];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fault_of(cases[i].text, fault);
        fault[strlen(cases[i].fault)] = 0; // messages may go on
        assert_string_equal(fault, cases[i].fault);
    }
}

static void test_suite(void **state) {
    (void)state;
    static const char text[] = "name: nightly\nseed: 7\nscale: 0.5\naccept: [load.records]\ncontrol: b\n"
                               "benchmarks:\n"
                               "  a: { command: '{pressrun} render', metric: wall, accept: [] }\n"
                               "  b: { manifest: jobs/x.yaml, ignore_output: true, pairs: 9 }\n"
                               "  c: { regret: prompts, limit: 0.2 }\n"
                               "  d: { scenario: noop, state: warm, scale: 1 }\n";
    static const char *const names[] = {"d", "a"}, *const wrong[] = {"a", "bb"};
    struct gate_suite suite;
    struct arena arena;
    struct diags diags;
    struct err err;
    arena_init(&arena, 0);
    diags_init(&diags, &arena);
    assert_true(gate_suite_read(&suite, "ci/gate.yaml", str_of(text), &diags));
    const struct gate_benchmark *b = suite.benchmarks;
    assert_true(suite.n == 4 && suite.seed == 7 && suite.has_control);
    assert_string_equal(suite.control, "b");
    assert_true(b[0].kind == GATE_COMMAND && b[0].metric == PAIRED_WALL && b[0].accepted_n == 0);
    assert_true(b[1].ignores_output && b[1].pairs == 9 && b[1].accepted_n == 1 && !b[1].metric_given);
    assert_string_equal(b[1].manifest, "ci/jobs/x.yaml");
    assert_true(b[2].kind == GATE_REGRET && b[2].scenario && b[2].scale == 0.5 && b[2].limit == 0.2);
    assert_true(b[3].warm && b[3].scale == 1);
    assert_int_equal(gate_suite_select(&suite, wrong, 2, &err), STATUS_DATA);
    assert_non_null(strstr(err.text, "\"bb\""));
    assert_int_equal(gate_suite_select(&suite, names, 2, &err), STATUS_OK);
    assert_int_equal(suite.n, 2);
    assert_string_equal(suite.benchmarks[0].name, "a");
    assert_null(suite.control); // it is not among them
    gate_suite_release(&suite);
    assert_true(gate_suite_read(&suite, GATE_SUITE_STANDARD, str_of(gate_suite_standard), &diags));
    assert_true(suite.n >= 10);
    gate_suite_release(&suite);
    arena_release(&arena);
}

// ---- capsules

static const char *path_of(const char *name, char path[512]) {
    snprintf(path, 512, "%s/%s", scene.path, name);
    return path;
}

static void make(struct capsule *c, const char *executable, const char *version) {
    static struct gate_record records[2];
    struct err err;
    char path[512];
    put_text(&scene, "executable", executable);
    capsule_init(c);
    assert_int_equal(capsule_take_executable(c, &scene.fs, path_of("executable", path), &err), STATUS_OK);
    c->made = "2026-01-31T12:00:00Z";
    c->version = version;
    c->suite = "gate.yaml";
    c->text = STR("benchmarks: { a: { scenario: page } }\n");
    c->seed = 3;
    records[0] = (struct gate_record){.name = "a", .scale = 0.1, .digest = {1, 2}, .cpu_seconds = 0.25};
    records[1] = (struct gate_record){.name = "b", .scale = 1, .digest = {3, 4}};
    records[0].work.n = 0;
    work_add(&records[0].work, "render.opcodes", 1234567890123);
    c->records = records;
    c->records_n = 2;
    capsule_settle(c);
}

static void assert_same(const struct capsule *a, const struct capsule *b) {
    assert_string_equal(a->digest, b->digest);
    assert_string_equal(a->version, b->version);
    assert_true(str_equal(a->text, b->text) && a->seed == b->seed && a->records_n == b->records_n);
    assert_true(a->executable_n == b->executable_n);
    assert_memory_equal(a->executable, b->executable, a->executable_n);
    for (size_t i = 0; i < a->records_n; i++) {
        assert_string_equal(a->records[i].name, b->records[i].name);
        assert_true(digest_equal(a->records[i].digest, b->records[i].digest));
        assert_true(a->records[i].scale == b->records[i].scale);
        assert_int_equal(a->records[i].work.n, b->records[i].work.n);
    }
    assert_true(work_find(&b->records[0].work, "render.opcodes")->value == 1234567890123);
}

static size_t count_kept(const char *directory, char *names, size_t size) {
    struct arena arena;
    struct history_capsule *rows;
    struct err err;
    size_t n, at = 0;
    arena_init(&arena, 0);
    assert_int_equal(history_capsules_list(directory, &arena, &rows, &n, &err), STATUS_OK);
    names[0] = 0;
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(names + at, size - at, "%.*s ", STR_ARG(rows[i].name));
    arena_release(&arena);
    return n;
}

static void test_kept(void **state) {
    (void)state;
    struct capsule one, two, found;
    struct err err;
    char directory[512], names[256];
    path_of("history", directory);
    assert_int_equal(count_kept(directory, names, sizeof names), 0);
    assert_int_equal(access(directory, F_OK), -1); // asking makes nothing
    make(&one, "#!/bin/sh\necho one\n", "pressrun 1.0");
    make(&two, "#!/bin/sh\necho two\n", "pressrun 2.0");
    capsule_init(&found);
    assert_int_equal(capsule_find(&found, directory, "main", &err), STATUS_DATA);
    assert_int_equal(capsule_keep(&one, directory, "main", 5, &err), STATUS_OK);
    assert_int_equal(capsule_keep(&one, directory, "first", 6, &err), STATUS_OK);
    assert_int_equal(capsule_keep(&two, directory, "second", 7, &err), STATUS_OK);
    assert_int_equal(count_kept(directory, names, sizeof names), 3);
    assert_string_equal(names, "first main second ");
    assert_int_equal(capsule_find(&found, directory, "main", &err), STATUS_OK);
    assert_same(&one, &found);
    capsule_release(&found);
    // By its digest, however many names it has; and a name that moves on.
    one.digest[12] = 0;
    capsule_init(&found);
    assert_int_equal(capsule_find(&found, directory, one.digest, &err), STATUS_OK);
    capsule_release(&found);
    assert_int_equal(capsule_keep(&two, directory, "main", 8, &err), STATUS_OK);
    capsule_init(&found);
    assert_int_equal(capsule_find(&found, directory, "main", &err), STATUS_OK);
    assert_string_equal(found.version, "pressrun 2.0");
    capsule_release(&found);
    // What no name leads to is gone.
    assert_int_equal(history_capsules_forget(directory, STR("first"), &err), STATUS_OK);
    assert_int_equal(history_capsules_forget(directory, STR("first"), &err), STATUS_DATA);
    capsule_init(&found);
    assert_int_equal(capsule_find(&found, directory, one.digest, &err), STATUS_DATA);
    capsule_release(&found);
    capsule_release(&one);
    capsule_release(&two);
}

static void test_carried(void **state) {
    (void)state;
    struct capsule c, found;
    struct err err;
    struct stat st;
    char path[512], copy[512];
    make(&c, "\177ELF\n\n\0x", "pressrun 1.0");
    assert_int_equal(capsule_write(&c, &scene.fs, path_of("file", path), &err), STATUS_OK);
    capsule_init(&found);
    assert_int_equal(capsule_read(&found, &scene.fs, path, &err), STATUS_OK);
    assert_same(&c, &found);
    assert_int_equal(capsule_unpack(&found, &scene.fs, path_of("unpacked", copy), &err), STATUS_OK);
    assert_true(stat(copy, &st) == 0 && (st.st_mode & 0777) == 0700);
    capsule_release(&found);
    capsule_release(&c);
    // Whichever byte is another one, and wherever it ends, it is refused.
    struct buf text = get_file(&scene, "file");
    for (size_t i = 0; i < text.n; i += 13) {
        text.p[i] ^= 4;
        put_file(&scene, "damaged", text.p, text.n);
        text.p[i] ^= 4;
        capsule_init(&found);
        assert_int_equal(capsule_read(&found, &scene.fs, path_of("damaged", path), &err), STATUS_DATA);
        capsule_release(&found);
        put_file(&scene, "damaged", text.p, i);
        capsule_init(&found);
        assert_int_equal(capsule_read(&found, &scene.fs, path, &err), STATUS_DATA);
        capsule_release(&found);
    }
    buf_release(&text);
}

static void test_no_room(void **state) {
    (void)state;
    struct faulty faulty = {0};
    struct capsule c;
    struct err err;
    char path[512];
    make(&c, "x", "pressrun 1.0");
    struct fs full = faulty_fs(&faulty, 0, 0);
    faulty.fills_up = 1;
    faulty.stays_full = true;
    assert_int_equal(capsule_write(&c, &full, path_of("full", path), &err), STATUS_IO);
    assert_int_equal(capsule_write(&c, &scene.fs, path_of("none/file", path), &err), STATUS_IO);
    assert_int_equal(faulty.open_files, 0);
    capsule_release(&c);
}

// ---- compilers

static void test_compilers(void **state) {
    (void)state;
    char path[512];
    put_text(&scene, "text", "no executable");
    assert_true(compiler_is_same("/proc/self/exe", "/proc/self/exe"));
    assert_false(compiler_is_same("/proc/self/exe", path_of("text", path)));
    assert_false(compiler_is_same(path, path));
    assert_false(compiler_is_same("sh", "sh"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_suite),
        cmocka_unit_test_setup_teardown(test_kept, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_carried, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_no_room, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_compilers, open_scene, close_scene),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
