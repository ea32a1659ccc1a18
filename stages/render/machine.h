// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_MACHINE_H
#define PRESSRUN_STAGES_RENDER_MACHINE_H
/*
 * What the library's functions may ask of the machine that calls them. (vm.h is for those who render.)
 */
#include <stdbool.h>

#include "stages/program/library.h"
#include "stages/render/object.h"
#include "stages/render/vm.h"

enum undefined_mode vm_undefined(const struct vm *vm);
const struct library *vm_library(const struct vm *vm);
int64_t vm_now(const struct vm *vm);
// As call_fail, with a text that may be long; it is copied.
bool call_fail_text(struct call *call, struct str text);
// An attribute as `x.name` (item_first false) or `x['name']` would get it; undefined where there is none.
bool vm_get_attribute(struct call *call, struct value object, struct str name, bool item_first,
                      struct value *out);
// For who is about to change a list or map of the record, which others read too: fails, and the item is rendered
// again over a copy of its own. `what` is it for the message where even that cannot be changed.
bool vm_change_refused(struct call *call, const char *what);
// To be called by what goes through many elements in one go (a comparison or a byte counts like a few of them), in
// proportion to how many: they count as steps, and time passes. False: a limit is reached, and call_fail has said so.
enum { VM_WORK_PER_STEP = 16 };
bool vm_charge(struct call *call, uint64_t work);
// What it takes to go through a value once.
static inline uint64_t vm_work_of(struct value v) {
    switch (v.tag) {
    case VALUE_STRING:
        return v.n / 16;
    case VALUE_LIST:
        return v.list->n;
    case VALUE_MAP:
        return v.map->shape->n;
    default:
        return 0;
    }
}
// Around the printing of an object that may hold others of its kind. False: `most` are being printed already, one within
// the other.
bool vm_print_begin(struct vm *vm, uint32_t most);
void vm_print_end(struct vm *vm);
// Calls any callable value.
bool vm_invoke(struct call *call, struct value callee, const struct call_args *args);
// Applies a filter or test by name, as `map('upper')` and `select('odd')` do; binds the arguments.
bool vm_apply_filter(struct call *call, struct str name, struct value v, const struct call_args *args);
bool vm_apply_test(struct call *call, struct str name, struct value v, const struct call_args *args,
                   bool *out);
// Binds positional and keyword arguments to a signature (library.h): fills bound[0..limit-1] with MISSING where
// absent. False after call_fail: too many, unknown keyword, twice, or a required one missing.
bool call_bind(struct call *call, const char *function, const char *params, const struct call_args *args,
               struct value *bound, uint32_t limit, uint32_t *n);

#endif
