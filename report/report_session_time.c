// SPDX-License-Identifier: MIT
// When, where and how long: the timeline of workers, the critical path, distributions, slowest outputs, resources.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/quantity.h"
#include "report/given.h"
#include "report/report_session.h"

enum { STAGES = 4, DISTRIBUTIONS_MOST = 1000 };
static const char *const stages[STAGES] = {"compile", "load", "render", "emit"};

// ---- the timeline

struct lanes {
    double bucket, seconds;
    size_t buckets, group; // so many buckets are drawn as one
};

// Percent of a bucket; 0 where the kind did not come.
static double percent_at(const json_t *lane, const char *stage, size_t bucket) {
    const json_t *stretch = json_object_get(lane, stage);
    const size_t from = (size_t)given_count(stretch, "from");
    const json_t *value =
        bucket < from ? NULL : json_array_get(json_object_get(stretch, "percent"), bucket - from);
    const double percent = json_number_value(value);
    return percent > 0 ? percent < 100 ? percent : 100 : 0;
}

static double share_of(const json_t *lane, const char *stage, const struct lanes *l, size_t from, size_t to) {
    double sum = 0;
    for (size_t b = from; b < to; b++)
        sum += percent_at(lane, stage, b);
    return sum / 100 / (double)(to - from > 0 ? to - from : l->group);
}

static void add_lane(json_t *chart, const json_t *lane, const struct lanes *l) {
    json_t *drawn = report_add_lane(chart, given_text(lane, "name"));
    for (size_t from = 0; from < l->buckets; from += l->group) {
        const size_t to = from + l->group < l->buckets ? from + l->group : l->buckets;
        double base = 0;
        for (int k = 0; k < STAGES; k++) {
            const double share = share_of(lane, stages[k], l, from, to);
            if (share <= 0)
                continue;
            const double height = base + share > 1 ? 1 - base : share;
            report_add_span(drawn, &(struct report_span){.from = (double)from * l->bucket,
                                                         .to = fmin((double)to * l->bucket, l->seconds),
                                                         .kind = k,
                                                         .base = base,
                                                         .share = height});
            base += height;
        }
    }
}

static void tell_stages(const json_t *session, struct buf *text) {
    double sum = 0;
    char name[64];
    for (int k = 0; k < STAGES; k++) {
        snprintf(name, sizeof name, "%s.seconds", stages[k]);
        const double seconds = report_session_metric(session, name);
        sum += isfinite(seconds) ? seconds : 0;
    }
    buf_add_text(text, "What each worker did when: of all the work");
    for (int k = 0; k < STAGES && sum > 0; k++) {
        snprintf(name, sizeof name, "%s.seconds", stages[k]);
        const double seconds = report_session_metric(session, name);
        buf_printf(text, "%s %s took ", k ? "," : "", stages[k]);
        quantity_add(text, isfinite(seconds) ? seconds / sum : 0, "share");
    }
    buf_add_char(text, '.');
}

void report_session_timeline(struct report *report, const json_t *session) {
    const json_t *timeline = json_object_get(session, "timeline"), *all = json_object_get(timeline, "lanes");
    struct lanes l = {.bucket = given_number(timeline, "bucket_seconds"),
                      .seconds = given_number(timeline, "seconds")};
    const size_t n = json_array_size(all);
    if (n == 0 || !(l.bucket > 0) || !(l.seconds > 0) || l.seconds / l.bucket > 10000)
        return;
    l.buckets = (size_t)ceil(l.seconds / l.bucket - 1e-9);
    const size_t budget = REPORT_SPANS / n / STAGES;
    l.group = budget ? (l.buckets + budget - 1) / budget : l.buckets;
    l.group = l.group ? l.group : 1;
    struct buf text = BUF_INIT;
    tell_stages(session, &text);
    json_t *section =
        report_section(report, "timeline", "What the workers did",
                       "A lane for each worker. Its height is how busy it was; what is empty is idle or "
                       "sharing out work.",
                       false);
    json_t *chart = report_add_chart(section, "lanes", "Workers and stages over time", buf_text(&text));
    report_set_axis(chart, "x", &(struct report_axis){"time", "s", 0, l.seconds}, false);
    for (int k = 0; k < STAGES; k++)
        report_add_kind(chart, stages[k]);
    for (size_t i = 0; i < n && i * STAGES < REPORT_SPANS; i++)
        add_lane(chart, json_array_get(all, i), &l);
    buf_release(&text);
}

// ---- the critical path, and the nodes

static void part_name(const json_t *part, struct buf *name) {
    const char *subject = given_text(part, "job");
    buf_clear(name);
    buf_add_text(name, given_text(part, "stage"));
    subject = *subject ? subject : given_text(part, "source");
    if (*subject)
        buf_printf(name, " %s", subject);
}

static void add_path(json_t *section, const json_t *path) {
    enum { SHOWN = 12 };
    struct buf name = BUF_INIT, text = BUF_INIT;
    double greatest = 0;
    size_t i;
    json_t *part;
    if (json_array_size(path) == 0)
        return;
    part_name(json_array_get(path, 0), &name);
    buf_printf(&text, "Most of the run waited for %s.", buf_text(&name));
    json_t *chart = report_add_chart(section, "bars", "The critical path", buf_text(&text));
    json_array_foreach(path, i, part) {
        greatest = fmax(greatest, given_number(part, "seconds"));
    }
    report_set_axis(chart, "x", &(struct report_axis){"seconds of the run", "s", 0, greatest}, true);
    json_array_foreach(path, i, part) {
        if (i >= SHOWN)
            break;
        part_name(part, &name);
        report_add_bar(chart, &(struct report_bar){.name = buf_text(&name),
                                                   .low = (double)NAN,
                                                   .value = given_number(part, "seconds"),
                                                   .high = (double)NAN,
                                                   .unit = "s"});
    }
    buf_release(&name);
    buf_release(&text);
}

static void add_nodes(json_t *section, const json_t *nodes) {
    static const struct report_column columns[] = {{"node", false, false},
                                                   {"busy", true, true},
                                                   {"batches or outputs", true, false},
                                                   {"half within", true, false},
                                                   {"95 of 100 within", true, false}};
    double greatest = 0;
    size_t i;
    json_t *node;
    struct buf name = BUF_INIT;
    if (json_array_size(nodes) == 0)
        return;
    json_t *table = report_add_table(section, "Busy time of each node of the graph, over all workers",
                                     columns, sizeof columns / sizeof *columns);
    json_array_foreach(nodes, i, node) {
        greatest = fmax(greatest, given_number(node, "seconds"));
    }
    json_array_foreach(nodes, i, node) {
        const double seconds = given_number(node, "seconds");
        const double batches = given_number(node, "batches"), outputs = given_number(node, "outputs");
        part_name(node, &name);
        json_t *row = report_add_row(table, REPORT_NEUTRAL);
        report_add_cell(row, buf_text(&name));
        report_add_share(row, seconds, "s", greatest > 0 ? seconds / greatest : 0);
        report_add_number(row, isfinite(outputs) ? outputs : batches, "");
        report_add_number(row, given_number(node, "p50"), "s");
        report_add_number(row, given_number(node, "p95"), "s");
    }
    buf_release(&name);
}

void report_session_path(struct report *report, const json_t *session) {
    json_t *section =
        report_section(report, "time", "Where the time went",
                       "The critical path is what decided how long the run took: make something "
                       "on it quicker, and the run may be.",
                       false);
    add_path(section, json_object_get(session, "critical_path"));
    add_nodes(section, json_object_get(session, "nodes"));
}

// ---- distributions

static void add_distribution(json_t *table, const char *name, const json_t *figures, double greatest) {
    static const char *const shown[] = {"p50", "p95", "p99", "max"};
    json_t *row = report_add_row(table, REPORT_NEUTRAL);
    const double all = given_number(figures, "mean") * given_number(figures, "count");
    report_add_cell(row, name);
    report_add_number(row, given_number(figures, "count"), "");
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        report_add_number(row, given_number(figures, shown[i]), "s");
    report_add_share(row, all, "s", greatest > 0 ? all / greatest : 0);
}

struct named {
    const char *name;
    const json_t *figures;
    double all; // seconds
};

static int by_all(const void *a, const void *b) {
    const double x = ((const struct named *)a)->all, y = ((const struct named *)b)->all;
    return (x < y) - (x > y);
}

// Those whose name begins with `prefix`, the longest in all first; "": those without a subject.
static size_t collect(const json_t *distributions, const char *prefix, struct named *out) {
    const char *name;
    json_t *figures;
    size_t n = 0;
    json_object_foreach((json_t *)distributions, name, figures) {
        const bool fits = *prefix ? strncmp(name, prefix, strlen(prefix)) == 0 : !strchr(name, '.');
        const double all = given_number(figures, "mean") * given_number(figures, "count");
        if (fits && n < DISTRIBUTIONS_MOST)
            out[n++] = (struct named){name + strlen(prefix), figures, isfinite(all) ? all : 0};
    }
    qsort(out, n, sizeof *out, by_all);
    return n;
}

static void add_distributions(json_t *section, const json_t *distributions, const char *prefix,
                              const char *caption, const char *what) {
    const struct report_column columns[] = {{what, false, false},  {"n", true, false},   {"p50", true, false},
                                            {"p95", true, false},  {"p99", true, false}, {"max", true, false},
                                            {"in all", true, true}};
    struct named *all = MEM_NEW_ARRAY(struct named, DISTRIBUTIONS_MOST);
    const size_t n = collect(distributions, prefix, all);
    if (n) {
        json_t *table = report_add_table(section, caption, columns, sizeof columns / sizeof *columns);
        for (size_t i = 0; i < n; i++)
            add_distribution(table, all[i].name, all[i].figures, all[0].all);
    }
    mem_free(all);
}

void report_session_percentiles(struct report *report, const json_t *session) {
    const json_t *distributions = json_object_get(session, "distributions");
    json_t *section = report_section(report, "percentiles", "How long things took",
                                     "p95 is the time within which 95 of 100 were done.", false);
    add_distributions(section, distributions, "", "Stages: batches, but for render: outputs", "stage");
    add_distributions(section, distributions, "template.",
                      "Templates: outputs, those that took most in all first", "template");
    add_distributions(section, distributions, "job.", "Jobs: outputs, those that took most in all first",
                      "job");
    add_distributions(section, distributions, "through.", "Filters outside: processes", "job");
}

// ---- the slowest

static void add_slowest(json_t *section, const json_t *job) {
    static const struct report_column columns[] = {
        {"output", false, false}, {"record", true, false}, {"line", true, false}, {"time", true, true}};
    const json_t *outputs = json_object_get(job, "outputs");
    const double greatest = given_number(json_array_get(outputs, 0), "seconds");
    char caption[400];
    size_t i;
    json_t *output;
    snprintf(caption, sizeof caption, "Job %.150s, template %.150s", given_text(job, "job"),
             given_text(job, "template"));
    if (json_array_size(outputs) == 0)
        return;
    json_t *table = report_add_table(section, caption, columns, sizeof columns / sizeof *columns);
    json_array_foreach(outputs, i, output) {
        const double seconds = given_number(output, "seconds");
        json_t *row = report_add_row(table, REPORT_NEUTRAL);
        report_add_cell(row, given_text(output, "key"));
        report_add_number(row, given_number(output, "record"), "");
        report_add_number(row, given_number(output, "line"), "");
        report_add_share(row, seconds, "s", greatest > 0 ? seconds / greatest : 0);
    }
}

void report_session_slowest(struct report *report, const json_t *session) {
    enum { JOBS = 12 };
    size_t i;
    json_t *job;
    json_t *section =
        report_section(report, "slowest", "The slowest outputs",
                       "Of each job. Of quick outputs only some are timed, so there may have been "
                       "slower ones.",
                       true);
    json_array_foreach(json_object_get(session, "slowest"), i, job) {
        if (i < JOBS)
            add_slowest(section, job);
    }
}

// ---- resources

static void add_curve(json_t *section, const json_t *samples, const char *key, const char *caption,
                      const char *unit) {
    const size_t n = json_array_size(samples);
    double *xs = MEM_NEW_ARRAY(double, n + 1), *ys = MEM_NEW_ARRAY(double, n + 1), most = 0;
    size_t kept = 0;
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        xs[kept] = given_number(json_array_get(samples, i), "seconds");
        ys[kept] = given_number(json_array_get(samples, i), key);
        if (!isfinite(xs[kept]) || !isfinite(ys[kept]))
            continue;
        most = fmax(most, ys[kept++]);
    }
    if (kept > 1 && most > 0) {
        buf_printf(&text, "%s over the run: at most ", caption);
        quantity_add(&text, most, unit);
        buf_add_char(&text, '.');
        json_t *chart = report_add_chart(section, "area", caption, buf_text(&text));
        report_set_axis(chart, "x", &(struct report_axis){"time", "s", 0, xs[kept - 1]}, false);
        report_set_axis(chart, "y", &(struct report_axis){caption, unit, 0, most}, true);
        report_add_series(chart, caption, 0, xs, ys, kept);
    }
    buf_release(&text);
    mem_free(xs);
    mem_free(ys);
}

void report_session_resources(struct report *report, const json_t *session) {
    const json_t *samples = json_object_get(session, "samples");
    json_t *section =
        report_section(report, "resources", "Resources over time", "What the process used meanwhile.", true);
    add_curve(section, samples, "cpu", "Processors busy", "");
    add_curve(section, samples, "rss_bytes", "Memory", "B");
    add_curve(section, samples, "written_bytes", "Written to disk so far", "B");
    add_curve(section, samples, "in_flight", "Batches in flight", "");
}
