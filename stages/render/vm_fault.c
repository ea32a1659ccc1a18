// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "stages/render/ops.h"
#include "stages/render/vm_private.h"

// Truncation of a message that has no memory left is no worse than the message itself.
static struct str format_text(struct arena *arena, const char *format, va_list args) {
    char text[1024];
    int n = vsnprintf(text, sizeof text, format, args);
    if (n < 0)
        return STR("a fault without words");
    size_t size = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    while (size && size < (size_t)n && (text[size] & 0xc0) == 0x80) // cut between characters
        size--;
    struct str copy = arena_str(arena, (struct str){text, size});
    return copy.p ? copy : STR("out of memory");
}

bool call_fail(struct call *call, const char *format, ...) {
    va_list args;
    va_start(args, format);
    call->vm->fault_text = format_text(&call->vm->faults, format, args);
    va_end(args);
    return false;
}

bool call_fail_text(struct call *call, struct str text) {
    struct str copy = arena_str(&call->vm->faults, text);
    call->vm->fault_text = copy.p ? copy : STR("out of memory");
    return false;
}

bool call_no_memory(struct call *call) {
    fault_hint_limit(call->vm, "memory_bytes");
    return call_fail(call, "the values of this item need more than %" PRIu64 " bytes of memory",
                     call->vm->limits.memory_bytes);
}

void fault_near(struct vm *vm, const struct suggestion *s) {
    if (s->best.p)
        vm->fault_hint = str_of(arena_printf(&vm->faults, "did you mean \"%.*s\"?", STR_ARG(s->best)));
}

void fault_hint_limit(struct vm *vm, const char *name) {
    vm->fault_hint = str_of(
        arena_printf(&vm->faults, "`limits: %s` in the manifest or --limit %s=N sets this", name, name));
}

bool fault_output(struct call *call) {
    fault_hint_limit(call->vm, "output_bytes");
    return call_fail(call, "the output is larger than %" PRIu64 " bytes", call->vm->limits.output_bytes);
}

bool fault_undefined(struct call *call, struct value v) {
    call->vm->suspect = v;
    return op_undefined(call, v);
}

bool defined_check(struct call *call, struct value v) {
    if (v.tag != VALUE_UNDEFINED || call->vm->options.undefined != UNDEFINED_STRICT ||
        v.aux == UNDEFINED_SILENT)
        return true;
    return fault_undefined(call, v);
}

static void offer_keys(struct suggestion *s, const struct shape *shape) {
    for (uint32_t i = 0; i < shape->n; i++)
        if (shape->keys[i].tag == VALUE_STRING)
            suggest_offer(s, value_str(shape->keys[i]));
}

static void offer_table(struct suggestion *s, const struct scope_table *table) {
    for (uint32_t i = 0; table && i < table->n; i++)
        suggest_offer(s, table->entries[i].name);
}

static struct str nearest(const struct vm *vm, const struct frame *f) {
    const struct context *context = f->context;
    bool has_context_stack = f->program->has_context_stack;
    struct value v = vm->suspect;
    struct suggestion s = suggest_for(value_str(v));
    if (v.aux == UNDEFINED_ATTRIBUTE && vm->missed_in && vm->missed_name == v.s) {
        offer_keys(&s, vm->missed_in->shape);
    } else if (v.aux == UNDEFINED_ATTRIBUTE && vm->missed_blocks && vm->missed_name == v.s) {
        lineage_offer(vm->missed_blocks, &s);
    } else if (vm->missed_module && vm->missed_name == v.s) {
        s = suggest_for(vm->missed_export);
        module_offer(vm->missed_module, &s);
    } else if (v.aux == UNDEFINED_NAME) {
        for (const struct value *at = vm->section; has_context_stack && at != vm->bottom;
             at = (const struct value *)(const void *)at[1].s)
            if (at->tag == VALUE_MAP)
                offer_keys(&s, at->map->shape);
        if (context->record)
            offer_keys(&s, context->record->shape);
        for (size_t i = 0; i < context->extra_n; i++)
            suggest_offer(&s, context->extra[i].name);
        for (const struct context *c = context; c; c = c->outer) {
            offer_table(&s, c->table);
            for (const struct level *l = c->shows_levels ? c->family->levels : NULL; l; l = l->older)
                offer_table(&s, l->exports);
        }
        if (vm->options.globals)
            offer_keys(&s, vm->options.globals->shape);
        for (uint32_t i = 0; !has_context_stack && i < vm->options.library->globals_n; i++)
            suggest_offer(&s, str_of(vm->options.library->globals[i].name));
    }
    return s.best;
}

static struct span place_of(const struct frame *f) {
    size_t pc = (size_t)(f->ip - f->program->code);
    pc -= pc > 0;
    return (struct span){f->program->positions[pc], f->program->extents[pc]};
}

static void trace_line(const struct frame *f, struct buf *out) {
    const struct frame *from = f->caller;
    struct str file = from->program->source.name;
    uint32_t line, column;
    source_locate(from->program->source.text, place_of(from).at, &line, &column, NULL);
    if (out->n)
        buf_add_char(out, '\n');
    if (f->kind == FRAME_BLOCK)
        buf_printf(out, "in block '%.*s', rendered at ", STR_ARG(f->function->name));
    else if (f->kind == FRAME_MACRO && f->function->name.n)
        buf_printf(out, "in macro '%.*s', called at ", STR_ARG(f->function->name));
    else if (f->function->is_loop)
        buf_add_text(out, "in a recursive loop, called at ");
    else if (f->kind == FRAME_FAMILY_BLOCK)
        buf_printf(out, "in block '%.*s' of %.*s, called at ", STR_ARG(f->function->name),
                   STR_ARG(f->program->source.name));
    else
        buf_add_text(out, f->kind == FRAME_MACRO    ? "in a call block, called at "
                          : f->kind == FRAME_PARENT ? "extended at "
                          : f->kind == FRAME_IMPORT ? "imported at "
                                                    : "included at ");
    buf_printf(out, "%.*s:%" PRIu32 ":%" PRIu32, STR_ARG(file), line, column);
}

// The undefined a message is about, where a library function complained of it: it still is on the stack.
static void find_suspect(struct vm *vm, const struct frame *f, const struct value *top) {
    struct str text = vm->fault_text;
    for (const struct value *v = top; v > f->stack && vm->suspect.tag != VALUE_UNDEFINED;) {
        if ((--v)->tag != VALUE_UNDEFINED || v->n == 0)
            continue;
        const char *at = memmem(text.p, text.n, v->s, v->n);
        if (at && at > text.p && at[-1] == '\'')
            vm->suspect = *v;
    }
}

void fault_make(struct vm *vm, struct frame *f, const struct value *top) {
    if (vm->fault)
        return;
    if (!vm->fault_text.p)
        vm->fault_text = STR("a function failed without a reason");
    find_suspect(vm, f, top);
    struct span span = place_of(f);
    const struct diag *made =
        diag_make(&vm->faults, &f->program->source, span, "%.*s", STR_ARG(vm->fault_text));
    struct buf hint = BUF_INIT;
    if (vm->fault_hint.p)
        buf_add_str(&hint, vm->fault_hint);
    struct str best = vm->suspect.tag == VALUE_UNDEFINED ? nearest(vm, f) : (struct str){NULL, 0};
    if (best.p && hint.n)
        buf_add_char(&hint, '\n');
    if (best.p)
        buf_printf(&hint, "did you mean \"%.*s\"?", STR_ARG(best));
    uint32_t lines = 0, left_out = 0;
    for (const struct frame *at = f; at->caller; at = at->caller) {
        if (lines++ < TRACE_LINES)
            trace_line(at, &hint);
        else
            left_out++;
    }
    if (left_out)
        buf_printf(&hint, "\nand %" PRIu32 " more", left_out);
    struct diag *diag = ARENA_NEW(&vm->faults, struct diag);
    if (diag && hint.n) {
        *diag = *made;
        diag->hint = arena_str(&vm->faults, buf_str(&hint));
        made = diag;
    }
    buf_release(&hint);
    vm->fault = made;
}

bool vm_missed(const struct vm *vm) {
    return vm->suspect.tag == VALUE_UNDEFINED;
}
