// SPDX-License-Identifier: MIT
// What a source says of the schema it wants (stages/load/schema/schema.h).
#include "pipeline/manifest/manifest_private.h"
#include "stages/load/schema/schema.h"

static size_t entries_of(const struct document_node *node) {
    return node ? node->entries_n : 0;
}

static void fill_words(struct manifest_filling *f, const struct document_node *node,
                       struct schema_settings *settings) {
    const struct document_node *words = manifest_node(node, "irregulars");
    struct schema_word *list = document_alloc(&f->m->arena, sizeof *list * (entries_of(words) + 1));
    settings->irregulars = list;
    for (const struct document_entry *e = words ? words->entries : NULL; e; e = e->next)
        if (!e->value->faulty && e->key.n)
            list[settings->irregulars_n++] = (struct schema_word){e->key, e->value->text};
}

static void fill_mappings(struct manifest_filling *f, const struct document_node *node,
                          struct schema_settings *settings) {
    const struct document_node *languages = manifest_node(node, "types");
    size_t n = 0;
    for (const struct document_entry *e = languages ? languages->entries : NULL; e; e = e->next)
        n += entries_of(e->value);
    struct schema_mapping *list = document_alloc(&f->m->arena, sizeof *list * (n + 1));
    settings->mappings = list;
    for (const struct document_entry *e = languages ? languages->entries : NULL; e; e = e->next)
        for (const struct document_entry *type = e->value->entries; !e->value->faulty && type;
             type = type->next)
            if (!type->value->faulty)
                list[settings->mappings_n++] = (struct schema_mapping){e->key, type->key, type->value->text};
}

// "comments.commentable": a table, which may have dots in its name, and the relation's.
static bool split_name(struct manifest_filling *f, const struct document_entry *entry,
                       struct schema_target *target) {
    size_t dot = entry->key.n;
    while (dot > 0 && entry->key.p[dot - 1] != '.')
        dot--;
    if (dot > 1 && dot < entry->key.n) {
        target->table = str_slice(entry->key, 0, dot - 1);
        target->name = str_from(entry->key, dot);
        return true;
    }
    struct diag *d = diags_error(f->diags, &f->m->text, entry->key_span, "\"%.*s\" is no relation of a table",
                                 STR_ARG(entry->key));
    diag_hint(f->diags, d,
              "TABLE.NAME, such as comments.commentable for commentable_type and commentable_id");
    return false;
}

static void fill_targets(struct manifest_filling *f, const struct document_node *node,
                         struct schema_settings *settings) {
    const struct document_node *relations = manifest_node(node, "polymorphic");
    size_t n = 0;
    for (const struct document_entry *e = relations ? relations->entries : NULL; e; e = e->next)
        n += entries_of(e->value) + 1;
    struct schema_target *list = document_alloc(&f->m->arena, sizeof *list * (n + 1));
    settings->targets = list;
    for (const struct document_entry *e = relations ? relations->entries : NULL; e; e = e->next) {
        struct schema_target target = {.table = {NULL, 0}};
        if (e->value->faulty || !split_name(f, e, &target))
            continue;
        if (!e->value->entries)
            list[settings->targets_n++] = target;
        for (const struct document_entry *to = e->value->entries; to; to = to->next) {
            if (to->value->faulty)
                continue;
            target.value = to->key; // of a list there is none
            target.target = to->value->text;
            list[settings->targets_n++] = target;
        }
    }
}

const struct schema_settings *manifest_take_schema(struct manifest_filling *f,
                                                   const struct document_node *source) {
    const struct document_node *node = manifest_node(source, "schema");
    if (!node || (node->kind == DOCUMENT_BOOL && !node->boolean))
        return NULL;
    struct schema_settings *settings = document_alloc(&f->m->arena, sizeof *settings);
    if (node->kind != DOCUMENT_MAPPING)
        return settings;
    settings->tables_n = manifest_take_texts(&f->m->arena, node, "tables", &settings->tables);
    settings->except_n = manifest_take_texts(&f->m->arena, node, "except", &settings->except);
    fill_words(f, node, settings);
    fill_mappings(f, node, settings);
    fill_targets(f, node, settings);
    return settings;
}
