// SPDX-License-Identifier: MIT
#include "tests/support/faulty_fs.h"

#include <errno.h>
#include <unistd.h>

static bool fails(struct faulty *f) {
    bool now = ++f->calls == f->fail_at || (f->hit && f->stays);
    if (now && f->dies)
        _exit(FAULTY_DIED);
    f->hit = f->hit || now;
    return now;
}

static int faulty_open(void *self, int dir, const char *path, int flags, mode_t mode) {
    struct faulty *f = self;
    int fd = fails(f) ? -f->error : f->real.open(f->real.self, dir, path, flags, mode);
    f->open_files += fd >= 0;
    return fd;
}

static int faulty_open_beneath(void *self, int dir, const char *path, int flags, mode_t mode) {
    struct faulty *f = self;
    int fd = fails(f) ? -f->error : f->real.open_beneath(f->real.self, dir, path, flags, mode);
    f->open_files += fd >= 0;
    return fd;
}

static int faulty_make_dir(void *self, int dir, const char *path, mode_t mode) {
    struct faulty *f = self;
    return fails(f) ? -f->error : f->real.make_dir(f->real.self, dir, path, mode);
}

// How much of a read may be done; or its error.
static ssize_t readable(struct faulty *f, size_t n) {
    if (fails(f))
        return -f->error;
    if ((f->is_short && f->calls % 3 == 0) || (f->byte_by_byte && f->calls % 2))
        return -EINTR;
    n = f->is_short && n > 7000 ? 7000 : n;
    return f->byte_by_byte ? 1 : (ssize_t)n;
}

static ssize_t faulty_read(void *self, int fd, void *p, size_t n) {
    struct faulty *f = self;
    ssize_t may = readable(f, n);
    return may < 0 ? may : f->real.read(f->real.self, fd, p, (size_t)may);
}

static ssize_t faulty_read_at(void *self, int fd, void *p, size_t n, off_t at) {
    struct faulty *f = self;
    ssize_t may = readable(f, n);
    return may < 0 ? may : f->real.read_at(f->real.self, fd, p, (size_t)may, at);
}

static ssize_t faulty_write(void *self, int fd, const void *p, size_t n) {
    struct faulty *f = self;
    if (fails(f))
        return -f->error;
    if (f->is_short && f->calls % 3 == 0)
        return -EINTR;
    if (f->fills_up == 1) {
        f->fills_up = f->stays_full ? 1 : 0;
        return -ENOSPC;
    }
    if (f->fills_up > 1)
        f->fills_up--;
    n = f->fills_up > 0 && n > 1000 ? 1000 : n;
    n = f->is_short && n > 7000 ? 7000 : n;
    if (fd == STDOUT_FILENO) {
        buf_add(&f->standard_output, p, n);
        return (ssize_t)n;
    }
    return f->real.write(f->real.self, fd, p, n);
}

static int faulty_rename(void *self, int old_dir, const char *from, int new_dir, const char *to) {
    struct faulty *f = self;
    return fails(f) ? -f->error : f->real.rename(f->real.self, old_dir, from, new_dir, to);
}

static int faulty_exchange(void *self, int old_dir, const char *from, int new_dir, const char *to) {
    struct faulty *f = self;
    return fails(f) ? -f->error : f->real.exchange(f->real.self, old_dir, from, new_dir, to);
}

static int faulty_remove_dir(void *self, int dir, const char *path) {
    struct faulty *f = self;
    return fails(f) ? -f->error : f->real.remove_dir(f->real.self, dir, path);
}

static int faulty_stat_beneath(void *self, int dir, const char *path, struct stat *st) {
    struct faulty *f = self;
    return fails(f) ? -f->error : f->real.stat_beneath(f->real.self, dir, path, st);
}

static int faulty_unlink(void *self, int dir, const char *path) {
    struct faulty *f = self;
    if (!fails(f))
        return f->real.unlink(f->real.self, dir, path);
    f->unlink_failed = true;
    return -f->error;
}

static int faulty_stat(void *self, int fd, struct stat *st) {
    struct faulty *f = self;
    return fails(f) ? -f->error : f->real.stat(f->real.self, fd, st);
}

static int faulty_stat_at(void *self, int dir, const char *path, struct stat *st) {
    struct faulty *f = self;
    return fails(f) ? -f->error : f->real.stat_at(f->real.self, dir, path, st);
}

static int faulty_truncate(void *self, int fd, off_t size) {
    struct faulty *f = self;
    return fails(f) ? -f->error : f->real.truncate(f->real.self, fd, size);
}

static int faulty_touch(void *self, int fd) {
    struct faulty *f = self;
    return fails(f) ? -f->error : f->real.touch(f->real.self, fd);
}

static int faulty_sync(void *self, int fd) {
    struct faulty *f = self;
    (void)fd; // a real one of a busy disk takes its time
    f->syncs++;
    return fails(f) ? -f->error : 0;
}

static int faulty_lock(void *self, int fd) {
    struct faulty *f = self;
    return fails(f) ? -f->error : f->real.lock(f->real.self, fd);
}

static int faulty_list(void *self, int dir, const char *path, fs_entry_fn fn, void *context) {
    struct faulty *f = self;
    return fails(f) ? -f->error : f->real.list(f->real.self, dir, path, fn, context);
}

static int faulty_close(void *self, int fd) { // fails, but closes, as close does
    struct faulty *f = self;
    bool now = fails(f);
    f->open_files--;
    int result = f->real.close(f->real.self, fd);
    return now ? -f->error : result;
}

struct fs faulty_fs(struct faulty *f, int fail_at, int error) {
    *f = (struct faulty){.real = fs_system(), .fail_at = fail_at, .error = error};
    return (struct fs){
        .self = f,
        .open = faulty_open,
        .open_beneath = faulty_open_beneath,
        .make_dir = faulty_make_dir,
        .read = faulty_read,
        .read_at = faulty_read_at,
        .write = faulty_write,
        .rename = faulty_rename,
        .exchange = faulty_exchange,
        .unlink = faulty_unlink,
        .remove_dir = faulty_remove_dir,
        .stat = faulty_stat,
        .stat_beneath = faulty_stat_beneath,
        .stat_at = faulty_stat_at,
        .truncate = faulty_truncate,
        .touch = faulty_touch,
        .sync = faulty_sync,
        .lock = faulty_lock,
        .list = faulty_list,
        .close = faulty_close,
    };
}
