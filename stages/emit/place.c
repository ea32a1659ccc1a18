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
    enum { TRIES = 100 };
    // Names are unique among living owners; only what a killed process left behind can be in the way.
    for (unsigned i = 0; i < TRIES; i++) {
        snprintf(name, PLACE_TEMPORARY_SIZE, ".%lx-%lx-%u" EMIT_TEMPORARY_SUFFIX, (unsigned long)getpid(),
                 (unsigned long)(uintptr_t)owner, i);
        int fd = fs->open_beneath(fs->self, directory, name, flags | O_CREAT | O_EXCL, 0666);
        if (fd != -EEXIST)
            return fd;
    }
    return -EEXIST;
}

enum status place_error(struct err *err, int os, struct str path) {
    char shown[EMIT_SHOWN_SIZE];
    emit_show_path(path, shown);
    if (os != EXDEV)
        return err_os(err, os, "cannot write %s", shown);
    err_set(err, STATUS_IO, "cannot write %s: a symbolic link leads out of the output directory", shown);
    err->os = os;
    return STATUS_IO;
}
