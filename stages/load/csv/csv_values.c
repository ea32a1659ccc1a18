// SPDX-License-Identifier: MIT
#include "stages/load/csv/csv_values.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/number.h"
#include "stages/load/csv/csv_scan.h"
#include "stages/record/scan.h"

enum { FOUND_SHOWN = 40, NAME_SHOWN = 60 }; // bytes of them in a message

struct row {
    const struct loader *loader;
    const struct csv_columns *columns;
    const struct csv_view *view;
    char delimiter;
    struct reader *reader;
    struct batch *batch;
    struct item *item;
    struct arena_mark mark; // before the record's values
};

// What was made of the record is given up first: a file of short bad records must not take room for each.
__attribute__((cold, format(printf, 3, 4))) static bool fail(const struct row *row, const char *at,
                                                             const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    arena_limit(&row->batch->arena, 0);
    arena_rewind(&row->batch->arena, row->mark);
    loader_fail(row->loader, row->batch, row->item, (size_t)(at - row->item->raw.p), text);
    return false;
}

// At most n bytes of valid UTF-8, whole code points.
static struct str cut(struct str text, size_t n) {
    if (text.n <= n)
        return text;
    while (n > 0 && ((unsigned char)text.p[n] & 0xC0) == 0x80)
        n--;
    return str_slice(text, 0, n);
}

// A field on its way to a value.
struct cell {
    const struct row *row;
    const char *at; // where the field begins
    size_t column;
    struct csv_field field;
    struct str text; // the field's, plain, without blanks around
};

__attribute__((cold)) static bool fail_type(const struct cell *c, const char *expected) {
    struct str found = cut(c->text, FOUND_SHOWN),
               name = cut(c->row->columns->columns[c->column].name, NAME_SHOWN);
    return fail(c->row, c->at, "column \"%.*s\": expected %s, found \"%.*s%s\"", STR_ARG(name), expected,
                STR_ARG(found), found.n < c->text.n ? "..." : "");
}

__attribute__((cold)) static bool fail_memory(const struct row *row) {
    return fail(row, row->item->raw.p,
                "the values of the record need too much memory (limits: record_bytes)");
}

// As JSON has it, which is what nearly all numbers are.
static bool is_json_number(struct str text, struct value *out) {
    struct scan s = {.begin = text.p, .end = text.p + text.n};
    if (text.p[0] != '-' && (unsigned char)(text.p[0] - '0') > 9)
        return false;
    return scan_number(&s, text.p, out) == s.end;
}

static bool is_digits(struct str text) {
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)(text.p[i] - '0') > 9)
            return false;
    return text.n > 0;
}

// Of an integer that JSON does not have: with a plus or leading zeros.
static bool parse_integer(const struct cell *c, struct value *out) {
    bool minus = c->text.p[0] == '-';
    struct str digits = str_from(c->text, minus || c->text.p[0] == '+');
    int64_t i;
    if (number_parse_int(c->text, &i)) {
        *out = value_int(i);
        return true;
    }
    while (digits.n > 0 && *digits.p == '0')
        digits = str_from(digits, 1);
    char *to = arena_alloc(&c->row->batch->arena, digits.n + 1);
    if (!to)
        return fail_memory(c->row);
    *to = '-';
    memcpy(to + 1, digits.p, digits.n);
    *out = value_string(minus ? (struct str){to, digits.n + 1} : (struct str){to + 1, digits.n});
    out->tag = VALUE_BIG;
    return true;
}

static bool is_integer(struct str text) {
    return is_digits(str_from(text, text.p[0] == '-' || text.p[0] == '+'));
}

static bool read_integer(const struct cell *c, struct value *out) {
    if (is_json_number(c->text, out))
        return out->tag != VALUE_FLOAT || fail_type(c, "an integer");
    return is_integer(c->text) ? parse_integer(c, out) : fail_type(c, "an integer");
}

static bool read_number(const struct cell *c, struct value *out) {
    if (is_json_number(c->text, out))
        return true;
    if (is_integer(c->text))
        return parse_integer(c, out);
    *out = value_float(0);
    if (!number_parse_double(c->text, &out->f))
        return fail_type(c, "a number");
    return isfinite(out->f) || fail_type(c, "a number that fits a double");
}

static bool is_word(struct str text, const char *word) {
    size_t i = 0;
    for (; i < text.n && word[i] && (text.p[i] | 0x20) == word[i]; i++)
        ;
    return i == text.n && !word[i];
}

static bool read_boolean(const struct cell *c, struct value *out) {
    bool yes = str_is(c->text, "1") || is_word(c->text, "true") || is_word(c->text, "yes");
    bool no = str_is(c->text, "0") || is_word(c->text, "false") || is_word(c->text, "no");
    *out = value_bool(yes);
    return yes || no || fail_type(c, "true, false, yes, no, 1 or 0");
}

// Where a byte of the plain text stands in the record: each quote before it takes two bytes where it is doubled.
static const char *place_of(const struct cell *c, const char *plain, size_t at) {
    const char *place = c->field.text.p;
    if (!c->field.doubled)
        return c->text.p + at;
    for (const char *p = plain; p < c->text.p + at; p++)
        place += *p == '"' ? 2 : 1;
    return place;
}

static bool read_json(const struct cell *c, const char *plain, struct value *out) {
    static const struct projection nothing = {.n = 0};
    const struct row *row = c->row;
    const struct csv_place *place = &row->view->columns[c->column];
    struct reader *reader = row->reader;
    const struct projection *projection = reader->projection;
    reader->projection = place->slot < 0 ? &nothing : place->want;
    enum status status = reader_parse(reader, c->text, &row->batch->arena, out);
    reader->projection = projection;
    if (status == STATUS_OK)
        return true;
    if (status == STATUS_MEMORY)
        return fail_memory(row);
    return fail(row, place_of(c, plain, reader->fault_at), "column \"%.*s\": not JSON: %s",
                STR_ARG(cut(row->columns->columns[c->column].name, NAME_SHOWN)), reader->fault);
}

static bool read_typed(struct cell *c, struct str plain, struct value *out) {
    c->text = str_trim(plain);
    *out = value_none();
    if (c->text.n == 0)
        return true;
    switch (c->row->view->columns[c->column].type) {
    case COLUMN_INTEGER:
        return read_integer(c, out);
    case COLUMN_NUMBER:
        return read_number(c, out);
    case COLUMN_BOOLEAN:
        return read_boolean(c, out);
    case COLUMN_JSON:
        return read_json(c, plain.p, out);
    case COLUMN_TEXT:
        break;
    }
    *out = value_string(plain);
    return true;
}

// Whether the field could be read at all, and its quotes made plain.
static bool settle_field(const struct row *row, const char *at, struct csv_field *field, struct str *plain) {
    if (field->fault == CSV_UNCLOSED)
        return fail(row, at, "the quote that opens here is never closed");
    if (field->fault == CSV_TEXT_BEHIND_QUOTE)
        return fail(row, at, "the quoted field that begins here is followed by more text");
    char *to = arena_alloc(&row->batch->arena, field->text.n);
    if (!to)
        return fail_memory(row);
    *plain = (struct str){to, csv_field_plain(field, to)};
    return true;
}

// `n` fields were found up to p, which is the delimiter behind the last of them or the record's end.
__attribute__((cold)) static bool fail_count(const struct row *row, const char *at, const char *p, size_t n) {
    const char *end = row->item->raw.p + row->item->raw.n;
    struct csv_field field;
    while (p < end) {
        p = csv_field(p + 1, end, row->delimiter, &field);
        n++;
    }
    return fail(row, at, "expected %zu field%s as in %s, found %zu", row->columns->n,
                row->columns->n == 1 ? "" : "s", row->columns->named_in, n);
}

static bool read_fields(const struct row *row, struct value *values) {
    const struct csv_place *place = row->view->columns;
    const char *p = row->item->raw.p, *end = p + row->item->raw.n;
    size_t n = row->columns->n;
    for (size_t i = 0; i < n; i++, place++, p++) {
        struct cell cell;
        struct value skipped;
        const char *at = p;
        p = csv_field(p, end, row->delimiter, &cell.field);
        struct str plain = cell.field.text;
        if (__builtin_expect(cell.field.fault || cell.field.doubled, 0) &&
            !settle_field(row, at, &cell.field, &plain))
            return false;
        struct value *to = place->slot < 0 ? &skipped : &values[place->slot];
        if (place->type == COLUMN_TEXT) {
            *to = value_string(plain);
        } else {
            cell.row = row;
            cell.at = at;
            cell.column = i;
            if (!read_typed(&cell, plain, to))
                return false;
        }
        if (p == end)
            return i + 1 == n || fail_count(row, end, end, i + 1);
    }
    return fail_count(row, p, p - 1, n);
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

static bool read_row(const struct row *row, struct map **map) {
    struct str raw = row->item->raw;
    if (raw.n > UINT32_MAX)
        return fail(row, raw.p, "a record of 4 GiB or more");
    int64_t bad = csv_bad_byte(raw);
    if (bad >= 0)
        return fail(row, raw.p + bad, raw.p[bad] ? "invalid UTF-8" : "a NUL byte");
    loader_bound_values(row->loader, row->batch);
    *map = row->view ? map_new(&row->batch->arena, row->view->shape) : NULL;
    if (!*map)
        return fail_memory(row);
    if (!read_fields(row, (*map)->values))
        return false;
    (*map)->shape = shape_of(row);
    return (*map)->shape || fail_memory(row);
}

void csv_values_parse(const struct loader *loader, struct csv_columns *columns, char delimiter,
                      struct reader *reader, struct batch *batch, struct item *item) {
    const struct row row = {.loader = loader,
                            .columns = columns,
                            .view = csv_columns_view(columns, reader),
                            .delimiter = delimiter,
                            .reader = reader,
                            .batch = batch,
                            .item = item,
                            .mark = arena_mark(&batch->arena)};
    struct map *map;
    if (read_row(&row, &map))
        item->record = value_map(map);
    if (row.view) {
        reader->fields.parsed += row.view->parsed;
        reader->fields.skipped += columns->n - row.view->parsed;
    }
    arena_limit(&batch->arena, 0);
}
