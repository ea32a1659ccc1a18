// SPDX-License-Identifier: MIT
// SQLite as a sink: what may be in the way, what an output may not be, and what becomes of rows that are there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "stages/emit/table_file.h"
#include "stages/emit/table_rows.h"
#include "tests/support/emit_job.h"
#include "tests/support/faulty_fs.h"

struct state {
    struct scene scene;
    struct job job;
    struct buf rows; // what the last question gave
};

static int setup(void **state) {
    struct state *s = MEM_NEW(struct state);
    scene_open(&s->scene);
    *state = s;
    return 0;
}

static int teardown(void **state) {
    struct state *s = *state;
    scene_close(&s->scene);
    buf_release(&s->rows);
    mem_free(s);
    return 0;
}

static struct sink_options plain(const struct state *s) {
    struct sink_options options = options_for(&s->scene, "t.sqlite", "");
    options.table = STR("t");
    return options;
}

static struct sink_options raw(const struct state *s) {
    struct sink_options options = plain(s);
    options.raw = true;
    return options;
}

static const struct str id = {"id", 2};

static struct sink_options by_id(const struct state *s) {
    struct sink_options options = raw(s);
    options.unique = &id;
    options.unique_n = 1;
    return options;
}

static sqlite3 *connect(const struct state *s, const char *name) {
    char path[300];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/%s", s->scene.path, name);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static void exec(sqlite3 *db, const char *sql) {
    char *said = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &said) != SQLITE_OK)
        fail_msg("%s: %s", sql, said);
}

static void make(const struct state *s, const char *sql) {
    sqlite3 *db = connect(s, "t.sqlite");
    exec(db, sql);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

// A query's rows as "a|b\n", with text in quotes.
static const char *ask_in(struct state *s, const char *name, const char *sql) {
    sqlite3 *db = connect(s, name);
    sqlite3_stmt *stmt;
    buf_clear(&s->rows);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            const char *text = (const char *)sqlite3_column_text(stmt, i);
            const char *quote = sqlite3_column_type(stmt, i) == SQLITE_TEXT ? "'" : "";
            buf_printf(&s->rows, "%s%s%s%s", i ? "|" : "", quote, text ? text : "none", quote);
        }
        buf_add_char(&s->rows, '\n');
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return buf_text(&s->rows);
}

static const char *ask(struct state *s, const char *sql) {
    return ask_in(s, "t.sqlite", sql);
}

static void refuses(struct state *s, struct sink_options options, enum status status, const char *text) {
    struct sink *sink;
    struct err err;
    assert_int_not_equal(emit_table.open(&options, &sink, &err), STATUS_OK);
    assert_string_equal(err.text, text);
    assert_int_equal(err.status, status);
    assert_int_equal(count_files(s->scene.root, "-journal"), 0);
}

static void put(struct state *s, const char *key, const char *text) {
    if (job_text(&s->job, key, text) != STATUS_OK)
        fail_msg("%s", s->job.err.text);
}

// One run over key and text pairs; how many were written and how many were there.
static void run(struct state *s, struct sink_options options, const char *const *pairs, uint64_t written,
                uint64_t unchanged) {
    job_open(&s->job, &emit_table, options);
    for (; *pairs; pairs += 2)
        put(s, pairs[0], pairs[1]);
    if (job_flush(&s->job) != STATUS_OK || job_close(&s->job, true) != STATUS_OK)
        fail_msg("%s", s->job.err.text);
    assert_int_equal(s->job.total.written, written);
    assert_int_equal(s->job.total.unchanged, unchanged);
    assert_int_equal(count_files(s->scene.root, "-journal"), 0);
}

#define RUN(s, options, written, unchanged, ...)                                                             \
    run((s), (options), (const char *const[]){__VA_ARGS__, NULL}, (written), (unchanged))

// What is in the way ----------------------------------------------------------------------------------------------

static void options_that_do_not_fit(void **state) {
    struct state *s = *state;
    struct sink_options options = plain(s);
    options.path = STR("-");
    refuses(s, options, STATUS_DATA, "a table cannot go to standard output");
    options.path = STR("t.sqlite.zst");
    refuses(s, options, STATUS_DATA,
            "cannot write t.sqlite.zst: a database that is compressed cannot be written row by row");
    options.path = STR("../t.sqlite");
    refuses(s, options, STATUS_DATA,
            "the output path \"../t.sqlite\" is refused: it has a part \".\" or \"..\"");
    options = plain(s);
    options.table = STR("");
    refuses(s, options, STATUS_DATA, "cannot write t.sqlite: the table needs a name, without a NUL");
    options = by_id(s);
    options.raw = false;
    refuses(s, options, STATUS_DATA,
            "cannot write t.sqlite: only rows of `raw` outputs have columns to say with `unique`");
    options = plain(s);
    options.table = STR("sqlite_t");
    job_open(&s->job, &emit_table, options);
    put(s, "a", "1");
    assert_int_equal(job_flush(&s->job), STATUS_DATA);
    assert_string_equal(s->job.err.text,
                        "cannot write t.sqlite: object name reserved for internal use: sqlite_t");
    job_close(&s->job, false);
    assert_int_equal(count_files(s->scene.root, NULL), 0);
}

static void no_database_there(void **state) {
    struct state *s = *state;
    put_text(&s->scene, "t.sqlite", "what somebody wrote\n");
    refuses(s, plain(s), STATUS_DATA, "cannot write t.sqlite: what is there is not a SQLite database");
    assert_file(&s->scene, "t.sqlite", "what somebody wrote\n");
    assert_int_equal(unlinkat(s->scene.root, "t.sqlite", 0), 0);
    assert_int_equal(mkdirat(s->scene.root, "t.sqlite", 0777), 0);
    refuses(s, plain(s), STATUS_DATA, "cannot write t.sqlite: what is there is not a file");
    assert_int_equal(unlinkat(s->scene.root, "t.sqlite", AT_REMOVEDIR), 0);
    assert_int_equal(mkfifoat(s->scene.root, "t.sqlite", 0666), 0);
    refuses(s, plain(s), STATUS_DATA, "cannot write t.sqlite: what is there is not a file");
    put_text(&s->scene, "d", "a file");
    struct sink_options options = plain(s);
    options.path = STR("d/t.sqlite");
    refuses(s, options, STATUS_IO, "cannot write d/t.sqlite: Not a directory");
}

static void symbolic_links(void **state) {
    struct state *s = *state;
    make(s, "CREATE TABLE t(key TEXT PRIMARY KEY, text)");
    struct buf before = get_file(&s->scene, "t.sqlite");
    assert_int_equal(renameat(s->scene.root, "t.sqlite", s->scene.root, "real.sqlite"), 0);
    assert_int_equal(symlinkat("real.sqlite", s->scene.root, "t.sqlite"), 0);
    refuses(s, plain(s), STATUS_DATA,
            "cannot write t.sqlite: a symbolic link is there, which a database is not written through");
    assert_int_equal(unlinkat(s->scene.root, "t.sqlite", 0), 0);
    assert_int_equal(symlinkat("new.sqlite", s->scene.root, "t.sqlite"), 0); // nothing there yet
    refuses(s, plain(s), STATUS_DATA,
            "cannot write t.sqlite: a symbolic link is there, which a database is not written through");
    assert_int_equal(faccessat(s->scene.root, "new.sqlite", F_OK, 0), -1);
    assert_int_equal(symlinkat("/dev", s->scene.root, "out"), 0);
    struct sink_options options = plain(s);
    options.path = STR("out/t.sqlite");
    refuses(s, options, STATUS_IO,
            "cannot write out/t.sqlite: a symbolic link leads out of the output directory");
    struct buf after = get_file(&s->scene, "real.sqlite");
    assert_true(str_equal(buf_str(&before), buf_str(&after)));
    buf_release(&before);
    buf_release(&after);
}

// Where the journal would be is a link that somebody planted.
static void planted_journal(void **state) {
    struct state *s = *state;
    put_text(&s->scene, "precious", "keep");
    assert_int_equal(symlinkat("precious", s->scene.root, "t.sqlite-journal"), 0);
    RUN(s, plain(s), 1, 0, "a", "1"); // of a new database no journal is wanted: the link is removed
    assert_file(&s->scene, "precious", "keep");
    assert_int_equal(symlinkat("precious", s->scene.root, "t.sqlite-journal"), 0);
    struct sink_options options = plain(s);
    struct err err;
    assert_int_equal(emit_table.open(&options, &s->job.sink, &err), STATUS_IO);
    assert_non_null(strstr(err.text, "cannot write t.sqlite: unable to open database file"));
    assert_file(&s->scene, "precious", "keep");
}

static void no_permission(void **state) {
    struct state *s = *state;
    make(s, "CREATE TABLE t(key TEXT PRIMARY KEY, text)");
    char path[300];
    snprintf(path, sizeof path, "%s/t.sqlite", s->scene.path);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(s->scene.path, 0555), 0);
    bool root = geteuid() == 0; // to whom all is permitted
    struct sink_options there = plain(s), new = plain(s);
    new.path = STR("new.sqlite");
    struct sink *sink;
    struct err of_there, of_new;
    assert_int_equal(root ? seteuid(65534) : 0, 0);
    enum status first = emit_table.open(&there, &sink, &of_there);
    enum status second = emit_table.open(&new, &sink, &of_new);
    assert_int_equal(root ? seteuid(0) : 0, 0);
    assert_int_equal(chmod(s->scene.path, 0755), 0);
    assert_int_equal(first, STATUS_IO);
    assert_string_equal(of_there.text, "cannot write t.sqlite: Permission denied");
    assert_int_equal(second, STATUS_IO);
    assert_string_equal(of_new.text, "cannot write new.sqlite: Permission denied");
}

// Whichever call of the file system fails: a sentence and nothing left behind, or all rows.
static void failing_calls(void **state) {
    struct state *s = *state;
    bool hit = true;
    for (int n = 1; hit; n++) {
        struct faulty faulty;
        struct fs fs = faulty_fs(&faulty, n, EIO);
        struct sink_options options = plain(s);
        struct job job = {.kind = &emit_table};
        options.fs = &fs;
        options.path = STR("d/e/t.sqlite");
        enum status status = emit_table.open(&options, &job.sink, &job.err);
        if (status == STATUS_OK) {
            job.lane = emit_table.lane_new(job.sink);
            assert_int_equal(job_text(&job, "a", "1"), STATUS_OK);
            assert_int_equal(job_flush(&job), STATUS_OK);
            assert_int_equal(job_close(&job, true), STATUS_OK);
            assert_string_equal(ask_in(s, "d/e/t.sqlite", "SELECT * FROM t"), "'a'|'1'\n");
            assert_int_equal(unlinkat(s->scene.root, "d/e/t.sqlite", 0), 0);
        } else {
            assert_string_equal(job.err.text, "cannot write d/e/t.sqlite: Input/output error");
        }
        assert_int_equal(faulty.open_files, 0);
        if (!faulty.unlink_failed)
            assert_int_equal(count_files(s->scene.root, NULL), 0);
        hit = faulty.hit;
        assert_true(n < 100);
    }
}

static void long_paths(void **state) {
    struct state *s = *state;
    char path[600];
    memset(path, 'd', sizeof path);
    path[200] = path[400] = '/';
    memcpy(path + 500, "/t.sqlite", 10);
    struct sink_options options = plain(s);
    options.path = str_of(path);
    struct sink *sink;
    struct err err;
    assert_int_equal(emit_table.open(&options, &sink, &err), STATUS_DATA);
    assert_non_null(strstr(err.text, "its path from the system's root is longer than SQLite takes"));
    assert_int_equal(count_files(s->scene.root, NULL), 0);
}

static void locked(void **state) {
    struct state *s = *state;
    make(s, "CREATE TABLE t(key TEXT PRIMARY KEY, text)");
    job_open(&s->job, &emit_table, plain(s));
    sqlite3 *other = connect(s, "t.sqlite");
    exec(other, "BEGIN IMMEDIATE");
    put(s, "a", "1");
    assert_int_equal(job_flush(&s->job), STATUS_CONFLICT);
    assert_string_equal(s->job.err.text, "cannot write t.sqlite: somebody else holds a lock on the database");
    exec(other, "COMMIT");
    sqlite3_close(other);
    put(s, "b", "2");
    assert_int_equal(job_flush(&s->job), STATUS_IO); // broken is broken
    assert_string_equal(s->job.err.text, "t.sqlite is incomplete: earlier rows of it could not be written");
    assert_int_equal(job_close(&s->job, true), STATUS_IO);
    assert_string_equal(ask(s, "SELECT * FROM t"), "");
}

static void closes(struct state *s, uint64_t written, uint64_t unchanged);

enum { MANY = 100, LONG = 50000 }; // together more than SQLite's cache

static void put_many(struct state *s) {
    char *text = mem_alloc(LONG + 1), key[16];
    memset(text, 'x', LONG);
    text[LONG] = 0;
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(s, key, text);
    }
    mem_free(text);
}

struct later {
    pthread_t thread;
    atomic_bool *interrupt;
    sqlite3 *reader;
};

static void *happen(void *self) {
    struct later *later = self;
    usleep(100000);
    if (later->interrupt)
        atomic_store(later->interrupt, true);
    else
        sqlite3_exec(later->reader, "COMMIT", NULL, NULL, NULL);
    return NULL;
}

// Somebody reads while more is written than the cache holds: only the commit waits, until the reader ends, the run is
// interrupted, or for some seconds.
static void read_meanwhile(void **state) {
    struct state *s = *state;
    static const enum status ends[] = {STATUS_OK, STATUS_CANCELLED, STATUS_CONFLICT};
    static const char *const texts[] = {"", "interrupted while rows were written to t.sqlite",
                                        "cannot write t.sqlite: somebody else holds a lock on the database"};
    alarm(120); // where every page waits
    for (int i = 0; i < 3; i++) {
        make(s,
             "DROP TABLE IF EXISTS t; CREATE TABLE t(key TEXT PRIMARY KEY, text); INSERT INTO t VALUES ('a', "
             "'old')");
        atomic_bool interrupt = false;
        struct sink_options options = plain(s);
        options.interrupt = &interrupt;
        job_open(&s->job, &emit_table, options);
        sqlite3 *reader = connect(s, "t.sqlite");
        exec(reader, "BEGIN; SELECT * FROM t");
        put_many(s);
        assert_int_equal(job_flush(&s->job), STATUS_OK);
        struct later later = {.interrupt = i ? &interrupt : NULL, .reader = reader};
        if (i < 2)
            assert_int_equal(pthread_create(&later.thread, NULL, happen, &later), 0);
        assert_int_equal(job_close(&s->job, true), ends[i]);
        if (i > 0)
            assert_string_equal(s->job.err.text, texts[i]);
        if (i < 2)
            assert_int_equal(pthread_join(later.thread, NULL), 0);
        sqlite3_close(reader);
        assert_string_equal(ask(s, "SELECT count(*) FROM t"), i ? "1\n" : "101\n");
        assert_int_equal(count_files(s->scene.root, "-journal"), 0);
    }
    alarm(0);
}

// Whoever waits to begin is no different; and rows that are still to be put are not.
static void interrupted(void **state) {
    struct state *s = *state;
    atomic_bool interrupt = false;
    struct sink_options options = plain(s);
    options.interrupt = &interrupt;
    job_open(&s->job, &emit_table, options);
    put(s, "a", "1");
    assert_int_equal(job_flush(&s->job), STATUS_OK);
    put(s, "b", "2");
    atomic_store(&interrupt, true);
    assert_int_equal(job_flush(&s->job), STATUS_CANCELLED);
    assert_string_equal(s->job.err.text, "interrupted while rows were written to t.sqlite");
    assert_int_equal(job_close(&s->job, false), STATUS_OK);
    assert_int_equal(s->job.total.written, 0);
    assert_int_equal(count_files(s->scene.root, NULL), 0);
    atomic_store(&interrupt, false);
    job_open(&s->job, &emit_table, options);
    sqlite3 *other = connect(s, "t.sqlite");
    exec(other, "BEGIN IMMEDIATE");
    put(s, "a", "1");
    struct later later = {.interrupt = &interrupt};
    assert_int_equal(pthread_create(&later.thread, NULL, happen, &later), 0);
    assert_int_equal(job_flush(&s->job), STATUS_CANCELLED);
    assert_int_equal(pthread_join(later.thread, NULL), 0);
    sqlite3_close(other);
    assert_int_equal(job_close(&s->job, false), STATUS_OK);
}

// What is in memory is bounded, however much there is to flush.
static void large_flush(void **state) {
    struct state *s = *state;
    job_open(&s->job, &emit_table, plain(s));
    char *text = mem_alloc((1 << 20) + 1), key[16];
    memset(text, 'x', 1 << 20);
    text[1 << 20] = 0;
    for (int i = 0; i < 40; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(s, key, text);
    }
    mem_free(text);
    assert_int_equal(job_flush(&s->job), STATUS_OK);
    assert_int_equal(s->job.total.written, 32);
    closes(s, 40, 0);
    assert_string_equal(ask(s, "SELECT count(*) FROM t"), "40\n");
}

static void tables_that_do_not_fit(void **state) {
    struct state *s = *state;
    make(s, "CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    refuses(
        s, plain(s), STATUS_DATA,
        "cannot write t.sqlite: table \"t\" is there and has no column \"key\", by which rows would replace "
        "others; say others with `unique`");
    refuses(
        s, by_id(s), STATUS_DATA,
        "cannot write t.sqlite: table \"t\" is there and has no column \"id\", by which rows would replace "
        "others (unique)");
    make(s, "ALTER TABLE t ADD COLUMN id; CREATE INDEX i ON t(id)");
    refuses(
        s, by_id(s), STATUS_DATA,
        "cannot write t.sqlite: nothing in table \"t\" makes (\"id\") unique, by which rows would replace "
        "others; it needs a unique index");
    make(s, "CREATE UNIQUE INDEX u ON t(id, a)");
    struct sink_options options = by_id(s);
    refuses(
        s, options, STATUS_DATA,
        "cannot write t.sqlite: nothing in table \"t\" makes (\"id\") unique, by which rows would replace "
        "others; it needs a unique index");
    make(s, "DROP TABLE t; CREATE VIEW t AS SELECT 1 AS id");
    refuses(s, options, STATUS_DATA, "cannot write t.sqlite: \"t\" is a view, not a table");
}

// What a table does not take ----------------------------------------------------------------------------------------

// The next flush refuses the outputs that are named, as "0: why\n2: why\n".
static void flush_refuses(struct state *s, const char *refusals) {
    struct lane_result result;
    struct buf told = BUF_INIT;
    if (emit_table.flush(s->job.lane, &result, &s->job.err) != STATUS_OK)
        fail_msg("%s", s->job.err.text);
    for (size_t i = 0; i < result.refusals_n; i++)
        buf_printf(&told, "%zu: %s\n", result.refusals[i].output, result.refusals[i].text);
    assert_string_equal(buf_text(&told), refusals);
    buf_release(&told);
    s->job.total.written += result.written;
    s->job.total.unchanged += result.unchanged;
    s->job.total.bytes += result.bytes;
}

static void closes(struct state *s, uint64_t written, uint64_t unchanged) {
    if (job_close(&s->job, true) != STATUS_OK)
        fail_msg("%s", s->job.err.text);
    assert_int_equal(s->job.total.written, written);
    assert_int_equal(s->job.total.unchanged, unchanged);
    assert_int_equal(count_files(s->scene.root, "-journal"), 0);
}

#define REFUSED "the table \"t\" does not take the row: "

// Only the table knows them. They cost the row, and no other.
static void constraints(void **state) {
    struct state *s = *state;
    make(s, "CREATE TABLE t(id INTEGER PRIMARY KEY, n NOT NULL CHECK (n < 10), u UNIQUE, g AS (n + 1));"
            "INSERT INTO t(id, n, u) VALUES (1, 1, 1)");
    job_open(&s->job, &emit_table, by_id(s));
    put(s, "a", "{\"id\": 2, \"n\": 30}");
    put(s, "b", "{\"id\": 3, \"n\": 3}");
    put(s, "c", "{\"id\": 4, \"n\": null}");
    put(s, "d", "{\"id\": 5}");
    put(s, "e", "{\"id\": 6, \"n\": 6, \"u\": 1}");
    put(s, "f", "{\"id\": \"seven\", \"n\": 7}");
    put(s, "g", "{\"id\": 8, \"n\": 8, \"g\": 9}");
    put(s, "h", "{\"id\": 1, \"n\": 1, \"u\": 1}");
    flush_refuses(s, "0: " REFUSED "CHECK constraint failed: n < 10\n"
                     "2: " REFUSED "NOT NULL constraint failed: t.n\n"
                     "3: " REFUSED "NOT NULL constraint failed: t.n\n"
                     "4: " REFUSED "UNIQUE constraint failed: t.u\n"
                     "5: " REFUSED "datatype mismatch\n"
                     "6: " REFUSED "cannot INSERT into generated column \"g\"\n");
    put(s, "rec\n", "{\"id\": 1, \"n\": 31}"); // refused twice, but not because it was
    put(s, "i", "{\"id\": 2, \"n\": 2}");      // the key of one that was refused is free
    flush_refuses(s, "0: the row has the key 1 (id), as an earlier row of this run has\n");
    flush_refuses(s, "");
    closes(s, 2, 1);
    assert_string_equal(ask(s, "SELECT id, n FROM t"), "1|1\n2|2\n3|3\n");
}

// Whatever the table itself wants to be done in a conflict.
static void conflict_clauses(void **state) {
    struct state *s = *state;
    make(s, "CREATE TABLE t(id PRIMARY KEY, a UNIQUE ON CONFLICT ROLLBACK, b UNIQUE ON CONFLICT FAIL,"
            "c UNIQUE ON CONFLICT REPLACE, d UNIQUE ON CONFLICT IGNORE)");
    job_open(&s->job, &emit_table, by_id(s));
    put(s, "1", "{\"id\": 1, \"a\": 1, \"b\": 1, \"c\": 1, \"d\": 1}");
    put(s, "2", "{\"id\": 2, \"a\": 1}");
    put(s, "3", "{\"id\": 3, \"b\": 1}");
    put(s, "4", "{\"id\": 4, \"c\": 1}");
    put(s, "5", "{\"id\": 5, \"d\": 1}");
    put(s, "6", "{\"id\": 6}");
    flush_refuses(s, "1: " REFUSED "UNIQUE constraint failed: t.a\n"
                     "2: " REFUSED "UNIQUE constraint failed: t.b\n"
                     "3: " REFUSED "UNIQUE constraint failed: t.c\n"
                     "4: " REFUSED "UNIQUE constraint failed: t.d\n");
    closes(s, 2, 0);
    assert_string_equal(ask(s, "SELECT id FROM t"), "1\n6\n");
}

static void references(void **state) {
    struct state *s = *state;
    make(s, "CREATE TABLE p(id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);"
            "CREATE TABLE t(id INTEGER PRIMARY KEY, p REFERENCES p)");
    job_open(&s->job, &emit_table, by_id(s));
    put(s, "a", "{\"id\": 1, \"p\": 1}");
    put(s, "b", "{\"id\": 2, \"p\": 2}");
    put(s, "c", "{\"id\": 3}");
    flush_refuses(s, "1: " REFUSED "FOREIGN KEY constraint failed\n");
    closes(s, 2, 0);
    // One that is looked at in the end only is found in the end only.
    make(
        s,
        "DROP TABLE t; CREATE TABLE t(id INTEGER PRIMARY KEY, p REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
    job_open(&s->job, &emit_table, by_id(s));
    put(s, "a", "{\"id\": 1, \"p\": 1}");
    put(s, "b", "{\"id\": 2, \"p\": 2}");
    flush_refuses(s, "");
    assert_int_equal(job_close(&s->job, true), STATUS_DATA);
    assert_string_equal(s->job.err.text, "cannot write t.sqlite: FOREIGN KEY constraint failed");
    assert_string_equal(ask(s, "SELECT count(*) FROM t"), "0\n");
}

static void triggers_that_raise(void **state) {
    struct state *s = *state;
    make(s, "CREATE TABLE t(id INTEGER PRIMARY KEY, n); CREATE TABLE log(id);"
            "CREATE TRIGGER a AFTER INSERT ON t WHEN NEW.n = 'abort' BEGIN INSERT INTO log VALUES (NEW.id);"
            " SELECT RAISE(ABORT, 'no abort'); END;"
            "CREATE TRIGGER f AFTER INSERT ON t WHEN NEW.n = 'fail' BEGIN INSERT INTO log VALUES (NEW.id);"
            " SELECT RAISE(FAIL, 'no fail'); END;"
            "CREATE TRIGGER i BEFORE INSERT ON t WHEN NEW.n = 'ignore' BEGIN SELECT RAISE(IGNORE); END;"
            "CREATE TRIGGER r AFTER INSERT ON t WHEN NEW.n = 'rollback' BEGIN"
            " SELECT RAISE(ROLLBACK, 'no rollback'); END;");
    job_open(&s->job, &emit_table, by_id(s));
    put(s, "1", "{\"id\": 1, \"n\": \"fine\"}");
    put(s, "2", "{\"id\": 2, \"n\": \"abort\"}");
    put(s, "3", "{\"id\": 3, \"n\": \"fail\"}");
    put(s, "4", "{\"id\": 4, \"n\": \"ignore\"}");
    put(s, "5", "{\"id\": 5, \"n\": \"fine\"}");
    flush_refuses(s, "1: " REFUSED "no abort\n2: " REFUSED "no fail\n");
    closes(s, 2, 1);
    assert_string_equal(ask(s, "SELECT * FROM t"), "1|'fine'\n5|'fine'\n");
    assert_string_equal(ask(s, "SELECT * FROM log"), "");
    job_open(&s->job, &emit_table, by_id(s));
    put(s, "6", "{\"id\": 6, \"n\": \"fine\"}");
    put(s, "2", "{\"id\": 2, \"n\": \"abort\"}");
    put(s, "7", "{\"id\": 7, \"n\": \"rollback\"}");
    struct lane_result result;
    assert_int_equal(emit_table.flush(s->job.lane, &result, &s->job.err), STATUS_DATA);
    assert_string_equal(s->job.err.text, "cannot write t.sqlite: no rollback");
    assert_int_equal(result.refusals_n, 0);
    put(s, "8", "{\"id\": 8, \"n\": \"fine\"}");
    assert_int_equal(job_flush(&s->job), STATUS_IO); // broken is broken
    assert_int_equal(job_close(&s->job, true), STATUS_IO);
    assert_string_equal(ask(s, "SELECT * FROM t"), "1|'fine'\n5|'fine'\n");
}

static void columns_that_cannot_be(void **state) {
    struct state *s = *state;
    struct buf sql = BUF_INIT;
    buf_add_text(&sql, "CREATE TABLE t(id PRIMARY KEY");
    for (int i = 0; i < 1998; i++)
        buf_printf(&sql, ", c%d", i);
    buf_add_text(&sql, ")");
    make(s, buf_text(&sql));
    buf_release(&sql);
    job_open(&s->job, &emit_table, by_id(s));
    put(s, "a", "{\"id\": 1, \"c1\": 1, \"one more\": 1}");
    put(s, "b", "{\"id\": 2, \"c1\": 2, \"two more\": 1}");
    put(s, "c", "{\"id\": 3, \"c1\": 3}");
    flush_refuses(s, "1: the table would have more than 2,000 columns\n");
    closes(s, 2, 0);
    assert_string_equal(ask(s, "SELECT id, c1 FROM t"), "1|1\n3|3\n");
}

// What is longer than the connection allows is refused, instead of being stored as NULL.
static void values_too_long(void **state) {
    struct state *s = *state;
    make(s, "CREATE TABLE t(id INTEGER UNIQUE, n)");
    struct table_file file = {.path = STR("t.sqlite"), .db = connect(s, "t.sqlite")};
    struct table_rows *rows;
    struct err err;
    assert_int_equal(table_rows_open(&file, STR("t"), &id, 1, &rows, &err), STATUS_OK);
    sqlite3_limit(file.db, SQLITE_LIMIT_LENGTH, 2000);
    char text[3000];
    memset(text, 'x', sizeof text);
    struct shapes *shapes = shapes_new();
    const struct value names[] = {value_string(STR("id")), value_string(STR("n"))};
    struct value values[2] = {value_string(STR("1")), value_string((struct str){text, sizeof text})};
    struct table_row row = {.values = values, .shape = shapes_of_names(shapes, names, 2)};
    exec(file.db, "BEGIN");
    for (int i = 0; i < 3; i++) {
        enum table_put put;
        assert_int_equal(table_rows_put(rows, &row, &put, &err), STATUS_OK);
        assert_int_equal(put, i < 2 ? TABLE_REFUSED : TABLE_WRITTEN);
        if (i < 2)
            assert_string_equal(err.text, REFUSED "string or blob too big");
        values[0] = i ? value_string(STR("1")) : values[1]; // which is looked at before it is put
        values[1] = value_string(STR("fits"));
    }
    exec(file.db, "COMMIT");
    table_rows_free(rows);
    shapes_free(shapes);
    sqlite3_close(file.db);
    assert_string_equal(ask(s, "SELECT * FROM t"), "1|'fits'\n");
}

// Rows with one key -------------------------------------------------------------------------------------------------

#define TWICE(key) "the row has the key " key ", as an earlier row of this run has\n"

static void one_key_twice(void **state) {
    struct state *s = *state;
    RUN(s, plain(s), 1, 0, "a", "there"); // by another run
    job_open(&s->job, &emit_table, plain(s));
    struct lane *second = emit_table.lane_new(s->job.sink), *first = s->job.lane;
    s->job.lane = second;
    put(s, "b", "4"); // done before the first lane, but flushed behind it
    put(s, "a", "3");
    put(s, "A", "5");
    s->job.lane = first;
    put(s, "a", "1");
    put(s, "a\n", "2");
    put(s, "a\n", "2"); // the same row is one too many, too
    flush_refuses(s, "2: " TWICE("\"a\\x0a\" (key)"));
    s->job.lane = second;
    flush_refuses(s, "1: " TWICE("\"a\" (key)"));
    emit_table.lane_free(first);
    closes(s, 4, 0);
    assert_string_equal(ask(s, "SELECT * FROM t ORDER BY 1"), "'A'|'5'\n'a'|'1'\n'a\n'|'2'\n'b'|'4'\n");
}

static void refusal_texts_last(void **state) {
    struct state *s = *state;
    struct lane_result result;
    job_open(&s->job, &emit_table, plain(s));
    for (int i = 0; i < 500; i++)
        put(s, "a", "1");
    assert_int_equal(emit_table.flush(s->job.lane, &result, &s->job.err), STATUS_OK);
    assert_int_equal(result.refusals_n, 499);
    for (size_t i = 0; i < 499; i++) {
        assert_int_equal(result.refusals[i].output, i + 1);
        assert_string_equal(result.refusals[i].text,
                            "the row has the key \"a\" (key), as an earlier row of this run has");
    }
    closes(s, 1, 0);
}

// Two keys are one where the table makes them one.
static void put_keys(struct state *s, const char *column, const char *const *keys, const char *refusals) {
    char sql[200], json[200];
    snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS t; CREATE TABLE t(id %s", column);
    make(s, sql);
    job_open(&s->job, &emit_table, by_id(s));
    uint64_t n = 0;
    for (; *keys; keys++, n++) {
        snprintf(json, sizeof json, "{\"id\": %s}", *keys);
        put(s, "k", json);
    }
    for (const char *p = refusals; *p; p++)
        n -= *p == '\n';
    flush_refuses(s, refusals);
    closes(s, n, 0); // none of them was there already, so the table holds them all apart
}

#define KEYS(s, column, refusals, ...)                                                                       \
    put_keys((s), (column), (const char *const[]){__VA_ARGS__, NULL}, (refusals))

static void keys_as_the_table_compares_them(void **state) {
    struct state *s = *state;
    KEYS(s, "PRIMARY KEY)", "1: " TWICE("1 (id)") "2: " TWICE("true (id)") "5: " TWICE("0 (id)"), "1.0", "1",
         "true", "\"1\"", "-0.0", "0", "9007199254740993", "9007199254740992.0", "1e300", "\"a\"", "\"A\"",
         "\"a \"", "\"\"");
    KEYS(s, "INTEGER PRIMARY KEY)", "1: " TWICE("\"1\" (id)") "2: " TWICE("\" 1.0 \" (id)"), "1", "\"1\"",
         "\" 1.0 \"", "2");
    KEYS(s, "INT UNIQUE)", "1: " TWICE("\"0x1\" (id)") "3: " TWICE("\"15e-1\" (id)"), "\"0x1\"", "\"0x1\"",
         "1.5", "\"15e-1\"", "1", "\"9223372036854775807\"", "9223372036854775806");
    KEYS(s, "REAL UNIQUE)",
         "1: " TWICE("9007199254740992 (id)") "2: " TWICE("\"9007199254740993\" (id)") "4: " TWICE(
             "\"1\" (id)"),
         "9007199254740993", "9007199254740992", "\"9007199254740993\"", "1", "\"1\"", "\"x\"");
    KEYS(s, "TEXT PRIMARY KEY)",
         "1: " TWICE("\"1\" (id)") "3: " TWICE("\"1.0\" (id)") "5: " TWICE("\"1.0e+300\" (id)"), "1", "\"1\"",
         "1.0", "\"1.0\"", "1e300", "\"1.0e+300\"", "\"a\"", "\"A\"");
    KEYS(s, "COLLATE NOCASE PRIMARY KEY)", "1: " TWICE("\"A\" (id)"), "\"a\"", "\"A\"", "\"ä\"", "\"Ä\"",
         "\"a \"");
    KEYS(s, "COLLATE RTRIM PRIMARY KEY) WITHOUT ROWID", "1: " TWICE("\"a  \" (id)"), "\"a\"", "\"a  \"",
         "\" a\"", "\"A\"");
    KEYS(s, "COLLATE NOCASE); CREATE UNIQUE INDEX b ON t(id COLLATE BINARY)", "", "\"a\"", "\"A\"");
    KEYS(s, "PRIMARY KEY); CREATE UNIQUE INDEX n ON t(id COLLATE NOCASE) WHERE id > 'b'", "", "\"a\"",
         "\"A\"");
    KEYS(s, "ANY PRIMARY KEY) STRICT", "2: " TWICE("1.0 (id)"), "1", "\"1\"", "1.0");
    KEYS(s, "ANY PRIMARY KEY)", "1: " TWICE("\"1\" (id)"), "1", "\"1\"");
}

static void many_keys(void **state) {
    struct state *s = *state;
    job_open(&s->job, &emit_table, plain(s));
    char key[16];
    for (int i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(s, key, "");
    }
    flush_refuses(s, "");
    put(s, "0", "");
    put(s, "19999", "");
    put(s, "20000", "");
    flush_refuses(s, "0: " TWICE("\"0\" (key)") "1: " TWICE("\"19999\" (key)"));
    closes(s, 20001, 0);
}

static void full_disk(void **state) {
    struct state *s = *state;
    RUN(s, plain(s), 1, 0, "a", "1");
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 64 << 10;
    signal(SIGXFSZ, SIG_IGN);
    char *text = mem_alloc(200001);
    memset(text, 'x', 200000);
    job_open(&s->job, &emit_table, plain(s));
    put(s, "a", "2");
    put(s, "b", text);
    mem_free(text);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(job_flush(&s->job), STATUS_OK);
    assert_int_equal(job_close(&s->job, true), STATUS_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_non_null(strstr(s->job.err.text, "cannot write t.sqlite: "));
    assert_int_equal(s->job.total.written, 0);
    assert_string_equal(ask(s, "SELECT * FROM t"), "'a'|'1'\n");
    RUN(s, plain(s), 2, 0, "a", "2", "b", "3");
}

// Outputs that are no rows ------------------------------------------------------------------------------------------

static void refuses_output(struct state *s, const char *key, struct str text, const char *fault) {
    assert_int_not_equal(job_output(&s->job, key, text), STATUS_OK);
    assert_string_equal(s->job.err.text, fault);
}

static void outputs_that_are_no_rows(void **state) {
    struct state *s = *state;
    job_open(&s->job, &emit_table, raw(s));
    put(s, "fine", "{\"a\": 1}");
    refuses_output(s, "x", STR(""),
                   "line 1, column 1 of the output is no JSON: expected a value, but the text ends here");
    refuses_output(s, "x", STR("{\"a\": 1,\n \"b\": x}"),
                   "line 2, column 7 of the output is no JSON: expected a value");
    refuses_output(s, "x", STR("[1]"), "the output is not a JSON object, whose keys would be the columns");
    refuses_output(s, "x", STR("{\"a\": \"x\\u0000y\"}"), "the text of \"a\" has a NUL character");
    refuses_output(s, "x", STR("{\"a\\u0000b\": 1}"), "the key \"a\\x00b\" has a NUL character");
    refuses_output(s, "x", STR("{\"größe\": 1, \"Name\": 2, \"nAME\": 3}"),
                   "the keys \"Name\" and \"nAME\" are one column");
    refuses_output(
        s, "x", STR("{\"Key\": 1}"),
        "the output has a \"Key\" of its own, where the record's key goes; say with `unique` by which "
        "columns rows replace others");
    put(s, "fine too", "{\"a\": 2}");
    assert_int_equal(job_flush(&s->job), STATUS_OK);
    assert_int_equal(job_close(&s->job, true), STATUS_OK);
    assert_string_equal(ask(s, "SELECT * FROM t"), "'fine'|1\n'fine too'|2\n");

    struct sink_options options = by_id(s);
    options.table = STR("u");
    job_open(&s->job, &emit_table, options);
    refuses_output(s, "x", STR("{\"ID\": null, \"key\": 1}"),
                   "the output has no \"id\", by which rows replace others (unique)");
    refuses_output(s, "x", STR("{}"), "the output has no \"id\", by which rows replace others (unique)");
    put(s, "x", "{\"ID\": 0, \"key\": 1}");
    assert_int_equal(job_flush(&s->job), STATUS_OK);
    assert_int_equal(job_close(&s->job, true), STATUS_OK);
    assert_string_equal(ask(s, "SELECT * FROM u"), "0|1\n");
}

static void texts_that_are_no_rows(void **state) {
    struct state *s = *state;
    job_open(&s->job, &emit_table, plain(s));
    refuses_output(s, "x", (struct str){"a\0b", 3}, "the text of \"text\" has a NUL character");
    assert_int_equal(emit_table.begin(s->job.lane, (struct str){"a\0b", 3}, &s->job.err), STATUS_DATA);
    assert_string_equal(s->job.err.text, "the record's key has a NUL character");
    assert_int_equal(emit_table.begin(s->job.lane, STR("y"), &s->job.err), STATUS_OK);
    assert_int_equal(emit_table.write(s->job.lane, STR("half"), &s->job.err), STATUS_OK);
    emit_table.abort(s->job.lane);
    put(s, "z", "whole");
    assert_int_equal(emit_table.begin(s->job.lane, STR("open"), &s->job.err), STATUS_OK);
    assert_int_equal(job_flush(&s->job), STATUS_OK);
    assert_int_equal(job_close(&s->job, true), STATUS_OK);
    assert_string_equal(ask(s, "SELECT * FROM t"), "'z'|'whole'\n");
}

static void add_keys(struct buf *json, int n) {
    buf_add_text(json, "{");
    for (int i = 0; i < n; i++)
        buf_printf(json, "%s\"c%d\": %d", i ? "," : "", i, i);
    buf_add_text(json, "}");
}

static void many_columns(void **state) {
    struct state *s = *state;
    struct buf json = BUF_INIT;
    job_open(&s->job, &emit_table, raw(s));
    add_keys(&json, 2000);
    refuses_output(s, "x", buf_str(&json), "the output has 2000 keys, more than a table has columns");
    buf_clear(&json);
    add_keys(&json, 1999);
    put(s, "wide", buf_text(&json));
    put(s, "narrow", "{\"c7\": 0}");
    assert_int_equal(job_flush(&s->job), STATUS_OK);
    closes(s, 2, 0);
    RUN(s, raw(s), 0, 1, "wide", buf_text(&json));
    assert_string_equal(ask(s, "SELECT key, c0, c7, c1998 FROM t"),
                        "'wide'|0|7|1998\n'narrow'|none|0|none\n");
    buf_release(&json);
}

// Outputs beyond some MiB are in a file meanwhile: they are refused as others are, and stay in their order.
static void spilled_rows(void **state) {
    struct state *s = *state;
    char *text = mem_alloc(300001), key[16];
    struct buf json = BUF_INIT;
    memset(text, 'x', 300000);
    text[300000] = 0;
    for (int round = 0; round < 2; round++) {
        job_open(&s->job, &emit_table, raw(s));
        for (int i = 0; i < 60; i++) {
            snprintf(key, sizeof key, "%d", i);
            buf_clear(&json);
            buf_printf(&json, "{\"n\": %d, \"c%d\": [%d], \"s\": \"%.*s\"}", i, i % 7, i, i * 5000, text);
            put(s, key, buf_text(&json));
            if (i % 10 == 0)
                refuses_output(s, "x", STR("[1]"),
                               "the output is not a JSON object, whose keys would be the columns");
        }
        assert_int_equal(emit_table.begin(s->job.lane, STR("y"), &s->job.err), STATUS_OK);
        emit_table.abort(s->job.lane);
        put(s, "59", "{\"n\": 0}");
        put(s, "last", "{\"n\": 60}");
        flush_refuses(s, "60: " TWICE("\"59\" (key)"));
        put(s, "short", "{\"n\": 61}"); // the lane is as new
        flush_refuses(s, "");
        closes(s, round ? 0 : 62, round ? 62 : 0);
        assert_string_equal(ask(s, "SELECT count(*), sum(length(s) = n * 5000), sum(c3 = '[' || n || ']'), "
                                   "sum(rowid = n + 1) FROM t"),
                            "62|60|9|62\n");
    }
    buf_release(&json);
    mem_free(text);
}

// Whichever call fails: an output or the flush does, and in the database is what was told.
static void failing_spill(void **state) {
    struct state *s = *state;
    bool hit = true;
    char *text = mem_alloc(1000001), key[16];
    memset(text, 'x', 1000000);
    text[1000000] = 0;
    for (int n = 1; hit; n++) {
        struct faulty faulty;
        struct fs fs = faulty_fs(&faulty, n, ENOSPC);
        struct sink_options options = plain(s);
        struct job job = {.kind = &emit_table};
        options.fs = &fs;
        if (emit_table.open(&options, &job.sink, &job.err) == STATUS_OK) {
            job.lane = emit_table.lane_new(job.sink);
            int put_n = 0;
            for (int i = 0; i < 14; i++) {
                snprintf(key, sizeof key, "%d", i);
                put_n += job_text(&job, key, text) == STATUS_OK;
            }
            bool fine = job_flush(&job) == STATUS_OK;
            assert_true(fine || job.err.text[0]);
            assert_true(fine || faulty.hit);
            assert_int_equal(job_close(&job, fine), STATUS_OK);
            assert_int_equal(job.total.written, fine ? put_n : 0);
            assert_true(put_n == 14 || faulty.hit);
            if (fine) {
                char count[16];
                snprintf(count, sizeof count, "%d\n", put_n);
                assert_string_equal(ask(s, "SELECT count(*) FROM t"), count);
                assert_int_equal(unlinkat(s->scene.root, "t.sqlite", 0), 0);
            }
        }
        assert_int_equal(faulty.open_files, 0);
        if (!faulty.unlink_failed)
            assert_int_equal(count_files(s->scene.root, NULL), 0);
        hit = faulty.hit;
        assert_true(n < 200);
        if (faulty.unlink_failed) { // something stayed
            scene_close(&s->scene);
            scene_open(&s->scene);
        }
    }
    mem_free(text);
}

// What rows become --------------------------------------------------------------------------------------------------

static void key_and_text(void **state) {
    struct state *s = *state;
    RUN(s, plain(s), 3, 0, "b", "two\nlines", "a", "", "Zoë", "ü");
    assert_string_equal(ask(s, "SELECT * FROM t"), "'b'|'two\nlines'\n'a'|''\n'Zoë'|'ü'\n");
    assert_string_equal(ask(s, "SELECT sql FROM sqlite_schema WHERE type = 'table'"),
                        "'CREATE TABLE \"t\" (\"key\" TEXT PRIMARY KEY, \"text\")'\n");
}

static void values_keep_their_type(void **state) {
    struct state *s = *state;
    RUN(s, raw(s), 1, 0, "k",
        "{\"i\": -9223372036854775808, \"big\": 9223372036854775808, \"f\": 1.0, \"s\": \"12\", \"e\": \"\", "
        "\"t\": true, \"x\": false, \"n\": null, \"l\": [1, 2.50, \"a\\\"\", null, {}], "
        "\"m\": { \"a\" : [true, 12345678901234567890] }}");
    assert_string_equal(ask(s, "SELECT * FROM t"),
                        "'k'|-9223372036854775808|'9223372036854775808'|1.0|'12'|''|1|0|none|"
                        "'[1,2.5,\"a\\\"\",null,{}]'|'{\"a\":[true,12345678901234567890]}'\n");
    assert_string_equal(ask(s, "SELECT typeof(i), typeof(f), typeof(t) FROM t"),
                        "'integer'|'real'|'integer'\n");
}

static void odd_names(void **state) {
    struct state *s = *state;
    struct sink_options options = raw(s);
    options.table = STR("a \"b\"; drop");
    options.path = STR("neu/ünter/t.db");
    RUN(s, options, 1, 0, "k", "{\"x\\\"y\": 1, \"\": 2, \"select\": 3, \"rowid\": 4}");
    RUN(s, options, 1, 1, "k", "{\"x\\\"y\": 1, \"\": 2, \"select\": 3, \"rowid\": 4}", "l",
        "{\"\": 0, \"?1\": 9}");
    assert_string_equal(ask_in(s, "neu/ünter/t.db", "SELECT * FROM \"a \"\"b\"\"; drop\""),
                        "'k'|1|2|3|4|none\n'l'|none|0|none|none|9\n");
}

static void new_and_missing_columns(void **state) {
    struct state *s = *state;
    RUN(s, raw(s), 3, 0, "1", "{\"a\": 1}", "2", "{\"b\": 2, \"a\": 1}", "3", "{\"c\": 3}");
    assert_string_equal(ask(s, "SELECT * FROM t"), "'1'|1|none|none\n'2'|1|2|none\n'3'|none|none|3\n");
    // Later, too; names in another case are the same columns.
    RUN(s, raw(s), 2, 1, "1", "{\"A\": 1}", "2", "{\"b\": 2}", "4", "{\"d\": 4}");
    assert_string_equal(
        ask(s, "SELECT * FROM t"),
        "'1'|1|none|none|none\n'2'|none|2|none|none\n'3'|none|none|3|none\n'4'|none|none|none|4\n");
    // A row that only lacks what is NULL is the same row, in whatever order its keys are.
    RUN(s, raw(s), 0, 2, "2", "{\"c\": null, \"b\": 2}", "3", "{\"c\": 3}");
}

// What others gave a default, a NOT NULL or a part in the primary key stays with them.
static void columns_of_others(void **state) {
    struct state *s = *state;
    make(
        s,
        "CREATE TABLE t(row INTEGER PRIMARY KEY, id UNIQUE, n, made DEFAULT 'then', must NOT NULL DEFAULT 7, "
        "twice GENERATED ALWAYS AS (n * 2)); INSERT INTO t VALUES (40, 'x', 1, 'now', 8)");
    RUN(s, by_id(s), 2, 0, "a", "{\"id\": \"x\", \"n\": 2}", "b", "{\"id\": \"y\"}");
    assert_string_equal(ask(s, "SELECT * FROM t"), "40|'x'|2|'now'|8|4\n41|'y'|none|'then'|7|none\n");
    RUN(s, by_id(s), 0, 2, "a", "{\"id\": \"x\", \"n\": 2}", "b", "{\"id\": \"y\"}");
}

// Values are what the column makes of them; the same is the same type and the same bytes.
static void same_values(void **state) {
    struct state *s = *state;
    make(s,
         "CREATE TABLE t(id INTEGER PRIMARY KEY, r REAL, i INTEGER, s TEXT COLLATE NOCASE, any)"); // no type
    RUN(s, by_id(s), 1, 0, "a", "{\"id\": 1, \"r\": 3, \"i\": \"5\", \"s\": 12, \"any\": 1}");
    assert_string_equal(ask(s, "SELECT * FROM t"), "1|3.0|5|'12'|1\n");
    RUN(s, by_id(s), 0, 1, "a", "{\"id\": 1, \"r\": 3, \"i\": \"5\", \"s\": 12, \"any\": 1}");
    RUN(s, by_id(s), 1, 0, "a", "{\"id\": 1, \"r\": 3, \"i\": 5, \"s\": \"x\", \"any\": 1.0}");
    RUN(s, by_id(s), 1, 0, "a", "{\"id\": 1, \"r\": 3, \"i\": 5, \"s\": \"X\", \"any\": 1.0}");
    RUN(s, by_id(s), 0, 1, "a", "{\"id\": \"1\", \"r\": 3, \"i\": 5, \"s\": \"X\", \"any\": 1.0}");
    assert_string_equal(ask(s, "SELECT * FROM t"), "1|3.0|5|'X'|1.0\n");
}

static void several_unique_columns(void **state) {
    struct state *s = *state;
    static const struct str both[] = {{"b", 1}, {"a", 1}};
    struct sink_options options = raw(s);
    options.unique = both;
    options.unique_n = 2;
    job_open(&s->job, &emit_table, options);
    put(s, "1", "{\"a\": 1, \"b\": 1}");
    put(s, "2", "{\"a\": 1, \"b\": 2}");
    put(s, "3", "{\"a\": 1, \"b\": 1}");
    put(s, "4", "{\"c\": 5, \"B\": 2, \"A\": 1}");
    put(s, "5", "{\"a\": 2, \"b\": 1}");
    flush_refuses(s, "2: " TWICE("1, 1 (b, a)") "3: " TWICE("2, 1 (b, a)"));
    closes(s, 3, 0);
    RUN(s, options, 1, 1, "1", "{\"a\": 1, \"b\": 1}", "2", "{\"c\": 5, \"b\": 2, \"a\": 1}");
    assert_string_equal(ask(s, "SELECT * FROM t"), "1|1|none\n1|2|5\n2|1|none\n");
}

static void many_shapes(void **state) {
    struct state *s = *state;
    for (int round = 0; round < 2; round++) {
        job_open(&s->job, &emit_table, raw(s));
        char key[16], json[64];
        for (int i = 0; i < 300; i++) { // more than statements are kept, and back to old ones
            snprintf(key, sizeof key, "%d", i);
            snprintf(json, sizeof json, "{\"c%d\": %d, \"c%d\": 1}", i % 50, i, i % 50 + 50);
            put(s, key, json);
        }
        assert_int_equal(job_flush(&s->job), STATUS_OK);
        assert_int_equal(job_close(&s->job, true), STATUS_OK);
        assert_int_equal(s->job.total.written, round ? 0 : 300);
        assert_int_equal(s->job.total.unchanged, round ? 300 : 0);
    }
    assert_string_equal(ask(s, "SELECT count(*), sum(c7), sum(c57), sum(c0) FROM t"), "300|792|6|750\n");
}

// Each row has a key of its own, until there are no more columns; a row that needs none is fine still.
static void more_keys_than_columns(void **state) {
    struct state *s = *state;
    for (int there = 0; there < 2; there++) {
        if (there)
            make(s, "DROP TABLE t; CREATE TABLE t(key TEXT PRIMARY KEY)");
        job_open(&s->job, &emit_table, raw(s));
        char key[16], json[64];
        for (int i = 0; i < 2001; i++) {
            snprintf(key, sizeof key, "%d", i);
            snprintf(json, sizeof json, "{\"c0\": 0, \"C%d\": %d}", i + 1, i);
            put(s, key, json);
        }
        put(s, "two", "{\"x\": 1, \"c1998\": 2}");
        put(s, "old", "{\"c1998\": 1}");
        flush_refuses(s, "1998: the table would have more than 2,000 columns\n"
                         "1999: the table would have more than 2,000 columns\n"
                         "2000: the table would have more than 2,000 columns\n"
                         "2001: the table would have more than 2,000 columns\n");
        closes(s, 1999, 0);
        assert_string_equal(ask(s, "SELECT key, c1, c1998 FROM t WHERE c1998 > 0 OR c1 = 0"),
                            "'0'|0|none\n'1997'|none|1997\n'old'|none|1\n");
    }
}

// Which columns are left to themselves differs from row to row.
static void shapes_of_optional_columns(void **state) {
    struct state *s = *state;
    make(s, "CREATE TABLE t(id PRIMARY KEY, a DEFAULT 1, b DEFAULT 2, c)");
    for (int round = 0; round < 2; round++)
        RUN(s, by_id(s), round ? 0 : 4, round ? 4 : 0, "1", "{\"id\": 1, \"a\": 10}", "2",
            "{\"b\": 20, \"id\": 2}", "3", "{\"id\": 3, \"c\": 30, \"new\": 5}", "4",
            "{\"b\": 21, \"a\": 11, \"id\": 4}");
    assert_string_equal(ask(s, "SELECT * FROM t"),
                        "1|10|2|none|none\n2|1|20|none|none\n3|1|2|30|5\n4|11|21|none|none\n");
    RUN(s, by_id(s), 2, 0, "1", "{\"id\": 1, \"b\": 3}", "3", "{\"id\": 3}");
    assert_string_equal(ask(s, "SELECT * FROM t WHERE id IN (1, 3)"), "1|10|3|none|none\n3|1|2|none|none\n");
}

// The file ----------------------------------------------------------------------------------------------------------

static void nothing_changed(void **state) {
    struct state *s = *state;
    RUN(s, raw(s), 2, 0, "a", "{\"n\": 1, \"l\": [1, 2]}", "b", "{\"n\": 1.5}");
    struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(s->scene.root, "t.sqlite", old, 0), 0);
    struct buf before = get_file(&s->scene, "t.sqlite");
    RUN(s, raw(s), 0, 2, "a", "{\"n\": 1, \"l\": [1,2]}", "b", "{\"n\": 1.5}");
    struct buf after = get_file(&s->scene, "t.sqlite");
    struct stat st;
    assert_int_equal(fstatat(s->scene.root, "t.sqlite", &st, 0), 0);
    assert_int_equal(st.st_mtim.tv_sec, 1000);
    assert_true(str_equal(buf_str(&before), buf_str(&after)));
    buf_release(&before);
    buf_release(&after);
}

// With force all is written, also where the key is all there is, which stays as it was written first.
static void forced(void **state) {
    struct state *s = *state;
    make(s, "CREATE TABLE t(id UNIQUE COLLATE NOCASE, n)");
    struct sink_options options = by_id(s);
    RUN(s, options, 2, 0, "a", "{\"id\": \"x\", \"n\": 1}", "b", "{\"id\": \"y\"}");
    options.force = true;
    RUN(s, options, 2, 0, "a", "{\"id\": \"X\", \"n\": 1}", "b", "{\"id\": \"y\"}");
    assert_string_equal(ask(s, "SELECT * FROM t"), "'x'|1\n'y'|none\n");
    make(s, "DROP TABLE t; CREATE TABLE t(id UNIQUE COLLATE NOCASE)");
    RUN(s, options, 1, 0, "a", "{\"id\": \"x\"}");
    RUN(s, options, 1, 0, "a", "{\"id\": \"X\"}");
    assert_string_equal(ask(s, "SELECT * FROM t"), "'x'\n");
}

static void no_rows(void **state) {
    struct state *s = *state;
    job_open(&s->job, &emit_table, plain(s));
    assert_int_equal(job_flush(&s->job), STATUS_OK);
    assert_int_equal(job_close(&s->job, true), STATUS_OK);
    assert_string_equal(ask(s, "SELECT name FROM pragma_table_info('t')"), "'key'\n'text'\n");
    struct sink_options options = by_id(s);
    options.table = STR("u");
    job_open(&s->job, &emit_table, options);
    assert_int_equal(job_close(&s->job, true), STATUS_OK);
    RUN(s, options, 1, 0, "a", "{\"id\": 1, \"b\": 2}");
    assert_string_equal(ask(s, "SELECT * FROM u"), "1|2\n");
}

static void dropped(void **state) {
    struct state *s = *state;
    job_open(&s->job, &emit_table, plain(s));
    put(s, "a", "1");
    assert_int_equal(job_flush(&s->job), STATUS_OK);
    assert_int_equal(job_close(&s->job, false), STATUS_OK);
    assert_result(&s->job, 0, 0, 0);
    assert_int_equal(count_files(s->scene.root, NULL), 0); // no empty file stays behind
    RUN(s, plain(s), 1, 0, "a", "1");
    job_open(&s->job, &emit_table, plain(s));
    put(s, "a", "2");
    assert_int_equal(job_flush(&s->job), STATUS_OK);
    assert_int_equal(job_close(&s->job, false), STATUS_OK);
    assert_string_equal(ask(s, "SELECT * FROM t"), "'a'|'1'\n");
}

// Flushes share a transaction; once it has ended its rows are reported, and stay where the close drops the rest.
static void transactions(void **state) {
    struct state *s = *state;
    job_open(&s->job, &emit_table, plain(s));
    char key[16];
    for (int i = 0; i < TABLE_FILE_FLUSHES + 36; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(s, key, "text");
        assert_int_equal(job_flush(&s->job), STATUS_OK);
        assert_int_equal(s->job.total.written, i < TABLE_FILE_FLUSHES - 1 ? 0 : TABLE_FILE_FLUSHES);
    }
    assert_string_equal(ask(s, "SELECT count(*) FROM t"), "512\n");
    assert_int_equal(job_close(&s->job, false), STATUS_OK);
    assert_result(&s->job, 512, 0, 2048);
    assert_string_equal(ask(s, "SELECT count(*), max(key + 0) FROM t"), "512|511\n");
}

static void empty_file_and_durable(void **state) {
    struct state *s = *state;
    put_text(&s->scene, "t.sqlite", "");
    struct sink_options options = plain(s);
    options.durable = true;
    RUN(s, options, 1, 0, "a", "1");
    assert_string_equal(ask(s, "SELECT * FROM t"), "'a'|'1'\n");
}

// The name of a new file is synced, once there is something in it; that of one which was there is already.
static void durable_name(void **state) {
    struct state *s = *state;
    struct faulty faulty;
    struct fs fs = faulty_fs(&faulty, 0, EIO);
    struct sink_options options = plain(s);
    options.fs = &fs;
    RUN(s, options, 1, 0, "a", "1");
    assert_int_equal(faulty.syncs, 0);
    options.durable = true;
    RUN(s, options, 1, 0, "a", "2");
    assert_int_equal(faulty.syncs, 0);
    assert_int_equal(unlinkat(s->scene.root, "t.sqlite", 0), 0);
    job_open(&s->job, &emit_table, options);
    put(s, "a", "1");
    assert_int_equal(job_flush(&s->job), STATUS_OK);
    assert_int_equal(job_close(&s->job, false), STATUS_OK); // nothing is left
    assert_int_equal(faulty.syncs, 0);
    RUN(s, options, 1, 0, "a", "1");
    assert_int_equal(faulty.syncs, 1);
    assert_int_equal(unlinkat(s->scene.root, "t.sqlite", 0), 0);
    for (int call = 1; call < 3; call++) { // the directory's opening, and its sync
        job_open(&s->job, &emit_table, options);
        put(s, "a", "1");
        assert_int_equal(job_flush(&s->job), STATUS_OK);
        faulty.fail_at = faulty.calls + call;
        assert_int_equal(job_close(&s->job, true), STATUS_IO);
        assert_string_equal(s->job.err.text, "cannot write t.sqlite: Input/output error");
        assert_int_equal(faulty.open_files, 0);
        assert_int_equal(unlinkat(s->scene.root, "t.sqlite", 0), 0);
    }
}

// The database of somebody who chose a write-ahead log.
static void write_ahead_log(void **state) {
    struct state *s = *state;
    make(s, "PRAGMA journal_mode = wal; CREATE TABLE t(key TEXT PRIMARY KEY, text); INSERT INTO t VALUES "
            "('a', '1')");
    RUN(s, plain(s), 1, 1, "a", "1", "b", "2");
    assert_string_equal(ask(s, "SELECT * FROM t"), "'a'|'1'\n'b'|'2'\n");
}

static void extensions(void **state) {
    (void)state;
    assert_ptr_equal(emit_stream_for(STR("a/b.sqlite")), &emit_table);
    assert_ptr_equal(emit_stream_for(STR("b.sqlite3")), &emit_table);
    assert_ptr_equal(emit_stream_for(STR("b.db")), &emit_table);
    assert_ptr_equal(emit_stream_for(STR("b.db.zst")), &emit_table); // which refuses it
    assert_ptr_equal(emit_stream_for(STR("b.dbx")), &emit_text);
}

// Killed --------------------------------------------------------------------------------------------------------------

// A child commits more than its files may hold, and dies of it. What was there is there again.
static void killed_in_a_commit(void **state) {
    struct state *s = *state;
    RUN(s, plain(s), 2, 0, "a", "old", "b", "old");
    struct stat before, after;
    assert_int_equal(fstatat(s->scene.root, "t.sqlite", &before, 0), 0);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0}, small = {.rlim_cur = 2 << 20, .rlim_max = 2 << 20};
        setrlimit(RLIMIT_CORE, &none);
        setrlimit(RLIMIT_FSIZE, &small);
        signal(SIGXFSZ, SIG_DFL);
        job_open(&s->job, &emit_table, plain(s));
        put(s, "a", "new");
        put_many(s);
        if (job_flush(&s->job) == STATUS_OK)
            job_close(&s->job, true);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
    assert_int_equal(fstatat(s->scene.root, "t.sqlite", &after, 0), 0);
    assert_true(after.st_size > before.st_size); // it was in the middle
    assert_int_equal(count_files(s->scene.root, "-journal"), 1);
    RUN(s, plain(s), 1, 1, "a", "old", "c", "next");
    assert_string_equal(ask(s, "SELECT * FROM t"), "'a'|'old'\n'b'|'old'\n'c'|'next'\n");
    assert_string_equal(ask(s, "PRAGMA integrity_check"), "'ok'\n");
}

// Damage: rows or a sentence, whatever bytes of the file are wrong.
static void mutated(void **state) {
    struct state *s = *state;
    make(
        s,
        "PRAGMA page_size = 512; CREATE TABLE t(id INTEGER PRIMARY KEY, s, u UNIQUE); WITH RECURSIVE c(i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 200) INSERT INTO t SELECT i, printf('%050d', i), "
        "i FROM c");
    struct buf whole = get_file(&s->scene, "t.sqlite"), copy = BUF_INIT;
    uint32_t seed = 1;
    for (int round = 0; round < 200; round++) {
        buf_clear(&copy);
        buf_add(&copy, whole.p, whole.n);
        for (int i = 0; i < 1 + round % 20; i++) {
            seed = seed * 1664525 + 1013904223;
            size_t at = (seed >> 8) % (round % 3 ? whole.n : 1024);
            seed = seed * 1664525 + 1013904223;
            copy.p[at] = (char)(seed >> 24);
        }
        put_file(&s->scene, "t.sqlite", copy.p, copy.n);
        struct job job = {.kind = &emit_table};
        struct sink_options options = by_id(s);
        if (emit_table.open(&options, &job.sink, &job.err) == STATUS_OK) {
            job.lane = emit_table.lane_new(job.sink);
            assert_int_equal(job_text(&job, "a", "{\"id\": 77, \"s\": \"new\", \"more\": 1}"), STATUS_OK);
            assert_int_equal(job_text(&job, "b", "{\"id\": 7777, \"u\": 0}"), STATUS_OK);
            bool fine = job_flush(&job) == STATUS_OK;
            job_close(&job, fine);
        }
        assert_true(job.err.status == STATUS_OK || job.err.text[0]);
    }
    buf_release(&whole);
    buf_release(&copy);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(options_that_do_not_fit),
        CASE(no_database_there),
        CASE(symbolic_links),
        CASE(planted_journal),
        CASE(no_permission),
        CASE(failing_calls),
        CASE(long_paths),
        CASE(locked),
        CASE(read_meanwhile),
        CASE(interrupted),
        CASE(large_flush),
        CASE(tables_that_do_not_fit),
        CASE(constraints),
        CASE(conflict_clauses),
        CASE(references),
        CASE(triggers_that_raise),
        CASE(columns_that_cannot_be),
        CASE(values_too_long),
        CASE(one_key_twice),
        CASE(refusal_texts_last),
        CASE(keys_as_the_table_compares_them),
        CASE(many_keys),
        CASE(full_disk),
        CASE(outputs_that_are_no_rows),
        CASE(texts_that_are_no_rows),
        CASE(many_columns),
        CASE(spilled_rows),
        CASE(failing_spill),
        CASE(key_and_text),
        CASE(values_keep_their_type),
        CASE(odd_names),
        CASE(new_and_missing_columns),
        CASE(columns_of_others),
        CASE(same_values),
        CASE(several_unique_columns),
        CASE(many_shapes),
        CASE(more_keys_than_columns),
        CASE(shapes_of_optional_columns),
        CASE(nothing_changed),
        CASE(forced),
        CASE(no_rows),
        CASE(dropped),
        CASE(transactions),
        CASE(empty_file_and_durable),
        CASE(durable_name),
        CASE(write_ahead_log),
        CASE(extensions),
        CASE(killed_in_a_commit),
        CASE(mutated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
