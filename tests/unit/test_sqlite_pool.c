// SPDX-License-Identifier: MIT
// Several connections to one database: what they read together is what one reads, in its order, of one state.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "stages/load/load.h"
#include "stages/load/sqlite/sqlite_connection.h"
#include "stages/load/sqlite/sqlite_pool.h"
#include "tests/support/scene.h"

struct run {
    struct scene scene;
    char path[300];
    struct load_options options;
    struct shapes *shapes;
    struct batch *batch;
    struct buf log; // a line per record: "ordinal: value|value|..." or "ordinal! error"
    uint64_t records;
    int64_t sum; // of the column "v"
    uint64_t seed;
    enum status status;
    struct err err;
};

static int setup(void **state) {
    struct run *r = MEM_NEW(struct run);
    scene_open(&r->scene);
    snprintf(r->path, sizeof r->path, "%s/t.db", r->scene.path);
    r->shapes = shapes_new();
    r->batch = batch_new();
    r->options =
        (struct load_options){.fs = &r->scene.fs, .path = r->path, .name = STR("t.db"), .shapes = r->shapes};
    *state = r;
    return 0;
}

static int teardown(void **state) {
    struct run *r = *state;
    batch_free(r->batch);
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

static struct sqlite_pools *pools_of(uint32_t most) {
    const struct clock clock = clock_system();
    return sqlite_pools_new(&(struct sqlite_pool_limits){1, most, 1000}, &clock);
}

static struct sqlite_pool_statistics statistics(struct sqlite_pools *pools) {
    struct sqlite_pool_statistics s;
    assert_true(sqlite_pools_look(pools, 0, &s));
    return s;
}

// Reading --------------------------------------------------------------------------------------------------------

static void log_value(struct buf *log, struct value v) {
    if (v.tag == VALUE_INT)
        buf_printf(log, "|%lld", (long long)v.i);
    else if (v.tag == VALUE_FLOAT)
        buf_printf(log, "|%.17g.", v.f);
    else if (v.tag == VALUE_STRING)
        buf_printf(log, "|'%.*s'", STR_ARG(value_str(v)));
    else
        buf_add_text(log, "|none");
}

static void log_item(struct run *r, const struct item *item) {
    assert_int_equal(item->ordinal, r->records);
    r->records++;
    if (item->error) {
        buf_printf(&r->log, "! %.*s\n", STR_ARG(item->error->message));
        return;
    }
    const struct map *map = item->record.map;
    for (uint32_t i = 0; i < map->shape->n; i++)
        log_value(&r->log, map->values[i]);
    buf_add_char(&r->log, '\n');
    const struct value v = map_get(map, STR("v"));
    r->sum += v.tag == VALUE_INT ? v.i : 0;
}

// Pieces are done by threads of their own, as they would be by workers.
enum { THREADS = 3 };
struct crew {
    struct loader *loader;
    pthread_t threads[THREADS];
    sem_t pieces;
    atomic_bool over;
};

static void *read_ahead(void *self) {
    struct crew *crew = self;
    for (;;) {
        sem_wait(&crew->pieces);
        if (atomic_load(&crew->over))
            return NULL;
        load_ahead(crew->loader);
    }
}

static void crew_begin(struct crew *crew, struct loader *loader) {
    crew->loader = loader;
    atomic_init(&crew->over, false);
    assert_int_equal(sem_init(&crew->pieces, 0, 0), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&crew->threads[i], NULL, read_ahead, crew), 0);
}

static void crew_end(struct crew *crew) {
    atomic_store(&crew->over, true);
    for (int i = 0; i < THREADS; i++)
        sem_post(&crew->pieces);
    for (int i = 0; i < THREADS; i++)
        pthread_join(crew->threads[i], NULL);
    sem_destroy(&crew->pieces);
}

static void ask_for_pieces(struct crew *crew) {
    for (uint32_t n = load_ahead_wanted(crew->loader); n > 0; n--)
        sem_post(&crew->pieces);
}

static bool take_batch(struct run *r, struct loader *loader) {
    batch_clear(r->batch);
    const struct arena_asked asked = arena_asked(&r->batch->arena);
    r->status = load_pull(loader, r->batch, &r->err);
    assert_true(arena_asked(&r->batch->arena).pieces - asked.pieces < 100 * (r->batch->items_n + 1));
    for (size_t i = 0; i < r->batch->items_n; i++)
        log_item(r, &r->batch->items[i]);
    return r->status == STATUS_OK && r->batch->items_n > 0;
}

static void read_all(struct run *r, struct loader *loader, bool ahead) {
    struct crew crew;
    buf_clear(&r->log);
    r->records = 0;
    r->sum = 0;
    if (ahead)
        crew_begin(&crew, loader);
    do {
        while (ahead && !load_ready(loader)) {
            ask_for_pieces(&crew);
            sched_yield();
        }
        if (ahead)
            ask_for_pieces(&crew);
    } while (take_batch(r, loader));
    if (ahead)
        crew_end(&crew);
}

static const char *load(struct run *r, struct sqlite_pools *pools, bool ahead) {
    struct loader *loader;
    r->options.pools = pools;
    r->status = load_open(&r->options, &loader, &r->err);
    if (r->status != STATUS_OK)
        return "";
    read_all(r, loader, ahead);
    load_close(loader);
    return buf_text(&r->log);
}

// One connection, several without anybody reading ahead, several at once: all the same. Returns the ranges of the last.
static uint64_t assert_alike(struct run *r) {
    static const struct {
        uint32_t most;
        bool ahead;
    } ways[] = {{1, true}, {3, false}, {3, true}, {16, true}};
    struct buf expected = BUF_INIT;
    uint64_t ranges = 0;
    buf_add_text(&expected, load(r, NULL, false));
    const enum status status = r->status;
    const struct err err = r->err;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct sqlite_pools *pools = pools_of(ways[i].most);
        assert_string_equal(load(r, pools, ways[i].ahead), buf_text(&expected));
        assert_int_equal(r->status, status);
        if (status != STATUS_OK)
            assert_string_equal(r->err.text, err.text);
        ranges = statistics(pools).ranges;
        assert_true(statistics(pools).opened <= ways[i].most);
        sqlite_pools_free(pools);
    }
    buf_release(&expected);
    return ranges;
}

// Ranges ---------------------------------------------------------------------------------------------------------

#define COUNT_TO(n) "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < " #n ") "

static void tables_by_rowid(void **state) {
    struct run *r = *state;
    r->options.batch_records = 100;
    make(r, "CREATE TABLE t(v, s); " COUNT_TO(5000) "INSERT INTO t SELECT i, 'row ' || i FROM c");
    assert_true(assert_alike(r) >= 40);
    assert_int_equal(r->records, 5000);
    // gaps, and ids at both ends of what there is
    make(
        r,
        "DELETE FROM t WHERE rowid % 7 < 3 OR rowid BETWEEN 1000 AND 3000; INSERT INTO t(rowid, v) VALUES "
        "(-9223372036854775808, 1), (-9223372036854775807, 2), (9223372036854775807, 3), (4000000000000, 4)");
    assert_alike(r);
    assert_true(r->records > 1000);
    // an INTEGER PRIMARY KEY is the rowid, and tables without one have another key
    make(r, "DROP TABLE t; CREATE TABLE t(id INTEGER PRIMARY KEY, v); " COUNT_TO(
                3000) "INSERT INTO t SELECT i * 1000003 % 7919 - 4000, i FROM c WHERE i * 1000003 % 7919 NOT "
                      "NULL");
    assert_true(assert_alike(r) > 10);
    make(r, "DROP TABLE t; CREATE TABLE t(name TEXT PRIMARY KEY, v) WITHOUT ROWID; " COUNT_TO(
                3000) "INSERT INTO t SELECT printf('%x', i * 7919), i FROM c");
    assert_true(assert_alike(r) > 10);
}

static void small_and_empty(void **state) {
    struct run *r = *state;
    make(r, "CREATE TABLE t(v)");
    assert_int_equal(assert_alike(r), 0);
    make(r, "INSERT INTO t VALUES (1), (2)");
    assert_int_equal(assert_alike(r), 0); // not worth it
    r->options.split = STR("v");
    make(r, "CREATE INDEX i ON t(v)");
    assert_true(assert_alike(r) > 0);
    make(r, "DELETE FROM t");
    assert_alike(r);
    make(r, "INSERT INTO t VALUES (NULL), (NULL)");
    assert_alike(r);
    assert_int_equal(r->records, 2);
}

// Keys that are not there, that come again, and that are of several kinds.
static void keys_of_all_kinds(void **state) {
    struct run *r = *state;
    r->options.batch_records = 50;
    r->options.split = STR("K");
    make(r,
         "CREATE TABLE t(k, v); CREATE INDEX i ON t(k); " COUNT_TO(
             3000) "INSERT INTO t SELECT CASE i % 6 WHEN 0 THEN NULL WHEN 1 THEN i % 40 WHEN 2 THEN i / 7.0 "
                   "ELSE i % 500 END, i FROM c");
    assert_true(assert_alike(r) > 10);
    assert_int_equal(r->records, 3000);
    make(r, "INSERT INTO t SELECT 'key ' || v % 300, v FROM t; INSERT INTO t VALUES (x'00', 1), (-1e999, 2), "
            "(1e999, 3)");
    assert_true(assert_alike(r) > 10);
    assert_int_equal(r->records, 6003);
    make(r, "DROP TABLE t; CREATE TABLE t(k TEXT COLLATE NOCASE, v); CREATE INDEX i ON t(k); " COUNT_TO(
                2000) "INSERT INTO t SELECT char(65 + i % 26 + i / 26 % 2 * 32) || i % 90, i FROM c");
    assert_alike(r);
    assert_int_equal(r->records, 2000);
    make(r, "UPDATE t SET k = 'same'"); // one range has them all
    assert_alike(r);
    assert_int_equal(r->records, 2000);
}

static void queries(void **state) {
    struct run *r = *state;
    make(r, "CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE u(t INTEGER, name); CREATE INDEX i ON "
            "u(t); " COUNT_TO(3000) "INSERT INTO t SELECT i, i % 10 FROM c; INSERT INTO u SELECT id, 'a' || "
                                    "id FROM t UNION ALL "
                                    "SELECT id, 'b' FROM t WHERE id % 3 = 0");
    r->options.batch_records = 100;
    r->options.split = STR("id");
    r->options.query = STR("select t.id, v, name from t join u on u.t = t.id where v < 8; -- all of them");
    assert_true(assert_alike(r) > 10);
    r->options.query = STR("select id, v, (select count(*) from u where u.t = t.id) as n from t");
    assert_true(assert_alike(r) > 10);
    // bounds of its own, which ranges must not be read from or to
    r->options.query = STR("select id, v from t where id <= 2900 and id >= 100 and id < 2950");
    assert_true(assert_alike(r) > 10);
    assert_int_equal(r->records, 2801);
    r->options.query =
        STR("select id, v, (select count(*) from u where u.t = t.id) as n from t where id between :a and :b");
    struct value parameters[] = {value_int(7), value_int(2000)},
                 names[] = {value_string(STR("a")), value_string(STR("b"))};
    struct map map = {.shape = shapes_of_names(r->shapes, names, 2), .values = parameters};
    r->options.parameters = value_map(&map);
    assert_true(assert_alike(r) > 10);
    assert_int_equal(r->records, 1994);
    struct loader *loader;
    struct sqlite_pools *pools = pools_of(2);
    r->options.pools = pools;
    r->options.query = STR("select v as id, count(*) as v from t group by 1");
    assert_int_equal(load_open(&r->options, &loader, &r->err), STATUS_OK);
    assert_string_equal(load_remark(loader),
                        "split: no index leads to its ranges, so it is read by one connection");
    load_close(loader);
    sqlite_pools_free(pools);
    assert_int_equal(assert_alike(r), 0);
    assert_int_equal(r->records, 10);
    r->options.split = STR("idd");
    load(r, NULL, false);
    assert_string_equal(r->err.text, "t.db: split: there is no column \"idd\"; did you mean \"id\"?");
    r->options.split = STR("rowid");
    load(r, NULL, false);
    assert_string_equal(r->err.text, "t.db: split: there is no column \"rowid\"");
}

static void faults(void **state) {
    struct run *r = *state;
    r->options.batch_records = 64;
    make(r, "CREATE TABLE t(v); " COUNT_TO(
                4000) "INSERT INTO t SELECT CASE WHEN i % 611 = 0 THEN x'01' ELSE i END "
                      "FROM c");
    assert_alike(r);
    assert_non_null(strstr(buf_text(&r->log), "! row 611, column \"v\": a BLOB is no text"));
    assert_non_null(strstr(buf_text(&r->log), "! row 3666, column \"v\": a BLOB is no text"));
    make(r, "DROP TABLE t; CREATE TABLE t(id INTEGER PRIMARY KEY, v); " COUNT_TO(
                4000) "INSERT INTO t SELECT i, CASE i WHEN 2500 THEN 'nonsense' ELSE '[1]' END FROM c");
    r->options.query = STR("select id, json_extract(v, '$[0]') as v from t");
    r->options.split = STR("id");
    assert_alike(r);
    assert_int_equal(r->status, STATUS_DATA);
    assert_string_equal(r->err.text, "t.db: malformed JSON after row 2499");
}

static uint64_t draw(struct run *r, uint64_t n) {
    r->seed = r->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (r->seed >> 33) % n;
}

// A key as nobody would think of: crowds, gaps, ends, strangers.
static void bind_key(struct run *r, sqlite3_stmt *stmt, uint64_t kinds) {
    char text[32];
    const int64_t crowd = (int64_t)draw(r, 5) * INT64_C(1000000007) - INT64_C(2000000000);
    switch (draw(r, kinds)) {
    case 0:
        sqlite3_bind_int64(stmt, 1, crowd + (int64_t)draw(r, 50));
        break;
    case 1:
        sqlite3_bind_int64(stmt, 1, (int64_t)draw(r, 1 << 20) - (1 << 19));
        break;
    case 2:
        sqlite3_bind_int64(stmt, 1,
                           draw(r, 2) ? INT64_MAX - (int64_t)draw(r, 3) : INT64_MIN + (int64_t)draw(r, 3));
        break;
    case 3:
        sqlite3_bind_null(stmt, 1);
        break;
    case 4:
        sqlite3_bind_double(stmt, 1, (double)draw(r, 1000) / 8 - 60);
        break;
    default:
        snprintf(text, sizeof text, "%c%u", (int)('A' + draw(r, 60)), (unsigned)draw(r, 300));
        sqlite3_bind_text(stmt, 1, text, -1, SQLITE_TRANSIENT);
    }
}

static void keys_at_random(void **state) {
    enum { ROUNDS = 10 };
    struct run *r = *state;
    r->seed = 7;
    r->options.split = STR("k");
    for (int round = 0; round < ROUNDS; round++) {
        sqlite3 *db = connect(r);
        sqlite3_stmt *stmt;
        exec(db, "DROP TABLE IF EXISTS t; CREATE TABLE t(k, v); BEGIN");
        assert_int_equal(
            sqlite3_prepare_v2(db, "INSERT INTO t VALUES (?1, random() % 1000)", -1, &stmt, NULL), SQLITE_OK);
        const uint64_t kinds = 1 + draw(r, 6), n = draw(r, 1500);
        for (uint64_t i = 0; i < n; i++) {
            bind_key(r, stmt, kinds);
            assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
            sqlite3_reset(stmt);
        }
        sqlite3_finalize(stmt);
        exec(db, draw(r, 2) ? "CREATE INDEX i ON t(k); COMMIT" : "CREATE INDEX i ON t(k DESC); COMMIT");
        sqlite3_close(db);
        r->options.batch_records = 10 + draw(r, 200);
        r->options.batch_bytes = draw(r, 2) ? 0 : 500 + draw(r, 4000);
        assert_alike(r);
        assert_int_equal(r->records, n);
    }
}

// One state of the database ----------------------------------------------------------------------------------------

struct writer {
    struct run *run;
    atomic_bool stop;
    atomic_uint commits;
};

// Never changes the sum.
static void *write_on(void *self) {
    struct writer *w = self;
    sqlite3 *db = connect(w->run);
    sqlite3_busy_timeout(db, 10000);
    for (unsigned i = 0; !atomic_load(&w->stop); i++) {
        char sql[200];
        snprintf(sql, sizeof sql,
                 "BEGIN IMMEDIATE; UPDATE t SET v = v + %u WHERE rowid = %u; UPDATE t SET v = v - %u WHERE "
                 "rowid = %u; "
                 "COMMIT",
                 1 + i % 1000, 1 + i % 4000, 1 + i % 1000, 4000 - i % 3000);
        if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
            atomic_fetch_add(&w->commits, 1);
        else
            sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    sqlite3_close(db);
    return NULL;
}

static void read_while_somebody_writes(struct run *r, bool has_log) {
    enum { ROUNDS = 12 };
    struct writer writer = {.run = r};
    pthread_t thread;
    uint64_t shared = 0;
    r->options.batch_records = 100;
    r->options.table = STR("t");
    assert_int_equal(pthread_create(&thread, NULL, write_on, &writer), 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct sqlite_pools *pools = pools_of(3);
        sqlite_pools_expect(pools, r->path);
        load(r, pools, true);
        if (r->status != STATUS_OK)
            fail_msg("%s", r->err.text);
        assert_int_equal(r->records, 4000);
        assert_int_equal(r->sum, 4000 * 1000);
        struct buf first = BUF_INIT;
        buf_add_str(&first, buf_str(&r->log));
        const unsigned before = atomic_load(&writer.commits);
        while (has_log && atomic_load(&writer.commits) < before + 3)
            sched_yield();
        assert_string_equal(load(r, pools, true), buf_text(&first)); // another source, the same state
        assert_int_equal(statistics(pools).has_log, has_log);
        shared += statistics(pools).at_once > 1;
        sqlite_pools_done(pools, r->path);
        sqlite_pools_free(pools);
        buf_release(&first);
    }
    atomic_store(&writer.stop, true);
    pthread_join(thread, NULL);
    assert_true(!has_log || atomic_load(&writer.commits) > ROUNDS);
    assert_true(!has_log || shared > 0); // without a log, who waits to write may keep others out
}

#define ACCOUNTS "CREATE TABLE t(v); " COUNT_TO(4000) "INSERT INTO t SELECT 1000 FROM c"

static void snapshot_with_a_log(void **state) {
    struct run *r = *state;
    make(r, "PRAGMA journal_mode = wal; " ACCOUNTS);
    read_while_somebody_writes(r, true);
}

static void snapshot_with_a_journal(void **state) {
    struct run *r = *state;
    make(r, ACCOUNTS);
    read_while_somebody_writes(r, false);
}

// As long as somebody is expected, nobody commits into a database without a log.
static void snapshot_ends_with_the_last_one(void **state) {
    struct run *r = *state;
    make(r, ACCOUNTS);
    struct sqlite_pools *pools = pools_of(2);
    sqlite_pools_expect(pools, r->path);
    sqlite_pools_expect(pools, r->path);
    load(r, pools, true);
    sqlite3 *writer = connect(r);
    assert_int_equal(sqlite3_exec(writer, "INSERT INTO t VALUES (7)", NULL, NULL, NULL), SQLITE_BUSY);
    sqlite_pools_done(pools, r->path);
    load(r, pools, true);
    assert_int_equal(r->records, 4000);
    assert_int_equal(sqlite3_exec(writer, "INSERT INTO t VALUES (7)", NULL, NULL, NULL), SQLITE_BUSY);
    sqlite_pools_done(pools, r->path);
    exec(writer, "INSERT INTO t VALUES (7)");
    sqlite3_close(writer);
    load(r, pools, true);
    assert_int_equal(r->records, 4001);
    sqlite_pools_free(pools);
}

// Rows that are kept ------------------------------------------------------------------------------------------------

struct shelf {
    struct load_keeper keeper;
    struct digest key;
    struct buf bytes;
    uint64_t clock, step; // nanoseconds; how many pass between two looks
    unsigned gets, found, puts;
    uint64_t took;
};

static struct str get_kept(void *self, struct digest key, void **handle) {
    struct shelf *shelf = self;
    shelf->gets++;
    if (!shelf->bytes.n || !digest_equal(key, shelf->key))
        return (struct str){NULL, 0};
    shelf->found++;
    *handle = shelf;
    return buf_str(&shelf->bytes);
}

static void drop_kept(void *self, void *handle) {
    assert_ptr_equal(self, handle);
}

static void put_kept(void *self, struct digest key, struct str bytes, uint64_t took) {
    struct shelf *shelf = self;
    shelf->took = took;
    if (!bytes.p)
        return;
    shelf->puts++;
    shelf->key = key;
    buf_clear(&shelf->bytes);
    buf_add_str(&shelf->bytes, bytes);
}

static uint64_t shelf_now(void *self) {
    struct shelf *shelf = self;
    return shelf->clock += shelf->step;
}

static int64_t in_a_minute(void *self) { // when nothing is of the last seconds
    (void)self;
    const struct clock clock = clock_system();
    return clock.wall(clock.self) + INT64_C(60000000000);
}

static void shelf_init(struct shelf *shelf, uint64_t step) {
    *shelf = (struct shelf){.keeper = {.self = shelf,
                                       .slow = 1000000,
                                       .slow_byte = 20,
                                       .most = 1 << 20,
                                       .get = get_kept,
                                       .drop = drop_kept,
                                       .put = put_kept,
                                       .now = shelf_now,
                                       .wall = in_a_minute},
                            .step = step};
}

// What is kept and what others read in the same run are of one state.
static void kept_rows_and_others(void **state) {
    struct run *r = *state;
    struct shelf shelf;
    shelf_init(&shelf, 1000000000);
    make(r, "PRAGMA journal_mode = wal; CREATE TABLE t(v); INSERT INTO t VALUES (1), (2)");
    sqlite3 *writer = connect(r);
    exec(writer, "INSERT INTO t VALUES (3)"); // the log stays as long as he does
    r->options.query = STR("select v from t order by v");
    r->options.keeper = &shelf.keeper;
    struct sqlite_pools *pools = pools_of(2);
    for (int i = 0; i < 3; i++)
        sqlite_pools_expect(pools, r->path);
    assert_string_equal(load(r, pools, true), "|1\n|2\n|3\n");
    assert_int_equal(shelf.puts, 1);
    exec(writer, "INSERT INTO t VALUES (4)");
    assert_string_equal(load(r, pools, true), "|1\n|2\n|3\n"); // from where it is kept
    assert_int_equal(shelf.found, 1);
    r->options.query = STR("select v from t where v > 0 order by v");
    assert_string_equal(load(r, pools, true), "|1\n|2\n|3\n"); // and from the snapshot
    assert_int_equal(shelf.puts, 1); // which is not kept as what the database says now
    sqlite_pools_free(pools);
    assert_string_equal(load(r, NULL, true), "|1\n|2\n|3\n|4\n");
    assert_int_equal(shelf.found, 1);
    assert_int_equal(shelf.puts, 2);
    sqlite3_close(writer);
    buf_release(&shelf.bytes);
}

// Whether the times are put back or not.
static void another_state(void **state) {
    struct run *r = *state;
    struct shelf shelf;
    struct stat before;
    shelf_init(&shelf, 1000000000);
    make(r, "CREATE TABLE t(v); INSERT INTO t VALUES (1)");
    r->options.query = STR("select v from t");
    r->options.keeper = &shelf.keeper;
    load(r, NULL, false);
    assert_string_equal(load(r, NULL, false), "|1\n");
    assert_int_equal(shelf.found, 1);
    assert_int_equal(stat(r->path, &before), 0);
    make(r, "UPDATE t SET v = 2");
    const struct timespec times[] = {before.st_atim, before.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, r->path, times, 0), 0);
    assert_string_equal(load(r, NULL, false), "|2\n");
    assert_int_equal(shelf.found, 1);
    buf_release(&shelf.bytes);
}

// What is quick for what it gives is not kept, however long it takes in all; nor what is too much.
static void what_is_kept(void **state) {
    struct run *r = *state;
    struct shelf shelf;
    make(r, "CREATE TABLE t(v, s); " COUNT_TO(4000) "INSERT INTO t SELECT i, 'a text of some length' FROM c");
    r->options.query = STR("select * from t");
    r->options.batch_records = 100;
    shelf_init(&shelf, 50000);
    r->options.keeper = &shelf.keeper;
    load(r, NULL, false);
    assert_int_equal(shelf.puts, 0);
    assert_int_equal(shelf.took, 0);
    shelf_init(&shelf, 200000);
    load(r, NULL, false);
    assert_int_equal(shelf.puts, 1);
    assert_true(shelf.took >= 40 * 200000);
    buf_release(&shelf.bytes);
    shelf_init(&shelf, 200000);
    shelf.keeper.most = 1000;
    load(r, NULL, false);
    assert_int_equal(shelf.puts, 0);
    assert_true(shelf.took > 0);
    shelf_init(&shelf, 1000);
    r->options.query = STR("select * from t limit 1"); // slow for what it gives, but no time at all
    load(r, NULL, false);
    assert_int_equal(shelf.puts, 0);
    assert_int_equal(shelf.took, 0);
}

// Connections ------------------------------------------------------------------------------------------------------

static void one_at_a_time(void **state) {
    struct run *r = *state;
    make(r, ACCOUNTS);
    struct sqlite_pools *pools = sqlite_pools_new(&(struct sqlite_pool_limits){1, 1, 20}, NULL);
    struct sqlite_pool *pool;
    assert_int_equal(sqlite_pool_use(pools, &r->options, &pool, &r->err), STATUS_OK);
    struct sqlite_connection *c = sqlite_pool_take(pool, false);
    assert_null(sqlite_pool_take(pool, true));
    assert_ptr_equal(sqlite_pool_take(pool, false), c);
    assert_int_equal(sqlite_pool_enter(pool, c, &r->err), STATUS_OK);
    assert_int_equal(sqlite_pool_enter(pool, c, &r->err), STATUS_CONFLICT);
    assert_string_equal(r->err.text,
                        "t.db: no connection became free within 20 ms (databases: most, timeout)");
    sqlite_pool_leave(pool, c);
    assert_int_equal(sqlite_pool_enter(pool, c, &r->err), STATUS_OK);
    sqlite_pool_leave(pool, c);
    const struct sqlite_pool_statistics s = statistics(pools);
    assert_int_equal(s.opened, 1);
    assert_int_equal(s.reused, 1);
    assert_int_equal(s.waited, 1);
    assert_int_equal(s.at_once, 1);
    assert_int_equal(s.failed, 0);
    sqlite_pool_release(pool);
    sqlite_pools_free(pools);
}

static void opened_at_once(void **state) {
    struct run *r = *state;
    make(r, ACCOUNTS);
    struct sqlite_pools *pools = sqlite_pools_new(&(struct sqlite_pool_limits){3, 4, 20}, NULL);
    struct sqlite_pool *pool;
    assert_int_equal(sqlite_pool_use(pools, &r->options, &pool, &r->err), STATUS_OK);
    assert_int_equal(statistics(pools).opened, 3);
    for (int i = 0; i < 4; i++)
        assert_non_null(sqlite_pool_take(pool, true));
    assert_null(sqlite_pool_take(pool, true));
    assert_int_equal(statistics(pools).opened, 4);
    sqlite_pool_release(pool);
    sqlite_pools_free(pools);
}

// What is not as it should be is not given out again.
static void failed_connections(void **state) {
    struct run *r = *state;
    make(r, ACCOUNTS);
    struct sqlite_pools *pools = pools_of(2);
    struct sqlite_pool *pool;
    assert_int_equal(sqlite_pool_use(pools, &r->options, &pool, &r->err), STATUS_OK);
    struct sqlite_connection *first = sqlite_pool_take(pool, true), *second = sqlite_pool_take(pool, true);
    assert_non_null(second);
    exec(second->db, "ROLLBACK"); // as it is after an error of the disk
    sqlite_pool_give(pool, second);
    struct buf other = get_file(&r->scene, "t.db");
    put_file(&r->scene, "other.db", other.p, other.n);
    buf_release(&other);
    char replacement[320];
    snprintf(replacement, sizeof replacement, "%s/other.db", r->scene.path);
    assert_int_equal(rename(replacement, r->path), 0);
    assert_null(sqlite_pool_take(pool, true)); // the one is closed, and a new one would be of another file
    assert_int_equal(statistics(pools).failed, 2);
    assert_ptr_equal(sqlite_pool_take(pool, false), first);
    sqlite_pool_release(pool);
    sqlite_pools_free(pools);
}

static void encrypted(void **state) {
    struct run *r = *state;
    char bytes[8192];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        seed = seed * 1664525 + 1013904223;
        bytes[i] = (char)(seed >> 24);
    }
    put_file(&r->scene, "t.db", bytes, sizeof bytes);
    load(r, NULL, false);
    assert_string_equal(r->err.text,
                        "t.db is not a SQLite database, or it is encrypted: it has to be decrypted first");
    assert_int_equal(r->status, STATUS_DATA);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(encrypted),
        CASE(one_at_a_time),
        CASE(opened_at_once),
        CASE(failed_connections),
        CASE(small_and_empty),
        CASE(tables_by_rowid),
        CASE(keys_of_all_kinds),
        CASE(keys_at_random),
        CASE(queries),
        CASE(faults),
        CASE(kept_rows_and_others),
        CASE(another_state),
        CASE(what_is_kept),
        CASE(snapshot_with_a_log),
        CASE(snapshot_with_a_journal),
        CASE(snapshot_ends_with_the_last_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
