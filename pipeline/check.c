// SPDX-License-Identifier: MIT
#include "pipeline/check.h"

#include "base/mem.h"
#include "stages/load/load.h"

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

static void check_refs(const struct program *program, struct reach *reach, struct diags *diags) {
    for (uint32_t i = 0; i < program->refs_n; i++) {
        const struct template_ref *ref = &program->refs[i];
        if (ref->program)
            add_reached(reach, ref->program);
        else if (!ref->may_be_missing)
            diags_error(diags, &program->source, ref->span,
                        "there is no template \"%.*s\" in the search path", STR_ARG(ref->name));
        else if (program->has_context_stack) // what Mustache allows, and few people mean
            diags_warning(diags, &program->source, ref->span,
                          "there is no template \"%.*s\" in the search path: nothing is written for it",
                          STR_ARG(ref->name));
    }
}

// A program knows its file by the path it was found at: a directory of the search path and the name.
static bool is_reached(const struct reach *reach, struct str name) {
    for (size_t i = 0; i < reach->n; i++) {
        struct str path = reach->programs[i]->source.name;
        if (str_ends(path, name) && (path.n == name.n || path.p[path.n - name.n - 1] == '/'))
            return true;
    }
    return false;
}

static bool names_others(uint8_t op) {
    return op == OP_INCLUDE_NAMED || op == OP_EXTENDS_NAMED || op == OP_IMPORT_NAMED ||
           op == OP_PARTIAL_NAMED;
}

// Only files with a template language's extension: a search path may hold other things too. A template that
// names others at run time may use any of them, so then nothing is said.
static void warn_unused(struct plan *plan, const struct reach *reach, struct diags *diags) {
    for (size_t i = 0; i < reach->n; i++)
        for (uint32_t k = 0; k < reach->programs[i]->code_n; k++)
            if (names_others(reach->programs[i]->code[k].op))
                return;
    struct str *names;
    size_t n = templates_list(plan->templates, &names);
    for (size_t i = 0; i < n; i++) {
        bool is_template = false;
        for (size_t l = 0; languages[l]; l++)
            for (const char *const *e = languages[l]->extensions; *e; e++)
                is_template |= str_ends(names[i], str_of(*e));
        if (is_template && !is_reached(reach, names[i]))
            diags_warning(diags, &(struct source_text){.name = names[i]}, (struct span){0, 0},
                          "no job uses this template");
    }
    mem_free(names);
}

static void check_source(const struct fs *fs, const struct manifest *manifest,
                         const struct manifest_source *source, struct shapes *shapes, struct diags *diags) {
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
            if (!batch->items[i].error)
                continue;
            struct diag *added = diags_warning(diags, NULL, (struct span){0, 0}, "%s", "");
            *added = *diag_copy(diags->arena, batch->items[i].error);
            added->severity = SEVERITY_WARNING; // a bad record costs a record, not the run
        }
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
        check_refs(reach.programs[i], &reach, diags);
    for (size_t s = 0; s < manifest->sources_n; s++)
        check_source(fs, manifest, &manifest->sources[s], shapes, diags);
    if (compiled)
        warn_unused(plan, &reach, diags);
    result->templates = reach.n;
    mem_free(reach.programs);
    shapes_free(shapes);
    return diags->errors == 0;
}
