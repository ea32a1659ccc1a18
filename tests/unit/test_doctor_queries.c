// SPDX-License-Identifier: MIT
// Indexes that databases lack are found, and proved; those that lack none are left in peace.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/doctor/doctor.h"
#include "pipeline/doctor/pg_plan.h"
#include "tests/support/scene.h"

#define NUMBERS(n) "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < " #n ") "

// Of every case; made once and copied.
static const char *const base =
    "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, name TEXT, country TEXT, active INT);" NUMBERS(
        20000) "INSERT INTO users SELECT i, 'user' || i || '@example.org', 'Name ' || (i * 7919 % 20000), "
               "'c' || (i % 40), i % 50 <> 0 FROM n;"
               "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INT REFERENCES users, status TEXT, "
               "created TEXT, total REAL);" NUMBERS(
                   20000) "INSERT INTO orders SELECT i, 1 + i * 7919 % 20000, CASE i % 4 WHEN 0 THEN 'open' "
                          "ELSE 'done' END, date('2020-01-01', '+' || (i * 31 % 2000) || ' days'), i % 997 / "
                          "3.0 "
                          "FROM n;";

struct subject {
    const char *name;
    const char *more; // SQL, of the database
    const char *query;
    const char *indexes[3]; // that are proposed: "orders (user_id)"; none: NULL
    const char *plan;       // a kind of step that it is told of before; NULL: whatever
};

static const struct subject lacking[] = {
    {"equality",
     "",
     "SELECT * FROM users WHERE email = 'user77@example.org'",
     {"users (email)"},
     "full scan"},
    {"join",
     "",
     "SELECT u.name, o.total FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id < 50",
     {"orders (user_id)"},
     "full scan"},
    {"correlated",
     "",
     "SELECT u.id, (SELECT count(*) FROM orders o WHERE o.user_id = u.id) FROM users u WHERE u.id < 20",
     {"orders (user_id)"},
     "correlated subquery"},
    {"top",
     "",
     "SELECT id, total FROM orders ORDER BY total DESC, created LIMIT 5",
     {"orders (total DESC, created)"},
     "temporary b-tree"},
    {"two conditions and an order",
     "",
     "SELECT * FROM orders WHERE user_id = 77 AND status = 'done' ORDER BY created LIMIT 3",
     {"orders (user_id)"},
     "full scan"},
    {"range",
     "",
     "SELECT * FROM orders WHERE created BETWEEN '2024-01-01' AND '2024-01-04'",
     {"orders (created)"},
     NULL},
    {"not exists",
     "",
     "SELECT u.id FROM users u WHERE u.id < 30 AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id "
     "+ 3)",
     {"orders (user_id)"},
     "correlated subquery"},
    {"list", "", "SELECT * FROM orders WHERE user_id IN (7, 8, 9, 10)", {"orders (user_id)"}, NULL},
    {"either",
     "",
     "SELECT * FROM orders WHERE user_id = 7 OR created = '2023-03-03'",
     {"orders (user_id)", "orders (created)"},
     NULL},
    {"collation",
     "CREATE INDEX by_name ON users (name);",
     "SELECT * FROM users WHERE name = 'name 8' COLLATE NOCASE",
     {"users (name COLLATE NOCASE)"},
     "full scan"},
    {"second column of a key",
     "CREATE TABLE tags (post INT, tag INT, PRIMARY KEY (post, tag)) WITHOUT ROWID;" NUMBERS(
         20000) "INSERT INTO tags SELECT i, i * 31 % 5000 FROM n;",
     "SELECT post FROM tags WHERE tag = 31",
     {"tags (tag)"},
     NULL},
    {"automatic index",
     "CREATE TABLE notes (user_id INT, text TEXT); INSERT INTO notes SELECT id, name FROM users;",
     "SELECT o.id, n.text FROM orders o JOIN notes n ON n.user_id = o.user_id WHERE o.id < 40",
     {"notes (user_id)"},
     "automatic index"},
    {"automatic index for all rows",
     "CREATE TABLE notes (user_id INT, text TEXT); INSERT INTO notes SELECT id, name FROM users;",
     "SELECT o.* FROM orders o LEFT JOIN notes n ON n.user_id = o.user_id WHERE n.user_id IS NULL",
     {"notes (user_id)"},
     "automatic index"},
    {"index that leads to many rows",
     "CREATE INDEX o ON orders (status);",
     "SELECT * FROM orders WHERE status = 'done' AND user_id = 77",
     {"orders (user_id)"},
     "search by index"},
    {"names",
     "CREATE TABLE \"order items\" (id INTEGER PRIMARY KEY, \"group\" TEXT, \"sub \"\"total\" REAL);" NUMBERS(
         20000) "INSERT INTO \"order items\" SELECT i, 'g' || (i % 5000), i FROM n;",
     "SELECT * FROM \"order items\" WHERE \"group\" = 'g7'",
     {"\"order items\" (\"group\")"},
     NULL},
    {"second column of an index",
     "CREATE INDEX o ON orders (total, user_id); ANALYZE;",
     "SELECT * FROM orders WHERE user_id = 88",
     {"orders (user_id)"},
     "skip scan"},
    {"greatest", "", "SELECT max(total) FROM orders", {"orders (total)"}, NULL},
};

static const struct subject sound[] = {
    {"all rows", "", "SELECT * FROM orders ORDER BY id", {NULL}, NULL},
    {"indexed",
     "CREATE INDEX by_email ON users (email);",
     "SELECT * FROM users WHERE email = 'x'",
     {NULL},
     NULL},
    {"beginning of an index",
     "CREATE INDEX o ON orders (user_id, created);",
     "SELECT * FROM orders WHERE user_id = 8",
     {NULL},
     NULL},
    {"few rows",
     "CREATE TABLE countries (code TEXT, name TEXT);" NUMBERS(
         200) "INSERT INTO countries SELECT 'c' || i, 'C' FROM n;",
     "SELECT * FROM countries WHERE code = 'c7'",
     {NULL},
     NULL},
    {"groups of all",
     "",
     "SELECT country, count(*), max(name) FROM users WHERE id < 5000 GROUP BY country",
     {NULL},
     NULL},
    {"most rows", "", "SELECT * FROM users WHERE active = 1", {NULL}, NULL},
    {"parts of texts", "", "SELECT * FROM users WHERE email LIKE '%77@%'", {NULL}, NULL},
    {"join by key", "", "SELECT o.id, u.name FROM orders o JOIN users u ON u.id = o.user_id", {NULL}, NULL},
    {"few to sort",
     "CREATE INDEX o ON orders (user_id);",
     "SELECT * FROM orders WHERE user_id = 8 ORDER BY total",
     {NULL},
     NULL},
    {"unique",
     "CREATE TABLE t (a TEXT UNIQUE, b);" NUMBERS(20000) "INSERT INTO t SELECT 'a' || i, i FROM n;",
     "SELECT * FROM t WHERE a = 'a7'",
     {NULL},
     NULL},
    {"no table",
     "CREATE TABLE t (a);",
     "WITH n(i) AS (VALUES (1), (2)) SELECT i, i * 2 AS j FROM n",
     {NULL},
     NULL},
    {"words",
     "CREATE VIRTUAL TABLE pages USING fts5(text);" NUMBERS(
         2000) "INSERT INTO pages SELECT 'word' || i FROM n;",
     "SELECT * FROM pages WHERE pages MATCH 'word7'",
     {NULL},
     NULL},
    {"sorted all", "", "SELECT * FROM users WHERE id < 8000 ORDER BY name", {NULL}, NULL},
    {"different values", "", "SELECT DISTINCT country FROM users", {NULL}, NULL},
};

// ---- a doctor for the sources of one database

enum { SOURCES = 3 };

struct visit {
    struct scene scene;
    char path[300];
    struct manifest_source sources[SOURCES];
    struct manifest manifest;
    struct doctor_options options;
    struct doctor doctor;
    uint64_t moment, step; // of a clock by the script
};

static const char *get_variable(void *self, const char *name) {
    const struct visit *visit = self;
    return strcmp(name, "TMPDIR") == 0 ? visit->scene.path : NULL;
}

static uint64_t monotonic(void *self) {
    struct visit *visit = self;
    return visit->moment += visit->step;
}

static void add(const char *path, const char *sql) {
    sqlite3 *db;
    char *fault = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA synchronous = OFF; BEGIN", NULL, NULL, NULL);
    if (sqlite3_exec(db, sql, NULL, NULL, &fault) != SQLITE_OK)
        fail_msg("%s: %.60s", fault, sql);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int make_base(void **state) {
    struct scene *scene = malloc(sizeof *scene);
    char path[300];
    scene_open(scene);
    snprintf(path, sizeof path, "%s/base.db", scene->path);
    add(path, base);
    *state = scene;
    return 0;
}

static int drop_base(void **state) {
    scene_close(*state);
    free(*state);
    return 0;
}

// One more query of the database.
static void ask(struct visit *visit, const char *query) {
    assert_true(visit->manifest.sources_n < SOURCES);
    visit->sources[visit->manifest.sources_n++] = (struct manifest_source){
        .name = STR("rows"), .path = str_of(visit->path), .shown = STR("t.db"), .query = str_of(query)};
}

static void begin(struct visit *visit, const struct scene *made, const char *more, const char *query) {
    *visit = (struct visit){.step = 1};
    scene_open(&visit->scene);
    struct buf bytes = get_file(made, "base.db");
    put_file(&visit->scene, "t.db", bytes.p, bytes.n);
    buf_release(&bytes);
    snprintf(visit->path, sizeof visit->path, "%s/t.db", visit->scene.path);
    if (*more)
        add(visit->path, more);
    visit->manifest = (struct manifest){.sources = visit->sources};
    visit->options =
        (struct doctor_options){.fs = &visit->scene.fs,
                                .clock = clock_system(),
                                .root = visit->scene.path,
                                .environment = {visit, get_variable},
                                .manifest = &visit->manifest,
                                .slow = UINT64_C(3600) * 1000 * 1000 * 1000, // on a busy machine, too
                                .copy_most = 1 << 30};
    size_t check = 0;
    while (strcmp(doctor_check_name(check), "queries") != 0)
        check++;
    visit->options.only = 1u << check;
    ask(visit, query);
}

static void examine(struct visit *visit) {
    doctor_examine(&visit->doctor, &visit->options);
    assert_int_equal(visit->doctor.looks.queries_n, visit->manifest.sources_n);
    assert_int_equal(count_files(visit->scene.root, NULL), 1); // and no copy
}

static void end(struct visit *visit) {
    doctor_release(&visit->doctor);
    scene_close(&visit->scene);
}

static bool has_kind(const struct query_plan *plan, const char *kind) {
    for (size_t i = 0; i < plan->n; i++)
        if (strcmp(plan_kind_name(plan->steps[i].kind), kind) == 0)
            return true;
    return false;
}

static void check_proposals(const struct subject *subject, const struct query_look *found) {
    size_t wanted = 0;
    while (wanted < 3 && subject->indexes[wanted])
        wanted++;
    for (size_t i = 0; i < found->proposals_n; i++) {
        const struct query_proposal *proposal = &found->proposals[i];
        if (i >= wanted || !str_is(proposal->what, subject->indexes[i]))
            fail_msg("%s: %.*s is proposed (%.1f us for %.1f us)", subject->name, STR_ARG(proposal->sql),
                     (double)proposal->after / 1e3, (double)proposal->before / 1e3);
        assert_true(proposal->proved);
        assert_true(proposal->after < proposal->before);
        assert_true(proposal->bytes > 0);
        assert_false(query_plans_equal(&proposal->plan, &found->plan));
    }
    if (found->proposals_n < wanted)
        fail_msg("%s: %s is not proposed", subject->name, subject->indexes[found->proposals_n]);
}

static void check(const struct scene *made, const struct subject *subject) {
    struct visit visit;
    begin(&visit, made, subject->more, subject->query);
    examine(&visit);
    const struct query_look *found = visit.doctor.looks.queries;
    if (found->fault.p)
        fail_msg("%s: %.*s", subject->name, STR_ARG(found->fault));
    check_proposals(subject, found);
    if (subject->plan && !has_kind(&found->plan, subject->plan))
        fail_msg("%s: its plan has no %s", subject->name, subject->plan);
    end(&visit);
}

static void test_lacking(void **state) {
    for (size_t i = 0; i < sizeof lacking / sizeof *lacking; i++)
        check(*state, &lacking[i]);
}

static void test_sound(void **state) {
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++)
        check(*state, &sound[i]);
}

// What is not worth an index is, where the query takes too long for whoever asks.
static void test_slow(void **state) {
    const struct subject subject = {"slow",
                                    "CREATE TABLE few AS SELECT name FROM users WHERE id <= 4000",
                                    "SELECT DISTINCT name FROM few",
                                    {"few (name)"},
                                    "temporary b-tree"};
    struct visit visit;
    begin(&visit, *state, subject.more, subject.query);
    examine(&visit);
    assert_int_equal(visit.doctor.looks.queries->proposals_n, 0);
    assert_int_equal(visit.doctor.findings[0].state, DOCTOR_OK);
    doctor_release(&visit.doctor);
    visit.options.slow = 1;
    examine(&visit);
    check_proposals(&subject, visit.doctor.looks.queries);
    assert_int_equal(visit.doctor.findings[0].state, DOCTOR_WARN);
    end(&visit);
}

// With figures about its indexes SQLite takes the good one.
static void test_not_analyzed(void **state) {
    struct visit visit;
    begin(&visit, *state, "CREATE INDEX o ON orders (status, created); CREATE INDEX p ON orders (user_id);",
          "SELECT * FROM orders WHERE status = 'done' AND created > '2000' AND user_id = 7920");
    ask(&visit, "SELECT * FROM orders WHERE status = 'done' AND user_id + 0 = 9");
    examine(&visit);
    const struct query_look *looks = visit.doctor.looks.queries;
    assert_int_equal(looks[0].proposals_n, 1);
    assert_string_equal(looks[0].proposals[0].sql.p, "ANALYZE");
    assert_true(query_plan_uses(&looks[0].plan, STR("o")));
    assert_true(query_plan_uses(&looks[0].proposals[0].plan, STR("p")));
    assert_int_equal(looks[1].proposals_n, 0);
    for (size_t i = 0; i < visit.doctor.looks.indexes_n; i++) // none is to be dropped
        assert_true(visit.doctor.looks.indexes[i].used > 0);
    end(&visit);
}

// An index that begins another one's way is not proposed beside it.
static void test_one_for_two(void **state) {
    struct visit visit;
    begin(&visit, *state, "UPDATE orders SET user_id = id % 10",
          "SELECT * FROM orders WHERE user_id = 7 AND created = '2020-01-08'");
    ask(&visit, "SELECT count(*) FROM orders WHERE created = '2020-01-08'");
    ask(&visit, "SELECT * FROM orders WHERE created = '2021-03-08' ORDER BY total LIMIT 1");
    examine(&visit);
    const struct query_look *looks = visit.doctor.looks.queries;
    for (size_t i = 0; i < SOURCES; i++) {
        assert_int_equal(looks[i].proposals_n, 1);
        assert_true(str_equal(looks[i].proposals[0].sql, looks[0].proposals[0].sql));
    }
    end(&visit);
}

// What cannot be waited for is stopped, and has no proof either when there is no time for it.
static void test_no_time(void **state) {
    struct visit visit;
    begin(&visit, *state, "", "SELECT count(*) FROM orders a, orders b WHERE a.total = b.total + 0.001");
    visit.options.clock = (struct clock){&visit, monotonic, NULL, clock_system().thread_cpu};
    visit.options.clock.thread_cpu = monotonic;
    visit.step = UINT64_C(3) * 1000 * 1000 * 1000;
    examine(&visit);
    const struct query_look *look = visit.doctor.looks.queries;
    assert_true(look->stopped);
    assert_true(look->slow);
    assert_int_equal(visit.doctor.findings[0].state, DOCTOR_WARN);
    end(&visit);
}

// Names as they may be, tables by the hundred, a virtual one, a view that cannot be: what is asked for is looked at.
static void test_odd_databases(void **state) {
    struct visit visit;
    struct buf more = BUF_INIT;
    buf_add_text(
        &more,
        "CREATE VIEW broken AS SELECT naught FROM nowhere; CREATE VIRTUAL TABLE words USING fts5(t);"
        "CREATE TABLE \"a \"\"b\"\" (c)\" (\"x y\" \"odd type hidden\", 'select' COLLATE NOCASE, PRIMARY KEY "
        "(\"x y\", \"select\")) WITHOUT ROWID;"
        "CREATE TABLE users_email (a GENERATED ALWAYS AS (b || 'x'), b TEXT);"
        "INSERT INTO users_email SELECT email FROM users;");
    for (int i = 0; i < 50; i++)
        buf_printf(&more, "CREATE TABLE t%d (a, b); CREATE INDEX t%d_a ON t%d (a);", i, i, i);
    begin(&visit, *state, buf_text(&more), "SELECT * FROM users WHERE email = 'user77@example.org'");
    ask(&visit, "SELECT * FROM users_email WHERE a = 'user77@example.orgx'");
    ask(&visit, "SELECT * FROM \"a \"\"b\"\" (c)\" WHERE \"select\" = 'A'");
    examine(&visit);
    const struct query_look *looks = visit.doctor.looks.queries;
    assert_int_equal(looks[0].proposals_n, 1);
    assert_string_equal(looks[0].proposals[0].sql.p, "CREATE INDEX users_email_2 ON users (email)");
    assert_int_equal(looks[1].proposals_n, 1);
    assert_string_equal(looks[1].proposals[0].sql.p, "CREATE INDEX users_email_a ON users_email (a)");
    assert_int_equal(looks[2].proposals_n, 0);
    assert_false(looks[2].fault.p);
    assert_int_equal(visit.doctor.looks.indexes_n, 50);
    assert_int_equal(visit.doctor.looks.indexes[0].used, 0);
    buf_release(&more);
    end(&visit);
}

// Nothing but questions is asked, of the copy neither.
static void test_no_questions(void **state) {
    static const char *const statements[] = {"DELETE FROM users",
                                             "VACUUM INTO 'copy.db'",
                                             "ATTACH 'new.db' AS n",
                                             "PRAGMA journal_mode = wal",
                                             "",
                                             "BEGIN",
                                             "SELECT naught"};
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        struct visit visit;
        begin(&visit, *state, "", statements[i]);
        examine(&visit);
        assert_true(visit.doctor.looks.queries[0].fault.p);
        assert_int_equal(visit.doctor.findings[0].state, DOCTOR_SKIPPED);
        end(&visit);
    }
}

// Plans of queries of an empty database, in plain words.
static void test_words(void **state) {
    (void)state;
    static const struct {
        const char *query, *words; // one of the lines
    } cases[] = {
        {"SELECT * FROM a", "reads all of a"},
        {"SELECT x FROM a ORDER BY x", "reads all of index a_x, and nothing of a"},
        {"SELECT * FROM a ORDER BY x", "reads all of a in the order of index a_x"},
        {"SELECT * FROM a WHERE x = 1", "finds rows of a by index a_x (x=?)"},
        {"SELECT * FROM a WHERE id = 1", "finds rows of a by key (rowid=?)"},
        {"SELECT * FROM a ORDER BY y", "sorts all rows before the first can be had (temporary b-tree)"},
        {"SELECT y, count(*) FROM a GROUP BY y", "sorts all rows to group them (temporary b-tree)"},
        {"SELECT DISTINCT y FROM a",
         "remembers all values of DISTINCT, to tell which it has seen (temporary b-tree)"},
        {"SELECT * FROM a ORDER BY x, y",
         "sorts by its last terms what comes in the order of the first ones (temporary b-tree)"},
        {"SELECT y FROM a UNION SELECT z FROM b",
         "remembers all values of UNION, to tell which it has seen (temporary b-tree)"},
        {"SELECT * FROM a CROSS JOIN b WHERE b.z > a.y", "reads all of b again for every row of a"},
        {"SELECT * FROM a CROSS JOIN b WHERE b.z = a.y",
         "makes an index of b (z=?), uses it for this one query and throws it away"},
        {"SELECT (SELECT max(z) FROM b WHERE z < a.y) FROM a",
         "runs a subquery again for every row of a (correlated)"},
        {"SELECT (SELECT count(*) FROM b WHERE z < a.y) FROM a", "reads all of b again for every row of a"},
        {"SELECT * FROM a WHERE y IN (SELECT z FROM b)", "runs a subquery once"},
        {"SELECT * FROM a WHERE x = 1 OR id = 2",
         "looks once for each side of an OR, and puts together what it finds"},
        {"SELECT max(y) FROM a", "reads all of a"},
        {"SELECT * FROM c WHERE y = 1",
         "looks for (y=?) into every part of index c_xy, which begins with another column (skip scan)"},
        {"VALUES (1), (2)", "SCAN 2 CONSTANT ROWS"},
    };
    sqlite3 *db;
    struct arena arena;
    struct buf text = BUF_INIT;
    arena_init(&arena, 0);
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    sqlite3_exec(
        db,
        "CREATE TABLE a (id INTEGER PRIMARY KEY, x, y); CREATE INDEX a_x ON a (x); CREATE TABLE b (z);"
        "CREATE TABLE c (x, y, z); CREATE INDEX c_xy ON c (x, y); ANALYZE; INSERT INTO sqlite_stat1 VALUES "
        "('c', 'c_xy', '10000 5000 10'); ANALYZE sqlite_schema",
        NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct query_plan plan;
        bool found = false;
        assert_int_equal(query_plan_read(db, cases[i].query, &arena, &plan), SQLITE_OK);
        buf_clear(&text);
        for (size_t k = 0; k < plan.n; k++) {
            const size_t from = text.n;
            plan_step_say(&plan.steps[k], &text);
            found = found || str_is(str_from(buf_str(&text), from), cases[i].words);
            buf_add_char(&text, '\n');
        }
        if (!found)
            fail_msg("%s: no line \"%s\" in:\n%s", cases[i].query, cases[i].words, buf_text(&text));
    }
    buf_release(&text);
    arena_release(&arena);
    sqlite3_close(db);
}

// Nodes of PostgreSQL's plans, and whatever else a server may say.
static void test_server_plans(void **state) {
    (void)state;
    static const struct {
        const char *json, *words; // of all steps
    } cases[] = {
        {"", ""},
        {"[]", ""},
        {"{\"Plan\": 3}", ""},
        {"[{\"Plan\": [1, 2]}]", ""},
        {"[{\"Plan\": {\"Node Type\": 7, \"Plans\": {\"a\": 1}}}]", ";"},
        {"[{\"Plan\": {\"Node Type\": \"Seq Scan\", \"Relation Name\": \"a\"}}]", "reads all of a;"},
        {"[{\"Plan\": {\"Node Type\": \"Limit\", \"Plans\": [{\"Node Type\": \"Index Only Scan\", \"Alias\": "
         "\"b\", \"Index Name\": "
         "\"i\"}]}}]",
         "reads all of index i, and nothing of b;"},
        {"[{\"Plan\": {\"Node Type\": \"Nested Loop\", \"Plans\": [{\"Node Type\": \"Seq Scan\", \"Parent "
         "Relationship\": "
         "\"Outer\", \"Alias\": \"a\"}, {\"Node Type\": \"Bitmap Heap Scan\", \"Alias\": \"b\", \"Parent "
         "Relationship\": \"Inner\", "
         "\"Plans\": [{\"Node Type\": \"Bitmap Index Scan\", \"Index Name\": \"i\", \"Index Cond\": \"(x = "
         "a.y)\"}]}]}}]",
         "Nested Loop;reads all of a;Bitmap Heap Scan on b;finds rows of b by index i (x = a.y) for every "
         "row of a;"},
        {"[{\"Plan\": {\"Node Type\": \"Sort\", \"Sort Key\": [\"x\", \"y DESC\", 4], \"Plans\": [{\"Node "
         "Type\": \"Result\", "
         "\"Parent Relationship\": \"InitPlan\", \"Actual Loops\": 1}]}}]",
         "sorts all rows before the first can be had (x, y DESC, );runs a subquery once;"},
    };
    struct arena arena;
    struct buf text = BUF_INIT, deep = BUF_INIT;
    struct pg_plan plan;
    arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(pg_plan_read(str_of(cases[i].json), &arena, &plan), cases[i].words[0] != 0);
        buf_clear(&text);
        for (size_t k = 0; k < plan.plan.n; k++) {
            plan_step_say(&plan.plan.steps[k], &text);
            buf_add_char(&text, ';');
        }
        assert_string_equal(buf_text(&text), cases[i].words);
        assert_false(plan.ran);
    }
    buf_add_text(&deep, "[{\"Plan\": ");
    for (int i = 0; i < 1000; i++)
        buf_add_text(&deep, "{\"Node Type\": \"Unique\", \"Plans\": [");
    for (int i = 0; i < 1000; i++)
        buf_add_text(&deep, "]}");
    buf_add_text(&deep, ", \"Execution Time\": 2.5}]");
    assert_true(pg_plan_read(buf_str(&deep), &arena, &plan));
    assert_true(plan.ran);
    assert_int_equal(plan.took, 2500000);
    buf_release(&deep);
    buf_release(&text);
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lacking),       cmocka_unit_test(test_sound),
        cmocka_unit_test(test_slow),          cmocka_unit_test(test_not_analyzed),
        cmocka_unit_test(test_one_for_two),   cmocka_unit_test(test_no_time),
        cmocka_unit_test(test_odd_databases), cmocka_unit_test(test_no_questions),
        cmocka_unit_test(test_words),         cmocka_unit_test(test_server_plans),
    };
    return cmocka_run_group_tests(tests, make_base, drop_base);
}
