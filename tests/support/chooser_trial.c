// SPDX-License-Identifier: MIT
#include "tests/support/chooser_trial.h"

#include <assert.h>
#include <math.h>

double trial_normal(struct random *r) {
    double u = 1 - random_unit(r), v = random_unit(r);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static double between(struct random *r, double low, double high) {
    return low + (high - low) * random_unit(r);
}

// In the order minimal, sequential, parallel, cache_heavy, balanced.
static void draw_costs(struct random *r, double *cost) {
    if (random_below(r, 2)) { // anything
        for (int s = 0; s < TRIAL_STRATEGIES; s++)
            cost[s] = exp(0.5 * trial_normal(r));
        return;
    }
    bool repetitive = random_below(r, 3) == 0;
    double speedup = between(r, 0.9, 2), cache = repetitive ? between(r, 0.1, 0.9) : between(r, 1, 1.6);
    cost[0] = 1;
    cost[1] = repetitive ? 1.2 * cache : between(r, 1, 1.1);
    cost[2] = between(r, 0.95, 1.05) / speedup;
    cost[3] = cache * between(r, 0.9, 1.3) / speedup;
    cost[4] = cost[1] / (1 + (speedup - 1) * between(r, 0.3, 1));
}

void trial_draw(struct random *r, uint64_t batches, enum trial_drift drift, struct trial_truth *truth) {
    *truth = (struct trial_truth){.batches = batches,
                                  .noise = between(r, 0.02, 0.3),
                                  .skew = random_below(r, 2) ? between(r, 0, 1) : 0,
                                  .kind = drift};
    draw_costs(r, truth->cost);
    double unit = exp(2 * trial_normal(r)); // whatever a unit of work is
    for (int s = 0; s < TRIAL_STRATEGIES; s++) {
        truth->startup[s] = s == 0 ? 0 : unit * between(r, 0, 0.3);
        truth->cost[s] *= unit;
        truth->own_drift[s] = drift == TRIAL_CROSSING ? between(r, -0.3, 0.3) : 0;
    }
    truth->drift = drift == TRIAL_RAMP || drift == TRIAL_STEP ? between(r, -1, 1) : 0;
}

void trial_predict(struct random *r, const struct trial_truth *truth, enum trial_prior prior,
                   struct chooser_options *options) {
    double together = random_below(r, 2) ? 3 : 1.0 / 3, each = log(3);
    *options = (struct chooser_options){.candidates_n = TRIAL_STRATEGIES,
                                        .fallback = 1,
                                        .workers = 2,
                                        .batches = truth->batches,
                                        .batches_sure = truth->batches,
                                        .work = (double)truth->batches,
                                        .common = prior == TRIAL_MISSING ? 3 : 0};
    uint32_t odd = random_below(r, TRIAL_STRATEGIES);
    for (uint32_t s = 0; s < TRIAL_STRATEGIES; s++) {
        double sigma = prior == TRIAL_WRONG_EACH || prior == TRIAL_MISSING ? 0.5 : 0.15, off = 0;
        if (prior == TRIAL_WRONG_EACH)
            off = between(r, -each, each);
        else
            off =
                0.15 * trial_normal(r) +
                (prior == TRIAL_WRONG_TOGETHER || (prior == TRIAL_WRONG_ONE && s == odd) ? log(together) : 0);
        bool parallel = s == 2 || s == 3 || s == 4;
        options->candidates[s] = (struct chooser_candidate){.startup = truth->startup[s],
                                                            .cost = truth->cost[s] * exp(off),
                                                            .sigma = sigma,
                                                            .workers = parallel ? 2 : 1};
        if (prior == TRIAL_MISSING)
            options->candidates[s].cost = 1;
    }
}

static double level(const struct trial_truth *truth, uint64_t batch) {
    double place = (double)batch / (double)truth->batches;
    return truth->kind == TRIAL_STEP ? (place > 0.5 ? truth->drift : 0) : truth->drift * place;
}

static double cost_at(const struct trial_truth *truth, uint32_t s, uint64_t batch) {
    double place = (double)batch / (double)truth->batches;
    return truth->cost[s] * exp(level(truth, batch) + truth->own_drift[s] * place);
}

struct played {
    double alone[TRIAL_STRATEGIES]; // what each would have taken, without noise
    double taken;
    bool used[TRIAL_STRATEGIES];
    uint64_t batch;
};

static void play_slice(struct random *r, const struct trial_truth *truth, const struct chooser_slice *slice,
                       struct played *played, struct chooser *chooser) {
    uint32_t chosen = slice->strategy;
    if (!played->used[chosen])
        played->taken += truth->startup[chosen];
    played->used[chosen] = true;
    double work = 0, seconds = 0;
    uint64_t n = 0;
    for (uint64_t i = 0; i < slice->batches; i++) {
        double size = exp(truth->skew * trial_normal(r) - truth->skew * truth->skew / 2);
        for (uint32_t s = 0; s < TRIAL_STRATEGIES; s++)
            played->alone[s] += size * cost_at(truth, s, played->batch);
        double took = size * cost_at(truth, chosen, played->batch);
        played->taken += took;
        work += size;
        double pause = random_below(r, 200) == 0 ? 8 : 1; // somebody else's doing
        seconds += took * pause * exp(truth->noise * trial_normal(r) - truth->noise * truth->noise / 2);
        played->batch++;
        if (++n == 8 || i + 1 == slice->batches) { // as a run would: now and then
            chooser_observe(chooser, chosen, n, work, seconds);
            work = seconds = 0;
            n = 0;
        }
    }
}

void trial_play(struct random *r, const struct trial_truth *truth, const struct chooser_options *options,
                struct trial_outcome *outcome) {
    struct chooser chooser;
    struct chooser_slice slice;
    struct played played = {0};
    chooser_init(&chooser, options);
    while (played.batch < truth->batches) {
        if (!chooser_next(&chooser, &slice)) { // more than were expected
            chooser_expect(&chooser, 0, 0, 0);
            continue;
        }
        assert(slice.batches >= 1 && slice.strategy < TRIAL_STRATEGIES);
        if (played.batch + slice.batches > truth->batches) // it was not known where it ends
            slice.batches = truth->batches - played.batch;
        play_slice(r, truth, &slice, &played, &chooser);
    }
    double best = INFINITY;
    for (uint32_t s = 0; s < TRIAL_STRATEGIES; s++)
        best = fmin(best, played.alone[s] + truth->startup[s]);
    chooser_result(&chooser, &outcome->result);
    outcome->regret = played.taken / best - 1;
    outcome->switches = outcome->result.switches;
    outcome->probes = (double)outcome->result.probe_batches / (double)truth->batches;
}
