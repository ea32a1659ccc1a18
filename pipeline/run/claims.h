// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_CLAIMS_H
#define PRESSRUN_PIPELINE_CLAIMS_H
/*
 * Who writes which output path. A path is claimed before its output is rendered; a second claim fails and learns
 * who was first. A path is also refused where another output lies below it, or is a directory of it. Claims of one
 * pass come in record order, so among its jobs the winner does not depend on the thread count; between passes that
 * run at the same time, whoever claims first wins.
 *
 * 16 bytes a claim, and a directory, in an open-addressed table that is at most 70 % full: the path itself is not kept but 72
 * bits of its hash (ten million paths share one by chance with a probability of about 1 in 10^8).
 *
 * Thread-safe: hold the lock for a whole batch (claims_lock, claims_take..., claims_unlock).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

// These stand for a job: the name belongs to what the run reads, or to its trace.
enum { CLAIMS_JOBS_MAX = 65533, CLAIMS_INPUT = CLAIMS_JOBS_MAX, CLAIMS_TRACE };

struct claim {
    uint32_t job;
    uint64_t record; // what the caller gave, below 2^40; larger ones are cut to 2^40 - 1
};

struct claims; // owned
struct claims *claims_new(void);
void claims_free(struct claims *claims);

void claims_lock(struct claims *claims);
void claims_unlock(struct claims *claims);
// True: the path is yours. False: *holder has it, or a path that cannot be beside it. Paths are at most 4096 bytes.
bool claims_take(struct claims *claims, struct str path, struct claim claim, struct claim *holder);

#endif
