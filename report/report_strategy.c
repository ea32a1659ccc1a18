// SPDX-License-Identifier: MIT
// Strategies compared, as `strategies --json` has them.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "report/given.h"
#include "report/report_sources.h"

static const char *const states[] = {"cold", "warm"}; // of the caches
enum { STATES = sizeof states / sizeof *states };

static void set_verdict(struct report *report, const json_t *source) {
    const bool decided = json_is_true(json_object_get(source, "decided"));
    const char *recommended = given_text(source, "recommended");
    struct buf text = BUF_INIT;
    if (decided) {
        buf_printf(&text, "Of %s %s is recommended", given_text(source, "compared"), recommended);
        for (int s = STATES - 1; s >= 0; s--) {
            const char *reason =
                given_text(json_object_get(json_object_get(source, "states"), states[s]), "reason");
            if (*reason) {
                buf_printf(&text, ": it %s", reason);
                break;
            }
        }
    } else {
        buf_printf(&text,
                   "The budget was spent before it was clear which is the fastest; of what was seen %s is",
                   recommended);
    }
    buf_add_char(&text, '.');
    report_set_verdict(report, decided ? REPORT_GOOD : REPORT_WARNING, decided ? recommended : "undecided",
                       buf_text(&text));
    buf_release(&text);
}

static const json_t *variant_named(const json_t *state, const char *name) {
    size_t i;
    json_t *variant;
    json_array_foreach(json_object_get(state, "variants"), i, variant) {
        if (strcmp(given_text(variant, "name"), name) == 0)
            return variant;
    }
    return NULL;
}

static void add_figures(struct report *report, const json_t *source) {
    char id[64], label[64];
    for (int s = 0; s < STATES; s++) {
        const json_t *state = json_object_get(json_object_get(source, "states"), states[s]);
        const json_t *variant = variant_named(state, given_text(state, "recommended"));
        snprintf(id, sizeof id, "%s.seconds", states[s]);
        snprintf(label, sizeof label, "%s, caches %s", given_text(state, "recommended"), states[s]);
        report_add_figure(report,
                          &(struct report_figure){.id = id,
                                                  .label = label,
                                                  .value = given_number_in(variant, "wall_seconds", "median"),
                                                  .unit = "s"});
        snprintf(id, sizeof id, "%s.improvement", states[s]);
        snprintf(label, sizeof label, "less time than %s, %s", given_text(source, "base"), states[s]);
        report_add_figure(report, &(struct report_figure){.id = id,
                                                          .label = label,
                                                          .value = given_number(variant, "improvement"),
                                                          .unit = "share"});
    }
    report_add_figure(report, &(struct report_figure){.id = "outputs",
                                                      .label = "outputs",
                                                      .value = given_number(source, "outputs"),
                                                      .unit = ""});
    report_add_figure(report, &(struct report_figure){.id = "seconds",
                                                      .label = "measured for",
                                                      .value = given_number(source, "seconds"),
                                                      .unit = "s"});
}

static enum report_state state_of(const json_t *state, const json_t *variant) {
    const char *name = given_text(variant, "name"), *place = given_text(variant, "place");
    return strcmp(name, given_text(state, "recommended")) == 0 ? REPORT_GOOD
           : strcmp(place, "slower") == 0                      ? REPORT_WARNING
                                                               : REPORT_NEUTRAL;
}

static void add_intervals(json_t *section, const json_t *state) {
    double most = 0;
    size_t i;
    json_t *variant;
    const json_t *variants = json_object_get(state, "variants");
    json_array_foreach(variants, i, variant) {
        most = fmax(most, given_number_in(variant, "wall_seconds", "high"));
    }
    json_t *chart =
        report_add_chart(section, "intervals", "Time of a run, median and interval",
                         "A row for each strategy, the fastest first. Intervals that overlap much may be "
                         "equal.");
    report_set_axis(chart, "x", &(struct report_axis){"time of a run", "s", 0, most}, true);
    json_array_foreach(variants, i, variant) {
        report_add_bar(chart,
                       &(struct report_bar){.name = given_text(variant, "name"),
                                            .low = given_number_in(variant, "wall_seconds", "low"),
                                            .value = given_number_in(variant, "wall_seconds", "median"),
                                            .high = given_number_in(variant, "wall_seconds", "high"),
                                            .unit = "s",
                                            .state = state_of(state, variant)});
    }
}

static void add_hit_rates(const json_t *variant, struct buf *text) {
    const char *name;
    json_t *rate;
    json_object_foreach(json_object_get(variant, "hit_rates"), name, rate) {
        buf_printf(text, "%s%s ", text->n ? ", " : "", name);
        quantity_add(text, json_number_value(rate), "share");
    }
}

static void add_variants(json_t *section, const json_t *state, const char *base) {
    char over[120];
    snprintf(over, sizeof over, "over %.80s", base);
    const struct report_column columns[] = {
        {"strategy", false, false}, {"place", false, false},          {"time", true, false},
        {"CPU time", true, false},  {"memory", true, false},          {"workers", true, false},
        {"busy", true, true},       {*base ? over : "", true, false}, {"found in caches", false, false}};
    json_t *table =
        report_add_table(section, "Strategies, the fastest first", columns, sizeof columns / sizeof *columns);
    size_t i;
    json_t *variant;
    json_array_foreach(json_object_get(state, "variants"), i, variant) {
        const double busy = given_number(variant, "busy");
        const char *place = given_text(variant, "place");
        struct buf rates = BUF_INIT;
        add_hit_rates(variant, &rates);
        json_t *row = report_add_row(table, state_of(state, variant));
        report_add_cell(row, given_text(variant, "name"));
        report_add_cell(row, *place ? place : "reference");
        report_add_number(row, given_number_in(variant, "wall_seconds", "median"), "s");
        report_add_number(row, given_number_in(variant, "cpu_seconds", "median"), "s");
        report_add_number(row, given_number_in(variant, "peak_rss_bytes", "median"), "B");
        report_add_number(row, given_number(variant, "workers"), "");
        report_add_share(row, busy, "share", busy);
        report_add_number(row, given_number(variant, "speed_up"), "x");
        report_add_cell(row, buf_text(&rates));
        buf_release(&rates);
    }
}

static void add_state(struct report *report, const json_t *source, const char *name) {
    const json_t *state = json_object_get(json_object_get(source, "states"), name);
    char title[64];
    struct buf text = BUF_INIT;
    if (!json_array_size(json_object_get(state, "variants")))
        return;
    snprintf(title, sizeof title, "Caches %s", name);
    buf_printf(&text, "%s: %s. %llu rounds.", given_text(state, "recommended"), given_text(state, "reason"),
               (unsigned long long)given_count(state, "rounds"));
    json_t *section = report_section(report, name, title, buf_text(&text), false);
    add_intervals(section, state);
    add_variants(section, state, given_text(source, "base"));
    buf_release(&text);
}

struct report *report_build_strategy(const json_t *source, const struct report_options *options) {
    const char *manifest = given_text(source, "manifest"), *compared = given_text(source, "compared");
    struct report *report = report_new(REPORT_STRATEGY, *manifest ? manifest : "strategies", options->made);
    char subtitle[200];
    size_t i;
    json_t *note;
    snprintf(subtitle, sizeof subtitle, "%.60s; all made the same outputs, digest %.40s", compared,
             given_text(source, "digest"));
    report_set_subtitle(report, subtitle);
    set_verdict(report, source);
    add_figures(report, source);
    for (int s = 0; s < STATES; s++)
        add_state(report, source, states[s]);
    json_t *notes = report_section(report, "notes", "To be noted", NULL, false);
    json_array_foreach(json_object_get(source, "notes"), i, note) {
        if (json_is_string(note) && i < REPORT_ROWS)
            report_add_text(notes, json_string_value(note));
    }
    return report;
}
