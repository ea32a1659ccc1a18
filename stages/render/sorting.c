// SPDX-License-Identifier: MIT
#include "stages/render/sorting.h"

#include "base/number.h"
#include "stages/render/letters.h"
#include "stages/render/machine.h"
#include "stages/render/ops.h"

struct sort {
    struct call *call;
    struct value *items, *keys;
    unsigned how;
};

// Whether a must stand before b, which came first.
static bool precedes(struct sort *s, struct value a, struct value b, bool *out) {
    bool plain = a.tag == VALUE_STRING || a.tag == VALUE_INT; // cheap to compare in any case
    *out = false;
    if (!plain && (!call_defined(s->call, a) || !call_defined(s->call, b)))
        return false;
    bool same = false;
    if (s->how & SORTING_EQUAL_FIRST && !plain && !op_equals(s->call, a, b, &same))
        return false;
    if (same)
        return true;
    int order;
    bool fine =
        s->how & SORTING_REVERSE ? op_compare(s->call, b, a, &order) : op_compare(s->call, a, b, &order);
    *out = fine && order == -1;
    return fine;
}

// Merge sort of positions; `spare` has room for half of them.
static bool sort_positions(struct sort *s, uint32_t *at, uint32_t n, uint32_t *spare) {
    if (n < 2)
        return true;
    uint32_t half = n / 2;
    if (!sort_positions(s, at, half, spare) || !sort_positions(s, at + half, n - half, spare))
        return false;
    memcpy(spare, at, half * sizeof *spare);
    uint32_t left = 0, right = half;
    for (uint32_t i = 0; left < half; i++) {
        bool take_right = false;
        if (right < n && !precedes(s, s->keys[at[right]], s->keys[spare[left]], &take_right))
            return false; // equal ones keep their order, in reverse too
        at[i] = take_right ? at[right++] : spare[left++];
    }
    return true;
}

static bool permute(struct call *call, struct value *values, const uint32_t *at, uint32_t n) {
    struct value *copy = arena_alloc(call->arena, n * sizeof *copy);
    if (!copy)
        return call_no_memory(call);
    memcpy(copy, values, n * sizeof *copy);
    for (uint32_t i = 0; i < n; i++)
        values[i] = copy[at[i]];
    return true;
}

bool sorting_sort(struct call *call, struct value *items, struct value *keys, uint32_t n, unsigned how) {
    struct sort s = {.call = call, .items = items, .keys = keys, .how = how};
    if (n < 2)
        return true;
    if (!vm_charge(call, (uint64_t)n * (uint64_t)(32 - __builtin_clz(n))))
        return false;
    uint32_t *at = arena_alloc(call->arena, ((size_t)n + n / 2) * sizeof *at);
    if (!at)
        return call_no_memory(call);
    for (uint32_t i = 0; i < n; i++)
        at[i] = i;
    return sort_positions(&s, at, n, at + n) && permute(call, items, at, n) &&
           (keys == items || permute(call, keys, at, n));
}

// ---- keys

static bool is_digits(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n != 0;
}

static bool get_item(struct call *call, struct value v, struct value key, struct value *out) {
    if (v.tag == VALUE_UNDEFINED)
        return op_undefined(call, v);
    if (v.tag == VALUE_MAP && key.tag == VALUE_STRING) {
        struct value found = map_get(v.map, value_str(key));
        if (found.tag != VALUE_MISSING) {
            *out = found;
            return true;
        }
    }
    if (key.tag == VALUE_STRING)
        return vm_get_attribute(call, v, value_str(key), true, out);
    if (!op_index(call, v, key, out))
        return false;
    if (out->tag == VALUE_MISSING)
        *out = op_nothing("there is no element at that position");
    return true;
}

static bool get_path(struct call *call, const struct sorting_getter *g, struct value v, struct str path,
                     struct value *out) {
    for (;;) {
        const char *dot = path.n ? memchr(path.p, '.', path.n) : NULL;
        struct str part = dot ? str_slice(path, 0, (size_t)(dot - path.p)) : path;
        int64_t position;
        bool numeric = is_digits(part) && number_parse_int(part, &position);
        if (!get_item(call, v, numeric ? value_int(position) : value_string(part), &v))
            return false;
        if (v.tag == VALUE_UNDEFINED && g->otherwise)
            v = *g->otherwise;
        if (!dot)
            break;
        path = str_from(path, part.n + 1);
    }
    *out = v;
    return true;
}

static bool fold(struct call *call, const struct sorting_getter *g, struct value *v) {
    struct str lower;
    if (!g->fold || v->tag != VALUE_STRING)
        return true;
    if (!letters_map(call, value_str(*v), LETTERS_LOWER, &lower))
        return false;
    *v = value_string(lower);
    return true;
}

static bool get_several(struct call *call, const struct sorting_getter *g, struct value v, struct str names,
                        struct value *out) {
    struct list *list = list_new_mutable(call->arena);
    if (!list)
        return call_no_memory(call);
    for (;;) {
        const char *comma = names.n ? memchr(names.p, ',', names.n) : NULL;
        struct str name = comma ? str_slice(names, 0, (size_t)(comma - names.p)) : names;
        struct value one;
        if (!get_path(call, g, v, name, &one) || !fold(call, g, &one))
            return false;
        if (!list_append(list, one))
            return call_no_memory(call);
        if (!comma)
            break;
        names = str_from(names, name.n + 1);
    }
    *out = value_list(list);
    return true;
}

bool sorting_get(struct call *call, const struct sorting_getter *g, struct value v, struct value *out) {
    const struct value *attribute = g->attribute;
    if (!attribute || attribute->tag == VALUE_NONE || attribute->tag == VALUE_MISSING) {
        *out = v;
        return fold(call, g, out);
    }
    if (attribute->tag == VALUE_STRING) {
        struct str path = value_str(*attribute);
        if (g->several && path.n && memchr(path.p, ',', path.n))
            return get_several(call, g, v, path, out);
        return get_path(call, g, v, path, out) && fold(call, g, out);
    }
    if (!get_item(call, v, *attribute, out))
        return false;
    if (out->tag == VALUE_UNDEFINED && g->otherwise)
        *out = *g->otherwise;
    return fold(call, g, out);
}

bool sorting_keys(struct call *call, const struct sorting_getter *g, const struct value *items, uint32_t n,
                  struct value **out) {
    *out = arena_alloc(call->arena, ((size_t)n + 1) * sizeof **out);
    if (!*out)
        return call_no_memory(call);
    for (uint32_t i = 0; i < n; i++)
        if (!sorting_get(call, g, items[i], &(*out)[i]))
            return false;
    return true;
}

bool sorting_invoke_keys(struct call *call, struct value function, const struct value *items, uint32_t n,
                         struct value **out) {
    *out = arena_alloc(call->arena, ((size_t)n + 1) * sizeof **out);
    if (!*out)
        return call_no_memory(call);
    for (uint32_t i = 0; i < n; i++) {
        struct call_args args = {.positional = &items[i], .positional_n = 1};
        if (!vm_invoke(call, function, &args))
            return false;
        (*out)[i] = call->result;
    }
    return true;
}
