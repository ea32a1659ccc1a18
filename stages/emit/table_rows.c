// SPDX-License-Identifier: MIT
#include "stages/emit/table_rows.h"

#include "base/mem.h"
#include "stages/emit/emit.h"
#include "stages/emit/table_keys.h"

enum {
    STATEMENTS = 32, // kept, each for rows of one shape
    GROUP = 32,      // comparisons in one pair of brackets: SQLite nests an expression 1000 deep at most
};

/*
 * What a column makes of a value decides how a new one is compared with the one that is there. In an upsert SQLite
 * does not convert all values of `excluded` as it will when it stores them: numbers are still numbers there where the
 * column will make text of them. A column with a numeric type stores 1.0 as 1 or 1 as 1.0, so types say nothing.
 */
enum conversion { CONVERTS_TO_NUMBER, CONVERTS_TO_TEXT, CONVERTS_NOTHING };

struct column {
    struct str name; // owned
    enum conversion conversion;
    bool unique;   // one of those by which rows replace others
    bool optional; // stays as it is where a row has no value for it
    // in the statement that is being written
    bool written;
    uint32_t parameter; // 0: NULL
};

struct statement {
    const struct shape *shape; // whose rows it writes, where that is shared; else NULL, and
    struct str *names;         // owned: its names
    uint32_t n;
    sqlite3_stmt *stmt; // NULL: unused
};

struct table_rows {
    const struct table_file *file;
    sqlite3 *db; // the file's
    struct str table;
    const struct str *unique;
    size_t unique_n;
    bool keyed; // the unique column is `key`
    bool made;
    bool has_triggers; // the database, in any table: an update may reach others
    struct table_keys keys;
    struct column *columns; // owned; empty until the table is made
    size_t columns_n, columns_cap;
    struct statement statements[STATEMENTS];
    size_t next; // to be replaced
};

static enum status failed(const struct table_rows *rows, struct err *err) {
    return table_file_error(rows->file, err);
}

static void add_quoted(struct buf *sql, struct str name) {
    buf_add_char(sql, '"');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '"')
            buf_add_char(sql, '"');
        buf_add_char(sql, name.p[i]);
    }
    buf_add_char(sql, '"');
}

static void add_unique(const struct table_rows *rows, struct buf *sql) {
    for (size_t i = 0; i < rows->unique_n; i++) {
        buf_add_text(sql, i ? ", " : "");
        add_quoted(sql, rows->unique[i]);
    }
}

static enum status run(const struct table_rows *rows, struct buf *sql, struct err *err) {
    int code = sqlite3_exec(rows->db, buf_text(sql), NULL, NULL, NULL);
    buf_release(sql);
    return code == SQLITE_OK ? STATUS_OK : failed(rows, err);
}

// Columns --------------------------------------------------------------------------------------------------------

static struct column *find_column(const struct table_rows *rows, struct str name) {
    for (size_t i = 0; i < rows->columns_n; i++)
        if (table_same_name(rows->columns[i].name, name))
            return &rows->columns[i];
    return NULL;
}

static struct str copy(struct str s) {
    return (struct str){mem_copy(s.p, s.n), s.n};
}

static struct column *add_column(struct table_rows *rows, struct str name, bool optional) {
    struct column column = {.name = copy(name), .optional = optional, .conversion = CONVERTS_NOTHING};
    for (size_t i = 0; i < rows->unique_n; i++)
        column.unique = column.unique || table_same_name(rows->unique[i], name);
    MEM_GROW(rows->columns, rows->columns_cap, rows->columns_n + 1);
    rows->columns[rows->columns_n++] = column;
    return &rows->columns[rows->columns_n - 1];
}

static void drop_statement(struct statement *s) {
    for (uint32_t i = 0; i < s->n; i++)
        mem_free((char *)s->names[i].p);
    mem_free(s->names);
    sqlite3_finalize(s->stmt);
    *s = (struct statement){0};
}

static void drop_statements(struct table_rows *rows) {
    for (size_t i = 0; i < STATEMENTS; i++)
        drop_statement(&rows->statements[i]);
}

// A generated column counts as optional: it is never written but where an output has it, which SQLite refuses.
static enum status read_columns(struct table_rows *rows, struct err *err) {
    sqlite3_stmt *stmt = NULL;
    sqlite3_prepare_v2(
        rows->db,
        "SELECT name, \"notnull\" OR dflt_value IS NOT NULL OR pk > 0 OR hidden <> 0, "
        "CASE WHEN type LIKE '%INT%' THEN 0 "
        "WHEN type LIKE '%CHAR%' OR type LIKE '%CLOB%' OR type LIKE '%TEXT%' THEN 1 "
        "WHEN type = '' OR type LIKE '%BLOB%' OR (type LIKE 'ANY' AND (SELECT strict "
        "FROM pragma_table_list(?1) WHERE schema = 'main')) THEN 2 ELSE 0 END " // enum conversion
        "FROM pragma_table_xinfo(?1, 'main')",
        -1, &stmt, NULL);
    sqlite3_bind_text(stmt, 1, rows->table.p, (int)rows->table.n, SQLITE_STATIC);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct str name = str_of((const char *)sqlite3_column_text(stmt, 0));
        struct column *column = add_column(rows, name, sqlite3_column_int(stmt, 1) != 0);
        column->conversion = (enum conversion)sqlite3_column_int(stmt, 2);
    }
    enum status status = code == SQLITE_DONE ? STATUS_OK : failed(rows, err);
    sqlite3_finalize(stmt);
    return status;
}

// SQLite itself is asked, with a statement that is never run, whether something makes the columns unique.
static enum status check_unique(const struct table_rows *rows, struct err *err) {
    char shown[EMIT_SHOWN_SIZE], column[EMIT_SHOWN_SIZE], table[EMIT_SHOWN_SIZE];
    emit_show_path(rows->file->path, shown);
    emit_show_path(rows->table, table);
    for (size_t i = 0; i < rows->unique_n; i++)
        if (!find_column(rows, rows->unique[i]))
            return err_set(err, STATUS_DATA,
                           "cannot write %s: table \"%s\" is there and has no column \"%s\", by which rows "
                           "would replace others%s",
                           shown, table, emit_show_path(rows->unique[i], column),
                           rows->keyed ? "; say others with `unique`" : " (unique)");
    struct buf sql = BUF_INIT;
    buf_add_text(&sql, "INSERT INTO main.");
    add_quoted(&sql, rows->table);
    buf_add_text(&sql, " (");
    add_unique(rows, &sql);
    buf_add_text(&sql, ") VALUES (NULL");
    for (size_t i = 1; i < rows->unique_n; i++)
        buf_add_text(&sql, ", NULL");
    buf_add_text(&sql, ") ON CONFLICT (");
    add_unique(rows, &sql);
    buf_add_text(&sql, ") DO NOTHING");
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(rows->db, buf_text(&sql), -1, &stmt, NULL);
    sqlite3_finalize(stmt);
    buf_clear(&sql);
    if (code == SQLITE_ERROR && strstr(sqlite3_errmsg(rows->db), "ON CONFLICT")) {
        add_unique(rows, &sql);
        err_set(
            err, STATUS_DATA,
            "cannot write %s: nothing in table \"%s\" makes (%s) unique, by which rows would replace others; "
            "it needs a unique index",
            shown, table, buf_text(&sql));
    } else if (code != SQLITE_OK) {
        failed(rows, err);
    }
    buf_release(&sql);
    return code == SQLITE_OK ? STATUS_OK : err->status;
}

// STATUS_OK also where there is nothing of that name.
static enum status look_at_table(struct table_rows *rows, struct err *err) {
    sqlite3_stmt *stmt = NULL;
    char shown[EMIT_SHOWN_SIZE], table[EMIT_SHOWN_SIZE];
    sqlite3_prepare_v2(rows->db,
                       "SELECT type, EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger') FROM "
                       "sqlite_schema WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view')",
                       -1, &stmt, NULL);
    sqlite3_bind_text(stmt, 1, rows->table.p, (int)rows->table.n, SQLITE_STATIC);
    int code = sqlite3_step(stmt);
    enum status status = STATUS_OK;
    rows->made = code == SQLITE_ROW;
    rows->has_triggers = rows->made && sqlite3_column_int(stmt, 1);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = failed(rows, err);
    else if (rows->made && strcmp((const char *)sqlite3_column_text(stmt, 0), "view") == 0)
        status = err_set(err, STATUS_DATA, "cannot write %s: \"%s\" is a view, not a table",
                         emit_show_path(rows->file->path, shown), emit_show_path(rows->table, table));
    sqlite3_finalize(stmt);
    if (status == STATUS_OK && rows->made)
        status = read_columns(rows, err);
    if (status == STATUS_OK && rows->made)
        status = check_unique(rows, err);
    return status;
}

enum status table_rows_open(const struct table_file *file, struct str table, const struct str *unique,
                            size_t unique_n, struct table_rows **out, struct err *err) {
    static const struct str key = {TABLE_KEY_COLUMN, sizeof TABLE_KEY_COLUMN - 1};
    struct table_rows *rows = MEM_NEW(struct table_rows);
    *rows = (struct table_rows){.file = file, .db = file->db, .table = table};
    rows->keyed = unique_n == 0;
    rows->unique = rows->keyed ? &key : unique;
    rows->unique_n = rows->keyed ? 1 : unique_n;
    table_keys_init(&rows->keys, rows->db, table, rows->unique, rows->unique_n, rows->keyed);
    enum status status = look_at_table(rows, err);
    if (status == STATUS_OK)
        *out = rows;
    else
        table_rows_free(rows);
    return status;
}

void table_rows_free(struct table_rows *rows) {
    if (!rows)
        return;
    drop_statements(rows);
    table_keys_release(&rows->keys);
    for (size_t i = 0; i < rows->columns_n; i++)
        mem_free((char *)rows->columns[i].name.p);
    mem_free(rows->columns);
    mem_free(rows);
}

bool table_rows_is_made(const struct table_rows *rows) {
    return rows->made;
}

enum status table_rows_make(struct table_rows *rows, const struct shape *shape, struct err *err) {
    struct buf sql = BUF_INIT;
    buf_add_text(&sql, "CREATE TABLE main.");
    add_quoted(&sql, rows->table);
    buf_add_text(&sql, rows->keyed ? " (\"" TABLE_KEY_COLUMN "\" TEXT PRIMARY KEY" : " (");
    if (rows->keyed)
        add_column(rows, STR(TABLE_KEY_COLUMN), true);
    for (uint32_t i = 0; shape && i < shape->n; i++) {
        buf_add_text(&sql, rows->columns_n ? ", " : "");
        add_quoted(&sql, value_str(shape->keys[i]));
        add_column(rows, value_str(shape->keys[i]), false);
    }
    for (size_t i = 0; i < rows->unique_n; i++) {
        if (find_column(rows, rows->unique[i]))
            continue;
        buf_add_text(&sql, rows->columns_n ? ", " : "");
        add_quoted(&sql, rows->unique[i]);
        add_column(rows, rows->unique[i], true);
    }
    if (!rows->keyed) {
        buf_add_text(&sql, ", PRIMARY KEY (");
        add_unique(rows, &sql);
        buf_add_char(&sql, ')');
    }
    buf_add_char(&sql, ')');
    rows->made = true;
    return run(rows, &sql, err);
}

static enum status add_columns(struct table_rows *rows, const struct shape *shape, struct err *err) {
    for (uint32_t i = 0; i < shape->n; i++) {
        struct str name = value_str(shape->keys[i]);
        if (find_column(rows, name))
            continue;
        drop_statements(rows); // they would leave the new column as it is
        struct buf sql = BUF_INIT;
        buf_add_text(&sql, "ALTER TABLE main.");
        add_quoted(&sql, rows->table);
        buf_add_text(&sql, " ADD COLUMN ");
        add_quoted(&sql, name);
        if (run(rows, &sql, err) != STATUS_OK)
            return err->status;
        add_column(rows, name, false);
    }
    return STATUS_OK;
}

// Statements -----------------------------------------------------------------------------------------------------

// Which columns a row of this shape writes: those it has, the key, and those that become NULL.
static void assign_parameters(struct table_rows *rows, const struct shape *shape) {
    for (size_t i = 0; i < rows->columns_n; i++) {
        struct column *column = &rows->columns[i];
        column->parameter = rows->keyed && column->unique ? shape->n + 1 : 0;
        column->written = column->parameter || !column->optional;
    }
    for (uint32_t i = 0; i < shape->n; i++) {
        struct column *column = find_column(rows, value_str(shape->keys[i]));
        column->parameter = i + 1;
        column->written = true;
    }
}

static void add_row(const struct table_rows *rows, struct buf *sql) {
    const char *between = " (";
    for (size_t i = 0; i < rows->columns_n; i++) {
        if (!rows->columns[i].written)
            continue;
        buf_add_text(sql, between);
        add_quoted(sql, rows->columns[i].name);
        between = ", ";
    }
    between = ") VALUES (";
    for (size_t i = 0; i < rows->columns_n; i++) {
        if (!rows->columns[i].written)
            continue;
        buf_add_text(sql, between);
        if (rows->columns[i].parameter)
            buf_printf(sql, "?%u", rows->columns[i].parameter);
        else
            buf_add_text(sql, "NULL");
        between = ", ";
    }
    buf_add_char(sql, ')');
}

static void add_settings(const struct table_rows *rows, struct buf *sql) {
    const char *between = " DO UPDATE SET ";
    for (size_t i = 0; i < rows->columns_n; i++) {
        const struct column *column = &rows->columns[i];
        if (!column->written || column->unique)
            continue;
        buf_add_text(sql, between);
        add_quoted(sql, column->name);
        buf_add_text(sql, " = excluded.");
        add_quoted(sql, column->name);
        between = ", ";
    }
    if (between[0] != ',')
        buf_add_text(sql, " DO NOTHING");
}

static void add_difference(const struct column *column, struct buf *sql) {
    bool text = column->conversion == CONVERTS_TO_TEXT;
    add_quoted(sql, column->name);
    buf_add_text(sql, text ? " IS NOT CAST(excluded." : " IS NOT excluded.");
    add_quoted(sql, column->name);
    buf_add_text(sql, text ? " AS TEXT) COLLATE BINARY" : " COLLATE BINARY");
    if (column->conversion != CONVERTS_NOTHING)
        return;
    buf_add_text(sql, " OR typeof(");
    add_quoted(sql, column->name);
    buf_add_text(sql, ") <> typeof(excluded.");
    add_quoted(sql, column->name);
    buf_add_char(sql, ')');
}

// Where any of them differs; nothing where there are none to differ.
static void add_differences(const struct table_rows *rows, struct buf *sql) {
    size_t n = 0;
    for (size_t i = 0; i < rows->columns_n; i++) {
        const struct column *column = &rows->columns[i];
        if (!column->written || column->unique)
            continue;
        buf_add_text(sql, n == 0 ? " WHERE (" : n % GROUP == 0 ? ") OR (" : " OR ");
        add_difference(column, sql);
        n++;
    }
    buf_add_text(sql, n ? ")" : "");
}

static enum status prepare(struct table_rows *rows, const struct shape *shape, sqlite3_stmt **stmt,
                           struct err *err) {
    struct buf sql = BUF_INIT;
    assign_parameters(rows, shape);
    // As the update does in any case; what the table says of conflicts would skip rows unseen, or end the transaction.
    buf_add_text(&sql, "INSERT OR ABORT INTO main.");
    add_quoted(&sql, rows->table);
    add_row(rows, &sql);
    buf_add_text(&sql, " ON CONFLICT (");
    add_unique(rows, &sql);
    buf_add_char(&sql, ')');
    add_settings(rows, &sql);
    add_differences(rows, &sql);
    int code = sqlite3_prepare_v3(rows->db, buf_text(&sql), -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
    buf_release(&sql);
    return code == SQLITE_OK ? STATUS_OK : failed(rows, err);
}

static bool is_for(const struct statement *s, const struct shape *shape) {
    if (!s->stmt || s->shape || shape->shared)
        return s->stmt && s->shape == shape;
    bool same = s->n == shape->n;
    for (uint32_t i = 0; same && i < s->n; i++)
        same = str_equal(s->names[i], value_str(shape->keys[i]));
    return same;
}

static enum status find_statement(struct table_rows *rows, const struct shape *shape, sqlite3_stmt **out,
                                  struct err *err) {
    for (struct statement *s = rows->statements; s < rows->statements + STATEMENTS; s++) {
        if (!is_for(s, shape))
            continue;
        *out = s->stmt;
        return STATUS_OK;
    }
    if (add_columns(rows, shape, err) != STATUS_OK)
        return err->status;
    struct statement *s = &rows->statements[rows->next];
    rows->next = (rows->next + 1) % STATEMENTS;
    drop_statement(s);
    if (prepare(rows, shape, &s->stmt, err) != STATUS_OK)
        return err->status;
    s->shape = shape->shared ? shape : NULL;
    if (!shape->shared) { // whose address says nothing
        s->n = shape->n;
        s->names = MEM_NEW_ARRAY(struct str, shape->n);
        for (uint32_t i = 0; i < shape->n; i++)
            s->names[i] = copy(value_str(shape->keys[i]));
    }
    *out = s->stmt;
    return STATUS_OK;
}

// Putting --------------------------------------------------------------------------------------------------------

// What is about the one statement, and left the transaction as it was before.
static bool is_refusal(const struct table_rows *rows) {
    switch (sqlite3_errcode(rows->db)) {
    case SQLITE_CONSTRAINT:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        return !sqlite3_get_autocommit(rows->db);
    default:
        return false;
    }
}

static enum status refuse(const struct table_rows *rows, enum table_put *put, struct err *err) {
    if (!is_refusal(rows))
        return failed(rows, err);
    char table[EMIT_SHOWN_SIZE];
    *put = TABLE_REFUSED;
    err_set(err, STATUS_DATA, "the table \"%s\" does not take the row: %s",
            emit_show_path(rows->table, table), sqlite3_errmsg(rows->db));
    return STATUS_OK;
}

static enum status refuse_key(struct table_rows *rows, const struct table_row *row, enum table_put *put,
                              struct err *err) {
    struct buf shown = BUF_INIT;
    table_keys_show(&rows->keys, row, &shown);
    *put = TABLE_REFUSED;
    err_set(err, STATUS_DATA, "the row has the key %s, as an earlier row of this run has", buf_text(&shown));
    buf_release(&shown);
    return STATUS_OK;
}

// A trigger that raises FAIL leaves what its statement did up to there, so that is undone here.
static enum status step(struct table_rows *rows, sqlite3_stmt *stmt, enum table_put *put, struct err *err) {
    bool guarded = rows->has_triggers;
    if (guarded && sqlite3_exec(rows->db, "SAVEPOINT row", NULL, NULL, NULL) != SQLITE_OK)
        return failed(rows, err);
    enum status status = STATUS_OK;
    if (sqlite3_step(stmt) == SQLITE_DONE)
        *put = sqlite3_changes(rows->db) > 0 ? TABLE_WRITTEN : TABLE_UNCHANGED;
    else
        status = refuse(rows, put, err);
    sqlite3_reset(stmt);
    if (!guarded || status != STATUS_OK)
        return status;
    const char *end = *put == TABLE_REFUSED ? "ROLLBACK TO row; RELEASE row" : "RELEASE row";
    return sqlite3_exec(rows->db, end, NULL, NULL, NULL) == SQLITE_OK ? STATUS_OK : failed(rows, err);
}

enum status table_rows_put(struct table_rows *rows, const struct table_row *row, enum table_put *put,
                           struct err *err) {
    sqlite3_stmt *stmt;
    struct digest key;
    if (!rows->made && table_rows_make(rows, row->shape, err) != STATUS_OK)
        return err->status;
    if (table_keys_of(&rows->keys, row, &key) != SQLITE_OK)
        return failed(rows, err);
    if (table_keys_have(&rows->keys, key))
        return refuse_key(rows, row, put, err);
    if (find_statement(rows, row->shape, &stmt, err) != STATUS_OK)
        return refuse(rows, put, err);
    for (uint32_t i = 0; i < row->shape->n; i++)
        table_bind(stmt, (int)i + 1, row->values[i]);
    if (rows->keyed)
        table_bind(stmt, (int)row->shape->n + 1, value_string(row->key));
    enum status status = step(rows, stmt, put, err);
    if (status == STATUS_OK && *put != TABLE_REFUSED)
        table_keys_add(&rows->keys, key);
    return status;
}
