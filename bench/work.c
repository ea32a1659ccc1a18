// SPDX-License-Identifier: MIT
#include "bench/work.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "monitor/metrics.h"

const char *const work_stages[WORK_STAGES] = {"compile", "load", "render", "emit"};

const struct work_counter *work_find(const struct work *work, const char *name) {
    for (size_t i = 0; i < work->n; i++)
        if (strcmp(work->counters[i].name, name) == 0)
            return &work->counters[i];
    return NULL;
}

void work_add(struct work *work, const char *name, uint64_t value) {
    if (work->n == WORK_MOST || strlen(name) >= WORK_NAME || work_find(work, name))
        return;
    struct work_counter *counter = &work->counters[work->n++];
    snprintf(counter->name, sizeof counter->name, "%s", name);
    counter->value = value;
}

bool work_is_counter(const char *name) {
    int metric = metric_find(str_of(name));
    return metric >= 0 && metric_rows[metric].work;
}

json_t *work_report(struct str output) {
    while (output.n && output.p[output.n - 1] == '\n')
        output.n--;
    size_t from = output.n;
    while (from > 0 && output.p[from - 1] != '\n')
        from--;
    return json_loadb(output.p + from, output.n - from, 0, NULL);
}

void work_read(struct work *work, const json_t *report) {
    work->n = 0;
    for (int i = 0; i < METRICS; i++) {
        const struct metric_row *row = &metric_rows[i];
        const json_t *value = row->work && row->key ? json_object_get(report, row->key) : NULL;
        if (json_is_integer(value) && json_integer_value(value) >= 0)
            work_add(work, row->name, (uint64_t)json_integer_value(value));
    }
}

void work_read_stages(double seconds[WORK_STAGES], const json_t *report) {
    const json_t *stages = json_object_get(report, "stage_seconds");
    for (int i = 0; i < WORK_STAGES; i++) {
        double taken = json_number_value(json_object_get(stages, work_stages[i]));
        seconds[i] = taken > 0 ? taken : 0;
    }
}

double work_growth(uint64_t a, uint64_t b) {
    if (a == b)
        return 0;
    return a ? (double)b / (double)a - 1 : INFINITY;
}

bool work_is_worse(uint64_t a, uint64_t b) {
    return b > a && b - a > a / 100; // exact, since both sides are whole
}
