// SPDX-License-Identifier: MIT
#include "stages/load/schema/schema_records.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "stages/load/loader.h"
#include "stages/load/schema/schema_bytes.h"
#include "stages/load/schema/schema_types.h"
#include "stages/load/schema/schema_write.h"

// A distinct type, and the members of a column's record that come of it.
struct typed {
    struct str type;
    bool choices;
    struct str members;
};

struct records {
    struct loader base;
    const struct schema_database *database;
    struct load_options options; // while it is opened
    struct schema schema;
    struct buf bytes;    // of the schema
    struct buf types;    // texts, one for each of `typed`, in their order
    struct typed *typed; // owned, sorted
    size_t typed_n;
    struct buf pieces;   // of the wanted tables
    struct str rest;     // of pieces
    struct str *members; // owned: of the columns of the table being written
    size_t members_cap;
    size_t next; // table
};

static void free_loader(struct loader *base) {
    struct records *r = (struct records *)base;
    schema_release(&r->schema);
    buf_release(&r->bytes);
    buf_release(&r->types);
    buf_release(&r->pieces);
    mem_free(r->typed);
    mem_free(r->members);
    mem_free(r);
}

// The shelf -----------------------------------------------------------------------------------------------------------

// Copies what is kept into `out`.
static bool find(const struct records *r, enum load_kept kind, struct digest key, struct buf *out) {
    const struct load_shelf *shelf = r->options.shelf;
    void *handle = NULL;
    if (!shelf)
        return false;
    struct str bytes = shelf->get(shelf->self, kind, key, &handle);
    if (!bytes.p)
        return false;
    buf_clear(out);
    buf_add_str(out, bytes);
    shelf->drop(shelf->self, handle);
    return true;
}

static void keep(const struct records *r, enum load_kept kind, struct digest key, const struct buf *bytes) {
    const struct load_shelf *shelf = r->options.shelf;
    if (shelf)
        shelf->put(shelf->self, kind, key, buf_str(bytes));
}

static void add_digest(struct buf *parts, struct digest digest) {
    char hex[DIGEST_HEX_SIZE];
    digest_hex(digest, hex);
    buf_add_text(parts, hex);
}

static void add_texts(struct buf *parts, const struct str *texts, size_t n) {
    buf_printf(parts, " %zu ", n);
    for (size_t i = 0; i < n; i++)
        schema_bytes_add_text(parts, texts[i]);
}

// Which tables are wanted, and what is declared of their pairs.
static void add_wishes(struct buf *parts, const struct schema_settings *settings) {
    add_texts(parts, settings->tables, settings->tables_n);
    add_texts(parts, settings->except, settings->except_n);
    for (size_t i = 0; i < settings->targets_n; i++) {
        const struct schema_target *target = &settings->targets[i];
        const struct str texts[] = {target->table, target->name, target->value, target->target};
        add_texts(parts, texts, 4);
    }
}

static void add_words(struct buf *parts, const struct schema_settings *settings) {
    for (size_t i = 0; i < settings->irregulars_n; i++) {
        schema_bytes_add_text(parts, settings->irregulars[i].singular);
        schema_bytes_add_text(parts, settings->irregulars[i].plural);
    }
}

static void add_mappings(struct buf *parts, const struct schema_settings *settings) {
    for (size_t i = 0; i < settings->mappings_n; i++) {
        const struct str texts[] = {settings->mappings[i].language, settings->mappings[i].type,
                                    settings->mappings[i].text};
        add_texts(parts, texts, 3);
    }
}

static struct digest key_of(struct buf *parts) {
    struct digest key = digest_of(buf_str(parts));
    buf_release(parts);
    return key;
}

// Introspection -------------------------------------------------------------------------------------------------------

static struct digest schema_key(const struct records *r, struct digest identity) {
    struct buf parts = BUF_INIT;
    buf_printf(&parts, "schema 2 %s ", r->database->name);
    add_digest(&parts, identity);
    add_wishes(&parts, r->options.schema);
    return key_of(&parts);
}

static bool find_schema(struct records *r, struct digest key) {
    if (!find(r, LOAD_KEPT_SCHEMA, key, &r->bytes))
        return false;
    if (schema_bytes_read(buf_str(&r->bytes), &r->schema))
        return true;
    schema_release(&r->schema);
    schema_init(&r->schema);
    return false;
}

// Kept is what was asked of a database that stayed the same meanwhile.
static enum status get_schema(struct records *r, struct err *err) {
    const struct load_options *options = &r->options;
    const struct load_shelf *shelf = options->shelf;
    struct digest before = {0, 0}, after = {0, 0};
    // Lately changed or not, what is found was kept when it was not.
    if (shelf)
        r->database->identity(options, shelf->wall(shelf->self), &before);
    const struct digest key = schema_key(r, before);
    if (find_schema(r, key))
        return STATUS_OK;
    enum status status = r->database->introspect(options, &r->schema, err);
    if (status != STATUS_OK)
        return status;
    buf_clear(&r->bytes);
    schema_bytes_write(&r->schema, &r->bytes);
    if (shelf && r->database->identity(options, shelf->wall(shelf->self), &after) &&
        digest_equal(before, after))
        keep(r, LOAD_KEPT_SCHEMA, key, &r->bytes);
    return STATUS_OK;
}

// Types -----------------------------------------------------------------------------------------------------------------

static int by_type(const void *a, const void *b) {
    const struct typed *x = a, *y = b;
    int order = str_compare(x->type, y->type);
    return order ? order : x->choices - y->choices;
}

static void list_types(struct records *r) {
    size_t n = 0, most = 0;
    for (size_t t = 0; t < r->schema.tables_n; t++)
        most += r->schema.tables[t].columns_n;
    r->typed = MEM_NEW_ARRAY(struct typed, most + 1);
    for (size_t t = 0; t < r->schema.tables_n; t++) {
        const struct schema_table *table = &r->schema.tables[t];
        for (size_t i = 0; i < table->columns_n; i++)
            r->typed[n++] =
                (struct typed){.type = table->columns[i].type, .choices = table->columns[i].choices_n > 0};
    }
    if (n > 0)
        qsort(r->typed, n, sizeof *r->typed, by_type);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || by_type(&r->typed[i], &r->typed[r->typed_n - 1]) != 0)
            r->typed[r->typed_n++] = r->typed[i];
}

static bool take_types(struct records *r) {
    struct str rest = buf_str(&r->types);
    for (size_t i = 0; i < r->typed_n; i++)
        if (!schema_bytes_take_text(&rest, &r->typed[i].members) || !r->typed[i].members.p)
            return false;
    return rest.n == 0;
}

static void get_types(struct records *r) {
    struct buf parts = BUF_INIT, members = BUF_INIT;
    list_types(r);
    buf_add_text(&parts, "types 1 ");
    for (size_t i = 0; i < r->typed_n; i++) {
        schema_bytes_add_text(&parts, r->typed[i].type);
        buf_add_char(&parts, r->typed[i].choices ? 'c' : ' ');
    }
    add_mappings(&parts, r->options.schema);
    const struct digest key = key_of(&parts);
    if (find(r, LOAD_KEPT_TYPES, key, &r->types) && take_types(r))
        return;
    buf_clear(&r->types);
    for (size_t i = 0; i < r->typed_n; i++) {
        buf_clear(&members);
        schema_types_write(r->options.schema, r->typed[i].type, r->typed[i].choices, &members);
        schema_bytes_add_text(&r->types, buf_str(&members));
    }
    buf_release(&members);
    take_types(r);
    keep(r, LOAD_KEPT_TYPES, key, &r->types);
}

static struct str members_of(const struct records *r, const struct schema_column *column) {
    const struct typed wanted = {.type = column->type, .choices = column->choices_n > 0};
    const struct typed *found = bsearch(&wanted, r->typed, r->typed_n, sizeof *r->typed, by_type);
    return found ? found->members : (struct str){NULL, 0};
}

// Names and relations -------------------------------------------------------------------------------------------------------

static bool wants(const struct records *r, const struct schema_table *table) {
    return schema_wants(r->options.schema, table->name);
}

static bool pieces_fit(const struct records *r) {
    struct str rest = buf_str(&r->pieces);
    for (size_t t = 0; t < r->schema.tables_n; t++)
        if (wants(r, &r->schema.tables[t]) && !schema_write_skip(&r->schema.tables[t], &rest))
            return false;
    return rest.n == 0;
}

static void get_pieces(struct records *r) {
    struct buf parts = BUF_INIT;
    buf_add_text(&parts, "relations 3 ");
    add_digest(&parts, digest_of(buf_str(&r->bytes)));
    add_wishes(&parts, r->options.schema);
    add_words(&parts, r->options.schema);
    const struct digest key = key_of(&parts);
    if (find(r, LOAD_KEPT_RELATIONS, key, &r->pieces) && pieces_fit(r))
        return;
    buf_clear(&r->pieces);
    schema_write_pieces(&r->schema, r->options.schema, &r->pieces);
    keep(r, LOAD_KEPT_RELATIONS, key, &r->pieces);
}

// A name among the patterns is a table's.
static enum status check_names(const struct records *r, struct err *err) {
    const struct schema_settings *settings = r->options.schema;
    for (size_t i = 0; i < settings->tables_n; i++) {
        const struct str name = settings->tables[i];
        struct suggestion near = suggest_for(name);
        if (memchr(name.p, '*', name.n) || memchr(name.p, '?', name.n) ||
            schema_table_named(&r->schema, name))
            continue;
        for (size_t t = 0; t < r->schema.tables_n; t++)
            suggest_offer(&near, r->schema.tables[t].name);
        if (near.best.p)
            return err_set(err, STATUS_DATA, "%.*s: no such table: %.*s; did you mean \"%.*s\"?",
                           STR_ARG(r->base.name), STR_ARG(name), STR_ARG(near.best));
        return err_set(err, STATUS_DATA, "%.*s: no such table: %.*s", STR_ARG(r->base.name), STR_ARG(name));
    }
    return STATUS_OK;
}

// What the manifest declares and the database does not have.
static enum status check_targets(const struct records *r, struct err *err) {
    const struct schema_settings *settings = r->options.schema;
    for (size_t i = 0; i < settings->targets_n; i++) {
        const struct schema_target *target = &settings->targets[i];
        bool found = false;
        for (size_t k = 0; k < r->schema.pairs_n && !found; k++)
            found = str_equal(r->schema.tables[r->schema.pairs[k].table].name, target->table) &&
                    str_equal(r->schema.pairs[k].name, target->name);
        if (!found)
            return err_set(err, STATUS_DATA,
                           "%.*s: polymorphic: there are no columns for the type and the id of \"%.*s.%.*s\"",
                           STR_ARG(r->base.name), STR_ARG(target->table), STR_ARG(target->name));
        if (target->target.p && !schema_table_named(&r->schema, target->target))
            return err_set(err, STATUS_DATA, "%.*s: polymorphic: no such table: %.*s", STR_ARG(r->base.name),
                           STR_ARG(target->target));
    }
    return STATUS_OK;
}

// The loader ------------------------------------------------------------------------------------------------------------

static bool write_record(struct records *r, const struct schema_table *table, struct buf *json) {
    MEM_GROW(r->members, r->members_cap, table->columns_n + 1);
    for (size_t i = 0; i < table->columns_n; i++)
        r->members[i] = members_of(r, &table->columns[i]);
    buf_clear(json);
    return schema_write_record(table, &r->rest, r->members, json);
}

static void add_record(struct records *r, struct batch *batch, struct str json) {
    const size_t at = batch->bytes_n;
    loader_reserve(batch, at + json.n);
    memcpy(batch->bytes + at, json.p, json.n);
    batch->bytes_n += json.n;
    struct item *item = loader_add(&r->base, batch, at, 0, 0);
    item->raw.n = json.n;
    if (json.n > r->base.record_bytes)
        loader_too_long(&r->base, batch, item);
}

static enum status pull(struct loader *base, struct batch *batch, struct err *err) {
    struct records *r = (struct records *)base;
    struct buf json = BUF_INIT;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && r->next < r->schema.tables_n && batch->items_n < base->batch_records &&
           batch->bytes_n < base->batch_bytes) {
        const struct schema_table *table = &r->schema.tables[r->next++];
        if (!wants(r, table))
            continue;
        if (write_record(r, table, &json))
            add_record(r, batch, buf_str(&json));
        else // what was kept fits, so this is not to be
            status =
                err_set(err, STATUS_DATA, "%.*s: the schema does not hang together", STR_ARG(base->name));
    }
    buf_release(&json);
    atomic_store(&base->read, r->next);
    return status;
}

enum status schema_records_open(const struct schema_database *database, const struct load_options *options,
                                struct loader **out, struct err *err) {
    struct records *r = MEM_NEW(struct records);
    loader_take_options(&r->base, options);
    schema_init(&r->schema);
    r->base.pull = pull;
    r->base.free = free_loader;
    r->base.raw_tells = true;
    r->database = database;
    r->options = *options;
    enum status status = STATUS_OK;
    if (options->query.p || options->table.p)
        status =
            err_set(err, STATUS_DATA, "%.*s: either a schema, or a query or a table", STR_ARG(options->name));
    if (status == STATUS_OK)
        status = get_schema(r, err);
    if (status == STATUS_OK)
        status = check_names(r, err);
    if (status == STATUS_OK)
        status = check_targets(r, err);
    if (status != STATUS_OK) {
        free_loader(&r->base);
        return status;
    }
    get_types(r);
    get_pieces(r);
    r->rest = buf_str(&r->pieces);
    atomic_init(&r->base.read, 0);
    atomic_init(&r->base.total, r->schema.tables_n);
    *out = &r->base;
    return STATUS_OK;
}
