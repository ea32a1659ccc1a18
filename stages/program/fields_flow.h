// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_PROGRAM_FIELDS_FLOW_H
#define PRESSRUN_STAGES_PROGRAM_FIELDS_FLOW_H
/*
 * Inside the analysis of fields; only the fields*.c files include this.
 *
 *     fields.c          what comes of it           fields_apply.c     filters, tests, calls
 *     fields_places.c   places of the record       fields_names.c     what names and attributes mean
 *     fields_values.c   abstract values            fields_family.c    inheritance, imports
 *     fields_flow.c     one instruction after the other               fields_sections.c  Mustache
 *
 * A unit is a function of a program: its code is followed along every path, with an abstract value for each slot
 * and operand at the places where paths meet. What units know of each other (arguments of macros, slots seen from
 * inside, names seen by included templates) grows until a round over all of them changes nothing.
 *
 * A frame's slots change only by its own instructions. A macro may run at any time, so the slots that it sees of
 * the frames around it count as all they ever are; an included template sees its includer's as they are there.
 */
#include "stages/program/fields_places.h"
#include "stages/program/fields_values.h"

enum { ROUNDS_MOST = 200, CELLS_MOST = 4 << 20, JOINS_MOST = 1 << 24, EDGES_MOST = 1024 };

// Where a template is included, and with which slots in sight.
struct edge {
    const struct unit *from;
    uint32_t at;
    const struct scope_table *table;
    abstract *slots; // for each entry, at the place
    bool is_bare;    // without context
};

// What is known at an instruction: the slots, and the operands above them.
struct state {
    bool queued;
    uint32_t stack_n;
    abstract cells[];
};

// A program that takes part.
struct member {
    const struct program *program;
    uint32_t index;
    bool is_root;    // its names mean what the scope says
    bool is_first;   // of Mustache: no section is open around it
    bool visited;    // in a lookup
    bool is_shown;   // its module may be looked at from anywhere
    uint32_t family; // another member of it, or itself, see flow_family
    struct edge *edges;
    size_t edges_n, edges_cap;
    struct unit *units;    // one for each function
    struct state **states; // per instruction where paths meet; NULL: not reached yet
    bool *meets;           // per instruction: whether paths meet there
};

struct unit {
    struct member *member;
    const struct function_code *function;
    uint32_t index;      // of all units
    struct unit *parent; // that its frame is inside of
    bool reached;
    bool escaped;         // its macro may be called from anywhere
    abstract sections;    // of Mustache: the values of all sections that may be open around it
    abstract current;     // the innermost one's
    abstract *parameters; // by slot
    abstract *slots;      // all that a slot ever is
    uint32_t *queue;      // where to go on
    uint32_t queue_n;
};

struct flow {
    struct fields *f;
    const struct library *library;
    const struct fields_scope *scope;
    struct arena arena;
    struct abstracts values;
    struct member **members;
    size_t members_n, members_cap;
    struct unit **units;
    size_t units_n, units_cap;
    const struct library_function **rows; // methods met
    size_t rows_n, rows_cap;
    size_t cells_n;      // of all states
    size_t joins_n;      // of cells with others: the time it takes
    struct given_block { // of Mustache: what templates give to the templates that they inherit from
        struct str name;
        struct unit *unit;
    } * blocks;
    size_t blocks_n, blocks_cap;
    bool *handed; // by value: it was handed over
    size_t handed_cap;
    bool changed; // something that units know of each other, in this round
    bool last;    // the round in which places are noted
    // the instruction being looked at
    struct unit *unit;
    uint32_t at, part;
    bool quiet; // places are not noted: the name may well mean something else
    abstract *slots, *stack;
    uint32_t stack_n;
};

// From now on everything counts as read.
void flow_give_up(struct flow *w);

static inline bool flow_is_over(const struct flow *w) {
    return w->f->everything || w->values.overflow;
}

void flow_grow(struct flow *w, abstract *known, abstract more); // something that units know of each other
struct member *flow_member(struct flow *w, const struct program *program);

// fields_names.c
abstract flow_name(struct flow *w, struct str name);
struct member *flow_include(struct flow *w, const struct program *program, const struct scope_table *table,
                            bool is_bare);
abstract flow_attribute(struct flow *w, abstract v, struct str name);  // v.name
abstract flow_item(struct flow *w, abstract v, abstract key);          // v[key]
abstract flow_field(struct flow *w, abstract v, struct str name);      // a mapping's field, never a method
abstract flow_attributes(struct flow *w, abstract v, struct str path); // a dotted path, as filters take it
abstract flow_outer(struct flow *w, uint32_t outer, uint32_t slot);

// fields_family.c: inheritance and imports
uint32_t flow_family(const struct flow *w,
                     const struct member *m); // the same for all that may extend one another
void flow_extend(struct flow *w, const struct program *parent);
void flow_run_blocks(struct flow *w, struct str name, const struct scope_table *table);
void flow_run_all_blocks(struct flow *w);
abstract flow_import(struct flow *w, const struct program *program, const struct scope_table *table,
                     bool is_bare);
abstract flow_exported(struct flow *w, const struct member *m, struct str name); // by any of its family
void flow_hand_over_modules(struct flow *w);

// fields_sections.c: Mustache
abstract flow_lookup(struct flow *w, struct str name);
abstract flow_current(struct flow *w);
void flow_open_section(struct flow *w, uint32_t slot, abstract v);
void flow_close_section(struct flow *w, uint32_t slot);
void flow_partial(struct flow *w, const struct partial *partial, const struct program *program);
void flow_block(struct flow *w, const struct partial *partial);

// What is done to a value.
void flow_read(struct flow *w, abstract v); // all of it is looked at
void flow_scalar(struct flow *w,
                 abstract v); // it is used as a scalar; mappings and lists fail or are all the same
void flow_hand_over(struct flow *w, abstract v); // it goes where it cannot be followed
void flow_keys(struct flow *w, abstract v);
void flow_truth(struct flow *w, abstract v);
void flow_ask(struct flow *w, abstract v);
void flow_ask_for(struct flow *w, abstract v, abstract names); // constant ones, whether v has them
void flow_members(struct flow *w, abstract v);

// fields_apply.c: a filter, a test, a call; the operands are the value or callee, positional and keyword values.
struct operands {
    const abstract *values; // the first is what it is applied to
    const struct call_shape *shape;
};
abstract flow_library_macro(struct flow *w, const struct operands *o); // a filter or test of the user's own
abstract flow_filter(struct flow *w, const struct library_function *row, const struct operands *o);
void flow_test(struct flow *w, const struct library_function *row, const struct operands *o);
abstract flow_call(struct flow *w, const struct operands *o);
struct str flow_constant(const struct flow *w, uint64_t entry); // the text of an ENTRY_CONSTANT

#endif
