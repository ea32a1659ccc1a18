// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_QUERY_PARAMETERS_H
#define PRESSRUN_STAGES_LOAD_QUERY_PARAMETERS_H
/*
 * The named values of a database's query: `:since` in its text stands for what the source's `parameters`, or else the
 * globals, call `since`. Numbers, texts and none are bound as they are, true and false as 1 and 0, a list or a mapping as
 * its JSON text (for json_each).
 *
 * Which names a query's text has can be asked without a database. What is in quotes or in a comment is left out, and so
 * is `::`, a cast of other databases.
 *
 * Borrows everything. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "stages/load/load.h"

// The next name in the query's text from `*at` on; names may come again. False: there are no more.
bool query_parameters_next(struct str query, size_t *at, struct str *name);
// VALUE_MISSING: nothing is called so.
struct value query_parameters_find(const struct load_options *options, struct str name);
// The JSON text of a value.
void query_parameters_add_json(struct buf *out, struct value value);
// Names and values of all that the query has, for a digest.
void query_parameters_write(const struct load_options *options, struct buf *out);
// The sentence about one that has no value.
enum status query_parameters_missing(const struct load_options *options, struct str name, struct err *err);

#endif
