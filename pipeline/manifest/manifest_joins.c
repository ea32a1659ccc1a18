// SPDX-License-Identifier: MIT
// What sources join: the other source of each, and by which keys.
#include "pipeline/manifest/manifest_private.h"

static void check_key(struct manifest_filling *f, const struct manifest_source *source,
                      const struct document_node *node, struct manifest_join *join) {
    if (join->key.p || manifest_node(node, "key") || document_find(node, STR("key")))
        return;
    join->key = source->key;
    join->key_span = source->key_span;
    join->own_key = true;
    if (source->key.p)
        return;
    struct diag *d = diags_error(f->diags, &f->m->text, join->span,
                                 "join \"%.*s\" has no key: source \"%.*s\" has none of its own",
                                 STR_ARG(join->name), STR_ARG(source->name));
    diag_hint(f->diags, d, "say with \"key\" what of a record is compared with \"on\"");
}

static void fill_join(struct manifest_filling *f, const struct document_node *sources,
                      const struct manifest_source *source, const struct document_entry *entry,
                      struct manifest_join *join) {
    const struct document_node *node = entry->value;
    const struct document_node *one = manifest_node(node, "one");
    join->name = entry->key;
    join->span = entry->key_span;
    manifest_take_source(f, sources, node, &join->source);
    manifest_take_text(node, "on", &join->on, &join->on_span);
    manifest_take_text(node, "key", &join->key, &join->key_span);
    join->one = one && one->boolean;
    check_key(f, source, node, join);
}

static void fill_joins(struct manifest_filling *f, const struct document_node *sources,
                       struct manifest_source *source, const struct document_node *node) {
    const struct document_node *named = node->faulty ? NULL : manifest_node(node, "join");
    if (!named)
        return;
    struct manifest_join *joins = document_alloc(&f->m->arena, sizeof *joins * (named->entries_n + 1));
    for (const struct document_entry *e = named->entries; e; e = e->next)
        if (!e->value->faulty)
            fill_join(f, sources, source, e, &joins[source->joins_n++]);
    source->joins = joins;
}

void manifest_fill_joins(struct manifest_filling *f, const struct document_node *sources) {
    size_t i = 0;
    for (const struct document_entry *e = sources->entries; e; e = e->next)
        fill_joins(f, sources, &f->m->sources[i++], e->value);
}
