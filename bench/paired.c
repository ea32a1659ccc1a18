// SPDX-License-Identifier: MIT
#include "bench/paired.h"

#include <math.h>

#include "base/mem.h"
#include "bench/random.h"

enum { PADDING = 4096, DROPPED_MOST = 32 };
static const double stolen_most = 0.1; // share of a pair's time

const char *paired_metric_name(enum paired_metric metric) {
    static const char *const names[PAIRED_METRICS] = {[PAIRED_CPU] = "cpu",
                                                      [PAIRED_WALL] = "wall",
                                                      [PAIRED_INSTRUCTIONS] = "instructions",
                                                      [PAIRED_PEAK_RSS] = "peak_rss"};
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

cpu_set_t paired_cpus(enum paired_metric metric) {
    cpu_set_t all;
    CPU_ZERO(&all);
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        CPU_SET(0, &all);
    if (metric == PAIRED_WALL)
        return all;
    size_t last = CPU_SETSIZE - 1;
    while (last > 0 && !CPU_ISSET(last, &all))
        last--;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(last, &one);
    return one;
}

struct verdict_look paired_verdict(const struct pair *pairs, uint32_t n, enum paired_metric metric,
                                   uint32_t fixed, const struct verdict_rule *rule) {
    struct verdict_look look = {.verdict = VERDICT_MORE};
    double *differences = MEM_NEW_ARRAY(double, n + 1);
    uint32_t counted = paired_differences(pairs, n, metric, differences);
    if (!fixed)
        look = verdict_of(differences, counted, rule);
    else if (counted >= fixed)
        look = verdict_once(differences, fixed, rule);
    mem_free(differences);
    return look;
}

struct runner {
    const struct paired_options *options;
    struct random random;
    struct buf output, errors;
};

static enum status run_one(struct runner *r, int which, uint32_t padding, struct process_sample *sample,
                           struct err *err) {
    const struct paired_options *options = r->options;
    struct process_command command = which ? options->b : options->a;
    command.cpus = &options->cpus;
    command.padding = padding;
    command.seconds = options->seconds;
    command.interrupt = options->interrupt;
    if (process_run(&command, sample, &r->output, &r->errors, err) != STATUS_OK)
        return err->status;
    if (sample->interrupted)
        return err_set(err, STATUS_CANCELLED, "interrupted");
    if (options->check &&
        !options->check(options->self, which, sample, buf_str(&r->output), buf_str(&r->errors), err))
        return err->status;
    if (paired_value(sample, options->metric) <= 0)
        return err_set(err, STATUS_DATA, "a run of %c took no %s that could be measured", 'A' + which,
                       paired_metric_name(options->metric));
    return STATUS_OK;
}

// Ticks of stolen time are coarse: a single one may be of the time before.
bool paired_is_disturbed(const struct pair *pair) {
    double stolen = pair->a.stolen + pair->b.stolen, seconds = pair->a.wall + pair->b.wall;
    return stolen > stolen_most * seconds && stolen > 1.5 * process_stolen_step();
}

static enum status run_pair(struct runner *r, struct pair *pair, struct err *err) {
    *pair =
        (struct pair){.b_first = random_next(&r->random) >> 63, .padding = random_below(&r->random, PADDING)};
    for (int i = 0; i < 2; i++) {
        int which = pair->b_first ? !i : i;
        if (run_one(r, which, pair->padding, which ? &pair->b : &pair->a, err) != STATUS_OK)
            return err->status;
    }
    pair->dropped = paired_is_disturbed(pair);
    return STATUS_OK;
}

static bool is_interrupted(const struct runner *r) {
    return r->options->interrupt && atomic_load(r->options->interrupt);
}

static bool is_enough(const struct paired_options *options, const struct paired_result *result) {
    uint32_t counted = result->pairs_n - result->dropped;
    return result->look.verdict != VERDICT_MORE || counted >= VERDICT_PAIRS ||
           (options->pairs && counted >= options->pairs);
}

static enum status add_pair(struct runner *r, struct paired_result *result, size_t *cap, struct err *err) {
    const struct paired_options *options = r->options;
    struct pair pair;
    if (run_pair(r, &pair, err) != STATUS_OK)
        return err->status;
    MEM_GROW(result->pairs, *cap, result->pairs_n + 1);
    result->pairs[result->pairs_n++] = pair;
    result->dropped += pair.dropped;
    if (result->dropped > DROPPED_MOST)
        return err_set(err, STATUS_CONFLICT,
                       "the host took too much time from %u pairs: this machine is too busy",
                       (unsigned)result->dropped);
    if (pair.dropped)
        return STATUS_OK;
    uint32_t counted = result->pairs_n - result->dropped;
    if (options->pairs ? counted == options->pairs : verdict_is_look(counted))
        result->look =
            paired_verdict(result->pairs, result->pairs_n, options->metric, options->pairs, &options->rule);
    if (options->progress)
        options->progress(options->self, &result->look, counted);
    return STATUS_OK;
}

static enum status run_pairs(struct runner *r, struct paired_result *result, struct err *err) {
    struct pair warm_up;
    size_t cap = 0;
    enum status status = run_pair(r, &warm_up, err);
    while (status == STATUS_OK && !is_enough(r->options, result) && !is_interrupted(r))
        status = add_pair(r, result, &cap, err);
    return status;
}

enum status paired_run(const struct paired_options *options, struct paired_result *result, struct err *err) {
    struct runner r = {.options = options, .random = {options->seed}, .output = BUF_INIT, .errors = BUF_INIT};
    *result = (struct paired_result){.look.verdict = VERDICT_MORE};
    enum status status = run_pairs(&r, result, err);
    result->interrupted = is_interrupted(&r);
    buf_release(&r.output);
    buf_release(&r.errors);
    return result->interrupted ? STATUS_OK : status;
}

void paired_release(struct paired_result *result) {
    mem_free(result->pairs);
    *result = (struct paired_result){0};
}
