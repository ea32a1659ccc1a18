// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_TABLE_ROWS_H
#define PRESSRUN_STAGES_EMIT_TABLE_ROWS_H
/*
 * Rows into one table of an open SQLite database: the table and its columns are made as rows ask for them, and a row
 * takes the place of one that has the same unique columns. A row that is there already is not written.
 *
 * Columns made here have no type, so values keep theirs. Columns that a row has no value for become NULL, in a row
 * that is replaced too, so that a table does not depend on what was in it; but of a table that others made, columns
 * with a default, a NOT NULL or a part in the primary key are left to themselves.
 *
 * Same means same type and same bytes once the column has made of a value what it makes of it, whatever its collation.
 *
 * Columns are better made before the rows that ask for them are put (table_rows_widen): then all rows share a
 * statement, but for those that have different ones of the columns which are left to themselves.
 *
 * With the file's `force` rows that do not differ are written, too.
 *
 * A row that the table does not take (a constraint, a trigger that raises, a column that cannot be) is refused, and
 * leaves the others as they are; so is one with the key of a row that this run has put there already (table_keys.h).
 * What a trigger ignores with RAISE(IGNORE) counts as unchanged. Columns that a refused row asked for may stay.
 *
 * Transactions are the caller's, and must be open where rows are put. One thread at a time.
 */
#include "stages/emit/table_file.h"
#include "stages/emit/table_names.h"
#include "stages/emit/table_values.h"

struct table_rows; // owned

// Looks at the table, if it is there. `unique` none: `key` tells rows apart. All of it must outlive the rows.
enum status table_rows_open(const struct table_file *file, struct str table, const struct str *unique,
                            size_t unique_n, struct table_rows **out, struct err *err);
void table_rows_free(struct table_rows *rows); // NULL is fine

bool table_rows_is_made(const struct table_rows *rows);
// Makes the table, with these columns; it must be missing.
enum status table_rows_make(struct table_rows *rows, const struct str *names, size_t n, struct err *err);
// Makes the table where it is missing, or adds columns to it. Rows whose columns cannot be are refused later.
enum status table_rows_widen(struct table_rows *rows, const struct table_wishes *wishes, struct err *err);

enum table_put { TABLE_UNCHANGED, TABLE_WRITTEN, TABLE_REFUSED };

// STATUS_OK also where the row is refused: `err` says why then. Otherwise the transaction is lost.
enum status table_rows_put(struct table_rows *rows, const struct table_row *row, enum table_put *put,
                           struct err *err);

#endif
