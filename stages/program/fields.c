// SPDX-License-Identifier: MIT
// What comes of the analysis: the projection, the paths, and the fields that no record has.
#include "stages/program/fields.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "stages/program/fields_places.h"
#include "stages/record/shape.h"

// ---- projection

static void *keep(struct fields *f, size_t size) {
    void *p = arena_zero(&f->arena, size);
    if (!p)
        mem_fail(size);
    return p;
}

static struct projection *project(struct fields *f, uint32_t at) {
    const struct place *place = &f->places[at];
    struct projection *p = keep(f, sizeof *p);
    p->name = place->name;
    p->whole = place->read & PLACE_WHOLE;
    p->keys = place->read & PLACE_KEYS;
    p->element_keys = place->read & PLACE_ELEMENT_KEYS;
    for (uint32_t c = place->first; c != PLACE_NONE; c = f->places[c].next)
        p->n++;
    const struct projection **children = keep(f, (p->n + 1) * sizeof(struct projection *));
    size_t n = 0;
    for (uint32_t c = place->first; c != PLACE_NONE; c = f->places[c].next)
        children[n++] = project(f, c);
    p->children = children;
    return p;
}

bool fields_is_everything(const struct fields *f) {
    return f->everything || f->places[PLACE_ROOT].read & PLACE_WHOLE;
}

const struct projection *fields_projection(struct fields *f) {
    if (fields_is_everything(f))
        return NULL;
    struct projection *root = project(f, PLACE_ROOT);
    root->bracketed = f->bracketed;
    return root;
}

// ---- paths

static bool is_used(const struct place *p) {
    return p->read & (PLACE_WHOLE | PLACE_KEYS | PLACE_ELEMENT_KEYS | PLACE_VALUE | PLACE_ELEMENTS |
                      PLACE_MEMBERS | PLACE_ASKED | PLACE_TRUTH | PLACE_NAMED);
}

static void write_path(const struct fields *f, uint32_t at, struct buf *out) {
    const struct place *p = &f->places[at];
    if (p->parent != PLACE_ROOT) {
        write_path(f, p->parent, out);
        buf_add_text(out, p->read & PLACE_IN_LIST && !(p->read & PLACE_DIRECT) ? "[]." : ".");
    }
    if (p->name.n == 0 || memchr(p->name.p, '.', p->name.n)) {
        buf_add_json(out, p->name);
        return;
    }
    buf_add_str(out, p->name);
}

static struct str path_of(struct fields *f, uint32_t at, const char *suffix) {
    struct buf text = BUF_INIT;
    write_path(f, at, &text);
    buf_add_text(&text, suffix);
    struct str path = arena_str(&f->arena, buf_str(&text));
    if (!path.p)
        mem_fail(text.n);
    buf_release(&text);
    return path;
}

struct paths {
    struct str *paths;
    size_t n, cap;
};

static void add_path(struct paths *out, struct str path) {
    MEM_GROW(out->paths, out->cap, out->n + 1);
    out->paths[out->n++] = path;
}

// True where something at or below the place was listed.
static bool list_paths(struct fields *f, uint32_t at, struct paths *out) {
    const struct place p = f->places[at];
    if (at != PLACE_ROOT && p.read & (PLACE_VALUE | PLACE_ELEMENTS | PLACE_MEMBERS)) {
        bool itself = p.read & PLACE_VALUE;
        if (itself || p.read & PLACE_ELEMENTS)
            add_path(out, path_of(f, at, itself ? "" : "[]"));
        if (!itself && p.read & PLACE_MEMBERS)
            add_path(out, path_of(f, at, ".*"));
        if (p.read & PLACE_WHOLE)
            return true;
    }
    bool below = false;
    for (uint32_t c = p.first; c != PLACE_NONE; c = f->places[c].next)
        below |= list_paths(f, c, out);
    if (!below && at != PLACE_ROOT && !(p.read & (PLACE_VALUE | PLACE_ELEMENTS | PLACE_MEMBERS)) &&
        is_used(&p))
        add_path(out, path_of(f, at, ""));
    return below || is_used(&p);
}

static int compare_paths(const void *a, const void *b) {
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

size_t fields_paths(struct fields *f, struct str **paths) {
    struct paths out = {0};
    if (fields_is_everything(f))
        add_path(&out, STR("*"));
    else
        list_paths(f, PLACE_ROOT, &out);
    if (f->bracketed && !fields_is_everything(f))
        add_path(&out, STR("[...]"));
    if (out.n)
        qsort(out.paths, out.n, sizeof *out.paths, compare_paths);
    *paths = out.paths;
    return out.n;
}

// ---- fields that no record has

static void see(struct fields *f, uint32_t at, struct value v) {
    f->places[at].read |= PLACE_SEEN;
    if (v.tag == VALUE_LIST)
        for (uint32_t i = 0; i < v.list->n; i++)
            see(f, at, v.list->items[i]);
    if (v.tag != VALUE_MAP)
        return;
    for (uint32_t c = f->places[at].first; c != PLACE_NONE; c = f->places[c].next) {
        int64_t i = shape_find(v.map->shape, f->places[c].name);
        if (i >= 0)
            see(f, c, v.map->values[i]);
    }
}

void fields_see(struct fields *f, struct value record) {
    see(f, PLACE_ROOT, record);
    MEM_GROW(f->seen, f->seen_cap, f->seen_n + 1);
    f->seen[f->seen_n++] = record;
}

// Offers the keys that mappings at the place have, on the way down from a value at `from`.
static void offer_keys(const struct fields *f, const uint32_t *way, size_t n, struct value v,
                       struct suggestion *s, bool *mapping) {
    if (v.tag == VALUE_LIST)
        for (uint32_t i = 0; i < v.list->n; i++)
            offer_keys(f, way, n, v.list->items[i], s, mapping);
    if (v.tag != VALUE_MAP)
        return;
    if (n == 0) {
        *mapping = true;
        for (uint32_t i = 0; i < v.map->shape->n; i++)
            if (v.map->shape->keys[i].tag == VALUE_STRING)
                suggest_offer(s, value_str(v.map->shape->keys[i]));
        return;
    }
    int64_t i = shape_find(v.map->shape, f->places[way[n - 1]].name);
    if (i >= 0)
        offer_keys(f, way, n - 1, v.map->values[i], s, mapping);
}

// The field most like the place's name where it should be; false: records have no mapping there, so that nothing
// can be said.
static bool find_nearest(const struct fields *f, uint32_t at, struct str *nearest) {
    uint32_t way[PLACES_DEPTH + 1];
    size_t n = 0;
    bool mapping = false;
    for (uint32_t p = f->places[at].parent; p != PLACE_ROOT; p = f->places[p].parent)
        way[n++] = p;
    struct suggestion s = suggest_for(f->places[at].name);
    for (size_t i = 0; i < f->seen_n; i++)
        offer_keys(f, way, n, f->seen[i], &s, &mapping);
    *nearest = s.best;
    return mapping;
}

static bool is_missing(const struct fields *f, const struct place *p) {
    return !(p->read & (PLACE_SEEN | PLACE_ASKED)) && is_used(p) && f->places[p->parent].read & PLACE_SEEN;
}

static bool is_same_site(const struct place_site *a, const struct place_site *b) {
    return a->program == b->program && a->at == b->at && a->part == b->part;
}

// An instruction may name several places; it lacks something only where none of them is there.
static bool site_is_fine(const struct fields *f, size_t i) {
    for (size_t k = i; k-- > 0 && is_same_site(&f->sites[k], &f->sites[i]);)
        if (!is_missing(f, &f->places[f->sites[k].place]))
            return true;
    for (size_t k = i; k < f->sites_n && is_same_site(&f->sites[k], &f->sites[i]); k++)
        if (!is_missing(f, &f->places[f->sites[k].place]))
            return true;
    return false;
}

// Of the places that the site names the one that is a field of the record, else what the first one begins with.
static struct str top_of(const struct fields *f, size_t site) {
    uint32_t at = f->sites[site].place;
    for (size_t i = site; i < f->sites_n && is_same_site(&f->sites[site], &f->sites[i]); i++)
        if (f->places[f->sites[i].place].parent == PLACE_ROOT)
            at = f->sites[i].place;
    while (f->places[at].parent != PLACE_ROOT)
        at = f->places[at].parent;
    return f->places[at].name;
}

// Of the places that a site lacks the last one for which something like it is there, else the last one: sites name
// what is farther out first. PLACE_NONE: nothing can be said.
static uint32_t place_meant(const struct fields *f, size_t i, struct str *nearest) {
    uint32_t meant = PLACE_NONE;
    *nearest = (struct str){NULL, 0};
    for (size_t k = i; k < f->sites_n && is_same_site(&f->sites[i], &f->sites[k]); k++) {
        struct str near;
        if (!find_nearest(f, f->sites[k].place, &near) || (nearest->p && !near.p))
            continue;
        meant = f->sites[k].place;
        *nearest = near;
    }
    return meant;
}

size_t fields_missing(struct fields *f, struct fields_missing **missing) {
    struct fields_missing *out = NULL;
    size_t n = 0, cap = 0;
    bool *told = MEM_NEW_ARRAY(bool, f->places_n);
    for (size_t i = 0; f->seen_n && i < f->sites_n; i++) {
        const struct place_site *site = &f->sites[i];
        struct str nearest;
        if (told[site->place] || site_is_fine(f, i))
            continue;
        uint32_t place = place_meant(f, i, &nearest);
        if (place == PLACE_NONE)
            continue;
        for (size_t k = i; k < f->sites_n && is_same_site(site, &f->sites[k]); k++)
            told[f->sites[k].place] = true;
        MEM_GROW(out, cap, n + 1);
        out[n++] = (struct fields_missing){
            .program = site->program,
            .span = {site->program->positions[site->at], site->program->extents[site->at]},
            .path = path_of(f, place, ""),
            .top = top_of(f, i),
            .nearest = nearest,
            .is_tested = f->places[place].read & PLACE_TRUTH};
    }
    mem_free(told);
    *missing = out;
    return n;
}
