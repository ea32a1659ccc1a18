// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_POOL_H
#define PRESSRUN_STAGES_LOAD_SQLITE_SQLITE_POOL_H
/*
 * The connections of a run to its SQLite databases: a pool for each database, which all sources that read it share. What
 * is read by any of them is one snapshot: what the database was when the first of them opened it.
 *
 *   rollback journal   who reads holds a lock, and no writer commits meanwhile; connections are opened as they are
 *                      needed. One that a waiting writer keeps out is done without.
 *   write-ahead log    writers go on, so all connections that may be needed are opened at once, and begin their
 *                      transactions at once; where somebody committed in between they begin again. After a number of
 *                      tries one connection has to do.
 *
 * The snapshot ends when nobody uses the pool, and nobody is expected to (sqlite_pools_expect).
 *
 * A statement belongs to a connection, and a connection is used by one thread at a time: whoever has taken one enters it
 * for as long as a batch takes, and leaves it. Others wait, as long as the pool's patience.
 *
 * A connection is looked at before somebody takes it anew: one that has lost its transaction, or whose file is another one
 * than the first one's, is closed, and counts as failed.
 *
 * Any thread. Names of load_options stay as long as the pools.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "stages/load/load.h"

enum { SQLITE_POOL_MOST = 64, SQLITE_POOL_PATIENCE_MS = 5000 };

struct sqlite_pool_limits {
    uint32_t least;       // connections that are opened at once, with the first; 0: as 1
    uint32_t most;        // of a database at once; 0: as 1
    uint32_t patience_ms; // how long locks and busy connections are waited for
};

// Of a database, so far.
struct sqlite_pool_statistics {
    struct str name;    // as the first source calls it
    uint64_t opened;    // connections
    uint64_t reused;    // connections that were taken when somebody had used them before
    uint64_t waited;    // times that a connection was another one's
    uint64_t waited_ns; // how long in all; 0 where there is no clock
    uint64_t failed;    // connections that were not what they should be
    uint64_t ranges;    // that were read by themselves
    uint32_t at_once;   // connections that were used at the same time, at most
    bool has_log;       // a write-ahead log
};

struct sqlite_pools; // owned by whoever made it: a run, or a source that shares with nobody
struct sqlite_pools *sqlite_pools_new(const struct sqlite_pool_limits *limits, const struct clock *clock);
void sqlite_pools_free(struct sqlite_pools *pools); // when nobody uses any of them
uint32_t sqlite_pools_most(const struct sqlite_pools *pools);
// Somebody is going to read the database at this path, or has come to his end, one way or another.
void sqlite_pools_expect(struct sqlite_pools *pools, const char *path);
void sqlite_pools_done(struct sqlite_pools *pools, const char *path);
// Others are expected, too: what they read and what this one reads must be of one state.
bool sqlite_pools_is_shared(struct sqlite_pools *pools, const char *path);
// The i-th database that was opened. False: there are no more.
bool sqlite_pools_look(struct sqlite_pools *pools, size_t i, struct sqlite_pool_statistics *out);

// For the formats of load/ ---------------------------------------------------------------------------------------

struct sqlite_pool;
struct sqlite_connection;
// Begins to use the pool of options->path; the first one opens its connections. The caller releases it.
enum status sqlite_pool_use(struct sqlite_pools *pools, const struct load_options *options,
                            struct sqlite_pool **out, struct err *err);
void sqlite_pool_release(struct sqlite_pool *pool);
// The database's (sqlite_identity.h) from just before the pool's snapshot. As long as it is the same, so is the database.
struct digest sqlite_pool_identity(const struct sqlite_pool *pool);

// The connection that has the fewest statements; another one where all have some and there may be one. `other`: NULL,
// where that would be one that has some.
struct sqlite_connection *sqlite_pool_take(struct sqlite_pool *pool, bool other);
void sqlite_pool_give(struct sqlite_pool *pool, struct sqlite_connection *c); // its statement is gone
// STATUS_CONFLICT: another one had it for longer than the pool's patience. STATUS_CANCELLED: interrupted. `err` NULL: it
// waits as long as it takes.
enum status sqlite_pool_enter(struct sqlite_pool *pool, struct sqlite_connection *c, struct err *err);
void sqlite_pool_leave(struct sqlite_pool *pool, struct sqlite_connection *c);
// Ends a statement of it (NULL: none), whoever is at it now.
struct sqlite3_stmt;
void sqlite_pool_finalize(struct sqlite_pool *pool, struct sqlite_connection *c, struct sqlite3_stmt *stmt);
void sqlite_pool_count_range(struct sqlite_pool *pool);

#endif
