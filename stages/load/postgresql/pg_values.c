// SPDX-License-Identifier: MIT
#include "stages/load/postgresql/pg_values.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/number.h"
#include "stages/load/csv/csv_scan.h"
#include "stages/record/scan.h"

enum { NAME_SHOWN = 60, DEPTH_MOST = 6 }; // PostgreSQL's arrays have six dimensions at most

struct row {
    const struct loader *loader;
    const struct csv_columns *columns;
    const struct csv_view *view;
    struct reader *reader;
    struct batch *batch;
    struct item *item;
    struct arena_mark mark; // before the record's values
    size_t column;          // at which it is
};

// Located in words: a row has no line. What was made of the record is given up first.
__attribute__((cold, format(printf, 2, 3))) static bool fail(const struct row *row, const char *format, ...) {
    const struct source_text source = {row->loader->name, {NULL, 0}};
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    arena_limit(&row->batch->arena, 0);
    arena_rewind(&row->batch->arena, row->mark);
    struct str name =
        row->column < row->columns->n ? row->columns->columns[row->column].name : (struct str){"", 0};
    row->item->error =
        diag_make(&row->batch->arena, &source, (struct span){0, 1}, "row %llu%s%.*s%s: %s",
                  (unsigned long long)row->item->ordinal + 1, name.n ? ", column \"" : "",
                  (int)(name.n < NAME_SHOWN ? name.n : NAME_SHOWN), name.p, name.n ? "\"" : "", text);
    row->item->record = value_missing();
    return false;
}

__attribute__((cold)) static bool fail_memory(const struct row *row) {
    return fail(row, "the values of the record need too much memory (limits: record_bytes)");
}

// Text -------------------------------------------------------------------------------------------------------

static char plain_of(char escaped) {
    switch (escaped) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'v':
        return '\v';
    default:
        return escaped;
    }
}

static char itself(char escaped) {
    return escaped;
}

// Without the backslashes; what each of them makes of the character behind it is asked of `meaning`.
static bool unescape(const struct row *row, char (*meaning)(char), struct str *text) {
    char *to = arena_alloc(&row->batch->arena, text->n);
    if (!to)
        return fail_memory(row);
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++)
        to[n++] = text->p[i] == '\\' && i + 1 < text->n ? meaning(text->p[++i]) : text->p[i];
    *text = (struct str){to, n};
    return true;
}

// Numbers ----------------------------------------------------------------------------------------------------

static bool read_special(struct str text, double *f) {
    *f = str_is(text, "NaN") ? NAN : str_is(text, "Infinity") ? INFINITY : -INFINITY;
    return !isinf(*f) || *f > 0 || str_is(text, "-Infinity");
}

// An integer of any length, or a decimal fraction, as JSON has them too.
static bool read_numeric(const struct row *row, struct str text, struct value *out) {
    struct scan s = {.begin = text.p, .end = text.p + text.n, .arena = &row->batch->arena};
    bool digit = text.n && (text.p[0] == '-' || (unsigned char)(text.p[0] - '0') <= 9);
    if (digit && text.n > 1 && text.p[0] == '-' && text.p[1] == 'I')
        digit = false;
    if (digit && scan_number(&s, text.p, out) == s.end)
        return true;
    *out = value_float(0);
    return read_special(text, &out->f) || (digit && fail(row, "a number that does not fit a double")) ||
           fail(row, "expected a number");
}

static bool read_float(const struct row *row, struct str text, struct value *out) {
    *out = value_float(0);
    return number_parse_double(text, &out->f) || read_special(text, &out->f) ||
           fail(row, "expected a number");
}

// ------------------------------------------------------------------------------------------------------------

static bool read_json(const struct row *row, struct str text, const struct projection *want,
                      struct value *out) {
    struct reader *reader = row->reader;
    const struct projection *projection = reader->projection;
    reader->projection = want;
    enum status status = reader_parse(reader, text, &row->batch->arena, out);
    reader->projection = projection;
    if (status == STATUS_OK)
        return true;
    return status == STATUS_MEMORY ? fail_memory(row) : fail(row, "not JSON: %s", reader->fault);
}

static bool read_scalar(const struct row *row, enum pg_kind kind, struct str text,
                        const struct projection *want, struct value *out) {
    switch (kind) {
    case PG_INTEGER:
    case PG_NUMERIC:
        return read_numeric(row, text, out);
    case PG_FLOAT:
        return read_float(row, text, out);
    case PG_BOOLEAN:
        *out = value_bool(str_is(text, "t"));
        return true;
    case PG_JSON:
        return read_json(row, text, want, out);
    case PG_TEXT:
        break;
    }
    *out = value_string(text);
    return true;
}

// Arrays: {1,2,NULL}, {{a,b},{"c d","e\"f"}}, [0:1]={1,2} --------------------------------------------------------

struct array {
    const struct row *row;
    struct pg_type type;
    const struct projection *want;
    const char *p, *end;
};

// An element between quotes, or without, which ends with the delimiter or the brace; its text is made plain.
static bool take_element(struct array *a, struct str *text, bool *quoted) {
    bool escaped = false;
    *quoted = *a->p == '"';
    const char *from = a->p += *quoted;
    for (; a->p < a->end && (*quoted ? *a->p != '"' : *a->p != a->type.delimiter && *a->p != '}'); a->p++)
        if (*a->p == '\\' && a->p + 1 < a->end) {
            escaped = true;
            a->p++;
        }
    *text = (struct str){from, (size_t)(a->p - from)};
    a->p += *quoted && a->p < a->end;
    return !escaped || unescape(a->row, itself, text);
}

static uint32_t count_elements(const struct array *a) {
    uint32_t n = 1, depth = 0;
    bool quoted = false;
    for (const char *p = a->p; p < a->end && (quoted || depth > 0 || *p != '}'); p++) {
        if (*p == '\\')
            p++;
        else if (*p == '"')
            quoted = !quoted;
        else if (!quoted && *p == '{')
            depth++;
        else if (!quoted && *p == '}')
            depth--;
        else if (!quoted && depth == 0 && *p == a->type.delimiter)
            n++;
    }
    return a->p < a->end && *a->p == '}' ? 0 : n;
}

// From behind the opening brace to behind the closing one.
static bool read_list(struct array *a, int depth, struct value *out) { // NOLINT(misc-no-recursion)
    uint32_t n = count_elements(a);
    struct list *list = list_new(&a->row->batch->arena, n);
    if (!list)
        return fail_memory(a->row);
    for (uint32_t i = 0; i < n && a->p < a->end; i++) {
        struct str text;
        bool quoted;
        if (*a->p == '{' && depth < DEPTH_MOST) {
            a->p++;
            if (!read_list(a, depth + 1, &list->items[i]))
                return false;
        } else if (!take_element(a, &text, &quoted)) {
            return false;
        } else if (!quoted && str_is(text, "NULL")) {
            list->items[i] = value_none();
        } else if (!read_scalar(a->row, a->type.kind, text, a->want, &list->items[i])) {
            return false;
        }
        if (a->p < a->end && *a->p == a->type.delimiter && i + 1 < n)
            a->p++;
    }
    if (a->p >= a->end || *a->p != '}')
        return fail(a->row, "an array that cannot be read");
    a->p++;
    *out = value_list(list);
    return true;
}

static bool read_array(const struct row *row, struct pg_type type, struct str text,
                       const struct projection *want, struct value *out) {
    struct array a = {row, type, want, text.p, text.p + text.n};
    if (text.n && *a.p == '[') // its bounds are not the usual ones
        while (a.p < a.end && *a.p != '{')
            a.p++;
    if (a.p == a.end || *a.p != '{')
        return fail(row, "an array that cannot be read");
    a.p++;
    return read_list(&a, 1, out);
}

// Rows -------------------------------------------------------------------------------------------------------

static bool read_field(const struct row *row, const struct pg_type *type, struct str text, bool escaped,
                       const struct projection *want, struct value *out) {
    if (str_is(text, "\\N")) {
        *out = value_none();
        return true;
    }
    if (escaped && !unescape(row, plain_of, &text))
        return false;
    return type->is_list ? read_array(row, *type, text, want, out)
                         : read_scalar(row, type->kind, text, want, out);
}

static bool read_fields(struct row *row, const struct pg_type *types, struct value *values) {
    const char *p = row->item->raw.p, *end = p + row->item->raw.n;
    for (row->column = 0; row->column < row->columns->n; row->column++) {
        const struct csv_place *place = &row->view->columns[row->column];
        const char *from = p;
        bool escaped = false;
        while ((p = csv_find(p, end, '\t', '\\')) < end && *p == '\\') {
            escaped = true;
            p = end - p > 2 ? p + 2 : end;
        }
        const struct str text = {from, (size_t)(p - from)};
        if (place->slot >= 0 &&
            !read_field(row, &types[row->column], text, escaped, place->want, &values[place->slot]))
            return false;
        if (p < end)
            p++;
        else if (row->column + 1 < row->columns->n)
            return fail(row, "the row ends here");
    }
    return true;
}

// A shape that the view keeps for itself is copied into the batch, whose values must not need the loader. The record
// before has mostly done that.
static const struct shape *shape_of(const struct row *row) {
    const struct shape *shape = row->view->shape;
    if (shape->shared)
        return shape;
    if (row->item > row->batch->items && row->item[-1].record.tag == VALUE_MAP)
        return row->item[-1].record.map->shape;
    struct arena_asked asked = arena_asked(&row->batch->arena);
    struct value *keys = arena_alloc(&row->batch->arena, shape->n * sizeof *keys);
    for (uint32_t i = 0; keys && i < shape->n; i++)
        if (!value_copy(&row->batch->arena, shape->keys[i], &keys[i]))
            return NULL;
    shape = keys ? shape_new_private(&row->batch->arena, keys, shape->n) : NULL;
    arena_uncount(&row->batch->arena, asked); // one per batch, however the records fall into them
    return shape;
}

static bool read_row(struct row *row, const struct pg_type *types, struct map **map) {
    row->column = SIZE_MAX;
    if (!utf8_valid(row->item->raw, NULL))
        return fail(row, "the text is not valid UTF-8");
    loader_bound_values(row->loader, row->batch);
    *map = row->view ? map_new(&row->batch->arena, row->view->shape) : NULL;
    if (!*map)
        return fail_memory(row);
    if (!read_fields(row, types, (*map)->values))
        return false;
    (*map)->shape = shape_of(row);
    return (*map)->shape || fail_memory(row);
}

void pg_values_parse(const struct loader *loader, struct csv_columns *columns, const struct pg_type *types,
                     struct reader *reader, struct batch *batch, struct item *item) {
    struct row row = {.loader = loader,
                      .columns = columns,
                      .view = csv_columns_view(columns, reader),
                      .reader = reader,
                      .batch = batch,
                      .item = item,
                      .mark = arena_mark(&batch->arena)};
    struct map *map;
    if (read_row(&row, types, &map))
        item->record = value_map(map);
    if (row.view) {
        reader->fields.parsed += row.view->parsed;
        reader->fields.skipped += columns->n - row.view->parsed;
    }
    arena_limit(&batch->arena, 0);
}
