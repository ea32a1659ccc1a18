// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_MANIFEST_H
#define PRESSRUN_PIPELINE_MANIFEST_H
/*
 * The manifest: one model, two spellings (YAML, JSON). Reading it is strict: unknown keys, wrong types, missing
 * files, duplicate names and cycles in `needs` are errors with a place in the file, all of them at once.
 *
 * One table (manifest_table.c) says which keys there are, their types, bounds and meaning; the validator, the
 * JSON Schema (`pressrun schema`) and the manual's key list are made from it.
 *
 * Paths in a manifest are relative to the manifest's directory; here they are resolved (`path` fields can be
 * opened as they are, `name` fields are as written).
 *
 * The span of a text (an expression, a name) is as long as the text exactly when the file has the same bytes
 * there: byte k of the text is then at span.at + k. Otherwise (escapes, folded or indented lines) it is the
 * whole scalar, quotes and all.
 *
 * The manifest owns everything it points to. Immutable after manifest_read.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/fs.h"
#include "cache/tier.h"
#include "monitor/alerts.h"
#include "stages/load/load.h"
#include "stages/record/value.h"

// What is tried again when it failed.
enum { MANIFEST_RETRIES = 20 };
struct manifest_retry {
    uint32_t times;
    uint64_t backoff; // nanoseconds before the first time
};

// Records of another source, or of the same one, that belong to a source's records.
struct manifest_join {
    struct str name; // of the field that has them
    struct span span;
    size_t source;
    struct str on, key; // expressions: over the other's records, and over the own ones
    struct span on_span, key_span;
    bool own_key; // `key` is the source's
    bool one;     // a record or none, instead of a list
};

struct manifest_source {
    struct manifest_retry retry;
    struct str name;
    struct span span; // of the name in the manifest
    struct str
        path; // resolved; "-" is standard input; of `files`, the directory they are in; {NULL, 0}: a url
    struct str url;        // of a database on a server; {NULL, 0}: none. There may be a password in it
    struct str shown;      // as written, without a password
    struct span path_span; // of path, pattern or url
    struct str format;     // {NULL, 0}: by the extension
    struct str pointer;    // {NULL, 0}: none
    const struct str *columns;
    size_t columns_n;
    const struct load_column *types;
    size_t types_n;
    char delimiter; // 0: the format's
    enum load_header header;
    struct str query, table, files;       // {NULL, 0}: none
    const struct schema_settings *schema; // NULL: rows are wanted
    struct value parameters;              // of the query: a map, or VALUE_MISSING
    struct str split;                     // {NULL, 0}: a table's rowid
    uint32_t connections;                 // 0: as many as there may be
    struct str key;                       // expression; {NULL, 0}: none
    struct span key_span;                 // of the expression's text
    const struct manifest_join *joins;
    size_t joins_n;
    bool needed; // by a job that is selected, or by a join of a source that is; others are never opened
};

// What a route is besides the job that it makes of its files (stages/load/routes/routes.h).
struct manifest_route {
    struct str pattern;
    struct span span;
    size_t source; // index into sources
};
#define MANIFEST_NO_ROUTE UINT32_MAX

enum on_error { ON_ERROR_SKIP, ON_ERROR_FAIL, ON_ERROR_FALLBACK };

struct manifest_through {
    struct manifest_retry retry;
    const char *const *argv;  // as written, NULL last; NULL: there is no filter
    const char *program;      // what argv[0] stands for: absolute, or relative to the manifest's directory
    struct span span;         // of the program's name
    const struct str *inputs; // resolved
    size_t inputs_n;
    uint64_t seconds;
};

struct manifest_job {
    struct str name; // of a route: its pattern
    struct span span;
    size_t source;  // index into sources
    uint32_t route; // index into routes, or MANIFEST_NO_ROUTE
    struct str template_name;
    struct span template_span;
    struct str to, where, group_by; // {NULL, 0}: not given (`to` always is)
    struct span to_span, where_span, group_by_span;
    bool collect;
    const size_t *needs; // indexes into jobs
    size_t needs_n;
    bool raw;
    struct str separator;
    int level;        // of .zst; 0: default
    struct str table; // {NULL, 0}: named as the job
    const struct str *unique;
    size_t unique_n;
    bool inplace;           // the job's own, or the manifest's
    bool write_asked;       // the job's own
    enum on_error on_error; // the job's own, or the manifest's
    struct str fallback;
    struct manifest_through through;
    uint8_t undefined; // enum undefined_mode's order: default, strict, keep; the job's own or the manifest's
};

// Templates in a database. What is not given is {NULL, 0}.
struct manifest_store {
    struct str table, query, id, text, language_column;
    struct str language; // its name
};
#define MANIFEST_STORE                                                                                       \
    {                                                                                                        \
        .id = {"id", 2}, .text = { "text", 4 }                                                               \
    } // by default

// Where templates are searched.
struct manifest_place {
    struct str path; // resolved: of a directory, or of the database of a store
    struct str shown;
    struct span span;
    bool is_store;
    struct manifest_store store;
};

struct manifest_filter {
    struct str name;
    struct span name_span;
    struct str template_name, macro;
    struct span span; // of the text "template:macro"
};

struct manifest_limits { // 0: the default
    uint32_t include_depth;
    uint64_t steps, output_bytes, record_bytes, memory_bytes, join_bytes, seconds, processes;
};

struct manifest_cache_category { // what is given
    bool has_ttl;
    uint64_t ttl;   // seconds, 0: no end
    uint64_t most;  // bytes of a value; 0: the category's usual
    int level;      // likewise
    unsigned tiers; // bits by enum cache_tier_kind
};

struct manifest_redis {                                   // no url: there is none
    struct str url, prefix, secret_file, secret_variable; // the file's path resolved; {NULL, 0}: not given
    struct span span;
};

struct manifest_cache {
    uint64_t memory, file; // bytes; 0: there is none
    struct str directory;  // resolved; {NULL, 0}: in the output directory
    struct manifest_redis redis;
    struct manifest_cache_category categories[CACHE_CATEGORIES_N];
};

struct manifest_databases { // 0: not given
    uint32_t least, most;
    uint64_t timeout; // milliseconds
};

struct manifest_workers {
    bool given;
    uint32_t least, most; // 0: not given
    double cpu, memory;   // shares; 0: not given
};

struct manifest {
    struct arena arena;
    bool sound;              // no errors
    struct source_text text; // the file, for located messages later on
    struct str directory;    // of the file, resolved; all relative paths start here
    struct str name;
    struct manifest_place *places; // of templates, in the order in which they are searched
    size_t places_n;
    struct value globals;          // a map, or VALUE_MISSING
    const struct str *environment; // names of variables that templates may read
    size_t environment_n;
    struct manifest_filter *filters; // sorted by name
    size_t filters_n;
    struct manifest_source *sources;
    size_t sources_n;
    struct manifest_job *jobs; // in the manifest's order, those of routes behind the others
    size_t jobs_n;
    struct manifest_route *routes; // all of them, whatever jobs are selected
    size_t routes_n;
    struct str output; // resolved
    struct str output_shown;
    struct manifest_workers workers;
    struct manifest_databases databases;
    struct str strategy; // its name; {NULL, 0}: none is asked for
    bool trim_blocks, lstrip_blocks, keep_trailing_newline, chat;
    struct str *autoescape; // output extensions without the dot, lower case; default html, xml
    size_t autoescape_n;
    bool autoescape_all; // in every output, whatever its extension
    struct manifest_limits limits;
    struct manifest_cache cache;
    struct str statsd;      // monitor: HOST:PORT; {NULL, 0}: none
    struct str openmetrics; // monitor: a file, resolved; {NULL, 0}: none
    struct str history;     // directory, resolved; {NULL, 0}: in the output directory
    uint64_t history_keep;
    struct alert_rule *alerts;
    size_t alerts_n;
    int alert_exit; // least severity that counts in the exit code; ALERT_SEVERITIES: none does
};

// Reads and checks a file; never NULL. Diags come out sorted; their arena must outlive them. Where there are errors
// `sound` is false and what could be read is given all the same, only for finding what else is wrong
// (plan_check_texts): parts that are wrong are left out, their texts are {NULL, 0}.
struct manifest *manifest_read(const struct fs *fs, const char *path, struct diags *diags);
// The same where only these jobs are going to be selected (none: all): files of sources that they do not need are not looked
// for. Names that no job has are left to manifest_select.
struct manifest *manifest_read_for(const struct fs *fs, const char *path, const struct str *names, size_t n,
                                   struct diags *diags);
// The same for a text that is in no file; `name` stands for it in messages. Its paths begin at the working directory.
struct manifest *manifest_read_text(const struct fs *fs, const char *name, struct str json,
                                    struct diags *diags);
void manifest_free(struct manifest *m);

// "pressrun.yaml", "pressrun.yml" or "pressrun.json" in a directory, resolved into `arena`; NULL: none there.
const char *manifest_find(const struct fs *fs, struct arena *arena, const char *directory);

// The name of a source in messages.
struct str manifest_source_shown(const struct manifest_source *source);
// What its loader is to know; the caller adds file system, shapes and interrupt.
struct load_options manifest_load_options(const struct manifest *m, const struct manifest_source *source);

// Leaves only the jobs named, which keep waiting for each other. False: err names one that is not there.
bool manifest_select(struct manifest *m, const struct str *names, size_t names_n, struct err *err);

void manifest_write_schema(struct buf *out); // JSON Schema, draft 2020-12
void manifest_write_keys(struct buf *out);   // the key list as text, for `help manifest`

#endif
