// SPDX-License-Identifier: MIT
// From a session's own file into the database.
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/history_private.h"

enum { SESSION_BYTES = 64 << 20, NAME_SIZE = 128, ADD_WAIT_MS = 20 };

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

// Of a name that is not there yet it changes nothing.
static bool insert_figure(struct merge *m, sqlite3_int64 session, const char *name, double value) {
    sqlite3_bind_int64(m->figure.statement, 1, session);
    sqlite3_bind_double(m->figure.statement, 2, value);
    sqlite3_bind_text(m->figure.statement, 3, name, -1, SQLITE_TRANSIENT);
    return step_insert(&m->figure);
}

// What is no number is passed over. Nearly all names are there already.
static bool add_figure(struct merge *m, sqlite3_int64 session, const char *name, const json_t *value) {
    if (!json_is_number(value))
        return true;
    if (!insert_figure(m, session, name, json_number_value(value)))
        return false;
    if (sqlite3_changes(m->db) > 0)
        return true;
    sqlite3_bind_text(m->name.statement, 1, name, -1, SQLITE_TRANSIENT);
    return step_insert(&m->name) && insert_figure(m, session, name, json_number_value(value));
}

static bool add_figures(struct merge *m, sqlite3_int64 session, json_t *document) {
    const char *key, *figure;
    json_t *value, *figures;
    bool fine = true;
    struct buf name = BUF_INIT;
    json_object_foreach(json_object_get(document, "metrics"), key, value) fine =
        fine && add_figure(m, session, key, value);
    json_object_foreach(json_object_get(document, "distributions"), key, figures) {
        json_object_foreach(figures, figure, value) {
            buf_clear(&name);
            buf_printf(&name, "%s.%s", key, figure);
            fine = fine && add_figure(m, session, buf_text(&name), value);
        }
    }
    buf_release(&name);
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

// A file that is to be merged.
struct waiting {
    char *name;
    bool settled; // the database has it: the file can go
};

struct waitings {
    struct waiting *list;
    size_t n, cap;
};

static bool is_session(const char *name, enum fs_entry kind) {
    size_t n = strlen(name);
    return kind == FS_FILE && name[0] != '.' && n > 5 && strcmp(name + n - 5, ".json") == 0;
}

static bool take_name(void *context, const char *name, enum fs_entry kind) {
    struct waitings *w = context;
    if (!is_session(name, kind))
        return true;
    MEM_GROW(w->list, w->cap, w->n + 1);
    w->list[w->n++] = (struct waiting){.name = mem_copy(name, strlen(name))};
    return true;
}

static bool count_name(void *context, const char *name, enum fs_entry kind) {
    *(size_t *)context += is_session(name, kind);
    return true;
}

size_t history_pending(const struct fs *fs, const char *directory) {
    char sessions[HISTORY_PATH];
    size_t n = 0;
    history_join(sessions, directory, HISTORY_SESSIONS);
    fs->list(fs->self, AT_FDCWD, sessions, count_name, &n);
    return n;
}

// What holds no session is put aside under another name, so that it is looked at once.
static void put_aside(const struct fs *fs, const char path[HISTORY_PATH]) {
    char aside[HISTORY_PATH + sizeof ".damaged"];
    snprintf(aside, sizeof aside, "%s.damaged", path);
    fs->rename(fs->self, AT_FDCWD, path, AT_FDCWD, aside);
}

// It has a name, and a moment that can be told.
static bool is_sound(const json_t *document) {
    const json_t *started = json_object_get(document, "started");
    return json_string_length(json_object_get(document, "session")) && json_is_number(started) &&
           json_number_value(started) >= 0 && json_number_value(started) <= HISTORY_LATEST;
}

// False: the database does not take it. A file that cannot be read (another one merges it, perhaps) is left as it is.
static bool merge_file(struct merge *m, const struct fs *fs, const char *path, bool *settled) {
    char *text;
    size_t size;
    struct err err;
    enum status status = fs_read_file(fs, path, SESSION_BYTES, &text, &size, &err);
    if (status != STATUS_OK && status != STATUS_LIMIT)
        return true;
    json_t *document = status == STATUS_OK ? json_loadb(text, size, 0, NULL) : NULL;
    bool sound = is_sound(document);
    *settled = sound && add_session(m, document, text, size);
    if (!sound)
        put_aside(fs, path);
    json_decref(document);
    mem_free(text);
    return *settled || !sound;
}

static enum status drop_old(sqlite3 *db, uint32_t keep, struct err *err) {
    char sql[512];
    if (keep == HISTORY_KEEP_ALL)
        return STATUS_OK;
    snprintf(
        sql, sizeof sql,
        "delete from sessions where number in (select number from sessions order by started desc, id desc"
        " limit -1 offset %u)",
        (unsigned)keep);
    if (history_execute(db, sql, err) != STATUS_OK)
        return err->status;
    if (sqlite3_changes(db) == 0)
        return STATUS_OK;
    return history_execute(db,
                           "delete from documents where session not in (select number from sessions);"
                           "delete from figures where session not in (select number from sessions)",
                           err);
}

static bool merge_all(const struct fs *fs, const char *sessions, sqlite3 *db, struct waitings *waiting) {
    struct merge m = {.db = db};
    bool fine = merge_prepare(&m);
    for (size_t i = 0; fine && i < waiting->n; i++) {
        char path[HISTORY_PATH];
        history_join(path, sessions, waiting->list[i].name);
        fine = merge_file(&m, fs, path, &waiting->list[i].settled);
    }
    merge_release(&m);
    return fine;
}

static enum status merge_waiting(const struct fs *fs, const char *sessions, sqlite3 *db,
                                 struct waitings *waiting, uint32_t keep, struct err *err) {
    if (history_execute(db, "begin immediate", err) != STATUS_OK)
        return err->status;
    enum status status =
        merge_all(fs, sessions, db, waiting) ? STATUS_OK : history_failed(db, "cannot write", err);
    if (status == STATUS_OK)
        status = drop_old(db, keep, err);
    if (status == STATUS_OK)
        status = history_execute(db, "commit", err);
    if (status != STATUS_OK) {
        sqlite3_exec(db, "rollback", NULL, NULL, NULL);
        return status;
    }
    for (size_t i = 0; i < waiting->n; i++) {
        char path[HISTORY_PATH];
        history_join(path, sessions, waiting->list[i].name);
        if (waiting->list[i].settled)
            fs->unlink(fs->self, AT_FDCWD, path);
    }
    return STATUS_OK;
}

enum status history_merge(const struct fs *fs, const char *directory, sqlite3 *db, uint32_t keep,
                          struct err *err) {
    char sessions[HISTORY_PATH];
    struct waitings waiting = {0};
    history_join(sessions, directory, HISTORY_SESSIONS);
    fs->list(fs->self, AT_FDCWD, sessions, take_name, &waiting);
    enum status status = waiting.n ? merge_waiting(fs, sessions, db, &waiting, keep, err) : STATUS_OK;
    for (size_t i = 0; i < waiting.n; i++)
        mem_free(waiting.list[i].name);
    mem_free(waiting.list);
    return status;
}

// ---- adding

static int write_beneath(const struct fs *fs, int directory, const char *temporary, const char *name,
                         struct str json) {
    struct err err;
    int fd =
        fs->open(fs->self, directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return fd;
    enum status status = fs_write_all(fs, fd, json.p, json.n, &err);
    fs->close(fs->self, fd);
    int result = status == STATUS_OK ? fs->rename(fs->self, directory, temporary, directory, name) : -err.os;
    if (result < 0)
        fs->unlink(fs->self, directory, temporary);
    return result;
}

// The directory of the sessions' files, where it may be: neither it nor the one above it is a link. -errno.
static int open_sessions(const struct fs *fs, const char *directory) {
    enum { FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW };
    int made = fs_make_dirs(fs, AT_FDCWD, directory, 0777);
    int above = made < 0 ? made : fs->open(fs->self, AT_FDCWD, directory, FLAGS, 0);
    if (above < 0)
        return above;
    made = fs->make_dir(fs->self, above, HISTORY_SESSIONS, 0777);
    int fd = made < 0 && made != -EEXIST ? made : fs->open(fs->self, above, HISTORY_SESSIONS, FLAGS, 0);
    fs->close(fs->self, above);
    return fd;
}

static enum status write_session(const struct fs *fs, const char *directory, const struct session *session,
                                 struct err *err) {
    char temporary[NAME_SIZE], name[NAME_SIZE];
    struct buf json = BUF_INIT;
    int fd = open_sessions(fs, directory);
    if (fd < 0)
        return err_os(err, -fd, "cannot use %s/" HISTORY_SESSIONS, directory);
    snprintf(name, sizeof name, "%.*s.json", STR_ARG(session->id));
    snprintf(temporary, sizeof temporary, ".%.*s", STR_ARG(session->id));
    session_write_json(session, &json);
    int result = write_beneath(fs, fd, temporary, name, buf_str(&json));
    buf_release(&json);
    fs->close(fs->self, fd);
    if (result < 0)
        return err_os(err, -result, "cannot write %s/" HISTORY_SESSIONS "/%s", directory, name);
    return STATUS_OK;
}

enum status history_add(const struct fs *fs, const char *directory, const struct session *session,
                        uint32_t keep, struct err *err) {
    struct err why;
    sqlite3 *db;
    if (write_session(fs, directory, session, &why) != STATUS_OK)
        return err_set(err, why.status, "the run is not in the history: %s", why.text);
    if (history_pending(fs, directory) < HISTORY_PENDING)
        return STATUS_OK;
    enum status status = history_open_database(directory, ADD_WAIT_MS, &db, &why);
    if (status == STATUS_OK)
        status = history_merge(fs, directory, db, keep, &why);
    sqlite3_close(db);
    if (status == STATUS_OK || status == STATUS_CONFLICT) // somebody else is at it; the next one will
        return STATUS_OK;
    return err_set(err, status, "the run waits in %s/" HISTORY_SESSIONS ": %s", directory, why.text);
}
