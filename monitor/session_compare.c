// SPDX-License-Identifier: MIT
#include "monitor/session_compare.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/distribution_json.h"

const char *const session_changes[SESSION_CHANGES] = {"same", "usual", "differs", "moved"};

static const double LEAST_MOVE = 0.01, // of what is outside of the usual
    LEAST_DIFFERENCE = 0.05;           // where nothing is known to be usual
static const char *const fact_keys[] = {"session", "name",    "strategy", "machine",
                                        "version", "outcome", "digest"};

static struct str keep(struct arena *arena, struct str text) {
    struct str kept = arena_str(arena, text);
    if (!kept.p)
        mem_fail(text.n);
    return kept;
}

static struct str text_of(struct arena *arena, const json_t *document, const char *key) {
    const json_t *text = json_object_get(document, key);
    return json_is_string(text) ? keep(arena, (struct str){json_string_value(text), json_string_length(text)})
                                : (struct str){0};
}

static double number_of(const json_t *object, const char *key) {
    const json_t *number = json_object_get(object, key);
    return json_is_number(number) ? json_number_value(number) : NAN;
}

// ---- judging

static bool ends(struct str name, const char *end) {
    return str_ends(name, str_of(end));
}

int session_worse_if_greater(struct str figure) {
    struct str distribution;
    const int row = metric_find(figure);
    if (row < 0) {
        const int which = metric_figure_of(figure, &distribution);
        return which >= 0 && which != FIGURE_COUNT;
    }
    const char *unit = metric_rows[row].unit;
    if (ends(figure, "per_second") || ends(figure, "hit_rate") || ends(figure, "_efficiency") ||
        ends(figure, ".hits"))
        return -1;
    if (row == METRIC_STRATEGY_PREDICTED)
        return 0;
    return metric_rows[row].work || str_is(str_of(unit), "s") || str_is(str_of(unit), "B") ||
           ends(figure, ".misses") || ends(figure, ".regret") || ends(figure, "retried") ||
           ends(figure, ".differing");
}

static bool beyond(double a, double b, double least) {
    return a == 0 || fabs(b / a - 1) >= least;
}

static enum session_change judge(const struct session_figure *f) {
    if (f->a == f->b || (isnan(f->a) && isnan(f->b)))
        return SESSION_SAME;
    if (isnan(f->a) || isnan(f->b))
        return SESSION_DIFFERS;
    if (f->work)
        return SESSION_MOVED;
    if (!f->usual.n)
        return beyond(f->a, f->b, LEAST_DIFFERENCE) ? SESSION_DIFFERS : SESSION_USUAL;
    const bool outside = f->b < f->usual.low || f->b > f->usual.high;
    return outside && beyond(f->usual.mean, f->b, LEAST_MOVE) ? SESSION_MOVED : SESSION_USUAL;
}

static int worse(const struct session_figure *f) {
    if (isnan(f->a) || isnan(f->b) || f->a == f->b)
        return 0;
    return session_worse_if_greater(f->name) * (f->b > f->a ? 1 : -1);
}

void session_comparison_judge(struct session_comparison *c, const struct session_usual *usual) {
    for (size_t i = 0; i < c->figures_n; i++) {
        c->figures[i].usual = usual[i];
        c->figures[i].change = judge(&c->figures[i]);
    }
}

size_t session_comparison_count(const struct session_comparison *c, bool work, enum session_change change) {
    size_t n = 0;
    for (size_t i = 0; i < c->figures_n; i++)
        n += c->figures[i].work == work && c->figures[i].change == change;
    return n;
}

// ---- comparing

static void add_figure(struct session_comparison *c, struct session_figure figure) {
    figure.change = judge(&figure);
    figure.worse = worse(&figure);
    MEM_GROW(c->figures, c->figures_cap, c->figures_n + 1);
    c->figures[c->figures_n++] = figure;
}

static void compare_metrics(struct session_comparison *c, const json_t *a, const json_t *b, bool work) {
    for (int i = 0; i < METRICS; i++) {
        const struct metric_row *row = &metric_rows[i];
        struct session_figure f = {.name = str_of(row->name), .unit = row->unit, .work = work};
        f.a = number_of(a, row->name);
        f.b = number_of(b, row->name);
        if (row->work == work && !(isnan(f.a) && isnan(f.b)))
            add_figure(c, f);
    }
}

// B's histogram, gone through from below.
struct rest {
    const struct histogram *h;
    uint32_t next, bucket;
    uint64_t count, below; // in the bucket, and in those before
    bool more;
};

// How many values are greater than those of a bucket of A, those that are as great by half; buckets ascend.
static double above(struct rest *rest, uint32_t bucket) {
    while (rest->more && rest->bucket < bucket) {
        rest->below += rest->count;
        rest->more = histogram_next(rest->h, &rest->next, &rest->bucket, &rest->count);
    }
    const uint64_t equal = rest->more && rest->bucket == bucket ? rest->count : 0;
    return (double)(rest->h->n - rest->below) - (double)equal / 2;
}

static double later(const struct histogram *a, const struct histogram *b) {
    struct rest rest = {.h = b};
    uint32_t bucket;
    uint64_t count;
    double sum = 0;
    rest.more = histogram_next(b, &rest.next, &rest.bucket, &rest.count);
    for (uint32_t next = 0; histogram_next(a, &next, &bucket, &count);)
        sum += (double)count * above(&rest, bucket);
    return sum / (double)a->n / (double)b->n;
}

static void compare_distribution(struct session_comparison *c, const char *name, const json_t *a,
                                 const json_t *b) {
    struct session_pair pair = {.name = keep(&c->arena, str_of(name)), .later = NAN};
    struct histogram one = {0}, other = {0};
    for (int f = 0; f < FIGURES; f++) {
        pair.a[f] = number_of(a, metric_figures[f]);
        pair.b[f] = number_of(b, metric_figures[f]);
    }
    if (distribution_read(a, &one) && distribution_read(b, &other))
        pair.later = later(&one, &other);
    histogram_release(&one);
    histogram_release(&other);
    MEM_GROW(c->pairs, c->pairs_cap, c->pairs_n + 1);
    c->pairs[c->pairs_n++] = pair;
}

static void compare_distributions(struct session_comparison *c, json_t *a, json_t *b) {
    const char *name;
    json_t *value;
    json_object_foreach(a, name, value) {
        compare_distribution(c, name, value, json_object_get(b, name));
    }
    json_object_foreach(b, name, value) {
        if (!json_object_get(a, name))
            compare_distribution(c, name, NULL, value);
    }
    for (size_t i = 0; i < c->pairs_n; i++)
        for (int f = 0; f < FIGURES; f++) {
            const struct session_pair *pair = &c->pairs[i];
            const char *text = arena_printf(&c->arena, "%.*s.%s", STR_ARG(pair->name), metric_figures[f]);
            if (!text)
                mem_fail(pair->name.n);
            if (!(isnan(pair->a[f]) && isnan(pair->b[f])))
                add_figure(c, (struct session_figure){.name = str_of(text),
                                                      .unit = f == FIGURE_COUNT ? "" : "s",
                                                      .a = pair->a[f],
                                                      .b = pair->b[f]});
        }
}

void session_compare(const json_t *a, const json_t *b, struct session_comparison *out) {
    const json_t *one = json_object_get(a, "metrics"), *other = json_object_get(b, "metrics");
    *out = (struct session_comparison){0};
    arena_init(&out->arena, 0);
    for (size_t i = 0; i < SESSION_FACTS; i++)
        out->facts[i] = (struct session_fact){fact_keys[i], text_of(&out->arena, a, fact_keys[i]),
                                              text_of(&out->arena, b, fact_keys[i])};
    out->started_a = number_of(a, "started");
    out->started_b = number_of(b, "started");
    compare_metrics(out, one, other, true);
    compare_metrics(out, one, other, false);
    compare_distributions(out, json_object_get(a, "distributions"), json_object_get(b, "distributions"));
}

void session_comparison_release(struct session_comparison *c) {
    mem_free(c->figures);
    mem_free(c->pairs);
    arena_release(&c->arena);
}
