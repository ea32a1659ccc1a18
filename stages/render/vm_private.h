// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_RENDER_VM_PRIVATE_H
#define PRESSRUN_STAGES_RENDER_VM_PRIVATE_H
/*
 * Inside the machine; only the vm*.c files include this.
 *
 *     vm.c          dispatch                       vm_call.c     calls, binding, macros
 *     vm_render.c   life cycle, render, eval       vm_loop.c     loops and the loop object
 *     vm_names.c    names, attributes, caches      vm_include.c  included templates
 *     vm_fault.c    faults and their diags         vm_stack.c    frames, closures, captures
 *     vm_sections.c Mustache's context stack      vm_write.[ch] writing to the output
 *     vm_blocks.c   inheritance                   vm_import.c   modules
 *     vm_prompt.c   the prompt language           vm_limits.c   steps and time
 *     vm_round.c    giving back what rounds made
 *     vm_macros.c   the library's macros         vm_sample.c   where it is, for a profile
 *
 * A frame holds the slots and the evaluation stack of one function being run, both on the machine's value
 * stack. A macro needs the slots it sees to outlive the frame; so the first MACRO run in a frame moves its
 * slots to the scratch arena ("promotes" it), and all frames that only call or loop never allocate. Whoever
 * runs a frame therefore reads frame->env->slots anew after anything that may run another frame.
 *
 * A context is what names mean beyond a frame's own slots: the record, the extra names, and the slots visible
 * from the including templates, innermost first. An included template gets a context on the C stack of its
 * includer, which becomes persistent together with the frames it shows when a macro is made in it.
 *
 * A template that inherits runs in a family: its context is the family's, in which the names that the bodies of
 * the family set at their top level come before all others.
 *
 * Inline caches: a site per instruction and machine. Only shared shapes are remembered, and only addresses of
 * scope tables, which belong to programs.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "stages/program/library.h"
#include "stages/program/program.h"
#include "stages/record/value.h"
#include "stages/render/machine.h"
#include "stages/render/object.h"
#include "stages/render/vm.h"

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
// What most instructions run through. The dispatch is so large that compilers would rather call it.
#define FAST_PATH static inline __attribute__((always_inline))

enum {
    STACK_SPARE = 16,      // values above the verified stack depth, for absent arguments
    DEPTH_MOST = 1000,     // nested calls that a stack of 8 MiB holds, whatever the limits say
    INCLUDES_MOST = 200,   // the same for includes
    OUTPUT_KEEP = 8 << 20, // a larger output buffer is given back after use
    TRACE_LINES = 10,
};

// "A map of this shape has the name at this position (-1: not at all)", for the two shapes seen last.
struct lookup {
    const struct shape *shape[2];
    int32_t position[2];
};

struct code_state;
struct site {
    struct lookup name, attribute;
    const void *scope_key; // no slot visible in the context of this key has the name
    // Entry `hit` of the only scope table of the context of this key has the name. Of a FAMILY_BLOCK: the lineage in
    // which `include` has the block, as function `hit`.
    const void *hit_key;
    uint32_t hit;
    const struct value *other;  // the name among the globals and the functions; NULL: not looked up yet
    struct code_state *include; // of what an INCLUDE or IMPORT leads to, or of what has the FAMILY_BLOCK
};

// What the machine keeps of a program it has run.
struct code_state {
    const struct program *program;
    struct site *sites;      // one an instruction
    struct str name;         // by which it was asked for last, as a parent or module
    struct lineage *lineage; // of it alone, which extends nothing yet; NULL: it never ran in a family
    struct value module;     // made for item module_item
    uint64_t module_item;
    struct code_state *next;
};

struct env {
    struct value *slots;
    struct env *outer; // of the function it is lexically inside of
};

// A program and what it extends; of each chain there is one, found from its youngest program on.
struct lineage {
    struct code_state *state;
    const struct lineage *child;    // the template that extends this one; NULL: none
    struct lineage *parents, *next; // lineages that go on from here; the next one of such
    bool has_exports;               // in any of its programs
};

// The slots a body shows to its family.
struct level {
    const struct scope_table *exports;
    struct env *env;
    struct level *older;
};

struct family {
    struct lineage *lineage;
    struct level *levels; // bodies that have begun, the last one first
};

struct context {
    const struct map *record;  // NULL: none
    const struct shape *shape; // the record's where names may be cached by it; else one that no record has
    const struct vm_extra *extra;
    size_t extra_n;
    const void *scope_key; // NULL: no scopes; the scope table or lineage: just that; else context_chained
    const struct scope_table *table;
    struct frame *frame;   // of the includer while it runs, else
    struct env *env;       // its slots
    struct context *outer; // of the includer
    struct family *family; // that code with this context runs in, or NULL
    bool shows_levels;     // names set by the family come here
    bool persistent;       // lives as long as the item
};

enum frame_kind {
    FRAME_BODY,
    FRAME_INCLUDE,
    FRAME_MACRO,
    FRAME_BLOCK,
    FRAME_FAMILY_BLOCK,
    FRAME_PARENT,
    FRAME_IMPORT
};

struct frame {
    enum frame_kind kind;
    const struct program *program;
    const struct function_code *function;
    struct site *sites;
    struct context *context;
    struct env *env; // &own until promoted
    struct env own;
    struct value *stack;
    // After the instruction being run; for traces, kept where it may fail or call.
    const struct instruction *ip;
    struct frame *caller;
    size_t captures; // open ones when it began
    struct stack_chunk *chunk;
    struct value *chunk_at;
};

// Blocks that are given to the template being rendered.
struct given {
    const struct given *before; // given to who gives these: they come before
    const struct partial *partial;
    struct code_state *state; // of the program they are in
};

// How a Mustache template, or a block, is rendered: on the C stack of who renders it.
struct layout {
    const struct layout *outer; // whose indentation comes first; NULL: none
    struct str indent;
    const struct given *given;
    bool in_line; // the next line has begun already
};

struct stack_chunk {
    struct stack_chunk *next;
    struct value *end;
    struct value values[];
};

struct function_object {
    struct object base;
    const struct library_function *function;
};

struct vm {
    struct vm_options options;
    struct vm_limits limits; // none is 0
    struct arena scratch;    // values of the item
    struct arena faults;     // its fault; apart, so that running out of memory can be reported
    struct buf output;
    uint32_t printing; // objects being printed, one within the other
    size_t room;       // how far output may be filled without asking: least of its capacity and `most`
    size_t most;       // how far at all before write_over is asked; vm_write.h
    const struct vm_writer *writer; // NULL: all output stays in the buffer
    uint64_t handed;                // bytes that the writer has taken
    uint32_t held;                  // users of the output's end, beside open captures
    struct buf text;

    struct frame *frame; // the innermost one
    struct stack_chunk *chunks, *chunk;
    struct value *chunk_at;
    size_t *captures; // where in the output open captures begin
    size_t captures_n, captures_cap;
    uint32_t calls, includes; // nested now
    bool copied, wants_copy;  // the record is the item's own; it must be, so the item is to be rendered again
    bool autoescape;          // as the template, or an autoescape block of it, has it where the machine is
    uint64_t steps_left;      // until limits are looked at
    uint64_t steps_beyond;    // after those
    uint64_t deadline;        // of the clock; 0: the item has not taken long enough for it to be looked at
    bool late;
    struct clock clock;
    uint64_t kept; // how often something may have kept values: frames entered, calls that are not pure
    uint64_t instructions;
    uint64_t item_number; // which one this is; from 1
    struct value result;  // of an expression
    struct value found;   // where a lookup puts what has no place of its own

    struct value item; // the record, whatever it is
    // The innermost section's slots: [0] its value; [1].n: elements, [1].s: the slots of the section around it;
    // [2].n: the next element, [2].s: the elements. Outermost of all is `bottom`: [0] is the record, or MISSING
    // where that does not come first.
    const struct value *section;
    struct value bottom[3];
    struct layout *layout; // of the Mustache template being rendered

    struct context root, bare; // of the item's template; of what sees only globals
    struct str fault_text;     // what call_fail said last
    struct str fault_hint;
    const struct diag *fault;
    struct value suspect;                // the undefined that is to blame
    const struct map *missed_in;         // the map that lacked
    const struct lineage *missed_blocks; // or the blocks that did
    const struct object *missed_module;  // or the module that did not export
    struct str missed_export;            // this;
    const char *missed_name;             // this name, or text about it, last

    struct signature *filter_signatures, *test_signatures;
    // Of library->macros, two each: without and with autoescape. NULL: unknown.
    struct code_state **library_states;
    struct function_object *functions; // of library->globals
    struct value *function_values;
    struct code_state **states; // hash table by program
    size_t states_n, states_mask;
};

// vm.c
bool vm_run(struct vm *vm, struct frame *frame);
bool vm_run_profiled(struct vm *vm, struct frame *frame); // the same, with a profile
// vm_sample.c: notes for the profile that the frame is, or just was, at this instruction.
void vm_sample(struct vm *vm, const struct frame *frame, const struct instruction *in);

// vm_stack.c
void frame_enter(struct vm *vm, struct frame *f, enum frame_kind kind, struct code_state *state,
                 const struct function_code *function, struct env *outer, struct context *context);
void frame_leave(struct vm *vm, struct frame *f);
bool frame_promote(struct call *call, struct frame *f);
struct context *context_persist(struct call *call, struct context *context);
// A context in which the slots of `table`, of this frame, come before all that the frame sees.
struct context context_within(struct frame *f, const struct scope_table *table);
const void *context_chained(void); // a scope key that no site remembers
void stack_release(struct vm *vm);
void capture_begin(struct vm *vm);
bool capture_end(struct call *call, bool safe, struct value *out);

// vm_names.c
struct code_state *code_state_of(struct vm *vm, const struct program *program);
void code_states_release(struct vm *vm);
struct value name_resolve(struct vm *vm, const struct context *context, struct site *site, struct str name);
bool attribute_resolve(struct call *call, struct value v, struct str name, struct lookup *lookup,
                       struct value *out);
bool item_resolve(struct call *call, struct value v, struct value key, struct value *out);
int32_t field_position(struct lookup *lookup, const struct shape *shape, struct str name);
// Without the globals and the functions: MISSING where there is none.
struct value name_given(const struct context *context, struct site *site, struct str name);
__attribute__((format(printf, 2, 3))) struct value undefined_saying(struct call *call, const char *format,
                                                                    ...);

// vm_call.c
extern const struct object_type macro_type, function_type;
bool call_may_nest(struct call *call); // takes a step, and looks whether one more call may be open
bool macro_new(struct call *call, struct frame *f, const struct function_code *function, struct value *out);
// Calls a macro; what it writes stays at the end of the output.
bool macro_run(struct call *call, struct object *macro, const struct call_args *args);
// Calls a macro, or the function of a recursive loop, for its text.
bool macro_capture(struct call *call, struct object *macro, const struct call_args *args, bool safe);
// The arguments of a call whose values begin at `values`; what it unpacks goes into the arena.
bool call_gather(struct call *call, const struct call_shape *shape, const struct value *values,
                 struct call_args *out);
// Calls a library function: base[0] is the value it is applied to, then the arguments as `shape` tells.
bool function_apply(struct call *call, const struct library_function *f, const struct signature *s,
                    const struct call_shape *shape, struct value *base);

// vm_loop.c
bool loop_begin(struct call *call, struct value v, bool object, struct value *slots);
bool loop_attribute(struct call *call, struct value *slots, enum loop_attr attr, struct value *out);
struct value loop_object_move(struct value loop, uint32_t index0); // the element there
void loop_set_recursion(struct value *slots, struct value self, struct value depth, uint8_t escaping);

struct round **loop_object_round(struct object *object); // NULL: it is no loop

// vm_round.c
enum { ROUND_FROM = 1 << 20 };
// A round of the loop that `again` (a FOR_AGAIN) belongs to is over, and nothing is on the evaluation stack: gives back
// what rounds have made, where that is allowed. Worth asking when the item's values have come to ROUND_FROM bytes.
void round_end(struct vm *vm, struct frame *f, const struct instruction *again);

// vm_include.c
bool include_ref(struct call *call, struct frame *f, const struct instruction *in);
bool include_named(struct call *call, struct frame *f, const struct instruction *in, struct value names);
// The program of the instruction's reference, or of that name; NULL after call_fail.
struct code_state *template_linked(struct call *call, struct frame *f, const struct instruction *in);
struct code_state *template_named(struct call *call, struct frame *f, struct value name);
// By name and language (NULL: the name tells). NULL with *missing: there is none; without: after call_fail.
const struct program *template_find(struct call *call, struct str name, const char *language, bool autoescape,
                                    bool *missing);
bool includes_too_deep(struct call *call, const struct frame *f, const struct program *program); // false

// vm_sections.c
bool sections_run(struct vm *vm, struct frame *f); // vm_run with a context stack of its own
const struct value *section_resolve(struct vm *vm, const struct frame *f, struct site *site, struct str name);
struct value section_current(const struct vm *vm, const struct frame *f);
bool section_field(struct call *call, struct value v, struct str name, struct lookup *lookup,
                   struct value *out);
bool section_items(struct call *call, const struct value *v, const struct value **items, uint32_t *n);
bool section_put(struct call *call, const struct frame *f, const struct instruction *in,
                 const struct value *v);
bool section_indent(struct call *call);
bool partial_ref(struct call *call, struct frame *f, const struct instruction *in);
bool partial_named(struct call *call, struct frame *f, const struct instruction *in, struct value name);
bool block_given(struct call *call, struct frame *f, const struct instruction *in, bool *given);

// vm_blocks.c
struct suggestion;
extern const struct object_type block_table_type, block_ref_type;
// Runs a template's body, and the bodies of those it extends, as a new family.
bool family_run(struct call *call, enum frame_kind kind, struct code_state *state, struct context *context,
                struct family **family);
void lineage_free(struct lineage *lineage);
bool lineage_exports(const struct lineage *lineage, struct str name);
void module_offer(const struct object *module, struct suggestion *s);    // the names it exports
void lineage_offer(const struct lineage *lineage, struct suggestion *s); // the names of its blocks
bool extends_ref(struct call *call, struct frame *f, const struct instruction *in);
bool extends_named(struct call *call, struct frame *f, struct value name);
bool parent_run(struct call *call, struct frame *f);
bool block_run(struct call *call, struct frame *f, const struct instruction *in);
bool super_get(struct call *call, struct frame *f, struct str name, struct value *out);
bool self_get(struct call *call, struct frame *f, struct value *out);

// vm_import.c
extern const struct object_type module_type;
bool import_ref(struct call *call, struct frame *f, const struct instruction *in, struct value *out);
// The module of a template that sees only globals: the same one all through an item.
bool module_bare(struct call *call, struct frame *f, struct code_state *state, struct value *out);
bool import_named(struct call *call, struct frame *f, const struct instruction *in, struct value name,
                  struct value *out);
bool module_export(struct call *call, const struct frame *f, const struct instruction *in,
                   struct value module, struct value *out);

// vm_prompt.c
// `candidates`: what the keyword of KEYWORD may be read from, three values.
bool prompt_keyword(struct call *call, const struct frame *f, const struct instruction *in,
                    const struct value *candidates, struct value *slot);
// PLAIN: no text has a bracket or backslash, and the record has no further keyword.
bool prompt_is_plain(const struct frame *f, const struct instruction *in, const struct value *slots);
bool prompt_substitute(struct call *call, const struct frame *f, const struct instruction *in,
                       struct str text, const struct value *slots);
bool prompt_directives(struct call *call, const struct frame *f);

// vm_macros.c: base[0] is the value, then the arguments as the instruction's call shape tells.
bool library_macro_apply(struct call *call, struct frame *f, const struct instruction *in,
                         struct value *base);
bool library_macro_call(struct call *call, uint32_t index, struct value v, const struct call_args *args);
bool library_macro_says_yes(struct value v); // as a test

// vm_fault.c
bool fault_undefined(struct call *call, struct value v);    // false
void fault_near(struct vm *vm, const struct suggestion *s); // a hint for the failure that follows
void fault_hint_limit(struct vm *vm, const char *name);     // the one of the manifest's limits
bool fault_output(struct call *call);                       // false
// The diag, once; `top` is the end of the frame's evaluation stack, operands of the failing instruction included.
void fault_make(struct vm *vm, struct frame *f, const struct value *top);
bool defined_check(struct call *call, struct value v); // false where an undefined must not be used

// vm_limits.c
void limits_begin(struct vm *vm);
bool limits_look(struct call *call,
                 uint64_t steps); // takes that many, and looks whether any and time are left

// The template's text that an instruction comes from.
static inline struct str instruction_text(const struct program *p, const struct instruction *in) {
    size_t at = p->positions[in - p->code];
    return str_slice(p->source.text, at, at + p->extents[in - p->code]);
}

static inline struct call call_of(struct vm *vm, const struct frame *f) {
    return (struct call){.vm = vm, .arena = &vm->scratch, .autoescape = f && vm->autoescape};
}

// Nobody reads the output's end back any more: it may be handed over again.
void write_lower(struct vm *vm);
static inline void output_let_go(struct vm *vm) {
    if (UNLIKELY(vm->writer && vm->most > VM_PIECE))
        write_lower(vm);
}

// Whether the template that runs in this frame has extended another.
static inline bool is_child(const struct frame *f) {
    return f->context->family->lineage->state->program != f->program;
}

// A template's body.
static inline bool frame_run(struct vm *vm, struct frame *f) {
    return f->program->has_context_stack ? sections_run(vm, f) : vm_run(vm, f);
}

static inline bool steps_take(struct call *call, uint64_t n) {
    if (UNLIKELY(n >= call->vm->steps_left))
        return limits_look(call, n);
    call->vm->steps_left -= n;
    return true;
}

FAST_PATH bool step_take(struct call *call) {
    return LIKELY(--call->vm->steps_left) || limits_look(call, 0);
}

// A loop's three slots: [0] the loop object, which knows the elements then, or MISSING; [1].n: elements, [1].i: the
// next one's index; [2].s: the elements, [2].aux: some round has reached its end.
FAST_PATH const struct value *loop_items(const struct value *slots) {
    return (const struct value *)(const void *)slots[2].s;
}

FAST_PATH bool lookup_find(const struct lookup *l, const struct shape *shape, int32_t *position) {
    if (LIKELY(l->shape[0] == shape)) {
        *position = l->position[0];
        return true;
    }
    *position = l->position[1];
    return l->shape[1] == shape;
}

#endif
