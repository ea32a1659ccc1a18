// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_VALUES_H
#define PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_VALUES_H
/*
 * The rows of a COPY in text format to records: fields between tabs, \N for NULL, and backslashes before what would
 * otherwise end a field or a row. What a field's text becomes is its column's type (pg_types.h).
 *
 * Text without a backslash is not copied. What fails the record: bytes that are not UTF-8, as a database of encoding
 * SQL_ASCII may have, JSON that the reader refuses (too deep), too many fields. Columns that are not wanted are
 * only passed over.
 *
 * Threads: any number, each with its own reader and batch.
 */
#include "stages/load/csv/csv_columns.h"
#include "stages/load/loader.h"
#include "stages/load/postgresql/pg_types.h"

// Sets item->record or fails the item. CSV_PAD bytes behind item->raw can be read.
void pg_values_parse(const struct loader *loader, struct csv_columns *columns, const struct pg_type *types,
                     struct reader *reader, struct batch *batch, struct item *item);

#endif
