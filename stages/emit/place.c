// SPDX-License-Identifier: MIT
#include "stages/emit/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "stages/emit/emit.h"

void place_split(struct str path, struct str *directory, struct str *name) {
    const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;
    size_t n = slash ? (size_t)(slash - path.p) : 0;
    *directory = (struct str){path.p, n};
    *name = slash ? str_from(path, n + 1) : path;
}

int place_open_directory(const struct fs *fs, int root, const char *directory, bool *made) {
    *made = false;
    int fd = fs->open_beneath(fs->self, root, directory, O_PATH | O_DIRECTORY, 0);
    if (fd != -ENOENT)
        return fd;
    int result = fs_make_dirs(fs, root, directory, 0777);
    if (result < 0)
        return result;
    *made = true;
    return fs->open_beneath(fs->self, root, directory, O_PATH | O_DIRECTORY, 0);
}

int place_open_temporary(const struct fs *fs, int directory, const void *owner, int flags,
                         char name[PLACE_TEMPORARY_SIZE]) {
    struct place_owner names;
    place_owner_init(&names, owner);
    return place_open_numbered(fs, directory, &names, 0, flags, name);
}

void place_owner_init(struct place_owner *owner, const void *address) {
    owner->n = (size_t)snprintf(owner->prefix, sizeof owner->prefix, ".%lx-%lx-", (unsigned long)getpid(),
                                (unsigned long)(uintptr_t)address);
}

static void add_number(char *to, unsigned number) {
    char digits[16];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (n > 0)
        *to++ = digits[--n];
    memcpy(to, EMIT_TEMPORARY_SUFFIX, sizeof EMIT_TEMPORARY_SUFFIX);
}

int place_open_numbered(const struct fs *fs, int directory, const struct place_owner *owner, unsigned number,
                        int flags, char name[PLACE_TEMPORARY_SIZE]) {
    enum { TRIES = 100 };
    memcpy(name, owner->prefix, owner->n);
    // Names are unique among living owners; only what a killed process left behind can be in the way.
    for (unsigned i = 0; i < TRIES; i++) {
        add_number(name + owner->n, number + i);
        int fd = fs->open_beneath(fs->self, directory, name, flags | O_CREAT | O_EXCL, 0666);
        if (fd != -EEXIST)
            return fd;
    }
    return -EEXIST;
}

// A non-empty run of these characters; NULL where there is none.
static const char *pass(const char *at, const char *characters) {
    size_t n = at ? strspn(at, characters) : 0;
    return n > 0 ? at + n : NULL;
}

static const char *pass_char(const char *at, char c) {
    return at && *at == c ? at + 1 : NULL;
}

bool place_is_temporary(const char *name) {
    static const char hex[] = "0123456789abcdef";
    const char *at = pass_char(pass(pass_char(name, '.'), hex), '-');
    at = pass(pass_char(pass(at, hex), '-'), "0123456789");
    return at && strcmp(at, EMIT_TEMPORARY_SUFFIX) == 0;
}

enum status place_error(struct err *err, int os, struct str path) {
    char shown[EMIT_SHOWN_SIZE];
    emit_show_path(path, shown);
    if (os != EXDEV && os != ESTALE)
        return err_os(err, os, "cannot write %s", shown);
    err_set(err, STATUS_IO, "cannot write %s: %s", shown,
            os == EXDEV ? "a symbolic link leads out of the output directory"
                        : "something else changed it at the same time");
    err->os = os;
    return STATUS_IO;
}
