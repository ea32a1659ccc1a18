// SPDX-License-Identifier: MIT
#include "stages/compile/jinja_parse.h"
#include "stages/program/program.h"

static struct node *nothing(struct jinja_parser *p) {
    return node_const(p->arena, p->current.span, value_none());
}

// A new node over `left`, from where that begins.
static struct node *node_over(struct jinja_parser *p, enum node_kind kind, struct node *left) {
    struct node *node = node_new(p->arena, kind, left->span);
    node->left = left;
    return node;
}

// Finishes a node: its span, and that it is not too high above `child`.
static struct node *done(struct jinja_parser *p, struct node *node, const struct node *child) {
    if (!p->panic)
        node->span = jinja_span_from(p, node->span.at);
    if (!node_raise(node, child)) {
        node->height = 1;
        jinja_fail(p, node->span, "this expression is nested more than %d deep", (int)TREE_HEIGHT);
    }
    return node;
}

// ---- primary expressions

static struct node *primary_name(struct jinja_parser *p) {
    static const struct {
        const char *word;
        struct value value;
    } constants[] = {
        {"true", {.tag = VALUE_BOOL, .i = 1}}, {"True", {.tag = VALUE_BOOL, .i = 1}},
        {"false", {.tag = VALUE_BOOL}},        {"False", {.tag = VALUE_BOOL}},
        {"none", {.tag = VALUE_NONE}},         {"None", {.tag = VALUE_NONE}},
    };
    struct jinja_token t = p->current;
    jinja_advance(p);
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (str_is(t.text, constants[i].word))
            return node_const(p->arena, t.span, constants[i].value);
    struct node *node = node_new(p->arena, NODE_NAME, t.span);
    node->name = t.text;
    return node;
}

// Adjacent strings are one.
static struct node *primary_string(struct jinja_parser *p) {
    struct jinja_token t = p->current;
    struct buf joined = BUF_INIT;
    uint32_t n = 0;
    for (; jinja_at(p, JINJA_STRING); n++) {
        buf_add_str(&joined, value_str(p->current.value));
        jinja_advance(p);
    }
    struct node *node = node_const(p->arena, t.span, t.value);
    if (n > 1) {
        struct str text = arena_str(p->arena, buf_str(&joined));
        node->value = value_string(text);
        node->span = jinja_span_from(p, t.span.at);
    }
    buf_release(&joined);
    return node;
}

static struct node *primary_list(struct jinja_parser *p) {
    struct node *node = node_new(p->arena, NODE_LIST, p->current.span);
    struct node_list items = {0};
    jinja_advance(p);
    while (!p->panic && !jinja_at(p, JINJA_RBRACKET)) {
        if (items.first && (!jinja_expect(p, JINJA_COMMA) || jinja_at(p, JINJA_RBRACKET)))
            break;
        node_append(&items, jinja_expression(p));
        node_raise(node, items.last);
    }
    jinja_expect(p, JINJA_RBRACKET);
    node->items = items.first;
    return done(p, node, NULL);
}

static struct node *primary_map(struct jinja_parser *p) {
    struct node *node = node_new(p->arena, NODE_MAP, p->current.span);
    struct node_list items = {0};
    jinja_advance(p);
    while (!p->panic && !jinja_at(p, JINJA_RBRACE)) {
        if (items.first && (!jinja_expect(p, JINJA_COMMA) || jinja_at(p, JINJA_RBRACE)))
            break;
        node_append(&items, jinja_expression(p));
        node_raise(node, items.last);
        jinja_expect(p, JINJA_COLON);
        node_append(&items, jinja_expression(p));
        node_raise(node, items.last);
    }
    jinja_expect(p, JINJA_RBRACE);
    node->items = items.first;
    return done(p, node, NULL);
}

static struct node *primary(struct jinja_parser *p) {
    struct jinja_token t = p->current;
    switch (t.kind) {
    case JINJA_NAME:
        return primary_name(p);
    case JINJA_STRING:
        return primary_string(p);
    case JINJA_INTEGER:
    case JINJA_FLOAT:
        jinja_advance(p);
        return node_const(p->arena, t.span, t.value);
    case JINJA_LPAREN: {
        jinja_advance(p);
        struct node *node = jinja_tuple(p, (struct jinja_tuple_rule){.bracketed = true});
        jinja_expect(p, JINJA_RPAREN);
        return node;
    }
    case JINJA_LBRACKET:
        return primary_list(p);
    case JINJA_LBRACE:
        return primary_map(p);
    default:
        jinja_unexpected(p, "an expression");
        return nothing(p);
    }
}

// ---- what follows a primary expression: .name [item] (args)

// Inside of brackets: an expression, or start:stop:step, which gives a slice of `node`.
static struct node *subscript_part(struct jinja_parser *p, struct node *node) {
    struct node *parts[3] = {NULL, NULL, NULL};
    bool slice = false;
    for (int i = 0; i < 3 && !p->panic; i++) {
        if (!jinja_at(p, JINJA_COLON) && !jinja_at(p, JINJA_RBRACKET) && !jinja_at(p, JINJA_COMMA))
            parts[i] = jinja_expression(p);
        if (i == 2 || !jinja_accept(p, JINJA_COLON))
            break;
        slice = true;
    }
    struct node *result = node_over(p, slice ? NODE_SLICE : NODE_ITEM, node);
    if (slice) {
        result->slice.start = parts[0];
        result->slice.stop = parts[1];
        result->slice.step = parts[2];
        node_raise(result, parts[1]);
        node_raise(result, parts[2]);
    } else {
        // x[] has the empty tuple as its key, which is a key like any other
        result->right = parts[0] ? parts[0] : node_new(p->arena, NODE_TUPLE, p->current.span);
    }
    return done(p, result, parts[0]);
}

static struct node *subscript_item(struct jinja_parser *p, struct node *node) {
    jinja_advance(p);
    struct node *first = subscript_part(p, node);
    struct node *result = first;
    if (jinja_at(p, JINJA_COMMA)) { // x[1, 2] has a tuple as its key
        struct node *tuple = node_over(p, NODE_TUPLE, first);
        struct node_list items = {0};
        tuple->left = NULL;
        for (struct node *part = first;; part = subscript_part(p, node)) {
            if (part->kind == NODE_SLICE)
                jinja_fail(p, part->span, "a slice cannot be one of several keys");
            else
                node_append(&items, part->right);
            node_raise(tuple, part);
            if (!jinja_accept(p, JINJA_COMMA) || jinja_at(p, JINJA_RBRACKET))
                break;
        }
        tuple->items = items.first;
        result = node_over(p, NODE_ITEM, node);
        result->right = tuple;
    }
    jinja_expect(p, JINJA_RBRACKET);
    done(p, result, result->kind == NODE_ITEM ? result->right : NULL);
    return done(p, result, node);
}

static struct node *subscript_dot(struct jinja_parser *p, struct node *node) {
    jinja_advance(p);
    struct jinja_token t = p->current;
    struct node *result;
    if (t.kind == JINJA_NAME) {
        jinja_advance(p);
        result = node_over(p, NODE_ATTR, node);
        result->name = t.text;
    } else if (t.kind == JINJA_INTEGER) {
        jinja_advance(p);
        result = node_over(p, NODE_ITEM, node);
        result->right = node_const(p->arena, t.span, t.value);
    } else {
        jinja_unexpected(p, "a name or a number");
        return node;
    }
    return done(p, result, node);
}

static void keyword_argument(struct jinja_parser *p, struct node *call, struct node_list *keywords) {
    struct node *keyword = node_new(p->arena, NODE_ATTR, p->current.span);
    keyword->name = p->current.text;
    for (const struct node *k = keywords->first; k; k = k->next)
        if (str_equal(k->name, keyword->name))
            jinja_fail(p, keyword->span, "the argument '%.*s' is given twice", STR_ARG(keyword->name));
    jinja_advance(p);
    jinja_expect(p, JINJA_ASSIGN);
    keyword->left = jinja_expression(p);
    node_append(keywords, keyword);
    node_raise(call, keyword->left);
}

// *iterable or **mapping, each once.
static void unpacked_argument(struct jinja_parser *p, struct node *call, struct node **unpacked) {
    if (*unpacked)
        jinja_fail(p, p->current.span, "'%s' is given twice", jinja_at(p, JINJA_MUL) ? "*" : "**");
    jinja_advance(p);
    *unpacked = jinja_expression(p);
    node_raise(call, *unpacked);
}

// The arguments of a call, filter or test, in parentheses.
static void arguments(struct jinja_parser *p, struct node *call) {
    enum { ARGUMENTS_LIMIT = 255 };
    struct node_list args = {0}, keywords = {0};
    uint32_t n = 0;
    jinja_expect(p, JINJA_LPAREN);
    while (!p->panic && !jinja_at(p, JINJA_RPAREN)) {
        if (n && (!jinja_expect(p, JINJA_COMMA) || jinja_at(p, JINJA_RPAREN)))
            break;
        struct span span = p->current.span;
        if (++n > ARGUMENTS_LIMIT)
            jinja_fail(p, span, "more than %d arguments", (int)ARGUMENTS_LIMIT);
        else if (call->call.unpacked_keywords)
            jinja_fail(p, span, "an argument follows '**'");
        else if (jinja_at(p, JINJA_MUL))
            unpacked_argument(p, call, &call->call.unpacked);
        else if (jinja_at(p, JINJA_POW))
            unpacked_argument(p, call, &call->call.unpacked_keywords);
        else if (jinja_at(p, JINJA_NAME) && jinja_peek(p)->kind == JINJA_ASSIGN)
            keyword_argument(p, call, &keywords);
        else {
            if (keywords.first || call->call.unpacked)
                jinja_fail(p, span, "a positional argument follows %s",
                           keywords.first ? "a keyword argument" : "'*'");
            node_append(&args, jinja_expression(p));
            node_raise(call, args.last);
        }
    }
    jinja_expect(p, JINJA_RPAREN);
    call->call.args = args.first;
    call->call.keywords = keywords.first;
}

static struct node *call(struct jinja_parser *p, struct node *callee) {
    struct node *node = node_over(p, NODE_CALL, callee);
    arguments(p, node);
    return done(p, node, callee);
}

static struct node *postfix(struct jinja_parser *p, struct node *node) {
    while (!p->panic) {
        if (jinja_at(p, JINJA_DOT))
            node = subscript_dot(p, node);
        else if (jinja_at(p, JINJA_LBRACKET))
            node = subscript_item(p, node);
        else if (jinja_at(p, JINJA_LPAREN))
            node = call(p, node);
        else
            break;
    }
    return node;
}

// ---- filters and tests

// A name that may have points in it, as filters and tests of extensions do.
static struct str dotted_name(struct jinja_parser *p, const char *expected) {
    if (!jinja_at(p, JINJA_NAME)) {
        jinja_unexpected(p, expected);
        return (struct str){"", 0};
    }
    struct str name = p->current.text;
    jinja_advance(p);
    if (!jinja_at(p, JINJA_DOT))
        return name;
    struct buf joined = BUF_INIT;
    buf_add_str(&joined, name);
    while (jinja_accept(p, JINJA_DOT) && jinja_at(p, JINJA_NAME)) {
        buf_add_char(&joined, '.');
        buf_add_str(&joined, p->current.text);
        jinja_advance(p);
    }
    name = arena_str(p->arena, buf_str(&joined));
    buf_release(&joined);
    return name;
}

struct node *jinja_filters(struct jinja_parser *p, struct node *node) {
    do {
        struct node *filter = node_new(p->arena, NODE_FILTER, p->current.span);
        filter->left = node;
        filter->call.name = dotted_name(p, "the name of a filter");
        if (jinja_at(p, JINJA_LPAREN))
            arguments(p, filter);
        node = done(p, filter, node);
    } while (jinja_accept(p, JINJA_PIPE));
    return node;
}

// Whether an argument without parentheses begins here: "x is divisibleby 3".
static bool at_bare_argument(const struct jinja_parser *p) {
    switch (p->current.kind) {
    case JINJA_NAME:
        return !jinja_at_word(p, "else") && !jinja_at_word(p, "or") && !jinja_at_word(p, "and");
    case JINJA_STRING:
    case JINJA_INTEGER:
    case JINJA_FLOAT:
    case JINJA_LBRACKET:
    case JINJA_LBRACE:
        return true;
    default:
        return false;
    }
}

static struct node *test(struct jinja_parser *p, struct node *node) {
    jinja_advance(p); // is
    bool negated = jinja_accept_word(p, "not");
    struct node *result = node_new(p->arena, NODE_TEST, p->current.span);
    result->left = node;
    result->call.name = dotted_name(p, "the name of a test");
    if (jinja_at(p, JINJA_LPAREN)) {
        arguments(p, result);
    } else if (at_bare_argument(p)) {
        if (jinja_at_word(p, "is"))
            jinja_fail(p, p->current.span, "tests with 'is' cannot be chained");
        struct node *argument = postfix(p, primary(p));
        result->call.args = argument;
        node_raise(result, argument);
    }
    done(p, result, node);
    if (!negated)
        return result;
    struct node *not = node_over(p, NODE_UNARY, result);
    not ->op = OP_NOT;
    return done(p, not, result);
}

static struct node *filtered(struct jinja_parser *p, struct node *node) {
    while (!p->panic) {
        if (jinja_accept(p, JINJA_PIPE))
            node = jinja_filters(p, node);
        else if (jinja_at_word(p, "is"))
            node = test(p, node);
        else if (jinja_at(p, JINJA_LPAREN))
            node = call(p, node);
        else
            break;
    }
    return node;
}

// ---- operators, the tightest first

static struct node *binary(struct jinja_parser *p, uint8_t op, struct node *left, struct node *right) {
    struct node *node = node_over(p, NODE_BINARY, left);
    node->op = op;
    node->right = right;
    done(p, node, left);
    return done(p, node, right);
}

static struct node *unary(struct jinja_parser *p, bool with_filter) {
    struct span span = p->current.span;
    uint8_t op = jinja_at(p, JINJA_SUB) ? OP_NEG : OP_POS;
    struct node *node;
    if (!jinja_enter(p))
        return nothing(p);
    if (jinja_accept(p, JINJA_SUB) || jinja_accept(p, JINJA_ADD)) {
        struct node *operand = unary(p, false);
        node = node_new(p->arena, NODE_UNARY, span);
        node->op = op;
        node->left = operand;
        node = done(p, node, operand);
    } else {
        node = primary(p);
    }
    node = postfix(p, node);
    if (with_filter)
        node = filtered(p, node);
    jinja_leave(p);
    return node;
}

static struct node *power(struct jinja_parser *p) {
    struct node *node = unary(p, true);
    while (jinja_accept(p, JINJA_POW))
        node = binary(p, OP_POW, node, unary(p, true));
    return node;
}

static struct node *product(struct jinja_parser *p) {
    struct node *node = power(p);
    for (;;) {
        uint8_t op;
        if (jinja_accept(p, JINJA_MUL))
            op = OP_MUL;
        else if (jinja_accept(p, JINJA_DIV))
            op = OP_DIV;
        else if (jinja_accept(p, JINJA_FLOORDIV))
            op = OP_FLOORDIV;
        else if (jinja_accept(p, JINJA_MOD))
            op = OP_MOD;
        else
            return node;
        node = binary(p, op, node, power(p));
    }
}

static struct node *concatenation(struct jinja_parser *p) {
    struct node *first = product(p);
    if (!jinja_at(p, JINJA_TILDE))
        return first;
    struct node *node = node_new(p->arena, NODE_CONCAT, first->span);
    struct node_list items = {0};
    node_append(&items, first);
    node_raise(node, first);
    while (jinja_accept(p, JINJA_TILDE)) {
        node_append(&items, product(p));
        node_raise(node, items.last);
    }
    node->items = items.first;
    return done(p, node, NULL);
}

static struct node *sum(struct jinja_parser *p) {
    struct node *node = concatenation(p);
    for (;;) {
        uint8_t op = jinja_at(p, JINJA_ADD) ? OP_ADD : OP_SUB;
        if (!jinja_accept(p, JINJA_ADD) && !jinja_accept(p, JINJA_SUB))
            return node;
        node = binary(p, op, node, concatenation(p));
    }
}

// Consumes a comparison operator; false: there is none.
static bool accept_comparison(struct jinja_parser *p, uint8_t *op, bool *negated) {
    static const struct {
        enum jinja_token_kind kind;
        uint8_t op;
    } table[] = {{JINJA_EQ, OP_EQ}, {JINJA_NE, OP_NE}, {JINJA_LT, OP_LT},
                 {JINJA_LE, OP_LE}, {JINJA_GT, OP_GT}, {JINJA_GE, OP_GE}};
    *negated = false;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        *op = table[i].op;
        if (jinja_accept(p, table[i].kind))
            return true;
    }
    *op = OP_IN;
    if (jinja_accept_word(p, "in"))
        return true;
    if (!jinja_at_word(p, "not"))
        return false;
    const struct jinja_token *next = jinja_peek(p);
    if (next->kind != JINJA_NAME || !str_is(next->text, "in"))
        return false;
    jinja_advance(p);
    jinja_advance(p);
    return *negated = true;
}

static struct node *comparison(struct jinja_parser *p) {
    struct node *node = sum(p), *compare = NULL;
    struct node_list operands = {0};
    uint8_t op;
    bool negated;
    while (accept_comparison(p, &op, &negated)) {
        struct node *right = sum(p);
        struct node *operand = node_over(p, NODE_OPERAND, right);
        operand->op = op;
        operand->flags = negated;
        node_append(&operands, done(p, operand, right));
        if (!compare)
            compare = node_over(p, NODE_COMPARE, node);
        compare->items = operands.first;
        done(p, compare, node);
        done(p, compare, operand);
    }
    return compare ? compare : node;
}

static struct node *negation(struct jinja_parser *p) {
    struct span span = p->current.span;
    if (!jinja_accept_word(p, "not"))
        return comparison(p);
    if (!jinja_enter(p))
        return nothing(p);
    struct node *operand = negation(p);
    jinja_leave(p);
    struct node *node = node_new(p->arena, NODE_UNARY, span);
    node->op = OP_NOT;
    node->left = operand;
    return done(p, node, operand);
}

static struct node *conjunction(struct jinja_parser *p) {
    struct node *node = negation(p);
    while (jinja_accept_word(p, "and"))
        node = binary(p, OP_AND, node, negation(p));
    return node;
}

static struct node *expression_no_choice(struct jinja_parser *p) {
    if (!jinja_enter(p))
        return nothing(p);
    struct node *node = conjunction(p);
    while (jinja_accept_word(p, "or"))
        node = binary(p, OP_OR, node, conjunction(p));
    jinja_leave(p);
    return node;
}

struct node *jinja_expression(struct jinja_parser *p) {
    if (!jinja_enter(p))
        return nothing(p);
    struct node *node = expression_no_choice(p);
    while (jinja_accept_word(p, "if")) {
        struct node *choice = node_over(p, NODE_CHOICE, node);
        choice->condition = expression_no_choice(p);
        choice->right = jinja_accept_word(p, "else") ? jinja_expression(p) : NULL;
        done(p, choice, choice->condition);
        done(p, choice, choice->right);
        node = done(p, choice, node);
    }
    jinja_leave(p);
    return node;
}

// ---- tuples and targets

static bool at_tuple_end(const struct jinja_parser *p, struct jinja_tuple_rule rule) {
    return p->panic || jinja_at(p, JINJA_PRINT_END) || jinja_at(p, JINJA_BLOCK_END) ||
           jinja_at(p, JINJA_RPAREN) || jinja_at(p, JINJA_END) ||
           (rule.end_word && jinja_at_word(p, rule.end_word));
}

struct node *jinja_tuple(struct jinja_parser *p, struct jinja_tuple_rule rule) {
    struct node *node = node_new(p->arena, NODE_TUPLE, p->current.span);
    struct node_list items = {0};
    bool is_tuple = false;
    while (!at_tuple_end(p, rule)) {
        struct node *item = rule.plain       ? primary(p)
                            : rule.no_choice ? expression_no_choice(p)
                                             : jinja_expression(p);
        node_append(&items, item);
        node_raise(node, item);
        if (!jinja_accept(p, JINJA_COMMA))
            break;
        is_tuple = true;
    }
    if (!is_tuple && items.first)
        return items.first;
    if (!is_tuple && !rule.bracketed)
        jinja_unexpected(p, "an expression");
    node->items = items.first;
    return done(p, node, NULL);
}

static void check_target(struct jinja_parser *p, const struct node *node) {
    if (node->kind == NODE_TUPLE) {
        if (!node->items)
            jinja_fail(p, node->span, "there is nothing to assign to in an empty tuple");
        for (const struct node *item = node->items; item; item = item->next)
            check_target(p, item);
    } else if (node->kind != NODE_NAME) {
        const char *what = node->kind == NODE_CONST  ? "a constant"
                           : node->kind == NODE_LIST ? "a list"
                           : node->kind == NODE_MAP  ? "a dict"
                                                     : "an expression";
        jinja_fail(p, node->span, "cannot assign to %s", what);
    }
}

struct node *jinja_target(struct jinja_parser *p, const char *end_word) {
    struct node *node = jinja_tuple(p, (struct jinja_tuple_rule){.plain = true, .end_word = end_word});
    check_target(p, node);
    return node;
}

struct node *jinja_name_target(struct jinja_parser *p) {
    if (!jinja_at(p, JINJA_NAME)) {
        jinja_unexpected(p, "a name");
        return nothing(p);
    }
    struct node *node = primary_name(p);
    check_target(p, node);
    return node;
}
