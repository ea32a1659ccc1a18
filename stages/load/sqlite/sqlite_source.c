// SPDX-License-Identifier: MIT
#include "stages/load/sqlite/sqlite_source.h"

#include <ctype.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "stages/load/query_parameters.h"
#include "stages/load/sqlite/sqlite_connection.h"
#include "stages/record/sqlite_names.h"

enum {
    TABLES_LISTED = 12, // in a message
    NEAR_BYTES = 32,    // of a query's text shown in a message
};

enum status sqlite_source_error(const struct sqlite_source *s, uint64_t rows, struct err *err) {
    return sqlite_connection_error(s->connection, rows, err);
}

enum status sqlite_source_enter(struct sqlite_source *s, struct err *err) {
    return sqlite_pool_enter(s->pool, s->connection, err);
}

void sqlite_source_leave(struct sqlite_source *s) {
    sqlite_pool_leave(s->pool, s->connection);
}

// Tables -------------------------------------------------------------------------------------------------------

struct table {
    struct buf name;
    bool is_table, without_rowid;
};

// Runs over the names of the database's tables and views. The caller finalizes.
static sqlite3_stmt *list_tables(const struct sqlite_source *s) {
    sqlite3_stmt *stmt = NULL;
    sqlite3_prepare_v2(
        s->db,
        "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main' "
        "AND type IN ('table', 'view', 'virtual') AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name",
        -1, &stmt, NULL);
    return stmt;
}

static struct str column_str(sqlite3_stmt *stmt, int i) {
    const char *p = (const char *)sqlite3_column_text(stmt, i);
    return (struct str){p, p ? (size_t)sqlite3_column_bytes(stmt, i) : 0};
}

static void take_table(struct table *table, sqlite3_stmt *stmt) {
    buf_clear(&table->name);
    buf_add_str(&table->name, column_str(stmt, 0));
    table->is_table = str_is(column_str(stmt, 1), "table");
    table->without_rowid = sqlite3_column_int(stmt, 2) != 0;
}

static enum status unknown_table(const struct sqlite_source *s, struct str wanted, struct err *err) {
    struct suggestion near = suggest_for(wanted);
    sqlite3_stmt *stmt = list_tables(s);
    struct buf best = BUF_INIT;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        suggest_offer(&near, column_str(stmt, 0));
        if (near.best.p == (const char *)sqlite3_column_text(stmt, 0)) { // SQLite's text lasts one step
            buf_clear(&best);
            buf_add_str(&best, near.best);
            near.best = (struct str){"", 0};
        }
    }
    sqlite3_finalize(stmt);
    if (best.n)
        err_set(err, STATUS_DATA, "%.*s: no such table: %.*s; did you mean \"%s\"?", STR_ARG(s->name),
                STR_ARG(wanted), buf_text(&best));
    else
        err_set(err, STATUS_DATA, "%.*s: no such table: %.*s", STR_ARG(s->name), STR_ARG(wanted));
    buf_release(&best);
    return err->status;
}

static enum status several_tables(const struct sqlite_source *s, size_t n, struct err *err) {
    if (n == 0)
        return err_set(err, STATUS_DATA, "%.*s: the database has no table", STR_ARG(s->name));
    struct buf names = BUF_INIT;
    sqlite3_stmt *stmt = list_tables(s);
    for (size_t i = 0; i < TABLES_LISTED && sqlite3_step(stmt) == SQLITE_ROW; i++) {
        buf_add_text(&names, i ? ", " : "");
        buf_add_str(&names, column_str(stmt, 0));
    }
    sqlite3_finalize(stmt);
    if (n > TABLES_LISTED)
        buf_printf(&names, " and %zu more", n - TABLES_LISTED);
    err_set(err, STATUS_DATA, "%.*s: which of its tables? Say `table` or `query`; there are %s",
            STR_ARG(s->name), buf_text(&names));
    buf_release(&names);
    return err->status;
}

// The table asked for, or the only one there is.
static enum status find_table(const struct sqlite_source *s, struct str wanted, struct table *table,
                              struct err *err) {
    size_t n = 0;
    bool found = false;
    sqlite3_stmt *stmt = list_tables(s);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        n++;
        if (wanted.p ? !sqlite_names_equal(wanted, column_str(stmt, 0)) : n > 1)
            continue;
        found = true;
        take_table(table, stmt);
    }
    enum status status = code == SQLITE_DONE ? STATUS_OK : sqlite_source_error(s, 0, err);
    sqlite3_finalize(stmt);
    if (status != STATUS_OK)
        return status;
    if (wanted.p)
        return found ? STATUS_OK : unknown_table(s, wanted, err);
    return n == 1 ? STATUS_OK : several_tables(s, n, err);
}

// What a table's rows are ordered by: the primary key's columns, or whichever name of the rowid no column has taken for
// itself. None: neither. They can be split by it where it is one.
static void add_order(struct sqlite_source *s, const struct table *table, struct buf *order) {
    static const char *const rowids[] = {"rowid", "_rowid_", "oid"};
    bool taken[3] = {false, false, false};
    unsigned columns = 0;
    sqlite3_stmt *stmt = NULL;
    sqlite3_prepare_v2(s->db, "SELECT name, pk FROM pragma_table_xinfo(?1) ORDER BY pk", -1, &stmt, NULL);
    sqlite3_bind_text(stmt, 1, table->name.p, (int)table->name.n, SQLITE_STATIC);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (size_t i = 0; i < 3; i++)
            taken[i] = taken[i] || sqlite_names_equal(column_str(stmt, 0), str_of(rowids[i]));
        if (!table->without_rowid || sqlite3_column_int(stmt, 1) == 0)
            continue;
        buf_add_text(order, columns++ ? ", " : "");
        sqlite_names_add(order, column_str(stmt, 0));
    }
    sqlite3_finalize(stmt);
    for (size_t i = 0; i < 3 && !table->without_rowid && columns == 0; i++)
        if (!taken[i]) {
            buf_add_text(order, rowids[i]);
            columns++;
            s->by_rowid = true;
        }
    if (columns == 1)
        buf_add_str(&s->key, buf_str(order));
}

// The rows of `whole` in that order; as they come, where there is none.
static enum status prepare_rows(struct sqlite_source *s, struct str order, struct err *err) {
    struct buf sql = BUF_INIT;
    buf_add_str(&sql, buf_str(&s->whole));
    if (order.n)
        buf_printf(&sql, " ORDER BY %.*s", STR_ARG(order));
    const int code = sqlite3_prepare_v2(s->db, sql.p, (int)sql.n, &s->rows, NULL);
    buf_release(&sql);
    return code == SQLITE_OK ? STATUS_OK : sqlite_source_error(s, 0, err);
}

static enum status prepare_table(struct sqlite_source *s, struct str wanted, struct err *err) {
    struct table table = {0};
    struct buf order = BUF_INIT;
    enum status status = find_table(s, wanted, &table, err);
    if (status == STATUS_OK) {
        buf_add_text(&s->whole, "SELECT * FROM ");
        sqlite_names_add(&s->whole, buf_str(&table.name));
        if (table.is_table)
            add_order(s, &table, &order);
        status = prepare_rows(s, buf_str(&order), err);
    }
    buf_release(&order);
    buf_release(&table.name);
    return status;
}

// By the column that the manifest names, in whatever case.
static enum status prepare_split(struct sqlite_source *s, struct str split, struct err *err) {
    struct suggestion near = suggest_for(split);
    const int n = sqlite3_column_count(s->rows);
    int i = 0;
    while (i < n && !sqlite_names_equal(str_of(sqlite3_column_name(s->rows, i)), split))
        suggest_offer(&near, str_of(sqlite3_column_name(s->rows, i++)));
    if (i == n && near.best.p)
        return err_set(err, STATUS_DATA, "%.*s: split: there is no column \"%.*s\"; did you mean \"%.*s\"?",
                       STR_ARG(s->name), STR_ARG(split), STR_ARG(near.best));
    if (i == n)
        return err_set(err, STATUS_DATA, "%.*s: split: there is no column \"%.*s\"", STR_ARG(s->name),
                       STR_ARG(split));
    buf_clear(&s->key);
    sqlite_names_add(&s->key, str_of(sqlite3_column_name(s->rows, i)));
    s->by_rowid = false;
    sqlite3_finalize(s->rows);
    s->rows = NULL;
    return prepare_rows(s, buf_str(&s->key), err);
}

// The query ----------------------------------------------------------------------------------------------------

// SQLite's sentence, and where in the query it was when it says so only by an offset.
static enum status query_error(const struct sqlite_source *s, const char *query, struct err *err) {
    static const struct str unknown = {"no such table: ", 15};
    if (sqlite3_errcode(s->db) != SQLITE_ERROR)
        return sqlite_source_error(s, 0, err);
    struct str said = str_of(sqlite3_errmsg(s->db));
    if (str_starts(said, unknown)) { // copied: a look at the tables changes SQLite's message
        struct str table = {mem_copy(said.p + unknown.n, said.n - unknown.n), said.n - unknown.n};
        unknown_table(s, table, err);
        mem_free((char *)table.p);
        return err->status;
    }
    int at = sqlite3_error_offset(s->db);
    if (at < 0 || (size_t)at >= strlen(query) || str_starts(said, STR("near ")))
        return err_set(err, STATUS_DATA, "%.*s: query: %.*s", STR_ARG(s->name), STR_ARG(said));
    size_t n = strcspn(query + at, "\r\n");
    while (n > NEAR_BYTES || (n > 0 && ((unsigned char)query[(size_t)at + n] & 0xC0) == 0x80))
        n--;
    return err_set(err, STATUS_DATA, "%.*s: query: %.*s, near \"%.*s\"", STR_ARG(s->name), STR_ARG(said),
                   (int)n, query + at);
}

// Past white space and comments.
static const char *skip_space(const char *p) {
    for (;;) {
        if (isspace((unsigned char)*p)) {
            p++;
        } else if (p[0] == '-' && p[1] == '-') {
            p += strcspn(p, "\n");
        } else if (p[0] == '/' && p[1] == '*') {
            const char *end = strstr(p + 2, "*/");
            p = end ? end + 2 : p + strlen(p);
        } else {
            return p;
        }
    }
}

static bool is_reading(const char *query) {
    static const char *const words[] = {"select", "values", "with"};
    query = skip_space(query);
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);
        unsigned char after = sqlite3_strnicmp(query, words[i], (int)n) == 0 ? (unsigned char)query[n] : 'x';
        if (!isalnum(after) && after != '_' && after < 0x80)
            return true;
    }
    return false;
}

static enum status check_query(const struct sqlite_source *s, const char *query, const char *tail,
                               struct err *err) {
    const char *fault = NULL;
    for (tail = skip_space(tail); *tail == ';'; tail = skip_space(tail + 1))
        continue;
    if (!is_reading(query) || !sqlite3_stmt_readonly(s->rows))
        fault = "a query must be a SELECT, VALUES or WITH that writes nothing";
    else if (*tail)
        fault = "a query must be a single statement";
    return fault ? err_set(err, STATUS_DATA, "%.*s: query: %s", STR_ARG(s->name), fault) : STATUS_OK;
}

// What a query uses, as SQLite finds it while it compiles the query, views included.
static int look_at_use(void *self, int action, const char *first, const char *second, const char *database,
                       const char *view) {
    static const char *const fickle[] = {"random",        "randomblob",        "changes",
                                         "total_changes", "last_insert_rowid", "current_date",
                                         "current_time",  "current_timestamp"};
    static const char *const dated[] = {"date",      "time",     "datetime", "julianday",
                                        "unixepoch", "strftime", "timediff"};
    struct sqlite_source *s = self;
    (void)first, (void)database;
    if (action == SQLITE_PRAGMA)
        s->fickle = true;
    for (size_t i = 0; action == SQLITE_FUNCTION && i < sizeof fickle / sizeof *fickle; i++)
        s->fickle = s->fickle || sqlite3_stricmp(second, fickle[i]) == 0;
    for (size_t i = 0; action == SQLITE_FUNCTION && i < sizeof dated / sizeof *dated; i++) {
        bool found = sqlite3_stricmp(second, dated[i]) == 0;
        s->dated = s->dated || found;
        s->fickle = s->fickle || (found && view); // whose text is not looked at
    }
    return SQLITE_OK;
}

// These functions look at the time if they are given "now", or nothing.
static bool names_now(const char *query) {
    for (const char *p = query; *p; p++)
        if (sqlite3_strnicmp(p, "now", 3) == 0 || (*p == '(' && *skip_space(p + 1) == ')'))
            return true;
    return false;
}

// The query as a table, less the semicolon at its end.
static void add_whole(struct sqlite_source *s, const char *query, const char *tail) {
    size_t n = (size_t)(tail - query);
    n -= n > 0 && query[n - 1] == ';';
    buf_printf(&s->whole, "SELECT * FROM (%.*s\n)", (int)n, query); // the line ends a comment
}

static enum status prepare_query(struct sqlite_source *s, struct str written, struct err *err) {
    if (memchr(written.p, 0, written.n) || written.n > INT32_MAX)
        return err_set(err, STATUS_DATA, "%.*s: query: it has a NUL or is far too long", STR_ARG(s->name));
    char *query = mem_copy(written.p, written.n);
    const char *tail = NULL;
    enum status status = STATUS_OK;
    sqlite3_set_authorizer(s->db, look_at_use, s);
    int code = sqlite3_prepare_v2(s->db, query, -1, &s->rows, &tail);
    sqlite3_set_authorizer(s->db, NULL, NULL);
    s->fickle = s->fickle || (s->dated && names_now(query));
    if (code != SQLITE_OK)
        status = query_error(s, query, err);
    else if (!s->rows)
        status = err_set(err, STATUS_DATA, "%.*s: query: it is empty", STR_ARG(s->name));
    else
        status = check_query(s, query, tail, err);
    if (status == STATUS_OK)
        add_whole(s, query, tail);
    mem_free(query);
    return status;
}

static enum status bind(const struct sqlite_source *s, sqlite3_stmt *stmt, int i, struct value value,
                        struct err *err) {
    struct buf text = BUF_INIT;
    int code = SQLITE_OK;
    switch (value.tag) {
    case VALUE_NONE:
        break; // as it is
    case VALUE_BOOL:
    case VALUE_INT:
        code = sqlite3_bind_int64(stmt, i, value.i);
        break;
    case VALUE_FLOAT:
        code = sqlite3_bind_double(stmt, i, value.f);
        break;
    case VALUE_BIG:
    case VALUE_STRING:
        code = sqlite3_bind_text64(stmt, i, value.s, value.n, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    default:
        query_parameters_add_json(&text, value);
        code = sqlite3_bind_text64(stmt, i, text.p, text.n, SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    buf_release(&text);
    return code == SQLITE_OK ? STATUS_OK : sqlite_source_error(s, 0, err);
}

enum status sqlite_source_bind(const struct sqlite_source *s, const struct load_options *options,
                               sqlite3_stmt *stmt, struct err *err) {
    enum status status = STATUS_OK;
    for (int i = 1; status == STATUS_OK && i <= sqlite3_bind_parameter_count(stmt); i++) {
        const char *written = sqlite3_bind_parameter_name(stmt, i);
        if (written && (strcmp(written, SQLITE_RANGE_FROM) == 0 || strcmp(written, SQLITE_RANGE_TO) == 0))
            continue;
        if (!written || written[0] == '?')
            return err_set(err, STATUS_DATA, "%.*s: query: a parameter has a name, such as :id",
                           STR_ARG(s->name));
        const struct value value = query_parameters_find(options, str_of(written + 1));
        if (value.tag == VALUE_MISSING)
            return query_parameters_missing(options, str_of(written + 1), err);
        status = bind(s, stmt, i, value, err);
    }
    return status;
}

static int pages_read(const struct sqlite_source *s) {
    int pages = 0, highest = 0;
    sqlite3_db_status(s->db, SQLITE_DBSTATUS_CACHE_MISS, &pages, &highest, 0);
    return pages;
}

// All that is to be known of the statement. The connection is entered.
static enum status prepare(struct sqlite_source *s, const struct load_options *options, struct err *err) {
    s->size = s->connection->size;
    s->page_size = s->connection->page_size;
    if (options->schema)
        return STATUS_OK;
    enum status status =
        options->query.p ? prepare_query(s, options->query, err) : prepare_table(s, options->table, err);
    if (status == STATUS_OK && options->split.p)
        status = prepare_split(s, options->split, err);
    if (status == STATUS_OK)
        status = sqlite_source_bind(s, options, s->rows, err);
    s->pages_before = pages_read(s);
    return status;
}

enum status sqlite_source_open(struct sqlite_source *s, const struct load_options *options, struct err *err) {
    static const struct sqlite_pool_limits alone = {1, 1, SQLITE_POOL_PATIENCE_MS};
    *s = (struct sqlite_source){.name = options->name};
    if (options->query.p && options->table.p)
        return err_set(err, STATUS_DATA, "%.*s: either a query or a table, not both", STR_ARG(s->name));
    if (!options->pools)
        s->own = sqlite_pools_new(&alone, NULL);
    enum status status = sqlite_pool_use(s->own ? s->own : options->pools, options, &s->pool, err);
    if (status != STATUS_OK)
        s->pool = NULL;
    if (status == STATUS_OK) {
        s->connection = sqlite_pool_take(s->pool, false);
        s->db = s->connection->db;
        status = sqlite_source_enter(s, err);
        if (status == STATUS_OK) {
            status = prepare(s, options, err);
            sqlite_source_leave(s);
        }
    }
    if (status != STATUS_OK)
        sqlite_source_close(s);
    return status;
}

void sqlite_source_close(struct sqlite_source *s) {
    if (s->connection) {
        sqlite_pool_finalize(s->pool, s->connection, s->rows);
        sqlite_pool_give(s->pool, s->connection);
    }
    if (s->pool)
        sqlite_pool_release(s->pool);
    sqlite_pools_free(s->own);
    buf_release(&s->whole);
    buf_release(&s->key);
    s->rows = NULL;
    s->db = NULL;
    s->connection = NULL;
    s->pool = NULL;
    s->own = NULL;
}

uint64_t sqlite_source_bytes_read(const struct sqlite_source *s) {
    const int pages = pages_read(s) - s->pages_before;
    const uint64_t bytes = (uint64_t)(pages > 0 ? pages : 0) * (uint64_t)s->page_size;
    return bytes < s->size ? bytes : s->size;
}
