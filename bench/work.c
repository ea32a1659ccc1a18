// SPDX-License-Identifier: MIT
#include "bench/work.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "monitor/metrics.h"

// The same numbers under the names that reports of runs have them by.
static const struct {
    const char *key, *metric;
} keys[] = {
    {"excluded", "run.excluded"},
    {"failed", "run.failed"},
    {"templates", "compile.templates"},
    {"loaded", "load.records"},
    {"source_bytes", "load.bytes"},
    {"fields_parsed", "load.fields_parsed"},
    {"fields_skipped", "load.fields_skipped"},
    {"opcodes", "render.opcodes"},
    {"rendered", "render.outputs"},
    {"output_bytes", "render.bytes"},
    {"allocations", "render.allocations"},
    {"allocated_bytes", "render.allocated_bytes"},
};

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

// Counters are called by their metrics' names, in one object or in one for each stage.
static void read_object(struct work *work, const json_t *object, const char *prefix) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        char name[2 * WORK_NAME];
        int n = snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key);
        if (n < 0 || (size_t)n >= WORK_NAME)
            continue;
        if (json_is_object(value))
            read_object(work, value, strcmp(name, "work") == 0 || strcmp(name, "metrics") == 0 ? "" : name);
        else if (json_is_integer(value) && json_integer_value(value) >= 0 && work_is_counter(name))
            work_add(work, name, (uint64_t)json_integer_value(value));
    }
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
    read_object(work, report, "");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *value = json_object_get(report, keys[i].key);
        if (json_is_integer(value) && json_integer_value(value) >= 0)
            work_add(work, keys[i].metric, (uint64_t)json_integer_value(value));
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
