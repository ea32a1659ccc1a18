// SPDX-License-Identifier: MIT
/*
 * What an unset variable means. A scope whose statements read a name before they set it, or set it in a branch only,
 * has at first what is outside. One that begins by setting it has nothing there until then: loops and macros further
 * in that read it earlier find it undefined, though the record may have a field of that name. As in Jinja2, only what
 * the scope's own statements read counts, not the bodies that are scopes of their own.
 */
#include "stages/compile/codegen.h"

static void read_chain(struct codegen *g, const struct node *chain);

static void read_node(struct codegen *g, const struct node *node) {
    read_chain(g, node->left);
    switch ((enum node_kind)node->kind) {
    case NODE_NAME:
        code_symbol(g, node->name)->read = g->scope->number;
        break;
    case NODE_ITEM:
    case NODE_BINARY:
    case NODE_CHOICE:
        read_chain(g, node->right);
        if (node->kind == NODE_CHOICE)
            read_chain(g, node->condition);
        break;
    case NODE_SLICE:
        read_chain(g, node->slice.start);
        read_chain(g, node->slice.stop);
        read_chain(g, node->slice.step);
        break;
    case NODE_CALL:
    case NODE_FILTER:
    case NODE_TEST:
        read_chain(g, node->call.args);
        read_chain(g, node->call.keywords);
        read_chain(g, node->call.unpacked);
        read_chain(g, node->call.unpacked_keywords);
        break;
    case NODE_COMPARE:
    case NODE_CONCAT:
    case NODE_LIST:
    case NODE_TUPLE:
    case NODE_MAP:
        read_chain(g, node->items);
        break;
    default:
        break;
    }
}

static void read_chain(struct codegen *g, const struct node *chain) {
    for (; chain; chain = chain->next)
        read_node(g, chain);
}

static void set_name(struct codegen *g, struct str name, bool in_branch) {
    struct symbol *symbol = code_symbol(g, name);
    struct variable *v = symbol->variable;
    if (!v || v->scope != g->scope || v->kind != VARIABLE_SET || v->settled)
        return;
    v->settled = true;
    v->hides = !in_branch && symbol->read != g->scope->number && !v->shadowed;
}

static void set_target(struct codegen *g, const struct node *target, bool in_branch) {
    if (target->kind == NODE_NAME)
        set_name(g, target->name, in_branch);
    for (const struct node *item = target->kind == NODE_TUPLE ? target->items : NULL; item; item = item->next)
        set_target(g, item, in_branch);
}

static void settle(struct codegen *g, const struct node *node, bool in_branch) {
    for (; node; node = node->next)
        switch ((enum node_kind)node->kind) {
        case NODE_SET:
            read_chain(g, node->left);
            set_target(g, node->target, in_branch);
            break;
        case NODE_CAPTURE:
            if (node->block.target)
                set_target(g, node->block.target, in_branch);
            else
                read_chain(g, node->left);
            break;
        case NODE_IMPORT:
            read_chain(g, node->left);
            if (node->block.target)
                set_target(g, node->block.target, in_branch);
            for (const struct node *name = node->block.items; name; name = name->next)
                set_target(g, name->target, in_branch);
            break;
        case NODE_MACRO:
            set_name(g, node->macro.name, in_branch);
            break;
        case NODE_IF:
            for (const struct node *branch = node->block.items; branch; branch = branch->next) {
                read_chain(g, branch->left);
                settle(g, branch->block.body, true);
            }
            break;
        case NODE_WITH:
            for (const struct node *set = node->block.items; set; set = set->next)
                read_chain(g, set->left);
            break;
        case NODE_AUTOESCAPE: // a scope of its own, its expression too
            break;
        default:
            read_chain(g, node->left);
        }
}

void code_settle_read(struct codegen *g, const struct node *expression) {
    read_chain(g, expression);
}

void code_settle(struct codegen *g, const struct node *chain) {
    settle(g, chain, false);
}
