// SPDX-License-Identifier: MIT
#include "stages/load/sqlite/sqlite_identity.h"

#include <fcntl.h>
#include <sqlite3.h>

#include "base/buf.h"

enum { LATELY = 2, HEADER = 100, CHANGES = 24, SCHEMA = 40 };

static uint32_t number_at(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

// The versions that its header has; zeros, where it is no database.
static void add_versions(const char *path, struct buf *out) {
    unsigned char header[HEADER] = {0};
    struct buf file = BUF_INIT;
    sqlite3 *db = NULL;
    sqlite3_file *handle = NULL;
    buf_printf(&file, "%s%s", path[0] == '/' ? "" : "./", path);
    if (sqlite3_open_v2(buf_text(&file), &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) ==
            SQLITE_OK &&
        sqlite3_file_control(db, NULL, SQLITE_FCNTL_FILE_POINTER, &handle) == SQLITE_OK && handle &&
        handle->pMethods)
        handle->pMethods->xRead(handle, header, HEADER, 0);
    sqlite3_close(db);
    buf_release(&file);
    buf_printf(out, "%lu %lu;", (unsigned long)number_at(header + CHANGES),
               (unsigned long)number_at(header + SCHEMA));
}

// Of a file that is not there: zeros. Descriptors that are O_PATH leave SQLite's locks alone.
static bool look_at_file(const struct load_options *options, const char *suffix, int64_t wall,
                         struct buf *out, bool *there) {
    const struct fs *fs = options->fs;
    struct buf path = BUF_INIT;
    struct stat st = {0};
    buf_printf(&path, "%s%s", options->path, suffix);
    int fd = fs->open(fs->self, AT_FDCWD, buf_text(&path), O_PATH | O_CLOEXEC, 0);
    buf_release(&path);
    *there = fd >= 0 && fs->stat(fs->self, fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
    if (fd >= 0)
        fs->close(fs->self, fd);
    if (!*there)
        st = (struct stat){0};
    if (suffix[0]) // whoever opens it for reading may change its owner to the database's
        st.st_ctim = (struct timespec){0, 0};
    buf_printf(out, "%llu %llu %lld %lld.%09ld %lld.%09ld;", (unsigned long long)st.st_dev,
               (unsigned long long)st.st_ino, (long long)st.st_size, (long long)st.st_mtim.tv_sec,
               st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
    return !*there || (int64_t)st.st_mtim.tv_sec + LATELY < wall / 1000000000;
}

bool sqlite_identity(const struct load_options *options, int64_t wall, struct digest *identity) {
    struct buf text = BUF_INIT;
    bool there, other;
    bool settled = look_at_file(options, "", wall, &text, &there);
    settled = look_at_file(options, "-wal", wall, &text, &other) && settled;
    settled = look_at_file(options, "-journal", wall, &text, &other) && settled;
    if (there)
        add_versions(options->path, &text);
    *identity = digest_of(buf_str(&text));
    buf_release(&text);
    return settled && there;
}
