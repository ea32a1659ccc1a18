// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_PAIRED_H
#define PRESSRUN_BENCH_PAIRED_H
/*
 * The paired runner: two commands, A and B, each time one right after the other in fresh processes, in an order that a
 * seeded coin decides, with the same padding of the environment and on the same CPUs, until the verdict (verdict.h) stands.
 *
 * One run of each is discarded first. What both print must stay the same where the caller can tell (`check`): a comparison
 * of different outputs is no comparison. A whole pair is dropped when the host took more than a tenth of its time from it,
 * and more than the kernel can tell apart; that rule does not know which of the two is A, and no single run is ever
 * dropped. Neither does the order or the padding: so the two of a pair of equals may be exchanged, and the sign of their
 * difference is a coin, whatever the machine is busy with. That is all that the verdict needs.
 *
 * CPU time, instructions and memory are taken on one CPU, where caches and frequency differ least; wall time on all that the
 * caller may use, since a parallel program shows only there what it gains.
 *
 * All samples are kept, so that every verdict can be had again from them. One thread.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "bench/process.h"
#include "bench/verdict.h"

enum paired_metric { PAIRED_CPU, PAIRED_WALL, PAIRED_INSTRUCTIONS, PAIRED_PEAK_RSS, PAIRED_METRICS };
const char *paired_metric_name(enum paired_metric metric); // "cpu", ...
double paired_value(const struct process_sample *sample, enum paired_metric metric);

struct pair {
    struct process_sample a, b;
    bool b_first;
    bool dropped;
    uint32_t padding;
};

struct paired_options {
    struct process_command a, b; // their cpus, padding, seconds and interrupt are set by the runner
    enum paired_metric metric;   // that the verdict is about
    struct verdict_rule rule;
    uint64_t seed;
    uint32_t pairs;               // exactly so many and one look at the end; 0: as the verdict wants
    cpu_set_t cpus;               // for both, see paired_cpus
    double seconds;               // for each run; 0: for ever
    const atomic_bool *interrupt; // may be NULL
    void *self;
    // Whether a run of A (which = 0) or B printed what it should; may be NULL. False after err_set.
    bool (*check)(void *self, int which, const struct process_sample *sample, struct str output,
                  struct str errors, struct err *err);
    // After each pair that counts; may be NULL.
    void (*progress)(void *self, const struct verdict_look *look, uint32_t pairs);
};

struct paired_result {
    struct pair *pairs; // owned, dropped ones included
    uint32_t pairs_n, dropped;
    struct verdict_look look; // the last one
    bool interrupted;
};

// Whether the host took too much of it: the rule that drops pairs.
bool paired_is_disturbed(const struct pair *pair);

// Of the CPUs that this process may use: the last one, which has the least to do with interrupts, or all for wall time.
cpu_set_t paired_cpus(enum paired_metric metric);

// STATUS_DATA: a run failed or printed something else (`err` says which), or nothing of the metric was measured.
// STATUS_CONFLICT: the host kept taking the CPUs away. The result has what there is.
enum status paired_run(const struct paired_options *options, struct paired_result *result, struct err *err);
void paired_release(struct paired_result *result);

// ln(b / a) of the pairs that count, in order; returns how many. `differences` has room for n.
uint32_t paired_differences(const struct pair *pairs, uint32_t n, enum paired_metric metric,
                            double *differences);
// The last look at these pairs: what the runner saw. `fixed` as options.pairs.
struct verdict_look paired_verdict(const struct pair *pairs, uint32_t n, enum paired_metric metric,
                                   uint32_t fixed, const struct verdict_rule *rule);

#endif
