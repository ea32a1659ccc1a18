// SPDX-License-Identifier: MIT
#include <inttypes.h>

#include "base/suggest.h"
#include "stages/render/ops.h"
#include "stages/render/print.h"
#include "stages/render/vm_private.h"

bool includes_too_deep(struct call *call, const struct frame *f, const struct program *program) {
    bool is_partial = f->program->has_context_stack;
    struct str name = program->source.name;
    for (const struct frame *at = f; at; at = at->caller)
        if (str_equal(at->program->source.name, name)) {
            call->vm->fault_hint = str_of(arena_printf(&call->vm->faults, "a template %s itself: %.*s",
                                                       is_partial ? "renders" : "includes", STR_ARG(name)));
            break;
        }
    return call_fail(call, "%s more than %" PRIu32 " deep",
                     is_partial ? "partials are nested" : "templates are included",
                     call->vm->limits.include_depth);
}

static bool include_program(struct call *call, struct frame *f, const struct instruction *in,
                            struct code_state *state) {
    struct vm *vm = call->vm;
    const struct program *program = state->program;
    if (!step_take(call))
        return false;
    if (vm->includes >= vm->limits.include_depth)
        return includes_too_deep(call, f, program);
    const struct scope_table *table = &f->program->scopes[in->b];
    struct context own, *context = f->context;
    if (in->a & INCLUDE_WITHOUT_CONTEXT) {
        context = &vm->bare;
    } else if (table->n) {
        own = context_within(f, table);
        context = &own;
    }
    bool autoescape = vm->autoescape;
    vm->autoescape = program->autoescape;
    vm->includes++;
    bool fine;
    if (program->inherits) {
        fine = family_run(call, FRAME_INCLUDE, state, context, NULL);
    } else {
        struct frame inner;
        frame_enter(vm, &inner, FRAME_INCLUDE, state, &program->functions[0], NULL, context);
        fine = frame_run(vm, &inner);
        frame_leave(vm, &inner);
    }
    vm->includes--;
    vm->autoescape = autoescape;
    return fine;
}

static void hint_near(struct vm *vm, const struct program *program, struct str name) {
    struct suggestion s = suggest_for(name);
    for (uint32_t i = 0; i < program->refs_n; i++)
        if (program->refs[i].program)
            suggest_offer(&s, program->refs[i].name);
    fault_near(vm, &s);
}

static bool none_named(struct call *call, const struct frame *f, struct str name) {
    hint_near(call->vm, f->program, name);
    return call_fail(call, "there is no template \"%.*s\"", STR_ARG(name));
}

// NULL where the template is missing.
static struct code_state *linked(struct call *call, struct frame *f, const struct instruction *in) {
    struct site *site = &f->sites[in - f->program->code];
    const struct program *program = f->program->refs[in->c].program;
    if (UNLIKELY(!site->include) && program)
        site->include = code_state_of(call->vm, program);
    return site->include;
}

bool include_ref(struct call *call, struct frame *f, const struct instruction *in) {
    struct code_state *state = linked(call, f, in);
    if (LIKELY(state != NULL))
        return include_program(call, f, in, state);
    return (in->a & INCLUDE_IGNORE_MISSING) || none_named(call, f, f->program->refs[in->c].name);
}

struct code_state *template_linked(struct call *call, struct frame *f, const struct instruction *in) {
    struct code_state *state = linked(call, f, in);
    struct str name = f->program->refs[in->c].name;
    if (state)
        state->name = name;
    else
        none_named(call, f, name);
    return state;
}

const struct program *template_find(struct call *call, struct str name, const char *language, bool autoescape,
                                    bool *missing) {
    const struct template_finder *finder = &call->vm->options.finder;
    *missing = true;
    const struct program *program =
        finder->find ? finder->find(finder->self, name, language, autoescape, missing) : NULL;
    if (!program && !*missing)
        call_fail(call, "the template \"%.*s\" has errors", STR_ARG(name));
    return program;
}

// The same by a value.
static const struct program *find_named(struct call *call, const struct frame *f, struct value name,
                                        bool *missing) {
    *missing = false;
    if (!defined_check(call, name))
        return NULL;
    if (name.tag == VALUE_STRING)
        return template_find(call, value_str(name), NULL, f->program->autoescape, missing);
    if (name.tag == VALUE_UNDEFINED)
        *missing = true;
    else
        call_fail(call, "a template's name is a string, not '%s'", op_type_name(name));
    return NULL;
}

static bool none_found(struct call *call, struct frame *f, struct value names) {
    struct str text;
    if (names.tag == VALUE_STRING)
        return none_named(call, f, value_str(names));
    if (names.tag == VALUE_UNDEFINED)
        return fault_undefined(call, names);
    return print_to_str(call, names, &text) &&
           call_fail(call, "there is none of the templates %.*s", STR_ARG(text));
}

bool include_named(struct call *call, struct frame *f, const struct instruction *in, struct value names) {
    const struct value *items = &names;
    uint32_t n = 1;
    if (names.tag == VALUE_LIST || names.tag == VALUE_ITER)
        if (!op_items(call, names, &items, &n))
            return false;
    for (uint32_t i = 0; i < n; i++) {
        bool missing;
        const struct program *program = find_named(call, f, items[i], &missing);
        if (program)
            return include_program(call, f, in, code_state_of(call->vm, program));
        if (!missing)
            return false;
    }
    bool ignore = (in->a & INCLUDE_IGNORE_MISSING) && names.tag != VALUE_UNDEFINED; // that is no name
    return ignore || none_found(call, f, names);
}

struct code_state *template_named(struct call *call, struct frame *f, struct value name) {
    bool missing;
    const struct program *program = find_named(call, f, name, &missing);
    if (program) {
        struct code_state *state = code_state_of(call->vm, program);
        state->name = value_str(name);
        return state;
    }
    if (missing)
        none_found(call, f, name);
    return NULL;
}
