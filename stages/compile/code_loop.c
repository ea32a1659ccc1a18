// SPDX-License-Identifier: MIT
/*
 * Loops of Jinja. A filtered loop that looks at `loop` gathers the elements first. A recursive one is a function over its
 * first parameter, called once here and again by whoever calls `loop`.
 */
#include "stages/compile/codegen.h"
#include "stages/program/program.h"

// The slots of a recursive loop's function: what it is over, itself, and its depth.
enum { RECURSIVE_ITEMS, RECURSIVE_SELF, RECURSIVE_DEPTH, RECURSIVE_SLOTS };

static void code_iterable(struct codegen *g, struct node *iterable) {
    if (iterable)
        code_expression(g, iterable);
    else
        code_emit(g, OP_SLOT, 0, RECURSIVE_ITEMS, 0);
}

// The elements that pass the filter, collected into a list: what `loop` counts are those.
static void code_collect(struct codegen *g, struct node *node, struct node *iterable, uint32_t loop) {
    uint32_t list = code_slots(g, 2), element = list + 1, over = 0, next;
    code_emit(g, OP_LIST, 0, 0, 0);
    code_emit(g, OP_STORE, 0, list, 0);
    code_iterable(g, iterable);
    g->span = node->left->span;
    code_emit(g, OP_FOR, 0, loop, 0);
    next = code_here(g);
    code_jump(g, OP_FOR_NEXT, loop, &over);
    code_emit(g, OP_STORE, 0, element, 0);
    code_emit(g, OP_SLOT, 0, element, 0);
    struct scope scope;
    code_open_scope(g, &scope);
    code_declare_targets(g, node->loop.target, VARIABLE_ALWAYS);
    code_store(g, node->loop.target);
    uint32_t failed = 0;
    code_condition(g, node->loop.filter, false, &failed);
    code_land_at(g, &failed, next);
    if (node->loop.target->kind ==
        NODE_TUPLE) // as previtem and nextitem show, elements are put together anew
        code_expression(g, node->loop.target);
    else
        code_emit(g, OP_SLOT, 0, element, 0);
    code_close_scope(g);
    code_emit(g, OP_APPEND, 0, list, 0);
    code_emit(g, OP_JUMP, 0, 0, next);
    code_land(g, &over);
    code_emit(g, OP_SLOT, 0, list, 0);
}

// `loop`, and a slot for its object where others than this function's code may look at it.
static void declare_loop(struct codegen *g, const struct node *node, uint32_t slot, uint32_t start) {
    struct variable *v = code_declare(g, STR("loop"), VARIABLE_LOOP);
    v->slot = (uint16_t)slot;
    v->start = start;
    if (!(node->uses & (USES_INCLUDE | USES_LOOP_INSIDE)))
        return;
    v->object = code_slots(g, 1);
    code_loop_looked_at(g, v);
    code_emit(g, OP_LOOP_ATTR, LOOP_SELF, slot, 0);
    code_emit(g, OP_STORE, 0, v->object, 0);
}

static void code_round(struct codegen *g, struct node *node, uint32_t slot, uint32_t start,
                       struct code_loop *loop) {
    struct scope scope;
    code_open_scope(g, &scope);
    g->scope->keeps_targets = true;
    if (node->uses & USES_LOOP)
        declare_loop(g, node, slot, start);
    loop->outer = g->function->loop;
    loop->captures = g->function->captures;
    loop->escapes = g->function->escapes;
    g->function->loop = loop;
    code_declare_sets(g, node->loop.body, true);
    code_statements(g, node->loop.body);
    g->function->loop = loop->outer;
    code_close_scope(g);
}

static void code_otherwise(struct codegen *g, struct node *node, uint32_t slot) {
    uint32_t end = 0;
    struct scope scope;
    g->span = node->span;
    code_jump(g, OP_FOR_ELSE, slot, &end);
    code_open_scope(g, &scope);
    code_declare_sets(g, node->loop.otherwise, g->function->loop != NULL);
    code_statements(g, node->loop.otherwise);
    code_close_scope(g);
    code_land(g, &end);
}

uint32_t code_open_loop(struct codegen *g) {
    struct function *f = g->function;
    if (++f->loops > f->loops_max) {
        f->loops_max = f->loops;
        code_slots(g, 0); // checks that there is room
    }
    return f->loops - 1;
}

static void code_recursive(struct codegen *g, uint32_t loop) {
    code_emit(g, OP_SLOT, 0, RECURSIVE_SELF, 0);
    code_emit(g, OP_SLOT, 0, RECURSIVE_DEPTH, 0);
    code_emit(g, OP_LOOP_RECURSES, g->autoescape, loop, 0);
}

// `iterable` NULL: that of a recursive loop, in a slot.
static void code_for(struct codegen *g, struct node *node, struct node *iterable) {
    bool soft = g->soft, collects = node->loop.filter && (node->uses & USES_LOOP);
    uint32_t slot = code_open_loop(g), over = 0;
    node->loop.filter = tree_fold(g->scratch, node->loop.filter);
    g->loops++;
    g->span = node->span;
    if (collects) {
        g->soft = false;
        code_collect(g, node, iterable, slot);
    } else {
        code_iterable(g, iterable);
    }
    g->soft = false;
    g->span = node->left->span;
    uint32_t start = code_emit(g, OP_FOR, !iterable, slot, 0);
    if (!iterable)
        code_recursive(g, slot);
    struct code_loop loop = {.next = code_here(g)};
    code_jump(g, OP_FOR_NEXT, slot, &over);
    struct scope scope;
    code_open_scope(g, &scope);
    code_declare_targets(g, node->loop.target, VARIABLE_ALWAYS);
    code_store(g, node->loop.target);
    if (node->loop.filter && !collects) {
        uint32_t failed = 0;
        code_condition(g, node->loop.filter, false, &failed);
        code_land_at(g, &failed, loop.next);
    }
    code_round(g, node, slot, start, &loop);
    code_close_scope(g);
    g->span = node->span;
    code_emit(g, OP_FOR_AGAIN, 0, slot, loop.next);
    code_land(g, &over);
    code_land(g, &loop.breaks);
    if (node->loop.otherwise)
        code_otherwise(g, node, slot);
    g->function->loops--;
    g->loops--;
    g->soft = soft;
}

// Out of the captures and autoescape blocks that began within the loop, and on.
void code_leave_round(struct codegen *g, const struct node *node) {
    struct code_loop *loop = g->function->loop;
    g->span = node->span;
    for (const struct code_escape *e = g->function->escapes; e != loop->escapes; e = e->outer)
        code_escape_end(g, e);
    for (uint32_t i = loop->captures; i < g->function->captures; i++) {
        code_emit(g, OP_CAPTURED, 0, 0, 0);
        code_emit(g, OP_POP, 0, 0, 0);
    }
    if (node->kind == NODE_BREAK)
        code_jump(g, OP_JUMP, 0, &loop->breaks);
    else
        code_emit(g, OP_JUMP, 0, 0, loop->next);
}

// The loop over the first parameter. Only the machine calls it, and the template sees no parameters.
static void code_recursive_function(struct codegen *g, struct node *node) {
    static const struct parameter parameters[RECURSIVE_SLOTS] = {
        {{"items", 5}, false}, {{"self", 4}, false}, {{"depth", 5}, false}};
    struct function *f = code_scratch(g, sizeof *f);
    struct scope scope;
    code_open_function(g, f, STR(""));
    if (f->depth > UINT8_MAX)
        code_too_large(g, "recursive loops and macros are nested too deep");
    f->is_loop = true;
    code_open_scope(g, &scope);
    code_slots(g, RECURSIVE_SLOTS);
    f->parameters_n = RECURSIVE_SLOTS;
    f->parameters = parameters;
    code_for(g, node, NULL);
    g->span = node->span;
    code_emit(g, OP_RETURN, 0, 0, 0);
    code_close_scope(g);
    code_close_function(g);
    g->span = node->span;
    g->function->macros++;
    code_emit(g, OP_MACRO, 0, 0, f->index);
}

static void code_for_recursive(struct codegen *g, struct node *node) {
    bool soft = g->soft;
    uint32_t self = code_slots(g, 1);
    g->soft = false;
    code_recursive_function(g, node);
    g->soft = soft;
    code_emit(g, OP_STORE, 0, self, 0);
    code_emit(g, OP_SLOT, 0, self, 0);
    code_expression(g, node->left);
    g->span = node->left->span;
    code_emit(g, OP_SLOT, 0, self, 0);
    code_emit(g, OP_CONST, 0, 0, code_constant(g, value_int(0)));
    code_emit(g, OP_CALL, 0, 0, code_call_shape(g, RECURSIVE_SLOTS, NULL, false));
    code_emit(g, OP_EMIT, ESCAPE_OFF, 0, 0);
}

void code_loop(struct codegen *g, struct node *node) {
    if (node->left->kind == NODE_LIST && !node->flags)
        node->left->kind = NODE_TUPLE; // nobody else sees it, so it may be a constant
    node->left = tree_fold(g->scratch, node->left);
    if (node->flags)
        code_for_recursive(g, node);
    else
        code_for(g, node, node->left);
}
