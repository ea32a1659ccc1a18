// SPDX-License-Identifier: MIT
// Follows the code of all units, round by round, until nothing changes any more.
#include "stages/program/fields_flow.h"

#include <string.h>

#include "base/mem.h"

void flow_give_up(struct flow *w) {
    w->f->everything = true;
}

void flow_grow(struct flow *w, abstract *known, abstract more) {
    abstract joined = abstract_join(&w->values, *known, more);
    if (joined != *known)
        w->changed = true;
    *known = joined;
}

struct str flow_constant(const struct flow *w, uint64_t entry) {
    return value_str(w->members[entry_a(entry)]->program->constants[entry_b(entry)]);
}

static void *keep(struct flow *w, size_t size) {
    void *p = arena_zero(&w->arena, size);
    if (!p)
        mem_fail(size);
    return p;
}

// ---- members and units

static void find_meeting_places(struct member *m) {
    const struct program *p = m->program;
    for (uint32_t f = 0; f < p->functions_n; f++)
        m->meets[p->functions[f].entry] = true;
    for (uint32_t i = 0; i < p->code_n; i++)
        if (opcode_operand_mask((enum opcode)p->code[i].op) & OPERAND_JUMP)
            m->meets[p->code[i].c] = true;
}

static void add_unit(struct flow *w, struct member *m, uint32_t function) {
    struct unit *u = &m->units[function];
    const struct function_code *f = &m->program->functions[function];
    u->member = m;
    u->function = f;
    u->index = (uint32_t)w->units_n;
    u->parameters = keep(w, (f->slots + 1) * sizeof(abstract));
    u->slots = keep(w, (f->slots + 1) * sizeof(abstract));
    abstract missing = abstract_kinds(&w->values, KIND_MISSING);
    for (uint32_t i = 0; i < f->slots; i++)
        u->parameters[i] = missing;
    MEM_GROW(w->units, w->units_cap, w->units_n + 1);
    w->units[w->units_n++] = u;
}

struct member *flow_member(struct flow *w, const struct program *program) {
    for (size_t i = 0; i < w->members_n; i++)
        if (w->members[i]->program == program)
            return w->members[i];
    struct member *m = keep(w, sizeof *m);
    m->program = program;
    m->index = m->family = (uint32_t)w->members_n;
    m->units = keep(w, program->functions_n * sizeof *m->units);
    m->states = keep(w, program->code_n * sizeof *m->states);
    m->meets = keep(w, program->code_n * sizeof *m->meets);
    find_meeting_places(m);
    for (uint32_t f = 0; f < program->functions_n; f++)
        add_unit(w, m, f);
    MEM_GROW(w->members, w->members_cap, w->members_n + 1);
    w->members[w->members_n++] = m;
    return m;
}

// ---- paths

static void queue(struct flow *w, uint32_t at) {
    struct state *s = w->unit->member->states[at];
    if (!s->queued)
        w->unit->queue[w->unit->queue_n++] = at;
    s->queued = true;
}

// What is known here holds there too, from now on.
static void flow_to(struct flow *w, uint32_t to) {
    struct state **state = &w->unit->member->states[to];
    uint32_t slots = w->unit->function->slots, n = slots + w->stack_n;
    bool changed = !*state;
    if (changed) {
        w->cells_n += n;
        if (w->cells_n > CELLS_MOST) {
            flow_give_up(w);
            return;
        }
        *state = keep(w, sizeof **state + n * sizeof(abstract));
        (*state)->stack_n = w->stack_n;
    }
    w->joins_n += n;
    if (w->joins_n > JOINS_MOST) {
        flow_give_up(w);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        abstract here = i < slots ? w->slots[i] : w->stack[i - slots];
        abstract joined = abstract_join(&w->values, (*state)->cells[i], here);
        changed |= joined != (*state)->cells[i];
        (*state)->cells[i] = joined;
    }
    if (changed)
        queue(w, to);
}

static void push(struct flow *w, abstract v) {
    w->stack[w->stack_n++] = v;
}

static abstract pop(struct flow *w) {
    return w->stack[--w->stack_n];
}

static void store(struct flow *w, uint32_t slot, abstract v) {
    w->slots[slot] = v;
    flow_grow(w, &w->unit->slots[slot], v);
}

// ---- instructions

static abstract constant(struct flow *w, const struct value *v, uint32_t index) {
    struct abstracts *x = &w->values;
    abstract elements = ABSTRACT_NOTHING;
    switch ((enum value_tag)v->tag) {
    case VALUE_STRING:
        return index == UINT32_MAX ? abstract_kinds(x, KIND_TEXT)
                                   : abstract_entry(x, ENTRY_CONSTANT, w->unit->member->index, index);
    case VALUE_NONE:
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_FLOAT:
    case VALUE_BIG:
        return abstract_kinds(x, KIND_NUMBER);
    case VALUE_LIST:
        for (uint32_t i = 0; i < v->list->n; i++)
            elements = abstract_join(x, elements, constant(w, &v->list->items[i], UINT32_MAX));
        return elements ? abstract_list(x, elements, KIND_LIST) : abstract_kinds(x, KIND_ANY);
    case VALUE_UNDEFINED:
        return abstract_kinds(x, KIND_DATA);
    case VALUE_MISSING:
    case VALUE_MAP:
    case VALUE_ITER:
    case VALUE_OBJECT:
        break;
    }
    return abstract_kinds(x, KIND_ANY);
}

// A list or mapping of the template's own; what is put into it later is unknown.
static abstract container(struct flow *w, abstract elements, uint32_t kinds) {
    struct abstracts *x = &w->values;
    if (abstract_of(x, elements)->depth >= ABSTRACT_DEPTH - 1) {
        flow_hand_over(w, elements);
        return abstract_kinds(x, KIND_ANY);
    }
    return abstract_list(x, abstract_join(x, elements, abstract_kinds(x, KIND_ANY)), kinds);
}

static void make_list(struct flow *w, const struct instruction *in) {
    abstract elements = ABSTRACT_NOTHING;
    for (uint32_t i = 0; i < in->c; i++)
        elements = abstract_join(&w->values, elements, pop(w));
    bool tuple = in->a && elements && abstract_of(&w->values, elements)->depth < ABSTRACT_DEPTH - 1;
    push(w, tuple ? abstract_list(&w->values, elements, KIND_LIST) : container(w, elements, KIND_LIST));
}

static void make_map(struct flow *w, const struct instruction *in) {
    abstract elements = ABSTRACT_NOTHING;
    for (uint32_t i = 0; i < in->c; i++) {
        elements = abstract_join(&w->values, elements, pop(w));
        flow_read(w, pop(w));
    }
    push(w, container(w, elements, 0));
}

static void add(struct flow *w) {
    struct abstracts *x = &w->values;
    abstract right = pop(w), left = pop(w);
    flow_scalar(w, left);
    flow_scalar(w, right);
    if (abstract_is_number(x, left) || abstract_is_number(x, right))
        push(w, abstract_kinds(x, KIND_NUMBER));
    else
        push(w, abstract_derived(x, abstract_join(x, left, right)));
}

static void multiply(struct flow *w) {
    struct abstracts *x = &w->values;
    abstract right = pop(w), left = pop(w);
    flow_scalar(w, left);
    flow_scalar(w, right);
    if (abstract_is_number(x, left) && abstract_is_number(x, right))
        push(w, abstract_kinds(x, KIND_NUMBER));
    else
        push(w, abstract_join(x, abstract_derived(x, abstract_join(x, left, right)),
                              abstract_kinds(x, KIND_ANY)));
}

// Operators on numbers that fail on all else.
static void calculate(struct flow *w, uint32_t operands) {
    while (operands--)
        flow_scalar(w, pop(w));
    push(w, abstract_kinds(&w->values, KIND_NUMBER));
}

static void modulo(struct flow *w) {
    abstract right = pop(w), left = pop(w);
    bool number = abstract_is_number(&w->values, left);
    flow_scalar(w, left);
    if (number)
        flow_scalar(w, right);
    else
        flow_read(w, right);
    push(w, abstract_kinds(&w->values, number ? KIND_NUMBER : KIND_ANY));
}

// What a mapping or a list holds decides nothing where it is compared with a scalar.
static void compare(struct flow *w) {
    struct abstracts *x = &w->values;
    abstract right = pop(w), left = pop(w);
    if (abstract_is_scalar(x, left) || abstract_is_scalar(x, right)) {
        flow_scalar(w, left);
        flow_scalar(w, right);
    } else {
        flow_read(w, left);
        flow_read(w, right);
    }
    push(w, abstract_kinds(x, KIND_NUMBER));
}

static void contain(struct flow *w) {
    struct abstracts *x = &w->values;
    abstract right = pop(w), left = pop(w);
    flow_keys(w, right);
    if (abstract_is_scalar(x, left)) {
        flow_ask_for(w, right, left);
    } else {
        flow_read(w, left);
        flow_read(w, right);
    }
    push(w, abstract_kinds(x, KIND_NUMBER));
}

// The first one comes to be on top.
static void unpack(struct flow *w, uint32_t n) {
    abstract v = pop(w), elements = abstract_elements(&w->values, v);
    bool group = n == 2 && abstract_is_group(&w->values, v);
    flow_keys(w, v);
    for (uint32_t i = 0; i < n; i++)
        push(w, group && i == 1 ? abstract_kinds(&w->values, KIND_ANY) : elements);
}

// Only one of the names that a keyword has need be there.
static void read_keyword(struct flow *w, abstract v) {
    flow_read(w, v);
    flow_ask(w, v);
}

static void emit(struct flow *w, abstract v) {
    flow_read(w, v);
}

static void apply(struct flow *w, const struct instruction *in) {
    const struct program *p = w->unit->member->program;
    const struct call_shape *shape = &p->calls[in->c];
    w->stack_n -= 1 + shape->values;
    const struct operands o = {w->stack + w->stack_n, shape};
    abstract result = abstract_kinds(&w->values, KIND_NUMBER);
    if (in->op == OP_FILTER)
        result = flow_filter(w, &w->library->filters[in->b], &o);
    else if (in->op == OP_MACRO_FILTER || in->op == OP_MACRO_TEST)
        result = flow_library_macro(w, &o);
    else if (in->op == OP_TEST)
        flow_test(w, &w->library->tests[in->b], &o);
    else
        result = flow_call(w, &o);
    push(w, result);
}

static void make_macro(struct flow *w, const struct instruction *in) {
    struct unit *u = &w->unit->member->units[in->c];
    u->parent = w->unit;
    if (!u->reached)
        u->reached = w->changed = true;
    push(w, abstract_entry(&w->values, ENTRY_MACRO, u->index, 0));
}

static void include(struct flow *w, const struct instruction *in) {
    const struct program *p = w->unit->member->program;
    const struct program *included = p->refs[in->c].program;
    if (!included)
        return;
    struct member *m = flow_include(w, included, &p->scopes[in->b], in->a & INCLUDE_WITHOUT_CONTEXT);
    w->changed |= !m->is_first;
    m->is_first = true;
}

// A recursive loop's object calls its function.
static abstract loop_object(struct flow *w, abstract recursion, abstract looped) {
    const struct abstract_value *r = abstract_of(&w->values, recursion);
    abstract loop = ABSTRACT_NOTHING;
    for (uint32_t i = 0; i < r->n; i++)
        if (entry_kind(r->entries[i]) == ENTRY_MACRO)
            loop = abstract_join(&w->values, loop,
                                 abstract_entry(&w->values, ENTRY_LOOP, entry_a(r->entries[i]) + 1, looped));
    return loop ? loop : abstract_entry(&w->values, ENTRY_LOOP, 0, looped);
}

// What the function is given besides what to go through: itself and the depth.
static void loop_recurses(struct flow *w, uint32_t slot) {
    abstract depth = pop(w), function = pop(w);
    const struct abstract_value *f = abstract_of(&w->values, function);
    for (uint32_t i = 0; i < f->n; i++) {
        if (entry_kind(f->entries[i]) != ENTRY_MACRO)
            continue;
        struct unit *u = w->units[entry_a(f->entries[i])];
        if (u->function->parameters_n < 3)
            continue;
        flow_grow(w, &u->parameters[1], function);
        flow_grow(w, &u->parameters[2],
                  abstract_join(&w->values, depth, abstract_kinds(&w->values, KIND_NUMBER)));
    }
    w->slots[slot] = function;
}

static void loop_attribute(struct flow *w, const struct instruction *in) {
    abstract looped = w->slots[in->b + 1];
    if (in->a == LOOP_SELF)
        push(w, loop_object(w, w->slots[in->b], looped));
    else if (in->a == LOOP_PREVITEM || in->a == LOOP_NEXTITEM)
        push(w, abstract_join(&w->values, abstract_elements(&w->values, looped),
                              abstract_kinds(&w->values, KIND_NUMBER)));
    else
        push(w, abstract_kinds(&w->values, KIND_NUMBER));
}

// The jumps that leave the top value where they go and drop it where they do not.
static bool keep_or_drop(struct flow *w, const struct instruction *in) {
    abstract top = w->stack[w->stack_n - 1];
    bool may_fall = true;
    if (in->op == OP_JUMP_IF_SET) {
        may_fall = top == ABSTRACT_NOTHING || abstract_of(&w->values, top)->kinds & KIND_MISSING;
        w->stack[w->stack_n - 1] = abstract_without_missing(&w->values, top);
    } else {
        flow_truth(w, top);
    }
    flow_to(w, in->c);
    pop(w);
    return may_fall;
}

// One instruction. False: no path goes on behind it.
static bool step(struct flow *w, const struct instruction *in) {
    struct abstracts *x = &w->values;
    const struct program *p = w->unit->member->program;
    const struct value *constants = p->constants;
    abstract v, key;
    switch ((enum opcode)in->op) {
    case OP_TEXT:
    case OP_CAPTURE:
    case OP_INDENT:
    case OP_FAIL:
        return true;
    case OP_EMIT:
        emit(w, pop(w));
        return true;
    case OP_EMIT_NAME:
        emit(w, flow_name(w, value_str(constants[in->c])));
        return true;
    case OP_EMIT_SLOT_ATTR:
        emit(w, flow_attribute(w, w->slots[in->b], value_str(constants[in->c])));
        return true;
    case OP_EMIT_NAME_ATTR:
        v = flow_name(w, value_str(constants[in->b]));
        w->part++;
        emit(w, flow_attribute(w, v, value_str(constants[in->c])));
        return true;
    case OP_CONST:
        push(w, constant(w, &constants[in->c], in->c));
        return true;
    case OP_SLOT:
        push(w, in->a ? flow_outer(w, in->a, in->b) : w->slots[in->b]);
        return true;
    case OP_NAME:
        push(w, flow_name(w, value_str(constants[in->c])));
        return true;
    case OP_STORE:
        store(w, in->b, pop(w));
        return true;
    case OP_UNSET:
        for (uint32_t i = 0; i < in->c; i++)
            w->slots[in->b + i] = abstract_kinds(x, KIND_MISSING);
        return true;
    case OP_POP:
        pop(w);
        return true;
    case OP_DUP:
        push(w, w->stack[w->stack_n - 1]);
        return true;
    case OP_SWAP:
        v = w->stack[w->stack_n - 1];
        w->stack[w->stack_n - 1] = w->stack[w->stack_n - 2];
        w->stack[w->stack_n - 2] = v;
        return true;
    case OP_ROT3:
        v = w->stack[w->stack_n - 1];
        w->stack[w->stack_n - 1] = w->stack[w->stack_n - 2];
        w->stack[w->stack_n - 2] = w->stack[w->stack_n - 3];
        w->stack[w->stack_n - 3] = v;
        return true;
    case OP_LIST:
        make_list(w, in);
        return true;
    case OP_MAP:
        make_map(w, in);
        return true;
    case OP_APPEND:
        v = abstract_join(x, w->slots[in->b], container(w, pop(w), KIND_LIST));
        store(w, in->b, v);
        return true;
    case OP_UNPACK:
        unpack(w, in->c);
        return true;
    case OP_ATTR:
        v = pop(w);
        push(w, flow_attribute(w, v, value_str(constants[in->c])));
        return true;
    case OP_ITEM:
        key = pop(w);
        v = pop(w);
        push(w, flow_item(w, v, key));
        return true;
    case OP_SLICE:
        for (int i = 0; i < 3; i++)
            flow_scalar(w, pop(w));
        push(w, abstract_derived(x, pop(w)));
        return true;
    case OP_SET_ATTR:
        flow_scalar(w, pop(w));
        flow_hand_over(w, pop(w));
        return true;
    case OP_ADD:
        add(w);
        return true;
    case OP_MUL:
        multiply(w);
        return true;
    case OP_MOD:
        modulo(w);
        return true;
    case OP_SUB:
    case OP_DIV:
    case OP_FLOORDIV:
    case OP_POW:
        calculate(w, 2);
        return true;
    case OP_NEG:
    case OP_POS:
        calculate(w, 1);
        return true;
    case OP_NOT:
        flow_truth(w, pop(w));
        push(w, abstract_kinds(x, KIND_NUMBER));
        return true;
    case OP_CONCAT:
        for (uint32_t i = 0; i < in->c; i++)
            flow_read(w, pop(w));
        push(w, abstract_kinds(x, KIND_TEXT));
        return true;
    case OP_EQ:
    case OP_NE:
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
        compare(w);
        return true;
    case OP_IN:
        contain(w);
        return true;
    case OP_JUMP:
    case OP_FOR_AGAIN:
        flow_to(w, in->c);
        return false;
    case OP_JUMP_IF_FALSE:
    case OP_JUMP_IF_TRUE:
        flow_truth(w, pop(w));
        flow_to(w, in->c);
        return true;
    case OP_AND:
    case OP_OR:
    case OP_JUMP_IF_SET:
        return keep_or_drop(w, in);
    case OP_FOR:
        v = pop(w);
        flow_keys(w, v);
        w->slots[in->b] = w->slots[in->b + 2] = abstract_kinds(x, KIND_ANY);
        w->slots[in->b + 1] = v;
        return true;
    case OP_FOR_NEXT:
        flow_to(w, in->c);
        push(w, abstract_elements(x, w->slots[in->b + 1]));
        return true;
    case OP_FOR_ELSE:
        flow_to(w, in->c);
        return true;
    case OP_LOOP_ATTR:
        loop_attribute(w, in);
        return true;
    case OP_LOOP_RECURSES:
        loop_recurses(w, in->b);
        return true;
    case OP_FILTER:
    case OP_TEST:
    case OP_MACRO_FILTER:
    case OP_MACRO_TEST:
    case OP_CALL:
        apply(w, in);
        return true;
    case OP_MACRO:
        make_macro(w, in);
        return true;
    case OP_INCLUDE:
        include(w, in);
        return true;

    case OP_EXTENDS:
        flow_extend(w, p->refs[in->c].program);
        return true;
    case OP_FAMILY_BLOCK:
        flow_run_blocks(w, value_str(constants[in->c]), &p->scopes[in->b]);
        return true;
    case OP_SUPER: // the blocks of that name run where the first of them does
        push(w, abstract_kinds(x, KIND_ANY));
        return true;
    case OP_SELF:
        flow_run_all_blocks(w);
        push(w, abstract_kinds(x, KIND_ANY));
        return true;
    case OP_JUMP_IF_CHILD:
        flow_to(w, in->c);
        return true;
    case OP_PARENT: // flow_extend has seen to it
        return true;
    case OP_IMPORT:
        push(w, flow_import(w, p->refs[in->c].program, &p->scopes[in->b], !in->a));
        return true;
    case OP_IMPORTED:
        v = pop(w);
        push(w, flow_attribute(w, v, value_str(constants[in->c])));
        return true;
    case OP_EXTENDS_NAMED: // any template may be meant
    case OP_IMPORT_NAMED:
    case OP_INCLUDE_NAMED:
    case OP_PARTIAL_NAMED:
        flow_give_up(w);
        return false;
    case OP_KEYWORD:
        for (int i = 0; i < 3; i++)
            read_keyword(w, pop(w));
        store(w, in->b, abstract_kinds(x, KIND_TEXT));
        return true;
    case OP_PLAIN:
        w->f->bracketed |= w->scope->record;
        push(w, abstract_kinds(x, KIND_NUMBER));
        return true;
    case OP_SUBSTITUTE:
        w->f->bracketed |= w->scope->record;
        emit(w, pop(w));
        return true;
    case OP_DIRECTIVES: // what they name is put in as text
        return true;
    case OP_CAPTURED:
        push(w, abstract_kinds(x, KIND_TEXT));
        return true;
    case OP_AUTOESCAPE:
        flow_truth(w, pop(w));
        store(w, in->b, abstract_kinds(x, KIND_NUMBER));
        return true;
    case OP_MARKUP:
        v = pop(w);
        emit(w, v);
        push(w, abstract_join(x, v, abstract_kinds(x, KIND_TEXT)));
        return true;
    case OP_LOOKUP:
        push(w, flow_lookup(w, value_str(constants[in->c])));
        return true;
    case OP_FIELD:
        v = pop(w);
        push(w, flow_field(w, v, value_str(constants[in->c])));
        return true;
    case OP_CURRENT:
        push(w, flow_current(w));
        return true;
    case OP_PUT:
        emit(w, pop(w));
        return true;
    case OP_PUT_LOOKUP:
        emit(w, flow_lookup(w, value_str(constants[in->c])));
        return true;
    case OP_SECTION:
        v = pop(w);
        flow_to(w, in->c);
        flow_open_section(w, in->b, v);
        return true;
    case OP_SECTION_NEXT:
        flow_to(w, in->c);
        flow_close_section(w, in->b);
        return true;
    case OP_INVERTED:
        flow_ask(w, pop(w)); // a mapping is always true
        flow_to(w, in->c);
        return true;
    case OP_PARTIAL:
        flow_partial(w, &p->partials[in->b], p->refs[in->c].program);
        return true;

    case OP_BLOCK:
        flow_block(w, &p->partials[in->b]);
        flow_to(w, in->c);
        return true;
    case OP_RETURN:
        return false;
    case OP_RESULT:
        flow_hand_over(w, pop(w));
        return false;
    case OPCODE_COUNT:
        break;
    }
    flow_give_up(w);
    return false;
}

// ---- units

static void read_spilled(struct flow *w) {
    while (w->values.spilled_n)
        flow_hand_over(w, w->values.spilled[--w->values.spilled_n]);
}

static void follow(struct flow *w, uint32_t at) {
    const struct member *m = w->unit->member;
    struct state *s = m->states[at];
    uint32_t slots = w->unit->function->slots;
    s->queued = false;
    w->stack_n = s->stack_n;
    memcpy(w->slots, s->cells, slots * sizeof(abstract));
    memcpy(w->stack, s->cells + slots, s->stack_n * sizeof(abstract));
    for (;; at++) {
        w->at = at;
        w->part = 0;
        bool goes_on = step(w, &m->program->code[at]);
        read_spilled(w);
        if (!goes_on || flow_is_over(w))
            return;
        if (m->meets[at + 1]) {
            flow_to(w, at + 1);
            return;
        }
    }
}

static void enter(struct flow *w) {
    const struct unit *u = w->unit;
    const struct function_code *f = u->function;
    struct abstracts *x = &w->values;
    w->stack_n = 0;
    for (uint32_t i = 0; i < f->slots; i++) {
        w->slots[i] = u->parameters[i];
        bool given = i < f->parameters_n || (int32_t)i == f->varargs || (int32_t)i == f->kwargs ||
                     (int32_t)i == f->caller;
        if (given && u->escaped)
            w->slots[i] = abstract_join(x, w->slots[i], abstract_kinds(x, KIND_ANY));
        flow_grow(w, &w->unit->slots[i], w->slots[i]);
    }
    flow_to(w, f->entry);
}

// All that was reached before is gone through again, since what other units know may have changed.
static void run_unit(struct flow *w, struct unit *u) {
    const struct program *p = u->member->program;
    w->unit = u;
    w->slots = MEM_NEW_ARRAY(abstract, u->function->slots + 1);
    w->stack = MEM_NEW_ARRAY(abstract, u->function->stack + 2);
    u->queue = MEM_NEW_ARRAY(uint32_t, p->code_n);
    u->queue_n = 0;
    uint32_t end = p->code_n;
    for (uint32_t f = 0; f < p->functions_n; f++)
        if (p->functions[f].entry > u->function->entry && p->functions[f].entry < end)
            end = p->functions[f].entry;
    for (uint32_t at = end; at-- > u->function->entry;)
        if (u->member->states[at])
            queue(w, at);
    enter(w);
    while (u->queue_n && !flow_is_over(w))
        follow(w, u->queue[--u->queue_n]);
    mem_free(u->queue);
    mem_free(w->stack);
    mem_free(w->slots);
}

static void run_round(struct flow *w) {
    w->changed = false;
    flow_hand_over_modules(w);
    for (size_t i = 0; i < w->units_n && !flow_is_over(w); i++)
        if (w->units[i]->reached)
            run_unit(w, w->units[i]);
}

static void release(struct flow *w) {
    for (size_t i = 0; i < w->members_n; i++)
        mem_free(w->members[i]->edges);
    mem_free(w->members);
    mem_free(w->units);
    mem_free(w->rows);
    mem_free(w->blocks);
    mem_free(w->handed);
    abstracts_release(&w->values);
    arena_release(&w->arena);
}

void fields_add(struct fields *f, const struct program *program, const struct fields_scope *scope) {
    struct flow w = {.f = f, .library = f->library, .scope = scope};
    arena_init(&w.arena, 0);
    abstracts_init(&w.values, &w.arena);
    struct member *m = flow_member(&w, program);
    m->is_root = m->is_first = m->units[0].reached = true;
    int rounds = 0;
    do
        run_round(&w);
    while (w.changed && !flow_is_over(&w) && ++rounds < ROUNDS_MOST);
    w.last = true;
    run_round(&w);
    if (rounds == ROUNDS_MOST || flow_is_over(&w))
        flow_give_up(&w);
    release(&w);
}
