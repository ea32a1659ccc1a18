// SPDX-License-Identifier: MIT
#include "stages/compile/tree.h"

#include "base/mem.h"
#include "stages/program/program.h"

struct node *node_new(struct arena *arena, enum node_kind kind, struct span span) {
    struct node *node = ARENA_NEW(arena, struct node);
    if (!node)
        mem_fail(sizeof *node);
    node->kind = (uint8_t)kind;
    node->span = span;
    node->height = 1;
    return node;
}

struct node *node_const(struct arena *arena, struct span span, struct value v) {
    struct node *node = node_new(arena, NODE_CONST, span);
    node->value = v;
    return node;
}

void node_append(struct node_list *list, struct node *node) {
    if (list->last)
        list->last->next = node;
    else
        list->first = node;
    list->last = node;
}

bool node_raise(struct node *node, const struct node *child) {
    if (child && child->height >= node->height)
        node->height = (uint16_t)(child->height + 1);
    return node->height <= TREE_HEIGHT;
}

static uint8_t mark(struct node *node);

uint8_t tree_mark(struct node *chain) {
    unsigned uses = 0;
    for (; chain; chain = chain->next)
        uses |= mark(chain);
    return (uint8_t)uses;
}

static uint8_t mark_name(const struct node *node) {
    static const struct {
        const char *name;
        uint8_t use;
    } special[] = {
        {"loop", USES_LOOP}, {"varargs", USES_VARARGS}, {"kwargs", USES_KWARGS}, {"caller", USES_CALLER}};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (str_is(node->name, special[i].name))
            return special[i].use;
    return 0;
}

// A macro hides its parameters' names from what is around it.
static unsigned mark_macro(struct node *node) {
    node->uses = tree_mark(node->macro.body);
    unsigned uses = node->uses;
    for (struct node *p = node->macro.parameters; p; p = p->next) {
        uses &= ~(unsigned)mark_name(p);
        uses |= tree_mark(p->left);
    }
    if (uses & USES_LOOP)
        uses |= USES_LOOP_INSIDE;
    return uses;
}

// All of a recursive loop but what it is first over is a function of its own.
static unsigned mark_for(struct node *node) {
    node->uses = tree_mark(node->loop.body);
    unsigned uses = node->uses;
    uses |= tree_mark(node->loop.filter);
    uses |= tree_mark(node->loop.otherwise);
    if (node->flags && uses & USES_LOOP)
        uses |= USES_LOOP_INSIDE;
    if (node->flags)
        node->uses |= USES_LOOP;
    return uses;
}

static uint8_t mark(struct node *node) {
    unsigned uses = node->left ? tree_mark(node->left) : 0;
    switch ((enum node_kind)node->kind) {
    case NODE_NAME:
        uses |= mark_name(node);
        break;
    case NODE_ITEM:
    case NODE_BINARY:
    case NODE_CHOICE:
        uses |= tree_mark(node->right);
        if (node->kind == NODE_CHOICE)
            uses |= tree_mark(node->condition);
        break;
    case NODE_SLICE:
        uses |= tree_mark(node->slice.start);
        uses |= tree_mark(node->slice.stop);
        uses |= tree_mark(node->slice.step);
        break;
    case NODE_CALL:
    case NODE_FILTER:
    case NODE_TEST:
        uses |= tree_mark(node->call.args);
        uses |= tree_mark(node->call.keywords);
        uses |= tree_mark(node->call.unpacked);
        uses |= tree_mark(node->call.unpacked_keywords);
        break;
    case NODE_COMPARE:
    case NODE_CONCAT:
    case NODE_LIST:
    case NODE_TUPLE:
    case NODE_MAP:
        uses |= tree_mark(node->items);
        break;
    case NODE_IF:
    case NODE_BRANCH:
    case NODE_CAPTURE:
    case NODE_WITH:
    case NODE_AUTOESCAPE:
        uses |= tree_mark(node->block.items);
        uses |= tree_mark(node->block.body);
        break;
    case NODE_FOR:
        uses |= mark_for(node);
        break;
    case NODE_SET_ATTR:
        uses |= tree_mark(node->target);
        break;
    case NODE_MACRO:
    case NODE_CALL_BLOCK:
        uses |= mark_macro(node);
        break;
    case NODE_INCLUDE:
        uses |= USES_INCLUDE;
        break;
    case NODE_IMPORT:
        if (node->flags)
            uses |= USES_INCLUDE;
        break;
    case NODE_FAMILY_BLOCK: // what it names is not what is around it, but a scoped one may look at the loop
        tree_mark(node->macro.body);
        if (node->flags & BLOCK_SCOPED)
            uses |= USES_LOOP | USES_INCLUDE;
        break;
    default:
        break;
    }
    return (uint8_t)uses;
}
