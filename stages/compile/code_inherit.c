// SPDX-License-Identifier: MIT
/*
 * Inheritance and imports.
 *
 * A block is a function outside of all others, made after the body it stands in. What a template that extends
 * another writes outside of blocks is not to be seen: where it is certain that it extends, such output makes no
 * code; where that depends on the data, it is guarded. As in Jinja2 this holds for text and {{ }} wherever they
 * are, and for blocks at the top level only.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stages/compile/codegen.h"
#include "stages/program/program.h"

// Outside of all scopes but the body's own; `if` has none.
static bool is_top_level(const struct codegen *g) {
    return !g->function->outer && !g->block && !g->scope->outer;
}

bool code_output_begin(struct codegen *g, uint32_t *guard) {
    *guard = 0;
    if (!g->guarded || !g->extends)
        return true;
    if (g->extends_surely)
        return false;
    code_jump(g, OP_JUMP_IF_CHILD, 0, guard);
    return true;
}

// The name of a template: constant ones become references, others are left on the stack.
static bool code_template(struct codegen *g, struct node *node, uint32_t *ref) {
    node->left = tree_fold(g->scratch, node->left);
    const struct node *name = node->left;
    bool constant = name->kind == NODE_CONST && value_is_string(name->value);
    if (constant)
        *ref = code_ref(g, value_str(name->value), NULL, name->span, false);
    else
        code_expression(g, node->left);
    g->span = name->span;
    return constant;
}

void code_extends(struct codegen *g, struct node *node) {
    if (!is_top_level(g)) {
        diags_error(g->diags, &g->p->source, node->span,
                    "'extends' must be at the top level of the template or in an 'if' there");
        return;
    }
    uint32_t ref;
    if (code_template(g, node, &ref))
        code_emit(g, OP_EXTENDS, 0, 0, ref);
    else
        code_emit(g, OP_EXTENDS_NAMED, 0, 0, 0);
    g->p->inherits = true;
    g->extends = true;
    g->extends_span = node->left->span;
    g->extends_surely |= !g->soft;
}

// ---- blocks

static bool is_defined(struct codegen *g, const struct node *node) {
    for (size_t i = 0; i < g->blocks_n; i++) {
        const struct node *other = g->blocks[i];
        if (!str_equal(other->macro.name, node->macro.name))
            continue;
        uint32_t line, column;
        source_locate(g->p->source.text, other->span.at, &line, &column, NULL);
        struct diag *diag = diags_error(g->diags, &g->p->source, node->span, "there are two blocks '%.*s'",
                                        STR_ARG(node->macro.name));
        diag_hint(g->diags, diag, "the first one is in line %u", (unsigned)line);
        return true;
    }
    return false;
}

void code_family_block(struct codegen *g, struct node *node) {
    uint32_t guard = 0;
    if (is_defined(g, node))
        return;
    MEM_GROW(g->blocks, g->blocks_cap, g->blocks_n + 1);
    g->blocks[g->blocks_n++] = node;
    g->p->inherits = true;
    bool top = is_top_level(g);
    if (top && g->extends_surely)
        return;
    g->span = node->span;
    if (top && g->extends)
        code_jump(g, OP_JUMP_IF_CHILD, 0, &guard);
    code_emit(g, OP_FAMILY_BLOCK, node->flags, code_scope_table(g, !(node->flags & BLOCK_SCOPED)),
              code_string(g, node->macro.name));
    code_land(g, &guard);
}

static uint32_t block_function(struct codegen *g, struct node *node) {
    struct function *f = code_scratch(g, sizeof *f);
    struct scope scope;
    g->block = node;
    g->guarded = g->soft = false;
    g->loops = 0;
    code_open_function(g, f, node->macro.name);
    code_open_scope(g, &scope);
    code_declare_sets(g, node->macro.body, false);
    code_statements(g, node->macro.body);
    g->span = node->span;
    code_emit(g, OP_RETURN, 0, 0, 0);
    code_close_scope(g);
    code_close_function(g);
    g->block = NULL;
    return f->index;
}

static int by_name(const void *a, const void *b) {
    return str_compare(((const struct block_code *)a)->name, ((const struct block_code *)b)->name);
}

void code_family_blocks(struct codegen *g) {
    size_t cap = 0;
    struct block_code *blocks = NULL;
    for (size_t i = 0; i < g->blocks_n; i++) { // grows meanwhile: there are blocks in blocks
        struct node *node = g->blocks[i];
        MEM_GROW(blocks, cap, i + 1);
        blocks[i].function = block_function(g, node);
        blocks[i].name = code_symbol(g, node->macro.name)->text;
    }
    g->p->blocks_n = (uint32_t)g->blocks_n;
    g->p->blocks = code_alloc(g, (g->blocks_n + 1) * sizeof *g->p->blocks);
    if (g->blocks_n) {
        memcpy(g->p->blocks, blocks, g->blocks_n * sizeof *blocks);
        qsort(g->p->blocks, g->blocks_n, sizeof *blocks, by_name);
    }
    mem_free(blocks);
}

bool code_is_special(const struct codegen *g, struct str name) {
    return !g->p->is_expression && (str_is(name, "self") || (g->block && str_is(name, "super")));
}

void code_special_name(struct codegen *g, struct str name) {
    g->p->inherits = true;
    if (str_is(name, "self"))
        code_emit(g, OP_SELF, 0, 0, 0);
    else
        code_emit(g, OP_SUPER, 0, 0, code_string(g, g->block->macro.name));
}

// ---- modules

void code_exports(struct codegen *g) {
    uint32_t n = 0;
    for (const struct variable *v = g->scope->variables; v; v = v->next)
        n++;
    struct scope_entry *entries = code_alloc(g, (n + 1) * sizeof *entries);
    g->p->exports = (struct scope_table){n, entries};
    for (const struct variable *v = g->scope->variables; v; v = v->next)
        *entries++ =
            (struct scope_entry){.name = v->symbol->text, .slot = v->slot, .is_imported = v->is_imported};
}

void code_import(struct codegen *g, struct node *node) {
    uint32_t ref, scope = code_scope_table(g, !node->flags);
    if (code_template(g, node, &ref))
        code_emit(g, OP_IMPORT, node->flags, scope, ref);
    else
        code_emit(g, OP_IMPORT_NAMED, node->flags, scope, 0);
    if (node->block.target) {
        code_store(g, node->block.target);
        return;
    }
    for (const struct node *name = node->block.items; name; name = name->next) {
        g->span = name->span;
        code_emit(g, OP_DUP, 0, 0, 0);
        code_emit(g, OP_IMPORTED, 0, 0, code_string(g, name->name));
        code_store(g, name->target);
    }
    code_emit(g, OP_POP, 0, 0, 0);
}
