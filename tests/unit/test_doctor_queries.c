// SPDX-License-Identifier: MIT
// Indexes that databases lack are found, and proved; those that lack none are left in peace.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "pipeline/doctor/doctor.h"
#include "tests/support/scene.h"

#define NUMBERS(n) "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < " #n ") "
#define USERS                                                                                                \
    "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, name TEXT, country TEXT, active INT);" NUMBERS( \
        10000) "INSERT INTO users SELECT i, 'user' || i || '@example.org', 'Name ' || (i * 7919 % 10000), "  \
               "'c' || (i % 40), i % 50 <> 0 FROM n;"
#define ORDERS                                                                                               \
    USERS "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INT REFERENCES users, status TEXT, "         \
          "created TEXT, total REAL);" NUMBERS(                                                              \
              20000) "INSERT INTO orders SELECT i, 1 + i * 7919 % 10000, "                                   \
                     "CASE i % 4 WHEN 0 THEN 'open' ELSE 'done' END, date('2020-01-01', '+' || (i * 31 % "   \
                     "2000) || ' days'), "                                                                   \
                     "i % 997 / 3.0 FROM n;"

struct subject {
    const char *name, *database, *query;
    const char *indexes[3]; // that are proposed: "orders (user_id)"; none: NULL
    const char *plan;       // a kind of step that it is told of before; NULL: whatever
};

static const struct subject lacking[] = {
    {"equality",
     USERS,
     "SELECT * FROM users WHERE email = 'user77@example.org'",
     {"users (email)"},
     "full scan"},
    {"join",
     ORDERS,
     "SELECT u.name, o.total FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id < 50",
     {"orders (user_id)"},
     "full scan"},
    {"correlated",
     ORDERS,
     "SELECT u.id, (SELECT count(*) FROM orders o WHERE o.user_id = u.id) FROM users u WHERE u.id < 20",
     {"orders (user_id)"},
     "correlated subquery"},
    {"top",
     ORDERS,
     "SELECT id, total FROM orders ORDER BY total DESC, created LIMIT 5",
     {"orders (total DESC, created)"},
     "temporary b-tree"},
    {"two conditions and an order",
     ORDERS,
     "SELECT * FROM orders WHERE user_id = 77 AND status = 'done' ORDER BY created LIMIT 3",
     {"orders (user_id)"},
     "full scan"},
    {"range",
     ORDERS,
     "SELECT * FROM orders WHERE created BETWEEN '2024-01-01' AND '2024-01-04'",
     {"orders (created)"},
     NULL},
    {"not exists",
     ORDERS,
     "SELECT u.id FROM users u WHERE u.id < 30 AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id "
     "+ 3)",
     {"orders (user_id)"},
     "correlated subquery"},
    {"list", ORDERS, "SELECT * FROM orders WHERE user_id IN (7, 8, 9, 10)", {"orders (user_id)"}, NULL},
    {"either",
     ORDERS,
     "SELECT * FROM orders WHERE user_id = 7 OR created = '2023-03-03'",
     {"orders (user_id)", "orders (created)"},
     NULL},
    {"collation",
     USERS "CREATE INDEX by_name ON users (name);",
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
     ORDERS "CREATE TABLE notes (user_id INT, text TEXT); INSERT INTO notes SELECT id, name FROM users;",
     "SELECT o.id, n.text FROM orders o JOIN notes n ON n.user_id = o.user_id WHERE o.id < 40",
     {"notes (user_id)"},
     "automatic index"},
    {"names",
     "CREATE TABLE \"order items\" (id INTEGER PRIMARY KEY, \"group\" TEXT, \"sub \"\"total\" REAL);" NUMBERS(
         20000) "INSERT INTO \"order items\" SELECT i, 'g' || (i % 5000), i FROM n;",
     "SELECT * FROM \"order items\" WHERE \"group\" = 'g7'",
     {"\"order items\" (\"group\")"},
     NULL},
    {"greatest", ORDERS, "SELECT max(total) FROM orders", {"orders (total)"}, NULL},
};

static const struct subject sound[] = {
    {"all rows", ORDERS, "SELECT * FROM orders ORDER BY id", {NULL}, NULL},
    {"indexed",
     USERS "CREATE INDEX by_email ON users (email);",
     "SELECT * FROM users WHERE email = 'x'",
     {NULL},
     NULL},
    {"beginning of an index",
     ORDERS "CREATE INDEX o ON orders (user_id, created);",
     "SELECT * FROM orders WHERE user_id = 8",
     {NULL},
     NULL},
    {"few rows",
     "CREATE TABLE countries (code TEXT, name TEXT);" NUMBERS(
         200) "INSERT INTO countries SELECT 'c' || i, 'C' FROM n;",
     "SELECT * FROM countries WHERE code = 'c7'",
     {NULL},
     NULL},
    {"groups of all", USERS, "SELECT country, count(*), max(name) FROM users GROUP BY country", {NULL}, NULL},
    {"most rows", USERS, "SELECT * FROM users WHERE active = 1", {NULL}, NULL},
    {"parts of texts", USERS, "SELECT * FROM users WHERE email LIKE '%77@%'", {NULL}, NULL},
    {"join by key",
     ORDERS,
     "SELECT o.id, u.name FROM orders o JOIN users u ON u.id = o.user_id",
     {NULL},
     NULL},
    {"few to sort",
     ORDERS "CREATE INDEX o ON orders (user_id);",
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
    {"sorted all", USERS, "SELECT * FROM users ORDER BY name", {NULL}, NULL},
    {"different values", USERS, "SELECT DISTINCT country FROM users", {NULL}, NULL},
};

// ---- a doctor for one source

struct visit {
    struct scene scene;
    char path[300];
    struct manifest_source source;
    struct manifest manifest;
    struct doctor_options options;
    struct doctor doctor;
    const char *directory;
};

static const char *get_variable(void *self, const char *name) {
    const struct visit *visit = self;
    return strcmp(name, "TMPDIR") == 0 ? visit->directory : NULL;
}

static void fill(const char *path, const char *sql) {
    sqlite3 *db;
    char *fault = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA synchronous = OFF; BEGIN", NULL, NULL, NULL);
    if (sqlite3_exec(db, sql, NULL, NULL, &fault) != SQLITE_OK)
        fail_msg("%s: %s", sql, fault);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void begin(struct visit *visit, const char *database, const char *query) {
    *visit = (struct visit){0};
    scene_open(&visit->scene);
    snprintf(visit->path, sizeof visit->path, "%s/t.db", visit->scene.path);
    assert_int_equal(mkdirat(visit->scene.root, "tmp", 0700), 0);
    fill(visit->path, database);
    visit->source = (struct manifest_source){
        .name = STR("rows"), .path = str_of(visit->path), .shown = STR("t.db"), .query = str_of(query)};
    visit->manifest = (struct manifest){.sources = &visit->source, .sources_n = 1};
    visit->directory = visit->scene.path;
    visit->options = (struct doctor_options){.fs = &visit->scene.fs,
                                             .clock = clock_system(),
                                             .root = visit->scene.path,
                                             .environment = {visit, get_variable},
                                             .manifest = &visit->manifest,
                                             .slow = 100 * 1000 * 1000,
                                             .copy_most = 1 << 30};
    size_t check = 0;
    while (strcmp(doctor_check_name(check), "queries") != 0)
        check++;
    visit->options.only = 1u << check;
}

static const struct query_look *look(struct visit *visit) {
    doctor_examine(&visit->doctor, &visit->options);
    assert_int_equal(visit->doctor.looks.queries_n, 1);
    return visit->doctor.looks.queries;
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

static void examine(const struct subject *subject) {
    struct visit visit;
    size_t wanted = 0;
    begin(&visit, subject->database, subject->query);
    const struct query_look *found = look(&visit);
    while (wanted < 3 && subject->indexes[wanted])
        wanted++;
    if (found->fault.p)
        fail_msg("%s: %.*s", subject->name, STR_ARG(found->fault));
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
    if (subject->plan && !has_kind(&found->plan, subject->plan))
        fail_msg("%s: its plan has no %s", subject->name, subject->plan);
    end(&visit);
}

static void test_lacking(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof lacking / sizeof *lacking; i++)
        examine(&lacking[i]);
}

static void test_sound(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++)
        examine(&sound[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lacking),
        cmocka_unit_test(test_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
