// SPDX-License-Identifier: MIT
#include "stages/render/globals.h"

#include "stages/render/arguments.h"
#include "stages/render/bind.h"
#include "stages/render/machine.h"
#include "stages/render/methods.h"
#include "stages/render/object.h"
#include "stages/render/sequence.h"

static bool global_range(struct call *call) {
    int64_t start, stop, step;
    if (!arg_int(call, 1, 0, &start) || !arg_int(call, 2, 0, &stop) || !arg_int(call, 3, 1, &step))
        return false;
    if (!arg_given(call, 2)) {
        stop = start;
        start = 0;
    }
    return sequence_new_range(call, start, stop, step, &call->result);
}

// A mutable map of what dict() and namespace() are given.
static bool new_map(struct call *call, struct map **out) {
    uint32_t n;
    const struct map *keywords = bind_keywords(call, &n);
    *out = map_new_mutable(call->arena);
    if (!*out)
        return call_no_memory(call);
    if (n > 1 && arg_given(call, 1) && !methods_update_map(call, *out, call->args[1]))
        return false;
    return !keywords ||
           methods_update_map(call, *out, (struct value){.tag = VALUE_MAP, .map = call->args[n].map});
}

static bool global_dict(struct call *call) {
    struct map *map;
    if (!new_map(call, &map))
        return false;
    call->result = value_map(map);
    return true;
}

// ---- namespace

struct namespace {
    struct object base;
    struct map *map;
};

static struct value namespace_get(struct vm *vm, struct object *self, struct str name) {
    (void)vm;
    return map_get(((struct namespace *)self)->map, name);
}

static bool namespace_set(struct vm *vm, struct object *self, struct str name, struct value v) {
    (void)vm;
    return map_put(((struct namespace *)self)->map, value_string(name), v);
}

enum { NAMESPACES_PRINTED = 16 }; // in each of them lists may be nested as deep as print.c goes

static bool namespace_print(struct vm *vm, struct object *self, struct buf *out) {
    struct namespace *ns = (struct namespace *)self;
    struct call call = {.vm = vm, .arena = ns->map->arena};
    if (!vm_print_begin(vm, NAMESPACES_PRINTED))
        return call_fail(&call, "namespaces nested more than %d deep cannot be printed", NAMESPACES_PRINTED);
    buf_add_text(out, "<Namespace ");
    bool fine = print_repr(&call, value_map(ns->map), out);
    buf_add_char(out, '>');
    vm_print_end(vm);
    return fine;
}

static const struct object_type namespace_type = {
    .name = "Namespace", .get = namespace_get, .set = namespace_set, .print = namespace_print};

static bool global_namespace(struct call *call) {
    struct namespace *ns = ARENA_NEW(call->arena, struct namespace);
    if (!ns)
        return call_no_memory(call);
    ns->base.type = &namespace_type;
    if (!new_map(call, &ns->map))
        return false;
    call->result = value_object(&ns->base);
    return true;
}

// ---- cycler

struct cycler;
struct cycler_method {
    struct object base;
    struct cycler *cycler;
};

struct cycler {
    struct object base;
    const struct value *items;
    uint32_t n, at;
    struct cycler_method next, reset;
};

static bool cycler_next(struct object *self, struct call *call, const struct call_args *args) {
    struct cycler *c = ((struct cycler_method *)self)->cycler;
    if (args->positional_n || args->keywords_n)
        return call_fail(call, "next() takes no arguments");
    call->result = c->items[c->at];
    c->at = (c->at + 1) % c->n;
    return true;
}

static bool cycler_reset(struct object *self, struct call *call, const struct call_args *args) {
    if (args->positional_n || args->keywords_n)
        return call_fail(call, "reset() takes no arguments");
    ((struct cycler_method *)self)->cycler->at = 0;
    call->result = value_none();
    return true;
}

static const struct object_type next_type = {.name = "method", .invoke = cycler_next};
static const struct object_type reset_type = {.name = "method", .invoke = cycler_reset};

static struct value cycler_get(struct vm *vm, struct object *self, struct str name) {
    struct cycler *c = (struct cycler *)self;
    (void)vm;
    if (str_is(name, "next"))
        return value_object(&c->next.base);
    if (str_is(name, "reset"))
        return value_object(&c->reset.base);
    if (str_is(name, "current"))
        return c->items[c->at];
    if (str_is(name, "pos"))
        return value_int(c->at);
    return value_missing();
}

static const struct object_type cycler_type = {.name = "Cycler", .get = cycler_get};

static bool global_cycler(struct call *call) {
    uint32_t n = call->n;
    while (n > 1 && call->args[n - 1].tag == VALUE_MISSING)
        n--;
    if (n < 2)
        return call_fail(call, "at least one item has to be provided");
    struct cycler *c = ARENA_NEW(call->arena, struct cycler);
    struct value *items = ARENA_NEW_ARRAY(call->arena, struct value, n - 1);
    if (!c || !items)
        return call_no_memory(call);
    memcpy(items, call->args + 1, (n - 1) * sizeof *items);
    *c = (struct cycler){.base = {&cycler_type},
                         .items = items,
                         .n = n - 1,
                         .next = {{&next_type}, c},
                         .reset = {{&reset_type}, c}};
    call->result = value_object(&c->base);
    return true;
}

// ---- joiner

struct joiner {
    struct object base;
    struct value separator;
    bool used;
};

static bool joiner_invoke(struct object *self, struct call *call, const struct call_args *args) {
    struct joiner *j = (struct joiner *)self;
    if (args->positional_n || args->keywords_n)
        return call_fail(call, "a joiner takes no arguments");
    call->result = j->used ? j->separator : value_string(STR(""));
    j->used = true;
    return true;
}

static const struct object_type joiner_type = {.name = "Joiner", .invoke = joiner_invoke};

static bool global_joiner(struct call *call) {
    struct joiner *j = ARENA_NEW(call->arena, struct joiner);
    if (!j)
        return call_no_memory(call);
    j->base.type = &joiner_type;
    j->separator = arg_given(call, 1) ? call->args[1] : value_string(STR(", "));
    call->result = value_object(&j->base);
    return true;
}

static bool global_lipsum(struct call *call) {
    return call_fail(call, "lipsum is not available: the same input must give the same output");
}

#define ROW(name, params, call, doc) {name, params, call, doc},
#define NO_ROW(name, params, call, doc)

const struct library_function globals_rows[GLOBALS_COUNT] = {
#define GLOBAL      ROW
#define CHAT_GLOBAL NO_ROW
#include "stages/render/globals.def"
};

const struct library_function globals_chat_rows[GLOBALS_CHAT_COUNT] = {
#define GLOBAL      ROW
#define CHAT_GLOBAL ROW
#include "stages/render/globals.def"
};

const struct library_reading globals_reads[] = {{global_range, READS_RANGE}, {NULL, READS_WHOLE}};
