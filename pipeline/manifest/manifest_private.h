// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_MANIFEST_PRIVATE_H
#define PRESSRUN_PIPELINE_MANIFEST_PRIVATE_H
/*
 * Between the files that read a manifest: the document is checked by the table (manifest_check.c), then filled
 * into the struct (manifest_fill.c, manifest_places.c, manifest_sources.c, manifest_jobs.c), with what it says of files looked up (manifest_files.c).
 * Filling passes over what the check found faulty, and reports all else that is wrong.
 */
#include "pipeline/manifest/manifest.h"
#include "stages/record/document.h"

struct manifest_filling {
    const struct fs *fs;
    struct manifest *m;
    struct diags *diags;
    size_t errors_before;       // in diags, before this manifest
    const struct str *selected; // jobs that are going to be
    size_t selected_n;          // 0: all
    bool places_known;          // all places of templates are directories, and there
};

// The value of a key, or NULL where it is absent or faulty.
struct document_node *manifest_node(const struct document_node *mapping, const char *key);
// Copies a text and its place, where the key is there.
void manifest_take_text(const struct document_node *mapping, const char *key, struct str *text,
                        struct span *span);

// The texts of a list, or the one text; *out is as long as the list at most.
size_t manifest_take_texts(struct arena *arena, const struct document_node *mapping, const char *key,
                           const struct str **out);

void manifest_fill(struct manifest_filling *f, const struct document_node *root);
void manifest_fill_places(struct manifest_filling *f, const struct document_node *root);
void manifest_fill_sources(struct manifest_filling *f, const struct document_node *root);
// What a source says of the schema it wants; NULL: nothing.
const struct schema_settings *manifest_take_schema(struct manifest_filling *f,
                                                   const struct document_node *source);
void manifest_fill_joins(struct manifest_filling *f,
                         const struct document_node *sources); // when these are known
// The source that a key names, reported where there is none such. False: there is none.
bool manifest_take_source(struct manifest_filling *f, const struct document_node *sources,
                          const struct document_node *mapping, size_t *source);
// manifest_needed.c, when jobs and joins are known: which sources these jobs need, or with n 0 all of them do.
void manifest_mark_needed(struct manifest *m, const struct str *names, size_t n);
void manifest_check_needed(struct manifest_filling *f); // their files
void manifest_fill_jobs(struct manifest_filling *f, const struct document_node *root);
// What a job and a route say alike.
void manifest_fill_job(struct manifest_filling *f, const struct document_node *root,
                       const struct document_node *node, struct manifest_job *job);
// Those of the document's routes, with jobs that begin as `standard` says; m->jobs has room.
void manifest_fill_routes(struct manifest_filling *f, const struct document_node *root,
                          const struct manifest_job *standard);

struct on_error_choice {
    enum on_error kind;
    struct str fallback;
};
struct manifest_retry manifest_take_retry(const struct document_node *mapping);
void manifest_take_on_error(const struct document_node *mapping, struct on_error_choice *choice);
void manifest_take_undefined(const struct document_node *mapping, uint8_t *undefined);
void manifest_take_write(const struct document_node *mapping, bool *inplace);

void manifest_take_number(const struct document_node *mapping, const char *key, uint64_t *value);
void manifest_fill_cache(struct manifest *m, const struct document_node *root);
void manifest_fill_through(struct manifest_filling *f, const struct document_node *job,
                           struct manifest_through *through);
// Program and arguments, NULL last; NULL: it was faulty, which has been reported.
const char *const *manifest_take_command(struct manifest_filling *f, const struct document_node *command);
// The program that a name stands for (PATH, or relative to the manifest): absolute, or relative to the manifest's directory;
// NULL: it cannot be run, err says why.
const char *manifest_find_program(struct manifest *m, struct str name, struct err *err);
void manifest_fill_alerts(struct manifest_filling *f,
                          const struct document_node *root); // when jobs are known
void manifest_fill_filters(struct manifest_filling *f, const struct document_node *root);
void manifest_fill_databases(struct manifest_filling *f, const struct document_node *root);
void manifest_fill_database(struct manifest_filling *f, const struct document_node *node,
                            struct manifest_source *source); // a source's own keys of it
void manifest_fill_globals(struct manifest_filling *f, const struct document_node *root);

// `path` as it can be opened, when it is relative to `directory`.
struct str manifest_resolve(struct arena *arena, struct str directory, struct str path);
// Reports unless it is a regular file that can be read, or a directory.
void manifest_check_file(struct manifest_filling *f, struct str path, struct str shown, struct span span);
bool manifest_check_directory(struct manifest_filling *f, struct str path, struct str shown,
                              struct span span);
bool manifest_is_directory(const struct fs *fs, struct str path);
// Reports unless some directory of the search path has the template. Where there are stores, which are read later, it says
// nothing.
void manifest_check_template(struct manifest_filling *f, struct str name, struct span span);

#endif
