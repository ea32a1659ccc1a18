// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_SUPPORT_CHOOSER_TRIAL_H
#define PRESSRUN_TESTS_SUPPORT_CHOOSER_TRIAL_H
/*
 * Runs that never were, for the chooser: what each strategy costs, how batches differ, how that changes along the work, and
 * what was predicted of it, drawn by chance. A trial plays one of them, and knows afterwards what each strategy alone
 * would have taken.
 */
#include <stdbool.h>
#include <stdint.h>

#include "bench/random.h"
#include "pipeline/strategy/chooser.h"

enum { TRIAL_STRATEGIES = 5 };
enum trial_prior {
    TRIAL_RIGHT,
    TRIAL_WRONG_TOGETHER,
    TRIAL_WRONG_EACH,
    TRIAL_MISSING,
    TRIAL_WRONG_ONE,
    TRIAL_PRIORS
};
enum trial_drift { TRIAL_STEADY, TRIAL_RAMP, TRIAL_STEP, TRIAL_CROSSING, TRIAL_DRIFTS };

struct trial_truth {
    double cost[TRIAL_STRATEGIES]; // seconds per work at the beginning
    double startup[TRIAL_STRATEGIES];
    double own_drift[TRIAL_STRATEGIES]; // of the logarithm, over the whole work
    double drift;                       // that all share
    enum trial_drift kind;
    double noise; // spread of a batch
    double skew;  // spread of its size
    uint64_t batches;
};

struct trial_outcome {
    double regret; // against the best strategy alone
    double probes; // share of the batches
    uint32_t switches;
    struct chooser_result result;
};

void trial_draw(struct random *r, uint64_t batches, enum trial_drift drift, struct trial_truth *truth);
void trial_predict(struct random *r, const struct trial_truth *truth, enum trial_prior prior,
                   struct chooser_options *options);
void trial_play(struct random *r, const struct trial_truth *truth, const struct chooser_options *options,
                struct trial_outcome *outcome);
double trial_normal(struct random *r);

#endif
