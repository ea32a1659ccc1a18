// SPDX-License-Identifier: MIT
#include "pipeline/plan/check_joins.h"

#include "base/mem.h"

struct check_joins {
    const struct fs *fs;
    const struct plan *plan;
    struct shapes *shapes;
    struct batch **batches;
    size_t n, cap;
};

struct check_joins *check_joins_new(const struct fs *fs, const struct plan *plan, struct shapes *shapes) {
    struct check_joins *joins = MEM_NEW(struct check_joins);
    *joins = (struct check_joins){.fs = fs, .plan = plan, .shapes = shapes};
    return joins;
}

void check_joins_free(struct check_joins *joins) {
    for (size_t i = 0; i < joins->n; i++)
        batch_free(joins->batches[i]);
    mem_free(joins->batches);
    mem_free(joins);
}

// The first records of a source, or none.
static struct batch *read_source(struct check_joins *joins, const struct manifest_source *source) {
    struct load_options options = manifest_load_options(joins->plan->manifest, source);
    struct batch *batch = batch_new();
    struct loader *loader = NULL;
    struct reader reader;
    struct err err;
    MEM_GROW(joins->batches, joins->cap, joins->n + 1);
    joins->batches[joins->n++] = batch;
    if (str_is(source->path, "-"))
        return batch;
    options.fs = joins->fs;
    options.shapes = joins->shapes;
    if (load_open(&options, &loader, &err) != STATUS_OK)
        return batch;
    reader_init(&reader, joins->shapes, NULL);
    if (load_pull(loader, batch, &err) == STATUS_OK)
        load_parse(loader, &reader, batch);
    load_close(loader);
    reader_release(&reader);
    return batch;
}

// The records of a batch that are fine, as a list.
static struct list *list_of(struct batch *batch) {
    struct list *list = list_new(&batch->arena, (uint32_t)batch->items_n);
    if (!list)
        mem_fail(batch->items_n);
    list->n = 0;
    for (size_t i = 0; i < batch->items_n; i++)
        if (!batch->items[i].error && batch->items[i].record.tag == VALUE_MAP)
            list->items[list->n++] = batch->items[i].record;
    return list;
}

static void add_field(struct batch *batch, struct value *record, struct str name, struct value value) {
    struct value copy = {.tag = VALUE_MAP, .map = map_new_mutable(&batch->arena)};
    const struct map *from = record->map;
    bool fine = copy.map != NULL;
    for (uint32_t i = 0; fine && i < from->shape->n; i++)
        fine = map_put(copy.map, from->shape->keys[i], from->values[i]);
    if (!fine || !map_put(copy.map, value_string(name), value))
        mem_fail(name.n);
    *record = copy;
}

// All of a list are the first record's; of those that are one, each has another.
static void spread(struct batch *batch, const struct manifest_join *join, struct list *list) {
    struct list *nothing = list_new(&batch->arena, 0);
    if (!nothing)
        mem_fail(sizeof *nothing);
    for (size_t i = 0, n = 0; i < batch->items_n; i++) {
        struct item *item = &batch->items[i];
        if (item->error || item->record.tag != VALUE_MAP)
            continue;
        const struct value one = list->n ? list->items[n % list->n] : value_none();
        const struct value all = value_list(n == 0 ? list : nothing);
        add_field(batch, &item->record, join->name, join->one ? one : all);
        n++;
    }
}

enum { LEVELS = 4 }; // of sources that join each other there are many ways through all of them

struct way { // sources before
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

static void attach(struct check_joins *joins, const struct way *way, struct batch *batch) {
    const struct manifest_source *source = &joins->plan->manifest->sources[way->source];
    for (size_t i = 0; i < source->joins_n; i++) {
        const struct manifest_join *join = &source->joins[i];
        const struct way longer = {way, join->source, way->level + 1};
        if (way->before && is_on(way, join->source))
            continue;
        struct batch *other = read_source(joins, &joins->plan->manifest->sources[join->source]);
        if (!is_on(way, join->source) && longer.level < LEVELS)
            attach(joins, &longer, other);
        spread(batch, join, list_of(other));
    }
}

void check_joins_attach(struct check_joins *joins, size_t source, struct batch *batch) {
    const struct way way = {NULL, source, 0};
    attach(joins, &way, batch);
}
