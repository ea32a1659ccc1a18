// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "stages/render/ops.h"
#include "stages/render/print.h"
#include "stages/render/vm_private.h"

static size_t state_slot(const struct vm *vm, const struct program *program) {
    uint64_t h = (uint64_t)(uintptr_t)program * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(h >> 32) & vm->states_mask;
    while (vm->states[i] && vm->states[i]->program != program)
        i = (i + 1) & vm->states_mask;
    return i;
}

static void states_grow(struct vm *vm) {
    struct code_state **old = vm->states;
    size_t size = old ? vm->states_mask + 1 : 0;
    vm->states_mask = size ? size * 2 - 1 : 15;
    vm->states = MEM_NEW_ARRAY(struct code_state *, vm->states_mask + 1);
    for (size_t i = 0; i < size; i++)
        if (old[i])
            vm->states[state_slot(vm, old[i]->program)] = old[i];
    mem_free(old);
}

struct code_state *code_state_of(struct vm *vm, const struct program *program) {
    if (2 * (vm->states_n + 1) > (vm->states ? vm->states_mask + 1 : 0))
        states_grow(vm);
    size_t i = state_slot(vm, program);
    if (LIKELY(vm->states[i] != NULL))
        return vm->states[i];
    struct code_state *state = MEM_NEW(struct code_state);
    state->program = program;
    state->sites = MEM_NEW_ARRAY(struct site, program->code_n);
    vm->states[i] = state;
    vm->states_n++;
    return state;
}

void code_states_release(struct vm *vm) {
    for (size_t i = 0; vm->states && i <= vm->states_mask; i++)
        if (vm->states[i]) {
            lineage_free(vm->states[i]->lineage);
            mem_free(vm->states[i]->sites);
            mem_free(vm->states[i]);
        }
    mem_free(vm->states);
}

// Position of a name in a map, remembered where the shape may be.
int32_t field_position(struct lookup *lookup, const struct shape *shape, struct str name) {
    int32_t position;
    if (lookup && lookup_find(lookup, shape, &position))
        return position;
    position = (int32_t)shape_find(shape, name);
    if (lookup && shape->shared) {
        lookup->shape[1] = lookup->shape[0];
        lookup->position[1] = lookup->position[0];
        lookup->shape[0] = shape;
        lookup->position[0] = position;
    }
    return position;
}

static struct value scope_value(const struct context *context, const struct scope_entry *entry) {
    const struct env *env = context->frame ? context->frame->env : context->env;
    for (uint16_t i = 0; i < entry->outer; i++)
        env = env->outer;
    return env->slots[entry->slot];
}

// The first set slot of that name. *hit: the first entry of that name, set or not; n where there is none.
static struct value scope_find(const struct context *context, struct str name, uint32_t *hit) {
    const struct scope_table *table = context->table;
    *hit = table->n;
    for (uint32_t i = 0; i < table->n; i++) {
        if (!str_equal(table->entries[i].name, name))
            continue;
        if (*hit == table->n)
            *hit = i;
        struct value v = scope_value(context, &table->entries[i]);
        if (v.tag != VALUE_MISSING)
            return v;
    }
    return value_missing();
}

static struct value levels_find(const struct level *level, struct str name) {
    for (; level; level = level->older)
        for (uint32_t i = 0; i < level->exports->n; i++) {
            const struct scope_entry *e = &level->exports->entries[i];
            struct value v = level->env->slots[e->slot];
            if (v.tag != VALUE_MISSING && str_equal(e->name, name))
                return v;
        }
    return value_missing();
}

static struct value scopes_resolve(const struct context *context, struct site *site, struct str name) {
    const void *key = context->scope_key;
    bool single = key == context->table;
    bool family = context->shows_levels && key == context->family->lineage;
    if ((single || family) && site->scope_key == key)
        return value_missing();
    if (single && site->hit_key == key) {
        struct value v = scope_value(context, &context->table->entries[site->hit]);
        if (v.tag != VALUE_MISSING)
            return v;
    }
    for (const struct context *c = context; c; c = c->outer) {
        uint32_t hit;
        if (c->shows_levels) {
            struct value v = levels_find(c->family->levels, name);
            if (v.tag != VALUE_MISSING)
                return v;
        }
        if (!c->table)
            continue;
        struct value v = scope_find(c, name, &hit);
        if (single && hit < c->table->n) {
            site->hit_key = key;
            site->hit = hit;
        } else if (single) {
            site->scope_key = key;
        }
        if (v.tag != VALUE_MISSING)
            return v;
    }
    if (family && !lineage_exports(context->family->lineage, name))
        site->scope_key = key;
    return value_missing();
}

static const struct value *other_find(const struct vm *vm, struct str name) {
    static const struct value nowhere = {.tag = VALUE_MISSING};
    const struct map *globals = vm->options.globals;
    int64_t at = globals ? shape_find(globals->shape, name) : -1;
    if (at >= 0)
        return &globals->values[at];
    const struct library *library = vm->options.library;
    int32_t f = library_find(library->globals, library->globals_n, name);
    return f >= 0 ? &vm->function_values[f] : &nowhere;
}

struct value name_given(const struct context *context, struct site *site, struct str name) {
    if (context->scope_key) {
        struct value v = scopes_resolve(context, site, name);
        if (v.tag != VALUE_MISSING)
            return v;
    } else {
        site->scope_key = NULL;
    }
    for (size_t i = 0; i < context->extra_n; i++)
        if (str_equal(context->extra[i].name, name))
            return context->extra[i].value;
    if (context->record) {
        int32_t at = field_position(&site->name, context->record->shape, name);
        if (at >= 0)
            return context->record->values[at];
    }
    return value_missing();
}

struct value name_resolve(struct vm *vm, const struct context *context, struct site *site, struct str name) {
    struct value v = name_given(context, site, name);
    if (v.tag != VALUE_MISSING)
        return v;
    if (!site->other)
        site->other = other_find(vm, name);
    if (site->other->tag != VALUE_MISSING)
        return *site->other;
    return value_undefined(UNDEFINED_NAME, name);
}

// An undefined that remembers the type of what lacked it, in the high half of its flags; 0 is a map.
static struct value undefined_of(struct value v, enum undefined_kind kind, struct str name) {
    struct value u = value_undefined(kind, name);
    u.flags = (uint8_t)(v.tag == VALUE_MAP ? 0 : v.tag << 4);
    return u;
}

struct value undefined_saying(struct call *call, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t size = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n + 1 : sizeof text;
    char *copy = size ? arena_alloc(call->arena, size) : NULL;
    if (!copy)
        return op_nothing("there is no such thing");
    memcpy(copy, text, size);
    return op_nothing(copy);
}

static bool map_field(struct call *call, struct value v, struct str name, struct lookup *lookup,
                      struct value *out) {
    int32_t at = field_position(lookup, v.map->shape, name);
    if (at >= 0) {
        *out = v.map->values[at];
        return true;
    }
    call->vm->missed_in = v.map;
    call->vm->missed_blocks = NULL;
    call->vm->missed_name = name.p;
    return false;
}

static struct value object_get(struct call *call, struct value v, struct str name) {
    const struct object_type *type = v.object->type;
    return type->get ? type->get(call->vm, v.object, name) : value_missing();
}

bool attribute_resolve(struct call *call, struct value v, struct str name, struct lookup *lookup,
                       struct value *out) {
    switch (v.tag) {
    case VALUE_UNDEFINED:
        return fault_undefined(call, v);
    case VALUE_MISSING:
        return call_fail(call, "a variable is used before it has a value");
    case VALUE_OBJECT:
        *out = object_get(call, v, name);
        break;
    default:
        *out = method_get(call, v, name);
    }
    if (out->tag != VALUE_MISSING)
        return true;
    if (v.tag == VALUE_MAP && map_field(call, v, name, lookup, out))
        return true;
    *out = undefined_of(v, UNDEFINED_ATTRIBUTE, name);
    return true;
}

static bool undefined_item(struct call *call, struct value v, struct value key, struct value *out) {
    struct str name;
    if (!print_to_str(call, key, &name))
        return false;
    *out = undefined_of(v, UNDEFINED_INDEX, name);
    return true;
}

bool item_resolve(struct call *call, struct value v, struct value key, struct value *out) {
    if (v.tag == VALUE_UNDEFINED)
        return fault_undefined(call, v);
    if (!defined_check(call, key))
        return false;
    *out = value_missing();
    if (v.tag == VALUE_MAP && key.tag == VALUE_STRING) {
        if (map_field(call, v, value_str(key), NULL, out))
            return true;
    } else if (key.tag != VALUE_STRING && !op_index(call, v, key, out)) {
        return false;
    }
    if (out->tag != VALUE_MISSING)
        return true;
    if (key.tag != VALUE_STRING)
        return undefined_item(call, v, key, out);
    *out = v.tag == VALUE_OBJECT ? object_get(call, v, value_str(key)) : method_get(call, v, value_str(key));
    if (out->tag == VALUE_MISSING)
        *out = undefined_of(v, UNDEFINED_ATTRIBUTE, value_str(key));
    return true;
}

bool vm_get_attribute(struct call *call, struct value object, struct str name, bool item_first,
                      struct value *out) {
    return item_first ? item_resolve(call, object, value_string(name), out)
                      : attribute_resolve(call, object, name, NULL, out);
}
