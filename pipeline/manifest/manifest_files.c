// SPDX-License-Identifier: MIT
// What a manifest says of files: are they there, and if not, which ones were meant.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "base/suggest.h"
#include "pipeline/manifest/manifest_private.h"

enum { LISTED_FILES = 10000, LISTED_DEPTH = 8 }; // of a search for what was meant

struct str manifest_resolve(struct arena *arena, struct str directory, struct str path) {
    bool here = directory.n == 0 || str_is(directory, ".") || (path.n && path.p[0] == '/');
    char *joined = document_alloc(arena, directory.n + path.n + 2);
    size_t n = 0;
    if (!here) {
        memcpy(joined, directory.p, directory.n);
        n = directory.n;
        if (joined[n - 1] != '/')
            joined[n++] = '/';
        if (str_is(path, ".") && n > 1) {
            joined[n - 1] = 0;
            return (struct str){joined, n - 1};
        }
    }
    memcpy(joined + n, path.p, path.n);
    return (struct str){joined, n + path.n};
}

// 0, or what is wrong: an errno.
static int look_at(const struct fs *fs, struct str path, int flags, mode_t *kind) {
    int fd = fs->open(fs->self, AT_FDCWD, path.p, flags, 0);
    if (fd < 0)
        return -fd;
    struct stat st;
    int result = fs->stat(fs->self, fd, &st);
    fs->close(fs->self, fd);
    *kind = st.st_mode & S_IFMT;
    return -result;
}

bool manifest_is_directory(const struct fs *fs, struct str path) {
    mode_t kind = 0;
    return look_at(fs, path, O_PATH | O_DIRECTORY, &kind) == 0 &&
           kind == S_IFDIR; // perhaps one we may not read
}

// The neighbour in the same directory whose name is nearest; in the spelling of `shown`.
static struct str nearest_neighbour(struct arena *arena, struct str path, struct str shown) {
    size_t slash = path.n;
    while (slash > 0 && path.p[slash - 1] != '/')
        slash--;
    const char *directory = slash ? arena_copy(arena, path.p, slash) : ".";
    struct suggestion s = suggest_for(str_from(path, slash));
    DIR *dir = directory ? opendir(directory) : NULL;
    if (!dir)
        return (struct str){NULL, 0};
    const struct dirent *entry;
    for (size_t i = 0; i < LISTED_FILES && (entry = readdir(dir)); i++) {
        if (entry->d_name[0] != '.')
            suggest_offer(&s, arena_str(arena, str_of(entry->d_name)));
    }
    closedir(dir);
    size_t prefix = shown.n > s.word.n ? shown.n - s.word.n : 0;
    if (!s.best.p || prefix + s.word.n != shown.n)
        return s.best;
    return str_of(arena_printf(arena, "%.*s%.*s", (int)prefix, shown.p, STR_ARG(s.best)));
}

static void hint_neighbour(struct manifest_filling *f, struct diag *d, struct str path, struct str shown) {
    struct str near = nearest_neighbour(&f->m->arena, path, shown);
    if (near.p)
        diag_hint(f->diags, d, "did you mean \"%.*s\"?", STR_ARG(near));
}

void manifest_check_file(struct manifest_filling *f, struct str path, struct str shown, struct span span) {
    mode_t kind = 0;
    int os = look_at(f->fs, path, O_RDONLY | O_NONBLOCK, &kind); // a pipe must not block us
    if (os) {
        struct err err;
        err_os(&err, os, "cannot read \"%.*s\"", (int)(shown.n < 300 ? shown.n : 300), shown.p);
        struct diag *d = diags_error(f->diags, &f->m->text, span, "%s", err.text);
        if (os == ENOENT)
            hint_neighbour(f, d, path, shown);
    } else if (kind != S_IFREG) {
        diags_error(f->diags, &f->m->text, span, "\"%.*s\" is %s, not a file", STR_ARG(shown),
                    kind == S_IFDIR ? "a directory" : "a device or a pipe");
    }
}

bool manifest_check_directory(struct manifest_filling *f, struct str path, struct str shown,
                              struct span span) {
    mode_t kind = 0;
    int os = look_at(f->fs, path, O_RDONLY | O_NONBLOCK, &kind);
    if (os) {
        struct err err;
        err_os(&err, os, "cannot open the directory \"%.*s\"", (int)(shown.n < 300 ? shown.n : 300), shown.p);
        struct diag *d = diags_error(f->diags, &f->m->text, span, "%s", err.text);
        if (os == ENOENT)
            hint_neighbour(f, d, path, shown);
        return false;
    }
    if (kind != S_IFDIR)
        diags_error(f->diags, &f->m->text, span, "\"%.*s\" is not a directory", STR_ARG(shown));
    return kind == S_IFDIR;
}

struct listing {
    struct arena *arena;
    struct suggestion suggestion;
    size_t left;
};

// Offers all files below a directory, as templates are named.
static void offer_templates(struct listing *l, const char *directory, const char *prefix, size_t depth) {
    DIR *dir = opendir(directory);
    if (!dir)
        return;
    const struct dirent *entry;
    while (l->left && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        l->left--;
        struct arena_mark mark = arena_mark(l->arena);
        const char *name = arena_printf(l->arena, "%s%s", prefix, entry->d_name);
        if (!name)
            break;
        if (entry->d_type == DT_DIR) {
            const char *below = arena_printf(l->arena, "%s/%s", directory, entry->d_name);
            const char *inside = arena_printf(l->arena, "%s/", name);
            if (below && inside && depth < LISTED_DEPTH)
                offer_templates(l, below, inside, depth + 1);
            continue;
        }
        const char *before = l->suggestion.best.p;
        if (*prefix && str_is(l->suggestion.word, entry->d_name)) // in a folder that was left out
            l->suggestion = (struct suggestion){l->suggestion.word, str_of(name), 0};
        suggest_offer(&l->suggestion, str_of(name));
        if (l->suggestion.best.p == before)
            arena_rewind(l->arena, mark);
    }
    closedir(dir);
}

static void report_no_template(struct manifest_filling *f, struct str name, struct span span) {
    struct manifest *m = f->m;
    struct buf where = BUF_INIT;
    for (size_t i = 0; i < m->places_n; i++)
        buf_printf(&where, "%s\"%.*s\"", i ? ", " : "", STR_ARG(m->places[i].shown));
    struct diag *d =
        diags_error(f->diags, &m->text, span, "no template \"%.*s\" in %s", STR_ARG(name), buf_text(&where));
    buf_release(&where);
    struct listing l = {&m->arena, suggest_for(name), LISTED_FILES};
    for (size_t i = 0; i < m->places_n; i++)
        offer_templates(&l, m->places[i].path.p, "", 0);
    if (l.suggestion.best.p)
        diag_hint(f->diags, d, "did you mean \"%.*s\"?", STR_ARG(l.suggestion.best));
}

// 0: a regular file in this directory; else an errno.
static int look_beneath(const struct fs *fs, struct str directory, struct str name) {
    int dir = fs->open(fs->self, AT_FDCWD, directory.p, O_RDONLY | O_DIRECTORY, 0);
    if (dir < 0)
        return -dir;
    int fd = fs->open_beneath(fs->self, dir, name.p, O_RDONLY | O_NONBLOCK, 0);
    int os = fd < 0 ? -fd : 0;
    if (fd >= 0) {
        struct stat st;
        os = -fs->stat(fs->self, fd, &st);
        if (!os && !S_ISREG(st.st_mode))
            os = EISDIR;
        fs->close(fs->self, fd);
    }
    fs->close(fs->self, dir);
    return os;
}

void manifest_check_template(struct manifest_filling *f, struct str name, struct span span) {
    if (!f->places_known)
        return;
    int worst = ENOENT;
    for (size_t i = 0; i < f->m->places_n; i++) {
        int os = look_beneath(f->fs, f->m->places[i].path, name);
        if (!os)
            return;
        worst = os == ENOENT || os == ENOTDIR ? worst : os;
    }
    struct err err;
    if (worst == ENOENT) {
        report_no_template(f, name, span);
    } else if (worst == EXDEV) {
        diags_error(f->diags, &f->m->text, span, "the template \"%.*s\" is outside the search path",
                    STR_ARG(name));
    } else {
        err_os(&err, worst, "cannot read the template \"%.*s\"", (int)(name.n < 300 ? name.n : 300), name.p);
        diags_error(f->diags, &f->m->text, span, "%s", err.text);
    }
}
