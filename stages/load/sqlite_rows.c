// SPDX-License-Identifier: MIT
/*
 * The rows of a SQLite query or table, one record a row (sqlite_values.h). SQLite's values last until the next row, so
 * reading copies them into the batch's arena and thereby makes the records; nothing is left for parse.
 *
 * Where somebody keeps what dear queries gave (load_keeper), rows come from there, and SQLite is not even opened; those
 * of a query that was slow to give its first row are recorded on their way.
 *
 * A source that can be split is read by lanes (sqlite_lanes.h), any other one by a single statement.
 */
#include "base/mem.h"
#include "stages/load/query_parameters.h"
#include "stages/load/schema_records.h"
#include "stages/load/sqlite_lanes.h"
#include "stages/load/sqlite_schema.h"

struct rows {
    struct loader base;
    struct sqlite_source source;
    struct sqlite_columns columns;
    struct sqlite_lanes *lanes; // owned; NULL: one statement
    bool ended;
    const struct load_keeper *keeper; // NULL: nothing is kept of this source
    struct load_options options;
    struct digest identity, key;
    void *handle;          // of the bytes that `kept` reads
    struct kept_rows kept; // rows come from here where there is a handle
    bool recording;
    struct buf record;
    uint64_t first; // nanoseconds until the first row
};

static void free_loader(struct loader *base) {
    struct rows *rows = (struct rows *)base;
    sqlite_lanes_free(rows->lanes);
    sqlite_source_close(&rows->source);
    if (rows->handle)
        rows->keeper->drop(rows->keeper->self, rows->handle);
    buf_release(&rows->record);
    sqlite_columns_release(&rows->columns);
    mem_free(rows);
}

// Kept rows --------------------------------------------------------------------------------------------------------

// SQLITE_ROW, SQLITE_DONE, or what went wrong.
static int step(struct rows *rows, bool first) {
    if (rows->handle)
        return kept_rows_next(&rows->kept) ? SQLITE_ROW : SQLITE_DONE;
    if (!rows->keeper || !first)
        return sqlite3_step(rows->source.rows);
    const struct load_keeper *keeper = rows->keeper;
    uint64_t from = keeper->now(keeper->self);
    int code = sqlite3_step(rows->source.rows);
    rows->first = keeper->now(keeper->self) - from;
    rows->recording = (code == SQLITE_ROW || code == SQLITE_DONE) && rows->first >= keeper->slow;
    if (rows->recording)
        kept_rows_begin(&rows->record, rows->columns.names, rows->columns.n);
    return code;
}

// All was read: it is kept where it is what the database says still.
static void keep_rows(struct rows *rows) {
    const struct load_keeper *keeper = rows->keeper;
    struct digest after;
    struct str bytes = {NULL, 0};
    if (!keeper || rows->handle)
        return;
    rows->recording = rows->recording &&
                      sqlite_source_identity(&rows->options, keeper->wall(keeper->self), &after) &&
                      digest_equal(rows->identity, after);
    if (rows->recording) {
        kept_rows_end(&rows->record, rows->base.ordinal);
        bytes = buf_str(&rows->record);
    }
    keeper->put(keeper->self, rows->key, bytes, rows->first);
    buf_release(&rows->record);
}

// Whether the rows of the query are kept: then they are what is read.
static bool find_kept(struct rows *rows, const struct load_options *options) {
    const struct load_keeper *keeper = options->keeper;
    struct buf parts = BUF_INIT;
    if (!keeper || !options->query.p || options->split.p || strcmp(options->path, "-") == 0)
        return false;
    // Lately changed or not, what is found was kept when it was not.
    sqlite_source_identity(options, keeper->wall(keeper->self), &rows->identity);
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
        int code = step(rows, base->ordinal == 0);
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
    status = read_rows(rows, batch, err);
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
    if (rows->source.fickle)
        rows->keeper = NULL;
    if (status == STATUS_OK)
        status =
            sqlite_columns_take(&rows->columns, options, kept ? NULL : rows->source.rows, &rows->kept, err);
    if (status == STATUS_OK && !kept)
        status = open_lanes(rows, err);
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
