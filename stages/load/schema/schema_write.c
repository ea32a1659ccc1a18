// SPDX-License-Identifier: MIT
#include "stages/load/schema/schema_write.h"

#include "base/mem.h"
#include "stages/load/schema/schema_bytes.h"
#include "stages/load/schema/schema_relations.h"

// Members -----------------------------------------------------------------------------------------------------------

static void add_text(struct buf *json, struct str text) {
    if (text.p)
        buf_add_json(json, text);
    else
        buf_add_text(json, "null");
}

// "name":"text", with a comma before it where there is something to separate.
static void member(struct buf *json, const char *name, struct str text) {
    bool first = json->n == 0 || json->p[json->n - 1] == '{' || json->p[json->n - 1] == '[';
    buf_printf(json, "%s\"%s\":", first ? "" : ",", name);
    add_text(json, text);
}

static void flag(struct buf *json, const char *name, bool on) {
    bool first = json->n == 0 || json->p[json->n - 1] == '{';
    buf_printf(json, "%s\"%s\":%s", first ? "" : ",", name, on ? "true" : "false");
}

// "name":[ or ,"name":[
static void begin_list(struct buf *json, const char *name) {
    bool first = json->n == 0 || json->p[json->n - 1] == '{';
    buf_printf(json, "%s\"%s\":[", first ? "" : ",", name);
}

static void comma(struct buf *json) {
    if (json->p[json->n - 1] != '[')
        buf_add_char(json, ',');
}

static void list_texts(struct buf *json, const char *name, const struct str *texts, size_t n) {
    begin_list(json, name);
    for (size_t i = 0; i < n; i++) {
        comma(json);
        add_text(json, texts[i]);
    }
    buf_add_char(json, ']');
}

static void list_columns(struct buf *json, const char *name, const struct schema_table *table,
                         const uint32_t *columns, uint32_t n) {
    begin_list(json, name);
    for (uint32_t i = 0; i < n; i++) {
        comma(json);
        add_text(json,
                 columns[i] == SCHEMA_EXPRESSION ? (struct str){NULL, 0} : table->columns[columns[i]].name);
    }
    buf_add_char(json, ']');
}

// Empty where they are not known.
static void list_references(struct buf *json, const char *name, const struct schema_foreign_key *key) {
    bool known = key->columns_n > 0 && key->references[0].p;
    list_texts(json, name, key->references, known ? key->columns_n : 0);
}

// Pieces: names and relations -----------------------------------------------------------------------------------------

struct writing {
    const struct schema *schema;
    struct schema_names *names;
    const struct schema_relations *relations;
    // of the links those that refer to a table, by table
    size_t *back, *back_from;
    struct buf *json;
};

static void names_of(const struct writing *w, uint32_t t) {
    const struct schema_table_names *names = &w->names->tables[t];
    member(w->json, "class_name", names->class_name);
    member(w->json, "name", names->one.snake);
    member(w->json, "plural", names->many.snake);
    member(w->json, "camel", names->one.camel);
    member(w->json, "camel_plural", names->many.camel);
}

// What a column refers to, by the first of its keys that refers to something.
static void column_reference(const struct writing *w, const struct schema_table *table, uint32_t column) {
    for (size_t k = 0; k < table->foreign_keys_n; k++) {
        const struct schema_foreign_key *key = &table->foreign_keys[k];
        for (uint32_t i = 0; i < key->columns_n; i++) {
            if (key->columns[i] != column)
                continue;
            const struct schema_table *target = schema_table_named(w->schema, key->table);
            buf_add_text(w->json, ",\"references\":{");
            member(w->json, "table", key->table);
            member(w->json, "column", key->references[i]);
            member(w->json, "class_name",
                   target ? w->names->tables[target - w->schema->tables].class_name : (struct str){NULL, 0});
            buf_add_char(w->json, '}');
            return;
        }
    }
    buf_add_text(w->json, ",\"references\":null");
}

static void names_of_column(const struct writing *w, uint32_t t, uint32_t column) {
    const struct schema_name *name = &w->names->tables[t].columns[column];
    member(w->json, "snake", name->snake);
    member(w->json, "camel", name->camel);
    column_reference(w, &w->schema->tables[t], column);
}

// Name and other side, which most relations begin with.
static void begin_relation(const struct writing *w, struct schema_name name, uint32_t other) {
    comma(w->json);
    buf_add_char(w->json, '{');
    member(w->json, "name", name.snake);
    member(w->json, "camel", name.camel);
    member(w->json, "class_name", w->names->tables[other].class_name);
    member(w->json, "table", w->schema->tables[other].name);
}

static void link(const struct writing *w, const struct schema_link *link, bool back) {
    const struct schema_table *holder = &w->schema->tables[link->holder];
    const struct schema_foreign_key *key = &holder->foreign_keys[link->key];
    begin_relation(w, back ? link->back : link->there, back ? link->holder : link->target);
    list_columns(w->json, "columns", holder, key->columns, key->columns_n);
    list_references(w->json, "references", key);
    flag(w->json, "nullable", link->nullable);
    flag(w->json, "unique", link->one);
    member(w->json, "inverse", back ? link->there.snake : link->back.snake);
    buf_add_char(w->json, '}');
}

static size_t first_link(const struct schema_relations *r, uint32_t holder) {
    size_t from = 0, to = r->links_n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (r->links[middle].holder < holder)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void links_of(const struct writing *w, uint32_t t) {
    const struct schema_relations *r = w->relations;
    begin_list(w->json, "belongs_to");
    for (size_t i = first_link(r, t); i < r->links_n && r->links[i].holder == t; i++)
        link(w, &r->links[i], false);
    buf_add_char(w->json, ']');
    for (int one = 0; one < 2; one++) {
        begin_list(w->json, one ? "has_one" : "has_many");
        for (size_t i = w->back_from[t]; i < w->back_from[t + 1]; i++)
            if (r->links[w->back[i]].one == one)
                link(w, &r->links[w->back[i]], true);
        buf_add_char(w->json, ']');
    }
}

static void many(const struct writing *w, const struct schema_many *many) {
    const struct schema_link *near = &w->relations->links[many->near], *far = &w->relations->links[many->far];
    const struct schema_table *joining = &w->schema->tables[near->holder];
    const struct schema_foreign_key *here = &joining->foreign_keys[near->key],
                                    *there = &joining->foreign_keys[far->key];
    begin_relation(w, many->name, many->other);
    member(w->json, "through", joining->name);
    member(w->json, "through_class", w->names->tables[near->holder].class_name);
    list_columns(w->json, "columns", joining, here->columns, here->columns_n);
    list_references(w->json, "references", here);
    list_columns(w->json, "other_columns", joining, there->columns, there->columns_n);
    list_references(w->json, "other_references", there);
    member(w->json, "inverse", w->relations->many[many->inverse].name.snake);
    buf_add_char(w->json, '}');
}

static void target(const struct writing *w, const struct schema_held *held) {
    comma(w->json);
    buf_add_char(w->json, '{');
    member(w->json, "class_name", w->names->tables[held->table].class_name);
    member(w->json, "table", w->schema->tables[held->table].name);
    member(w->json, "value", held->values[0]);
    list_texts(w->json, "values", held->values, held->values_n);
    member(w->json, "inverse", held->back.snake);
    buf_add_char(w->json, '}');
}

static void polymorphic(const struct writing *w, const struct schema_polymorphic *p) {
    const struct schema_table *holder = &w->schema->tables[p->pair->table];
    const struct schema_column *type = &holder->columns[p->pair->type_column],
                               *id = &holder->columns[p->pair->id_column];
    comma(w->json);
    buf_add_char(w->json, '{');
    member(w->json, "name", p->name.snake);
    member(w->json, "camel", p->name.camel);
    member(w->json, "type_column", type->name);
    member(w->json, "id_column", id->name);
    flag(w->json, "nullable", type->nullable || id->nullable);
    begin_list(w->json, "targets");
    for (size_t i = 0; i < p->targets_n; i++)
        target(w, &p->targets[i]);
    buf_add_char(w->json, ']');
    list_texts(w->json, "unknown", p->unknown, p->unknown_n);
    buf_add_char(w->json, '}');
}

static void held(const struct writing *w, const struct schema_polymorphic *p,
                 const struct schema_held *held) {
    const struct schema_table *holder = &w->schema->tables[p->pair->table];
    begin_relation(w, held->back, p->pair->table);
    member(w->json, "inverse", p->name.snake);
    member(w->json, "type_column", holder->columns[p->pair->type_column].name);
    member(w->json, "id_column", holder->columns[p->pair->id_column].name);
    flag(w->json, "one", p->one);
    member(w->json, "value", held->values[0]);
    list_texts(w->json, "values", held->values, held->values_n);
    buf_add_char(w->json, '}');
}

static void relations_of(const struct writing *w, uint32_t t) {
    const struct schema_relations *r = w->relations;
    flag(w->json, "join", r->joins[t]);
    links_of(w, t);
    begin_list(w->json, "many_to_many");
    for (size_t i = 0; i < r->many_n; i++)
        if (r->many[i].table == t)
            many(w, &r->many[i]);
    buf_add_char(w->json, ']');
    begin_list(w->json, "polymorphic");
    for (size_t i = 0; i < r->polymorphic_n; i++)
        if (r->polymorphic[i].pair->table == t)
            polymorphic(w, &r->polymorphic[i]);
    buf_add_char(w->json, ']');
    begin_list(w->json, "held_as");
    for (size_t i = 0; i < r->polymorphic_n; i++)
        for (size_t k = 0; k < r->polymorphic[i].targets_n; k++)
            if (r->polymorphic[i].targets[k].table == t)
                held(w, &r->polymorphic[i], &r->polymorphic[i].targets[k]);
    buf_add_char(w->json, ']');
}

// Sorts the links that both sides have by what they refer to, each table's in the links' order.
static void sort_back(struct writing *w) {
    const struct schema_relations *r = w->relations;
    const size_t n = w->schema->tables_n;
    w->back = MEM_NEW_ARRAY(size_t, r->links_n + 1);
    w->back_from = MEM_NEW_ARRAY(size_t, n + 2);
    for (size_t i = 0; i < r->links_n; i++)
        if (w->names->tables[r->links[i].holder].wanted)
            w->back_from[r->links[i].target + 1]++;
    for (size_t t = 0; t < n; t++)
        w->back_from[t + 1] += w->back_from[t];
    size_t *next = MEM_NEW_ARRAY(size_t, n + 1);
    memcpy(next, w->back_from, sizeof *next * n);
    for (size_t i = 0; i < r->links_n; i++)
        if (w->names->tables[r->links[i].holder].wanted)
            w->back[next[r->links[i].target]++] = i;
    mem_free(next);
}

static void keep_piece(struct buf *piece, struct buf *out) {
    schema_bytes_add_text(out, buf_str(piece));
    buf_clear(piece);
}

void schema_write_pieces(const struct schema *schema, const struct schema_settings *settings,
                         struct buf *out) {
    struct schema_names names;
    struct schema_relations relations;
    struct buf piece = BUF_INIT;
    schema_names_init(&names, schema, settings);
    schema_relations_init(&relations, &names);
    struct writing w = {.schema = schema, .names = &names, .relations = &relations, .json = &piece};
    sort_back(&w);
    for (uint32_t t = 0; t < schema->tables_n; t++) {
        if (!names.tables[t].wanted)
            continue;
        names_of(&w, t);
        keep_piece(&piece, out);
        for (uint32_t i = 0; i < schema->tables[t].columns_n; i++) {
            names_of_column(&w, t, i);
            keep_piece(&piece, out);
        }
        relations_of(&w, t);
        keep_piece(&piece, out);
    }
    mem_free(w.back);
    mem_free(w.back_from);
    buf_release(&piece);
    schema_relations_release(&relations);
    schema_names_release(&names);
}

// Records -----------------------------------------------------------------------------------------------------------

static bool add_piece(struct str *rest, struct buf *json) {
    struct str piece;
    if (!schema_bytes_take_text(rest, &piece) || !piece.n)
        return false;
    if (json->p[json->n - 1] != '{')
        buf_add_char(json, ',');
    buf_add_str(json, piece);
    return true;
}

bool schema_write_skip(const struct schema_table *table, struct str *rest) {
    struct str piece;
    for (size_t i = 0; i < table->columns_n + 2; i++)
        if (!schema_bytes_take_text(rest, &piece))
            return false;
    return true;
}

static bool column(const struct schema_table *table, uint32_t i, struct str *rest, struct str types,
                   struct buf *json) {
    const struct schema_column *c = &table->columns[i];
    bool key = false;
    for (uint32_t k = 0; k < table->primary_key_n; k++)
        key = key || table->primary_key[k] == i;
    comma(json);
    buf_add_char(json, '{');
    member(json, "name", c->name);
    if (!add_piece(rest, json))
        return false;
    member(json, "sql_type", c->type);
    buf_add_char(json, ',');
    buf_add_str(json, types);
    list_texts(json, "choices", c->choices, c->choices_n);
    flag(json, "nullable", c->nullable);
    member(json, "default", c->default_text);
    member(json, "comment", c->comment);
    flag(json, "key", key);
    flag(json, "unique", schema_is_unique(table, &i, 1));
    flag(json, "generated", c->generated);
    flag(json, "automatic", c->automatic);
    buf_add_char(json, '}');
    return true;
}

static void indexes(const struct schema_table *table, struct buf *json) {
    begin_list(json, "indexes");
    for (size_t i = 0; i < table->indexes_n; i++) {
        const struct schema_index *index = &table->indexes[i];
        comma(json);
        buf_add_char(json, '{');
        member(json, "name", index->name);
        list_columns(json, "columns", table, index->columns, index->columns_n);
        flag(json, "unique", index->unique);
        flag(json, "partial", index->partial);
        flag(json, "primary", index->primary);
        buf_add_char(json, '}');
    }
    buf_add_char(json, ']');
}

static void foreign_keys(const struct schema_table *table, struct buf *json) {
    begin_list(json, "foreign_keys");
    for (size_t i = 0; i < table->foreign_keys_n; i++) {
        const struct schema_foreign_key *key = &table->foreign_keys[i];
        comma(json);
        buf_add_char(json, '{');
        list_columns(json, "columns", table, key->columns, key->columns_n);
        member(json, "table", key->table);
        list_references(json, "references", key);
        member(json, "on_delete", key->on_delete);
        member(json, "on_update", key->on_update);
        buf_add_char(json, '}');
    }
    buf_add_char(json, ']');
}

bool schema_write_record(const struct schema_table *table, struct str *rest, const struct str *types,
                         struct buf *json) {
    static const char *const kinds[] = {
        [SCHEMA_TABLE] = "table", [SCHEMA_VIEW] = "view", [SCHEMA_VIRTUAL] = "virtual"};
    buf_add_char(json, '{');
    member(json, "table", table->name);
    member(json, "kind", str_of(kinds[table->kind]));
    if (!add_piece(rest, json))
        return false;
    member(json, "comment", table->comment);
    member(json, "fault", table->fault);
    list_columns(json, "primary_key", table, table->primary_key, table->primary_key_n);
    begin_list(json, "columns");
    for (uint32_t i = 0; i < table->columns_n; i++)
        if (!column(table, i, rest, types[i], json))
            return false;
    buf_add_char(json, ']');
    indexes(table, json);
    foreign_keys(table, json);
    bool whole = add_piece(rest, json);
    buf_add_char(json, '}');
    return whole;
}
