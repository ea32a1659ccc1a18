// SPDX-License-Identifier: MIT
#include "pipeline/plan/check.h"

#include "base/mem.h"
#include "pipeline/plan/check_joins.h"
#include "pipeline/plan/check_private.h"
#include "stages/load/load.h"
#include "stages/render/vm.h"

// The programs reachable from the jobs, each once.
struct reach {
    const struct program **programs;
    size_t n, cap;
};

static void add_reached(struct reach *reach, const struct program *program) {
    for (size_t i = 0; i < reach->n; i++)
        if (reach->programs[i] == program)
            return;
    MEM_GROW(reach->programs, reach->cap, reach->n + 1);
    reach->programs[reach->n++] = program;
}

static void check_refs(const struct plan *plan, const struct program *program, struct reach *reach,
                       struct diags *diags) {
    for (uint32_t i = 0; i < program->refs_n; i++) {
        const struct template_ref *ref = &program->refs[i];
        if (ref->program)
            add_reached(reach, ref->program);
        else if (!plan->searches_all)
            continue;
        else if (!ref->may_be_missing)
            diags_error(diags, &program->source, ref->span,
                        "there is no template \"%.*s\" in the search path", STR_ARG(ref->name));
        else if (program->has_context_stack) // what Mustache allows, and few people mean
            diags_warning(diags, &program->source, ref->span,
                          "there is no template \"%.*s\" in the search path: nothing is written for it",
                          STR_ARG(ref->name));
    }
}

// A program knows its file by the path it was found at: a directory of the search path, or a store and a colon, and the
// name.
static bool is_reached(const struct reach *reach, struct str name) {
    for (size_t i = 0; i < reach->n; i++) {
        struct str path = reach->programs[i]->source.name;
        if (str_ends(path, name) && (path.n == name.n || strchr("/:", path.p[path.n - name.n - 1])))
            return true;
    }
    return false;
}

static bool names_others(uint8_t op) {
    return op == OP_INCLUDE_NAMED || op == OP_EXTENDS_NAMED || op == OP_IMPORT_NAMED ||
           op == OP_PARTIAL_NAMED;
}

// What a store has, and only files with a template language's extension: a directory may hold other things too.
static bool is_template(struct plan *plan, struct str name) {
    if (templates_is_stored(plan->templates, name))
        return true;
    for (size_t l = 0; languages[l]; l++)
        for (const char *const *e = languages[l]->extensions; *e; e++)
            if (str_ends(name, str_of(*e)))
                return true;
    return false;
}

// A template that names others at run time may use any of them, so then nothing is said.
static void warn_unused(struct plan *plan, const struct reach *reach, struct diags *diags) {
    for (size_t i = 0; i < reach->n; i++)
        for (uint32_t k = 0; k < reach->programs[i]->code_n; k++)
            if (names_others(reach->programs[i]->code[k].op))
                return;
    struct str *names;
    size_t n = templates_list(plan->templates, &names);
    for (size_t i = 0; i < n; i++) {
        bool missing;
        if (!is_template(plan, names[i]) || is_reached(reach, names[i]))
            continue;
        struct str shown = names[i];
        const struct program *stored = NULL;
        if (templates_is_stored(plan->templates, names[i]))
            stored = templates_find(plan->templates, names[i], NULL, false, NULL, &missing);
        if (stored) // by the database, too
            shown = stored->source.name;
        diags_warning(diags, &(struct source_text){.name = shown}, (struct span){0, 0},
                      "no job uses this template");
    }
    mem_free(names);
}

// Of all templates in the search path, for their errors alone.
static void compile_others(struct plan *plan, struct diags *diags) {
    struct str *names;
    size_t n = templates_list(plan->templates, &names);
    bool missing;
    for (size_t i = 0; i < n; i++)
        if (is_template(plan, names[i]))
            templates_find(plan->templates, names[i], NULL, false, diags, &missing);
    mem_free(names);
}

// ---- fields

static bool is_told(const struct diags *diags, const struct diag *diag) {
    for (const struct diag *d = diags->first; d; d = d->next)
        if (diag_is_same(d, diag))
            return true;
    return false;
}

// Names that stand for something without the record.
static bool is_given(const struct manifest *manifest, struct str name) {
    bool global = manifest->globals.tag == VALUE_MAP && shape_find(manifest->globals.map->shape, name) >= 0;
    return global || str_starts(name, STR("$"));
}

// Jobs that share a template lack the same, which is told once.
void check_warn_missing(const struct plan *plan, const struct manifest_source *source, struct fields *fields,
                        bool lenient, size_t seen, struct diags *diags) {
    struct fields_missing *missing;
    size_t n = fields_missing(fields, &missing);
    for (size_t i = 0; i < n; i++) {
        const struct fields_missing *m = &missing[i];
        if (is_given(plan->manifest, m->top) || (lenient && m->is_tested))
            continue;
        const struct diag *made =
            seen == 1 ? diag_make(diags->arena, &m->program->source, m->span,
                                  "source \"%.*s\": the only record looked at has no field %.*s",
                                  STR_ARG(source->name), STR_ARG(m->path))
                      : diag_make(diags->arena, &m->program->source, m->span,
                                  "source \"%.*s\": none of the %zu records looked at has the field %.*s",
                                  STR_ARG(source->name), seen, STR_ARG(m->path));
        made = plan_place(plan, diags->arena, m->program, made);
        if (is_told(diags, made))
            continue;
        struct diag *added = diags_warning(diags, NULL, (struct span){0, 0}, "%s", "");
        *added = *diag_copy(diags->arena, made);
        added->severity = SEVERITY_WARNING;
        if (m->nearest.p)
            diag_hint(diags, added, "did you mean \"%.*s\"?", STR_ARG(m->nearest));
    }
    mem_free(missing);
}

static void see_records(struct fields *fields, const struct batch *batch, size_t *seen) {
    *seen = 0;
    for (size_t i = 0; i < batch->items_n; i++) {
        if (batch->items[i].error)
            continue;
        fields_see(fields, batch->items[i].record);
        ++*seen;
    }
}

static void check_key(const struct plan *plan, const struct manifest_source *source,
                      const struct program *key, const struct batch *batch, struct diags *diags) {
    size_t seen;
    if (!key)
        return;
    struct fields *fields = fields_new(plan->compile.library);
    fields_add(fields, key, &(struct fields_scope){.record = true});
    see_records(fields, batch, &seen);
    check_warn_missing(plan, source, fields, false, seen, diags);
    fields_free(fields);
}

// What joins of `other` compare of the records of `s`.
static void check_join_keys(const struct plan *plan, size_t s, size_t other, const struct batch *batch,
                            struct diags *diags) {
    const struct manifest_source *source = &plan->manifest->sources[s],
                                 *from = &plan->manifest->sources[other];
    const struct plan_join_keys *keys = plan->sources[other].joins;
    for (size_t i = 0; keys && i < from->joins_n; i++) {
        if (from->joins[i].source == s)
            check_key(plan, source, keys[i].on, batch, diags);
        if (other == s)
            check_key(plan, source, keys[i].key, batch, diags);
    }
}

static void check_keys(const struct plan *plan, size_t s, const struct batch *batch, struct diags *diags) {
    check_key(plan, &plan->manifest->sources[s], plan->sources[s].key, batch, diags);
    for (size_t other = 0; other < plan->manifest->sources_n; other++)
        check_join_keys(plan, s, other, batch, diags);
}

static void check_fields(const struct plan *plan, size_t s, const struct batch *batch, struct diags *diags) {
    const struct manifest_source *source = &plan->manifest->sources[s];
    size_t seen;
    for (size_t j = 0; j < plan->manifest->jobs_n; j++) {
        const struct plan_job *job = &plan->jobs[j];
        if (job->job->source != s || !job->fields || plan->passes[job->pass].routed)
            continue;
        see_records(job->fields, batch, &seen);
        check_warn_missing(plan, source, job->fields, job->job->undefined != UNDEFINED_STRICT, seen, diags);
    }
}

// ---- sources

void check_warn_record(const struct item *item, struct diags *diags) {
    struct diag *added = diags_warning(diags, NULL, (struct span){0, 0}, "%s", "");
    *added = *diag_copy(diags->arena, item->error);
    added->severity = SEVERITY_WARNING; // a bad record costs a record, not the run
}

// Whether all of its records are read, and not only those that some route takes.
static bool is_read_whole(const struct plan *plan, size_t s) {
    const struct manifest *manifest = plan->manifest;
    for (size_t p = 0; p < plan->passes_n; p++)
        if (plan->passes[p].source == s && !plan->passes[p].routed)
            return true;
    for (size_t o = 0; o < manifest->sources_n; o++)
        for (size_t i = 0; manifest->sources[o].needed && i < manifest->sources[o].joins_n; i++)
            if (manifest->sources[o].joins[i].source == s)
                return true;
    return false;
}

static void check_source(const struct fs *fs, const struct plan *plan, size_t s, struct shapes *shapes,
                         struct diags *diags) {
    const struct manifest *manifest = plan->manifest;
    const struct manifest_source *source = &manifest->sources[s];
    if (str_is(source->path, "-"))
        return;
    struct err err;
    struct loader *loader = NULL;
    struct load_options options = manifest_load_options(manifest, source);
    options.fs = fs;
    options.shapes = shapes;
    struct batch *batch = batch_new();
    struct reader reader;
    reader_init(&reader, shapes, NULL);
    enum status status = load_open(&options, &loader, &err);
    if (status == STATUS_OK)
        status = load_pull(loader, batch, &err);
    if (status != STATUS_OK) {
        diags_error(diags, &manifest->text, source->path_span, "%s", err.text);
    } else {
        load_parse(loader, &reader, batch);
        for (size_t i = 0; i < batch->items_n; i++) {
            if (batch->items[i].error)
                check_warn_record(&batch->items[i], diags);
        }
        struct check_joins *joins = check_joins_new(fs, plan, shapes);
        check_keys(plan, s, batch, diags); // which see the records' own fields
        if (source->joins_n > 0 && check_joins_is_all(loader))
            check_joins_compare(joins, s, batch, diags);
        check_joins_attach(joins, s, batch);
        check_fields(plan, s, batch, diags);
        check_joins_free(joins);
    }
    if (loader)
        load_close(loader);
    reader_release(&reader);
    batch_free(batch);
}

bool check_plan(const struct fs *fs, struct plan *plan, struct check_result *result, struct diags *diags) {
    struct reach reach = {0};
    struct shapes *shapes = shapes_new();
    const struct manifest *manifest = plan->manifest;
    bool compiled = plan_compile_all(plan, diags);
    for (size_t j = 0; j < manifest->jobs_n; j++)
        if (plan->jobs[j].body)
            add_reached(&reach, plan->jobs[j].body);
    for (size_t i = 0; i < reach.n; i++) // grows while it is walked
        check_refs(plan, reach.programs[i], &reach, diags);
    for (size_t s = 0; s < manifest->sources_n; s++) {
        if (!manifest->sources[s].needed)
            diags_warning(diags, &manifest->text, manifest->sources[s].span, "no job uses this source");
        if (is_read_whole(plan, s))
            check_source(fs, plan, s, shapes, diags);
        if (plan->sources[s].routes)
            check_routes(fs, plan, s, shapes, diags);
    }
    if (compiled) {
        compile_others(plan, diags);
        warn_unused(plan, &reach, diags);
    }
    result->templates = reach.n;
    mem_free(reach.programs);
    shapes_free(shapes);
    return diags->errors == 0;
}
