// SPDX-License-Identifier: MIT
#include "pipeline/review/clusters.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "pipeline/review/edit_shape.h"
#include "pipeline/review/staging_private.h"

// One edit, or all that are alike; or a form that has no room for its edits any more.
struct edit {
    struct digest key, exact, form;
    enum clusters_what what;
    bool differs; // not all of them are the same byte for byte
    bool rest;    // it stands for edits of a form that were not kept apart
    uint64_t outputs;
    size_t removed, added;
    char *sample;
};

struct table { // open addressing, at most half full
    struct edit *edits;
    size_t n, places, most;
};

struct finding {
    struct clusters *changes;
    struct clusters_source source;
    struct line_diff diff;
    struct edit_room *room;
    struct table alike, forms;
};

// Tables ---------------------------------------------------------------------------------------------------------

static void table_init(struct table *t, size_t most) {
    *t = (struct table){.most = most, .places = most * 2, .edits = MEM_NEW_ARRAY(struct edit, most * 2)};
}

// The place of a key; NULL: it is not there, and there is no room.
static struct edit *table_find(struct table *t, struct digest key) {
    size_t at = key.low % t->places;
    while (t->edits[at].outputs && !digest_equal(t->edits[at].key, key))
        at = (at + 1) % t->places;
    return t->edits[at].outputs || t->n < t->most ? &t->edits[at] : NULL;
}

static void table_release(struct table *t) {
    for (size_t i = 0; i < t->places; i++)
        mem_free(t->edits[i].sample);
    mem_free(t->edits);
}

static bool add_edit(struct table *t, const struct edit *edit, struct str path) {
    struct edit *place = table_find(t, edit->key);
    if (!place)
        return false;
    if (place->outputs == 0) {
        *place = *edit;
        place->sample = mem_copy(path.p, path.n);
        t->n++;
    }
    place->differs |= !digest_equal(place->exact, edit->exact);
    place->outputs++;
    return true;
}

// One output -----------------------------------------------------------------------------------------------------

static struct edit describe(struct finding *f, enum clusters_what what) {
    struct edit edit = {.what = what, .key = {what, what}};
    edit.form = edit.exact = edit.key;
    if (what != CLUSTERS_TEXT)
        return edit;
    struct edit_shape shape;
    line_diff(&f->diff, buf_str(&f->source.old), buf_str(&f->source.fresh));
    edit_shape_of(&f->diff, f->room, &shape);
    f->changes->lines_removed += shape.removed;
    f->changes->lines_added += shape.added;
    edit.key = shape.alike;
    edit.exact = shape.exact;
    edit.form = shape.form;
    edit.removed = shape.removed;
    edit.added = shape.added;
    return edit;
}

static void see_changed(struct finding *f, struct str path) {
    enum clusters_what what;
    if (clusters_read(&f->source, STAGING_CHANGED, path.p, &what) < 0) {
        f->changes->unread++;
        return;
    }
    struct edit edit = describe(f, what);
    if (add_edit(&f->alike, &edit, path))
        return;
    edit.key = edit.form;
    edit.rest = true;
    if (!add_edit(&f->forms, &edit, path))
        f->changes->others++;
}

static void see_change(struct finding *f, const struct staging_change *change) {
    struct clusters *changes = f->changes;
    uint64_t n = changes->counts[change->kind]++;
    if (n < CLUSTERS_SAMPLES)
        changes->samples[change->kind][n] = mem_copy(change->path.p, change->path.n);
    if (change->kind == STAGING_CHANGED)
        see_changed(f, change->path);
}

bool clusters_wanted(const struct clusters_paths *paths, struct str path) {
    for (size_t i = 0; i < paths->n; i++) {
        struct str wanted = str_of(paths->paths[i]);
        while (str_ends(wanted, STR("/")))
            wanted.n--;
        if (str_is(wanted, ".") ||
            (str_starts(path, wanted) && (path.n == wanted.n || path.p[wanted.n] == '/')))
            return true;
    }
    return paths->n == 0;
}

// Clusters -------------------------------------------------------------------------------------------------------

static int by_form(const void *a, const void *b) {
    const struct edit *const *x = a, *const *y = b;
    const struct digest p = (*x)->form, q = (*y)->form;
    if (p.high != q.high)
        return p.high < q.high ? -1 : 1;
    if (p.low != q.low)
        return p.low < q.low ? -1 : 1;
    return ((*x)->outputs < (*y)->outputs) - ((*x)->outputs > (*y)->outputs);
}

static int by_size(const void *a, const void *b) {
    const struct cluster *x = a, *y = b;
    if (x->outputs != y->outputs)
        return x->outputs < y->outputs ? 1 : -1;
    return strcmp(x->sample, y->sample);
}

static void add_cluster(struct clusters *changes, const struct edit *edit, uint64_t outputs,
                        uint64_t variants) {
    changes->clusters[changes->n++] = (struct cluster){
        .outputs = outputs,
        .variants = variants,
        .what = edit->what,
        .alike = variants > 1    ? CLUSTERS_FORM
                 : edit->differs ? CLUSTERS_ALIKE
                                 : CLUSTERS_SAME,
        .removed = edit->removed,
        .added = edit->added,
        .sample = mem_copy(edit->sample, strlen(edit->sample)),
    };
}

// The edits of one form, the most frequent first: a few are told apart, of many only those that stand out.
static void cluster_form(struct clusters *changes, struct edit **edits, size_t n) {
    uint64_t total = 0, rest = 0, variants = 0;
    const struct edit *sample = NULL;
    bool whole = true;
    for (size_t i = 0; i < n; i++) {
        total += edits[i]->outputs;
        whole = whole && !edits[i]->rest;
    }
    for (size_t i = 0; i < n; i++) {
        const struct edit *edit = edits[i];
        if (!edit->rest && ((whole && n <= CLUSTERS_FEW) || edit->outputs * 10 >= total)) {
            add_cluster(changes, edit, edit->outputs, 1);
            continue;
        }
        sample = sample ? sample : edit;
        rest += edit->outputs;
        variants += edit->rest ? edit->outputs : 1;
    }
    if (sample)
        add_cluster(changes, sample, rest, variants);
}

static size_t collect(const struct table *t, struct edit **edits) {
    size_t n = 0;
    for (size_t i = 0; i < t->places; i++)
        if (t->edits[i].outputs)
            edits[n++] = &t->edits[i];
    return n;
}

static void make_clusters(struct finding *f) {
    struct edit **edits = MEM_NEW_ARRAY(struct edit *, f->alike.n + f->forms.n + 1);
    size_t n = collect(&f->alike, edits);
    n += collect(&f->forms, edits + n);
    f->changes->clusters = MEM_NEW_ARRAY(struct cluster, n + 1);
    qsort(edits, n, sizeof *edits, by_form);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && digest_equal(edits[from]->form, edits[to]->form);)
            to++;
        cluster_form(f->changes, edits + from, to - from);
    }
    if (f->changes->n)
        qsort(f->changes->clusters, f->changes->n, sizeof *f->changes->clusters, by_size);
    mem_free(edits);
}

static enum status read_changes(struct finding *f, const struct clusters_paths *paths, struct err *err) {
    struct staging_reader list;
    struct staging_change change;
    int more = 0;
    enum status status =
        staging_read(&list, f->source.at.fs, f->source.generation, &f->changes->facts.list, err);
    while (status == STATUS_OK && (more = staging_next(&list, &change)) > 0)
        if (clusters_wanted(paths, change.path))
            see_change(f, &change);
    staging_read_end(&list);
    return more < 0 ? staging_error(err, more, "cannot read the list of changes") : status;
}

enum status clusters_find(struct staging_root at, const struct clusters_paths *paths,
                          struct clusters *changes, struct err *err) {
    *changes = (struct clusters){.unread = 0};
    struct finding f = {.changes = changes};
    if (clusters_open(at, &f.source, &changes->facts, err) != STATUS_OK)
        return err->status;
    f.room = MEM_NEW(struct edit_room);
    table_init(&f.alike, CLUSTERS_EDITS);
    table_init(&f.forms, CLUSTERS_FORMS);
    enum status status = read_changes(&f, paths, err);
    if (status == STATUS_OK)
        make_clusters(&f);
    table_release(&f.alike);
    table_release(&f.forms);
    line_diff_release(&f.diff);
    edit_room_release(f.room);
    mem_free(f.room);
    clusters_close(&f.source);
    return status;
}

void clusters_release(struct clusters *changes) {
    for (size_t i = 0; i < changes->n; i++)
        mem_free(changes->clusters[i].sample);
    mem_free(changes->clusters);
    for (size_t kind = 0; kind < STAGING_KINDS; kind++)
        for (size_t i = 0; i < CLUSTERS_SAMPLES; i++)
            mem_free(changes->samples[kind][i]);
    *changes = (struct clusters){.unread = 0};
}
