// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_TYPES_H
#define PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_TYPES_H
/*
 * What values of PostgreSQL's types become. A row of pg_types.c's table a type that is not text:
 *
 *     smallint, integer, bigint, oid    integer
 *     real, double precision            float; NaN and infinities are floats too
 *     numeric                           integer where it has no point, however many digits; else float
 *     boolean                           true, false
 *     json, jsonb                       what the JSON says
 *     arrays                            lists, of lists where they have dimensions
 *     NULL                              none
 *
 * Domains are what they are domains over. All else is text as PostgreSQL writes it: dates and times, uuid, bytea
 * (\x and hexadecimal digits), intervals, enumerations, ranges, composites.
 */
#include "stages/load/postgresql/pg_connection.h"

enum pg_kind { PG_TEXT, PG_INTEGER, PG_FLOAT, PG_NUMERIC, PG_BOOLEAN, PG_JSON };

struct pg_type {
    enum pg_kind kind; // of a list, its elements'
    bool is_list;
    char delimiter; // of a list's elements
};

// The types of a result's columns, in their order. `types` has room for as many. Those that no table here knows are
// looked up in the catalog.
enum status pg_types_find(struct pg_connection *c, const PGresult *described, struct pg_type *types,
                          struct err *err);

#endif
