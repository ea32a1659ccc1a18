// SPDX-License-Identifier: MIT
// Trends as JSON, as docs/history.md has it.
#include <math.h>

#include "bench/trend.h"
#include "monitor/json_line.h"

enum { REAL_DIGITS = 15 };

static json_t *number_json(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *with_json(const struct trend_with *with, size_t n) {
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct trend_with *w = &with[i];
        json_t *object = json_object();
        json_object_set_new(object, "what", json_string(w->what));
        json_object_set_new(object, "before",
                            w->number ? number_json(w->old_value) : json_line_text(w->before));
        json_object_set_new(object, "after",
                            w->number ? number_json(w->new_value) : json_line_text(w->after));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *point_json(const struct trend_point *point) {
    json_t *object = json_object();
    json_object_set_new(object, "session", json_line_text(point->id));
    json_object_set_new(object, "started", json_real((double)point->started / 1e9));
    json_object_set_new(object, "value", number_json(point->value));
    if (point->outlier)
        json_object_set_new(object, "outlier", json_true());
    return object;
}

static void set_change(json_t *object, const struct change *change) {
    json_object_set_new(object, "before", number_json(change->before));
    json_object_set_new(object, "after", number_json(change->after));
    json_object_set_new(object, "p", number_json(change->p));
}

static json_t *expected_json(const struct trend *t) {
    json_t *object = json_object();
    if (!t->expects) {
        json_decref(object);
        return json_null();
    }
    json_object_set_new(object, "low", number_json(t->expected.low));
    json_object_set_new(object, "high", number_json(t->expected.high));
    json_object_set_new(object, "mean", number_json(t->expected.mean));
    json_object_set_new(object, "deviation", number_json(t->expected.deviation));
    json_object_set_new(object, "sessions", json_integer((json_int_t)t->expected.n));
    return object;
}

void trend_write_json(const struct trend *t, struct buf *out) {
    json_t *object = json_object(), *points = json_array(), *changes = json_array(), *mixed = json_array();
    for (size_t i = 0; i < t->points_n; i++)
        json_array_append_new(points, point_json(&t->points[i]));
    for (size_t i = 0; i < t->changes_n; i++) {
        const struct trend_change *c = &t->changes[i];
        json_t *change = json_object();
        json_object_set_new(change, "session", json_line_text(t->points[c->change.at].id));
        set_change(change, &c->change);
        json_object_set_new(change, "with", with_json(c->with, c->with_n));
        json_array_append_new(changes, change);
    }
    for (size_t i = 0; i < t->mixed_n; i++)
        json_array_append_new(mixed, json_string(t->mixed[i]));
    json_object_set_new(object, "metric", json_line_text(t->figure));
    json_object_set_new(object, "unit", json_string(t->unit));
    json_object_set_new(object, "points", points);
    json_object_set_new(object, "changes", changes);
    json_object_set_new(object, "expected", expected_json(t));
    json_object_set_new(object, "mixed", mixed);
    json_line_add(object, REAL_DIGITS, out);
}

static json_t *run_json(const struct moved_run *run) {
    json_t *object = json_object(), *figures = json_array();
    for (size_t i = 0; i < run->figures_n; i++) {
        const struct moved_figure *f = &run->figures[i];
        json_t *figure = json_object();
        json_object_set_new(figure, "name", json_string(f->name));
        json_object_set_new(figure, "unit", json_string(f->unit));
        set_change(figure, &f->change);
        json_object_set_new(figure, "worse", json_integer(f->worse));
        json_array_append_new(figures, figure);
    }
    json_object_set_new(object, "session", json_line_text(run->id));
    json_object_set_new(object, "started", json_real((double)run->started / 1e9));
    json_object_set_new(object, "with", with_json(run->with, run->with_n));
    json_object_set_new(object, "figures", figures);
    return object;
}

void moves_write_json(const struct moves *m, struct buf *out) {
    json_t *object = json_object(), *runs = json_array();
    for (size_t i = 0; i < m->runs_n; i++)
        json_array_append_new(runs, run_json(&m->runs[i]));
    json_object_set_new(object, "history_changes", json_integer(1));
    json_object_set_new(object, "sessions", json_integer((json_int_t)m->sessions));
    json_object_set_new(object, "figures", json_integer((json_int_t)m->figures));
    json_object_set_new(object, "changes", runs);
    json_line_add(object, REAL_DIGITS, out);
}
