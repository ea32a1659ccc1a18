// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_DOCTOR_QUERIES_H
#define PRESSRUN_PIPELINE_DOCTOR_QUERIES_H
/*
 * What examiners of the queries of databases share: a row of doctor_queries.c each. An examiner fills query looks and says
 * nothing; a database that cannot be looked at is the business of the check `databases`.
 */
#include "pipeline/doctor/doctor.h"

enum {
    DOCTOR_QUERY_MS = 5000,  // a query is stopped after so long
    DOCTOR_PROOF_MS = 20000, // all proofs of one database end after so long
};

// Looks at `sources` of the manifest, which read the same database.
typedef void doctor_examine_queries(struct doctor *doctor, const struct manifest_source *const *sources,
                                    size_t n);
doctor_examine_queries doctor_examine_sqlite;     // doctor_sqlite_queries.c
doctor_examine_queries doctor_examine_postgresql; // doctor_pg_queries.c

// For the check of databases: whether the server answers.
void doctor_check_server(struct doctor *doctor, const struct manifest_source *source); // doctor_pg_queries.c

struct query_look *doctor_add_query(struct doctor *doctor); // valid until the next is added
struct index_look *doctor_add_index(struct doctor *doctor);
struct str doctor_keep(struct doctor *doctor, struct str text); // in its arena

#endif
