// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_QUERY_H
#define PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_QUERY_H
/*
 * A query of the manifest on its way to PostgreSQL: what is behind its last word (a semicolon, comments) goes, since
 * it is put between parentheses; and :name becomes a literal, where it is neither in a string, a quoted name or a comment nor
 * part of a cast (a::text) or of a slice (a[1:n]): no letter, digit, closing bracket or quote stands right before the colon.
 *
 * Literals, since COPY takes no parameters. They have no type of their own, as a quoted text has none, but numbers and
 * booleans do; a list is an array, a mapping JSON.
 *
 * Pure; any thread.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

// Who knows what the parameters are: appends the literal; false: there is none of that name.
struct pg_parameters {
    void *self;
    bool (*write)(void *self, struct str name, struct buf *out);
};

// Where in the manifest's text a place of the written query is: the n-th piece that was copied as it stood.
struct pg_query {
    struct buf text;
    struct pg_query_piece {
        size_t at, from; // in the text, in the manifest's query
    } * pieces;          // owned
    size_t pieces_n, pieces_cap;
};

// `parameters` NULL: there are none, and a colon is left to the server. On STATUS_DATA *missing is the name that nobody
// knows.
enum status pg_query_write(struct pg_query *query, struct str written, const struct pg_parameters *parameters,
                           struct str *missing);
size_t pg_query_place(const struct pg_query *query, size_t at); // in the manifest's query
void pg_query_release(struct pg_query *query);

// A text as a literal, whatever is in it but NUL.
void pg_query_add_literal(struct buf *out, struct str text);
// A text as an array's element.
void pg_query_add_element(struct buf *out, struct str text);
// A name, quoted.
void pg_query_add_name(struct buf *out, struct str name);

#endif
