// SPDX-License-Identifier: MIT
// Whatever a manifest has for a query or a url of PostgreSQL, and whatever a server sends for a row. The first byte chooses:
//   q  a query: what is copied stands where it is said to stand, and nothing else is put in but the parameters
//   u  a text with urls: what was masked has nothing to mask any more but asterisks
//   else a row: it is a record, or has an error; each bit of the byte makes one of its columns a list
#include <stdlib.h>

#include "stages/load/csv/csv_scan.h"
#include "stages/load/postgresql/pg_query.h"
#include "stages/load/postgresql/pg_url.h"
#include "stages/load/postgresql/pg_values.h"
#include "tests/fuzz/fuzz.h"

enum { COLUMNS = 6 };

static void must(bool holds) {
    if (!holds)
        abort();
}

static bool write_parameter(void *self, struct str name, struct buf *out) {
    (void)self;
    must(name.n > 0);
    buf_add_char(out, '?');
    return name.p[0] != 'x';
}

static void try_query(struct str text) {
    const struct pg_parameters parameters = {NULL, write_parameter};
    struct pg_query query = {0};
    struct str missing;
    if (pg_query_write(&query, text, &parameters, &missing) == STATUS_OK)
        must(query.text.n <= text.n);
    for (size_t i = 0; i < query.pieces_n; i++) {
        const struct pg_query_piece *piece = &query.pieces[i];
        must(piece->at < query.text.n && piece->from < text.n);
        must(query.text.p[piece->at] == text.p[piece->from]);
        must(pg_query_place(&query, piece->at) == piece->from);
    }
    pg_query_release(&query);
}

static void try_url(struct str text) {
    struct buf copy = BUF_INIT, again = BUF_INIT, shown = BUF_INIT;
    buf_add_str(&copy, text);
    bool masked = pg_url_mask(copy.p, copy.n);
    must(copy.n == text.n && (masked || str_equal(buf_str(&copy), text)));
    buf_add_str(&again, buf_str(&copy));
    pg_url_mask(again.p, again.n);
    must(str_equal(buf_str(&again), buf_str(&copy)));
    pg_url_write_shown(text, &shown);
    must(pg_url_has_secret(text) || str_equal(buf_str(&shown), text));
    buf_release(&copy);
    buf_release(&again);
    buf_release(&shown);
}

static void try_row(unsigned lists, struct str text) {
    static const struct str names[COLUMNS] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}, {"f", 1}};
    const struct load_options options = {.name = STR("db"), .columns = names, .columns_n = COLUMNS};
    struct pg_type types[COLUMNS];
    struct csv_columns columns = {0};
    struct loader loader = {0};
    struct reader reader;
    struct err err;
    struct shapes *shapes = shapes_new();
    struct batch *batch = batch_new();
    for (unsigned i = 0; i < COLUMNS; i++)
        types[i] = (struct pg_type){.kind = (enum pg_kind)i, .is_list = lists >> i & 1, .delimiter = ','};
    loader_take_options(&loader, &options);
    must(csv_columns_init(&columns, &options, &err) == STATUS_OK);
    reader_init(&reader, shapes, NULL);
    loader_reserve(batch, text.n + CSV_PAD);
    memset(batch->bytes, 0, text.n + CSV_PAD);
    if (text.n)
        memcpy(batch->bytes, text.p, text.n);
    struct item *item = loader_add(&loader, batch, 0, 0, 0);
    item->raw = (struct str){batch->bytes, text.n};
    pg_values_parse(&loader, &columns, types, &reader, batch, item);
    must((item->error == NULL) == (item->record.tag == VALUE_MAP));
    reader_release(&reader);
    csv_columns_release(&columns);
    batch_free(batch);
    shapes_free(shapes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    const struct str text = {(const char *)data + 1, size - 1};
    if (data[0] == 'q')
        try_query(text);
    else if (data[0] == 'u')
        try_url(text);
    else
        try_row(data[0], text);
    return 0;
}
