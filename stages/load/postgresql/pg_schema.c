// SPDX-License-Identifier: MIT
#include "stages/load/postgresql/pg_schema.h"

#include <stdlib.h>

#include "base/mem.h"
#include "stages/load/load.h"
#include "stages/load/postgresql/pg_connection.h"
#include "stages/load/postgresql/pg_pool.h"
#include "stages/load/postgresql/pg_query.h"

// The tables that are asked for; each question joins them as t.
#define TABLES                                                                                               \
    "WITH t AS (SELECT c.oid, CASE WHEN pg_catalog.pg_table_is_visible(c.oid) THEN c.relname::text ELSE "    \
    "n.nspname || '.' || c.relname END COLLATE \"C\" AS name, n.nspname, c.relname, c.relkind FROM "         \
    "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN "     \
    "('r', "                                                                                                 \
    "'p', 'v', 'm', 'f') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', "                      \
    "'information_schema') "                                                                                 \
    "AND n.nspname NOT LIKE 'pg\\_%' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = "  \
    "'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')) "

struct place { // of a table of the catalog
    Oid oid;
    struct str quoted; // owned: schema and name, as SQL
    bool readable;     // its rows
    uint32_t *columns; // owned: the index of a column by its number in the catalog, from 1
    size_t columns_n, columns_cap;
};

struct asking {
    struct pg_connection *connection;
    struct schema *schema;
    struct place *places; // owned, as many as tables
    size_t places_n, places_cap;
};

static struct str text_at(const struct asking *a, const PGresult *result, int row, int column) {
    if (a->connection->pg.getisnull(result, row, column))
        return (struct str){NULL, 0};
    return (struct str){a->connection->pg.getvalue(result, row, column),
                        (size_t)a->connection->pg.getlength(result, row, column)};
}

static Oid number_at(const struct asking *a, const PGresult *result, int row, int column) {
    return (Oid)strtoul(a->connection->pg.getvalue(result, row, column), NULL, 10);
}

static bool truth_at(const struct asking *a, const PGresult *result, int row, int column) {
    return a->connection->pg.getvalue(result, row, column)[0] == 't';
}

// Asks, and hands each row to `take`.
static enum status each_row(struct asking *a, const char *sql,
                            void (*take)(struct asking *a, const PGresult *result, int row),
                            struct err *err) {
    PGresult *result;
    enum status status = pg_connection_ask(a->connection, sql, &result, err);
    for (int row = 0; status == STATUS_OK && row < a->connection->pg.ntuples(result); row++)
        take(a, result, row);
    a->connection->pg.clear(result);
    return status;
}

static int64_t find_place(const struct asking *a, Oid oid) {
    for (size_t i = 0; i < a->places_n; i++)
        if (a->places[i].oid == oid)
            return (int64_t)i;
    return -1;
}

// By its number in the catalog; SCHEMA_EXPRESSION: none.
static uint32_t column_of(const struct place *place, size_t number) {
    return number < place->columns_n ? place->columns[number] : SCHEMA_EXPRESSION;
}

// The next of numbers with spaces between them; 0 where there is none.
static size_t take_number(const char **list) {
    char *end;
    size_t number = strtoul(*list, &end, 10);
    *list = end;
    return number;
}

static uint32_t count_numbers(const char *list) {
    uint32_t n = *list != '\0';
    for (; *list; list++)
        n += *list == ' ';
    return n;
}

// Tables -----------------------------------------------------------------------------------------------------

static void take_table(struct asking *a, const PGresult *result, int row) {
    char kind = a->connection->pg.getvalue(result, row, 4)[0];
    struct schema_table *table = schema_add_table(a->schema, text_at(a, result, row, 1),
                                                  kind == 'v' || kind == 'm' ? SCHEMA_VIEW
                                                  : kind == 'f'              ? SCHEMA_VIRTUAL
                                                                             : SCHEMA_TABLE);
    table->comment = schema_text(a->schema, text_at(a, result, row, 5));
    struct buf quoted = BUF_INIT;
    pg_query_add_name(&quoted, text_at(a, result, row, 2));
    buf_add_char(&quoted, '.');
    pg_query_add_name(&quoted, text_at(a, result, row, 3));
    MEM_GROW(a->places, a->places_cap, a->places_n + 1);
    a->places[a->places_n++] = (struct place){.oid = number_at(a, result, row, 0),
                                              .quoted = {mem_copy(quoted.p, quoted.n), quoted.n},
                                              .readable = truth_at(a, result, row, 6)};
    buf_release(&quoted);
}

static enum status read_tables(struct asking *a, struct err *err) {
    return each_row(
        a,
        TABLES "SELECT t.oid, t.name, t.nspname, t.relname, t.relkind, pg_catalog.obj_description(t.oid, "
               "'pg_class'), pg_catalog.has_table_privilege(t.oid, 'SELECT') FROM t ORDER BY t.name",
        take_table, err);
}

// Columns ----------------------------------------------------------------------------------------------------

// Labels with a control character between them, which none has.
static void take_choices(struct asking *a, struct schema_column *column, struct str labels) {
    struct arena *arena = &a->schema->arena;
    uint32_t n = 1;
    for (size_t i = 0; i < labels.n; i++)
        n += labels.p[i] == '\x01';
    struct str *choices = ARENA_NEW_ARRAY(arena, struct str, n);
    if (!choices)
        mem_fail(n);
    for (uint32_t i = 0; i < n; i++) {
        const char *end = labels.n ? memchr(labels.p, '\x01', labels.n) : NULL;
        const size_t length = end ? (size_t)(end - labels.p) : labels.n;
        choices[i] = schema_text(a->schema, (struct str){labels.p, length});
        labels = str_from(labels, length + 1);
    }
    column->choices = choices;
    column->choices_n = n;
}

static void take_column(struct asking *a, const PGresult *result, int row) {
    int64_t at = find_place(a, number_at(a, result, row, 0));
    if (at < 0)
        return;
    struct place *place = &a->places[at];
    struct schema_table *table = &a->schema->tables[at];
    size_t number = number_at(a, result, row, 1);
    MEM_GROW(place->columns, place->columns_cap, number + 1);
    while (place->columns_n < number)
        place->columns[place->columns_n++] = SCHEMA_EXPRESSION;
    place->columns[place->columns_n++] = (uint32_t)table->columns_n;
    struct schema_column *column =
        schema_add_column(a->schema, table, text_at(a, result, row, 2), text_at(a, result, row, 3));
    column->nullable = !truth_at(a, result, row, 4);
    column->generated = truth_at(a, result, row, 5);
    column->automatic = truth_at(a, result, row, 6);
    column->default_text = schema_text(a->schema, text_at(a, result, row, 7));
    column->comment = schema_text(a->schema, text_at(a, result, row, 8));
    if (!a->connection->pg.getisnull(result, row, 9))
        take_choices(a, column, text_at(a, result, row, 9));
}

static enum status read_columns(struct asking *a, struct err *err) {
    return each_row(
        a,
        TABLES
        "SELECT t.oid, a.attnum, a.attname, CASE WHEN y.typtype = 'd' THEN "
        "pg_catalog.format_type(y.typbasetype, "
        "y.typtypmod) ELSE pg_catalog.format_type(a.atttypid, a.atttypmod) END, a.attnotnull OR "
        "y.typnotnull, "
        "a.attgenerated <> '', a.attidentity <> '' OR coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid) "
        "LIKE "
        "'nextval(%', false), CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) "
        "END, "
        "pg_catalog.col_description(t.oid, a.attnum), (SELECT string_agg(e.enumlabel, E'\\x01' ORDER BY "
        "e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = CASE WHEN y.typtype = 'd' THEN "
        "y.typbasetype "
        "ELSE y.oid END) FROM t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid JOIN pg_catalog.pg_type "
        "y ON "
        "y.oid = a.atttypid LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum "
        "WHERE "
        "a.attnum > 0 AND NOT a.attisdropped ORDER BY t.name, a.attnum",
        take_column, err);
}

// Keys and indexes -------------------------------------------------------------------------------------------

static void take_index(struct asking *a, const PGresult *result, int row) {
    int64_t at = find_place(a, number_at(a, result, row, 0));
    if (at < 0)
        return;
    struct schema_table *table = &a->schema->tables[at];
    const char *list = a->connection->pg.getvalue(result, row, 5);
    uint32_t n = (uint32_t)number_at(a, result, row, 6);
    struct schema_index *index = schema_add_index(a->schema, table, text_at(a, result, row, 1), n);
    index->unique = truth_at(a, result, row, 2);
    index->partial = truth_at(a, result, row, 3);
    index->primary = truth_at(a, result, row, 4);
    for (uint32_t i = 0; i < n; i++)
        index->columns[i] = column_of(&a->places[at], take_number(&list));
    if (index->primary)
        schema_set_primary_key(a->schema, table, index->columns, n);
}

static enum status read_indexes(struct asking *a, struct err *err) {
    return each_row(
        a,
        TABLES "SELECT t.oid, c.relname, i.indisunique, i.indpred IS NOT NULL, i.indisprimary, i.indkey, "
               "i.indnkeyatts FROM t JOIN pg_catalog.pg_index i ON i.indrelid = t.oid JOIN "
               "pg_catalog.pg_class c ON c.oid = i.indexrelid WHERE i.indisvalid OR t.relkind = 'p' ORDER BY "
               "t.name, i.indexrelid",
        take_index, err);
}

static struct str action(char code) {
    switch (code) {
    case 'r':
        return STR("restrict");
    case 'c':
        return STR("cascade");
    case 'n':
        return STR("set null");
    case 'd':
        return STR("set default");
    default:
        return STR("no action");
    }
}

static void take_foreign_key(struct asking *a, const PGresult *result, int row) {
    int64_t at = find_place(a, number_at(a, result, row, 0)),
            to = find_place(a, number_at(a, result, row, 1));
    if (at < 0)
        return;
    const char *own = a->connection->pg.getvalue(result, row, 3),
               *others = a->connection->pg.getvalue(result, row, 4);
    const struct str target = to >= 0 ? a->schema->tables[to].name : text_at(a, result, row, 2);
    uint32_t n = count_numbers(own);
    struct schema_foreign_key *key =
        schema_add_foreign_key(a->schema, &a->schema->tables[at], schema_text(a->schema, target), n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t column = column_of(&a->places[at], take_number(&own)),
                 other = to >= 0 ? column_of(&a->places[to], take_number(&others)) : SCHEMA_EXPRESSION;
        key->columns[i] = column == SCHEMA_EXPRESSION ? 0 : column;
        key->references[i] =
            other == SCHEMA_EXPRESSION ? (struct str){NULL, 0} : a->schema->tables[to].columns[other].name;
    }
    key->on_delete = action(a->connection->pg.getvalue(result, row, 5)[0]);
    key->on_update = action(a->connection->pg.getvalue(result, row, 6)[0]);
}

static enum status read_foreign_keys(struct asking *a, struct err *err) {
    return each_row(
        a,
        TABLES "SELECT t.oid, k.confrelid, k.confrelid::regclass, pg_catalog.array_to_string(k.conkey, ' '), "
               "pg_catalog.array_to_string(k.confkey, ' '), k.confdeltype, k.confupdtype FROM t JOIN "
               "pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f' AND k.conparentid = 0 "
               "ORDER BY t.name, k.oid",
        take_foreign_key, err);
}

// Values of type columns -------------------------------------------------------------------------------------

static bool leads_an_index(const struct schema_table *table, uint32_t column) {
    for (size_t i = 0; i < table->indexes_n; i++)
        if (!table->indexes[i].partial && table->indexes[i].columns_n > 0 &&
            table->indexes[i].columns[0] == column)
            return true;
    return false;
}

// With an index from one value to the next, which looks at no more rows than there are values; else all rows are read.
static void write_values_query(const struct asking *a, const struct schema_pair *pair, struct buf *sql) {
    const struct schema_table *table = &a->schema->tables[pair->table];
    struct buf name = BUF_INIT;
    pg_query_add_name(&name, table->columns[pair->type_column].name);
    const char *c = buf_text(&name), *t = a->places[pair->table].quoted.p;
    if (leads_an_index(table, pair->type_column))
        buf_printf(sql,
                   "WITH RECURSIVE found(v) AS ((SELECT %s FROM %s WHERE %s IS NOT NULL ORDER BY %s LIMIT 1) "
                   "UNION ALL "
                   "SELECT (SELECT %s FROM %s WHERE %s > found.v ORDER BY %s LIMIT 1) FROM found WHERE "
                   "found.v IS NOT "
                   "NULL) SELECT v::text FROM found WHERE v IS NOT NULL LIMIT %d",
                   c, t, c, c, c, t, c, c, SCHEMA_VALUES_MOST);
    else
        buf_printf(sql,
                   "SELECT DISTINCT %s::text COLLATE \"C\" FROM %s WHERE %s IS NOT NULL ORDER BY 1 LIMIT %d",
                   c, t, c, SCHEMA_VALUES_MOST);
    buf_release(&name);
}

static enum status read_values(struct asking *a, struct schema_pair *pair, struct err *err) {
    struct buf sql = BUF_INIT;
    PGresult *result;
    write_values_query(a, pair, &sql);
    enum status status = pg_connection_ask(a->connection, buf_text(&sql), &result, err);
    for (int row = 0; status == STATUS_OK && row < a->connection->pg.ntuples(result); row++)
        schema_add_value(a->schema, pair, text_at(a, result, row, 0));
    a->connection->pg.clear(result);
    buf_release(&sql);
    return status;
}

// ------------------------------------------------------------------------------------------------------------

static enum status read_all(struct asking *a, const struct schema_settings *settings, struct err *err) {
    if (read_tables(a, err) != STATUS_OK || read_columns(a, err) != STATUS_OK ||
        read_indexes(a, err) != STATUS_OK || read_foreign_keys(a, err) != STATUS_OK)
        return err->status;
    schema_find_pairs(a->schema, settings);
    for (size_t i = 0; i < a->schema->pairs_n; i++) {
        struct schema_pair *pair = &a->schema->pairs[i];
        if (!pair->declared && a->places[pair->table].readable && read_values(a, pair, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status introspect(const struct load_options *options, struct schema *schema, struct err *err) {
    struct asking a = {.schema = schema};
    struct pg_pools *own = options->servers ? NULL : pg_pools_new(1);
    enum status status =
        pg_pools_take(options->servers ? options->servers : own, options, false, &a.connection, err);
    if (status == STATUS_OK) {
        status = read_all(&a, options->schema, err);
        pg_pools_give(a.connection);
    }
    pg_pools_free(own);
    for (size_t i = 0; i < a.places_n; i++) {
        mem_free((char *)a.places[i].quoted.p);
        mem_free(a.places[i].columns);
    }
    mem_free(a.places);
    return status;
}

static bool identity(const struct load_options *options, int64_t wall, struct digest *out) {
    (void)options, (void)wall;
    *out = (struct digest){0};
    return false;
}

const struct schema_database pg_schema = {
    .name = "postgresql",
    .identity = identity,
    .introspect = introspect,
};
