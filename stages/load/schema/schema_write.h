// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SCHEMA_SCHEMA_WRITE_H
#define PRESSRUN_STAGES_LOAD_SCHEMA_SCHEMA_WRITE_H
/*
 * A table's record as JSON text, whose fields docs/schema.md tells. What is dear to find out, names and relations, is made
 * once for all tables as a list of texts (pieces), which can be kept; a record is then put together of the schema, the
 * pieces and the texts of its columns' types.
 *
 * The pieces of a wanted table, in the order of schema_bytes' texts: its names, the names of each column, its relations.
 */
#include "base/buf.h"
#include "stages/load/schema/schema.h"

// Adds the pieces of all wanted tables.
void schema_write_pieces(const struct schema *schema, const struct schema_settings *settings,
                         struct buf *out);

// Takes a table's pieces from the front of `rest` and adds the record; types: of each of its columns. False: these are no
// pieces of it.
bool schema_write_record(const struct schema_table *table, struct str *rest, const struct str *types,
                         struct buf *json);

// Moves past the pieces of a table.
bool schema_write_skip(const struct schema_table *table, struct str *rest);

#endif
