// SPDX-License-Identifier: MIT
#include "tests/fuzz/memory_templates.h"

#include <errno.h>
#include <string.h>

enum { DIRECTORY = 100, FIRST_FILE };

static int open_directory(void *self, int dir, const char *path, int flags, mode_t mode) {
    (void)self, (void)dir, (void)path, (void)flags, (void)mode;
    return DIRECTORY;
}

static int open_file(void *self, int dir, const char *path, int flags, mode_t mode) {
    struct memory_templates *m = self;
    (void)dir, (void)flags, (void)mode;
    struct str stem = {path, strcspn(path, ".")};
    for (int i = 0; i < MEMORY_TEMPLATES; i++) {
        if (!str_equal(m->files[i].stem, stem))
            continue;
        m->files[i].at = 0;
        return FIRST_FILE + i;
    }
    return -ENOENT;
}

static ssize_t read_file(void *self, int fd, void *p, size_t n) {
    struct memory_templates *m = self;
    struct str rest = str_from(m->files[fd - FIRST_FILE].text, m->files[fd - FIRST_FILE].at);
    n = n < rest.n ? n : rest.n;
    if (n)
        memcpy(p, rest.p, n);
    m->files[fd - FIRST_FILE].at += n;
    return (ssize_t)n;
}

static int stat_file(void *self, int fd, struct stat *st) {
    const struct memory_templates *m = self;
    *st = (struct stat){.st_mode = S_IFREG, .st_size = (off_t)m->files[fd - FIRST_FILE].text.n};
    return 0;
}

static int list_nothing(void *self, int dir, const char *path, fs_entry_fn fn, void *context) {
    (void)self, (void)dir, (void)path, (void)fn, (void)context;
    return 0;
}

static int close_file(void *self, int fd) {
    (void)self, (void)fd;
    return 0;
}

struct fs memory_templates_fs(struct memory_templates *m) {
    return (struct fs){.self = m,
                       .open = open_directory,
                       .open_beneath = open_file,
                       .read = read_file,
                       .stat = stat_file,
                       .list = list_nothing,
                       .close = close_file};
}
