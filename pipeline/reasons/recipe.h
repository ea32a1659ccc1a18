// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_RECIPE_H
#define PRESSRUN_PIPELINE_RECIPE_H
/*
 * What all outputs of a job are made with, besides their records: its recipe, as named parts with a digest each. Equal
 * recipes and equal records (stages/record/imprint.h) make equal outputs; where they differ, the names of the parts that
 * do are the reasons. Parts are:
 *
 *     pressrun             the program's version
 *     manifest             its name, or its file's: several manifests may share an output directory
 *     template NAME        each template that the job's own leads to
 *     templates            all of the search path, where a template is chosen at run time
 *     filter NAME          the manifest's own filters
 *     expression NAME      to, where, group_by
 *     global NAME          globals that templates or expressions may ask for
 *     environment NAME     variables that the manifest lists
 *     option NAME          undefined, level; collect, separator, raw, table, unique; those of compiling: trim_blocks, ...
 *     source NAME          how it is read and which key its records have, not what is in it
 *     through              a filter outside: its command, what is run, and the inputs it names
 *     now                  the time, where a template may ask for it
 *
 * What decides only whether an output is made, such as limits and on_error, is no part of it: outputs that failed or fell
 * back are not remembered.
 *
 * Owned by the arena it is made in; immutable after that.
 */
#include "base/arena.h"
#include "cache/journal.h"
#include "pipeline/plan/plan.h"
#include "stages/record/imprint.h"

// For a compiled job. Its fields are those of `imprint`.
struct journal_recipe recipe_of(const struct plan *plan, const struct plan_job *job,
                                const struct imprint *imprint, int64_t now, struct arena *arena);

// Whether it is of a job of this manifest, by the manifest's name; `recipe` NULL: no.
bool recipe_is_of(const struct journal_recipe *recipe, const struct manifest *manifest);

// Of all that is in it but the job's name.
struct digest recipe_digest(const struct journal_recipe *recipe);

#endif
