// SPDX-License-Identifier: MIT
// Sessions into the history and out again: many processes at once, retention, what is damaged or cannot be written.
#include "monitor/history.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/fs.h"
#include "monitor/resources.h"
#include "tests/support/faulty_fs.h"
#include "tests/support/scene.h"

#define DAY (INT64_C(86400) * 1000000000)

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

static void begin(struct session *s, int64_t started, double seconds) {
    session_init(s);
    session_begin(s, started);
    s->name = STR("nightly");
    s->outcome = STR("done");
    s->strategy = STR("parallel");
    s->digest = STR("00");
    session_set(s, METRIC_RUN_SECONDS, seconds);
    histogram_add(session_distribution(s, STR("render")), (uint64_t)(seconds * 1e9));
}

static void add(const char *path, int64_t started, double seconds, uint32_t keep) {
    struct fs fs = fs_system();
    struct session s;
    struct err err;
    begin(&s, started, seconds);
    assert_int_equal(history_add(&fs, path, &s, keep, &err), STATUS_OK);
    session_release(&s);
}

static size_t count(const char *path, uint32_t keep, const char *condition) {
    struct fs fs = fs_system();
    struct history *h;
    struct history_row *rows;
    struct history_filter filter;
    struct arena arena;
    struct err err;
    size_t n;
    arena_init(&arena, 0);
    assert_int_equal(history_open(&fs, path, keep, &h, &err), STATUS_OK);
    if (condition)
        assert_int_equal(history_parse_filter(str_of(condition), &filter, &err), STATUS_OK);
    assert_int_equal(history_list(h, &filter, condition != NULL, 1000000, &arena, &rows, &n, &err),
                     STATUS_OK);
    for (size_t i = 1; i < n; i++)
        assert_true(rows[i - 1].started >= rows[i].started);
    history_close(h);
    arena_release(&arena);
    return n;
}

static int waiting(void) {
    return count_files(scene.root, ".json");
}

static void nothing_is_empty(void **state) {
    char path[300];
    snprintf(path, sizeof path, "%s/none", (char *)*state);
    assert_int_equal(count(path, 5, NULL), 0);
    assert_int_equal(access(path, F_OK), -1); // asking makes nothing
}

static void merges_in_time(void **state) {
    const char *path = *state;
    for (int i = 1; i < HISTORY_PENDING; i++)
        add(path, i * DAY, 1, 1000);
    assert_int_equal(waiting(), HISTORY_PENDING - 1);
    add(path, HISTORY_PENDING * DAY, 1, 1000);
    assert_int_equal(waiting(), 0);
    add(path, 100 * DAY, 1, 1000);
    assert_int_equal(count(path, 1000, NULL), HISTORY_PENDING + 1);
}

static void keeps_the_newest(void **state) {
    const char *path = *state;
    for (int i = 0; i < 50; i++) // the newest come first
        add(path, (100 - i) * DAY, i, 10);
    assert_int_equal(count(path, 10, NULL), 10);
    assert_int_equal(count(path, 10, "run.seconds < 10"), 10);
    add(path, DAY, 1000, 10); // is too old
    assert_int_equal(count(path, 10, "run.seconds = 1000"), 0);
    assert_int_equal(count(path, 3, NULL), 10); // only a merge drops
    add(path, 150 * DAY, 1, 10);
    assert_int_equal(count(path, HISTORY_KEEP_ALL, NULL), 11);
    add(path, 200 * DAY, 1, 3);
    assert_int_equal(count(path, 3, NULL), 3);
}

// Runs that begin within a moment: however they are merged, the newest is first, and its counts are what they were.
static void a_moment_apart(void **state) {
    static const int order[] = {2, 0, 3, 1};
    const char *path = *state;
    const int64_t moment = INT64_C(1795271635622885000);
    struct fs fs = fs_system();
    struct history *h;
    struct history_row *rows;
    struct arena arena;
    struct err err;
    struct str json;
    size_t n;
    for (int i = 0; i < 4; i++) {
        add(path, moment + order[i] * 1000, order[i] + 1234567890123, 100);
        assert_int_equal(count(path, 100, NULL), i + 1);
    }
    arena_init(&arena, 0);
    assert_int_equal(history_open(&fs, path, 100, &h, &err), STATUS_OK);
    assert_int_equal(history_list(h, NULL, 0, 100, &arena, &rows, &n, &err), STATUS_OK);
    for (size_t i = 0; i < n; i++)
        assert_true(rows[i].seconds == 1234567890123 + 3 - (double)i);
    assert_int_equal(history_show(h, STR(""), &arena, &json, &err), STATUS_OK);
    assert_non_null(strstr(json.p, "\"run.seconds\": 1234567890126"));
    history_close(h);
    arena_release(&arena);
}

static void conditions(void **state) {
    const char *path = *state;
    add(path, 10 * DAY, 0.5, 100);
    add(path, 11 * DAY, 1.5, 100);
    assert_int_equal(count(path, 100, "run.seconds > 1"), 1);
    assert_int_equal(count(path, 100, "run.seconds >= 0.5"), 2);
    assert_int_equal(count(path, 100, "render.max > 1"), 1);
    assert_int_equal(count(path, 100, "job.none.max > 1"), 0);
    assert_int_equal(count(path, 100, "name != nightly"), 0);
    assert_int_equal(count(path, 100, "name ~ ight"), 2);
    assert_int_equal(count(path, 100, "started > 1970-01-11"), 1);
    assert_int_equal(count(path, 100, "started <= 1970-01-11T00:00:00"), 1);
    assert_int_equal(count(path, 100, "started <= 1970-01-11T00:00:00.001Z"), 1);
    assert_int_equal(count(path, 100, "started >= 1970-01-11T00:00:00.001"), 1);
    assert_int_equal(count(path, 100, "name = it's"), 0); // no way into the question
}

static void bad_conditions(void **state) {
    static const char *const texts[] = {"",
                                        "name",
                                        "= 2",
                                        "run.seconds = x",
                                        "started = now",
                                        "started = 1970-01-11T00:00:00.1x",
                                        "started = 1970-01-11.5",
                                        "run.secs > 1",
                                        "name ? x"};
    struct history_filter filter;
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(history_parse_filter(str_of(texts[i]), &filter, &err), STATUS_DATA);
}

// What is no session is put aside, not dropped.
static void no_sessions(void **state) {
    static const char *const texts[] = {
        "",
        "[1]",
        "{\"session\": \"a\"}",
        "{\"session\": \"\", \"started\": 1}",
        "{\"session\": 7, \"started\": 1}",
        "{\"session\": \"a\", \"started\": \"1\"}",
        "{\"session\": \"a\", \"started\": -1}",
        "{\"session\": \"a\", \"started\": 1e300}",
        "{\"session\": \"a\", \"started\": NaN}",
    };
    const char *path = *state;
    char name[32];
    assert_int_equal(mkdirat(scene.root, "sessions", 0777), 0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        snprintf(name, sizeof name, "sessions/%zu.json", i);
        put_text(&scene, name, texts[i]);
        assert_int_equal(count(path, 100, NULL), 0);
        assert_int_equal(count_files(scene.root, ".damaged"), i + 1);
    }
    assert_int_equal(waiting(), 0);
}

// Merging writes, renames and removes; not what is elsewhere.
static void no_links(void **state) {
    const char *path = *state;
    char inner[300], name[320];
    struct fs fs = fs_system();
    struct history *h;
    struct session s;
    struct err err;
    snprintf(inner, sizeof inner, "%s/inner", path);
    assert_int_equal(mkdirat(scene.root, "elsewhere", 0777), 0);
    assert_int_equal(mkdirat(scene.root, "inner", 0777), 0);
    put_text(&scene, "elsewhere/mine.json", "{}");
    put_text(&scene, "empty", "");
    snprintf(name, sizeof name, "%s/sessions", inner);
    assert_int_equal(symlink("../elsewhere", name), 0);
    assert_int_equal(history_open(&fs, inner, 100, &h, &err), STATUS_DATA);
    assert_null(h);
    begin(&s, DAY, 1);
    assert_int_not_equal(history_add(&fs, inner, &s, 100, &err), STATUS_OK);
    session_release(&s);
    assert_file(&scene, "elsewhere/mine.json", "{}");
    assert_int_equal(unlink(name), 0);

    snprintf(name, sizeof name, "%s/history.db", inner);
    assert_int_equal(symlink("../empty", name), 0);
    for (int i = 0; i < HISTORY_PENDING; i++) { // the last one would merge
        begin(&s, i * DAY, 1);
        assert_int_equal(history_add(&fs, inner, &s, 100, &err) == STATUS_OK, i + 1 < HISTORY_PENDING);
        session_release(&s);
    }
    assert_int_equal(history_open(&fs, inner, 100, &h, &err), STATUS_DATA);
    assert_file(&scene, "empty", "");
}

static void odd_figures(void **state) {
    const char *path = *state;
    assert_int_equal(mkdirat(scene.root, "sessions", 0777), 0);
    put_text(
        &scene, "sessions/a.json",
        "{\"session\": \"a\", \"started\": 1, \"name\": [], \"distributions\": {\"load\": 5, \"emit\": "
        "{\"p50\": {}}},"
        " \"metrics\": {\"run.seconds\": \"2\", \"run.failed\": 1e308}, \"samples\": 3, \"errors\": {}}");
    assert_int_equal(count(path, 100, NULL), 1);
    assert_int_equal(count(path, 100, "run.failed > 1e300"), 1);
    assert_int_equal(count(path, 100, "run.seconds < 100"), 0); // it is not known
    assert_int_equal(count(path, 100, "emit.p50 < 100"), 0);
}

// Names may be of any length; what is asked for is the whole of them.
static void long_names(void **state) {
    enum { LETTERS = 700 };
    const char *path = *state;
    char name[16 + 2 * LETTERS + 1] = "template.", condition[sizeof name + 16];
    struct fs fs = fs_system();
    struct session s;
    struct err err;
    for (size_t i = 0; i < LETTERS; i++)
        memcpy(name + strlen("template.") + 2 * i, "\xc3\xa9", 3);
    for (int i = 0; i < 2; i++) {
        name[strlen("template.x") + (size_t)i * 2 * (LETTERS - 10)] = '\xa8'; // alike at first
        begin(&s, (i + 1) * DAY, 1);
        histogram_add(session_distribution(&s, str_of(name)), 5);
        assert_int_equal(history_add(&fs, path, &s, 100, &err), STATUS_OK);
        session_release(&s);
        snprintf(condition, sizeof condition, "%s.count = 1", name);
        assert_int_equal(count(path, 100, condition), 1);
    }
}

// Processes that all end at once: no session is lost, none is there twice.
static void many_at_once(void **state) {
    enum { PROCESSES = 8, EACH = 40 };
    const char *path = *state;
    pid_t pids[PROCESSES];
    for (int p = 0; p < PROCESSES; p++) {
        pids[p] = fork();
        if (pids[p] != 0)
            continue;
        struct fs fs = fs_system();
        bool fine = true;
        for (int i = 0; i < EACH; i++) {
            struct session s;
            struct err err;
            begin(&s, (i * PROCESSES + p) * DAY, 1);
            fine = fine && history_add(&fs, path, &s, 100000, &err) == STATUS_OK;
            session_release(&s);
        }
        _exit(!fine);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        assert_int_equal(waitpid(pids[p], &status, 0), pids[p]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(count(path, 100000, NULL), PROCESSES * EACH);
    assert_int_equal(waiting(), 0);
}

static void shows_one(void **state) {
    const char *path = *state;
    struct fs fs = fs_system();
    struct history *h;
    struct arena arena;
    struct err err;
    struct str json;
    add(path, DAY, 0.25, 100);
    add(path, 2 * DAY, 0.5, 100);
    arena_init(&arena, 0);
    assert_int_equal(history_open(&fs, path, 100, &h, &err), STATUS_OK);
    assert_int_equal(history_show(h, STR(""), &arena, &json, &err), STATUS_OK); // the newest
    assert_non_null(strstr(json.p, "\"run.seconds\": 0.5"));
    assert_int_equal(history_show(h, STR("19700102"), &arena, &json, &err), STATUS_OK);
    assert_non_null(strstr(json.p, "\"run.seconds\": 0.25"));
    assert_int_equal(history_show(h, STR("1970"), &arena, &json, &err), STATUS_DATA);
    assert_int_equal(history_show(h, STR("%"), &arena, &json, &err), STATUS_DATA);
    struct history_point *points;
    size_t n;
    assert_int_equal(history_series(h, NULL, 0, STR("render.p50"), 10, &arena, &points, &n, &err), STATUS_OK);
    assert_int_equal(n, 2);
    assert_true(points[0].started < points[1].started);
    assert_true(fabs(points[1].value - 0.5) < 0.5 * HISTOGRAM_ERROR);
    history_close(h);
    arena_release(&arena);
}

static const char *journal_of(const char *directory, const char *name, const char *sql) {
    static char mode[16];
    char path[4096];
    sqlite3 *db;
    sqlite3_stmt *statement;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    snprintf(mode, sizeof mode, "%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return mode;
}

// A write-ahead log, where any database here can have one.
static void keeps_a_log(void **state) {
    const char *path = *state;
    add(path, DAY, 1, 100);
    assert_int_equal(count(path, 100, NULL), 1);
    bool can = strcmp(journal_of(path, "other.db", "pragma journal_mode = wal"), "wal") == 0;
    assert_string_equal(journal_of(path, "history.db", "pragma journal_mode"), can ? "wal" : "delete");
}

// Of a database that can be opened and not read nobody is told that there is no such session.
static void pages_that_are_damaged(void **state) {
    const char *path = *state;
    enum { PAGE = 4096 };
    static const char nothing[PAGE] = {0};
    char file[4096];
    struct fs fs = fs_system();
    struct history *h;
    struct arena arena;
    struct err err;
    struct str json;
    add(path, DAY, 1, 100);
    assert_int_equal(count(path, 100, NULL), 1); // merged
    snprintf(file, sizeof file, "%s/history.db", path);
    FILE *f = fopen(file, "r+");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    long pages = ftell(f) / PAGE;
    assert_true(pages > 2);
    for (long page = 1; page < pages; page++) { // the first one has the schema
        fseek(f, page * PAGE, SEEK_SET);
        assert_int_equal(fwrite(nothing, PAGE, 1, f), 1);
    }
    fclose(f);
    arena_init(&arena, 0);
    assert_int_equal(history_open(&fs, path, 100, &h, &err), STATUS_OK);
    assert_int_equal(history_show(h, STR(""), &arena, &json, &err), STATUS_DATA);
    assert_non_null(strstr(err.text, "cannot read history.db"));
    assert_int_equal(history_show(h, STR("1970"), &arena, &json, &err), STATUS_DATA);
    assert_non_null(strstr(err.text, "cannot read history.db"));
    history_close(h);
    arena_release(&arena);
}

// Whatever fails while a session is written: either it is there as a whole, or the caller has been told.
static void every_fault(void **state) {
    const char *path = *state;
    size_t kept = 0;
    int n = 1;
    for (struct faulty faulty = {.hit = true}; faulty.hit; n++) {
        faulty = (struct faulty){0};
        struct fs fs = faulty_fs(&faulty, n, ENOSPC);
        struct session s;
        struct err err;
        begin(&s, n * DAY, 1);
        bool told = history_add(&fs, path, &s, 1000, &err) != STATUS_OK;
        kept += !told;
        assert_int_equal(faulty.open_files, 0);
        session_release(&s);
    }
    assert_true(n > 5 && kept > 0);
    assert_int_equal(count(path, 1000, NULL), kept);
    assert_int_equal(count_files(scene.root, NULL), 1); // nothing is left but the database
}

static void a_locked_database_waits(void **state) {
    const char *path = *state;
    char name[300];
    sqlite3 *db;
    add(path, DAY, 1, 100);
    assert_int_equal(count(path, 100, NULL), 1);
    snprintf(name, sizeof name, "%s/history.db", path);
    assert_int_equal(sqlite3_open(name, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "begin exclusive", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 2; i < HISTORY_PENDING + 2; i++)
        add(path, i * DAY, 1, 100);
    assert_int_equal(waiting(), HISTORY_PENDING);
    sqlite3_close(db);
    assert_int_equal(count(path, 100, NULL), HISTORY_PENDING + 1);
}

// What cannot be merged, as on a full disk, stays; what has been merged before is to be had.
static void a_database_that_takes_nothing(void **state) {
    const char *path = *state;
    char name[300];
    struct fs fs = fs_system();
    struct history *h;
    struct history_row *rows;
    struct arena arena;
    struct err err;
    size_t n;
    sqlite3 *db;
    add(path, DAY, 1, 100);
    assert_int_equal(count(path, 100, NULL), 1);
    snprintf(name, sizeof name, "%s/history.db", path);
    assert_int_equal(sqlite3_open(name, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "create trigger full before insert on sessions"
                                  " begin select raise(abort, 'full'); end",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    add(path, 2 * DAY, 1, 100);
    arena_init(&arena, 0);
    assert_int_equal(history_open(&fs, path, 100, &h, &err), STATUS_OK);
    assert_int_equal(err.status, STATUS_IO);
    assert_int_equal(history_list(h, NULL, 0, 100, &arena, &rows, &n, &err), STATUS_OK);
    assert_int_equal(n, 1);
    history_close(h);
    arena_release(&arena);
    assert_int_equal(waiting(), 1);
    assert_int_equal(sqlite3_exec(db, "drop trigger full", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(count(path, 100, NULL), 2);
}

static void errors_by_kind(void **state) {
    struct session s;
    char text[64];
    (void)state;
    session_init(&s);
    session_count_error(&s, STR("the field \"a\" of record 12 is missing"));
    session_count_error(&s, STR("the field \"bb\" of record 7 is missing"));
    session_count_error(&s, STR("unclosed \"quote"));
    assert_int_equal(s.errors_n, 2);
    assert_int_equal(s.errors[0].count, 2);
    assert_true(str_is(s.errors[0].kind, "the field \"...\" of record # is missing"));
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "%c%c", 'a' + i % 26, 'a' + i / 26);
        session_count_error(&s, str_of(text));
    }
    assert_int_equal(s.errors_n, SESSION_ERROR_KINDS);
    uint64_t sum = 0;
    for (size_t i = 0; i < s.errors_n; i++)
        sum += s.errors[i].count;
    assert_int_equal(sum, 1003);
    session_release(&s);
}

// The sampler sees a processor that is kept busy, and memory that is taken.
static void sampler_sees_work(void **state) {
    struct session s;
    atomic_uint in_flight = 3;
    (void)state;
    session_init(&s);
    struct sampler *sampler = sampler_start(&in_flight);
    assert_non_null(sampler);
    struct resources first, r; // other tests have used some before
    resources_now(&first);
    do
        resources_now(&r);
    while (r.cpu_seconds < first.cpu_seconds + 0.2);
    sampler_stop(sampler, &s);
    assert_true(s.samples_n > 0 && s.samples_n <= RESOURCES_SAMPLES);
    assert_int_equal(s.samples[0].in_flight, 3);
    assert_true(s.samples[0].rss_bytes > 100000);
    assert_true(s.values[METRIC_RUN_CPU] > 0);
    session_release(&s);
}

int main(void) {
#define ONE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)
    const struct CMUnitTest tests[] = {
        ONE(nothing_is_empty),
        ONE(merges_in_time),
        ONE(keeps_the_newest),
        ONE(a_moment_apart),
        ONE(conditions),
        ONE(no_sessions),
        ONE(no_links),
        ONE(odd_figures),
        ONE(long_names),
        ONE(many_at_once),
        ONE(shows_one),
        ONE(keeps_a_log),
        ONE(pages_that_are_damaged),
        ONE(every_fault),
        ONE(a_locked_database_waits),
        ONE(a_database_that_takes_nothing),
        cmocka_unit_test(bad_conditions),
        cmocka_unit_test(errors_by_kind),
        cmocka_unit_test(sampler_sees_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
