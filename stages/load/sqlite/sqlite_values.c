// SPDX-License-Identifier: MIT
#include "stages/load/sqlite/sqlite_values.h"

#include "base/mem.h"
#include "base/utf8.h"

// Columns --------------------------------------------------------------------------------------------------------

static const char *fault_of_name(const struct sqlite_columns *columns, struct str name, uint32_t i) {
    if (!name.p || !utf8_valid(name, NULL))
        return "is not valid UTF-8";
    for (uint32_t k = 0; k < i; k++)
        if (str_equal(value_str(columns->names[k]), name))
            return "is there twice; name one of them with AS";
    return NULL;
}

enum status sqlite_columns_take(struct sqlite_columns *columns, const struct load_options *options,
                                sqlite3_stmt *rows, struct kept_rows *kept, struct err *err) {
    const struct projection *projection = options->projection;
    arena_init(&columns->arena, 0);
    columns->n = rows ? (uint32_t)sqlite3_column_count(rows) : kept->columns;
    columns->names = MEM_NEW_ARRAY(struct value, columns->n);
    columns->wanted = MEM_NEW_ARRAY(bool, columns->n);
    for (uint32_t i = 0; i < columns->n; i++) {
        struct str name = rows ? str_of(sqlite3_column_name(rows, (int)i)) : kept_rows_name(kept);
        const char *fault = fault_of_name(columns, name, i);
        if (fault)
            return err_set(err, STATUS_DATA, "%.*s: the column name \"%.*s\" %s", STR_ARG(options->name),
                           STR_ARG(name), fault);
        struct str copy = arena_str(&columns->arena, name);
        if (!copy.p)
            return err_set(err, STATUS_MEMORY, "%.*s: no memory", STR_ARG(options->name));
        columns->names[i] = value_string(copy);
        columns->wanted[i] = !projection || projection_find(projection, name);
        columns->wanted_n += columns->wanted[i];
    }
    columns->shape = shapes_of_names(options->shapes, columns->names, columns->n);
    return STATUS_OK;
}

void sqlite_columns_release(struct sqlite_columns *columns) {
    arena_release(&columns->arena);
    mem_free(columns->names);
    mem_free(columns->wanted);
}

static const struct shape *private_shape(const struct sqlite_columns *columns, struct arena *arena) {
    struct arena_asked asked = arena_asked(arena);
    struct value *names = ARENA_NEW_ARRAY(arena, struct value, columns->n);
    for (uint32_t i = 0; names && i < columns->n; i++) {
        struct str name = arena_str(arena, value_str(columns->names[i]));
        if (!name.p)
            return NULL;
        names[i] = value_string(name);
    }
    const struct shape *shape = names ? shape_new_private(arena, names, columns->n) : NULL;
    arena_uncount(arena, asked); // one per batch, however the rows fall into them
    return shape;
}

const struct shape *sqlite_columns_shape(const struct sqlite_columns *columns, struct arena *arena) {
    return columns->shape ? columns->shape : private_shape(columns, arena);
}

// Values ---------------------------------------------------------------------------------------------------------

// The record's fault, but for its row's number: a row has no line and no column of text.
static void fail_row(const struct sqlite_row *row, struct batch *batch, struct item *item, int column,
                     const char *fault) {
    const struct source_text source = {row->loader->name, {NULL, 0}};
    item->error = column < 0 ? diag_make(&batch->arena, &source, (struct span){0, 1}, ": %s", fault)
                             : diag_make(&batch->arena, &source, (struct span){0, 1}, ", column \"%.*s\": %s",
                                         STR_ARG(value_str(row->columns->names[column])), fault);
}

void sqlite_row_number(const struct loader *loader, struct batch *batch, struct item *item,
                       uint64_t ordinal) {
    const struct source_text source = {loader->name, {NULL, 0}};
    item->ordinal = ordinal;
    if (item->error)
        item->error = diag_make(&batch->arena, &source, (struct span){0, 1}, "row %llu%.*s",
                                (unsigned long long)ordinal + 1, STR_ARG(item->error->message));
}

static const char *take_text(const struct sqlite_row *row, struct batch *batch, int i, struct str text,
                             size_t *left, struct value *out) {
    if (!text.p)
        return "no memory for its text";
    if (text.n > *left)
        return "";
    *left -= text.n;
    if (text.n && memchr(text.p, 0, text.n))
        return "the text has a NUL character";
    if (!utf8_valid(text, NULL))
        return "the text is not valid UTF-8";
    if (!row->columns->wanted[i]) {
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

static struct str column_text(const struct sqlite_row *row, int i) {
    const char *p = (const char *)sqlite3_column_text(row->rows, i);
    return (struct str){p, (size_t)sqlite3_column_bytes(row->rows, i)};
}

// The same of a row that was kept.
static const char *take_kept(const struct sqlite_row *row, struct batch *batch, int i, size_t *left,
                             struct value *out) {
    *out = kept_rows_take(row->kept);
    return value_is_string(*out) ? take_text(row, batch, i, value_str(*out), left, out) : NULL;
}

// NULL or what is wrong; "": the record is too long.
static const char *take_value(const struct sqlite_row *row, struct batch *batch, int i, size_t *left,
                              struct value *out) {
    sqlite3_stmt *stmt = row->rows;
    if (!stmt)
        return take_kept(row, batch, i, left, out);
    switch (sqlite3_column_type(stmt, i)) {
    case SQLITE_INTEGER:
        *out = value_int(sqlite3_column_int64(stmt, i));
        return NULL;
    case SQLITE_FLOAT:
        *out = value_float(sqlite3_column_double(stmt, i));
        return NULL;
    case SQLITE_TEXT:
        return take_text(row, batch, i, column_text(row, i), left, out);
    case SQLITE_NULL:
        *out = value_none();
        return NULL;
    default:
        return "a BLOB is no text; select hex() of it, or cast it to text";
    }
}

// With the text of columns that nobody wants now: another time they may be.
static void record_value(const struct sqlite_row *row, int i, struct value value) {
    if (sqlite3_column_type(row->rows, i) == SQLITE_TEXT)
        value = value_string(column_text(row, i));
    kept_rows_add(row->record, value);
}

// What is left of a kept row that failed in the middle.
static void skip_kept(const struct sqlite_row *row, uint32_t from) {
    for (uint32_t i = from; !row->rows && i < row->columns->n; i++)
        kept_rows_take(row->kept);
}

bool sqlite_row_add(const struct sqlite_row *row, struct batch *batch) {
    struct item *item = batch_add(batch);
    struct arena_mark mark = arena_mark(&batch->arena);
    struct map *map = row->shape ? map_new(&batch->arena, row->shape) : NULL;
    if (!map) {
        skip_kept(row, 0);
        fail_row(row, batch, item, -1, "no memory for its values");
        return false;
    }
    size_t left = row->loader->record_bytes;
    for (uint32_t i = 0; i < row->columns->n; i++) {
        const char *fault = take_value(row, batch, (int)i, &left, &map->values[i]);
        if (!fault && row->record)
            record_value(row, (int)i, map->values[i]);
        if (!fault)
            continue;
        skip_kept(row, i + 1);
        arena_rewind(&batch->arena, mark);
        char limit[LOADER_TEXT_SIZE];
        fail_row(row, batch, item, *fault ? (int)i : -1,
                 *fault ? fault : loader_too_long_text(row->loader, limit));
        return false;
    }
    item->record = value_map(map);
    return true;
}
