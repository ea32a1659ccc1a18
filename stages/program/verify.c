// SPDX-License-Identifier: MIT
/*
 * The verifier follows every path a program can take, once per instruction, carrying what the machine would
 * have there: the depth of the stack, the number of open captures, and which loops are running. Where two
 * paths meet they must agree on the first two; of the loops those remain that run on both.
 *
 * A function is checked when the instruction that makes it is met, since what its frame is inside of is only
 * known there. Code no path reaches is not looked at: the machine never gets there either.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "stages/program/library.h"
#include "stages/program/program.h"

enum { STACK_LIMIT = 1 << 16, CAPTURE_LIMIT = 1 << 12, SLOT_LIMIT = 1 << 16, PASSES = 4 };

// What a slot of a frame is used for: a loop's three slots belong to the machine and must not be touched.
enum slot_use { SLOT_FREE, SLOT_VALUE, SLOT_LOOP, SLOT_LOOP_REST };

// A running loop, one per FOR instruction; the list from it outwards is what runs at a place.
struct running {
    const struct running *outside;
    uint32_t slot, depth;
};

struct state {
    const struct running *loops;
    uint32_t stack;
    uint16_t captures;
    bool seen, queued;
    uint32_t function;
};

struct function_facts {
    int64_t parent; // -1: none; -2: not met yet
    uint8_t *uses;  // slot_use per slot
};

struct verifier {
    struct program *p;
    const struct library *library;
    struct err *err;
    uint32_t masks[OPCODE_COUNT];
    struct state *states;
    struct running **loops; // per instruction: the one a FOR starts
    bool loops_changed;
    struct function_facts *facts;
    uint32_t *queue, queue_n;         // instructions of the current function still to be followed
    uint32_t *functions, functions_n; // functions met
    uint32_t at, function;            // where we are
    struct arena arena;
};

static bool bad(struct verifier *v, const char *what) {
    const struct program *p = v->p;
    const char *op =
        v->at < p->code_n && p->code[v->at].op < OPCODE_COUNT ? opcode_names[p->code[v->at].op] : "?";
    err_set(v->err, STATUS_DATA, "program of %.*s is damaged: instruction %u (%s): %s",
            STR_ARG(p->source.name), (unsigned)v->at, op, what);
    return false;
}

static bool bad_function(struct verifier *v, uint32_t f, const char *what) {
    err_set(v->err, STATUS_DATA, "program of %.*s is damaged: function %u: %s", STR_ARG(v->p->source.name),
            (unsigned)f, what);
    return false;
}

static bool use_slot(struct verifier *v, uint32_t function, uint32_t slot, enum slot_use use) {
    if (slot >= v->p->functions[function].slots)
        return bad(v, "a slot is out of range");
    uint8_t *now = &v->facts[function].uses[slot];
    if (*now != SLOT_FREE && *now != use)
        return bad(v, "a slot is used for a loop and for something else");
    *now = (uint8_t)use;
    return true;
}

// A slot of the frame `outer` levels out.
static bool use_outer(struct verifier *v, uint32_t outer, uint32_t slot) {
    int64_t f = v->function;
    for (uint32_t i = 0; i < outer && f >= 0; i++)
        f = v->facts[f].parent;
    if (f < 0)
        return bad(v, "there is no frame that far out");
    return use_slot(v, (uint32_t)f, slot, SLOT_VALUE);
}

static bool check_scope(struct verifier *v, uint32_t index) {
    if (index >= v->p->scopes_n)
        return bad(v, "a scope table is out of range");
    const struct scope_table *scope = &v->p->scopes[index];
    for (uint32_t i = 0; i < scope->n; i++)
        if (!use_outer(v, scope->entries[i].outer, scope->entries[i].slot))
            return false;
    return true;
}

static bool check_string(struct verifier *v, uint32_t index) {
    if (index >= v->p->constants_n)
        return bad(v, "a constant is out of range");
    if (v->p->constants[index].tag != VALUE_STRING)
        return bad(v, "a constant is not a string");
    return true;
}

static bool check_partial(struct verifier *v, uint32_t index) {
    if (index >= v->p->partials_n)
        return bad(v, "a partial is out of range");
    const struct partial *partial = &v->p->partials[index];
    for (uint32_t i = 0; i < partial->blocks_n; i++)
        if (partial->blocks[i].function >= v->p->functions_n || partial->blocks[i].function == 0)
            return bad(v, "a function is out of range");
    return true;
}

static uint32_t flag_limit(uint8_t op) {
    switch (op) {
    case OP_LOOP_ATTR:
        return LOOP_ATTR_COUNT;
    case OP_INCLUDE:
    case OP_INCLUDE_NAMED:
        return (INCLUDE_IGNORE_MISSING | INCLUDE_WITHOUT_CONTEXT) + 1;
    case OP_FAMILY_BLOCK:
        return (BLOCK_SCOPED | BLOCK_REQUIRED) + 1;
    case OP_EMIT:
    case OP_EMIT_NAME:
    case OP_EMIT_SLOT_ATTR:
    case OP_EMIT_NAME_ATTR:
    case OP_CAPTURED:
    case OP_LOOP_RECURSES:
        return ESCAPE_DYNAMIC + 1;
    default:
        return 2;
    }
}

static bool check_call(struct verifier *v, uint32_t index) {
    const struct program *p = v->p;
    if (index >= p->calls_n)
        return bad(v, "a call shape is out of range");
    const struct call_shape *shape = &p->calls[index];
    uint32_t unpacks = shape->unpacks;
    if (unpacks > (UNPACK_POSITIONAL | UNPACK_KEYWORDS) ||
        shape->values != (uint64_t)shape->positional + shape->keywords + (unpacks & 1) + (unpacks >> 1))
        return bad(v, "a call shape is out of shape");
    return true;
}

static bool starts_loop(uint8_t op) {
    return op == OP_FOR || op == OP_SECTION;
}

// What needs a family, and what only a body does. A recursive loop of a body is a function that asks for a child.
static bool check_family(struct verifier *v, uint8_t op) {
    bool body = op == OP_EXTENDS || op == OP_EXTENDS_NAMED || op == OP_PARENT;
    if (!body && op != OP_JUMP_IF_CHILD && op != OP_FAMILY_BLOCK && op != OP_SUPER && op != OP_SELF)
        return true;
    if (!v->p->inherits)
        return bad(v, "the program has no family");
    return !body || v->function == 0 || bad(v, "only a body extends");
}

static bool check_slots(struct verifier *v, const struct instruction *in, uint32_t mask) {
    if (mask & OPERAND_OUTER)
        return use_outer(v, in->a, in->b);
    if (mask & OPERAND_LOOP)
        return use_slot(v, v->function, in->b, SLOT_LOOP) &&
               (!starts_loop(in->op) || (use_slot(v, v->function, in->b + 1u, SLOT_LOOP_REST) &&
                                         use_slot(v, v->function, in->b + 2u, SLOT_LOOP_REST)));
    if (!(mask & OPERAND_SLOT))
        return true;
    uint32_t n = in->op == OP_UNSET                              ? in->c
                 : in->op == OP_PLAIN || in->op == OP_SUBSTITUTE ? v->p->calls[in->c].keywords
                                                                 : 1;
    if (n > v->p->functions[v->function].slots)
        return bad(v, "a slot is out of range");
    for (uint32_t i = 0; i < n; i++)
        if (!use_slot(v, v->function, in->b + i, SLOT_VALUE))
            return false;
    return true;
}

static bool check_operands(struct verifier *v, const struct instruction *in) {
    const struct program *p = v->p;
    uint32_t mask = v->masks[in->op];
    if (in->op >= OP_LOOKUP && in->op <= OP_BLOCK && !p->has_context_stack)
        return bad(v, "this program has no context stack");
    if ((mask & OPERAND_CONST) && in->c >= p->constants_n)
        return bad(v, "a constant is out of range");
    if ((mask & (OPERAND_NAME | OPERAND_TEXT)) && !check_string(v, in->c))
        return false;
    if (in->op == OP_FAIL && !check_string(v, in->c))
        return false;
    if ((mask & OPERAND_NAME_B) && !check_string(v, in->b))
        return false;
    if ((mask & OPERAND_JUMP) && in->c >= p->code_n)
        return bad(v, "a jump leaves the program");
    if ((mask & OPERAND_FUNC) && (in->c >= p->functions_n || in->c == 0))
        return bad(v, "a function is out of range");
    if ((mask & OPERAND_REF) && in->c >= p->refs_n)
        return bad(v, "a template reference is out of range");
    if ((mask & OPERAND_CALL) && !check_call(v, in->c))
        return false;
    if ((mask & OPERAND_FILTER) && (!v->library || in->b >= v->library->filters_n))
        return bad(v, "there is no such filter");
    if ((mask & OPERAND_TEST) && (!v->library || in->b >= v->library->tests_n))
        return bad(v, "there is no such test");
    if ((mask & OPERAND_MACRO) && (!v->library || in->b >= v->library->macros_n))
        return bad(v, "there is no such macro");
    if ((mask & OPERAND_FLAG) && in->a >= flag_limit(in->op))
        return bad(v, "a flag is out of range");
    if ((mask & OPERAND_SCOPE) && !check_scope(v, in->b))
        return false;
    if ((mask & OPERAND_PARTIAL) && !check_partial(v, in->b))
        return false;
    if (!check_family(v, in->op))
        return false;
    return check_slots(v, in, mask);
}

static const struct running *loop_running(const struct running *loops, uint32_t slot) {
    while (loops && loops->slot != slot)
        loops = loops->outside;
    return loops;
}

// The loops that run in both states: the common outer part of the two lists.
static const struct running *loops_in_both(const struct running *a, const struct running *b) {
    while (a != b) {
        uint32_t da = a ? a->depth : 0, db = b ? b->depth : 0;
        if (da >= db)
            a = a->outside;
        if (db >= da)
            b = b->outside;
    }
    return a;
}

static bool flow_to(struct verifier *v, uint32_t to, const struct state *after) {
    if (to >= v->p->code_n)
        return bad(v, "execution runs off the end");
    struct state *s = &v->states[to];
    const struct running *loops = after->loops;
    if (s->seen) {
        if (s->function != v->function)
            return bad(v, "two functions share code");
        if (s->stack != after->stack)
            return bad(v, "the stack is not equally deep on all paths");
        if (s->captures != after->captures)
            return bad(v, "captures are not equally deep on all paths");
        loops = loops_in_both(s->loops, loops);
        if (loops == s->loops)
            return true;
    }
    bool queued = s->queued;
    *s = *after;
    s->loops = loops;
    s->seen = s->queued = true;
    s->function = v->function;
    if (!queued)
        v->queue[v->queue_n++] = to;
    return true;
}

static bool meet_function(struct verifier *v, uint32_t f) {
    struct function_facts *facts = &v->facts[f];
    if (facts->parent == -2) {
        facts->parent = v->function;
        v->functions[v->functions_n++] = f;
        return true;
    }
    return facts->parent == (int64_t)v->function || bad(v, "a function is made in two places");
}

static bool meet_blocks(struct verifier *v, uint32_t partial) {
    const struct partial *p = &v->p->partials[partial];
    for (uint32_t i = 0; i < p->blocks_n; i++)
        if (!meet_function(v, p->blocks[i].function))
            return false;
    return true;
}

// A FOR that is reached again, with fewer loops running than before, changes what was concluded from it: the
// function is then gone through once more. The compiler's programs never need that.
static bool start_loop(struct verifier *v, const struct instruction *in, struct state *s) {
    if (loop_running(s->loops, in->b))
        return bad(v, "a loop starts in the slots of a running one");
    struct running *loop = v->loops[v->at];
    if (!loop) {
        loop = v->loops[v->at] = ARENA_NEW(&v->arena, struct running);
        if (!loop)
            mem_fail(sizeof *loop);
        loop->outside = s->loops;
    } else if (loops_in_both(loop->outside, s->loops) != loop->outside) {
        loop->outside = loops_in_both(loop->outside, s->loops);
        v->loops_changed = true;
    }
    loop->slot = in->b;
    loop->depth = loop->outside ? loop->outside->depth + 1 : 1;
    s->loops = loop;
    return true;
}

// Where a loop is over it no longer counts as running, except for a FOR_ELSE that comes right there.
static bool leave_loop(struct verifier *v, const struct instruction *in, const struct state *s) {
    struct state out = *s;
    const struct instruction *next = &v->p->code[in->c];
    if (next->op != OP_FOR_ELSE || next->b != in->b)
        out.loops = loop_running(s->loops, in->b)->outside;
    return flow_to(v, in->c, &out);
}

static bool check_end(struct verifier *v, const struct instruction *in, const struct state *after) {
    bool expression = v->p->is_expression && v->function == 0;
    if (expression != (in->op == OP_RESULT))
        return bad(v, "this is not how such a program ends");
    if (after->stack || after->captures)
        return bad(v, "something is left on the stack at the end");
    return true;
}

static bool apply_effect(struct verifier *v, const struct instruction *in, struct state *s) {
    uint32_t pops, pushes;
    opcode_effect(v->p, in, &pops, &pushes);
    if (pops > s->stack)
        return bad(v, "the stack is not deep enough");
    s->stack -= pops;
    if (pushes > STACK_LIMIT - s->stack)
        return bad(v, "the stack gets too deep");
    s->stack += pushes;
    struct function_code *f = &v->p->functions[v->function];
    uint32_t deepest = s->stack > s->stack - pushes + pops ? s->stack : s->stack - pushes + pops;
    if (deepest > f->stack)
        f->stack = deepest;
    if (in->op == OP_CAPTURE && s->captures++ >= CAPTURE_LIMIT)
        return bad(v, "too many captures");
    if ((in->op == OP_CAPTURED || in->op == OP_DIRECTIVES) && s->captures-- == 0)
        return bad(v, "no capture is open");
    return true;
}

// How deep the superinstructions go while they work: as what they stand for.
static uint32_t inner_depth(uint8_t op) {
    return op == OP_EMIT_NAME || op == OP_EMIT_SLOT_ATTR || op == OP_EMIT_NAME_ATTR || op == OP_PUT_LOOKUP
               ? 1
               : 0;
}

static bool follow(struct verifier *v, uint32_t at) {
    v->at = at;
    const struct instruction *in = &v->p->code[at];
    struct state s = v->states[at];
    if (in->op >= OPCODE_COUNT)
        return bad(v, "there is no such opcode");
    if (!check_operands(v, in))
        return false;
    struct function_code *f = &v->p->functions[v->function];
    if (s.stack + inner_depth(in->op) > f->stack)
        f->stack = s.stack + inner_depth(in->op);
    if ((v->masks[in->op] & OPERAND_LOOP) && !starts_loop(in->op) && !loop_running(s.loops, in->b))
        return bad(v, "the loop is not running here");
    struct state before = s;
    if (!apply_effect(v, in, &s))
        return false;
    switch (in->op) {
    case OP_RETURN:
    case OP_RESULT:
        return check_end(v, in, &s);
    case OP_FAIL: // the code after it only keeps the stack in shape
        return flow_to(v, at + 1, &s);
    case OP_JUMP:
        return flow_to(v, in->c, &s);
    case OP_FOR_AGAIN:
        return flow_to(v, in->c, &s);
    case OP_MACRO:
        return meet_function(v, in->c) && flow_to(v, at + 1, &s);
    case OP_FOR:
        return start_loop(v, in, &s) && flow_to(v, at + 1, &s);
    case OP_SECTION:
        return flow_to(v, in->c, &s) && start_loop(v, in, &s) && flow_to(v, at + 1, &s);
    case OP_SECTION_NEXT:
        if (!flow_to(v, in->c, &s))
            return false;
        s.loops = loop_running(s.loops, in->b)->outside;
        return flow_to(v, at + 1, &s);
    case OP_PARTIAL:
    case OP_PARTIAL_NAMED:
        return meet_blocks(v, in->b) && flow_to(v, at + 1, &s);
    case OP_FOR_NEXT:
        return leave_loop(v, in, &before) && flow_to(v, at + 1, &s);
    case OP_FOR_ELSE:
        s.loops = loop_running(s.loops, in->b)->outside;
        return flow_to(v, in->c, &s) && flow_to(v, at + 1, &s);
    case OP_AND:
    case OP_OR:
    case OP_JUMP_IF_SET: // kept where it jumps, dropped where it goes on
        if (!flow_to(v, in->c, &s))
            return false;
        s.stack--;
        return flow_to(v, at + 1, &s);
    case OP_JUMP_IF_FALSE:
    case OP_JUMP_IF_TRUE:
    case OP_INVERTED:
    case OP_BLOCK:
    case OP_JUMP_IF_CHILD:
        return flow_to(v, in->c, &s) && flow_to(v, at + 1, &s);
    default:
        return flow_to(v, at + 1, &s);
    }
}

static bool follow_all(struct verifier *v, uint32_t entry) {
    if (!flow_to(v, entry, &(struct state){0}))
        return false;
    while (v->queue_n) {
        uint32_t at = v->queue[--v->queue_n];
        v->states[at].queued = false;
        if (!follow(v, at))
            return false;
    }
    return true;
}

static bool check_function(struct verifier *v, uint32_t f) {
    struct function_code *function = &v->p->functions[f];
    v->function = f;
    v->at = function->entry;
    function->stack = 0;
    const int32_t special[] = {function->varargs, function->kwargs, function->caller};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (special[i] != -1 && (special[i] < 0 || !use_slot(v, f, (uint32_t)special[i], SLOT_VALUE)))
            return bad_function(v, f, "a special parameter is out of range");
    for (uint32_t i = 0; i < function->parameters_n; i++)
        if (!use_slot(v, f, i, SLOT_VALUE))
            return false;
    for (int pass = 0; pass < PASSES; pass++) {
        v->loops_changed = false;
        if (!follow_all(v, function->entry))
            return false;
        if (!v->loops_changed)
            return true;
        for (uint32_t i = 0; i < v->p->code_n; i++)
            if (v->states[i].function == f)
                v->states[i].seen = false;
    }
    return bad_function(v, f, "its loops are entangled");
}

static bool check_tables(struct verifier *v) {
    const struct program *p = v->p;
    if (p->functions_n == 0 || p->code_n == 0 || !p->positions || !p->extents)
        return bad_function(v, 0, "there is no code");
    if (p->functions[0].parameters_n)
        return bad_function(v, 0, "the body has parameters");
    for (uint32_t i = 0; i < p->functions_n; i++) {
        const struct function_code *f = &p->functions[i];
        if (f->slots > SLOT_LIMIT || f->parameters_n > f->slots || f->entry >= p->code_n)
            return bad_function(v, i, "out of range");
    }
    return true;
}

static bool check_exports(struct verifier *v) {
    const struct scope_table *exports = &v->p->exports;
    for (uint32_t i = 0; i < exports->n; i++) {
        const struct scope_entry *e = &exports->entries[i];
        if (e->outer || e->slot >= v->p->functions[0].slots || !use_slot(v, 0, e->slot, SLOT_VALUE))
            return bad_function(v, 0, "an exported slot is out of range");
    }
    return true;
}

static bool meet_family_blocks(struct verifier *v) {
    const struct program *p = v->p;
    if (p->blocks_n && (!p->inherits || p->is_expression))
        return bad_function(v, 0, "there are blocks, but no family");
    for (uint32_t i = 0; i < p->blocks_n; i++) {
        uint32_t f = p->blocks[i].function;
        if (f == 0 || f >= p->functions_n || v->facts[f].parent != -2 || p->functions[f].parameters_n)
            return bad_function(v, f, "this is not how a block's function is");
        if (i && str_compare(p->blocks[i - 1].name, p->blocks[i].name) >= 0)
            return bad_function(v, f, "the blocks are not in order");
        v->facts[f].parent = -1;
        v->functions[v->functions_n++] = f;
    }
    return true;
}

static bool check_all(struct verifier *v) {
    for (int op = 0; op < OPCODE_COUNT; op++)
        v->masks[op] = opcode_operand_mask((enum opcode)op);
    v->facts[0].parent = -1;
    v->functions[v->functions_n++] = 0;
    if (!check_exports(v) || !meet_family_blocks(v))
        return false;
    for (uint32_t i = 0; i < v->functions_n; i++)
        if (!check_function(v, v->functions[i]))
            return false;
    return true;
}

enum status program_verify(struct program *p, const struct library *library, struct err *err) {
    struct verifier v = {.p = p, .library = library, .err = err};
    if (!check_tables(&v))
        return STATUS_DATA;
    arena_init(&v.arena, 0);
    uint64_t slots = 0;
    for (uint32_t i = 0; i < p->functions_n; i++)
        slots += p->functions[i].slots;
    uint8_t *uses = mem_alloc(slots);
    v.states = MEM_NEW_ARRAY(struct state, p->code_n);
    v.loops = MEM_NEW_ARRAY(struct running *, p->code_n);
    v.queue = MEM_NEW_ARRAY(uint32_t, p->code_n);
    v.functions = MEM_NEW_ARRAY(uint32_t, p->functions_n);
    v.facts = MEM_NEW_ARRAY(struct function_facts, p->functions_n);
    slots = 0;
    for (uint32_t i = 0; i < p->functions_n; i++) {
        v.facts[i] = (struct function_facts){.parent = -2, .uses = uses + slots};
        slots += p->functions[i].slots;
    }
    bool ok = check_all(&v);
    arena_release(&v.arena);
    mem_free(v.facts);
    mem_free(v.functions);
    mem_free(v.queue);
    mem_free(v.loops);
    mem_free(v.states);
    mem_free(uses);
    return ok ? STATUS_OK : STATUS_DATA;
}
