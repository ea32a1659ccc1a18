// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_STRATEGY_PRIOR_H
#define PRESSRUN_PIPELINE_STRATEGY_PRIOR_H
/*
 * The prior: what a run would take under each strategy, before any of it has been seen.
 *
 *     T(strategy) = startup(strategy) + cost(strategy) * work
 *
 * Built-in costs (docs/performance.md: of a byte read, an opcode, a file, a get from the cache, ...) make of what a job
 * asks for the seconds of each term (PRIOR_TERMS) under a strategy: divided among workers, with gets and puts where it
 * caches, without what hits spare. Past sessions correct that in four steps, each pulled towards the one before, so
 * that few sessions say little: a factor for all on this machine; one for each term, from all sessions; two for each
 * strategy, of its startup and of the rest, and last what is special about the manifest at hand. The two before are
 * non-negative least squares of relative errors (nnls.h).
 * What is left as error is the spread; where there is no session it is PRIOR_SPREAD. Sessions count half as much for
 * each PRIOR_HALF newer ones, and four times as much if they are of the same manifest.
 *
 * Leaves out where sessions come from (prior_history.h). No clock, no files, no allocation. One thread at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/strategy/chooser.h"
#include "pipeline/strategy/strategy.h"

enum { PRIOR_STRATEGIES = CHOOSER_MOST, PRIOR_HALF = 20 };
#define PRIOR_SPREAD 0.5

enum prior_term {
    PRIOR_FIXED,   // opening, closing, compiling
    PRIOR_STARTUP, // threads, cache tiers, watching
    PRIOR_LOAD,    // bytes of sources, records
    PRIOR_OPCODES,
    PRIOR_BYTES,     // rendered
    PRIOR_STORED,    // given to the file system
    PRIOR_FILES,     // made
    PRIOR_OUTPUTS,   // looked up, digested, written down in the journal
    PRIOR_CACHE,     // gets and puts
    PRIOR_PROCESSES, // of filters
    PRIOR_TERMS
};

enum prior_keeping { PRIOR_KEEPING_UNKNOWN, PRIOR_KEEPS, PRIOR_KEEPS_NOT };

// What a job asks for, whatever the strategy. Amounts of the whole run; shares from 0 to 1.
struct prior_work {
    double records, source_bytes;
    double templates;
    double outputs; // to be made
    double opcodes, bytes;
    double stored;  // bytes
    double files;   // outputs that are files of their own
    double checked; // outputs that are up to date
    double processes, process_seconds;
    double
        render_hits; // share of the outputs that a cache has, or will have when their turn comes; below 0: unknown
    double through_hits;        // share of the processes
    enum prior_keeping keeping; // of outputs, by strategies that measure whether it pays
};
#define PRIOR_NOT_ASKED (-1.0)

// A run that was.
struct prior_sample {
    const struct strategy *strategy;
    uint32_t workers; // it had
    struct prior_work work;
    double seconds;
    double age; // sessions since
    bool same_manifest;
};

struct prior {
    double factors[PRIOR_TERMS];
    struct prior_fit {
        double startup, rest; // factors
        double sigma;
        double weight; // of the sessions it comes from
    } fits[PRIOR_STRATEGIES],
        other;        // in the order of `strategies`; other: of those not in it, and without sessions
    size_t samples_n; // that could be used
};

void prior_init(struct prior *prior); // the built-in costs
void prior_fit(struct prior *prior, const struct prior_sample *samples, size_t n);

struct prior_prediction {
    double seconds; // in all
    double fixed;   // of these, before the first batch and after the last, whatever the strategy
    double startup; // and of the strategy's own
    double sigma;   // spread of the logarithm
};
// `workers`: that the strategy would have (strategy_workers).
void prior_predict(const struct prior *prior, const struct strategy *strategy, uint32_t workers,
                   const struct prior_work *work, struct prior_prediction *prediction);
// The same for the chooser. `amount`: the work in its units, above 0, as batches will be observed. It must not depend on the
// strategy, as what is left when a cache has hits does: bytes of the source or records will do.
void prior_candidate(const struct prior *prior, const struct strategy *strategy, uint32_t workers,
                     const struct prior_work *work, double amount, struct chooser_candidate *candidate);

// Candidates for all of `strategies`, in their order, where `available` workers are to be had: sets candidates, fallback
// (sequential), workers and work; batches are the caller's.
void prior_options(const struct prior *prior, uint32_t available, const struct prior_work *work,
                   double amount, struct chooser_options *options);

// The terms in seconds by the built-in costs.
void prior_terms(const struct strategy *strategy, uint32_t workers, const struct prior_work *work,
                 double terms[PRIOR_TERMS]);

#endif
