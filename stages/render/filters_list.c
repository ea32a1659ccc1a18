// SPDX-License-Identifier: MIT
#include "base/utf8.h"
#include "stages/render/arguments.h"
#include "stages/render/filters.h"
#include "stages/render/sequence.h"
#include "stages/render/sorting.h"

// Filters over sequences. What Jinja2 computes lazily is computed at once here and given out as a one-shot
// iterator, so that a template cannot tell the difference.

// ---- one element, or how many

bool filter_first(struct call *call) {
    struct value v = call->args[0];
    const struct value *items;
    uint32_t n;
    if (v.tag == VALUE_STRING && v.n) {
        size_t size;
        utf8_decode(v.s, &size);
        return return_str(call, (struct str){v.s, size}, false);
    }
    if (v.tag == VALUE_ITER && v.iter->next < v.iter->n) { // leaves the others to whoever asks next
        call->result = v.iter->items[v.iter->next++];
        return true;
    }
    if (sequence_is_range(v) && op_truth(v)) {
        call->result = sequence_at(v, 0);
        return true;
    }
    if (!op_items(call, v, &items, &n))
        return false;
    call->result = n ? items[0] : op_nothing("No first item, sequence was empty.");
    return true;
}

bool filter_last(struct call *call) {
    struct value v = call->args[0];
    const struct value *items;
    uint32_t n;
    if (v.tag == VALUE_ITER)
        return call_fail(call, "'%s' object is not reversible", op_type_name(v));
    if (sequence_is_range(v) && op_truth(v)) {
        call->result = sequence_at(v, -1);
        return true;
    }
    if (!op_items(call, v, &items, &n))
        return false;
    call->result = n ? items[n - 1] : op_nothing("No last item, sequence was empty.");
    return true;
}

bool filter_length(struct call *call) {
    int64_t n;
    return op_length(call, call->args[0], &n) && return_int(call, n);
}

bool filter_random(struct call *call) {
    return call_fail(call, "the filter random is not available: the same input must give the same output");
}

// ---- whole sequences

bool filter_list(struct call *call) {
    struct value *items;
    uint32_t n;
    return op_copy_items(call, call->args[0], 0, &items, &n) && op_new_list(call, items, n, &call->result);
}

bool filter_items(struct call *call) {
    struct value v = call->args[0];
    if (v.tag == VALUE_UNDEFINED)
        return call_defined(call, v) && op_new_iter(call, NULL, 0, "generator", &call->result);
    if (v.tag != VALUE_MAP)
        return call_fail(call, "Can only get item pairs from a mapping.");
    struct value *pairs = sequence_pairs(call, v.map);
    return pairs && op_new_iter(call, pairs, v.map->shape->n, "generator", &call->result);
}

bool filter_reverse(struct call *call) {
    struct value v = call->args[0], none = value_none();
    struct value *items;
    uint32_t n;
    if (v.tag == VALUE_STRING)
        return op_slice(call, v, none, none, value_int(-1), &call->result);
    bool iterates = v.tag == VALUE_LIST || v.tag == VALUE_MAP || v.tag == VALUE_ITER ||
                    v.tag == VALUE_UNDEFINED || sequence_is(v);
    if (!iterates)
        return call_fail(call, "argument must be iterable");
    if (!op_copy_items(call, v, 0, &items, &n))
        return false;
    for (uint32_t i = 0, k = n; i + 1 < k; i++, k--) {
        struct value swapped = items[i];
        items[i] = items[k - 1];
        items[k - 1] = swapped;
    }
    if (v.tag == VALUE_ITER)
        return op_new_list(call, items, n, &call->result);
    return op_new_iter(call, items, n, v.tag == VALUE_LIST ? "list_reverseiterator" : "reversed",
                       &call->result);
}

bool filter_batch(struct call *call) {
    struct value *items, *batches;
    uint32_t n, made = 0;
    int64_t size;
    if (!arg_int(call, 1, 1, &size))
        return false;
    if (size < 1)
        return call_fail(call, "batch needs a size of at least 1, not %lld", (long long)size);
    bool fill = arg_set(call, 2);
    if (fill && size >= UINT32_MAX / 2)
        return call_no_memory(call);
    uint32_t more = fill ? (uint32_t)size : 0;
    if (!op_copy_items(call, call->args[0], more, &items, &n))
        return false;
    batches = arena_alloc(call->arena, ((size_t)n + 1) * sizeof *batches);
    if (!batches)
        return call_no_memory(call);
    for (uint32_t at = 0; at < n; made++) {
        uint32_t part = n - at < size ? n - at : (uint32_t)size;
        uint32_t whole = part;
        while (fill && whole < size && whole < part + more)
            items[at + whole++] = call->args[2];
        if (!op_new_list(call, items + at, whole, &batches[made]))
            return false;
        batches[made].list->cap = whole;
        at += part;
    }
    return op_new_iter(call, batches, made, "generator", &call->result);
}

bool filter_slice(struct call *call) {
    struct value *items, *slices;
    const struct value *from;
    uint32_t n;
    int64_t count;
    if (!op_items(call, call->args[0], &from, &n) || !arg_int(call, 1, 1, &count))
        return false;
    if (count == 0)
        return call_fail(call, "integer division or modulo by zero");
    count = count < 0 ? 0 : count;
    if (count > UINT32_MAX / 64)
        return call_no_memory(call);
    bool fill = arg_set(call, 2);
    items = arena_alloc(call->arena, ((size_t)n + (size_t)count + 1) * sizeof *items);
    slices = arena_alloc(call->arena, ((size_t)count + 1) * sizeof *slices);
    if (!items || !slices)
        return call_no_memory(call);
    uint32_t each = count ? (uint32_t)(n / count) : 0, longer = count ? (uint32_t)(n % count) : 0, at = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = each + (i < longer);
        struct value *slice = items;
        if (size)
            memcpy(slice, from + at, size * sizeof *slice);
        at += size;
        if (fill && i >= longer)
            slice[size++] = call->args[2];
        items += size;
        if (!op_new_list(call, slice, size, &slices[i]))
            return false;
    }
    return op_new_iter(call, slices, (uint32_t)count, "generator", &call->result);
}

// ---- put together

struct join {
    struct str *parts, separator;
    uint32_t n;
    size_t size;
    bool safe;
};

static bool join_parts(struct call *call, const struct value *items, struct join *j) {
    j->parts = arena_alloc(call->arena, ((size_t)j->n + 1) * sizeof *j->parts);
    if (!j->parts)
        return call_no_memory(call);
    for (uint32_t i = 0; i < j->n; i++) {
        struct value v = items[i];
        if (v.tag == VALUE_STRING && !(j->safe && !is_safe(v)))
            j->parts[i] = value_str(v);
        else if (!(j->safe ? escaped_text(call, v, &j->parts[i]) : print_to_str(call, v, &j->parts[i])))
            return false;
        j->size += j->parts[i].n;
    }
    j->size += j->n ? (j->n - 1) * j->separator.n : 0;
    return true;
}

static bool join_write(struct call *call, const struct join *j) {
    if (j->n == 1)
        return return_str(call, j->parts[0], j->safe);
    if (j->size == 0)
        return return_str(call, STR(""), j->safe);
    char *p = j->size > UINT32_MAX ? NULL : arena_alloc(call->arena, j->size), *at = p;
    if (!p)
        return call_no_memory(call);
    for (uint32_t i = 0; i < j->n; i++) {
        if (i && j->separator.n) {
            memcpy(at, j->separator.p, j->separator.n);
            at += j->separator.n;
        }
        if (j->parts[i].n)
            memcpy(at, j->parts[i].p, j->parts[i].n);
        at += j->parts[i].n;
    }
    return return_str(call, (struct str){p, j->size}, j->safe);
}

bool filter_join(struct call *call) {
    struct value separator = arg_given(call, 1) ? call->args[1] : value_string(STR(""));
    const struct value *items;
    struct value *values;
    struct join j = {0};
    if (!op_items(call, call->args[0], &items, &j.n))
        return false;
    if (arg_set(call, 2)) {
        struct sorting_getter getter = {.attribute = &call->args[2]};
        if (!sorting_keys(call, &getter, items, j.n, &values))
            return false;
        items = values;
    }
    if (call->autoescape) { // one safe part makes the whole safe, and the others escaped
        j.safe = is_safe(separator);
        for (uint32_t i = 0; i < j.n && !j.safe; i++)
            j.safe = is_safe(items[i]);
    }
    if (!(j.safe ? escaped_text(call, separator, &j.separator) : print_to_str(call, separator, &j.separator)))
        return false;
    return join_parts(call, items, &j) && join_write(call, &j);
}

bool filter_sum(struct call *call) {
    struct value total = arg_given(call, 2) ? call->args[2] : value_int(0);
    struct sorting_getter getter = {.attribute = arg_set(call, 1) ? &call->args[1] : NULL};
    const struct value *items;
    uint32_t n;
    if (total.tag == VALUE_STRING)
        return call_fail(call, "sum() can't sum strings; use the filter join");
    if (!op_items(call, call->args[0], &items, &n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct value v;
        if (!sorting_get(call, &getter, items[i], &v) || !op_add(call, total, v, &total))
            return false;
    }
    call->result = total;
    return true;
}
