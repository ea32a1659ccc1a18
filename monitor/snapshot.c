// SPDX-License-Identifier: MIT
#include "monitor/snapshot.h"

#include "base/mem.h"

#define TEMPLATE "template."

void snapshot_init(struct snapshot *s) {
    *s = (struct snapshot){0};
    arena_init(&s->arena, 0);
}

void snapshot_release(struct snapshot *s) {
    mem_free(s->distributions);
    arena_release(&s->arena);
}

void snapshot_clear(struct snapshot *s) {
    for (int i = 0; i < METRICS; i++)
        s->known[i] = false;
    for (size_t i = 0; i < s->distributions_n; i++)
        s->distributions[i].figures[FIGURE_COUNT] = 0;
}

void snapshot_set(struct snapshot *s, enum metric metric, double value) {
    s->values[metric] = value;
    s->known[metric] = true;
}

static struct snapshot_distribution *find(const struct snapshot *s, struct str name) {
    for (size_t i = 0; i < s->distributions_n; i++)
        if (str_equal(s->distributions[i].name, name))
            return &s->distributions[i];
    return NULL;
}

static struct snapshot_distribution *add(struct snapshot *s, struct str name) {
    MEM_GROW(s->distributions, s->distributions_cap, s->distributions_n + 1);
    struct snapshot_distribution *d = &s->distributions[s->distributions_n++];
    *d = (struct snapshot_distribution){.name = arena_str(&s->arena, name)};
    if (!d->name.p)
        mem_fail(name.n);
    return d;
}

static double seconds_of(double nanoseconds) {
    return nanoseconds / 1e9;
}

void snapshot_set_distribution(struct snapshot *s, struct str name, const struct histogram *nanoseconds) {
    struct snapshot_distribution *d = find(s, name);
    if (!d)
        d = add(s, name);
    d->figures[FIGURE_P50] = seconds_of((double)histogram_quantile(nanoseconds, 0.5));
    d->figures[FIGURE_P95] = seconds_of((double)histogram_quantile(nanoseconds, 0.95));
    d->figures[FIGURE_P99] = seconds_of((double)histogram_quantile(nanoseconds, 0.99));
    d->figures[FIGURE_MAX] = seconds_of((double)nanoseconds->max);
    d->figures[FIGURE_MEAN] = seconds_of(histogram_mean(nanoseconds));
    d->figures[FIGURE_COUNT] = (double)nanoseconds->n;
}

void snapshot_of_session(struct snapshot *s, const struct session *session) {
    snapshot_clear(s);
    s->name = session->name;
    s->strategy = session->strategy;
    s->outcome = session->outcome;
    s->over = true;
    for (int i = 0; i < METRICS; i++)
        if (session->known[i])
            snapshot_set(s, (enum metric)i, session->values[i]);
    if (session->known[METRIC_RUN_SECONDS])
        s->seconds = session->values[METRIC_RUN_SECONDS];
    for (size_t i = 0; i < session->distributions_n; i++)
        snapshot_set_distribution(s, session->distributions[i].name, &session->distributions[i].histogram);
}

const struct snapshot_distribution *snapshot_distribution(const struct snapshot *s, struct str name) {
    const struct snapshot_distribution *d = find(s, name);
    return d && d->figures[FIGURE_COUNT] > 0 ? d : NULL;
}

bool snapshot_figure(const struct snapshot *s, struct str name, double *value) {
    struct str of;
    const int metric = metric_find(name);
    const int figure = metric < 0 ? metric_figure_of(name, &of) : -1;
    if (metric >= 0) {
        *value = s->values[metric];
        return s->known[metric];
    }
    const struct snapshot_distribution *d = figure < 0 ? NULL : snapshot_distribution(s, of);
    if (d)
        *value = d->figures[figure];
    return d != NULL;
}

const struct snapshot_distribution *snapshot_slowest_template(const struct snapshot *s) {
    const struct snapshot_distribution *slowest = NULL;
    for (size_t i = 0; i < s->distributions_n; i++) {
        const struct snapshot_distribution *d = &s->distributions[i];
        if (d->figures[FIGURE_COUNT] > 0 && str_starts(d->name, STR(TEMPLATE)) &&
            (!slowest || d->figures[FIGURE_MEAN] > slowest->figures[FIGURE_MEAN]))
            slowest = d;
    }
    return slowest;
}
