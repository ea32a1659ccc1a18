// SPDX-License-Identifier: MIT
#include <string.h>

#include "base/mem.h"
#include "stages/render/vm_private.h"

enum { CHUNK_VALUES = 4096 };

static struct stack_chunk *chunk_new(size_t values) {
    struct stack_chunk *chunk = mem_alloc(sizeof *chunk + values * sizeof(struct value));
    chunk->end = chunk->values + values;
    return chunk;
}

// Room for n values on the value stack; what is there never moves.
static struct value *stack_take(struct vm *vm, size_t n) {
    if (LIKELY(vm->chunk && (size_t)(vm->chunk->end - vm->chunk_at) >= n)) {
        struct value *at = vm->chunk_at;
        vm->chunk_at += n;
        return at;
    }
    struct stack_chunk **link = vm->chunk ? &vm->chunk->next : &vm->chunks;
    if (*link &&
        (size_t)((*link)->end - (*link)->values) < n) { // too small for this frame: give it a larger one
        struct stack_chunk *larger = chunk_new(n);
        larger->next = *link;
        *link = larger;
    } else if (!*link) {
        *link = chunk_new(n > CHUNK_VALUES ? n : CHUNK_VALUES);
    }
    vm->chunk = *link;
    vm->chunk_at = vm->chunk->values + n;
    return vm->chunk->values;
}

void stack_release(struct vm *vm) {
    for (struct stack_chunk *chunk = vm->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        mem_free(chunk);
    }
    vm->chunks = vm->chunk = NULL;
}

void frame_enter(struct vm *vm, struct frame *f, enum frame_kind kind, struct code_state *state,
                 const struct function_code *function, struct env *outer, struct context *context) {
    vm->kept++;
    f->kind = kind;
    f->program = state->program;
    f->function = function;
    f->sites = state->sites;
    f->context = context;
    f->ip = state->program->code + function->entry;
    f->caller = vm->frame;
    f->captures = vm->captures_n;
    f->chunk = vm->chunk;
    f->chunk_at = vm->chunk_at;
    f->own.slots = stack_take(vm, (size_t)function->slots + function->stack + STACK_SPARE);
    f->own.outer = outer;
    f->env = &f->own;
    f->stack = f->own.slots + function->slots;
    memset(f->own.slots, 0, function->slots * sizeof(struct value)); // VALUE_MISSING
    vm->frame = f;
}

void frame_leave(struct vm *vm, struct frame *f) {
    vm->frame = f->caller;
    vm->captures_n = f->captures;
    vm->chunk = f->chunk;
    vm->chunk_at = f->chunk_at;
}

bool frame_promote(struct call *call, struct frame *f) {
    if (f->env != &f->own)
        return true;
    uint32_t n = f->function->slots;
    struct env *env = arena_alloc(call->arena, sizeof *env + n * sizeof(struct value));
    if (!env)
        return call_no_memory(call);
    env->slots = (struct value *)(void *)(env + 1);
    env->outer = f->own.outer;
    if (n)
        memcpy(env->slots, f->own.slots, n * sizeof(struct value));
    f->env = env;
    return true;
}

struct context *context_persist(struct call *call, struct context *context) {
    if (context->persistent)
        return context;
    if (context->frame && !frame_promote(call, context->frame))
        return NULL;
    struct context *outer = context->outer ? context_persist(call, context->outer) : NULL;
    struct context *copy = context->outer && !outer ? NULL : arena_alloc(call->arena, sizeof *copy);
    if (!copy) {
        call_no_memory(call);
        return NULL;
    }
    *copy = *context;
    copy->env = context->frame ? context->frame->env : context->env;
    copy->frame = NULL;
    copy->outer = outer;
    copy->persistent = true;
    return copy;
}

const void *context_chained(void) {
    static const char chained = 0;
    return &chained;
}

struct context context_within(struct frame *f, const struct scope_table *table) {
    struct context *outer = f->context, own = *outer;
    own.outer = outer->scope_key || outer->family ? outer : NULL;
    own.scope_key = own.outer ? context_chained() : table;
    own.table = table;
    own.frame = f;
    own.shows_levels = own.persistent = false;
    return own;
}

void capture_begin(struct vm *vm) {
    MEM_GROW(vm->captures, vm->captures_cap, vm->captures_n + 1);
    vm->captures[vm->captures_n++] = vm->output.n;
}

bool capture_end(struct call *call, bool safe, struct value *out) {
    struct vm *vm = call->vm;
    if (vm->captures_n == vm->frame->captures)
        return call_fail(call, "a capture ends that has not begun");
    size_t start = vm->captures[--vm->captures_n];
    struct str text = {vm->output.n > start ? vm->output.p + start : "", vm->output.n - start};
    if (text.n) {
        char *copy = arena_alloc(call->arena, text.n);
        if (!copy)
            return call_no_memory(call);
        memcpy(copy, text.p, text.n);
        text.p = copy;
    }
    vm->output.n = start;
    output_let_go(vm);
    *out = safe ? value_safe(text) : value_string(text);
    return true;
}
