// SPDX-License-Identifier: MIT
#include <string.h>

#include "base/mem.h"
#include "stages/render/ops.h"
#include "stages/render/print.h"
#include "stages/render/vm_write.h"

static struct vm_limits limits_resolve(struct vm_limits given) {
    struct vm_limits l = {
        .include_depth = given.include_depth ? given.include_depth : 16,
        .call_depth = given.call_depth ? given.call_depth : 200,
        .steps = given.steps ? given.steps : 10000000,
        .output_bytes = given.output_bytes ? given.output_bytes : 64 << 20,
        .memory_bytes = given.memory_bytes ? given.memory_bytes : 256 << 20,
        .time_ns = given.time_ns ? given.time_ns : UINT64_C(10000000000),
    };
    l.include_depth = l.include_depth < INCLUDES_MOST ? l.include_depth : INCLUDES_MOST;
    l.call_depth = l.call_depth < DEPTH_MOST ? l.call_depth : DEPTH_MOST;
    return l;
}

static struct signature *signatures_of(const struct library_function *table, uint32_t n) {
    struct signature *s = MEM_NEW_ARRAY(struct signature, n);
    for (uint32_t i = 0; i < n; i++)
        s[i] = library_signature(table[i].params);
    return s;
}

struct vm *vm_new(const struct vm_options *options) {
    struct vm *vm = MEM_NEW(struct vm);
    const struct library *library = options->library;
    vm->options = *options;
    vm->limits = limits_resolve(options->limits);
    vm->clock = options->clock ? *options->clock : clock_system();
    limits_begin(vm);
    arena_init(&vm->scratch, vm->limits.memory_bytes);
    arena_init(&vm->faults, 0);
    vm->filter_signatures = signatures_of(library->filters, library->filters_n);
    vm->test_signatures = signatures_of(library->tests, library->tests_n);
    vm->library_states = MEM_NEW_ARRAY(struct code_state *, 2 * (size_t)library->macros_n);
    vm->functions = MEM_NEW_ARRAY(struct function_object, library->globals_n);
    vm->function_values = MEM_NEW_ARRAY(struct value, library->globals_n);
    for (uint32_t i = 0; i < library->globals_n; i++) {
        const struct library_function *f = &library->globals[i];
        vm->functions[i] = (struct function_object){{&function_type}, f};
        vm->function_values[i] = value_object(&vm->functions[i].base);
    }
    return vm;
}

void vm_free(struct vm *vm) {
    if (!vm)
        return;
    code_states_release(vm);
    stack_release(vm);
    arena_release(&vm->scratch);
    arena_release(&vm->faults);
    buf_release(&vm->output);
    buf_release(&vm->text);
    mem_free(vm->captures);
    mem_free(vm->filter_signatures);
    mem_free(vm->test_signatures);
    mem_free(vm->library_states);
    mem_free(vm->functions);
    mem_free(vm->function_values);
    mem_free(vm);
}

static void contexts_begin(struct vm *vm, struct value record, const struct vm_extra *extra, size_t extra_n) {
    static const struct shape unshared = {0}; // an address no site remembers
    vm->item = record;
    const struct map *map = record.tag == VALUE_MAP ? record.map : NULL;
    bool cached = map && map->shape->shared && !extra_n;
    vm->root = (struct context){.record = map,
                                .shape = cached ? map->shape : &unshared,
                                .extra = extra,
                                .extra_n = extra_n,
                                .persistent = true};
    vm->bare = (struct context){.shape = &unshared, .persistent = true};
}

static void item_begin(struct vm *vm) {
    arena_clear(&vm->scratch);
    if (vm->faults.blocks) // seldom
        arena_clear(&vm->faults);
    buf_clear(&vm->output);
    buf_shrink(&vm->output, OUTPUT_KEEP);
    write_begin(vm);
    vm->frame = NULL;
    vm->captures_n = 0;
    vm->calls = vm->includes = 0;
    vm->item_number++;
    if (vm->options.profile)
        profile_drop(vm->options.profile);
    limits_begin(vm);
    vm->fault = NULL;
    vm->fault_text = vm->fault_hint = (struct str){NULL, 0};
    vm->suspect = vm->result = value_missing();
    vm->missed_in = NULL;
    vm->missed_blocks = NULL;
    vm->missed_module = NULL;
    vm->missed_name = NULL;
}

// The same value in containers that may be changed.
static bool make_own(struct arena *arena, struct value from, struct value *to) {
    *to = from;
    if (from.tag == VALUE_LIST) {
        bool tuple = from.flags & VALUE_TUPLE;
        struct list *list = tuple ? list_new(arena, from.list->n) : list_new_mutable(arena);
        for (uint32_t i = 0; list && i < from.list->n; i++) {
            struct value item;
            if (!make_own(arena, from.list->items[i], &item))
                return false;
            if (tuple)
                list->items[i] = item;
            else if (!list_append(list, item))
                return false;
        }
        to->list = list;
        return list;
    }
    if (from.tag == VALUE_MAP) {
        struct map *map = map_new_mutable(arena);
        for (uint32_t i = 0; map && i < from.map->shape->n; i++) {
            struct value v;
            if (!make_own(arena, from.map->values[i], &v) || !map_put(map, from.map->shape->keys[i], v))
                return false;
        }
        to->map = map;
        return map;
    }
    return true;
}

static bool own_data(struct vm *vm, struct value *record, const struct vm_extra **extra, size_t extra_n) {
    struct vm_extra *own = ARENA_NEW_ARRAY(&vm->scratch, struct vm_extra, extra_n + 1);
    bool fine = own && make_own(&vm->scratch, *record, record);
    for (size_t i = 0; fine && i < extra_n; i++) {
        own[i].name = (*extra)[i].name;
        fine = make_own(&vm->scratch, (*extra)[i].value, &own[i].value);
    }
    *extra = own;
    return fine;
}

bool vm_change_refused(struct call *call, const char *what) {
    call->vm->wants_copy = !call->vm->copied && !call->vm->handed;
    return call_fail(call, "this %s is shared by all items and cannot be changed; `%s` makes a copy", what,
                     what[0] == 'l' ? "|list" : "dict(...)");
}

static bool run_once(struct vm *vm, const struct program *program, struct value record,
                     const struct vm_extra *extra, size_t extra_n, bool copy) {
    item_begin(vm);
    vm->copied = copy;
    vm->wants_copy = false;
    if (copy && !own_data(vm, &record, &extra, extra_n)) {
        struct call call = call_of(vm, NULL);
        call_no_memory(&call);
        vm->fault =
            diag_make(&vm->faults, &program->source, (struct span){0, 0}, "%.*s", STR_ARG(vm->fault_text));
        return false;
    }
    vm->autoescape = program->autoescape;
    contexts_begin(vm, record, extra, extra_n);
    struct code_state *state = code_state_of(vm, program);
    bool fine;
    if (program->inherits) {
        struct call call = {.vm = vm, .arena = &vm->scratch, .autoescape = program->autoescape};
        fine = family_run(&call, FRAME_BODY, state, &vm->root, NULL);
    } else {
        struct frame f;
        frame_enter(vm, &f, FRAME_BODY, state, &program->functions[0], NULL, &vm->root);
        fine = frame_run(vm, &f);
        frame_leave(vm, &f);
    }
    return fine;
}

// Most templates only read their data. For one that turns out to change it all is begun again, with a copy; unless a
// part of the output is gone already.
static bool run_body(struct vm *vm, const struct program *program, struct value record,
                     const struct vm_extra *extra, size_t extra_n, const struct vm_writer *writer,
                     const struct diag **fault) {
    vm->writer = writer;
    bool fine = run_once(vm, program, record, extra, extra_n, false);
    if (!fine && vm->wants_copy)
        fine = run_once(vm, program, record, extra, extra_n, true);
    if (!fine)
        *fault = vm->fault;
    return fine;
}

bool vm_render(struct vm *vm, const struct program *program, struct value record,
               const struct vm_extra *extra, size_t extra_n, const struct diag **fault) {
    return run_body(vm, program, record, extra, extra_n, NULL, fault);
}

bool vm_render_to(struct vm *vm, const struct program *program, struct value record,
                  const struct vm_extra *extra, size_t extra_n, const struct vm_writer *writer,
                  const struct diag **fault) {
    return run_body(vm, program, record, extra, extra_n, writer, fault);
}

struct str vm_output(const struct vm *vm) {
    return vm->output.n ? buf_str(&vm->output) : STR("");
}

bool vm_eval(struct vm *vm, const struct program *program, struct value record, const struct vm_extra *extra,
             size_t extra_n, struct value *out, const struct diag **fault) {
    if (!run_body(vm, program, record, extra, extra_n, NULL, fault))
        return false;
    *out = vm->result;
    return true;
}

struct str vm_text(struct vm *vm, struct value v) {
    struct call call = call_of(vm, NULL);
    if (v.tag == VALUE_STRING)
        return value_str(v);
    buf_clear(&vm->text);
    if (!print_str(&call, v, &vm->text))
        return (struct str){NULL, 0};
    return arena_str(&vm->scratch, buf_str(&vm->text));
}

bool vm_truth(struct value v) {
    return op_truth(v);
}

uint64_t vm_instructions(const struct vm *vm) {
    return vm->instructions;
}

struct arena_asked vm_asked(const struct vm *vm) {
    return arena_asked(&vm->scratch);
}
