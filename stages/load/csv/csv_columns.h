// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_CSV_CSV_COLUMNS_H
#define PRESSRUN_STAGES_LOAD_CSV_CSV_COLUMNS_H
/*
 * The columns of a CSV source: their names, from the manifest or the header, and their types; and a view of them
 * per projection, which tells where in a record's map each field goes.
 *
 * Errors are errors of the source: a name that is empty or stands twice, a type for a column that is not there, a
 * header that cannot be read.
 *
 * Threads: named once, by whoever pulls first, before any record is parsed. Views are made by the readers' threads as
 * they are needed, without a lock, and stay until the columns are released.
 */
#include <stdatomic.h>

#include "stages/load/load.h"

enum { CSV_COLUMNS_MAX = 1 << 20 };

struct csv_place {
    enum column_type type;
    int32_t slot;                  // in the map's values; -1: not wanted, checked all the same
    const struct projection *want; // of what is in the field; NULL: all
};

struct csv_view {
    const struct shapes *shapes;
    const struct projection *projection;
    const struct shape *shape; // shared, or, for more columns than shapes share, the view's own
    struct csv_view *next;
    size_t parsed;              // how many columns are wanted
    struct arena arena;         // of a private shape
    struct csv_place columns[]; // as many as the columns
};

struct csv_columns {
    struct str source; // its name, for messages
    struct arena arena;
    struct load_column *types; // as declared
    size_t types_n;
    struct load_column *columns;
    size_t n;                         // 0: not named yet
    struct value *keys;               // the names as strings
    const char *named_in;             // "the header", "columns"
    _Atomic(struct csv_view *) views; // owned
};

// Takes over types and, where there are any, names.
enum status csv_columns_init(struct csv_columns *c, const struct load_options *options, struct err *err);
void csv_columns_release(struct csv_columns *c);

// The names in the first record, which stands on this line; where there are names already it must have as many.
enum status csv_columns_header(struct csv_columns *c, char delimiter, struct str text, uint64_t line,
                               struct err *err);

// What the reader wants of the columns. NULL: no memory.
const struct csv_view *csv_columns_view(struct csv_columns *c, const struct reader *reader);

#endif
