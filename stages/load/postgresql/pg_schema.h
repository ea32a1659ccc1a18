// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_SCHEMA_H
#define PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_SCHEMA_H
/*
 * What a PostgreSQL database says of itself in its catalog (schema.h): five questions for all tables together, and one for each
 * polymorphic pair.
 *
 * A table is called by its name alone where that finds it (search_path), else with its schema before it:
 * archive.customers. Left out: the catalogs, partitions (their table is there), and what belongs to an extension.
 * Types are as PostgreSQL writes them, those of a domain its base type's; an enumerated type's values are the column's
 * choices. Foreign tables are virtual ones. A table whose rows may not be read gives its pairs no values.
 *
 * Nothing tells one state of a catalog from another without asking as much, so it is asked each time.
 */
#include "stages/load/schema/schema.h"

extern const struct schema_database pg_schema;

#endif
