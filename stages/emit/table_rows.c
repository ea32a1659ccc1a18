// SPDX-License-Identifier: MIT
#include "stages/emit/table_rows.h"

#include "base/mem.h"
#include "stages/emit/emit.h"
#include "stages/emit/table_keys.h"
#include "stages/emit/table_upsert.h"
#include "stages/record/sqlite_names.h"

enum { STATEMENTS = 32 }; // kept

struct statement {
    struct digest optional; // which optional columns it writes
    sqlite3_stmt *stmt;     // NULL: unused
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
    struct table_column *columns; // owned, with their names; empty until the table is made
    size_t columns_n, columns_cap;
    struct table_names names;    // of the columns
    size_t key_at;               // the column `key`, where rows are keyed
    size_t optionals_n;          // of the columns, without the unique ones
    const struct shape *located; // a shared shape, and of its keys
    size_t *at;                  // owned: the columns
    size_t at_cap;
    struct digest optional; // which optional ones are among them
    struct buf bytes;       // scratch
    struct statement statements[STATEMENTS];
    size_t next; // to be replaced
};

static enum status failed(const struct table_rows *rows, struct err *err) {
    return table_file_error(rows->file, err);
}

static struct table_upsert upsert_of(const struct table_rows *rows) {
    return (struct table_upsert){.table = rows->table,
                                 .columns = rows->columns,
                                 .columns_n = rows->columns_n,
                                 .unique = rows->unique,
                                 .unique_n = rows->unique_n,
                                 .force = rows->file->force};
}

static enum status run(const struct table_rows *rows, struct buf *sql, struct err *err) {
    int code = sqlite3_exec(rows->db, buf_text(sql), NULL, NULL, NULL);
    buf_release(sql);
    return code == SQLITE_OK ? STATUS_OK : failed(rows, err);
}

// Columns --------------------------------------------------------------------------------------------------------

static bool has_column(struct table_rows *rows, struct str name) {
    return table_names_find(&rows->names, name) != TABLE_NAME_NONE;
}

static struct table_column *add_column(struct table_rows *rows, struct str name, bool optional) {
    struct table_column column = {.name = {mem_copy(name.p, name.n), name.n}, .conversion = CONVERTS_NOTHING};
    column.optional = optional;
    for (size_t i = 0; i < rows->unique_n; i++)
        column.unique = column.unique || sqlite_names_equal(rows->unique[i], name);
    MEM_GROW(rows->columns, rows->columns_cap, rows->columns_n + 1);
    rows->columns[rows->columns_n++] = column;
    size_t at = table_names_add(&rows->names, column.name);
    if (column.unique)
        rows->key_at = at;
    rows->optionals_n += optional && !column.unique;
    return &rows->columns[rows->columns_n - 1];
}

static void drop_statements(struct table_rows *rows) {
    for (size_t i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(rows->statements[i].stmt);
        rows->statements[i] = (struct statement){0};
    }
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
        "FROM pragma_table_list(?1) WHERE schema = 'main')) THEN 2 ELSE 0 END " // enum table_conversion
        "FROM pragma_table_xinfo(?1, 'main')",
        -1, &stmt, NULL);
    sqlite3_bind_text(stmt, 1, rows->table.p, (int)rows->table.n, SQLITE_STATIC);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct str name = str_of((const char *)sqlite3_column_text(stmt, 0));
        struct table_column *column = add_column(rows, name, sqlite3_column_int(stmt, 1) != 0);
        column->conversion = (enum table_conversion)sqlite3_column_int(stmt, 2);
    }
    enum status status = code == SQLITE_DONE ? STATUS_OK : failed(rows, err);
    sqlite3_finalize(stmt);
    return status;
}

// SQLite itself is asked, with a statement that is never run, whether something makes the columns unique.
static enum status check_unique(struct table_rows *rows, struct err *err) {
    char shown[EMIT_SHOWN_SIZE], column[EMIT_SHOWN_SIZE], table[EMIT_SHOWN_SIZE];
    emit_show_path(rows->file->path, shown);
    emit_show_path(rows->table, table);
    for (size_t i = 0; i < rows->unique_n; i++)
        if (!has_column(rows, rows->unique[i]))
            return err_set(err, STATUS_DATA,
                           "cannot write %s: table \"%s\" is there and has no column \"%s\", by which rows "
                           "would replace others%s",
                           shown, table, emit_show_path(rows->unique[i], column),
                           rows->keyed ? "; say others with `unique`" : " (unique)");
    struct table_upsert upsert = upsert_of(rows);
    struct buf sql = BUF_INIT;
    buf_add_text(&sql, "INSERT INTO main.");
    sqlite_names_add(&sql, rows->table);
    buf_add_text(&sql, " (");
    table_upsert_add_unique(&upsert, &sql);
    buf_add_text(&sql, ") VALUES (NULL");
    for (size_t i = 1; i < rows->unique_n; i++)
        buf_add_text(&sql, ", NULL");
    buf_add_text(&sql, ") ON CONFLICT (");
    table_upsert_add_unique(&upsert, &sql);
    buf_add_text(&sql, ") DO NOTHING");
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(rows->db, buf_text(&sql), -1, &stmt, NULL);
    sqlite3_finalize(stmt);
    buf_clear(&sql);
    if (code == SQLITE_ERROR && strstr(sqlite3_errmsg(rows->db), "ON CONFLICT")) {
        table_upsert_add_unique(&upsert, &sql);
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
    table_names_release(&rows->names);
    buf_release(&rows->bytes);
    mem_free(rows->at);
    for (size_t i = 0; i < rows->columns_n; i++)
        mem_free((char *)rows->columns[i].name.p);
    mem_free(rows->columns);
    mem_free(rows);
}

bool table_rows_is_made(const struct table_rows *rows) {
    return rows->made;
}

static void add_definition(struct table_rows *rows, struct str name, bool optional, struct buf *sql) {
    buf_add_text(sql, rows->columns_n ? ", " : " (");
    sqlite_names_add(sql, name);
    add_column(rows, name, optional);
}

enum status table_rows_make(struct table_rows *rows, const struct str *names, size_t n, struct err *err) {
    struct table_upsert upsert = upsert_of(rows);
    struct buf sql = BUF_INIT;
    buf_add_text(&sql, "CREATE TABLE main.");
    sqlite_names_add(&sql, rows->table);
    if (rows->keyed) {
        add_definition(rows, STR(TABLE_KEY_COLUMN), true, &sql);
        buf_add_text(&sql, " TEXT PRIMARY KEY");
    }
    for (size_t i = 0; i < n; i++)
        add_definition(rows, names[i], false, &sql);
    for (size_t i = 0; i < rows->unique_n; i++)
        if (!has_column(rows, rows->unique[i]))
            add_definition(rows, rows->unique[i], true, &sql);
    if (!rows->keyed) {
        buf_add_text(&sql, ", PRIMARY KEY (");
        table_upsert_add_unique(&upsert, &sql);
        buf_add_char(&sql, ')');
    }
    buf_add_char(&sql, ')');
    rows->made = true;
    return run(rows, &sql, err);
}

static enum status alter(struct table_rows *rows, struct str name, struct err *err) {
    struct buf sql = BUF_INIT;
    buf_add_text(&sql, "ALTER TABLE main.");
    sqlite_names_add(&sql, rows->table);
    buf_add_text(&sql, " ADD COLUMN ");
    sqlite_names_add(&sql, name);
    if (run(rows, &sql, err) != STATUS_OK)
        return err->status;
    drop_statements(rows); // they would leave the new column as it is
    add_column(rows, name, false);
    return STATUS_OK;
}

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

// One row's wishes. What cannot be is said where the row is put, which finds it missing.
static enum status widen(struct table_rows *rows, const struct str *names, size_t n, struct err *err) {
    size_t missing = 0;
    for (size_t i = 0; i < n; i++)
        missing += !has_column(rows, names[i]);
    if (rows->columns_n + missing > TABLE_COLUMNS_MAX)
        return STATUS_OK;
    for (size_t i = 0; missing && i < n; i++)
        if (!has_column(rows, names[i]) && alter(rows, names[i], err) != STATUS_OK)
            return is_refusal(rows) ? STATUS_OK : err->status;
    return STATUS_OK;
}

enum status table_rows_widen(struct table_rows *rows, const struct table_wishes *wishes, struct err *err) {
    const struct str *names = wishes->names.names;
    size_t from = 0, made = 0, most = TABLE_COLUMNS_MAX - rows->keyed;
    if (!rows->made) { // with as many as it may have; unique ones are among the first row's
        while (made < wishes->ends_n && wishes->ends[made] <= most)
            from = wishes->ends[made++];
        if (table_rows_make(rows, names, from, err) != STATUS_OK)
            return err->status;
    }
    for (size_t i = made; i < wishes->ends_n; from = wishes->ends[i++]) {
        if (table_file_is_interrupted(rows->file))
            return table_file_interrupted(rows->file, err);
        if (widen(rows, names + from, wishes->ends[i] - from, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

// Statements -----------------------------------------------------------------------------------------------------

// Finds the columns of the keys; how many are not there.
static size_t locate(struct table_rows *rows, const struct shape *shape) {
    size_t missing = 0;
    MEM_GROW(rows->at, rows->at_cap, shape->n);
    for (uint32_t i = 0; i < shape->n; i++) {
        rows->at[i] = table_names_find(&rows->names, value_str(shape->keys[i]));
        missing += rows->at[i] == TABLE_NAME_NONE;
    }
    return missing;
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

// Adds what could not be added beforehand, or says why not.
static enum status complete(struct table_rows *rows, const struct shape *shape, size_t missing,
                            enum table_put *put, struct err *err) {
    if (rows->columns_n + missing > TABLE_COLUMNS_MAX) {
        *put = TABLE_REFUSED;
        err_set(err, STATUS_DATA, "the table would have more than 2,000 columns");
        return STATUS_OK;
    }
    for (uint32_t i = 0; i < shape->n; i++) {
        if (rows->at[i] != TABLE_NAME_NONE)
            continue;
        if (alter(rows, value_str(shape->keys[i]), err) != STATUS_OK)
            return refuse(rows, put, err);
        rows->at[i] = rows->columns_n - 1;
    }
    return STATUS_OK;
}

// Marks the columns that a row of the located shape writes: those it has, and those that become NULL.
static void mark_written(struct table_rows *rows, uint32_t n) {
    for (size_t i = 0; i < rows->columns_n; i++)
        rows->columns[i].written = !rows->columns[i].optional || rows->columns[i].unique;
    for (uint32_t i = 0; i < n; i++)
        rows->columns[rows->at[i]].written = true;
}

// A statement is for all rows with the same optional columns, of which there are none where the table was made here.
static void tell_optionals(struct table_rows *rows, uint32_t n) {
    rows->optional = (struct digest){0};
    if (rows->optionals_n == 0)
        return;
    mark_written(rows, n);
    buf_clear(&rows->bytes);
    for (size_t i = 0; i < rows->columns_n; i++)
        if (rows->columns[i].optional)
            buf_add_char(&rows->bytes, rows->columns[i].written ? '1' : '0');
    rows->optional = digest_of(buf_str(&rows->bytes));
}

static enum status look_at_shape(struct table_rows *rows, const struct shape *shape, enum table_put *put,
                                 struct err *err) {
    if (shape == rows->located)
        return STATUS_OK;
    rows->located = NULL;
    size_t missing = locate(rows, shape);
    enum status status = missing > 0 ? complete(rows, shape, missing, put, err) : STATUS_OK;
    if (status != STATUS_OK || *put == TABLE_REFUSED)
        return status;
    tell_optionals(rows, shape->n);
    rows->located = shape->shared ? shape : NULL; // the address of another one says nothing
    return STATUS_OK;
}

// For the located shape, of n keys. NULL: it cannot be.
static sqlite3_stmt *find_statement(struct table_rows *rows, uint32_t n) {
    for (const struct statement *s = rows->statements; s < rows->statements + STATEMENTS; s++)
        if (s->stmt && digest_equal(s->optional, rows->optional))
            return s->stmt;
    struct statement *s = &rows->statements[rows->next];
    rows->next = (rows->next + 1) % STATEMENTS;
    sqlite3_finalize(s->stmt);
    *s = (struct statement){.optional = rows->optional};
    mark_written(rows, n);
    struct table_upsert upsert = upsert_of(rows);
    buf_clear(&rows->bytes);
    table_upsert_add(&upsert, &rows->bytes);
    sqlite3_prepare_v3(rows->db, buf_text(&rows->bytes), -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL);
    return s->stmt;
}

// Putting --------------------------------------------------------------------------------------------------------

static enum status refuse_key(struct table_rows *rows, const struct table_row *row, enum table_put *put,
                              struct err *err) {
    struct buf shown = BUF_INIT;
    table_keys_show(&rows->keys, row, &shown);
    *put = TABLE_REFUSED;
    err_set(err, STATUS_DATA, "the row has the key %s, as an earlier row of this run has", buf_text(&shown));
    buf_release(&shown);
    return STATUS_OK;
}

// A value that did not get as far as the table, instead of which NULL would be stored.
static enum status refuse_unbound(const struct table_rows *rows, int code, enum table_put *put,
                                  struct err *err) {
    if (code != SQLITE_TOOBIG && code != SQLITE_NOMEM)
        return failed(rows, err);
    char table[EMIT_SHOWN_SIZE];
    *put = TABLE_REFUSED;
    err_set(err, STATUS_DATA, "the table \"%s\" does not take the row: %s",
            emit_show_path(rows->table, table), sqlite3_errstr(code));
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

static int bind_row(const struct table_rows *rows, sqlite3_stmt *stmt, const struct table_row *row) {
    sqlite3_clear_bindings(stmt);
    int code = rows->keyed ? table_bind(stmt, (int)rows->key_at + 1, value_string(row->key)) : SQLITE_OK;
    for (uint32_t i = 0; code == SQLITE_OK && i < row->shape->n; i++)
        code = table_bind(stmt, (int)rows->at[i] + 1, row->values[i]);
    return code;
}

enum status table_rows_put(struct table_rows *rows, const struct table_row *row, enum table_put *put,
                           struct err *err) {
    struct digest key;
    *put = TABLE_UNCHANGED;
    if (!rows->made && table_rows_make(rows, NULL, 0, err) != STATUS_OK)
        return err->status;
    int code = table_keys_of(&rows->keys, row, &key);
    if (code != SQLITE_OK)
        return refuse_unbound(rows, code, put, err);
    if (table_keys_have(&rows->keys, key))
        return refuse_key(rows, row, put, err);
    enum status status = look_at_shape(rows, row->shape, put, err);
    if (status != STATUS_OK || *put == TABLE_REFUSED)
        return status;
    sqlite3_stmt *stmt = find_statement(rows, row->shape->n);
    if (!stmt)
        return refuse(rows, put, err);
    code = bind_row(rows, stmt, row);
    if (code != SQLITE_OK)
        return refuse_unbound(rows, code, put, err);
    status = step(rows, stmt, put, err);
    if (status == STATUS_OK && *put != TABLE_REFUSED)
        table_keys_add(&rows->keys, key);
    return status;
}
