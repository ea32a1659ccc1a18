// SPDX-License-Identifier: MIT
#include "stages/load/postgresql/pg_lanes.h"

#include <poll.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stages/load/postgresql/pg_connection.h"
#include "stages/load/postgresql/pg_query.h"

enum { LANES_MOST = 64 };

// Ranges -----------------------------------------------------------------------------------------------------

// The statement's rows of a range; of all where there is but one.
static void write_range(const struct pg_lanes *lanes, size_t range, struct buf *sql) {
    const struct pg_source *source = lanes->source;
    buf_add_text(sql, "COPY (");
    if (!source->split.p) {
        buf_add_str(sql, buf_str(&source->sql));
        buf_add_str(sql, buf_str(&source->order));
        buf_add_text(sql, "\n) TO STDOUT");
        return;
    }
    struct buf name = BUF_INIT;
    pg_query_add_name(&name, source->split);
    const char *key = buf_text(&name);
    buf_printf(sql, "SELECT * FROM (%.*s\n) AS pressrun%s", (int)source->sql.n, source->sql.p,
               lanes->ranges_n > 1 ? " WHERE " : "");
    if (range > 0)
        buf_printf(sql, "%s >= %lld", key, (long long)lanes->bounds[range]);
    if (range > 0 && range + 1 < lanes->ranges_n)
        buf_add_text(sql, " AND ");
    if (range + 1 < lanes->ranges_n)
        buf_printf(sql, "%s < %lld", key, (long long)lanes->bounds[range + 1]);
    else if (range > 0)
        buf_printf(sql, " OR %s IS NULL", key);
    buf_printf(sql, " ORDER BY %s) TO STDOUT", key);
    buf_release(&name);
}

// Of equal width, each at least one wide. The difference of two integers fits an unsigned one.
static void set_bounds(struct pg_lanes *lanes, int64_t low, int64_t high) {
    const uint64_t width = (uint64_t)high - (uint64_t)low;
    const uint64_t n = width < PG_RANGES ? width + 1 : PG_RANGES;
    lanes->bounds = MEM_NEW_ARRAY(int64_t, n);
    lanes->ranges_n = n;
    for (uint64_t i = 0; i < n; i++)
        lanes->bounds[i] = (int64_t)((uint64_t)low + width / n * i + width % n * i / n);
}

static enum status find_bounds(struct pg_lanes *lanes, struct pg_connection *c, struct err *err) {
    struct buf sql = BUF_INIT, name = BUF_INIT;
    PGresult *result;
    pg_query_add_name(&name, lanes->source->split);
    const char *key = buf_text(&name);
    buf_printf(&sql, "SELECT min(%s), max(%s) FROM (%.*s\n) AS pressrun", key, key, (int)lanes->source->sql.n,
               lanes->source->sql.p);
    enum status status = pg_connection_ask(c, buf_text(&sql), &result, err);
    if (status == STATUS_OK && !c->pg.getisnull(result, 0, 0))
        set_bounds(lanes, strtoll(c->pg.getvalue(result, 0, 0), NULL, 10),
                   strtoll(c->pg.getvalue(result, 0, 1), NULL, 10));
    c->pg.clear(result);
    buf_release(&sql);
    buf_release(&name);
    return status;
}

// Lanes ------------------------------------------------------------------------------------------------------

static enum status begin(struct pg_lanes *lanes, struct pg_lane *lane, struct err *err) {
    struct buf sql = BUF_INIT;
    lane->range = lanes->next++;
    lane->begun = true;
    lane->ended = false;
    lane->failure.status = STATUS_OK;
    write_range(lanes, lane->range, &sql);
    enum status status = pg_connection_copy(lane->connection, buf_text(&sql), err);
    buf_release(&sql);
    if (status == STATUS_OK && lanes->ranges_n > 1)
        pg_pools_count_range(lane->connection);
    return status;
}

// Those that have nothing to do begin the next ranges.
static enum status begin_all(struct pg_lanes *lanes, struct err *err) {
    for (size_t i = 0; i < lanes->lanes_n && lanes->next < lanes->ranges_n; i++)
        if (!lanes->lanes[i].begun && begin(lanes, &lanes->lanes[i], err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

static void add_lane(struct pg_lanes *lanes, struct pg_connection *c) {
    lanes->lanes[lanes->lanes_n++] = (struct pg_lane){.connection = c};
}

enum status pg_lanes_open(struct pg_lanes *lanes, struct pg_pools *pools, struct pg_connection *connection,
                          const struct pg_source *source, const struct load_options *options, uint32_t most,
                          struct err *err) {
    most = most < LANES_MOST ? most : LANES_MOST;
    *lanes = (struct pg_lanes){
        .source = source, .ranges_n = 1, .lanes = MEM_NEW_ARRAY(struct pg_lane, LANES_MOST)};
    add_lane(lanes, connection);
    if (source->split.p && most > 1 && find_bounds(lanes, connection, err) != STATUS_OK)
        return err->status;
    while (lanes->lanes_n < most && lanes->lanes_n < lanes->ranges_n) {
        struct pg_connection *beside;
        if (pg_pools_take(pools, options, true, &beside, err) != STATUS_OK)
            return err->status;
        if (!beside)
            break;
        add_lane(lanes, beside);
    }
    return begin_all(lanes, err);
}

void pg_lanes_close(struct pg_lanes *lanes) {
    for (size_t i = 0; i < lanes->lanes_n; i++) {
        if (lanes->held)
            lanes->lanes[i].connection->pg.freemem(lanes->held);
        lanes->held = NULL;
        pg_pools_give(lanes->lanes[i].connection);
        buf_release(&lanes->lanes[i].rows);
    }
    mem_free(lanes->lanes);
    mem_free(lanes->bounds);
    *lanes = (struct pg_lanes){0};
}

// Rows -------------------------------------------------------------------------------------------------------

// Takes in what has come of a range whose turn is still to come.
static void take_in(struct pg_lane *lane) {
    while (!lane->ended && lane->rows.n < PG_LANE_BYTES) {
        char *row;
        size_t n;
        enum pg_got got = pg_connection_next(lane->connection, 0, &row, &n, &lane->failure);
        if (got == PG_LATER)
            return;
        lane->ended = got != PG_ROW;
        if (got == PG_ROW) {
            buf_add(&lane->rows, (const char *)&n, sizeof n);
            buf_add(&lane->rows, row, n);
            lane->connection->pg.freemem(row);
        }
    }
}

static bool is_ahead(const struct pg_lanes *lanes, const struct pg_lane *lane) {
    return lane->begun && !lane->ended && lane->range != lanes->current && lane->rows.n < PG_LANE_BYTES;
}

// Waits until something has come on the current lane, and meanwhile takes in what comes on the others.
static enum status watch(struct pg_lanes *lanes, const struct pg_lane *current, struct err *err) {
    struct pollfd fds[LANES_MOST];
    struct pg_lane *whose[LANES_MOST];
    nfds_t n = 0;
    for (size_t i = 0; i < lanes->lanes_n; i++) {
        struct pg_lane *lane = &lanes->lanes[i];
        if (lane != current && !is_ahead(lanes, lane))
            continue;
        whose[n] = lane;
        fds[n++] =
            (struct pollfd){.fd = lane->connection->pg.socket(lane->connection->conn), .events = POLLIN};
    }
    if (poll(fds, n, current ? PG_LOOK_MS : 0) <= 0)
        return n > 0 ? pg_connection_look(whose[0]->connection, err) : STATUS_OK;
    for (nfds_t i = 0; i < n; i++) {
        struct pg_connection *c = whose[i]->connection;
        if (fds[i].revents == 0)
            continue;
        if (!c->pg.consumeInput(c->conn))
            return pg_connection_error(c, NULL, 0, err);
        if (whose[i] != current)
            take_in(whose[i]);
    }
    return STATUS_OK;
}

enum status pg_lanes_look(struct pg_lanes *lanes, struct err *err) {
    return lanes->lanes_n > 1 ? watch(lanes, NULL, err) : STATUS_OK;
}

static struct pg_lane *current_lane(const struct pg_lanes *lanes) {
    for (size_t i = 0; i < lanes->lanes_n; i++)
        if (lanes->lanes[i].begun && lanes->lanes[i].range == lanes->current)
            return &lanes->lanes[i];
    return NULL;
}

// What was taken in before the range's turn came.
static bool take_kept(struct pg_lane *lane, struct str *row) {
    if (lane->at == lane->rows.n)
        return false;
    memcpy(&row->n, lane->rows.p + lane->at, sizeof row->n);
    row->p = lane->rows.p + lane->at + sizeof row->n;
    lane->at += sizeof row->n + row->n;
    return true;
}

static enum status end_range(struct pg_lanes *lanes, struct pg_lane *lane, struct err *err) {
    lane->begun = false;
    lane->at = lane->rows.n = 0;
    lanes->current++;
    return begin_all(lanes, err);
}

enum status pg_lanes_row(struct pg_lanes *lanes, uint64_t rows, struct str *row, struct err *err) {
    struct pg_lane *lane;
    *row = (struct str){NULL, 0};
    if (lanes->held)
        lanes->lanes[0].connection->pg.freemem(lanes->held);
    lanes->held = NULL;
    while ((lane = current_lane(lanes))) {
        if (take_kept(lane, row))
            return STATUS_OK;
        if (lane->failure.status != STATUS_OK) {
            *err = lane->failure;
            return err->status;
        }
        enum pg_got got =
            lane->ended ? PG_END : pg_connection_next(lane->connection, rows, &lanes->held, &row->n, err);
        if (got == PG_ROW) {
            row->p = lanes->held;
            return STATUS_OK;
        }
        if (got == PG_FAILED || (got == PG_LATER && watch(lanes, lane, err) != STATUS_OK))
            return err->status;
        if (got == PG_END && end_range(lanes, lane, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}
