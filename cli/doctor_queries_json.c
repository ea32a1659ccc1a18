// SPDX-License-Identifier: MIT
#include "cli/doctor_queries_json.h"

#include "monitor/json_line.h"

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static void set_text(json_t *object, const char *key, struct str text) {
    if (text.p)
        set(object, key, json_line_text(text));
}

static void set_count(json_t *object, const char *key, uint64_t n) {
    set(object, key, json_integer((json_int_t)n));
}

static void set_time(json_t *object, const char *key, uint64_t ns) {
    set(object, key, json_real((double)ns / 1e9));
}

static json_t *plan_json(const struct query_plan *plan) {
    json_t *list = json_array();
    struct buf words = BUF_INIT;
    for (size_t i = 0; i < plan->n; i++) {
        const struct plan_step *from = &plan->steps[i];
        json_t *step = json_object();
        buf_clear(&words);
        plan_step_say(from, &words);
        set_count(step, "depth", from->depth);
        set(step, "kind", json_string(plan_kind_name(from->kind)));
        set_text(step, "text", from->text);
        set_text(step, "words", buf_str(&words));
        set_text(step, "table", from->table);
        set_text(step, "index", from->index);
        set(step, "again", json_boolean(from->again));
        json_array_append_new(list, step);
    }
    buf_release(&words);
    return list;
}

static json_t *proposals_json(const struct query_look *look) {
    json_t *list = json_array();
    for (size_t i = 0; i < look->proposals_n; i++) {
        const struct query_proposal *from = &look->proposals[i];
        json_t *proposal = json_object();
        set_text(proposal, "sql", from->sql);
        set_text(proposal, "on", from->what);
        set(proposal, "together", json_boolean(from->together));
        set(proposal, "proved", json_boolean(from->proved));
        if (from->proved) {
            set_time(proposal, "before_seconds", from->before);
            set(proposal, "before_stopped", json_boolean(from->before_stopped));
            set_time(proposal, "after_seconds", from->after);
            if (from->bytes)
                set_count(proposal, "bytes", from->bytes);
        } else {
            set_text(proposal, "unproved", look->unproved);
        }
        set(proposal, "plan", plan_json(&from->plan));
        json_array_append_new(list, proposal);
    }
    return list;
}

static json_t *query_json(const struct query_look *look) {
    json_t *query = json_object();
    set_text(query, "source", look->source);
    set_text(query, "database", look->database);
    set_text(query, "sql", look->sql);
    set_text(query, "fault", look->fault);
    if (!look->fault.p) {
        set_count(query, "rows", look->rows);
        set_time(query, "seconds", look->took);
        if (look->first)
            set_time(query, "first_row_seconds", look->first);
        set(query, "stopped", json_boolean(look->stopped));
        set(query, "slow", json_boolean(look->slow));
    }
    set(query, "plan", plan_json(&look->plan));
    set_count(query, "tried", look->tried);
    set(query, "proposals", proposals_json(look));
    return query;
}

static json_t *index_json(const struct index_look *look) {
    json_t *index = json_object();
    set_text(index, "database", look->database);
    set_text(index, "table", look->table);
    set_text(index, "index", look->index);
    set(index, "unique", json_boolean(look->unique));
    if (look->bytes)
        set_count(index, "bytes", look->bytes);
    set_count(index, "queries", look->used);
    if (look->scans >= 0)
        set_count(index, "scans", (uint64_t)look->scans);
    return index;
}

void doctor_queries_json_add(const struct query_looks *looks, json_t *object) {
    json_t *queries = json_array(), *indexes = json_array();
    for (size_t i = 0; i < looks->queries_n; i++)
        json_array_append_new(queries, query_json(&looks->queries[i]));
    for (size_t i = 0; i < looks->indexes_n; i++)
        json_array_append_new(indexes, index_json(&looks->indexes[i]));
    set(object, "queries", queries);
    set(object, "indexes", indexes);
}
