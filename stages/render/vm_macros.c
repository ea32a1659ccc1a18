// SPDX-License-Identifier: MIT
// The library's macros: filters and tests that are written as macros of templates.
#include <string.h>

#include "stages/render/ops.h"
#include "stages/render/vm_private.h"

// The template's program, asked for once a machine.
static struct code_state *library_template(struct call *call, uint32_t index) {
    struct vm *vm = call->vm;
    struct code_state **known = &vm->library_states[2 * (size_t)index + (vm->autoescape ? 1 : 0)];
    const struct library_macro *m = &vm->options.library->macros[index];
    bool missing;
    if (*known)
        return *known;
    const struct program *program = template_find(call, m->template_name, NULL, vm->autoescape, &missing);
    if (program)
        return *known = code_state_of(vm, program);
    if (missing)
        call_fail(call, "there is no template \"%.*s\"", STR_ARG(m->template_name));
    return NULL;
}

bool library_macro_call(struct call *call, uint32_t index, struct value v, const struct call_args *args) {
    struct vm *vm = call->vm;
    const struct library_macro *m = &vm->options.library->macros[index];
    struct code_state *state = library_template(call, index);
    struct value module;
    if (state)
        state->name = m->template_name;
    if (!state || !module_bare(call, vm->frame, state, &module))
        return false;
    struct value macro = module.object->type->get(vm, module.object, m->macro);
    if (macro.tag != VALUE_OBJECT)
        return call_fail(call, "the template \"%.*s\" has no macro '%.*s'", STR_ARG(m->template_name),
                         STR_ARG(m->macro));
    struct value *positional = arena_alloc(call->arena, (args->positional_n + 1) * sizeof *positional);
    if (!positional)
        return call_no_memory(call);
    positional[0] = v;
    if (args->positional_n)
        memcpy(positional + 1, args->positional, args->positional_n * sizeof *positional);
    struct call_args with = *args;
    with.positional = positional;
    with.positional_n++;
    return vm_invoke(call, macro, &with);
}

bool library_macro_says_yes(struct value v) {
    struct str text = v.tag == VALUE_STRING ? value_str(v) : STR("");
    while (text.n && text.p[0] && strchr(" \t\r\n\f\v", text.p[0]))
        text = str_from(text, 1);
    while (text.n && text.p[text.n - 1] && strchr(" \t\r\n\f\v", text.p[text.n - 1]))
        text.n--;
    return text.n && !str_is(text, "False");
}

bool library_macro_apply(struct call *call, struct frame *f, const struct instruction *in,
                         struct value *base) {
    const struct call_shape *shape = &f->program->calls[in->c];
    struct call_args args;
    if (!call_gather(call, shape, base + 1, &args) || !library_macro_call(call, in->b, base[0], &args))
        return false;
    if (in->op == OP_MACRO_TEST)
        call->result = value_bool(library_macro_says_yes(call->result));
    return true;
}
