// SPDX-License-Identifier: MIT
#include "stages/emit/table_values.h"

#include "base/diag.h"
#include "stages/emit/emit.h"
#include "stages/record/sqlite_names.h"
#include "stages/record/value_json.h"

enum { VALUES_BYTES = 64 << 20, JSON_KEPT = 1 << 20 };

void table_values_init(struct table_values *v, struct shapes *shapes, const struct str *unique,
                       size_t unique_n) {
    *v = (struct table_values){.unique = unique, .unique_n = unique_n};
    reader_init(&v->reader, shapes, NULL);
    const struct value text = value_string(STR(TABLE_TEXT_COLUMN));
    v->text = shapes_of_names(shapes, &text, 1);
}

void table_values_release(struct table_values *v) {
    reader_release(&v->reader);
    table_names_release(&v->names);
    buf_release(&v->json);
}

static bool has_nul(struct str text) {
    return text.n && memchr(text.p, 0, text.n);
}

static enum status no_memory(struct err *err) {
    return err_set(err, STATUS_MEMORY, "the values of the output need too much memory");
}

// Lists and objects as JSON text --------------------------------------------------------------------------------

static void add_json(struct buf *out, struct value v);

static void add_json_map(struct buf *out, const struct map *map) {
    buf_add_char(out, '{');
    for (uint32_t i = 0; i < map->shape->n; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        buf_add_json(out, value_str(map->shape->keys[i]));
        buf_add_char(out, ':');
        add_json(out, map->values[i]);
    }
    buf_add_char(out, '}');
}

static void add_json_list(struct buf *out, const struct list *list) {
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < list->n; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        add_json(out, list->items[i]);
    }
    buf_add_char(out, ']');
}

// As deep as the reader's limit of nesting.
static void add_json(struct buf *out, struct value v) {
    if (v.tag == VALUE_LIST)
        add_json_list(out, v.list);
    else if (v.tag == VALUE_MAP)
        add_json_map(out, v.map);
    else if (!value_json_add_scalar(out, v))
        buf_add_json(out, value_str(v));
}

// Names ----------------------------------------------------------------------------------------------------------

static enum status check_name(struct table_values *v, const struct shape *shape, uint32_t i,
                              struct err *err) {
    struct str name = value_str(shape->keys[i]);
    char shown[EMIT_SHOWN_SIZE], other[EMIT_SHOWN_SIZE];
    if (has_nul(name))
        return err_set(err, STATUS_DATA, "the key \"%s\" has a NUL character", emit_show_path(name, shown));
    if (v->unique_n == 0 && sqlite_names_equal(name, STR(TABLE_KEY_COLUMN)))
        return err_set(
            err, STATUS_DATA,
            "the output has a \"%s\" of its own, where the record's key goes; say with `unique` by "
            "which columns rows replace others",
            emit_show_path(name, shown));
    size_t same = table_names_find(&v->names, name);
    if (same != TABLE_NAME_NONE)
        return err_set(err, STATUS_DATA, "the keys \"%s\" and \"%s\" are one column",
                       emit_show_path(v->names.names[same], shown), emit_show_path(name, other));
    table_names_add(&v->names, name);
    return STATUS_OK;
}

static enum status check_names(struct table_values *v, const struct shape *shape, struct err *err) {
    if (shape == v->checked)
        return STATUS_OK;
    if (shape->n >= TABLE_COLUMNS_MAX)
        return err_set(err, STATUS_LIMIT, "the output has %u keys, more than a table has columns", shape->n);
    table_names_clear(&v->names);
    for (uint32_t i = 0; i < shape->n; i++)
        if (check_name(v, shape, i, err) != STATUS_OK)
            return err->status;
    if (shape->shared)
        v->checked = shape;
    return STATUS_OK;
}

// Without a value in each of them a row would never replace another one.
static enum status check_unique(const struct table_values *v, const struct map *map, struct err *err) {
    for (size_t u = 0; u < v->unique_n; u++) {
        uint32_t i = 0;
        while (i < map->shape->n && !sqlite_names_equal(v->unique[u], value_str(map->shape->keys[i])))
            i++;
        if (i < map->shape->n && map->values[i].tag != VALUE_NONE)
            continue;
        char shown[EMIT_SHOWN_SIZE];
        return err_set(err, STATUS_DATA, "the output has no \"%s\", by which rows replace others (unique)",
                       emit_show_path(v->unique[u], shown));
    }
    return STATUS_OK;
}

// Values ---------------------------------------------------------------------------------------------------------

static enum status check_text(struct str name, struct str text, struct err *err) {
    char shown[EMIT_SHOWN_SIZE];
    return has_nul(text) ? err_set(err, STATUS_DATA, "the text of \"%s\" has a NUL character",
                                   emit_show_path(name, shown))
                         : STATUS_OK;
}

static enum status settle(struct table_values *v, struct arena *arena, struct str name, struct value *value,
                          struct err *err) {
    switch (value->tag) {
    case VALUE_STRING:
        return check_text(name, value_str(*value), err);
    case VALUE_BIG:
        *value = value_string(value_str(*value));
        return STATUS_OK;
    case VALUE_LIST:
    case VALUE_MAP: {
        buf_clear(&v->json);
        add_json(&v->json, *value);
        struct str copy = arena_str(arena, buf_str(&v->json));
        buf_clear(&v->json);
        buf_shrink(&v->json, JSON_KEPT);
        if (!copy.p)
            return no_memory(err);
        *value = value_string(copy);
        return STATUS_OK;
    }
    default:
        return STATUS_OK;
    }
}

static enum status json_error(const struct table_values *v, struct str text, struct err *err) {
    uint32_t line, column;
    source_locate(text, v->reader.fault_at, &line, &column, NULL);
    return err_set(err, STATUS_DATA, "line %u, column %u of the output is no JSON: %s", line, column,
                   v->reader.fault);
}

enum status table_values_of_json(struct table_values *v, struct str text, struct arena *arena,
                                 struct table_row *row, struct err *err) {
    struct value object;
    size_t most = text.n < VALUES_BYTES / 4 ? VALUES_BYTES : text.n * 4;
    arena_limit(arena, arena_used(arena) + most); // a short text can make values many times its size
    enum status status = reader_parse(&v->reader, text, arena, &object);
    if (status == STATUS_MEMORY)
        no_memory(err);
    else if (status != STATUS_OK)
        json_error(v, text, err);
    else if (object.tag != VALUE_MAP)
        status =
            err_set(err, STATUS_DATA, "the output is not a JSON object, whose keys would be the columns");
    if (status == STATUS_OK)
        status = check_names(v, object.map->shape, err);
    if (status == STATUS_OK)
        status = check_unique(v, object.map, err);
    for (uint32_t i = 0; status == STATUS_OK && i < object.map->shape->n; i++)
        status = settle(v, arena, value_str(object.map->shape->keys[i]), &object.map->values[i], err);
    arena_limit(arena, 0);
    if (status != STATUS_OK)
        return status;
    row->shape = object.map->shape;
    row->values = object.map->values;
    return STATUS_OK;
}

enum status table_values_of_text(struct table_values *v, struct str text, struct arena *arena,
                                 struct table_row *row, struct err *err) {
    struct value *value = arena_alloc(arena, sizeof *value);
    if (!value || !v->text)
        return no_memory(err);
    *value = value_string(text);
    row->shape = v->text;
    row->values = value;
    return check_text(STR(TABLE_TEXT_COLUMN), text, err);
}
