// SPDX-License-Identifier: MIT
/*
 * The rows of a SQLite query or table, one record a row: integers, floats, text and NULL (none) as they are stored;
 * a BLOB, or text that is not UTF-8 or has a NUL, fails the record. SQLite hands out one value at a time and forgets
 * it at the next row, so pull copies the row into the batch's arena and thereby makes the values; nothing is left
 * for parse. Text of columns that are not wanted is checked, but not copied: none is in its place.
 *
 * Where somebody keeps what dear queries gave (load_keeper), rows come from there, and SQLite is not even opened; those
 * of a query that was slow to give its first row are recorded on their way.
 *
 * All rows share one shape, unless they have more columns than shapes are shared for: then each batch has its own,
 * which lives as long as the records do.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "stages/load/kept_rows.h"
#include "stages/load/loader.h"
#include "stages/load/schema_records.h"
#include "stages/load/sqlite_schema.h"
#include "stages/load/sqlite_source.h"

struct rows {
    struct loader base;
    struct sqlite_source source;
    const struct shape *shape; // shared; NULL: each batch makes a private one of `names`
    struct value *names;       // owned, n strings
    struct arena arena;        // their text
    bool *wanted;              // owned, n
    uint32_t n, wanted_n;
    bool ended;
    const struct load_keeper *keeper; // NULL: nothing is kept of this source
    struct load_options options;      // of a query that may be kept: for its identity
    struct digest identity, key;
    void *handle;          // of the bytes that `kept` reads
    struct kept_rows kept; // rows come from here where there is a handle
    bool recording;
    struct buf record;
    uint64_t first; // nanoseconds until the first row
};

static void free_loader(struct loader *base) {
    struct rows *rows = (struct rows *)base;
    sqlite_source_close(&rows->source);
    if (rows->handle)
        rows->keeper->drop(rows->keeper->self, rows->handle);
    buf_release(&rows->record);
    arena_release(&rows->arena);
    mem_free(rows->names);
    mem_free(rows->wanted);
    mem_free(rows);
}

// The record's fault, located in words: a row has no line and no column of text.
static void fail_row(const struct rows *rows, struct batch *batch, struct item *item, int column,
                     const char *fault) {
    const struct source_text source = {rows->base.name, {NULL, 0}};
    unsigned long long row = item->ordinal + 1;
    item->error =
        column < 0 ? diag_make(&batch->arena, &source, (struct span){0, 1}, "row %llu: %s", row, fault)
                   : diag_make(&batch->arena, &source, (struct span){0, 1}, "row %llu, column \"%.*s\": %s",
                               row, STR_ARG(value_str(rows->names[column])), fault);
}

static const char *take_text(struct rows *rows, struct batch *batch, int i, struct str text, size_t *left,
                             struct value *out) {
    if (!text.p)
        return "no memory for its text";
    if (text.n > *left)
        return "";
    *left -= text.n;
    if (text.n && memchr(text.p, 0, text.n))
        return "the text has a NUL character";
    if (!utf8_valid(text, NULL))
        return "the text is not valid UTF-8";
    if (!rows->wanted[i]) {
        *out = value_none();
        return NULL;
    }
    char *copy = text.n ? arena_alloc(&batch->arena, text.n) : (char *)"";
    if (!copy)
        return "no memory for its text";
    if (text.n)
        memcpy(copy, text.p, text.n);
    *out = value_string((struct str){copy, text.n});
    return NULL;
}

static struct str column_text(const struct rows *rows, int i) {
    const char *p = (const char *)sqlite3_column_text(rows->source.rows, i);
    return (struct str){p, (size_t)sqlite3_column_bytes(rows->source.rows, i)};
}

// The same of a row that was kept.
static const char *take_kept(struct rows *rows, struct batch *batch, int i, size_t *left, struct value *out) {
    *out = kept_rows_take(&rows->kept);
    return value_is_string(*out) ? take_text(rows, batch, i, value_str(*out), left, out) : NULL;
}

// NULL or what is wrong; "": the record is too long.
static const char *take_value(struct rows *rows, struct batch *batch, int i, size_t *left,
                              struct value *out) {
    sqlite3_stmt *stmt = rows->source.rows;
    if (rows->handle)
        return take_kept(rows, batch, i, left, out);
    switch (sqlite3_column_type(stmt, i)) {
    case SQLITE_INTEGER:
        *out = value_int(sqlite3_column_int64(stmt, i));
        return NULL;
    case SQLITE_FLOAT:
        *out = value_float(sqlite3_column_double(stmt, i));
        return NULL;
    case SQLITE_TEXT:
        return take_text(rows, batch, i, column_text(rows, i), left, out);
    case SQLITE_NULL:
        *out = value_none();
        return NULL;
    default:
        return "a BLOB is no text; select hex() of it, or cast it to text";
    }
}

// With the text of columns that nobody wants now: another time they may be.
static void record_value(struct rows *rows, int i, struct value value) {
    if (sqlite3_column_type(rows->source.rows, i) == SQLITE_TEXT)
        value = value_string(column_text(rows, i));
    kept_rows_add(&rows->record, value);
    rows->recording = rows->record.n <= rows->keeper->most;
}

// What is left of a kept row that failed in the middle.
static void skip_kept(struct rows *rows, int from) {
    for (int i = from; rows->handle && i < (int)rows->n; i++)
        kept_rows_take(&rows->kept);
}

static void add_row(struct rows *rows, struct batch *batch, const struct shape *shape) {
    struct item *item = loader_add(&rows->base, batch, 0, 0, 0);
    struct arena_mark mark = arena_mark(&batch->arena);
    struct map *map = shape ? map_new(&batch->arena, shape) : NULL;
    if (!map) {
        rows->recording = false;
        skip_kept(rows, 0);
        fail_row(rows, batch, item, -1, "no memory for its values");
        return;
    }
    size_t left = rows->base.record_bytes;
    for (int i = 0; i < (int)rows->n; i++) {
        const char *fault = take_value(rows, batch, i, &left, &map->values[i]);
        if (!fault && rows->recording)
            record_value(rows, i, map->values[i]);
        if (!fault)
            continue;
        rows->recording = false; // only whole results are kept
        skip_kept(rows, i + 1);
        arena_rewind(&batch->arena, mark);
        char limit[LOADER_TEXT_SIZE];
        fail_row(rows, batch, item, *fault ? i : -1,
                 *fault ? fault : loader_too_long_text(&rows->base, limit));
        return;
    }
    item->record = value_map(map);
}

static const struct shape *private_shape(const struct rows *rows, struct arena *arena) {
    struct arena_asked asked = arena_asked(arena);
    struct value *names = ARENA_NEW_ARRAY(arena, struct value, rows->n);
    for (uint32_t i = 0; names && i < rows->n; i++) {
        struct str name = arena_str(arena, value_str(rows->names[i]));
        if (!name.p)
            return NULL;
        names[i] = value_string(name);
    }
    const struct shape *shape = names ? shape_new_private(arena, names, rows->n) : NULL;
    arena_uncount(arena, asked); // one per batch, however the rows fall into them
    return shape;
}

// SQLITE_ROW, SQLITE_DONE, or what went wrong.
static int step(struct rows *rows) {
    if (rows->handle)
        return kept_rows_next(&rows->kept) ? SQLITE_ROW : SQLITE_DONE;
    if (!rows->keeper || rows->base.ordinal > 0)
        return sqlite3_step(rows->source.rows);
    const struct load_keeper *keeper = rows->keeper;
    uint64_t from = keeper->now(keeper->self);
    int code = sqlite3_step(rows->source.rows);
    rows->first = keeper->now(keeper->self) - from;
    rows->recording = (code == SQLITE_ROW || code == SQLITE_DONE) && rows->first >= keeper->slow;
    if (rows->recording)
        kept_rows_begin(&rows->record, rows->names, rows->n);
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

static enum status pull(struct loader *base, struct batch *batch, struct err *err) {
    struct rows *rows = (struct rows *)base;
    const struct shape *shape = rows->shape;
    enum status status = STATUS_OK;
    if (rows->ended)
        return STATUS_OK;
    if (!shape)
        shape = private_shape(rows, &batch->arena);
    size_t most = arena_used(&batch->arena) + base->batch_bytes;
    while (status == STATUS_OK && batch->items_n < base->batch_records && arena_used(&batch->arena) < most) {
        int code = step(rows);
        if (code == SQLITE_ROW) {
            add_row(rows, batch, shape);
            continue;
        }
        rows->ended = true;
        if (code == SQLITE_DONE)
            break;
        status = sqlite_source_error(&rows->source, base->ordinal, err);
    }
    bool whole = rows->ended && status == STATUS_OK;
    if (whole)
        keep_rows(rows);
    if (whole || !rows->handle)
        atomic_store(&base->read, whole ? rows->source.size : sqlite_source_bytes_read(&rows->source));
    if (rows->ended) // gives up the lock
        sqlite_source_close(&rows->source);
    return status;
}

static void parse(const struct loader *loader, struct reader *reader, struct batch *batch,
                  struct item *item) {
    (void)batch, (void)item; // the values are made
    const struct rows *rows = (const struct rows *)loader;
    reader->fields.parsed += rows->wanted_n;
    reader->fields.skipped += rows->n - rows->wanted_n;
}

static const char *fault_of_name(const struct rows *rows, struct str name, uint32_t i) {
    if (!name.p || !utf8_valid(name, NULL))
        return "is not valid UTF-8";
    for (uint32_t k = 0; k < i; k++)
        if (str_equal(value_str(rows->names[k]), name))
            return "is there twice; name one of them with AS";
    return NULL;
}

static enum status take_names(struct rows *rows, const struct projection *projection, struct err *err) {
    rows->n = rows->handle ? rows->kept.columns : (uint32_t)sqlite3_column_count(rows->source.rows);
    rows->names = MEM_NEW_ARRAY(struct value, rows->n);
    rows->wanted = MEM_NEW_ARRAY(bool, rows->n);
    for (uint32_t i = 0; i < rows->n; i++) {
        struct str name = rows->handle ? kept_rows_name(&rows->kept)
                                       : str_of(sqlite3_column_name(rows->source.rows, (int)i));
        const char *fault = fault_of_name(rows, name, i);
        if (fault)
            return err_set(err, STATUS_DATA, "%.*s: the column name \"%.*s\" %s", STR_ARG(rows->base.name),
                           STR_ARG(name), fault);
        struct str copy = arena_str(&rows->arena, name);
        if (!copy.p)
            return err_set(err, STATUS_MEMORY, "%.*s: no memory", STR_ARG(rows->base.name));
        rows->names[i] = value_string(copy);
        rows->wanted[i] = !projection || projection_find(projection, name);
        rows->wanted_n += rows->wanted[i];
    }
    return STATUS_OK;
}

// Whether the rows of the query are kept: then they are what is read.
static bool find_kept(struct rows *rows, const struct load_options *options) {
    const struct load_keeper *keeper = options->keeper;
    struct buf parts = BUF_INIT;
    if (!keeper || !options->query.p || strcmp(options->path, "-") == 0)
        return false;
    // Lately changed or not, what is found was kept when it was not.
    sqlite_source_identity(options, keeper->wall(keeper->self), &rows->identity);
    buf_printf(&parts, "sqlite rows 1 %s %016llx%016llx ", sqlite3_libversion(),
               (unsigned long long)rows->identity.high, (unsigned long long)rows->identity.low);
    buf_add_str(&parts, options->query);
    rows->key = digest_of(buf_str(&parts));
    buf_release(&parts);
    rows->keeper = keeper;
    rows->options = *options;
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

static enum status open(const struct load_options *options, struct loader **out, struct err *err) {
    if (options->schema)
        return schema_records_open(&sqlite_schema, options, out, err);
    struct rows *rows = MEM_NEW(struct rows);
    loader_take_options(&rows->base, options);
    arena_init(&rows->arena, 0);
    rows->base.pull = pull;
    rows->base.parse = parse;
    rows->base.free = free_loader;
    enum status status = STATUS_OK;
    if (!find_kept(rows, options))
        status = sqlite_source_open(&rows->source, options, err);
    if (rows->source.fickle)
        rows->keeper = NULL;
    if (status == STATUS_OK)
        status = take_names(rows, options->projection, err);
    if (status != STATUS_OK) {
        free_loader(&rows->base);
        return status;
    }
    rows->shape = shapes_of_names(options->shapes, rows->names, rows->n);
    atomic_init(&rows->base.read, 0);
    atomic_init(&rows->base.total, rows->source.size);
    *out = &rows->base;
    return STATUS_OK;
}

static const char *const extensions[] = {".sqlite", ".sqlite3", ".db", NULL};
static const char *const keys[] = {"query", "table", "schema", NULL};

const struct load_format load_sqlite = {
    .name = "sqlite",
    .extensions = extensions,
    .doc = "the rows of a SQLite query or table, or its schema",
    .keys = keys,
    .open = open,
};
