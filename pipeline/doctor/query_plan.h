// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_QUERY_PLAN_H
#define PRESSRUN_PIPELINE_QUERY_PLAN_H
/*
 * How a database is going to answer a query: its own plan, taken apart and said in plain words. Which steps are dear depends on
 * the data, which nobody looks at here; `plan_step_costs` names those that may be.
 *
 * SQLite's is read by query_plan_read. Another database's reader (pg_plan.h) fills the same steps. Steps of the same depth below the same step
 * are loops within each other, in their order: each is gone through again for every row of the one before.
 *
 * Texts live in the arena. No state; any thread with its own connection.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum plan_kind {
    PLAN_SCAN,         // every row of a table
    PLAN_SCAN_INDEX,   // every entry of an index, and the rows they lead to
    PLAN_SCAN_COVERED, // every entry of an index that has all that is asked for
    PLAN_SCAN_MADE,    // every row of what a subquery or view gave
    PLAN_SEARCH,       // rows by an index
    PLAN_SEARCH_KEY,   // rows by the key they are stored by
    PLAN_SKIP, // rows by an index that begins with another column: looked for once for each of its values
    PLAN_AUTOMATIC,  // rows by an index that is made for this one query
    PLAN_SORT,       // a temporary b-tree: `terms` says what for
    PLAN_SORTED,     // by sorting, in memory or files; `terms` says by what
    PLAN_CORRELATED, // a subquery, for every row of the query around it
    PLAN_SUBQUERY,   // a subquery, once
    PLAN_MADE,       // the rows of a subquery or view
    PLAN_OTHER,
};
// As `--json` has it: "full scan", "temporary b-tree", "automatic index", "correlated subquery", ...
const char *plan_kind_name(enum plan_kind kind);

struct plan_step {
    enum plan_kind kind;
    uint32_t depth;
    bool again;       // for every row of a loop around it
    struct str text;  // in the database's words
    struct str table; // or the alias the query gives it; {NULL, 0}: none
    struct str index; // {NULL, 0}: none
    struct str terms; // "customer_id=?", "ORDER BY"; {NULL, 0}: none
    struct str
        outer; // of a step that is gone through again: the table of the loop around it; {NULL, 0}: none
};

struct query_plan {
    const struct plan_step *steps;
    size_t n;
};

// An SQLite result code; what is wrong is the connection's message.
int query_plan_read(sqlite3 *db, const char *sql, struct arena *arena, struct query_plan *plan);

// "reads all of orders again for every row of customers"
void plan_step_say(const struct plan_step *step, struct buf *out);
// Whether it is such that an index might spare it.
bool plan_step_costs(const struct plan_step *step);
bool query_plan_costs(const struct query_plan *plan);
// Whether there is more to it than reading each row of a table once: sorting, or going through one again and again.
bool query_plan_toils(const struct query_plan *plan);
bool query_plan_uses(const struct query_plan *plan, struct str index);
bool query_plans_equal(const struct query_plan *a, const struct query_plan *b);

#endif
