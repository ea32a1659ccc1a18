// SPDX-License-Identifier: MIT
#include <math.h>
#include <string.h>

#include "stages/render/arguments.h"
#include "stages/render/filters.h"
#include "stages/render/machine.h"
#include "stages/render/methods.h"
#include "stages/render/sequence.h"
#include "stages/render/sorting.h"

// Filters that compare elements with each other. Strings are compared in lower case unless asked otherwise.

static bool getter_of(struct call *call, uint32_t case_sensitive, uint32_t attribute,
                      struct sorting_getter *out) {
    bool exact;
    if (!arg_truth(call, case_sensitive, &exact))
        return false;
    *out = (struct sorting_getter){.attribute = arg_set(call, attribute) ? &call->args[attribute] : NULL,
                                   .fold = !exact};
    return true;
}

bool filter_sort(struct call *call) {
    struct sorting_getter getter;
    struct value *items, *keys;
    uint32_t n;
    bool reverse;
    if (!arg_flag(call, 1, &reverse) || !getter_of(call, 2, 3, &getter))
        return false;
    getter.several = true;
    return op_copy_items(call, call->args[0], 0, &items, &n) &&
           sorting_keys(call, &getter, items, n, &keys) &&
           sorting_sort(call, items, keys, n, SORTING_EQUAL_FIRST | (reverse ? SORTING_REVERSE : 0)) &&
           op_new_list(call, items, n, &call->result);
}

bool filter_dictsort(struct call *call) {
    struct value v = call->args[0];
    bool exact, reverse;
    uint32_t part = 0;
    if (v.tag == VALUE_UNDEFINED)
        return op_undefined(call, v);
    if (v.tag != VALUE_MAP)
        return call_fail(call, "'%s' object has no attribute 'items'", op_type_name(v));
    if (!arg_truth(call, 1, &exact) || !arg_flag(call, 3, &reverse))
        return false;
    if (arg_given(call, 2)) {
        bool by_value = call->args[2].tag == VALUE_STRING && str_is(value_str(call->args[2]), "value");
        if (!by_value && !(call->args[2].tag == VALUE_STRING && str_is(value_str(call->args[2]), "key")))
            return call_fail(call, "You can only sort by either \"key\" or \"value\"");
        part = by_value;
    }
    struct value position = value_int(part), *keys, *pairs = sequence_pairs(call, v.map);
    struct sorting_getter getter = {.attribute = &position, .fold = !exact};
    uint32_t n = v.map->shape->n;
    return pairs && sorting_keys(call, &getter, pairs, n, &keys) &&
           sorting_sort(call, pairs, keys, n, reverse ? SORTING_REVERSE : 0) &&
           op_new_list(call, pairs, n, &call->result);
}

// ---- least and greatest

static bool extreme(struct call *call, const char *symbol, int wanted) {
    struct sorting_getter getter;
    const struct value *items;
    struct value best, key;
    uint32_t n, at = 0;
    if (!getter_of(call, 1, 2, &getter) || !op_items(call, call->args[0], &items, &n))
        return false;
    if (n == 0) {
        call->result = op_nothing("No aggregated item, sequence was empty.");
        return true;
    }
    if (!sorting_get(call, &getter, items[0], &best))
        return false;
    for (uint32_t i = 1; i < n; i++) {
        int order;
        if (!sorting_get(call, &getter, items[i], &key) || !op_compare_as(call, key, best, symbol, &order))
            return false;
        if (order == wanted) {
            best = key;
            at = i;
        }
    }
    call->result = items[at];
    return true;
}
bool filter_max(struct call *call) {
    return extreme(call, ">", 1);
}
bool filter_min(struct call *call) {
    return extreme(call, "<", -1);
}

// ---- unique

static uint64_t hash_of(struct value v) { // equal values have equal hashes
    uint64_t hash = v.tag;
    switch (v.tag) {
    case VALUE_STRING:
    case VALUE_BIG:
        return shape_hash(value_str(v));
    case VALUE_FLOAT:
        if (!(fabs(v.f) < 9e18))
            return 1;
        if (v.f == floor(v.f))
            return (uint64_t)(int64_t)v.f * 0x9e3779b97f4a7c15u;
        uint64_t bits;
        memcpy(&bits, &v.f, sizeof bits);
        return bits * 0x9e3779b97f4a7c15u;
    case VALUE_LIST: // a tuple, which op_hashable has looked through
        for (uint32_t i = 0; i < v.list->n; i++)
            hash = (hash ^ hash_of(v.list->items[i])) * 0x9e3779b97f4a7c15u;
        return hash;
    case VALUE_BOOL:
    case VALUE_INT:
        return (uint64_t)v.i * 0x9e3779b97f4a7c15u;
    default:
        return hash;
    }
}

// Its place in the table; `probes` counts, since what has no hash of its own is compared with all there is.
static bool slot_find(struct call *call, const uint32_t *slots, uint64_t size, const struct value *keys,
                      struct value key, uint64_t *at, uint64_t *probes) {
    enum { AT_ONCE = 1024 };
    uint64_t hash = hash_of(key);
    bool same = false;
    for (*at = (hash ^ hash >> 32) & (size - 1); slots[*at]; *at = (*at + 1) & (size - 1)) {
        if (!op_equals(call, keys[slots[*at] - 1], key, &same))
            return false;
        if (same)
            return true;
        if (++*probes % AT_ONCE == 0 && !vm_charge(call, AT_ONCE))
            return false;
    }
    return true;
}

bool filter_unique(struct call *call) {
    struct sorting_getter getter;
    struct value *items, *keys;
    uint32_t n, kept = 0;
    if (!getter_of(call, 1, 2, &getter) || !op_copy_items(call, call->args[0], 0, &items, &n) ||
        !sorting_keys(call, &getter, items, n, &keys))
        return false;
    uint64_t size = 16, at, probes = 0;
    while (size < (uint64_t)n * 2)
        size *= 2;
    uint32_t *slots = arena_zero(call->arena, size * sizeof *slots); // position + 1 of a kept key
    if (!slots)
        return call_no_memory(call);
    for (uint32_t i = 0; i < n; i++) {
        if (!op_hashable(call, keys[i]))
            return false;
        if (!slot_find(call, slots, size, keys, keys[i], &at, &probes))
            return false;
        if (slots[at])
            continue;
        items[kept] = items[i];
        keys[kept++] = keys[i];
        slots[at] = kept;
    }
    return op_new_iter(call, items, kept, "generator", &call->result);
}

// ---- groupby

static bool make_group(struct call *call, const struct sorting_getter *getter, struct value *items,
                       uint32_t n, struct value *out) {
    struct value *pair = ARENA_NEW_ARRAY(call->arena, struct value, 2);
    if (!pair)
        return call_no_memory(call);
    // The group is called as its first element spells it.
    if (!sorting_get(call, getter, items[0], &pair[0]) || !op_new_list(call, items, n, &pair[1]) ||
        !op_new_tuple(call, pair, 2, out))
        return false;
    out->flags |= METHODS_GROUP;
    return true;
}

bool filter_groupby(struct call *call) {
    struct sorting_getter getter;
    struct value *items, *keys, *groups;
    uint32_t n, made = 0;
    if (!getter_of(call, 3, 1, &getter))
        return false;
    getter.otherwise = arg_set(call, 2) ? &call->args[2] : NULL;
    if (!op_copy_items(call, call->args[0], 0, &items, &n) || !sorting_keys(call, &getter, items, n, &keys) ||
        !sorting_sort(call, items, keys, n, 0))
        return false;
    groups = arena_alloc(call->arena, ((size_t)n + 1) * sizeof *groups);
    if (!groups)
        return call_no_memory(call);
    getter.fold = false;
    for (uint32_t at = 0, end; at < n; at = end) {
        bool same = true;
        for (end = at + 1; end < n; end++) {
            if (!op_equals(call, keys[at], keys[end], &same))
                return false;
            if (!same)
                break;
        }
        if (!make_group(call, &getter, items + at, end - at, &groups[made++]))
            return false;
    }
    return op_new_list(call, groups, made, &call->result);
}
