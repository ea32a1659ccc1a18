// SPDX-License-Identifier: MIT
#include "cli/diff_text.h"

#include <jansson.h>

#include "cli/command.h"
#include "cli/show.h"
#include "monitor/json_line.h"
#include "pipeline/review/staging_private.h"

enum { PRINT_CHUNK = 64 << 10, SAMPLE_LINES = 40 };

static const struct line_colours plain = {"", "", "", ""};
static const struct line_colours coloured = {"\033[31m", "\033[32m", "\033[36m", "\033[0m"};
static const char *const bold = "\033[1m", *const normal = "\033[0m";

static const struct line_colours *colours_of(const struct diff_text *t) {
    return t->colour ? &coloured : &plain;
}

static void print_full(struct diff_text *t) {
    if (t->out.n < PRINT_CHUNK)
        return;
    cli_print(buf_str(&t->out));
    buf_clear(&t->out);
}

void diff_text_end(struct diff_text *t) {
    if (t->out.n)
        cli_print(buf_str(&t->out));
    buf_release(&t->out);
    line_diff_release(&t->diff);
}

static void add_outputs(struct buf *out, uint64_t n) {
    show_count(out, n);
    buf_add_text(out, n == 1 ? " output" : " outputs");
}

// Samples --------------------------------------------------------------------------------------------------------

// The hunks of one output; what it is instead, where it has none.
static void add_hunks(struct diff_text *t, enum staging_kind kind, const char *path, size_t lines_most,
                      struct buf *out) {
    enum clusters_what what;
    if (clusters_read(t->source, kind, path, &what) < 0) {
        buf_add_text(out, "it cannot be read any more\n");
        return;
    }
    if (what != CLUSTERS_TEXT) {
        buf_printf(out, "%zu bytes, now %zu: %s\n", t->source->old.n, t->source->fresh.n,
                   what == CLUSTERS_BINARY ? "no text" : "too long to be compared line by line");
        return;
    }
    line_diff(&t->diff, buf_str(&t->source->old), buf_str(&t->source->fresh));
    if (t->diff.coarse)
        buf_add_text(out, "so much is different that lines were not matched for the least change\n");
    if (!line_diff_write(&t->diff, lines_most, colours_of(t), out))
        buf_add_text(out, "...\n");
}

static void add_path(struct diff_text *t, const char *before, const char *path) {
    buf_add_text(&t->out, before);
    show_escaped(&t->out, str_of(path));
    buf_add_char(&t->out, '\n');
}

// Clusters -------------------------------------------------------------------------------------------------------

static void add_edit_name(struct buf *out, const struct cluster *c) {
    if (c->removed <= 1 && c->added <= 1)
        buf_add_text(out, "one-line edit");
    else
        buf_printf(out, "edit of %zu lines", c->removed > c->added ? c->removed : c->added);
}

static void add_cluster_title(struct buf *out, const struct cluster *c) {
    add_outputs(out, c->outputs);
    if (c->what != CLUSTERS_TEXT)
        buf_add_text(out,
                     c->what == CLUSTERS_BINARY ? " that are no text" : " too long to be compared by lines");
    if (c->what != CLUSTERS_TEXT) {
        buf_add_text(out, " changed:");
        return;
    }
    switch (c->alike) {
    case CLUSTERS_SAME:
        buf_add_text(out, " share this ");
        add_edit_name(out, c);
        break;
    case CLUSTERS_ALIKE:
        buf_add_text(out, " share this ");
        add_edit_name(out, c);
        buf_add_text(out, ", but for numbers and words of their own");
        break;
    case CLUSTERS_FORM:
        buf_add_text(out, " have each their own ");
        add_edit_name(out, c);
        buf_add_text(out, " of this form (");
        show_count(out, c->variants);
        buf_add_text(out, " different)");
        break;
    }
    buf_add_char(out, ':');
}

static void add_totals(struct diff_text *t, const struct clusters *changes) {
    for (size_t kind = 0; kind < STAGING_KINDS; kind++) {
        buf_add_text(&t->out, kind ? ", " : "");
        show_count(&t->out, changes->counts[kind]);
        buf_printf(&t->out, " %s", staging_kind_names[kind]);
    }
    buf_add_text(&t->out, "; ");
    show_count(&t->out, changes->facts.counts.unchanged);
    buf_add_text(&t->out, " unchanged; lines: ");
    show_count(&t->out, changes->lines_added);
    buf_add_text(&t->out, " more, ");
    show_count(&t->out, changes->lines_removed);
    buf_add_text(&t->out, " gone\n");
    if (changes->facts.failed) {
        show_count(&t->out, changes->facts.failed);
        buf_add_text(&t->out, " failed in the run that was staged, and stay as they are published\n");
    }
}

static void add_samples(struct diff_text *t, const struct clusters *changes, enum staging_kind kind,
                        const char *title) {
    uint64_t n = changes->counts[kind];
    if (n == 0)
        return;
    buf_add_char(&t->out, '\n');
    buf_add_text(&t->out, t->colour ? bold : "");
    add_outputs(&t->out, n);
    buf_printf(&t->out, " %s%s\n", title, t->colour ? normal : "");
    for (size_t i = 0; i < CLUSTERS_SAMPLES && changes->samples[kind][i]; i++)
        add_path(t, "  ", changes->samples[kind][i]);
    if (n > CLUSTERS_SAMPLES) {
        buf_add_text(&t->out, "  and ");
        show_count(&t->out, n - CLUSTERS_SAMPLES);
        buf_add_text(&t->out, " more\n");
    }
}

static void add_rest(struct diff_text *t, const struct clusters *changes, size_t shown) {
    uint64_t outputs = changes->others;
    size_t kinds = changes->n - shown;
    for (size_t i = shown; i < changes->n; i++)
        outputs += changes->clusters[i].outputs;
    if (outputs) {
        buf_add_char(&t->out, '\n');
        add_outputs(&t->out, outputs);
        buf_printf(&t->out, " in %zu more kind%s of edits; --limit 0 shows all\n", kinds,
                   kinds == 1 ? "" : "s");
    }
    if (changes->unread) {
        buf_add_char(&t->out, '\n');
        add_outputs(&t->out, changes->unread);
        buf_add_text(&t->out, " could not be read: published, dropped or edited meanwhile\n");
    }
}

// Those that are like no other come last, under one title.
static void add_title(struct diff_text *t, const struct clusters *clusters, size_t i) {
    const struct cluster *c = &clusters->clusters[i];
    bool alone = c->outputs == 1;
    if (alone && i > 0 && clusters->clusters[i - 1].outputs == 1) {
        buf_add_char(&t->out, '\n');
        return;
    }
    buf_add_text(&t->out, t->colour ? "\n\033[1m" : "\n");
    if (alone) {
        show_count(&t->out, clusters->n - i);
        buf_add_text(&t->out, clusters->n - i == 1 ? " differs" : " differ");
        buf_add_text(&t->out, i > 0 ? " from these:" : ":");
    } else {
        add_cluster_title(&t->out, c);
    }
    buf_add_text(&t->out, t->colour ? "\033[0m\n" : "\n");
}

void diff_text_clusters(struct diff_text *t, const struct clusters *clusters) {
    size_t n = t->limit && t->limit < clusters->n ? t->limit : clusters->n;
    add_totals(t, clusters);
    for (size_t i = 0; i < n; i++) {
        const struct cluster *c = &clusters->clusters[i];
        add_title(t, clusters, i);
        add_path(t, "  ", c->sample);
        add_hunks(t, STAGING_CHANGED, c->sample, SAMPLE_LINES, &t->out);
        print_full(t);
    }
    add_rest(t, clusters, n);
    add_samples(t, clusters, STAGING_ADDED, "added:");
    add_samples(t, clusters, STAGING_REMOVED,
                clusters->counts[STAGING_REMOVED] == 1
                    ? "no longer belongs; \"publish --prune\" removes it:"
                    : "no longer belong; \"publish --prune\" removes them:");
}

// One by one -----------------------------------------------------------------------------------------------------

static void add_full(struct diff_text *t, const struct staging_change *change) {
    buf_add_text(&t->out, t->colour ? bold : "");
    add_path(t, "--- ", change->kind == STAGING_ADDED ? "/dev/null" : change->path.p);
    add_path(t, "+++ ", change->kind == STAGING_REMOVED ? "/dev/null" : change->path.p);
    buf_add_text(&t->out, t->colour ? normal : "");
    add_hunks(t, change->kind, change->path.p, 0, &t->out);
}

static void add_stat(struct diff_text *t, const struct staging_change *change) {
    enum clusters_what what;
    buf_printf(&t->out, "%-8s ", staging_kind_names[change->kind]);
    if (clusters_read(t->source, change->kind, change->path.p, &what) < 0) {
        buf_add_text(&t->out, "     ?      ?");
    } else if (what == CLUSTERS_TEXT) {
        line_diff(&t->diff, buf_str(&t->source->old), buf_str(&t->source->fresh));
        buf_printf(&t->out, "%+6lld %6lld", (long long)t->diff.added, -(long long)t->diff.removed);
    } else {
        buf_add_text(&t->out, "     -      -");
    }
    add_path(t, "  ", change->path.p);
}

enum status diff_text_each(struct diff_text *t, const struct clusters_paths *paths, const struct digest *list,
                           bool stat, struct err *err) {
    struct staging_reader reader;
    struct staging_change change;
    uint64_t shown = 0, left = 0;
    int more = 0;
    enum status status = staging_read(&reader, t->source->at.fs, t->source->generation, list, err);
    while (status == STATUS_OK && (more = staging_next(&reader, &change)) > 0) {
        if (!clusters_wanted(paths, change.path))
            continue;
        if (t->limit && shown == t->limit) {
            left++;
            continue;
        }
        shown++;
        if (stat)
            add_stat(t, &change);
        else
            add_full(t, &change);
        print_full(t);
    }
    staging_read_end(&reader);
    if (left) {
        buf_add_text(&t->out, "and ");
        add_outputs(&t->out, left);
        buf_add_text(&t->out, " more; --limit 0 shows all\n");
    }
    return more < 0 ? staging_error(err, more, "cannot read the list of changes") : status;
}

// JSON -----------------------------------------------------------------------------------------------------------

static json_t *integer(uint64_t n) {
    return json_integer((json_int_t)n);
}

// Outputs may hold any bytes; what is not UTF-8 cannot be said in JSON.
static json_t *text_or_null(const struct buf *text) {
    json_t *string = json_stringn(text->p ? text->p : "", text->n);
    return string ? string : json_null();
}

static json_t *cluster_json(struct diff_text *t, const struct cluster *c) {
    static const char *const alike[] = {"same", "alike", "form"}, *const what[] = {"text", "binary", "large"};
    struct buf hunks = BUF_INIT;
    json_t *object = json_object();
    json_object_set_new(object, "outputs", integer(c->outputs));
    json_object_set_new(object, "variants", integer(c->variants));
    json_object_set_new(object, "alike", json_string(alike[c->alike]));
    json_object_set_new(object, "content", json_string(what[c->what]));
    json_object_set_new(object, "lines_removed", integer(c->removed));
    json_object_set_new(object, "lines_added", integer(c->added));
    json_object_set_new(object, "sample", json_string(c->sample));
    add_hunks(t, STAGING_CHANGED, c->sample, SAMPLE_LINES, &hunks);
    json_object_set_new(object, "diff", text_or_null(&hunks));
    buf_release(&hunks);
    return object;
}

static json_t *samples_json(const struct clusters *changes, enum staging_kind kind) {
    json_t *array = json_array();
    for (size_t i = 0; i < CLUSTERS_SAMPLES && changes->samples[kind][i]; i++)
        json_array_append_new(array, json_string(changes->samples[kind][i]));
    return array;
}

void diff_text_json(struct diff_text *t, const struct clusters *changes) {
    char digest[DIGEST_HEX_SIZE];
    size_t n = t->limit && t->limit < changes->n ? t->limit : changes->n;
    json_t *object = json_object(), *clusters = json_array(), *samples = json_object();
    for (size_t kind = 0; kind < STAGING_KINDS; kind++) {
        json_object_set_new(object, staging_kind_names[kind], integer(changes->counts[kind]));
        if (kind != STAGING_CHANGED)
            json_object_set_new(samples, staging_kind_names[kind],
                                samples_json(changes, (enum staging_kind)kind));
    }
    digest_hex(changes->facts.digest, digest);
    json_object_set_new(object, "unchanged", integer(changes->facts.counts.unchanged));
    json_object_set_new(object, "failed", integer(changes->facts.failed));
    json_object_set_new(object, "lines_added", integer(changes->lines_added));
    json_object_set_new(object, "lines_removed", integer(changes->lines_removed));
    json_object_set_new(object, "unread", integer(changes->unread));
    json_object_set_new(object, "session", json_string(changes->facts.session));
    json_object_set_new(object, "when", json_integer(changes->facts.when));
    json_object_set_new(object, "digest", json_string(digest));
    for (size_t i = 0; i < n; i++)
        json_array_append_new(clusters, cluster_json(t, &changes->clusters[i]));
    json_object_set_new(object, "clusters_all", integer(changes->n));
    json_object_set_new(object, "clusters", clusters);
    json_object_set_new(object, "samples", samples);
    json_line_add(object, 0, &t->out);
}
