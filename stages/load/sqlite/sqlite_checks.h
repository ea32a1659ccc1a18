// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_CHECKS_H
#define PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_CHECKS_H
/*
 * The values that a SQLite table lets a column have, where it says so by CHECK (column IN ('a', 'b')), of the column or of
 * the table. No pragma tells it, so this is read from the SQL with which the table was made, word by word. Any other
 * condition, and texts in double quotes, which may be columns, say nothing here.
 *
 * Any text is answered: SQL that is none has no such conditions. The first condition of a column counts.
 */
#include "stages/load/schema/schema.h"

// Sets the choices of the table's columns that have such a condition.
void sqlite_checks_read(struct schema *schema, struct schema_table *table, struct str sql);

#endif
