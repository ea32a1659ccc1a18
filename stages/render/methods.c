// SPDX-License-Identifier: MIT
#include "stages/render/methods.h"

#include "stages/render/bind.h"
#include "stages/render/object.h"
#include "stages/render/ops.h"

struct bound_method {
    struct object base;
    struct value self;
    const struct library_function *row;
};

static bool method_invoke(struct object *object, struct call *call, const struct call_args *args) {
    const struct bound_method *m = (const struct bound_method *)object;
    return bind_and_call(call, m->row, m->self, args);
}

static bool method_print(struct vm *vm, struct object *object, struct buf *out) {
    const struct bound_method *m = (const struct bound_method *)object;
    (void)vm;
    buf_printf(out, "<built-in method %s of %s object>", m->row->name, op_type_name(m->self));
    return true;
}

static bool method_is_pure(const struct object *object) {
    struct value self = ((const struct bound_method *)object)->self;
    return self.tag == VALUE_LIST ? !self.list->arena : self.tag == VALUE_MAP ? !self.map->arena : true;
}

static const struct object_type method_type = {.name = "builtin_function_or_method",
                                               .invoke = method_invoke,
                                               .is_pure = method_is_pure,
                                               .print = method_print};

static struct method_table table_of(struct value self) {
    switch (self.tag) {
    case VALUE_STRING:
        return methods_str();
    case VALUE_LIST:
        return self.flags & VALUE_TUPLE ? methods_tuple() : methods_list();
    case VALUE_MAP:
        return methods_dict();
    case VALUE_FLOAT:
        return methods_float();
    case VALUE_INT:
    case VALUE_BOOL:
    case VALUE_BIG:
        return methods_int();
    default:
        return (struct method_table){NULL, 0};
    }
}

const struct library_function *methods_find(uint8_t tag, struct str name) {
    struct method_table table = table_of((struct value){.tag = tag});
    int32_t row = table.n ? library_find(table.rows, table.n, name) : -1;
    return row < 0 ? NULL : &table.rows[row];
}

struct value method_get(struct call *call, struct value self, struct str name) {
    if (self.tag == VALUE_LIST && self.flags & METHODS_GROUP) {
        if (str_is(name, "grouper"))
            return self.list->items[0];
        if (str_is(name, "list"))
            return self.list->items[1];
    }
    bool integer = self.tag == VALUE_INT || self.tag == VALUE_BOOL;
    if (integer && (str_is(name, "real") || str_is(name, "numerator")))
        return value_int(self.i);
    if (integer && (str_is(name, "imag") || str_is(name, "denominator")))
        return value_int(name.p[0] == 'd');
    if ((self.tag == VALUE_FLOAT || self.tag == VALUE_BIG) && str_is(name, "real"))
        return self;
    if (self.tag == VALUE_FLOAT && str_is(name, "imag"))
        return value_float(0);
    struct method_table table = table_of(self);
    int32_t row = table.n ? library_find(table.rows, table.n, name) : -1;
    if (row < 0)
        return value_missing();
    struct bound_method *m = arena_alloc(call->arena, sizeof *m);
    if (!m) // the caller goes on, and whatever it allocates next reports it
        return value_missing();
    *m = (struct bound_method){{&method_type}, self, &table.rows[row]};
    return value_object(&m->base);
}
