// SPDX-License-Identifier: MIT
#include "stages/render/ops.h"

#include <math.h>
#include <stdio.h>

#include "base/number.h"
#include "base/utf8.h"
#include "stages/render/bigint.h"
#include "stages/render/machine.h"
#include "stages/render/sequence.h"

enum { DEPTH_MOST = 500, HINT_TAG = 15 }; // HINT_TAG: an undefined's name is the whole message

const char *op_type_name(struct value v) {
    switch ((enum value_tag)v.tag) {
    case VALUE_MISSING:
        return "missing";
    case VALUE_UNDEFINED:
        return "Undefined";
    case VALUE_NONE:
        return "NoneType";
    case VALUE_BOOL:
        return "bool";
    case VALUE_INT:
    case VALUE_BIG:
        return "int";
    case VALUE_FLOAT:
        return "float";
    case VALUE_STRING:
        return v.flags & VALUE_SAFE ? "Markup" : "str";
    case VALUE_LIST:
        return v.flags & VALUE_TUPLE ? "tuple" : "list";
    case VALUE_MAP:
        return "dict";
    case VALUE_ITER:
        return v.iter->type_name ? v.iter->type_name : "generator";
    case VALUE_OBJECT:
        return v.object->type->name;
    }
    return "object";
}

// ---- undefined

// The machine keeps the tag of what lacked an attribute in the high half of the flags; 0 is a map.
static const char *owner_name(struct value undefined) {
    static const char *const names[] = {[VALUE_NONE] = "None",
                                        [VALUE_BOOL] = "bool object",
                                        [VALUE_INT] = "int object",
                                        [VALUE_FLOAT] = "float object",
                                        [VALUE_BIG] = "int object",
                                        [VALUE_STRING] = "str object",
                                        [VALUE_LIST] = "list object",
                                        [VALUE_ITER] = "generator object",
                                        [VALUE_OBJECT] = "template object"};
    size_t tag = undefined.flags >> 4;
    const char *name = tag < sizeof names / sizeof *names ? names[tag] : NULL;
    return name ? name : "dict object";
}

bool op_undefined(struct call *call, struct value v) {
    struct str name = value_str(v);
    if (v.flags >> 4 == HINT_TAG)
        return call_fail(call, "%.*s", STR_ARG(name));
    switch (v.aux) {
    case UNDEFINED_ATTRIBUTE:
        return call_fail(call, "'%s' has no attribute '%.*s'", owner_name(v), STR_ARG(name));
    case UNDEFINED_INDEX:
        return call_fail(call, "%s has no element %.*s", owner_name(v), STR_ARG(name));
    case UNDEFINED_PARAMETER:
        return call_fail(call, "parameter '%.*s' was not provided", STR_ARG(name));
    case UNDEFINED_SILENT:
        return call_fail(call, "the inline if-expression evaluated to false and has no else");
    default:
        return call_fail(call, "'%.*s' is undefined", STR_ARG(name));
    }
}

struct value op_nothing(const char *message) {
    struct value v = value_undefined(UNDEFINED_NAME, str_of(message));
    v.flags = HINT_TAG << 4;
    return v;
}

bool call_defined(struct call *call, struct value v) {
    if (v.tag != VALUE_UNDEFINED || v.aux == UNDEFINED_SILENT || vm_undefined(call->vm) != UNDEFINED_STRICT)
        return true;
    return op_undefined(call, v);
}

// ---- truth and numbers

bool op_truth(struct value v) {
    switch ((enum value_tag)v.tag) {
    case VALUE_MISSING:
    case VALUE_UNDEFINED:
    case VALUE_NONE:
        return false;
    case VALUE_BOOL:
    case VALUE_INT:
        return v.i != 0;
    case VALUE_FLOAT:
        return v.f != 0.0;
    case VALUE_BIG:
    case VALUE_ITER:
        return true;
    case VALUE_STRING:
        return v.n != 0;
    case VALUE_LIST:
        return v.list->n != 0;
    case VALUE_MAP:
        return v.map->shape->n != 0;
    case VALUE_OBJECT:
        return v.object->type->truth ? v.object->type->truth(v.object) : true;
    }
    return false;
}

bool op_integer(struct call *call, struct value v, int64_t *out) {
    if (v.tag == VALUE_INT || v.tag == VALUE_BOOL) {
        *out = v.i;
        return true;
    }
    if (v.tag == VALUE_UNDEFINED)
        return op_undefined(call, v);
    if (v.tag == VALUE_BIG)
        return call_fail(call, "the integer is too large here: %.*s", v.n < 40 ? (int)v.n : 40, v.s);
    return call_fail(call, "'%s' object cannot be interpreted as an integer", op_type_name(v));
}

bool op_double(struct value v, double *out) {
    switch (v.tag) {
    case VALUE_BOOL:
    case VALUE_INT:
        *out = (double)v.i;
        return true;
    case VALUE_FLOAT:
        *out = v.f;
        return true;
    case VALUE_BIG:
        return number_parse_double(value_str(v), out);
    default:
        return false;
    }
}

static bool is_integer(struct value v) {
    return v.tag == VALUE_INT || v.tag == VALUE_BOOL || v.tag == VALUE_BIG;
}
static bool is_number(struct value v) {
    return is_integer(v) || v.tag == VALUE_FLOAT;
}

static int order_of(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

// An int64 against a double, exactly: the double's integral part fits an int64 or decides by itself.
static int order_int_double(int64_t i, double d) {
    if (d >= 9223372036854775808.0)
        return -1;
    if (d < -9223372036854775808.0)
        return 1;
    double whole = trunc(d);
    int order = order_of(i, (int64_t)whole);
    return order ? order : (whole > d) - (whole < d);
}

// Decimal integers without leading zeros, with '-' where negative.
static int order_digits(struct str a, struct str b) {
    bool minus_a = a.n && a.p[0] == '-', minus_b = b.n && b.p[0] == '-';
    if (minus_a != minus_b)
        return minus_a ? -1 : 1;
    int order = a.n != b.n ? order_of((int64_t)a.n, (int64_t)b.n) : order_of(str_compare(a, b), 0);
    return minus_a ? -order : order;
}

static int order_big_double(struct str big, double d) {
    double near;
    if (isinf(d))
        return d > 0 ? -1 : 1;
    if (!number_parse_double(big, &near) || near != d)
        return near < d ? -1 : 1;
    char text[352];
    int n = snprintf(text, sizeof text, "%.0f", d); // the same magnitude: compare all digits
    return order_digits(big, (struct str){text, (size_t)n});
}

static int order_numbers(struct value a, struct value b) {
    if (a.tag == VALUE_FLOAT && b.tag == VALUE_FLOAT) {
        if (isnan(a.f) || isnan(b.f))
            return OP_UNORDERED;
        return (a.f > b.f) - (a.f < b.f);
    }
    if (a.tag == VALUE_FLOAT) {
        int order = order_numbers(b, a);
        return order == OP_UNORDERED ? order : -order;
    }
    if (b.tag == VALUE_FLOAT) {
        if (isnan(b.f))
            return OP_UNORDERED;
        return a.tag == VALUE_BIG ? order_big_double(value_str(a), b.f) : order_int_double(a.i, b.f);
    }
    if (a.tag != VALUE_BIG && b.tag != VALUE_BIG)
        return order_of(a.i, b.i);
    if (a.tag == VALUE_BIG && b.tag == VALUE_BIG)
        return order_digits(value_str(a), value_str(b));
    if (a.tag == VALUE_BIG)
        return a.s[0] == '-' ? -1 : 1;
    return b.s[0] == '-' ? 1 : -1;
}

// ---- equality and order

// A comparison may go through far more elements than its operands have in memory, since lists may hold one another
// many times over; so it counts them.
struct equality {
    struct call *call; // NULL: nothing is counted
    uint32_t elements;
    bool failed;
};

static bool count_element(struct equality *e) {
    enum { AT_ONCE = 1024 };
    if (e->failed)
        return false;
    if (++e->elements < AT_ONCE || !e->call)
        return true;
    e->elements = 0;
    e->failed = !vm_charge(e->call, AT_ONCE);
    return !e->failed;
}

static bool equal_within(struct equality *e, struct value a, struct value b, int depth);

static bool maps_equal(struct equality *e, const struct map *a, const struct map *b, int depth) {
    if (a->shape->n != b->shape->n)
        return false;
    for (uint32_t i = 0; i < a->shape->n; i++) {
        struct value other = a->shape == b->shape ? b->values[i] : map_get_key(b, a->shape->keys[i]);
        if (other.tag == VALUE_MISSING || !equal_within(e, a->values[i], other, depth))
            return false;
    }
    return true;
}

static bool lists_equal(struct equality *e, const struct list *a, const struct list *b, int depth) {
    if (a == b)
        return true;
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (!equal_within(e, a->items[i], b->items[i], depth))
            return false;
    return true;
}

struct elements {
    struct equality *equality;
    int depth;
};

static bool elements_equal(void *self, struct value a, struct value b) {
    struct elements *elements = self;
    return count_element(elements->equality) && equal_within(elements->equality, a, b, elements->depth);
}

static bool objects_equal(struct equality *e, struct value a, struct value b, int depth) {
    struct elements elements = {e, depth};
    return a.object == b.object ||
           sequence_equal(a, b, &(struct sequence_equality){elements_equal, &elements});
}

static bool equal_within(struct equality *e, struct value a, struct value b, int depth) {
    if (is_number(a) && is_number(b))
        return order_numbers(a, b) == 0;
    if (a.tag != b.tag || depth > DEPTH_MOST)
        return false;
    switch ((enum value_tag)a.tag) {
    case VALUE_STRING:
        return str_equal(value_str(a), value_str(b));
    case VALUE_LIST:
        return (a.flags & VALUE_TUPLE) == (b.flags & VALUE_TUPLE) && count_element(e) &&
               lists_equal(e, a.list, b.list, depth + 1);
    case VALUE_MAP:
        return a.map == b.map || (count_element(e) && maps_equal(e, a.map, b.map, depth + 1));
    case VALUE_ITER:
        return a.iter == b.iter;
    case VALUE_OBJECT:
        return objects_equal(e, a, b, depth + 1);
    default:
        return true; // None, undefined
    }
}

bool op_equal(struct value a, struct value b) {
    if (a.tag == VALUE_INT && b.tag == VALUE_INT)
        return a.i == b.i;
    if (a.tag == VALUE_STRING && b.tag == VALUE_STRING)
        return a.n == b.n && memcmp(a.s, b.s, a.n) == 0;
    return equal_within(&(struct equality){0}, a, b, 0);
}

bool op_equals(struct call *call, struct value a, struct value b, bool *out) {
    struct equality e = {.call = call};
    bool simple = a.tag != b.tag || (a.tag != VALUE_LIST && a.tag != VALUE_MAP && a.tag != VALUE_OBJECT);
    *out = simple ? op_equal(a, b) : equal_within(&e, a, b, 0);
    return !e.failed;
}

static bool compare_within(struct call *call, struct value a, struct value b, const char *symbol, int depth,
                           int *order);

// Lexicographic, as Python: the first pair that is not equal decides.
static bool compare_lists(struct call *call, const struct list *a, const struct list *b, const char *symbol,
                          int depth, int *order) {
    uint32_t n = a->n < b->n ? a->n : b->n;
    for (uint32_t i = 0; i < n; i++) {
        bool equal;
        if (!op_equals(call, a->items[i], b->items[i], &equal))
            return false;
        if (!equal)
            return compare_within(call, a->items[i], b->items[i], symbol, depth, order);
    }
    *order = order_of(a->n, b->n);
    return true;
}

static bool compare_within(struct call *call, struct value a, struct value b, const char *symbol, int depth,
                           int *order) {
    if (is_number(a) && is_number(b)) {
        *order = order_numbers(a, b);
        return true;
    }
    if (a.tag == VALUE_STRING && b.tag == VALUE_STRING) {
        *order = str_compare(value_str(a), value_str(b));
        *order = order_of(*order, 0);
        return true;
    }
    if (a.tag == VALUE_LIST && b.tag == VALUE_LIST && (a.flags & VALUE_TUPLE) == (b.flags & VALUE_TUPLE)) {
        if (depth > DEPTH_MOST)
            return call_fail(call, "lists nested more than %d deep cannot be compared", DEPTH_MOST);
        return compare_lists(call, a.list, b.list, symbol, depth + 1, order);
    }
    if (a.tag == VALUE_UNDEFINED)
        return op_undefined(call, a);
    if (b.tag == VALUE_UNDEFINED)
        return op_undefined(call, b);
    return call_fail(call, "'%s' not supported between instances of '%s' and '%s'", symbol, op_type_name(a),
                     op_type_name(b));
}

bool op_compare_as(struct call *call, struct value a, struct value b, const char *symbol, int *order) {
    return compare_within(call, a, b, symbol, 0, order);
}

bool op_compare(struct call *call, struct value a, struct value b, int *order) {
    return compare_within(call, a, b, "<", 0, order);
}

static bool hashable_within(struct call *call, struct value v, int depth) {
    if (v.tag == VALUE_MAP || (v.tag == VALUE_LIST && !(v.flags & VALUE_TUPLE)))
        return call_fail(call, "unhashable type: '%s'", op_type_name(v));
    if (v.tag != VALUE_LIST)
        return true;
    if (depth > DEPTH_MOST)
        return call_fail(call, "tuples nested more than %d deep cannot be keys", DEPTH_MOST);
    if (!vm_charge(call, VM_WORK_PER_STEP + v.list->n)) // hashing and comparing it go the same way
        return false;
    for (uint32_t i = 0; i < v.list->n; i++)
        if (!hashable_within(call, v.list->items[i], depth + 1))
            return false;
    return true;
}

bool op_hashable(struct call *call, struct value v) {
    return hashable_within(call, v, 0);
}

// ---- containers

bool op_new_list(struct call *call, struct value *items, uint32_t n, struct value *out) {
    struct list *list = arena_alloc(call->arena, sizeof *list);
    if (!list || (n && !items))
        return call_no_memory(call);
    *list = (struct list){.n = n, .cap = n, .items = items, .arena = call->arena};
    *out = value_list(list);
    return true;
}

bool op_new_tuple(struct call *call, struct value *items, uint32_t n, struct value *out) {
    if (!op_new_list(call, items, n, out))
        return false;
    out->list->arena = NULL;
    out->flags = VALUE_TUPLE;
    return true;
}

bool op_new_iter(struct call *call, const struct value *items, uint32_t n, const char *type,
                 struct value *out) {
    struct iter *iter = arena_alloc(call->arena, sizeof *iter);
    if (!iter || (n && !items))
        return call_no_memory(call);
    *iter = (struct iter){.items = items, .n = n, .type_name = type};
    *out = (struct value){.tag = VALUE_ITER, .iter = iter};
    return true;
}

bool op_contains(struct call *call, struct value container, struct value member, bool *out) {
    if (container.tag == VALUE_STRING) {
        if (!call_defined(call, member))
            return false;
        if (member.tag != VALUE_STRING)
            return call_fail(call, "'in <string>' requires string as left operand, not %s",
                             op_type_name(member));
        if (!vm_charge(call, vm_work_of(container)))
            return false;
        *out = member.n == 0 || memmem(container.s, container.n, member.s, member.n) != NULL;
        return true;
    }
    if (container.tag == VALUE_MAP) {
        *out = false;
        if (!op_hashable(call, member))
            return false;
        *out = map_get_key(container.map, member).tag != VALUE_MISSING;
        return true;
    }
    if (container.tag == VALUE_OBJECT && sequence_contains(container, member, out))
        return true;
    if (container.tag == VALUE_NONE || is_number(container) ||
        (container.tag == VALUE_OBJECT && !sequence_is(container)))
        return call_fail(call, "argument of type '%s' is not iterable", op_type_name(container));
    const struct value *items;
    uint32_t n;
    if (!op_items(call, container, &items, &n))
        return false;
    *out = false;
    for (uint32_t i = 0; i < n && !*out; i++)
        if (!op_equals(call, items[i], member, out))
            return false;
    return vm_charge(call, n);
}

bool op_length(struct call *call, struct value v, int64_t *out) {
    switch (v.tag) {
    case VALUE_STRING:
        *out = (int64_t)utf8_length(value_str(v));
        return true;
    case VALUE_LIST:
        *out = v.list->n;
        return true;
    case VALUE_MAP:
        *out = v.map->shape->n;
        return true;
    case VALUE_UNDEFINED:
        *out = 0;
        return call_defined(call, v);
    case VALUE_OBJECT:
        if (sequence_length(v, out))
            return true;
        break;
    default:
        break;
    }
    return call_fail(call, "object of type '%s' has no len()", op_type_name(v));
}

static bool string_items(struct call *call, struct value v, const struct value **items, uint32_t *n) {
    size_t count = utf8_length(value_str(v));
    struct value *made = arena_alloc(call->arena, (count ? count : 1) * sizeof *made);
    if (!made)
        return call_no_memory(call);
    const char *p = v.s;
    for (size_t i = 0; i < count; i++) {
        size_t size;
        utf8_decode(p, &size);
        made[i] = value_string((struct str){p, size});
        p += size;
    }
    *items = made;
    *n = (uint32_t)count;
    return true;
}

bool op_items(struct call *call, struct value v, const struct value **items, uint32_t *n) {
    switch (v.tag) {
    case VALUE_LIST:
        *items = v.list->items;
        *n = v.list->n;
        return true;
    case VALUE_MAP:
        *items = v.map->shape->keys;
        *n = v.map->shape->n;
        return true;
    case VALUE_STRING:
        return string_items(call, v, items, n);
    case VALUE_ITER:
        *n = v.iter->n - v.iter->next;
        *items = *n ? v.iter->items + v.iter->next : NULL; // one of nothing may have no array
        v.iter->next = v.iter->n;
        return true;
    case VALUE_UNDEFINED:
        *items = NULL;
        *n = 0;
        return call_defined(call, v);
    case VALUE_OBJECT:
        if (sequence_is(v))
            return sequence_items(call, v, items, n);
        break;
    default:
        break;
    }
    return call_fail(call, "'%s' object is not iterable", op_type_name(v));
}

bool op_copy_items(struct call *call, struct value v, uint32_t more, struct value **items, uint32_t *n) {
    const struct value *from;
    if (!op_items(call, v, &from, n))
        return false;
    *items = arena_alloc(call->arena, ((size_t)*n + more + 1) * sizeof **items);
    if (!*items)
        return call_no_memory(call);
    if (*n)
        memcpy(*items, from, *n * sizeof **items);
    return true;
}
