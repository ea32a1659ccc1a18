// SPDX-License-Identifier: MIT
/*
 * Constant folding: operators whose operands are literals. It computes only what it computes exactly as the
 * machine would: small integers without overflow, floats, strings; everything else stays code.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "stages/compile/tree.h"
#include "stages/program/program.h"

enum {
    TEXT_LIMIT = 1 << 16, // folding must not make a program much larger than its source
    TEXT_SHORT = 256,     // copying that much again and again does no harm
    TEXT_OWN = 1,         // flag of a constant: its text was made here, with room up to a power of two
};

bool constant_truth(struct value v) {
    switch ((enum value_tag)v.tag) {
    case VALUE_BOOL:
    case VALUE_INT:
        return v.i != 0;
    case VALUE_FLOAT:
        return v.f != 0;
    case VALUE_BIG:
        return true;
    case VALUE_STRING:
        return v.n != 0;
    case VALUE_LIST:
        return v.list->n != 0;
    default:
        return false;
    }
}

bool constant_text(struct arena *arena, struct value v, struct str *out) {
    char text[NUMBER_TEXT_SIZE];
    size_t n;
    switch ((enum value_tag)v.tag) {
    case VALUE_NONE:
        *out = STR("None");
        return true;
    case VALUE_BOOL:
        *out = v.i ? STR("True") : STR("False");
        return true;
    case VALUE_STRING:
    case VALUE_BIG:
        *out = value_str(v);
        return true;
    case VALUE_INT:
        n = number_write_int(text, v.i);
        break;
    case VALUE_FLOAT:
        n = number_write_double(text, v.f);
        break;
    default:
        return false;
    }
    *out = arena_str(arena, (struct str){text, n});
    if (!out->p)
        mem_fail(n);
    return true;
}

static bool is_number(struct value v) {
    return v.tag == VALUE_INT || v.tag == VALUE_FLOAT;
}

static double as_double(struct value v) {
    return v.tag == VALUE_INT ? (double)v.i : v.f;
}

static bool fold_int(uint8_t op, int64_t a, int64_t b, struct value *out) {
    int64_t r = 0;
    switch (op) {
    case OP_ADD:
        if (__builtin_add_overflow(a, b, &r))
            return false;
        break;
    case OP_SUB:
        if (__builtin_sub_overflow(a, b, &r))
            return false;
        break;
    case OP_MUL:
        if (__builtin_mul_overflow(a, b, &r))
            return false;
        break;
    case OP_FLOORDIV: // rounded down, as the sign of the divisor wants for the remainder
    case OP_MOD:
        if (b == 0 || b == -1)
            return false;
        r = op == OP_MOD ? a % b : a / b;
        if (a % b != 0 && (a % b < 0) != (b < 0))
            r = op == OP_MOD ? r + b : r - 1;
        break;
    case OP_POW:
        if (b < 0 || b > 64)
            return false;
        for (r = 1; b > 0; b--)
            if (__builtin_mul_overflow(r, a, &r))
                return false;
        break;
    default:
        return false;
    }
    *out = value_int(r);
    return true;
}

static bool fold_float(uint8_t op, double a, double b, struct value *out) {
    double r;
    switch (op) {
    case OP_ADD:
        r = a + b;
        break;
    case OP_SUB:
        r = a - b;
        break;
    case OP_MUL:
        r = a * b;
        break;
    case OP_DIV:
        if (b == 0)
            return false;
        r = a / b;
        break;
    default:
        return false;
    }
    if (!isfinite(r))
        return false;
    *out = value_float(r);
    return true;
}

static size_t room_for(size_t n) {
    size_t room = 16;
    while (room < n)
        room *= 2;
    return room;
}

// The constant `to` becomes text `a`, its own, followed by `b`, which is that of `from`. Made so that a long chain
// is not copied time and again: the left text grows in its place, and the right one is not taken where it is itself
// made here, the longer one and not short. False: `to` is unchanged.
static bool join(struct arena *arena, struct node *to, struct str a, const struct node *from, struct str b) {
    if (a.n + b.n > TEXT_LIMIT || (from->flags & TEXT_OWN && b.n > a.n && b.n > TEXT_SHORT))
        return false;
    char *p = (char *)a.p;
    if (!(to->flags & TEXT_OWN) || a.n + b.n > room_for(a.n)) {
        size_t room = room_for(a.n + b.n);
        p = arena_alloc(arena, room);
        if (!p)
            mem_fail(room);
        if (a.n)
            memcpy(p, a.p, a.n);
    }
    if (b.n)
        memcpy(p + a.n, b.p, b.n);
    to->value = value_string((struct str){p, a.n + b.n});
    to->flags |= TEXT_OWN;
    return true;
}

static bool fold_arithmetic(uint8_t op, struct value a, struct value b, struct value *out) {
    const int64_t exact = (int64_t)1 << 53; // the machine divides and mixes larger ones with more care
    if (a.tag == VALUE_INT && b.tag == VALUE_INT && op != OP_DIV)
        return fold_int(op, a.i, b.i, out);
    if (!is_number(a) || !is_number(b))
        return false;
    if ((a.tag == VALUE_INT && (a.i > exact || a.i < -exact)) ||
        (b.tag == VALUE_INT && (b.i > exact || b.i < -exact)))
        return false;
    return fold_float(op, as_double(a), as_double(b), out);
}

static struct node *become(struct arena *arena, const struct node *node, struct value v) {
    struct node *constant = node_const(arena, node->span, v);
    constant->next = node->next;
    return constant;
}

static struct node *fold_binary(struct arena *arena, struct node *node) {
    struct node *a = node->left, *b = node->right;
    if (a->kind != NODE_CONST)
        return node;
    if (node->op == OP_AND || node->op == OP_OR) {
        struct node *stays = constant_truth(a->value) == (node->op == OP_OR) ? a : b;
        stays->next = node->next;
        return stays;
    }
    struct value v;
    if (b->kind != NODE_CONST)
        return node;
    if (node->op == OP_ADD && value_is_string(a->value) && value_is_string(b->value)) {
        if (!join(arena, a, value_str(a->value), b, value_str(b->value)))
            return node;
        a->span = node->span;
        a->next = node->next;
        return a;
    }
    if (!fold_arithmetic(node->op, a->value, b->value, &v))
        return node;
    return become(arena, node, v);
}

static struct node *fold_unary(struct arena *arena, struct node *node) {
    if (node->left->kind != NODE_CONST)
        return node;
    struct value v = node->left->value;
    if (node->op == OP_NOT)
        return become(arena, node, value_bool(!constant_truth(v)));
    if (!is_number(v) || (v.tag == VALUE_INT && v.i == INT64_MIN))
        return node;
    if (node->op == OP_NEG)
        v = v.tag == VALUE_INT ? value_int(-v.i) : value_float(-v.f);
    return become(arena, node, v);
}

static int order_of(struct value a, struct value b) {
    if (value_is_string(a))
        return str_compare(value_str(a), value_str(b));
    if (a.tag == VALUE_INT)
        return (a.i > b.i) - (a.i < b.i);
    return (a.f > b.f) - (a.f < b.f);
}

// One comparison of two literals of the same kind.
static struct node *fold_compare(struct arena *arena, struct node *node) {
    struct node *operand = node->items;
    if (operand->next || operand->op == OP_IN || node->left->kind != NODE_CONST ||
        operand->left->kind != NODE_CONST)
        return node;
    struct value a = node->left->value, b = operand->left->value;
    if (a.tag != b.tag || (!is_number(a) && !value_is_string(a)))
        return node;
    int order = order_of(a, b);
    bool r = operand->op == OP_EQ   ? order == 0
             : operand->op == OP_NE ? order != 0
             : operand->op == OP_LT ? order < 0
             : operand->op == OP_LE ? order <= 0
             : operand->op == OP_GT ? order > 0
                                    : order >= 0;
    return become(arena, node, value_bool(r));
}

// Neighbouring literals of a ~ chain become one string.
static struct node *fold_concat(struct arena *arena, struct node *node) {
    struct node_list items = {0};
    for (struct node *item = node->items, *next; item; item = next) {
        next = item->next;
        item->next = NULL;
        struct str a, b;
        struct node *last = items.last;
        if (last && last->kind == NODE_CONST && item->kind == NODE_CONST &&
            constant_text(arena, last->value, &a) && constant_text(arena, item->value, &b) &&
            join(arena, last, a, item, b))
            continue;
        node_append(&items, item);
    }
    node->items = items.first;
    struct str text;
    if (!items.first->next && items.first->kind == NODE_CONST &&
        constant_text(arena, items.first->value, &text)) {
        items.first->value = value_string(text);
        items.first->span = node->span;
        items.first->next = node->next;
        return items.first;
    }
    return node;
}

static struct node *fold_choice(struct node *node) {
    if (node->condition->kind != NODE_CONST)
        return node;
    struct node *stays = constant_truth(node->condition->value) ? node->left : node->right;
    if (!stays)
        return node;
    stays->next = node->next;
    return stays;
}

static struct node *fold_chain(struct arena *arena, struct node *chain) {
    struct node_list folded = {0};
    for (struct node *next; chain; chain = next) {
        next = chain->next;
        chain->next = NULL;
        node_append(&folded, tree_fold(arena, chain));
    }
    return folded.first;
}

// An immutable tuple of literals is one constant.
static struct node *fold_tuple(struct arena *arena, struct node *node) {
    uint32_t n = 0;
    for (const struct node *item = node->items; item; item = item->next, n++)
        if (item->kind != NODE_CONST)
            return node;
    struct list *list = list_new(arena, n);
    if (!list)
        mem_fail(n);
    n = 0;
    for (const struct node *item = node->items; item; item = item->next)
        list->items[n++] = item->value;
    struct value v = value_list(list);
    v.flags = VALUE_TUPLE;
    return become(arena, node, v);
}

struct node *tree_fold(struct arena *arena, struct node *node) {
    if (!node)
        return NULL;
    if (node->left)
        node->left = tree_fold(arena, node->left);
    switch ((enum node_kind)node->kind) {
    case NODE_UNARY:
        return fold_unary(arena, node);
    case NODE_BINARY:
        node->right = tree_fold(arena, node->right);
        return fold_binary(arena, node);
    case NODE_ITEM:
        node->right = tree_fold(arena, node->right);
        return node;
    case NODE_SLICE:
        node->slice.start = tree_fold(arena, node->slice.start);
        node->slice.stop = tree_fold(arena, node->slice.stop);
        node->slice.step = tree_fold(arena, node->slice.step);
        return node;
    case NODE_CALL:
    case NODE_FILTER:
    case NODE_TEST:
        node->call.args = fold_chain(arena, node->call.args);
        node->call.keywords = fold_chain(arena, node->call.keywords);
        node->call.unpacked = tree_fold(arena, node->call.unpacked);
        node->call.unpacked_keywords = tree_fold(arena, node->call.unpacked_keywords);
        return node;
    case NODE_COMPARE:
        node->items = fold_chain(arena, node->items);
        return fold_compare(arena, node);
    case NODE_CONCAT:
        node->items = fold_chain(arena, node->items);
        return fold_concat(arena, node);
    case NODE_LIST:
    case NODE_MAP:
        node->items = fold_chain(arena, node->items);
        return node;
    case NODE_TUPLE:
        node->items = fold_chain(arena, node->items);
        return fold_tuple(arena, node);
    case NODE_CHOICE:
        node->right = tree_fold(arena, node->right);
        node->condition = tree_fold(arena, node->condition);
        return fold_choice(node);
    default:
        return node;
    }
}
