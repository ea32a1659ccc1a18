// SPDX-License-Identifier: MIT
// Which sources are needed. What no job needs is never opened, and need not even be there.
#include "pipeline/manifest/manifest_private.h"

static bool is_named(struct str name, const struct str *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_equal(names[i], name))
            return true;
    return n == 0;
}

static void mark(struct manifest *m, size_t s) {
    struct manifest_source *source = &m->sources[s];
    if (source->needed)
        return;
    source->needed = true;
    for (size_t i = 0; i < source->joins_n; i++)
        mark(m, source->joins[i].source);
}

void manifest_mark_needed(struct manifest *m, const struct str *names, size_t n) {
    for (size_t s = 0; s < m->sources_n; s++)
        m->sources[s].needed = false;
    for (size_t j = 0; j < m->jobs_n && m->sources_n > 0; j++)
        if (is_named(m->jobs[j].name, names, n))
            mark(m, m->jobs[j].source);
}

void manifest_check_needed(struct manifest_filling *f) {
    manifest_mark_needed(f->m, f->selected, f->selected_n);
    for (size_t s = 0; s < f->m->sources_n; s++) {
        const struct manifest_source *source = &f->m->sources[s];
        const bool is_file =
            source->shown.p && !source->files.p && !source->url.p && !str_is(source->path, "-");
        if (source->needed && is_file && source->retry.times == 0) // else it may come later
            manifest_check_file(f, source->path, source->shown, source->path_span);
    }
}
