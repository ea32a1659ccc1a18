// SPDX-License-Identifier: MIT
// The charts of a report: axes with ticks at round numbers, series thinned to what can be seen.
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/quantity.h"
#include "report/report_private.h"

enum { TICKS = 5, TICKS_MOST = 12, BARS = REPORT_ROWS };

json_t *report_add_chart(json_t *section, const char *form, const char *caption, const char *text) {
    json_t *chart = report_add_block(section, "chart");
    report_put(chart, "form", form);
    report_put(chart, "caption", caption);
    report_put(chart, "text", text);
    return chart;
}

// The member of that name, made where there is none.
static json_t *list_of(json_t *object, const char *key) {
    json_t *list = json_object_get(object, key);
    if (list || !object)
        return list;
    list = json_array();
    json_object_set_new(object, key, list);
    return list;
}

// ---- axes

// 1, 2 or 5 times a power of ten. Whole counts have no ticks between them.
static double round_step(double span, const char *unit) {
    const double raw = span / TICKS, power = pow(10, floor(log10(raw)));
    const double scaled = raw / power;
    const double step = power * (scaled <= 1 ? 1 : scaled <= 2 ? 2 : scaled <= 5 ? 5 : 10);
    return *unit == '\0' && step < 1 && span >= 2 ? 1 : step;
}

// "10.0 ms" is "10 ms", "0.500" is "0.5": ticks are round.
static void add_round(struct buf *out, double at, const char *unit) {
    struct buf text = BUF_INIT;
    quantity_add(&text, at, unit);
    const char *all = buf_text(&text), *dot = strchr(all, '.');
    const char *end = dot ? dot + 1 + strspn(dot + 1, "0123456789") : all + text.n;
    const char *kept = end;
    while (dot && kept[-1] == '0')
        kept--;
    kept -= dot && kept == dot + 1;
    buf_add(out, all, (size_t)(kept - all));
    buf_add_text(out, end);
    buf_release(&text);
}

static void add_tick(json_t *ticks, double at, double step, const char *unit) {
    json_t *tick = json_object();
    struct buf text = BUF_INIT;
    if (fabs(at) < step * 1e-9)
        at = 0;
    if (at == 0)
        buf_add_char(&text, '0');
    else
        add_round(&text, at, unit);
    report_put_number(tick, "at", at);
    report_put(tick, "text", buf_text(&text));
    json_array_append_new(ticks, tick);
    buf_release(&text);
}

void report_set_axis(json_t *chart, const char *which, const struct report_axis *axis, bool rounded) {
    json_t *object = json_object(), *ticks = json_array();
    double min = isfinite(axis->min) ? axis->min : 0, max = isfinite(axis->max) ? axis->max : min + 1;
    if (!(max - min > fabs(max) * 1e-12))
        max = min + (min != 0 ? fabs(min) : 1); // nothing moves: there is to be an axis all the same
    const double step = round_step(max - min, axis->unit);
    if (rounded)
        max = min + ceil((max - min) / step - 1e-9) * step;
    const double first = ceil(min / step - 1e-9) * step;
    for (int i = 0; i < TICKS_MOST && first + i * step <= max + step * 1e-6; i++)
        add_tick(ticks, first + i * step, step, axis->unit);
    report_put(object, "label", axis->label);
    report_put(object, "unit", axis->unit);
    report_put_number(object, "min", min);
    report_put_number(object, "max", max);
    json_object_set_new(object, "ticks", ticks);
    json_object_set_new(chart, which, object);
}

// ---- lines and areas

static void add_point(json_t *points, double x, double y) {
    if (isfinite(x) && isfinite(y))
        json_array_append_new(points, json_pack("[f, f]", x, y));
}

// The least and the greatest of a stretch, in the order they came.
static void add_extremes(json_t *points, const double *xs, const double *ys, size_t from, size_t to) {
    size_t least = from, greatest = from;
    for (size_t i = from; i < to; i++) {
        least = ys[i] < ys[least] ? i : least;
        greatest = ys[i] > ys[greatest] ? i : greatest;
    }
    const size_t first = least < greatest ? least : greatest, last = least < greatest ? greatest : least;
    add_point(points, xs[first], ys[first]);
    if (last != first)
        add_point(points, xs[last], ys[last]);
}

void report_add_series(json_t *chart, const char *name, int kind, const double *xs, const double *ys,
                       size_t n) {
    json_t *all = list_of(chart, "series"), *series = json_object(), *points = json_array();
    enum { STRETCHES = REPORT_POINTS / 2 };
    report_put(series, "name", name);
    json_object_set_new(series, "kind", json_integer(kind));
    for (size_t i = 0; n <= REPORT_POINTS && i < n; i++)
        add_point(points, xs[i], ys[i]);
    for (size_t s = 0; n > REPORT_POINTS && s < STRETCHES; s++)
        add_extremes(points, xs, ys, s * n / STRETCHES, (s + 1) * n / STRETCHES);
    json_object_set_new(series, "points", points);
    if (json_array_size(all) < REPORT_SERIES)
        json_array_append(all, series);
    json_decref(series);
}

void report_add_mark(json_t *chart, double at, const char *text) {
    json_t *marks = list_of(chart, "marks");
    if (json_array_size(marks) >= REPORT_MARKS || !isfinite(at))
        return;
    json_t *mark = json_object();
    report_put_number(mark, "at", at);
    report_put(mark, "text", text);
    json_array_append_new(marks, mark);
}

// ---- bars and intervals

void report_add_bar(json_t *chart, const struct report_bar *bar) {
    json_t *rows = list_of(chart, "rows");
    if (!chart || json_array_size(rows) >= BARS)
        return;
    json_t *row = json_object();
    struct buf text = BUF_INIT;
    quantity_add(&text, bar->value, bar->unit);
    report_put(row, "name", bar->name);
    report_put_number(row, "low", bar->low);
    report_put_number(row, "value", bar->value);
    report_put_number(row, "high", bar->high);
    report_put(row, "text", buf_text(&text));
    report_put_state(row, bar->state);
    json_array_append_new(rows, row);
    buf_release(&text);
}

// ---- lanes

void report_add_kind(json_t *chart, const char *name) {
    json_array_append_new(list_of(chart, "kinds"), report_text_json(str_of(name), REPORT_TEXT));
}

json_t *report_add_lane(json_t *chart, const char *name) {
    json_t *lane = json_object();
    if (!chart) {
        json_decref(lane);
        return NULL;
    }
    report_put(lane, "name", name);
    json_object_set_new(lane, "spans", json_array());
    json_array_append_new(list_of(chart, "lanes"), lane);
    return lane;
}

void report_add_span(json_t *lane, const struct report_span *span) {
    json_t *object = json_pack("{s:f, s:f, s:i, s:f, s:f}", "from", span->from, "to", span->to, "kind",
                               span->kind, "base", span->base, "share", span->share);
    json_array_append_new(json_object_get(lane, "spans"), object);
}
