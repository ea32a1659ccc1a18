// SPDX-License-Identifier: MIT
// Polymorphic relations: which values of a type column stand for which tables, and what the targets call it.
#include "base/mem.h"
#include "stages/load/schema/inflection.h"
#include "stages/load/schema/schema_relations.h"

static const struct schema_table *holder_of(const struct schema_relations *r,
                                            const struct schema_pair *pair) {
    return &r->names->schema->tables[pair->table];
}

// The table with this singular in snake case; -1: none that is wanted.
static int64_t table_called(const struct schema_relations *r, struct str snake) {
    for (size_t t = 0; t < r->names->schema->tables_n; t++)
        if (r->names->tables[t].wanted && str_equal(r->names->tables[t].one.snake, snake))
            return (int64_t)t;
    return -1;
}

// The table that a value says: "Post", "blog_posts", "App\Models\BlogPost", "Blog::Post".
static int64_t table_of_value(const struct schema_relations *r, struct str value) {
    int64_t found = -1;
    size_t last = value.n;
    while (last > 0 && !strchr("\\:./", value.p[last - 1]))
        last--;
    const struct str spellings[] = {value, str_from(value, last)};
    for (size_t i = 0; i < 2 && found < 0; i++) {
        struct buf snake = BUF_INIT, one = BUF_INIT;
        inflection_snake(spellings[i], &snake);
        inflection_singular(r->names->settings, buf_str(&snake), &one);
        found = table_called(r, buf_str(&one));
        buf_release(&snake);
        buf_release(&one);
    }
    return found;
}

static void add_target(struct schema_polymorphic *p, uint32_t table, struct str value) {
    size_t i = 0;
    while (i < p->targets_n && p->targets[i].table != table)
        i++;
    if (i == p->targets_n) {
        p->targets = mem_realloc(p->targets, sizeof *p->targets * (i + 1));
        p->targets[i] = (struct schema_held){.table = table};
        p->targets_n++;
    }
    struct schema_held *held = &p->targets[i];
    held->values = mem_realloc(held->values, sizeof *held->values * (held->values_n + 1));
    held->values[held->values_n++] = value;
}

static void add_unknown(struct schema_polymorphic *p, struct str value) {
    p->unknown = mem_realloc(p->unknown, sizeof *p->unknown * (p->unknown_n + 1));
    p->unknown[p->unknown_n++] = value;
}

static void take_values(const struct schema_relations *r, struct schema_polymorphic *p) {
    for (size_t i = 0; i < p->pair->values_n; i++) {
        int64_t table = table_of_value(r, p->pair->values[i]);
        if (table >= 0)
            add_target(p, (uint32_t)table, p->pair->values[i]);
        else
            add_unknown(p, p->pair->values[i]);
    }
}

// What the manifest says. The value of a target that has none is its class's name.
static void take_declared(const struct schema_relations *r, struct schema_polymorphic *p) {
    const struct schema_settings *settings = r->names->settings;
    const struct schema *schema = r->names->schema;
    for (size_t i = 0; i < settings->targets_n; i++) {
        const struct schema_target *target = &settings->targets[i];
        const struct schema_table *table = schema_table_named(schema, target->target);
        if (!str_equal(target->table, holder_of(r, p->pair)->name) ||
            !str_equal(target->name, p->pair->name) || !table)
            continue;
        const uint32_t t = (uint32_t)(table - schema->tables);
        if (r->names->tables[t].wanted)
            add_target(p, t, target->value.p ? target->value : r->names->tables[t].class_name);
    }
}

static void name_pair(struct schema_relations *r, struct schema_polymorphic *p) {
    struct buf snake = BUF_INIT, longer = BUF_INIT;
    inflection_snake(p->pair->name, &snake);
    bool plain = schema_names_are_free(r->names, p->pair->table, buf_str(&snake));
    buf_printf(&longer, "%.*s_record", STR_ARG(buf_str(&snake)));
    p->name = schema_names_take(r->names, p->pair->table, buf_str(plain ? &snake : &longer));
    buf_release(&snake);
    buf_release(&longer);
}

void schema_relations_find_polymorphic(struct schema_relations *r) {
    const struct schema *schema = r->names->schema;
    for (size_t i = 0; i < schema->pairs_n; i++) {
        struct schema_polymorphic p = {.pair = &schema->pairs[i]};
        if (!r->names->tables[p.pair->table].wanted)
            continue;
        if (p.pair->declared)
            take_declared(r, &p);
        else
            take_values(r, &p);
        if (p.targets_n == 0 && (p.pair->declared || p.unknown_n > 0)) {
            mem_free(p.unknown); // columns that happen to be called so
            continue;
        }
        p.one = schema_is_unique(holder_of(r, p.pair),
                                 (const uint32_t[]){p.pair->type_column, p.pair->id_column}, 2);
        name_pair(r, &p);
        MEM_GROW(r->polymorphic, r->polymorphic_cap, r->polymorphic_n + 1);
        r->polymorphic[r->polymorphic_n++] = p;
    }
}

static void name_held(struct schema_relations *r, const struct schema_polymorphic *p,
                      struct schema_held *held) {
    const struct schema_table_names *holder = &r->names->tables[p->pair->table];
    const struct str name = p->one ? holder->one.snake : holder->many.snake;
    struct buf longer = BUF_INIT;
    buf_printf(&longer, "%.*s_as_%.*s", STR_ARG(name), STR_ARG(p->name.snake));
    bool plain = schema_names_are_free(r->names, held->table, name) && held->table != p->pair->table;
    held->back = schema_names_take(r->names, held->table, plain ? name : buf_str(&longer));
    buf_release(&longer);
}

void schema_relations_name_held(struct schema_relations *r) {
    for (size_t i = 0; i < r->polymorphic_n; i++)
        for (size_t k = 0; k < r->polymorphic[i].targets_n; k++)
            name_held(r, &r->polymorphic[i], &r->polymorphic[i].targets[k]);
}
