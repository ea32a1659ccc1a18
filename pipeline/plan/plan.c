// SPDX-License-Identifier: MIT
#include "pipeline/plan/plan.h"

#include <ctype.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "pipeline/plan/environment.h"
#include "pipeline/plan/plan_joins.h"
#include "pipeline/plan/search_path.h"
#include "pipeline/run/claims.h"
#include "stages/load/load.h"
#include "stages/load/routes/routes.h"
#include "stages/record/sqlite_names.h"
#include "stages/render/builtins.h"

const char *plan_stage_name(enum plan_stage stage) {
    static const char *const names[] = {"compile", "open", "load", "render", "emit"};
    return names[stage];
}

// Outputs ---------------------------------------------------------------------------------------------------

// The extension of the outputs a `to` template names, without the dot and any ".zst"; what an expression
// would decide is unknown, hence empty.
static struct str output_extension(struct str to) {
    if (str_ends(to, STR(".zst")))
        to.n -= 4;
    for (size_t i = to.n; i > 0; i--) {
        char c = to.p[i - 1];
        if (c == '.')
            return str_from(to, i);
        if (c == '/' || c == '}')
            break;
    }
    return STR("");
}

static bool escapes(const struct manifest *manifest, struct str to) {
    struct str extension = output_extension(to);
    if (manifest->autoescape_all)
        return true;
    for (size_t i = 0; i < manifest->autoescape_n; i++) {
        struct str wanted = manifest->autoescape[i];
        if (wanted.n != extension.n)
            continue;
        size_t same = 0;
        while (same < wanted.n && tolower((unsigned char)extension.p[same]) == wanted.p[same])
            same++;
        if (same == wanted.n)
            return true;
    }
    return false;
}

// A `to` without any expression names one stream. What "any expression" means is the language's business, so
// this is settled by the compiled form; here only by the delimiters, which is the same thing for a path.
bool plan_is_stream(struct str to) {
    for (size_t i = 0; i + 1 < to.n; i++)
        if (to.p[i] == '{' && (to.p[i + 1] == '{' || to.p[i + 1] == '%' || to.p[i + 1] == '#'))
            return false;
    return true;
}

bool plan_writes_stream(const struct manifest_job *job) {
    const bool one_path = job->route != MANIFEST_NO_ROUTE && route_is_exact(job->name);
    return plan_is_stream(job->to) && (!one_path || str_is(job->to, "-"));
}

bool plan_is_to_stdout(const struct plan_job *job) {
    return job->stream.p && str_is(job->stream, "-");
}

bool plan_stat_source(const struct fs *fs, const struct manifest_source *source, struct stat *st) {
    if (!source->path.p || str_is(source->path, "-"))
        return false;
    const int fd = fs->open(fs->self, AT_FDCWD, source->path.p, O_PATH | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    const bool found = fs->stat(fs->self, fd, st) == 0;
    fs->close(fs->self, fd);
    return found;
}

bool plan_writes_files(const struct plan *plan) {
    for (size_t j = 0; j < plan->manifest->jobs_n; j++)
        if (!plan_is_to_stdout(&plan->jobs[j]))
            return true;
    return false;
}

static void check_key(const struct manifest *manifest, const struct manifest_job *job, bool wrong,
                      const char *key, const char *what, struct diags *diags) {
    if (wrong)
        diags_error(diags, &manifest->text, job->to_span,
                    "`%s` is for %s, and job \"%.*s\" does not write one", key, what, STR_ARG(job->name));
}

// Keys of a job that only some outputs understand.
static void check_output_keys(const struct manifest *manifest, const struct plan_job *job,
                              struct diags *diags) {
    const struct manifest_job *spec = job->job;
    bool table = job->sink == &emit_table;
    check_key(manifest, spec, spec->raw && job->sink != &emit_jsonl && !table, "raw",
              "a .jsonl stream or a table", diags);
    check_key(manifest, spec, spec->separator.n && job->sink != &emit_text, "separator", "a text stream",
              diags);
    check_key(manifest, spec, spec->level && !str_ends(spec->to, STR(".zst")), "level", "a .zst output",
              diags);
    check_key(manifest, spec, spec->table.p && !table, "table", "a table", diags);
    check_key(manifest, spec, spec->unique_n && !(table && spec->raw), "unique", "a table of raw rows",
              diags);
    check_key(manifest, spec, spec->write_asked && spec->inplace && !job->sink->named, "write: inplace",
              "files that an expression names", diags);
}

void plan_check_stream(const struct plan *plan, const struct manifest_job *job, struct diags *diags) {
    struct err err;
    if (!str_is(job->to, "-") && emit_check_path(job->to, &err) != STATUS_OK)
        diags_error(diags, &plan->manifest->text, job->to_span, "%s", err.text);
}

static struct str table_of(const struct manifest_job *job) {
    return job->table.p ? job->table : job->name;
}

static bool in_different_tables(const struct plan_job *a, const struct plan_job *b) {
    return a->sink == &emit_table && !sqlite_names_equal(table_of(a->job), table_of(b->job));
}

static void arrange_output(struct plan *plan, struct plan_job *job, struct diags *diags) {
    const struct manifest *manifest = plan->manifest;
    struct str to = job->job->to;
    job->autoescape = escapes(manifest, to);
    job->gathers = job->job->collect || job->job->group_by.p;
    if (!plan_is_stream(to) && (str_ends(to, STR(".sqlite")) || str_ends(to, STR(".sqlite3"))))
        diags_error(diags, &manifest->text, job->job->to_span,
                    "a database is one for all outputs, which become its rows: its path has no expression");
    if (!plan_writes_stream(job->job)) {
        job->sink = &emit_files;
        check_output_keys(manifest, job, diags);
        return;
    }
    job->stream = to;
    job->sink = emit_stream_for(to);
    if (job->sink == &emit_table && str_ends(to, STR(".zst")))
        diags_error(diags, &manifest->text, job->job->to_span,
                    "a database cannot be compressed while it is written");
    check_output_keys(manifest, job, diags);
    plan_check_stream(plan, job->job, diags);
    for (const struct plan_job *other = plan->jobs; other < job; other++)
        if (other->stream.p && str_equal(other->stream, to) && !in_different_tables(job, other))
            diags_error(diags, &manifest->text, job->job->to_span,
                        "jobs \"%.*s\" and \"%.*s\" would both write %.*s", STR_ARG(other->job->name),
                        STR_ARG(job->job->name), STR_ARG(to));
}

// Passes ----------------------------------------------------------------------------------------------------

static bool needs_are(const struct manifest_job *job, const size_t *needs, size_t n) {
    if (job->needs_n != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool found = false;
        for (size_t k = 0; k < n; k++)
            found |= job->needs[k] == needs[i];
        if (!found)
            return false;
    }
    return true;
}

static bool needs_within(const struct manifest_job *inner, const struct manifest_job *outer) {
    for (size_t i = 0; i < inner->needs_n; i++) {
        bool found = false;
        for (size_t k = 0; k < outer->needs_n; k++)
            found |= outer->needs[k] == inner->needs[i];
        if (!found)
            return false;
    }
    return true;
}

// The pass that a job may join, or passes_n.
static size_t find_pass(const struct plan *plan, const struct plan_job *job) {
    for (size_t p = 0; p < plan->passes_n; p++) {
        const struct manifest_job *lead = plan->jobs[plan->passes[p].lead].job;
        if (plan->passes[p].source != job->job->source ||
            plan->passes[p].routed != (job->job->route != MANIFEST_NO_ROUTE))
            continue;
        if (job->gathers ? needs_within(lead, job->job) : needs_are(job->job, lead->needs, lead->needs_n))
            return p;
    }
    return plan->passes_n;
}

static void arrange_passes(struct plan *plan) {
    const struct manifest *manifest = plan->manifest;
    plan->passes = ARENA_NEW_ARRAY(&plan->arena, struct plan_pass, manifest->jobs_n);
    // Per-record jobs first: gathering ones may join any pass that does not wait for more than they do.
    for (int gathering = 0; gathering <= 1; gathering++) {
        for (size_t j = 0; j < manifest->jobs_n; j++) {
            struct plan_job *job = &plan->jobs[j];
            if (job->gathers != (bool)gathering)
                continue;
            size_t p = find_pass(plan, job);
            if (p == plan->passes_n)
                plan->passes[plan->passes_n++] = (struct plan_pass){
                    .lead = j, .source = job->job->source, .routed = job->job->route != MANIFEST_NO_ROUTE};
            job->pass = p;
        }
    }
    for (size_t p = 0; p < plan->passes_n; p++) {
        size_t *jobs = ARENA_NEW_ARRAY(&plan->arena, size_t, manifest->jobs_n);
        struct plan_pass *pass = &plan->passes[p];
        for (size_t j = 0; j < manifest->jobs_n; j++)
            if (plan->jobs[j].pass == p)
                jobs[pass->jobs_n++] = j;
        pass->jobs = jobs;
    }
}

static void check_standard_input(const struct plan *plan, struct diags *diags) {
    const struct manifest *manifest = plan->manifest;
    for (size_t s = 0; s < manifest->sources_n; s++) {
        size_t passes = 0;
        for (size_t p = 0; p < plan->passes_n; p++)
            passes += (size_t)(plan->passes[p].source == s) +
                      (size_t)plan_may_join(manifest, plan->passes[p].source, s);
        if (passes > 1 && str_is(manifest->sources[s].path, "-")) {
            struct diag *diag =
                diags_error(diags, &manifest->text, manifest->sources[s].span,
                            "source \"%.*s\" is standard input and would have to be read %zu times",
                            STR_ARG(manifest->sources[s].name), passes);
            diag_hint(diags, diag,
                      "its jobs wait for different jobs (`needs`); let them wait for the same ones");
        }
    }
}

// Graph -----------------------------------------------------------------------------------------------------

static size_t add_node(struct plan *plan, enum plan_stage stage, size_t index, struct str name) {
    struct plan_node *node = &plan->nodes[plan->nodes_n];
    node->stage = stage;
    node->index = index;
    node->label = str_of(arena_printf(&plan->arena, "%s %.*s", plan_stage_name(stage), STR_ARG(name)));
    return plan->nodes_n++;
}

static void add_edge(struct plan *plan, size_t from, size_t to) {
    plan->edges[plan->edges_n++] = (struct plan_edge){from, to};
}

static struct str pass_name(struct plan *plan, size_t p) {
    size_t same = 0, before = 0;
    for (size_t i = 0; i < plan->passes_n; i++) {
        same += plan->passes[i].source == plan->passes[p].source;
        before += i <= p && plan->passes[i].source == plan->passes[p].source;
    }
    struct str name = plan->manifest->sources[plan->passes[p].source].name;
    if (same == 1)
        return name;
    return str_of(arena_printf(&plan->arena, "%.*s (pass %zu)", STR_ARG(name), before));
}

// Node ids: compile j = j, open = jobs_n, load p = jobs_n + 1 + p, then render and emit of each job in turn.
static size_t emit_node(const struct plan *plan, size_t job) {
    return plan->manifest->jobs_n + 1 + plan->passes_n + 2 * job + 1;
}

static void add_nodes(struct plan *plan) {
    const struct manifest *manifest = plan->manifest;
    plan->nodes = ARENA_NEW_ARRAY(&plan->arena, struct plan_node, 3 * manifest->jobs_n + 1 + plan->passes_n);
    for (size_t j = 0; j < manifest->jobs_n; j++)
        add_node(plan, STAGE_COMPILE, j, manifest->jobs[j].name);
    add_node(plan, STAGE_OPEN, 0, STR("outputs"));
    for (size_t p = 0; p < plan->passes_n; p++)
        add_node(plan, STAGE_LOAD, p, pass_name(plan, p));
    for (size_t j = 0; j < manifest->jobs_n; j++) {
        add_node(plan, STAGE_RENDER, j, manifest->jobs[j].name);
        add_node(plan, STAGE_EMIT, j, manifest->jobs[j].name);
    }
}

static void arrange_graph(struct plan *plan) {
    const struct manifest *manifest = plan->manifest;
    size_t open = manifest->jobs_n, loads = open + 1, edges_max = plan->passes_n + 3 * manifest->jobs_n;
    for (size_t j = 0; j < manifest->jobs_n; j++)
        edges_max += 2 * manifest->jobs[j].needs_n;
    plan->edges = ARENA_NEW_ARRAY(&plan->arena, struct plan_edge, edges_max);
    add_nodes(plan);
    for (size_t j = 0; j < manifest->jobs_n; j++) {
        const struct plan_job *job = &plan->jobs[j];
        size_t emit = emit_node(plan, j), render = emit - 1;
        add_edge(plan, j, open);
        add_edge(plan, loads + job->pass, render);
        add_edge(plan, render, emit);
        for (size_t n = 0; job->gathers && n < job->job->needs_n; n++)
            add_edge(plan, emit_node(plan, job->job->needs[n]), render);
    }
    for (size_t p = 0; p < plan->passes_n; p++) {
        const struct manifest_job *lead = plan->jobs[plan->passes[p].lead].job;
        add_edge(plan, open, loads + p);
        for (size_t n = 0; n < lead->needs_n; n++)
            add_edge(plan, emit_node(plan, lead->needs[n]), loads + p);
    }
}

// ------------------------------------------------------------------------------------------------------------

static const struct library *base_library(const struct manifest *manifest) {
    return manifest->chat ? library_chat() : library_builtin();
}

void plan_open_templates(struct plan *plan, const struct fs *fs, const struct manifest *manifest) {
    plan->manifest = manifest;
    plan->compile = (struct compile_options){.trim_blocks = manifest->trim_blocks,
                                             .lstrip_blocks = manifest->lstrip_blocks,
                                             .keep_trailing_newline = manifest->keep_trailing_newline,
                                             .chat = manifest->chat,
                                             .library = plan_library(plan, base_library(manifest))};
    environment_read(&plan->arena, manifest->environment, manifest->environment_n, &plan->compile);
    plan->templates = templates_new(fs, &plan->compile);
}

struct plan *plan_make(const struct fs *fs, const struct manifest *manifest, struct diags *diags) {
    struct plan *plan = MEM_NEW(struct plan);
    arena_init(&plan->arena, 0);
    plan_open_templates(plan, fs, manifest);
    plan->sources = ARENA_NEW_ARRAY(&plan->arena, struct plan_source, manifest->sources_n + 1);
    plan->jobs = ARENA_NEW_ARRAY(&plan->arena, struct plan_job, manifest->jobs_n + 1);
    if (!plan->sources || !plan->jobs)
        mem_fail(sizeof *plan->jobs * manifest->jobs_n);
    for (size_t j = 0; j < manifest->jobs_n; j++) {
        plan->jobs[j].job = &manifest->jobs[j];
        arrange_output(plan, &plan->jobs[j], diags);
        plan_arrange_filter(fs, manifest, &plan->jobs[j], diags);
    }
    if (manifest->jobs_n > CLAIMS_JOBS_MAX)
        diags_error(diags, &manifest->text, manifest->jobs[CLAIMS_JOBS_MAX].span,
                    "a manifest has at most %d jobs", CLAIMS_JOBS_MAX);
    plan_arrange_routes(plan, diags);
    arrange_passes(plan);
    check_standard_input(plan, diags);
    arrange_graph(plan);
    plan->searches_all = search_path_add(plan->templates, fs, manifest, diags);
    plan_check_filters(plan, base_library(manifest), diags);
    return plan;
}

void plan_free(struct plan *plan) {
    if (!plan)
        return;
    for (size_t s = 0; s < plan->manifest->sources_n; s++) {
        program_free(plan->sources[s].key);
        routes_free(plan->sources[s].routes);
    }
    plan_free_joins(plan);
    for (size_t j = 0; j < plan->manifest->jobs_n; j++) {
        program_free(plan->jobs[j].to);
        program_free(plan->jobs[j].where);
        program_free(plan->jobs[j].group_by);
        fields_free(plan->jobs[j].fields);
    }
    for (size_t p = 0; p < plan->passes_n; p++)
        fields_free(plan->passes[p].fields);
    templates_free(plan->templates);
    mem_free(plan->macros);
    arena_release(&plan->arena);
    mem_free(plan);
}
