// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_SPLIT_H
#define PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_SPLIT_H
/*
 * The rows of a source in ranges of a key, so that several connections read them at once: a table's rowid, or the column
 * that the manifest names. One range after the other they are all of the rows, in the key's order: first those without a
 * key (NULL), then the others.
 *
 *     rows of a key    [ NULL ][ least <= key <= a ][ a < key <= b ][ b < key <= c ] ...
 *
 * A statement begins where its range does, and reads on in the key's order; its last column, behind the records' own, says
 * whether a row is still in the range. (A bound of the query itself could take the place of an upper bound of ours.)
 *
 * Where the keys are whole numbers, how wide a range is follows from how many rows the ones before it had. Other keys are
 * looked up: the next boundary is so many rows further on.
 *
 * A source can be split where SQLite finds a range by an index: else each range would run the whole query. `unsplit` says
 * why it cannot. Ranges are the same, and so is the order of rows with equal keys, however many connections there are.
 *
 * One thread at a time; statements belong to the connection they were prepared for.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "stages/load/sqlite/sqlite_source.h"

enum sqlite_range_kind { SQLITE_RANGE_NULLS, SQLITE_RANGE_FIRST, SQLITE_RANGE_NEXT, SQLITE_RANGE_KINDS };

// Where a range begins and ends: above `from` (the first: with it), up to and with `to`.
struct sqlite_range {
    enum sqlite_range_kind kind;
    int64_t from, to;
    sqlite3_value *from_key, *to_key; // of keys that are no whole numbers; owned
    uint64_t width;                   // 0: it is not known in numbers
};

struct sqlite_split {
    bool possible;
    const char *unsplit; // NULL: nobody asked for it, or it is possible
    struct buf sql[SQLITE_RANGE_KINDS], boundary;
    bool whole_numbers, has_nulls;
    int64_t least, most;             // whole numbers
    sqlite3_value *lowest, *highest; // other keys; owned
    // how far it is
    bool begun, ended;
    int64_t next;            // above it
    sqlite3_value *next_key; // owned
    double rows, width;      // of late; together how dense the keys are
};

// Finds out whether and how the source can be split; its connection is entered.
enum status sqlite_split_init(struct sqlite_split *split, const struct sqlite_source *source,
                              const struct load_options *options, struct err *err);
void sqlite_split_release(struct sqlite_split *split);

// The next range, of about so many rows. `boundary`: prepared with split->boundary, where keys are no whole numbers.
// False: it could not be found, and SQLite says why.
bool sqlite_split_next(struct sqlite_split *split, sqlite3_stmt *boundary, uint64_t rows,
                       struct sqlite_range *range);
void sqlite_split_learn(struct sqlite_split *split, const struct sqlite_range *range, uint64_t rows);
double sqlite_split_share(const struct sqlite_split *split); // that has been handed out; 0: it is not known

void sqlite_range_bind(const struct sqlite_range *range, sqlite3_stmt *stmt);
void sqlite_range_release(struct sqlite_range *range);

#endif
