// SPDX-License-Identifier: MIT
#include "stages/compile/template_store.h"

#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

enum { NAME_BYTES = 4096, PLACES = 64 };

struct template_store *template_store_new(struct str name) {
    struct template_store *store = MEM_NEW(struct template_store);
    arena_init(&store->arena, 0);
    store->name = arena_str(&store->arena, name);
    if (!store->name.p)
        mem_fail(name.n);
    return store;
}

void template_store_free(struct template_store *store) {
    if (!store)
        return;
    mem_free(store->templates);
    mem_free(store->places);
    arena_release(&store->arena);
    mem_free(store);
}

// Names are relative to the search path, and as in Jinja a slash in front changes nothing.
bool template_store_name(struct str *name) {
    while (name->n && name->p[0] == '/')
        *name = str_from(*name, 1);
    if (!name->n || name->n >= NAME_BYTES || memchr(name->p, 0, name->n))
        return false;
    for (size_t at = 0; at <= name->n;) {
        const char *slash = at < name->n ? memchr(name->p + at, '/', name->n - at) : NULL;
        size_t end = slash ? (size_t)(slash - name->p) : name->n;
        if (str_is(str_slice(*name, at, end), ".."))
            return false;
        at = end + 1;
    }
    return true;
}

// Where the name is, or would be. Ids are strangers' texts, hence a hash that is hard to flood.
static uint32_t *place_of(const struct template_store *store, struct str name) {
    size_t mask = store->places_n - 1, i = digest_of(name).low & mask;
    while (store->places[i] && !str_equal(store->templates[store->places[i] - 1].name, name))
        i = (i + 1) & mask;
    return &store->places[i];
}

static void grow(struct template_store *store) {
    mem_free(store->places);
    store->places_n = store->places_n ? store->places_n * 2 : PLACES;
    store->places = MEM_NEW_ARRAY(uint32_t, store->places_n);
    for (size_t i = 0; i < store->n; i++)
        *place_of(store, store->templates[i].name) = (uint32_t)i + 1;
}

static struct str keep(struct template_store *store, struct str text) {
    struct str kept = arena_str(&store->arena, text);
    if (!kept.p)
        mem_fail(text.n);
    return kept;
}

bool template_store_add(struct template_store *store, struct str id, struct str text,
                        const struct language *language, struct str fault) {
    if (!template_store_name(&id))
        return false;
    if (2 * (store->n + 1) > store->places_n)
        grow(store);
    uint32_t *place = place_of(store, id);
    if (*place) {
        store->templates[*place - 1].fault = STR("two templates of the store have this id");
        return true;
    }
    MEM_GROW(store->templates, store->cap, store->n + 1);
    store->templates[store->n] =
        (struct stored_template){.name = keep(store, id), .text = keep(store, text), .language = language};
    if (fault.p)
        store->templates[store->n].fault = keep(store, fault);
    *place = (uint32_t)++store->n;
    return true;
}

static const struct stored_template *find_id(const struct template_store *store, struct str id) {
    uint32_t place = store->n ? *place_of(store, id) : 0;
    return place ? &store->templates[place - 1] : NULL;
}

const struct stored_template *template_store_find(const struct template_store *store, struct str name) {
    const struct stored_template *found = find_id(store, name);
    for (size_t l = 0; !found && languages[l]; l++)
        for (const char *const *e = languages[l]->extensions; !found && *e; e++) {
            struct str extension = str_of(*e);
            if (!str_ends(name, extension))
                continue;
            found = find_id(store, (struct str){name.p, name.n - extension.n});
            if (found && (found->language ? found->language : language_for(found->name)) != languages[l])
                found = NULL;
        }
    return found;
}
