// SPDX-License-Identifier: MIT
#include "monitor/history.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/number.h"

#define HISTORY_DATABASE "history.db"
#define HISTORY_SESSIONS "sessions"
enum { WAIT_MS = 2000, SESSION_BYTES = 64 << 20, PATH_SIZE = 4096 };

struct history {
    sqlite3 *db;
};

static const char schema[] =
    "create table if not exists sessions ("
    "  number integer primary key, id text unique not null, started real not null, name text, strategy text,"
    "  machine text, version text, outcome text, digest text,"
    "  seconds real, records real, outputs real, failed real, peak_rss_bytes real);"
    "create index if not exists sessions_started on sessions(started);"
    "create table if not exists documents (session integer primary key, document text not null);"
    "create table if not exists names (number integer primary key, name text unique not null);"
    "create table if not exists figures (name integer, session integer, value real, primary key (name, "
    "session))"
    "  without rowid;";

// The columns that conditions may name.
static const char *const columns[] = {"id",      "name",    "strategy", "machine",
                                      "version", "outcome", "digest",   "started"};

static enum status failed(sqlite3 *db, const char *what, struct err *err) {
    int code = sqlite3_errcode(db);
    enum status status = code == SQLITE_BUSY || code == SQLITE_LOCKED      ? STATUS_CONFLICT
                         : code == SQLITE_NOMEM                            ? STATUS_MEMORY
                         : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? STATUS_DATA
                                                                           : STATUS_IO;
    return err_set(err, status, "%s " HISTORY_DATABASE ": %s", what, sqlite3_errmsg(db));
}

static enum status execute(sqlite3 *db, const char *sql, struct err *err) {
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? STATUS_OK : failed(db, "cannot write", err);
}

// ---- opening

static void join(char out[PATH_SIZE], const char *directory, const char *name) {
    snprintf(out, PATH_SIZE, "%s/%s", directory, name);
}

static enum status open_database(const char *directory, sqlite3 **db, struct err *err) {
    char path[PATH_SIZE];
    join(path, directory, HISTORY_DATABASE);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    if (sqlite3_open_v2(path, db, flags, NULL) != SQLITE_OK) {
        failed(*db, "cannot open", err);
        sqlite3_close(*db);
        *db = NULL;
        return err->status;
    }
    sqlite3_busy_timeout(*db, WAIT_MS);
    // What does not take a log keeps its journal; a session lost with the power is no loss of outputs.
    sqlite3_exec(*db, "pragma journal_mode = wal; pragma synchronous = normal", NULL, NULL, NULL);
    enum status status = execute(*db, schema, err);
    if (status != STATUS_OK) {
        sqlite3_close(*db);
        *db = NULL;
    }
    return status;
}

// ---- merging

// A statement that takes one text or number after the other.
struct insert {
    sqlite3_stmt *statement;
    int at;
};

static void bind_text(struct insert *in, const json_t *string) {
    in->at++;
    if (json_is_string(string))
        sqlite3_bind_text(in->statement, in->at, json_string_value(string), (int)json_string_length(string),
                          SQLITE_TRANSIENT);
}

static void bind_number(struct insert *in, const json_t *number) {
    in->at++;
    if (json_is_number(number))
        sqlite3_bind_double(in->statement, in->at, json_number_value(number));
}

static bool step_insert(struct insert *in) {
    bool fine = sqlite3_step(in->statement) == SQLITE_DONE;
    sqlite3_reset(in->statement);
    sqlite3_clear_bindings(in->statement);
    in->at = 0;
    return fine;
}

struct merge {
    sqlite3 *db;
    struct insert session, document, name, figure;
};

static bool prepare(sqlite3 *db, const char *sql, struct insert *in) {
    in->at = 0;
    return sqlite3_prepare_v2(db, sql, -1, &in->statement, NULL) == SQLITE_OK;
}

static bool merge_prepare(struct merge *m) {
    return prepare(m->db,
                   "insert or ignore into sessions (id, started, name, strategy, machine, version, outcome, "
                   "digest,"
                   " seconds, records, outputs, failed, peak_rss_bytes) values (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                   &m->session) &&
           prepare(m->db, "insert or replace into documents values (?, ?)", &m->document) &&
           prepare(m->db, "insert or ignore into names (name) values (?)", &m->name) &&
           prepare(m->db, "insert or replace into figures select number, ?, ? from names where name = ?",
                   &m->figure);
}

static void merge_release(struct merge *m) {
    sqlite3_finalize(m->session.statement);
    sqlite3_finalize(m->document.statement);
    sqlite3_finalize(m->name.statement);
    sqlite3_finalize(m->figure.statement);
}

static bool add_figure(struct merge *m, sqlite3_int64 session, const char *name, double value) {
    sqlite3_bind_text(m->name.statement, 1, name, -1, SQLITE_TRANSIENT);
    if (!step_insert(&m->name))
        return false;
    sqlite3_bind_int64(m->figure.statement, 1, session);
    sqlite3_bind_double(m->figure.statement, 2, value);
    sqlite3_bind_text(m->figure.statement, 3, name, -1, SQLITE_TRANSIENT);
    return step_insert(&m->figure);
}

static bool add_figures(struct merge *m, sqlite3_int64 session, json_t *document) {
    const char *key, *figure;
    json_t *value, *figures;
    bool fine = true;
    json_object_foreach(json_object_get(document, "metrics"), key, value) fine =
        fine && add_figure(m, session, key, json_number_value(value));
    json_object_foreach(json_object_get(document, "distributions"), key, figures) {
        json_object_foreach(figures, figure, value) {
            char name[640];
            snprintf(name, sizeof name, "%s.%s", key, figure);
            fine = fine && add_figure(m, session, name, json_number_value(value));
        }
    }
    return fine;
}

static bool add_session(struct merge *m, json_t *document, const char *text, size_t size) {
    static const char *const texts[] = {"name", "strategy", "machine", "version", "outcome", "digest"};
    static const enum metric numbers[] = {METRIC_RUN_SECONDS, METRIC_LOAD_RECORDS, METRIC_RENDER_OUTPUTS,
                                          METRIC_RUN_FAILED, METRIC_RUN_PEAK_RSS};
    const json_t *metrics = json_object_get(document, "metrics");
    bind_text(&m->session, json_object_get(document, "session"));
    bind_number(&m->session, json_object_get(document, "started"));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        bind_text(&m->session, json_object_get(document, texts[i]));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        bind_number(&m->session, json_object_get(metrics, metric_rows[numbers[i]].name));
    if (!step_insert(&m->session))
        return false;
    if (sqlite3_changes(m->db) == 0) // it is there already
        return true;
    sqlite3_int64 number = sqlite3_last_insert_rowid(m->db);
    sqlite3_bind_int64(m->document.statement, 1, number);
    sqlite3_bind_text(m->document.statement, 2, text, (int)size, SQLITE_TRANSIENT);
    return step_insert(&m->document) && add_figures(m, number, document);
}

// Names of the files to be merged.
struct names {
    char **names;
    size_t n, cap;
};

static bool take_name(void *context, const char *name, enum fs_entry kind) {
    struct names *names = context;
    size_t n = strlen(name);
    if (kind != FS_FILE || n < 5 || strcmp(name + n - 5, ".json") != 0)
        return true;
    MEM_GROW(names->names, names->cap, names->n + 1);
    names->names[names->n++] = mem_copy(name, n);
    return true;
}

static void names_release(struct names *names) {
    for (size_t i = 0; i < names->n; i++)
        mem_free(names->names[i]);
    mem_free(names->names);
}

static void path_of_session(char out[PATH_SIZE], const char *directory, const char *name) {
    snprintf(out, PATH_SIZE, "%s/" HISTORY_SESSIONS "/%s", directory, name);
}

// False: the database does not take it. A file that cannot be read, or holds no session, is merged in that it is
// passed over: it goes with the others.
static bool merge_file(struct merge *m, const struct fs *fs, const char *path) {
    char *text;
    size_t size;
    struct err err;
    if (fs_read_file(fs, path, SESSION_BYTES, &text, &size, &err) != STATUS_OK)
        return true;
    json_t *document = json_loadb(text, size, 0, NULL);
    bool fine = !json_is_object(document) || !json_is_string(json_object_get(document, "session")) ||
                add_session(m, document, text, size);
    json_decref(document);
    mem_free(text);
    return fine;
}

static enum status drop_old(sqlite3 *db, uint32_t keep, struct err *err) {
    char sql[512];
    snprintf(
        sql, sizeof sql,
        "delete from sessions where number in (select number from sessions order by started desc, number desc"
        " limit -1 offset %u)",
        (unsigned)keep);
    if (execute(db, sql, err) != STATUS_OK)
        return err->status;
    if (sqlite3_changes(db) == 0)
        return STATUS_OK;
    return execute(db,
                   "delete from documents where session not in (select number from sessions);"
                   "delete from figures where session not in (select number from sessions)",
                   err);
}

static enum status merge_names(const struct fs *fs, const char *directory, sqlite3 *db,
                               const struct names *names, uint32_t keep, struct err *err) {
    struct merge m = {.db = db};
    if (execute(db, "begin immediate", err) != STATUS_OK)
        return err->status;
    bool fine = merge_prepare(&m);
    for (size_t i = 0; fine && i < names->n; i++) {
        char path[PATH_SIZE];
        path_of_session(path, directory, names->names[i]);
        fine = merge_file(&m, fs, path);
    }
    if (!fine)
        failed(db, "cannot write", err);
    merge_release(&m);
    if (fine)
        fine = drop_old(db, keep, err) == STATUS_OK && execute(db, "commit", err) == STATUS_OK;
    if (!fine) {
        sqlite3_exec(db, "rollback", NULL, NULL, NULL);
        return err->status;
    }
    for (size_t i = 0; i < names->n; i++) {
        char path[PATH_SIZE];
        path_of_session(path, directory, names->names[i]);
        fs->unlink(fs->self, AT_FDCWD, path);
    }
    return STATUS_OK;
}

static enum status merge(const struct fs *fs, const char *directory, sqlite3 *db, uint32_t keep,
                         struct err *err) {
    char sessions[PATH_SIZE];
    struct names names = {0};
    join(sessions, directory, HISTORY_SESSIONS);
    fs->list(fs->self, AT_FDCWD, sessions, take_name, &names);
    enum status status = names.n ? merge_names(fs, directory, db, &names, keep, err) : STATUS_OK;
    names_release(&names);
    return status;
}

// ---- adding

enum { NAME_SIZE = 128 };

static int write_beneath(const struct fs *fs, int directory, const char *temporary, const char *name,
                         struct str json, struct err *err) {
    int fd =
        fs->open(fs->self, directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return fd;
    enum status status = fs_write_all(fs, fd, json.p, json.n, err);
    fs->close(fs->self, fd);
    int result = status == STATUS_OK ? fs->rename(fs->self, directory, temporary, directory, name) : -EIO;
    if (result < 0)
        fs->unlink(fs->self, directory, temporary);
    return result;
}

static enum status write_session(const struct fs *fs, const char *directory, const struct session *session,
                                 struct err *err) {
    char sessions[PATH_SIZE], temporary[NAME_SIZE], name[NAME_SIZE];
    struct buf json = BUF_INIT;
    join(sessions, directory, HISTORY_SESSIONS);
    int made = fs_make_dirs(fs, AT_FDCWD, sessions, 0777);
    int fd = made < 0 ? made : fs->open(fs->self, AT_FDCWD, sessions, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return err_os(err, -fd, "cannot use %s", sessions);
    snprintf(name, sizeof name, "%.*s.json", STR_ARG(session->id));
    snprintf(temporary, sizeof temporary, ".%.*s", STR_ARG(session->id));
    session_write_json(session, &json);
    int result = write_beneath(fs, fd, temporary, name, buf_str(&json), err);
    buf_release(&json);
    fs->close(fs->self, fd);
    return result < 0 ? err_os(err, -result, "cannot write %s/%s", sessions, name) : STATUS_OK;
}

enum status history_add(const struct fs *fs, const char *path, const struct session *session, uint32_t keep,
                        struct err *err) {
    sqlite3 *db;
    if (write_session(fs, path, session, err) != STATUS_OK || open_database(path, &db, err) != STATUS_OK)
        return err->status;
    enum status status = merge(fs, path, db, keep, err);
    sqlite3_close(db);
    return status == STATUS_CONFLICT ? STATUS_OK : status; // somebody else is at it; the next one will
}

// ---- reading

enum status history_open(const struct fs *fs, const char *path, struct history **out, struct err *err) {
    struct history *h = MEM_NEW(struct history);
    enum status status = open_database(path, &h->db, err);
    if (status == STATUS_OK)
        status = merge(fs, path, h->db, HISTORY_KEEP, err);
    if (status == STATUS_CONFLICT)
        status = STATUS_OK;
    if (status != STATUS_OK) {
        history_close(h);
        h = NULL;
    }
    *out = h;
    return status;
}

void history_close(struct history *h) {
    if (!h)
        return;
    sqlite3_close(h->db);
    mem_free(h);
}

static struct str trim(struct str text) {
    while (text.n && (text.p[0] == ' ' || text.p[0] == '\t'))
        text = str_from(text, 1);
    while (text.n && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t'))
        text.n--;
    return text;
}

static bool is_column(struct str field) {
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (str_is(field, columns[i]))
            return true;
    return false;
}

enum status history_parse_filter(struct str text, struct history_filter *out, struct err *err) {
    static const char *const operators[] = {"!=", "<=", ">=", "=", "<", ">", "~"};
    struct str distribution;
    size_t at = 0;
    while (at < text.n && !strchr("!<>=~", text.p[at]))
        at++;
    out->operator=(struct str){NULL, 0};
    for (size_t i = 0; i < sizeof operators / sizeof *operators && !out->operator.p; i++)
        if (str_starts(str_from(text, at), str_of(operators[i])))
            out->operator= str_of(operators[i]);
    if (!out->operator.p)
        return err_set(err, STATUS_DATA,
                       "\"%.*s\" is no condition, such as \"run.seconds > 2\" or \"outcome = failed\"",
                       STR_ARG(text));
    out->field = trim((struct str){text.p, at});
    out->value = trim(str_from(text, at + out->operator.n));
    if (is_column(out->field))
        return STATUS_OK;
    if (metric_find(out->field) < 0 && metric_figure_of(out->field, &distribution) < 0)
        return err_set(err, STATUS_DATA, "there is no field or metric \"%.*s\"", STR_ARG(out->field));
    return STATUS_OK;
}

// "where ..." of the conditions; values are bound later.
static void write_conditions(const struct history_filter *filters, size_t n, struct buf *sql) {
    for (size_t i = 0; i < n; i++) {
        const struct history_filter *f = &filters[i];
        bool contains = str_is(f->operator, "~");
        buf_add_text(sql, i ? " and " : " where ");
        if (is_column(f->field))
            buf_printf(sql, contains ? "instr(s.%.*s, ?) > 0" : "s.%.*s", STR_ARG(f->field));
        else
            buf_printf(sql,
                       "(select f.value from figures f, names n where n.name = ? and f.name = n.number and"
                       " f.session = s.number)");
        if (!(contains && is_column(f->field)))
            buf_printf(sql, " %.*s ?", STR_ARG(contains ? STR("=") : f->operator));
    }
}

static int bind_str(sqlite3_stmt *statement, int at, struct str text) {
    return sqlite3_bind_text(statement, at, text.n ? text.p : "", (int)text.n, SQLITE_TRANSIENT);
}

static int bind_conditions(sqlite3_stmt *statement, const struct history_filter *filters, size_t n, int at) {
    for (size_t i = 0; i < n; i++) {
        const struct history_filter *f = &filters[i];
        double number;
        bool figure = !is_column(f->field) || str_is(f->field, "started");
        if (!is_column(f->field))
            bind_str(statement, at++, f->field);
        if (figure && number_parse_double(f->value, &number))
            sqlite3_bind_double(statement, at++, number);
        else
            bind_str(statement, at++, f->value);
    }
    return at;
}

static struct str text_of(sqlite3_stmt *statement, int column, struct arena *arena) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    struct str kept = arena_str(arena, str_of(text ? text : ""));
    if (!kept.p)
        mem_fail(strlen(text ? text : ""));
    return kept;
}

static enum status prepare_list(struct history *h, const char *what, const struct history_filter *filters,
                                size_t n, int first, sqlite3_stmt **statement, struct err *err) {
    struct buf sql = BUF_INIT;
    buf_add_text(&sql, what);
    write_conditions(filters, n, &sql);
    buf_add_text(&sql, " order by s.started desc, s.number desc limit ?");
    int code = sqlite3_prepare_v2(h->db, buf_text(&sql), -1, statement, NULL);
    buf_release(&sql);
    if (code != SQLITE_OK)
        return failed(h->db, "cannot read", err);
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
    if (prepare_list(h,
                     "select s.id, s.name, s.strategy, s.outcome, s.digest, s.started, s.seconds, s.records,"
                     " s.outputs, s.failed, s.peak_rss_bytes from sessions s",
                     filters, filters_n, 1, &statement, err) != STATUS_OK)
        return err->status;
    sqlite3_bind_int64(statement, sqlite3_bind_parameter_count(statement), limit);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        MEM_GROW(list, cap, *rows_n + 1);
        struct history_row *row = &list[(*rows_n)++];
        *row = (struct history_row){.started = (int64_t)(sqlite3_column_double(statement, 5) * 1e9),
                                    .seconds = sqlite3_column_double(statement, 6),
                                    .records = sqlite3_column_double(statement, 7),
                                    .outputs = sqlite3_column_double(statement, 8),
                                    .failed = sqlite3_column_double(statement, 9),
                                    .peak_rss_bytes = sqlite3_column_double(statement, 10)};
        struct str *texts[] = {&row->id, &row->name, &row->strategy, &row->outcome, &row->digest};
        for (int i = 0; i < 5; i++)
            *texts[i] = text_of(statement, i, arena);
    }
    sqlite3_finalize(statement);
    *rows = ARENA_NEW_ARRAY(arena, struct history_row, *rows_n + 1);
    if (!*rows)
        mem_fail(*rows_n * sizeof **rows);
    if (*rows_n)
        memcpy(*rows, list, *rows_n * sizeof *list);
    mem_free(list);
    return code == SQLITE_DONE ? STATUS_OK : failed(h->db, "cannot read", err);
}

enum status history_show(struct history *h, struct str id, struct arena *arena, struct str *json,
                         struct err *err) {
    sqlite3_stmt *statement;
    size_t found = 0;
    if (sqlite3_prepare_v2(
            h->db,
            "select d.document, s.id = ?1 from sessions s, documents d where d.session = s.number and"
            " substr(s.id, 1, length(?1)) = ?1 order by 2 desc limit 2",
            -1, &statement, NULL) != SQLITE_OK)
        return failed(h->db, "cannot read", err);
    bind_str(statement, 1, id);
    int code;
    bool exact = false;
    while (!exact && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        exact = sqlite3_column_int(statement, 1);
        if (!found++)
            *json = text_of(statement, 0, arena);
    }
    sqlite3_finalize(statement);
    if (found == 1)
        return STATUS_OK;
    return err_set(err, STATUS_DATA,
                   found ? "several sessions begin with \"%.*s\"" : "there is no session \"%.*s\"",
                   STR_ARG(id));
}

enum status history_series(struct history *h, const struct history_filter *filters, size_t filters_n,
                           struct str figure, uint32_t limit, struct arena *arena, double **values, size_t *n,
                           struct err *err) {
    sqlite3_stmt *statement;
    size_t cap = 0;
    double *list = NULL;
    *n = 0;
    if (prepare_list(
            h,
            "select (select f.value from figures f, names n where n.name = ? and f.name = n.number and"
            " f.session = s.number) from sessions s",
            filters, filters_n, 2, &statement, err) != STATUS_OK)
        return err->status;
    bind_str(statement, 1, figure);
    sqlite3_bind_int64(statement, sqlite3_bind_parameter_count(statement), limit);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (sqlite3_column_type(statement, 0) == SQLITE_NULL)
            continue;
        MEM_GROW(list, cap, *n + 1);
        list[(*n)++] = sqlite3_column_double(statement, 0);
    }
    sqlite3_finalize(statement);
    *values = ARENA_NEW_ARRAY(arena, double, *n + 1);
    if (!*values)
        mem_fail(*n * sizeof **values);
    for (size_t i = 0; i < *n; i++) // newest first, as they were read
        (*values)[i] = list[*n - 1 - i];
    mem_free(list);
    return code == SQLITE_DONE ? STATUS_OK : failed(h->db, "cannot read", err);
}
