// SPDX-License-Identifier: MIT
// Two sessions side by side (`history compare --json`).
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/quantity.h"
#include "report/given.h"
#include "report/report_ratio.h"
#include "report/report_sources.h"

static bool has_moved(const json_t *figure) {
    return strcmp(given_text(figure, "change"), "moved") == 0;
}

static enum report_state state_of(const json_t *figure) {
    const double worse = given_number(figure, "worse");
    return !has_moved(figure) ? REPORT_NEUTRAL
           : worse > 0        ? REPORT_BAD
           : worse < 0        ? REPORT_GOOD
                              : REPORT_WARNING;
}

static void set_verdict(struct report *report, const json_t *source) {
    const json_t *moved = json_object_get(source, "moved");
    const uint64_t work = given_count(moved, "work"), figures = given_count(moved, "figures");
    char text[200];
    snprintf(text, sizeof text, "%llu work counter%s and %llu other figure%s moved.",
             (unsigned long long)work, work == 1 ? "" : "s", (unsigned long long)figures,
             figures == 1 ? "" : "s");
    report_set_verdict(report, work + figures ? REPORT_WARNING : REPORT_GOOD,
                       work + figures ? "moved" : "alike", text);
}

static void add_facts(json_t *section, const json_t *source) {
    static const struct report_column columns[] = {
        {"fact", false, false}, {"A", false, false}, {"B", false, false}};
    json_t *a = json_object_get(source, "a"), *value;
    const json_t *b = json_object_get(source, "b");
    json_t *table = report_add_table(section, "The sessions", columns, sizeof columns / sizeof *columns);
    const char *key;
    json_object_foreach(a, key, value) {
        if (!json_is_string(value))
            continue;
        const bool same = strcmp(json_string_value(value), given_text(b, key)) == 0;
        json_t *row =
            report_add_row(table, same || strcmp(key, "session") == 0 ? REPORT_NEUTRAL : REPORT_WARNING);
        report_add_cell(row, key);
        report_add_cell(row, json_string_value(value));
        report_add_cell(row, given_text(b, key));
    }
}

static void add_figure_row(json_t *table, const json_t *figure) {
    const char *unit = given_text(figure, "unit");
    const json_t *usual = json_object_get(figure, "usual");
    struct buf text = BUF_INIT;
    json_t *row = report_add_row(table, state_of(figure));
    report_add_cell(row, given_text(figure, "name"));
    report_add_number(row, given_number(figure, "a"), unit);
    report_add_number(row, given_number(figure, "b"), unit);
    report_add_number(row, given_number(figure, "ratio"), "x");
    if (json_is_object(usual)) {
        quantity_add(&text, given_number(usual, "low"), unit);
        buf_add_text(&text, " to ");
        quantity_add(&text, given_number(usual, "high"), unit);
    }
    report_add_cell(row, buf_text(&text));
    buf_release(&text);
}

// What moved first, work before the rest.
static void add_figures(struct report *report, const json_t *figures, bool moved) {
    static const struct report_column columns[] = {{"figure", false, false},
                                                   {"A", true, false},
                                                   {"B", true, false},
                                                   {"B over A", true, false},
                                                   {"usual", false, false}};
    json_t *section = report_section(
        report, moved ? "moved" : "same", moved ? "What moved" : "What did not",
        moved ? "Work depends on manifest and data alone, so any change of it has a reason." : NULL, !moved);
    size_t i;
    json_t *figure;
    for (int work = 1; work >= 0; work--) {
        json_t *table = NULL;
        json_array_foreach(figures, i, figure) {
            if (has_moved(figure) != moved || json_is_true(json_object_get(figure, "work")) != work)
                continue;
            if (!table)
                table = report_add_table(section, work ? "Work" : "Time, memory and the rest", columns,
                                         sizeof columns / sizeof *columns);
            add_figure_row(table, figure);
        }
    }
}

static void add_distributions(struct report *report, json_t *distributions) {
    static const struct report_column columns[] = {{"of", false, false},      {"p50 of A", true, false},
                                                   {"p50 of B", true, false}, {"p95 of A", true, false},
                                                   {"p95 of B", true, false}, {"p99 of A", true, false},
                                                   {"p99 of B", true, false}, {"B is later in", true, true}};
    static const char *const shown[] = {"p50", "p95", "p99"};
    const char *name;
    json_t *pair;
    json_t *section = report_section(
        report, "percentiles", "How long things took",
        "The last column is the share of cases in which one of B takes longer than one of A.", false);
    if (json_object_size(distributions) == 0)
        return;
    json_t *table =
        report_add_table(section, "Percentiles side by side", columns, sizeof columns / sizeof *columns);
    json_object_foreach(distributions, name, pair) {
        const double later = given_number(pair, "later");
        json_t *row = report_add_row(table, REPORT_NEUTRAL);
        report_add_cell(row, name);
        for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
            report_add_number(row, given_number_in(pair, "a", shown[i]), "s");
            report_add_number(row, given_number_in(pair, "b", shown[i]), "s");
        }
        report_add_share(row, later, "share", isfinite(later) ? later : 0);
    }
}

static void add_key_figures(struct report *report, const json_t *figures) {
    static const char *const keys[] = {"run.seconds", "run.cpu_seconds", "run.peak_rss_bytes",
                                       "render.opcodes"};
    size_t i, k;
    json_t *figure;
    json_array_foreach(figures, i, figure) {
        const char *name = given_text(figure, "name");
        struct buf note = BUF_INIT;
        for (k = 0; k < sizeof keys / sizeof *keys && strcmp(keys[k], name) != 0; k++)
            ;
        if (k == sizeof keys / sizeof *keys)
            continue;
        buf_add_text(&note, "A: ");
        quantity_add(&note, given_number(figure, "a"), given_text(figure, "unit"));
        report_add_figure(report, &(struct report_figure){.id = name,
                                                          .label = name,
                                                          .value = given_number(figure, "b"),
                                                          .unit = given_text(figure, "unit"),
                                                          .state = state_of(figure),
                                                          .note = buf_text(&note)});
        buf_release(&note);
    }
}

struct report *report_build_difference(const json_t *source, const struct report_options *options) {
    const json_t *figures = json_object_get(source, "figures"), *b = json_object_get(source, "b");
    struct buf title = BUF_INIT;
    buf_printf(&title, "%s: two sessions", *given_text(b, "name") ? given_text(b, "name") : "pressrun");
    struct report *report = report_new(REPORT_COMPARISON, buf_text(&title), options->made);
    set_verdict(report, source);
    add_key_figures(report, figures);
    add_facts(report_section(report, "sessions", "A and B", NULL, false), source);
    add_figures(report, figures, true);
    add_distributions(report, json_object_get(source, "distributions"));
    add_figures(report, figures, false);
    buf_release(&title);
    return report;
}
