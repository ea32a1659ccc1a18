// SPDX-License-Identifier: MIT
// Mustache: names in the context stack, sections, partials, blocks. The fast paths are in vm.c.
#include <inttypes.h>
#include <string.h>

#include "stages/render/ops.h"
#include "stages/render/print.h"
#include "stages/render/vm_private.h"
#include "stages/render/vm_write.h"

static inline const struct value *section_around(const struct value *section) {
    return (const struct value *)(const void *)section[1].s;
}

bool sections_run(struct vm *vm, struct frame *f) {
    const struct context *context = f->context;
    const struct value *section = vm->section;
    struct value below = vm->bottom[0];
    struct layout own = {0}, *around = vm->layout;
    bool record_first = context != &vm->bare && !context->scope_key && !context->extra_n;
    vm->bottom[0] = record_first ? vm->item : value_missing();
    vm->section = vm->bottom;
    vm->layout = &own;
    bool fine = vm_run(vm, f);
    vm->layout = around;
    if (fine) { // a fault still wants to know what was there
        vm->section = section;
        vm->bottom[0] = below;
    }
    return fine;
}

// ---- names

static const struct value *global_find(const struct vm *vm, struct site *site, struct str name) {
    static const struct value nowhere = {.tag = VALUE_MISSING};
    const struct map *globals = vm->options.globals;
    if (!site->other) {
        int64_t at = globals ? shape_find(globals->shape, name) : -1;
        site->other = at >= 0 ? &globals->values[at] : &nowhere;
    }
    return site->other;
}

const struct value *section_resolve(struct vm *vm, const struct frame *f, struct site *site,
                                    struct str name) {
    const struct value *section = vm->section;
    for (;; section = section_around(section)) {
        if (section->tag == VALUE_MAP) {
            int32_t at = field_position(&site->name, section->map->shape, name);
            if (at >= 0)
                return &section->map->values[at];
        }
        if (section == vm->bottom)
            break;
    }
    if (section->tag == VALUE_MISSING) {
        vm->found = name_given(f->context, site, name);
        if (vm->found.tag != VALUE_MISSING)
            return &vm->found;
    }
    const struct value *global = global_find(vm, site, name);
    if (global->tag != VALUE_MISSING)
        return global;
    vm->found = value_undefined(UNDEFINED_NAME, name);
    return &vm->found;
}

struct value section_current(const struct vm *vm, const struct frame *f) {
    if (vm->section != vm->bottom)
        return vm->section[0];
    if (f->context == &vm->bare || vm->item.tag == VALUE_MISSING)
        return value_undefined(UNDEFINED_NAME, STR("."));
    return vm->item;
}

bool section_field(struct call *call, struct value v, struct str name, struct lookup *lookup,
                   struct value *out) {
    struct vm *vm = call->vm;
    if (v.tag == VALUE_UNDEFINED)
        return true;
    *out = value_undefined(UNDEFINED_ATTRIBUTE, name);
    if (v.tag == VALUE_MAP) {
        int32_t at = field_position(lookup, v.map->shape, name);
        if (at >= 0)
            *out = v.map->values[at];
        vm->missed_in = v.map;
        vm->missed_name = name.p;
    } else if (v.tag == VALUE_OBJECT && v.object->type->get) {
        struct value found = v.object->type->get(vm, v.object, name);
        if (found.tag != VALUE_MISSING)
            *out = found;
    }
    return true;
}

// ---- values

static bool is_lambda(struct call *call, const struct value *v) {
    (void)v;
    return call_fail(call, "this is a function, which Mustache calls a lambda; there are none here");
}

bool section_items(struct call *call, const struct value *v, const struct value **items, uint32_t *n) {
    switch (v->tag) {
    case VALUE_FLOAT:
        *n = v->f < 0 || v->f > 0;
        return true;
    case VALUE_BIG:
        *n = 1;
        return true;
    case VALUE_ITER:
        return op_items(call, *v, items, n);
    case VALUE_OBJECT:
        return is_lambda(call, v);
    default:
        *n = 0;
        return true;
    }
}

static bool put_undefined(struct call *call, const struct frame *f, const struct instruction *in,
                          const struct value *v) {
    if (call->vm->options.undefined == UNDEFINED_DEFAULT)
        return true;
    if (call->vm->options.undefined ==
        UNDEFINED_KEEP) { // the tag as it was written, for whoever fills it in later
        struct str tag = instruction_text(f->program, in);
        return write_text(call, tag.p, tag.n);
    }
    call->vm->suspect = *v;
    return call_fail(call, "'%.*s' is undefined", STR_ARG(value_str(*v)));
}

static bool put_string(struct call *call, struct str text, bool escaped) {
    if (!escaped)
        return write_text(call, text.p, text.n);
    print_escaped_named(text, &call->vm->output);
    return write_settle(call);
}

static bool put_container(struct call *call, const struct value *v, bool escaped) {
    static const struct json_style compact = {.item_separator = {",", 1}, .key_separator = {":", 1}};
    struct buf *text = &call->vm->text;
    buf_clear(text);
    return print_json(call, *v, &compact, text) && put_string(call, buf_str(text), escaped);
}

bool section_put(struct call *call, const struct frame *f, const struct instruction *in,
                 const struct value *v) {
    switch (v->tag) {
    case VALUE_STRING:
        return put_string(call, value_str(*v), !(v->flags & VALUE_SAFE));
    case VALUE_NONE:
        return true;
    case VALUE_BOOL:
        return v->i ? write_text(call, "true", 4) : write_text(call, "false", 5);
    case VALUE_BIG:
        return write_text(call, v->s, v->n);
    case VALUE_LIST:
    case VALUE_MAP:
        return put_container(call, v, in->a);
    case VALUE_UNDEFINED:
        return put_undefined(call, f, in, v);
    case VALUE_OBJECT:
        return is_lambda(call, v);
    default:
        return write_value(call, v, in->a);
    }
}

// ---- indentation

static bool indent_from(struct call *call, const struct layout *layout) {
    if (layout->outer && !indent_from(call, layout->outer))
        return false;
    return !layout->indent.n || write_text(call, layout->indent.p, layout->indent.n);
}

bool section_indent(struct call *call) {
    struct layout *layout = call->vm->layout;
    if (!layout->in_line)
        return indent_from(call, layout);
    layout->in_line = false;
    return true;
}

static const struct layout *indented_by(const struct layout *layout) {
    return layout->outer || layout->indent.n ? layout : NULL;
}

// ---- partials

static bool partial_run(struct call *call, struct frame *f, const struct partial *partial,
                        struct code_state *state) {
    struct vm *vm = call->vm;
    if (!step_take(call))
        return false;
    if (vm->includes >= vm->limits.include_depth)
        return includes_too_deep(call, f, state->program);
    struct layout *around = vm->layout;
    struct given given = {around->given, partial, NULL};
    struct layout layout = {.indent = partial->indent};
    if (partial->indented)
        layout.outer = indented_by(around);
    if (partial->is_parent) {
        given.state = code_state_of(vm, f->program);
        layout.given = &given;
    }
    struct frame inner;
    frame_enter(vm, &inner, FRAME_INCLUDE, state, &state->program->functions[0], NULL, f->context);
    vm->layout = &layout;
    vm->includes++;
    bool fine = vm_run(vm, &inner);
    vm->includes--;
    vm->layout = around;
    frame_leave(vm, &inner);
    return fine;
}

bool partial_ref(struct call *call, struct frame *f, const struct instruction *in) {
    struct site *site = &f->sites[in - f->program->code];
    const struct partial *partial = &f->program->partials[in->b];
    if (UNLIKELY(!site->include)) {
        const struct program *program = f->program->refs[in->c].program;
        if (!program) // there is none: it is empty
            return true;
        site->include = code_state_of(call->vm, program);
    }
    return partial_run(call, f, partial, site->include);
}

static bool name_of(struct call *call, struct value v, struct str *name) {
    struct str text;
    if (v.tag == VALUE_OBJECT)
        return is_lambda(call, &v);
    if (!print_to_str(call, v, &text))
        return false;
    bool has_extension = str_ends(text, STR(".mustache"));
    char *p = arena_printf(call->arena, "%.*s%s", STR_ARG(text), has_extension ? "" : ".mustache");
    *name = p ? str_of(p) : (struct str){NULL, 0};
    return p || call_no_memory(call);
}

bool partial_named(struct call *call, struct frame *f, const struct instruction *in, struct value v) {
    const struct partial *partial = &f->program->partials[in->b];
    struct str name;
    bool missing;
    if (v.tag == VALUE_UNDEFINED || v.tag == VALUE_NONE)
        return v.tag == VALUE_NONE || call->vm->options.undefined != UNDEFINED_STRICT ||
               put_undefined(call, f, in, &v);
    if (!name_of(call, v, &name))
        return false;
    const struct program *program =
        template_find(call, name, partial->indented ? LANGUAGE_MUSTACHE_INDENTED : LANGUAGE_MUSTACHE,
                      f->program->autoescape, &missing);
    return program ? partial_run(call, f, partial, code_state_of(call->vm, program)) : missing;
}

// ---- blocks

// The block of that name: of those given by several templates the outermost one's, which is rendered first.
static const struct block *given_find(const struct given *given, struct str name, struct code_state **state) {
    const struct block *found = NULL;
    for (; given; given = given->before)
        for (uint32_t i = 0; i < given->partial->blocks_n; i++)
            if (str_equal(given->partial->blocks[i].name, name)) {
                found = &given->partial->blocks[i];
                *state = given->state;
            }
    return found;
}

bool block_given(struct call *call, struct frame *f, const struct instruction *in, bool *is_given) {
    struct vm *vm = call->vm;
    const struct partial *partial = &f->program->partials[in->b];
    struct code_state *state = NULL;
    struct layout *around = vm->layout;
    const struct block *block = given_find(around->given, partial->name, &state);
    *is_given = block != NULL;
    if (!block)
        return true;
    if (!step_take(call))
        return false;
    if (vm->calls >= vm->limits.call_depth)
        return call_fail(call, "blocks are nested more than %" PRIu32 " deep", vm->limits.call_depth);
    struct layout layout = {
        .outer = indented_by(around), .indent = partial->indent, .given = around->given, .in_line = in->a};
    struct frame inner;
    frame_enter(vm, &inner, FRAME_BLOCK, state, &state->program->functions[block->function], NULL,
                f->context);
    vm->layout = &layout;
    vm->calls++;
    bool fine = vm_run(vm, &inner);
    vm->calls--;
    vm->layout = around;
    frame_leave(vm, &inner);
    return fine;
}
