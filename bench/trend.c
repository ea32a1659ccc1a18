// SPDX-License-Identifier: MIT
#include "bench/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/session_compare.h"

static const double ALARMS = 0.001; // of one series, as changes.h has it
static const double LEAST_MOVE = 0.02;
enum { WINDOW = 30 };

static void *take(struct arena *arena, size_t n, size_t size) {
    void *p = arena_alloc(arena, n ? n * size : 1);
    if (!p)
        mem_fail(n * size);
    memset(p, 0, n * size);
    return p;
}

// ---- the runs

// Runs oldest first, with the figures that were asked for behind those that tell what else changed.
struct runs {
    struct history_session *rows;
    size_t n;
    const char **names;
    size_t names_n;
};
enum { WORKERS, WORK }; // columns: run.workers, then the work counters

static size_t context_names(const char **names) {
    size_t n = 0;
    names[n++] = metric_rows[METRIC_RUN_WORKERS].name;
    for (int i = 0; i < METRICS; i++)
        if (metric_rows[i].work)
            names[n++] = metric_rows[i].name;
    return n;
}

static enum status read_runs(struct history *h, const struct history_filter *filters, size_t filters_n,
                             const char *const *figures, size_t figures_n, uint32_t limit,
                             struct arena *arena, struct runs *out, struct err *err) {
    struct history_session *rows;
    *out = (struct runs){.names = take(arena, METRICS + 1 + figures_n, sizeof(char *))};
    out->names_n = context_names(out->names);
    for (size_t i = 0; i < figures_n; i++)
        out->names[out->names_n++] = figures[i];
    if (history_table(h, filters, filters_n, out->names, out->names_n, limit, arena, &rows, &out->n, err) !=
        STATUS_OK)
        return err->status;
    out->rows = take(arena, out->n, sizeof *out->rows);
    for (size_t i = 0; i < out->n; i++)
        out->rows[i] = rows[out->n - 1 - i];
    return STATUS_OK;
}

// ---- what else changed

struct withs {
    struct trend_with *list;
    size_t n;
};

static void compare_texts(struct withs *w, const char *what, struct str before, struct str after) {
    if (!str_equal(before, after))
        w->list[w->n++] = (struct trend_with){.what = what, .before = before, .after = after};
}

// `but`: the figure in question, which need not be told.
static struct withs what_else(const struct runs *runs, size_t at, const char *but, struct arena *arena) {
    const struct history_session *before = &runs->rows[at - 1], *after = &runs->rows[at];
    struct withs w = {take(arena, METRICS + TREND_MIXED + 1, sizeof *w.list), 0};
    compare_texts(&w, "name", before->name, after->name);
    compare_texts(&w, "version", before->version, after->version);
    compare_texts(&w, "strategy", before->strategy, after->strategy);
    compare_texts(&w, "machine", before->machine, after->machine);
    const char *names[METRICS + 1];
    const size_t n = context_names(names);
    for (size_t i = 0; i < n; i++) {
        const double a = before->values[i], b = after->values[i];
        if (!isnan(a) && !isnan(b) && a != b && !(but && strcmp(but, names[i]) == 0))
            w.list[w.n++] =
                (struct trend_with){.what = names[i], .old_value = a, .new_value = b, .number = true};
    }
    return w;
}

// ---- one series

struct series {
    double *values, *cleaned;
    bool *outlier;
    size_t *at; // which run a value is of
    size_t n;
};

static struct series series_of(const struct runs *runs, size_t column, struct arena *arena) {
    struct series s = {take(arena, runs->n, sizeof(double)), take(arena, runs->n, sizeof(double)),
                       take(arena, runs->n, sizeof(bool)), take(arena, runs->n, sizeof(size_t)), 0};
    for (size_t i = 0; i < runs->n; i++)
        if (isfinite(runs->rows[i].values[column])) {
            s.at[s.n] = i;
            s.values[s.n++] = runs->rows[i].values[column];
        }
    changes_set_aside(s.values, s.n, s.cleaned, s.outlier);
    return s;
}

static void find_mixed(const struct runs *runs, struct trend *t) {
    bool name = false, strategy = false, machine = false, workers = false;
    for (size_t i = 1; i < runs->n; i++) {
        const struct history_session *one = &runs->rows[i - 1], *next = &runs->rows[i];
        name |= !str_equal(one->name, next->name);
        strategy |= !str_equal(one->strategy, next->strategy);
        machine |= !str_equal(baseline_machine_class(one->machine), baseline_machine_class(next->machine));
        workers |= one->values[WORKERS] != next->values[WORKERS] && !isnan(one->values[WORKERS]);
    }
    if (name)
        t->mixed[t->mixed_n++] = "name";
    if (strategy)
        t->mixed[t->mixed_n++] = "strategy";
    if (machine)
        t->mixed[t->mixed_n++] = "machine";
    if (workers)
        t->mixed[t->mixed_n++] = metric_rows[METRIC_RUN_WORKERS].name;
}

static bool like(const struct history_session *a, const struct history_session *b) {
    return str_equal(a->name, b->name) && str_equal(a->strategy, b->strategy) &&
           str_equal(baseline_machine_class(a->machine), baseline_machine_class(b->machine)) &&
           (a->values[WORKERS] == b->values[WORKERS] || isnan(b->values[WORKERS]));
}

static void expect_next(const struct runs *runs, const struct series *s, size_t level, struct trend *t) {
    double values[BASELINE_SESSIONS];
    size_t n = 0;
    for (size_t i = s->n; i-- > level && n < BASELINE_SESSIONS;)
        if (!s->outlier[i] && str_is(runs->rows[s->at[i]].outcome, "done") &&
            like(&runs->rows[s->at[i]], &runs->rows[s->at[s->n - 1]]))
            values[n++] = s->values[i];
    t->expects = baseline_of(values, n, BASELINE_ALPHA, &t->expected);
}

static void fill(const struct runs *runs, struct trend *t) {
    const struct series s = series_of(runs, runs->names_n - 1, &t->arena);
    struct change *changes = changes_find(s.cleaned, s.n, &(struct changes_options){0}, &t->changes_n);
    t->points = take(&t->arena, s.n, sizeof *t->points);
    t->points_n = s.n;
    for (size_t i = 0; i < s.n; i++)
        t->points[i] = (struct trend_point){runs->rows[s.at[i]].id, runs->rows[s.at[i]].started, s.values[i],
                                            s.outlier[i]};
    t->changes = take(&t->arena, t->changes_n, sizeof *t->changes);
    for (size_t i = 0; i < t->changes_n; i++) {
        const struct withs w = what_else(runs, s.at[changes[i].at], t->figure.p, &t->arena);
        t->changes[i] = (struct trend_change){changes[i], w.list, w.n};
    }
    find_mixed(runs, t);
    expect_next(runs, &s, t->changes_n ? changes[t->changes_n - 1].at : 0, t);
    mem_free(changes);
}

enum status trend_read(struct history *h, const struct history_filter *filters, size_t filters_n,
                       struct str figure, uint32_t limit, struct trend *out, struct err *err) {
    struct runs runs;
    *out = (struct trend){0};
    arena_init(&out->arena, 0);
    out->figure = arena_str(&out->arena, figure); // with an end
    if (!out->figure.p)
        mem_fail(figure.n);
    out->unit = metric_unit(out->figure);
    struct history_filter *all = take(&out->arena, filters_n + 1, sizeof *all);
    if (filters_n)
        memcpy(all, filters, filters_n * sizeof *all);
    all[filters_n] = (struct history_filter){figure, STR(">="), STR("-1e300")}; // any, but there
    const enum status status =
        read_runs(h, all, filters_n + 1, &out->figure.p, 1, limit, &out->arena, &runs, err);
    if (status == STATUS_OK)
        fill(&runs, out);
    return status;
}

void trend_release(struct trend *t) {
    arena_release(&t->arena);
}

// ---- all of them

static struct moved_run *run_of(struct moves *m, const struct runs *runs, size_t at) {
    const struct history_session *row = &runs->rows[at];
    for (size_t i = 0; i < m->runs_n; i++)
        if (str_equal(m->runs[i].id, row->id))
            return &m->runs[i];
    const struct withs w = what_else(runs, at, NULL, &m->arena);
    MEM_GROW(m->runs, m->runs_cap, m->runs_n + 1);
    struct moved_run *run = &m->runs[m->runs_n++];
    *run = (struct moved_run){.id = row->id, .started = row->started, .with = w.list, .with_n = w.n};
    return run;
}

static void find_moves(struct moves *m, const struct runs *runs, size_t column, double p) {
    const char *name = runs->names[column];
    const struct series s = series_of(runs, column, &m->arena);
    if (s.n > WINDOW) // longer series have more to offer
        p *= (double)WINDOW / (double)s.n;
    size_t n;
    struct change *changes = changes_find(
        s.cleaned, s.n, &(struct changes_options){.window = WINDOW, .p = p, .min_magnitude = LEAST_MOVE}, &n);
    m->figures += s.n > 0;
    for (size_t i = 0; i < n; i++) {
        const int sign = changes[i].after > changes[i].before ? 1 : -1;
        struct moved_run *run = run_of(m, runs, s.at[changes[i].at]);
        MEM_GROW(run->figures, run->figures_cap, run->figures_n + 1);
        run->figures[run->figures_n++] = (struct moved_figure){name, metric_unit(str_of(name)), changes[i],
                                                               session_worse_if_greater(str_of(name)) * sign};
    }
    mem_free(changes);
}

static int newest_first(const void *a, const void *b) {
    const struct moved_run *x = a, *y = b;
    return (x->started < y->started) - (x->started > y->started);
}

enum status moves_read(struct history *h, const struct history_filter *filters, size_t filters_n,
                       uint32_t limit, struct moves *out, struct err *err) {
    const char **figures;
    size_t figures_n;
    struct runs runs;
    *out = (struct moves){0};
    arena_init(&out->arena, 0);
    if (history_figures(h, &out->arena, &figures, &figures_n, err) != STATUS_OK ||
        read_runs(h, filters, filters_n, figures, figures_n, limit, &out->arena, &runs, err) != STATUS_OK)
        return err->status;
    const size_t first = runs.names_n - figures_n;
    out->sessions = runs.n;
    for (size_t column = first; column < runs.names_n; column++)
        find_moves(out, &runs, column, ALARMS / (double)figures_n);
    if (out->runs_n)
        qsort(out->runs, out->runs_n, sizeof *out->runs, newest_first);
    return STATUS_OK;
}

void moves_release(struct moves *m) {
    for (size_t i = 0; i < m->runs_n; i++)
        mem_free(m->runs[i].figures);
    mem_free(m->runs);
    arena_release(&m->arena);
}
