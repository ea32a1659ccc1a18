// SPDX-License-Identifier: MIT
#include "pipeline/strategy/prior.h"

#include <math.h>
#include <string.h>

#include "pipeline/strategy/nnls.h"

/*
 * Built-in costs in seconds, on one core of the machine of docs/performance.md ("Where the time of W1 goes", "Single
 * operations", "What sessions cost", docs/caches.md).
 */
#define OPENING      1e-3    // a run of nothing
#define TEMPLATE     6e-5    // compiled
#define WATCHING     3e-4    // a session, and its thread
#define THREAD       5e-5    // each beyond the first
#define TIERS        2e-3    // opening the file tier
#define SOURCE_BYTE  0.8e-9  // 1.02 us for a record of 1 KB: splitting, parsing
#define SPLIT_BYTE   0.16e-9 // of which one thread alone does
#define RECORD       0.2e-6
#define OPCODE       5e-9 // 267 and 1.4 KB in 1.68 us
#define OUTPUT_BYTE  0.2e-9
#define STORED_BYTE  0.4e-9 // 0.65 us for 1.4 KB
#define FILE_MADE    14e-6  // on a tmpfs; other file systems 30 us and more, which sessions tell
#define OUTPUT_KNOWN 1.3e-6 // looked at
#define OUTPUT_NOTED 0.3e-6
#define CACHE_GET    3e-6
#define CACHE_PUT    7e-6
#define CACHE_BYTE   2.5e-9 // of a put, of a get a quarter
#define CACHE_MISS   0.3e-6
#define CACHE_LEVEL  0.3  // dearer a put for each level of compression
#define TRAINING     0.05 // of a dictionary, once there are entries enough and none was there before
#define TRAINED      1000
#define KEPT         40e-6 // an output that takes less is not kept, unless all are (run_cache.h)
#define KEPT_BYTE    20e-9
#define PROCESS      1e-3
#define WORKER       0.9 // of one more, what is gained

#define PULL_MACHINE  0.2  // sessions that the built-in costs are worth, all in all
#define PULL          0.1  // and that of a term, beside the others
#define PULL_OWN      0.3  // and that of a strategy
#define PULL_SPREAD   2.0  // and the spread
#define OTHERS        0.25 // of a session, what it says of the spread of a strategy not tried
#define SAME          4.0  // of a session of the same manifest
#define LEAST_SPREAD  0.03
#define PULL_MANIFEST 0.5  // sessions that say that the manifest is as others
#define MANIFEST_HALF 10   // sessions after which one of the manifest counts half
#define LEAST         1e-4 // seconds: a run that took less says nothing

static bool caches(const struct strategy *strategy, enum cache_category category) {
    return strategy->caching.categories >> category & 1u && strategy->caching.tiers;
}

static double speed(uint32_t workers) {
    return workers > 1 ? 1 + (workers - 1) * WORKER : 1;
}

static double share(double x) {
    return x > 0 ? fmin(x, 1) : 0;
}

struct kept {                  // by a strategy, of a job
    double outputs, processes; // shares that need not be made
    double seconds;            // gets and puts
};

// So many things of so many bytes each, of which `hits` are there.
static double cache_seconds(const struct strategy *strategy, double n, double bytes, double hits) {
    double put = (CACHE_PUT + CACHE_BYTE * bytes) * (1 + CACHE_LEVEL * strategy->caching.levels);
    double get = CACHE_GET + CACHE_BYTE / 4 * bytes;
    double training = n >= TRAINED && hits <= 0 ? TRAINING : 0;
    return training + n * (hits * get + (1 - hits) * (put + CACHE_MISS));
}

// To keep outputs: what was found when it was measured, else a guess.
static bool pays(const struct prior_work *work, double outputs) {
    const double dear = work->opcodes * OPCODE + work->bytes * OUTPUT_BYTE;
    if (work->keeping != PRIOR_KEEPING_UNKNOWN)
        return work->keeping == PRIOR_KEEPS;
    return dear > KEPT * outputs + KEPT_BYTE * work->bytes;
}

static struct kept keep(const struct strategy *strategy, const struct prior_work *work) {
    struct kept kept = {0};
    double outputs = fmax(work->outputs, 1), bytes = work->bytes / outputs;
    if (caches(strategy, CACHE_RENDER) && (strategy->caching.keeps_all || pays(work, outputs))) {
        kept.outputs = share(work->render_hits);
        kept.seconds += cache_seconds(strategy, work->outputs, bytes, kept.outputs);
    }
    if (caches(strategy, CACHE_THROUGH) && work->processes > 0) {
        kept.processes = share(work->through_hits);
        kept.seconds += cache_seconds(strategy, work->processes, bytes, kept.processes);
    }
    return kept;
}

void prior_terms(const struct strategy *strategy, uint32_t workers, const struct prior_work *work,
                 double terms[PRIOR_TERMS]) {
    double gain = speed(workers);
    struct kept kept = keep(strategy, work);
    double process =
        work->processes > 0 && work->process_seconds > 0 ? work->process_seconds : work->processes * PROCESS;
    bool files = (strategy->caching.tiers & 1u << CACHE_PACKS) &&
                 (caches(strategy, CACHE_RENDER) || caches(strategy, CACHE_THROUGH));
    terms[PRIOR_FIXED] = OPENING + work->templates * TEMPLATE;
    terms[PRIOR_STARTUP] = (strategy->monitoring.resources ? WATCHING : 0) + (files ? TIERS : 0) +
                           (workers > 1 ? (workers - 1) * THREAD : 0);
    terms[PRIOR_LOAD] =
        work->source_bytes * (SPLIT_BYTE + (SOURCE_BYTE - SPLIT_BYTE) / gain) + work->records * RECORD / gain;
    terms[PRIOR_OPCODES] = (1 - kept.outputs) * work->opcodes * OPCODE / gain;
    terms[PRIOR_BYTES] = (1 - kept.outputs) * work->bytes * OUTPUT_BYTE / gain;
    terms[PRIOR_STORED] = work->stored * STORED_BYTE / gain;
    terms[PRIOR_FILES] = work->files * FILE_MADE / gain;
    terms[PRIOR_OUTPUTS] = (work->checked * OUTPUT_KNOWN + work->outputs * OUTPUT_NOTED) / gain;
    terms[PRIOR_CACHE] = kept.seconds / gain;
    terms[PRIOR_PROCESSES] = (1 - kept.processes) * process / gain;
}

// ---- fitting

static size_t index_of(const struct strategy *strategy) {
    for (size_t i = 0; strategies[i] && i < PRIOR_STRATEGIES; i++)
        if (strategies[i] == strategy)
            return i;
    return PRIOR_STRATEGIES;
}

static struct prior_fit *fit_of(struct prior *prior, const struct strategy *strategy) {
    size_t i = index_of(strategy);
    return i < PRIOR_STRATEGIES ? &prior->fits[i] : &prior->other;
}

void prior_init(struct prior *prior) {
    *prior = (struct prior){.other = {1, 1, PRIOR_SPREAD, 0}};
    for (int t = 0; t < PRIOR_TERMS; t++)
        prior->factors[t] = 1;
    for (int s = 0; s < PRIOR_STRATEGIES; s++)
        prior->fits[s] = prior->other;
}

static double weight_of(const struct prior_sample *sample) {
    return exp2(-fmax(sample->age, 0) / PRIOR_HALF) * (sample->same_manifest ? SAME : 1);
}

// The terms of a session as shares of what it took; false: it says nothing.
static bool shares_of(const struct prior_sample *sample, double shares[PRIOR_TERMS]) {
    if (!sample->strategy || !(sample->seconds >= LEAST) || !isfinite(sample->seconds) ||
        !isfinite(sample->age))
        return false;
    prior_terms(sample->strategy, sample->workers, &sample->work, shares);
    for (int t = 0; t < PRIOR_TERMS; t++) {
        if (!(shares[t] >= 0) || !isfinite(shares[t]))
            return false;
        shares[t] /= sample->seconds;
    }
    return true;
}

// How much slower than the built-in costs the machine is, all in all: the mean of logarithms.
static double machine_factor(struct prior *prior, const struct prior_sample *samples, size_t n) {
    double sum = 0, weight = PULL_MACHINE;
    for (size_t i = 0; i < n; i++) {
        double shares[PRIOR_TERMS], all = 0;
        if (!shares_of(&samples[i], shares))
            continue;
        for (int t = 0; t < PRIOR_TERMS; t++)
            all += shares[t];
        sum -= weight_of(&samples[i]) * log(all); // above 0: opening takes something
        weight += weight_of(&samples[i]);
        prior->samples_n++;
    }
    return exp(sum / weight);
}

// 1 = sum of factor * share for each session, pulled towards the machine's factor.
static void fit_terms(struct prior *prior, const struct prior_sample *samples, size_t n) {
    struct nnls nnls;
    nnls_init(&nnls, PRIOR_TERMS);
    double machine = machine_factor(prior, samples, n);
    for (size_t t = 0; t < PRIOR_TERMS; t++) {
        double row[PRIOR_TERMS] = {0};
        row[t] = 1 / machine;
        nnls_add(&nnls, row, 1, PULL);
    }
    for (size_t i = 0; i < n; i++) {
        double shares[PRIOR_TERMS];
        if (shares_of(&samples[i], shares))
            nnls_add(&nnls, shares, 1, weight_of(&samples[i]));
    }
    nnls_solve(&nnls, prior->factors);
}

// What the terms say, the strategy's startup apart.
static double rest_of(const struct prior *prior, const double terms[PRIOR_TERMS]) {
    double rest = 0;
    for (int t = 0; t < PRIOR_TERMS; t++)
        rest += t == PRIOR_STARTUP ? 0 : prior->factors[t] * terms[t];
    return rest;
}

static void fit_strategy(struct prior *prior, struct prior_fit *fit, const struct prior_sample *samples,
                         size_t n) {
    struct nnls nnls;
    nnls_init(&nnls, 2);
    nnls_add(&nnls, (double[]){1, 0}, 1, PULL_OWN);
    nnls_add(&nnls, (double[]){0, 1}, 1, PULL_OWN);
    for (size_t i = 0; i < n; i++) {
        double shares[PRIOR_TERMS];
        if (!shares_of(&samples[i], shares) || fit_of(prior, samples[i].strategy) != fit)
            continue;
        double row[] = {prior->factors[PRIOR_STARTUP] * shares[PRIOR_STARTUP], rest_of(prior, shares)};
        nnls_add(&nnls, row, 1, weight_of(&samples[i]));
        fit->weight += weight_of(&samples[i]);
    }
    double factors[2];
    nnls_solve(&nnls, factors);
    fit->startup = factors[0];
    fit->rest = fmax(factors[1], 0.01); // a strategy for which work costs nothing is a mistake
}

static double seconds_of(const struct prior *prior, const struct prior_fit *fit,
                         const double terms[PRIOR_TERMS]) {
    return fit->startup * prior->factors[PRIOR_STARTUP] * terms[PRIOR_STARTUP] +
           fit->rest * rest_of(prior, terms);
}

// Squared errors of the logarithm, weighted; `own`: of that fit's strategy alone, else of all.
static double errors_of(struct prior *prior, const struct prior_fit *own, const struct prior_sample *samples,
                        size_t n, double *weight) {
    double sum = 0;
    *weight = 0;
    for (size_t i = 0; i < n; i++) {
        double shares[PRIOR_TERMS];
        if (!shares_of(&samples[i], shares))
            continue;
        const struct prior_fit *fit = fit_of(prior, samples[i].strategy);
        double predicted = seconds_of(prior, fit, shares);
        if ((own && fit != own) || !(predicted > 0))
            continue;
        sum += weight_of(&samples[i]) * log(predicted) * log(predicted);
        *weight += weight_of(&samples[i]);
    }
    return sum;
}

static double spread(double sum, double weight) {
    double variance = (PULL_SPREAD * PRIOR_SPREAD * PRIOR_SPREAD + sum) / (PULL_SPREAD + weight);
    return fmax(sqrt(variance), LEAST_SPREAD);
}

// What is special about the manifest at hand, in what its own sessions with this strategy took: that its outputs are found in
// the cache, above all, and what its templates do that operations do not tell. The newest ones count.
static void fit_manifest(struct prior *prior, struct prior_fit *fit, const struct prior_sample *samples,
                         size_t n) {
    double sum = 0, squares = 0, weight = 0;
    for (size_t i = 0; i < n; i++) {
        double shares[PRIOR_TERMS];
        if (!samples[i].same_manifest || !shares_of(&samples[i], shares) ||
            fit_of(prior, samples[i].strategy) != fit)
            continue;
        const double error = -log(fmax(seconds_of(prior, fit, shares), 1e-9));
        const double counts = exp2(-fmax(samples[i].age, 0) / MANIFEST_HALF);
        sum += counts * error;
        squares += counts * error * error;
        weight += counts;
    }
    const double mean = sum / (PULL_MANIFEST + weight);
    const double variance =
        (PULL_MANIFEST * fit->sigma * fit->sigma + squares - 2 * mean * sum + mean * mean * weight) /
        (PULL_MANIFEST + weight);
    fit->startup *= exp(mean);
    fit->rest *= exp(mean);
    fit->sigma = fmax(sqrt(fmax(variance, 0)), LEAST_SPREAD);
}

void prior_fit(struct prior *prior, const struct prior_sample *samples, size_t n) {
    prior_init(prior);
    fit_terms(prior, samples, n);
    struct prior_fit *fits[PRIOR_STRATEGIES + 1];
    for (size_t s = 0; s < PRIOR_STRATEGIES; s++)
        fits[s] = &prior->fits[s];
    fits[PRIOR_STRATEGIES] = &prior->other;
    for (size_t s = 0; s <= PRIOR_STRATEGIES; s++)
        fit_strategy(prior, fits[s], samples, n);
    double weight, sum = errors_of(prior, NULL, samples, n, &weight);
    for (size_t s = 0; s <= PRIOR_STRATEGIES; s++) {
        double own_weight, own = errors_of(prior, fits[s], samples, n, &own_weight);
        fits[s]->sigma = spread(own + OTHERS * (sum - own), own_weight + OTHERS * (weight - own_weight));
    }
    for (size_t s = 0; s <= PRIOR_STRATEGIES; s++)
        fit_manifest(prior, fits[s], samples, n);
}

// ---- predicting

void prior_predict(const struct prior *prior, const struct strategy *strategy, uint32_t workers,
                   const struct prior_work *work, struct prior_prediction *prediction) {
    double terms[PRIOR_TERMS];
    size_t i = index_of(strategy);
    const struct prior_fit *fit = i < PRIOR_STRATEGIES ? &prior->fits[i] : &prior->other;
    prior_terms(strategy, workers, work, terms);
    *prediction = (struct prior_prediction){
        .seconds = seconds_of(prior, fit, terms),
        .fixed = fit->rest * prior->factors[PRIOR_FIXED] * terms[PRIOR_FIXED],
        .startup = fit->startup * prior->factors[PRIOR_STARTUP] * terms[PRIOR_STARTUP],
        .sigma = fit->sigma,
    };
}

void prior_candidate(const struct prior *prior, const struct strategy *strategy, uint32_t workers,
                     const struct prior_work *work, double amount, struct chooser_candidate *candidate) {
    struct prior_prediction prediction;
    prior_predict(prior, strategy, workers, work, &prediction);
    double batches = fmax(prediction.seconds - prediction.startup - prediction.fixed, 1e-9);
    *candidate = (struct chooser_candidate){.startup = prediction.startup,
                                            .cost = batches / amount,
                                            .sigma = prediction.sigma,
                                            .workers = workers};
}

void prior_options(const struct prior *prior, uint32_t available, const struct prior_work *work,
                   double amount, struct chooser_options *options) {
    *options = (struct chooser_options){.workers = available, .work = amount};
    for (uint32_t s = 0; strategies[s] && s < PRIOR_STRATEGIES; s++) {
        uint32_t workers = strategy_workers(strategies[s], available).start;
        prior_candidate(prior, strategies[s], workers, work, amount, &options->candidates[s]);
        options->candidates_n++;
        if (strategies[s] == &strategy_sequential)
            options->fallback = s;
    }
}
