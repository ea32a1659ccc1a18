// SPDX-License-Identifier: MIT
#include "stages/load/schema/schema.h"

#include "base/buf.h"
#include "base/mem.h"

void schema_init(struct schema *schema) {
    *schema = (struct schema){0};
    arena_init(&schema->arena, 0);
}

void schema_release(struct schema *schema) {
    for (size_t i = 0; i < schema->tables_n; i++) {
        mem_free(schema->tables[i].columns);
        mem_free(schema->tables[i].indexes);
        mem_free(schema->tables[i].foreign_keys);
    }
    for (size_t i = 0; i < schema->pairs_n; i++)
        mem_free(schema->pairs[i].values);
    mem_free(schema->tables);
    mem_free(schema->pairs);
    arena_release(&schema->arena);
    *schema = (struct schema){0};
}

// Adding -------------------------------------------------------------------------------------------------------

static void *piece(struct schema *schema, size_t size) {
    void *p = arena_zero(&schema->arena, size ? size : 1);
    if (!p)
        mem_fail(size);
    return p;
}

struct str schema_text(struct schema *schema, struct str text) {
    if (!text.p)
        return text;
    struct str copy = arena_str(&schema->arena, text);
    if (!copy.p)
        mem_fail(text.n);
    return copy;
}

struct schema_table *schema_add_table(struct schema *schema, struct str name, enum schema_kind kind) {
    MEM_GROW(schema->tables, schema->tables_cap, schema->tables_n + 1);
    struct schema_table *table = &schema->tables[schema->tables_n++];
    *table = (struct schema_table){.name = schema_text(schema, name), .kind = kind};
    return table;
}

struct schema_column *schema_add_column(struct schema *schema, struct schema_table *table, struct str name,
                                        struct str type) {
    MEM_GROW(table->columns, table->columns_cap, table->columns_n + 1);
    struct schema_column *column = &table->columns[table->columns_n++];
    *column = (struct schema_column){.name = schema_text(schema, name), .type = schema_text(schema, type)};
    return column;
}

struct schema_index *schema_add_index(struct schema *schema, struct schema_table *table, struct str name,
                                      uint32_t columns_n) {
    MEM_GROW(table->indexes, table->indexes_cap, table->indexes_n + 1);
    struct schema_index *index = &table->indexes[table->indexes_n++];
    *index = (struct schema_index){.name = schema_text(schema, name),
                                   .columns = piece(schema, sizeof *index->columns * columns_n),
                                   .columns_n = columns_n};
    return index;
}

struct schema_foreign_key *schema_add_foreign_key(struct schema *schema, struct schema_table *table,
                                                  struct str target, uint32_t columns_n) {
    MEM_GROW(table->foreign_keys, table->foreign_keys_cap, table->foreign_keys_n + 1);
    struct schema_foreign_key *key = &table->foreign_keys[table->foreign_keys_n++];
    *key = (struct schema_foreign_key){.table = schema_text(schema, target),
                                       .columns = piece(schema, sizeof *key->columns * columns_n),
                                       .references = piece(schema, sizeof *key->references * columns_n),
                                       .columns_n = columns_n,
                                       .on_delete = STR("no action"),
                                       .on_update = STR("no action")};
    return key;
}

void schema_set_primary_key(struct schema *schema, struct schema_table *table, const uint32_t *columns,
                            uint32_t columns_n) {
    table->primary_key = piece(schema, sizeof *columns * columns_n);
    table->primary_key_n = columns_n;
    for (uint32_t i = 0; i < columns_n; i++) {
        table->primary_key[i] = columns[i];
        table->columns[columns[i]].nullable = false;
    }
}

// Looking ------------------------------------------------------------------------------------------------------

const struct schema_table *schema_table_named(const struct schema *schema, struct str name) {
    size_t from = 0, to = schema->tables_n; // sorted by name
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = str_compare(schema->tables[middle].name, name);
        if (order == 0)
            return &schema->tables[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

int64_t schema_column_named(const struct schema_table *table, struct str name) {
    for (size_t i = 0; i < table->columns_n; i++)
        if (str_equal(table->columns[i].name, name))
            return (int64_t)i;
    return -1;
}

static bool holds(const uint32_t *columns, uint32_t columns_n, const uint32_t *key, uint32_t key_n) {
    for (uint32_t i = 0; i < key_n; i++) {
        uint32_t k = 0;
        while (k < columns_n && columns[k] != key[i])
            k++;
        if (k == columns_n)
            return false;
    }
    return key_n > 0;
}

bool schema_is_unique(const struct schema_table *table, const uint32_t *columns, uint32_t columns_n) {
    if (holds(columns, columns_n, table->primary_key, table->primary_key_n))
        return true;
    for (size_t i = 0; i < table->indexes_n; i++) {
        const struct schema_index *index = &table->indexes[i];
        if (index->unique && !index->partial && holds(columns, columns_n, index->columns, index->columns_n))
            return true;
    }
    return false;
}

static bool matches(struct str pattern, struct str name) {
    size_t p = 0, n = 0, star = SIZE_MAX, again = 0;
    while (n < name.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            again = n;
        } else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == name.p[n])) {
            p++;
            n++;
            // '?' stands for a character, whose later bytes have the form 10xxxxxx
            while (pattern.p[p - 1] == '?' && n < name.n && ((unsigned char)name.p[n] & 0xC0) == 0x80)
                n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++again;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static bool matches_any(const struct str *patterns, size_t n, struct str name) {
    for (size_t i = 0; i < n; i++)
        if (matches(patterns[i], name))
            return true;
    return false;
}

bool schema_wants(const struct schema_settings *settings, struct str table) {
    return (settings->tables_n == 0 || matches_any(settings->tables, settings->tables_n, table)) &&
           !matches_any(settings->except, settings->except_n, table);
}

// Polymorphic pairs --------------------------------------------------------------------------------------------

static bool is_declared(const struct schema_settings *settings, struct str table, struct str name) {
    for (size_t i = 0; i < settings->targets_n; i++)
        if (str_equal(settings->targets[i].table, table) && str_equal(settings->targets[i].name, name))
            return true;
    return false;
}

static bool is_of_foreign_key(const struct schema_table *table, uint32_t column) {
    for (size_t i = 0; i < table->foreign_keys_n; i++)
        for (uint32_t k = 0; k < table->foreign_keys[i].columns_n; k++)
            if (table->foreign_keys[i].columns[k] == column)
                return true;
    return false;
}

// The id's column beside a type's, which is `stem` and then one of the ways to say type.
static int64_t find_id(const struct schema_table *table, struct str stem, size_t way) {
    static const char *const ids[][2] = {{"_id", "_uuid"}, {"_ID", "_id"}, {"Id", "ID"}};
    int64_t found = -1;
    for (size_t i = 0; i < 2 && found < 0; i++) {
        struct buf name = BUF_INIT;
        buf_add_str(&name, stem);
        buf_add_text(&name, ids[way][i]);
        found = schema_column_named(table, buf_str(&name));
        buf_release(&name);
    }
    return found;
}

static void note_pair(struct schema *schema, const struct schema_settings *settings, uint32_t t,
                      uint32_t type_column) {
    static const char *const types[] = {"_type", "_TYPE", "Type"};
    const struct schema_table *table = &schema->tables[t];
    struct str name = table->columns[type_column].name;
    for (size_t way = 0; way < 3; way++) {
        struct str end = str_of(types[way]);
        if (!str_ends(name, end) || name.n == end.n)
            continue;
        struct str stem = {name.p, name.n - end.n};
        int64_t id = find_id(table, stem, way);
        if (id < 0 || is_of_foreign_key(table, (uint32_t)id) || is_of_foreign_key(table, type_column))
            continue;
        MEM_GROW(schema->pairs, schema->pairs_cap, schema->pairs_n + 1);
        schema->pairs[schema->pairs_n++] =
            (struct schema_pair){.table = t,
                                 .type_column = type_column,
                                 .id_column = (uint32_t)id,
                                 .name = stem,
                                 .declared = is_declared(settings, table->name, stem)};
        return;
    }
}

void schema_find_pairs(struct schema *schema, const struct schema_settings *settings) {
    for (size_t t = 0; t < schema->tables_n; t++) {
        const struct schema_table *table = &schema->tables[t];
        for (size_t i = 0; table->kind == SCHEMA_TABLE && i < table->columns_n; i++)
            if (schema_wants(settings, table->name))
                note_pair(schema, settings, (uint32_t)t, (uint32_t)i);
    }
}

void schema_add_value(struct schema *schema, struct schema_pair *pair, struct str value) {
    size_t i = pair->values_n;
    if (i == SCHEMA_VALUES_MOST)
        return;
    MEM_GROW(pair->values, pair->values_cap, pair->values_n + 1);
    for (; i > 0 && str_compare(pair->values[i - 1], value) > 0; i--)
        pair->values[i] = pair->values[i - 1];
    pair->values[i] = schema_text(schema, value);
    pair->values_n++;
}
