// SPDX-License-Identifier: MIT
/*
 * Templates that extend one another are a family here, whichever of them do so at a time: what one sets at its top
 * level all of them may see, and a block may be any of that name.
 */
#include "stages/program/fields_flow.h"

static const struct scope_table no_slots = {.n = 0};

uint32_t flow_family(const struct flow *w, const struct member *m) {
    while (m->family != m->index)
        m = w->members[m->family];
    return m->index;
}

static void reach(struct flow *w, struct unit *u) {
    w->changed |= !u->reached;
    u->reached = true;
}

void flow_extend(struct flow *w, const struct program *parent) {
    struct member *m = w->unit->member;
    if (!parent)
        return;
    uint32_t above = flow_family(w, flow_include(w, parent, &no_slots, false)), below = flow_family(w, m);
    w->changed |= above != below;
    w->members[below]->family = above;
}

void flow_run_blocks(struct flow *w, struct str name, const struct scope_table *table) {
    uint32_t family = flow_family(w, w->unit->member);
    for (size_t i = 0; i < w->members_n; i++) {
        struct member *m = w->members[i];
        int64_t block = flow_family(w, m) == family ? program_block(m->program, name) : -1;
        if (block < 0)
            continue;
        if (table->n)
            flow_include(w, m->program, table, false);
        reach(w, &m->units[m->program->blocks[block].function]);
    }
}

void flow_run_all_blocks(struct flow *w) {
    uint32_t family = flow_family(w, w->unit->member);
    for (size_t i = 0; i < w->members_n; i++) {
        const struct member *m = w->members[i];
        for (uint32_t b = 0; flow_family(w, m) == family && b < m->program->blocks_n; b++)
            reach(w, &m->units[m->program->blocks[b].function]);
    }
}

abstract flow_import(struct flow *w, const struct program *program, const struct scope_table *table,
                     bool is_bare) {
    if (!program)
        return abstract_kinds(&w->values, KIND_ANY);
    const struct member *m = flow_include(w, program, is_bare ? &no_slots : table, is_bare);
    return abstract_entry(&w->values, ENTRY_MODULE, m->index, 0);
}

abstract flow_exported(struct flow *w, const struct member *m, struct str name) {
    uint32_t family = flow_family(w, m);
    abstract found = ABSTRACT_NOTHING;
    for (size_t i = 0; i < w->members_n; i++) {
        const struct member *other = w->members[i];
        const struct scope_table *exports = &other->program->exports;
        for (uint32_t e = 0; flow_family(w, other) == family && e < exports->n; e++)
            if (str_equal(exports->entries[e].name, name))
                found = abstract_join(&w->values, found, other->units[0].slots[exports->entries[e].slot]);
    }
    return abstract_without_missing(&w->values, found);
}

void flow_hand_over_modules(struct flow *w) {
    for (size_t i = 0; i < w->members_n; i++) {
        const struct member *m = w->members[i];
        const struct scope_table *exports = &m->program->exports;
        for (uint32_t e = 0; m->is_shown && e < exports->n; e++)
            flow_hand_over(w, m->units[0].slots[exports->entries[e].slot]);
    }
}
