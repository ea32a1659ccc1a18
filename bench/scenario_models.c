// SPDX-License-Identifier: MIT
// Models of applications, as generators of code read them from a database's schema: columns, and relations that both
// sides agree about.
#include <ctype.h>

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
    const char *sql, *script, *fallback;
} types[] = {{"integer", "number", "0"},
             {"bigint", "number", "1"},
             {"varchar(120)", "string", "\\\"none\\\""},
             {"text", "string", "\\\"\\\""},
             {"boolean", "boolean", "false"},
             {"timestamptz", "Date", "new Date()"},
             {"numeric(12,4)", "number", "0.0"},
             {"uuid", "string", "crypto.randomUUID()"},
             {"jsonb", "Record<string, unknown>", "{}"}};
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

static void add_columns(const struct application *a, struct random *r, struct buf *out) {
    uint32_t n = a->shape->columns + random_below(r, a->shape->columns_more + 1);
    uint32_t first = random_below(r, ATTRIBUTES);
    buf_add_text(out, "\"columns\":[");
    for (uint32_t c = 0; c < n; c++) {
        uint32_t type = random_below(r, TYPES);
        const char *adjective = scenario_pick(r, adjectives, sizeof adjectives / sizeof *adjectives);
        bool nullable = random_below(r, 5) < 2;
        buf_printf(out,
                   "%s{\"name\":\"%s_%s\",\"sql_type\":\"%s\",\"type\":\"%s\",\"nullable\":%s,\"default\":",
                   c ? "," : "", adjective, attributes[(first + c * 5) % ATTRIBUTES], types[type].sql,
                   types[type].script, nullable ? "true" : "false");
        if (random_below(r, 2))
            buf_printf(out, "\"%s\"}", types[type].fallback);
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

void scenario_write_models(const struct scenario_shape *shape, uint64_t seed, uint64_t i, bool touched,
                           struct buf *out) {
    struct application a = {.seed = seed, .number = i / shape->models, .shape = shape};
    uint32_t model = (uint32_t)(i % shape->models);
    struct random r = scenario_random(seed, KIND_APPLICATION, a.number);
    a.first_noun = random_below(&r, NOUNS);
    r = scenario_random(seed + touched, KIND_MODEL, i);
    buf_printf(out, "{\"app\":\"app%05llu\",\"table\":\"%ss\",\"class_name\":\"",
               (unsigned long long)a.number, noun_of(&a, model));
    add_class(noun_of(&a, model), out);
    buf_add_text(out, "\",");
    add_columns(&a, &r, out);
    add_relations(&a, model, false, out);
    add_relations(&a, model, true, out);
    if (shape->polymorphic)
        add_polymorphic(&a, model, out);
    buf_add_text(out, "}");
}
