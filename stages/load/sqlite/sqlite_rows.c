// SPDX-License-Identifier: MIT
/*
 * The rows of a SQLite query or table, one record a row (sqlite_values.h). SQLite's values last until the next row, so
 * reading copies them into the batch's arena and thereby makes the records; nothing is left for parse.
 *
 * Where somebody keeps what dear queries gave (load_keeper), rows come from there, and the database is read only where other
 * sources of it are; rows of a query are recorded on their way as long as it is slow for what it gives.
 *
 * A source that can be split is read by lanes (sqlite_lanes.h), any other one by a single statement.
 */
#include "base/mem.h"
#include "stages/load/query_parameters.h"
#include "stages/load/schema/schema_records.h"
#include "stages/load/sqlite/sqlite_identity.h"
#include "stages/load/sqlite/sqlite_lanes.h"
#include "stages/load/sqlite/sqlite_schema.h"

struct rows {
    struct loader base;
    struct sqlite_source source;
    struct sqlite_columns columns;
    struct sqlite_lanes *lanes; // owned; NULL: one statement
    bool ended;
    const struct load_keeper *keeper; // NULL: nothing is kept of this source
    struct load_options options;
    struct digest identity, key;
    struct sqlite_pool
        *held;             // used, so that kept rows and what others read are of one state; NULL: it is not
    void *handle;          // of the bytes that `kept` reads
    struct kept_rows kept; // rows come from here where there is a handle
    bool recording;
    struct buf record;
    uint64_t took; // nanoseconds, so far
    bool quick;    // for what it gives
};

static void let_go(struct rows *rows) {
    if (rows->held)
        sqlite_pool_release(rows->held);
    rows->held = NULL;
}

static void free_loader(struct loader *base) {
    struct rows *rows = (struct rows *)base;
    sqlite_lanes_free(rows->lanes);
    let_go(rows);
    sqlite_source_close(&rows->source);
    if (rows->handle)
        rows->keeper->drop(rows->keeper->self, rows->handle);
    buf_release(&rows->record);
    sqlite_columns_release(&rows->columns);
    mem_free(rows);
}

// Kept rows --------------------------------------------------------------------------------------------------------

// SQLITE_ROW, SQLITE_DONE, or what went wrong.
static int step(struct rows *rows) {
    if (rows->handle)
        return kept_rows_next(&rows->kept) ? SQLITE_ROW : SQLITE_DONE;
    return sqlite3_step(rows->source.rows);
}

static uint64_t now(const struct rows *rows) {
    return rows->keeper ? rows->keeper->now(rows->keeper->self) : 0;
}

static bool is_slow(const struct rows *rows) {
    return rows->took / rows->keeper->slow_byte >= rows->record.n;
}

// After so many rows it is known whether a query is slow for what it gives.
static void judge(struct rows *rows, uint64_t took) {
    enum { ENOUGH = 64 };
    rows->took += took;
    if (!rows->recording || rows->base.ordinal < ENOUGH || is_slow(rows))
        return;
    rows->quick = true;
    rows->recording = false;
    buf_release(&rows->record);
}

// All was read: it is kept where it is what the database says still.
static void keep_rows(struct rows *rows) {
    const struct load_keeper *keeper = rows->keeper;
    struct digest after;
    struct str bytes = {NULL, 0};
    if (!keeper || rows->handle)
        return;
    if (rows->recording && (rows->took < keeper->slow || !is_slow(rows)))
        rows->quick = true;
    const bool kept = rows->recording && !rows->quick &&
                      sqlite_identity(&rows->options, keeper->wall(keeper->self), &after) &&
                      digest_equal(rows->identity, after);
    if (kept) {
        kept_rows_end(&rows->record, rows->base.ordinal);
        bytes = buf_str(&rows->record);
    }
    keeper->put(keeper->self, rows->key, bytes, rows->quick ? 0 : rows->took);
    buf_release(&rows->record);
}

// The state of the database that the source is of: where others read it, too, theirs.
static bool find_state(struct rows *rows, const struct load_options *options) {
    struct err err;
    // Lately changed or not, what is found was kept when it was not.
    sqlite_identity(options, options->keeper->wall(options->keeper->self), &rows->identity);
    if (!options->pools || !sqlite_pools_is_shared(options->pools, options->path))
        return true;
    if (sqlite_pool_use(options->pools, options, &rows->held, &err) != STATUS_OK) {
        rows->held = NULL;
        return false; // why will be said when it is opened
    }
    rows->identity = sqlite_pool_identity(rows->held);
    return true;
}

// Whether the rows of the query are kept: then they are what is read.
static bool find_kept(struct rows *rows, const struct load_options *options) {
    const struct load_keeper *keeper = options->keeper;
    struct buf parts = BUF_INIT;
    if (!keeper || !options->query.p || options->split.p || strcmp(options->path, "-") == 0 ||
        !find_state(rows, options))
        return false;
    buf_printf(&parts, "sqlite rows 1 %s %016llx%016llx ", sqlite3_libversion(),
               (unsigned long long)rows->identity.high, (unsigned long long)rows->identity.low);
    buf_add_str(&parts, options->query);
    query_parameters_write(options, &parts);
    rows->key = digest_of(buf_str(&parts));
    buf_release(&parts);
    rows->keeper = keeper;
    struct str bytes = keeper->get(keeper->self, rows->key, &rows->handle);
    if (bytes.p && kept_rows_open(&rows->kept, bytes)) {
        rows->source.size = bytes.n;
        return true;
    }
    if (bytes.p)
        keeper->drop(keeper->self, rows->handle);
    rows->handle = NULL;
    return false;
}

// Of a query whose rows depend on nothing but the database, in the state that it is known by.
static void begin_recording(struct rows *rows) {
    if (!rows->keeper)
        return;
    const struct digest state = sqlite_pool_identity(rows->source.pool);
    if (rows->source.fickle || !digest_equal(state, rows->identity))
        rows->keeper = NULL;
    rows->recording = rows->keeper;
    if (rows->recording)
        kept_rows_begin(&rows->record, rows->columns.names, rows->columns.n);
}

// One statement ----------------------------------------------------------------------------------------------------

static void add_row(struct rows *rows, struct batch *batch, const struct shape *shape) {
    const struct sqlite_row row = {.loader = &rows->base,
                                   .columns = &rows->columns,
                                   .shape = shape,
                                   .rows = rows->handle ? NULL : rows->source.rows,
                                   .kept = &rows->kept,
                                   .record = rows->recording ? &rows->record : NULL};
    if (!sqlite_row_add(&row, batch)) // only whole results are kept
        rows->recording = false;
    if (rows->recording)
        rows->recording = rows->record.n <= rows->keeper->most;
    sqlite_row_number(&rows->base, batch, &batch->items[batch->items_n - 1], rows->base.ordinal++);
}

// The connection is entered, where there is one.
static enum status read_rows(struct rows *rows, struct batch *batch, struct err *err) {
    const struct loader *base = &rows->base;
    const struct shape *shape = sqlite_columns_shape(&rows->columns, &batch->arena);
    size_t most = arena_used(&batch->arena) + base->batch_bytes;
    while (batch->items_n < base->batch_records && arena_used(&batch->arena) < most) {
        int code = step(rows);
        if (code == SQLITE_ROW) {
            add_row(rows, batch, shape);
            continue;
        }
        rows->ended = true;
        return code == SQLITE_DONE ? STATUS_OK : sqlite_source_error(&rows->source, base->ordinal, err);
    }
    return STATUS_OK;
}

static enum status pull_one(struct rows *rows, struct batch *batch, struct err *err) {
    enum status status = rows->handle ? STATUS_OK : sqlite_source_enter(&rows->source, err);
    if (status != STATUS_OK)
        return status;
    const uint64_t from = now(rows);
    status = read_rows(rows, batch, err);
    if (rows->keeper)
        judge(rows, now(rows) - from);
    bool whole = rows->ended && status == STATUS_OK;
    if (whole || !rows->handle)
        atomic_store(&rows->base.read, whole ? rows->source.size : sqlite_source_bytes_read(&rows->source));
    if (!rows->handle)
        sqlite_source_leave(&rows->source);
    if (whole)
        keep_rows(rows);
    return status;
}

// Lanes --------------------------------------------------------------------------------------------------------------

static enum status pull_lanes(struct rows *rows, struct batch *batch, struct err *err) {
    enum status status = sqlite_lanes_pull(rows->lanes, batch, err);
    rows->ended = status != STATUS_OK || batch->items_n == 0;
    const double share = rows->ended && status == STATUS_OK ? 1 : sqlite_lanes_share(rows->lanes);
    atomic_store(&rows->base.read, (uint64_t)(share * (double)rows->source.size));
    return status;
}

static bool lanes_ready(struct loader *base) {
    struct rows *rows = (struct rows *)base;
    return rows->ended || sqlite_lanes_ready(rows->lanes);
}

static uint32_t lanes_wanted(struct loader *base) {
    struct rows *rows = (struct rows *)base;
    return rows->ended ? 0 : sqlite_lanes_wanted(rows->lanes);
}

static bool lanes_ahead(struct loader *base) {
    return sqlite_lanes_ahead(((struct rows *)base)->lanes);
}

// ----------------------------------------------------------------------------------------------------------------

static enum status pull(struct loader *base, struct batch *batch, struct err *err) {
    struct rows *rows = (struct rows *)base;
    if (rows->ended)
        return STATUS_OK;
    enum status status = rows->lanes ? pull_lanes(rows, batch, err) : pull_one(rows, batch, err);
    if (!rows->ended && status == STATUS_OK)
        return STATUS_OK;
    rows->ended = true;
    let_go(rows);
    if (sqlite_lanes_close(rows->lanes)) // gives up the lock
        sqlite_source_close(&rows->source);
    return status;
}

static void parse(const struct loader *loader, struct reader *reader, struct batch *batch,
                  struct item *item) {
    (void)batch, (void)item; // the values are made
    const struct rows *rows = (const struct rows *)loader;
    reader->fields.parsed += rows->columns.wanted_n;
    reader->fields.skipped += rows->columns.n - rows->columns.wanted_n;
}

// Whether it is read in ranges: that does not depend on how many read it, but for a table as it is.
static enum status open_lanes(struct rows *rows, struct err *err) {
    const struct load_options *options = &rows->options;
    const uint32_t most = options->connections ? options->connections : SQLITE_POOL_MOST;
    if (!options->split.p && (most == 1 || !options->pools || sqlite_pools_most(options->pools) == 1))
        return STATUS_OK;
    if (sqlite_lanes_open(&rows->base, &rows->source, &rows->columns, options, most, &rows->lanes, err) !=
        STATUS_OK)
        return err->status;
    rows->base.remark = rows->source.unsplit;
    if (rows->lanes) {
        rows->base.ready = lanes_ready;
        rows->base.ahead_wanted = lanes_wanted;
        rows->base.ahead = lanes_ahead;
    }
    return STATUS_OK;
}

static enum status open(const struct load_options *options, struct loader **out, struct err *err) {
    if (options->schema)
        return schema_records_open(&sqlite_schema, options, out, err);
    struct rows *rows = MEM_NEW(struct rows);
    loader_take_options(&rows->base, options);
    rows->options = *options;
    rows->base.pull = pull;
    rows->base.parse = parse;
    rows->base.free = free_loader;
    enum status status = STATUS_OK;
    const bool kept = find_kept(rows, options);
    if (!kept)
        status = sqlite_source_open(&rows->source, options, err);
    if (status == STATUS_OK)
        status =
            sqlite_columns_take(&rows->columns, options, kept ? NULL : rows->source.rows, &rows->kept, err);
    if (status == STATUS_OK && !kept) {
        begin_recording(rows);
        status = open_lanes(rows, err);
    }
    if (status != STATUS_OK) {
        free_loader(&rows->base);
        return status;
    }
    atomic_init(&rows->base.read, 0);
    atomic_init(&rows->base.total, rows->source.size);
    *out = &rows->base;
    return STATUS_OK;
}

static const char *const extensions[] = {".sqlite", ".sqlite3", ".db", NULL};
static const char *const keys[] = {"query", "table", "schema", "split", "parameters", "connections", NULL};

const struct load_format load_sqlite = {
    .name = "sqlite",
    .extensions = extensions,
    .doc = "the rows of a SQLite query or table, or its schema",
    .keys = keys,
    .open = open,
};
