// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_PLAN_H
#define PRESSRUN_PIPELINE_PLAN_H
/*
 * The plan: a manifest with its templates and expressions compiled, its sources arranged into passes, and the
 * stage graph that a run executes and `pressrun plan` shows.
 *
 * A pass is one reading of a source. Jobs that take the same source and need the same jobs share a pass, so
 * the source is read once. A job with `collect` or `group_by` gathers its records in the earliest pass it may
 * join and renders when what it needs is done.
 *
 * Routes are jobs. Those of one source that need the same share a pass of their own, in which a record goes to the one
 * route that takes it.
 *
 * The graph: every compile node → open outputs → load of each pass; and for each job, load of its pass → render → emit.
 * So nothing is touched before every template is known to be sound. `needs` leads from the emit node of the needed job
 * to the load node of a pass, or to the render node of a gathering job.
 *
 * The plan borrows the manifest and owns all else. Making it (plan_make) arranges; plan_compile compiles one
 * job and may be called for different jobs by different threads; after that the plan is only read.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/fs.h"
#include "pipeline/manifest/manifest.h"
#include "stages/compile/templates.h"
#include "stages/emit/emit.h"
#include "stages/program/fields.h"
#include "stages/render/through_identity.h"

struct plan_join;
struct plan_join_keys;

struct plan_job {
    const struct manifest_job *job;
    size_t pass;
    bool gathers;                  // collect or group_by: renders after the pass
    bool autoescape;               // by the extension of its output
    const struct sink_kind *sink;  // named files, or a stream
    struct str stream;             // of a stream: its path
    struct through_command filter; // `through`; argv NULL: there is none
    struct digest
        filter_identity; // what its outputs depend on besides their texts, as it was when the plan was made
    // set by plan_compile
    const struct program *body;
    struct program *to, *where, *group_by;
    struct fields *fields; // that all of these read
};

struct plan_pass {
    size_t lead;        // the job it was opened for: it waits for what that one needs
    size_t source;      // index into the manifest's sources
    bool routed;        // its jobs are routes: each takes the records of its own
    const size_t *jobs; // indexes, in the manifest's order
    size_t jobs_n;
    struct fields *fields;               // set by plan_project: what its jobs and the source's key read
    const struct projection *projection; // of them; NULL: everything
    const struct plan_join *joins;       // likewise; plan_joins.h
    size_t joins_n;
};

struct plan_source {
    struct program *key;          // NULL: none
    struct plan_join_keys *joins; // one for each of the source's
    struct routes *routes;        // NULL: none
    const uint32_t *
        route_jobs; // by route of `routes`: index of its job, or MANIFEST_NO_ROUTE where that is not selected
    const size_t *route_numbers; // and which of the manifest's it is
    size_t routes_n;
};

enum plan_stage { STAGE_COMPILE, STAGE_OPEN, STAGE_LOAD, STAGE_RENDER, STAGE_EMIT };
const char *plan_stage_name(enum plan_stage stage);

struct plan_node {
    enum plan_stage stage;
    size_t index;     // of the job, or of the pass for STAGE_LOAD; 0 for STAGE_OPEN
    struct str label; // "load users"
};
struct plan_edge {
    size_t from, to;
};

struct plan {
    struct arena arena;
    const struct manifest *manifest;
    struct compile_options compile;
    struct library library; // with the manifest's filters
    struct library_macro *macros;
    struct templates *templates;
    bool
        searches_all; // all places of templates could be opened; else nothing is said of templates that are missing
    struct plan_source *sources; // one for each of the manifest
    struct plan_job *jobs;       // one for each of the manifest
    struct plan_pass *passes;
    size_t passes_n;
    struct plan_node *nodes; // in an order in which they may run
    size_t nodes_n;
    struct plan_edge *edges;
    size_t edges_n;
    struct fields **join_fields; // that joins read of the records they compare
    size_t join_fields_n, join_fields_cap;
};

// Never NULL. What is wrong with the arrangement (two streams with one path, standard input in two passes, ...) is in
// diags; such a plan may be compiled, to find what else is wrong, but not run.
struct plan *plan_make(const struct fs *fs, const struct manifest *manifest, struct diags *diags);
void plan_free(struct plan *plan);

// Compiles what a job needs: template, `to`, `where`, `group_by`. False where diags got an error.
bool plan_compile(struct plan *plan, size_t job, struct diags *diags);
// The sources' expressions: their keys, and those of joins. False where diags got an error.
bool plan_compile_keys(struct plan *plan, struct diags *diags);
// All of it, in one thread, for `check` and `plan`.
bool plan_compile_all(struct plan *plan, struct diags *diags);

// plan_fields.c: the fields that a compiled job reads, and those of each pass, when all that is to run is compiled.
void plan_read_fields(struct plan *plan, struct plan_job *job);
void plan_project(struct plan *plan);

// The first step of making a plan: what compiling needs.
void plan_open_templates(struct plan *plan, const struct fs *fs, const struct manifest *manifest);
// plan_filters.c: `base` with the manifest's filters; owned by the plan.
const struct library *plan_library(struct plan *plan, const struct library *base);
// Filters that hide others, and macros that are not there.
void plan_check_filters(struct plan *plan, const struct library *base, struct diags *diags);
// Compiles the texts of a manifest that is not sound, for the errors alone.
void plan_check_texts(const struct fs *fs, const struct manifest *manifest, struct diags *diags);
// plan_through.c: a job's filter outside. A file of it that cannot be read is in diags.
void plan_arrange_filter(const struct fs *fs, const struct manifest *manifest, struct plan_job *job,
                         struct diags *diags);
void plan_write_filter(const struct plan_job *job, struct buf *out);      // its command, for people
void plan_write_filter_json(const struct plan_job *job, struct buf *out); // a member of a node
bool plan_is_stream(struct str to);                                       // a `to` without any expression
// Whether all outputs of a job go into one. A route for one path names a file with its `to`, as one with an expression does.
bool plan_writes_stream(const struct manifest_job *job);
// plan_routes.c: the routes of all sources; conflicts are in diags.
void plan_arrange_routes(struct plan *plan, struct diags *diags);
// How many files there are by route of a source, and what none takes; no file is read.
struct plan_routed {
    uint64_t *files; // by route; owned (base/mem.h)
    uint64_t left_out;
    struct str first_left_out; // in the plan's arena
};
enum status plan_count_routes(const struct fs *fs, struct plan *plan, size_t source, struct plan_routed *out,
                              struct err *err);
void plan_write_routes(const struct plan *plan, const struct plan_routed *counts,
                       struct buf *out); // counts by source
void plan_write_routes_json(const struct plan *plan, const struct plan_routed *counts, struct buf *out);
bool plan_is_to_stdout(const struct plan_job *job);
struct stat;
// What is at the source's path; false: nothing, or it is standard input.
bool plan_stat_source(const struct fs *fs, const struct manifest_source *source, struct stat *st);
bool plan_writes_files(const struct plan *plan); // at least one of its jobs does
void plan_check_stream(const struct plan *plan, const struct manifest_job *job,
                       struct diags *diags); // its path

// A fault in an expression of the manifest, placed in the manifest; others come back as they are.
const struct diag *plan_place(const struct plan *plan, struct arena *arena, const struct program *program,
                              const struct diag *fault);

struct plan_timing; // plan_timing.h; NULL: the graph alone
void plan_write_text(const struct plan *plan, struct buf *out);
void plan_write_json(const struct plan *plan, const struct plan_timing *timing, struct buf *out);
void plan_write_dot(const struct plan *plan, const struct plan_timing *timing, struct buf *out);
void plan_write_mermaid(const struct plan *plan, const struct plan_timing *timing, struct buf *out);

#endif
