// SPDX-License-Identifier: MIT
/*
 * The rows of a PostgreSQL query or table, one record a row. They are streamed by COPY, so the server works ahead as far as
 * the socket's buffers hold and no further: memory does not grow with the result. Pulling only takes a row's bytes;
 * what they mean is found when the batch is parsed (pg_values.h), and a row whose bytes are as they were need not be.
 */
#include "base/mem.h"
#include "stages/load/csv/csv_scan.h"
#include "stages/load/loader.h"
#include "stages/load/postgresql/pg_lanes.h"
#include "stages/load/postgresql/pg_schema.h"
#include "stages/load/postgresql/pg_source.h"
#include "stages/load/postgresql/pg_values.h"
#include "stages/load/schema/schema_records.h"

struct rows {
    struct loader base;
    struct pg_pools *own; // where nobody shares any
    struct pg_source source;
    struct pg_lanes lanes;
    struct csv_columns *columns; // apart, since parsing adds to it
    bool ended;
};

static void free_loader(struct loader *base) {
    struct rows *rows = (struct rows *)base;
    pg_lanes_close(&rows->lanes);
    pg_pools_free(rows->own);
    pg_source_release(&rows->source);
    csv_columns_release(rows->columns);
    mem_free(rows->columns);
    mem_free(rows);
}

static void add_row(struct rows *rows, struct batch *batch, const char *text, size_t n) {
    const size_t at = batch->bytes_n;
    n -= n > 0 && text[n - 1] == '\n';
    struct item *item = loader_add(&rows->base, batch, at, 0, 0);
    if (n > rows->base.record_bytes) {
        loader_too_long(&rows->base, batch, item);
        return;
    }
    loader_reserve(batch, at + n + CSV_PAD);
    memcpy(batch->bytes + at, text, n);
    memset(batch->bytes + at + n, 0, CSV_PAD);
    batch->bytes_n = at + n;
    item->raw.n = n;
}

static enum status pull(struct loader *base, struct batch *batch, struct err *err) {
    struct rows *rows = (struct rows *)base;
    enum status status = rows->ended ? STATUS_OK : pg_lanes_look(&rows->lanes, err);
    while (status == STATUS_OK && !rows->ended && batch->items_n < base->batch_records &&
           batch->bytes_n < base->batch_bytes) {
        struct str row;
        status = pg_lanes_row(&rows->lanes, base->ordinal, &row, err);
        rows->ended = status != STATUS_OK || !row.p;
        if (row.p)
            add_row(rows, batch, row.p, row.n);
        atomic_fetch_add(&base->read, row.n);
    }
    rows->ended = rows->ended || status != STATUS_OK;
    if (rows->ended) // others may want the connections
        pg_lanes_close(&rows->lanes);
    return status;
}

static void parse(const struct loader *base, struct reader *reader, struct batch *batch, struct item *item) {
    const struct rows *rows = (const struct rows *)base;
    pg_values_parse(base, rows->columns, rows->source.types, reader, batch, item);
}

// Rows of equal bytes are equal records where the columns are the same.
static struct digest context_of(const struct pg_source *source) {
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < source->n; i++)
        buf_printf(&text, "%zu:%.*s,%d,%d,%c;", source->names[i].n, STR_ARG(source->names[i]),
                   source->types[i].kind, source->types[i].is_list,
                   source->types[i].is_list ? source->types[i].delimiter : ' ');
    struct digest digest = digest_of(buf_str(&text));
    buf_release(&text);
    return digest;
}

static enum status name_columns(struct rows *rows, const struct load_options *options, struct err *err) {
    struct load_options named = *options;
    named.columns = rows->source.names;
    named.columns_n = rows->source.n;
    named.types_n = 0;
    rows->base.context = context_of(&rows->source);
    return csv_columns_init(rows->columns, &named, err);
}

static enum status open_source(struct rows *rows, const struct load_options *options, struct err *err) {
    struct pg_pools *pools = options->servers;
    struct pg_connection *c;
    if (!pools)
        pools = rows->own = pg_pools_new(options->connections);
    enum status status = pg_pools_take(pools, options, false, &c, err);
    if (status != STATUS_OK)
        return status;
    status = pg_source_find(&rows->source, c, options, err);
    if (status == STATUS_OK)
        status = name_columns(rows, options, err);
    if (status != STATUS_OK) {
        pg_pools_give(c);
        return status;
    }
    return pg_lanes_open(&rows->lanes, pools, c, &rows->source, options,
                         options->connections ? options->connections : pg_pools_most(pools), err);
}

static enum status open(const struct load_options *options, struct loader **out, struct err *err) {
    if (options->schema)
        return schema_records_open(&pg_schema, options, out, err);
    struct rows *rows = MEM_NEW(struct rows);
    loader_take_options(&rows->base, options);
    rows->base.pull = pull;
    rows->base.parse = parse;
    rows->base.parses_again = true;
    rows->base.raw_tells = true;
    rows->base.free = free_loader;
    rows->columns = MEM_NEW(struct csv_columns);
    arena_init(&rows->columns->arena, 0);
    atomic_init(&rows->base.read, 0);
    atomic_init(&rows->base.total, 0);
    if (open_source(rows, options, err) != STATUS_OK) {
        free_loader(&rows->base);
        return err->status;
    }
    *out = &rows->base;
    return STATUS_OK;
}

static const char *const extensions[] = {NULL};
static const char *const keys[] = {"url",   "query",      "table",       "schema",
                                   "split", "parameters", "connections", NULL};

const struct load_format load_postgresql = {
    .name = "postgresql",
    .extensions = extensions,
    .doc = "the rows of a PostgreSQL query or table, or its schema, by the url of its database",
    .keys = keys,
    .open = open,
};
