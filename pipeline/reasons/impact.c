// SPDX-License-Identifier: MIT
#include "pipeline/reasons/impact.h"

#include <fcntl.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "pipeline/reasons/explanation.h"
#include "pipeline/reasons/job_entry.h"
#include "pipeline/reasons/recipe.h"

const char *const impact_kinds[IMPACT_KINDS] = {"field", "template", "global", "option"};

struct finding {
    const struct plan *plan;
    const struct impact_question *question;
    struct impact *impact;
    struct suggestion near; // names that there are
    bool exists;
};

static struct str keep(struct impact *impact, struct str text) {
    struct str kept = arena_str(&impact->arena, text);
    if (!kept.p)
        mem_fail(text.n);
    return kept;
}

// Known, for "did you mean".
static void offer(struct finding *f, struct str name) {
    suggest_offer(&f->near, name);
    if (f->near.best.p && f->near.best.p == name.p)
        f->near.best = keep(f->impact, name);
    f->exists |= str_equal(name, f->question->name);
}

// Fields --------------------------------------------------------------------------------------------------------

// "users" of "users.messages[].role", and "messages.role".
static struct str split_field(struct impact *impact, struct str name, struct str *field) {
    size_t dot = 0;
    while (dot < name.n && name.p[dot] != '.')
        dot++;
    struct buf path = BUF_INIT;
    struct str rest = str_from(name, dot + (dot < name.n));
    for (size_t i = 0; i < rest.n; i++) {
        if (rest.p[i] == '[' && i > 0 && i + 1 < rest.n && rest.p[i + 1] == ']')
            i++;
        else
            buf_add_char(&path, rest.p[i]);
    }
    *field = keep(impact, path.n ? buf_str(&path) : STR(""));
    buf_release(&path);
    return str_slice(name, 0, dot);
}

static bool is_beneath(struct str path, struct str above) {
    return str_starts(path, above) && (path.n == above.n || path.p[above.n] == '.');
}

static bool is_bracketed(struct str path) {
    return path.n > 1 && path.p[0] == '[' && path.p[path.n - 1] == ']';
}

// Whether what is read changes with the field.
static bool reads(struct str read, struct str field) {
    if (field.n == 0 || str_is(read, "*") || is_beneath(read, field))
        return true;
    if (str_ends(read, STR("[...]"))) {
        struct str above = str_slice(read, 0, read.n - 5);
        return str_starts(field, above) && is_bracketed(str_from(field, above.n));
    }
    return !str_ends(read, STR(".*")) && is_beneath(field, read);
}

static void take_fields(struct finding *f, struct str field, const struct str *names, size_t n,
                        struct impact_job *job) {
    job->by = ARENA_NEW_ARRAY(&f->impact->arena, struct str, n + 1);
    if (!job->by)
        mem_fail(n);
    for (size_t i = 0; i < n; i++) {
        offer(f, names[i]);
        if (reads(names[i], field))
            job->by[job->by_n++] = keep(f->impact, names[i]);
    }
}

static enum status unknown_source(const struct manifest *manifest, struct str source, struct err *err) {
    struct suggestion near = suggest_for(source);
    for (size_t s = 0; s < manifest->sources_n; s++)
        suggest_offer(&near, manifest->sources[s].name);
    if (near.best.p)
        return err_set(err, STATUS_DATA, "there is no source \"%.*s\", did you mean \"%.*s\"?",
                       STR_ARG(source), STR_ARG(near.best));
    return err_set(err, STATUS_DATA, "there is no source \"%.*s\"; a field is asked for as SOURCE.FIELD",
                   STR_ARG(source));
}

static enum status find_field(struct finding *f, struct err *err) {
    const struct manifest *manifest = f->plan->manifest;
    struct str field, source = split_field(f->impact, f->question->name, &field);
    bool found = false;
    f->near = suggest_for(field);
    for (size_t s = 0; s < manifest->sources_n; s++)
        found |= str_equal(manifest->sources[s].name, source);
    if (!found)
        return unknown_source(manifest, source, err);
    for (size_t j = 0; j < manifest->jobs_n; j++) {
        const struct plan_job *job = &f->plan->jobs[j];
        if (!str_equal(manifest->sources[job->job->source].name, source))
            continue;
        struct imprint *imprint = imprint_new(fields_projection(job->fields));
        take_fields(f, field, imprint_names(imprint), imprint_fields(imprint), &f->impact->jobs[j]);
        imprint_free(imprint);
    }
    const char *nearest =
        f->near.best.p ? arena_printf(&f->impact->arena, "%.*s.%.*s", STR_ARG(source), STR_ARG(f->near.best))
                       : NULL;
    f->impact->nearest = nearest ? str_of(nearest) : (struct str){NULL, 0};
    return STATUS_OK;
}

// Parts ---------------------------------------------------------------------------------------------------------

static bool is_of_kind(enum explained_kind part, enum impact_kind kind) {
    static const enum explained_kind parts[IMPACT_KINDS] = {[IMPACT_TEMPLATE] = EXPLAINED_TEMPLATE,
                                                            [IMPACT_GLOBAL] = EXPLAINED_GLOBAL,
                                                            [IMPACT_OPTION] = EXPLAINED_OPTION};
    return part == parts[kind];
}

static void take_parts(struct finding *f, const struct journal_recipe *recipe, struct impact_job *job) {
    job->by = ARENA_NEW_ARRAY(&f->impact->arena, struct str, (size_t)recipe->parts_n + 1);
    if (!job->by)
        mem_fail(recipe->parts_n);
    for (uint32_t i = 0; i < recipe->parts_n; i++) {
        struct str name;
        enum explained_kind kind = explained_part(recipe->parts[i].name, &name);
        bool any = kind == EXPLAINED_TEMPLATES && f->question->kind == IMPACT_TEMPLATE;
        if (is_of_kind(kind, f->question->kind))
            offer(f, name);
        if (any || (is_of_kind(kind, f->question->kind) && str_equal(name, f->question->name)))
            job->by[job->by_n++] = keep(f->impact, recipe->parts[i].name);
    }
}

// Those that no job depends on, but that there are.
static void offer_others(struct finding *f) {
    const struct value globals = f->plan->manifest->globals;
    if (f->question->kind == IMPACT_GLOBAL)
        for (uint32_t i = 0; globals.tag == VALUE_MAP && i < globals.map->shape->n; i++)
            offer(f, value_str(globals.map->shape->keys[i]));
    if (f->question->kind != IMPACT_TEMPLATE)
        return;
    struct str *names;
    size_t n = templates_list(f->plan->templates, &names);
    for (size_t i = 0; i < n; i++)
        offer(f, names[i]);
    mem_free(names);
}

static enum status find_part(struct finding *f, struct err *err) {
    for (size_t j = 0; j < f->impact->jobs_n; j++) {
        const struct plan_job *job = &f->plan->jobs[j];
        struct imprint *imprint = imprint_new(fields_projection(job->fields));
        struct arena arena;
        arena_init(&arena, 0);
        const struct journal_recipe recipe = recipe_of(f->plan, job, imprint, f->question->now, &arena);
        take_parts(f, &recipe, &f->impact->jobs[j]);
        arena_release(&arena);
        imprint_free(imprint);
    }
    offer_others(f);
    if (f->exists)
        return STATUS_OK;
    const char *kind = impact_kinds[f->question->kind];
    if (f->near.best.p)
        return err_set(err, STATUS_DATA, "there is no %s \"%.*s\", did you mean \"%.*s\"?", kind,
                       STR_ARG(f->question->name), STR_ARG(f->near.best));
    return err_set(err, STATUS_DATA, "there is no %s \"%.*s\"", kind, STR_ARG(f->question->name));
}

// Outputs -------------------------------------------------------------------------------------------------------

static void add_path(struct impact *impact, struct impact_job *job, struct str path) {
    MEM_GROW(job->paths, job->paths_cap, job->paths_n + 1);
    job->paths[job->paths_n++] = keep(impact, path);
}

static bool count_entry(void *context, const struct journal_entry *entry) {
    const struct finding *f = context;
    struct impact_job *job = NULL;
    if (entry->left || !recipe_is_of(entry->recipe, f->plan->manifest))
        return true;
    for (size_t j = 0; j < f->impact->jobs_n; j++)
        if (str_equal(f->impact->jobs[j].name, entry->recipe->job))
            job = &f->impact->jobs[j];
    if (!job || !job->by_n)
        return true;
    const bool own = job_entry_is(entry);
    job->has_run = true;
    if (own ? job->shape == IMPACT_STREAM : job->shape != IMPACT_STREAM)
        job->outputs += own ? job_entry_read(entry).outputs : 1;
    if (!own && f->question->lists)
        add_path(f->impact, job, entry->path);
    return true;
}

static enum status count_outputs(struct finding *f, struct err *err) {
    const struct fs *fs = f->question->fs;
    struct journal *journal;
    struct journal_found found;
    struct journal_reader reader;
    int root = fs->open(fs->self, AT_FDCWD, f->question->output, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    const struct journal_options options = {.fs = fs, .root = root < 0 ? -1 : root};
    enum status status = journal_open(options, &journal, &found, err);
    if (status == STATUS_OK) {
        journal_reader_init(&reader, journal);
        journal_each(&reader, count_entry, f);
        f->impact->damaged = found.damaged || reader.damaged;
        journal_reader_release(&reader);
        journal_close(journal);
    }
    if (root >= 0)
        fs->close(fs->self, root);
    return status;
}

static void add_up(struct impact *impact) {
    for (size_t j = 0; j < impact->jobs_n; j++) {
        const struct impact_job *job = &impact->jobs[j];
        impact->affected += job->by_n > 0;
        impact->outputs += !job->by_n ? 0 : job->shape == IMPACT_STREAM ? job->has_run : job->outputs;
    }
}

enum status impact_find(const struct plan *plan, const struct impact_question *question,
                        struct impact *impact, struct err *err) {
    struct finding f = {
        .plan = plan, .question = question, .impact = impact, .near = suggest_for(question->name)};
    *impact = (struct impact){.jobs_n = plan->manifest->jobs_n};
    arena_init(&impact->arena, 0);
    impact->jobs = MEM_NEW_ARRAY(struct impact_job, impact->jobs_n + 1);
    for (size_t j = 0; j < impact->jobs_n; j++) {
        const struct plan_job *job = &plan->jobs[j];
        impact->jobs[j].name = job->job->name;
        impact->jobs[j].shape = job->stream.p                               ? IMPACT_STREAM
                                : job->job->collect || job->job->group_by.p ? IMPACT_GROUPS
                                                                            : IMPACT_OUTPUTS;
    }
    enum status status = question->kind == IMPACT_FIELD ? find_field(&f, err) : find_part(&f, err);
    if (status == STATUS_OK)
        status = count_outputs(&f, err);
    if (status == STATUS_OK)
        add_up(impact);
    return status;
}

void impact_release(struct impact *impact) {
    for (size_t j = 0; j < impact->jobs_n; j++)
        mem_free(impact->jobs[j].paths);
    mem_free(impact->jobs);
    arena_release(&impact->arena);
}
