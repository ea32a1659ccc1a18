// SPDX-License-Identifier: MIT
#include "stages/load/sqlite/sqlite_schema.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "stages/load/sqlite/sqlite_checks.h"
#include "stages/load/sqlite/sqlite_identity.h"
#include "stages/load/sqlite/sqlite_source.h"
#include "stages/record/sqlite_names.h"

enum { HIDDEN = 1, GENERATED = 2 }; // of pragma_table_xinfo; more is generated and stored

struct asking {
    struct sqlite_source source;
    struct schema *schema;
    bool *without_rowid; // of each table
    size_t without_rowid_cap;
};

static struct str text_of(sqlite3_stmt *stmt, int i) {
    const char *p = (const char *)sqlite3_column_text(stmt, i);
    return (struct str){p, p ? (size_t)sqlite3_column_bytes(stmt, i) : 0};
}

// The caller finalizes; with nothing to step through where it cannot be prepared, and the reason is SQLite's last.
static sqlite3_stmt *ask(const struct asking *a, const char *sql, struct str name) {
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(a->source.db, sql, -1, &stmt, NULL) == SQLITE_OK && name.p)
        sqlite3_bind_text(stmt, 1, name.p, (int)name.n, SQLITE_STATIC);
    return stmt;
}

static bool next(sqlite3_stmt *stmt) {
    return stmt && sqlite3_step(stmt) == SQLITE_ROW;
}

// Ends a statement. Whether all of its rows were had.
static enum status settle(const struct asking *a, sqlite3_stmt *stmt, struct err *err) {
    int code = sqlite3_errcode(a->source.db);
    enum status status = STATUS_OK;
    if (!stmt || (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW))
        status = sqlite_source_error(&a->source, 0, err);
    sqlite3_finalize(stmt);
    return status;
}

static struct str known_name(const struct asking *a, struct str name, struct err *err, enum status *status) {
    if (*status == STATUS_OK && !utf8_valid(name, NULL))
        *status = err_set(err, STATUS_DATA, "%.*s: a table or column has a name that is not valid UTF-8",
                          STR_ARG(a->source.name));
    return name;
}

// Tables ------------------------------------------------------------------------------------------------------------

static enum status read_tables(struct asking *a, struct err *err) {
    sqlite3_stmt *stmt = ask(a,
                             "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' "
                             "AND type IN ('table', 'view', 'virtual') AND substr(name, 1, 7) <> 'sqlite_' "
                             "ORDER BY name",
                             (struct str){NULL, 0});
    enum status named = STATUS_OK;
    while (named == STATUS_OK && next(stmt)) {
        struct str type = text_of(stmt, 1);
        enum schema_kind kind = str_is(type, "view")      ? SCHEMA_VIEW
                                : str_is(type, "virtual") ? SCHEMA_VIRTUAL
                                                          : SCHEMA_TABLE;
        schema_add_table(a->schema, known_name(a, text_of(stmt, 0), err, &named), kind);
        MEM_GROW(a->without_rowid, a->without_rowid_cap, a->schema->tables_n);
        a->without_rowid[a->schema->tables_n - 1] = sqlite3_column_int(stmt, 2) != 0;
    }
    if (named != STATUS_OK) {
        sqlite3_finalize(stmt);
        return named;
    }
    return settle(a, stmt, err);
}

// Columns -----------------------------------------------------------------------------------------------------------

static void take_column(struct asking *a, struct schema_table *table, sqlite3_stmt *stmt) {
    struct schema_column *column = schema_add_column(a->schema, table, text_of(stmt, 0), text_of(stmt, 1));
    if (!column->type.p)
        column->type = STR("");
    column->nullable = sqlite3_column_int(stmt, 2) == 0;
    column->default_text = schema_text(a->schema, text_of(stmt, 3));
    column->generated = sqlite3_column_int(stmt, 5) >= GENERATED;
}

// pragma_table_xinfo numbers columns as pragma_index_info does, hidden ones included. Owned.
struct places {
    uint32_t *of;  // by SQLite's number the column's index; SCHEMA_EXPRESSION: it is hidden
    uint32_t *key; // columns of the primary key, in its order
    size_t n, cap, key_n, key_cap;
};

static void take_place(struct places *places, uint32_t column, int key) {
    MEM_GROW(places->of, places->cap, places->n + 1);
    places->of[places->n++] = column;
    if (column == SCHEMA_EXPRESSION || key <= 0)
        return;
    MEM_GROW(places->key, places->key_cap, (size_t)key);
    places->key[key - 1] = column;
    places->key_n = (size_t)key > places->key_n ? (size_t)key : places->key_n;
}

static enum status read_columns(struct asking *a, struct schema_table *table, struct places *places,
                                struct err *err) {
    enum status named = STATUS_OK;
    sqlite3_stmt *stmt = ask(
        a, "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1)", table->name);
    while (named == STATUS_OK && next(stmt)) {
        bool hidden = sqlite3_column_int(stmt, 5) == HIDDEN;
        known_name(a, text_of(stmt, 0), err, &named);
        take_place(places, hidden ? SCHEMA_EXPRESSION : (uint32_t)table->columns_n,
                   sqlite3_column_int(stmt, 4));
        if (!hidden)
            take_column(a, table, stmt);
    }
    if (named == STATUS_OK && sqlite3_errcode(a->source.db) == SQLITE_ERROR) {
        table->columns_n = 0;
        table->fault = schema_text(a->schema, str_of(sqlite3_errmsg(a->source.db)));
        sqlite3_finalize(stmt);
        return STATUS_OK;
    }
    if (named != STATUS_OK) {
        sqlite3_finalize(stmt);
        return named;
    }
    enum status status = settle(a, stmt, err);
    if (status == STATUS_OK && places->key_n > 0)
        schema_set_primary_key(a->schema, table, places->key, (uint32_t)places->key_n);
    return status;
}

// Indexes -----------------------------------------------------------------------------------------------------------

static enum status read_index(struct asking *a, struct schema_table *table, const struct places *places,
                              sqlite3_stmt *list, struct err *err) {
    const struct str name = text_of(list, 0);
    const struct str own = str_starts(name, STR("sqlite_autoindex_")) ? (struct str){NULL, 0} : name;
    struct schema_index *index = NULL;
    sqlite3_stmt *stmt =
        ask(a, "SELECT cid, count(*) OVER () FROM pragma_index_info(?1) ORDER BY seqno", name);
    for (uint32_t i = 0; next(stmt); i++) {
        int64_t cid = sqlite3_column_int64(stmt, 0); // -1: the rowid; -2: an expression
        if (!index)
            index = schema_add_index(a->schema, table, own, (uint32_t)sqlite3_column_int(stmt, 1));
        index->columns[i] = cid >= 0 && (size_t)cid < places->n ? places->of[cid] : SCHEMA_EXPRESSION;
    }
    if (index) {
        index->unique = sqlite3_column_int(list, 1) != 0;
        index->primary = str_is(text_of(list, 2), "pk");
        index->partial = sqlite3_column_int(list, 3) != 0;
    }
    return settle(a, stmt, err);
}

static enum status read_indexes(struct asking *a, struct schema_table *table, const struct places *places,
                                struct err *err) {
    enum status status = STATUS_OK;
    // SQLite lists the newest first.
    sqlite3_stmt *stmt =
        ask(a, "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?1) ORDER BY seq DESC",
            table->name);
    while (status == STATUS_OK && next(stmt))
        status = read_index(a, table, places, stmt, err);
    if (status == STATUS_OK)
        return settle(a, stmt, err);
    sqlite3_finalize(stmt);
    return status;
}

// Conditions ---------------------------------------------------------------------------------------------------

static enum status read_checks(struct asking *a, struct err *err) {
    // Nearly all tables have no such word.
    sqlite3_stmt *stmt =
        ask(a,
            "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%check%' "
            "ORDER BY name",
            (struct str){NULL, 0});
    while (next(stmt)) {
        const struct schema_table *table = schema_table_named(a->schema, text_of(stmt, 0));
        if (table && table->kind == SCHEMA_TABLE)
            sqlite_checks_read(a->schema, &a->schema->tables[table - a->schema->tables], text_of(stmt, 1));
    }
    return settle(a, stmt, err);
}

// Foreign keys ------------------------------------------------------------------------------------------------------

static const struct schema_table *find_table(const struct schema *schema, struct str name) {
    const struct schema_table *table = schema_table_named(schema, name);
    for (size_t i = 0; !table && i < schema->tables_n; i++)
        if (sqlite_names_equal(schema->tables[i].name, name))
            table = &schema->tables[i];
    return table;
}

static int64_t find_column(const struct schema_table *table, struct str name) {
    for (size_t i = 0; i < table->columns_n; i++)
        if (sqlite_names_equal(table->columns[i].name, name))
            return (int64_t)i;
    return -1;
}

static struct str action(struct schema *schema, struct str said) {
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < said.n; i++)
        buf_add_char(&text, said.p[i] >= 'A' && said.p[i] <= 'Z' ? (char)(said.p[i] - 'A' + 'a') : said.p[i]);
    struct str kept = schema_text(schema, buf_str(&text));
    buf_release(&text);
    return kept;
}

// A row of the list: one column of a key.
static void take_key_column(struct asking *a, struct schema_foreign_key *key,
                            const struct schema_table *table, sqlite3_stmt *stmt, uint32_t i) {
    const struct schema_table *target = find_table(a->schema, key->table);
    struct str said = text_of(stmt, 4);
    int64_t column = find_column(table, text_of(stmt, 3)), other = -1;
    key->columns[i] = column >= 0 ? (uint32_t)column : 0;
    if (target && !said.p && target->primary_key_n == key->columns_n)
        other = target->primary_key[i];
    else if (target && said.p)
        other = find_column(target, said);
    key->references[i] = other >= 0 ? target->columns[other].name : schema_text(a->schema, said);
    key->on_update = action(a->schema, text_of(stmt, 5));
    key->on_delete = action(a->schema, text_of(stmt, 6));
}

static enum status read_foreign_keys(struct asking *a, struct schema_table *table, struct err *err) {
    struct schema_foreign_key *key = NULL;
    uint32_t i = 0;
    // SQLite lists the last one first.
    sqlite3_stmt *stmt =
        ask(a,
            "SELECT id, count(*) OVER (PARTITION BY id), \"table\", \"from\", \"to\", on_update, "
            "on_delete FROM pragma_foreign_key_list(?1) ORDER BY id DESC, seq",
            table->name);
    enum status named = STATUS_OK;
    while (named == STATUS_OK && next(stmt)) {
        if (!key || i == key->columns_n) {
            struct str name = known_name(a, text_of(stmt, 2), err, &named);
            const struct schema_table *target = find_table(a->schema, name);
            key = schema_add_foreign_key(a->schema, table, target ? target->name : name,
                                         (uint32_t)sqlite3_column_int(stmt, 1));
            i = 0;
        }
        take_key_column(a, key, table, stmt, i++);
    }
    if (named == STATUS_OK)
        return settle(a, stmt, err);
    sqlite3_finalize(stmt);
    return named;
}

// An "integer primary key" is the rowid, which SQLite gives; any other primary key has an index. One that refers to
// another table has its value from there.
static void find_automatic(struct schema_table *table, bool without_rowid) {
    if (table->primary_key_n != 1 || without_rowid)
        return;
    for (size_t i = 0; i < table->indexes_n; i++)
        if (table->indexes[i].primary)
            return;
    for (size_t i = 0; i < table->foreign_keys_n; i++)
        if (table->foreign_keys[i].columns[0] == table->primary_key[0])
            return;
    table->columns[table->primary_key[0]].automatic = true;
}

// Values of type columns ----------------------------------------------------------------------------------------------

static bool leads_an_index(const struct schema_table *table, uint32_t column) {
    for (size_t i = 0; i < table->indexes_n; i++)
        if (!table->indexes[i].partial && table->indexes[i].columns_n > 0 &&
            table->indexes[i].columns[0] == column)
            return true;
    return false;
}

// With an index from one value to the next, which looks at no more rows than there are values; else all rows are read.
static void write_values_query(const struct schema_table *table, uint32_t column, struct buf *sql) {
    struct buf c = BUF_INIT, t = BUF_INIT;
    sqlite_names_add(&c, table->columns[column].name);
    sqlite_names_add(&t, table->name);
    const char *cs = buf_text(&c), *ts = buf_text(&t);
    if (leads_an_index(table, column))
        buf_printf(
            sql,
            "WITH RECURSIVE found(v) AS (SELECT min(%s) FROM %s UNION ALL SELECT (SELECT min(%s) FROM %s "
            "WHERE %s > found.v) FROM found WHERE found.v IS NOT NULL LIMIT %d) "
            "SELECT CAST(v AS TEXT) FROM found WHERE v IS NOT NULL",
            cs, ts, cs, ts, cs, SCHEMA_VALUES_MOST + 1);
    else
        buf_printf(sql, "SELECT DISTINCT CAST(%s AS TEXT) FROM %s WHERE %s IS NOT NULL LIMIT %d", cs, ts, cs,
                   SCHEMA_VALUES_MOST);
    buf_release(&c);
    buf_release(&t);
}

static enum status read_values(struct asking *a, struct schema_pair *pair, struct err *err) {
    struct buf sql = BUF_INIT;
    write_values_query(&a->schema->tables[pair->table], pair->type_column, &sql);
    sqlite3_stmt *stmt = ask(a, buf_text(&sql), (struct str){NULL, 0});
    buf_release(&sql);
    while (next(stmt)) {
        struct str value = text_of(stmt, 0);
        if (value.p && utf8_valid(value, NULL))
            schema_add_value(a->schema, pair, value);
    }
    return settle(a, stmt, err);
}

// ------------------------------------------------------------------------------------------------------------------------

static enum status read_all(struct asking *a, const struct schema_settings *settings, struct err *err) {
    struct schema *schema = a->schema;
    enum status status = read_tables(a, err);
    for (size_t i = 0; status == STATUS_OK && i < schema->tables_n; i++) {
        struct schema_table *table = &schema->tables[i];
        struct places places = {0};
        status = read_columns(a, table, &places, err);
        if (status == STATUS_OK && !table->fault.p)
            status = read_indexes(a, table, &places, err);
        mem_free(places.of);
        mem_free(places.key);
    }
    for (size_t i = 0; status == STATUS_OK && i < schema->tables_n; i++) {
        if (schema->tables[i].kind != SCHEMA_TABLE)
            continue;
        status = read_foreign_keys(a, &schema->tables[i], err);
        find_automatic(&schema->tables[i], a->without_rowid[i]);
    }
    if (status == STATUS_OK)
        status = read_checks(a, err);
    schema_find_pairs(schema, settings);
    for (size_t i = 0; status == STATUS_OK && i < schema->pairs_n; i++)
        if (!schema->pairs[i].declared)
            status = read_values(a, &schema->pairs[i], err);
    return status;
}

static enum status introspect(const struct load_options *options, struct schema *schema, struct err *err) {
    struct asking a = {.schema = schema};
    enum status status = sqlite_source_open(&a.source, options, err);
    if (status != STATUS_OK)
        return status;
    status = sqlite_source_enter(&a.source, err);
    if (status == STATUS_OK) {
        status = read_all(&a, options->schema, err);
        sqlite_source_leave(&a.source);
    }
    sqlite_source_close(&a.source);
    mem_free(a.without_rowid);
    return status;
}

const struct schema_database sqlite_schema = {
    .name = "sqlite",
    .identity = sqlite_identity,
    .introspect = introspect,
};
