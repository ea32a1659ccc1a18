// SPDX-License-Identifier: MIT
#include "stages/render/bind.h"

#include "stages/render/machine.h"
#include "stages/render/methods.h"

enum { BOUND_MOST = 12 }; // on the C stack; more go to the arena

// Keywords that the signature does not name go into a map; the others stay.
static bool split_keywords(struct call *call, const char *params, const struct call_args *args,
                           struct call_args *rest, struct value *keywords) {
    struct map *map = map_new_mutable(call->arena);
    struct value *values = ARENA_NEW_ARRAY(call->arena, struct value, args->keywords_n + 1);
    struct str *names = ARENA_NEW_ARRAY(call->arena, struct str, args->keywords_n + 1);
    if (!map || !values || !names)
        return call_no_memory(call);
    *rest = *args;
    rest->keywords = values;
    rest->names = names;
    rest->keywords_n = 0;
    for (uint32_t i = 0; i < args->keywords_n; i++) {
        if (library_parameter(params, args->names[i]) >= 0) {
            values[rest->keywords_n] = args->keywords[i];
            names[rest->keywords_n++] = args->names[i];
        } else if (!map_put(map, value_string(args->names[i]), args->keywords[i])) {
            return call_no_memory(call);
        }
    }
    *keywords = value_map(map);
    keywords->flags = BIND_KEYWORDS;
    return true;
}

// True where the signature has "**".
static bool takes_keywords(const char *params) {
    return strstr(params, "**") != NULL;
}

bool bind_rest(struct call *call, uint32_t first, struct call_args *out) {
    uint32_t n;
    const struct map *keywords = bind_keywords(call, &n);
    *out = (struct call_args){.positional = call->args + first, .positional_n = n > first ? n - first : 0};
    while (out->positional_n && out->positional[out->positional_n - 1].tag == VALUE_MISSING)
        out->positional_n--;
    if (!keywords || keywords->shape->n == 0)
        return true;
    struct str *names = ARENA_NEW_ARRAY(call->arena, struct str, keywords->shape->n);
    if (!names)
        return call_no_memory(call);
    for (uint32_t i = 0; i < keywords->shape->n; i++)
        names[i] = value_str(keywords->shape->keys[i]);
    out->keywords = keywords->values;
    out->names = names;
    out->keywords_n = keywords->shape->n;
    return true;
}

// What only asks how large a container is, or for one element, takes as long for a large one as for a small one.
static bool is_quick(const struct library *library, const struct library_function *row, struct value v) {
    if (v.tag != VALUE_LIST && v.tag != VALUE_MAP)
        return false;
    switch (library_reads(library, row)) {
    case READS_TYPE:
    case READS_LENGTH:
    case READS_DEFAULT:
        return true;
    case READS_ELEMENT:
        return v.tag == VALUE_LIST;
    default:
        return methods_is_quick(row);
    }
}

bool bind_charge(struct call *call, const struct library_function *row, struct value v) {
    uint64_t work = vm_work_of(v);
    return work < VM_WORK_PER_STEP || is_quick(vm_library(call->vm), row, v) || vm_charge(call, work);
}

bool bind_and_call(struct call *call, const struct library_function *row, struct value self,
                   const struct call_args *args) {
    bool any_keywords = args->keywords_n && takes_keywords(row->params);
    struct call_args rest = *args;
    struct value few[BOUND_MOST], *bound = few, keywords = value_missing();
    if (any_keywords && !split_keywords(call, row->params, args, &rest, &keywords))
        return false;
    uint32_t parameters = library_signature(row->params).n;
    uint32_t limit = (rest.positional_n > parameters ? rest.positional_n : parameters) + 2;
    if (limit > BOUND_MOST)
        bound = arena_alloc(call->arena, limit * sizeof *bound);
    if (!bound)
        return call_no_memory(call);
    uint32_t n;
    if (!call_bind(call, row->name, row->params, &rest, bound + 1, limit - 2, &n))
        return false;
    bound[0] = self;
    if (any_keywords)
        bound[1 + n++] = keywords;
    struct call inner = *call;
    inner.args = bound;
    inner.n = 1 + n;
    inner.result = value_none();
    bool fine = bind_charge(call, row, self) && row->call(&inner);
    call->result = inner.result;
    return fine;
}
