// SPDX-License-Identifier: MIT
#include "bench/paired.h"

#include <math.h>

#include "base/mem.h"
#include "bench/quantiles.h"
#include "bench/random.h"

enum { PADDING = 4096, DROPPED_MOST = 32 };
static const double stolen_most = 0.1; // share of a pair's time

const char *paired_metric_name(enum paired_metric metric) {
    static const char *const names[PAIRED_METRICS] = {"cpu", "wall", "instructions", "peak_rss"};
    return names[metric];
}

double paired_value(const struct process_sample *sample, enum paired_metric metric) {
    switch (metric) {
    case PAIRED_CPU:
        return sample->user + sample->system;
    case PAIRED_WALL:
        return sample->wall;
    case PAIRED_INSTRUCTIONS:
        return (double)sample->instructions;
    case PAIRED_PEAK_RSS:
        return (double)sample->peak_rss_bytes;
    case PAIRED_METRICS:
        break;
    }
    return 0;
}

uint32_t paired_differences(const struct pair *pairs, uint32_t n, enum paired_metric metric,
                            double *differences) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++) {
        double a = paired_value(&pairs[i].a, metric), b = paired_value(&pairs[i].b, metric);
        if (!pairs[i].dropped && a > 0 && b > 0)
            differences[count++] = log(b / a);
    }
    return count;
}

struct runner {
    const struct paired_options *options;
    struct random random;
    struct buf output, errors;
    cpu_set_t cpus;
};

static enum status run_one(struct runner *r, int which, uint32_t padding, struct process_sample *sample,
                           struct err *err) {
    const struct paired_options *options = r->options;
    struct process_command command = which ? options->b : options->a;
    command.cpus = &r->cpus;
    command.padding = padding;
    if (process_run(&command, sample, &r->output, &r->errors, err) != STATUS_OK)
        return err->status;
    if (options->check &&
        !options->check(options->self, which, sample, buf_str(&r->output), buf_str(&r->errors), err))
        return err->status;
    return STATUS_OK;
}

static enum status run_pair(struct runner *r, struct pair *pair, struct err *err) {
    *pair =
        (struct pair){.b_first = random_next(&r->random) >> 63, .padding = random_below(&r->random, PADDING)};
    for (int i = 0; i < 2; i++) {
        int which = pair->b_first ? !i : i;
        if (run_one(r, which, pair->padding, which ? &pair->b : &pair->a, err) != STATUS_OK)
            return err->status;
    }
    pair->dropped = pair->a.stolen + pair->b.stolen > stolen_most * (pair->a.wall + pair->b.wall);
    return STATUS_OK;
}

static bool is_interrupted(const struct runner *r) {
    return r->options->interrupt && atomic_load(r->options->interrupt);
}

static bool is_look(uint32_t n) {
    for (int i = 0; i < VERDICT_LOOKS; i++)
        if (verdict_looks[i] == n)
            return true;
    return false;
}

static double median_of(const struct paired_result *result, bool b, enum paired_metric metric) {
    double *values = MEM_NEW_ARRAY(double, result->pairs_n), median = 0;
    size_t n = 0;
    for (uint32_t i = 0; i < result->pairs_n; i++)
        if (!result->pairs[i].dropped)
            values[n++] = paired_value(b ? &result->pairs[i].b : &result->pairs[i].a, metric);
    if (n)
        median = quantiles_median(values, n);
    mem_free(values);
    return median;
}

// A look at what there is; where the number of pairs is fixed the verdict is that of the looks on the way.
static void look_at(const struct runner *r, struct paired_result *result) {
    const struct paired_options *options = r->options;
    double *differences = MEM_NEW_ARRAY(double, result->pairs_n);
    uint32_t n = paired_differences(result->pairs, result->pairs_n, options->metric, differences);
    if (options->pairs)
        result->look = verdict_of(differences, n, &options->rule);
    else if (is_look(n))
        result->look = verdict_at(differences, n, &options->rule);
    mem_free(differences);
}

static bool is_enough(const struct paired_options *options, const struct paired_result *result) {
    uint32_t counted = result->pairs_n - result->dropped;
    if (options->pairs)
        return counted >= options->pairs;
    return result->look.verdict != VERDICT_MORE || counted >= VERDICT_PAIRS;
}

static enum status run_pairs(struct runner *r, struct paired_result *result, struct err *err) {
    const struct paired_options *options = r->options;
    size_t cap = 0;
    while (!is_enough(options, result)) {
        if (is_interrupted(r)) {
            result->interrupted = true;
            return STATUS_OK;
        }
        struct pair pair;
        if (run_pair(r, &pair, err) != STATUS_OK)
            return err->status;
        MEM_GROW(result->pairs, cap, result->pairs_n + 1);
        result->pairs[result->pairs_n++] = pair;
        result->dropped += pair.dropped;
        if (result->dropped > DROPPED_MOST)
            return err_set(err, STATUS_DATA,
                           "the host took too much time from %u pairs: this machine is too busy",
                           (unsigned)result->dropped);
        if (!pair.dropped)
            look_at(r, result);
        if (options->progress)
            options->progress(options->self, &result->look, result->pairs_n - result->dropped);
    }
    return STATUS_OK;
}

enum status paired_run(const struct paired_options *options, struct paired_result *result, struct err *err) {
    struct runner r = {.options = options, .random = {options->seed}, .output = BUF_INIT, .errors = BUF_INIT};
    *result = (struct paired_result){.look.verdict = VERDICT_MORE};
    sched_getaffinity(0, sizeof r.cpus, &r.cpus);
    struct pair warm_up;
    enum status status = run_pair(&r, &warm_up, err);
    if (status == STATUS_OK)
        status = run_pairs(&r, result, err);
    if (result->pairs_n) {
        result->a_median = median_of(result, false, options->metric);
        result->b_median = median_of(result, true, options->metric);
    }
    buf_release(&r.output);
    buf_release(&r.errors);
    return status;
}

void paired_release(struct paired_result *result) {
    mem_free(result->pairs);
    *result = (struct paired_result){0};
}
