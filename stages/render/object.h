// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_OBJECT_H
#define PRESSRUN_STAGES_RENDER_OBJECT_H
/*
 * Values with behaviour: loop, macros, namespaces, bound methods, functions. An object starts with a pointer to
 * its type, a const table of operations; any of them may be NULL (it then behaves as any plain object would).
 */
#include <stdbool.h>

#include "base/buf.h"
#include "stages/program/library.h"
#include "stages/record/value.h"

struct call_args {
    const struct value *positional;
    uint32_t positional_n;
    const struct value *keywords;
    const struct str *names;
    uint32_t keywords_n;
};

struct object_type {
    const char *name; // as Python's type name: "Namespace", "macro", "builtin_function_or_method"
    // An attribute; VALUE_MISSING where there is none.
    struct value (*get)(struct vm *vm, struct object *self, struct str name);
    bool (*set)(struct vm *vm, struct object *self, struct str name, struct value v);
    // Calls it; false after call_fail.
    bool (*invoke)(struct object *self, struct call *call, const struct call_args *args);
    // Calling it changes nothing that is there already and keeps nothing of its arguments. NULL: it may.
    bool (*is_pure)(const struct object *self);
    bool (*truth)(const struct object *self);
    // Printed form; NULL: "<name object>".
    bool (*print)(struct vm *vm, struct object *self, struct buf *out);
    // The text it is as a string, safe markup; NULL: its printed form.
    struct str (*markup)(const struct object *self);
};

#endif
