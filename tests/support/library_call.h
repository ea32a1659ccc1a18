// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_SUPPORT_LIBRARY_CALL_H
#define PRESSRUN_TESTS_SUPPORT_LIBRARY_CALL_H
/*
 * A call to make library functions with, on a machine of its own. Begin and end it around a test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stages/render/builtins.h"
#include "stages/render/vm_private.h"

static inline struct call library_call_begin(enum undefined_mode mode, uint64_t memory) {
    struct vm_options options = {
        .library = library_builtin(), .undefined = mode, .limits = {.memory_bytes = memory}};
    struct vm *vm = vm_new(&options);
    return (struct call){.vm = vm, .arena = &vm->scratch};
}

static inline void library_call_end(struct call *call) {
    vm_free(call->vm);
}

// What the last call_fail said, as a C string; forgotten then.
static inline const char *library_call_fault(struct call *call) {
    struct str text = call->vm->fault_text;
    call->vm->fault_text = (struct str){NULL, 0};
    return text.p ? arena_copy(&call->vm->faults, text.p, text.n) : "(no fault)";
}

static inline bool library_filter(struct call *call, const char *name, struct value v,
                                  const struct value *args, uint32_t n) {
    struct call_args given = {.positional = args, .positional_n = n};
    return vm_apply_filter(call, str_of(name), v, &given);
}

#define FAILS(call, did, words)                                                                              \
    do {                                                                                                     \
        assert_false(did);                                                                                   \
        assert_non_null(strstr(library_call_fault(call), words));                                            \
    } while (0)

#endif
