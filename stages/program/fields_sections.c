// SPDX-License-Identifier: MIT
/*
 * Mustache: a name is the first field of that name in the context stack, so it may be one of every section that is
 * open, in the templates around too. A frame's sections have slots of their own, the inner ones further up; what is
 * no section there, or none that is open, holds no place.
 */
#include "base/mem.h"
#include "stages/program/fields_flow.h"

static abstract open_sections(struct flow *w) {
    abstract v = w->unit->sections;
    for (uint32_t i = 0; i < w->unit->function->slots; i++)
        v = abstract_join(&w->values, v, w->slots[i]);
    return v;
}

abstract flow_lookup(struct flow *w, struct str name) {
    abstract given = flow_name(w, name);
    w->quiet = abstract_of(&w->values, given)->kinds & KIND_ANY;
    abstract field = flow_field(w, open_sections(w), name);
    w->quiet = false;
    return abstract_join(&w->values, field, given);
}

abstract flow_current(struct flow *w) {
    struct abstracts *x = &w->values;
    const abstract closed = abstract_kinds(x, KIND_MISSING);
    for (uint32_t i = w->unit->function->slots; i-- > 0;)
        if (w->slots[i] && w->slots[i] != closed)
            return w->slots[i];
    abstract v = w->unit->current;
    if (w->unit->member->is_first && w->scope->record)
        v = abstract_join(x, v, abstract_entry(x, ENTRY_PLACE, PLACE_ROOT, 0));
    return abstract_join(x, v, abstract_kinds(x, KIND_ANY));
}

void flow_open_section(struct flow *w, uint32_t slot, abstract v) {
    struct abstracts *x = &w->values;
    flow_ask(w, v);
    v = abstract_join(x, v, abstract_elements(x, v));
    w->slots[slot] = abstract_join(x, v, abstract_kinds(x, KIND_ANY));
    w->slots[slot + 1] = w->slots[slot + 2] = abstract_kinds(x, KIND_MISSING);
}

void flow_close_section(struct flow *w, uint32_t slot) {
    w->slots[slot] = abstract_kinds(&w->values, KIND_MISSING);
}

// What runs from here sees the sections that are open here.
static void show_sections(struct flow *w, struct unit *to) {
    flow_grow(w, &to->sections, open_sections(w));
    flow_grow(w, &to->current, flow_current(w));
    w->changed |= !to->reached;
    to->reached = true;
}

static void give_block(struct flow *w, struct str name, struct unit *unit) {
    for (size_t i = 0; i < w->blocks_n; i++)
        if (w->blocks[i].unit == unit)
            return;
    MEM_GROW(w->blocks, w->blocks_cap, w->blocks_n + 1);
    w->blocks[w->blocks_n++] = (struct given_block){name, unit};
    w->changed = true;
}

void flow_partial(struct flow *w, const struct partial *partial, const struct program *program) {
    static const struct scope_table no_slots = {.n = 0};
    for (uint32_t i = 0; i < partial->blocks_n; i++)
        give_block(w, partial->blocks[i].name, &w->unit->member->units[partial->blocks[i].function]);
    if (!program) // there is none: it is empty
        return;
    show_sections(w, &flow_include(w, program, &no_slots, false)->units[0]);
}

// Which template gave the block is not followed: all that have its name may be meant.
void flow_block(struct flow *w, const struct partial *partial) {
    for (size_t i = 0; i < w->blocks_n; i++)
        if (str_equal(w->blocks[i].name, partial->name))
            show_sections(w, w->blocks[i].unit);
}
