// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_POOL_H
#define PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_POOL_H
/*
 * The connections of a run to its PostgreSQL databases: a pool for each url, which all sources that have it share. What is
 * read through any of them is one snapshot, which the first connection exports and the others begin with.
 *
 * A connection belongs to whoever took it until he gives it back; a server answers one question at a time. So every source
 * that is being read has one whatever `most` says, which bounds those beside it.
 *
 * What is asked stands behind a savepoint, so one that ended in an error, or was given up, is as good as new
 * when it is given back; where the server itself has gone it is closed, and counts as failed.
 *
 * The snapshot ends, and all connections do, when nobody uses the pool and nobody is expected to.
 *
 * Any thread. The texts of load_options stay as long as the pools.
 */
#include "stages/load/load.h"
#include "stages/load/sqlite/sqlite_pool.h"

struct pg_pools; // owned by whoever made it: a run, or a source that shares with nobody
struct pg_pools *pg_pools_new(uint32_t most);
uint32_t pg_pools_most(const struct pg_pools *pools);
void pg_pools_free(struct pg_pools *pools); // when nobody uses any of them
// Somebody is going to read the database of this url, or has come to his end, one way or another.
void pg_pools_expect(struct pg_pools *pools, const char *url);
void pg_pools_done(struct pg_pools *pools, const char *url);
// The i-th database that was opened. False: there are no more.
bool pg_pools_look(struct pg_pools *pools, size_t i, struct sqlite_pool_statistics *out);

// For the formats of load/ -------------------------------------------------------------------------------------

struct pg_connection;
// A connection of options->path's pool, in its snapshot. STATUS_OK and NULL in *out: `beside` is true, and there may be
// no more of them.
enum status pg_pools_take(struct pg_pools *pools, const struct load_options *options, bool beside,
                          struct pg_connection **out, struct err *err);
void pg_pools_give(struct pg_connection *c);
void pg_pools_count_range(struct pg_connection *c); // that was read by itself

#endif
