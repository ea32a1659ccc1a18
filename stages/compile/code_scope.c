// SPDX-License-Identifier: MIT
// Scopes, variables and their slots.
#include "base/mem.h"
#include "stages/compile/codegen.h"
#include "stages/program/program.h"

enum { ENTRIES_LIMIT = 1 << 20 }; // of all scope tables together

uint32_t code_slots(struct codegen *g, uint32_t n) {
    struct function *f = g->function;
    if (f->slots + n + 3 * f->loops_max > SLOTS_LIMIT) {
        code_too_large(g, "it has too many variables");
        return 0;
    }
    uint32_t first = f->slots;
    f->slots += n;
    if (f->slots > f->slots_max)
        f->slots_max = f->slots;
    return first;
}

struct slots_mark code_slots_mark(const struct codegen *g) {
    return (struct slots_mark){g->function->slots, g->function->macros};
}

void code_slots_release(struct codegen *g, struct slots_mark mark) {
    if (g->function->macros == mark.macros)
        g->function->slots = mark.slots;
}

void code_open_scope(struct codegen *g, struct scope *scope) {
    *scope = (struct scope){
        .outer = g->scope, .function = g->function, .table = CODE_NONE, .number = ++g->scopes_opened};
    scope->mark = code_slots_mark(g);
    scope->end = &scope->variables;
    scope->is_top = !g->scope || g->scope->function != g->function;
    g->scope = scope;
}

void code_close_scope(struct codegen *g) {
    for (struct variable *v = g->scope->variables; v; v = v->next)
        v->symbol->variable = v->shadowed;
    code_slots_release(g, g->scope->mark);
    g->scope = g->scope->outer;
}

struct variable *code_declare(struct codegen *g, struct str name, enum variable_kind kind) {
    struct symbol *symbol = code_symbol(g, name);
    struct variable *v = code_scratch(g, sizeof *v);
    *v = (struct variable){.symbol = symbol,
                           .shadowed = symbol->variable,
                           .scope = g->scope,
                           .kind = (uint8_t)kind,
                           .object = CODE_NONE};
    if (kind != VARIABLE_LOOP)
        v->slot = (uint16_t)code_slots(g, 1);
    symbol->variable = v;
    *g->scope->end = v;
    g->scope->end = &v->next;
    return v;
}

static bool is_declared(const struct codegen *g, const struct symbol *symbol) {
    const struct variable *v = symbol->variable;
    return v && (v->scope == g->scope || (g->scope->keeps_targets && v->scope == g->scope->outer));
}

// Whether a module passes a name on is for the last statement that sets it to say.
static void declare_name(struct codegen *g, struct str name, enum variable_kind kind) {
    struct symbol *symbol = code_symbol(g, name);
    if (!is_declared(g, symbol))
        code_declare(g, name, kind);
    symbol->variable->is_imported = false;
}

void code_declare_targets(struct codegen *g, const struct node *target, enum variable_kind kind) {
    if (target->kind == NODE_TUPLE) {
        for (const struct node *item = target->items; item; item = item->next)
            code_declare_targets(g, item, kind);
        return;
    }
    if (target->kind != NODE_NAME) // an attribute
        return;
    if (g->loops && str_is(target->name, "loop")) {
        diags_error(g->diags, &g->p->source, target->span, "cannot assign to 'loop' inside of a for loop");
        return;
    }
    declare_name(g, target->name, kind);
}

static void declare_import(struct codegen *g, const struct node *target) {
    code_declare_targets(g, target, VARIABLE_SET);
    struct variable *v = target->kind == NODE_NAME ? code_symbol(g, target->name)->variable : NULL;
    if (v)
        v->is_imported = true;
}

static void declare_imports(struct codegen *g, const struct node *node) {
    if (node->block.target)
        declare_import(g, node->block.target);
    for (const struct node *name = node->block.items; name; name = name->next)
        declare_import(g, name->target);
}

static void declare_chain(struct codegen *g, const struct node *node) {
    for (; node; node = node->next) {
        if (node->kind == NODE_SET) {
            code_declare_targets(g, node->target, VARIABLE_SET);
        } else if (node->kind == NODE_CAPTURE && node->block.target) {
            code_declare_targets(g, node->block.target, VARIABLE_SET);
        } else if (node->kind == NODE_MACRO) {
            declare_name(g, node->macro.name, VARIABLE_SET);
        } else if (node->kind == NODE_IMPORT) {
            declare_imports(g, node);
        } else if (node->kind == NODE_IF) {
            for (const struct node *branch = node->block.items; branch; branch = branch->next)
                declare_chain(g, branch->block.body);
        }
    }
}

void code_declare_sets(struct codegen *g, const struct node *chain, bool unset) {
    uint32_t first = g->function->slots;
    unset |= first < g->function->slots_max;
    declare_chain(g, chain);
    code_settle(g, chain);
    if (unset && g->function->slots > first)
        code_emit(g, OP_UNSET, 0, first, g->function->slots - first);
}

bool code_is_sure(const struct codegen *g, const struct variable *v) {
    if (v->kind == VARIABLE_ALWAYS)
        return true;
    if (v->kind != VARIABLE_SET || !v->sure)
        return false;
    // Another function's code runs at another time, when only what is never unset again is still there.
    return v->scope->function == g->function || v->scope->is_top;
}

void code_make_sure(struct codegen *g, struct variable *v) {
    if (v->sure)
        return;
    v->sure = true;
    MEM_GROW(g->trail, g->trail_cap, g->trail_n + 1);
    g->trail[g->trail_n++] = v;
}

void code_store_name(struct codegen *g, const struct node *name) {
    struct variable *v = code_symbol(g, name->name)->variable;
    if (!v || v->kind == VARIABLE_LOOP) { // an error has been reported
        code_emit(g, OP_POP, 0, 0, 0);
        return;
    }
    code_emit(g, OP_STORE, 0, v->slot, 0);
    code_make_sure(g, v);
}

void code_store(struct codegen *g, const struct node *target) {
    if (target->kind == NODE_SET_ATTR) {
        code_expression(g, target->target);
        g->span = target->span;
        code_emit(g, OP_SET_ATTR, 0, 0, code_string(g, target->name));
        return;
    }
    if (target->kind == NODE_NAME) {
        code_store_name(g, target);
        return;
    }
    uint32_t n = 0;
    for (const struct node *item = target->items; item; item = item->next)
        n++;
    g->span = target->span;
    code_emit(g, OP_UNPACK, 0, 0, n);
    for (const struct node *item = target->items; item; item = item->next)
        code_store(g, item);
}

void code_loop_looked_at(struct codegen *g, const struct variable *loop) {
    g->function->code[loop->start].a = 1;
}

static bool is_visible(const struct variable *v) {
    return v->kind != VARIABLE_LOOP || v->object != CODE_NONE;
}

static uint32_t add_scope_table(struct codegen *g, uint32_t n, const struct scope_entry *entries) {
    if (g->scopes_n >= UINT16_MAX)
        code_too_large(g, "it has too many scopes");
    MEM_GROW(g->scopes, g->scopes_cap, g->scopes_n + 1);
    g->scopes[g->scopes_n] = (struct scope_table){n, entries};
    return (uint32_t)g->scopes_n++;
}

uint32_t code_scope_table(struct codegen *g, bool empty) {
    if (empty && g->empty_table == CODE_NONE)
        g->empty_table = add_scope_table(g, 0, NULL);
    if (empty)
        return g->empty_table;
    if (g->scope->table != CODE_NONE)
        return g->scope->table;
    uint32_t n = 0;
    for (const struct scope *s = g->scope; s; s = s->outer)
        for (const struct variable *v = s->variables; v; v = v->next)
            n += is_visible(v);
    g->scope_entries += n;
    if (g->scope_entries > ENTRIES_LIMIT) {
        code_too_large(g, "it has too many includes among too many variables");
        n = 0;
    }
    struct scope_entry *entries = code_alloc(g, (n + 1) * sizeof *entries);
    uint32_t i = 0;
    for (const struct scope *s = g->scope; s && n; s = s->outer)
        for (const struct variable *v = s->variables; v; v = v->next)
            if (is_visible(v))
                entries[i++] =
                    (struct scope_entry){.name = v->symbol->text,
                                         .outer = (uint16_t)(g->function->depth - s->function->depth),
                                         .slot = v->kind == VARIABLE_LOOP ? (uint16_t)v->object : v->slot};
    return g->scope->table = add_scope_table(g, n, entries);
}
