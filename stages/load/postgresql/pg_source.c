// SPDX-License-Identifier: MIT
#include "stages/load/postgresql/pg_source.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "stages/load/postgresql/pg_query.h"
#include "stages/load/query_parameters.h"

enum {
    TABLES_LISTED = 12, // in a message
    NEAR_BYTES = 32,    // of a query's text shown in a message
};

// Tables -----------------------------------------------------------------------------------------------------

// Those that a name alone finds before others; as the manifest may write them, without the schema or with it.
#define TABLES                                                                                               \
    "SELECT c.oid, CASE WHEN pg_catalog.pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || " \
    "c.relname END AS name, n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n " \
    "ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND "   \
    "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%' "

struct table {
    Oid oid;
    struct buf name; // quoted
};

static struct str text_at(const struct pg_connection *c, const PGresult *result, int row, int column) {
    return (struct str){c->pg.getvalue(result, row, column), (size_t)c->pg.getlength(result, row, column)};
}

static enum status no_such_table(const struct pg_connection *c, const PGresult *tables, struct str wanted,
                                 struct err *err) {
    struct suggestion near = suggest_for(wanted);
    for (int row = 0; row < c->pg.ntuples(tables); row++)
        suggest_offer(&near, text_at(c, tables, row, 1));
    if (near.best.p)
        return err_set(err, STATUS_DATA, "%.*s: no such table: %.*s; did you mean \"%.*s\"?",
                       STR_ARG(c->name), STR_ARG(wanted), STR_ARG(near.best));
    return err_set(err, STATUS_DATA, "%.*s: no such table: %.*s", STR_ARG(c->name), STR_ARG(wanted));
}

static enum status several_tables(const struct pg_connection *c, const PGresult *tables, struct err *err) {
    int n = c->pg.ntuples(tables);
    if (n == 0)
        return err_set(err, STATUS_DATA, "%.*s: the database has no table", STR_ARG(c->name));
    struct buf names = BUF_INIT;
    for (int i = 0; i < n && i < TABLES_LISTED; i++)
        buf_printf(&names, "%s%s", i ? ", " : "", c->pg.getvalue(tables, i, 1));
    if (n > TABLES_LISTED)
        buf_printf(&names, " and %d more", n - TABLES_LISTED);
    err_set(err, STATUS_DATA, "%.*s: which of its tables? Say `table` or `query`; there are %s",
            STR_ARG(c->name), buf_text(&names));
    buf_release(&names);
    return err->status;
}

static bool is_table(const struct pg_connection *c, const PGresult *tables, int row, struct str wanted) {
    const struct str schema = text_at(c, tables, row, 2), name = text_at(c, tables, row, 3);
    if (str_equal(text_at(c, tables, row, 1), wanted))
        return true;
    return wanted.n == schema.n + 1 + name.n && str_starts(wanted, schema) && wanted.p[schema.n] == '.' &&
           str_ends(wanted, name);
}

// The table asked for, or the only one there is.
static enum status find_table(struct pg_connection *c, struct str wanted, struct table *table,
                              struct err *err) {
    PGresult *tables;
    enum status status = pg_connection_ask(c, TABLES "ORDER BY 2", &tables, err);
    int found = -1, n = status == STATUS_OK ? c->pg.ntuples(tables) : 0;
    for (int row = 0; row < n && found < 0; row++)
        if (wanted.p ? is_table(c, tables, row, wanted) : n == 1)
            found = row;
    if (found >= 0) {
        table->oid = (Oid)strtoul(c->pg.getvalue(tables, found, 0), NULL, 10);
        pg_query_add_name(&table->name, text_at(c, tables, found, 2));
        buf_add_char(&table->name, '.');
        pg_query_add_name(&table->name, text_at(c, tables, found, 3));
    } else if (status == STATUS_OK) {
        status = wanted.p ? no_such_table(c, tables, wanted, err) : several_tables(c, tables, err);
    }
    c->pg.clear(tables);
    return status;
}

enum { RANGES_FROM = 50000 }; // rows of a table that are worth several connections

// By the primary key's columns. A large table's key of one column can make ranges.
static enum status add_order(struct pg_source *source, struct pg_connection *c, const struct table *table,
                             struct err *err) {
    struct buf question = BUF_INIT;
    PGresult *keys;
    buf_printf(
        &question,
        "SELECT a.attname, r.reltuples >= %d AND a.atttypid IN (20, 21, 23) FROM pg_catalog.pg_index i JOIN "
        "pg_catalog.pg_class r ON r.oid = i.indrelid, pg_catalog.unnest(i.indkey) WITH ORDINALITY k(attnum, "
        "place), pg_catalog.pg_attribute a WHERE i.indrelid = %u AND i.indisprimary AND a.attrelid = "
        "i.indrelid AND a.attnum = k.attnum AND k.place <= i.indnkeyatts ORDER BY k.place",
        RANGES_FROM, table->oid);
    enum status status = pg_connection_ask(c, buf_text(&question), &keys, err);
    int n = status == STATUS_OK ? c->pg.ntuples(keys) : 0;
    for (int row = 0; row < n; row++) {
        buf_add_text(&source->order, row ? ", " : " ORDER BY ");
        pg_query_add_name(&source->order, text_at(c, keys, row, 0));
    }
    if (n == 1 && c->pg.getvalue(keys, 0, 1)[0] == 't')
        buf_add_str(&source->key, text_at(c, keys, 0, 0));
    c->pg.clear(keys);
    buf_release(&question);
    return status;
}

static enum status write_table(struct pg_source *source, struct pg_connection *c, struct str wanted,
                               struct err *err) {
    struct table table = {0};
    enum status status = find_table(c, wanted, &table, err);
    if (status == STATUS_OK) {
        buf_add_text(&source->sql, "SELECT * FROM ");
        buf_add_str(&source->sql, buf_str(&table.name));
        status = add_order(source, c, &table, err);
    }
    buf_release(&table.name);
    return status;
}

// Looking at the statement -----------------------------------------------------------------------------------

// The server counts code points, from 1.
static size_t place_of(const struct pg_connection *c, const PGresult *result, struct str sql) {
    const char *said = c->pg.resultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    size_t points = said ? strtoul(said, NULL, 10) : 0;
    return points > 0 ? utf8_offset(sql, points - 1) : sql.n;
}

// The server's sentence, and where in the query it was.
static enum status query_error(struct pg_connection *c, const PGresult *result, const struct pg_query *query,
                               struct str written, struct err *err) {
    const char *said = c->pg.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *hint = c->pg.resultErrorField(result, PG_DIAG_MESSAGE_HINT);
    size_t at = place_of(c, result, buf_str(&query->text));
    struct buf text = BUF_INIT;
    buf_printf(&text, "query: %s", said ? said : "it cannot be read");
    if (at < query->text.n) {
        uint32_t line, column;
        at = pg_query_place(query, at);
        source_locate(written, at, &line, &column, NULL);
        struct str near = str_slice(written, at, at + NEAR_BYTES);
        near.n = near.n ? strcspn(near.p, "\r\n") < near.n ? strcspn(near.p, "\r\n") : near.n : 0;
        while (near.n > 0 && !utf8_valid(near, NULL))
            near.n--;
        buf_printf(&text, ", at line %u, column %u, near \"%.*s\"", line, column, STR_ARG(near));
    }
    if (hint)
        buf_printf(&text, " (%s)", hint);
    err_set(err, STATUS_DATA, "%.*s: %s", STR_ARG(c->name), buf_text(&text));
    buf_release(&text);
    return err->status;
}

static enum status prepare(struct pg_connection *c, const char *sql, PGresult **result, struct err *err) {
    if (!c->pg.sendPrepare(c->conn, "", sql, 0, NULL))
        return pg_connection_error(c, NULL, 0, err);
    return pg_connection_answer(c, result, err);
}

static enum status describe(struct pg_connection *c, PGresult **result, struct err *err) {
    if (!c->pg.sendDescribePrepared(c->conn, ""))
        return pg_connection_error(c, NULL, 0, err);
    return pg_connection_answer(c, result, err);
}

static enum status take_columns(struct pg_source *source, struct pg_connection *c, const PGresult *described,
                                struct err *err) {
    source->n = (size_t)c->pg.nfields(described);
    source->names = MEM_NEW_ARRAY(struct str, source->n);
    source->types = MEM_NEW_ARRAY(struct pg_type, source->n);
    for (size_t i = 0; i < source->n; i++) {
        const struct str name = str_of(c->pg.fname(described, (int)i));
        source->names[i] = (struct str){mem_copy(name.p, name.n), name.n};
        for (size_t k = 0; k < i; k++)
            if (str_equal(source->names[k], name))
                return err_set(err, STATUS_DATA,
                               "%.*s: the column name \"%.*s\" is there twice; name one of them with AS",
                               STR_ARG(c->name), STR_ARG(name));
        if (!utf8_valid(name, NULL))
            return err_set(err, STATUS_DATA, "%.*s: the name of column %zu is not valid UTF-8",
                           STR_ARG(c->name), i + 1);
    }
    return pg_types_find(c, described, source->types, err);
}

// What the server says of the statement, and what its columns are.
static enum status look_at(struct pg_source *source, struct pg_connection *c, const struct pg_query *query,
                           struct str written, struct err *err) {
    PGresult *result = NULL;
    enum status status = prepare(c, buf_text(&source->sql), &result, err);
    if (status == STATUS_DATA && query && result)
        query_error(c, result, query, written, err);
    c->pg.clear(result);
    result = NULL;
    if (status == STATUS_OK)
        status = describe(c, &result, err);
    if (status == STATUS_OK && c->pg.nfields(result) == 0)
        status = err_set(err, STATUS_DATA, "%.*s: query: it must be one that gives rows with columns",
                         STR_ARG(c->name));
    if (status == STATUS_OK)
        status = take_columns(source, c, result, err);
    c->pg.clear(result);
    return status;
}

// A list is an array, whose elements' type is that of what it is compared with; a mapping is JSON.
static void write_array(struct buf *out, const struct list *list) { // NOLINT(misc-no-recursion)
    for (uint32_t i = 0; i < list->n; i++) {
        const struct value v = list->items[i];
        buf_add_char(out, i ? ',' : '{');
        if (v.tag == VALUE_LIST)
            write_array(out, v.list);
        else if (v.tag == VALUE_NONE)
            buf_add_text(out, "NULL");
        else if (value_is_string(v))
            pg_query_add_element(out, value_str(v));
        else
            query_parameters_add_json(out, v);
    }
    buf_add_text(out, list->n ? "}" : "{}");
}

static bool write_parameter(void *self, struct str name, struct buf *out) {
    const struct value v = query_parameters_find(self, name);
    struct buf text = BUF_INIT;
    switch (v.tag) {
    case VALUE_MISSING:
        return false;
    case VALUE_NONE:
        buf_add_text(out, "NULL");
        return true;
    case VALUE_STRING:
        pg_query_add_literal(out, value_str(v));
        return true;
    case VALUE_LIST:
        write_array(&text, v.list);
        pg_query_add_literal(out, buf_str(&text));
        break;
    case VALUE_MAP:
        query_parameters_add_json(&text, v);
        pg_query_add_literal(out, buf_str(&text));
        break;
    default: // numbers and booleans are written as JSON has them; a sign does not meet the operator before it
        buf_add_char(out, '(');
        query_parameters_add_json(out, v);
        buf_add_char(out, ')');
    }
    buf_release(&text);
    return true;
}

static enum status find_query(struct pg_source *source, struct pg_connection *c,
                              const struct load_options *options, struct err *err) {
    struct load_options given = *options;
    const struct pg_parameters parameters = {&given, write_parameter};
    const struct str written = options->query;
    struct pg_query query = {0};
    struct str missing;
    enum status status = STATUS_OK;
    if (memchr(written.p, 0, written.n) || written.n > INT32_MAX)
        return err_set(err, STATUS_DATA, "%.*s: query: it has a NUL or is far too long", STR_ARG(c->name));
    if (pg_query_write(&query, written, &parameters, &missing) != STATUS_OK)
        status = query_parameters_missing(options, missing, err);
    buf_add_str(&source->sql, buf_str(&query.text));
    if (status == STATUS_OK && source->sql.n == 0)
        status = err_set(err, STATUS_DATA, "%.*s: query: it is empty", STR_ARG(c->name));
    if (status == STATUS_OK)
        status = look_at(source, c, &query, written, err);
    pg_query_release(&query);
    return status;
}

// The column that ranges are made by: the manifest's, or a large table's key.
static enum status find_split(struct pg_source *source, const struct pg_connection *c, struct str wanted,
                              struct err *err) {
    struct suggestion near = suggest_for(wanted);
    const struct str name = wanted.p ? wanted : buf_str(&source->key);
    for (size_t i = 0; i < source->n; i++) {
        suggest_offer(&near, source->names[i]);
        if (!name.p || !str_equal(source->names[i], name))
            continue;
        if (source->types[i].kind != PG_INTEGER || source->types[i].is_list)
            return err_set(err, STATUS_DATA, "%.*s: split: the column \"%.*s\" does not have integers",
                           STR_ARG(c->name), STR_ARG(name));
        source->split = source->names[i];
        return STATUS_OK;
    }
    if (!wanted.p)
        return STATUS_OK;
    return err_set(err, STATUS_DATA, "%.*s: split: there is no column \"%.*s\"%s%.*s%s", STR_ARG(c->name),
                   STR_ARG(wanted), near.best.p ? "; did you mean \"" : "", STR_ARG(near.best),
                   near.best.p ? "\"?" : "");
}

enum status pg_source_find(struct pg_source *source, struct pg_connection *c,
                           const struct load_options *options, struct err *err) {
    enum status status =
        options->query.p ? find_query(source, c, options, err) : write_table(source, c, options->table, err);
    if (status == STATUS_OK && !options->query.p)
        status = look_at(source, c, NULL, (struct str){NULL, 0}, err);
    return status == STATUS_OK ? find_split(source, c, options->split, err) : status;
}

void pg_source_release(struct pg_source *source) {
    for (size_t i = 0; i < source->n; i++)
        mem_free((char *)source->names[i].p);
    mem_free(source->names);
    mem_free(source->types);
    buf_release(&source->sql);
    buf_release(&source->order);
    buf_release(&source->key);
    *source = (struct pg_source){0};
}
