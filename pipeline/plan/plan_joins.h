// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_PLAN_JOINS_H
#define PRESSRUN_PIPELINE_PLAN_JOINS_H
/*
 * Which joins of a source a pass needs: those whose fields its jobs read, and of each other source only the fields that
 * they read of its records. Records that are joined have joins of their own, again as far as these are read; where all of
 * a record is read, a source that is on the way already is not joined once more, so that cycles come to an end.
 *
 * Made with the projection of the pass (plan_project); lives as long as the plan, and is only read.
 */
#include "pipeline/plan/plan.h"

struct plan_join {
    const struct manifest_join *join;
    const struct manifest_source *source; // of the records that are joined
    const struct program *on, *key;
    bool read;                           // else only the field's name is wanted, and nothing is opened for it
    const struct projection *projection; // of the joined records; NULL: everything
    const struct plan_join *joins;       // of theirs
    size_t joins_n;
};

// What is compiled of a source's join.
struct plan_join_keys {
    struct program *on, *key;
};

bool plan_compile_joins(struct plan *plan, size_t source, struct diags *diags); // false: diags got an error
void plan_arrange_joins(struct plan *plan, struct plan_pass *pass);
void plan_free_joins(struct plan *plan);
// Whether records of `source` may be joined to those of `from`, or to such as are, whatever is read of them.
bool plan_may_join(const struct manifest *manifest, size_t from, size_t source);

// plan_compile.c: an expression that stands in the manifest; NULL: diags got an error.
struct program *plan_compile_expression(struct plan *plan, struct str text, struct span span,
                                        struct diags *diags);

#endif
