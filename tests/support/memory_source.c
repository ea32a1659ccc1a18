// SPDX-License-Identifier: MIT
#include "tests/support/memory_source.h"

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>

enum { SOURCE_FD = 1000 };

static bool fails(struct memory_source *s) {
    return ++s->calls == s->fail_at;
}

static int source_open(void *self, int dir, const char *path, int flags, mode_t mode) {
    struct memory_source *s = self;
    (void)dir, (void)path, (void)flags, (void)mode;
    if (fails(s))
        return -EACCES;
    s->opens++;
    return SOURCE_FD;
}

static ssize_t source_read(void *self, int fd, void *p, size_t n) {
    struct memory_source *s = self;
    assert_int_equal(fd, SOURCE_FD);
    if (fails(s))
        return -EIO;
    if (s->interrupt && s->calls % 2)
        return -EINTR;
    size_t left = s->bytes.n - s->at;
    n = n < left ? n : left;
    n = s->piece && n > s->piece ? s->piece : n;
    if (n)
        memcpy(p, s->bytes.p + s->at, n);
    s->at += n;
    return (ssize_t)n;
}

static int source_stat(void *self, int fd, struct stat *st) {
    struct memory_source *s = self;
    (void)fd;
    if (fails(s))
        return -EIO;
    *st = (struct stat){.st_mode = S_IFREG | 0644, .st_size = (off_t)s->bytes.n};
    if (s->change_at && s->at >= s->change_at)
        st->st_mtim.tv_nsec = 1;
    return 0;
}

static int source_close(void *self, int fd) {
    struct memory_source *s = self;
    (void)fd;
    s->closes++;
    return 0;
}

struct fs memory_source_fs(struct memory_source *s) {
    return (struct fs){
        .self = s, .open = source_open, .read = source_read, .stat = source_stat, .close = source_close};
}

void memory_source_put(struct memory_source *s, struct str bytes) {
    s->bytes = bytes;
    s->at = 0;
    s->calls = s->opens = s->closes = 0;
}
