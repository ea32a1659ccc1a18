// SPDX-License-Identifier: MIT
// Macros and call blocks: functions with parameters, defaults and the special variables that their bodies name.
#include "stages/compile/codegen.h"
#include "stages/program/program.h"

static void code_parameters(struct codegen *g, struct node *node) {
    struct function *f = g->function;
    for (struct node *p = node->macro.parameters; p; p = p->next)
        f->parameters_n++;
    struct parameter *parameters = code_alloc(g, (f->parameters_n + 1) * sizeof *parameters);
    f->parameters = parameters;
    uint32_t n = 0;
    for (struct node *p = node->macro.parameters; p; p = p->next) {
        struct variable *v = code_declare(g, p->name, p->left ? VARIABLE_PENDING : VARIABLE_ALWAYS);
        parameters[n++] = (struct parameter){v->symbol->text, p->left != NULL};
    }
}

static void code_special(struct codegen *g, const struct node *node, enum node_uses use, struct str name,
                         int32_t *slot) {
    const struct variable *v = code_symbol(g, name)->variable;
    if (!(node->uses & use))
        return;
    if (v && v->scope == g->scope) { // a parameter of that name is just that
        if (use == USES_CALLER && v->kind == VARIABLE_ALWAYS)
            diags_error(g->diags, &g->p->source, node->span,
                        "a parameter 'caller' must have a default, or be left out");
        return;
    }
    *slot = code_declare(g, name, VARIABLE_ALWAYS)->slot;
}

static void code_defaults(struct codegen *g, struct node *node) {
    for (struct node *p = node->macro.parameters; p; p = p->next) {
        if (!p->left)
            continue;
        struct variable *v = code_symbol(g, p->name)->variable;
        uint32_t given = 0;
        p->left = tree_fold(g->scratch, p->left);
        g->span = p->span;
        code_emit(g, OP_SLOT, 0, v->slot, 0);
        code_jump(g, OP_JUMP_IF_SET, 0, &given);
        code_expression(g, p->left);
        g->span = p->span;
        code_land(g, &given);
        code_emit(g, OP_STORE, 0, v->slot, 0);
        v->kind = VARIABLE_ALWAYS;
    }
}

void code_function(struct codegen *g, struct node *node) {
    struct function *f = code_scratch(g, sizeof *f);
    bool soft = g->soft, guarded = g->guarded;
    g->soft = g->guarded = false;
    code_open_function(g, f, node->macro.name);
    if (f->depth > UINT8_MAX)
        code_too_large(g, "macros are nested too deep");
    struct scope scope, body;
    code_open_scope(g, &scope);
    code_parameters(g, node);
    code_special(g, node, USES_VARARGS, STR("varargs"), &f->varargs);
    code_special(g, node, USES_KWARGS, STR("kwargs"), &f->kwargs);
    code_special(g, node, USES_CALLER, STR("caller"), &f->caller);
    code_defaults(g, node);
    code_open_scope(g, &body);
    body.keeps_targets = body.is_top = true;
    for (const struct node *p = node->macro.parameters; p; p = p->next)
        code_settle_read(g, p->left);
    code_declare_sets(g, node->macro.body, false);
    code_statements(g, node->macro.body);
    g->span = node->span;
    code_emit(g, OP_RETURN, 0, 0, 0);
    code_close_scope(g);
    code_close_scope(g);
    code_close_function(g);
    g->soft = soft;
    g->guarded = guarded;
    g->span = node->span;
    g->function->macros++;
    code_emit(g, OP_MACRO, 0, 0, f->index);
}

void code_macro(struct codegen *g, struct node *node) {
    struct node name = {.kind = NODE_NAME, .span = node->span, .name = node->macro.name};
    code_function(g, node);
    code_store_name(g, &name);
}

void code_call_block(struct codegen *g, struct node *node) {
    struct node *call = tree_fold(g->scratch, node->left);
    uint32_t positional;
    code_expression(g, call->left);
    code_arguments(g, call, node, &positional);
    g->span = call->span;
    code_emit(g, OP_CALL, 0, 0, code_call_shape(g, positional, call, true));
    code_emit(g, OP_EMIT, 0, 0, 0);
}
