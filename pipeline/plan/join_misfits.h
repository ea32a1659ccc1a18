// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_JOIN_MISFITS_H
#define PRESSRUN_PIPELINE_JOIN_MISFITS_H
/*
 * Keys of joins: what they are, and what is said of those that fit nothing or too much, by `check` of sources that it
 * sees all of, and by runs. Any thread, each with a machine of its own.
 */
#include "pipeline/plan/plan_joins.h"
#include "stages/render/vm.h"

// The key of a record, in the machine's memory or the record's; {NULL, 0}: it has none. False: `fault`, in the arena and
// placed in the manifest, says why that is not known.
bool join_key(const struct plan *plan, struct vm *vm, const struct program *program, struct value record,
              struct arena *arena, struct str *key, const struct diag **fault);

struct join_misfits {
    struct str from;                 // the other source
    uint64_t lost, shared;           // as run_join_report has them
    uint64_t missed, repeated;       // likewise
    struct str lost_key, missed_key; // the first ones
};

// A sentence for each kind that there is.
void join_misfits_each(const struct join_misfits *misfits, void (*tell)(void *context, struct str sentence),
                       void *context);

#endif
