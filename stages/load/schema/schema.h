// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_LOAD_SCHEMA_SCHEMA_H
#define PRESSRUN_STAGES_LOAD_SCHEMA_SCHEMA_H
/*
 * What a database says of itself, whichever it is: tables and views, their columns, keys, indexes and foreign keys. An
 * introspector (one per database: struct schema_database) fills it; names, mapped types, relations and records are made of
 * it alone (schema_records.h), without the database.
 *
 * An introspector adds tables sorted by name (bytes), and what they have in the database's own order. Names are as the
 * database has them, and those of one table are spelt alike everywhere: a foreign key's table and columns as the
 * table itself has them, also where its declaration differs in case. Then it calls schema_find_pairs and adds to every
 * pair the distinct values of its type column (schema_add_value), SCHEMA_VALUES_MOST at most.
 *
 * It leaves out: what the database keeps for itself (sqlite_sequence, pg_catalog, shadow tables), rows, rights, triggers.
 *
 * Columns are known by their index in the table. Functions that add return what they added, zeroed but for what is
 * given; it moves with the next one of its kind. Texts are copied. Memory that is out aborts: bookkeeping (base/mem.h).
 *
 * The holder owns everything; schema_release frees it. One thread at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"

enum { SCHEMA_VALUES_MOST = 200 }; // of a type column

enum schema_kind { SCHEMA_TABLE, SCHEMA_VIEW, SCHEMA_VIRTUAL };

struct schema_column {
    struct str name, type;            // type as declared, such as "varchar(40)" or "integer[]"; "": none
    struct str default_text, comment; // {NULL, 0}: none. The default is an expression of SQL
    bool nullable;                    // false for all of a primary key
    bool generated;                   // computed from others
    bool automatic;                   // the database gives a value: identity, serial, a rowid
    const struct str *choices;        // the texts that it may have, in their order; none: any
    uint32_t choices_n;
};

// A key or an index: columns by index; SCHEMA_EXPRESSION where the index is over an expression.
#define SCHEMA_EXPRESSION UINT32_MAX
struct schema_index {
    struct str name; // {NULL, 0}: it has none of its own
    uint32_t *columns, columns_n;
    bool unique;
    bool partial; // of some rows only
    bool primary; // the index of the primary key
};

struct schema_foreign_key {
    struct str table;       // that it refers to; perhaps one that is not there
    uint32_t *columns;      // of the table that has it
    struct str *references; // names in the other, as many; all {NULL, 0} where those are not known
    uint32_t columns_n;
    struct str on_delete, on_update; // "no action", "cascade", "set null", "set default", "restrict"
};

struct schema_table {
    struct str name;
    struct str comment; // {NULL, 0}: none
    struct str
        fault; // why nothing is known of it, such as a view over a table that is gone; {NULL, 0}: all is
    enum schema_kind kind;
    struct schema_column *columns;        // owned, like the following
    uint32_t *primary_key, primary_key_n; // in the key's order
    struct schema_index *indexes;
    struct schema_foreign_key *foreign_keys;
    size_t columns_n, columns_cap, indexes_n, indexes_cap, foreign_keys_n, foreign_keys_cap;
};

// Columns such as commentable_type and commentable_id, which together may refer to any table.
struct schema_pair {
    uint32_t table, type_column, id_column;
    struct str name;    // "commentable"
    bool declared;      // its targets are, in the manifest; nobody needs its values
    struct str *values; // owned: what the type column has, as text, sorted by bytes
    size_t values_n, values_cap;
};

struct schema {
    struct arena arena; // of the texts
    struct schema_table *tables;
    struct schema_pair *pairs;
    size_t tables_n, tables_cap, pairs_n, pairs_cap;
};

// What a source's manifest says of its schema. Borrowed.
struct schema_word {
    struct str singular, plural;
};
struct schema_mapping { // one entry of a language's table of types
    struct str language, type, text;
};
struct schema_target {        // of a polymorphic pair
    struct str table, name;   // of the holder; of the pair
    struct str value, target; // {NULL, 0}: the target's class name; it is no pair at all
};
struct schema_settings {
    const struct str *tables, *except; // patterns (* and ?); no `tables`: all
    size_t tables_n, except_n;
    const struct schema_word *irregulars;
    size_t irregulars_n;
    const struct schema_mapping *mappings;
    size_t mappings_n;
    const struct schema_target *targets;
    size_t targets_n;
};

void schema_init(struct schema *schema);
void schema_release(struct schema *schema);

struct str schema_text(struct schema *schema, struct str text); // a copy; {NULL, 0} stays that
struct schema_table *schema_add_table(struct schema *schema, struct str name, enum schema_kind kind);
struct schema_column *schema_add_column(struct schema *schema, struct schema_table *table, struct str name,
                                        struct str type);
// With room for so many columns, to be filled by the caller.
struct schema_index *schema_add_index(struct schema *schema, struct schema_table *table, struct str name,
                                      uint32_t columns_n);
struct schema_foreign_key *schema_add_foreign_key(struct schema *schema, struct schema_table *table,
                                                  struct str target, uint32_t columns_n);
// The primary key's columns, all not nullable from then on; once per table.
void schema_set_primary_key(struct schema *schema, struct schema_table *table, const uint32_t *columns,
                            uint32_t columns_n);
// Notes the polymorphic pairs of all tables, when all are there. Those that the settings declare need no values.
void schema_find_pairs(struct schema *schema, const struct schema_settings *settings);
void schema_add_value(struct schema *schema, struct schema_pair *pair, struct str value);

const struct schema_table *schema_table_named(const struct schema *schema, struct str name); // NULL: none
int64_t schema_column_named(const struct schema_table *table, struct str name);              // -1: none
// Whether no two rows can agree in these columns: they hold the primary key, or a unique index of all rows.
bool schema_is_unique(const struct schema_table *table, const uint32_t *columns, uint32_t columns_n);
// Whether the settings want this table's record.
bool schema_wants(const struct schema_settings *settings, struct str table);

struct load_options;
// How one kind of database is asked. load_options' `schema` has the settings. A format opens such a source with
// schema_records_open(&its_database, options, out, err).
struct schema_database {
    const char *name; // "sqlite"
    // What tells one state of the database from another, without reading it. False: nothing does, and nothing is kept.
    bool (*identity)(const struct load_options *options, int64_t wall, struct digest *identity);
    // Fills an initialised schema. On an error it holds whatever was read.
    enum status (*introspect)(const struct load_options *options, struct schema *schema, struct err *err);
};

#endif
