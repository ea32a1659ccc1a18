// SPDX-License-Identifier: MIT
#include "pipeline/doctor/doctor_sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

enum { STEPS = 1000, WAIT_MS = 200 };

struct deadline {
    const struct clock *clock;
    uint64_t end;
    bool over;
};

static int look_up(void *self) {
    struct deadline *deadline = self;
    deadline->over = deadline->clock->monotonic(deadline->clock->self) > deadline->end;
    return deadline->over;
}

static void say_fault(struct doctor_sqlite *look, enum doctor_sqlite_end end, const char *fault) {
    look->end = end;
    snprintf(look->fault, sizeof look->fault, "%s", fault ? fault : "no memory");
}

static uint64_t ask_number(sqlite3 *db, const char *sql) {
    sqlite3_stmt *stmt = NULL;
    uint64_t n = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        n = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return n;
}

// Ends at the first fault, or when there is no more time, which is none.
static bool check_pages(struct doctor_sqlite *look, sqlite3 *db, const struct clock *clock) {
    struct deadline deadline = {.clock = clock,
                                .end = clock->monotonic(clock->self) + DOCTOR_SQLITE_MS * UINT64_C(1000000)};
    sqlite3_stmt *stmt = NULL;
    sqlite3_progress_handler(db, STEPS, look_up, &deadline);
    int code = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
    code = code == SQLITE_OK ? sqlite3_step(stmt) : code;
    look->whole = code == SQLITE_ROW;
    const char *said = code == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    if (said && strcmp(said, "ok") != 0)
        say_fault(look, DOCTOR_SQLITE_DAMAGED,
                  strchr(said, '\n') ? strchr(said, '\n') + 1 : said); // less its heading
    else if (!said && !deadline.over)
        say_fault(look,
                  code == SQLITE_BUSY      ? DOCTOR_SQLITE_LOCKED
                  : code == SQLITE_CORRUPT ? DOCTOR_SQLITE_DAMAGED
                                           : DOCTOR_SQLITE_UNREADABLE,
                  sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    sqlite3_progress_handler(db, 0, NULL, NULL);
    return look->end == DOCTOR_SQLITE_SOUND;
}

static void look_at(struct doctor_sqlite *look, sqlite3 *db, const struct clock *clock, const char *query) {
    sqlite3_stmt *stmt = NULL;
    look->page_size = ask_number(db, "PRAGMA page_size");
    look->pages = ask_number(db, "PRAGMA page_count");
    if (check_pages(look, db, clock) && query && sqlite3_prepare_v2(db, query, -1, &stmt, NULL) != SQLITE_OK)
        say_fault(look, DOCTOR_SQLITE_QUERY, sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
}

static uint64_t size_of(const char *path, const char *suffix) {
    struct buf text = BUF_INIT;
    struct stat st;
    buf_printf(&text, "%s%s", path, suffix);
    const uint64_t size = stat(buf_text(&text), &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
    buf_release(&text);
    return size;
}

static bool is_there(const char *path, const char *suffix) {
    struct buf text = BUF_INIT;
    struct stat st;
    buf_printf(&text, "%s%s", path, suffix);
    const bool there = stat(buf_text(&text), &st) == 0;
    buf_release(&text);
    return there;
}

// One with a write-ahead log that nobody has open: whoever opens it, and be it for reading, leaves files beside it.
static bool is_idle_log(const char *path) {
    enum { WRITE_VERSION = 18, LOG = 2, HEADER = 20 }; // of the file's header
    unsigned char header[HEADER] = {0};
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const bool is_log =
        fd >= 0 && pread(fd, header, sizeof header, 0) == HEADER && header[WRITE_VERSION] == LOG;
    if (fd >= 0)
        close(fd);
    return is_log && !is_there(path, "-wal") && !is_there(path, "-shm");
}

// As a URI, so that it may be said that nobody changes it.
static void write_name(const char *path, bool immutable, struct buf *out) {
    buf_printf(out, "file:%s", path[0] == '/' ? "" : "./");
    for (const char *c = path; *c; c++)
        if (*c == '%' || *c == '?' || *c == '#')
            buf_printf(out, "%%%02x", (unsigned)*c);
        else
            buf_add_char(out, *c);
    buf_add_text(out, immutable ? "?immutable=1" : "");
}

// The caller closes it, whether it could be opened or not.
static int open_file(const char *path, bool immutable, sqlite3 **db) {
    struct buf name = BUF_INIT;
    write_name(path, immutable, &name);
    const int code = sqlite3_open_v2(buf_text(&name), db,
                                     SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
    buf_release(&name);
    if (code == SQLITE_OK) {
        sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_busy_timeout(*db, WAIT_MS);
    }
    return code;
}

bool doctor_sqlite_open(const char *path, sqlite3 **db) {
    sqlite3_stmt *stmt = NULL;
    bool readable =
        open_file(path, is_idle_log(path), db) == SQLITE_OK &&
        sqlite3_prepare_v2(*db, "SELECT count(*) FROM sqlite_schema", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_finalize(stmt);
    if (!readable) {
        sqlite3_close(*db);
        *db = NULL;
    }
    return readable;
}

static void open_and_look(struct doctor_sqlite *look, const struct clock *clock, const char *path,
                          bool immutable, const char *query) {
    sqlite3 *db = NULL;
    *look = (struct doctor_sqlite){.end = DOCTOR_SQLITE_SOUND};
    if (open_file(path, immutable, &db) != SQLITE_OK)
        say_fault(look, DOCTOR_SQLITE_UNREADABLE, db ? sqlite3_errmsg(db) : NULL);
    else
        look_at(look, db, clock, query);
    sqlite3_close(db);
    look->log_bytes = size_of(path, "-wal");
}

void doctor_sqlite_look(struct doctor_sqlite *look, const struct clock *clock, const char *path,
                        const char *query) {
    const bool idle = is_idle_log(path);
    open_and_look(look, clock, path, idle, query);
    // Somebody has begun to write meanwhile, so that it only looked damaged.
    if (idle && look->end != DOCTOR_SQLITE_SOUND && !is_idle_log(path))
        open_and_look(look, clock, path, false, query);
}
