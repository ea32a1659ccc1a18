// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_SEARCH_PATH_H
#define PRESSRUN_PIPELINE_SEARCH_PATH_H
/*
 * The places of a manifest's templates, opened: directories, and stores, whose rows are read here by one query and
 * become texts in memory. Nothing is compiled.
 *
 * Stores are read by the loader of SQLite sources, so a database that is locked, damaged or none is told in the same
 * words. A row that no template can be made of (its id is no name, its text is a BLOB) costs that template: it is a
 * warning, or, where its id is known, an error when somebody asks for the template.
 *
 * Bounds: 1,000,000 templates and 1 GiB of text in a store.
 */
#include "base/diag.h"
#include "base/fs.h"
#include "pipeline/manifest/manifest.h"
#include "stages/compile/templates.h"

// The templates of one store; what is said of rows goes into `diags` as warnings located at the place's span of `text` (may be NULL).
enum status search_path_add_store(struct templates *templates, const struct fs *fs,
                                  const struct manifest_place *place, const struct source_text *text,
                                  struct diags *diags, struct err *err);
// All places of the manifest. False: what cannot be opened is an error in `diags`, located in the manifest.
bool search_path_add(struct templates *templates, const struct fs *fs, const struct manifest *manifest,
                     struct diags *diags);
// What --search names: a directory, or a store: a database by the name of its file, perhaps with keys of the manifest's
// stores behind it: "prompts.db?table=prompts&text=content". Texts are borrowed, or in the arena.
enum status search_path_word(const struct fs *fs, struct arena *arena, const char *word,
                             struct manifest_place *place, struct err *err);

#endif
