// SPDX-License-Identifier: MIT
#include "pipeline/manifest/manifest.h"

#include <fcntl.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "pipeline/manifest/manifest_check.h"
#include "pipeline/manifest/manifest_private.h"
#include "stages/load/postgresql/pg_url.h"

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

// A text without passwords, or the same where it has none.
static struct str masked(struct arena *arena, struct str text) {
    struct arena_mark mark = arena_mark(arena);
    char *copy = arena_copy(arena, text.p, text.n);
    if (!copy)
        mem_fail(text.n);
    if (pg_url_mask(copy, text.n))
        return (struct str){copy, text.n};
    arena_rewind(arena, mark);
    return text;
}

// Messages show lines of the manifest. What is known of its urls was taken from the text before.
static void hide_secrets(struct manifest *m, const struct diags *diags) {
    m->text.text = masked(&m->arena, m->text.text);
    for (struct diag *d = diags->first; d; d = d->next)
        if (d->line_text.n > 0)
            d->line_text = masked(diags->arena, d->line_text);
}

static void take_text(struct manifest *m, const struct fs *fs, bool json, const struct str *selected,
                      size_t n, struct diags *diags) {
    struct manifest_filling f = {.fs = fs,
                                 .m = m,
                                 .diags = diags,
                                 .errors_before = diags->errors,
                                 .selected = selected,
                                 .selected_n = n};
    struct document_node *root = json ? document_read_json(&m->arena, &m->text, diags)
                                      : document_read_yaml(&m->arena, &m->text, diags);
    hide_secrets(m, diags);
    if (!root)
        return;
    manifest_check(root, &m->text, diags);
    if (!root->faulty)
        manifest_fill(&f, root);
}

static void read_into(struct manifest *m, const struct fs *fs, const char *path, const struct str *selected,
                      size_t selected_n, struct diags *diags) {
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
    take_text(m, fs, str_ends(m->text.name, STR(".json")), selected, selected_n, diags);
}

static struct manifest *manifest_new(void) {
    struct manifest *m = MEM_NEW(struct manifest);
    arena_init(&m->arena, 0);
    m->globals = value_missing();
    return m;
}

static void settle(struct manifest *m, struct diags *diags, size_t errors) {
    m->sound = diags->errors == errors;
    diags_sort(diags);
    drop_repeated(diags);
}

struct manifest *manifest_read_for(const struct fs *fs, const char *path, const struct str *names, size_t n,
                                   struct diags *diags) {
    size_t errors = diags->errors;
    struct manifest *m = manifest_new();
    read_into(m, fs, path, names, n, diags);
    settle(m, diags, errors);
    return m;
}

struct manifest *manifest_read(const struct fs *fs, const char *path, struct diags *diags) {
    return manifest_read_for(fs, path, NULL, 0, diags);
}

struct manifest *manifest_read_text(const struct fs *fs, const char *name, struct str json,
                                    struct diags *diags) {
    size_t errors = diags->errors;
    struct manifest *m = manifest_new();
    m->text = (struct source_text){document_text(&m->arena, str_of(name)), document_text(&m->arena, json)};
    m->directory = STR(".");
    take_text(m, fs, true, NULL, 0, diags);
    settle(m, diags, errors);
    return m;
}

void manifest_free(struct manifest *m) {
    if (!m)
        return;
    arena_release(&m->arena);
    mem_free(m);
}

struct str manifest_source_shown(const struct manifest_source *source) {
    return str_is(source->path, "-") ? STR("<stdin>") : source->shown;
}

struct load_options manifest_load_options(const struct manifest *m, const struct manifest_source *source) {
    return (struct load_options){.path = source->url.p ? source->url.p : source->path.p,
                                 .name = manifest_source_shown(source),
                                 .format = source->format,
                                 .pointer = source->pointer,
                                 .columns = source->columns,
                                 .columns_n = source->columns_n,
                                 .types = source->types,
                                 .types_n = source->types_n,
                                 .delimiter = source->delimiter,
                                 .header = source->header,
                                 .query = source->query,
                                 .table = source->table,
                                 .schema = source->schema,
                                 .split = source->split,
                                 .parameters = source->parameters,
                                 .globals = m->globals,
                                 .connections = source->connections,
                                 .files = source->files,
                                 .record_bytes = m->limits.record_bytes};
}

static void name_jobs(const struct manifest *m, struct str wrong, struct err *err) {
    enum { NAMED = 8 };
    struct buf names = BUF_INIT;
    for (size_t j = 0; j < m->jobs_n && j < NAMED; j++)
        buf_printf(&names, "%s%.*s", j ? ", " : "", STR_ARG(m->jobs[j].name));
    err_set(err, STATUS_DATA, "there is no job \"%.*s\"; there %s %s%s", STR_ARG(wrong),
            m->jobs_n == 1 ? "is" : "are", buf_text(&names), m->jobs_n > NAMED ? ", ..." : "");
    buf_release(&names);
}

static bool check_selected(const struct manifest *m, struct str name, struct err *err) {
    struct suggestion s = suggest_for(name);
    for (size_t j = 0; j < m->jobs_n; j++) {
        if (str_equal(m->jobs[j].name, name))
            return true;
        suggest_offer(&s, m->jobs[j].name);
    }
    if (s.best.p)
        err_set(err, STATUS_DATA, "there is no job \"%.*s\", did you mean \"%.*s\"?", STR_ARG(name),
                STR_ARG(s.best));
    else
        name_jobs(m, name, err);
    return false;
}

static bool is_selected(struct str name, const struct str *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_equal(names[i], name))
            return true;
    return false;
}

// What a job needs of those that stay, directly or through others, by the indexes that they will have.
static void add_needs(const struct manifest *m, const struct manifest_job *job, const size_t *index,
                      bool *seen, size_t *needs, size_t *n) {
    for (size_t i = 0; i < job->needs_n; i++) {
        size_t need = job->needs[i];
        if (seen[need])
            continue;
        seen[need] = true;
        if (index[need] != SIZE_MAX)
            needs[(*n)++] = index[need];
        else
            add_needs(m, &m->jobs[need], index, seen, needs, n);
    }
}

bool manifest_select(struct manifest *m, const struct str *names, size_t names_n, struct err *err) {
    for (size_t i = 0; i < names_n; i++)
        if (!check_selected(m, names[i], err))
            return false;
    size_t *index = document_alloc(&m->arena, sizeof *index * (m->jobs_n + 1)), kept = 0;
    for (size_t j = 0; j < m->jobs_n; j++)
        index[j] = is_selected(m->jobs[j].name, names, names_n) ? kept++ : SIZE_MAX;
    for (size_t j = 0; j < m->jobs_n; j++) {
        if (index[j] == SIZE_MAX)
            continue;
        bool *seen = document_alloc(&m->arena, sizeof *seen * (m->jobs_n + 1));
        size_t *needs = document_alloc(&m->arena, sizeof *needs * (kept + 1)), n = 0;
        add_needs(m, &m->jobs[j], index, seen, needs, &n);
        m->jobs[j].needs = needs;
        m->jobs[j].needs_n = n;
    }
    for (size_t j = 0; j < m->jobs_n; j++)
        if (index[j] != SIZE_MAX)
            m->jobs[index[j]] = m->jobs[j];
    m->jobs_n = kept;
    manifest_mark_needed(m, NULL, 0);
    return true;
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
