// SPDX-License-Identifier: MIT
// The compiling half of a plan: templates, and the expressions that stand in the manifest.
#include <stdio.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "pipeline/plan/plan_joins.h"
#include "pipeline/plan/search_path.h"

// An expression's program is compiled from its own text; its name says where in the manifest it stands, as
// "OFFSET" in decimal, so that plan_place can move a fault there.
enum { PLACE_DIGITS = 24 };

static struct source_text expression_source(struct str text, struct span span, char place[PLACE_DIGITS]) {
    snprintf(place, PLACE_DIGITS, "@%u", span.at);
    return (struct source_text){str_of(place), text};
}

// Byte offset of a line and column (both from 1, columns in code points) in a text.
static size_t offset_of(struct str text, uint32_t line, uint32_t column) {
    size_t at = 0;
    for (uint32_t l = 1; l < line && at < text.n; at++)
        l += text.p[at] == '\n';
    for (uint32_t c = 1; c < column && at < text.n; c++)
        do
            at++;
        while (at < text.n && ((unsigned char)text.p[at] & 0xc0) == 0x80);
    return at;
}

// The diag again, but in the manifest. `text` is the expression, `span` its place; where the manifest spells
// the expression differently (escapes, folded lines), the whole of it is underlined.
static const struct diag *move_to_manifest(const struct manifest *manifest, struct arena *arena,
                                           struct str text, size_t at, const struct diag *diag) {
    struct str whole = manifest->text.text;
    struct span span = {(uint32_t)at, 1};
    if (at + text.n <= whole.n && str_equal(str_slice(whole, at, at + text.n), text)) {
        span.at += (uint32_t)offset_of(text, diag->line, diag->column);
        span.n = diag->caret_n;
    }
    struct diag *moved = arena_alloc(arena, sizeof *moved);
    if (!moved)
        return diag;
    *moved = *diag_make(arena, &manifest->text, span, "%.*s", STR_ARG(diag->message));
    moved->severity = diag->severity;
    moved->hint = diag->hint;
    return moved;
}

const struct diag *plan_place(const struct plan *plan, struct arena *arena, const struct program *program,
                              const struct diag *fault) {
    struct str place = program->source.name;
    if (place.n == 0 || place.p[0] != '@' || !str_equal(fault->file, place))
        return fault;
    size_t at = 0;
    for (size_t i = 1; i < place.n; i++)
        at = at * 10 + (size_t)(place.p[i] - '0');
    return move_to_manifest(plan->manifest, arena, program->source.text, at, fault);
}

// Compiles an expression, or with `language` a template text, that stands in the manifest.
static struct program *compile_inline(struct plan *plan, struct str text, struct span span,
                                      const struct language *language, struct diags *diags) {
    char place[PLACE_DIGITS];
    struct source_text source = expression_source(text, span, place);
    struct diags own;
    diags_init(&own, diags->arena);
    struct compile_options options = plan->compile;
    options.autoescape = false;
    options.keep_trailing_newline = true;
    struct program *program = language ? compile_template(language, &source, &options, &own)
                                       : compile_expression(&source, &options, &own);
    for (const struct diag *diag = own.first; diag; diag = diag->next) {
        const struct diag *moved = move_to_manifest(plan->manifest, diags->arena, text, span.at, diag);
        struct diag *added = diags_error(diags, NULL, span, "%.*s", STR_ARG(moved->message));
        struct diag *next = added->next;
        *added = *moved;
        added->next = next;
    }
    return program;
}

struct program *plan_compile_expression(struct plan *plan, struct str text, struct span span,
                                        struct diags *diags) {
    return compile_inline(plan, text, span, NULL, diags);
}

static void suggest_template(struct plan *plan, struct str name, struct diags *diags, struct diag *diag) {
    struct str *names;
    size_t n = templates_list(plan->templates, &names);
    struct suggestion suggestion = suggest_for(name);
    for (size_t i = 0; i < n; i++)
        suggest_offer(&suggestion, names[i]);
    if (suggestion.best.p)
        diag_hint(diags, diag, "did you mean \"%.*s\"?", STR_ARG(suggestion.best));
    mem_free(names);
}

static const struct program *find_template(struct plan *plan, const struct manifest_job *job, bool autoescape,
                                           struct diags *diags) {
    bool missing = false;
    struct str name = job->template_name;
    const struct program *found = templates_find(plan->templates, name, NULL, autoescape, diags, &missing);
    if (missing && plan->searches_all) {
        struct diag *diag = diags_error(diags, &plan->manifest->text, job->template_span,
                                        "there is no template \"%.*s\" in the search path", STR_ARG(name));
        suggest_template(plan, name, diags, diag);
    }
    return found;
}

bool plan_compile(struct plan *plan, size_t j, struct diags *diags) {
    struct plan_job *job = &plan->jobs[j];
    const struct manifest_job *spec = job->job;
    job->body = find_template(plan, spec, job->autoescape, diags);
    bool ok = job->body != NULL;
    if (job->sink->named)
        ok &= (job->to = compile_inline(plan, spec->to, spec->to_span, languages[0], diags)) != NULL;
    if (spec->where.p)
        ok &= (job->where = compile_inline(plan, spec->where, spec->where_span, NULL, diags)) != NULL;
    if (spec->group_by.p)
        ok &=
            (job->group_by = compile_inline(plan, spec->group_by, spec->group_by_span, NULL, diags)) != NULL;
    if (ok)
        plan_read_fields(plan, job);
    return ok;
}

bool plan_compile_keys(struct plan *plan, struct diags *diags) {
    bool ok = true;
    for (size_t s = 0; s < plan->manifest->sources_n; s++) {
        const struct manifest_source *source = &plan->manifest->sources[s];
        if (source->key.p)
            ok &= (plan->sources[s].key = compile_inline(plan, source->key, source->key_span, NULL, diags)) !=
                  NULL;
        ok &= plan_compile_joins(plan, s, diags);
    }
    return ok;
}

bool plan_compile_all(struct plan *plan, struct diags *diags) {
    bool ok = plan_compile_keys(plan, diags);
    for (size_t j = 0; j < plan->manifest->jobs_n; j++)
        ok &= plan_compile(plan, j, diags);
    return ok;
}

static void check_expression(struct plan *plan, struct str text, struct span span, struct diags *diags) {
    if (text.p)
        program_free(compile_inline(plan, text, span, NULL, diags));
}

static void check_source(struct plan *plan, const struct manifest_source *source, struct diags *diags) {
    check_expression(plan, source->key, source->key_span, diags);
    for (size_t i = 0; i < source->joins_n; i++) {
        check_expression(plan, source->joins[i].on, source->joins[i].on_span, diags);
        if (!source->joins[i].own_key)
            check_expression(plan, source->joins[i].key, source->joins[i].key_span, diags);
    }
}

// What the manifest's reader has complained about already (a template that no directory has, say) is passed over.
static void check_job(struct plan *plan, const struct manifest_job *job, struct diags *diags) {
    if (job->template_name.p)
        find_template(plan, job, false, diags);
    if (job->to.p && plan_writes_stream(job))
        plan_check_stream(plan, job, diags);
    else if (job->to.p)
        program_free(compile_inline(plan, job->to, job->to_span, languages[0], diags));
    check_expression(plan, job->where, job->where_span, diags);
    check_expression(plan, job->group_by, job->group_by_span, diags);
}

// Those that could be read; what is wrong with the others is told already, but for stores that are there. Only with
// stores among them it is not told yet which templates are missing.
static void open_places(struct plan *plan, const struct fs *fs, struct diags *diags) {
    const struct manifest *manifest = plan->manifest;
    struct err err;
    bool whole = true, stores = false;
    for (size_t i = 0; i < manifest->places_n; i++) {
        const struct manifest_place *place = &manifest->places[i];
        stores = stores || place->is_store;
        enum status status =
            place->is_store ? search_path_add_store(plan->templates, fs, place, &manifest->text, diags, &err)
                            : templates_add_path(plan->templates, place->path, &err);
        whole = whole && status == STATUS_OK;
        if (status != STATUS_OK && place->is_store && status != STATUS_IO)
            diags_error(diags, &manifest->text, place->span, "%s", err.text);
    }
    plan->searches_all = stores && whole;
}

void plan_check_texts(const struct fs *fs, const struct manifest *manifest, struct diags *diags) {
    struct plan plan = {0};
    arena_init(&plan.arena, 0);
    plan_open_templates(&plan, fs, manifest);
    open_places(&plan, fs, diags);
    for (size_t s = 0; s < manifest->sources_n; s++)
        check_source(&plan, &manifest->sources[s], diags);
    for (size_t j = 0; j < manifest->jobs_n; j++)
        check_job(&plan, &manifest->jobs[j], diags);
    templates_free(plan.templates);
    arena_release(&plan.arena);
    mem_free(plan.macros);
}
