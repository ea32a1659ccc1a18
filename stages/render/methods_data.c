// SPDX-License-Identifier: MIT
#include <math.h>

#include "stages/render/arguments.h"
#include "stages/render/bind.h"
#include "stages/render/machine.h"
#include "stages/render/methods.h"
#include "stages/render/sequence.h"
#include "stages/render/sorting.h"

// Methods of lists, tuples, maps and numbers. Those that change a list or map make the machine render over a copy
// of the record where it is the record's.

static bool mutable_list(struct call *call, struct list **out) {
    *out = call->args[0].list;
    return (*out)->arena || vm_change_refused(call, "list");
}

static bool mutable_map(struct call *call, struct map **out) {
    *out = call->args[0].map;
    return (*out)->arena || vm_change_refused(call, "mapping");
}

static bool return_none(struct call *call) {
    call->result = value_none();
    return true;
}

// ---- list

static bool list_append_method(struct call *call) {
    struct list *list;
    if (!mutable_list(call, &list))
        return false;
    return list_append(list, call->args[1]) ? return_none(call) : call_no_memory(call);
}

static bool list_clear(struct call *call) {
    struct list *list;
    if (!mutable_list(call, &list))
        return false;
    list->n = 0;
    return return_none(call);
}

static bool list_copy(struct call *call) {
    const struct list *from = call->args[0].list;
    struct value *items = ARENA_NEW_ARRAY(call->arena, struct value, from->n + 1);
    if (items && from->n)
        memcpy(items, from->items, from->n * sizeof *items);
    return items ? op_new_list(call, items, from->n, &call->result) : call_no_memory(call);
}

static bool list_count(struct call *call) {
    const struct list *list = call->args[0].list;
    int64_t n = 0;
    bool same;
    if (list->n && !call_defined(call, call->args[1]))
        return false;
    for (uint32_t i = 0; i < list->n; i++)
        if (!op_equals(call, list->items[i], call->args[1], &same))
            return false;
        else
            n += same;
    return return_int(call, n);
}

static bool list_extend(struct call *call) {
    struct list *list;
    const struct value *items;
    uint32_t n;
    if (!mutable_list(call, &list) || !op_items(call, call->args[1], &items, &n) || !vm_charge(call, n))
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!list_append(list,
                         items[i])) // reads an element before it may move: extending with itself is fine
            return call_no_memory(call);
    return return_none(call);
}

// A position argument, counted from the end where negative, clamped to 0..n.
static bool position(struct call *call, uint32_t i, int64_t otherwise, uint32_t n, uint32_t *out) {
    int64_t at;
    if (!arg_int(call, i, otherwise, &at))
        return false;
    at = at < 0 ? at + n : at;
    *out = at < 0 ? 0 : at > n ? n : (uint32_t)at;
    return true;
}

static bool list_index(struct call *call) {
    const struct list *list = call->args[0].list;
    uint32_t from, to;
    bool same;
    if (!position(call, 2, 0, list->n, &from) || !position(call, 3, list->n, list->n, &to))
        return false;
    if (list->n && !call_defined(call, call->args[1]))
        return false;
    for (uint32_t i = from; i < to; i++)
        if (!op_equals(call, list->items[i], call->args[1], &same))
            return false;
        else if (same)
            return return_int(call, i);
    struct buf b = BUF_INIT;
    struct str text;
    if (!print_repr(call, call->args[1], &b)) {
        buf_release(&b);
        return false;
    }
    return print_take(call, &b, &text) && call_fail(call, "%.*s is not in list", STR_ARG(text));
}

static bool list_insert(struct call *call) {
    struct list *list;
    uint32_t at;
    if (!mutable_list(call, &list) || !position(call, 1, 0, list->n, &at))
        return false;
    if (!list_append(list, value_none()))
        return call_no_memory(call);
    memmove(list->items + at + 1, list->items + at, (list->n - 1 - at) * sizeof *list->items);
    list->items[at] = call->args[2];
    return return_none(call);
}

static void remove_at(struct list *list, uint32_t at) {
    list->n--;
    memmove(list->items + at, list->items + at + 1, (list->n - at) * sizeof *list->items);
}

static bool list_pop(struct call *call) {
    struct list *list;
    int64_t at;
    if (!mutable_list(call, &list) || !arg_int(call, 1, -1, &at))
        return false;
    if (list->n == 0)
        return call_fail(call, "pop from empty list");
    at = at < 0 ? at + list->n : at;
    if (at < 0 || at >= list->n)
        return call_fail(call, "pop index out of range");
    call->result = list->items[at];
    remove_at(list, (uint32_t)at);
    return true;
}

static bool list_remove(struct call *call) {
    struct list *list;
    bool same;
    if (!mutable_list(call, &list))
        return false;
    if (list->n && !call_defined(call, call->args[1]))
        return false;
    for (uint32_t i = 0; i < list->n; i++) {
        if (!op_equals(call, list->items[i], call->args[1], &same))
            return false;
        if (same) {
            remove_at(list, i);
            return return_none(call);
        }
    }
    return call_fail(call, "list.remove(x): x not in list");
}

static bool list_reverse(struct call *call) {
    struct list *list;
    if (!mutable_list(call, &list))
        return false;
    for (uint32_t i = 0, k = list->n; i + 1 < k; i++, k--) {
        struct value v = list->items[i];
        list->items[i] = list->items[k - 1];
        list->items[k - 1] = v;
    }
    return return_none(call);
}

static bool list_sort(struct call *call) {
    struct list *list;
    bool reverse;
    if (!mutable_list(call, &list) || !arg_flag(call, 2, &reverse))
        return false;
    struct value *keys = list->items;
    if (arg_set(call, 1) && !sorting_invoke_keys(call, call->args[1], list->items, list->n, &keys))
        return false;
    return sorting_sort(call, list->items, keys, list->n, reverse ? SORTING_REVERSE : 0) && return_none(call);
}

static bool list_setitem(struct call *call) {
    struct list *list;
    int64_t at;
    if (!mutable_list(call, &list) || !op_integer(call, call->args[1], &at))
        return false;
    at = at < 0 ? at + list->n : at;
    if (at < 0 || at >= list->n)
        return call_fail(call, "list assignment index out of range");
    list->items[at] = call->args[2];
    return return_none(call);
}

// ---- dict

static bool dict_clear(struct call *call) {
    struct map *map;
    if (!mutable_map(call, &map))
        return false;
    map_clear(map);
    return return_none(call);
}

static bool put(struct call *call, struct map *map, struct value key, struct value v) {
    return op_hashable(call, key) && (map_put(map, key, v) || call_no_memory(call));
}

static bool put_all(struct call *call, struct map *map, const struct map *from) {
    if (!vm_charge(call, from->shape->n))
        return false;
    for (uint32_t i = 0; i < from->shape->n; i++)
        if (!put(call, map, from->shape->keys[i], from->values[i]))
            return false;
    return true;
}

static bool dict_copy(struct call *call) {
    struct map *map = map_new_mutable(call->arena);
    if (!map)
        return call_no_memory(call);
    call->result = value_map(map);
    return put_all(call, map, call->args[0].map);
}

static bool dict_get(struct call *call) {
    if (!op_hashable(call, call->args[1]))
        return false;
    call->result = map_get_key(call->args[0].map, call->args[1]);
    if (call->result.tag == VALUE_MISSING)
        call->result = arg_given(call, 2) ? call->args[2] : value_none();
    return true;
}

static bool dict_items(struct call *call) {
    const struct map *map = call->args[0].map;
    struct value *pairs = sequence_pairs(call, map);
    return pairs && sequence_new_view(call, "dict_items", pairs, map->shape->n, &call->result);
}
static bool dict_keys(struct call *call) {
    const struct shape *shape = call->args[0].map->shape;
    return sequence_new_view(call, "dict_keys", shape->keys, shape->n, &call->result);
}
static bool dict_values(struct call *call) {
    const struct map *map = call->args[0].map;
    return sequence_new_view(call, "dict_values", map->values, map->shape->n, &call->result);
}

static bool missing_key(struct call *call, struct value key) {
    struct str text;
    return print_to_str(call, key, &text) && call_fail(call, "there is no key '%.*s'", STR_ARG(text));
}

static bool dict_pop(struct call *call) {
    struct map *map;
    if (!mutable_map(call, &map) || !op_hashable(call, call->args[1]))
        return false;
    call->result = map_get_key(map, call->args[1]);
    if (call->result.tag != VALUE_MISSING)
        return map_remove(map, call->args[1]);
    if (!arg_given(call, 2))
        return missing_key(call, call->args[1]);
    call->result = call->args[2];
    return true;
}

static bool dict_popitem(struct call *call) {
    struct map *map;
    if (!mutable_map(call, &map))
        return false;
    if (map->shape->n == 0)
        return call_fail(call, "popitem(): dictionary is empty");
    struct value *pair = ARENA_NEW_ARRAY(call->arena, struct value, 2);
    if (!pair)
        return call_no_memory(call);
    pair[0] = map->shape->keys[map->shape->n - 1];
    pair[1] = map->values[map->shape->n - 1];
    return map_remove(map, pair[0]) && op_new_tuple(call, pair, 2, &call->result);
}

static bool dict_setdefault(struct call *call) {
    struct map *map;
    if (!mutable_map(call, &map) || !op_hashable(call, call->args[1]))
        return false;
    call->result = map_get_key(map, call->args[1]);
    if (call->result.tag != VALUE_MISSING)
        return true;
    call->result = arg_given(call, 2) ? call->args[2] : value_none();
    return put(call, map, call->args[1], call->result);
}

static bool dict_setitem(struct call *call) {
    struct map *map;
    return mutable_map(call, &map) && put(call, map, call->args[1], call->args[2]) && return_none(call);
}

bool methods_update_map(struct call *call, struct map *map, struct value from) {
    const struct value *items, *pair;
    uint32_t n, parts;
    if (from.tag == VALUE_MAP)
        return put_all(call, map, from.map);
    if (from.tag == VALUE_UNDEFINED)
        return op_undefined(call, from);
    if (!op_items(call, from, &items, &n) || !vm_charge(call, n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (!op_items(call, items[i], &pair, &parts))
            return false;
        if (parts != 2)
            return call_fail(call, "dictionary update sequence element #%u has length %u; 2 is required", i,
                             parts);
        if (!put(call, map, pair[0], pair[1]))
            return false;
    }
    return true;
}

static bool dict_update(struct call *call) {
    struct map *map;
    uint32_t n;
    const struct map *keywords = bind_keywords(call, &n);
    if (!mutable_map(call, &map))
        return false;
    if (n > 1 && arg_given(call, 1) && !methods_update_map(call, map, call->args[1]))
        return false;
    return (!keywords || put_all(call, map, keywords)) && return_none(call);
}

// ---- numbers

static bool float_is_integer(struct call *call) {
    double d = call->args[0].f;
    return return_bool(call, isfinite(d) && d == floor(d));
}

static bool int_bit_length(struct call *call) {
    struct value v = call->args[0];
    if (v.tag == VALUE_BIG)
        return call_fail(call, "the integer is too large for bit_length()");
    uint64_t n = v.i < 0 ? -(uint64_t)v.i : (uint64_t)v.i;
    return return_int(call, n ? 64 - __builtin_clzll(n) : 0);
}

static bool number_itself(struct call *call) {
    call->result = call->args[0].tag == VALUE_BOOL ? value_int(call->args[0].i) : call->args[0];
    return true;
}

// ---- tables

static const struct library_function list_rows[] = {
    {"__setitem__", "key value", list_setitem, "replaces an element"},
    {"append", "object", list_append_method, "adds an element at the end"},
    {"clear", "", list_clear, "removes all elements"},
    {"copy", "", list_copy, "a list of the same elements"},
    {"count", "value", list_count, "how many elements equal a value"},
    {"extend", "iterable", list_extend, "adds the elements of another list"},
    {"index", "value [start stop]", list_index, "position of the first element that equals a value"},
    {"insert", "index object", list_insert, "adds an element at a position"},
    {"pop", "[index]", list_pop, "removes and returns an element, the last one by default"},
    {"remove", "value", list_remove, "removes the first element that equals a value"},
    {"reverse", "", list_reverse, "turns the order around"},
    {"sort", "[key reverse]", list_sort, "sorts in place"},
};

static const struct library_function tuple_rows[] = {
    {"count", "value", list_count, "how many elements equal a value"},
    {"index", "value [start stop]", list_index, "position of the first element that equals a value"},
};

static const struct library_function dict_rows[] = {
    {"__setitem__", "key value", dict_setitem, "sets a key"},
    {"clear", "", dict_clear, "removes all keys"},
    {"copy", "", dict_copy, "a mapping of the same keys and values"},
    {"get", "key [default]", dict_get, "the value of a key, or a default"},
    {"items", "", dict_items, "pairs of key and value"},
    {"keys", "", dict_keys, "the keys"},
    {"pop", "key [default]", dict_pop, "removes a key and returns its value"},
    {"popitem", "", dict_popitem, "removes and returns the last pair"},
    {"setdefault", "key [default]", dict_setdefault, "the value of a key, which is set where it is missing"},
    {"update", "[other **", dict_update, "sets keys from a mapping, pairs or keywords"},
    {"values", "", dict_values, "the values"},
};

static const struct library_function int_rows[] = {
    {"bit_length", "", int_bit_length, "how many bits the number needs"},
    {"conjugate", "", number_itself, "the number itself"},
};

static const struct library_function float_rows[] = {
    {"conjugate", "", number_itself, "the number itself"},
    {"is_integer", "", float_is_integer, "whether it has no fraction"},
};

const struct library_reading methods_reads[] = {
    {dict_get, READS_KEY},
    {dict_keys, READS_KEYS},
    {NULL, READS_WHOLE},
};

bool methods_is_quick(const struct library_function *row) {
    static bool (*const quick[])(struct call *) = {list_append_method, list_extend, list_setitem,
                                                   dict_get,           dict_keys,   dict_setdefault,
                                                   dict_setitem,       dict_update, dict_values};
    for (size_t i = 0; i < sizeof quick / sizeof *quick; i++)
        if (row->call == quick[i])
            return true;
    return false;
}

#define TABLE(rows) ((struct method_table){(rows), sizeof(rows) / sizeof *(rows)})

struct method_table methods_list(void) {
    return TABLE(list_rows);
}
struct method_table methods_tuple(void) {
    return TABLE(tuple_rows);
}
struct method_table methods_dict(void) {
    return TABLE(dict_rows);
}
struct method_table methods_int(void) {
    return TABLE(int_rows);
}
struct method_table methods_float(void) {
    return TABLE(float_rows);
}
