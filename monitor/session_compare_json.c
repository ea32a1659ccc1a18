// SPDX-License-Identifier: MIT
// Two sessions side by side, as JSON.
#include <math.h>

#include "monitor/json_line.h"
#include "monitor/session_compare.h"

enum { REAL_DIGITS = 15 };

static json_t *number_json(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *side_json(const struct session_comparison *c, bool b) {
    json_t *object = json_object();
    for (size_t i = 0; i < SESSION_FACTS; i++)
        json_object_set_new(object, c->facts[i].key, json_line_text(b ? c->facts[i].b : c->facts[i].a));
    json_object_set_new(object, "started", number_json(b ? c->started_b : c->started_a));
    return object;
}

static json_t *figure_json(const struct session_figure *f) {
    json_t *object = json_object();
    json_object_set_new(object, "name", json_line_text(f->name));
    json_object_set_new(object, "unit", json_string(f->unit));
    json_object_set_new(object, "work", json_boolean(f->work));
    json_object_set_new(object, "a", number_json(f->a));
    json_object_set_new(object, "b", number_json(f->b));
    json_object_set_new(object, "ratio", number_json(f->a != 0 ? f->b / f->a : NAN));
    json_object_set_new(object, "change", json_string(session_changes[f->change]));
    json_object_set_new(object, "worse", json_integer(f->worse));
    if (f->usual.n) {
        json_t *usual = json_object();
        json_object_set_new(usual, "low", number_json(f->usual.low));
        json_object_set_new(usual, "high", number_json(f->usual.high));
        json_object_set_new(usual, "mean", number_json(f->usual.mean));
        json_object_set_new(usual, "sessions", json_integer((json_int_t)f->usual.n));
        json_object_set_new(object, "usual", usual);
    }
    return object;
}

static json_t *distribution_figures(const double figures[FIGURES]) {
    json_t *object = json_object();
    for (int f = 0; f < FIGURES; f++)
        json_object_set_new(object, metric_figures[f], number_json(figures[f]));
    return object;
}

void session_comparison_write_json(const struct session_comparison *c, struct buf *out) {
    json_t *object = json_object(), *figures = json_array(), *pairs = json_object(), *counts = json_object();
    for (size_t i = 0; i < c->figures_n; i++)
        json_array_append_new(figures, figure_json(&c->figures[i]));
    for (size_t i = 0; i < c->pairs_n; i++) {
        json_t *pair = json_object();
        json_object_set_new(pair, "a", distribution_figures(c->pairs[i].a));
        json_object_set_new(pair, "b", distribution_figures(c->pairs[i].b));
        json_object_set_new(pair, "later", number_json(c->pairs[i].later));
        json_object_set_new(pairs, c->pairs[i].name.p, pair); // kept with an end
    }
    json_object_set_new(counts, "work",
                        json_integer((json_int_t)session_comparison_count(c, true, SESSION_MOVED)));
    json_object_set_new(counts, "figures",
                        json_integer((json_int_t)session_comparison_count(c, false, SESSION_MOVED)));
    json_object_set_new(object, "session_comparison", json_integer(1));
    json_object_set_new(object, "a", side_json(c, false));
    json_object_set_new(object, "b", side_json(c, true));
    json_object_set_new(object, "moved", counts);
    json_object_set_new(object, "figures", figures);
    json_object_set_new(object, "distributions", pairs);
    json_line_add(object, REAL_DIGITS, out);
}
