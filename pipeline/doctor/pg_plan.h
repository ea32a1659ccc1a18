// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_PG_PLAN_H
#define PRESSRUN_PIPELINE_PG_PLAN_H
/*
 * PostgreSQL's plan of a query, as EXPLAIN (FORMAT JSON) has it, made the steps of query_plan.h; with ANALYZE also what it did.
 * Nodes that only hand on rows (Limit, Result, Gather, ...) are left out.
 *
 * What is not there is none or 0: versions differ in what they tell. Texts live in the arena. No state; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/doctor/query_plan.h"

struct pg_plan {
    struct query_plan plan;
    bool ran;         // all of below is known
    uint64_t took;    // nanoseconds
    uint64_t rows;    // it gave
    uint64_t scanned; // of tables that were gone through without an index
};

// False: it is nothing that EXPLAIN gives.
bool pg_plan_read(struct str json, struct arena *arena, struct pg_plan *out);

#endif
