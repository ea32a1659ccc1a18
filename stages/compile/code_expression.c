// SPDX-License-Identifier: MIT
#include "base/mem.h"
#include "base/suggest.h"
#include "stages/compile/codegen.h"
#include "stages/program/program.h"

// Literals with more elements are put together one by one, so that the stack stays small.
enum { LITERAL_LIMIT = 256, STACK_ITEMS = 16384 };

// ---- names

static void load_loop(struct codegen *g, const struct variable *v) {
    if (v->scope->function == g->function) {
        code_loop_looked_at(g, v);
        code_emit(g, OP_LOOP_ATTR, LOOP_SELF, v->slot, 0);
        return;
    }
    code_emit(g, OP_SLOT, g->function->depth - v->scope->function->depth, v->object, 0);
}

static void load_slot(struct codegen *g, const struct variable *v) {
    code_emit(g, OP_SLOT, g->function->depth - v->scope->function->depth, v->slot, 0);
}

void code_name(struct codegen *g, struct str name, struct span span) {
    uint32_t found = 0;
    const struct variable *v = code_symbol(g, name)->variable;
    g->span = span;
    for (; v; v = v->shadowed) {
        if (v->kind == VARIABLE_LOOP) {
            load_loop(g, v);
            break;
        }
        load_slot(g, v);
        if (code_is_sure(g, v))
            break;
        code_jump(g, OP_JUMP_IF_SET, 0, &found);
        if (v->kind == VARIABLE_PENDING || v->hides) {
            code_emit(g, OP_CONST, 0, 0, code_constant(g, value_undefined(UNDEFINED_NAME, name)));
            break;
        }
    }
    if (!v && code_is_special(g, name))
        code_special_name(g, name);
    else if (!v)
        code_emit(g, OP_NAME, 0, 0, code_string(g, name));
    code_land(g, &found);
}

// The variable that `name` is for certain, or NULL.
static const struct variable *sure_variable(struct codegen *g, const struct node *name) {
    const struct variable *v = code_symbol(g, name->name)->variable;
    return v && v->kind != VARIABLE_LOOP && code_is_sure(g, v) ? v : NULL;
}

// loop.name, where that is one of the loop's own attributes.
static bool code_loop_attr(struct codegen *g, const struct node *node) {
    if (node->left->kind != NODE_NAME || !str_is(node->left->name, "loop"))
        return false;
    const struct variable *v = code_symbol(g, node->left->name)->variable;
    if (!v || v->kind != VARIABLE_LOOP || v->scope->function != g->function)
        return false;
    for (int attr = LOOP_SELF + 1; attr < LOOP_ATTR_COUNT; attr++) {
        if (!str_is(node->name, loop_attr_name((enum loop_attr)attr)))
            continue;
        g->span = node->span;
        code_emit(g, OP_LOOP_ATTR, (uint32_t)attr, v->slot, 0);
        return true;
    }
    return false;
}

// ---- calls, filters, tests

void code_arguments(struct codegen *g, const struct node *node, struct node *caller, uint32_t *positional) {
    *positional = 0;
    for (struct node *arg = node->call.args; arg; arg = arg->next, ++*positional)
        code_expression(g, arg);
    for (struct node *k = node->call.keywords; k; k = k->next)
        code_expression(g, k->left);
    if (caller)
        code_function(g, caller);
    if (node->call.unpacked)
        code_expression(g, node->call.unpacked);
    if (node->call.unpacked_keywords)
        code_expression(g, node->call.unpacked_keywords);
}

static void suggest_function(struct codegen *g, struct diag *diag, const struct library_function *table,
                             uint32_t n, const char *what, struct str name) {
    struct suggestion s = suggest_for(name);
    for (uint32_t i = 0; i < n; i++)
        suggest_offer(&s, str_of(table[i].name));
    for (uint32_t i = 0; g->options->library && i < g->options->library->macros_n; i++)
        suggest_offer(&s, g->options->library->macros[i].name);
    if (s.best.p)
        diag_hint(g->diags, diag, "did you mean \"%.*s\"?", STR_ARG(s.best));
    else
        diag_hint(g->diags, diag, "\"pressrun help %ss\" lists them", what);
}

// There is no such filter or test: an error, or within an if only where it is reached.
static void code_unknown(struct codegen *g, const struct node *node, const struct library_function *table,
                         uint32_t n) {
    const char *what = node->kind == NODE_FILTER ? "filter" : "test";
    struct str name = node->call.name;
    g->span = node->span;
    if (g->soft) {
        const char *text = arena_printf(g->scratch, "there is no %s '%.*s'", what, STR_ARG(name));
        if (!text)
            mem_fail(name.n);
        code_emit(g, OP_FAIL, 0, 0, code_string(g, str_of(text)));
    } else {
        struct diag *diag =
            diags_error(g->diags, &g->p->source, node->span, "there is no %s '%.*s'", what, STR_ARG(name));
        suggest_function(g, diag, table, n, what, name);
    }
    if (node->left)
        code_emit(g, OP_CONST, 0, 0, code_constant(g, value_none()));
}

// Whoever uses a macro as a filter depends on its template, though the machine asks for it by name.
static void refer_to_macro(struct codegen *g, int32_t macro, struct span span) {
    if (macro >= 0 && !g->p->is_expression)
        code_ref(g, g->options->library->macros[macro].template_name, NULL, span, false);
}

// The same for what `map('name')` and such name.
static void refer_to_named(struct codegen *g, const struct node *node) {
    for (const struct node *arg = node->call.args; arg; arg = arg->next)
        if (arg->kind == NODE_CONST && arg->value.tag == VALUE_STRING)
            refer_to_macro(g, library_find_macro(g->options->library, value_str(arg->value)), arg->span);
}

static void code_applied(struct codegen *g, struct node *node) {
    const struct library *library = g->options->library;
    bool filter = node->kind == NODE_FILTER;
    const struct library_function *table = !library ? NULL : filter ? library->filters : library->tests;
    uint32_t n = !library ? 0 : filter ? library->filters_n : library->tests_n;
    int32_t index = library_find(table, n, node->call.name);
    int32_t macro = index < 0 ? library_find_macro(library, node->call.name) : -1;
    if (macro >= 0)
        index = macro;
    if (node->left && node->left->kind == NODE_FILTER && index < 0 && !g->soft)
        code_expression(g, node->left); // for the errors in it
    if (index < 0) {
        code_unknown(g, node, table, n);
        return;
    }
    if (macro < 0)
        refer_to_named(g, node);
    else
        refer_to_macro(g, macro, node->span);
    uint32_t positional;
    if (node->left)
        code_expression(g, node->left);
    code_arguments(g, node, NULL, &positional);
    g->span = node->span;
    enum opcode op = macro >= 0 ? (filter ? OP_MACRO_FILTER : OP_MACRO_TEST) : filter ? OP_FILTER : OP_TEST;
    code_emit(g, op, 0, (uint32_t)index, code_call_shape(g, positional, node, false));
}

static void code_call(struct codegen *g, struct node *node) {
    uint32_t positional;
    code_expression(g, node->left);
    code_arguments(g, node, NULL, &positional);
    g->span = node->span;
    code_emit(g, OP_CALL, 0, 0, code_call_shape(g, positional, node, false));
}

// ---- operators

static void code_comparison(struct codegen *g, const struct node *node, const struct node *operand) {
    g->span = node->span;
    code_emit(g, (enum opcode)operand->op, operand->flags, 0, 0);
}

// a < b < c: b is kept below the result of a < b, which ends the chain if it is false.
static void code_compare(struct codegen *g, struct node *node) {
    uint32_t failed = 0, end = 0;
    code_expression(g, node->left);
    for (struct node *operand = node->items; operand; operand = operand->next) {
        if (operand->op == OP_IN && !operand->next && operand->left->kind == NODE_LIST) {
            operand->left->kind = NODE_TUPLE; // nobody else sees it, so it may be a constant
            operand->left = tree_fold(g->scratch, operand->left);
        }
        code_expression(g, operand->left);
        if (operand->next) {
            g->span = node->span;
            code_emit(g, OP_DUP, 0, 0, 0);
            code_emit(g, OP_ROT3, 0, 0, 0);
        }
        code_comparison(g, node, operand);
        if (operand->next)
            code_jump(g, OP_AND, 0, &failed);
    }
    if (!failed)
        return;
    code_jump(g, OP_JUMP, 0, &end);
    code_land(g, &failed);
    code_emit(g, OP_SWAP, 0, 0, 0);
    code_emit(g, OP_POP, 0, 0, 0);
    code_land(g, &end);
}

static void code_binary(struct codegen *g, struct node *node) {
    uint32_t end = 0;
    code_expression(g, node->left);
    if (node->op == OP_AND || node->op == OP_OR) {
        g->span = node->span;
        code_jump(g, (enum opcode)node->op, 0, &end);
        code_expression(g, node->right);
        code_land(g, &end);
        return;
    }
    code_expression(g, node->right);
    g->span = node->span;
    code_emit(g, (enum opcode)node->op, 0, 0, 0);
}

static void code_choice(struct codegen *g, struct node *node) {
    uint32_t otherwise = 0, end = 0;
    bool soft = g->soft;
    g->soft = true;
    code_condition(g, node->condition, false, &otherwise);
    code_expression(g, node->left);
    code_jump(g, OP_JUMP, 0, &end);
    code_land(g, &otherwise);
    if (node->right) {
        code_expression(g, node->right);
    } else {
        g->span = node->span;
        struct value nothing = value_undefined(UNDEFINED_SILENT, STR(""));
        code_emit(g, OP_CONST, 0, 0, code_constant(g, nothing));
    }
    code_land(g, &end);
    g->soft = soft;
}

void code_condition(struct codegen *g, struct node *node, bool when, uint32_t *chain) {
    if (node->kind == NODE_CONST) {
        g->span = node->span;
        if (constant_truth(node->value) == when)
            code_jump(g, OP_JUMP, 0, chain);
        return;
    }
    if (node->kind == NODE_UNARY && node->op == OP_NOT) {
        code_condition(g, node->left, !when, chain);
        return;
    }
    if (node->kind == NODE_BINARY && (node->op == OP_AND || node->op == OP_OR)) {
        bool decides = node->op == OP_OR; // the truth of the left side that decides the whole
        uint32_t skip = 0;
        code_condition(g, node->left, decides, decides == when ? chain : &skip);
        code_condition(g, node->right, when, chain);
        code_land(g, &skip);
        return;
    }
    code_expression(g, node);
    g->span = node->span;
    code_jump(g, when ? OP_JUMP_IF_TRUE : OP_JUMP_IF_FALSE, 0, chain);
}

// ---- containers

static uint32_t length(const struct node *chain) {
    uint32_t n = 0;
    for (; chain; chain = chain->next)
        n++;
    return n;
}

static void code_long_list(struct codegen *g, struct node *node) {
    uint32_t slot = code_slots(g, 1);
    g->span = node->span;
    code_emit(g, OP_LIST, 0, 0, 0);
    code_emit(g, OP_STORE, 0, slot, 0);
    for (struct node *item = node->items; item; item = item->next) {
        code_expression(g, item);
        code_emit(g, OP_APPEND, 0, slot, 0);
    }
    code_emit(g, OP_SLOT, 0, slot, 0);
}

static void code_container(struct codegen *g, struct node *node) {
    uint32_t n = length(node->items);
    if (node->kind == NODE_LIST && n > LITERAL_LIMIT) {
        code_long_list(g, node);
        return;
    }
    if (n > STACK_ITEMS)
        code_too_large(g, "a literal has too many elements");
    for (struct node *item = node->items; item; item = item->next)
        code_expression(g, item);
    g->span = node->span;
    if (node->kind == NODE_MAP)
        code_emit(g, OP_MAP, 0, 0, n / 2);
    else if (node->kind == NODE_CONCAT)
        code_emit(g, OP_CONCAT, g->autoescape == ESCAPE_ON, 0, n);
    else
        code_emit(g, OP_LIST, node->kind == NODE_TUPLE, 0, n);
}

static void code_slice(struct codegen *g, struct node *node) {
    struct node *parts[] = {node->slice.start, node->slice.stop, node->slice.step};
    code_expression(g, node->left);
    for (int i = 0; i < 3; i++)
        if (parts[i])
            code_expression(g, parts[i]);
        else
            code_emit(g, OP_CONST, 0, 0, code_constant(g, value_none()));
    g->span = node->span;
    code_emit(g, OP_SLICE, 0, 0, 0);
}

void code_expression(struct codegen *g, struct node *node) {
    g->span = node->span;
    switch ((enum node_kind)node->kind) {
    case NODE_CONST:
        code_emit(g, OP_CONST, 0, 0, code_constant(g, node->value));
        break;
    case NODE_NAME:
        code_name(g, node->name, node->span);
        break;
    case NODE_ATTR:
        if (code_loop_attr(g, node))
            break;
        code_expression(g, node->left);
        g->span = node->span;
        code_emit(g, OP_ATTR, 0, 0, code_string(g, node->name));
        break;
    case NODE_ITEM:
        code_expression(g, node->left);
        code_expression(g, node->right);
        g->span = node->span;
        code_emit(g, OP_ITEM, 0, 0, 0);
        break;
    case NODE_SLICE:
        code_slice(g, node);
        break;
    case NODE_CALL:
        code_call(g, node);
        break;
    case NODE_FILTER:
    case NODE_TEST:
        code_applied(g, node);
        break;
    case NODE_UNARY:
        code_expression(g, node->left);
        g->span = node->span;
        code_emit(g, (enum opcode)node->op, 0, 0, 0);
        break;
    case NODE_BINARY:
        code_binary(g, node);
        break;
    case NODE_COMPARE:
        code_compare(g, node);
        break;
    case NODE_CONCAT:
    case NODE_LIST:
    case NODE_TUPLE:
    case NODE_MAP:
        code_container(g, node);
        break;
    case NODE_CHOICE:
        code_choice(g, node);
        break;
    default:
        if (code_section_expression(g, node))
            break;
        // no expression: the front ends make none here
        code_emit(g, OP_CONST, 0, 0, code_constant(g, value_none()));
        break;
    }
}

// ---- output

static bool print_constant(struct codegen *g, const struct node *node) {
    struct str text;
    if (node->kind != NODE_CONST || !constant_text(g->scratch, node->value, &text))
        return false;
    if (g->escape_literals)
        code_text_escaped(g, text, node->span);
    else
        code_text(g, text, node->span);
    return true;
}

// The forms for which there is one instruction.
static bool print_short(struct codegen *g, const struct node *node) {
    const struct node *name = node->kind == NODE_ATTR ? node->left : node;
    if (name->kind != NODE_NAME || code_is_special(g, name->name))
        return false;
    const struct variable *v = sure_variable(g, name);
    g->span = node->span;
    if (!code_symbol(g, name->name)->variable) {
        uint32_t first = code_string(g, name->name);
        if (node->kind == NODE_NAME)
            code_emit(g, OP_EMIT_NAME, g->autoescape, 0, first);
        else if (first <= UINT16_MAX)
            code_emit(g, OP_EMIT_NAME_ATTR, g->autoescape, first, code_string(g, node->name));
        else
            return false;
        return true;
    }
    if (node->kind != NODE_ATTR || !v || v->scope->function != g->function)
        return false;
    code_emit(g, OP_EMIT_SLOT_ATTR, g->autoescape, v->slot, code_string(g, node->name));
    return true;
}

static void print_choice(struct codegen *g, struct node *node) {
    uint32_t otherwise = 0, end = 0;
    bool soft = g->soft;
    g->soft = true;
    code_condition(g, node->condition, false, &otherwise);
    code_print(g, node->left);
    if (node->right) {
        code_jump(g, OP_JUMP, 0, &end);
        code_land(g, &otherwise);
        code_print(g, node->right);
    }
    code_land(g, &otherwise);
    code_land(g, &end);
    g->soft = soft;
}

void code_print(struct codegen *g, struct node *node) {
    if (print_constant(g, node) || print_short(g, node))
        return;
    if (node->kind == NODE_CHOICE) {
        print_choice(g, node);
        return;
    }
    if (node->kind == NODE_CONCAT &&
        g->autoescape != ESCAPE_DYNAMIC) { // one after the other it is the same text
        for (struct node *item = node->items; item; item = item->next)
            code_print(g, item);
        return;
    }
    code_expression(g, node);
    g->span = node->span;
    code_emit(g, OP_EMIT, g->autoescape, 0, 0);
}
