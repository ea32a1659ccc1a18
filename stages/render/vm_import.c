// SPDX-License-Identifier: MIT
/*
 * Modules: what a template sets at its top level, as an object. A module that sees no context depends on nothing
 * but globals; it is made once an item, not once a machine, since it may hold what templates can change.
 */
#include <inttypes.h>

#include "base/suggest.h"
#include "stages/render/vm_private.h"

struct module {
    struct object base;
    struct str name;
    const struct family *family;
    struct str text; // what its body wrote
};

// ---- what a module with context sees: a copy of what is visible now

static uint32_t levels_count(const struct context *context) {
    uint32_t n = 0;
    for (const struct level *l = context->shows_levels ? context->family->levels : NULL; l; l = l->older)
        n += l->exports->n;
    return n;
}

struct snapshot {
    struct scope_entry *entries;
    struct value *values;
    uint32_t n;
};

static void snapshot_add(struct snapshot *s, const struct scope_table *table, const struct env *env) {
    for (uint32_t i = 0; table && i < table->n; i++) {
        const struct env *at = env;
        for (uint16_t k = 0; k < table->entries[i].outer; k++)
            at = at->outer;
        struct value v = at->slots[table->entries[i].slot];
        if (v.tag == VALUE_MISSING)
            continue;
        s->entries[s->n] = (struct scope_entry){.name = table->entries[i].name, .slot = (uint16_t)s->n};
        s->values[s->n++] = v;
    }
}

static struct context *snapshot_take(struct call *call, struct frame *f, const struct scope_table *table) {
    size_t n = table->n;
    for (const struct context *c = f->context; c; c = c->outer)
        n += (c->table ? c->table->n : 0) + levels_count(c);
    struct context *context = arena_zero(call->arena, sizeof *context);
    struct env *env = arena_zero(call->arena, sizeof *env);
    struct scope_table *visible = arena_zero(call->arena, sizeof *visible);
    struct snapshot s = {arena_alloc(call->arena, (n + 1) * sizeof *s.entries),
                         arena_alloc(call->arena, (n + 1) * sizeof *s.values), 0};
    if (n > UINT16_MAX || !context || !env || !visible || !s.entries || !s.values) {
        call_no_memory(call);
        return NULL;
    }
    snapshot_add(&s, table, f->env);
    for (const struct context *c = f->context; c; c = c->outer) {
        snapshot_add(&s, c->table, c->frame ? c->frame->env : c->env);
        for (const struct level *l = c->shows_levels ? c->family->levels : NULL; l; l = l->older)
            snapshot_add(&s, l->exports, l->env);
    }
    *visible = (struct scope_table){s.n, s.entries};
    env->slots = s.values;
    *context = *f->context;
    context->scope_key = s.n ? context_chained() : NULL;
    context->table = s.n ? visible : NULL;
    context->frame = NULL;
    context->env = env;
    context->outer = NULL;
    context->family = NULL;
    context->shows_levels = false;
    context->persistent = true;
    return context;
}

// ---- modules

static bool module_run(struct call *call, struct code_state *state, struct context *context,
                       struct value *out) {
    struct vm *vm = call->vm;
    struct module *module = arena_alloc(call->arena, sizeof *module);
    struct family *family = NULL;
    struct value text;
    if (!module)
        return call_no_memory(call);
    capture_begin(vm);
    bool autoescape = vm->autoescape;
    vm->autoescape = state->program->autoescape;
    vm->includes++;
    bool fine = family_run(call, FRAME_IMPORT, state, context, &family);
    vm->includes--;
    vm->autoescape = autoescape;
    if (!fine) {
        vm->output.n = vm->captures[--vm->captures_n];
        return false;
    }
    if (!capture_end(call, true, &text))
        return false;
    *module = (struct module){{&module_type}, state->name, family, value_str(text)};
    *out = value_object(&module->base);
    return true;
}

// With the context a module sees.
static bool module_make(struct call *call, struct frame *f, struct code_state *state, struct context *context,
                        struct value *out) {
    struct vm *vm = call->vm;
    if (!context || !step_take(call))
        return false;
    if (vm->includes >= vm->limits.include_depth)
        return includes_too_deep(call, f, state->program);
    return module_run(call, state, context, out);
}

bool module_bare(struct call *call, struct frame *f, struct code_state *state, struct value *out) {
    struct vm *vm = call->vm;
    if (state->module_item == vm->item_number) {
        *out = state->module;
        return true;
    }
    if (!module_make(call, f, state, &vm->bare, out))
        return false;
    state->module = *out;
    state->module_item = vm->item_number;
    return true;
}

static bool module_import(struct call *call, struct frame *f, const struct instruction *in,
                          struct code_state *state, struct value *out) {
    if (!in->a)
        return module_bare(call, f, state, out);
    return module_make(call, f, state, snapshot_take(call, f, &f->program->scopes[in->b]), out);
}

bool import_ref(struct call *call, struct frame *f, const struct instruction *in, struct value *out) {
    struct code_state *state = template_linked(call, f, in);
    return state && module_import(call, f, in, state, out);
}

bool import_named(struct call *call, struct frame *f, const struct instruction *in, struct value name,
                  struct value *out) {
    struct code_state *state = template_named(call, f, name);
    return state && module_import(call, f, in, state, out);
}

void module_offer(const struct object *self, struct suggestion *s) {
    const struct module *module = (const struct module *)self;
    for (const struct level *l = module->family->levels; l; l = l->older)
        for (uint32_t i = 0; i < l->exports->n; i++)
            if (!l->exports->entries[i].is_imported && l->exports->entries[i].name.p[0] != '_')
                suggest_offer(s, l->exports->entries[i].name);
}

static void module_missed(struct vm *vm, const struct object *self, struct str name, const char *text) {
    vm->missed_in = NULL;
    vm->missed_blocks = NULL;
    vm->missed_module = self;
    vm->missed_export = name;
    vm->missed_name = text;
}

static struct value module_get(struct vm *vm, struct object *self, struct str name) {
    const struct module *module = (const struct module *)self;
    if (str_is(name, "__name__"))
        return value_string(module->name);
    if (name.n && name.p[0] == '_')
        return value_missing();
    for (const struct level *l = module->family->levels; l; l = l->older)
        for (uint32_t i = 0; i < l->exports->n; i++) {
            const struct scope_entry *e = &l->exports->entries[i];
            struct value v = e->is_imported ? value_missing() : l->env->slots[e->slot];
            if (v.tag != VALUE_MISSING && str_equal(e->name, name))
                return v;
        }
    module_missed(vm, self, name, name.p);
    return value_missing();
}

bool module_export(struct call *call, const struct frame *f, const struct instruction *in,
                   struct value module, struct value *out) {
    struct str name = value_str(f->program->constants[in->c]);
    if (module.tag != VALUE_OBJECT || module.object->type != &module_type)
        return call_fail(call, "this is no module");
    *out = module_get(call->vm, module.object, name);
    if (out->tag != VALUE_MISSING)
        return true;
    uint32_t line, column;
    source_locate(f->program->source.text, f->program->positions[in - f->program->code], &line, &column,
                  NULL);
    *out = undefined_saying(
        call, "the template '%.*s' (imported on line %" PRIu32 ") does not export the requested name '%.*s'",
        STR_ARG(((const struct module *)module.object)->name), line, STR_ARG(name));
    module_missed(call->vm, module.object, name, out->s);
    return true;
}

static bool module_print(struct vm *vm, struct object *self, struct buf *out) {
    (void)vm;
    buf_printf(out, "<TemplateModule '%.*s'>", STR_ARG(((const struct module *)self)->name));
    return true;
}

static struct str module_markup(const struct object *self) {
    return ((const struct module *)self)->text;
}

const struct object_type module_type = {
    .name = "TemplateModule", .get = module_get, .print = module_print, .markup = module_markup};
