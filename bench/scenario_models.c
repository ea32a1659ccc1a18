// SPDX-License-Identifier: MIT
// Models of applications, as generators of code read them from a database's schema: columns, and relations that both
// sides agree about. The same application is JSON, a model a record, or the SQL that makes its database.
#include <ctype.h>
#include <stdio.h>

#include "bench/scenario_records.h"

enum { KIND_APPLICATION = 100, KIND_MODEL, KIND_PAIR, KIND_TARGET, NAME_SIZE = 64 };

static const char *const nouns[] =
    {
        "account", "booking", "carrier",   "deposit", "employee", "feature",  "gateway",
        "holiday", "invoice", "journey",   "keyword", "listing",  "meeting",  "notice",
        "order",   "payment", "quote",     "receipt", "schedule", "tenant",   "upload",
        "vehicle", "worker",  "zone",      "branch",  "customer", "delivery", "estimate",
        "folder",  "grant",   "household", "item",    "job"}; // their number and 7 have no common divisor
static const char *const adjectives[] = {"actual", "cached", "daily", "due",     "first", "given",
                                         "inner",  "latest", "minor", "nominal", "outer", "planned",
                                         "remote", "signed", "total", "usual"};
static const char *const attributes[] = {"address", "balance", "code",    "depth",  "email", "flag",  "grade",
                                         "hash",    "image",   "label",   "length", "level", "limit", "mode",
                                         "name",    "origin",  "percent", "phase",  "price", "rank",  "ratio",
                                         "region",  "sample",  "summary", "tag",    "title", "url",   "value",
                                         "version", "weight",  "width"}; // a prime number of them
static const struct {
    const char *sql, *script, *fallback, *literal; // in JSON, in SQL
} types[] = {{"integer", "number", "0", "0"},
             {"bigint", "number", "1", "1"},
             {"varchar(120)", "string", "\\\"none\\\"", "'none'"},
             {"text", "string", "\\\"\\\"", "''"},
             {"boolean", "boolean", "false", "0"},
             {"timestamptz", "Date", "new Date()", "'2024-01-01 00:00:00'"},
             {"numeric(12,4)", "number", "0.0", "0.0"},
             {"uuid", "string", "crypto.randomUUID()", "'00000000-0000-4000-8000-000000000000'"},
             {"jsonb", "Record<string, unknown>", "{}", "'{}'"}};
// Models below this number hold a shared polymorphic relation each, the others may be its targets.
static const char *const relations[] = {"commentable", "taggable", "ownable", "likeable"};

enum {
    NOUNS = sizeof nouns / sizeof *nouns,
    ATTRIBUTES = sizeof attributes / sizeof *attributes,
    TYPES = sizeof types / sizeof *types,
    RELATIONS = sizeof relations / sizeof *relations
};

struct application {
    uint64_t seed, number;
    uint32_t first_noun;
    const struct scenario_shape *shape;
};

static const char *noun_of(const struct application *a, uint32_t model) {
    return nouns[(a->first_noun + model * 7) % NOUNS];
}

static void add_class(const char *noun, struct buf *out) {
    buf_add_char(out, (char)toupper((unsigned char)noun[0]));
    buf_add_text(out, noun + 1);
}

static bool is_likely(const struct application *a, uint64_t kind, uint32_t x, uint32_t y, uint32_t percent) {
    struct random r = scenario_random(a->seed ^ (a->number << 20), kind, (uint64_t)x << 32 | y);
    return random_below(&r, 100) < percent;
}

struct column {
    const char *adjective, *attribute;
    uint32_t type;
    bool nullable, has_default;
};

// How many columns a model has, and then one after the other; all draw from `r`.
static uint32_t draw_columns(const struct application *a, struct random *r, uint32_t *first) {
    uint32_t n = a->shape->columns + random_below(r, a->shape->columns_more + 1);
    *first = random_below(r, ATTRIBUTES);
    return n;
}

static struct column draw_column(struct random *r, uint32_t first, uint32_t number) {
    struct column c = {.type = random_below(r, TYPES),
                       .attribute = attributes[(first + number * 5) % ATTRIBUTES]};
    c.adjective = scenario_pick(r, adjectives, sizeof adjectives / sizeof *adjectives);
    c.nullable = random_below(r, 5) < 2;
    c.has_default = random_below(r, 2);
    return c;
}

static void add_columns(const struct application *a, struct random *r, struct buf *out) {
    uint32_t first, n = draw_columns(a, r, &first);
    buf_add_text(out, "\"columns\":[");
    for (uint32_t i = 0; i < n; i++) {
        struct column c = draw_column(r, first, i);
        buf_printf(out,
                   "%s{\"name\":\"%s_%s\",\"sql_type\":\"%s\",\"type\":\"%s\",\"nullable\":%s,\"default\":",
                   i ? "," : "", c.adjective, c.attribute, types[c.type].sql, types[c.type].script,
                   c.nullable ? "true" : "false");
        if (c.has_default)
            buf_printf(out, "\"%s\"}", types[c.type].fallback);
        else
            buf_add_text(out, "null}");
    }
    buf_add_text(out, "]");
}

// The pair (x, y), x < y: y belongs to x, x has many y.
static void add_relations(const struct application *a, uint32_t model, bool many, struct buf *out) {
    uint32_t from = many ? model + 1 : 0, to = many ? a->shape->models : model;
    bool first = true;
    buf_printf(out, ",\"%s\":[", many ? "has_many" : "belongs_to");
    for (uint32_t other = from; other < to; other++) {
        uint32_t x = many ? model : other, y = many ? other : model;
        if (!is_likely(a, KIND_PAIR, x, y, a->shape->related))
            continue;
        buf_printf(out, "%s{\"name\":\"%s\",\"class_name\":\"", first ? "" : ",", noun_of(a, other));
        add_class(noun_of(a, other), out);
        buf_printf(out, "\",\"key\":\"%s_id\"}", noun_of(a, x));
        first = false;
    }
    buf_add_text(out, "]");
}

static bool is_target(const struct application *a, uint32_t relation, uint32_t model) {
    return model >= RELATIONS && is_likely(a, KIND_TARGET, relation, model, 40);
}

// What a model holds, with all its targets; what holds the model, as one of them.
static void add_polymorphic(const struct application *a, uint32_t model, struct buf *out) {
    uint32_t shared = a->shape->polymorphic;
    bool first = true;
    buf_add_text(out, ",\"polymorphic\":[");
    if (model < shared) {
        const char *name = relations[model];
        buf_printf(out, "{\"name\":\"%s\",\"type_key\":\"%s_type\",\"id_key\":\"%s_id\",\"targets\":[", name,
                   name, name);
        for (uint32_t other = 0; other < a->shape->models; other++)
            if (is_target(a, model, other)) {
                buf_add_text(out, first ? "\"" : ",\"");
                add_class(noun_of(a, other), out);
                buf_add_text(out, "\"");
                first = false;
            }
        buf_add_text(out, "]}");
    }
    buf_add_text(out, "],\"held_as\":[");
    first = true;
    for (uint32_t relation = 0; relation < shared; relation++)
        if (is_target(a, relation, model)) {
            buf_printf(out, "%s{\"name\":\"%s\",\"holder\":\"", first ? "" : ",", relations[relation]);
            add_class(noun_of(a, relation), out);
            buf_add_text(out, "\"}");
            first = false;
        }
    buf_add_text(out, "]");
}

static struct application application_of(const struct scenario_shape *shape, uint64_t seed, uint64_t number) {
    struct application a = {.seed = seed, .number = number, .shape = shape};
    struct random r = scenario_random(seed, KIND_APPLICATION, number);
    a.first_noun = random_below(&r, NOUNS);
    return a;
}

void scenario_application(uint64_t number, char name[SCENARIO_NAME_SIZE]) {
    snprintf(name, SCENARIO_NAME_SIZE, "app%05llu", (unsigned long long)number);
}

void scenario_write_models(const struct scenario_shape *shape, uint64_t seed, uint64_t i, bool touched,
                           struct buf *out) {
    struct application a = application_of(shape, seed, i / shape->models);
    uint32_t model = (uint32_t)(i % shape->models);
    struct random r = scenario_random(seed + touched, KIND_MODEL, i);
    char name[SCENARIO_NAME_SIZE];
    scenario_application(a.number, name);
    buf_printf(out, "{\"app\":\"%s\",\"table\":\"%ss\",\"class_name\":\"", name, noun_of(&a, model));
    add_class(noun_of(&a, model), out);
    buf_add_text(out, "\",");
    add_columns(&a, &r, out);
    add_relations(&a, model, false, out);
    add_relations(&a, model, true, out);
    if (shape->polymorphic)
        add_polymorphic(&a, model, out);
    buf_add_text(out, "}");
}

// ---- as SQL

// Holders of polymorphic relations get rows that say nothing of other columns, so what must not be null has a default.
static void add_sql_columns(const struct application *a, uint32_t model, struct buf *out) {
    struct random r = scenario_random(a->seed, KIND_MODEL, a->number * a->shape->models + model);
    uint32_t first, n = draw_columns(a, &r, &first);
    for (uint32_t i = 0; i < n; i++) {
        struct column c = draw_column(&r, first, i);
        buf_printf(out, ",\n    %s_%s %s", c.adjective, c.attribute, types[c.type].sql);
        if (!c.nullable)
            buf_add_text(out, " not null");
        if (!c.nullable || c.has_default)
            buf_printf(out, " default %s", types[c.type].literal);
    }
}

static void add_sql_keys(const struct application *a, uint32_t model, struct buf *out) {
    for (uint32_t other = 0; other < model; other++)
        if (is_likely(a, KIND_PAIR, other, model, a->shape->related))
            buf_printf(out, ",\n    %s_id integer references %ss (id)", noun_of(a, other), noun_of(a, other));
    if (model < a->shape->polymorphic)
        buf_printf(out, ",\n    %s_type varchar(40),\n    %s_id integer", relations[model], relations[model]);
}

// A row for each of the models that may be held.
static void add_sql_rows(const struct application *a, uint32_t model, struct buf *out) {
    for (uint32_t other = 0; other < a->shape->models; other++)
        if (is_target(a, model, other)) {
            buf_printf(out, "insert into %ss (%s_type, %s_id) values ('", noun_of(a, model), relations[model],
                       relations[model]);
            add_class(noun_of(a, other), out);
            buf_printf(out, "', %u);\n", (unsigned)other);
        }
}

void scenario_write_schema(const struct scenario_shape *shape, uint64_t seed, uint64_t number,
                           struct buf *out) {
    struct application a = application_of(shape, seed, number);
    for (uint32_t model = 0; model < shape->models; model++) {
        buf_printf(out, "create table %ss (\n    id integer primary key", noun_of(&a, model));
        add_sql_columns(&a, model, out);
        add_sql_keys(&a, model, out);
        buf_add_text(out, "\n);\n");
        if (model < shape->polymorphic)
            add_sql_rows(&a, model, out);
    }
}
