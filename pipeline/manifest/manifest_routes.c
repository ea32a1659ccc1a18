// SPDX-License-Identifier: MIT
// The routes of a manifest: their patterns, the sources of files they are for, and a job for each.
#include "pipeline/manifest/manifest_private.h"
#include "stages/load/routes/routes.h"

static const char *format_name(const struct manifest_source *source) {
    return source->files.p ? "files" : "another format";
}

// The only source of files; where there are none or several, that is told.
static void choose_source(struct manifest_filling *f, const struct document_entry *route,
                          struct manifest_job *job) {
    const struct manifest *m = f->m;
    struct buf names = BUF_INIT;
    size_t n = 0;
    for (size_t i = 0; i < m->sources_n; i++) {
        if (!m->sources[i].files.p)
            continue;
        job->source = i;
        buf_printf(&names, "%s%.*s", n++ ? ", " : "", STR_ARG(m->sources[i].name));
    }
    if (n == 0)
        diags_error(
            f->diags, &m->text, route->key_span,
            "a route is for a source of files, and there is none: \"files\" of a source makes it one");
    else if (n > 1)
        diag_hint(f->diags,
                  diags_error(f->diags, &m->text, route->key_span,
                              "route \"%.*s\" does not say which source it is for", STR_ARG(route->key)),
                  "say it with \"from\": %s", buf_text(&names));
    buf_release(&names);
}

static void check_source(struct manifest_filling *f, const struct document_node *from,
                         const struct manifest_job *job) {
    const struct manifest_source *source = &f->m->sources[job->source];
    if (job->source < f->m->sources_n && str_equal(source->name, from->text) && !source->files.p)
        diags_error(f->diags, &f->m->text, from->span,
                    "a route is for a source of files, and \"%.*s\" is of %s", STR_ARG(source->name),
                    format_name(source));
}

static bool has_job(const struct manifest *m, struct str name) {
    for (size_t j = 0; j < m->jobs_n && m->jobs[j].route == MANIFEST_NO_ROUTE; j++)
        if (str_equal(m->jobs[j].name, name))
            return true;
    return false;
}

static void fill_route(struct manifest_filling *f, const struct document_node *root,
                       const struct document_entry *entry, const struct manifest_job *standard) {
    struct manifest *m = f->m;
    struct err err;
    const bool named_twice = has_job(m, entry->key);
    struct manifest_job *job = &m->jobs[m->jobs_n++];
    *job = *standard;
    job->name = entry->key;
    job->span = entry->key_span;
    job->route = (uint32_t)m->routes_n;
    m->routes[m->routes_n++] = (struct manifest_route){.pattern = entry->key, .span = entry->key_span};
    if (f->diags->errors >= f->errors_before + DOCUMENT_ERRORS)
        return;
    if (route_check(entry->key, &err) != STATUS_OK)
        diags_error(f->diags, &m->text, entry->key_span, "%s", err.text);
    if (named_twice)
        diags_error(f->diags, &m->text, entry->key_span, "there is a job \"%.*s\" already",
                    STR_ARG(entry->key));
    if (!entry->value->faulty) {
        const struct document_node *from = manifest_node(entry->value, "from");
        manifest_fill_job(f, root, entry->value, job);
        if (from)
            check_source(f, from, job);
        else if (!document_find(entry->value, STR("from")))
            choose_source(f, entry, job);
    }
    m->routes[job->route].source = job->source;
}

void manifest_fill_routes(struct manifest_filling *f, const struct document_node *root,
                          const struct manifest_job *standard) {
    const struct document_node *routes = manifest_node(root, "routes");
    f->m->routes = document_alloc(&f->m->arena, sizeof *f->m->routes * (routes->entries_n + 1));
    for (const struct document_entry *e = routes->entries; e; e = e->next)
        fill_route(f, root, e, standard);
}
