// SPDX-License-Identifier: MIT
#include "monitor/metrics.h"

const struct metric_row metric_rows[METRICS] = {
#define METRIC(id, name, key, unit, kind, meaning)                                                           \
    [METRIC_##id] = {name, key, unit, kind, kind == KIND_WORK, meaning},
#include "monitor/metrics.def"
};

const char *const metric_figures[FIGURES] = {"p50", "p95", "p99", "max", "mean", "count"};

int metric_find(struct str name) {
    for (int i = 0; i < METRICS; i++)
        if (str_is(name, metric_rows[i].name))
            return i;
    return -1;
}

bool metric_is_live(enum metric metric) {
    return str_starts(str_of(metric_rows[metric].name), STR("live."));
}

int metric_figure_of(struct str name, struct str *distribution) {
    size_t dot = name.n;
    while (dot > 0 && name.p[dot - 1] != '.')
        dot--;
    if (dot < 2)
        return -1;
    *distribution = (struct str){name.p, dot - 1};
    for (int i = 0; i < FIGURES; i++)
        if (str_is(str_from(name, dot), metric_figures[i]))
            return i;
    return -1;
}

const char *metric_unit(struct str name) {
    struct str distribution;
    const int row = metric_find(name);
    if (row >= 0)
        return metric_rows[row].unit;
    return metric_figure_of(name, &distribution) == FIGURE_COUNT ? "" : "s";
}
