// SPDX-License-Identifier: MIT
#include "stages/compile/templates_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { TEMPLATE_BYTES = 256 << 20, LIST_DEPTH = 16, LIST_LIMIT = 100000 };

void template_files_release(struct template_files *files) {
    for (size_t i = 0; i < files->n; i++) {
        if (files->places[i].store)
            template_store_free(files->places[i].store);
        else
            files->fs->close(files->fs->self, files->places[i].fd);
    }
    mem_free(files->places);
    mem_free(files->texts);
}

void template_files_add_text(struct template_files *files, struct str name, struct str text) {
    MEM_GROW(files->texts, files->texts_cap, files->texts_n + 1);
    files->texts[files->texts_n++] = (struct template_text){name, text};
}

static const struct template_text *find_text(const struct template_files *files, struct str name) {
    for (size_t i = 0; i < files->texts_n; i++)
        if (str_equal(files->texts[i].name, name))
            return &files->texts[i];
    return NULL;
}

enum status template_files_add(struct template_files *files, struct arena *arena, struct str directory,
                               struct err *err) {
    struct str path = arena_str(arena, directory); // NUL-terminated
    if (!path.p)
        mem_fail(directory.n);
    int fd = files->fs->open(files->fs->self, AT_FDCWD, path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return err_os(err, -fd, "cannot open the template directory %s", path.p);
    MEM_GROW(files->places, files->cap, files->n + 1);
    files->places[files->n++] = (struct template_place){.path = path, .fd = fd};
    return STATUS_OK;
}

void template_files_add_store(struct template_files *files, struct template_store *store) {
    MEM_GROW(files->places, files->cap, files->n + 1);
    files->places[files->n++] = (struct template_place){.store = store};
}

const struct stored_template *template_files_stored(const struct template_files *files, struct str name) {
    const struct stored_template *found = NULL;
    if (!template_store_name(&name))
        return NULL;
    for (size_t i = 0; i < files->n && !found; i++)
        if (files->places[i].store)
            found = template_store_find(files->places[i].store, name);
    return found;
}

static enum status read_all(const struct fs *fs, int fd, const char *path, char **text, size_t *size,
                            struct err *err) {
    struct stat st;
    int failed = fs->stat(fs->self, fd, &st);
    if (failed < 0)
        return err_os(err, -failed, "cannot look at %s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, STATUS_IO, "%s is not a file", path);
    size_t cap = (size_t)st.st_size + 1, n = 0;
    if (cap > TEMPLATE_BYTES)
        return err_set(err, STATUS_LIMIT, "%s is larger than %d MiB", path, TEMPLATE_BYTES >> 20);
    char *p = mem_alloc(cap);
    for (;;) {
        ssize_t got = fs->read(fs->self, fd, p + n, cap - n);
        if (got == -EINTR)
            continue;
        if (got == 0) {
            *text = p;
            *size = n;
            return STATUS_OK;
        }
        if (got < 0) {
            mem_free(p);
            return err_os(err, (int)-got, "cannot read %s", path);
        }
        n += (size_t)got;
        if (n == cap && cap >= TEMPLATE_BYTES) {
            mem_free(p);
            return err_set(err, STATUS_LIMIT, "%s is larger than %d MiB", path, TEMPLATE_BYTES >> 20);
        }
        if (n == cap) // it has grown since
            MEM_GROW(p, cap, cap + 1);
    }
}

static struct str path_of(const struct template_place *directory, struct arena *arena, struct str name) {
    char *path = str_is(directory->path, ".")
                     ? arena_copy(arena, name.p, name.n)
                     : arena_printf(arena, "%.*s%s%.*s", STR_ARG(directory->path),
                                    str_ends(directory->path, STR("/")) ? "" : "/", STR_ARG(name));
    if (!path)
        mem_fail(name.n);
    return str_of(path);
}

static bool is_directory(const struct fs *fs, int fd) {
    struct stat st;
    return fs->stat(fs->self, fd, &st) == 0 && S_ISDIR(st.st_mode);
}

// Of one directory; STATUS_DATA: it is not there.
static enum status read_beneath(struct template_files *files, struct arena *arena,
                                const struct template_place *directory, struct str name,
                                struct template_found *found, struct err *err) {
    const struct fs *fs = files->fs;
    char *relative = mem_copy(name.p, name.n);
    enum status status = STATUS_DATA;
    int fd = fs->open_beneath(fs->self, directory->fd, relative, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd == -ENOENT || fd == -ENOTDIR || fd == -ENAMETOOLONG) { // no file has a name that long
        mem_free(relative);
        return STATUS_DATA;
    }
    if (fd >= 0 && is_directory(fs, fd)) {
        status = err_set(err, STATUS_UNSUPPORTED, "%s is a directory", relative);
    } else {
        found->path = path_of(directory, arena, name);
        if (fd == -EXDEV)
            status =
                err_set(err, STATUS_IO, "cannot open %s: it leads out of the search path", found->path.p);
        else if (fd < 0)
            status = err_os(err, -fd, "cannot open %s", found->path.p);
        else
            status = read_all(fs, fd, found->path.p, &found->text, &found->size, err);
    }
    if (fd >= 0)
        fs->close(fs->self, fd);
    mem_free(relative);
    return status;
}

// Of one store, likewise.
static enum status read_stored(struct arena *arena, const struct template_store *store, struct str name,
                               struct template_found *found, struct err *err) {
    const struct stored_template *stored = template_store_find(store, name);
    if (!stored)
        return STATUS_DATA;
    char *path = arena_printf(arena, "%.*s:%.*s", STR_ARG(store->name), STR_ARG(stored->name));
    if (!path)
        mem_fail(name.n);
    found->path = str_of(path);
    if (stored->fault.p)
        return err_set(err, STATUS_IO, "%s: %.*s", path, STR_ARG(stored->fault));
    found->language = stored->language;
    found->text = mem_copy(stored->text.p, stored->text.n);
    found->size = stored->text.n;
    return STATUS_OK;
}

enum status template_files_read(struct template_files *files, struct arena *arena, struct str name,
                                struct template_found *found, struct err *err) {
    *found = (struct template_found){0};
    if (!template_store_name(&name))
        return err_set(err, STATUS_DATA, "this is no name for a template");
    const struct template_text *known = find_text(files, name);
    if (known) {
        *found = (struct template_found){
            .path = known->name, .text = mem_copy(known->text.p, known->text.n), .size = known->text.n};
        return STATUS_OK;
    }
    bool only_directory = false;
    for (size_t i = 0; i < files->n; i++) {
        const struct template_place *place = &files->places[i];
        enum status status = place->store ? read_stored(arena, place->store, name, found, err)
                                          : read_beneath(files, arena, place, name, found, err);
        only_directory = only_directory || status == STATUS_UNSUPPORTED;
        if (status != STATUS_DATA && status != STATUS_UNSUPPORTED)
            return status;
    }
    return only_directory ? STATUS_UNSUPPORTED : STATUS_DATA;
}

// ---- listing

struct listing {
    struct template_files *files;
    struct arena *arena;
    int fd;
    struct str *names;
    size_t n, cap;
};

static void list_directory(struct listing *l, const char *path, int depth);

static void list_name(struct listing *l, struct str name) {
    MEM_GROW(l->names, l->cap, l->n + 1);
    l->names[l->n++] = name;
}

static void list_entry(struct listing *l, const char *path, const struct dirent *entry, int depth) {
    if (entry->d_name[0] == '.' || l->n >= LIST_LIMIT)
        return;
    bool top = strcmp(path, ".") == 0;
    char *name = arena_printf(l->arena, "%s%s%s", top ? "" : path, top ? "" : "/", entry->d_name);
    if (!name)
        mem_fail(strlen(entry->d_name));
    bool directory = entry->d_type == DT_DIR;
    if (entry->d_type == DT_UNKNOWN || entry->d_type == DT_LNK) {
        const struct fs *fs = l->files->fs;
        struct stat st;
        int fd = fs->open_beneath(fs->self, l->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
        if (fd < 0)
            return;
        bool known = fs->stat(fs->self, fd, &st) == 0;
        fs->close(fs->self, fd);
        if (!known || S_ISDIR(st.st_mode) == S_ISREG(st.st_mode))
            return;
        directory = S_ISDIR(st.st_mode);
    } else if (!directory && entry->d_type != DT_REG) {
        return;
    }
    if (directory) {
        if (depth < LIST_DEPTH && entry->d_type != DT_LNK)
            list_directory(l, name, depth + 1);
        return;
    }
    list_name(l, str_of(name));
}

static void list_directory(struct listing *l, const char *path, int depth) {
    const struct fs *fs = l->files->fs;
    int fd = fs->open_beneath(fs->self, l->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        fs->close(fs->self, fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));)
        list_entry(l, path, entry, depth);
    closedir(dir);
}

static int compare_names(const void *a, const void *b) {
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

size_t template_files_list(struct template_files *files, struct arena *arena, struct str **names) {
    struct listing l = {.files = files, .arena = arena};
    for (size_t i = 0; i < files->texts_n; i++)
        list_name(&l, files->texts[i].name);
    for (size_t i = 0; i < files->n; i++) {
        const struct template_store *store = files->places[i].store;
        for (size_t k = 0; store && k < store->n; k++)
            list_name(&l, store->templates[k].name);
        l.fd = files->places[i].fd;
        if (!store)
            list_directory(&l, ".", 0);
    }
    if (l.n)
        qsort(l.names, l.n, sizeof *l.names, compare_names);
    size_t n = 0;
    for (size_t i = 0; i < l.n; i++)
        if (!n || !str_equal(l.names[n - 1], l.names[i]))
            l.names[n++] = l.names[i];
    *names = l.names;
    return n;
}
