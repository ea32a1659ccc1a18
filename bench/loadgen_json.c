// SPDX-License-Identifier: MIT
#include "bench/loadgen_json.h"

#include <jansson.h>

#include "base/diag.h"
#include "monitor/json_line.h"

const double loadgen_quantiles[LOADGEN_QUANTILES] = {0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1};
const char *const loadgen_quantile_names[LOADGEN_QUANTILES] = {"p50",  "p90",   "p95", "p99",
                                                               "p999", "p9999", "max"};

static const double nanoseconds = 1e9;

static json_t *integer(uint64_t n) {
    return json_integer((json_int_t)n);
}

// Commands and what they say may be anything; JSON is UTF-8.
static json_t *text_json(const char *text) {
    json_t *json = json_string(text);
    if (json)
        return json;
    struct arena arena;
    arena_init(&arena, 0);
    struct str shown = diag_escape(&arena, str_of(text));
    json = shown.p ? json_stringn(shown.p, shown.n) : NULL;
    arena_release(&arena);
    return json ? json : json_null();
}

static json_t *histogram_json(const struct histogram *h) {
    json_t *object = json_object();
    for (size_t i = 0; i < LOADGEN_QUANTILES; i++)
        json_object_set_new(object, loadgen_quantile_names[i],
                            json_real((double)histogram_quantile(h, loadgen_quantiles[i]) / nanoseconds));
    json_object_set_new(object, "mean", json_real(histogram_mean(h) / nanoseconds));
    json_object_set_new(object, "count", integer(h->n));
    return object;
}

static void add_part(json_t *object, const struct loadgen_part *part) {
    json_object_set_new(object, "operations", integer(part->done));
    json_object_set_new(object, "failed", integer(part->failed));
    json_object_set_new(object, "unstarted", integer(part->unstarted));
    json_object_set_new(object, "bytes", integer(part->bytes));
    json_object_set_new(object, "fault", part->fault[0] ? text_json(part->fault) : json_null());
    json_object_set_new(object, "latency_seconds", histogram_json(&part->times.latency));
    json_object_set_new(object, "wait_seconds", histogram_json(&part->times.wait));
    json_object_set_new(object, "service_seconds", histogram_json(&part->times.service));
}

static json_t *parts_json(const struct loadgen_options *options, const struct loadgen_result *result) {
    json_t *array = json_array();
    for (uint32_t k = 0; k < result->parts_n; k++) {
        json_t *object = json_object();
        json_object_set_new(object, "name", text_json(options->operations[k].name));
        json_object_set_new(object, "weight", json_real(options->operations[k].weight));
        add_part(object, &result->parts[k]);
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *timeline_json(const struct loadgen_options *options, const struct loadgen_result *result) {
    double step = (options->arrivals.ramp + options->arrivals.seconds) / LOADGEN_SLOTS;
    json_t *array = json_array();
    for (size_t i = 0; i < LOADGEN_SLOTS; i++) {
        const struct loadgen_slot *slot = &result->slots[i];
        json_array_append_new(array,
                              json_pack("{s:f, s:I, s:I, s:f}", "from", (double)i * step, "operations",
                                        (json_int_t)slot->operations, "backlog", (json_int_t)slot->backlog,
                                        "latency_max", (double)slot->latency_max / nanoseconds));
    }
    return array;
}

void loadgen_write_json(const struct loadgen_options *options, const struct loadgen_result *result,
                        struct buf *out) {
    const struct arrivals *arrivals = &options->arrivals;
    json_t *object = json_object();
    json_object_set_new(object, "version", json_string(PRESSRUN_VERSION));
    json_object_set_new(object, "valid", json_boolean(result->valid));
    json_object_set_new(object, "rate", json_real(arrivals->rate));
    json_object_set_new(object, "achieved_rate", json_real(result->achieved));
    json_object_set_new(object, "seconds", json_real(arrivals->seconds));
    json_object_set_new(object, "ramp_up_seconds", json_real(arrivals->ramp));
    json_object_set_new(object, "users", integer(options->users));
    json_object_set_new(object, "seed", integer(options->seed));
    json_object_set_new(object, "planned", integer(result->planned));
    json_object_set_new(object, "backlog", integer(result->backlog));
    add_part(object, &result->all);
    json_object_set_new(object, "mix", parts_json(options, result));
    json_object_set_new(object, "timeline", timeline_json(options, result));
    json_line_add(object, 9, out);
}
