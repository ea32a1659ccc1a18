// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_METRICS_H
#define PRESSRUN_MONITOR_METRICS_H
/*
 * The names of what is measured: one table (metrics.def), and what a distribution adds to it.
 *
 * A distribution is of durations: of a stage ("render"), a job ("job.cards"), a template
 * ("template.card.j2") or a job's filter outside ("through.cards"). Its
 * figures are called NAME.p50, .p95, .p99, .max, .mean (seconds) and .count.
 *
 * To add a metric: one row in metrics.def, and whoever knows the number sets it (pipeline/run/run_session.c).
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum metric {
#define METRIC(id, name, key, unit, kind, meaning) METRIC_##id,
#include "monitor/metrics.def"
    METRICS
};

enum metric_kind { KIND_LEVEL, KIND_WORK, KIND_TOTAL }; // see metrics.def

struct metric_row {
    const char *name, *key, *unit; // key: NULL where `run --json` does not have it
    enum metric_kind kind;
    bool work; // of that kind
    const char *meaning;
};
extern const struct metric_row metric_rows[METRICS];

int metric_find(struct str name);        // enum metric, or -1
bool metric_is_live(enum metric metric); // of a run that goes on; no session has it

enum metric_figure { FIGURE_P50, FIGURE_P95, FIGURE_P99, FIGURE_MAX, FIGURE_MEAN, FIGURE_COUNT, FIGURES };
extern const char *const metric_figures[FIGURES]; // "p50", ...
// "render.p99" is figure p99 of the distribution "render"; -1 where the name ends in no figure.
int metric_figure_of(struct str name, struct str *distribution);
const char *metric_unit(struct str name); // of either: "s", "B", "1/s", ""

#endif
