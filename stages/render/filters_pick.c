// SPDX-License-Identifier: MIT
#include "stages/render/arguments.h"
#include "stages/render/bind.h"
#include "stages/render/filters.h"
#include "stages/render/machine.h"
#include "stages/render/sorting.h"

// Filters that look values up or apply other filters and tests to each element.

bool filter_default(struct call *call) {
    struct value v = call->args[0];
    bool also_false;
    if (!arg_truth(call, 2, &also_false))
        return false;
    if (v.tag == VALUE_UNDEFINED || v.tag == VALUE_MISSING || (also_false && !op_truth(v)))
        v = arg_given(call, 1) ? call->args[1] : value_string(STR(""));
    call->result = v;
    return true;
}

bool filter_attr(struct call *call) {
    struct value v = call->args[0], name = call->args[1];
    if (name.tag != VALUE_STRING)
        return call_fail(call, "attribute name must be string, not '%s'", op_type_name(name));
    if (v.tag != VALUE_MAP)
        return vm_get_attribute(call, v, value_str(name), false, &call->result);
    call->result = method_get(call, v, value_str(name)); // never a key
    if (call->result.tag == VALUE_MISSING)
        call->result = value_undefined(UNDEFINED_ATTRIBUTE, value_str(name));
    return true;
}

// The elements to go through; none and zero have none, as Jinja has it.
static bool elements(struct call *call, const struct value **items, uint32_t *n) {
    struct value v = call->args[0];
    *items = NULL;
    *n = 0;
    return (v.tag != VALUE_UNDEFINED && !op_truth(v)) || op_items(call, v, items, n);
}

// ---- map

static bool map_attribute(struct call *call, const struct map *keywords, const struct value *items,
                          uint32_t n) {
    struct value *out, attribute = map_get(keywords, STR("attribute")),
                       otherwise = map_get(keywords, STR("default"));
    uint32_t known = otherwise.tag == VALUE_MISSING ? 1 : 2;
    for (uint32_t i = 0; keywords->shape->n > known && i < keywords->shape->n; i++) {
        struct str name = value_str(keywords->shape->keys[i]);
        if (!str_is(name, "attribute") && !str_is(name, "default"))
            return call_fail(call, "map() got an unexpected keyword argument '%.*s'", STR_ARG(name));
    }
    bool has_default = otherwise.tag != VALUE_MISSING && otherwise.tag != VALUE_NONE;
    struct sorting_getter getter = {.attribute = &attribute, .otherwise = has_default ? &otherwise : NULL};
    return sorting_keys(call, &getter, items, n, &out) &&
           op_new_iter(call, out, n, "generator", &call->result);
}

bool filter_map(struct call *call) {
    const struct value *items;
    struct value *out;
    uint32_t n, given;
    const struct map *keywords = bind_keywords(call, &given);
    if (!elements(call, &items, &n))
        return false;
    if (!arg_given(call, 1) || given < 2) {
        if (keywords && map_get(keywords, STR("attribute")).tag != VALUE_MISSING)
            return map_attribute(call, keywords, items, n);
        return n == 0 ? op_new_iter(call, NULL, 0, "generator", &call->result)
                      : call_fail(call, "map requires a filter argument");
    }
    struct call_args rest;
    struct str name;
    if (!print_to_str(call, call->args[1], &name) || !bind_rest(call, 2, &rest))
        return false;
    out = arena_alloc(call->arena, ((size_t)n + 1) * sizeof *out);
    if (!out)
        return call_no_memory(call);
    struct call inner = *call;
    for (uint32_t i = 0; i < n; i++) {
        if (!vm_apply_filter(&inner, name, items[i], &rest))
            return false;
        out[i] = inner.result;
    }
    return op_new_iter(call, out, n, "generator", &call->result);
}

// ---- select and reject

static bool passes(struct call *call, struct value v, uint32_t test, const struct call_args *rest,
                   bool *out) {
    struct str name;
    if (!arg_given(call, test)) {
        *out = op_truth(v);
        return call_defined(call, v);
    }
    struct call inner = *call;
    return print_to_str(call, call->args[test], &name) && vm_apply_test(&inner, name, v, rest, out);
}

static bool pick(struct call *call, bool wanted, bool by_attribute) {
    const struct value *items;
    struct value *out;
    uint32_t n, kept = 0, test = by_attribute ? 2 : 1;
    struct call_args rest;
    if (!elements(call, &items, &n) || !bind_rest(call, test + 1, &rest))
        return false;
    if (n && by_attribute && !arg_given(call, 1))
        return call_fail(call, "Missing parameter for attribute name");
    out = arena_alloc(call->arena, ((size_t)n + 1) * sizeof *out);
    if (!out)
        return call_no_memory(call);
    struct sorting_getter getter = {.attribute = by_attribute && n ? &call->args[1] : NULL};
    for (uint32_t i = 0; i < n; i++) {
        struct value v;
        bool passed;
        if (!sorting_get(call, &getter, items[i], &v) || !passes(call, v, test, &rest, &passed))
            return false;
        if (passed == wanted)
            out[kept++] = items[i];
    }
    return op_new_iter(call, out, kept, "generator", &call->result);
}
bool filter_reject(struct call *call) {
    return pick(call, false, false);
}
bool filter_rejectattr(struct call *call) {
    return pick(call, false, true);
}
bool filter_select(struct call *call) {
    return pick(call, true, false);
}
bool filter_selectattr(struct call *call) {
    return pick(call, true, true);
}
