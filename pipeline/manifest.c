// SPDX-License-Identifier: MIT
#include "pipeline/manifest.h"

#include <fcntl.h>

#include "base/mem.h"
#include "pipeline/manifest_check.h"
#include "pipeline/manifest_private.h"

enum { MANIFEST_BYTES_MAX = 16 << 20 };

static struct str directory_of(struct arena *arena, struct str path) {
    size_t n = path.n;
    while (n > 0 && path.p[n - 1] != '/')
        n--;
    if (n == 0)
        return STR(".");
    while (n > 1 && path.p[n - 1] == '/')
        n--;
    char *copy = document_alloc(arena, n + 1);
    memcpy(copy, path.p, n);
    return (struct str){copy, n};
}

// A value that several aliases name is checked several times.
static void drop_repeated(struct diags *list) {
    for (struct diag *d = list->first; d && d->next;) {
        const struct diag *next = d->next;
        bool same = d->severity == next->severity && str_equal(d->file, next->file) &&
                    d->line == next->line && d->column == next->column &&
                    str_equal(d->message, next->message);
        if (!same) {
            d = d->next;
            continue;
        }
        if (d->severity == SEVERITY_ERROR)
            list->errors--;
        else
            list->warnings--;
        d->next = next->next;
        if (!d->next)
            list->last = d;
    }
}

static void read_into(struct manifest *m, const struct fs *fs, const char *path, struct diags *diags) {
    struct err err;
    char *text;
    size_t size;
    if (fs_read_file(fs, path, MANIFEST_BYTES_MAX, &text, &size, &err) != STATUS_OK) {
        diags_error(diags, NULL, (struct span){0, 0}, "%s", err.text);
        return;
    }
    m->text.name = arena_str(&m->arena, str_of(path));
    m->text.text = arena_str(&m->arena, (struct str){text, size});
    mem_free(text);
    if (!m->text.name.p || !m->text.text.p)
        mem_fail(size);
    m->directory = directory_of(&m->arena, m->text.name);
    struct manifest_filling f = {.fs = fs, .m = m, .diags = diags, .errors_before = diags->errors};
    struct document_node *root = str_ends(m->text.name, STR(".json"))
                                     ? document_read_json(&m->arena, &m->text, diags)
                                     : document_read_yaml(&m->arena, &m->text, diags);
    if (!root)
        return;
    manifest_check(root, &m->text, diags);
    if (!root->faulty)
        manifest_fill(&f, root);
}

struct manifest *manifest_read(const struct fs *fs, const char *path, struct diags *diags) {
    size_t errors = diags->errors;
    struct manifest *m = MEM_NEW(struct manifest);
    arena_init(&m->arena, 0);
    m->globals = value_missing();
    read_into(m, fs, path, diags);
    m->sound = diags->errors == errors;
    diags_sort(diags);
    drop_repeated(diags);
    return m;
}

void manifest_free(struct manifest *m) {
    if (!m)
        return;
    arena_release(&m->arena);
    mem_free(m);
}

const char *manifest_find(const struct fs *fs, struct arena *arena, const char *directory) {
    static const char *const names[] = {"pressrun.yaml", "pressrun.yml", "pressrun.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str path = manifest_resolve(arena, str_of(directory), str_of(names[i]));
        int fd = fs->open(fs->self, AT_FDCWD, path.p, O_RDONLY | O_NONBLOCK, 0);
        if (fd < 0)
            continue;
        fs->close(fs->self, fd);
        return path.p;
    }
    return NULL;
}
