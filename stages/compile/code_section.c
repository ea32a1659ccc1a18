// SPDX-License-Identifier: MIT
// Mustache's part of the tree: names in the context stack, sections, partials, blocks.
#include "base/mem.h"
#include "stages/compile/codegen.h"
#include "stages/program/program.h"

enum { PARTIALS_LIMIT = UINT16_MAX };

bool code_section_expression(struct codegen *g, struct node *node) {
    switch ((enum node_kind)node->kind) {
    case NODE_LOOKUP:
        code_emit(g, OP_LOOKUP, 0, 0, code_string(g, node->name));
        return true;
    case NODE_FIELD:
        code_expression(g, node->left);
        g->span = node->span;
        code_emit(g, OP_FIELD, 0, 0, code_string(g, node->name));
        return true;
    case NODE_CURRENT:
        code_emit(g, OP_CURRENT, 0, 0, 0);
        return true;
    default:
        return false;
    }
}

static void code_put(struct codegen *g, struct node *node) {
    bool escaped = node->flags & 1;
    if (node->left->kind == NODE_LOOKUP) {
        g->span = node->span;
        code_emit(g, OP_PUT_LOOKUP, escaped, 0, code_string(g, node->left->name));
        return;
    }
    code_expression(g, node->left);
    g->span = node->span;
    code_emit(g, OP_PUT, escaped, 0, 0);
}

static void code_section(struct codegen *g, struct node *node) {
    uint32_t over = 0;
    code_expression(g, node->left);
    g->span = node->span;
    if (node->flags & 1) {
        code_jump(g, OP_INVERTED, 0, &over);
        code_statements(g, node->part.body);
        code_land(g, &over);
        return;
    }
    uint32_t slot = code_open_loop(g);
    code_jump(g, OP_SECTION, slot, &over);
    uint32_t begin = code_here(g);
    code_statements(g, node->part.body);
    g->span = node->span;
    code_emit(g, OP_SECTION_NEXT, 0, slot, begin);
    g->function->loops--;
    code_land(g, &over);
}

// Those without anything to tell apart are one.
static uint32_t add_partial(struct codegen *g, struct partial partial) {
    bool plain = !partial.name.n && !partial.indent.n && !partial.blocks_n;
    for (size_t i = 0; plain && i < g->partials_n; i++) {
        const struct partial *p = &g->partials[i];
        if (!p->name.n && !p->indent.n && !p->blocks_n && p->indented == partial.indented &&
            p->is_parent == partial.is_parent)
            return (uint32_t)i;
    }
    if (g->partials_n > PARTIALS_LIMIT) {
        code_too_large(g, "it has too many partials and blocks");
        return 0;
    }
    MEM_GROW(g->partials, g->partials_cap, g->partials_n + 1);
    g->partials[g->partials_n] = partial;
    return (uint32_t)g->partials_n++;
}

// The text of a block that is given to a parent: where that has the block, it is rendered with the indentation of
// that place, so its lines always count.
static uint32_t code_given_block(struct codegen *g, struct node *node) {
    struct function *f = code_scratch(g, sizeof *f);
    bool indents = g->indents;
    g->indents = true;
    code_open_function(g, f, node->part.name);
    code_statements(g, node->part.body);
    g->span = node->span;
    code_emit(g, OP_RETURN, 0, 0, 0);
    code_close_function(g);
    g->indents = indents;
    return f->index;
}

static void code_partial(struct codegen *g, struct node *node) {
    bool standalone = node->flags & PART_STANDALONE;
    struct partial partial = {.is_parent = node->flags & PART_PARENT,
                              .indented = standalone && (node->part.indent.n || g->indents)};
    if (partial.indented)
        partial.indent = code_keep(g, node->part.indent);
    for (struct node *block = node->part.items; block; block = block->next)
        partial.blocks_n++;
    struct block *blocks = partial.blocks_n ? code_alloc(g, partial.blocks_n * sizeof *blocks) : NULL;
    uint32_t n = 0;
    for (struct node *block = node->part.items; block; block = block->next)
        blocks[n++] = (struct block){code_keep(g, block->part.name), code_given_block(g, block)};
    partial.blocks = blocks;
    if (node->left)
        code_expression(g, node->left);
    g->span = node->span;
    uint32_t index = add_partial(g, partial);
    if (node->left) {
        code_emit(g, OP_PARTIAL_NAMED, 0, index, 0);
        return;
    }
    const char *language = partial.indented ? LANGUAGE_MUSTACHE_INDENTED : LANGUAGE_MUSTACHE;
    code_emit(g, OP_PARTIAL, 0, index, code_ref(g, node->part.name, language, node->span, true));
}

static void code_block(struct codegen *g, struct node *node) {
    uint32_t given = 0;
    struct partial partial = {.name = code_keep(g, node->part.name),
                              .indent = code_keep(g, node->part.indent)};
    g->span = node->span;
    uint32_t index = add_partial(g, partial);
    given = code_emit(g, OP_BLOCK, (node->flags & PART_IN_LINE) != 0, index, 0) + 1;
    code_statements(g, node->part.body);
    code_land(g, &given);
}

bool code_section_statement(struct codegen *g, struct node *node) {
    switch ((enum node_kind)node->kind) {
    case NODE_PUT:
        code_put(g, node);
        return true;
    case NODE_SECTION:
        code_section(g, node);
        return true;
    case NODE_INDENT:
        g->span = node->span;
        if (g->indents)
            code_emit(g, OP_INDENT, 0, 0, 0);
        return true;
    case NODE_PARTIAL:
        code_partial(g, node);
        return true;
    case NODE_BLOCK:
        code_block(g, node);
        return true;
    default:
        return false;
    }
}
