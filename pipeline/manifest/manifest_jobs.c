// SPDX-License-Identifier: MIT
// The jobs of a manifest: their fields, the sources and jobs they name, and cycles among them.
#include "base/mem.h"
#include "base/suggest.h"
#include "pipeline/manifest/manifest_private.h"

enum { NAMES_SHOWN = 8 };

static void hint_names(struct manifest_filling *f, struct diag *d, struct str word,
                       const struct document_node *mapping) {
    struct suggestion s = suggest_for(word);
    struct buf names = BUF_INIT;
    size_t n = 0;
    for (const struct document_entry *e = mapping->entries; e; e = e->next, n++) {
        suggest_offer(&s, e->key);
        if (n < NAMES_SHOWN)
            buf_printf(&names, "%s%.*s", n ? ", " : "", STR_ARG(e->key));
    }
    if (s.best.p)
        diag_hint(f->diags, d, "did you mean \"%.*s\"?", STR_ARG(s.best));
    else
        diag_hint(f->diags, d, "there %s %s%s", n == 1 ? "is only" : "are", buf_text(&names),
                  n > NAMES_SHOWN ? ", ..." : "");
    buf_release(&names);
}

bool manifest_take_source(struct manifest_filling *f, const struct document_node *sources,
                          const struct document_node *mapping, size_t *source) {
    struct str from = {NULL, 0};
    struct span span = {0, 0};
    manifest_take_text(mapping, "from", &from, &span);
    if (!from.p || !sources)
        return false;
    for (size_t i = 0; i < f->m->sources_n; i++) {
        if (str_equal(f->m->sources[i].name, from)) {
            *source = i;
            return true;
        }
    }
    hint_names(f, diags_error(f->diags, &f->m->text, span, "unknown source \"%.*s\"", STR_ARG(from)), from,
               sources);
    return false;
}

// The entries of a manifest that are jobs: those of "jobs", and behind them those of "routes".
static const struct document_entry *next_job(const struct document_node *root,
                                             const struct document_entry *previous) {
    const struct document_node *jobs = manifest_node(root, "jobs"), *routes = manifest_node(root, "routes");
    const struct document_entry *first = jobs ? jobs->entries : NULL, *last = NULL;
    if (previous && previous->next)
        return previous->next;
    for (const struct document_entry *e = first; e; e = e->next)
        last = e;
    if (!previous && first)
        return first;
    return routes && previous == last ? routes->entries : NULL;
}

// The index of a job, or SIZE_MAX.
static size_t find_job(const struct document_node *root, struct str name) {
    size_t i = 0;
    for (const struct document_entry *e = NULL; (e = next_job(root, e)); i++)
        if (str_equal(e->key, name))
            return i;
    return SIZE_MAX;
}

static void unknown_job(struct manifest_filling *f, const struct document_node *root,
                        const struct document_node *need) {
    const struct document_node *jobs = manifest_node(root, "jobs");
    struct suggestion s = suggest_for(need->text);
    struct diag *d =
        diags_error(f->diags, &f->m->text, need->span, "unknown job \"%.*s\"", STR_ARG(need->text));
    for (const struct document_entry *e = NULL; (e = next_job(root, e));)
        suggest_offer(&s, e->key);
    if (s.best.p)
        diag_hint(f->diags, d, "did you mean \"%.*s\"?", STR_ARG(s.best));
    else
        hint_names(f, d, need->text, jobs ? jobs : manifest_node(root, "routes"));
}

static void add_need(struct manifest_filling *f, const struct document_node *root,
                     const struct document_node *need, size_t *needs, size_t *n) {
    size_t job = find_job(root, need->text);
    if (job == SIZE_MAX) {
        unknown_job(f, root, need);
        return;
    }
    for (size_t i = 0; i < *n; i++) {
        if (needs[i] == job) {
            diags_error(f->diags, &f->m->text, need->span, "\"%.*s\" is listed twice", STR_ARG(need->text));
            return;
        }
    }
    needs[(*n)++] = job;
}

static void fill_needs(struct manifest_filling *f, const struct document_node *root,
                       const struct document_node *node, struct manifest_job *job) {
    struct document_node *needed = manifest_node(node, "needs");
    if (!needed)
        return;
    struct document_entry one = {.value = needed};
    size_t max = needed->kind == DOCUMENT_LIST ? needed->entries_n : 1, n = 0;
    size_t *needs = document_alloc(&f->m->arena, sizeof *needs * (max + 1));
    for (const struct document_entry *e = needed->kind == DOCUMENT_LIST ? needed->entries : &one; e;
         e = e->next) {
        if (!e->value->faulty)
            add_need(f, root, e->value, needs, &n);
    }
    job->needs = needs;
    job->needs_n = n;
}

static bool is_true(const struct document_node *mapping, const char *key) {
    const struct document_node *node = manifest_node(mapping, key);
    return node && node->kind == DOCUMENT_BOOL && node->boolean;
}

void manifest_fill_job(struct manifest_filling *f, const struct document_node *root,
                       const struct document_node *node, struct manifest_job *job) {
    struct span span;
    manifest_take_text(node, "template", &job->template_name, &job->template_span);
    if (job->template_name.p)
        manifest_check_template(f, job->template_name, job->template_span);
    manifest_take_text(node, "to", &job->to, &job->to_span);
    manifest_take_text(node, "where", &job->where, &job->where_span);
    manifest_take_text(node, "group_by", &job->group_by, &job->group_by_span);
    manifest_take_text(node, "separator", &job->separator, &span);
    job->collect = is_true(node, "collect");
    job->raw = is_true(node, "raw");
    const struct document_node *level = manifest_node(node, "level");
    job->level = level ? (int)level->integer : 0;
    struct on_error_choice choice = {job->on_error, job->fallback};
    manifest_take_on_error(node, &choice);
    job->on_error = choice.kind;
    job->fallback = choice.fallback;
    manifest_take_undefined(node, &job->undefined);
    manifest_fill_through(f, node, &job->through);
    manifest_take_text(node, "table", &job->table, &span);
    job->unique_n = manifest_take_texts(&f->m->arena, node, "unique", &job->unique);
    job->write_asked = manifest_node(node, "write") != NULL;
    manifest_take_write(node, &job->inplace);
    manifest_take_source(f, manifest_node(root, "sources"), node, &job->source);
    fill_needs(f, root, node, job);
}

struct step { // of a walk along needs
    size_t job, next;
};

static void report_cycle(struct manifest_filling *f, const struct document_node *root,
                         const struct step *path, size_t n, size_t start) {
    const struct manifest *m = f->m;
    struct buf names = BUF_INIT;
    for (size_t i = start; i < n; i++)
        buf_printf(&names, "%.*s -> ", STR_ARG(m->jobs[path[i].job].name));
    buf_add_str(&names, m->jobs[path[start].job].name);
    // The place: the first job of the cycle, where it names the second.
    const struct document_entry *e = next_job(root, NULL);
    for (size_t i = 0; i < path[start].job; i++)
        e = next_job(root, e);
    const struct document_node *needs = manifest_node(e->value, "needs");
    struct str second = m->jobs[path[start + 1 < n ? start + 1 : start].job].name;
    struct span span = needs->span;
    for (e = needs->entries; e; e = e->next) {
        if (str_equal(e->value->text, second))
            span = e->value->span;
    }
    diags_error(f->diags, &m->text, span, "jobs need each other in a circle: %s", buf_text(&names));
    buf_release(&names);
}

// Cycles in needs, each reported where it closes.
static void check_cycles(struct manifest_filling *f, const struct document_node *root) {
    enum { NEW, OPEN, DONE };
    const struct manifest *m = f->m;
    struct step *path = MEM_NEW_ARRAY(struct step, m->jobs_n + 1);
    unsigned char *state = MEM_NEW_ARRAY(unsigned char, m->jobs_n + 1);
    for (size_t first = 0; first < m->jobs_n; first++) {
        size_t n = 0;
        if (state[first] == NEW) {
            path[n++] = (struct step){first, 0};
            state[first] = OPEN;
        }
        while (n) {
            struct step *top = &path[n - 1];
            const struct manifest_job *job = &m->jobs[top->job];
            if (top->next == job->needs_n) {
                state[top->job] = DONE;
                n--;
                continue;
            }
            size_t need = job->needs[top->next++];
            if (state[need] == NEW) {
                path[n++] = (struct step){need, 0};
                state[need] = OPEN;
            } else if (state[need] == OPEN) {
                size_t start = n - 1;
                while (path[start].job != need)
                    start--;
                report_cycle(f, root, path, n, start);
            }
        }
    }
    mem_free(path);
    mem_free(state);
}

static bool may_go_on(const struct manifest_filling *f) {
    return f->diags->errors < f->errors_before + DOCUMENT_ERRORS;
}

// What the manifest says for all jobs.
static struct manifest_job standard_job(const struct document_node *root) {
    struct on_error_choice choice = {ON_ERROR_SKIP, {NULL, 0}};
    struct manifest_job job = {.route = MANIFEST_NO_ROUTE, .undefined = 1}; // strict
    manifest_take_on_error(root, &choice);
    manifest_take_undefined(root, &job.undefined);
    manifest_take_write(root, &job.inplace);
    job.on_error = choice.kind;
    job.fallback = choice.fallback;
    return job;
}

void manifest_fill_jobs(struct manifest_filling *f, const struct document_node *root) {
    const struct document_node *jobs = manifest_node(root, "jobs"), *routes = manifest_node(root, "routes");
    struct manifest *m = f->m;
    const struct manifest_job standard = standard_job(root);
    const size_t n = (jobs ? jobs->entries_n : 0) + (routes ? routes->entries_n : 0);
    m->jobs = document_alloc(&m->arena, sizeof *m->jobs * (n + 1));
    for (const struct document_entry *e = jobs ? jobs->entries : NULL; e; e = e->next) {
        struct manifest_job *job = &m->jobs[m->jobs_n++];
        *job = standard;
        job->name = e->key;
        job->span = e->key_span;
        if (!e->value->faulty && may_go_on(f))
            manifest_fill_job(f, root, e->value, job);
    }
    if (routes)
        manifest_fill_routes(f, root, &standard);
    check_cycles(f, root);
}
