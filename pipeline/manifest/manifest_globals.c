// SPDX-License-Identifier: MIT
// Globals: from the manifest itself or from a JSON file of its own.
#include "base/mem.h"
#include "pipeline/manifest/manifest_private.h"

enum { GLOBALS_BYTES_MAX = 64 << 20 };

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
        m->globals = document_value(&m->arena, root);
}

void manifest_fill_globals(struct manifest_filling *f, const struct document_node *root) {
    const struct document_node *globals = manifest_node(root, "globals");
    if (!globals)
        return;
    const struct document_entry *file = document_find(globals, STR("file"));
    if (file && globals->entries_n == 1 && file->value->kind == DOCUMENT_TEXT && file->value->text.n)
        read_globals_file(f, file->value);
    else if (f->diags->errors == f->errors_before) // else a key may be there twice
        f->m->globals = document_value(&f->m->arena, globals);
}
