// SPDX-License-Identifier: MIT
// The manifest's own filters: a name, and the macro it stands for.
#include <stdlib.h>

#include "pipeline/manifest/manifest_private.h"

static bool is_name(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return text.n > 0;
}

static bool split(struct manifest_filling *f, struct manifest_filter *filter, struct str text) {
    size_t colon = text.n;
    while (colon && text.p[colon - 1] != ':')
        colon--;
    struct str macro = str_from(text, colon);
    if (colon < 2 || !is_name(macro)) {
        struct diag *d = diags_error(f->diags, &f->m->text, filter->span,
                                     "expected a template and a macro of it, such as lib.j2:slug");
        if (colon == 0 && text.n)
            diag_hint(f->diags, d, "did you mean \"%.*s:%.*s\"?", STR_ARG(text), STR_ARG(filter->name));
        return false;
    }
    filter->template_name = document_text(&f->m->arena, str_slice(text, 0, colon - 1));
    filter->macro = macro;
    return true;
}

static int by_name(const void *a, const void *b) {
    return str_compare(((const struct manifest_filter *)a)->name, ((const struct manifest_filter *)b)->name);
}

void manifest_fill_filters(struct manifest_filling *f, const struct document_node *root) {
    const struct document_node *filters = manifest_node(root, "filters");
    struct manifest *m = f->m;
    if (!filters)
        return;
    m->filters = document_alloc(&m->arena, sizeof *m->filters * (filters->entries_n + 1));
    for (const struct document_entry *e = filters->entries; e; e = e->next) {
        if (e->value->faulty || e->value->kind != DOCUMENT_TEXT)
            continue;
        struct manifest_filter filter = {.name = e->key, .name_span = e->key_span, .span = e->value->span};
        if (e->key.n && !is_name(e->key))
            diags_error(f->diags, &m->text, e->key_span,
                        "a filter's name consists of letters, digits and '_', and begins with no digit");
        if (!is_name(e->key))
            continue;
        if (!split(f, &filter, e->value->text))
            continue;
        manifest_check_template(f, filter.template_name, filter.span);
        m->filters[m->filters_n++] = filter;
    }
    qsort(m->filters, m->filters_n, sizeof *m->filters, by_name);
}
