// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_PROGRAM_PROGRAM_H
#define PRESSRUN_STAGES_PROGRAM_PROGRAM_H
/*
 * The program: what a template is compiled to, whatever its language, and what the virtual machine runs.
 *
 * It is immutable once linked, shared by all threads and jobs, and owns everything it points to (one arena),
 * other programs excepted. Nothing unverified runs: program_verify checks every operand, jump, stack depth and
 * slot before a program is given away.
 *
 * Frames: the body and every function have slots (variables). Slot indexes are given at compile time; a frame
 * of a function can see the frames it is lexically inside of, `outer` levels out. Slots start as VALUE_MISSING.
 *
 * Blocks: functions that templates of a family replace by name. A program that inherits runs in a family.
 *
 * Scope tables list the named slots that are visible at a place, for included templates.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/err.h"
#include "stages/record/value.h"

enum opcode {
#define OPCODE(name, operands, pops, pushes, meaning) OP_##name,
#include "stages/program/opcodes.def"
    OPCODE_COUNT
};

enum loop_attr {
    LOOP_SELF, // the loop object itself
    LOOP_INDEX,
    LOOP_INDEX0,
    LOOP_REVINDEX,
    LOOP_REVINDEX0,
    LOOP_FIRST,
    LOOP_LAST,
    LOOP_LENGTH,
    LOOP_DEPTH,
    LOOP_DEPTH0,
    LOOP_PREVITEM,
    LOOP_NEXTITEM,
    LOOP_ATTR_COUNT
};
const char *loop_attr_name(enum loop_attr attr); // "self" for the object

// Whether a value is escaped when written: known when compiling, or as escaping is when it runs (an autoescape
// block on whose expression that depends).
enum escaping { ESCAPE_OFF, ESCAPE_ON, ESCAPE_DYNAMIC };

enum include_flag { INCLUDE_IGNORE_MISSING = 1, INCLUDE_WITHOUT_CONTEXT = 2 };

// Of family blocks.
enum block_flag { BLOCK_SCOPED = 1, BLOCK_REQUIRED = 2 };

struct instruction {
    uint8_t op, a;
    uint16_t b;
    uint32_t c;
};

// A parameter of a function. `slot` gets the argument; a default is code in the function's prologue that runs
// when the slot is MISSING.
struct parameter {
    struct str name;
    bool has_default;
};

struct function_code {
    struct str name; // of the macro; "" for the body
    uint32_t entry;  // first instruction
    uint32_t slots;  // slots of its frame; parameters are the first ones
    uint32_t stack;  // deepest evaluation stack, set by the verifier
    uint32_t parameters_n;
    const struct parameter *parameters;
    int32_t varargs, kwargs, caller; // slots of these special variables, -1: not used by the macro
    bool is_loop;                    // a recursive for statement
};

// How a call passes its arguments: n positional ones, values for these names, then an iterable of more
// positional ones (*args) and a mapping of more names (**kwargs) as `unpacks` says.
enum call_unpacks { UNPACK_POSITIONAL = 1, UNPACK_KEYWORDS = 2 };
struct call_shape {
    uint32_t positional;
    uint32_t keywords;
    const struct str *names;
    uint32_t unpacks; // bits of call_unpacks
    uint32_t values;  // all of them on the stack
};

struct scope_entry {
    struct str name;
    uint16_t outer, slot;
    bool is_imported; // among exports: no module passes it on
};
struct scope_table {
    uint32_t n;
    const struct scope_entry *entries; // innermost first
};

// A block that a Mustache template gives to the template it inherits from.
struct block {
    struct str name;
    uint32_t function; // its text
};

// What a Mustache template says where it renders a partial or a parent, and where it has a block itself.
struct partial {
    struct str name;   // of the block; else ""
    struct str indent; // what its lines are indented by, more than those of this template
    bool is_parent;    // the blocks given to this template are given to it too
    bool indented;     // PARTIAL_NAMED: in the form of a template that can be indented
    uint32_t blocks_n;
    const struct block *blocks;
};

struct program;

// Languages that programs ask for by name, whatever that of a template says: partials, files of prompts.
#define LANGUAGE_MUSTACHE          "mustache"
#define LANGUAGE_MUSTACHE_INDENTED "mustache-indented"
#define LANGUAGE_TEXT              "text"

struct template_ref {
    struct str name;               // as written, and looked up in the search path
    const char *language;          // that it is in; NULL: its name tells
    struct span span;              // where it is named
    bool may_be_missing;           // `ignore missing`
    const struct program *program; // set when linked; NULL: there is no such template
};

// A block is a function of its own, outside of all others: what is around it does not show, but for names set at
// the top level of templates.
struct block_code {
    struct str name;
    uint32_t function;
};

struct program {
    struct arena arena; // everything below
    struct source_text source;
    const char *language; // "jinja", ...
    bool is_expression;   // ends with RESULT rather than RETURN
    bool autoescape;
    bool has_context_stack; // of Mustache: its sections are seen by what it renders
    struct digest own;      // of what it alone is made from: language, options, text
    bool inherits;          // it has blocks, extends or names `self`: it only runs as part of a family

    struct instruction *code;
    uint32_t *positions; // per instruction: byte offset in source.text; for the caret of a fault
    uint32_t *extents;   // per instruction: how many bytes to underline
    uint32_t code_n;
    struct value *constants; // strings, numbers, None, booleans, tuples of them
    uint32_t constants_n;
    struct function_code *functions; // [0] is the body
    uint32_t functions_n;
    struct call_shape *calls;
    uint32_t calls_n;
    struct scope_table *scopes;
    uint32_t scopes_n;
    struct block_code *blocks; // sorted by name
    uint32_t blocks_n;
    struct scope_table exports; // names set at the top level: slots of the body
    struct template_ref *refs;
    uint32_t refs_n;
    struct partial *partials;
    uint32_t partials_n;
};

// Index by name, or -1.
int64_t program_block(const struct program *p, struct str name);

struct program *program_new(void);
// The same program under another name, for messages: it borrows all but its references, which are not linked.
struct program *program_new_alias(const struct program *original, struct str name);
void program_free(struct program *p);

// A linked program and all that it leads to, each once, by the name it is first referred to; p itself comes first, without
// one. Templates chosen at run time are not among them.
typedef void (*program_fn)(void *context, struct str name, const struct program *p);
void program_reach(const struct program *p, program_fn fn, void *context);

bool program_chooses(const struct program *p); // itself, templates at run time
// Whether it has a constant of that text: so whether it may ask for a variable or function of that name.
bool program_mentions(const struct program *p, struct str text);

// Of everything a linked program is made from: itself and all that it leads to, by whatever names, and the names
// that lead nowhere. Templates chosen at run time are not in it.
struct digest program_digest(const struct program *p);

extern const char *const opcode_names[OPCODE_COUNT];
extern const char *const opcode_operands[OPCODE_COUNT];

// The words of opcode_operands as bits; NAME_B: field b too is the index of a string constant.
enum operand {
    OPERAND_CONST = 1 << 0,
    OPERAND_NAME = 1 << 1,
    OPERAND_NAME_B = 1 << 2,
    OPERAND_TEXT = 1 << 3,
    OPERAND_SLOT = 1 << 4,
    OPERAND_OUTER = 1 << 5,
    OPERAND_JUMP = 1 << 6,
    OPERAND_COUNT = 1 << 7,
    OPERAND_FUNC = 1 << 8,
    OPERAND_REF = 1 << 9,
    OPERAND_SCOPE = 1 << 10,
    OPERAND_CALL = 1 << 11,
    OPERAND_FILTER = 1 << 12,
    OPERAND_TEST = 1 << 13,
    OPERAND_FLAG = 1 << 14,
    OPERAND_PARTIAL = 1 << 15,
    OPERAND_MACRO = 1 << 16,
    OPERAND_LOOP = 1 << 17,
};
uint32_t opcode_operand_mask(enum opcode op);

// Values popped and pushed by one instruction of this program (FOR_NEXT: on the path that goes on).
void opcode_effect(const struct program *p, const struct instruction *in, uint32_t *pops, uint32_t *pushes);

struct library;
// Checks everything a program could do wrong to the machine and fills in functions[].stack.
// A failure is a bug of the compiler or a damaged program: the text says which instruction.
enum status program_verify(struct program *p, const struct library *library, struct err *err);

// Readable listing: see disassemble.c.
void program_disassemble(const struct program *p, const struct library *library, struct buf *out);

#endif
