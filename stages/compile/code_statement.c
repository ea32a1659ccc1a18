// SPDX-License-Identifier: MIT
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

// ---- for

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

static void code_escape_end(struct codegen *g, const struct code_escape *escape) {
    code_emit(g, OP_SLOT, 0, escape->slot, 0);
    code_emit(g, OP_AUTOESCAPE, 0, escape->slot, 0);
}

// Out of the captures and autoescape blocks that began within the loop, and on.
static void code_leave_round(struct codegen *g, const struct node *node) {
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

static void code_loop(struct codegen *g, struct node *node) {
    if (node->left->kind == NODE_LIST && !node->flags)
        node->left->kind = NODE_TUPLE; // nobody else sees it, so it may be a constant
    node->left = tree_fold(g->scratch, node->left);
    if (node->flags)
        code_for_recursive(g, node);
    else
        code_for(g, node, node->left);
}

// ---- autoescape

static void code_autoescape(struct codegen *g, struct node *node) {
    uint8_t outside = g->autoescape, literals = g->escape_literals;
    struct scope scope;
    struct function *f = g->function;
    node->left = tree_fold(g->scratch, node->left);
    code_expression(g, node->left);
    code_open_scope(g, &scope);
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

// ---- macros

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

static void code_macro(struct codegen *g, struct node *node) {
    struct node name = {.kind = NODE_NAME, .span = node->span, .name = node->macro.name};
    code_function(g, node);
    code_store_name(g, &name);
}

static void code_call_block(struct codegen *g, struct node *node) {
    struct node *call = tree_fold(g->scratch, node->left);
    uint32_t positional;
    code_expression(g, call->left);
    code_arguments(g, call, node, &positional);
    g->span = call->span;
    code_emit(g, OP_CALL, 0, 0, code_call_shape(g, positional, call, true));
    code_emit(g, OP_EMIT, 0, 0, 0);
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
        uint32_t ref = code_ref(g, value_str(name->value), node->language, name->span,
                                node->flags & INCLUDE_IGNORE_MISSING);
        g->span = name->span;
        code_emit(g, OP_INCLUDE, node->flags, scope, ref);
        return;
    }
    code_expression(g, node->left);
    g->span = name->span;
    code_emit(g, OP_INCLUDE_NAMED, node->flags, scope, 0);
}

// ----

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
