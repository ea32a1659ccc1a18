// SPDX-License-Identifier: MIT
#include "tests/support/lossy_fs.h"

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
#include <string.h>
#include <unistd.h>

// Looking at the scene -----------------------------------------------------------------------------------------

static void set(struct buf *b, const struct buf *to) {
    buf_clear(b);
    buf_add_str(b, buf_str(to));
}

static struct lossy_file *file_of(struct lossy *l, ino_t inode) {
    for (size_t i = 0; i < l->files_n; i++)
        if (l->files[i].inode == inode && !l->files[i].gone)
            return &l->files[i];
    assert_true(l->files_n < LOSSY_FILES);
    l->files[l->files_n] = (struct lossy_file){.inode = inode};
    return &l->files[l->files_n++];
}

static void list_into(struct lossy *l, struct lossy_listing *listing, int dir, const char *prefix) {
    DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        char path[128];
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        assert_true((size_t)snprintf(path, sizeof path, "%s%s", prefix, e->d_name) < sizeof path - 1);
        assert_int_equal(fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW), 0);
        if (S_ISDIR(st.st_mode)) {
            int below = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            assert_true(below >= 0);
            strncat(path, "/", sizeof path - strlen(path) - 1);
            list_into(l, listing, below, path);
            close(below);
        } else if (S_ISREG(st.st_mode)) {
            assert_true(listing->names_n < LOSSY_NAMES);
            struct lossy_name *name = &listing->names[listing->names_n++];
            memcpy(name->path, path, sizeof path);
            name->file = (size_t)(file_of(l, st.st_ino) - l->files);
        }
    }
    closedir(d);
}

static void see_names(struct lossy *l) {
    assert_true(l->listings_n < LOSSY_LISTINGS);
    struct lossy_listing *listing = &l->listings[l->listings_n++];
    listing->names_n = 0;
    list_into(l, listing, l->scene->root, "");
    // A file that has lost its last name gives its inode back.
    for (size_t i = 0; i < l->files_n; i++) {
        bool named = false;
        for (size_t k = 0; k < listing->names_n; k++)
            named = named || listing->names[k].file == i;
        l->files[i].gone = l->files[i].gone || !named;
    }
}

static void see_synced(struct lossy *l) {
    l->listings_n = 0;
    see_names(l);
    for (size_t i = 0; i < l->files_n; i++) {
        set(&l->files[i].disk, &l->files[i].cache);
        set(&l->files[i].torn, &l->files[i].cache);
    }
}

// Outcomes -----------------------------------------------------------------------------------------------------

static void make_parents(const struct scene *scene, char *path) {
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdirat(scene->root, path, 0777);
        *slash = '/';
    }
}

static void check_outcome(struct lossy *l, size_t listing, int bytes, const char *what) {
    static const char *const words[] = {"no", "torn", "all"};
    struct scene after;
    char text[256];
    scene_open(&after);
    for (size_t i = 0; i < l->listings[listing].names_n; i++) {
        struct lossy_name *name = &l->listings[listing].names[i];
        const struct lossy_file *file = &l->files[name->file];
        const struct buf *content = bytes == 0 ? &file->disk : bytes == 1 ? &file->torn : &file->cache;
        make_parents(&after, name->path);
        put_file(&after, name->path, content->p, content->n);
    }
    snprintf(text, sizeof text, "%s, call %d, names %zu of %zu, %s bytes", what, l->outcomes, listing,
             l->listings_n, words[bytes]);
    l->lost(l, &after, text);
    scene_close(&after);
}

void lossy_check(struct lossy *l, const char *what) {
    l->outcomes++;
    for (size_t listing = 0; listing < l->listings_n; listing++)
        for (int bytes = 0; bytes < 3; bytes++)
            check_outcome(l, listing, bytes, what);
}

// Calls --------------------------------------------------------------------------------------------------------

static int changed_names(struct lossy *l, int result, const char *what) {
    if (result >= 0) {
        see_names(l);
        lossy_check(l, what);
    }
    return result;
}

static int lossy_open(void *self, int dir, const char *path, int flags, mode_t mode) {
    struct lossy *l = self;
    return l->real.open(l->real.self, dir, path, flags, mode);
}

static int lossy_open_beneath(void *self, int dir, const char *path, int flags, mode_t mode) {
    struct lossy *l = self;
    int fd = l->real.open_beneath(l->real.self, dir, path, flags, mode);
    return flags & O_CREAT ? changed_names(l, fd, "open") : fd;
}

static int lossy_make_dir(void *self, int dir, const char *path, mode_t mode) {
    struct lossy *l = self;
    return l->real.make_dir(l->real.self, dir, path, mode);
}

static ssize_t lossy_read(void *self, int fd, void *p, size_t n) {
    struct lossy *l = self;
    return l->real.read(l->real.self, fd, p, n);
}

static ssize_t lossy_read_at(void *self, int fd, void *p, size_t n, off_t at) {
    struct lossy *l = self;
    return l->real.read_at(l->real.self, fd, p, n, at);
}

static struct lossy_file *file_at(struct lossy *l, int fd) {
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    return file_of(l, st.st_ino);
}

static void overlay(struct buf *b, size_t at, const char *p, size_t n) {
    while (b->n < at + n)
        buf_add_char(b, 0);
    if (n > 0)
        memcpy(b->p + at, p, n);
}

static ssize_t lossy_write(void *self, int fd, const void *p, size_t n) {
    struct lossy *l = self;
    struct lossy_file *file = file_at(l, fd);
    bool appends = (fcntl(fd, F_GETFL) & O_APPEND) != 0;
    size_t at = appends ? file->cache.n : (size_t)lseek(fd, 0, SEEK_CUR);
    ssize_t put = l->real.write(l->real.self, fd, p, n);
    assert_int_equal(put, n);
    overlay(&file->cache, at, p, n);
    set(&file->torn, &file->disk);
    overlay(&file->torn, at, p, n / 2);
    lossy_check(l, "write");
    return put;
}

static int lossy_truncate(void *self, int fd, off_t size) {
    struct lossy *l = self;
    struct lossy_file *file = file_at(l, fd);
    int result = l->real.truncate(l->real.self, fd, size);
    assert_int_equal(result, 0);
    assert_true((size_t)size <= file->cache.n);
    file->cache.n = (size_t)size;
    lossy_check(l, "truncate");
    return result;
}

static int lossy_rename(void *self, int old_dir, const char *from, int new_dir, const char *to) {
    struct lossy *l = self;
    return changed_names(l, l->real.rename(l->real.self, old_dir, from, new_dir, to), "rename");
}

static int lossy_unlink(void *self, int dir, const char *path) {
    struct lossy *l = self;
    return changed_names(l, l->real.unlink(l->real.self, dir, path), "unlink");
}

static int lossy_remove_dir(void *self, int dir, const char *path) {
    struct lossy *l = self;
    return changed_names(l, l->real.remove_dir(l->real.self, dir, path), "remove_dir");
}

static int lossy_stat(void *self, int fd, struct stat *st) {
    struct lossy *l = self;
    return l->real.stat(l->real.self, fd, st);
}

static int lossy_stat_at(void *self, int dir, const char *path, struct stat *st) {
    struct lossy *l = self;
    return l->real.stat_at(l->real.self, dir, path, st);
}

static int lossy_sync(void *self, int fd) {
    struct lossy *l = self;
    int result = l->real.sync(l->real.self, fd);
    assert_int_equal(result, 0);
    l->syncs++;
    see_synced(l);
    lossy_check(l, "sync");
    return result;
}

static int lossy_list(void *self, int dir, const char *path, fs_entry_fn fn, void *context) {
    struct lossy *l = self;
    return l->real.list(l->real.self, dir, path, fn, context);
}

static int lossy_close(void *self, int fd) {
    struct lossy *l = self;
    return l->real.close(l->real.self, fd);
}

struct fs lossy_fs(struct lossy *l, const struct scene *scene) {
    l->real = fs_system();
    l->scene = scene;
    l->listings_n = 0;
    see_names(l);
    for (size_t i = 0; i < l->listings[0].names_n; i++) {
        struct buf content = get_file(scene, l->listings[0].names[i].path);
        set(&l->files[l->listings[0].names[i].file].cache, &content);
        buf_release(&content);
    }
    see_synced(l);
    return (struct fs){
        .self = l,
        .open = lossy_open,
        .open_beneath = lossy_open_beneath,
        .make_dir = lossy_make_dir,
        .read = lossy_read,
        .read_at = lossy_read_at,
        .write = lossy_write,
        .rename = lossy_rename,
        .unlink = lossy_unlink,
        .remove_dir = lossy_remove_dir,
        .stat = lossy_stat,
        .stat_at = lossy_stat_at,
        .truncate = lossy_truncate,
        .sync = lossy_sync,
        .list = lossy_list,
        .close = lossy_close,
    };
}

void lossy_release(struct lossy *l) {
    for (size_t i = 0; i < l->files_n; i++) {
        buf_release(&l->files[i].disk);
        buf_release(&l->files[i].cache);
        buf_release(&l->files[i].torn);
    }
}
