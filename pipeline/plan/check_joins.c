// SPDX-License-Identifier: MIT
#include "pipeline/plan/check_joins.h"

#include "base/mem.h"
#include "pipeline/plan/finder.h"
#include "pipeline/plan/join_misfits.h"
#include "pipeline/plan/limits.h"
#include "stages/load/joins/join_index.h"

struct check_joins {
    const struct fs *fs;
    const struct plan *plan;
    struct shapes *shapes;
    struct batch **batches;
    size_t n, cap;
    struct loader **loaders; // of them; values may be theirs
    size_t loaders_n, loaders_cap;
};

struct check_joins *check_joins_new(const struct fs *fs, const struct plan *plan, struct shapes *shapes) {
    struct check_joins *joins = MEM_NEW(struct check_joins);
    *joins = (struct check_joins){.fs = fs, .plan = plan, .shapes = shapes};
    return joins;
}

void check_joins_free(struct check_joins *joins) {
    for (size_t i = 0; i < joins->n; i++)
        batch_free(joins->batches[i]);
    for (size_t i = 0; i < joins->loaders_n; i++)
        load_close(joins->loaders[i]);
    mem_free(joins->batches);
    mem_free(joins->loaders);
    mem_free(joins);
}

bool check_joins_is_all(struct loader *loader) {
    struct batch *more = batch_new();
    struct err err;
    const bool all = load_pull(loader, more, &err) == STATUS_OK && more->items_n == 0;
    batch_free(more);
    return all;
}

// The first records of a source, or none; whether these are all.
static struct batch *read_source(struct check_joins *joins, const struct manifest_source *source, bool *all) {
    struct load_options options = manifest_load_options(joins->plan->manifest, source);
    struct batch *batch = batch_new();
    struct loader *loader = NULL;
    struct reader reader;
    struct err err;
    MEM_GROW(joins->batches, joins->cap, joins->n + 1);
    joins->batches[joins->n++] = batch;
    *all = false;
    if (str_is(source->path, "-"))
        return batch;
    options.fs = joins->fs;
    options.shapes = joins->shapes;
    if (load_open(&options, &loader, &err) != STATUS_OK)
        return batch;
    reader_init(&reader, joins->shapes, NULL);
    if (load_pull(loader, batch, &err) == STATUS_OK) {
        load_parse(loader, &reader, batch);
        *all = check_joins_is_all(loader);
    }
    MEM_GROW(joins->loaders, joins->loaders_cap, joins->loaders_n + 1);
    joins->loaders[joins->loaders_n++] = loader;
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
        bool all;
        struct batch *other = read_source(joins, &joins->plan->manifest->sources[join->source], &all);
        if (!is_on(way, join->source) && longer.level < LEVELS)
            attach(joins, &longer, other);
        spread(batch, join, list_of(other));
    }
}

void check_joins_attach(struct check_joins *joins, size_t source, struct batch *batch) {
    const struct way way = {NULL, source, 0};
    attach(joins, &way, batch);
}

// What fits nothing ---------------------------------------------------------------------------------------------

struct comparing {
    const struct plan *plan;
    const struct manifest_join *join;
    const struct plan_join_keys *keys;
    struct vm *vm;
    struct arena arena;
    struct join_index *index;
    struct join_misfits misfits;
    struct diags *diags;
};

static struct vm *new_machine(const struct plan *plan) {
    const struct manifest *manifest = plan->manifest;
    const struct vm_options options = {.library = plan->compile.library,
                                       .limits = limits_of_machine(&manifest->limits),
                                       .finder = finder_for(plan->templates),
                                       .globals =
                                           manifest->globals.tag == VALUE_MAP ? manifest->globals.map : NULL};
    return vm_new(&options);
}

// False: something is wrong with a record, so that others may seem to fit nothing.
static bool take_others(struct comparing *c, const struct batch *other) {
    const struct diag *fault;
    struct str key;
    struct err err;
    for (size_t i = 0; i < other->items_n; i++) {
        const struct item *item = &other->items[i];
        if (item->error || !join_key(c->plan, c->vm, c->keys->on, item->record, &c->arena, &key, &fault))
            return false;
        if (key.p && join_index_add(c->index, key, item->record, &err) != STATUS_OK)
            return false;
    }
    return join_index_end(c->index, &err) == STATUS_OK;
}

static bool take_own(struct comparing *c, const struct batch *own) {
    const struct diag *fault;
    struct str key;
    struct value found;
    struct err err;
    for (size_t i = 0; i < own->items_n; i++) {
        const struct item *item = &own->items[i];
        if (item->error || !join_key(c->plan, c->vm, c->keys->key, item->record, &c->arena, &key, &fault) ||
            join_index_find(c->index, key, &c->arena, &found, &err) != STATUS_OK)
            return false;
        if (!key.p || found.tag != VALUE_NONE)
            continue;
        if (c->misfits.missed++ == 0)
            c->misfits.missed_key = arena_str(&c->arena, key);
    }
    return true;
}

static void tell(void *context, struct str sentence) {
    const struct comparing *c = context;
    diags_warning(c->diags, &c->plan->manifest->text, c->join->span, "%.*s", STR_ARG(sentence));
}

static void compare(struct comparing *c, const struct batch *own, const struct batch *other) {
    struct join_figures figures;
    c->vm = new_machine(c->plan);
    if (take_others(c, other) && take_own(c, own)) {
        join_index_figures(c->index, &figures, &c->arena, &c->misfits.lost_key);
        c->misfits.lost = c->join->one ? 0 : figures.lost_records;
        c->misfits.shared = !c->join->one && c->join->own_key ? figures.found_again : 0;
        c->misfits.repeated = figures.repeated;
        join_misfits_each(&c->misfits, tell, c);
    }
    vm_free(c->vm);
}

void check_joins_compare(struct check_joins *joins, size_t s, const struct batch *own, struct diags *diags) {
    const struct manifest *manifest = joins->plan->manifest;
    const struct manifest_source *source = &manifest->sources[s];
    const struct plan_join_keys *keys = joins->plan->sources[s].joins;
    for (size_t i = 0; keys && i < source->joins_n; i++) {
        const struct manifest_join *join = &source->joins[i];
        const struct manifest_source *from = &manifest->sources[join->source];
        bool all;
        const struct batch *other = read_source(joins, from, &all);
        if (!all || !keys[i].on || !keys[i].key)
            continue;
        const struct join_index_options options = {
            .shapes = joins->shapes, .name = from->name, .one = join->one};
        struct comparing c = {.plan = joins->plan,
                              .join = join,
                              .keys = &keys[i],
                              .index = join_index_new(&options),
                              .misfits = {.from = from->name},
                              .diags = diags};
        arena_init(&c.arena, 0);
        compare(&c, own, other);
        join_index_free(c.index);
        arena_release(&c.arena);
    }
}
