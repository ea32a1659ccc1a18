// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SCHEMA_SCHEMA_RECORDS_H
#define PRESSRUN_STAGES_LOAD_SCHEMA_SCHEMA_RECORDS_H
/*
 * The loader of schemas: one record for each table that is wanted, as JSON text (docs/schema.md), whichever database it is.
 *
 * Three things are made on the way, and kept on load_options' shelf where there is one:
 *   schema     what the database says, by its identity and by what of the settings decides what it is asked
 *   types      the texts of all types that its columns have, by these and the settings' mappings
 *   relations  names and relations, by the schema's digest and the settings
 * So a database that changed without its tables having changed is asked again, and nothing else is made again; and one
 * that did not change is not opened.
 *
 * Memory: the schema, its pieces and types are there as a whole; records are put together batch by batch.
 */
#include "stages/load/load.h"
#include "stages/load/schema/schema.h"

enum status schema_records_open(const struct schema_database *database, const struct load_options *options,
                                struct loader **out, struct err *err);

#endif
