// SPDX-License-Identifier: MIT
#include "tests/support/scene.h"

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "stages/emit/emit.h"

void scene_open(struct scene *scene) {
    const char *base = getenv("TMPDIR");
    if (!base)
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(scene->path, sizeof scene->path, "%s/pressrun-emit-XXXXXX", base);
    assert_non_null(mkdtemp(scene->path));
    scene->root = open(scene->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(scene->root >= 0);
    scene->fs = fs_system();
}

static void remove_tree(int dir, const char *name) {
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (d) {
        for (struct dirent *e; (e = readdir(d));)
            if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                remove_tree(fd, e->d_name);
        closedir(d);
    }
    unlinkat(dir, name, d ? AT_REMOVEDIR : 0);
}

void scene_close(struct scene *scene) {
    close(scene->root);
    remove_tree(AT_FDCWD, scene->path);
}

void put_file(const struct scene *scene, const char *path, const void *p, size_t n) {
    int fd = openat(scene->root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), n);
    close(fd);
}

void put_text(const struct scene *scene, const char *path, const char *text) {
    put_file(scene, path, text, strlen(text));
}

// A file's bytes, owned by the caller; p is NULL where there is none.
struct buf get_file(const struct scene *scene, const char *path) {
    struct buf b = BUF_INIT;
    int fd = openat(scene->root, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return b;
    for (;;) {
        buf_reserve(&b, 64 << 10);
        ssize_t n = read(fd, b.p + b.n, b.cap - b.n);
        assert_true(n >= 0);
        if (n == 0)
            break;
        b.n += (size_t)n;
    }
    close(fd);
    return b;
}

void assert_file(const struct scene *scene, const char *path, const char *text) {
    struct buf b = get_file(scene, path);
    assert_non_null(b.p);
    assert_string_equal(buf_text(&b), text);
    buf_release(&b);
}

// Files below a directory; with `suffix` only those whose names end so.
int count_files(int dir, const char *suffix) {
    int n = 0;
    DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        int below = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0) {
            n += count_files(below, suffix);
            close(below);
        } else if (!suffix || str_ends(str_of(e->d_name), str_of(suffix))) {
            n++;
        }
    }
    closedir(d);
    return n;
}

int count_temporaries(const struct scene *scene) {
    return count_files(scene->root, EMIT_TEMPORARY_SUFFIX);
}

char *pattern(size_t n, unsigned seed) {
    char *p = mem_alloc(n + 1);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)('a' + (i * 31 + i / 997 + seed) % 26);
    return p;
}
