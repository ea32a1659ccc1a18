// SPDX-License-Identifier: MIT
#include "pipeline/doctor/pg_plan.h"

#include <jansson.h>

#include "base/mem.h"

enum { STEPS_MOST = 400, DEPTH_MOST = 100 };

struct reading {
    struct arena *arena;
    struct plan_step steps[STEPS_MOST];
    size_t n;
    uint64_t scanned;
};

// Where a node stands.
struct place {
    uint32_t depth;
    bool again;
    struct str outer; // the table of the loop around it
    struct str table; // whose rows an index of it leads to
};

static struct str keep(struct arena *arena, struct str text) {
    const struct str kept = arena_str(arena, text);
    if (!kept.p)
        mem_fail(text.n);
    return kept;
}

static struct str text_of(struct arena *arena, const json_t *node, const char *key) {
    const json_t *text = json_object_get(node, key);
    if (!json_is_string(text))
        return (struct str){NULL, 0};
    return keep(arena, (struct str){json_string_value(text), json_string_length(text)});
}

static uint64_t count_of(const json_t *node, const char *key) {
    const double n = json_number_value(json_object_get(node, key));
    return n > 0 && n < 1e18 ? (uint64_t)n : 0;
}

// What is said of a condition: without the parentheses around all of it.
static struct str bare(struct str condition) {
    return condition.n > 2 && condition.p[0] == '(' && condition.p[condition.n - 1] == ')'
               ? str_slice(condition, 1, condition.n - 1)
               : condition;
}

static bool is_type(const json_t *node, const char *type) {
    const char *given = json_string_value(json_object_get(node, "Node Type"));
    return given && strcmp(given, type) == 0;
}

static bool is_relation(const json_t *node, const char *relation) {
    const char *given = json_string_value(json_object_get(node, "Parent Relationship"));
    return given && strcmp(given, relation) == 0;
}

static bool only_hands_on(const json_t *node) {
    static const char *const types[] = {"Limit",       "Result",  "Gather", "Gather Merge", "Hash",
                                        "Materialize", "Memoize", "Append", "Subquery Scan"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is_type(node, types[i]))
            return true;
    return false;
}

// ---- steps

static struct plan_step *add_step(struct reading *r, const struct place *place, enum plan_kind kind) {
    struct plan_step *step = &r->steps[r->n < STEPS_MOST ? r->n++ : STEPS_MOST - 1];
    *step =
        (struct plan_step){.kind = kind, .depth = place->depth, .again = place->again, .outer = place->outer};
    return step;
}

static enum plan_kind kind_of(const json_t *node) {
    const bool found = json_object_get(node, "Index Cond");
    if (is_type(node, "Seq Scan") || is_type(node, "Foreign Scan") || is_type(node, "Sample Scan"))
        return PLAN_SCAN;
    if (is_type(node, "Index Scan"))
        return found ? PLAN_SEARCH : PLAN_SCAN_INDEX;
    if (is_type(node, "Index Only Scan"))
        return found ? PLAN_SEARCH : PLAN_SCAN_COVERED;
    if (is_type(node, "Bitmap Index Scan"))
        return PLAN_SEARCH;
    if (is_type(node, "CTE Scan") || is_type(node, "WorkTable Scan"))
        return PLAN_SCAN_MADE;
    return is_type(node, "Sort") || is_type(node, "Incremental Sort") ? PLAN_SORTED : PLAN_OTHER;
}

static struct str list_of(struct arena *arena, const json_t *list) {
    struct buf text = BUF_INIT;
    size_t i;
    const json_t *one;
    json_array_foreach(list, i, one)
        buf_printf(&text, "%s%s", i ? ", " : "", json_string_value(one) ? json_string_value(one) : "");
    const struct str kept = text.n ? keep(arena, buf_str(&text)) : (struct str){NULL, 0};
    buf_release(&text);
    return kept;
}

static void take_words(struct reading *r, const json_t *node, struct plan_step *step) {
    struct buf text = BUF_INIT;
    buf_add_str(&text, text_of(r->arena, node, "Node Type"));
    if (step->index.p)
        buf_printf(&text, " using %.*s", STR_ARG(step->index));
    if (step->table.p)
        buf_printf(&text, " on %.*s", STR_ARG(step->table));
    if (step->terms.p)
        buf_printf(&text, " (%.*s)", STR_ARG(step->terms));
    step->text = keep(r->arena, buf_str(&text));
    buf_release(&text);
}

static struct str table_of(struct arena *arena, const json_t *node) {
    static const char *const keys[] = {"Alias", "Relation Name", "CTE Name"};
    struct str table = {NULL, 0};
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !table.p; i++)
        table = text_of(arena, node, keys[i]);
    return table;
}

static void add_node(struct reading *r, const json_t *node, const struct place *place) {
    struct plan_step *step = add_step(r, place, kind_of(node));
    step->table = table_of(r->arena, node);
    if (!step->table.p)
        step->table = place->table;
    step->index = text_of(r->arena, node, "Index Name");
    step->terms = step->kind == PLAN_SORTED
                      ? list_of(r->arena, json_object_get(node, "Sort Key"))
                      : bare(text_of(r->arena, node, step->kind == PLAN_SEARCH ? "Index Cond" : "Filter"));
    take_words(r, node, step);
    if (step->kind == PLAN_SCAN) {
        const uint64_t loops = count_of(node, "Actual Loops");
        r->scanned += (count_of(node, "Actual Rows") + count_of(node, "Rows Removed by Filter")) * loops;
    }
}

// ---- nodes

// The first table below a node: what a loop around another one goes through.
static struct str first_table(struct arena *arena, const json_t *node) {
    for (int depth = 0; node && depth < DEPTH_MOST; depth++) {
        const struct str table = table_of(arena, node);
        if (table.p)
            return table;
        node = json_array_get(json_object_get(node, "Plans"), 0);
    }
    return (struct str){NULL, 0};
}

// What is run for its own sake, before or for every row of the node it belongs to.
static void add_subquery(struct reading *r, const json_t *parent, const json_t *node, struct place *place) {
    const bool initial = is_relation(node, "InitPlan"), repeated = count_of(node, "Actual Loops") != 1;
    if (!initial && !is_relation(node, "SubPlan"))
        return;
    if (!initial && repeated) {
        place->again = true;
        place->outer = first_table(r->arena, parent);
    }
    struct plan_step *step = add_step(r, place, !initial && repeated ? PLAN_CORRELATED : PLAN_SUBQUERY);
    step->text = text_of(r->arena, node, "Subplan Name");
    if (!step->text.p)
        step->text = STR("SubPlan");
    place->depth++;
}

static void read_node(struct reading *r, const json_t *node, struct place place) {
    const json_t *plans = json_object_get(node, "Plans"), *child;
    const bool loop = is_type(node, "Nested Loop");
    size_t i;
    if (place.depth > DEPTH_MOST || !json_is_object(node))
        return;
    if (!only_hands_on(node)) {
        add_node(r, node, &place);
        place.depth++;
    }
    place.table = is_type(node, "Bitmap Heap Scan") ? table_of(r->arena, node) : place.table;
    json_array_foreach(plans, i, child) {
        struct place below = place;
        if (loop && is_relation(child, "Inner")) {
            below.again = true;
            below.outer = first_table(r->arena, json_array_get(plans, 0));
        }
        add_subquery(r, node, child, &below);
        read_node(r, child, below);
    }
}

bool pg_plan_read(struct str json, struct arena *arena, struct pg_plan *out) {
    json_t *document = json_loadb(json.n ? json.p : "", json.n, 0, NULL);
    const json_t *first = json_array_get(document, 0), *root = json_object_get(first, "Plan");
    struct reading *reading = MEM_NEW(struct reading);
    *out = (struct pg_plan){.ran = false};
    reading->arena = arena;
    read_node(reading, root, (struct place){.depth = 0});
    if (reading->n) {
        struct plan_step *steps = arena_alloc(arena, reading->n * sizeof *steps);
        if (!steps)
            mem_fail(reading->n * sizeof *steps);
        memcpy(steps, reading->steps, reading->n * sizeof *steps);
        out->plan = (struct query_plan){steps, reading->n};
        out->ran = json_is_number(json_object_get(first, "Execution Time"));
        out->took = (uint64_t)(json_number_value(json_object_get(first, "Execution Time")) * 1e6);
        out->rows = count_of(root, "Actual Rows");
        out->scanned = reading->scanned;
    }
    mem_free(reading);
    json_decref(document);
    return out->plan.n > 0;
}
