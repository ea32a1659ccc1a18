// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_TABLE_NAMES_H
#define PRESSRUN_STAGES_EMIT_TABLE_NAMES_H
/*
 * Names of columns: a set in which one is found without a look at all others, and what the rows of a lane ask a table
 * for, gathered beforehand so that the table is changed at once instead of row by row.
 *
 * Names are the same as SQLite has it (sqlite_names.h). One thread at a time.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "stages/record/shape.h"

// A set that numbers its names from 0. Their texts are the caller's.
struct table_names {
    struct str *names; // owned
    size_t n, cap;
    uint32_t *slots; // owned: number + 1, 0 is free
    size_t slots_n;  // a power of two
    struct buf lower;
};

#define TABLE_NAME_NONE SIZE_MAX

size_t table_names_find(struct table_names *names, struct str name); // its number, or TABLE_NAME_NONE
size_t table_names_add(struct table_names *names, struct str name);  // which is not in it
void table_names_clear(struct table_names *names);
void table_names_release(struct table_names *names);

/*
 * The columns of rows, in groups: what one row has that those before it had not. Of a group a table gets all or none.
 * Holds some thousand at most; what it leaves out then is found when its row is put.
 */
struct table_wishes {
    struct table_names names;
    struct arena arena; // of their texts
    size_t *ends;       // owned; of the groups in names
    size_t ends_n, ends_cap;
    const struct shape *seen; // the last shared one
};

void table_wishes_init(struct table_wishes *wishes);
void table_wishes_add(struct table_wishes *wishes, const struct shape *shape);
void table_wishes_clear(struct table_wishes *wishes);
void table_wishes_release(struct table_wishes *wishes);

#endif
