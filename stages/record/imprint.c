// SPDX-License-Identifier: MIT
/*
 * What is hashed of a field are the bytes written here: a tag for each value, counts and lengths before what they count,
 * all in the machine's byte order. (A journal does not outlive its machine's byte order; see its format.)
 */
#include "stages/record/imprint.h"

#include "base/mem.h"
#include "stages/record/value_json.h"

enum unit_kind {
    UNIT_WHOLE,  // all of what is there
    UNIT_LOOKED, // scalars as they are, of mappings that they are there
    UNIT_KEYS,   // which keys a mapping has
    UNIT_BRACKETS,
};

struct unit {
    enum unit_kind kind;
    bool keys, element_keys; // UNIT_KEYS: of a mapping that is there, of those that are elements of a list
    struct str *steps;       // names on the way from the record
    uint32_t steps_n;
};

struct imprint {
    struct arena arena;
    struct unit *units;
    struct str *names;
    size_t n, units_cap, names_cap;
};

// The units ---------------------------------------------------------------------------------------------------

static void *take(struct imprint *p, size_t size) {
    void *found = arena_alloc(&p->arena, size ? size : 1);
    if (!found)
        mem_fail(size);
    return found;
}

static struct str name_of(struct imprint *p, enum unit_kind kind, const struct str *steps, uint32_t n) {
    struct buf text = BUF_INIT;
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_add_char(&text, '.');
        buf_add_str(&text, steps[i]);
    }
    if (kind == UNIT_BRACKETS)
        buf_add_text(&text, n ? ".[...]" : "[...]");
    else if (kind == UNIT_KEYS || n == 0)
        buf_add_text(&text, n ? ".*" : "*");
    char *kept = take(p, text.n);
    if (text.n)
        memcpy(kept, text.p, text.n);
    struct str name = {kept, text.n};
    buf_release(&text);
    return name;
}

static void add_unit(struct imprint *p, const struct projection *node, enum unit_kind kind,
                     const struct str *steps, uint32_t n) {
    MEM_GROW(p->units, p->units_cap, p->n + 1);
    MEM_GROW(p->names, p->names_cap, p->n + 1);
    struct str *kept = take(p, n * sizeof *kept);
    if (n)
        memcpy(kept, steps, n * sizeof *kept);
    p->units[p->n] = (struct unit){kind, node->keys, node->element_keys, kept, n};
    p->names[p->n] = name_of(p, kind, steps, n);
    p->n++;
}

struct way { // from the root to a node
    struct str *steps;
    size_t cap;
};

static void add_units(struct imprint *p, const struct projection *node, struct way *way, uint32_t depth) {
    if (node->whole) {
        add_unit(p, node, UNIT_WHOLE, way->steps, depth);
        return;
    }
    const bool keys = node->keys || node->element_keys;
    if (keys)
        add_unit(p, node, UNIT_KEYS, way->steps, depth);
    if (node->bracketed)
        add_unit(p, node, UNIT_BRACKETS, way->steps, depth);
    if (node->n == 0 && depth > 0 && !keys && !node->bracketed)
        add_unit(p, node, UNIT_LOOKED, way->steps, depth);
    for (size_t i = 0; i < node->n; i++) {
        MEM_GROW(way->steps, way->cap, depth + 1);
        way->steps[depth] = node->children[i]->name;
        add_units(p, node->children[i], way, depth + 1);
    }
}

struct imprint *imprint_new(const struct projection *projection) {
    static const struct projection everything = {.whole = true};
    struct imprint *p = MEM_NEW(struct imprint);
    struct way way = {0};
    arena_init(&p->arena, 0);
    add_units(p, projection ? projection : &everything, &way, 0);
    mem_free(way.steps);
    return p;
}

void imprint_free(struct imprint *p) {
    if (!p)
        return;
    arena_release(&p->arena);
    mem_free(p->units);
    mem_free(p->names);
    mem_free(p);
}

uint32_t imprint_fields(const struct imprint *p) {
    return (uint32_t)p->n;
}

const struct str *imprint_names(const struct imprint *p) {
    return p->names;
}

// What is hashed ----------------------------------------------------------------------------------------------

static void add_number(struct buf *out, uint8_t tag, uint64_t number) {
    char bytes[1 + sizeof number];
    bytes[0] = (char)tag;
    memcpy(bytes + 1, &number, sizeof number);
    buf_add(out, bytes, sizeof bytes);
}

static void add_text(struct buf *out, uint8_t tag, struct str text) {
    add_number(out, tag, text.n);
    buf_add_str(out, text);
}

static void add_whole(struct buf *out, struct value v) {
    switch (v.tag) {
    case VALUE_STRING:
    case VALUE_BIG:
        add_text(out, v.tag, value_str(v));
        break;
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_FLOAT: // the same eight bytes
        add_number(out, v.tag, (uint64_t)v.i);
        break;
    case VALUE_LIST:
        add_number(out, v.tag, v.list->n);
        for (uint32_t i = 0; i < v.list->n; i++)
            add_whole(out, v.list->items[i]);
        break;
    case VALUE_MAP:
        add_number(out, v.tag, v.map->shape->n);
        for (uint32_t i = 0; i < v.map->shape->n; i++) {
            add_whole(out, v.map->shape->keys[i]);
            add_whole(out, v.map->values[i]);
        }
        break;
    default:
        buf_add_char(out, (char)v.tag);
        break;
    }
}

static bool is_bracketed(struct str name) {
    return name.n >= 2 && name.p[0] == '[' && name.p[name.n - 1] == ']';
}

static void add_map_of(struct buf *out, const struct unit *unit, bool element, const struct map *map) {
    const bool keys = unit->kind == UNIT_KEYS && (element ? unit->element_keys : unit->keys);
    add_number(out, VALUE_MAP, keys ? map->shape->n : 0);
    for (uint32_t i = 0; i < map->shape->n && (keys || unit->kind == UNIT_BRACKETS); i++) {
        if (unit->kind == UNIT_BRACKETS && !is_bracketed(value_str(map->shape->keys[i])))
            continue;
        add_whole(out, map->shape->keys[i]);
        if (unit->kind == UNIT_BRACKETS)
            add_whole(out, map->values[i]);
    }
}

static void add_unit_of(struct buf *out, const struct unit *unit, uint32_t depth, bool element,
                        struct value v) {
    if (depth == unit->steps_n && unit->kind == UNIT_WHOLE) {
        add_whole(out, v);
    } else if (v.tag == VALUE_LIST) {
        add_number(out, VALUE_LIST, v.list->n);
        for (uint32_t i = 0; i < v.list->n; i++)
            add_unit_of(out, unit, depth, true, v.list->items[i]);
    } else if (v.tag != VALUE_MAP) {
        add_whole(out, v);
    } else if (depth == unit->steps_n) {
        add_map_of(out, unit, element, v.map);
    } else {
        buf_add_char(out, VALUE_MAP); // a step, so that it matters on which one a list stands
        add_unit_of(out, unit, depth + 1, false, map_get(v.map, unit->steps[depth]));
    }
}

struct digest imprint_take(const struct imprint *p, struct value record, struct buf *scratch,
                           uint64_t *hashes) {
    buf_clear(scratch);
    for (size_t i = 0; i < p->n; i++) {
        size_t from = scratch->n;
        add_unit_of(scratch, &p->units[i], 0, false, record);
        if (hashes)
            hashes[i] = digest_of((struct str){scratch->p + from, scratch->n - from}).low;
    }
    return digest_of(buf_str(scratch));
}

// What is shown -----------------------------------------------------------------------------------------------

static void show_whole(struct value v, struct buf *out) {
    if (v.tag == VALUE_LIST) {
        buf_add_char(out, '[');
        for (uint32_t i = 0; i < v.list->n; i++) {
            buf_add_text(out, i ? ", " : "");
            show_whole(v.list->items[i], out);
        }
        buf_add_char(out, ']');
    } else if (v.tag == VALUE_MAP) {
        buf_add_char(out, '{');
        for (uint32_t i = 0; i < v.map->shape->n; i++) {
            buf_add_text(out, i ? ", " : "");
            show_whole(v.map->shape->keys[i], out);
            buf_add_text(out, ": ");
            show_whole(v.map->values[i], out);
        }
        buf_add_char(out, '}');
    } else if (!value_json_add_scalar(out, v)) {
        buf_add_json(out, value_str(v));
    }
}

static bool show(const struct unit *unit, uint32_t depth, struct value v, struct buf *out) {
    if (v.tag == VALUE_MISSING)
        return false;
    if (depth == unit->steps_n || (v.tag != VALUE_LIST && v.tag != VALUE_MAP)) {
        show_whole(v, out);
        return true;
    }
    if (v.tag == VALUE_MAP)
        return show(unit, depth + 1, map_get(v.map, unit->steps[depth]), out);
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < v.list->n; i++) {
        buf_add_text(out, i ? ", " : "");
        if (!show(unit, depth, v.list->items[i], out))
            buf_add_text(out, "null");
    }
    buf_add_char(out, ']');
    return true;
}

bool imprint_show(const struct imprint *p, uint32_t field, struct value record, struct buf *out) {
    return show(&p->units[field], 0, record, out);
}

// What differs ----------------------------------------------------------------------------------------------------

struct narrowing {
    const struct unit *unit;
    struct str before; // what of it is left
    struct buf *name, *now;
    bool listed;
};

// Where an element of a list, as it is shown, ends.
static size_t element_end(struct str text, size_t at) {
    bool quoted = false;
    for (int depth = 0; at < text.n; at++) {
        const char c = text.p[at];
        if (quoted) {
            at += c == '\\';
            quoted = c != '"';
            continue;
        }
        quoted = c == '"';
        if (depth == 0 && (c == ',' || c == ']'))
            break;
        depth += (c == '[' || c == '{') - (c == ']' || c == '}');
    }
    return at < text.n ? at : text.n;
}

static void show_element(const struct unit *unit, uint32_t depth, struct value v, struct buf *out) {
    buf_clear(out);
    if (!show(unit, depth, v, out))
        buf_add_text(out, "null");
}

// The only element that is another one; false: there are more of them, or fewer or more elements.
static bool find_differing(struct narrowing *n, uint32_t depth, const struct list *list, uint32_t *which,
                           struct str *was) {
    size_t differing = 0, at = 1;
    if (n->before.n < 2 || n->before.p[0] != '[')
        return false;
    for (uint32_t i = 0; i < list->n; i++) {
        const size_t end = element_end(n->before, at);
        const struct str element = str_slice(n->before, at, end);
        show_element(n->unit, depth, list->items[i], n->now);
        if (!str_equal(element, buf_str(n->now))) {
            *which = i;
            *was = element;
            differing++;
        }
        if (element.n == 0) // an empty list
            return false;
        const bool last = end >= n->before.n || n->before.p[end] == ']';
        if (last != (i + 1 == list->n))
            return false;
        at = end + 2; // behind ", "
    }
    return differing == 1;
}

static void narrow(struct narrowing *n, uint32_t depth, struct value v) {
    uint32_t which = 0;
    struct str was;
    if (v.tag == VALUE_LIST && find_differing(n, depth, v.list, &which, &was)) {
        buf_printf(n->name, "[%u]", which);
        n->listed = true;
        n->before = was;
        narrow(n, depth, v.list->items[which]);
    } else if (v.tag == VALUE_MAP && depth < n->unit->steps_n) {
        buf_printf(n->name, "%s%.*s", n->name->n ? "." : "", STR_ARG(n->unit->steps[depth]));
        narrow(n, depth + 1, map_get(v.map, n->unit->steps[depth]));
    } else {
        for (uint32_t i = depth; i < n->unit->steps_n; i++)
            buf_printf(n->name, ".%.*s", STR_ARG(n->unit->steps[i]));
        show_element(n->unit, depth, v, n->now);
    }
}

bool imprint_narrow(const struct imprint *p, uint32_t field, struct value record, struct str *before,
                    struct buf *name, struct buf *now) {
    struct narrowing n = {.unit = &p->units[field], .before = *before, .name = name, .now = now};
    if (n.unit->kind != UNIT_WHOLE && n.unit->kind != UNIT_LOOKED)
        return false;
    narrow(&n, 0, record);
    *before = n.before;
    return n.listed;
}
