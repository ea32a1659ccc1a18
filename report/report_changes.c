// SPDX-License-Identifier: MIT
// With which runs the levels of figures changed (`history changes --json`).
#include <stdio.h>

#include "base/quantity.h"
#include "report/given.h"
#include "report/report_sources.h"

static enum report_state state_of(const json_t *figure) {
    const double worse = given_number(figure, "worse");
    return worse > 0 ? REPORT_BAD : worse < 0 ? REPORT_GOOD : REPORT_NEUTRAL;
}

// "version 1.0 to 1.1; render.opcodes 1,000 to 1,200"
static void add_with(json_t *section, json_t *with) {
    struct buf text = BUF_INIT;
    size_t i;
    json_t *one;
    json_array_foreach(with, i, one) {
        buf_printf(&text, "%s%s ", i ? "; " : "With it: ", given_text(one, "what"));
        if (json_is_string(json_object_get(one, "before"))) {
            buf_printf(&text, "%s to %s", given_text(one, "before"), given_text(one, "after"));
            continue;
        }
        quantity_add(&text, given_number(one, "before"), "");
        buf_add_text(&text, " to ");
        quantity_add(&text, given_number(one, "after"), "");
    }
    if (text.n)
        report_add_text(section, buf_text(&text));
    buf_release(&text);
}

static void add_run(struct report *report, const json_t *run, size_t number) {
    static const struct report_column columns[] = {{"figure", false, false},
                                                   {"before", true, false},
                                                   {"after", true, false},
                                                   {"after over before", true, false}};
    struct buf title = BUF_INIT;
    char id[32];
    size_t i;
    json_t *figures = json_object_get(run, "figures"), *figure;
    report_add_moment(&title, given_number(run, "started"));
    snprintf(id, sizeof id, "run-%zu", number);
    json_t *section = report_section(report, id, buf_text(&title), given_text(run, "session"), false);
    add_with(section, json_object_get(run, "with"));
    json_t *table = report_add_table(section, "Levels", columns, sizeof columns / sizeof *columns);
    json_array_foreach(figures, i, figure) {
        const char *unit = given_text(figure, "unit");
        const double before = given_number(figure, "before"), after = given_number(figure, "after");
        json_t *row = report_add_row(table, state_of(figure));
        report_add_cell(row, given_text(figure, "name"));
        report_add_number(row, before, unit);
        report_add_number(row, after, unit);
        report_add_number(row, after / before, "x");
    }
    buf_release(&title);
}

static void add_count(struct report *report, const char *id, const char *label, double value) {
    report_add_figure(report, &(struct report_figure){.id = id, .label = label, .value = value, .unit = ""});
}

struct report *report_build_changes(const json_t *source, const struct report_options *options) {
    enum { RUNS_SHOWN = 20 };
    json_t *runs = json_object_get(source, "changes"), *run;
    const size_t n = json_array_size(runs);
    const bool any = n > 0;
    struct report *report = report_new(REPORT_HISTORY, "What changed for good", options->made);
    char text[120];
    size_t i;
    snprintf(text, sizeof text, "Levels of figures changed with %zu run%s.", n, n == 1 ? "" : "s");
    report_set_verdict(report, any ? REPORT_WARNING : REPORT_NEUTRAL, any ? "changed" : "steady",
                       any ? text : "No level has changed for good.");
    add_count(report, "runs", "runs with changes", (double)n);
    add_count(report, "sessions", "sessions", given_number(source, "sessions"));
    add_count(report, "figures", "figures", given_number(source, "figures"));
    json_array_foreach(runs, i, run) {
        if (i < RUNS_SHOWN)
            add_run(report, run, i + 1);
    }
    return report;
}
