// SPDX-License-Identifier: MIT
// SQLite as a source: what may be wrong with a database, a query or a value, and that the rows are all there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "stages/load/load.h"
#include "tests/support/scene.h"

struct run {
    struct scene scene;
    char path[300];
    struct load_options options;
    struct shapes *shapes;
    struct reader reader;
    struct batch *batch;
    atomic_bool interrupt;
    // what came of it
    struct buf log; // a line per record: "ordinal: value|value|..." or "ordinal! error"
    size_t records, batches, opens;
    enum status status;
    struct err err;
};

static int setup(void **state) {
    struct run *r = MEM_NEW(struct run);
    scene_open(&r->scene);
    snprintf(r->path, sizeof r->path, "%s/t.db", r->scene.path);
    r->shapes = shapes_new();
    reader_init(&r->reader, r->shapes, NULL);
    r->batch = batch_new();
    atomic_init(&r->interrupt, false);
    r->options = (struct load_options){.fs = &r->scene.fs,
                                       .path = r->path,
                                       .name = STR("t.db"),
                                       .shapes = r->shapes,
                                       .interrupt = &r->interrupt};
    *state = r;
    return 0;
}

static int teardown(void **state) {
    struct run *r = *state;
    batch_free(r->batch);
    reader_release(&r->reader);
    shapes_free(r->shapes);
    buf_release(&r->log);
    scene_close(&r->scene);
    mem_free(r);
    return 0;
}

static void exec(sqlite3 *db, const char *sql) {
    char *said = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &said) != SQLITE_OK)
        fail_msg("%s: %s", sql, said);
}

static sqlite3 *connect(const struct run *r) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(r->path, &db), SQLITE_OK);
    return db;
}

static void make(const struct run *r, const char *sql) {
    sqlite3 *db = connect(r);
    exec(db, sql);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void log_value(struct buf *log, struct value v) {
    switch (v.tag) {
    case VALUE_NONE:
        buf_add_text(log, "none");
        break;
    case VALUE_INT:
        buf_printf(log, "%lld", (long long)v.i);
        break;
    case VALUE_FLOAT:
        buf_printf(log, "%.17g.", v.f);
        break;
    case VALUE_STRING:
        buf_printf(log, "'%.*s'", STR_ARG(value_str(v)));
        break;
    default:
        fail_msg("a value of tag %d", v.tag);
    }
}

static void log_item(struct run *r, const struct item *item) {
    buf_printf(&r->log, "%d", (int)item->ordinal);
    assert_int_equal(item->line, 0);
    if (item->error) {
        assert_int_equal(item->record.tag, VALUE_MISSING);
        assert_int_equal(item->error->line, 0);
        assert_true(str_is(item->error->file, "t.db"));
        buf_printf(&r->log, "! %.*s\n", STR_ARG(item->error->message));
        return;
    }
    assert_int_equal(item->record.tag, VALUE_MAP);
    const struct map *map = item->record.map;
    for (uint32_t i = 0; i < map->shape->n; i++) {
        buf_printf(&r->log, "%s%.*s=", i ? "|" : ": ", STR_ARG(value_str(map->shape->keys[i])));
        log_value(&r->log, map->values[i]);
    }
    buf_add_char(&r->log, '\n');
}

static bool load_batch(struct run *r, struct loader *loader) {
    batch_clear(r->batch);
    r->status = load_pull(loader, r->batch, &r->err);
    if (r->status != STATUS_OK || r->batch->items_n == 0)
        return false;
    load_parse(loader, &r->reader, r->batch);
    for (size_t i = 0; i < r->batch->items_n; i++)
        log_item(r, &r->batch->items[i]);
    r->records += r->batch->items_n;
    r->batches++;
    return true;
}

static const char *load(struct run *r) {
    struct loader *loader;
    buf_clear(&r->log);
    r->records = r->batches = 0;
    r->status = load_open(&r->options, &loader, &r->err);
    if (r->status == STATUS_OK) {
        while (load_batch(r, loader))
            continue;
        if (r->status == STATUS_OK) { // the end stays
            assert_int_equal(load_pull(loader, r->batch, &r->err), STATUS_OK);
            assert_int_equal(r->batch->items_n, 0);
            assert_int_equal(load_bytes_read(loader), load_bytes_total(loader));
        } else { // and so does an error
            struct err again;
            assert_int_equal(load_pull(loader, r->batch, &again), r->status);
            assert_string_equal(again.text, r->err.text);
        }
        load_close(loader);
    }
    return buf_text(&r->log);
}

static void assert_rows(struct run *r, const char *expected) {
    const char *found = load(r);
    if (r->status != STATUS_OK)
        fail_msg("%s", r->err.text);
    assert_string_equal(found, expected);
}

static void assert_fault(struct run *r, enum status status, const char *text) {
    load(r);
    if (r->status == STATUS_OK)
        fail_msg("no fault, but %s", buf_text(&r->log));
    assert_string_equal(r->err.text, text);
    assert_int_equal(r->status, status);
    assert_int_equal(r->records, 0);
}

static void query(struct run *r, const char *sql) {
    r->options.query = str_of(sql);
}

static void table(struct run *r, const char *name) {
    r->options.table = str_of(name);
}

// What is no database ------------------------------------------------------------------------------------------

static void missing_file(void **state) {
    struct run *r = *state;
    assert_fault(r, STATUS_IO, "cannot open t.db: No such file or directory");
    assert_int_equal(access(r->path, F_OK), -1); // and none was made
}

static void no_regular_file(void **state) {
    struct run *r = *state;
    assert_int_equal(mkdir(r->path, 0777), 0);
    assert_fault(r, STATUS_DATA, "t.db is a directory");
    assert_int_equal(rmdir(r->path), 0);
    assert_int_equal(mkfifo(r->path, 0666), 0);
    assert_fault(r, STATUS_DATA, "t.db is not a file"); // nobody writes to the pipe, and nothing waits for it
}

static void no_database(void **state) {
    struct run *r = *state;
    put_text(&r->scene, "t.db", "");
    assert_fault(r, STATUS_DATA, "t.db is empty, not a SQLite database");
    put_text(&r->scene, "t.db", "id,name\n1,Ada\n");
    assert_fault(r, STATUS_DATA, "t.db is not a SQLite database");
    assert_file(&r->scene, "t.db", "id,name\n1,Ada\n");
}

static void standard_input_and_compressed(void **state) {
    struct run *r = *state;
    r->options.format = STR("sqlite");
    r->options.path = "-";
    assert_fault(r, STATUS_DATA, "a SQLite database cannot be read from standard input");
    r->options.format = (struct str){NULL, 0};
    r->options.path = "t.db.zst";
    assert_fault(r, STATUS_DATA, "t.db: a compressed database cannot be queried; decompress it first");
}

// Names that SQLite takes for something else are file names here.
static void special_names(void **state) {
    struct run *r = *state;
    char before[256];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(r->scene.path), 0);
    make(r, "CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    r->options.format = STR("sqlite");
    r->options.path = ":memory:";
    assert_fault(r, STATUS_IO, "cannot open t.db: No such file or directory");
    r->options.path = "file:t.db";
    assert_fault(r, STATUS_IO, "cannot open t.db: No such file or directory");
    assert_int_equal(rename("t.db", "file:t.db"), 0);
    assert_rows(r, "0: a=1\n");
    assert_int_equal(chdir(before), 0);
}

// Tables and queries that are not there, or not what they must be ------------------------------------------------

static void which_table(void **state) {
    struct run *r = *state;
    make(r, "CREATE TABLE a(x); DROP TABLE a");
    assert_fault(r, STATUS_DATA, "t.db: the database has no table");
    make(r, "CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, name); INSERT INTO customers(name) "
            "VALUES "
            "('Ada')");
    assert_rows(r, "0: id=1|name='Ada'\n"); // sqlite_sequence does not count
    make(r, "CREATE VIEW names AS SELECT name FROM customers");
    assert_fault(r, STATUS_DATA,
                 "t.db: which of its tables? Say `table` or `query`; there are customers, names");
    table(r, "names");
    assert_rows(r, "0: name='Ada'\n");
    table(r, "NAMES");
    assert_rows(r, "0: name='Ada'\n");
    table(r, "custmers");
    assert_fault(r, STATUS_DATA, "t.db: no such table: custmers; did you mean \"customers\"?");
    table(r, "zzz");
    assert_fault(r, STATUS_DATA, "t.db: no such table: zzz");
    query(r, "select 1");
    assert_fault(r, STATUS_DATA, "t.db: either a query or a table, not both");
}

static void faulty_queries(void **state) {
    static const struct {
        const char *sql, *text;
    } cases[] = {
        {"", "t.db: query: it is empty"},
        {" -- nothing\n", "t.db: query: it is empty"},
        {"selec a from t", "t.db: query: near \"selec\": syntax error"},
        {"select a,\n b\nfrom t", "t.db: query: no such column: b, near \"b\""},
        {"select a from customer", "t.db: no such table: customer; did you mean \"customers\"?"},
        {"select a from", "t.db: query: incomplete input"},
        {"select 1; select 2", "t.db: query: a query must be a single statement"},
        {"select 1; selec", "t.db: query: a query must be a single statement"},
        {"select ?", "t.db: query: a parameter has a name, such as :id"},
        {"select a from t where a = ?1", "t.db: query: a parameter has a name, such as :id"},
        {"select a from t where a = :id",
         "t.db: query: nothing gives :id a value; say it in `parameters` of the source, or in `globals`"},
        {"select a, a from t", "t.db: the column name \"a\" is there twice; name one of them with AS"},
        {"delete from t", "t.db: query: a query must be a SELECT, VALUES or WITH that writes nothing"},
        {"with x as (select 1) insert into t select * from x",
         "t.db: query: a query must be a SELECT, VALUES or WITH that writes nothing"},
        {"pragma journal_mode", "t.db: query: a query must be a SELECT, VALUES or WITH that writes nothing"},
        {"explain select 1", "t.db: query: a query must be a SELECT, VALUES or WITH that writes nothing"},
        {"attach 'x.db' as x", "t.db: query: a query must be a SELECT, VALUES or WITH that writes nothing"},
        {"begin", "t.db: query: a query must be a SELECT, VALUES or WITH that writes nothing"},
        {"commit", "t.db: query: a query must be a SELECT, VALUES or WITH that writes nothing"},
    };
    struct run *r = *state;
    make(r, "CREATE TABLE t(a); INSERT INTO t VALUES (1); CREATE TABLE customers(a)");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        query(r, cases[i].sql);
        assert_fault(r, STATUS_DATA, cases[i].text);
    }
    r->options.query = (struct str){"select 1\0, 2", 12};
    assert_fault(r, STATUS_DATA, "t.db: query: it has a NUL or is far too long");
    query(r, "select count(*) as n from t");
    assert_rows(r, "0: n=1\n");
}

static void good_queries(void **state) {
    struct run *r = *state;
    make(r, "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)");
    query(r, "/* all */ -- of them\nSELECT a FROM t ORDER BY a DESC ; ; -- that is it");
    assert_rows(r, "0: a=2\n1: a=1\n");
    query(r, "values(1,'x')");
    assert_rows(r, "0: column1=1|column2='x'\n");
    query(r, "with x(b) as (select 5) select b, a from x, t where a > 1");
    assert_rows(r, "0: b=5|a=2\n");
    query(r, "select\"a\" from t where 0");
    assert_rows(r, "");
}

// A fault in the middle of a query is the source's, after the rows before it.
static void breaks_off(void **state) {
    struct run *r = *state;
    make(r, "CREATE TABLE t(a); INSERT INTO t VALUES ('[1]'), ('[2]'), ('nonsense'), ('[4]')");
    query(r, "select json_extract(a, '$[0]') as n from t");
    assert_string_equal(load(r), "0: n=1\n1: n=2\n");
    assert_int_equal(r->status, STATUS_DATA);
    assert_string_equal(r->err.text, "t.db: malformed JSON after row 2");
}

// Values -------------------------------------------------------------------------------------------------------

static void values(void **state) {
    struct run *r = *state;
    make(r, "CREATE TABLE t(i INTEGER, r REAL, s TEXT, n); INSERT INTO t VALUES "
            "(9223372036854775807, 1.5, 'Zoë', NULL), (-9223372036854775808, 3, '', 'x'), ('abc', 'def', 12, "
            "0.5)");
    assert_rows(r, "0: i=9223372036854775807|r=1.5.|s='Zoë'|n=none\n"
                   "1: i=-9223372036854775808|r=3.|s=''|n='x'\n"
                   "2: i='abc'|r='def'|s='12'|n=0.5.\n");
}

static void faulty_values(void **state) {
    struct run *r = *state;
    make(r,
         "CREATE TABLE t(id, v); INSERT INTO t VALUES (1, 'fine'), (2, x'ff00'), (3, CAST(x'61ff' AS TEXT)), "
         "(4, 'a' || char(0) || 'b'), (5, 'fine')");
    assert_rows(r, "0: id=1|v='fine'\n"
                   "1! row 2, column \"v\": a BLOB is no text; select hex() of it, or cast it to text\n"
                   "2! row 3, column \"v\": the text is not valid UTF-8\n"
                   "3! row 4, column \"v\": the text has a NUL character\n"
                   "4: id=5|v='fine'\n");
    query(r, "select id, hex(v) as v from t where id = 2");
    assert_rows(r, "0: id=2|v='FF00'\n");
}

static void long_records(void **state) {
    struct run *r = *state;
    make(r, "CREATE TABLE t(a, b); INSERT INTO t VALUES ('12345', '67890'), ('12345', '678901'), ('', "
            "'1234567890')");
    r->options.record_bytes = 10;
    assert_rows(r, "0: a='12345'|b='67890'\n"
                   "1! row 2: the record is longer than 10 bytes (limits: record_bytes)\n"
                   "2: a=''|b='1234567890'\n");
}

static void utf16_databases(void **state) {
    struct run *r = *state;
    make(r, "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(\"größe\"); INSERT INTO t VALUES ('über 😀')");
    assert_rows(r, "0: größe='über 😀'\n");
}

static void odd_names(void **state) {
    struct run *r = *state;
    make(r, "CREATE TABLE \"a \"\"b\"\" ; drop\"(\"x y\", \"\"\"\", \"\"); INSERT INTO \"a \"\"b\"\" ; "
            "drop\" VALUES (1, 2, 3)");
    assert_rows(r, "0: x y=1|\"=2|=3\n");
    table(r, "a \"b\" ; drop");
    assert_rows(r, "0: x y=1|\"=2|=3\n");
}

// Order --------------------------------------------------------------------------------------------------------

static void in_order_of_rowid(void **state) {
    struct run *r = *state;
    // The index covers all columns, and SQLite would rather read it than the table.
    make(r, "CREATE TABLE t(a); CREATE INDEX i ON t(a); INSERT INTO t VALUES (3), (1), (2)");
    assert_rows(r, "0: a=3\n1: a=1\n2: a=2\n");
    make(r, "DROP TABLE t; CREATE TABLE t(rowid TEXT, _rowid_ TEXT); CREATE INDEX i ON t(rowid, _rowid_); "
            "INSERT INTO t VALUES ('b', '1'), ('a', '2')");
    assert_rows(r, "0: rowid='b'|_rowid_='1'\n1: rowid='a'|_rowid_='2'\n");
}

static void in_order_of_primary_key(void **state) {
    struct run *r = *state;
    make(r, "CREATE TABLE t(a, b, PRIMARY KEY(b, a)) WITHOUT ROWID; CREATE INDEX i ON t(a, b); "
            "INSERT INTO t VALUES (1, 9), (2, 8), (1, 8)");
    assert_rows(r, "0: a=1|b=8\n1: a=2|b=8\n2: a=1|b=9\n");
}

static void virtual_tables(void **state) {
    struct run *r = *state;
    make(r, "CREATE VIRTUAL TABLE notes USING fts5(text); INSERT INTO notes VALUES ('one'), ('two')");
    assert_rows(r, "0: text='one'\n1: text='two'\n");
}

// Batches ------------------------------------------------------------------------------------------------------

static void batches(void **state) {
    struct run *r = *state;
    make(
        r,
        "CREATE TABLE t(n, s); WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 999) "
        "INSERT INTO t SELECT i, printf('%0*d', i % 40, i) FROM c");
    struct buf all = BUF_INIT;
    buf_add_text(&all, load(r));
    assert_int_equal(r->records, 1000);
    static const size_t sizes[][2] = {{0, 1}, {0, 7}, {1, 0}, {2000, 0}, {1 << 20, 1000}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        r->options.batch_bytes = sizes[i][0];
        r->options.batch_records = sizes[i][1];
        assert_string_equal(load(r), buf_text(&all));
        if (sizes[i][1])
            assert_int_equal(r->batches, (1000 + sizes[i][1] - 1) / sizes[i][1]);
        else
            assert_true(r->batches > 10);
    }
    buf_release(&all);
}

// Records outlive the loader and its other batches; with more columns than shapes are shared for, too.
static void records_outlive_the_loader(void **state) {
    struct run *r = *state;
    struct buf sql = BUF_INIT;
    buf_add_text(&sql, "CREATE TABLE t(c0");
    for (int i = 1; i < 200; i++)
        buf_printf(&sql, ", c%d", i);
    buf_add_text(&sql, "); INSERT INTO t(c0, c199) VALUES ('first', 'last'), ('2', '3')");
    make(r, buf_text(&sql));
    buf_release(&sql);
    r->options.batch_records = 1;
    struct loader *loader;
    assert_int_equal(load_open(&r->options, &loader, &r->err), STATUS_OK);
    assert_int_equal(load_pull(loader, r->batch, &r->err), STATUS_OK);
    struct batch *other = batch_new();
    assert_int_equal(load_pull(loader, other, &r->err), STATUS_OK);
    batch_free(other);
    load_close(loader);
    const struct map *map = r->batch->items[0].record.map;
    assert_false(map->shape->shared);
    assert_true(str_is(value_str(map_get(map, STR("c199"))), "last"));
    assert_int_equal(map_get(map, STR("c7")).tag, VALUE_NONE);
}

static void one_shape_for_all(void **state) {
    struct run *r = *state;
    make(r, "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2), (3, 4)");
    struct loader *loader;
    assert_int_equal(load_open(&r->options, &loader, &r->err), STATUS_OK);
    assert_int_equal(load_pull(loader, r->batch, &r->err), STATUS_OK);
    assert_int_equal(r->batch->items_n, 2);
    const struct shape *shape = r->batch->items[0].record.map->shape;
    assert_true(shape->shared);
    assert_ptr_equal(r->batch->items[1].record.map->shape, shape);
    struct shape_node *node = shape_node_next(r->shapes, shapes_root(r->shapes), STR("a"));
    assert_ptr_equal(shape_node_shape(r->shapes, shape_node_next(r->shapes, node, STR("b"))), shape);
    load_close(loader);
}

// Others at the same database ------------------------------------------------------------------------------------

static void one_snapshot(void **state) {
    struct run *r = *state;
    make(r, "PRAGMA journal_mode = wal; CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3)");
    sqlite3 *writer = connect(r);
    exec(writer, "PRAGMA wal_checkpoint");
    r->options.batch_records = 1;
    struct loader *loader;
    assert_int_equal(load_open(&r->options, &loader, &r->err), STATUS_OK);
    exec(writer, "UPDATE t SET a = a + 10"); // once opened, the source sees no change
    assert_true(load_batch(r, loader));
    exec(writer, "INSERT INTO t VALUES (4); DELETE FROM t WHERE a = 12");
    while (load_batch(r, loader))
        continue;
    load_close(loader);
    assert_string_equal(buf_text(&r->log), "0: a=1\n1: a=2\n2: a=3\n");
    sqlite3_close(writer);
    r->options.batch_records = 0;
    assert_rows(r, "0: a=11\n1: a=13\n2: a=4\n");
}

static void at_the_end_the_lock_is_gone(void **state) {
    struct run *r = *state;
    make(r, "CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    struct loader *loader;
    assert_int_equal(load_open(&r->options, &loader, &r->err), STATUS_OK);
    sqlite3 *writer = connect(r);
    assert_int_equal(sqlite3_exec(writer, "INSERT INTO t VALUES (2)", NULL, NULL, NULL), SQLITE_BUSY);
    while (load_batch(r, loader))
        continue;
    assert_int_equal(sqlite3_exec(writer, "INSERT INTO t VALUES (2)", NULL, NULL, NULL), SQLITE_OK);
    load_close(loader);
    sqlite3_close(writer);
    assert_string_equal(buf_text(&r->log), "0: a=1\n");
}

static void locked(void **state) {
    struct run *r = *state;
    make(r, "CREATE TABLE t(a)");
    sqlite3 *writer = connect(r);
    exec(writer, "BEGIN EXCLUSIVE");
    atomic_store(&r->interrupt, true); // ends the waiting
    assert_fault(r, STATUS_CANCELLED, "t.db: interrupted");
    atomic_store(&r->interrupt, false);
    assert_fault(r, STATUS_CONFLICT, "t.db: another program holds a lock on the database");
    exec(writer, "COMMIT");
    sqlite3_close(writer);
    assert_rows(r, "");
}

static void unfinished_change(void **state) {
    struct run *r = *state;
    make(r, "PRAGMA page_size = 512; CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(100000))");
    sqlite3 *writer = connect(r);
    exec(writer, "PRAGMA cache_size = 2; BEGIN; UPDATE t SET a = zeroblob(200000)");
    struct buf database = get_file(&r->scene, "t.db"), journal = get_file(&r->scene, "t.db-journal");
    assert_true(journal.n > 0);
    sqlite3_close(writer);
    memcpy(journal.p, "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8); // what a sync would have written
    put_file(&r->scene, "t.db", database.p, database.n);
    put_file(&r->scene, "t.db-journal", journal.p, journal.n);
    buf_release(&database);
    buf_release(&journal);
    load(r);
    assert_int_equal(r->status, STATUS_DATA);
    assert_non_null(strstr(r->err.text, "left in the middle of a change"));
}

// A log that nobody closed, in a directory where nothing can be written.
static void log_that_cannot_be_read(void **state) {
    struct run *r = *state;
    make(r, "PRAGMA journal_mode = wal; CREATE TABLE t(a)");
    assert_int_equal(chmod(r->path, 0444), 0);
    assert_int_equal(chmod(r->scene.path, 0555), 0);
    bool root = geteuid() == 0; // for whom nothing is read-only
    assert_int_equal(root ? seteuid(65534) : 0, 0);
    load(r);
    assert_int_equal(root ? seteuid(0) : 0, 0);
    assert_int_equal(chmod(r->scene.path, 0755), 0);
    assert_int_equal(r->status, STATUS_IO);
    assert_non_null(
        strstr(r->err.text, "t.db: the database has a write-ahead log, and what reading it needs"));
}

static void interrupted_query(void **state) {
    struct run *r = *state;
    make(r, "CREATE TABLE t(a)");
    query(r, "with recursive c(i) as (select 1 union all select i + 1 from c) select i from c where i < 0");
    struct loader *loader;
    assert_int_equal(load_open(&r->options, &loader, &r->err), STATUS_OK);
    atomic_store(&r->interrupt, true);
    assert_int_equal(load_pull(loader, r->batch, &r->err), STATUS_CANCELLED);
    assert_string_equal(r->err.text, "t.db: interrupted");
    load_close(loader);
}

// Damage -------------------------------------------------------------------------------------------------------

static struct buf make_large(struct run *r) {
    make(r, "PRAGMA page_size = 512; CREATE TABLE t(n INTEGER PRIMARY KEY, s TEXT); WITH RECURSIVE c(i) AS "
            "(SELECT 1 "
            "UNION ALL SELECT i + 1 FROM c WHERE i < 500) INSERT INTO t SELECT i, printf('%050d', i) FROM c");
    return get_file(&r->scene, "t.db");
}

static void truncated(void **state) {
    struct run *r = *state;
    struct buf whole = make_large(r);
    put_file(&r->scene, "t.db", whole.p, whole.n / 2 / 512 * 512);
    load(r);
    assert_int_equal(r->status, STATUS_DATA);
    assert_non_null(strstr(r->err.text, "t.db: the database is damaged"));
    buf_release(&whole);
}

static void damaged_in_the_middle(void **state) {
    struct run *r = *state;
    struct buf whole = make_large(r);
    memset(whole.p + whole.n / 2 / 512 * 512, 0xA5, 512);
    put_file(&r->scene, "t.db", whole.p, whole.n);
    load(r);
    assert_int_equal(r->status, STATUS_DATA);
    assert_non_null(strstr(r->err.text, "t.db: the database is damaged after row "));
    assert_true(r->records > 50 && r->records < 450); // those before it are there
    buf_release(&whole);
}

// Whatever bytes are wrong: rows, failed rows or a sentence, never more rows than could be there, and an end.
static void mutated(void **state) {
    struct run *r = *state;
    struct buf whole = make_large(r), copy = BUF_INIT;
    uint32_t seed = 1;
    for (int round = 0; round < 300; round++) {
        buf_clear(&copy);
        buf_add(&copy, whole.p, whole.n);
        for (int i = 0; i < 1 + round % 20; i++) {
            seed = seed * 1664525 + 1013904223;
            size_t at = (seed >> 8) % (round % 3 ? whole.n : 1024); // often in the header and the schema
            seed = seed * 1664525 + 1013904223;
            copy.p[at] = (char)(seed >> 24);
        }
        put_file(&r->scene, "t.db", copy.p, copy.n);
        r->err.text[0] = 0;
        load(r);
        assert_true(r->records < 100000);
        assert_true(r->status == STATUS_OK || r->err.text[0] != 0);
    }
    buf_release(&whole);
    buf_release(&copy);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(missing_file),
        CASE(no_regular_file),
        CASE(no_database),
        CASE(standard_input_and_compressed),
        CASE(special_names),
        CASE(which_table),
        CASE(faulty_queries),
        CASE(good_queries),
        CASE(breaks_off),
        CASE(values),
        CASE(faulty_values),
        CASE(long_records),
        CASE(utf16_databases),
        CASE(odd_names),
        CASE(in_order_of_rowid),
        CASE(in_order_of_primary_key),
        CASE(virtual_tables),
        CASE(batches),
        CASE(records_outlive_the_loader),
        CASE(one_shape_for_all),
        CASE(one_snapshot),
        CASE(at_the_end_the_lock_is_gone),
        CASE(locked),
        CASE(unfinished_change),
        CASE(log_that_cannot_be_read),
        CASE(interrupted_query),
        CASE(truncated),
        CASE(damaged_in_the_middle),
        CASE(mutated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
