// SPDX-License-Identifier: MIT
/*
 * Inheritance. A lineage is a chain of programs that extend one another; the machine has one of each, for as long
 * as it lives, so that an instruction may remember what its block was in it. A family is a lineage at work on one
 * item: it grows while the item is rendered, and knows the slots that its bodies show to each other.
 */
#include "base/mem.h"
#include "base/suggest.h"
#include "stages/render/vm_private.h"

struct block_ref {
    struct object base;
    const struct lineage *lineage, *at; // where it was found; at->state has it
    struct context *context;
    struct str name;
};

struct block_table {
    struct object base;
    struct context *context;
};

// ---- lineages

static struct lineage *lineage_new(struct code_state *state, const struct lineage *child) {
    struct lineage *l = MEM_NEW(struct lineage);
    l->state = state;
    l->child = child;
    l->has_exports = state->program->exports.n || (child && child->has_exports);
    return l;
}

static struct lineage *lineage_of(struct code_state *state) {
    if (!state->lineage)
        state->lineage = lineage_new(state, NULL);
    return state->lineage;
}

static struct lineage *lineage_extend(struct lineage *lineage, struct code_state *state) {
    for (struct lineage *l = lineage->parents; l; l = l->next)
        if (l->state == state)
            return l;
    struct lineage *parent = lineage_new(state, lineage);
    parent->next = lineage->parents;
    return lineage->parents = parent;
}

void lineage_free(struct lineage *lineage) {
    while (lineage) { // those that extend it take its place
        struct lineage *gone = lineage, **end = &gone->parents;
        while (*end)
            end = &(*end)->next;
        *end = gone->next;
        lineage = gone->parents;
        mem_free(gone);
    }
}

bool lineage_exports(const struct lineage *lineage, struct str name) {
    for (const struct lineage *l = lineage; l; l = l->child) {
        const struct scope_table *exports = &l->state->program->exports;
        for (uint32_t i = 0; i < exports->n; i++)
            if (str_equal(exports->entries[i].name, name))
                return true;
    }
    return false;
}

// The first template with this block that comes before `stop` (NULL: in all of the lineage); its number: how many.
static uint32_t block_find(const struct lineage *lineage, const struct lineage *stop, struct str name,
                           const struct lineage **found) {
    uint32_t n = 0;
    for (const struct lineage *l = lineage; l != stop; l = l->child)
        if (program_block(l->state->program, name) >= 0) {
            *found = l;
            n++;
        }
    return n;
}

static const struct function_code *block_function(const struct program *p, struct str name) {
    return &p->functions[p->blocks[program_block(p, name)].function];
}

// ---- families

static void family_scope_key(struct context *context) {
    const struct lineage *lineage = context->family->lineage;
    context->scope_key = context->outer         ? context_chained()
                         : lineage->has_exports ? (const void *)lineage
                                                : NULL;
}

static bool family_begin(struct call *call, struct frame *f, struct code_state *state) {
    struct context *outer = context_persist(call, f->context);
    if (!outer)
        return false;
    struct context *context = arena_alloc(call->arena, sizeof *context);
    struct family *family = arena_alloc(call->arena, sizeof *family);
    if (!context || !family)
        return call_no_memory(call);
    *family = (struct family){.lineage = lineage_of(state)};
    *context = *outer;
    context->table = NULL;
    context->env = NULL;
    context->outer = outer->scope_key || outer->family ? outer : NULL;
    context->family = family;
    context->shows_levels = true;
    family_scope_key(context);
    f->context = context;
    return true;
}

// What the body sets at its top level is seen by the bodies and blocks of its family from now on.
static bool level_begin(struct call *call, struct frame *f) {
    struct family *family = f->context->family;
    if (!f->program->exports.n)
        return true;
    struct level *level = arena_alloc(call->arena, sizeof *level);
    if (!level)
        return call_no_memory(call);
    if (!frame_promote(call, f))
        return false;
    *level = (struct level){&f->program->exports, f->env, family->levels};
    family->levels = level;
    return true;
}

bool family_run(struct call *call, enum frame_kind kind, struct code_state *state, struct context *context,
                struct family **family) {
    struct vm *vm = call->vm;
    struct frame f;
    frame_enter(vm, &f, kind, state, &state->program->functions[0], NULL, context);
    bool fine = family_begin(call, &f, state) && level_begin(call, &f);
    if (!fine)
        fault_make(vm, &f, f.stack);
    else if (family)
        *family = f.context->family;
    fine = fine && frame_run(vm, &f);
    frame_leave(vm, &f);
    return fine;
}

static bool extend(struct call *call, struct frame *f, struct code_state *state) {
    struct family *family = f->context->family;
    if (is_child(f))
        return call_fail(call, "this template has extended another one already");
    for (const struct lineage *l = family->lineage; l; l = l->child)
        if (l->state == state)
            return call_fail(call, "the template \"%.*s\" extends itself", STR_ARG(state->name));
    family->lineage = lineage_extend(family->lineage, state);
    family_scope_key(f->context);
    return true;
}

bool extends_ref(struct call *call, struct frame *f, const struct instruction *in) {
    struct code_state *state = template_linked(call, f, in);
    return state && extend(call, f, state);
}

bool extends_named(struct call *call, struct frame *f, struct value name) {
    struct code_state *state = template_named(call, f, name);
    return state && extend(call, f, state);
}

bool parent_run(struct call *call, struct frame *f) {
    struct vm *vm = call->vm;
    struct code_state *state = f->context->family->lineage->state;
    if (!is_child(f))
        return true;
    if (!call_may_nest(call))
        return false;
    struct frame inner;
    frame_enter(vm, &inner, FRAME_PARENT, state, &state->program->functions[0], NULL, f->context);
    vm->calls++;
    bool fine = level_begin(call, &inner) && frame_run(vm, &inner);
    vm->calls--;
    frame_leave(vm, &inner);
    return fine;
}

// ---- blocks

static bool block_enter(struct call *call, struct code_state *state, const struct function_code *function,
                        struct context *context) {
    struct vm *vm = call->vm;
    if (!call_may_nest(call))
        return false;
    struct frame inner;
    frame_enter(vm, &inner, FRAME_FAMILY_BLOCK, state, function, NULL, context);
    vm->calls++;
    bool fine = vm_run(vm, &inner);
    vm->calls--;
    frame_leave(vm, &inner);
    return fine;
}

static bool block_resolve(struct call *call, const struct frame *f, const struct instruction *in,
                          struct site *site) {
    const struct lineage *lineage = f->context->family->lineage, *found = NULL;
    struct str name = value_str(f->program->constants[in->c]);
    uint32_t n = block_find(lineage, NULL, name, &found);
    if (!found)
        return call_fail(call, "there is no block '%.*s'", STR_ARG(name));
    if ((in->a & BLOCK_REQUIRED) && n < 2)
        return call_fail(call, "Required block '%.*s' not found", STR_ARG(name));
    site->hit_key = lineage;
    site->include = found->state;
    site->hit = (uint32_t)(block_function(found->state->program, name) - found->state->program->functions);
    return true;
}

bool block_run(struct call *call, struct frame *f, const struct instruction *in) {
    struct site *site = &f->sites[in - f->program->code];
    if (UNLIKELY(site->hit_key != f->context->family->lineage) && !block_resolve(call, f, in, site))
        return false;
    struct context own, *context = f->context;
    const struct scope_table *table = &f->program->scopes[in->b];
    if (table->n) {
        own = context_within(f, table);
        context = &own;
    }
    return block_enter(call, site->include, &site->include->program->functions[site->hit], context);
}

// ---- super and self

static bool block_ref_new(struct call *call, const struct lineage *at, struct context *context,
                          struct str name, struct value *out) {
    struct block_ref *ref = arena_alloc(call->arena, sizeof *ref);
    if (!ref)
        return call_no_memory(call);
    *ref = (struct block_ref){{&block_ref_type}, context->family->lineage, at, context, name};
    *out = value_object(&ref->base);
    return true;
}

static bool block_super(struct call *call, const struct lineage *lineage, const struct lineage *at,
                        struct context *context, struct str name, struct value *out) {
    const struct lineage *found = NULL;
    if (block_find(lineage, at, name, &found))
        return block_ref_new(call, found, context, name, out);
    *out = undefined_saying(call, "there is no parent block called '%.*s'", STR_ARG(name));
    return true;
}

bool super_get(struct call *call, struct frame *f, struct str name, struct value *out) {
    struct context *context = context_persist(call, f->context);
    if (!context)
        return false;
    f->context = context;
    const struct lineage *lineage = context->family->lineage, *at = lineage;
    while (at && at->state->program != f->program)
        at = at->child;
    return block_super(call, lineage, at, context, name, out);
}

bool self_get(struct call *call, struct frame *f, struct value *out) {
    struct context *context = context_persist(call, f->context);
    if (!context)
        return false;
    f->context = context;
    struct block_table *table = arena_alloc(call->arena, sizeof *table);
    if (!table)
        return call_no_memory(call);
    *table = (struct block_table){{&block_table_type}, context};
    *out = value_object(&table->base);
    return true;
}

static struct value table_get(struct vm *vm, struct object *self, struct str name) {
    struct context *context = ((struct block_table *)self)->context;
    const struct lineage *found = NULL;
    struct call call = call_of(vm, vm->frame);
    struct value v;
    if (block_find(context->family->lineage, NULL, name, &found))
        return block_ref_new(&call, found, context, name, &v) ? v : value_missing();
    vm->missed_in = NULL;
    vm->missed_blocks = context->family->lineage;
    vm->missed_name = name.p;
    return value_missing();
}

void lineage_offer(const struct lineage *lineage, struct suggestion *s) {
    for (const struct lineage *l = lineage; l; l = l->child)
        for (uint32_t i = 0; i < l->state->program->blocks_n; i++)
            suggest_offer(s, l->state->program->blocks[i].name);
}

static bool ref_invoke(struct object *self, struct call *call, const struct call_args *args) {
    const struct block_ref *ref = (const struct block_ref *)self;
    const struct program *p = ref->at->state->program;
    struct vm *vm = call->vm;
    if (args->positional_n || args->keywords_n)
        return call_fail(call, "a block takes no arguments");
    capture_begin(vm);
    if (block_enter(call, ref->at->state, block_function(p, ref->name), ref->context))
        return capture_end(call, call->autoescape, &call->result);
    vm->output.n = vm->captures[--vm->captures_n];
    return false;
}

static struct value ref_get(struct vm *vm, struct object *self, struct str name) {
    const struct block_ref *ref = (const struct block_ref *)self;
    struct call call = call_of(vm, vm->frame);
    struct value v;
    if (!str_is(name, "super") || !block_super(&call, ref->lineage, ref->at, ref->context, ref->name, &v))
        return value_missing();
    return v;
}

const struct object_type block_table_type = {.name = "TemplateReference", .get = table_get},
                         block_ref_type = {.name = "BlockReference", .get = ref_get, .invoke = ref_invoke};
