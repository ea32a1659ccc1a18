// SPDX-License-Identifier: MIT
#include "stages/load/files/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"

struct directory { // to be looked at
    char *path;    // owned, relative to the base; "": the base itself
    struct glob_set set;
};

struct walk {
    const struct glob *glob;
    const struct fs *fs;
    const char *base;
    struct directory *directories; // a stack: the order does not matter, as the paths are sorted
    size_t directories_n, directories_cap;
    struct directory at;
    struct buf path; // scratch
    struct walk_paths *out;
};

// A path as the system is to have it; valid until the next.
static const char *full_path(struct walk *w, struct str name) {
    buf_clear(&w->path);
    buf_add_text(&w->path, w->base);
    buf_add_char(&w->path, '/');
    buf_add_text(&w->path, w->at.path);
    if (w->at.path[0] && name.n)
        buf_add_char(&w->path, '/');
    buf_add_str(&w->path, name);
    return buf_text(&w->path);
}

static void add_file(struct walk *w, struct str name) {
    struct buf *text = &w->out->text;
    buf_add_text(text, w->at.path);
    if (w->at.path[0])
        buf_add_char(text, '/');
    buf_add_str(text, name);
    buf_add_char(text, 0);
    w->out->n++;
}

static void add_directory(struct walk *w, struct str name, const struct glob_set *set) {
    struct buf path = BUF_INIT;
    MEM_GROW(w->directories, w->directories_cap, w->directories_n + 1);
    buf_add_text(&path, w->at.path);
    if (w->at.path[0])
        buf_add_char(&path, '/');
    buf_add_str(&path, name);
    w->directories[w->directories_n++] = (struct directory){mem_copy(buf_text(&path), path.n), *set};
    buf_release(&path);
}

// What a name leads to, links followed; 0 or -errno.
static int follow(struct walk *w, struct str name, struct stat *st) {
    int fd = w->fs->open(w->fs->self, AT_FDCWD, full_path(w, name), O_PATH | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    int result = w->fs->stat(w->fs->self, fd, st);
    w->fs->close(w->fs->self, fd);
    return result;
}

static bool see(void *context, const char *text, enum fs_entry kind) {
    struct walk *w = context;
    struct str name = str_of(text);
    struct glob_set inside;
    bool file = kind != FS_DIRECTORY && glob_accepts(w->glob, &w->at.set, name);
    bool directory = kind != FS_FILE && glob_enter(w->glob, &w->at.set, name, kind == FS_OTHER, &inside);
    if (kind == FS_OTHER && (file || directory)) {
        struct stat st;
        int result = follow(w, name, &st);
        file = file && (result < 0 || S_ISREG(st.st_mode));
        directory = directory && result == 0 && S_ISDIR(st.st_mode);
    }
    if (file)
        add_file(w, name);
    if (directory)
        add_directory(w, name, &inside);
    return true;
}

static bool is_nothing(int result) {
    return result == -ENOENT || result == -ENOTDIR;
}

static enum status cannot_read(struct walk *w, int os, struct err *err) {
    if (w->at.path[0])
        return err_os(err, os, "cannot read the directory %s", w->at.path);
    return err_os(err, os, "cannot read the directory %s", w->base);
}

// The names are known: no list of the others is needed.
static enum status look_up(struct walk *w, size_t next, struct str name, struct err *err) {
    do {
        struct stat st;
        struct glob_set inside;
        int result = follow(w, name, &st);
        if (result < 0 && !is_nothing(result))
            return err_os(err, -result, "cannot look at %s", w->path.p);
        if (result < 0)
            continue;
        if (S_ISREG(st.st_mode) && glob_accepts(w->glob, &w->at.set, name))
            add_file(w, name);
        if (S_ISDIR(st.st_mode) && glob_enter(w->glob, &w->at.set, name, false, &inside))
            add_directory(w, name, &inside);
    } while (glob_next_name(w->glob, &w->at.set, &next, &name));
    return STATUS_OK;
}

static enum status look(struct walk *w, struct err *err) {
    size_t next = 0;
    struct str name;
    if (glob_next_name(w->glob, &w->at.set, &next, &name))
        return look_up(w, next, name, err);
    int result = w->fs->list(w->fs->self, AT_FDCWD, full_path(w, STR("")), see, w);
    bool is_base = w->at.path[0] == 0;
    return result == 0 || (is_nothing(result) && !is_base) ? STATUS_OK : cannot_read(w, -result, err);
}

static int compare(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

// A directory that changes while it is listed may show a name twice.
static void sort(struct walk_paths *out) {
    const char *at = out->text.p;
    size_t n = 0;
    out->paths = MEM_NEW_ARRAY(const char *, out->n + 1);
    for (size_t i = 0; i < out->n; i++, at += strlen(at) + 1)
        out->paths[i] = at;
    qsort(out->paths, out->n, sizeof *out->paths, compare);
    for (size_t i = 0; i < out->n; i++)
        if (n == 0 || strcmp(out->paths[n - 1], out->paths[i]) != 0)
            out->paths[n++] = out->paths[i];
    out->n = n;
}

enum status walk_files(const struct glob *glob, const struct fs *fs, const char *base,
                       const atomic_bool *interrupt, struct walk_paths *out, struct err *err) {
    struct walk w = {.glob = glob, .fs = fs, .base = base, .out = out, .at.path = ""};
    struct glob_set start = glob_start(glob);
    enum status status = STATUS_OK;
    *out = (struct walk_paths){0};
    add_directory(&w, STR(""), &start);
    while (w.directories_n > 0) {
        w.at = w.directories[--w.directories_n];
        if (status == STATUS_OK && interrupt && atomic_load(interrupt))
            status = err_set(err, STATUS_CANCELLED, "interrupted");
        if (status == STATUS_OK)
            status = look(&w, err);
        mem_free(w.at.path);
    }
    mem_free(w.directories);
    buf_release(&w.path);
    if (status == STATUS_OK)
        sort(out);
    return status;
}

void walk_release(struct walk_paths *paths) {
    mem_free(paths->paths);
    buf_release(&paths->text);
    *paths = (struct walk_paths){0};
}
