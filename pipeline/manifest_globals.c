// SPDX-License-Identifier: MIT
// Globals: a document's nodes as values, from the manifest itself or from a JSON file of its own.
#include "base/mem.h"
#include "pipeline/manifest_private.h"

enum { GLOBALS_BYTES_MAX = 64 << 20 };

static struct value mapping_value(struct arena *arena, const struct document_node *node) {
    struct value *keys = document_alloc(arena, sizeof *keys * (node->entries_n + 1));
    size_t i = 0;
    for (const struct document_entry *e = node->entries; e; e = e->next)
        keys[i++] = value_string(e->key);
    struct shape *shape = shape_new_private(arena, keys, node->entries_n);
    struct map *map = shape ? map_new(arena, shape) : NULL;
    if (!map)
        mem_fail(sizeof *keys * node->entries_n);
    i = 0;
    for (const struct document_entry *e = node->entries; e; e = e->next)
        map->values[i++] = manifest_value(arena, e->value);
    return value_map(map);
}

static struct value list_value(struct arena *arena, const struct document_node *node) {
    struct list *list = list_new(arena, node->entries_n);
    if (!list)
        mem_fail(sizeof(struct value) * node->entries_n);
    size_t i = 0;
    for (const struct document_entry *e = node->entries; e; e = e->next)
        list->items[i++] = manifest_value(arena, e->value);
    return value_list(list);
}

struct value manifest_value(struct arena *arena, const struct document_node *node) {
    switch (node->kind) {
    case DOCUMENT_NULL:
        break;
    case DOCUMENT_BOOL:
        return value_bool(node->boolean);
    case DOCUMENT_INT:
        return value_int(node->integer);
    case DOCUMENT_BIG:
        return (struct value){.tag = VALUE_BIG, .n = (uint32_t)node->text.n, .s = node->text.p};
    case DOCUMENT_FLOAT:
        return value_float(node->real);
    case DOCUMENT_TEXT:
        return value_string(node->text);
    case DOCUMENT_LIST:
        return list_value(arena, node);
    case DOCUMENT_MAPPING:
        return mapping_value(arena, node);
    }
    return value_none();
}

static void read_globals_file(struct manifest_filling *f, const struct document_node *path) {
    struct manifest *m = f->m;
    struct err err;
    char *text;
    size_t size;
    struct str resolved = manifest_resolve(&m->arena, m->directory, path->text);
    size_t errors = f->diags->errors;
    manifest_check_file(f, resolved, path->text, path->span);
    if (f->diags->errors > errors)
        return;
    if (fs_read_file(f->fs, resolved.p, GLOBALS_BYTES_MAX, &text, &size, &err) != STATUS_OK) {
        diags_error(f->diags, &m->text, path->span, "%s", err.text);
        return;
    }
    struct source_text source = {resolved, arena_str(&m->arena, (struct str){text, size})};
    mem_free(text);
    if (!source.text.p)
        mem_fail(size);
    const struct document_node *root = document_read_json(&m->arena, &source, f->diags);
    if (root && root->kind != DOCUMENT_MAPPING)
        diags_error(f->diags, &source, root->span, "expected an object with the globals, found %s",
                    document_describe(root));
    if (f->diags->errors == errors)
        m->globals = manifest_value(&m->arena, root);
}

void manifest_fill_globals(struct manifest_filling *f, const struct document_node *root) {
    const struct document_node *globals = manifest_node(root, "globals");
    if (!globals)
        return;
    const struct document_entry *file = document_find(globals, STR("file"));
    if (file && globals->entries_n == 1 && file->value->kind == DOCUMENT_TEXT && file->value->text.n)
        read_globals_file(f, file->value);
    else if (f->diags->errors == f->errors_before) // else a key may be there twice
        f->m->globals = manifest_value(&f->m->arena, globals);
}
