// SPDX-License-Identifier: MIT
// What a run came to: the verdict, the key figures, and the sections in the order in which they are of interest.
#include "report/report_session.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "report/given.h"
#include "report/report_sources.h"

double report_session_metric(const json_t *session, const char *name) {
    return given_number_in(session, "metrics", name);
}

static double metric_or_zero(const json_t *session, const char *name) {
    const double value = report_session_metric(session, name);
    return isfinite(value) ? value : 0;
}

static void add_number(struct buf *out, double n, const char *one, const char *many) {
    quantity_count(out, n > 0 ? (uint64_t)n : 0);
    buf_printf(out, " %s", n == 1 ? one : many);
}

// ---- the verdict

static void tell_made(const json_t *session, struct buf *text) {
    const double kept = metric_or_zero(session, "render.up_to_date");
    add_number(text, metric_or_zero(session, "render.outputs"), "output", "outputs");
    buf_add_text(text, " from ");
    add_number(text, metric_or_zero(session, "load.records"), "record", "records");
    buf_add_text(text, " in ");
    quantity_seconds(text, metric_or_zero(session, "run.seconds"));
    if (kept > 0) {
        buf_add_text(text, "; ");
        quantity_count(text, (uint64_t)kept);
        buf_add_text(text, " were up to date");
    }
}

static uint64_t jobs_that(const json_t *session, const char *state) {
    uint64_t n = 0;
    size_t i;
    json_t *job;
    json_array_foreach(json_object_get(session, "jobs"), i, job) {
        n += strcmp(given_text(job, "state"), state) == 0;
    }
    return n;
}

static void tell_failed(const json_t *session, struct buf *text) {
    const double failed = metric_or_zero(session, "run.failed"),
                 differing = metric_or_zero(session, "cache.differing");
    const uint64_t jobs = jobs_that(session, "failed") + jobs_that(session, "skipped");
    if (failed > 0) {
        buf_add_text(text, "; ");
        quantity_count(text, (uint64_t)failed);
        buf_add_text(text, " failed");
    }
    if (jobs)
        buf_printf(text, "; %llu job%s did not come to %s end", (unsigned long long)jobs,
                   jobs == 1 ? "" : "s", jobs == 1 ? "its" : "their");
    if (differing > 0)
        buf_add_text(text, "; the cache had another text than was made");
    if (failed <= 0 && !jobs && differing <= 0)
        buf_add_text(text, "; nothing failed");
    buf_add_char(text, '.');
}

static void set_verdict(struct report *report, const json_t *session) {
    const char *outcome = given_text(session, "outcome");
    const bool done = strcmp(outcome, "done") == 0, failed = strcmp(outcome, "failed") == 0;
    struct buf text = BUF_INIT;
    tell_made(session, &text);
    tell_failed(session, &text);
    report_set_verdict(report,
                       done     ? REPORT_GOOD
                       : failed ? REPORT_BAD
                                : REPORT_WARNING,
                       *outcome ? outcome : "unknown", buf_text(&text));
    buf_release(&text);
}

static void set_subtitle(struct report *report, const json_t *session) {
    const double workers = report_session_metric(session, "run.workers");
    struct buf text = BUF_INIT, strategy = BUF_INIT;
    given_texts(session, "strategy", &strategy);
    report_add_moment(&text, given_number(session, "started"));
    if (isfinite(workers)) {
        buf_add_text(&text, ", ");
        add_number(&text, workers, "worker", "workers");
    }
    if (strategy.n && !str_is(buf_str(&strategy), "default"))
        buf_printf(&text, ", strategy %s", buf_text(&strategy));
    buf_release(&strategy);
    report_set_subtitle(report, buf_text(&text));
    buf_release(&text);
}

// ---- key figures

struct key_figure {
    const char *id, *label, *unit;
    bool less_is_better, shown_if_zero;
};

static const struct key_figure figures[] = {
    {"run.seconds", "time", "s", true, true},
    {"load.records", "records read", "", false, true},
    {"render.outputs", "outputs made", "", false, true},
    {"render.up_to_date", "up to date", "", false, false},
    {"run.failed", "failed", "", true, true},
    {"run.records_per_second", "records a second", "1/s", false, false},
    {"render.p50", "half of the outputs within", "s", true, false},
    {"render.p99", "99 of 100 within", "s", true, false},
    {"emit.stored_bytes", "written", "B", false, false},
    {"cache.render.hit_rate", "found in the cache", "share", false, false},
    {"cache.through.hit_rate", "filtered before", "share", false, false},
    {"run.cpu_seconds", "processor time", "s", true, false},
    {"run.parallel_efficiency", "workers busy", "share", false, false},
    {"run.peak_rss_bytes", "memory at most", "B", true, false},
};

// The median of what a figure was in the sessions before this one; NAN: too few are known.
static double usual_of(const json_t *trends, const char *id, const char *session) {
    enum { LATEST = 20, LEAST = 3 };
    double values[LATEST];
    size_t i, n = 0;
    json_t *trend;
    json_array_foreach(trends, i, trend) {
        const json_t *points = json_object_get(trend, "points");
        if (strcmp(given_text(trend, "metric"), id) != 0)
            continue;
        for (size_t p = json_array_size(points); p > 0 && n < LATEST; p--) {
            const json_t *point = json_array_get(points, p - 1);
            const double value = given_number(point, "value");
            if (!isfinite(value) || strcmp(given_text(point, "session"), session) == 0)
                continue;
            size_t at = n++; // sorted as they come
            for (; at > 0 && values[at - 1] > value; at--)
                values[at] = values[at - 1];
            values[at] = value;
        }
    }
    return n < LEAST ? (double)NAN : n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void add_note(struct buf *note, double value, double usual) {
    if (!isfinite(usual) || usual <= 0)
        return;
    const double change = value / usual - 1;
    if (fabs(change) < 0.005)
        buf_add_text(note, "as usual");
    else
        buf_printf(note, "%+.0f %% to what is usual", 100 * change);
}

static double figure_value(const json_t *session, const char *id) {
    const char *dot = strrchr(id, '.');
    const double value = report_session_metric(session, id);
    if (isfinite(value) || strncmp(id, "render.p", 8) != 0)
        return value;
    return given_number(json_object_get(json_object_get(session, "distributions"), "render"), dot + 1);
}

static void add_figures(struct report *report, const json_t *session, const json_t *trends) {
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        const struct key_figure *f = &figures[i];
        const double value = figure_value(session, f->id);
        const bool failures = strcmp(f->id, "run.failed") == 0;
        struct buf note = BUF_INIT;
        if (!isfinite(value) || (value == 0 && !f->shown_if_zero))
            continue;
        add_note(&note, value, usual_of(trends, f->id, given_text(session, "session")));
        report_add_figure(
            report, &(struct report_figure){.id = f->id,
                                            .label = f->label,
                                            .value = value,
                                            .unit = f->unit,
                                            .state = failures && value > 0 ? REPORT_BAD : REPORT_NEUTRAL,
                                            .note = buf_text(&note)});
        buf_release(&note);
    }
}

// ---- the whole

static struct report *build(const json_t *session, const struct report_options *options,
                            enum report_kind kind) {
    struct buf name = BUF_INIT;
    given_texts(session, "name", &name);
    struct report *report = report_new(kind, name.n ? buf_text(&name) : "pressrun", options->made);
    buf_release(&name);
    set_subtitle(report, session);
    set_verdict(report, session);
    add_figures(report, session, options->history);
    report_session_alerts(report, session);
    report_session_failures(report, session);
    report_session_timeline(report, session);
    report_session_path(report, session);
    report_session_percentiles(report, session);
    report_session_slowest(report, session);
    report_session_profile(report, session);
    report_session_cache(report, session);
    report_session_databases(report, session);
    report_session_joins(report, session);
    report_session_strategy(report, session);
    report_session_resources(report, session);
    report_add_trends(report, options->history);
    report_session_jobs(report, session);
    report_session_work(report, session);
    report_session_machine(report, session);
    return report;
}

struct report *report_build_session(const json_t *session, const struct report_options *options) {
    return build(session, options, REPORT_SESSION);
}

// ---- sessions merged into one

static void add_parts(struct report *report, const json_t *merged) {
    static const struct report_column columns[] = {{"session", false, false}};
    struct buf text = BUF_INIT;
    size_t i;
    json_t *id;
    buf_add_text(&text, "From the beginning of the first to the beginning of the last: ");
    quantity_seconds(&text, given_number(merged, "elapsed_seconds"));
    buf_add_text(&text, ". Counts and times are sums, what was greatest is the greatest.");
    json_t *section = report_section(report, "parts", "The sessions", buf_text(&text), true);
    json_t *table = report_add_table(section, "Sessions merged", columns, 1);
    json_array_foreach(json_object_get(merged, "sessions"), i, id) {
        report_add_cell(report_add_row(table, REPORT_NEUTRAL), json_string_value(id));
    }
    buf_release(&text);
}

struct report *report_build_merged(const json_t *session, const struct report_options *options) {
    struct report *report = build(session, options, REPORT_MERGED);
    add_parts(report, json_object_get(session, "merged"));
    return report;
}
