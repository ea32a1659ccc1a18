// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_QUERY_LOOKS_H
#define PRESSRUN_PIPELINE_QUERY_LOOKS_H
/*
 * What a look at the queries of a manifest gives, whichever database answers them: how long each takes, how the database goes
 * about it, which indexes would help, and which indexes there are that none of the queries uses. What is said of it, as text and as
 * JSON, is made from this alone (doctor_queries.c, cli/doctor_text.c).
 *
 * To add a kind of database: a function that fills these for all sources that read one database, and a row in doctor_queries.c.
 *
 * Times are nanoseconds. Texts and lists live in the doctor's arena.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "pipeline/doctor/query_plan.h"

// An index that would help a query.
struct query_proposal {
    struct str sql, what;   // "CREATE INDEX ...", "orders (customer_id)"; of ANALYZE it is {NULL, 0}
    bool proved;            // timed on a copy; else the database would use it, and that is all that is known
    uint64_t before, after; // of a proved one: of the processor
    bool before_stopped;    // it was longer than `before`
    bool together;          // with the query's other ones, and not alone
    uint64_t bytes;         // that it takes
    struct query_plan plan; // with it
};

struct query_look {
    struct str source;   // its name in the manifest
    struct str database; // as the manifest has it
    struct str sql;
    struct str fault;           // why it was not timed; {NULL, 0}: it was
    uint64_t rows, took, first; // `first`: until the first row; 0: not known
    uint64_t scanned;           // rows that were gone through without an index
    bool stopped;               // it was not waited for
    bool slow;
    struct query_plan plan;
    const struct query_proposal *proposals;
    size_t proposals_n;
    size_t tried;        // indexes that were made to be timed
    struct str unproved; // why none was; {NULL, 0}: some were, or there was none to try
};

struct index_look {
    struct str database, table, index;
    uint64_t bytes; // 0: not known
    bool unique;    // so it is of use even where no query uses it
    size_t used;    // by so many of the manifest's queries
    int64_t scans;  // that the database itself has counted, of everybody's; -1: it does not count
};

struct query_looks {
    struct query_look *queries; // owned, as all below
    size_t queries_n, queries_cap;
    struct index_look *indexes;
    size_t indexes_n, indexes_cap;
};

#endif
