// SPDX-License-Identifier: MIT
#include "pipeline/reasons/impact.h"

#include <fcntl.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "pipeline/plan/plan_joins.h"
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

// What a job reads, and where among it the field asked for is, which joined records may have, too.
struct reading {
    struct finding *f;
    struct str source, field;
    struct str *names, *asked;
    size_t names_n, names_cap, asked_n, asked_cap;
};

static struct str join_name(struct impact *impact, struct str prefix, struct str name) {
    const char *text = prefix.n ? arena_printf(&impact->arena, "%.*s%s%.*s", STR_ARG(prefix),
                                               name.n ? "." : "", STR_ARG(name))
                                : NULL;
    return text ? str_of(text) : keep(impact, name);
}

static void add_names(struct reading *r, struct str prefix, const struct projection *projection) {
    struct imprint *imprint = imprint_new(projection);
    const struct str *names = imprint_names(imprint);
    for (uint32_t i = 0; i < imprint_fields(imprint); i++) {
        MEM_GROW(r->names, r->names_cap, r->names_n + 1);
        r->names[r->names_n++] = join_name(r->f->impact, prefix, names[i]);
    }
    imprint_free(imprint);
}

static void add_key_names(struct reading *r, struct str prefix, const struct program *program) {
    struct fields *fields = fields_new(r->f->plan->compile.library);
    fields_add(fields, program, &(struct fields_scope){.record = true});
    add_names(r, prefix, fields_projection(fields));
    fields_free(fields);
}

// What the records of `from` are, at `prefix` of the job's, and those that are joined to them as far as they are read.
static void add_source(struct reading *r, size_t from, struct str prefix, const struct projection *read,
                       unsigned depth) {
    enum { DEPTH = 6 };
    const struct plan *plan = r->f->plan;
    const struct manifest_source *source = &plan->manifest->sources[from];
    if (str_equal(source->name, r->source)) {
        MEM_GROW(r->asked, r->asked_cap, r->asked_n + 1);
        r->asked[r->asked_n++] = join_name(r->f->impact, prefix, r->field);
    }
    for (size_t i = 0; i < source->joins_n && depth < DEPTH; i++) {
        const struct manifest_join *join = &source->joins[i];
        const struct projection *field = read ? projection_find(read, join->name) : NULL;
        const struct plan_join_keys *keys = plan->sources[from].joins ? &plan->sources[from].joins[i] : NULL;
        const struct str inner = join_name(r->f->impact, prefix, join->name);
        if ((read && !field) || !keys || !keys->on || !keys->key)
            continue;
        add_key_names(r, prefix, keys->key);
        add_key_names(r, inner, keys->on);
        add_source(r, join->source, inner, field && !field->whole ? field : NULL, depth + 1);
    }
}

static bool is_asked(const struct reading *r, struct str name) {
    for (size_t i = 0; i < r->asked_n; i++)
        if (reads(name, r->asked[i]))
            return true;
    return false;
}

static bool is_taken(const struct impact_job *job, struct str name) {
    for (size_t i = 0; i < job->by_n; i++)
        if (str_equal(job->by[i], name))
            return true;
    return false;
}

static void take_fields(struct reading *r, const struct plan_job *plan_job, struct impact_job *job) {
    const struct projection *read = fields_projection(plan_job->fields);
    const bool own = str_equal(r->f->plan->manifest->sources[plan_job->job->source].name, r->source);
    r->names_n = r->asked_n = 0;
    add_names(r, STR(""), read);
    add_source(r, plan_job->job->source, STR(""), read, 0);
    job->by = r->asked_n ? ARENA_NEW_ARRAY(&r->f->impact->arena, struct str, r->names_n + 1) : NULL;
    for (size_t i = 0; job->by && i < r->names_n; i++) {
        if (own)
            offer(r->f, r->names[i]);
        if (is_asked(r, r->names[i]) && !is_taken(job, r->names[i]))
            job->by[job->by_n++] = r->names[i];
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
    struct reading reading = {.f = f, .source = source, .field = field};
    size_t index = 0;
    f->near = suggest_for(field);
    while (index < manifest->sources_n && !str_equal(manifest->sources[index].name, source))
        index++;
    if (index == manifest->sources_n)
        return unknown_source(manifest, source, err);
    for (size_t j = 0; j < manifest->jobs_n; j++) {
        const size_t from = f->plan->jobs[j].job->source;
        if (str_equal(manifest->sources[from].name, source) || plan_may_join(manifest, from, index))
            take_fields(&reading, &f->plan->jobs[j], &f->impact->jobs[j]);
    }
    mem_free(reading.names);
    mem_free(reading.asked);
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
