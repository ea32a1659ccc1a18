// SPDX-License-Identifier: MIT
#include "cli/bench_show.h"

#include <jansson.h>

#include "cli/show.h"
#include "monitor/json_line.h"

// ---- the table

// Half of the range of all repetitions, in percent of the median.
static double spread(struct scenario_figure f) {
    return f.median > 0 ? 50 * (f.high - f.low) / f.median : 0;
}

static double render_of(const struct scenario_sample *s, int index) {
    return s->render[index];
}

static bool is_timed(const struct scenario_condition *c) {
    return c->n && c->samples[0].timed;
}

static void add_time(const struct scenario_condition *c, enum scenario_metric metric, struct buf *out) {
    struct scenario_figure f = scenario_figure(c, metric);
    buf_printf(out, " %7.1f", f.median * 1000);
    if (c->n > 1)
        buf_printf(out, " ±%2.0f%%", spread(f));
}

static void add_name(const char *name, int width, bool colour, struct buf *out) {
    buf_printf(out, colour && *name ? "\033[1m%-*s\033[0m" : "%-*s", width, name);
}

static void add_condition(const struct scenario_result *result, const struct scenario_condition *c,
                          bool colour, struct buf *out) {
    struct buf units = BUF_INIT;
    bool first = c == &result->conditions[0];
    if (first) {
        show_count(&units, result->units);
        buf_printf(&units, " %s", result->scenario->unit);
    }
    add_name(first ? result->scenario->name : "", 11, colour, out);
    buf_printf(out, " %-13.*s %s %2u %8.0f %6.1f", STR_ARG(buf_str(&units)), c->warm ? "warm" : "cold",
               (unsigned)c->workers, scenario_figure(c, SCENARIO_UNITS).median,
               scenario_figure(c, SCENARIO_BYTES).median / 1e6);
    buf_release(&units);
    add_time(c, SCENARIO_WALL, out);
    add_time(c, SCENARIO_CPU, out);
    for (int i = 0; i < SCENARIO_QUANTILES; i++) {
        double us = scenario_median(c, render_of, i) * 1e6;
        if (is_timed(c))
            buf_printf(out, " %6.*f", us < 1000 ? 1 : 0, us);
    }
    buf_printf(out, " %5.1f", scenario_figure(c, SCENARIO_PEAK).median / 1e6);
    double gain = scenario_gain(result, c, SCENARIO_WALL);
    if (gain > 0)
        buf_printf(out, " %4.2f", gain);
    buf_add_char(out, '\n');
}

static void add_scenarios(const struct bench_findings *findings, bool colour, struct buf *out) {
    const struct scenario_options *options = findings->options;
    bool timed = false;
    for (size_t i = 0; i < findings->scenarios_n; i++)
        timed = timed || is_timed(&findings->scenarios[i].conditions[0]);
    buf_printf(out, "Scenarios at scale %g%s, seed %llu, %u repetition%s\n", options->scale,
               options->scale < 1 ? ", below their full sizes" : "", (unsigned long long)options->seed,
               (unsigned)options->repeat, options->repeat == 1 ? "" : "s");
    buf_add_text(out, "Medians, ± half the range; gain: time of one worker over this time");
    buf_add_text(out, timed ? "; p50 and so on: of rendering an output\n\n" : "\n\n");
    int width = options->repeat > 1 ? 13 : 8; // the spread is beside it
    buf_printf(out, "%-11s %-13s %-4s %2s %8s %6s%*s%*s", "", "units", "run", "-j", "units/s", "MB/s", width,
               "wall ms", width, "CPU ms");
    if (timed)
        buf_printf(out, " %6s %6s %6s %6s", "p50 us", "p95", "p99", "max");
    buf_printf(out, " %5s %4s\n", "MB", "gain");
    for (size_t i = 0; i < findings->scenarios_n; i++)
        for (uint32_t c = 0; c < findings->scenarios[i].conditions_n; c++)
            add_condition(&findings->scenarios[i], &findings->scenarios[i].conditions[c], colour, out);
    buf_add_text(out, "\nDigests\n");
    for (size_t i = 0; i < findings->scenarios_n; i++)
        buf_printf(out, "  %-12s %s\n", findings->scenarios[i].scenario->name,
                   findings->scenarios[i].conditions[0].samples[0].digest);
}

static void add_micros(const struct bench_findings *findings, bool colour, struct buf *out) {
    buf_printf(out, "%-14s %10s %21s %9s   %s\n", "Operations", "ns", "95 % interval", "MB/s", "each");
    for (size_t i = 0; i < findings->micros_n; i++) {
        const struct micro_result *m = &findings->micros[i];
        add_name(m->micro->name, 14, colour, out);
        buf_printf(out, " %10.1f %9.1f to %8.1f %9.1f   %s: %s\n", m->median, m->low, m->high,
                   m->bytes * 1e3 / m->median, m->micro->operation, m->micro->what);
    }
}

void bench_show_table(const struct bench_findings *findings, bool colour, struct buf *out) {
    if (findings->scenarios_n)
        add_scenarios(findings, colour, out);
    if (findings->scenarios_n && findings->micros_n)
        buf_add_char(out, '\n');
    if (findings->micros_n)
        add_micros(findings, colour, out);
}

// ---- JSON

static json_t *integer(uint64_t n) {
    return json_integer((json_int_t)n);
}

static json_t *figure_json(struct scenario_figure f) {
    return json_pack("{s:f, s:f, s:f}", "median", f.median, "low", f.low, "high", f.high);
}

static double stage_of(const struct scenario_sample *s, int index) {
    return s->stage_seconds[index];
}

static json_t *medians_json(const struct scenario_condition *c, const char *const *names, int n,
                            double (*value)(const struct scenario_sample *s, int index)) {
    json_t *object = json_object();
    for (int i = 0; i < n; i++)
        json_object_set_new(object, names[i], json_real(scenario_median(c, value, i)));
    return object;
}

static json_t *work_json(const struct work *work) {
    json_t *object = json_object();
    for (size_t i = 0; i < work->n; i++)
        json_object_set_new(object, work->counters[i].name, integer(work->counters[i].value));
    return object;
}

static json_t *samples_json(const struct scenario_condition *c) {
    json_t *array = json_array();
    for (uint32_t i = 0; i < c->n; i++) {
        const struct process_sample *p = &c->samples[i].process;
        json_array_append_new(array,
                              json_pack("{s:f, s:f, s:f, s:I, s:I}", "wall", p->wall, "user", p->user,
                                        "system", p->system, "instructions", (json_int_t)p->instructions,
                                        "peak_rss_bytes", (json_int_t)p->peak_rss_bytes));
    }
    return array;
}

static json_t *condition_json(const struct scenario_result *result, const struct scenario_condition *c) {
    static const char *const names[SCENARIO_METRICS] = {"wall_seconds", "cpu_seconds", "units_per_second",
                                                        "output_bytes_per_second", "peak_rss_bytes"};
    const struct scenario_sample *first = &c->samples[0];
    json_t *object = json_object();
    json_object_set_new(object, "run", json_string(c->warm ? "warm" : "cold"));
    json_object_set_new(object, "workers", integer(c->workers));
    for (enum scenario_metric m = 0; m < SCENARIO_METRICS; m++)
        json_object_set_new(object, names[m], figure_json(scenario_figure(c, m)));
    json_object_set_new(object, "stage_seconds", medians_json(c, scenario_stages, SCENARIO_STAGES, stage_of));
    json_object_set_new(object, "render_seconds",
                        is_timed(c) ? medians_json(c, metric_figures, SCENARIO_QUANTILES, render_of)
                                    : json_null());
    double gain = scenario_gain(result, c, SCENARIO_WALL), cpu = scenario_gain(result, c, SCENARIO_CPU);
    json_object_set_new(object, "gain_wall", gain > 0 ? json_real(gain) : json_null());
    json_object_set_new(object, "gain_cpu", cpu > 0 ? json_real(cpu) : json_null());
    json_object_set_new(object, "outputs", integer(first->outputs));
    json_object_set_new(object, "written", integer(first->written));
    json_object_set_new(object, "unchanged", integer(first->unchanged));
    json_object_set_new(object, "output_bytes", integer(first->output_bytes));
    json_object_set_new(object, "stored_bytes", integer(first->stored_bytes));
    json_object_set_new(object, "digest", json_string(first->digest));
    json_object_set_new(object, "work", work_json(&c->work));
    json_object_set_new(object, "samples", samples_json(c));
    return object;
}

static json_t *scenario_json(const struct scenario_result *result) {
    json_t *object = json_object(), *runs = json_array();
    json_object_set_new(object, "name", json_string(result->scenario->name));
    json_object_set_new(object, "unit", json_string(result->scenario->unit));
    json_object_set_new(object, "units", integer(result->units));
    json_object_set_new(object, "units_at_scale_1", integer(result->scenario->units));
    json_object_set_new(object, "records", integer(result->records));
    json_object_set_new(object, "source_bytes", integer(result->conditions[0].samples[0].source_bytes));
    json_object_set_new(object, "digest", json_string(result->conditions[0].samples[0].digest));
    for (uint32_t i = 0; i < result->conditions_n; i++)
        json_array_append_new(runs, condition_json(result, &result->conditions[i]));
    json_object_set_new(object, "runs", runs);
    return object;
}

static json_t *micro_json(const struct micro_result *m) {
    json_t *object = json_object(), *samples = json_array();
    json_object_set_new(object, "name", json_string(m->micro->name));
    json_object_set_new(object, "operation", json_string(m->micro->operation));
    json_object_set_new(object, "nanoseconds",
                        json_pack("{s:f, s:f, s:f}", "median", m->median, "low", m->low, "high", m->high));
    json_object_set_new(object, "bytes", json_real(m->bytes));
    json_object_set_new(object, "operations", integer(m->operations));
    for (int i = 0; i < MICRO_REPETITIONS; i++)
        json_array_append_new(samples, json_real(m->samples[i]));
    json_object_set_new(object, "samples", samples);
    return object;
}

void bench_show_json(const struct bench_findings *findings, struct buf *out) {
    const struct scenario_options *options = findings->options;
    json_t *object = json_object(), *jobs = json_array(), *operations = json_array();
    json_object_set_new(object, "version", json_string(PRESSRUN_VERSION));
    json_object_set_new(object, "scale", json_real(options->scale));
    json_object_set_new(object, "seed", integer(options->seed));
    json_object_set_new(object, "repeat", integer(options->repeat));
    json_object_set_new(object, "workers", integer(options->workers));
    for (size_t i = 0; i < findings->scenarios_n; i++)
        json_array_append_new(jobs, scenario_json(&findings->scenarios[i]));
    for (size_t i = 0; i < findings->micros_n; i++)
        json_array_append_new(operations, micro_json(&findings->micros[i]));
    json_object_set_new(object, "scenarios", jobs);
    json_object_set_new(object, "operations", operations);
    json_line_add(object, 9, out);
}
