// SPDX-License-Identifier: MIT
// The manifest's own filters become part of the library that its templates and expressions are compiled with.
#include "base/mem.h"
#include "base/suggest.h"
#include "pipeline/plan/plan.h"

const struct library *plan_library(struct plan *plan, const struct library *base) {
    const struct manifest *m = plan->manifest;
    plan->library = *base;
    plan->macros = MEM_NEW_ARRAY(struct library_macro, m->filters_n);
    for (size_t i = 0; i < m->filters_n; i++)
        plan->macros[i] = (struct library_macro){.name = m->filters[i].name,
                                                 .template_name = m->filters[i].template_name,
                                                 .macro = m->filters[i].macro};
    plan->library.macros = plan->macros;
    plan->library.macros_n = (uint32_t)m->filters_n;
    return &plan->library;
}

// Whether a template's top level makes a macro of that name.
static bool has_macro(const struct program *p, struct str name) {
    bool exported = false, made = false;
    for (uint32_t i = 0; i < p->exports.n; i++)
        exported |= !p->exports.entries[i].is_imported && str_equal(p->exports.entries[i].name, name);
    for (uint32_t i = 1; i < p->functions_n; i++)
        made |= str_equal(p->functions[i].name, name);
    return exported && made && name.p[0] != '_';
}

static void check_macro(struct plan *plan, const struct manifest_filter *filter, struct diags *diags) {
    bool missing;
    const struct program *p =
        templates_find(plan->templates, filter->template_name, NULL, false, diags, &missing);
    if (missing)
        diags_error(diags, &plan->manifest->text, filter->span,
                    "there is no template \"%.*s\" in the search path", STR_ARG(filter->template_name));
    if (!p || has_macro(p, filter->macro))
        return;
    struct diag *diag = diags_error(diags, &plan->manifest->text, filter->span,
                                    "the template %.*s has no macro '%.*s' at its top level",
                                    STR_ARG(filter->template_name), STR_ARG(filter->macro));
    struct suggestion s = suggest_for(filter->macro);
    for (uint32_t i = 1; i < p->functions_n; i++)
        if (p->functions[i].name.n && has_macro(p, p->functions[i].name))
            suggest_offer(&s, p->functions[i].name);
    if (s.best.p)
        diag_hint(diags, diag, "did you mean \"%.*s:%.*s\"?", STR_ARG(filter->template_name),
                  STR_ARG(s.best));
}

void plan_check_filters(struct plan *plan, const struct library *base, struct diags *diags) {
    const struct manifest *m = plan->manifest;
    for (size_t i = 0; i < m->filters_n; i++) {
        const struct manifest_filter *filter = &m->filters[i];
        bool is_filter = library_find(base->filters, base->filters_n, filter->name) >= 0;
        if (is_filter || library_find(base->tests, base->tests_n, filter->name) >= 0)
            diags_error(diags, &m->text, filter->name_span, "there is a built-in %s '%.*s' already",
                        is_filter ? "filter" : "test", STR_ARG(filter->name));
        else
            check_macro(plan, filter, diags);
    }
}
