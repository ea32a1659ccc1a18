// SPDX-License-Identifier: MIT
// What the gate found (`gate --json`): the verdict, what changed, all benchmarks.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/quantity.h"
#include "report/given.h"
#include "report/report_ratio.h"
#include "report/report_sources.h"

static bool is_control(const json_t *row) {
    return strcmp(given_text(row, "kind"), "control") == 0;
}

static bool has_changed(const json_t *row) {
    return strcmp(given_text(row, "change"), "same") != 0;
}

static void add_figures(struct report *report, const json_t *source) {
    static const struct {
        const char *key, *label;
        enum report_state state;
    } counts[] = {{"benchmarks", "benchmarks", REPORT_NEUTRAL},
                  {"fail", "slower", REPORT_BAD},
                  {"faster", "faster", REPORT_GOOD},
                  {"inconclusive", "unclear", REPORT_WARNING},
                  {"invalid", "invalid", REPORT_BAD},
                  {"pass", "passed", REPORT_GOOD}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const double n = given_number_in(source, "counts", counts[i].key);
        report_add_figure(report, &(struct report_figure){.id = counts[i].key,
                                                          .label = counts[i].label,
                                                          .value = n,
                                                          .unit = "",
                                                          .state = n > 0 ? counts[i].state : REPORT_NEUTRAL});
    }
    report_add_figure(
        report, &(struct report_figure){
                    .id = "seconds", .label = "took", .value = given_number(source, "seconds"), .unit = "s"});
}

static void add_ratios(json_t *section, const json_t *rows) {
    const size_t n = json_array_size(rows);
    struct report_ratio *ratios = MEM_NEW_ARRAY(struct report_ratio, n + 1);
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        ratios[i] = (struct report_ratio){given_text(row, "name"), given_number(row, "ratio"),
                                          given_number(row, "lower"), given_number(row, "upper"),
                                          given_text(row, "verdict")};
    }
    report_add_ratios(section, "B over A of each benchmark, with its interval", ratios, n);
    mem_free(ratios);
}

static void add_benchmark(json_t *table, const json_t *from) {
    const char *unit = report_ratio_unit(given_text(from, "metric"));
    json_t *row = report_add_row(table, report_ratio_state(given_text(from, "verdict")));
    report_add_cell(row, given_text(from, "name"));
    report_add_cell(row, given_text(from, "verdict"));
    report_add_cell(row, given_text(from, "change"));
    report_add_number(row, given_number(from, "ratio"), "x");
    report_add_number(row, given_number(from, "lower"), "x");
    report_add_number(row, given_number(from, "upper"), "x");
    report_add_number(row, given_number_in(from, "a", "median"), unit);
    report_add_number(row, given_number_in(from, "b", "median"), unit);
    report_add_cell(row, given_text(from, "metric"));
    report_add_number(row, given_number(from, "pairs"), "");
}

// Those that changed first, the control last.
static void add_benchmarks(struct report *report, const json_t *rows) {
    static const struct report_column columns[] = {{"benchmark", false, false}, {"verdict", false, false},
                                                   {"change", false, false},    {"B over A", true, false},
                                                   {"at least", true, false},   {"at most", true, false},
                                                   {"A", true, false},          {"B", true, false},
                                                   {"of", false, false},        {"pairs", true, false}};
    json_t *section = report_section(report, "benchmarks", "All benchmarks",
                                     "The control compares A with itself, and is to show nothing.", false);
    size_t i;
    json_t *row;
    add_ratios(section, rows);
    json_t *table = report_add_table(section, "Benchmarks", columns, sizeof columns / sizeof *columns);
    for (int turn = 0; turn < 3; turn++)
        json_array_foreach(rows, i, row) {
            if ((is_control(row) ? 2 : has_changed(row) ? 0 : 1) == turn)
                add_benchmark(table, row);
        }
}

// ---- what changed

static void add_counters(json_t *section, const json_t *row) {
    static const struct report_column columns[] = {
        {"counter", false, false}, {"A", true, false}, {"B", true, false}, {"B over A", true, false}};
    char caption[160];
    size_t i;
    json_t *counter;
    const json_t *work = json_object_get(row, "work");
    snprintf(caption, sizeof caption, "%.100s: work that is not the same", given_text(row, "name"));
    if (json_array_size(work) == 0)
        return;
    json_t *table = report_add_table(section, caption, columns, sizeof columns / sizeof *columns);
    json_array_foreach(work, i, counter) {
        const double a = given_number(counter, "a"), b = given_number(counter, "b");
        const bool bad = json_is_true(json_object_get(counter, "grown")) &&
                         !json_is_true(json_object_get(counter, "accepted"));
        json_t *cells = report_add_row(table, bad ? REPORT_BAD : REPORT_NEUTRAL);
        report_add_cell(cells, given_text(counter, "name"));
        report_add_number(cells, a, "");
        report_add_number(cells, b, "");
        report_add_number(cells, a > 0 ? b / a : (double)NAN, "x");
    }
}

static void add_stages(json_t *section, const json_t *row) {
    static const struct report_column columns[] = {
        {"stage", false, false}, {"A", true, false}, {"B", true, false}, {"B over A", true, false}};
    char caption[160];
    size_t i;
    json_t *stage;
    const json_t *stages = json_object_get(row, "stages");
    snprintf(caption, sizeof caption, "%.100s: busy time by stage", given_text(row, "name"));
    if (json_array_size(stages) == 0)
        return;
    json_t *table = report_add_table(section, caption, columns, sizeof columns / sizeof *columns);
    json_array_foreach(stages, i, stage) {
        const double a = given_number(stage, "a"), b = given_number(stage, "b");
        json_t *cells = report_add_row(table, REPORT_NEUTRAL);
        report_add_cell(cells, given_text(stage, "name"));
        report_add_number(cells, a, "s");
        report_add_number(cells, b, "s");
        report_add_number(cells, a > 0 ? b / a : (double)NAN, "x");
    }
}

static void add_changed(struct report *report, const json_t *rows) {
    enum { SHOWN = 20 };
    json_t *section = report_section(report, "changed", "What changed", NULL, false);
    size_t i, n = 0;
    json_t *row;
    json_array_foreach(rows, i, row) {
        struct buf text = BUF_INIT;
        const bool odd = !is_control(row) || strcmp(given_text(row, "verdict"), "INVALID") == 0;
        if (!has_changed(row) || !odd || n++ >= SHOWN)
            continue;
        const char *cause = given_text(row, "cause"), *error = given_text(row, "error"),
                   *note = given_text(row, "note");
        buf_printf(&text, "%s, %s: %s", given_text(row, "name"), given_text(row, "verdict"),
                   given_text(row, "text"));
        if (*cause)
            buf_printf(&text, ". What moved: %s", cause);
        if (*error)
            buf_printf(&text, ". %s", error);
        if (*note)
            buf_printf(&text, ". %s", note);
        report_add_text(section, buf_text(&text));
        add_counters(section, row);
        add_stages(section, row);
        buf_release(&text);
    }
}

static void add_sides(struct report *report, const json_t *source) {
    static const struct report_column columns[] = {
        {"side", false, false}, {"what", false, false}, {"version", false, false}, {"capsule", false, false}};
    static const char *const keys[] = {"baseline", "candidate"};
    json_t *section = report_section(report, "sides", "Baseline and candidate", NULL, true);
    json_t *table = report_add_table(section, "What was compared", columns, sizeof columns / sizeof *columns);
    size_t i;
    json_t *warning;
    for (i = 0; i < 2; i++) {
        const json_t *side = json_object_get(source, keys[i]);
        json_t *row = report_add_row(table, REPORT_NEUTRAL);
        report_add_cell(row, keys[i]);
        report_add_cell(row, given_text(side, "shown"));
        report_add_cell(row, given_text(side, "version"));
        report_add_cell(row, given_text(side, "capsule"));
    }
    struct buf text = BUF_INIT;
    buf_printf(&text, "Measured on %s, %s, CPUs %s.", given_text(json_object_get(source, "machine"), "cpu"),
               given_text(json_object_get(source, "machine"), "system"),
               given_text(json_object_get(source, "machine"), "used"));
    report_add_text(section, buf_text(&text));
    buf_release(&text);
    json_array_foreach(json_object_get(source, "warnings"), i, warning) {
        if (json_is_string(warning) && i < REPORT_ROWS)
            report_add_text(section, json_string_value(warning));
    }
}

struct report *report_build_gate(const json_t *source, const struct report_options *options) {
    const char *suite = given_text(source, "suite"), *verdict = given_text(source, "verdict");
    const json_t *rows = json_object_get(source, "rows");
    struct report *report = report_new(REPORT_GATE, *suite ? suite : "gate", options->made);
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s against %s, ", given_text(json_object_get(source, "candidate"), "shown"),
               given_text(json_object_get(source, "baseline"), "shown"));
    given_moment(source, "started", &text);
    report_set_subtitle(report, buf_text(&text));
    report_set_verdict(report, report_ratio_state(verdict), verdict, given_text(source, "text"));
    add_figures(report, source);
    add_changed(report, rows);
    add_benchmarks(report, rows);
    add_sides(report, source);
    buf_release(&text);
    return report;
}
