// SPDX-License-Identifier: MIT
#include "stages/emit/table_upsert.h"

#include "stages/record/sqlite_names.h"

enum { GROUP = 32 }; // comparisons in one pair of brackets: SQLite nests an expression 1000 deep at most

void table_upsert_add_unique(const struct table_upsert *upsert, struct buf *sql) {
    for (size_t i = 0; i < upsert->unique_n; i++) {
        buf_add_text(sql, i ? ", " : "");
        sqlite_names_add(sql, upsert->unique[i]);
    }
}

static void add_row(const struct table_upsert *upsert, struct buf *sql) {
    const char *between = " (";
    for (size_t i = 0; i < upsert->columns_n; i++) {
        if (!upsert->columns[i].written)
            continue;
        buf_add_text(sql, between);
        sqlite_names_add(sql, upsert->columns[i].name);
        between = ", ";
    }
    between = ") VALUES (";
    for (size_t i = 0; i < upsert->columns_n; i++) {
        if (!upsert->columns[i].written)
            continue;
        buf_printf(sql, "%s?%zu", between, i + 1);
        between = ", ";
    }
    buf_add_char(sql, ')');
}

static void add_settings(const struct table_upsert *upsert, struct buf *sql) {
    const char *between = " DO UPDATE SET ";
    for (size_t i = 0; i < upsert->columns_n; i++) {
        const struct table_column *column = &upsert->columns[i];
        if (!column->written || column->unique)
            continue;
        buf_add_text(sql, between);
        sqlite_names_add(sql, column->name);
        buf_add_text(sql, " = excluded.");
        sqlite_names_add(sql, column->name);
        between = ", ";
    }
    if (between[0] == ',')
        return;
    if (!upsert->force) {
        buf_add_text(sql, " DO NOTHING");
        return;
    }
    buf_add_text(sql, between); // to what it is
    sqlite_names_add(sql, upsert->unique[0]);
    buf_add_text(sql, " = ");
    sqlite_names_add(sql, upsert->unique[0]);
}

static void add_difference(const struct table_column *column, struct buf *sql) {
    bool text = column->conversion == CONVERTS_TO_TEXT;
    sqlite_names_add(sql, column->name);
    buf_add_text(sql, text ? " IS NOT CAST(excluded." : " IS NOT excluded.");
    sqlite_names_add(sql, column->name);
    buf_add_text(sql, text ? " AS TEXT) COLLATE BINARY" : " COLLATE BINARY");
    if (column->conversion != CONVERTS_NOTHING)
        return;
    buf_add_text(sql, " OR typeof(");
    sqlite_names_add(sql, column->name);
    buf_add_text(sql, ") <> typeof(excluded.");
    sqlite_names_add(sql, column->name);
    buf_add_char(sql, ')');
}

// Where any of them differs; nothing where there are none to differ.
static void add_differences(const struct table_upsert *upsert, struct buf *sql) {
    size_t n = 0;
    for (size_t i = 0; i < upsert->columns_n; i++) {
        const struct table_column *column = &upsert->columns[i];
        if (!column->written || column->unique)
            continue;
        buf_add_text(sql, n == 0 ? " WHERE (" : n % GROUP == 0 ? ") OR (" : " OR ");
        add_difference(column, sql);
        n++;
    }
    buf_add_text(sql, n ? ")" : "");
}

void table_upsert_add(const struct table_upsert *upsert, struct buf *sql) {
    // As the update does in any case; what the table says of conflicts would skip rows unseen, or end the transaction.
    buf_add_text(sql, "INSERT OR ABORT INTO main.");
    sqlite_names_add(sql, upsert->table);
    add_row(upsert, sql);
    buf_add_text(sql, " ON CONFLICT (");
    table_upsert_add_unique(upsert, sql);
    buf_add_char(sql, ')');
    add_settings(upsert, sql);
    if (!upsert->force)
        add_differences(upsert, sql);
}
