// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_CHECK_JOINS_H
#define PRESSRUN_PIPELINE_CHECK_JOINS_H
/*
 * What records look like with what is joined to them, for `check`: of each other source the first batch is read, and
 * spread over the records at hand, whatever their keys. So it is known which fields joined records have. Which belong to
 * which is looked at where a batch is all of either source; of larger ones a run tells what does not fit.
 *
 * A source that cannot be read is left out, since that is told where it is checked itself. One thread.
 */
#include "pipeline/plan/plan_joins.h"
#include "stages/load/load.h"
#include "stages/record/item.h"

struct check_joins; // owned; what was read lives as long

struct check_joins *check_joins_new(const struct fs *fs, const struct plan *plan, struct shapes *shapes);
void check_joins_free(struct check_joins *joins);

// Whether there is nothing behind the batch that was pulled.
bool check_joins_is_all(struct loader *loader);
// Warns of keys that fit nothing, or too much. The records are all of the source.
void check_joins_compare(struct check_joins *joins, size_t source, const struct batch *own,
                         struct diags *diags);
// Gives the records of a source the fields that are joined to them.
void check_joins_attach(struct check_joins *joins, size_t source, struct batch *batch);

#endif
