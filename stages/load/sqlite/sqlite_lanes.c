// SPDX-License-Identifier: MIT
#include "stages/load/sqlite/sqlite_lanes.h"

#include <pthread.h>

#include "base/mem.h"
#include "stages/load/sqlite/sqlite_connection.h"
#include "stages/load/sqlite/sqlite_split.h"

enum lane_state { LANE_FREE, LANE_HUNGRY, LANE_READING, LANE_FULL };

struct lane {
    struct sqlite_connection *connection; // taken; NULL: given back
    sqlite3_stmt *ranges, *once, *boundary;
    sqlite3_stmt *rows; // `ranges` or `once`, at the range; NULL: not begun
    enum lane_state state;
    struct sqlite_range range;
    uint64_t rows_n;          // of the range, so far
    bool standing;            // `rows` is at a row that has not been taken
    bool ended;               // the range
    struct batch *batch;      // owned
    struct arena_asked since; // of its arena, before it was filled
    struct err err;           // after the batch; STATUS_OK: none
};

struct sqlite_lanes {
    struct loader *loader;
    struct sqlite_source *source;
    const struct sqlite_columns *columns;
    const struct load_options *options;
    pthread_mutex_t lock;
    pthread_cond_t changed; // a lane has read
    struct sqlite_split split;
    struct lane lanes[SQLITE_POOL_MOST];
    uint32_t n;
    uint32_t queue[SQLITE_POOL_MOST], first, queued; // a ring
    uint32_t pieces;                                 // that were asked for and have not begun
    size_t records, bytes;                           // of a batch
    double row_bytes;                                // of late; 0: not known
    bool broken;                                     // no more ranges
    bool closed;
};

// Opening and closing --------------------------------------------------------------------------------------------------

// Nobody reads in it.
static void close_lane(struct sqlite_lanes *lanes, struct lane *lane) {
    struct sqlite_pool *pool = lanes->source->pool;
    if (!lane->connection)
        return;
    sqlite_pool_finalize(pool, lane->connection, lane->ranges);
    sqlite_pool_finalize(pool, lane->connection, lane->once);
    sqlite_pool_finalize(pool, lane->connection, lane->boundary);
    sqlite_range_release(&lane->range);
    if (lane != lanes->lanes) // that one is the source's
        sqlite_pool_give(pool, lane->connection);
    lane->connection = NULL;
    lane->rows = lane->ranges = lane->once = lane->boundary = NULL;
}

static void take_connections(struct sqlite_lanes *lanes, uint32_t most) {
    struct sqlite_source *source = lanes->source;
    sqlite_pool_finalize(source->pool, source->connection, source->rows);
    source->rows = NULL;
    lanes->lanes[lanes->n++].connection = source->connection;
    while (lanes->n < most && lanes->n < SQLITE_POOL_MOST) {
        struct sqlite_connection *c = sqlite_pool_take(source->pool, true);
        if (!c)
            break;
        lanes->lanes[lanes->n++].connection = c;
    }
    for (uint32_t i = 0; i < lanes->n; i++)
        lanes->lanes[i].batch = batch_new();
}

enum status sqlite_lanes_open(struct loader *loader, struct sqlite_source *source,
                              const struct sqlite_columns *columns, const struct load_options *options,
                              uint32_t most, struct sqlite_lanes **out, struct err *err) {
    struct sqlite_lanes *lanes = MEM_NEW(struct sqlite_lanes);
    lanes->loader = loader;
    lanes->source = source;
    lanes->columns = columns;
    lanes->options = options;
    pthread_mutex_init(&lanes->lock, NULL);
    pthread_cond_init(&lanes->changed, NULL);
    enum status status = sqlite_source_enter(source, err);
    if (status == STATUS_OK) {
        status = sqlite_split_init(&lanes->split, source, options, err);
        sqlite_source_leave(source);
    }
    const bool wanted = status == STATUS_OK && lanes->split.possible;
    source->unsplit = lanes->split.unsplit;
    if (wanted)
        take_connections(lanes, most);
    else
        sqlite_lanes_free(lanes);
    *out = wanted ? lanes : NULL;
    return status;
}

bool sqlite_lanes_close(struct sqlite_lanes *lanes) {
    bool idle = true;
    if (!lanes)
        return true;
    pthread_mutex_lock(&lanes->lock);
    lanes->closed = lanes->broken = true;
    for (uint32_t i = 0; i < lanes->n; i++)
        if (lanes->lanes[i].state == LANE_READING)
            idle = false;
        else
            close_lane(lanes, &lanes->lanes[i]);
    pthread_mutex_unlock(&lanes->lock);
    return idle;
}

void sqlite_lanes_free(struct sqlite_lanes *lanes) {
    if (!lanes)
        return;
    for (uint32_t i = 0; i < lanes->n; i++) {
        close_lane(lanes, &lanes->lanes[i]);
        batch_free(lanes->lanes[i].batch);
    }
    sqlite_split_release(&lanes->split);
    pthread_mutex_destroy(&lanes->lock);
    pthread_cond_destroy(&lanes->changed);
    mem_free(lanes);
}

// Reading: the lane is the caller's, its connection is entered -----------------------------------------------------------

static enum status prepare(const struct sqlite_lanes *lanes, const struct lane *lane, const struct buf *sql,
                           sqlite3_stmt **out, struct err *err) {
    if (*out)
        return STATUS_OK;
    if (sqlite3_prepare_v3(lane->connection->db, sql->p, (int)sql->n, SQLITE_PREPARE_PERSISTENT, out, NULL) !=
        SQLITE_OK)
        return sqlite_connection_error(lane->connection, 0, err);
    return sqlite_source_bind(lanes->source, lanes->options, *out, err);
}

static enum status begin_range(struct sqlite_lanes *lanes, struct lane *lane, struct err *err) {
    const enum sqlite_range_kind kind = lane->range.kind;
    sqlite3_stmt **stmt = kind == SQLITE_RANGE_NEXT ? &lane->ranges : &lane->once;
    if (prepare(lanes, lane, &lanes->split.sql[kind], stmt, err) != STATUS_OK)
        return err->status;
    sqlite_range_bind(&lane->range, *stmt);
    lane->rows = *stmt;
    lane->rows_n = 0;
    lane->standing = lane->ended = false;
    sqlite_pool_count_range(lanes->source->pool);
    return STATUS_OK;
}

static void end_range(struct lane *lane) {
    lane->ended = true;
    sqlite3_reset(lane->rows);
    if (lane->rows == lane->once) {
        sqlite3_finalize(lane->once);
        lane->once = NULL;
    }
    lane->rows = NULL;
}

// SQLITE_ROW, as long as there are rows in the range.
static int step(const struct sqlite_lanes *lanes, const struct lane *lane) {
    const int code = sqlite3_step(lane->rows);
    const bool beyond = code == SQLITE_ROW && !sqlite3_column_int(lane->rows, (int)lanes->columns->n);
    return beyond ? SQLITE_DONE : code;
}

// Until the batch is full and another row is there, or the range is at its end.
static enum status fill(const struct sqlite_lanes *lanes, struct lane *lane, size_t records, size_t bytes,
                        struct err *err) {
    struct batch *batch = lane->batch;
    const struct sqlite_row row = {.loader = lanes->loader,
                                   .columns = lanes->columns,
                                   .shape = sqlite_columns_shape(lanes->columns, &batch->arena),
                                   .rows = lane->rows};
    for (;;) {
        const int code = lane->standing ? SQLITE_ROW : step(lanes, lane);
        lane->standing = code == SQLITE_ROW;
        if (code != SQLITE_ROW) {
            const enum status status =
                code == SQLITE_DONE ? STATUS_OK : sqlite_connection_error(lane->connection, 0, err);
            end_range(lane);
            return status;
        }
        if (batch->items_n >= records || arena_used(&batch->arena) >= bytes)
            return STATUS_OK;
        sqlite_row_add(&row, batch);
        lane->standing = false;
        lane->rows_n++;
    }
}

static void read_lane(struct sqlite_lanes *lanes, struct lane *lane, size_t records, size_t bytes) {
    struct sqlite_pool *pool = lanes->source->pool;
    enum status status = sqlite_pool_enter(pool, lane->connection, &lane->err);
    batch_clear(lane->batch);
    lane->since = arena_asked(&lane->batch->arena);
    if (status != STATUS_OK) {
        lane->ended = true;
        return;
    }
    if (!lane->rows)
        status = begin_range(lanes, lane, &lane->err);
    if (status == STATUS_OK)
        status = fill(lanes, lane, records, bytes, &lane->err);
    lane->ended = lane->ended || status != STATUS_OK;
    sqlite_pool_leave(pool, lane->connection);
}

// Who reads what, under the lock -------------------------------------------------------------------------------------

static struct lane *front(struct sqlite_lanes *lanes) {
    return lanes->queued > 0 ? &lanes->lanes[lanes->queue[lanes->first]] : NULL;
}

static struct lane *find(struct sqlite_lanes *lanes, enum lane_state state) {
    for (uint32_t i = 0; i < lanes->queued; i++) {
        struct lane *lane = &lanes->lanes[lanes->queue[(lanes->first + i) % SQLITE_POOL_MOST]];
        if (lane->state == state)
            return lane;
    }
    for (uint32_t i = 0; i < lanes->n; i++)
        if (lanes->lanes[i].state == state)
            return &lanes->lanes[i];
    return NULL;
}

static uint32_t count(const struct sqlite_lanes *lanes, enum lane_state state) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < lanes->n; i++)
        n += lanes->lanes[i].state == state;
    return n;
}

static bool has_more(const struct sqlite_lanes *lanes) {
    return !lanes->broken && !lanes->split.ended;
}

// How many rows a batch is likely to take: what a range has beyond that makes a small one.
static uint64_t rows_of_batch(const struct sqlite_lanes *lanes) {
    const double fit = lanes->row_bytes > 0 ? (double)lanes->bytes / lanes->row_bytes : 0;
    return fit >= 1 && fit < (double)lanes->records ? (uint64_t)fit : lanes->records;
}

static void learn(struct sqlite_lanes *lanes, const struct lane *lane) {
    enum { WEIGHT = 4 };
    const double rows = (double)lane->batch->items_n;
    if (lane->ended && lane->err.status == STATUS_OK)
        sqlite_split_learn(&lanes->split, &lane->range, lane->rows_n);
    if (rows == 0)
        return;
    const double bytes = (double)arena_used(&lane->batch->arena) / rows;
    lanes->row_bytes += lanes->row_bytes > 0 ? (bytes - lanes->row_bytes) / WEIGHT : bytes;
}

// Where keys have to be looked up the lane's connection looks.
static enum status next_range(struct sqlite_lanes *lanes, struct lane *lane) {
    struct sqlite_pool *pool = lanes->source->pool;
    sqlite_range_release(&lane->range);
    if (lanes->split.whole_numbers) {
        sqlite_split_next(&lanes->split, NULL, rows_of_batch(lanes), &lane->range);
        return STATUS_OK;
    }
    enum status status = sqlite_pool_enter(pool, lane->connection, &lane->err);
    if (status != STATUS_OK)
        return status;
    status = prepare(lanes, lane, &lanes->split.boundary, &lane->boundary, &lane->err);
    if (status == STATUS_OK &&
        !sqlite_split_next(&lanes->split, lane->boundary, rows_of_batch(lanes), &lane->range))
        status = sqlite_connection_error(lane->connection, 0, &lane->err);
    sqlite_pool_leave(pool, lane->connection);
    return status;
}

static void enqueue(struct sqlite_lanes *lanes, const struct lane *lane) {
    lanes->queue[(lanes->first + lanes->queued++) % SQLITE_POOL_MOST] = (uint32_t)(lane - lanes->lanes);
}

// The lane that the caller is to read in; NULL: none.
static struct lane *choose(struct sqlite_lanes *lanes) {
    struct lane *lane = lanes->closed ? NULL : find(lanes, LANE_HUNGRY);
    if (!lane && has_more(lanes)) {
        lane = find(lanes, LANE_FREE);
        if (!lane)
            return NULL;
        enqueue(lanes, lane);
        lane->err.status = STATUS_OK;
        if (next_range(lanes, lane) != STATUS_OK) {
            batch_clear(lane->batch);
            lane->since = arena_asked(&lane->batch->arena);
            lane->ended = lanes->broken = true;
            lane->state = LANE_FULL;
            return NULL;
        }
    }
    if (lane)
        lane->state = LANE_READING;
    return lane;
}

static void dequeue(struct sqlite_lanes *lanes) {
    front(lanes)->state = LANE_FREE;
    lanes->first = (lanes->first + 1) % SQLITE_POOL_MOST;
    lanes->queued--;
}

// Ranges without rows are passed over.
static bool is_ready(struct sqlite_lanes *lanes) {
    for (;;) {
        const struct lane *lane = front(lanes);
        if (!lane)
            return !has_more(lanes);
        if (lane->state != LANE_FULL)
            return false;
        if (lane->batch->items_n > 0 || lane->err.status != STATUS_OK)
            return true;
        dequeue(lanes);
    }
}

// Reads one piece. The lock is let go meanwhile.
static bool read_piece(struct sqlite_lanes *lanes) {
    const size_t records = lanes->records, bytes = lanes->bytes;
    struct lane *lane = choose(lanes);
    if (!lane)
        return front(lanes) && front(lanes)->state == LANE_FULL;
    pthread_mutex_unlock(&lanes->lock);
    read_lane(lanes, lane, records, bytes);
    pthread_mutex_lock(&lanes->lock);
    lane->state = LANE_FULL;
    learn(lanes, lane);
    if (lane->err.status != STATUS_OK)
        lanes->broken = true;
    if (lanes->closed)
        close_lane(lanes, lane);
    pthread_cond_broadcast(&lanes->changed);
    return lane == front(lanes);
}

// --------------------------------------------------------------------------------------------------------------------

bool sqlite_lanes_ahead(struct sqlite_lanes *lanes) {
    pthread_mutex_lock(&lanes->lock);
    lanes->pieces--;
    const bool first = read_piece(lanes);
    pthread_mutex_unlock(&lanes->lock);
    return first;
}

static void take_size(struct sqlite_lanes *lanes) {
    lanes->records = lanes->loader->batch_records;
    lanes->bytes = lanes->loader->batch_bytes;
}

uint32_t sqlite_lanes_wanted(struct sqlite_lanes *lanes) {
    pthread_mutex_lock(&lanes->lock);
    take_size(lanes);
    const uint32_t work = count(lanes, LANE_HUNGRY) + (has_more(lanes) ? count(lanes, LANE_FREE) : 0);
    const uint32_t more = work > lanes->pieces && !lanes->closed ? work - lanes->pieces : 0;
    lanes->pieces += more;
    pthread_mutex_unlock(&lanes->lock);
    return more;
}

bool sqlite_lanes_ready(struct sqlite_lanes *lanes) {
    pthread_mutex_lock(&lanes->lock);
    const bool ready = is_ready(lanes);
    pthread_mutex_unlock(&lanes->lock);
    return ready;
}

double sqlite_lanes_share(struct sqlite_lanes *lanes) {
    pthread_mutex_lock(&lanes->lock);
    const double share = sqlite_split_share(&lanes->split);
    pthread_mutex_unlock(&lanes->lock);
    return share;
}

// What the first lane has read becomes the batch.
static enum status give_batch(struct sqlite_lanes *lanes, struct lane *lane, struct batch *batch,
                              struct err *err) {
    struct loader *loader = lanes->loader;
    batch_exchange(batch, lane->batch, lane->since);
    for (size_t i = 0; i < batch->items_n; i++)
        sqlite_row_number(loader, batch, &batch->items[i], loader->ordinal++);
    const enum status status = lane->err.status;
    if (status != STATUS_OK && loader->ordinal > 0)
        err_set(err, status, "%s after row %llu", lane->err.text, (unsigned long long)loader->ordinal);
    else if (status != STATUS_OK)
        *err = lane->err;
    if (lane->ended)
        dequeue(lanes);
    else
        lane->state = LANE_HUNGRY;
    return status;
}

enum status sqlite_lanes_pull(struct sqlite_lanes *lanes, struct batch *batch, struct err *err) {
    pthread_mutex_lock(&lanes->lock);
    take_size(lanes);
    while (!is_ready(lanes))
        if (front(lanes) && front(lanes)->state == LANE_READING)
            pthread_cond_wait(&lanes->changed, &lanes->lock);
        else
            read_piece(lanes);
    struct lane *lane = front(lanes);
    const enum status status = lane ? give_batch(lanes, lane, batch, err) : STATUS_OK;
    pthread_mutex_unlock(&lanes->lock);
    return status;
}
