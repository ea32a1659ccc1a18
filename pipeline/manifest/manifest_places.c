// SPDX-License-Identifier: MIT
// Where a manifest's templates are searched: directories and stores.
#include "pipeline/manifest/manifest_private.h"

static void take_store(struct manifest *m, const struct document_node *node, struct manifest_place *place) {
    struct span other;
    struct manifest_store *store = &place->store;
    *place = (struct manifest_place){.is_store = true, .store = MANIFEST_STORE};
    manifest_take_text(node, "sqlite", &place->shown, &place->span);
    manifest_take_text(node, "table", &store->table, &other);
    manifest_take_text(node, "query", &store->query, &other);
    manifest_take_text(node, "id", &store->id, &other);
    manifest_take_text(node, "text", &store->text, &other);
    manifest_take_text(node, "language", &store->language, &other);
    manifest_take_text(node, "language_column", &store->language_column, &other);
    if (place->shown.p)
        place->path = manifest_resolve(&m->arena, m->directory, place->shown);
}

static void add_directory(struct manifest *m, struct str shown, struct span span) {
    m->places[m->places_n++] = (struct manifest_place){
        .path = manifest_resolve(&m->arena, m->directory, shown), .shown = shown, .span = span};
}

// Reports unless it is a directory, and tells how a database is named.
static bool check_place(struct manifest_filling *f, const struct manifest_place *place) {
    const struct load_format *format = load_format_for(place->path);
    const size_t errors = f->diags->errors;
    manifest_check_directory(f, place->path, place->shown, place->span);
    if (f->diags->errors > errors && format && strcmp(format->name, "sqlite") == 0)
        diag_hint(f->diags, f->diags->last, "a database of templates is a mapping: { sqlite: \"%.*s\" }",
                  STR_ARG(place->shown));
    return f->diags->errors == errors;
}

static void fill_place(struct manifest_filling *f, const struct document_node *node) {
    struct manifest *m = f->m;
    struct manifest_place place;
    if (!node->faulty && node->kind == DOCUMENT_TEXT) {
        add_directory(m, node->text, node->span);
        f->places_known &= check_place(f, &m->places[m->places_n - 1]);
        return;
    }
    f->places_known = false;
    if (node->faulty)
        return;
    take_store(m, node, &place);
    if (!place.shown.p) // told
        return;
    manifest_check_file(f, place.path, place.shown, place.span);
    m->places[m->places_n++] = place;
}

void manifest_fill_places(struct manifest_filling *f, const struct document_node *root) {
    struct manifest *m = f->m;
    const struct document_node *node = manifest_node(root, "templates");
    size_t n = node && node->kind == DOCUMENT_LIST ? node->entries_n : 1;
    m->places = document_alloc(&m->arena, sizeof *m->places * (n + 1));
    f->places_known = node || !document_find(root, STR("templates"));
    if (!node) {
        struct str standard = STR("templates");
        bool there = manifest_is_directory(f->fs, manifest_resolve(&m->arena, m->directory, standard));
        add_directory(m, there ? standard : STR("."), (struct span){0, 0});
    } else if (node->kind == DOCUMENT_LIST) {
        for (const struct document_entry *e = node->entries; e; e = e->next)
            fill_place(f, e->value);
    } else {
        fill_place(f, node);
    }
}
