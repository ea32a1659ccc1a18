// SPDX-License-Identifier: MIT
// Joins of a pass: the fields that records get.
#include "base/mem.h"
#include "pipeline/plan/join_misfits.h"
#include "pipeline/run/run_join.h"

// Fields -----------------------------------------------------------------------------------------------------------

void run_attaching_begin(struct run_attaching *a, struct pass_run *pass, struct run_join *const *joins,
                         size_t n, struct vm *vm) {
    *a = (struct run_attaching){.pass = pass,
                                .joins = joins,
                                .n = n,
                                .vm = vm,
                                .values = MEM_NEW_ARRAY(struct value, n + 1),
                                .places = MEM_NEW_ARRAY(uint32_t, n + 1)};
}

void run_attaching_end(struct run_attaching *a) {
    mem_free(a->values);
    mem_free(a->places);
}

// The record's keys, and behind them the fields that it does not have.
static bool find_shape(struct run_attaching *a, struct arena *arena, const struct shape *from) {
    struct shapes *shapes = a->pass->run->shapes;
    struct value *names = arena_alloc(arena, (from->n + a->n) * sizeof *names);
    uint32_t n = from->n;
    if (!names)
        return false;
    if (n)
        memcpy(names, from->keys, n * sizeof *names);
    for (size_t i = 0; i < a->n; i++) {
        const struct str name = a->joins[i]->join->join->name;
        const int64_t at = shape_find(from, name);
        a->places[i] = at >= 0 ? (uint32_t)at : n;
        if (at < 0)
            names[n++] = value_string(name);
    }
    a->to = shapes_of_names(shapes, names, n);
    if (!a->to)
        a->to = shape_new_private(arena, names, n);
    a->from = from->shared && a->to && a->to->shared ? from : NULL;
    return a->to != NULL;
}

static bool add_fields(struct run_attaching *a, struct arena *arena, struct value *record) {
    const struct map *from = record->map;
    if ((!a->from || a->from != from->shape) && !find_shape(a, arena, from->shape))
        return false;
    struct map *map = map_new(arena, a->to);
    if (!map)
        return false;
    if (from->shape->n)
        memcpy(map->values, from->values, from->shape->n * sizeof *map->values);
    for (size_t i = 0; i < a->n; i++)
        map->values[a->places[i]] = a->values[i];
    *record = value_map(map);
    return true;
}

// A record whose key is nobody's, where it should have been somebody's.
static void note_missed(struct run *run, struct run_join *join, uint64_t ordinal, struct str key) {
    pthread_mutex_lock(&run->lock);
    if (atomic_fetch_add(&join->missed, 1) == 0 || ordinal < join->missed_first) {
        join->missed_first = ordinal;
        buf_clear(&join->missed_key);
        buf_add_str(&join->missed_key, key);
    }
    pthread_mutex_unlock(&run->lock);
}

static bool look_up(struct run_attaching *a, struct arena *arena, size_t i, uint64_t ordinal,
                    struct value record, const struct diag **fault) {
    struct run_join *join = a->joins[i];
    struct str key;
    struct err err;
    a->values[i] = value_none();
    if (!join->index)
        return true;
    if (!join_key(a->pass->run->plan, a->vm, join->join->key, record, arena, &key, fault))
        return false;
    if (join_index_find(join->index, key, arena, &a->values[i], &err) != STATUS_OK) {
        *fault = diag_make(arena, NULL, (struct span){0, 0}, "%s", err.text);
        return false;
    }
    if (join->join->join->one && key.p && a->values[i].tag == VALUE_NONE)
        note_missed(a->pass->run, join, ordinal, key);
    return true;
}

bool run_attach(struct run_attaching *a, struct arena *arena, uint64_t ordinal, struct value *record,
                const struct diag **fault) {
    for (size_t i = 0; i < a->n; i++)
        if (!look_up(a, arena, i, ordinal, *record, fault))
            return false;
    if (add_fields(a, arena, record))
        return true;
    *fault = diag_make(arena, NULL, (struct span){0, 0}, "no memory for what is joined to the record");
    return false;
}

void run_joins_attach(struct flight *flight, struct worker *worker) {
    struct pass_run *pass = flight->pass;
    struct batch *batch = flight->batch;
    struct run_attaching a;
    run_attaching_begin(&a, pass, pass->joins->own, pass->joins->own_n,
                        run_vm(pass->run, worker, UNDEFINED_DEFAULT));
    for (size_t i = 0; i < batch->items_n; i++) {
        struct item *item = &batch->items[i];
        if (!item->error && !item->unwanted &&
            !run_attach(&a, &batch->arena, item->ordinal, &item->record, &item->error))
            item->error_byte = item->byte;
        if (item->error)
            atomic_store(&pass->joins->lacking, true);
    }
    run_attaching_end(&a);
}

bool run_joins_carry(struct pass_run *pass, struct value from, struct arena *arena, struct value *to) {
    struct run_attaching a;
    const struct run_joins *joins = pass->joins;
    if (!joins || from.tag != VALUE_MAP || to->tag != VALUE_MAP)
        return true;
    run_attaching_begin(&a, pass, joins->own, joins->own_n, NULL);
    for (size_t i = 0; i < a.n; i++) {
        const struct value found = map_get(from.map, a.joins[i]->join->join->name);
        a.values[i] = found.tag == VALUE_MISSING ? value_none() : found; // its key failed before it got any
    }
    const bool fine = add_fields(&a, arena, to);
    run_attaching_end(&a);
    return fine;
}
