// SPDX-License-Identifier: MIT
#include "stages/load/sqlite_source.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "stages/record/sqlite_names.h"

enum {
    WAIT_MS = 10,       // between two looks at a lock
    WAITS = 500,        // of them at most
    STEPS = 4096,       // of SQLite's machine between two looks at `interrupt`
    TABLES_LISTED = 12, // in a message
    NEAR_BYTES = 32,    // of a query's text shown in a message
};

// Errors ------------------------------------------------------------------------------------------------------

static bool is_interrupted(const struct sqlite_source *s) {
    return s->interrupt && atomic_load_explicit(s->interrupt, memory_order_relaxed);
}

static enum status system_error(const struct sqlite_source *s, const char *verb, struct err *err) {
    int os = sqlite3_system_errno(s->db);
    if (os)
        return err_os(err, os, "cannot %s %.*s: %s", verb, STR_ARG(s->name), sqlite3_errmsg(s->db));
    return err_set(err, STATUS_IO, "cannot %s %.*s: %s", verb, STR_ARG(s->name), sqlite3_errmsg(s->db));
}

// Reading may need writing.
static enum status writing_error(const struct sqlite_source *s, struct err *err) {
    const char *said = sqlite3_errmsg(s->db);
    if (sqlite3_extended_errcode(s->db) == SQLITE_READONLY_ROLLBACK)
        return err_set(err, STATUS_DATA,
                       "%.*s: the database was left in the middle of a change, which only a program that may "
                       "write can undo (%s)",
                       STR_ARG(s->name), said);
    return err_set(
        err, STATUS_IO,
        "cannot read %.*s: the database has a write-ahead log, and what reading it needs cannot be "
        "written beside it (%s)",
        STR_ARG(s->name), said);
}

enum status sqlite_source_error(const struct sqlite_source *s, uint64_t rows, struct err *err) {
    char after[48] = "";
    if (rows > 0)
        snprintf(after, sizeof after, " after row %llu", (unsigned long long)rows);
    const char *said = sqlite3_errmsg(s->db);
    switch (sqlite3_errcode(s->db)) {
    case SQLITE_NOMEM:
        return err_set(err, STATUS_MEMORY, "%.*s: no memory%s", STR_ARG(s->name), after);
    case SQLITE_INTERRUPT:
        return err_set(err, STATUS_CANCELLED, "%.*s: interrupted%s", STR_ARG(s->name), after);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        if (is_interrupted(s))
            return err_set(err, STATUS_CANCELLED, "%.*s: interrupted%s", STR_ARG(s->name), after);
        return err_set(err, STATUS_CONFLICT, "%.*s: another program holds a lock on the database",
                       STR_ARG(s->name));
    case SQLITE_NOTADB:
        return err_set(err, STATUS_DATA, "%.*s is not a SQLite database", STR_ARG(s->name));
    case SQLITE_CORRUPT:
        return err_set(err, STATUS_DATA, "%.*s: the database is damaged%s (%s)", STR_ARG(s->name), after,
                       said);
    case SQLITE_READONLY:
        return writing_error(s, err);
    case SQLITE_CANTOPEN:
        return system_error(s, "open", err);
    case SQLITE_IOERR:
        return system_error(s, "read", err);
    default:
        return err_set(err, STATUS_DATA, "%.*s: %s%s", STR_ARG(s->name), said, after);
    }
}

// The database -------------------------------------------------------------------------------------------------

static int wait_for_lock(void *self, int times) {
    const struct sqlite_source *s = self;
    if (s->impatient || times >= WAITS || is_interrupted(s))
        return 0;
    sqlite3_sleep(WAIT_MS);
    return 1;
}

static int look_up(void *self) {
    return is_interrupted(self);
}

// What the path is, told before SQLite makes an empty database of nothing or waits for a pipe. O_PATH: closing any
// other descriptor of the file would drop the locks this process holds on it.
static enum status check_file(struct sqlite_source *s, const struct load_options *options, struct err *err) {
    const struct fs *fs = options->fs;
    if (strcmp(options->path, "-") == 0)
        return err_set(err, STATUS_DATA, "a SQLite database cannot be read from standard input");
    if (str_ends(str_of(options->path), STR(".zst")))
        return err_set(err, STATUS_DATA, "%.*s: a compressed database cannot be queried; decompress it first",
                       STR_ARG(s->name));
    int fd = fs->open(fs->self, AT_FDCWD, options->path, O_PATH | O_CLOEXEC, 0);
    if (fd < 0)
        return err_os(err, -fd, "cannot open %.*s", STR_ARG(s->name));
    struct stat st;
    int failed = fs->stat(fs->self, fd, &st);
    fs->close(fs->self, fd);
    if (failed < 0)
        return err_os(err, -failed, "cannot open %.*s", STR_ARG(s->name));
    if (S_ISDIR(st.st_mode))
        return err_set(err, STATUS_DATA, "%.*s is a directory", STR_ARG(s->name));
    if (!S_ISREG(st.st_mode))
        return err_set(err, STATUS_DATA, "%.*s is not a file", STR_ARG(s->name));
    if (st.st_size == 0)
        return err_set(err, STATUS_DATA, "%.*s is empty, not a SQLite database", STR_ARG(s->name));
    s->size = (uint64_t)st.st_size;
    return STATUS_OK;
}

static bool run_sql(const struct sqlite_source *s, const char *sql) {
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static enum status open_database(struct sqlite_source *s, const char *path, struct err *err) {
    // "./" so that no name is anything else to SQLite: ":memory:", or "file:..." where URIs are on.
    struct buf file = BUF_INIT;
    buf_printf(&file, "%s%s", path[0] == '/' ? "" : "./", path);
    int code = sqlite3_open_v2(buf_text(&file), &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    buf_release(&file);
    if (!s->db)
        return err_set(err, STATUS_MEMORY, "%.*s: no memory", STR_ARG(s->name));
    if (code != SQLITE_OK)
        return sqlite_source_error(s, 0, err);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_busy_handler(s->db, wait_for_lock, s);
    sqlite3_progress_handler(s->db, STEPS, look_up, s);
    sqlite3_stmt *stmt = NULL;
    // cell_size_check: a damaged page is noticed when it is read. The page size is the first thing read of the
    // file, and thus the transaction's snapshot.
    bool fine = run_sql(s, "PRAGMA cell_size_check = ON; BEGIN") &&
                sqlite3_prepare_v2(
                    s->db, "SELECT page_size FROM pragma_page_size, (SELECT count(*) FROM sqlite_schema)", -1,
                    &stmt, NULL) == SQLITE_OK &&
                sqlite3_step(stmt) == SQLITE_ROW;
    s->page_size = fine ? sqlite3_column_int(stmt, 0) : 0;
    enum status status = fine ? STATUS_OK : sqlite_source_error(s, 0, err);
    sqlite3_finalize(stmt);
    return status;
}

// SQLite takes pages beyond the end of the file for zeros. With a write-ahead log the file may rightly be shorter
// than the database. Looked at within the transaction, when nobody can make the file shorter any more.
static enum status check_length(struct sqlite_source *s, const struct load_options *options,
                                struct err *err) {
    sqlite3_stmt *pages = NULL, *mode = NULL;
    bool asked = sqlite3_prepare_v2(s->db, "PRAGMA page_count", -1, &pages, NULL) == SQLITE_OK &&
                 sqlite3_step(pages) == SQLITE_ROW &&
                 sqlite3_prepare_v2(s->db, "PRAGMA journal_mode", -1, &mode, NULL) == SQLITE_OK &&
                 sqlite3_step(mode) == SQLITE_ROW;
    enum status status = asked ? check_file(s, options, err) : sqlite_source_error(s, 0, err);
    if (status == STATUS_OK && strcmp((const char *)sqlite3_column_text(mode, 0), "wal") != 0 &&
        (uint64_t)sqlite3_column_int64(pages, 0) * (uint64_t)s->page_size > s->size)
        status = err_set(err, STATUS_DATA, "%.*s is cut short: %lld pages of %d bytes should be there",
                         STR_ARG(s->name), (long long)sqlite3_column_int64(pages, 0), s->page_size);
    sqlite3_finalize(pages);
    sqlite3_finalize(mode);
    return status;
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

// The primary key's columns, or whichever name of the rowid no column has taken for itself.
static void add_order(const struct sqlite_source *s, const struct table *table, struct buf *sql) {
    static const char *const rowids[] = {"rowid", "_rowid_", "oid"};
    bool taken[3] = {false, false, false}, first = true;
    sqlite3_stmt *stmt = NULL;
    sqlite3_prepare_v2(s->db, "SELECT name, pk FROM pragma_table_xinfo(?1) ORDER BY pk", -1, &stmt, NULL);
    sqlite3_bind_text(stmt, 1, table->name.p, (int)table->name.n, SQLITE_STATIC);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (size_t i = 0; i < 3; i++)
            taken[i] = taken[i] || sqlite_names_equal(column_str(stmt, 0), str_of(rowids[i]));
        if (!table->without_rowid || sqlite3_column_int(stmt, 1) == 0)
            continue;
        buf_add_text(sql, first ? " ORDER BY " : ", ");
        sqlite_names_add(sql, column_str(stmt, 0));
        first = false;
    }
    sqlite3_finalize(stmt);
    for (size_t i = 0; i < 3 && !table->without_rowid; i++) {
        if (taken[i])
            continue;
        buf_printf(sql, " ORDER BY %s", rowids[i]);
        return;
    }
}

static enum status prepare_table(struct sqlite_source *s, struct str wanted, struct err *err) {
    struct table table = {0};
    struct buf sql = BUF_INIT;
    enum status status = find_table(s, wanted, &table, err);
    if (status == STATUS_OK) {
        buf_add_text(&sql, "SELECT * FROM ");
        sqlite_names_add(&sql, buf_str(&table.name));
        if (table.is_table)
            add_order(s, &table, &sql);
        if (sqlite3_prepare_v2(s->db, sql.p, (int)sql.n, &s->rows, NULL) != SQLITE_OK)
            status = sqlite_source_error(s, 0, err);
    }
    buf_release(&sql);
    buf_release(&table.name);
    return status;
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
    else if (sqlite3_bind_parameter_count(s->rows) > 0)
        fault = "a query cannot have parameters, for nothing gives them values";
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
    mem_free(query);
    return status;
}

enum status sqlite_source_open(struct sqlite_source *s, const struct load_options *options, struct err *err) {
    *s = (struct sqlite_source){
        .name = options->name, .interrupt = options->interrupt, .impatient = options->impatient};
    enum status status = STATUS_OK;
    if (options->query.p && options->table.p)
        status = err_set(err, STATUS_DATA, "%.*s: either a query or a table, not both", STR_ARG(s->name));
    if (status == STATUS_OK)
        status = check_file(s, options, err);
    if (status == STATUS_OK)
        status = open_database(s, options->path, err);
    if (status == STATUS_OK)
        status = check_length(s, options, err);
    if (status == STATUS_OK && !options->schema)
        status =
            options->query.p ? prepare_query(s, options->query, err) : prepare_table(s, options->table, err);
    if (status != STATUS_OK)
        sqlite_source_close(s);
    return status;
}

// Of a file that is not there: zeros. Descriptors that are O_PATH leave SQLite's locks alone.
static bool look_at_file(const struct load_options *options, const char *suffix, int64_t wall,
                         struct buf *out) {
    enum { LATELY = 2 };
    const struct fs *fs = options->fs;
    struct buf path = BUF_INIT;
    struct stat st = {0};
    buf_printf(&path, "%s%s", options->path, suffix);
    int fd = fs->open(fs->self, AT_FDCWD, buf_text(&path), O_PATH | O_CLOEXEC, 0);
    buf_release(&path);
    bool there = fd >= 0 && fs->stat(fs->self, fd, &st) == 0 && st.st_size > 0;
    if (fd >= 0)
        fs->close(fs->self, fd);
    if (!there)
        st = (struct stat){0};
    buf_printf(out, "%llu %llu %lld %lld.%09ld %lld.%09ld;", (unsigned long long)st.st_dev,
               (unsigned long long)st.st_ino, (long long)st.st_size, (long long)st.st_mtim.tv_sec,
               st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
    return !there || (int64_t)st.st_mtim.tv_sec + LATELY < wall / 1000000000;
}

bool sqlite_source_identity(const struct load_options *options, int64_t wall, struct digest *identity) {
    struct buf text = BUF_INIT;
    bool settled = look_at_file(options, "", wall, &text);
    settled = look_at_file(options, "-wal", wall, &text) && settled;
    settled = look_at_file(options, "-journal", wall, &text) && settled;
    *identity = digest_of(buf_str(&text));
    bool there = text.p[0] != '0' || text.p[1] != ' ';
    buf_release(&text);
    return settled && there;
}

void sqlite_source_close(struct sqlite_source *s) {
    sqlite3_finalize(s->rows);
    sqlite3_close(s->db);
    s->rows = NULL;
    s->db = NULL;
}

uint64_t sqlite_source_bytes_read(const struct sqlite_source *s) {
    int pages = 0, highest = 0;
    sqlite3_db_status(s->db, SQLITE_DBSTATUS_CACHE_MISS, &pages, &highest, 0);
    uint64_t bytes = (uint64_t)(pages > 0 ? pages : 0) * (uint64_t)s->page_size;
    return bytes < s->size ? bytes : s->size;
}
