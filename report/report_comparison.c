// SPDX-License-Identifier: MIT
// A and B, from paired runs (`bench compare --json`).
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "report/given.h"
#include "report/report_ratio.h"
#include "report/report_sources.h"

static void set_verdict(struct report *report, const json_t *source) {
    const char *verdict = given_text(source, "verdict"), *reason = given_text(source, "reason");
    struct buf text = BUF_INIT;
    report_tell_ratio(given_number(source, "ratio"), given_number(source, "lower"),
                      given_number(source, "upper"), given_text(source, "metric"), &text);
    buf_printf(&text, ", after %llu pairs. Decided by: %s.", (unsigned long long)given_count(source, "pairs"),
               *reason ? reason : "-");
    report_set_verdict(report, report_ratio_state(verdict), verdict, buf_text(&text));
    buf_release(&text);
}

static void add_figures(struct report *report, const json_t *source) {
    const char *unit = report_ratio_unit(given_text(source, "metric"));
    const struct report_figure figures[] = {
        {"ratio", "B over A", given_number(source, "ratio"), "x",
         report_ratio_state(given_text(source, "verdict")), NULL},
        {"a", "A", given_number_in(source, "a", "median"), unit, REPORT_NEUTRAL, NULL},
        {"b", "B", given_number_in(source, "b", "median"), unit, REPORT_NEUTRAL, NULL},
        {"pairs", "pairs", given_number(source, "pairs"), "", REPORT_NEUTRAL, NULL}};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        report_add_figure(report, &figures[i]);
}

static void add_sides(json_t *section, const json_t *source) {
    static const struct report_column columns[] = {
        {"side", false, false},    {"what", false, false},  {"kind", false, false},
        {"version", false, false}, {"median", true, false}, {"digest of outputs", false, false}};
    static const char *const keys[] = {"a", "b"}, *const names[] = {"A", "B"};
    const char *unit = report_ratio_unit(given_text(source, "metric"));
    json_t *table = report_add_table(section, "What was compared", columns, sizeof columns / sizeof *columns);
    for (int i = 0; i < 2; i++) {
        const json_t *side = json_object_get(source, keys[i]);
        json_t *row = report_add_row(table, REPORT_NEUTRAL);
        report_add_cell(row, names[i]);
        report_add_cell(row, given_text(side, "shown"));
        report_add_cell(row, given_text(side, "kind"));
        report_add_cell(row, given_text(side, "version"));
        report_add_number(row, given_number(side, "median"), unit);
        report_add_cell(row, given_text(side, "digest"));
    }
}

static void add_rounds(json_t *section, const json_t *source) {
    enum { ROUNDS = 8 };
    static const struct report_column columns[] = {{"round", false, false},   {"verdict", false, false},
                                                   {"pairs", true, false},    {"B over A", true, false},
                                                   {"at least", true, false}, {"at most", true, false}};
    const json_t *rounds = json_object_get(source, "rounds");
    struct report_ratio ratios[ROUNDS];
    char names[ROUNDS][32];
    size_t i, n = 0;
    json_t *round;
    json_array_foreach(rounds, i, round) {
        if (n == ROUNDS)
            break;
        snprintf(names[n], sizeof names[n], "round %zu", i + 1);
        ratios[n] =
            (struct report_ratio){names[n], given_number(round, "ratio"), given_number(round, "lower"),
                                  given_number(round, "upper"), given_text(round, "verdict")};
        n++;
    }
    report_add_ratios(section, "B over A by round, with its interval", ratios, n);
    json_t *table = n ? report_add_table(section, "Rounds", columns, sizeof columns / sizeof *columns) : NULL;
    for (i = 0; i < n; i++) {
        json_t *row = report_add_row(table, report_ratio_state(ratios[i].verdict));
        report_add_cell(row, ratios[i].name);
        report_add_cell(row, ratios[i].verdict);
        report_add_number(row, given_number(json_array_get(rounds, i), "pairs"), "");
        report_add_number(row, ratios[i].ratio, "x");
        report_add_number(row, ratios[i].lower, "x");
        report_add_number(row, ratios[i].upper, "x");
    }
}

// Counters of work that both sides have; those that differ first.
static void add_work(struct report *report, const json_t *source) {
    static const struct report_column columns[] = {
        {"counter", false, false}, {"A", true, false}, {"B", true, false}, {"B over A", true, false}};
    const double grown = 1.01;
    const json_t *a = json_object_get(json_object_get(source, "a"), "work"),
                 *b = json_object_get(json_object_get(source, "b"), "work");
    json_t *section =
        report_section(report, "work", "Work done",
                       "Counters that depend on manifest and data alone; more than 1 % more fails.", true);
    const char *name;
    json_t *value, *table = NULL;
    for (int same = 0; same < 2; same++)
        json_object_foreach((json_t *)a, name, value) {
            const double x = json_number_value(value), y = given_number(b, name);
            if (!isfinite(y) || (x == y) != same)
                continue;
            if (!table)
                table = report_add_table(section, "Work counters", columns, sizeof columns / sizeof *columns);
            json_t *row = report_add_row(table, y > x * grown ? REPORT_BAD : REPORT_NEUTRAL);
            report_add_cell(row, name);
            report_add_number(row, x, "");
            report_add_number(row, y, "");
            report_add_number(row, x > 0 ? y / x : (double)NAN, "x");
        }
}

static void add_machine(struct report *report, const json_t *source) {
    static const struct report_column columns[] = {{"fact", false, false}, {"value", false, false}};
    static const char *const keys[] = {"system", "cpu", "used"};
    const json_t *machine = json_object_get(source, "machine");
    json_t *table =
        report_add_table(report_section(report, "machine", "Machine", NULL, true), "Measured on", columns, 2);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *row = report_add_row(table, REPORT_NEUTRAL);
        report_add_cell(row, keys[i]);
        report_add_cell(row, given_text(machine, keys[i]));
    }
}

struct report *report_build_comparison(const json_t *source, const struct report_options *options) {
    const json_t *a = json_object_get(source, "a"), *b = json_object_get(source, "b");
    struct buf title = BUF_INIT;
    buf_printf(&title, "%s against %s", given_text(b, "shown"), given_text(a, "shown"));
    struct report *report = report_new(REPORT_COMPARISON, buf_text(&title), options->made);
    struct buf started = BUF_INIT;
    given_moment(source, "started", &started);
    report_set_subtitle(report, buf_text(&started));
    buf_release(&started);
    set_verdict(report, source);
    add_figures(report, source);
    json_t *section = report_section(report, "sides", "A and B", NULL, false);
    add_rounds(section, source);
    add_sides(section, source);
    add_work(report, source);
    add_machine(report, source);
    buf_release(&title);
    return report;
}
