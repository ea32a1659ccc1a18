// SPDX-License-Identifier: MIT
#include "stages/load/schema/schema_bytes.h"

#include "base/mem.h"

enum { NUMBER_SIZE = 4, VERSION = 1 };
#define NONE UINT32_MAX

// Writing -----------------------------------------------------------------------------------------------------------

static void add_number(struct buf *out, size_t n) {
    char bytes[NUMBER_SIZE];
    for (int i = 0; i < NUMBER_SIZE; i++)
        bytes[i] = (char)(n >> (8 * i) & 255);
    buf_add(out, bytes, sizeof bytes);
}

void schema_bytes_add_text(struct buf *out, struct str text) {
    add_number(out, text.p ? text.n : NONE);
    buf_add_str(out, text);
}

static void add_texts(struct buf *out, const struct str *texts, size_t n) {
    add_number(out, n);
    for (size_t i = 0; i < n; i++)
        schema_bytes_add_text(out, texts[i]);
}

static void add_numbers(struct buf *out, const uint32_t *numbers, uint32_t n) {
    add_number(out, n);
    for (uint32_t i = 0; i < n; i++)
        add_number(out, numbers[i]);
}

static void add_column(struct buf *out, const struct schema_column *column) {
    schema_bytes_add_text(out, column->name);
    schema_bytes_add_text(out, column->type);
    schema_bytes_add_text(out, column->default_text);
    schema_bytes_add_text(out, column->comment);
    add_number(out,
               (size_t)column->nullable | (size_t)column->generated << 1 | (size_t)column->automatic << 2);
    add_texts(out, column->choices, column->choices_n);
}

static void add_index(struct buf *out, const struct schema_index *index) {
    schema_bytes_add_text(out, index->name);
    add_numbers(out, index->columns, index->columns_n);
    add_number(out, (size_t)index->unique | (size_t)index->partial << 1 | (size_t)index->primary << 2);
}

static void add_foreign_key(struct buf *out, const struct schema_foreign_key *key) {
    schema_bytes_add_text(out, key->table);
    add_numbers(out, key->columns, key->columns_n);
    for (uint32_t i = 0; i < key->columns_n; i++)
        schema_bytes_add_text(out, key->references[i]);
    schema_bytes_add_text(out, key->on_delete);
    schema_bytes_add_text(out, key->on_update);
}

static void add_table(struct buf *out, const struct schema_table *table) {
    schema_bytes_add_text(out, table->name);
    schema_bytes_add_text(out, table->comment);
    schema_bytes_add_text(out, table->fault);
    add_number(out, table->kind);
    add_number(out, table->columns_n);
    for (size_t i = 0; i < table->columns_n; i++)
        add_column(out, &table->columns[i]);
    add_numbers(out, table->primary_key, table->primary_key_n);
    add_number(out, table->indexes_n);
    for (size_t i = 0; i < table->indexes_n; i++)
        add_index(out, &table->indexes[i]);
    add_number(out, table->foreign_keys_n);
    for (size_t i = 0; i < table->foreign_keys_n; i++)
        add_foreign_key(out, &table->foreign_keys[i]);
}

void schema_bytes_write(const struct schema *schema, struct buf *out) {
    add_number(out, VERSION);
    add_number(out, schema->tables_n);
    for (size_t i = 0; i < schema->tables_n; i++)
        add_table(out, &schema->tables[i]);
    add_number(out, schema->pairs_n);
    for (size_t i = 0; i < schema->pairs_n; i++) {
        const struct schema_pair *pair = &schema->pairs[i];
        add_number(out, pair->table);
        add_number(out, pair->type_column);
        add_number(out, pair->id_column);
        schema_bytes_add_text(out, pair->name);
        add_number(out, pair->declared);
        add_texts(out, pair->values, pair->values_n);
    }
}

// Reading -----------------------------------------------------------------------------------------------------------

// What was asked for beyond the end, or makes no sense, ends all reading: from then on everything is empty.
struct reading {
    struct str rest;
    struct schema *schema;
    bool bad;
};

static uint32_t take_number(struct reading *in) {
    uint32_t n = 0;
    in->bad = in->bad || in->rest.n < NUMBER_SIZE;
    for (int i = 0; i < NUMBER_SIZE && !in->bad; i++)
        n |= (uint32_t)(unsigned char)in->rest.p[i] << (8 * i);
    if (!in->bad)
        in->rest = str_from(in->rest, NUMBER_SIZE);
    return n;
}

// Below `most`.
static uint32_t take_below(struct reading *in, size_t most) {
    uint32_t n = take_number(in);
    in->bad = in->bad || n >= most;
    return in->bad ? 0 : n;
}

// How many things follow, each of 4 bytes at least.
static uint32_t take_count(struct reading *in) {
    return take_below(in, in->rest.n / NUMBER_SIZE + 1);
}

static struct str take_text(struct reading *in) {
    uint32_t n = take_number(in);
    in->bad = in->bad || (n != NONE && n > in->rest.n);
    if (in->bad || n == NONE)
        return (struct str){NULL, 0};
    struct str text = {in->rest.p, n};
    in->rest = str_from(in->rest, n);
    return text;
}

static struct str keep_text(struct reading *in) {
    return schema_text(in->schema, take_text(in));
}

bool schema_bytes_take_text(struct str *rest, struct str *text) {
    struct reading in = {.rest = *rest};
    *text = take_text(&in);
    *rest = in.rest;
    return !in.bad;
}

static void *piece(struct reading *in, size_t size) {
    void *p = arena_zero(&in->schema->arena, size ? size : 1);
    if (!p)
        mem_fail(size);
    return p;
}

static void take_column(struct reading *in, struct schema_table *table) {
    struct str name = take_text(in), type = take_text(in);
    struct schema_column *column = schema_add_column(in->schema, table, name, type);
    column->default_text = keep_text(in);
    column->comment = keep_text(in);
    uint32_t flags = take_below(in, 8), n = take_count(in);
    column->nullable = flags & 1;
    column->generated = flags & 2;
    column->automatic = flags & 4;
    struct str *choices = piece(in, sizeof *choices * n);
    for (uint32_t i = 0; i < n; i++)
        choices[i] = keep_text(in);
    column->choices = choices;
    column->choices_n = n;
}

static uint32_t take_column_of(struct reading *in, const struct schema_table *table, bool may_be_expression) {
    uint32_t column = take_number(in);
    in->bad = in->bad || (column >= table->columns_n && !(may_be_expression && column == SCHEMA_EXPRESSION));
    return in->bad ? 0 : column;
}

static void take_primary_key(struct reading *in, struct schema_table *table) {
    uint32_t n = take_count(in);
    table->primary_key = piece(in, sizeof *table->primary_key * n);
    table->primary_key_n = n;
    for (uint32_t i = 0; i < n; i++)
        table->primary_key[i] = take_column_of(in, table, false);
}

static void take_index(struct reading *in, struct schema_table *table) {
    struct str name = take_text(in);
    uint32_t n = take_count(in);
    struct schema_index *index = schema_add_index(in->schema, table, name, n);
    for (uint32_t i = 0; i < n; i++)
        index->columns[i] = take_column_of(in, table, true);
    uint32_t flags = take_below(in, 8);
    index->unique = flags & 1;
    index->partial = flags & 2;
    index->primary = flags & 4;
}

static void take_foreign_key(struct reading *in, struct schema_table *table) {
    struct str target = take_text(in);
    uint32_t n = take_count(in);
    struct schema_foreign_key *key = schema_add_foreign_key(in->schema, table, target, n);
    for (uint32_t i = 0; i < n; i++)
        key->columns[i] = take_column_of(in, table, false);
    for (uint32_t i = 0; i < n; i++)
        key->references[i] = keep_text(in);
    key->on_delete = keep_text(in);
    key->on_update = keep_text(in);
}

static void take_table(struct reading *in) {
    struct schema_table *table = schema_add_table(in->schema, take_text(in), SCHEMA_TABLE);
    table->comment = keep_text(in);
    table->fault = keep_text(in);
    table->kind = (enum schema_kind)take_below(in, SCHEMA_VIRTUAL + 1);
    for (uint32_t n = take_count(in); n > 0 && !in->bad; n--)
        take_column(in, table);
    take_primary_key(in, table);
    for (uint32_t n = take_count(in); n > 0 && !in->bad; n--)
        take_index(in, table);
    for (uint32_t n = take_count(in); n > 0 && !in->bad; n--)
        take_foreign_key(in, table);
}

static void take_pair(struct reading *in) {
    struct schema *schema = in->schema;
    struct schema_pair pair = {.table = take_below(in, schema->tables_n)};
    if (in->bad)
        return;
    const struct schema_table *table = &schema->tables[pair.table];
    pair.type_column = take_column_of(in, table, false);
    pair.id_column = take_column_of(in, table, false);
    pair.name = keep_text(in);
    pair.declared = take_below(in, 2);
    MEM_GROW(schema->pairs, schema->pairs_cap, schema->pairs_n + 1);
    schema->pairs[schema->pairs_n] = pair;
    for (uint32_t n = take_count(in); n > 0 && !in->bad; n--)
        schema_add_value(schema, &schema->pairs[schema->pairs_n], take_text(in));
    schema->pairs_n++;
}

bool schema_bytes_read(struct str bytes, struct schema *schema) {
    struct reading in = {.rest = bytes, .schema = schema};
    in.bad = take_number(&in) != VERSION;
    for (uint32_t n = take_count(&in); n > 0 && !in.bad; n--)
        take_table(&in);
    for (uint32_t n = take_count(&in); n > 0 && !in.bad; n--)
        take_pair(&in);
    return !in.bad && in.rest.n == 0;
}
