// SPDX-License-Identifier: MIT
// Filters, tests and calls: what they read of their operands by what the library says of them.
#include "stages/program/fields_flow.h"

static abstract any(struct flow *w) {
    return abstract_kinds(&w->values, KIND_ANY);
}

// The arguments of a call without what it is applied to; those that are to be unpacked come last.
static uint32_t arguments_n(const struct operands *o) {
    return o->shape->values;
}

static void hand_over_arguments(struct flow *w, const struct operands *o, uint32_t from) {
    for (uint32_t i = from; i < arguments_n(o); i++)
        flow_hand_over(w, o->values[1 + i]);
}

static void read_arguments(struct flow *w, const struct operands *o) {
    for (uint32_t i = 0; i < arguments_n(o); i++)
        flow_read(w, o->values[1 + i]);
}

// The argument for a parameter: by its place among the positional ones (-1: it has none), or by name.
static const abstract *argument(const struct operands *o, int32_t place, const char *name) {
    if (place >= 0 && (uint32_t)place < o->shape->positional)
        return &o->values[1 + place];
    for (uint32_t i = 0; i < o->shape->keywords; i++)
        if (str_is(o->shape->names[i], name))
            return &o->values[1 + o->shape->positional + i];
    return NULL;
}

// The only text that a value may be.
static bool single_text(const struct flow *w, abstract v, struct str *out) {
    const struct abstract_value *a = abstract_of(&w->values, v);
    if (a->n != 1 || a->kinds || a->elements || entry_kind(a->entries[0]) != ENTRY_CONSTANT)
        return false;
    *out = flow_constant(w, a->entries[0]);
    return true;
}

// What attributes with these names, separated by commas, are of each of `elements`.
static abstract attributes_of(struct flow *w, abstract elements, abstract names) {
    struct str text;
    abstract found = ABSTRACT_NOTHING;
    if (abstract_is_number(&w->values, names))
        return abstract_elements(&w->values, elements);
    if (!single_text(w, names, &text)) {
        flow_members(w, elements);
        return any(w);
    }
    for (size_t from = 0, to; from <= text.n; from = to + 1) {
        const char *comma = from < text.n ? memchr(text.p + from, ',', text.n - from) : NULL;
        to = comma ? (size_t)(comma - text.p) : text.n;
        found = abstract_join(&w->values, found, flow_attributes(w, elements, str_slice(text, from, to)));
    }
    return found;
}

// Reads the elements, or that attribute of them.
static abstract read_by_attribute(struct flow *w, const struct library_function *row,
                                  const struct operands *o) {
    abstract elements = abstract_elements(&w->values, o->values[0]);
    const abstract *names = argument(o, library_parameter(row->params, STR("attribute")), "attribute");
    flow_keys(w, o->values[0]);
    read_arguments(w, o);
    if (names) // none as the attribute means the elements themselves
        flow_read(w, attributes_of(w, elements, *names));
    if (!names || abstract_of(&w->values, *names)->kinds)
        flow_read(w, elements);
    return elements;
}

static abstract list_of(struct flow *w, abstract elements) {
    return abstract_list(&w->values, abstract_join(&w->values, elements, any(w)), KIND_ANY | KIND_LIST);
}

static abstract mapping_of(struct flow *w, abstract values) {
    return abstract_list(&w->values, abstract_join(&w->values, values, any(w)), KIND_ANY);
}

// The rest of a call whose first arguments say what it applies.
static struct operands shifted(const struct operands *o, uint32_t n, abstract v, abstract *values,
                               struct call_shape *shape) {
    *shape = *o->shape;
    shape->positional -= n;
    shape->values -= n;
    values[0] = v;
    for (uint32_t i = n; i < arguments_n(o); i++)
        values[1 + i - n] = o->values[1 + i];
    return (struct operands){values, shape};
}

enum { ARGUMENTS_MOST = 16 };

static const struct library_function *named(const struct library_function *table, uint32_t n,
                                            struct str name) {
    int32_t i = library_find(table, n, name);
    return i < 0 ? NULL : &table[i];
}

static abstract give_up_arguments(struct flow *w, const struct operands *o) {
    flow_hand_over(w, o->values[0]);
    hand_over_arguments(w, o, 0);
    return any(w);
}

// Its macro sees no more of the record than that.
abstract flow_library_macro(struct flow *w, const struct operands *o) {
    return give_up_arguments(w, o);
}

static abstract map_elements(struct flow *w, const struct operands *o) {
    abstract elements = abstract_elements(&w->values, o->values[0]), values[ARGUMENTS_MOST + 1];
    struct str name;
    struct call_shape shape;
    const abstract *names = argument(o, -1, "attribute"), *otherwise = argument(o, -1, "default");
    flow_keys(w, o->values[0]);
    if (o->shape->positional == 0 && names) {
        abstract found = attributes_of(w, elements, *names);
        return list_of(w, otherwise ? abstract_join(&w->values, found, *otherwise) : found);
    }
    if (o->shape->positional == 0 || arguments_n(o) > ARGUMENTS_MOST || !single_text(w, o->values[1], &name))
        return give_up_arguments(w, o);
    const struct library_function *row = named(w->library->filters, w->library->filters_n, name);
    struct operands inner = shifted(o, 1, elements, values, &shape);
    return row ? list_of(w, flow_filter(w, row, &inner)) : give_up_arguments(w, o);
}

// select (by = 0) and selectattr (by = 1: the attribute comes first).
static abstract select_elements(struct flow *w, const struct operands *o, uint32_t by) {
    abstract elements = abstract_elements(&w->values, o->values[0]), values[ARGUMENTS_MOST + 1];
    struct str name;
    struct call_shape shape;
    if (o->shape->positional < by || arguments_n(o) > ARGUMENTS_MOST)
        return give_up_arguments(w, o);
    flow_keys(w, o->values[0]);
    abstract tested = by ? attributes_of(w, elements, o->values[1]) : elements;
    if (o->shape->positional == by) {
        flow_truth(w, tested);
    } else {
        const struct library_function *row = NULL;
        if (single_text(w, o->values[1 + by], &name))
            row = named(w->library->tests, w->library->tests_n, name);
        struct operands inner = shifted(o, 1 + by, tested, values, &shape);
        if (row)
            flow_test(w, row, &inner);
        else
            give_up_arguments(w, &inner);
    }
    return list_of(w, elements);
}

static abstract group_elements(struct flow *w, const struct library_function *row, const struct operands *o) {
    struct abstracts *x = &w->values;
    abstract list = list_of(w, read_by_attribute(w, row, o));
    return list_of(w, abstract_list(x, abstract_join(x, list, any(w)), KIND_ANY | KIND_GROUP));
}

static abstract default_of(struct flow *w, const struct operands *o) {
    abstract v = o->values[0], given = ABSTRACT_NOTHING;
    flow_ask(w, v);
    if (arguments_n(o) != 1 || o->shape->keywords) {
        flow_keys(w, v);
        for (uint32_t i = 1; i < arguments_n(o); i++)
            flow_truth(w, o->values[1 + i]);
    }
    for (uint32_t i = 0; i < arguments_n(o); i++)
        given = abstract_join(&w->values, given, o->values[1 + i]);
    return abstract_join(&w->values, v,
                         abstract_join(&w->values, given, abstract_kinds(&w->values, KIND_TEXT)));
}

abstract flow_filter(struct flow *w, const struct library_function *row, const struct operands *o) {
    struct abstracts *x = &w->values;
    abstract v = o->values[0], elements;
    if (o->shape->unpacks)
        return give_up_arguments(w, o);
    switch (library_reads(w->library, row)) {
    case READS_TYPE:
        flow_ask(w, v);
        read_arguments(w, o);
        return any(w);
    case READS_LENGTH:
        flow_keys(w, v);
        return abstract_kinds(x, KIND_NUMBER);
    case READS_DEFAULT:
        return default_of(w, o);
    case READS_ELEMENT:
        flow_keys(w, v);
        return abstract_elements(x, v);
    case READS_LIST:
        flow_keys(w, v);
        return list_of(w, abstract_elements(x, v));
    case READS_LISTS:
        flow_keys(w, v);
        elements = abstract_elements(x, v);
        for (uint32_t i = 0; i < arguments_n(o); i++)
            elements = abstract_join(x, elements, o->values[1 + i]);
        return list_of(w, list_of(w, elements));
    case READS_BY_ATTRIBUTE:
        return list_of(w, read_by_attribute(w, row, o));
    case READS_ELEMENT_BY_ATTRIBUTE:
        return abstract_join(x, read_by_attribute(w, row, o), any(w));
    case READS_ATTRIBUTE:
        read_by_attribute(w, row, o);
        return any(w);
    case READS_GROUPS:
        return group_elements(w, row, o);
    case READS_MAP:
        return map_elements(w, o);
    case READS_SELECT:
        return select_elements(w, o, 0);
    case READS_SELECT_ATTRIBUTE:
        return select_elements(w, o, 1);
    case READS_NUMBER:
        give_up_arguments(w, o);
        return abstract_kinds(x, KIND_NUMBER);
    case READS_WHOLE:
    case READS_KEY:
    case READS_KEYS:
    case READS_RANGE:
        break;
    }
    return give_up_arguments(w, o);
}

void flow_test(struct flow *w, const struct library_function *row, const struct operands *o) {
    if (o->shape->unpacks || library_reads(w->library, row) != READS_TYPE) {
        give_up_arguments(w, o);
        return;
    }
    flow_ask(w, o->values[0]);
    read_arguments(w, o);
}

// ---- calls

static void pass(struct flow *w, struct unit *u, int32_t slot, abstract v) {
    if (slot >= 0)
        flow_grow(w, &u->parameters[slot], v);
    else
        flow_hand_over(w, v);
}

static void call_macro(struct flow *w, struct unit *u, const struct operands *o) {
    const struct function_code *f = u->function;
    if (o->shape->unpacks) { // anything may become any parameter
        hand_over_arguments(w, o, 0);
        w->changed |= !u->escaped;
        u->escaped = true;
    }
    for (uint32_t i = 0; i < o->shape->positional; i++)
        if (i < f->parameters_n)
            pass(w, u, (int32_t)i, o->values[1 + i]);
        else
            pass(w, u, f->varargs, list_of(w, o->values[1 + i]));
    for (uint32_t i = 0; i < o->shape->keywords; i++) {
        struct str name = o->shape->names[i];
        abstract v = o->values[1 + o->shape->positional + i];
        uint32_t p = 0;
        while (p < f->parameters_n && !str_equal(f->parameters[p].name, name))
            p++;
        if (p < f->parameters_n)
            pass(w, u, (int32_t)p, v);
        else if (str_is(name, "caller"))
            pass(w, u, f->caller, v);
        else
            pass(w, u, f->kwargs, mapping_of(w, v));
    }
}

static abstract call_method(struct flow *w, const struct library_function *row, abstract self,
                            const struct operands *o) {
    struct abstracts *x = &w->values;
    switch (library_reads(w->library, row)) {
    case READS_KEY:
        if (o->shape->positional == 0 || o->shape->unpacks)
            break;
        abstract found = flow_item(w, self, o->values[1]);
        flow_ask(w, found);
        for (uint32_t i = 1; i < arguments_n(o); i++)
            found = abstract_join(x, found, o->values[1 + i]);
        return abstract_join(x, found, abstract_kinds(x, KIND_NUMBER)); // none
    case READS_KEYS:
        flow_keys(w, self);
        return any(w);
    default:
        break;
    }
    if (w->library->method(VALUE_STRING, str_of(row->name)) == row)
        flow_scalar(w, self);
    else
        flow_members(w, self);
    hand_over_arguments(w, o, 0);
    return any(w);
}

// A recursive loop's function takes what to go through, itself, and the depth.
static bool call_loop(struct flow *w, uint64_t loop, const struct operands *o) {
    if (entry_a(loop) == 0 || o->shape->unpacks || arguments_n(o) == 0)
        return false;
    flow_grow(w, &w->units[entry_a(loop) - 1]->parameters[0], o->values[1]);
    return true;
}

abstract flow_call(struct flow *w, const struct operands *o) {
    struct abstracts *x = &w->values;
    const struct abstract_value *callee = abstract_of(x, o->values[0]);
    abstract result = ABSTRACT_NOTHING;
    bool unknown = callee->kinds & KIND_ANY || callee->elements || o->values[0] == ABSTRACT_NOTHING;
    for (uint32_t i = 0; i < callee->n; i++) {
        uint64_t e = callee->entries[i];
        switch (entry_kind(e)) {
        case ENTRY_MACRO:
            call_macro(w, w->units[entry_a(e)], o);
            result = abstract_join(x, result, abstract_kinds(x, KIND_TEXT));
            break;
        case ENTRY_METHOD:
            result = abstract_join(x, result, call_method(w, w->rows[entry_a(e)], entry_b(e), o));
            break;
        case ENTRY_FUNCTION:
            if (library_reads(w->library, &w->library->globals[entry_a(e)]) == READS_RANGE) {
                read_arguments(w, o);
                result =
                    abstract_join(x, result, abstract_list(x, abstract_kinds(x, KIND_NUMBER), KIND_LIST));
                break;
            }
            unknown = true;
            break;
        case ENTRY_LOOP:
            unknown |= !call_loop(w, e, o);
            result = abstract_join(x, result, abstract_kinds(x, KIND_TEXT));
            break;
        case ENTRY_MODULE: // data and modules cannot be called
        case ENTRY_PLACE:
        case ENTRY_ELEMENT:
        case ENTRY_CONSTANT:
            break;
        }
    }
    if (!unknown)
        return result;
    hand_over_arguments(w, o, 0);
    return abstract_join(x, result, any(w));
}
