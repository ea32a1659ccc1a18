// SPDX-License-Identifier: MIT
#include "pipeline/doctor/database_outline.h"

#include "base/buf.h"

static struct str column_str(sqlite3_stmt *stmt, int i) {
    const char *p = (const char *)sqlite3_column_text(stmt, i);
    return (struct str){p ? p : "", p ? (size_t)sqlite3_column_bytes(stmt, i) : 0};
}

// Tables first, as indexes and views need them; those that virtual tables keep their rows in are made by them.
static const char *const objects =
    "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND type IN ('table', 'index', 'view') "
    "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
    "AND name NOT IN (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow') "
    "ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, rowid";

static int copy_objects(sqlite3 *db, const struct outline_maker *maker, sqlite3 *outline) {
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, objects, -1, &stmt, NULL);
    while (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const struct str type = column_str(stmt, 0), sql = column_str(stmt, 2);
        const bool is_table = str_is(type, "table") && sqlite3_strnicmp(sql.p, "create virtual", 14) != 0;
        code = SQLITE_OK;
        if (maker && is_table)
            maker->table(maker->self, outline, column_str(stmt, 1), sql);
        else if (!maker || !str_is(type, "index"))
            sqlite3_exec(outline, sql.p, NULL, NULL, NULL); // one that fails is one that is not there
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

// What the planner knows of how many rows there are.
static void copy_statistics(sqlite3 *db, sqlite3 *outline) {
    sqlite3_stmt *from = NULL, *to = NULL;
    if (sqlite3_prepare_v2(db, "SELECT tbl, idx, stat FROM sqlite_stat1", -1, &from, NULL) != SQLITE_OK)
        return; // nobody ever asked for it
    sqlite3_exec(outline, "ANALYZE; DELETE FROM sqlite_stat1", NULL, NULL, NULL);
    if (sqlite3_prepare_v2(outline, "INSERT INTO sqlite_stat1 VALUES (?1, ?2, ?3)", -1, &to, NULL) ==
        SQLITE_OK)
        while (sqlite3_step(from) == SQLITE_ROW) {
            for (int i = 0; i < 3; i++)
                sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i));
            sqlite3_step(to);
            sqlite3_reset(to);
        }
    sqlite3_finalize(from);
    sqlite3_finalize(to);
    sqlite3_exec(outline, "ANALYZE sqlite_schema", NULL, NULL, NULL);
}

int database_outline_open(sqlite3 *db, const struct outline_maker *maker, sqlite3 **outline) {
    *outline = NULL;
    int code = sqlite3_open_v2(":memory:", outline,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = copy_objects(db, maker, *outline);
    if (code == SQLITE_OK && !maker)
        copy_statistics(db, *outline);
    if (code != SQLITE_OK) {
        sqlite3_close(*outline);
        *outline = NULL;
    }
    return code;
}
