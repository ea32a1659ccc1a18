// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_EMIT_TABLE_FILE_H
#define PRESSRUN_STAGES_EMIT_TABLE_FILE_H
/*
 * A SQLite database as a file beneath the output directory, its connection, and the transaction in it; shared by the
 * writers of its tables.
 *
 * The file is found as all outputs are, and its own name must be no symbolic link. SQLite opens by path, so it gets
 * the real one of the directory that was found; its journal, which it makes beside the file, it does not follow
 * either. A file that was made here and stays empty is removed when the last writer leaves.
 *
 * Flushes share a transaction, since what costs is ending one: it is due to end after so many flushes or bytes, of
 * all writers together. A writer learns later, by `settle`, that the transaction its rows are in was committed. One
 * that fails is undone whole and breaks the file: nothing is written any more, and whoever had rows in it has lost
 * them (table_file_has_lost).
 *
 * All of a transaction stays in memory until it is committed: nobody who reads the database is in its way before, and
 * somebody else's lock is only waited for where it begins or is committed. That waiting ends when the run is interrupted.
 *
 * Foreign keys are enforced. Where one refers to a table that another job writes, the job that needs it must say so,
 * or it depends on chance which row is there first.
 *
 * Ownership: the file ends with its last writer. Threads: enter and leave lock by themselves; all that is called
 * between the two, and every other use of `db`, is done by one that holds the lock.
 */
#include <pthread.h>
#include <sqlite3.h>

#include "base/arena.h"
#include "base/err.h"
#include "stages/emit/emit.h"

enum { TABLE_FILE_FLUSHES = 512 }; // of a transaction; a flush is a batch of less than a millisecond

struct table_file {
    struct fs fs;
    int root, directory; // the latter is the root itself where the file has no other
    struct arena arena;  // of the texts below
    struct str path;
    const char *name;             // the file's own
    bool created;                 // the file; until something is in it, it goes again
    bool nameless;                // once the power is lost: durable, but made here and not synced since
    bool force;                   // rows that are there already are written, too
    const atomic_bool *interrupt; // may be NULL
    sqlite3 *db;
    pthread_mutex_t lock;
    struct table_writer *first; // of those that are open
    bool broken, in_transaction;
    uint64_t transaction, committed; // numbers from 1: the last one begun, the last one that is on the disk
    size_t joined;                   // writers that take part in the transaction
    size_t flushes, bytes;           // of the transaction
};

// One who writes one table.
struct table_writer {
    struct table_file *file;
    struct table_writer *next;
    struct str table;
    uint64_t transaction;       // that its pending rows are in; 0: none
    struct lane_result pending; // of a transaction that was not committed when it was last looked at
    struct lane_result settled; // committed, not yet reported
};

// Opens the file for the writer, or has it share the one that `beside` (NULL: none) writes to, in another table.
enum status table_file_enter(const struct sink_options *options, const struct table_writer *beside,
                             struct table_writer *writer, struct err *err);
void table_file_leave(struct table_writer *writer); // the last one rolls back what is open. Not entered: fine

void table_file_lock(struct table_file *file);
void table_file_unlock(struct table_file *file);

// Begins a transaction, where there is none, and has the writer take part in it.
enum status table_file_join(struct table_writer *writer, struct err *err);

// Whether so much is in the transaction that it is better ended: flushes, or bytes, which matter within a flush, too.
bool table_file_is_due(const struct table_file *file);
bool table_file_is_large(const struct table_file *file);

// On failure the file is broken.
enum status table_file_commit(struct table_file *file, struct err *err);
void table_file_break(struct table_file *file);

// Where the file was made here and is to be durable: its name is on the disk, too, as what was committed is.
enum status table_file_keep_name(struct table_file *file, struct err *err);

// Takes the writer's rows out of the transaction, if nobody else takes part in it; else commits all of it.
enum status table_file_withdraw(struct table_writer *writer, struct err *err);

// What of the writer's was committed since it last asked.
void table_file_settle(struct table_writer *writer, struct lane_result *result);
bool table_file_has_lost(const struct table_writer *writer); // rows that were pending

bool table_file_is_interrupted(const struct table_file *file);

// "cannot write PATH: WHY"; the second says what the last call of SQLite's had to say, the third is STATUS_CANCELLED.
enum status table_file_refuse(struct str path, const char *why, struct err *err);
enum status table_file_error(const struct table_file *file, struct err *err);
enum status table_file_interrupted(const struct table_file *file, struct err *err);

#endif
