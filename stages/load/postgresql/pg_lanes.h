// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_LANES_H
#define PRESSRUN_STAGES_LOAD_POSTGRESQL_PG_LANES_H
/*
 * The rows of a statement, in order, over one connection or several. Several read ranges of a column with integers: each
 * lane has a connection and a range; the rows of the range whose turn it is are given as they come, those of the
 * ranges behind it are taken in meanwhile, PG_LANE_BYTES of a lane at most. What is beyond waits in the server.
 *
 * Ranges are of equal width, and in the column's order, its rows without a value last. So rows come as the statement
 * with that order would give them, however many lanes there are, if no value of the column is there twice.
 *
 * No threads are needed: the servers work at once, and whoever pulls looks at all sockets. One thread at a time.
 */
#include "stages/load/postgresql/pg_pool.h"
#include "stages/load/postgresql/pg_source.h"

enum { PG_LANE_BYTES = 16 << 20, PG_RANGES = 16 };

struct pg_lane {
    struct pg_connection *connection; // borrowed from the pool until the lanes are closed
    size_t range;
    bool begun, ended;
    struct err failure; // what ended it, told when its turn comes
    struct buf rows;    // taken in ahead: of each the length (a size_t), then its bytes
    size_t at;
};

struct pg_lanes {
    const struct pg_source *source; // borrowed
    struct pg_lane *lanes;          // owned
    size_t lanes_n;
    int64_t *bounds; // owned: where each range begins, but for the first, which has all that is before
    size_t ranges_n, current, next;
    char *held; // of libpq: the row that was given last
};

// `connection` is the first lane's from now on. There may be up to `most` in all.
enum status pg_lanes_open(struct pg_lanes *lanes, struct pg_pools *pools, struct pg_connection *connection,
                          const struct pg_source *source, const struct load_options *options, uint32_t most,
                          struct err *err);
// The next row, borrowed until the next call; {NULL, 0}: there is none. `rows` came before it.
enum status pg_lanes_row(struct pg_lanes *lanes, uint64_t rows, struct str *row, struct err *err);
// Before a number of rows is asked for: takes in what has come.
enum status pg_lanes_look(struct pg_lanes *lanes, struct err *err);
void pg_lanes_close(struct pg_lanes *lanes); // gives the connections back; of zeroed ones too

#endif
