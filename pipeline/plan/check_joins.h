// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_CHECK_JOINS_H
#define PRESSRUN_PIPELINE_CHECK_JOINS_H
/*
 * What records look like with what is joined to them, for `check`: of each other source the first batch is read, and
 * spread over the records at hand, whatever their keys. So it is known which fields joined records have, but not which
 * belong to which; a run tells what does not fit.
 *
 * A source that cannot be read is left out, since that is told where it is checked itself. One thread.
 */
#include "pipeline/plan/plan_joins.h"
#include "stages/record/item.h"

struct check_joins; // owned; what was read lives as long

struct check_joins *check_joins_new(const struct fs *fs, const struct plan *plan, struct shapes *shapes);
void check_joins_free(struct check_joins *joins);

// Gives the records of a source the fields that are joined to them.
void check_joins_attach(struct check_joins *joins, size_t source, struct batch *batch);

#endif
