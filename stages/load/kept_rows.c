// SPDX-License-Identifier: MIT
#include "stages/load/kept_rows.h"

#include <string.h>

#include "base/utf8.h"

enum kind { KIND_NONE, KIND_INTEGER, KIND_FLOAT, KIND_TEXT };

enum { ROWS_SIZE = 8, LENGTH_SIZE = 4, NUMBER_SIZE = 8 };

// Writing ---------------------------------------------------------------------------------------------------

static void add_number(struct buf *out, uint64_t n, int bytes) {
    char text[8];
    for (int i = 0; i < bytes; i++)
        text[i] = (char)(n >> (8 * i) & 255);
    buf_add(out, text, (size_t)bytes);
}

static void add_text(struct buf *out, struct str text) {
    add_number(out, text.n, LENGTH_SIZE);
    buf_add_str(out, text);
}

void kept_rows_begin(struct buf *out, const struct value *names, uint32_t n) {
    buf_clear(out);
    add_number(out, n, LENGTH_SIZE);
    for (uint32_t i = 0; i < n; i++)
        add_text(out, value_str(names[i]));
    add_number(out, 0, ROWS_SIZE);
}

void kept_rows_add(struct buf *out, struct value value) {
    uint64_t bits = 0;
    switch (value.tag) {
    case VALUE_INT:
        buf_add_char(out, KIND_INTEGER);
        add_number(out, (uint64_t)value.i, NUMBER_SIZE);
        break;
    case VALUE_FLOAT:
        memcpy(&bits, &value.f, sizeof bits);
        buf_add_char(out, KIND_FLOAT);
        add_number(out, bits, NUMBER_SIZE);
        break;
    case VALUE_NONE:
        buf_add_char(out, KIND_NONE);
        break;
    default:
        buf_add_char(out, KIND_TEXT);
        add_text(out, value_str(value));
    }
}

// Reading ---------------------------------------------------------------------------------------------------

static uint64_t number_at(const char *p, int bytes) {
    uint64_t n = 0;
    for (int i = 0; i < bytes; i++)
        n |= (uint64_t)(unsigned char)p[i] << (8 * i);
    return n;
}

static bool take_number(struct str *rest, int bytes, uint64_t *n) {
    if (rest->n < (size_t)bytes)
        return false;
    *n = number_at(rest->p, bytes);
    *rest = str_from(*rest, (size_t)bytes);
    return true;
}

static bool take_text(struct str *rest, struct str *text) {
    uint64_t n;
    if (!take_number(rest, LENGTH_SIZE, &n) || n > rest->n)
        return false;
    *text = str_slice(*rest, 0, n);
    *rest = str_from(*rest, n);
    return true;
}

static bool skip_names(struct str *rest, uint32_t columns) {
    struct str name;
    for (uint32_t i = 0; i < columns; i++)
        if (!take_text(rest, &name) || !utf8_valid(name, NULL))
            return false;
    return true;
}

static size_t rows_at(struct str bytes, uint32_t columns) {
    struct str rest = str_from(bytes, LENGTH_SIZE);
    return skip_names(&rest, columns) ? bytes.n - rest.n : 0;
}

void kept_rows_end(struct buf *out, uint64_t rows) {
    size_t at = rows_at(buf_str(out), (uint32_t)number_at(out->p, LENGTH_SIZE));
    for (int i = 0; i < ROWS_SIZE; i++)
        out->p[at + (size_t)i] = (char)(rows >> (8 * i) & 255);
}

static bool take(struct str *rest, struct value *value) {
    uint64_t bits;
    double number;
    struct str text;
    if (rest->n == 0)
        return false;
    char kind = rest->p[0];
    *rest = str_from(*rest, 1);
    switch (kind) {
    case KIND_NONE:
        *value = value_none();
        return true;
    case KIND_INTEGER:
        if (!take_number(rest, NUMBER_SIZE, &bits))
            return false;
        *value = value_int((int64_t)bits);
        return true;
    case KIND_FLOAT:
        if (!take_number(rest, NUMBER_SIZE, &bits))
            return false;
        memcpy(&number, &bits, sizeof number);
        *value = value_float(number);
        return true;
    case KIND_TEXT:
        if (!take_text(rest, &text) || text.n > INT32_MAX)
            return false;
        *value = value_string(text);
        return true;
    default:
        return false;
    }
}

bool kept_rows_open(struct kept_rows *kept, struct str bytes) {
    struct str rest = bytes;
    struct value value;
    uint64_t columns, rows;
    if (!take_number(&rest, LENGTH_SIZE, &columns) || columns == 0 || columns > bytes.n)
        return false;
    *kept = (struct kept_rows){.columns = (uint32_t)columns, .names = rest};
    if (!skip_names(&rest, kept->columns) || !take_number(&rest, ROWS_SIZE, &rows))
        return false;
    kept->left = rows;
    kept->rest = rest;
    for (uint64_t row = 0; row < rows; row++)
        for (uint32_t i = 0; i < kept->columns; i++)
            if (!take(&rest, &value) || (value_is_string(value) && !utf8_valid(value_str(value), NULL)))
                return false;
    return rest.n == 0;
}

struct str kept_rows_name(struct kept_rows *kept) {
    struct str name = {NULL, 0};
    take_text(&kept->names, &name);
    return name;
}

bool kept_rows_next(struct kept_rows *kept) {
    if (kept->left == 0)
        return false;
    kept->left--;
    return true;
}

struct value kept_rows_take(struct kept_rows *kept) {
    struct value value = value_none();
    take(&kept->rest, &value);
    return value;
}
