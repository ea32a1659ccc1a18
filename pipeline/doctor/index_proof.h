// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_INDEX_PROOF_H
#define PRESSRUN_PIPELINE_INDEX_PROOF_H
/*
 * Which of the indexes a query might use make it faster, found out by making them in a copy of the database and timing the
 * query with and without. What is only a little faster is not worth an index, which every write pays for.
 *
 * A query that is slow, by the threshold given, is worth one that spares a third of its time. One that is not, only where it
 * does eight times what it would have to: the table grows, what is wanted of it does not; where the database makes an index of a
 * thousand rows for it each time; or where it sorts, or goes through a
 * table again and again, and takes four times as long and 10 ms more. What reads less than some thousand rows is left as it is.
 *
 * A database that nobody has analyzed may have all the indexes it needs, and SQLite not know which of them is good; so ANALYZE is
 * tried before any index is.
 *
 * Candidates are first tried on the outline, where SQLite says whether it would use them, so few are really made. Of those
 * that are about as fast the one with the fewest columns wins. A query that joins may need several: after each the search
 * goes on with it in place. Where none helps alone, as for both sides of an OR, those are tried together that SQLite would use if it
 * had all.
 *
 * Times are processor time, in nanoseconds (query_time.h).
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "pipeline/doctor/index_candidates.h"
#include "pipeline/doctor/query_plan.h"
#include "pipeline/doctor/query_time.h"

enum { PROPOSALS_MOST = 3 }; // for one query

struct index_proposal {
    struct index_candidate index;
    struct str name, sql,
        what; // index.n is 0: ANALYZE, which has no name and is on nothing; "CREATE INDEX ...", "orders (customer_id)"
    bool together; // only with the others of the query it helps
    bool proved;   // else only that SQLite would use it is known, and not how much that helps
    struct query_time before, after; // of a proved one; before: with the proposals that came before it
    struct query_plan plan;          // with it
    uint64_t bytes;                  // that the index takes
};

struct index_advice {
    struct index_proposal proposals[PROPOSALS_MOST];
    size_t n, tried;      // indexes that were made to be timed
    const char *unproved; // why nothing was timed; NULL: it was, or there was nothing to time
};

// A database, for several queries.
struct index_prover {
    sqlite3 *db; // borrowed, as all that is given
    const struct clock *clock;
    const char *directory; // for the copy
    uint64_t copy_most;    // bytes
    uint64_t slow;         // nanoseconds
    uint64_t query_most;   // nanoseconds, of one timing
    uint64_t time_left;    // nanoseconds, for all proofs together
    struct arena *arena;
    // its own
    struct query_deadline deadline; // of what is under way
    bool toils;                     // the query that is under way does: query_plan.h
    struct wishes wishes;
    sqlite3 *outline, *copy;
    char why_not[512]; // there is no copy; "": none was wanted yet
};

void index_prover_release(struct index_prover *prover);
// `timed`: what the query took. What cannot be found out is left out of the advice, and is no error.
void index_prove(struct index_prover *prover, const char *sql, const struct query_time *timed,
                 struct index_advice *advice);
// Whether an index that another query wants, and that begins as this one's does, is as good for this one; then it is its proposal.
bool index_prove_wider(struct index_prover *prover, const char *sql, const struct index_proposal *wider,
                       struct index_proposal *proposal);

#endif
