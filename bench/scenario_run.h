// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_SCENARIO_RUN_H
#define PRESSRUN_BENCH_SCENARIO_RUN_H
/*
 * Runs a scenario: `pressrun run` in fresh processes, into a directory that is new (cold) and once more into the same
 * (warm), with one worker and with many, in an order that a seeded coin decides, as often as asked for.
 *
 * Nothing is measured that is not the same each time: outputs that differ between repetitions, numbers of workers, or
 * cold and warm (but where a record was touched in between) are an error, and so is a warm run that wrote what it need
 * not. What is measured is the process as the kernel accounts for it, and what the run itself reports.
 *
 * A result owns its samples. One thread.
 */
#include <stdatomic.h>

#include "base/digest.h"
#include "bench/process.h"
#include "bench/scenario.h"
#include "bench/work.h"
#include "monitor/metrics.h"

enum { SCENARIO_STAGES = 4, SCENARIO_QUANTILES = FIGURE_MAX + 1 }; // of metric_figures: p50 to max
extern const char *const scenario_stages[SCENARIO_STAGES];         // "compile", ... of a run's report

struct scenario_sample {
    struct process_sample process;
    uint64_t units, records, outputs, written, unchanged, source_bytes, output_bytes, stored_bytes;
    double seconds; // of the run, without the start of the process
    double stage_seconds[SCENARIO_STAGES];
    bool timed;                        // render is known
    double render[SCENARIO_QUANTILES]; // seconds an output
    char digest[DIGEST_HEX_SIZE];
};

struct scenario_condition {
    uint32_t workers;
    bool warm;
    struct scenario_sample *samples; // owned; `repeat` of them
    uint32_t n;
    struct work work; // of the last one, as of all
};

enum { SCENARIO_CONDITIONS = 4 };

struct scenario_result {
    const struct scenario *scenario;
    uint64_t units, records;
    struct scenario_condition conditions[SCENARIO_CONDITIONS]; // one worker cold, warm; many cold, warm
    uint32_t conditions_n;                                     // 2 where many are one, too
    bool interrupted;
};

struct scenario_options {
    const char *program; // pressrun
    const char *scratch; // a directory that is there
    const struct fs *fs;
    double scale;
    uint64_t seed;
    uint32_t repeat;
    uint32_t workers;             // many
    const atomic_bool *interrupt; // may be NULL
    void *self;
    // Before each run, and before all (all = 0) when records are made. May be NULL.
    void (*progress)(void *self, const struct scenario *scenario, uint32_t done, uint32_t all);
};

// STATUS_DATA: a run failed, or did something else than the others; the result has what there is.
enum status scenario_run(const struct scenario *s, const struct scenario_options *options,
                         struct scenario_result *result, struct err *err);
void scenario_release(struct scenario_result *result);

// ---- what comes of it

enum scenario_metric {
    SCENARIO_WALL,
    SCENARIO_CPU,
    SCENARIO_UNITS, // a second
    SCENARIO_BYTES, // of output, a second
    SCENARIO_PEAK,  // bytes
    SCENARIO_METRICS
};
struct scenario_figure {
    double median, low, high; // of all repetitions
};
struct scenario_figure scenario_figure(const struct scenario_condition *c, enum scenario_metric metric);
// How much less wall time (or CPU time) this condition takes than the same with one worker: the median of the
// repetitions' own ratios. 0: it is that.
double scenario_gain(const struct scenario_result *result, const struct scenario_condition *c,
                     enum scenario_metric metric);
// The median of a value of the samples, by its place in the struct.
double scenario_median(const struct scenario_condition *c,
                       double (*value)(const struct scenario_sample *s, int index), int index);

#endif
