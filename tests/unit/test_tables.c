// SPDX-License-Identifier: MIT
// Several sinks that write tables of one SQLite database: what one of them meets, and what becomes of the others'.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "stages/emit/table_file.h"
#include "tests/support/emit_job.h"

struct state {
    struct scene scene;
    struct job a, b, c;
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

static sqlite3 *connect(const struct state *s) {
    char path[300];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/t.sqlite", s->scene.path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static void make(const struct state *s, const char *sql) {
    sqlite3 *db = connect(s);
    char *said = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &said) != SQLITE_OK)
        fail_msg("%s: %s", sql, said);
    sqlite3_close(db);
}

// A query's rows as "a|b\n".
static const char *ask(struct state *s, const char *sql) {
    sqlite3 *db = connect(s);
    sqlite3_stmt *stmt;
    buf_clear(&s->rows);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            const char *text = (const char *)sqlite3_column_text(stmt, i);
            buf_printf(&s->rows, "%s%s", i ? "|" : "", text ? text : "none");
        }
        buf_add_char(&s->rows, '\n');
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return buf_text(&s->rows);
}

static bool is_there(const struct state *s) {
    return faccessat(s->scene.root, "t.sqlite", F_OK, 0) == 0;
}

static struct sink_options in_table(const struct state *s, const char *table, struct sink *beside) {
    struct sink_options options = options_for(&s->scene, "t.sqlite", "");
    options.table = str_of(table);
    options.beside = beside;
    return options;
}

static void open_tables(struct state *s) {
    job_open(&s->a, &emit_table, in_table(s, "a", NULL));
    job_open(&s->b, &emit_table, in_table(s, "b", s->a.sink));
}

// One row, flushed.
static void put(struct job *job, const char *key, const char *text) {
    if (job_text(job, key, text) != STATUS_OK || job_flush(job) != STATUS_OK)
        fail_msg("%s", job->err.text);
}

static void closes(struct job *job, bool publish, uint64_t written) {
    if (job_close(job, publish) != STATUS_OK)
        fail_msg("%s", job->err.text);
    assert_int_equal(job->total.written, written);
}

static void fails(struct job *job, const char *text) {
    assert_int_not_equal(job_close(job, true), STATUS_OK);
    assert_string_equal(job->err.text, text);
}

#define INCOMPLETE "t.sqlite is incomplete: earlier rows of it could not be written"

// What goes wrong ---------------------------------------------------------------------------------------------------

static void refuses(struct state *s, const char *table, const char *text) {
    struct sink_options options = in_table(s, table, s->a.sink);
    struct sink *sink;
    struct err err;
    assert_int_equal(emit_table.open(&options, &sink, &err), STATUS_DATA);
    assert_string_equal(err.text, text);
}

static void tables_that_cannot_be_beside(void **state) {
    struct state *s = *state;
    job_open(&s->a, &emit_table, in_table(s, "a", NULL));
    refuses(s, "A", "cannot write t.sqlite: another output is written to the same table");
    refuses(s, "", "cannot write t.sqlite: the table needs a name, without a NUL");
    assert_true(is_there(s));
    closes(&s->a, true, 0);
    make(s, "CREATE VIEW v AS SELECT 1 AS key");
    job_open(&s->a, &emit_table, in_table(s, "a", NULL));
    put(&s->a, "1", "x");
    refuses(s, "v", "cannot write t.sqlite: \"v\" is a view, not a table");
    put(&s->a, "2", "x");
    closes(&s->a, true, 2);
}

// Whoever had rows in the transaction that was lost is told; whoever had none has lost nothing.
static void lost_transaction(void **state) {
    struct state *s = *state;
    make(s, "CREATE TABLE a(key TEXT PRIMARY KEY, text); CREATE TRIGGER r AFTER INSERT ON a WHEN NEW.text = "
            "'bad' "
            "BEGIN SELECT RAISE(ROLLBACK, 'undone'); END");
    open_tables(s);
    job_open(&s->c, &emit_table, in_table(s, "c", s->b.sink));
    put(&s->c, "1", "x");
    char key[16];
    for (int i = 0; i < TABLE_FILE_FLUSHES - 1; i++) { // fills the transaction
        snprintf(key, sizeof key, "%d", i);
        put(&s->a, key, "x");
    }
    put(&s->b, "2", "x");
    assert_int_equal(job_text(&s->a, "bad", "bad"), STATUS_OK);
    assert_int_equal(job_flush(&s->a), STATUS_DATA);
    assert_string_equal(s->a.err.text, "cannot write t.sqlite: undone");
    assert_int_equal(job_text(&s->b, "3", "x"), STATUS_OK);
    assert_int_equal(job_flush(&s->b), STATUS_IO);
    assert_string_equal(s->b.err.text, INCOMPLETE);
    fails(&s->a, INCOMPLETE);
    fails(&s->b, INCOMPLETE);
    closes(&s->c, true, 1);
    assert_string_equal(ask(s, "SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM c)"), "511|1\n");
    assert_string_equal(ask(s, "SELECT name FROM sqlite_schema WHERE name = 'b'"), "");
}

// The commit is what fails, at one's close; the other one has rows in it, and a third has none, but needs its table.
static void failing_commit(void **state) {
    struct state *s = *state;
    make(s,
         "CREATE TABLE p(id PRIMARY KEY); CREATE TABLE a(key TEXT PRIMARY KEY, text REFERENCES p DEFERRABLE "
         "INITIALLY DEFERRED)");
    for (int publish = 0; publish < 2; publish++) {
        open_tables(s);
        job_open(&s->c, &emit_table, in_table(s, "c", s->a.sink));
        put(&s->b, "1", "x");
        put(&s->a, "1", "nobody's");
        assert_int_equal(job_close(&s->a, publish), STATUS_DATA);
        assert_string_equal(s->a.err.text, "cannot write t.sqlite: FOREIGN KEY constraint failed");
        fails(&s->c, INCOMPLETE);
        fails(&s->b, INCOMPLETE);
        assert_string_equal(ask(s, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"), "2\n");
        assert_int_equal(count_files(s->scene.root, "-journal"), 0);
    }
}

// Whichever is dropped first: the file stays for the others, and goes with the last if it is still empty.
static void dropped_and_empty(void **state) {
    struct state *s = *state;
    for (int first = 0; first < 2; first++) {
        open_tables(s);
        put(first ? &s->b : &s->a, "1", "x");
        closes(first ? &s->b : &s->a, false, 0);
        assert_true(is_there(s));
        closes(first ? &s->a : &s->b, false, 0);
        assert_int_equal(count_files(s->scene.root, NULL), 0);
    }
}

// Rows of the one that is dropped are undone where nobody else is in the transaction.
static void dropped_alone(void **state) {
    struct state *s = *state;
    open_tables(s);
    put(&s->a, "1", "x");
    closes(&s->a, false, 0);
    put(&s->b, "1", "y");
    put(&s->b, "2", "y");
    closes(&s->b, true, 2);
    assert_string_equal(ask(s, "SELECT name FROM sqlite_schema WHERE type = 'table'"), "b\n");
    assert_string_equal(ask(s, "SELECT * FROM b"), "1|y\n2|y\n");
}

// Else all is committed and told, in whatever order they came.
static void dropped_beside_another(void **state) {
    struct state *s = *state;
    open_tables(s);
    put(&s->b, "1", "y");
    put(&s->a, "1", "x");
    put(&s->b, "2", "y");
    closes(&s->a, false, 1);
    assert_string_equal(ask(s, "SELECT count(*) FROM b"), "2\n");
    put(&s->b, "3", "y");
    assert_int_equal(s->b.total.written, 2);
    closes(&s->b, false, 2); // alone by now
    assert_string_equal(ask(s, "SELECT * FROM a"), "1|x\n");
    assert_string_equal(ask(s, "SELECT * FROM b"), "1|y\n2|y\n");
}

// All that one had to put was refused, but its table got a column, which must not be taken from it.
static void dropped_beside_refused_rows(void **state) {
    struct state *s = *state;
    make(s, "CREATE TABLE b(key TEXT PRIMARY KEY, n CHECK (n < 5))");
    struct sink_options options = in_table(s, "b", NULL);
    options.raw = true;
    job_open(&s->b, &emit_table, options);
    job_open(&s->a, &emit_table, in_table(s, "a", s->b.sink));
    put(&s->a, "1", "x");
    put(&s->b, "1", "{\"n\": 9, \"new\": 1}");
    closes(&s->a, false, 1);
    put(&s->b, "2", "{\"n\": 1, \"new\": 2}");
    closes(&s->b, true, 1);
    assert_string_equal(ask(s, "SELECT * FROM b"), "2|1|2\n");
}

// What goes well ----------------------------------------------------------------------------------------------------

static void side_by_side(void **state) {
    struct state *s = *state;
    for (int round = 0; round < 2; round++) {
        open_tables(s);
        put(&s->a, "1", "x");
        put(&s->b, "1", "y"); // a key of its own table
        put(&s->a, "2", "x");
        closes(&s->a, true, round ? 0 : 2);
        put(&s->b, "2", "y");
        closes(&s->b, true, round ? 0 : 2);
        assert_int_equal(s->a.total.unchanged, round ? 2 : 0);
        assert_int_equal(s->b.total.unchanged, round ? 2 : 0);
        assert_string_equal(ask(s, "SELECT a.key, a.text, b.text FROM a JOIN b USING (key)"),
                            "1|x|y\n2|x|y\n");
        assert_int_equal(count_files(s->scene.root, "-journal"), 0);
    }
}

static void no_rows(void **state) {
    struct state *s = *state;
    open_tables(s);
    closes(&s->b, true, 0);
    closes(&s->a, true, 0);
    assert_string_equal(ask(s, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1"), "a\nb\n");
}

// Whose rows were committed by the other's flush is told by its own next one, of no rows, or by its close.
static void counts_come_later(void **state) {
    struct state *s = *state;
    char key[16];
    open_tables(s);
    put(&s->a, "1", "x");
    for (int i = 0; i < TABLE_FILE_FLUSHES - 1; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(&s->b, key, "y");
    }
    assert_int_equal(s->b.total.written, TABLE_FILE_FLUSHES - 1);
    assert_int_equal(s->a.total.written, 0);
    assert_int_equal(job_flush(&s->a), STATUS_OK);
    assert_result(&s->a, 1, 0, 1);
    put(&s->a, "2", "x");
    assert_int_equal(s->a.total.written, 1);
    for (int i = TABLE_FILE_FLUSHES - 1; i < 2 * TABLE_FILE_FLUSHES - 2; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(&s->b, key, "y");
    }
    closes(&s->a, false, 2); // committed is committed
    closes(&s->b, true, 2 * TABLE_FILE_FLUSHES - 2);
    assert_string_equal(ask(s, "SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)"), "2|1022\n");
}

// Threads -----------------------------------------------------------------------------------------------------------

// So many flushes that each alone has ended a transaction, with its table in it, before it is done.
enum { THREADS = 3, FLUSHES = TABLE_FILE_FLUSHES + 50, ROWS = 10 };

struct writing {
    pthread_t thread;
    struct job job;
    bool publish;
    size_t refused;
    enum status status;
};

// Every flush has one row with the key of the flush before.
static void *write_rows(void *self) {
    struct writing *w = self;
    char key[16];
    for (int flush = 0; flush < FLUSHES && w->status == STATUS_OK; flush++) {
        for (int row = 0; row < ROWS && w->status == STATUS_OK; row++) {
            snprintf(key, sizeof key, "%d", flush * (ROWS - 1) + row);
            w->status = job_text(&w->job, key, "text");
        }
        struct lane_result result;
        if (w->status == STATUS_OK)
            w->status = emit_table.flush(w->job.lane, &result, &w->job.err);
        if (w->status != STATUS_OK)
            break;
        w->refused += result.refusals_n;
        w->job.total.written += result.written;
    }
    if (w->status == STATUS_OK)
        w->status = job_close(&w->job, w->publish);
    return NULL;
}

// The last one is dropped in the end: what stays of it is what it told.
static void from_threads(void **state) {
    struct state *s = *state;
    struct writing writing[THREADS] = {0};
    char name[16], sql[64], count[32];
    for (int i = 0; i < THREADS; i++) {
        snprintf(name, sizeof name, "t%d", i);
        job_open(&writing[i].job, &emit_table, in_table(s, name, i ? writing[i - 1].job.sink : NULL));
        writing[i].publish = i < THREADS - 1;
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&writing[i].thread, NULL, write_rows, &writing[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(writing[i].thread, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        if (writing[i].status != STATUS_OK)
            fail_msg("%s", writing[i].job.err.text);
        assert_int_equal(writing[i].refused, FLUSHES - 1);
        if (writing[i].publish)
            assert_int_equal(writing[i].job.total.written, FLUSHES * (ROWS - 1) + 1);
        snprintf(sql, sizeof sql, "SELECT count(*) FROM t%d", i);
        snprintf(count, sizeof count, "%d\n", (int)writing[i].job.total.written);
        assert_string_equal(ask(s, sql), count);
    }
    assert_int_equal(count_files(s->scene.root, "-journal"), 0);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(tables_that_cannot_be_beside),
        CASE(lost_transaction),
        CASE(failing_commit),
        CASE(dropped_and_empty),
        CASE(dropped_alone),
        CASE(dropped_beside_another),
        CASE(dropped_beside_refused_rows),
        CASE(side_by_side),
        CASE(no_rows),
        CASE(counts_come_later),
        CASE(from_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
