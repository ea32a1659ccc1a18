// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_SCHEMA_H
#define PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_SCHEMA_H
/*
 * What a SQLite database says of its tables and views, by SQLite's own pragmas. Of their SQL only conditions that
 * no pragma tells are read (sqlite_checks.h). All in one transaction. Names in foreign keys are spelt as the tables they name; a foreign key that names no columns refers to the
 * other's primary key.
 *
 * A view that SQLite cannot compile, or a virtual table whose module is not there, has a fault and no columns; what
 * is wrong with the database as a whole is an error. One thread.
 */
#include "stages/load/schema/schema.h"

extern const struct schema_database sqlite_schema;

#endif
