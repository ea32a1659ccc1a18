// SPDX-License-Identifier: MIT
// Names as SQLite understands them: it is asked itself.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "stages/record/sqlite_names.h"

static void case_is_what_sqlite_says_it_is(void **state) {
    (void)state;
    for (int i = 1; i < 256; i++) {
        for (int k = 1; k < 256; k++) {
            const char a[] = {'x', (char)i, 'y'}, b[] = {'X', (char)k, 'Y'};
            if (sqlite_names_equal((struct str){a, 3}, (struct str){b, 3}) !=
                (sqlite3_strnicmp(a, b, 3) == 0))
                fail_msg("%d and %d", i, k);
        }
    }
}

static void lengths_must_be_the_same(void **state) {
    (void)state;
    const struct str none = {NULL, 0};
    assert_true(sqlite_names_equal(none, STR("")));
    assert_false(sqlite_names_equal(none, STR("a")));
    assert_false(sqlite_names_equal(STR("ab"), STR("a")));
    assert_false(sqlite_names_equal(STR("a"), STR("Ab")));
    assert_true(sqlite_names_equal(STR("Rowid"), STR("rOWID")));
    assert_false(sqlite_names_equal(STR("\xC3\xA4"), STR("\xC3\x84")));
}

// A table and its column are called so, and come back.
static void come_back(sqlite3 *db, struct str name) {
    struct buf sql = BUF_INIT;
    sqlite3_stmt *stmt;
    buf_add_text(&sql, "CREATE TABLE ");
    sqlite_names_add(&sql, name);
    buf_add_text(&sql, " (");
    sqlite_names_add(&sql, name);
    buf_add_text(&sql, ")");
    if (sqlite3_exec(db, buf_text(&sql), NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", buf_text(&sql), sqlite3_errmsg(db));
    buf_release(&sql);
    const char *list =
        "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c ORDER BY t.rowid DESC";
    assert_int_equal(sqlite3_prepare_v2(db, list, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    for (int i = 0; i < 2; i++) {
        struct str found = str_of((const char *)sqlite3_column_text(stmt, i));
        if (!str_equal(found, name))
            fail_msg("%.*s is not %.*s", STR_ARG(found), STR_ARG(name));
    }
    sqlite3_finalize(stmt);
}

static void quoted_names_come_back(void **state) {
    (void)state;
    static const char *const names[] = {
        "a", "select", "two words", "\"", "\"\"", "a\"b", "\"); DROP TABLE a; --",
        "'", "[x]",    "`",         "\n", "\\",   "",     "\xC3\xA4"};
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        come_back(db, str_of(names[i]));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_is_what_sqlite_says_it_is),
        cmocka_unit_test(lengths_must_be_the_same),
        cmocka_unit_test(quoted_names_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
