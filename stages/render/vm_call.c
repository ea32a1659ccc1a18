// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <string.h>

#include "base/suggest.h"
#include "stages/render/bind.h"
#include "stages/render/ops.h"
#include "stages/render/vm_private.h"

struct macro {
    struct object base;
    struct code_state *state;
    const struct function_code *function;
    struct env *outer;
    struct context *context;
};

bool call_may_nest(struct call *call) {
    const struct vm *vm = call->vm;
    if (!step_take(call))
        return false;
    return vm->calls < vm->limits.call_depth ||
           call_fail(call, "calls are nested more than %" PRIu32 " deep", vm->limits.call_depth);
}

// ---- macros

bool macro_new(struct call *call, struct frame *f, const struct function_code *function, struct value *out) {
    if (!frame_promote(call, f))
        return false;
    struct context *context = context_persist(call, f->context);
    if (!context)
        return false;
    f->context = context;
    struct macro *macro = arena_alloc(call->arena, sizeof *macro);
    if (!macro)
        return call_no_memory(call);
    *macro = (struct macro){.base = {&macro_type},
                            .state = code_state_of(call->vm, f->program),
                            .function = function,
                            .outer = f->env,
                            .context = context};
    *out = value_object(&macro->base);
    return true;
}

static bool is_parameter(const struct function_code *f, struct str name) {
    for (uint32_t i = 0; i < f->parameters_n; i++)
        if (str_equal(f->parameters[i].name, name))
            return true;
    return false;
}

static bool take_varargs(struct call *call, const struct function_code *f, const struct call_args *args,
                         struct value *slots) {
    uint32_t extra = args->positional_n > f->parameters_n ? args->positional_n - f->parameters_n : 0;
    if (f->varargs < 0)
        return !extra || call_fail(call, "macro '%.*s' takes not more than %" PRIu32 " argument(s)",
                                   STR_ARG(f->name), f->parameters_n);
    struct list *list = list_new(call->arena, extra);
    if (!list)
        return call_no_memory(call);
    if (extra)
        memcpy(list->items, args->positional + f->parameters_n, extra * sizeof(struct value));
    slots[f->varargs] = value_list(list);
    slots[f->varargs].flags = VALUE_TUPLE;
    return true;
}

// Whoever misspells a parameter sees which there are.
static bool hint_parameters(struct call *call, const struct function_code *f, struct str name) {
    struct suggestion s = suggest_for(name);
    for (uint32_t i = 0; i < f->parameters_n; i++)
        suggest_offer(&s, f->parameters[i].name);
    fault_near(call->vm, &s);
    return true;
}

static bool take_keywords(struct call *call, const struct function_code *f, const struct call_args *args,
                          struct value *slots) {
    struct map *rest = NULL;
    if (f->kwargs >= 0) {
        rest = map_new_mutable(call->arena);
        if (!rest)
            return call_no_memory(call);
        slots[f->kwargs] = value_map(rest);
    }
    for (uint32_t i = 0; i < args->keywords_n; i++) {
        struct str name = args->names[i];
        if (is_parameter(f, name))
            continue;
        if (f->caller >= 0 && str_equal(name, STR("caller")))
            slots[f->caller] = args->keywords[i];
        else if (!rest)
            return hint_parameters(call, f, name) &&
                   call_fail(call, "macro '%.*s' takes no keyword argument '%.*s'", STR_ARG(f->name),
                             STR_ARG(name));
        else if (!map_put(rest, value_string(name), args->keywords[i]))
            return call_no_memory(call);
    }
    return true;
}

static bool take_parameter(struct call *call, const struct function_code *f, const struct call_args *args,
                           uint32_t i, struct value *slot) {
    struct str name = f->parameters[i].name;
    bool given = i < args->positional_n;
    if (given)
        *slot = args->positional[i];
    for (uint32_t k = 0; k < args->keywords_n; k++) {
        if (!str_equal(args->names[k], name))
            continue;
        if (given)
            return call_fail(call, "macro '%.*s' got multiple values for argument '%.*s'", STR_ARG(f->name),
                             STR_ARG(name));
        given = true;
        *slot = args->keywords[k];
    }
    if (!given && !f->parameters[i].has_default)
        *slot = value_undefined(UNDEFINED_PARAMETER, name);
    return true;
}

static bool bind_macro(struct call *call, const struct function_code *f, const struct call_args *args,
                       struct value *slots) {
    bool plain = args->positional_n == f->parameters_n && !args->keywords_n;
    if (plain && f->parameters_n)
        memcpy(slots, args->positional, f->parameters_n * sizeof(struct value));
    for (uint32_t i = 0; !plain && i < f->parameters_n; i++)
        if (!take_parameter(call, f, args, i, &slots[i]))
            return false;
    if (f->caller >= 0)
        slots[f->caller] = value_undefined(UNDEFINED_NAME, STR("caller"));
    if ((f->varargs >= 0 || args->positional_n > f->parameters_n) && !take_varargs(call, f, args, slots))
        return false;
    return (f->kwargs < 0 && !args->keywords_n) || take_keywords(call, f, args, slots);
}

bool macro_run(struct call *call, struct object *self, const struct call_args *args) {
    const struct macro *macro = (const struct macro *)self;
    struct vm *vm = call->vm;
    bool autoescape = vm->autoescape, fine;
    if (!call_may_nest(call))
        return false;
    struct frame f;
    frame_enter(vm, &f, FRAME_MACRO, macro->state, macro->function, macro->outer, macro->context);
    vm->calls++;
    if (f.caller->program != f.program) // of another template: where that is, none of its blocks is open
        vm->autoescape = f.program->autoescape;
    fine = bind_macro(call, macro->function, args, f.own.slots) && vm_run(vm, &f);
    vm->autoescape = autoescape;
    vm->calls--;
    frame_leave(vm, &f);
    return fine;
}

bool macro_capture(struct call *call, struct object *self, const struct call_args *args, bool safe) {
    struct vm *vm = call->vm;
    capture_begin(vm);
    if (macro_run(call, self, args))
        return capture_end(call, safe, &call->result);
    vm->output.n = vm->captures[--vm->captures_n];
    return false;
}

static bool macro_invoke(struct object *self, struct call *call, const struct call_args *args) {
    return macro_capture(call, self, args, call->autoescape);
}

static struct value macro_get(struct vm *vm, struct object *self, struct str name) {
    const struct function_code *f = ((const struct macro *)self)->function;
    if (str_equal(name, STR("name")))
        return value_string(f->name);
    if (str_equal(name, STR("catch_varargs")))
        return value_bool(f->varargs >= 0);
    if (str_equal(name, STR("catch_kwargs")))
        return value_bool(f->kwargs >= 0);
    if (str_equal(name, STR("caller")))
        return value_bool(f->caller >= 0);
    if (!str_equal(name, STR("arguments")))
        return value_missing();
    struct list *names = list_new(&vm->scratch, f->parameters_n);
    if (!names)
        return value_missing();
    for (uint32_t i = 0; i < f->parameters_n; i++)
        names->items[i] = value_string(f->parameters[i].name);
    struct value tuple = value_list(names);
    tuple.flags = VALUE_TUPLE;
    return tuple;
}

static bool macro_print(struct vm *vm, struct object *self, struct buf *out) {
    struct str name = ((const struct macro *)self)->function->name;
    (void)vm;
    if (name.n)
        buf_printf(out, "<Macro '%.*s'>", STR_ARG(name));
    else
        buf_add_text(out, "<Macro anonymous>");
    return true;
}

const struct object_type macro_type = {
    .name = "Macro", .get = macro_get, .invoke = macro_invoke, .print = macro_print};

// ---- library functions

static struct str parameter_name(const char *params, uint32_t i) {
    bool optional = false;
    struct str name;
    do
        name = library_next_word(&params, &optional).name;
    while (i--);
    return name;
}

static bool bind_names(struct call *call, const char *function, const char *params, uint32_t n,
                       const struct call_args *args, struct value *bound) {
    for (uint32_t k = 0; k < args->keywords_n; k++) {
        int32_t i = library_parameter(params, args->names[k]);
        if (i < 0 || (uint32_t)i >= n) {
            struct suggestion s = suggest_for(args->names[k]);
            for (uint32_t at = 0; at < n; at++)
                suggest_offer(&s, parameter_name(params, at));
            fault_near(call->vm, &s);
            return call_fail(call, "%s() got an unexpected keyword argument '%.*s'", function,
                             STR_ARG(args->names[k]));
        }
        if (bound[i].tag != VALUE_MISSING)
            return call_fail(call, "%s() got multiple values for argument '%.*s'", function,
                             STR_ARG(args->names[k]));
        bound[i] = args->keywords[k];
    }
    return true;
}

bool call_bind(struct call *call, const char *function, const char *params, const struct call_args *args,
               struct value *bound, uint32_t limit, uint32_t *n) {
    struct signature s = library_signature(params);
    uint32_t given = args->positional_n;
    if (given > s.n && !s.variadic)
        return call_fail(call, "%s() takes at most %" PRIu32 " argument(s), not %" PRIu32, function, s.n,
                         given);
    *n = given > s.n ? given : s.n;
    if (*n > limit)
        return call_fail(call, "%s() takes at most %" PRIu32 " argument(s), not %" PRIu32, function, limit,
                         *n);
    for (uint32_t i = 0; i < limit; i++)
        bound[i] = i < given ? args->positional[i] : value_missing();
    if (!bind_names(call, function, params, s.n, args, bound))
        return false;
    for (uint32_t i = 0; i < s.required; i++)
        if (bound[i].tag == VALUE_MISSING)
            return call_fail(call, "%s() misses the argument '%.*s'", function,
                             STR_ARG(parameter_name(params, i)));
    return true;
}

static bool gather_positional(struct call *call, const struct value *values, uint32_t n, struct value more,
                              struct call_args *out) {
    struct value *items;
    uint32_t more_n;
    if (!call_defined(call, more) || !op_copy_items(call, more, n, &items, &more_n))
        return false;
    memmove(items + n, items, more_n * sizeof *items);
    if (n)
        memcpy(items, values, n * sizeof *items);
    out->positional = items;
    out->positional_n = n + more_n;
    return true;
}

static bool gather_keywords(struct call *call, const struct map *more, struct call_args *out) {
    uint32_t n = out->keywords_n + more->shape->n;
    struct value *values = ARENA_NEW_ARRAY(call->arena, struct value, n + 1);
    struct str *names = ARENA_NEW_ARRAY(call->arena, struct str, n + 1);
    if (!values || !names)
        return call_no_memory(call);
    for (uint32_t i = 0; i < out->keywords_n; i++) {
        values[i] = out->keywords[i];
        names[i] = out->names[i];
    }
    uint32_t known = out->keywords_n;
    for (uint32_t i = 0; i < more->shape->n; i++) {
        struct value key = more->shape->keys[i];
        if (key.tag != VALUE_STRING)
            return call_fail(call, "keywords must be strings");
        for (uint32_t k = 0; k < known; k++)
            if (str_equal(names[k], value_str(key)))
                return call_fail(call, "got multiple values for keyword argument '%.*s'", STR_ARG(names[k]));
        values[known + i] = more->values[i];
        names[known + i] = value_str(key);
    }
    out->keywords = values;
    out->names = names;
    out->keywords_n = n;
    return true;
}

bool call_gather(struct call *call, const struct call_shape *shape, const struct value *values,
                 struct call_args *out) {
    const struct value *unpacked = values + shape->positional + shape->keywords;
    *out = (struct call_args){values, shape->positional, values + shape->positional, shape->names,
                              shape->keywords};
    if (shape->unpacks & UNPACK_POSITIONAL &&
        !gather_positional(call, values, shape->positional, *unpacked++, out))
        return false;
    if (!(shape->unpacks & UNPACK_KEYWORDS))
        return true;
    if (unpacked->tag == VALUE_MAP)
        return gather_keywords(call, unpacked->map, out);
    return call_fail(call, "argument after ** must be a mapping, not %s", op_type_name(*unpacked));
}

// Apart, so that the usual way needs no stack frame.
__attribute__((noinline)) static bool apply_bound(struct call *call, const struct library_function *f,
                                                  const struct call_shape *shape, struct value *base) {
    struct call_args args;
    return call_gather(call, shape, base + 1, &args) && bind_and_call(call, f, base[0], &args);
}

__attribute__((noinline)) static bool apply_charged(struct call *call, const struct library_function *f) {
    return bind_charge(call, f, call->args[0]) && f->call(call);
}

// What takes less than a step to go through, seen without looking into it.
static inline bool is_small(struct value v) {
    return v.tag <= VALUE_STRING ? v.n < 16 * VM_WORK_PER_STEP
                                 : v.tag == VALUE_LIST && v.list->n < VM_WORK_PER_STEP;
}

bool function_apply(struct call *call, const struct library_function *f, const struct signature *s,
                    const struct call_shape *shape, struct value *base) {
    uint32_t given = shape->positional;
    if (LIKELY(given == shape->values && given >= s->required && given <= s->n &&
               s->n - given < STACK_SPARE)) {
        for (uint32_t i = given; i < s->n; i++)
            base[1 + i] = value_missing();
        call->args = base;
        call->n = 1 + s->n;
        return LIKELY(is_small(base[0])) ? f->call(call) : apply_charged(call, f);
    }
    return apply_bound(call, f, shape, base);
}

static bool function_invoke(struct object *self, struct call *call, const struct call_args *args) {
    const struct function_object *f = (const struct function_object *)self;
    return step_take(call) && bind_and_call(call, f->function, value_missing(), args);
}

static struct value function_get(struct vm *vm, struct object *self, struct str name) {
    (void)vm;
    return str_equal(name, STR("__name__"))
               ? value_string(str_of(((const struct function_object *)self)->function->name))
               : value_missing();
}

static bool function_is_pure(const struct object *self) {
    (void)self;
    return true;
}

static bool function_print(struct vm *vm, struct object *self, struct buf *out) {
    (void)vm;
    static const struct {
        const char *name, *text;
    } classes[] = {{"cycler", "jinja2.utils.Cycler"},
                   {"dict", "dict"},
                   {"joiner", "jinja2.utils.Joiner"},
                   {"namespace", "jinja2.utils.Namespace"},
                   {"range", "range"}};
    const char *name = ((const struct function_object *)self)->function->name;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(name, classes[i].name) == 0) {
            buf_printf(out, "<class '%s'>", classes[i].text);
            return true;
        }
    buf_printf(out, "<function %s>", name);
    return true;
}

const struct object_type function_type = {.name = "builtin_function_or_method",
                                          .get = function_get,
                                          .invoke = function_invoke,
                                          .is_pure = function_is_pure,
                                          .print = function_print};

// ---- what library functions ask for

enum undefined_mode vm_undefined(const struct vm *vm) {
    return vm->options.undefined;
}

const struct library *vm_library(const struct vm *vm) {
    return vm->options.library;
}

int64_t vm_now(const struct vm *vm) {
    return vm->options.now;
}

bool vm_invoke(struct call *call, struct value callee, const struct call_args *args) {
    if (callee.tag == VALUE_UNDEFINED)
        return fault_undefined(call, callee);
    if (callee.tag != VALUE_OBJECT)
        return call_fail(call, "'%s' object is not callable", op_type_name(callee));
    if (!callee.object->type->invoke)
        return call_fail(call, "'%s' object is not callable", callee.object->type->name);
    if (!callee.object->type->is_pure || !callee.object->type->is_pure(callee.object))
        call->vm->kept++;
    struct call inner = *call;
    bool fine = callee.object->type->invoke(callee.object, &inner, args);
    call->result = inner.result;
    return fine;
}

bool vm_apply_filter(struct call *call, struct str name, struct value v, const struct call_args *args) {
    const struct library *library = call->vm->options.library;
    int32_t i = library_find(library->filters, library->filters_n, name);
    int32_t macro = i < 0 ? library_find_macro(library, name) : -1;
    if (macro >= 0) {
        struct call inner = *call;
        bool fine = library_macro_call(&inner, (uint32_t)macro, v, args);
        call->result = inner.result;
        return fine;
    }
    if (i < 0)
        return call_fail(call, "No filter named '%.*s'.", STR_ARG(name));
    return bind_and_call(call, &library->filters[i], v, args);
}

bool vm_apply_test(struct call *call, struct str name, struct value v, const struct call_args *args,
                   bool *out) {
    const struct library *library = call->vm->options.library;
    int32_t i = library_find(library->tests, library->tests_n, name);
    int32_t macro = i < 0 ? library_find_macro(library, name) : -1;
    struct call inner = *call;
    if (macro >= 0) {
        bool fine = library_macro_call(&inner, (uint32_t)macro, v, args);
        *out = fine && library_macro_says_yes(inner.result);
        return fine;
    }
    if (i < 0)
        return call_fail(call, "No test named '%.*s'.", STR_ARG(name));
    if (!bind_and_call(&inner, &library->tests[i], v, args))
        return false;
    *out = op_truth(inner.result);
    return true;
}
