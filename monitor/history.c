// SPDX-License-Identifier: MIT
// The database of sessions, and questions to it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/suggest.h"
#include "monitor/history_private.h"

enum { WAIT_MS = 2000, SCHEMA_VERSION = 1 };

static const char schema[] =
    "begin immediate;"
    "create table if not exists sessions ("
    "  number integer primary key, id text unique not null, started real not null, name text, strategy text,"
    "  machine text, version text, outcome text, digest text,"
    "  seconds real, records real, outputs real, failed real, peak_rss_bytes real);"
    "create index if not exists sessions_started on sessions(started);"
    "create table if not exists documents (session integer primary key, document text not null);"
    "create table if not exists names (number integer primary key, name text unique not null);"
    "create table if not exists figures (name integer, session integer, value real, primary key (name, "
    "session))"
    "  without rowid;"
    "pragma user_version = 1; commit";

// The columns that conditions may name.
static const char *const columns[] = {"id",      "name",    "strategy", "machine",
                                      "version", "outcome", "digest",   "started"};

enum status history_failed(sqlite3 *db, const char *what, struct err *err) {
    int code = sqlite3_errcode(db);
    enum status status = code == SQLITE_BUSY || code == SQLITE_LOCKED      ? STATUS_CONFLICT
                         : code == SQLITE_NOMEM                            ? STATUS_MEMORY
                         : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? STATUS_DATA
                                                                           : STATUS_IO;
    return err_set(err, status, "%s " HISTORY_DATABASE ": %s", what, sqlite3_errmsg(db));
}

enum status history_execute(sqlite3 *db, const char *sql, struct err *err) {
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? STATUS_OK
                                                                : history_failed(db, "cannot write", err);
}

// ---- opening

void history_join(char out[HISTORY_PATH], const char *directory, const char *name) {
    snprintf(out, HISTORY_PATH, "%s/%s", directory, name);
}

// Where a link stands, merging would rename, remove or write what is elsewhere.
static enum status refuse_link(const char *path, struct err *err) {
    struct stat st;
    if (lstat(path, &st) != 0 || !S_ISLNK(st.st_mode))
        return STATUS_OK;
    return err_set(err, STATUS_DATA, "%s is a link, which is not followed", path);
}

static enum status refuse_links(const char *directory, struct err *err) {
    char database[HISTORY_PATH], sessions[HISTORY_PATH];
    history_join(database, directory, HISTORY_DATABASE);
    history_join(sessions, directory, HISTORY_SESSIONS);
    const char *const paths[] = {directory, database, sessions};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (refuse_link(paths[i], err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

static int read_version(void *context, int n, char **values, char **names) {
    (void)names;
    *(long *)context = n && values[0] ? strtol(values[0], NULL, 10) : 0;
    return 0;
}

static enum status prepare_schema(sqlite3 *db, struct err *err) {
    long version = 0;
    if (sqlite3_exec(db, "pragma user_version", read_version, &version, NULL) != SQLITE_OK)
        return history_failed(db, "cannot read", err);
    if (version > SCHEMA_VERSION)
        return err_set(err, STATUS_DATA, HISTORY_DATABASE " is of a newer version of pressrun");
    return version == SCHEMA_VERSION ? STATUS_OK : history_execute(db, schema, err);
}

static enum status open_with(const char *path, int flags, int wait, sqlite3 **db, struct err *err) {
    enum status status = STATUS_OK;
    if (sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        status = history_failed(*db, "cannot open", err);
    else
        sqlite3_busy_timeout(*db, wait);
    if (status == STATUS_OK && (flags & SQLITE_OPEN_READWRITE)) {
        // What does not take a log keeps its journal; a session lost with the power is no loss of outputs.
        sqlite3_exec(*db, "pragma journal_mode = wal; pragma synchronous = normal", NULL, NULL, NULL);
        status = prepare_schema(*db, err);
    }
    if (status != STATUS_OK) {
        sqlite3_close(*db);
        *db = NULL;
    }
    return status;
}

enum status history_open_database(const char *directory, int wait, sqlite3 **db, struct err *err) {
    char path[HISTORY_PATH];
    history_join(path, directory, HISTORY_DATABASE);
    *db = NULL;
    if (refuse_links(directory, err) != STATUS_OK)
        return err->status;
    return open_with(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, wait, db, err);
}

// Where nothing may be written, what is there can still be read.
static enum status open_unchanging(const char *directory, sqlite3 **db, struct err *err) {
    struct buf uri = BUF_INIT;
    buf_add_text(&uri, "file:");
    for (const char *c = directory; *c; c++)
        if (strchr("%?#", *c))
            buf_printf(&uri, "%%%02x", (unsigned)(unsigned char)*c);
        else
            buf_add_char(&uri, *c);
    buf_add_text(&uri, "/" HISTORY_DATABASE "?immutable=1");
    enum status status = open_with(buf_text(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, WAIT_MS, db, err);
    buf_release(&uri);
    return status;
}

// False: there is nothing in it yet.
static bool open_as_it_was(const char *directory, sqlite3 **db) {
    struct err err;
    long version = 0;
    if (open_unchanging(directory, db, &err) != STATUS_OK)
        return false;
    if (sqlite3_exec(*db, "pragma user_version", read_version, &version, NULL) == SQLITE_OK &&
        version == SCHEMA_VERSION)
        return true;
    sqlite3_close(*db);
    *db = NULL;
    return false;
}

// ---- reading

static bool is_there(const char *directory) {
    char path[HISTORY_PATH];
    history_join(path, directory, HISTORY_DATABASE);
    return access(path, F_OK) == 0;
}

enum status history_open(const struct fs *fs, const char *directory, uint32_t keep, struct history **out,
                         struct err *err) {
    struct history *h = *out = MEM_NEW(struct history);
    enum status status;
    err->status = STATUS_OK;
    if (!is_there(directory) && history_pending(fs, directory) == 0) {
        status = open_with(":memory:", SQLITE_OPEN_READWRITE, 0, &h->db, err);
    } else if (access(directory, W_OK) != 0 && is_there(directory)) {
        status = open_unchanging(directory, &h->db, err);
    } else {
        status = history_open_database(directory, WAIT_MS, &h->db, err);
        if (status == STATUS_OK)
            status = history_merge(fs, directory, h->db, keep, err);
        if (status == STATUS_CONFLICT && h->db) { // another process merges; what is there can be read
            status = err->status = STATUS_OK;
        } else if (status == STATUS_IO && is_there(directory)) { // as on a full disk
            sqlite3_close(h->db);
            status = open_as_it_was(directory, &h->db) ? STATUS_OK : err->status;
        }
    }
    if (status != STATUS_OK) {
        history_close(h);
        *out = NULL;
    }
    return status;
}

enum status history_open_merged(const char *directory, struct history **out, struct err *err) {
    struct history *h = *out = MEM_NEW(struct history);
    enum status status = is_there(directory) ? history_open_database(directory, WAIT_MS, &h->db, err)
                                             : open_with(":memory:", SQLITE_OPEN_READWRITE, 0, &h->db, err);
    if (status == STATUS_OK)
        return STATUS_OK;
    history_close(h);
    *out = NULL;
    return status;
}

void history_close(struct history *h) {
    if (!h)
        return;
    sqlite3_close(h->db);
    mem_free(h);
}

static bool is_column(struct str field) {
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (str_is(field, columns[i]))
            return true;
    return false;
}

// What may follow a moment: a fraction of a second, and Z.
static bool parse_fraction(const char *text, double *seconds) {
    double part = 0, unit = 0.1;
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
            part += unit * (*text - '0');
    *seconds += part;
    return !*text || strcmp(text, "Z") == 0;
}

// A day or a moment in UTC.
static bool parse_moment(struct str text, double *seconds) {
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"};
    char word[48];
    if (text.n >= sizeof word)
        return false;
    memcpy(word, text.p, text.n);
    word[text.n] = 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = {0};
        const char *end = strptime(word, forms[i], &tm);
        *seconds = end ? (double)timegm(&tm) : 0;
        if (end && (!*end || (i == 2 && parse_fraction(end, seconds))))
            return true;
    }
    return false;
}

static bool parse_value(const struct history_filter *f, double *number) {
    return str_is(f->field, "started") ? parse_moment(f->value, number)
                                       : number_parse_double(f->value, number);
}

static bool is_number(const struct history_filter *f) {
    return !is_column(f->field) || str_is(f->field, "started");
}

static enum status unknown_field(struct str field, struct err *err) {
    struct suggestion near = suggest_for(field);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        suggest_offer(&near, str_of(columns[i]));
    for (int i = 0; i < METRICS; i++)
        if (!metric_is_live((enum metric)i))
            suggest_offer(&near, str_of(metric_rows[i].name));
    if (near.best.p)
        return err_set(err, STATUS_DATA, "there is no field or metric \"%.*s\", did you mean \"%.*s\"?",
                       STR_ARG(field), STR_ARG(near.best));
    return err_set(err, STATUS_DATA,
                   "there is no field or metric \"%.*s\"; \"pressrun help metrics\" lists them",
                   STR_ARG(field));
}

enum status history_parse_filter(struct str text, struct history_filter *out, struct err *err) {
    static const char *const operators[] = {"!=", "<=", ">=", "=", "<", ">", "~"};
    struct str distribution;
    size_t at = 0;
    while (at < text.n && !strchr("!<>=~", text.p[at]))
        at++;
    out->op = (struct str){NULL, 0};
    for (size_t i = 0; i < sizeof operators / sizeof *operators && !out->op.p; i++)
        if (str_starts(str_from(text, at), str_of(operators[i])))
            out->op = str_of(operators[i]);
    if (!out->op.p)
        return err_set(err, STATUS_DATA,
                       "\"%.*s\" is no condition, such as \"run.seconds > 2\" or \"outcome = failed\"",
                       STR_ARG(text));
    out->field = str_trim((struct str){text.p, at});
    out->value = str_trim(str_from(text, at + out->op.n));
    if (!is_column(out->field) && metric_find(out->field) < 0 &&
        metric_figure_of(out->field, &distribution) < 0)
        return unknown_field(out->field, err);
    double number;
    if (!is_number(out))
        return STATUS_OK;
    if (str_is(out->op, "~"))
        return err_set(err, STATUS_DATA, "%.*s is a number, which contains nothing", STR_ARG(out->field));
    if (!parse_value(out, &number))
        return err_set(err, STATUS_DATA,
                       str_is(out->field, "started")
                           ? "\"%.*s\" is no day, such as 2026-11-21, nor moment, such as "
                             "2026-11-21T10:15:00"
                           : "\"%.*s\" is no number",
                       STR_ARG(out->value));
    return STATUS_OK;
}

// The conditions as SQL, the first behind `before`; values are bound later.
static void write_conditions(const char *before, const struct history_filter *filters, size_t n,
                             struct buf *sql) {
    for (size_t i = 0; i < n; i++) {
        const struct history_filter *f = &filters[i];
        bool contains = str_is(f->op, "~");
        buf_add_text(sql, i ? " and " : before);
        if (is_column(f->field))
            buf_printf(sql, contains ? "instr(s.%.*s, ?) > 0" : "s.%.*s", STR_ARG(f->field));
        else
            buf_printf(sql,
                       "(select f.value from figures f, names n where n.name = ? and f.name = n.number and"
                       " f.session = s.number)");
        if (!contains)
            buf_printf(sql, " %.*s ?", STR_ARG(f->op));
    }
}

static int bind_str(sqlite3_stmt *statement, int at, struct str text) {
    return sqlite3_bind_text(statement, at, text.n ? text.p : "", (int)text.n, SQLITE_TRANSIENT);
}

static int bind_conditions(sqlite3_stmt *statement, const struct history_filter *filters, size_t n, int at) {
    for (size_t i = 0; i < n; i++) {
        const struct history_filter *f = &filters[i];
        double number;
        if (!is_column(f->field))
            bind_str(statement, at++, f->field);
        if (is_number(f) && parse_value(f, &number))
            sqlite3_bind_double(statement, at++, number);
        else
            bind_str(statement, at++, f->value);
    }
    return at;
}

struct str history_text(sqlite3_stmt *statement, int column, struct arena *arena) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    struct str kept = arena_str(arena, str_of(text ? text : ""));
    if (!kept.p)
        mem_fail(strlen(text ? text : ""));
    return kept;
}

int64_t history_moment(double seconds) {
    return (int64_t)((seconds >= 0 ? seconds <= HISTORY_LATEST ? seconds : HISTORY_LATEST : 0) * 1e9);
}

enum status history_prepare(struct history *h, const char *what, const char *before,
                            const struct history_filter *filters, size_t n, int first,
                            sqlite3_stmt **statement, struct err *err) {
    struct buf sql = BUF_INIT;
    buf_add_text(&sql, what);
    write_conditions(before, filters, n, &sql);
    buf_add_text(&sql, " order by s.started desc, s.id desc limit ?");
    int code = sqlite3_prepare_v2(h->db, buf_text(&sql), -1, statement, NULL);
    buf_release(&sql);
    if (code != SQLITE_OK)
        return history_failed(h->db, "cannot read", err);
    bind_conditions(*statement, filters, n, first);
    return STATUS_OK;
}

enum status history_list(struct history *h, const struct history_filter *filters, size_t filters_n,
                         uint32_t limit, struct arena *arena, struct history_row **rows, size_t *rows_n,
                         struct err *err) {
    sqlite3_stmt *statement;
    size_t cap = 0;
    struct history_row *list = NULL;
    *rows_n = 0;
    if (history_prepare(
            h,
            "select s.id, s.name, s.strategy, s.outcome, s.digest, s.started, s.seconds, s.records,"
            " s.outputs, s.failed, s.peak_rss_bytes from sessions s",
            " where ", filters, filters_n, 1, &statement, err) != STATUS_OK)
        return err->status;
    sqlite3_bind_int64(statement, sqlite3_bind_parameter_count(statement), limit);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        MEM_GROW(list, cap, *rows_n + 1);
        struct history_row *row = &list[(*rows_n)++];
        *row = (struct history_row){.started = history_moment(sqlite3_column_double(statement, 5)),
                                    .seconds = sqlite3_column_double(statement, 6),
                                    .records = sqlite3_column_double(statement, 7),
                                    .outputs = sqlite3_column_double(statement, 8),
                                    .failed = sqlite3_column_double(statement, 9),
                                    .peak_rss_bytes = sqlite3_column_double(statement, 10)};
        struct str *texts[] = {&row->id, &row->name, &row->strategy, &row->outcome, &row->digest};
        for (int i = 0; i < 5; i++)
            *texts[i] = history_text(statement, i, arena);
    }
    sqlite3_finalize(statement);
    *rows = ARENA_NEW_ARRAY(arena, struct history_row, *rows_n + 1);
    if (!*rows)
        mem_fail(*rows_n * sizeof **rows);
    if (*rows_n)
        memcpy(*rows, list, *rows_n * sizeof *list);
    mem_free(list);
    return code == SQLITE_DONE ? STATUS_OK : history_failed(h->db, "cannot read", err);
}

// An id comes before all that begin with it.
static const char one_like[] =
    "select d.document, s.id = ?1 from sessions s, documents d where d.session = s.number"
    " and s.id >= ?1 and s.id < ?1 || char(0x10ffff) order by s.id limit 2";
static const char newest[] = "select d.document, 1 from sessions s, documents d where d.session = s.number"
                             " order by s.started desc, s.id desc limit 1";

enum status history_show(struct history *h, struct str id, struct arena *arena, struct str *json,
                         struct err *err) {
    sqlite3_stmt *statement;
    size_t found = 0;
    bool exact = false;
    if (sqlite3_prepare_v2(h->db, id.n ? one_like : newest, -1, &statement, NULL) != SQLITE_OK)
        return history_failed(h->db, "cannot read", err);
    if (id.n)
        bind_str(statement, 1, id);
    int code = SQLITE_DONE;
    while (!exact && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        exact = sqlite3_column_int(statement, 1);
        if (!found++)
            *json = history_text(statement, 0, arena);
    }
    sqlite3_finalize(statement);
    if (!exact && code != SQLITE_DONE)
        return history_failed(h->db, "cannot read", err);
    if (exact || found == 1)
        return STATUS_OK;
    if (id.n == 0)
        return err_set(err, STATUS_DATA, "no run has been kept here");
    return err_set(err, STATUS_DATA,
                   found ? "several sessions begin with \"%.*s\"" : "there is no session \"%.*s\"",
                   STR_ARG(id));
}

enum status history_series(struct history *h, const struct history_filter *filters, size_t filters_n,
                           struct str figure, uint32_t limit, struct arena *arena,
                           struct history_point **points, size_t *n, struct err *err) {
    sqlite3_stmt *statement;
    size_t cap = 0;
    struct history_point *list = NULL;
    *n = 0;
    if (history_prepare(h,
                        "select s.id, s.started, f.value from sessions s, names n, figures f"
                        " where n.name = ? and f.name = n.number and f.session = s.number",
                        " and ", filters, filters_n, 2, &statement, err) != STATUS_OK)
        return err->status;
    bind_str(statement, 1, figure);
    sqlite3_bind_int64(statement, sqlite3_bind_parameter_count(statement), limit);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        MEM_GROW(list, cap, *n + 1);
        list[(*n)++] = (struct history_point){history_text(statement, 0, arena),
                                              history_moment(sqlite3_column_double(statement, 1)),
                                              sqlite3_column_double(statement, 2)};
    }
    sqlite3_finalize(statement);
    *points = ARENA_NEW_ARRAY(arena, struct history_point, *n + 1);
    if (!*points)
        mem_fail(*n * sizeof **points);
    for (size_t i = 0; i < *n; i++) // newest first, as they were read
        (*points)[i] = list[*n - 1 - i];
    mem_free(list);
    return code == SQLITE_DONE ? STATUS_OK : history_failed(h->db, "cannot read", err);
}
