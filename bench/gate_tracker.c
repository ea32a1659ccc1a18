// SPDX-License-Identifier: MIT
#include <jansson.h>

#include "bench/gate_formats.h"
#include "bench/gate_words.h"
#include "monitor/json_line.h"

enum { DIGITS = 9 };

// Numbers of a size that a chart can be labelled with.
static double scaled(double value, enum paired_metric metric, const char **unit) {
    switch (metric) {
    case PAIRED_PEAK_RSS:
        *unit = "MB";
        return value / 1e6;
    case PAIRED_INSTRUCTIONS:
        *unit = "million instructions";
        return value / 1e6;
    case PAIRED_CPU:
    case PAIRED_WALL:
    case PAIRED_METRICS:
        break;
    }
    *unit = "ms";
    return value * 1000;
}

static json_t *text(const char *value) {
    json_t *json = json_string(value);
    return json ? json : json_string("(not UTF-8)");
}

static json_t *entry(struct gate_result *r, const struct gate_row *row) {
    const struct comparison_median *b = &row->medians[1];
    enum paired_metric metric = row->comparison.metric;
    const char *unit, *ratio = gate_ratio_text(r, row);
    double value = scaled(b->value, metric, &unit), low = scaled(b->low, metric, &unit),
           high = scaled(b->high, metric, &unit);
    json_t *object = json_object();
    json_object_set_new(object, "name", text(gate_printf(r, "%s: %s", row->name, gate_metric_words(metric))));
    json_object_set_new(object, "unit", json_string(unit));
    json_object_set_new(object, "value", json_real(value));
    json_object_set_new(object, "range", text(gate_printf(r, "± %.3g", (high - low) / 2)));
    json_object_set_new(object, "extra",
                        text(gate_printf(r, "%s%s%s\n%s", verdict_name(row->verdict),
                                         *ratio ? ", B over A " : "", ratio, gate_medians_text(r, row))));
    return object;
}

void gate_write_tracker(struct gate_result *r, struct buf *out) {
    json_t *array = json_array();
    for (size_t i = 0; i < r->rows_n; i++) {
        const struct gate_row *row = &r->rows[i];
        if (row->medians[1].value > 0 && row->kind != GATE_CONTROL && row->verdict != VERDICT_INVALID)
            json_array_append_new(array, entry(r, row));
    }
    json_line_add(array, DIGITS, out);
}
