// SPDX-License-Identifier: MIT
#include "stages/render/sequence.h"

#include <inttypes.h>

#include "stages/render/object.h"
#include "stages/render/ops.h"
#include "stages/render/print.h"

struct range {
    struct object base;
    int64_t start, stop, step, n;
};

struct view {
    struct object base;
    const struct value *items;
    uint32_t n;
};

static bool range_truth(const struct object *self) {
    return ((const struct range *)self)->n != 0;
}

static bool range_print(struct vm *vm, struct object *self, struct buf *out) {
    const struct range *r = (const struct range *)self;
    (void)vm;
    if (r->step == 1)
        buf_printf(out, "range(%" PRId64 ", %" PRId64 ")", r->start, r->stop);
    else
        buf_printf(out, "range(%" PRId64 ", %" PRId64 ", %" PRId64 ")", r->start, r->stop, r->step);
    return true;
}

static struct value range_get(struct vm *vm, struct object *self, struct str name) {
    const struct range *r = (const struct range *)self;
    (void)vm;
    if (str_is(name, "start"))
        return value_int(r->start);
    if (str_is(name, "stop"))
        return value_int(r->stop);
    if (str_is(name, "step"))
        return value_int(r->step);
    return value_missing();
}

static const struct object_type range_type = {
    .name = "range", .truth = range_truth, .print = range_print, .get = range_get};

static bool view_truth(const struct object *self) {
    return ((const struct view *)self)->n != 0;
}

static const struct object_type keys_type = {.name = "dict_keys", .truth = view_truth};
static const struct object_type values_type = {.name = "dict_values", .truth = view_truth};
static const struct object_type items_type = {.name = "dict_items", .truth = view_truth};

static bool is_view(struct value v) {
    const struct object_type *type = v.tag == VALUE_OBJECT ? v.object->type : NULL;
    return type == &keys_type || type == &values_type || type == &items_type;
}
static const struct range *range_of(struct value v) {
    return (const struct range *)v.object;
}
static const struct view *view_of(struct value v) {
    return (const struct view *)v.object;
}

bool sequence_is_range(struct value v) {
    return v.tag == VALUE_OBJECT && v.object->type == &range_type;
}

bool sequence_is(struct value v) {
    return sequence_is_range(v) || is_view(v);
}

bool sequence_length(struct value v, int64_t *out) {
    if (sequence_is_range(v))
        *out = range_of(v)->n;
    else if (is_view(v))
        *out = view_of(v)->n;
    else
        return false;
    return true;
}

bool sequence_items(struct call *call, struct value v, const struct value **items, uint32_t *n) {
    if (is_view(v)) {
        *items = view_of(v)->items;
        *n = view_of(v)->n;
        return true;
    }
    const struct range *r = range_of(v);
    if (r->n > UINT32_MAX / (int64_t)sizeof(struct value))
        return call_no_memory(call);
    struct value *made = arena_alloc(call->arena, ((size_t)r->n + 1) * sizeof *made);
    if (!made)
        return call_no_memory(call);
    int64_t at = r->start;
    for (int64_t i = 0; i < r->n; i++) {
        made[i] = value_int(at);
        at = (int64_t)((uint64_t)at + (uint64_t)r->step);
    }
    *items = made;
    *n = (uint32_t)r->n;
    return true;
}

bool sequence_contains(struct value v, struct value member, bool *out) {
    if (!sequence_is_range(v))
        return false;
    const struct range *r = range_of(v);
    if (member.tag == VALUE_FLOAT && member.f >= -9e18 && member.f <= 9e18 &&
        (double)(int64_t)member.f == member.f)
        member = value_int((int64_t)member.f);
    *out = false;
    if ((member.tag != VALUE_INT && member.tag != VALUE_BOOL) || r->n == 0)
        return true;
    int64_t last = r->start + (r->n - 1) * r->step;
    int64_t low = r->step > 0 ? r->start : last, high = r->step > 0 ? last : r->start;
    uint64_t distance = (uint64_t)member.i - (uint64_t)low;
    uint64_t step = r->step > 0 ? (uint64_t)r->step : -(uint64_t)r->step;
    *out = member.i >= low && member.i <= high && distance % step == 0;
    return true;
}

bool sequence_equal(struct value a, struct value b, const struct sequence_equality *elements) {
    if (sequence_is_range(a) && sequence_is_range(b)) {
        const struct range *x = range_of(a), *y = range_of(b);
        return x->n == y->n && (x->n == 0 || (x->start == y->start && (x->n == 1 || x->step == y->step)));
    }
    if (!is_view(a) || !is_view(b) || a.object->type != b.object->type || a.object->type == &values_type ||
        view_of(a)->n != view_of(b)->n)
        return false;
    for (uint32_t i = 0; i < view_of(a)->n; i++) { // sets: every element of one in the other
        // Most often they have the same order.
        bool found = elements->equal(elements->self, view_of(a)->items[i], view_of(b)->items[i]);
        for (uint32_t k = 0; k < view_of(b)->n && !found; k++)
            found = elements->equal(elements->self, view_of(a)->items[i], view_of(b)->items[k]);
        if (!found)
            return false;
    }
    return true;
}

struct value sequence_at(struct value v, int64_t index) {
    const struct range *r = range_of(v);
    if (index < 0)
        index += r->n;
    if (index < 0 || index >= r->n)
        return value_missing();
    return value_int((int64_t)((uint64_t)r->start + (uint64_t)index * (uint64_t)r->step));
}

bool sequence_new_range(struct call *call, int64_t start, int64_t stop, int64_t step, struct value *out) {
    if (step == 0)
        return call_fail(call, "range() arg 3 must not be zero");
    uint64_t stride = step > 0 ? (uint64_t)step : -(uint64_t)step;
    uint64_t distance = 0;
    if (step > 0 ? start < stop : start > stop)
        distance = step > 0 ? (uint64_t)stop - (uint64_t)start : (uint64_t)start - (uint64_t)stop;
    uint64_t n = distance ? (distance - 1) / stride + 1 : 0;
    if (n > INT64_MAX)
        return call_fail(call, "range() has too many elements");
    struct range *r = arena_alloc(call->arena, sizeof *r);
    if (!r)
        return call_no_memory(call);
    *r = (struct range){{&range_type}, start, stop, step, (int64_t)n};
    *out = value_object(&r->base);
    return true;
}

bool sequence_slice(struct call *call, struct value v, int64_t start, int64_t stop, int64_t step,
                    struct value *out) {
    const struct range *r = range_of(v);
    int64_t from, to, stride;
    if (__builtin_mul_overflow(r->step, step, &stride) || __builtin_mul_overflow(start, r->step, &from) ||
        __builtin_add_overflow(from, r->start, &from) || __builtin_mul_overflow(stop, r->step, &to) ||
        __builtin_add_overflow(to, r->start, &to))
        return call_fail(call, "the bounds of the range are too large");
    return sequence_new_range(call, from, to, stride, out);
}

bool sequence_new_view(struct call *call, const char *name, const struct value *items, uint32_t n,
                       struct value *out) {
    struct view *view = arena_alloc(call->arena, sizeof *view);
    if (!view)
        return call_no_memory(call);
    const struct object_type *type = str_is(STR("dict_keys"), name)     ? &keys_type
                                     : str_is(STR("dict_values"), name) ? &values_type
                                                                        : &items_type;
    *view = (struct view){{type}, items, n};
    *out = value_object(&view->base);
    return true;
}

struct value *sequence_pairs(struct call *call, const struct map *map) {
    struct pair { // one block for all: a tuple's list and its two values
        struct list list;
        struct value values[2];
    };
    uint32_t n = map->shape->n;
    struct pair *pairs = arena_alloc(call->arena, (n ? n : 1) * sizeof *pairs);
    struct value *tuples = arena_alloc(call->arena, (n ? n : 1) * sizeof *tuples);
    if (!pairs || !tuples) {
        call_no_memory(call);
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        pairs[i].values[0] = map->shape->keys[i];
        pairs[i].values[1] = map->values[i];
        pairs[i].list = (struct list){.n = 2, .cap = 2, .items = pairs[i].values};
        tuples[i] = value_list(&pairs[i].list);
        tuples[i].flags = VALUE_TUPLE;
    }
    return tuples;
}
