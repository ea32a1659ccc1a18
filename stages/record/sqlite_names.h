// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RECORD_SQLITE_NAMES_H
#define PRESSRUN_STAGES_RECORD_SQLITE_NAMES_H
/*
 * Names of tables and columns as SQLite understands them, for whoever reads from a database and whoever writes into
 * one. Knows nothing else of SQLite, nor its library. Names have no NUL.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

// Adds a name as it stands in SQL whatever is in it: in double quotes, with each of its own doubled.
void sqlite_names_add(struct buf *sql, struct str name);
// The same name: the case of ASCII letters does not matter, that of all others does.
bool sqlite_names_equal(struct str a, struct str b);

#endif
