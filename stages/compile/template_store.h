// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_STAGES_COMPILE_TEMPLATE_STORE_H
#define PRESSRUN_STAGES_COMPILE_TEMPLATE_STORE_H
/*
 * Templates that are no files: texts by id, such as the rows of a database. Whoever reads them fills a store, all of
 * them at once, and gives it to a search path (templates.h); what of it is compiled, and when, is that one's business.
 *
 * An id is a template's name, with a slash in front or without. A template that cannot be used (it has no text, two have
 * its id) is in the store all the same and keeps its fault, which is told when it is asked for and of no others.
 *
 * Texts are copied. Filled by one thread; then only read, by any number.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "stages/compile/compile.h"

struct stored_template {
    struct str name, text;
    const struct language *language; // NULL: its name tells
    struct str fault;                // {NULL, 0}: it can be used
};

struct template_store {
    struct arena arena;
    struct str name; // before the ids of its templates in messages: "prompts.db"
    struct stored_template *templates;
    size_t n, cap;
    uint32_t *places; // by name: index + 1 into templates, 0 is free; open addressing
    size_t places_n;
};

struct template_store *template_store_new(struct str name);
void template_store_free(struct template_store *store); // NULL is fine

// Without slashes in front a path that leads nowhere above: false: it is none, and no template has that name.
bool template_store_name(struct str *name);
// `fault` {NULL, 0}: none. False: the id is no name for a template, and is not in the store.
bool template_store_add(struct template_store *store, struct str id, struct str text,
                        const struct language *language, struct str fault);
// By its id, else by its id and an extension of its language behind that, as partials are asked for. NULL: there is none.
const struct stored_template *template_store_find(const struct template_store *store, struct str name);

#endif
