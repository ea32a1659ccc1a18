// SPDX-License-Identifier: MIT
// Scenarios as data: the same bytes from a seed, valid, as many as said; and runs that do not go as they should.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "bench/micro.h"
#include "bench/scenario_records.h"
#include "bench/scenario_run.h"
#include "tests/support/faulty_fs.h"
#include "tests/support/scene.h"

enum { BATCH = 256 << 10, BATCHES = 100 };

static struct buf made(const struct scenario *s, uint64_t units, uint64_t seed, const char *name) {
    struct scene scene;
    struct err err;
    scene_open(&scene);
    assert_int_equal(scenario_make(s, &scene.fs, scene.path, units, seed, NULL, &err), STATUS_OK);
    struct buf text = get_file(&scene, name);
    scene_close(&scene);
    assert_non_null(text.p);
    return text;
}

static bool is_same(struct buf a, struct buf b) {
    bool same = a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
    buf_release(&a);
    buf_release(&b);
    return same;
}

static size_t count_lines(const struct buf *text) {
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++)
        n += text->p[i] == '\n';
    return n;
}

static int64_t count_of(sqlite3 *database, const char *query) {
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(database, query, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return n;
}

static void test_the_seed_decides(void **state) {
    (void)state;
    for (const struct scenario *s = scenarios; s->name; s++) {
        uint64_t units = scenario_units(s, 0) * 3;
        assert_true(is_same(made(s, units, 7, "records.jsonl"), made(s, units, 7, "records.jsonl")));
        assert_false(is_same(made(s, units, 7, "records.jsonl"), made(s, units, 8, "records.jsonl")));
    }
}

// Every line is a JSON object in UTF-8, and there are as many as said.
static void test_records_are_json(void **state) {
    (void)state;
    for (const struct scenario *s = scenarios; s->name; s++) {
        uint64_t units = scenario_units(s, 0) * 5;
        struct buf text = made(s, units, 1, "records.jsonl");
        assert_int_equal(count_lines(&text), scenario_records(s, units));
        assert_true(utf8_valid(buf_str(&text), NULL));
        for (size_t from = 0, to = 0; to < text.n; to++)
            if (text.p[to] == '\n') {
                json_error_t error;
                json_t *record = json_loadb(text.p + from, to - from, JSON_REJECT_DUPLICATES, &error);
                if (!json_is_object(record))
                    fail_msg("%s: %s", s->name, error.text);
                if (s->flags & SCENARIO_ONE_RECORD)
                    assert_int_equal(json_array_size(json_object_get(record, "rows")), units);
                json_decref(record);
                from = to + 1;
            }
        buf_release(&text);
    }
}

// A smaller scale has the first of what a larger one has.
static void test_scales(void **state) {
    (void)state;
    for (const struct scenario *s = scenarios; s->name; s++) {
        uint64_t whole = scenario_units(s, 0);
        assert_int_equal(whole, s->shape.models ? s->shape.models : 1);
        assert_int_equal(scenario_units(s, 1), s->units);
        assert_int_equal(scenario_units(s, 2), 2 * s->units);
        assert_int_equal(scenario_units(s, 1e-9), whole);
        if (s->flags & SCENARIO_ONE_RECORD)
            continue;
        struct buf small = made(s, whole, 1, "records.jsonl"), large = made(s, 2 * whole, 1, "records.jsonl");
        assert_true(large.n > small.n && memcmp(small.p, large.p, small.n) == 0);
        buf_release(&small);
        buf_release(&large);
    }
}

static void test_enough_batches(void **state) {
    (void)state;
    for (const struct scenario *s = scenarios; s->name; s++) {
        uint64_t some = scenario_units(s, 200.0 / (double)s->units);
        struct buf text = made(s, some, 1, "records.jsonl");
        double batches = s->flags & SCENARIO_SCHEMAS
                             ? (double)s->units / s->shape.models // a batch for each database
                             : (double)text.n / (double)some * (double)s->units / BATCH;
        if (!(s->flags & SCENARIO_ONE_RECORD) && batches < BATCHES)
            fail_msg("%s has only %.0f batches", s->name, batches);
        buf_release(&text);
    }
}

static void test_one_is_touched(void **state) {
    (void)state;
    const struct scenario *s = scenario_find(STR("touch1"));
    struct buf before = made(s, 9, 1, "records.jsonl"), after = made(s, 9, 1, "touched.jsonl");
    size_t differ = 0, a = 0, b = 0, lines = 0;
    for (; a < before.n && b < after.n; lines++) {
        size_t to_a = a, to_b = b;
        while (before.p[to_a] != '\n')
            to_a++;
        while (after.p[to_b] != '\n')
            to_b++;
        differ += to_a - a != to_b - b || memcmp(before.p + a, after.p + b, to_a - a) != 0;
        assert_memory_equal(before.p + a, after.p + b, strlen("{\"id\":0")); // it keeps its name
        a = to_a + 1;
        b = to_b + 1;
    }
    assert_int_equal(lines, 9);
    assert_int_equal(differ, 1);
    buf_release(&before);
    buf_release(&after);
}

// What a model says of another one, that one says, too.
static void test_relations_agree(void **state) {
    (void)state;
    struct scenario_shape shape = {.models = 12, .columns = 1, .related = 30};
    size_t belongs = 0, many = 0;
    for (uint64_t i = 0; i < 12; i++) {
        struct buf text = BUF_INIT;
        scenario_write_models(&shape, 3, i, false, &text);
        json_t *model = json_loadb(text.p, text.n, 0, NULL);
        belongs += json_array_size(json_object_get(model, "belongs_to"));
        many += json_array_size(json_object_get(model, "has_many"));
        json_decref(model);
        buf_release(&text);
    }
    assert_true(belongs > 0);
    assert_int_equal(belongs, many);
}

// An application's script makes as many tables as there are models, and as many foreign keys as the records tell of.
static void test_schemas_are_the_models(void **state) {
    (void)state;
    const struct scenario *s = scenario_find(STR("poly_db"));
    for (uint64_t number = 0; number < 8; number++) {
        size_t belongs = 0;
        for (uint64_t i = 0; i < s->shape.models; i++) {
            struct buf text = BUF_INIT;
            scenario_write_models(&s->shape, 3, number * s->shape.models + i, false, &text);
            json_t *model = json_loadb(text.p, text.n, 0, NULL);
            belongs += json_array_size(json_object_get(model, "belongs_to"));
            json_decref(model);
            buf_release(&text);
        }
        struct buf script = BUF_INIT;
        sqlite3 *database;
        scenario_write_schema(&s->shape, 3, number, &script);
        assert_int_equal(sqlite3_open(":memory:", &database), SQLITE_OK);
        assert_int_equal(sqlite3_exec(database, buf_text(&script), NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(count_of(database, "select count(*) from sqlite_schema"), s->shape.models);
        assert_int_equal(
            count_of(database,
                     "select count(*) from sqlite_schema as t, pragma_foreign_key_list(t.name) as k "
                     "join sqlite_schema as r on r.name = k.\"table\""),
            belongs);
        assert_true(belongs > 0);
        sqlite3_close(database);
        buf_release(&script);
    }
}

static void test_schemas_are_files(void **state) {
    (void)state;
    const struct scenario *s = scenario_find(STR("small_db"));
    struct scene scene;
    struct err err;
    scene_open(&scene);
    for (int again = 0; again < 2; again++)
        assert_int_equal(scenario_make(s, &scene.fs, scene.path, 3 * s->shape.models, 1, NULL, &err),
                         STATUS_OK);
    assert_int_equal(count_files(scene.root, ".db"), 3);
    atomic_bool raised = true;
    assert_int_equal(scenario_write_schemas(s, scene.path, s->units, 1, &raised, &err), STATUS_CANCELLED);
    assert_int_equal(scenario_write_schemas(s, "/nowhere", s->units, 1, NULL, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "/nowhere/app00000.db"));
    scene_close(&scene);
}

// Whichever call fails: it is said, and no file stays open.
static void test_full_disk(void **state) {
    (void)state;
    const struct scenario *s = scenario_find(STR("touch1"));
    int failed = 0;
    for (int call = 1;; call++) {
        struct scene scene;
        struct faulty faulty;
        struct err err = {0};
        scene_open(&scene);
        struct fs fs = faulty_fs(&faulty, call, ENOSPC);
        enum status status = scenario_make(s, &fs, scene.path, 3, 1, NULL, &err);
        scene_close(&scene);
        assert_int_equal(faulty.open_files, 0);
        if (!faulty.hit) {
            assert_int_equal(status, STATUS_OK);
            break;
        }
        assert_int_equal(status, STATUS_IO);
        assert_non_null(strstr(err.text, "No space left"));
        failed++;
    }
    assert_true(failed > 10);
}

// ---- runs

struct calls {
    struct scene scene;
    struct scenario_options options;
};

static void set_up(struct calls *c, const char *script) {
    static char program[512];
    scene_open(&c->scene);
    put_text(&c->scene, "pressrun", script);
    snprintf(program, sizeof program, "%s/pressrun", c->scene.path);
    assert_int_equal(chmod(program, 0755), 0);
    c->options = (struct scenario_options){.program = program,
                                           .scratch = c->scene.path,
                                           .fs = &c->scene.fs,
                                           .scale = 0.0001,
                                           .seed = 1,
                                           .repeat = 2,
                                           .workers = 2};
}

static void assert_refused(const char *script, const char *scenario, const char *words) {
    struct calls c;
    struct scenario_result result;
    struct err err = {0};
    set_up(&c, script);
    assert_int_equal(scenario_run(scenario_find(str_of(scenario)), &c.options, &result, &err), STATUS_DATA);
    if (!strstr(err.text, words))
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    scenario_release(&result);
    assert_int_equal(count_files(c.scene.root, ".jsonl"), 0); // all is removed
    scene_close(&c.scene);
}

// A stand-in that makes the directory, and reports a digest of 32 times one digit and so many outputs written.
#define STAND_IN(digit, written)                                                                             \
    "#!/bin/sh\n"                                                                                            \
    "out=; for word; do last=$out; out=$word; done; first=; [ -d \"$out\" ] || first=1; mkdir -p \"$out\"\n" \
    "d=" digit "; w=" written "\n"                                                                           \
    "printf '{\"loaded\": 3, \"written\": %s, \"digest\": \"' $w; printf \"$d%.0s\" $(seq 32); echo '\"}'\n"

static void test_runs_that_differ(void **state) {
    (void)state;
    assert_refused("#!/bin/sh\necho no room >&2; exit 1\n", "small", "exit code 1; it said: no room");
    assert_refused("#!/bin/sh\nexit 3\n", "small", "exit code 3");
    assert_refused("#!/bin/sh\nseq 1000 >&2; echo no >&2; echo room >&2; exit 1\n", "small", "1000 no room");
    assert_refused("#!/bin/sh\nseq -s : 1000 >&2; kill $$\n", "small", "exit code 143");
    assert_refused("#!/bin/sh\necho hello\n", "small", "no report");
    assert_refused("#!/bin/sh\necho '{\"digest\": \"12\"}'\n", "small", "no report");
    assert_refused(STAND_IN("${first:-2}", "0"), "small",
                   "INVALID: small makes other outputs when run again");
    assert_refused(STAND_IN("$4", "0"), "small", "INVALID: small makes other outputs with -j 2");
    assert_refused(STAND_IN("1", "3"), "small", "wrote 3 outputs instead of 0");
    assert_refused(STAND_IN("1", "1"), "touch1", "INVALID: touch1 makes no other outputs when run again");
    assert_refused(STAND_IN("${first:-2}", "0"), "touch1", "wrote 0 outputs instead of 1");
}

static void test_samples(void **state) {
    (void)state;
    struct calls c;
    struct scenario_result result;
    struct err err;
    set_up(&c, STAND_IN("1", "0"));
    assert_int_equal(scenario_run(scenario_find(STR("page")), &c.options, &result, &err), STATUS_OK);
    assert_int_equal(result.conditions_n, 4);
    assert_int_equal(result.records, 1);
    assert_int_equal(result.units, 5);
    for (int i = 0; i < 4; i++) {
        struct scenario_figure wall = scenario_figure(&result.conditions[i], SCENARIO_WALL);
        assert_int_equal(result.conditions[i].n, 2);
        assert_int_equal(result.conditions[i].warm, i % 2);
        assert_int_equal(result.conditions[i].workers, 1 + i / 2);
        assert_int_equal(result.conditions[i].samples[1].records, 3);
        assert_true(wall.low > 0 && wall.low <= wall.median && wall.median <= wall.high);
        double gain = scenario_gain(&result, &result.conditions[i], SCENARIO_WALL);
        assert_true(i < 2 ? gain == 0 : gain > 0);
    }
    scenario_release(&result);
    scene_close(&c.scene);
}

// Raises once the stand-in has begun.
struct raiser {
    const struct scene *scene;
    atomic_bool raised;
};

static void *raise_later(void *arg) {
    struct raiser *r = arg;
    while (count_files(r->scene->root, "begun") == 0)
        usleep(1000);
    atomic_store(&r->raised, true);
    return NULL;
}

// The run is killed, and what it has started.
static void test_interrupt_kills(void **state) {
    (void)state;
    struct calls c;
    struct scenario_result result;
    struct err err;
    struct raiser raiser = {.scene = &c.scene};
    pthread_t thread;
    set_up(&c, "#!/bin/sh\nsleep 1000 & touch \"$(dirname \"$0\")/begun\"; wait\n");
    c.options.interrupt = &raiser.raised;
    assert_int_equal(pthread_create(&thread, NULL, raise_later, &raiser), 0);
    assert_int_equal(scenario_run(scenario_find(STR("small")), &c.options, &result, &err), STATUS_OK);
    pthread_join(thread, NULL);
    assert_true(result.interrupted);
    assert_int_equal(result.conditions[0].n, 0);
    assert_int_equal(count_files(c.scene.root, ".jsonl"), 0);
    scenario_release(&result);
    scene_close(&c.scene);
}

static void test_interrupt_at_once(void **state) {
    (void)state;
    struct calls c;
    struct scenario_result result;
    struct err err;
    atomic_bool raised = true;
    set_up(&c, "#!/bin/sh\nexec sleep 100\n");
    c.options.interrupt = &raised;
    assert_int_equal(scenario_run(scenario_find(STR("small")), &c.options, &result, &err), STATUS_OK);
    assert_true(result.interrupted);
    assert_int_equal(result.conditions[0].n, 0);
    scenario_release(&result);
    assert_int_equal(count_files(c.scene.root, ".jsonl"), 0);
    scene_close(&c.scene);
}

// ---- operations

static void test_micros(void **state) {
    (void)state;
    struct clock clock = clock_system();
    for (const struct micro *m = micros; m->name; m++) {
        struct scene scene;
        struct micro_result result;
        struct err err = {0};
        scene_open(&scene);
        struct micro_options options = {.fs = &scene.fs, .clock = &clock, .scratch = scene.path, .seed = 1};
        assert_ptr_equal(micro_find(str_of(m->name)), m);
        if (micro_run(m, &options, &result, &err) != STATUS_OK)
            fail_msg("%s: %s", m->name, err.text);
        assert_true(result.operations >= MICRO_REPETITIONS && result.bytes > 0);
        assert_true(result.low > 0 && result.low <= result.median && result.median <= result.high);
        assert_int_equal(count_files(scene.root, ""), 0);
        scene_close(&scene);
    }
}

static void test_micros_without_room(void **state) {
    (void)state;
    struct clock clock = clock_system();
    for (const struct micro *m = micros; m->name; m++)
        for (int call = 1; call < 12; call++) {
            struct scene scene;
            struct micro_result result;
            struct faulty faulty;
            struct err err = {0};
            scene_open(&scene);
            struct fs fs = faulty_fs(&faulty, call, ENOSPC);
            struct micro_options options = {.fs = &fs, .clock = &clock, .scratch = scene.path, .seed = 1};
            if (micro_run(m, &options, &result, &err) != STATUS_OK)
                assert_true(err.text[0]);
            assert_int_equal(count_files(scene.root, ""), 0);
            scene_close(&scene);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_seed_decides),
        cmocka_unit_test(test_records_are_json),
        cmocka_unit_test(test_scales),
        cmocka_unit_test(test_enough_batches),
        cmocka_unit_test(test_one_is_touched),
        cmocka_unit_test(test_relations_agree),
        cmocka_unit_test(test_schemas_are_the_models),
        cmocka_unit_test(test_schemas_are_files),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_runs_that_differ),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_interrupt_kills),
        cmocka_unit_test(test_interrupt_at_once),
        cmocka_unit_test(test_micros),
        cmocka_unit_test(test_micros_without_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
