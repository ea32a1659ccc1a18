// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_TREE_H
#define PRESSRUN_STAGES_COMPILE_TREE_H
/*
 * The tree: what a front end makes of a template, in no particular language, and what code generation reads.
 *
 * One struct for all nodes; `kind` says which member of the union counts. Lists are chains by `next`. A node
 * knows the bytes it came from. Nodes live in the arena the front end was given, texts there or in the source.
 *
 * Invariants: no expression is higher than TREE_HEIGHT and no statement deeper than TREE_DEPTH, which the
 * front end sees to, so that whoever walks the tree may recurse. Text nodes are never empty.
 *
 * Scopes: FOR, WITH, CAPTURE (a set or filter block), AUTOESCAPE, MACRO and CALL_BLOCK have a scope of their own for the
 * names set inside; IF has not. A FAMILY_BLOCK sees no scope around it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "stages/record/value.h"

enum { TREE_HEIGHT = 1000, TREE_DEPTH = 200 };

enum node_kind {
    // Expressions
    NODE_CONST,   // value
    NODE_NAME,    // name
    NODE_ATTR,    // left, name
    NODE_ITEM,    // left, right
    NODE_SLICE,   // left, slice; absent parts are NULL
    NODE_CALL,    // left: the callee, call
    NODE_FILTER,  // left: the value (NULL in a block's chain of filters: the captured text), call
    NODE_TEST,    // left: the value, call
    NODE_UNARY,   // op (OP_NEG, OP_POS, OP_NOT), left
    NODE_BINARY,  // op (OP_ADD .. OP_POW, OP_AND, OP_OR), left, right
    NODE_COMPARE, // left, items: a chain of NODE_OPERAND
    NODE_OPERAND, // op (OP_EQ .. OP_GE, OP_IN; flags 1: not in), left
    NODE_CONCAT,  // items
    NODE_LIST,    // items
    NODE_TUPLE,   // items
    NODE_MAP,     // items: key, value, key, value, ...
    NODE_CHOICE,  // left if condition else right (NULL: nothing)
    // Statements
    NODE_TEXT,         // value: a string
    NODE_PRINT,        // left
    NODE_IF,           // block.items: a chain of NODE_BRANCH
    NODE_BRANCH,       // left: the condition (NULL: else), block.body
    NODE_FOR,          // left: what is looped over, loop; flags 1: recursive
    NODE_SET,          // target: NODE_NAME or NODE_TUPLE of targets, left
    NODE_SET_ATTR,     // name, target: NODE_NAME, left
    NODE_CAPTURE,      // block.target (NULL: written), left: a chain of filters (NULL: none), block.body
    NODE_WITH,         // block.items: a chain of NODE_SET, block.body
    NODE_MACRO,        // macro
    NODE_CALL_BLOCK,   // left: the NODE_CALL, macro without a name
    NODE_INCLUDE,      // left, flags: enum include_flag
    NODE_AUTOESCAPE,   // left: whether to escape, block.body
    NODE_EXTENDS,      // left
    NODE_FAMILY_BLOCK, // macro without parameters, flags: enum block_flag
    NODE_IMPORT, // left, block.target: a NODE_NAME, or block.items: a chain of NODE_IMPORTED; flags 1: with context
    NODE_IMPORTED, // name, target: the NODE_NAME it is imported as
    NODE_DO,       // left
    NODE_BREAK,
    NODE_CONTINUE,
    // Mustache's: names are looked up in the context stack (opcodes.def)
    NODE_LOOKUP,  // expression: name
    NODE_FIELD,   // expression: left, name; no more than that: a map's field
    NODE_CURRENT, // expression: the innermost section's value
    NODE_PUT,     // left, flags 1: escaped
    NODE_SECTION, // left, flags 1: inverted, part.body
    NODE_INDENT,  // a line of the template begins
    NODE_PARTIAL, // left: a name (NULL: part.name is it), part: indent, items: blocks given; flags: enum part_flag
    NODE_BLOCK, // part: name, indent, body; flags: enum part_flag
    // Of prompts
    NODE_PROMPT, // prompt: all of a prompt
    NODE_KEYWORD, // name, with its brackets; flags 1: it is only in comments; index: among the prompt's keywords
};

// What is named somewhere below a node; see tree_mark.
enum node_uses {
    USES_LOOP = 1,        // the variable `loop`
    USES_LOOP_INSIDE = 2, // ... from within a macro or call block
    USES_INCLUDE = 4,
    USES_VARARGS = 8,
    USES_KWARGS = 16,
    USES_CALLER = 32,
};

// Of Mustache's partials, parents and blocks.
enum part_flag {
    PART_STANDALONE = 1, // alone on its line, and so indented with it
    PART_PARENT = 2,     // of a partial: blocks are given to it
    PART_IN_LINE = 4,    // of a block: text of its line has been written before it
};

struct node {
    uint8_t kind;
    uint8_t op; // enum opcode
    uint8_t flags;
    uint8_t uses; // enum node_uses, of the bodies of FOR, MACRO and CALL_BLOCK
    uint16_t height;
    struct span span;
    struct node *next;
    struct node *left;
    union {
        struct value value;
        struct {
            struct str name;
            struct node *target;
        };
        struct {
            struct node *right, *condition;
        };
        struct {
            struct str name, indent;
            struct node *items, *body; // items: a chain of NODE_BLOCK
        } part;
        struct {
            struct node *start, *stop, *step;
        } slice;
        struct {
            struct str name;
            struct node *args, *keywords;              // keywords: a chain of NODE_ATTR: name, left
            struct node *unpacked, *unpacked_keywords; // *args and **kwargs, or NULL
        } call;
        struct node *items;
        struct {
            struct node *target, *items, *body;
        } block;
        struct {
            struct node *target, *filter, *body, *otherwise;
        } loop;
        struct {
            struct str text;       // to put the keywords into
            struct node *pieces;   // the same taken apart: a chain of NODE_TEXT and NODE_KEYWORD
            struct node *keywords; // in the order of being replaced: a chain of NODE_KEYWORD
            struct node *includes; // files to be brought in for certain: a chain of NODE_CONST
        } prompt;
        struct {
            struct str name;
            struct node *target; // unused
            uint32_t index;
        } keyword;
        struct {
            struct str name;
            struct node *parameters,
                *body; // parameters: a chain of NODE_ATTR: name, left: the default or NULL
        } macro;
    };
};

struct tree {
    struct node *body;
    struct node *expression; // instead of a body
    bool has_context_stack;  // names are looked up in it: Mustache
    bool indents; // NODE_INDENT counts: the form of a template that is rendered with an indentation
};

// A chain being built.
struct node_list {
    struct node *first, *last;
};

// Never NULL: aborts without memory, as bookkeeping does.
struct node *node_new(struct arena *arena, enum node_kind kind, struct span span);
struct node *node_const(struct arena *arena, struct span span, struct value v);
void node_append(struct node_list *list, struct node *node);
// Makes `node` higher than `child`; false where it gets higher than TREE_HEIGHT.
bool node_raise(struct node *node, const struct node *child);

// Fills in `uses` below a chain of nodes, each visited once; returns what the chain itself uses.
uint8_t tree_mark(struct node *chain);

// Replaces what can be computed now by its value: operators on literals. What would fail is left to fail when
// it runs. Returns the node that stands for the expression from now on.
struct node *tree_fold(struct arena *arena, struct node *expression);
// Whether a constant is true, as a condition.
bool constant_truth(struct value v);
// The text a constant is written as, unescaped, in `arena`; false where only the machine knows.
bool constant_text(struct arena *arena, struct value v, struct str *out);

#endif
