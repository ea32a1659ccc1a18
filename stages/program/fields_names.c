// SPDX-License-Identifier: MIT
// What names, attributes and items mean, and what is read of a value that is used.
#include <string.h>

#include "base/mem.h"
#include "stages/program/fields_flow.h"

// ---- reading

// Marks the places of a value: `direct` where it may be the place itself, `element` where an element of the list.
static void mark(struct flow *w, abstract v, unsigned direct, unsigned element) {
    const struct abstract_value *a = abstract_of(&w->values, v);
    for (uint32_t i = 0; i < a->n; i++)
        if (entry_kind(a->entries[i]) == ENTRY_PLACE)
            places_read(w->f, entry_a(a->entries[i]), direct);
        else if (entry_kind(a->entries[i]) == ENTRY_ELEMENT)
            places_read(w->f, entry_a(a->entries[i]), element);
}

void flow_read(struct flow *w, abstract v) {
    for (; v; v = abstract_of(&w->values, v)->elements)
        mark(w, v, PLACE_WHOLE | PLACE_VALUE, PLACE_WHOLE | PLACE_ELEMENTS);
}

// A field that a template asks for is none that is missed.
void flow_ask_for(struct flow *w, abstract v, abstract names) {
    const struct abstract_value *a = abstract_of(&w->values, v), *n = abstract_of(&w->values, names);
    for (uint32_t i = 0; i < a->n; i++)
        for (uint32_t k = 0; k < n->n; k++) {
            bool place =
                entry_kind(a->entries[i]) == ENTRY_PLACE || entry_kind(a->entries[i]) == ENTRY_ELEMENT;
            uint32_t child = place
                                 ? places_find(w->f, entry_a(a->entries[i]), flow_constant(w, n->entries[k]))
                                 : PLACE_NONE;
            if (child != PLACE_NONE)
                places_read(w->f, child, PLACE_ASKED);
        }
}

void flow_members(struct flow *w, abstract v) {
    for (; v; v = abstract_of(&w->values, v)->elements)
        mark(w, v, PLACE_WHOLE | PLACE_MEMBERS, PLACE_WHOLE | PLACE_MEMBERS);
}

void flow_scalar(struct flow *w, abstract v) {
    mark(w, v, PLACE_VALUE, PLACE_ELEMENTS);
}

void flow_keys(struct flow *w, abstract v) {
    mark(w, v, PLACE_KEYS, PLACE_ELEMENT_KEYS);
}

void flow_truth(struct flow *w, abstract v) {
    mark(w, v, PLACE_KEYS | PLACE_TRUTH, PLACE_ELEMENT_KEYS | PLACE_TRUTH);
}

void flow_ask(struct flow *w, abstract v) {
    mark(w, v, PLACE_ASKED, PLACE_ASKED);
}

// Modules may hold one another, so what they export is handed over from outside, once a round.
static void show_family(struct flow *w, const struct member *m) {
    for (size_t i = 0; i < w->members_n; i++) {
        struct member *other = w->members[i];
        if (other->is_shown || flow_family(w, other) != flow_family(w, m))
            continue;
        other->is_shown = w->changed = true;
    }
}

// Ids of what is inside are smaller than that of the value, so this ends.
void flow_hand_over(struct flow *w, abstract v) {
    size_t known = w->handed_cap;
    MEM_GROW(w->handed, w->handed_cap, w->values.n);
    if (w->handed_cap > known)
        memset(w->handed + known, 0, w->handed_cap - known);
    if (w->handed[v])
        return;
    w->handed[v] = true;
    flow_read(w, v);
    for (; v; v = abstract_of(&w->values, v)->elements) {
        const struct abstract_value *a = abstract_of(&w->values, v);
        for (uint32_t i = 0; i < a->n; i++) {
            uint64_t e = a->entries[i];
            if (entry_kind(e) == ENTRY_METHOD)
                flow_hand_over(w, entry_b(e));
            if (entry_kind(e) == ENTRY_LOOP)
                flow_hand_over(w, abstract_elements(&w->values, entry_b(e)));
            if (entry_kind(e) == ENTRY_MODULE)
                show_family(w, w->members[entry_a(e)]);
            if (entry_kind(e) == ENTRY_MACRO && !w->units[entry_a(e)]->escaped)
                w->units[entry_a(e)]->escaped = w->changed = true;
        }
    }
}

// ---- names

static struct unit *unit_outside(const struct unit *unit, uint32_t outer) {
    struct unit *u = unit->parent;
    while (--outer && u)
        u = u->parent;
    return u;
}

static abstract slot_ever(struct flow *w, const struct unit *unit, uint32_t outer, uint32_t slot) {
    const struct unit *u = outer ? unit_outside(unit, outer) : unit;
    abstract ever = u ? u->slots[slot] : abstract_kinds(&w->values, KIND_ANY);
    return abstract_join(&w->values, ever, abstract_kinds(&w->values, KIND_MISSING));
}

abstract flow_outer(struct flow *w, uint32_t outer, uint32_t slot) {
    return slot_ever(w, w->unit, outer, slot);
}

static abstract other_name(struct flow *w, struct str name) {
    int32_t row = library_find(w->library->globals, w->library->globals_n, name);
    return row >= 0 ? abstract_entry(&w->values, ENTRY_FUNCTION, (uint32_t)row, 0)
                    : abstract_kinds(&w->values, KIND_DATA); // of the globals
}

static void note_site(struct flow *w, uint32_t place) {
    struct fields *f = w->f;
    if (!w->last || w->quiet)
        return;
    MEM_GROW(f->sites, f->sites_cap, f->sites_n + 1);
    f->sites[f->sites_n++] = (struct place_site){w->unit->member->program, w->at, w->part, place};
}

static abstract child_of(struct flow *w, uint32_t parent, struct str name, unsigned how, bool noted) {
    uint32_t place = places_child(w->f, parent, name);
    if (place == PLACE_NONE)
        return ABSTRACT_NOTHING;
    places_read(w->f, place, how);
    if (noted)
        note_site(w, place);
    return abstract_entry(&w->values, ENTRY_PLACE, place, 0);
}

// A name where there are no slots in sight. `maybe`: it may be one of something else, too.
static abstract root_name(struct flow *w, struct str name, bool maybe) {
    struct abstracts *x = &w->values;
    const struct fields_scope *scope = w->scope;
    if (scope->records.p && str_equal(scope->records, name))
        return abstract_list(x, abstract_entry(x, ENTRY_PLACE, PLACE_ROOT, 0), KIND_LIST);
    if (scope->other.p && str_equal(scope->other, name))
        return abstract_kinds(x, KIND_ANY);
    abstract other = other_name(w, name);
    if (!scope->record)
        return other;
    maybe |= abstract_of(x, other)->n > 0; // a function's
    abstract field = child_of(w, PLACE_ROOT, name, PLACE_DIRECT | (maybe ? 0 : PLACE_NAMED), !maybe);
    return abstract_join(x, field, other);
}

static abstract member_name(struct flow *w, struct member *m, struct str name, bool ever, bool maybe);

// A name as an included template sees it from one place where it is included.
static abstract edge_name(struct flow *w, const struct edge *edge, struct str name, bool ever, bool maybe) {
    struct abstracts *x = &w->values;
    abstract found = ABSTRACT_NOTHING;
    if (edge->is_bare)
        return other_name(w, name);
    for (uint32_t i = 0; i < edge->table->n; i++) {
        const struct scope_entry *entry = &edge->table->entries[i];
        if (!str_equal(entry->name, name))
            continue;
        abstract v = edge->slots[i];
        if (ever)
            v = abstract_join(x, v, slot_ever(w, edge->from, entry->outer, entry->slot));
        found = abstract_join(x, found, abstract_without_missing(x, v));
        if (v && !(abstract_of(x, v)->kinds & KIND_MISSING))
            return found;
    }
    return abstract_join(x, found, member_name(w, edge->from->member, name, ever, maybe || found));
}

static abstract member_name(struct flow *w, struct member *m, struct str name, bool ever, bool maybe) {
    abstract v = flow_exported(w, m, name);
    if (m->visited)
        return v;
    m->visited = true;
    maybe |= v != ABSTRACT_NOTHING;
    for (size_t i = 0; i < m->edges_n; i++)
        v = abstract_join(&w->values, v, edge_name(w, &m->edges[i], name, ever, maybe));
    if (m->is_root)
        v = abstract_join(&w->values, v, root_name(w, name, maybe || v));
    m->visited = false;
    return v;
}

abstract flow_name(struct flow *w, struct str name) {
    return member_name(w, w->unit->member, name, w->unit->index != w->unit->member->units->index, false);
}

static struct edge *find_edge(struct flow *w, struct member *m) {
    for (size_t i = 0; i < m->edges_n; i++)
        if (m->edges[i].from == w->unit && m->edges[i].at == w->at)
            return &m->edges[i];
    if (m->edges_n >= EDGES_MOST)
        flow_give_up(w);
    MEM_GROW(m->edges, m->edges_cap, m->edges_n + 1);
    w->changed = true;
    m->edges[m->edges_n] = (struct edge){.from = w->unit, .at = w->at};
    return &m->edges[m->edges_n++];
}

struct member *flow_include(struct flow *w, const struct program *program, const struct scope_table *table,
                            bool is_bare) {
    struct member *m = flow_member(w, program);
    struct edge *edge = find_edge(w, m);
    edge->table = table;
    edge->is_bare = is_bare;
    if (flow_is_over(w))
        return m;
    if (!edge->slots)
        edge->slots = ARENA_NEW_ARRAY(&w->arena, abstract, table->n + 1);
    if (!edge->slots)
        mem_fail(table->n * sizeof(abstract));
    for (uint32_t i = 0; i < table->n; i++) {
        const struct scope_entry *entry = &table->entries[i];
        flow_grow(w, &edge->slots[i],
                  entry->outer ? flow_outer(w, entry->outer, entry->slot) : w->slots[entry->slot]);
    }
    if (!m->units[0].reached)
        m->units[0].reached = w->changed = true;
    return m;
}

// ---- attributes and items

static const uint8_t method_tags[] = {VALUE_MAP, VALUE_LIST, VALUE_STRING, VALUE_INT, VALUE_FLOAT};

static uint32_t row_index(struct flow *w, const struct library_function *row) {
    for (size_t i = 0; i < w->rows_n; i++)
        if (w->rows[i] == row)
            return (uint32_t)i;
    MEM_GROW(w->rows, w->rows_cap, w->rows_n + 1);
    w->rows[w->rows_n] = row;
    return (uint32_t)w->rows_n++;
}

static const struct library_function *method_of(const struct flow *w, uint8_t tag, struct str name) {
    return w->library->method ? w->library->method(tag, name) : NULL;
}

// The methods of that name that v may have. True where there are any.
static bool add_methods(struct flow *w, struct abstract_build *b, abstract v, struct str name) {
    bool any = false;
    v = abstract_data(&w->values, v);
    for (size_t i = 0; i < sizeof method_tags; i++) {
        const struct library_function *row = method_of(w, method_tags[i], name);
        any |= row != NULL;
        if (row)
            build_entry(&w->values, b, abstract_pack(ENTRY_METHOD, row_index(w, row), v));
    }
    return any;
}

static void add_loop_attribute(struct flow *w, struct abstract_build *b, abstract looped, struct str name) {
    for (enum loop_attr attr = LOOP_INDEX; attr < LOOP_ATTR_COUNT; attr++) {
        if (!str_is(name, loop_attr_name(attr)))
            continue;
        if (attr == LOOP_PREVITEM || attr == LOOP_NEXTITEM)
            build_add(&w->values, b, abstract_elements(&w->values, looped));
        b->kinds |= KIND_NUMBER;
        return;
    }
    b->kinds |= KIND_ANY;
}

// An attribute: a mapping's method of that name hides its field. An item: a method where there is no field.
enum access { ACCESS_ATTRIBUTE, ACCESS_ITEM, ACCESS_FIELD };

// A field of each place that v may be.
static abstract field_of(struct flow *w, abstract v, struct str name, enum access access) {
    struct abstracts *x = &w->values;
    const struct abstract_value *a = abstract_of(x, v);
    const uint32_t known = KIND_MISSING | KIND_LIST; // and without any attribute
    struct abstract_build b = {.kinds = a->kinds & ~known ? KIND_ANY : 0};
    bool hidden = access == ACCESS_ATTRIBUTE && method_of(w, VALUE_MAP, name);
    bool is_method = false, places = false;
    for (uint32_t i = 0; i < a->n; i++)
        places |= entry_kind(a->entries[i]) == ENTRY_PLACE || entry_kind(a->entries[i]) == ENTRY_ELEMENT;
    if (access != ACCESS_FIELD && (places || a->elements))
        is_method = add_methods(w, &b, v, name);
    for (uint32_t i = 0; i < a->n; i++) {
        uint64_t e = a->entries[i];
        if (entry_kind(e) == ENTRY_LOOP) {
            add_loop_attribute(w, &b, entry_b(e), name);
        } else if (entry_kind(e) == ENTRY_MODULE) {
            b.kinds |= KIND_TEXT; // its name
            build_add(x, &b, flow_exported(w, w->members[entry_a(e)], name));
        } else if (entry_kind(e) != ENTRY_PLACE && entry_kind(e) != ENTRY_ELEMENT) {
            b.kinds |= KIND_ANY;
        } else if (!hidden) {
            unsigned how = entry_kind(e) == ENTRY_PLACE ? PLACE_DIRECT : PLACE_IN_LIST;
            bool named = access != ACCESS_ATTRIBUTE || !is_method;
            build_add(x, &b, child_of(w, entry_a(e), name, how | (named ? PLACE_NAMED : 0), named));
        }
    }
    if (abstract_is_group(x, v) && str_is(name, "grouper"))
        b.kinds |= KIND_ANY;
    else if (a->elements && !abstract_is_list(x, v)) { // of a mapping that the template made, or of a group
        b.kinds |= KIND_ANY;
        build_add(x, &b, a->elements);
    }
    return build_end(x, &b);
}

abstract flow_attribute(struct flow *w, abstract v, struct str name) {
    return field_of(w, v, name, ACCESS_ATTRIBUTE);
}

abstract flow_field(struct flow *w, abstract v, struct str name) {
    return field_of(w, v, name, ACCESS_FIELD);
}

abstract flow_item(struct flow *w, abstract v, abstract key) {
    struct abstracts *x = &w->values;
    const struct abstract_value *k = abstract_of(x, key);
    if (!abstract_is_scalar(x, key) || k->kinds & KIND_TEXT) {
        flow_scalar(w, key);
        flow_members(w, v);
        return abstract_join(x, abstract_of(x, v)->elements, abstract_kinds(x, KIND_ANY));
    }
    abstract found = k->kinds & KIND_NUMBER ? abstract_elements(x, v) : ABSTRACT_NOTHING;
    for (uint32_t i = 0; i < k->n; i++)
        found = abstract_join(x, found, field_of(w, v, flow_constant(w, k->entries[i]), ACCESS_ITEM));
    return found;
}

static bool is_digits(struct str text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    return text.n > 0;
}

abstract flow_attributes(struct flow *w, abstract v, struct str path) {
    for (size_t from = 0, to; from <= path.n; from = to + 1) {
        const char *dot = from < path.n ? memchr(path.p + from, '.', path.n - from) : NULL;
        to = dot ? (size_t)(dot - path.p) : path.n;
        struct str part = str_slice(path, from, to);
        w->part++;
        v = is_digits(part) ? abstract_elements(&w->values, v) : field_of(w, v, part, ACCESS_ITEM);
    }
    return v;
}
