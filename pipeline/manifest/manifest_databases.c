// SPDX-License-Identifier: MIT
// How databases are read: of all of them, and of each source that is one.
#include "pipeline/manifest/manifest_private.h"
#include "pipeline/manifest/manifest_table.h"

void manifest_fill_databases(struct manifest_filling *f, const struct document_node *root) {
    const struct document_node *node = manifest_node(root, "databases");
    struct manifest_databases *databases = &f->m->databases;
    uint64_t least = 0, most = 0;
    if (!node)
        return;
    manifest_take_number(node, "least", &least);
    manifest_take_number(node, "most", &most);
    if (most && least > most)
        diags_error(f->diags, &f->m->text, manifest_node(node, "least")->span,
                    "\"least\" is more than \"most\"");
    databases->least = (uint32_t)least;
    databases->most = (uint32_t)most;
    const struct document_node *timeout = manifest_node(node, "timeout");
    if (timeout)
        manifest_parse_wait(timeout->text, &databases->timeout);
}

void manifest_fill_database(struct manifest_filling *f, const struct document_node *node,
                            struct manifest_source *source) {
    const struct document_node *parameters = manifest_node(node, "parameters");
    uint64_t connections = 0;
    struct span span;
    manifest_take_text(node, "split", &source->split, &span);
    manifest_take_number(node, "connections", &connections);
    source->connections = (uint32_t)connections;
    if (parameters && !source->query.p)
        diags_error(f->diags, &f->m->text, parameters->span, "parameters are for a query");
    else if (parameters && f->diags->errors == f->errors_before) // else a key may be there twice
        source->parameters = document_value(&f->m->arena, parameters);
}
