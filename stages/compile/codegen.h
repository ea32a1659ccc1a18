// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_CODEGEN_H
#define PRESSRUN_STAGES_COMPILE_CODEGEN_H
/*
 * Code generation: tree to program. codegen.c has what all code needs (instructions, constants, jumps),
 * code_scope.c the variables; code_expression.c and code_statement.c walk the tree, code_loop.c does loops, code_macro.c
 * macros, code_inherit.c blocks and modules, code_section.c what only Mustache has, code_prompt.c what only prompts have.
 *
 * Variables. All names that are set in a scope are declared when it begins, each with a slot. A symbol knows
 * its innermost variable, so that lookup does not depend on how many there are. A variable is `sure` where it
 * has certainly been set by the code before; reading any other one asks the slot and then what it shadows, and
 * in the end the record.
 *
 * Functions have code of their own while it is generated; finishing joins them and moves their jumps.
 */
#include <stdbool.h>

#include "stages/compile/compile.h"
#include "stages/compile/tree.h"

// From a tree made of `source` to a verified program that is not linked yet; NULL: `diags` got an error.
// `p` is new and holds the source already; it is owned from here on. `scratch` is for the time of the call.
struct program *codegen(struct program *p, struct arena *scratch, struct tree *tree,
                        const struct compile_options *options, struct diags *diags);

// ---- within code generation

#define CODE_NONE UINT32_MAX // no index
enum { SLOTS_LIMIT = UINT16_MAX };

struct symbol {
    struct str text;
    uint32_t hash;
    uint32_t constant;         // index of the string constant, or CODE_NONE
    uint32_t refs[2];          // template references of this name: plain, that may be missing
    struct variable *variable; // innermost
    uint32_t read;             // number of the scope last found to read it; see code_settle
};

enum variable_kind {
    VARIABLE_SET,     // by statements: may be unset
    VARIABLE_ALWAYS,  // parameters, loop targets: set before anything can read it
    VARIABLE_PENDING, // a parameter whose default has not been evaluated yet
    VARIABLE_LOOP,    // `loop`: slot is the loop's own, object that of its object or CODE_NONE
};

struct variable {
    struct symbol *symbol;
    struct variable *shadowed, *next; // next: in the scope
    struct scope *scope;
    uint8_t kind;
    bool sure;
    bool is_imported;    // no module passes it on
    bool settled, hides; // hides: unset it is undefined, whatever the record has; see code_settle
    uint16_t slot;
    uint32_t object;
    uint32_t start; // of a LOOP: its FOR instruction, which wants to know whether the object is looked at
};

// Slots are given back in the order of a stack, but for those a macro may see.
struct slots_mark {
    uint32_t slots, macros;
};

struct scope {
    struct scope *outer;
    uint32_t number; // from 1
    struct slots_mark mark;
    struct function *function;
    struct variable *variables, **end;
    uint32_t table;     // scope table for includes, or CODE_NONE
    bool is_top;        // of its function
    bool keeps_targets; // the body of a loop: what its outer scope declares is set there
};

// The loop that break and continue mean.
struct code_loop {
    struct code_loop *outer;
    uint32_t next;     // the FOR_NEXT
    uint32_t breaks;   // chain of jumps
    uint32_t captures; // open where it began
    const struct code_escape *escapes;
};

// An autoescape block around: its slot keeps what escaping was before.
struct code_escape {
    const struct code_escape *outer;
    uint32_t slot;
};

struct function {
    struct function *outer;
    uint32_t index, depth;
    struct instruction *code;
    uint32_t *positions, *extents;
    size_t n, code_cap, positions_cap, extents_cap;
    uint32_t slots, slots_max; // in use, and at most so far
    uint32_t loops, loops_max; // running loops: they have slots of their own, behind all others
    uint32_t macros;           // made so far
    struct str name;
    const struct parameter *parameters;
    uint32_t parameters_n;
    int32_t varargs, kwargs, caller;
    struct code_loop *loop;
    uint32_t captures; // open ones
    const struct code_escape *escapes;
    bool is_loop; // of a recursive for statement
};

struct codegen {
    struct program *p;
    struct arena *scratch;
    const struct compile_options *options;
    struct diags *diags;
    struct span span; // where the code being generated comes from
    struct function *function;
    struct scope *scope;
    uint8_t autoescape;   // enum escaping
    bool escape_literals; // as autoescape, where that is known
    bool soft;            // an unknown filter or test fails only when it is reached
    bool too_large;       // a limit was exceeded, and that has been said
    uint32_t loops;       // for loops around, in whatever function
    // inheritance
    bool extends; // an `extends` has been met, the last one here:
    struct span extends_span;
    bool extends_surely;      // it is one that is always reached
    bool guarded;             // output here is not to be seen where the template extends another
    const struct node *block; // that the code is within, or NULL
    struct node **blocks;     // met so far
    size_t blocks_n, blocks_cap;
    // literal text not yet emitted
    struct str text;
    struct span text_span;
    struct buf text_joined;
    // tables of the program, growing
    struct value *constants;
    struct call_shape *calls;
    struct scope_table *scopes;
    struct template_ref *refs;
    struct function **functions;
    size_t constants_n, constants_cap, calls_n, calls_cap, scopes_n, scopes_cap, refs_n, refs_cap,
        functions_n, functions_cap;
    uint32_t *plain_calls; // shapes without keywords, by the number of arguments
    size_t plain_calls_cap;
    struct partial *partials;
    size_t partials_n, partials_cap;
    bool indents; // lines of the template are indented when they begin
    size_t scope_entries;
    uint32_t scopes_opened;
    uint32_t empty_table; // the scope table without entries, or CODE_NONE
    // symbols: a hash table, open addressing
    struct symbol **symbols;
    size_t symbols_n, symbols_cap;
    // variables in the order they became sure, to take that back at the end of a branch
    struct variable **trail;
    size_t trail_n, trail_cap;
};

void *code_alloc(struct codegen *g, size_t size);   // zeroed, in the program's arena; aborts without memory
void *code_scratch(struct codegen *g, size_t size); // the same for the time of code generation
void code_too_large(struct codegen *g, const char *what);

// Instructions. Labels and jumps: a chain of jumps to one place is linked through their c; 0: empty.
uint32_t code_here(struct codegen *g);
uint32_t code_emit(struct codegen *g, enum opcode op, uint32_t a, uint32_t b, uint32_t c); // its index
void code_jump(struct codegen *g, enum opcode op, uint32_t b, uint32_t *chain);
void code_land(struct codegen *g, uint32_t *chain);                 // here
void code_land_at(struct codegen *g, uint32_t *chain, uint32_t at); // there
// Literal output; joined with what is next to it. `safe`: not to be escaped.
void code_text(struct codegen *g, struct str text, struct span span);
void code_text_escaped(struct codegen *g, struct str text, struct span span);

uint32_t code_constant(struct codegen *g, struct value v);
uint32_t code_string(struct codegen *g, struct str text); // a constant
struct str code_keep(struct codegen *g, struct str text); // as long as the program
struct symbol *code_symbol(struct codegen *g, struct str text);
// The shape of a call, filter or test whose `positional` plain arguments are on the stack, with what follows them;
// `caller`: the block of a call statement is one more keyword.
uint32_t code_call_shape(struct codegen *g, uint32_t positional, const struct node *call, bool caller);

// code_settle.c: which of the variables that the chain sets in the current scope hide what the record has.
void code_settle(struct codegen *g, const struct node *chain);
void code_settle_read(struct codegen *g, const struct node *expression); // by the scope, before the chain

// code_scope.c
uint32_t code_slots(struct codegen *g, uint32_t n); // the first of n new ones
struct slots_mark code_slots_mark(const struct codegen *g);
void code_slots_release(struct codegen *g, struct slots_mark mark);
void code_open_scope(struct codegen *g, struct scope *scope);
void code_close_scope(struct codegen *g);
struct variable *code_declare(struct codegen *g, struct str name, enum variable_kind kind);
// Declares what a chain of statements sets in the current scope; makes the slots unset where they may not be:
// in each round of a loop, and where they have been used before.
void code_declare_sets(struct codegen *g, const struct node *chain, bool unset);
void code_declare_targets(struct codegen *g, const struct node *target, enum variable_kind kind);
void code_store_name(struct codegen *g, const struct node *name);
void code_store(struct codegen *g, const struct node *target);
bool code_is_sure(const struct codegen *g, const struct variable *v);
void code_make_sure(struct codegen *g, struct variable *v);
uint32_t code_scope_table(struct codegen *g, bool empty);
void code_loop_looked_at(struct codegen *g, const struct variable *loop);

void code_open_function(struct codegen *g, struct function *f, struct str name);
void code_close_function(struct codegen *g);

// code_expression.c: the code leaves one value on the stack.
void code_expression(struct codegen *g, struct node *node);
void code_name(struct codegen *g, struct str name, struct span span);
// Jumps to the chain where the truth of `node` is `when`, else goes on.
void code_condition(struct codegen *g, struct node *node, bool when, uint32_t *chain);
void code_print(struct codegen *g, struct node *node);
// The arguments of a call, filter or test; the caller block of a call statement, if any, comes after the keywords.
void code_arguments(struct codegen *g, const struct node *node, struct node *caller, uint32_t *positional);

// code_inherit.c
void code_extends(struct codegen *g, struct node *node);
void code_family_block(struct codegen *g, struct node *node);
void code_import(struct codegen *g, struct node *node);
void code_family_blocks(struct codegen *g); // the functions of all blocks met; after the body
void code_exports(struct codegen *g);       // of the scope, which is the body's
// Before output; false: it is never seen. `guard` is to be landed behind it.
bool code_output_begin(struct codegen *g, uint32_t *guard);
// `self`, and `super` in a block, where no variable has that name.
bool code_is_special(const struct codegen *g, struct str name);
void code_special_name(struct codegen *g, struct str name);

// code_prompt.c
void code_prompt(struct codegen *g, const struct node *node);

// code_statement.c
// The index of a reference to a template; one where name, language (NULL: the name tells) and the last are the same.
uint32_t code_ref(struct codegen *g, struct str name, const char *language, struct span span,
                  bool may_be_missing);
void code_statements(struct codegen *g, struct node *chain);
void code_escape_end(struct codegen *g, const struct code_escape *escape);

// code_loop.c
void code_loop(struct codegen *g, struct node *node);
void code_leave_round(struct codegen *g, const struct node *node); // break, continue
// A loop's depth in its function stands for its slots until the function is complete. Close: --function->loops.
uint32_t code_open_loop(struct codegen *g);

// code_macro.c
void code_macro(struct codegen *g, struct node *node);
void code_call_block(struct codegen *g, struct node *node);
void code_function(struct codegen *g, struct node *macro); // pushes it

// code_section.c: Mustache's nodes. False: it is another one.
bool code_section_expression(struct codegen *g, struct node *node);
bool code_section_statement(struct codegen *g, struct node *node);

#endif
