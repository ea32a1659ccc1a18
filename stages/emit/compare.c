// SPDX-License-Identifier: MIT
#include "stages/emit/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { CHUNK = 256 << 10 };

int compare_open(const struct fs *fs, int directory, const char *name, int flags, struct stat *st) {
    // O_NONBLOCK: what is there may be a pipe that nobody writes to.
    int (*open)(void *, int, const char *, int, mode_t) = strchr(name, '/') ? fs->open_beneath : fs->open;
    int fd = open(fs->self, directory, name, flags | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return fd;
    int result = fs->stat(fs->self, fd, st);
    if (result == 0 && !S_ISREG(st->st_mode))
        result = -EINVAL;
    if (result < 0)
        fs->close(fs->self, fd);
    return result < 0 ? result : fd;
}

static int open_sized(const struct fs *fs, int directory, const char *name, uint64_t size, struct stat *st) {
    int fd = compare_open(fs, directory, name, O_RDONLY, st);
    if (fd >= 0 && (uint64_t)st->st_size != size) {
        fs->close(fs->self, fd);
        return -1;
    }
    return fd;
}

ssize_t compare_read(const struct fs *fs, int fd, char *p, size_t n) {
    size_t at = 0;
    while (at < n) {
        ssize_t got = fs->read(fs->self, fd, p + at, n - at);
        if (got == -EINTR)
            continue;
        if (got < 0)
            return got;
        if (got == 0)
            break;
        at += (size_t)got;
    }
    return (ssize_t)at;
}

bool compare_text(const struct fs *fs, int directory, const char *name, struct str text, struct buf *room,
                  struct stat *st) {
    int fd = open_sized(fs, directory, name, text.n, st);
    if (fd < 0)
        return false;
    buf_clear(room);
    buf_reserve(room, text.n + 1); // one byte more than there may be
    ssize_t n = compare_read(fs, fd, room->p, text.n + 1);
    fs->close(fs->self, fd);
    return n == (ssize_t)text.n && (n == 0 || memcmp(room->p, text.p, (size_t)n) == 0);
}

static bool has_same_bytes(const struct fs *fs, int fd, int other, struct buf *room) {
    buf_clear(room);
    buf_reserve(room, 2 * (size_t)CHUNK);
    for (;;) {
        ssize_t n = compare_read(fs, fd, room->p, CHUNK);
        ssize_t m = compare_read(fs, other, room->p + CHUNK, CHUNK);
        if (n < 0 || n != m || memcmp(room->p, room->p + CHUNK, (size_t)n) != 0)
            return false;
        if (n < CHUNK)
            return true;
    }
}

bool compare_files(const struct fs *fs, struct compare_place file, struct compare_place other, uint64_t size,
                   struct buf *room, struct stat *st) {
    int fd = open_sized(fs, file.directory, file.name, size, st);
    if (fd < 0)
        return false;
    int other_fd = fs->open(fs->self, other.directory, other.name, O_RDONLY | O_NOFOLLOW, 0);
    bool same = other_fd >= 0 && has_same_bytes(fs, fd, other_fd, room);
    if (other_fd >= 0)
        fs->close(fs->self, other_fd);
    fs->close(fs->self, fd);
    return same;
}

int compare_is_place(const struct fs *fs, int root, const char *path) {
    struct stat st;
    int result = fs->stat_beneath(fs->self, root, path, &st);
    if (result == -ENOENT)
        return 0;
    return result < 0 ? result : S_ISDIR(st.st_mode) ? -EISDIR : 0;
}
