// SPDX-License-Identifier: MIT
// Benchmarks, as `bench --json` has them, and load, as `bench load --json` does.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/quantity.h"
#include "report/given.h"
#include "report/report_sources.h"

// ---- scenarios

static void run_name(const json_t *run, char *name, size_t size) {
    const unsigned workers = (unsigned)given_count(run, "workers");
    snprintf(name, size, "%.60s, %u worker%s", given_text(run, "run"), workers, workers == 1 ? "" : "s");
}

static void add_rates(json_t *section, const json_t *runs, const char *unit) {
    char label[100], name[120];
    double most = 0;
    size_t i;
    json_t *run;
    json_array_foreach(runs, i, run) {
        most = fmax(most, given_number_in(run, "units_per_second", "high"));
    }
    snprintf(label, sizeof label, "%.60s a second", unit);
    json_t *chart = report_add_chart(section, "intervals", label, "Median and interval of each kind of run.");
    report_set_axis(chart, "x", &(struct report_axis){label, "1/s", 0, most}, true);
    json_array_foreach(runs, i, run) {
        run_name(run, name, sizeof name);
        report_add_bar(chart,
                       &(struct report_bar){.name = name,
                                            .low = given_number_in(run, "units_per_second", "low"),
                                            .value = given_number_in(run, "units_per_second", "median"),
                                            .high = given_number_in(run, "units_per_second", "high"),
                                            .unit = "1/s"});
    }
}

static void add_runs(json_t *section, const json_t *runs) {
    static const struct report_column columns[] = {
        {"run", false, false},   {"time", true, true},    {"CPU time", true, false},
        {"output", true, false}, {"memory", true, false}, {"render p50", true, false},
        {"p95", true, false},    {"p99", true, false},    {"times as fast as minimal", true, false}};
    char name[120];
    double most = 0;
    size_t i;
    json_t *run;
    json_t *table = report_add_table(section, "Runs", columns, sizeof columns / sizeof *columns);
    json_array_foreach(runs, i, run) {
        most = fmax(most, given_number_in(run, "wall_seconds", "median"));
    }
    json_array_foreach(runs, i, run) {
        const double seconds = given_number_in(run, "wall_seconds", "median");
        run_name(run, name, sizeof name);
        json_t *row = report_add_row(table, REPORT_NEUTRAL);
        report_add_cell(row, name);
        report_add_share(row, seconds, "s", most > 0 ? seconds / most : 0);
        report_add_number(row, given_number_in(run, "cpu_seconds", "median"), "s");
        report_add_number(row, given_number(run, "output_bytes"), "B");
        report_add_number(row, given_number_in(run, "peak_rss_bytes", "median"), "B");
        report_add_number(row, given_number_in(run, "render_seconds", "p50"), "s");
        report_add_number(row, given_number_in(run, "render_seconds", "p95"), "s");
        report_add_number(row, given_number_in(run, "render_seconds", "p99"), "s");
        report_add_number(row, given_number(run, "gain_wall"), "x");
    }
}

static void add_scenario(struct report *report, const json_t *scenario) {
    const char *name = given_text(scenario, "name"), *unit = given_text(scenario, "unit");
    const json_t *runs = json_object_get(scenario, "runs");
    struct buf text = BUF_INIT;
    quantity_count(&text, given_count(scenario, "units"));
    buf_printf(&text, " %s from ", unit);
    quantity_count(&text, given_count(scenario, "records"));
    buf_add_text(&text, " records, ");
    quantity_bytes(&text, given_count(scenario, "source_bytes"));
    buf_add_char(&text, '.');
    json_t *section = report_section(report, name, name, buf_text(&text), false);
    if (json_array_size(runs)) {
        add_rates(section, runs, unit);
        add_runs(section, runs);
    }
    buf_release(&text);
}

static void add_operations(struct report *report, const json_t *operations) {
    static const struct report_column columns[] = {
        {"operation", false, false}, {"what", false, false},   {"time of one", true, true},
        {"at least", true, false},   {"at most", true, false}, {"bytes of one", true, false}};
    json_t *section =
        report_section(report, "operations", "Operations", "Parts of a run, one at a time.", false);
    double most = 0;
    size_t i;
    json_t *operation;
    if (json_array_size(operations) == 0)
        return;
    json_t *table = report_add_table(section, "Operations", columns, sizeof columns / sizeof *columns);
    json_array_foreach(operations, i, operation) {
        most = fmax(most, given_number_in(operation, "nanoseconds", "median"));
    }
    json_array_foreach(operations, i, operation) {
        const double median = given_number_in(operation, "nanoseconds", "median");
        json_t *row = report_add_row(table, REPORT_NEUTRAL);
        report_add_cell(row, given_text(operation, "name"));
        report_add_cell(row, given_text(operation, "operation"));
        report_add_share(row, median / 1e9, "s", most > 0 ? median / most : 0);
        report_add_number(row, given_number_in(operation, "nanoseconds", "low") / 1e9, "s");
        report_add_number(row, given_number_in(operation, "nanoseconds", "high") / 1e9, "s");
        report_add_number(row, given_number(operation, "bytes"), "B");
    }
}

struct report *report_build_benchmark(const json_t *source, const struct report_options *options) {
    struct report *report = report_new(REPORT_BENCHMARK, "benchmarks", options->made);
    const json_t *scenarios = json_object_get(source, "scenarios"),
                 *operations = json_object_get(source, "operations");
    char text[200];
    size_t i;
    json_t *scenario;
    snprintf(text, sizeof text, "pressrun %.40s, scale %g, seed %llu, %llu runs of each kind",
             given_text(source, "version"), given_number(source, "scale"),
             (unsigned long long)given_count(source, "seed"),
             (unsigned long long)given_count(source, "repeat"));
    report_set_subtitle(report, text);
    const size_t scenarios_n = json_array_size(scenarios), operations_n = json_array_size(operations);
    snprintf(text, sizeof text, "%zu scenario%s and %zu operation%s were measured.", scenarios_n,
             scenarios_n == 1 ? "" : "s", operations_n, operations_n == 1 ? "" : "s");
    report_set_verdict(report, REPORT_NEUTRAL, "measured", text);
    json_array_foreach(scenarios, i, scenario) {
        const json_t *runs = json_object_get(scenario, "runs");
        report_add_figure(report,
                          &(struct report_figure){
                              .id = given_text(scenario, "name"),
                              .label = given_text(scenario, "name"),
                              .value = given_number_in(json_array_get(runs, 0), "units_per_second", "median"),
                              .unit = "1/s",
                              .note = given_text(scenario, "unit")});
        add_scenario(report, scenario);
    }
    add_operations(report, operations);
    return report;
}

// ---- load

static void add_curve(json_t *section, const json_t *slots, const char *key, const char *caption,
                      const char *unit) {
    const size_t n = json_array_size(slots);
    double *xs = MEM_NEW_ARRAY(double, n + 1), *ys = MEM_NEW_ARRAY(double, n + 1), most = 0;
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        xs[i] = given_number(json_array_get(slots, i), "from");
        ys[i] = given_number(json_array_get(slots, i), key);
        most = fmax(most, ys[i]);
    }
    buf_printf(&text, "%s: at most ", caption);
    quantity_add(&text, most, unit);
    buf_add_char(&text, '.');
    if (n > 1) {
        json_t *chart = report_add_chart(section, "area", caption, buf_text(&text));
        report_set_axis(chart, "x", &(struct report_axis){"time", "s", 0, xs[n - 1]}, false);
        report_set_axis(chart, "y", &(struct report_axis){caption, unit, 0, most}, true);
        report_add_series(chart, caption, 0, xs, ys, n);
    }
    buf_release(&text);
    mem_free(xs);
    mem_free(ys);
}

static void add_latencies(json_t *table, const char *name, const json_t *part) {
    static const char *const shown[] = {"p50", "p95", "p99", "p999", "max"};
    json_t *row = report_add_row(table, given_count(part, "failed") ? REPORT_BAD : REPORT_NEUTRAL);
    report_add_cell(row, name);
    report_add_number(row, given_number(part, "operations"), "");
    report_add_number(row, given_number(part, "failed"), "");
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        report_add_number(row, given_number_in(part, "latency_seconds", shown[i]), "s");
    report_add_number(row, given_number_in(part, "wait_seconds", "p99"), "s");
    report_add_number(row, given_number_in(part, "service_seconds", "p99"), "s");
}

static void add_load_figures(struct report *report, const json_t *source, bool valid) {
    const struct report_figure figures[] = {
        {"achieved_rate", "a second", given_number(source, "achieved_rate"), "1/s",
         valid ? REPORT_GOOD : REPORT_BAD, NULL},
        {"rate", "asked for", given_number(source, "rate"), "1/s", REPORT_NEUTRAL, NULL},
        {"latency.p50", "half within", given_number_in(source, "latency_seconds", "p50"), "s", REPORT_NEUTRAL,
         NULL},
        {"latency.p99", "99 of 100 within", given_number_in(source, "latency_seconds", "p99"), "s",
         REPORT_NEUTRAL, NULL},
        {"latency.max", "slowest", given_number_in(source, "latency_seconds", "max"), "s", REPORT_NEUTRAL,
         NULL},
        {"backlog", "waiting at most", given_number(source, "backlog"), "", REPORT_NEUTRAL, NULL},
        {"failed", "failed", given_number(source, "failed"), "",
         given_count(source, "failed") ? REPORT_BAD : REPORT_NEUTRAL, NULL}};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        report_add_figure(report, &figures[i]);
}

struct report *report_build_load(const json_t *source, const struct report_options *options) {
    static const struct report_column columns[] = {
        {"operation", false, false}, {"n", true, false},   {"failed", true, false},
        {"p50", true, false},        {"p95", true, false}, {"p99", true, false},
        {"p99.9", true, false},      {"max", true, false}, {"waited, p99", true, false},
        {"worked, p99", true, false}};
    const bool valid = json_is_true(json_object_get(source, "valid"));
    struct report *report = report_new(REPORT_BENCHMARK, "load", options->made);
    char text[240];
    size_t i;
    json_t *part;
    snprintf(text, sizeof text, "open loop: %g a second for %g s, %llu users, pressrun %.40s",
             given_number(source, "rate"), given_number(source, "seconds"),
             (unsigned long long)given_count(source, "users"), given_text(source, "version"));
    report_set_subtitle(report, text);
    report_set_verdict(report, valid ? REPORT_GOOD : REPORT_BAD, valid ? "sustained" : "INVALID",
                       valid ? "The rate was kept; latencies count from the intended start of each operation."
                             : "Less than 99 % of the rate was reached, so the latencies say nothing of it.");
    add_load_figures(report, source, valid);
    json_t *section =
        report_section(report, "latency", "Latency",
                       "From the intended start to the end: waiting for a free user counts.", false);
    json_t *table =
        report_add_table(section, "Latencies by operation", columns, sizeof columns / sizeof *columns);
    add_latencies(table, "all", source);
    json_array_foreach(json_object_get(source, "mix"), i, part) {
        add_latencies(table, given_text(part, "name"), part);
    }
    section = report_section(report, "time", "Over time",
                             "A stall shows as a peak, and as what waited for it.", false);
    add_curve(section, json_object_get(source, "timeline"), "latency_max", "Slowest of a moment", "s");
    add_curve(section, json_object_get(source, "timeline"), "backlog", "Waiting", "");
    add_curve(section, json_object_get(source, "timeline"), "operations", "Operations", "");
    return report;
}
