// SPDX-License-Identifier: MIT
#include "stages/load/sqlite/sqlite_connection.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/buf.h"

enum {
    WAIT_MS = 10, // between two looks at a lock
    STEPS = 4096, // of SQLite's machine between two looks at `interrupt`
};

// Errors ------------------------------------------------------------------------------------------------------

static bool is_interrupted(const struct sqlite_connection *c) {
    return c->interrupt && atomic_load_explicit(c->interrupt, memory_order_relaxed);
}

static enum status system_error(const struct sqlite_connection *c, const char *verb, struct err *err) {
    int os = sqlite3_system_errno(c->db);
    if (os)
        return err_os(err, os, "cannot %s %.*s: %s", verb, STR_ARG(c->name), sqlite3_errmsg(c->db));
    return err_set(err, STATUS_IO, "cannot %s %.*s: %s", verb, STR_ARG(c->name), sqlite3_errmsg(c->db));
}

// Whole pages, and a first one that begins with neither SQLite's words nor text.
static bool looks_encrypted(const struct sqlite_connection *c) {
    enum { SECTOR = 512, LOOKED_AT = 64, ODD = 16 };
    sqlite3_file *file = NULL;
    unsigned char first[LOOKED_AT];
    unsigned odd = 0;
    if (c->size % SECTOR ||
        sqlite3_file_control(c->db, NULL, SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file ||
        !file->pMethods || file->pMethods->xRead(file, first, LOOKED_AT, 0) != SQLITE_OK)
        return false;
    for (size_t i = 0; i < LOOKED_AT; i++)
        odd += first[i] >= 0x80 || (first[i] < 0x20 && !isspace(first[i]));
    return odd >= ODD && memcmp(first, "SQLite format 3", 15) != 0;
}

// Reading may need writing.
static enum status writing_error(const struct sqlite_connection *c, struct err *err) {
    const char *said = sqlite3_errmsg(c->db);
    if (sqlite3_extended_errcode(c->db) == SQLITE_READONLY_ROLLBACK)
        return err_set(err, STATUS_DATA,
                       "%.*s: the database was left in the middle of a change, which only a program that may "
                       "write can undo (%s)",
                       STR_ARG(c->name), said);
    return err_set(
        err, STATUS_IO,
        "cannot read %.*s: the database has a write-ahead log, and what reading it needs cannot be "
        "written beside it (%s)",
        STR_ARG(c->name), said);
}

enum status sqlite_connection_error(const struct sqlite_connection *c, uint64_t rows, struct err *err) {
    char after[48] = "";
    if (rows > 0)
        snprintf(after, sizeof after, " after row %llu", (unsigned long long)rows);
    const char *said = sqlite3_errmsg(c->db);
    switch (sqlite3_errcode(c->db)) {
    case SQLITE_NOMEM:
        return err_set(err, STATUS_MEMORY, "%.*s: no memory%s", STR_ARG(c->name), after);
    case SQLITE_INTERRUPT:
        return err_set(err, STATUS_CANCELLED, "%.*s: interrupted%s", STR_ARG(c->name), after);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        if (is_interrupted(c))
            return err_set(err, STATUS_CANCELLED, "%.*s: interrupted%s", STR_ARG(c->name), after);
        return err_set(err, STATUS_CONFLICT, "%.*s: another program holds a lock on the database",
                       STR_ARG(c->name));
    case SQLITE_NOTADB:
        if (looks_encrypted(c))
            return err_set(err, STATUS_DATA,
                           "%.*s is not a SQLite database, or it is encrypted: it has to be decrypted first",
                           STR_ARG(c->name));
        return err_set(err, STATUS_DATA, "%.*s is not a SQLite database", STR_ARG(c->name));
    case SQLITE_CORRUPT:
        return err_set(err, STATUS_DATA, "%.*s: the database is damaged%s (%s)", STR_ARG(c->name), after,
                       said);
    case SQLITE_READONLY:
        return writing_error(c, err);
    case SQLITE_CANTOPEN:
        return system_error(c, "open", err);
    case SQLITE_IOERR:
        return system_error(c, "read", err);
    default:
        return err_set(err, STATUS_DATA, "%.*s: %s%s", STR_ARG(c->name), said, after);
    }
}

// The database -------------------------------------------------------------------------------------------------

static int wait_for_lock(void *self, int times) {
    const struct sqlite_connection *c = self;
    if ((uint32_t)times >= c->patience / WAIT_MS || is_interrupted(c))
        return 0;
    sqlite3_sleep(WAIT_MS);
    return 1;
}

static int look_up(void *self) {
    return is_interrupted(self);
}

// What the path is, told before SQLite makes an empty database of nothing or waits for a pipe. O_PATH: closing any
// other descriptor of the file would drop the locks this process holds on it.
static enum status check_file(struct sqlite_connection *c, const struct load_options *options,
                              struct err *err) {
    const struct fs *fs = options->fs;
    if (strcmp(options->path, "-") == 0)
        return err_set(err, STATUS_DATA, "a SQLite database cannot be read from standard input");
    if (str_ends(str_of(options->path), STR(".zst")))
        return err_set(err, STATUS_DATA, "%.*s: a compressed database cannot be queried; decompress it first",
                       STR_ARG(c->name));
    int fd = fs->open(fs->self, AT_FDCWD, options->path, O_PATH | O_CLOEXEC, 0);
    if (fd < 0)
        return err_os(err, -fd, "cannot open %.*s", STR_ARG(c->name));
    struct stat st;
    int failed = fs->stat(fs->self, fd, &st);
    fs->close(fs->self, fd);
    if (failed < 0)
        return err_os(err, -failed, "cannot open %.*s", STR_ARG(c->name));
    if (S_ISDIR(st.st_mode))
        return err_set(err, STATUS_DATA, "%.*s is a directory", STR_ARG(c->name));
    if (!S_ISREG(st.st_mode))
        return err_set(err, STATUS_DATA, "%.*s is not a file", STR_ARG(c->name));
    if (st.st_size == 0)
        return err_set(err, STATUS_DATA, "%.*s is empty, not a SQLite database", STR_ARG(c->name));
    if (c->inode && (c->inode != st.st_ino || c->device != st.st_dev))
        return err_set(err, STATUS_CONFLICT, "%.*s was replaced while it was opened", STR_ARG(c->name));
    c->size = (uint64_t)st.st_size;
    c->device = st.st_dev;
    c->inode = st.st_ino;
    return STATUS_OK;
}

static bool run_sql(const struct sqlite_connection *c, const char *sql) {
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

enum status sqlite_connection_open(struct sqlite_connection *c, const struct load_options *options,
                                   uint32_t patience, struct err *err) {
    *c = (struct sqlite_connection){
        .name = options->name, .interrupt = options->interrupt, .patience = patience};
    enum status status = check_file(c, options, err);
    if (status != STATUS_OK)
        return status;
    // "./" so that no name is anything else to SQLite: ":memory:", or "file:..." where URIs are on.
    struct buf file = BUF_INIT;
    buf_printf(&file, "%s%s", options->path[0] == '/' ? "" : "./", options->path);
    int code = sqlite3_open_v2(buf_text(&file), &c->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    buf_release(&file);
    if (!c->db)
        return err_set(err, STATUS_MEMORY, "%.*s: no memory", STR_ARG(c->name));
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_busy_handler(c->db, wait_for_lock, c);
    sqlite3_progress_handler(c->db, STEPS, look_up, c);
    // cell_size_check: a damaged page is noticed when it is read.
    if (code != SQLITE_OK || !run_sql(c, "PRAGMA cell_size_check = ON")) {
        status = sqlite_connection_error(c, 0, err);
        sqlite_connection_close(c);
    }
    return status;
}

// SQLite takes pages beyond the end of the file for zeros. With a write-ahead log the file may rightly be shorter
// than the database. Looked at within the transaction, when nobody can make the file shorter any more.
static enum status check_length(struct sqlite_connection *c, const struct load_options *options,
                                struct err *err) {
    sqlite3_stmt *pages = NULL, *mode = NULL;
    bool asked = sqlite3_prepare_v2(c->db, "PRAGMA page_count", -1, &pages, NULL) == SQLITE_OK &&
                 sqlite3_step(pages) == SQLITE_ROW &&
                 sqlite3_prepare_v2(c->db, "PRAGMA journal_mode", -1, &mode, NULL) == SQLITE_OK &&
                 sqlite3_step(mode) == SQLITE_ROW;
    enum status status = asked ? check_file(c, options, err) : sqlite_connection_error(c, 0, err);
    c->has_log = asked && strcmp((const char *)sqlite3_column_text(mode, 0), "wal") == 0;
    if (status == STATUS_OK && !c->has_log &&
        (uint64_t)sqlite3_column_int64(pages, 0) * (uint64_t)c->page_size > c->size)
        status = err_set(err, STATUS_DATA, "%.*s is cut short: %lld pages of %d bytes should be there",
                         STR_ARG(c->name), (long long)sqlite3_column_int64(pages, 0), c->page_size);
    sqlite3_finalize(pages);
    sqlite3_finalize(mode);
    return status;
}

// The page size is the first thing read of the file, and thus the transaction's snapshot.
enum status sqlite_connection_begin(struct sqlite_connection *c, const struct load_options *options,
                                    struct err *err) {
    sqlite3_stmt *stmt = NULL;
    bool fine = run_sql(c, "BEGIN") &&
                sqlite3_prepare_v2(
                    c->db, "SELECT page_size FROM pragma_page_size, (SELECT count(*) FROM sqlite_schema)", -1,
                    &stmt, NULL) == SQLITE_OK &&
                sqlite3_step(stmt) == SQLITE_ROW;
    c->page_size = fine ? sqlite3_column_int(stmt, 0) : 0;
    enum status status = fine ? STATUS_OK : sqlite_connection_error(c, 0, err);
    sqlite3_finalize(stmt);
    return status == STATUS_OK ? check_length(c, options, err) : status;
}

bool sqlite_connection_begin_again(struct sqlite_connection *c) {
    if (sqlite_connection_is_reading(c) && !run_sql(c, "COMMIT"))
        return false;
    return run_sql(c, "BEGIN");
}

bool sqlite_connection_version(const struct sqlite_connection *c, int64_t *version) {
    sqlite3_stmt *stmt = NULL;
    const bool told = sqlite3_prepare_v2(c->db, "PRAGMA data_version", -1, &stmt, NULL) == SQLITE_OK &&
                      sqlite3_step(stmt) == SQLITE_ROW;
    *version = told ? sqlite3_column_int64(stmt, 0) : 0;
    return sqlite3_finalize(stmt) == SQLITE_OK && told;
}

bool sqlite_connection_is_reading(const struct sqlite_connection *c) {
    return sqlite3_get_autocommit(c->db) == 0;
}

void sqlite_connection_close(struct sqlite_connection *c) {
    sqlite3_close(c->db);
    c->db = NULL;
}
