// SPDX-License-Identifier: MIT
// The statements, but for what has a file of its own: loops, macros, inheritance and imports, Mustache, prompts.
#include <string.h>

#include "base/mem.h"
#include "stages/compile/codegen.h"
#include "stages/program/program.h"

// ---- if

static void forget_since(struct codegen *g, size_t mark) {
    while (g->trail_n > mark)
        g->trail[--g->trail_n]->sure = false;
}

// What has become sure in every branch so far; `first` takes what the first one made so.
static void keep_sure(struct codegen *g, size_t mark, bool first, struct variable ***sure, size_t *n) {
    if (first) {
        *n = g->trail_n - mark;
        *sure = MEM_NEW_ARRAY(struct variable *, *n);
        if (*n)
            memcpy(*sure, g->trail + mark, *n * sizeof **sure);
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if ((*sure)[i]->sure)
            (*sure)[kept++] = (*sure)[i];
    *n = kept;
}

static void code_if(struct codegen *g, struct node *node) {
    uint32_t end = 0;
    struct variable **sure = NULL;
    size_t sure_n = 0;
    bool soft = g->soft, has_else = false;
    g->soft = true;
    for (struct node *branch = node->block.items; branch; branch = branch->next) {
        uint32_t next = 0;
        size_t mark = g->trail_n;
        has_else = !branch->left;
        if (branch->left) {
            branch->left = tree_fold(g->scratch, branch->left);
            code_condition(g, branch->left, false, &next);
        }
        code_statements(g, branch->block.body);
        keep_sure(g, mark, branch == node->block.items, &sure, &sure_n);
        forget_since(g, mark);
        g->span = branch->span;
        if (branch->next)
            code_jump(g, OP_JUMP, 0, &end);
        code_land(g, &next);
    }
    code_land(g, &end);
    for (size_t i = 0; i < sure_n && has_else; i++)
        code_make_sure(g, sure[i]);
    mem_free(sure);
    g->soft = soft;
}

// ---- autoescape

void code_escape_end(struct codegen *g, const struct code_escape *escape) {
    code_emit(g, OP_SLOT, 0, escape->slot, 0);
    code_emit(g, OP_AUTOESCAPE, 0, escape->slot, 0);
}

static void code_autoescape(struct codegen *g, struct node *node) {
    uint8_t outside = g->autoescape, literals = g->escape_literals;
    struct scope scope;
    struct function *f = g->function;
    node->left = tree_fold(g->scratch, node->left);
    code_expression(g, node->left);
    code_open_scope(g, &scope);
    code_settle_read(g, node->left);
    struct code_escape escape = {.outer = f->escapes, .slot = code_slots(g, 1)};
    g->span = node->left->span;
    code_emit(g, OP_AUTOESCAPE, 0, escape.slot, 0);
    // As the reference has it: within a block whose expression is no literal all is left to run time, whatever
    // further blocks say, but for literals, which are written as is right for the innermost literal expression.
    if (node->left->kind != NODE_CONST)
        g->autoescape = ESCAPE_DYNAMIC;
    else
        g->escape_literals = constant_truth(node->left->value);
    if (g->autoescape != ESCAPE_DYNAMIC)
        g->autoescape = g->escape_literals ? ESCAPE_ON : ESCAPE_OFF;
    f->escapes = &escape;
    bool soft = g->soft;
    g->soft = false;
    code_declare_sets(g, node->block.body, f->loop != NULL);
    code_statements(g, node->block.body);
    g->soft = soft;
    f->escapes = escape.outer;
    g->autoescape = outside;
    g->escape_literals = literals;
    g->span = node->span;
    code_escape_end(g, &escape);
    code_close_scope(g);
}

// ---- set, with, filter

static void code_body(struct codegen *g, struct node *body) {
    struct scope scope;
    bool soft = g->soft;
    g->soft = false;
    code_open_scope(g, &scope);
    code_declare_sets(g, body, g->function->loop != NULL);
    code_statements(g, body);
    code_close_scope(g);
    g->soft = soft;
}

static void code_capture(struct codegen *g, struct node *node) {
    g->span = node->span;
    code_emit(g, OP_CAPTURE, 0, 0, 0);
    g->function->captures++;
    bool guarded = g->guarded;
    g->guarded &= !node->block.target;
    code_body(g, node->block.body);
    g->guarded = guarded;
    g->function->captures--;
    g->span = node->span;
    // What a set block gives is markup as escaping is when it runs.
    bool is_set = node->block.target;
    code_emit(g, OP_CAPTURED, is_set && !node->left ? ESCAPE_DYNAMIC : g->autoescape, 0, 0);
    if (node->left) {
        node->left = tree_fold(g->scratch, node->left);
        code_expression(g, node->left);
        if (is_set)
            code_emit(g, OP_MARKUP, 0, 0, 0);
    }
    if (node->block.target)
        code_store(g, node->block.target);
    else
        code_emit(g, OP_EMIT, 0, 0, 0);
}

// The values are evaluated outside of the new scope, all before the first is set; then they are on the stack,
// the last on top.
static void code_with(struct codegen *g, struct node *node) {
    uint32_t n = 0;
    for (struct node *set = node->block.items; set; set = set->next, n++) {
        set->left = tree_fold(g->scratch, set->left);
        code_expression(g, set->left);
    }
    struct scope scope;
    bool soft = g->soft;
    g->soft = false;
    code_open_scope(g, &scope);
    struct node **sets = MEM_NEW_ARRAY(struct node *, n);
    n = 0;
    for (struct node *set = node->block.items; set; set = set->next) {
        code_declare_targets(g, set->target, VARIABLE_ALWAYS);
        sets[n++] = set;
    }
    while (n--)
        code_store(g, sets[n]->target);
    mem_free(sets);
    code_declare_sets(g, node->block.body, g->function->loop != NULL);
    code_statements(g, node->block.body);
    code_close_scope(g);
    g->soft = soft;
}

// ---- include

uint32_t code_ref(struct codegen *g, struct str name, const char *language, struct span span,
                  bool may_be_missing) {
    struct symbol *symbol = code_symbol(g, name);
    uint32_t *index = &symbol->refs[may_be_missing];
    if (*index != CODE_NONE && g->refs[*index].language == language)
        return *index;
    MEM_GROW(g->refs, g->refs_cap, g->refs_n + 1);
    g->refs[g->refs_n] = (struct template_ref){
        .name = symbol->text, .language = language, .span = span, .may_be_missing = may_be_missing};
    return *index = (uint32_t)g->refs_n++;
}

static void code_include(struct codegen *g, struct node *node) {
    node->left = tree_fold(g->scratch, node->left);
    uint32_t scope = code_scope_table(g, node->flags & INCLUDE_WITHOUT_CONTEXT);
    const struct node *name = node->left;
    if (name->kind == NODE_CONST && value_is_string(name->value)) {
        uint32_t ref =
            code_ref(g, value_str(name->value), NULL, name->span, node->flags & INCLUDE_IGNORE_MISSING);
        g->span = name->span;
        code_emit(g, OP_INCLUDE, node->flags, scope, ref);
        return;
    }
    code_expression(g, node->left);
    g->span = name->span;
    code_emit(g, OP_INCLUDE_NAMED, node->flags, scope, 0);
}

// ---- all

static void code_output(struct codegen *g, struct node *node) {
    uint32_t guard;
    if (!code_output_begin(g, &guard))
        return;
    if (node->kind == NODE_TEXT) {
        code_text(g, value_str(node->value), node->span);
    } else {
        node->left = tree_fold(g->scratch, node->left);
        code_print(g, node->left);
    }
    code_land(g, &guard);
}

static void code_set_attr(struct codegen *g, struct node *node) {
    node->left = tree_fold(g->scratch, node->left);
    code_expression(g, node->left);
    code_store(g, node);
}

static void code_statement(struct codegen *g, struct node *node) {
    switch ((enum node_kind)node->kind) {
    case NODE_TEXT:
    case NODE_PRINT:
        code_output(g, node);
        break;
    case NODE_IF:
        code_if(g, node);
        break;
    case NODE_FOR:
        code_loop(g, node);
        break;
    case NODE_AUTOESCAPE:
        code_autoescape(g, node);
        break;
    case NODE_SET:
        node->left = tree_fold(g->scratch, node->left);
        code_expression(g, node->left);
        g->span = node->target->span;
        code_store(g, node->target);
        break;
    case NODE_SET_ATTR:
        code_set_attr(g, node);
        break;
    case NODE_CAPTURE:
        code_capture(g, node);
        break;
    case NODE_WITH:
        code_with(g, node);
        break;
    case NODE_MACRO:
        code_macro(g, node);
        break;
    case NODE_CALL_BLOCK:
        code_call_block(g, node);
        break;
    case NODE_INCLUDE:
        code_include(g, node);
        break;
    case NODE_EXTENDS:
        code_extends(g, node);
        break;
    case NODE_FAMILY_BLOCK:
        code_family_block(g, node);
        break;
    case NODE_IMPORT:
        code_import(g, node);
        break;
    case NODE_DO:
        node->left = tree_fold(g->scratch, node->left);
        code_expression(g, node->left);
        code_emit(g, OP_POP, 0, 0, 0);
        break;
    case NODE_BREAK:
    case NODE_CONTINUE:
        code_leave_round(g, node);
        break;
    case NODE_PROMPT:
        code_prompt(g, node);
        break;
    default:
        code_section_statement(g, node);
        break;
    }
}

void code_statements(struct codegen *g, struct node *chain) {
    for (; chain; chain = chain->next) {
        struct slots_mark mark = code_slots_mark(g); // of what the statement needs for itself
        code_statement(g, chain);
        code_slots_release(g, mark);
    }
}
