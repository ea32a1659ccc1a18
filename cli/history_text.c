// SPDX-License-Identifier: MIT
#include "cli/history_text.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/quantity.h"
#include "cli/path_text.h"
#include "cli/profile_text.h"
#include "cli/show.h"
#include "monitor/json_line.h"

enum { DIGITS = 15, TEMPLATES_SHOWN = 10 };

static void add_moment(struct buf *out, int64_t nanoseconds) {
    char text[32];
    struct tm tm;
    time_t seconds = (time_t)(nanoseconds / 1000000000);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &tm));
    buf_add_text(out, text);
}

// What is kept may be any number.
static uint64_t whole(double value) {
    return value > 0 ? value < 1e18 ? (uint64_t)value : (uint64_t)1e18 : 0;
}

static const char *colour_of(struct str outcome) {
    return str_is(outcome, "done") ? "\033[32m" : str_is(outcome, "failed") ? "\033[31m" : "\033[33m";
}

// Right-aligned in so many columns.
static void add_cell(struct buf *out, struct buf *cell, int width) {
    buf_printf(out, " %*s", width, buf_text(cell));
    buf_clear(cell);
}

// As a terminal may have it, in so many columns at least.
static void add_name(struct buf *out, struct str name, size_t width) {
    size_t from = out->n;
    show_escaped(out, name);
    while (out->n - from < width)
        buf_add_char(out, ' ');
}

// Ends the line.
static void add_last(struct buf *out, struct str name) {
    show_escaped(out, name);
    buf_add_char(out, '\n');
}

// ---- the list

void history_text_rows(const struct history_row *rows, size_t n, bool colour, struct buf *out) {
    struct buf cell = BUF_INIT;
    size_t widest = strlen("session");
    for (size_t i = 0; i < n; i++)
        widest = rows[i].id.n > widest ? rows[i].id.n : widest;
    if (n)
        buf_printf(out, "%-*s  %-11s %12s %11s %11s %8s %10s  %s\n", (int)widest, "session", "outcome",
                   "seconds", "records", "outputs", "failed", "memory", "name");
    for (size_t i = 0; i < n; i++) {
        const struct history_row *row = &rows[i];
        add_name(out, row->id, widest);
        buf_printf(out, "  %s", colour ? colour_of(row->outcome) : "");
        add_name(out, row->outcome, 11);
        buf_add_text(out, colour ? "\033[0m" : "");
        quantity_seconds(&cell, row->seconds);
        add_cell(out, &cell, 12);
        show_count(&cell, whole(row->records));
        add_cell(out, &cell, 11);
        show_count(&cell, whole(row->outputs));
        add_cell(out, &cell, 11);
        show_count(&cell, whole(row->failed));
        add_cell(out, &cell, 8);
        show_bytes(&cell, whole(row->peak_rss_bytes));
        add_cell(out, &cell, 10);
        buf_add_text(out, "  ");
        add_last(out, row->name);
    }
    buf_release(&cell);
}

void history_text_rows_json(const struct history_row *rows, size_t n, struct buf *out) {
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct history_row *row = &rows[i];
        json_t *object = json_object();
        json_object_set_new(object, "session", json_line_text(row->id));
        json_object_set_new(object, "started", json_real((double)row->started / 1e9));
        json_object_set_new(object, "name", json_line_text(row->name));
        json_object_set_new(object, "strategy", json_line_text(row->strategy));
        json_object_set_new(object, "outcome", json_line_text(row->outcome));
        json_object_set_new(object, "digest", json_line_text(row->digest));
        json_object_set_new(object, "run.seconds", json_real(row->seconds));
        json_object_set_new(object, "load.records", json_real(row->records));
        json_object_set_new(object, "render.outputs", json_real(row->outputs));
        json_object_set_new(object, "run.failed", json_real(row->failed));
        json_object_set_new(object, "run.peak_rss_bytes", json_real(row->peak_rss_bytes));
        json_array_append_new(array, object);
    }
    json_line_add(array, DIGITS, out);
}

// ---- one session

static void add_heading(struct buf *out, const char *text, bool colour) {
    buf_add_text(out, colour ? "\033[1m" : "");
    show_escaped(out, str_of(text));
    buf_add_text(out, colour ? "\033[0m\n" : "\n");
}

static void add_text_row(struct buf *out, const char *name, json_t *value) {
    if (!json_is_string(value) || !json_string_length(value))
        return;
    buf_printf(out, "  %-30s ", name);
    add_last(out, str_of(json_string_value(value)));
}

static void add_metrics(json_t *metrics, struct buf *out) {
    for (int i = 0; i < METRICS; i++) {
        const json_t *value = json_object_get(metrics, metric_rows[i].name);
        if (!json_is_number(value))
            continue;
        buf_printf(out, "  %-30s ", metric_rows[i].name);
        quantity_add(out, json_number_value(value), metric_rows[i].unit);
        buf_add_char(out, '\n');
    }
}

static void add_distributions(json_t *distributions, bool colour, struct buf *out) {
    static const enum metric_figure shown[] = {FIGURE_P50, FIGURE_P95, FIGURE_P99, FIGURE_MAX};
    struct buf cell = BUF_INIT;
    const char *name;
    json_t *figures;
    if (json_object_size(distributions)) {
        buf_add_char(out, '\n');
        add_heading(out,
                    "  distribution                          n        p50        p95        p99        max",
                    colour);
    }
    json_object_foreach(distributions, name, figures) {
        buf_add_text(out, "  ");
        add_name(out, str_of(name), 28);
        show_count(&cell, whole(json_number_value(json_object_get(figures, metric_figures[FIGURE_COUNT]))));
        add_cell(out, &cell, 10);
        for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
            const json_t *figure = json_object_get(figures, metric_figures[shown[i]]);
            if (json_is_number(figure))
                quantity_seconds(&cell, json_number_value(figure));
            else
                buf_add_char(&cell, '-');
            add_cell(out, &cell, 10);
        }
        buf_add_char(out, '\n');
    }
    buf_release(&cell);
}

static void add_path(json_t *path, double seconds, bool colour, struct buf *out) {
    struct run_path_part parts[RUN_PATH_PARTS];
    size_t n = 0, i;
    json_t *part;
    json_array_foreach(path, i, part) {
        const json_t *job = json_object_get(part, "job"), *source = json_object_get(part, "source");
        const char *stage = json_string_value(json_object_get(part, "stage")),
                   *subject = json_string_value(job ? job : source);
        if (n < RUN_PATH_PARTS && stage)
            parts[n++] = (struct run_path_part){stage, subject ? "" : NULL, str_of(subject ? subject : ""),
                                                json_number_value(json_object_get(part, "seconds"))};
    }
    if (n)
        buf_add_char(out, '\n');
    path_text_write(parts, n, seconds, colour, out);
}

// How often there was what, a line each.
static void add_counts(json_t *list, const char *heading, const char *name, const char *number, size_t most,
                       bool colour, struct buf *out) {
    size_t i;
    json_t *one;
    const size_t n = json_array_size(list);
    if (n) {
        buf_add_char(out, '\n');
        add_heading(out, heading, colour);
    }
    json_array_foreach(list, i, one) {
        if (i == most)
            break;
        struct buf cell = BUF_INIT;
        const char *text = json_string_value(json_object_get(one, name));
        show_count(&cell, whole(json_number_value(json_object_get(one, number))));
        add_cell(out, &cell, 10);
        buf_add_text(out, "  ");
        add_last(out, str_of(text ? text : "?"));
        buf_release(&cell);
    }
    if (n > most)
        buf_printf(out, "            and %zu more\n", n - most);
}

static void add_alerts(json_t *alerts, bool colour, struct buf *out) {
    size_t i;
    json_t *alert;
    if (json_array_size(alerts)) {
        buf_add_char(out, '\n');
        add_heading(out, "  alerts", colour);
    }
    json_array_foreach(alerts, i, alert) {
        const char *metric = json_string_value(json_object_get(alert, "metric")),
                   *op = json_string_value(json_object_get(alert, "op")),
                   *severity = json_string_value(json_object_get(alert, "severity")),
                   *state = json_string_value(json_object_get(alert, "state"));
        const json_t *observed = json_object_get(alert, "observed");
        const char *unit = metric_unit(str_of(metric ? metric : ""));
        if (!metric || !op || !severity || !state)
            continue;
        buf_add_text(out, "  ");
        add_name(out, str_of(state), 8);
        buf_add_text(out, " ");
        add_name(out, str_of(severity), 9);
        show_escaped(out, str_of(metric));
        buf_add_char(out, ' ');
        show_escaped(out, str_of(op));
        buf_add_char(out, ' ');
        quantity_add(out, json_number_value(json_object_get(alert, "value")), unit);
        if (observed) {
            buf_add_text(out, ": ");
            quantity_add(out, json_number_value(observed), unit);
        }
        buf_add_char(out, '\n');
    }
}

// A value between 0 and `most` as one of eight heights.
static const char *height(double value, double most) {
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double at = most > 0 ? value / most * 8 : 0;
    return blocks[at < 0 ? 0 : at > 7 ? 7 : (int)at];
}

static void add_curve(json_t *samples, const char *key, const char *title, const char *unit,
                      struct buf *out) {
    enum { CELLS = 60 };
    double most = 0;
    size_t n = json_array_size(samples), cells = n < CELLS ? n : CELLS;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, json_number_value(json_object_get(json_array_get(samples, i), key)));
    buf_printf(out, "  %-18s ", title);
    for (size_t c = 0; c < cells; c++)
        buf_add_text(
            out,
            height(json_number_value(json_object_get(json_array_get(samples, c * n / cells), key)), most));
    buf_add_text(out, "  up to ");
    if (unit[0] == 'B')
        show_bytes(out, whole(most));
    else
        buf_printf(out, "%.3g%s", most, unit);
    buf_add_char(out, '\n');
}

static void add_samples(json_t *samples, bool colour, struct buf *out) {
    if (!json_array_size(samples))
        return;
    buf_add_char(out, '\n');
    add_heading(out, "  over time", colour);
    add_curve(samples, "cpu", "processors busy", "", out);
    add_curve(samples, "rss_bytes", "memory", "B", out);
    add_curve(samples, "written_bytes", "written to disk", "B", out);
    add_curve(samples, "in_flight", "batches in flight", "", out);
}

bool history_text_session(struct str document, bool colour, struct buf *out) {
    static const char *const texts[] = {"name", "outcome", "strategy", "machine", "version", "digest"};
    json_t *session = json_loadb(document.p, document.n, 0, NULL);
    const char *id = json_string_value(json_object_get(session, "session"));
    if (id) {
        add_heading(out, id, colour);
        buf_add_text(out, "  started                        ");
        add_moment(out, history_moment(json_number_value(json_object_get(session, "started"))));
        buf_add_text(out, " UTC\n");
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            add_text_row(out, texts[i], json_object_get(session, texts[i]));
        add_metrics(json_object_get(session, "metrics"), out);
        add_distributions(json_object_get(session, "distributions"), colour, out);
        add_path(json_object_get(session, "critical_path"),
                 json_number_value(json_object_get(json_object_get(session, "metrics"), "run.seconds")),
                 colour, out);
        profile_text_write(json_object_get(session, "profile"), colour, out);
        add_counts(json_object_get(session, "templates"), "  templates used", "name", "uses", TEMPLATES_SHOWN,
                   colour, out);
        add_counts(json_object_get(session, "errors"), "  errors", "kind", "count", SIZE_MAX, colour, out);
        add_alerts(json_object_get(session, "alerts"), colour, out);
        add_samples(json_object_get(session, "samples"), colour, out);
    }
    json_decref(session);
    return id;
}
