// SPDX-License-Identifier: MIT
// How figures went from session to session, and the list of sessions.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/quantity.h"
#include "report/given.h"
#include "report/report_session.h"
#include "report/report_sources.h"

enum { TREND_LEAST = 2 };
static const double P_CERTAIN = 1e-9;

struct trend {
    double *xs, *ys; // owned; days before the last, value
    size_t n;
    double most;
};

static void read_points(const json_t *points, struct trend *t) {
    const size_t n = json_array_size(points);
    *t = (struct trend){.xs = MEM_NEW_ARRAY(double, n + 1), .ys = MEM_NEW_ARRAY(double, n + 1)};
    for (size_t i = 0; i < n; i++) {
        const double value = given_number(json_array_get(points, i), "value");
        if (!isfinite(value))
            continue;
        t->xs[t->n] = (double)i + 1; // by number: sessions may be seconds or weeks apart
        t->ys[t->n++] = value;
        t->most = fmax(t->most, value);
    }
}

static size_t index_of(const json_t *points, const char *session) {
    size_t i;
    json_t *point;
    json_array_foreach(points, i, point) {
        if (strcmp(given_text(point, "session"), session) == 0)
            return i;
    }
    return SIZE_MAX;
}

static void tell_change(const json_t *change, const char *unit, struct buf *text) {
    const double before = given_number(change, "before"), after = given_number(change, "after"),
                 p = given_number(change, "p");
    quantity_add(text, before, unit);
    buf_add_text(text, " to ");
    quantity_add(text, after, unit);
    if (before > 0)
        buf_printf(text, ", %+.1f %%", 100 * (after / before - 1));
    if (isfinite(p))
        buf_printf(text, p < P_CERTAIN ? " (p < %.2g)" : " (p = %.2g)", fmax(p, P_CERTAIN));
}

static void add_changes(json_t *section, json_t *chart, const json_t *trend, const char *unit) {
    static const struct report_column columns[] = {{"from session", false, false}, {"level", false, false}};
    const json_t *points = json_object_get(trend, "points"), *changes = json_object_get(trend, "changes");
    if (json_array_size(changes) == 0)
        return;
    char caption[200];
    snprintf(caption, sizeof caption, "Where %.80s changed for good", given_text(trend, "metric"));
    json_t *table = report_add_table(section, caption, columns, 2);
    size_t i;
    json_t *change;
    json_array_foreach(changes, i, change) {
        const char *session = given_text(change, "session");
        const size_t at = index_of(points, session);
        struct buf text = BUF_INIT;
        tell_change(change, unit, &text);
        if (at != SIZE_MAX)
            report_add_mark(chart, (double)at + 1, buf_text(&text));
        json_t *row = report_add_row(table, REPORT_NEUTRAL);
        report_add_cell(row, session);
        report_add_cell(row, buf_text(&text));
        buf_release(&text);
    }
}

static void describe(const struct trend *t, const char *metric, const char *unit, size_t changes,
                     struct buf *text) {
    buf_printf(text, "%s over %zu sessions, the oldest first: from ", metric, t->n);
    quantity_add(text, t->ys[0], unit);
    buf_add_text(text, " to ");
    quantity_add(text, t->ys[t->n - 1], unit);
    buf_printf(text, ", %s.", changes ? "with changes that stayed" : "with no change that stayed");
}

static void add_trend(json_t *section, const json_t *trend) {
    const char *metric = given_text(trend, "metric"), *unit = given_text(trend, "unit");
    struct trend t;
    struct buf text = BUF_INIT;
    read_points(json_object_get(trend, "points"), &t);
    if (t.n >= TREND_LEAST) {
        describe(&t, metric, unit, json_array_size(json_object_get(trend, "changes")), &text);
        json_t *chart = report_add_chart(section, "line", metric, buf_text(&text));
        report_set_axis(chart, "x", &(struct report_axis){"session", "", 1, t.xs[t.n - 1]}, false);
        report_set_axis(chart, "y", &(struct report_axis){metric, unit, 0, t.most}, true);
        report_add_series(chart, metric, 0, t.xs, t.ys, t.n);
        add_changes(section, chart, trend, unit);
    }
    buf_release(&text);
    mem_free(t.xs);
    mem_free(t.ys);
}

void report_add_trends(struct report *report, const json_t *trends) {
    size_t i;
    json_t *trend;
    if (json_array_size(trends) == 0)
        return;
    json_t *section = report_section(
        report, "trend", "Over sessions",
        "Figures of this and earlier sessions of the same name, the oldest first. A mark is where "
        "a level changed and stayed.",
        false);
    json_array_foreach(trends, i, trend) {
        add_trend(section, trend);
    }
}

// ---- a report about a trend alone

struct report *report_build_trend(const json_t *trend, const struct report_options *options) {
    const char *metric = given_text(trend, "metric"), *unit = given_text(trend, "unit");
    const size_t changes = json_array_size(json_object_get(trend, "changes"));
    struct report *report = report_new(REPORT_HISTORY, metric, options->made);
    struct buf text = BUF_INIT;
    struct trend t;
    read_points(json_object_get(trend, "points"), &t);
    if (t.n)
        describe(&t, metric, unit, changes, &text);
    else
        buf_add_text(&text, "No session has this figure.");
    report_set_verdict(report, changes ? REPORT_WARNING : REPORT_NEUTRAL, changes ? "changed" : "steady",
                       buf_text(&text));
    if (t.n) {
        report_add_figure(report, &(struct report_figure){
                                      .id = metric, .label = "latest", .value = t.ys[t.n - 1], .unit = unit});
        report_add_figure(report, &(struct report_figure){
                                      .id = "greatest", .label = "greatest", .value = t.most, .unit = unit});
    }
    report_add_figure(report, &(struct report_figure){
                                  .id = "sessions", .label = "sessions", .value = (double)t.n, .unit = ""});
    add_trend(report_section(report, "trend", "Over sessions",
                             "The oldest first. A mark is where the level changed and stayed.", false),
              trend);
    buf_release(&text);
    mem_free(t.xs);
    mem_free(t.ys);
    return report;
}

// ---- the list of sessions

static void add_sessions(struct report *report, const json_t *rows) {
    static const struct report_column columns[] = {{"started", false, false}, {"name", false, false},
                                                   {"outcome", false, false}, {"strategy", false, false},
                                                   {"time", true, true},      {"records", true, false},
                                                   {"outputs", true, false},  {"failed", true, false},
                                                   {"memory", true, false},   {"session", false, false}};
    json_t *section = report_section(report, "sessions", "Sessions", "The newest first.", false);
    json_t *table = report_add_table(section, "Sessions", columns, sizeof columns / sizeof *columns);
    double longest = 0;
    size_t i;
    json_t *from;
    json_array_foreach(rows, i, from) {
        longest = fmax(longest, given_number(from, "run.seconds"));
    }
    json_array_foreach(rows, i, from) {
        const char *outcome = given_text(from, "outcome");
        const double seconds = given_number(from, "run.seconds");
        struct buf moment = BUF_INIT;
        report_add_moment(&moment, given_number(from, "started"));
        json_t *row = report_add_row(table, strcmp(outcome, "failed") == 0 ? REPORT_BAD : REPORT_NEUTRAL);
        report_add_cell(row, buf_text(&moment));
        report_add_cell(row, given_text(from, "name"));
        report_add_cell(row, outcome);
        report_add_cell(row, given_text(from, "strategy"));
        report_add_share(row, seconds, "s", longest > 0 ? seconds / longest : 0);
        report_add_number(row, given_number(from, "load.records"), "");
        report_add_number(row, given_number(from, "render.outputs"), "");
        report_add_number(row, given_number(from, "run.failed"), "");
        report_add_number(row, given_number(from, "run.peak_rss_bytes"), "B");
        report_add_cell(row, given_text(from, "session"));
        buf_release(&moment);
    }
}

struct report *report_build_history(const json_t *rows, const struct report_options *options) {
    struct report *report = report_new(REPORT_HISTORY, "history", options->made);
    size_t i, failed = 0, n = json_array_size(rows);
    json_t *row;
    char text[128];
    json_array_foreach(rows, i, row) {
        failed += strcmp(given_text(row, "outcome"), "done") != 0;
    }
    if (failed)
        snprintf(text, sizeof text, "%zu of %zu sessions did not end well.", failed, n);
    else
        snprintf(text, sizeof text, "%zu session%s; %s.", n, n == 1 ? "" : "s",
                 n ? "all of them ended well" : "none has been kept");
    report_set_verdict(report,
                       n && strcmp(given_text(json_array_get(rows, 0), "outcome"), "done") != 0
                           ? REPORT_WARNING
                           : REPORT_NEUTRAL,
                       failed ? "with failures" : "all done", text);
    report_add_figure(report, &(struct report_figure){
                                  .id = "sessions", .label = "sessions", .value = (double)n, .unit = ""});
    report_add_figure(report, &(struct report_figure){.id = "failed",
                                                      .label = "did not end well",
                                                      .value = (double)failed,
                                                      .unit = "",
                                                      .state = failed ? REPORT_WARNING : REPORT_GOOD});
    report_add_trends(report, options->history);
    add_sessions(report, rows);
    return report;
}
