// SPDX-License-Identifier: MIT
#include "pipeline/plan/plan_joins.h"

#include "base/mem.h"

bool plan_compile_joins(struct plan *plan, size_t s, struct diags *diags) {
    const struct manifest_source *source = &plan->manifest->sources[s];
    struct plan_join_keys *keys = ARENA_NEW_ARRAY(&plan->arena, struct plan_join_keys, source->joins_n + 1);
    bool ok = true;
    if (!keys)
        mem_fail(source->joins_n);
    plan->sources[s].joins = keys;
    for (size_t i = 0; i < source->joins_n; i++) {
        const struct manifest_join *join = &source->joins[i];
        keys[i].on = plan_compile_expression(plan, join->on, join->on_span, diags);
        keys[i].key = join->own_key ? plan->sources[s].key
                                    : plan_compile_expression(plan, join->key, join->key_span, diags);
        ok &= keys[i].on && (keys[i].key || join->own_key); // what is wrong with the source's key was told
    }
    return ok;
}

void plan_free_joins(struct plan *plan) {
    for (size_t s = 0; s < plan->manifest->sources_n; s++)
        for (size_t i = 0; plan->sources[s].joins && i < plan->manifest->sources[s].joins_n; i++) {
            program_free(plan->sources[s].joins[i].on);
            if (!plan->manifest->sources[s].joins[i].own_key)
                program_free(plan->sources[s].joins[i].key);
        }
    for (size_t i = 0; i < plan->join_fields_n; i++)
        fields_free(plan->join_fields[i]);
    mem_free(plan->join_fields);
}

// Arranging ----------------------------------------------------------------------------------------------------

enum {
    LEVELS = 3
}; // that come with all of a record: of sources that join each other there are many ways through all of them

// The sources on the way from a pass to a joined record.
struct way {
    const struct way *before;
    size_t source;
    unsigned level;
};

static bool is_on(const struct way *way, size_t source) {
    for (; way; way = way->before)
        if (way->source == source)
            return true;
    return false;
}

static struct fields *new_fields(struct plan *plan) {
    MEM_GROW(plan->join_fields, plan->join_fields_cap, plan->join_fields_n + 1);
    return plan->join_fields[plan->join_fields_n++] = fields_new(plan->compile.library);
}

// What is wanted of the field; NULL: nothing, and its name is not either. Where all of a joined record is wanted, fields that
// lead back are not.
static const struct projection *wanted(const struct projection *record, const struct manifest_join *join,
                                       const struct way *way) {
    static const struct projection whole = {.whole = true}, name = {.whole = false};
    const struct projection *field = record ? projection_find(record, join->name) : &whole;
    if (!record && way->before && (is_on(way, join->source) || way->level >= LEVELS))
        return NULL;
    return !field && record->keys ? &name : field;
}

static size_t arrange(struct plan *plan, const struct projection *record, const struct way *way,
                      struct fields *keys, const struct plan_join **out);

static void arrange_read(struct plan *plan, const struct projection *field, const struct way *way,
                         struct plan_join *join) {
    static const struct fields_scope of_record = {.record = true};
    const struct way longer = {way, join->join->source, way->level + 1};
    struct fields *fields = new_fields(plan);
    fields_add(fields, join->on, &of_record);
    const struct projection *read = projection_of_elements(&plan->arena, field, !join->join->one);
    join->read = true;
    join->joins_n = arrange(plan, read, &longer, fields, &join->joins);
    join->projection = projection_union(&plan->arena, read, fields_projection(fields));
}

// The joins of records of the way's last source of which `record` is wanted. What they compare is added to `keys`.
static size_t arrange(struct plan *plan, const struct projection *record, const struct way *way,
                      struct fields *keys, const struct plan_join **out) {
    static const struct fields_scope of_record = {.record = true};
    const struct manifest_source *source = &plan->manifest->sources[way->source];
    struct plan_join *joins = ARENA_NEW_ARRAY(&plan->arena, struct plan_join, source->joins_n + 1);
    size_t n = 0;
    if (!joins)
        mem_fail(source->joins_n);
    for (size_t i = 0; i < source->joins_n; i++) {
        const struct manifest_join *join = &source->joins[i];
        const struct projection *field = wanted(record, join, way);
        if (!field)
            continue;
        struct plan_join *made = &joins[n++];
        *made = (struct plan_join){.join = join,
                                   .source = &plan->manifest->sources[join->source],
                                   .on = plan->sources[way->source].joins[i].on,
                                   .key = plan->sources[way->source].joins[i].key};
        if (record && !projection_find(record, join->name))
            continue;
        fields_add(keys, made->key, &of_record);
        arrange_read(plan, field, way, made);
    }
    *out = joins;
    return n;
}

void plan_arrange_joins(struct plan *plan, struct plan_pass *pass) {
    const struct way way = {NULL, pass->source, 0};
    if (plan->manifest->sources[pass->source].joins_n == 0)
        return;
    pass->joins_n = arrange(plan, pass->projection, &way, pass->fields, &pass->joins);
    pass->projection = fields_projection(pass->fields);
}

// ------------------------------------------------------------------------------------------------------------

static bool reaches(const struct manifest *manifest, size_t from, size_t source, bool *seen) {
    const struct manifest_source *own = &manifest->sources[from];
    for (size_t i = 0; i < own->joins_n; i++) {
        const size_t other = own->joins[i].source;
        if (other == source)
            return true;
        if (seen[other])
            continue;
        seen[other] = true;
        if (reaches(manifest, other, source, seen))
            return true;
    }
    return false;
}

bool plan_may_join(const struct manifest *manifest, size_t from, size_t source) {
    bool *seen = MEM_NEW_ARRAY(bool, manifest->sources_n + 1);
    const bool found = reaches(manifest, from, source, seen);
    mem_free(seen);
    return found;
}
