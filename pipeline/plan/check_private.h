// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_CHECK_PRIVATE_H
#define PRESSRUN_PIPELINE_CHECK_PRIVATE_H
/*
 * Between check.c and check_routes.c: what is said of records and of the fields they lack. For one thread.
 */
#include "pipeline/plan/check.h"
#include "stages/record/item.h"
#include "stages/record/shape.h"

// Of fields that have seen `seen` records of the source; `lenient`: what a template asks for may be missing.
void check_warn_missing(const struct plan *plan, const struct manifest_source *source, struct fields *fields,
                        bool lenient, size_t seen, struct diags *diags);
void check_warn_record(const struct item *item, struct diags *diags); // that cannot be read

// The files of a source by their routes: those that no route takes, routes without any, and the fields of some of each.
void check_routes(const struct fs *fs, const struct plan *plan, size_t source, struct shapes *shapes,
                  struct diags *diags);

#endif
