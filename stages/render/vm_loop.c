// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <string.h>

#include "stages/render/ops.h"
#include "stages/render/sequence.h"
#include "stages/render/vm_private.h"

// A range of more elements is walked without making a list of them, at the price of a call a round.
enum { RANGE_LISTED = 16 };

struct loop_method {
    struct object base;
    struct loop *loop;
};

// What a template sees as `loop`. It is made only for loops that look at it as a value, and for those over long
// ranges; elsewhere LOOP_ATTR reads the machine's slots.
struct loop {
    struct object base;
    const struct value *items; // NULL: those of a range
    struct value range;
    uint32_t n, index0;
    uint32_t depth0;
    uint8_t escaping;         // of the text a recursion gives
    struct object *recursion; // the function of a recursive loop, or NULL
    struct round *round;      // vm_round.c
    struct list *seen;        // arguments of the last call of changed(), or NULL
    struct loop_method cycle, changed;
};

static struct value item_at(const struct loop *loop, uint32_t index) {
    return loop->items ? loop->items[index] : sequence_at(loop->range, index);
}

static bool loop_get_attribute(const struct loop *loop, enum loop_attr attr, struct value *out) {
    uint32_t n = loop->n, index0 = loop->index0;
    switch (attr) {
    case LOOP_INDEX:
        *out = value_int((int64_t)index0 + 1);
        return true;
    case LOOP_INDEX0:
        *out = value_int(index0);
        return true;
    case LOOP_REVINDEX:
        *out = value_int((int64_t)n - index0);
        return true;
    case LOOP_REVINDEX0:
        *out = value_int((int64_t)n - index0 - 1);
        return true;
    case LOOP_FIRST:
        *out = value_bool(index0 == 0);
        return true;
    case LOOP_LAST:
        *out = value_bool(index0 + 1 == n);
        return true;
    case LOOP_LENGTH:
        *out = value_int(n);
        return true;
    case LOOP_DEPTH:
        *out = value_int((int64_t)loop->depth0 + 1);
        return true;
    case LOOP_DEPTH0:
        *out = value_int(loop->depth0);
        return true;
    case LOOP_PREVITEM:
        *out = index0 ? item_at(loop, index0 - 1) : op_nothing("there is no previous item");
        return true;
    case LOOP_NEXTITEM:
        *out = index0 + 1 < n ? item_at(loop, index0 + 1) : op_nothing("there is no next item");
        return true;
    case LOOP_SELF:
    case LOOP_ATTR_COUNT:
        break;
    }
    return false;
}

static bool cycle_invoke(struct object *self, struct call *call, const struct call_args *args) {
    const struct loop *loop = ((struct loop_method *)self)->loop;
    if (args->keywords_n)
        return call_fail(call, "loop.cycle() takes no keyword arguments");
    if (!args->positional_n)
        return call_fail(call, "no items for cycling given");
    call->result = args->positional[loop->index0 % args->positional_n];
    return true;
}

static bool changed_invoke(struct object *self, struct call *call, const struct call_args *args) {
    struct loop *loop = ((struct loop_method *)self)->loop;
    if (args->keywords_n)
        return call_fail(call, "loop.changed() takes no keyword arguments");
    bool same = loop->seen && loop->seen->n == args->positional_n;
    for (uint32_t i = 0; same && i < args->positional_n; i++)
        if (!op_equals(call, loop->seen->items[i], args->positional[i], &same))
            return false;
    call->result = value_bool(!same);
    if (same)
        return true;
    if (!loop->seen || loop->seen->cap < args->positional_n) {
        loop->seen = list_new(call->arena, args->positional_n);
        if (!loop->seen)
            return call_no_memory(call);
        loop->seen->cap = args->positional_n;
    }
    loop->seen->n = args->positional_n;
    if (args->positional_n)
        memcpy(loop->seen->items, args->positional, args->positional_n * sizeof(struct value));
    return true;
}

static bool cycle_is_pure(const struct object *self) {
    (void)self;
    return true;
}

static const struct object_type cycle_type = {
    .name = "method", .invoke = cycle_invoke, .is_pure = cycle_is_pure};
static const struct object_type changed_type = {.name = "method", .invoke = changed_invoke};

static struct value loop_object_get(struct vm *vm, struct object *self, struct str name) {
    struct loop *loop = (struct loop *)self;
    (void)vm;
    struct value v;
    for (enum loop_attr attr = LOOP_INDEX; attr < LOOP_ATTR_COUNT; attr++)
        if (str_is(name, loop_attr_name(attr)) && loop_get_attribute(loop, attr, &v))
            return v;
    if (str_equal(name, STR("cycle")))
        return value_object(&loop->cycle.base);
    if (str_equal(name, STR("changed")))
        return value_object(&loop->changed.base);
    return value_missing();
}

static bool loop_invoke(struct object *self, struct call *call, const struct call_args *args) {
    const struct loop *loop = (const struct loop *)self;
    if (!loop->recursion)
        return call_fail(call, "the loop must have the 'recursive' marker to be called recursively");
    bool named = args->keywords_n == 1 && str_equal(args->names[0], STR("iterable"));
    if (args->positional_n + args->keywords_n != 1 || (args->keywords_n && !named))
        return call_fail(call, "loop() takes one argument, what to go through");
    const struct value inner[] = {named ? args->keywords[0] : args->positional[0],
                                  value_object(loop->recursion), value_int((int64_t)loop->depth0 + 1)};
    bool safe = loop->escaping == ESCAPE_ON || (loop->escaping == ESCAPE_DYNAMIC && call->autoescape);
    return macro_capture(call, loop->recursion, &(struct call_args){.positional = inner, .positional_n = 3},
                         safe);
}

static bool loop_print(struct vm *vm, struct object *self, struct buf *out) {
    const struct loop *loop = (const struct loop *)self;
    (void)vm;
    buf_printf(out, "<LoopContext %" PRIu32 "/%" PRIu32 ">", loop->index0 + 1, loop->n);
    return true;
}

static const struct object_type loop_type = {
    .name = "LoopContext", .get = loop_object_get, .invoke = loop_invoke, .print = loop_print};

static bool loop_object_make(struct call *call, struct value *slots, uint32_t index0) {
    struct loop *loop = arena_alloc(call->arena, sizeof *loop);
    if (!loop)
        return call_no_memory(call);
    *loop = (struct loop){.base = {&loop_type},
                          .items = loop_items(slots),
                          .n = slots[1].n,
                          .index0 = index0,
                          .cycle = {{&cycle_type}, loop},
                          .changed = {{&changed_type}, loop}};
    slots[0] = value_object(&loop->base);
    return true;
}

struct value loop_object_move(struct value object, uint32_t index0) {
    struct loop *loop = (struct loop *)object.object;
    loop->index0 = index0;
    return item_at(loop, index0);
}

struct round **loop_object_round(struct object *object) {
    return object->type == &loop_type ? &((struct loop *)object)->round : NULL;
}

// A program that lies about which loop is recursive changes nothing.
void loop_set_recursion(struct value *slots, struct value self, struct value depth, uint8_t escaping) {
    struct loop *loop = slots[0].tag == VALUE_OBJECT ? (struct loop *)slots[0].object : NULL;
    if (!loop || self.tag != VALUE_OBJECT || self.object->type != &macro_type || depth.tag != VALUE_INT)
        return;
    loop->recursion = self.object;
    loop->depth0 = (uint32_t)depth.i;
    loop->escaping = escaping;
}

static bool begin_range(struct call *call, struct value range, int64_t n, struct value *slots) {
    if (n > UINT32_MAX)
        return call_fail(call, "a loop takes %" PRIu32 " elements at most, not %" PRId64, UINT32_MAX, n);
    slots[0] = value_missing();
    slots[1] = (struct value){.tag = VALUE_MISSING, .n = (uint32_t)n};
    slots[2] = (struct value){.tag = VALUE_MISSING};
    if (!loop_object_make(call, slots, 0))
        return false;
    ((struct loop *)slots[0].object)->range = range;
    return true;
}

bool loop_begin(struct call *call, struct value v, bool object, struct value *slots) {
    const struct value *items;
    uint32_t n;
    int64_t length;
    if (LIKELY(v.tag == VALUE_LIST)) {
        items = v.list->items;
        n = v.list->n;
    } else if (v.tag == VALUE_MAP) {
        items = v.map->shape->keys;
        n = v.map->shape->n;
    } else if (sequence_is_range(v) && sequence_length(v, &length) && length > RANGE_LISTED) {
        return begin_range(call, v, length, slots);
    } else {
        if (!defined_check(call, v) || !op_items(call, v, &items, &n))
            return false;
    }
    slots[0] = value_missing();
    slots[1] = (struct value){.tag = VALUE_MISSING, .n = n};
    slots[2] = (struct value){.tag = VALUE_MISSING, .s = (const char *)items};
    return !object || loop_object_make(call, slots, 0);
}

bool loop_attribute(struct call *call, struct value *slots, enum loop_attr attr, struct value *out) {
    uint32_t index0 = slots[1].i ? (uint32_t)(slots[1].i - 1) : 0;
    if (attr != LOOP_SELF) {
        struct loop plain = {.items = loop_items(slots), .n = slots[1].n, .index0 = index0};
        const struct loop *loop =
            slots[0].tag == VALUE_OBJECT ? (const struct loop *)slots[0].object : &plain;
        return loop_get_attribute(loop, attr, out) || call_fail(call, "loops have no such attribute");
    }
    if (slots[0].tag == VALUE_MISSING) {
        call->vm->kept++;
        if (!loop_object_make(call, slots, index0))
            return false;
    }
    *out = slots[0];
    return true;
}
