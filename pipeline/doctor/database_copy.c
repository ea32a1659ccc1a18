// SPDX-License-Identifier: MIT
#include "pipeline/doctor/database_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"

enum { PAGES = 1000 }; // copied between two looks at the clock

static int64_t ask_number(sqlite3 *db, const char *sql) {
    sqlite3_stmt *stmt = NULL;
    int64_t n = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return n;
}

static enum status check_room(sqlite3 *db, const char *directory, uint64_t most, struct err *err) {
    const uint64_t size =
        (uint64_t)ask_number(db, "PRAGMA page_count") * (uint64_t)ask_number(db, "PRAGMA page_size");
    struct statvfs room;
    if (size > most)
        return err_set(err, STATUS_LIMIT, "the database is larger than copies may be");
    if (statvfs(directory, &room) != 0)
        return err_os(err, errno, "no copy can be made in %s", directory);
    if ((uint64_t)room.f_bavail * room.f_frsize < size + size / 2)
        return err_set(err, STATUS_LIMIT, "there is no room for a copy in %s", directory);
    return STATUS_OK;
}

// A copy of a database with a write-ahead log would ask for one beside it. What is in the file tells SQLite to have none,
// and that its first page is not what it remembers.
static bool forget_log(int fd) {
    enum { VERSIONS = 18, CHANGES = 24 }; // of the file's header
    static const unsigned char no_log[2] = {1, 1}, changed[4] = {0x70, 0x72, 0x65, 0x73};
    return pwrite(fd, no_log, sizeof no_log, VERSIONS) == sizeof no_log &&
           pwrite(fd, changed, sizeof changed, CHANGES) == sizeof changed;
}

static enum status fill(sqlite3 *db, sqlite3 *copy, int fd, const struct query_deadline *deadline,
                        struct err *err) {
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", db, "main");
    int code = backup ? SQLITE_OK : sqlite3_errcode(copy);
    bool late = false;
    while (code == SQLITE_OK && !late) {
        code = sqlite3_backup_step(backup, PAGES);
        late = deadline->clock->monotonic(deadline->clock->self) > deadline->end;
    }
    sqlite3_backup_finish(backup);
    if (code == SQLITE_OK)
        return err_set(err, STATUS_LIMIT, "there is no more time for a copy");
    if (code != SQLITE_DONE)
        return err_set(err, STATUS_DATA, "no copy can be made: %s", sqlite3_errstr(code));
    return forget_log(fd) ? STATUS_OK : err_os(err, errno, "the copy cannot be written");
}

static enum status make(sqlite3 *db, char *path, const struct query_deadline *deadline, sqlite3 **copy,
                        struct err *err) {
    const int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return err_os(err, errno, "no copy can be made at %s", path);
    int code = sqlite3_open_v2(path, copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(*copy, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL, NULL);
    unlink(path);
    enum status status = code == SQLITE_OK
                             ? fill(db, *copy, fd, deadline, err)
                             : err_set(err, STATUS_DATA, "no copy can be made: %s", sqlite3_errstr(code));
    close(fd); // SQLite has its own, and holds no lock now
    return status;
}

enum status database_copy_open(sqlite3 *db, const char *directory, uint64_t bytes_most,
                               const struct query_deadline *deadline, sqlite3 **copy, struct err *err) {
    struct buf path = BUF_INIT;
    *copy = NULL;
    if (!directory || !*directory)
        directory = "/tmp";
    buf_printf(&path, "%s/pressrun-XXXXXX", directory);
    enum status status = check_room(db, directory, bytes_most, err);
    if (status == STATUS_OK) {
        buf_text(&path);
        status = make(db, path.p, deadline, copy, err);
    }
    if (status != STATUS_OK) {
        sqlite3_close(*copy);
        *copy = NULL;
    }
    buf_release(&path);
    return status;
}
