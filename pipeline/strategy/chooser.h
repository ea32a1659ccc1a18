// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_STRATEGY_CHOOSER_H
#define PRESSRUN_PIPELINE_STRATEGY_CHOOSER_H
/*
 * `auto`: which strategy the next batches of a run are to have. Numbers in, decisions out: no clock, no files, no
 * threads, so that a simulation can try it on thousands of runs that never were.
 *
 * The run asks for a slice (chooser_next), carries out that many batches under its strategy, and says what they took
 * (chooser_observe), until no batch is left. Everything that is handed out is real work whose output is kept.
 *
 * How it decides (docs/strategies.md tells users):
 * - It begins with the strategy whose predicted total is least; with the fallback where that takes at most 1 % longer.
 * - A challenger s beside the incumbent b, with remaining costs r: E = sigma (phi(z) + z Phi(z)), z = (r_b - r_s) / sigma,
 *   is what knowing s is expected to gain, sigma the spread that a probe would take away (belief_saving). It is probed,
 *   with two batches or one for each of its workers, while E > 2 probe costs + 0.2 % of r_b; a probe costs what its
 *   batches take longer than with b, the startup of s, and two changes. A hopeless one is broken off after its first part.
 * - Probes never exceed a tenth of the batches that are sure to come, and runs of fewer than 20 have none.
 * - At 5 % steps of the work, and after a probe, it switches if that saves more than startup, change and 3 %; back to
 *   a strategy that was left before only for twice as much each time.
 * - With one worker, strategies that want several are out: they could only add to it.
 *
 * Units: seconds (of whatever is to be saved: elapsed or processor time), work (of the caller's: bytes of sources,
 * records; the same under each strategy, and proportional to time as well as it can be). Costs are seconds per work;
 * spreads are of logarithms. No pointers: the struct may be copied. One thread at a time.
 *
 * Slices: one with `alone` is to begin and end with nothing else in flight, and be observed before the next is asked for;
 * others may flow into each other, be observed later, and in parts: each part with the elapsed time that it took.
 */
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/strategy/belief.h"

enum { CHOOSER_MOST = BELIEF_MOST, CHOOSER_STEPS = 64, CHOOSER_FEW = 20 };

struct chooser_candidate {
    double startup; // seconds, when it is first used; >= 0
    double cost;    // predicted seconds per work, > 0
    double sigma;   // spread of that prediction
    uint32_t workers;
    bool unfit; // not to be chosen: what it needs is not there
};

struct chooser_options {
    struct chooser_candidate candidates[CHOOSER_MOST];
    uint32_t candidates_n; // 1 or more
    uint32_t fallback;     // which one where nothing speaks for another
    bool is_remembered;    // it begins with `remembered`, if that is fit, whatever the predictions say
    uint32_t remembered;
    uint32_t workers;      // that are to be had
    uint64_t batches;      // expected in all; 0: nobody knows
    uint64_t batches_sure; // at least so many will come; 0: nobody knows
    double work;           // expected in all; 0: nobody knows
    bool uneven;           // some batches cost many times what others do, so that trying a few tells nothing
    double change;         // seconds that each change of strategy loses, by draining and filling; 0: none
    double common;         // spread of what all predictions share; 0: CHOOSER_COMMON
    double noise;          // spread of a batch; 0: CHOOSER_NOISE
    double wrong;          // how likely a prediction says nothing; 0: CHOOSER_WRONG
};
#define CHOOSER_COMMON 0.5
#define CHOOSER_NOISE  0.15
#define CHOOSER_WRONG  0.25

enum chooser_kind {
    CHOOSER_START,  // the first incumbent
    CHOOSER_PROBE,  // a challenger gets some batches
    CHOOSER_SWITCH, // a challenger is the incumbent from now on
    CHOOSER_STAY,   // the incumbent stays
    CHOOSER_KINDS
};

enum chooser_reason {
    CHOOSER_ONLY_ONE,   // start: no other candidate is fit
    CHOOSER_ONE_WORKER, // start: those that want several workers are out
    CHOOSER_REMEMBERED, // start: it is what was chosen before
    CHOOSER_PREDICTED,  // start: least predicted total
    CHOOSER_NO_BENEFIT, // start: the fallback, since the best saves too little
    CHOOSER_WORTH,      // probe: E is above what it has to be
    CHOOSER_GAIN,       // switch: saves more than it has to
    CHOOSER_TOO_FEW,    // stay: too few batches for probes, the prediction counts
    CHOOSER_UNEVEN,     // stay: they are too uneven for probes, the prediction counts
    CHOOSER_NO_WORTH,   // stay: no probe is worth it, no switch saves enough
    CHOOSER_SPENT,      // stay: a probe would be worth it, but a tenth of the batches were probes
    CHOOSER_HOPELESS,   // stay: the probe was broken off
    CHOOSER_REASONS
};

// One decision, with what it was made from. Seconds are of the batches not handed out yet.
struct chooser_step {
    enum chooser_kind kind;
    enum chooser_reason reason;
    uint32_t incumbent, challenger; // the same where there is none
    uint64_t batch;                 // handed out before
    uint32_t repeated;              // alike decisions behind it
    double incumbent_seconds, challenger_seconds;
    double sigma;  // of their ratio
    double gain;   // probe, stay: E. start, switch: seconds saved as expected
    double needed; // what the gain has to be above
};

struct chooser_slice {
    uint32_t strategy;
    uint64_t batches;
    bool probe, alone;
};

struct chooser_tally {
    uint64_t batches;
    double work, seconds;
    bool used; // its startup has been paid
};

struct chooser {
    struct chooser_options options;
    struct belief belief;
    struct chooser_tally tallies[CHOOSER_MOST];
    bool fit[CHOOSER_MOST];
    uint32_t left_times[CHOOSER_MOST];  // how often it was left for another
    uint32_t first, incumbent, probing; // probing: the challenger that is, or was last
    uint64_t probe_left;                // batches
    uint64_t handed, observed;          // batches
    uint64_t probes, probe_batches;
    uint64_t decide_at; // batches handed out when it is time to look again
    uint32_t switches;
    // Predicted at the start, startups included; NAN where the work was not known.
    double totals[CHOOSER_MOST];
    struct chooser_step steps[CHOOSER_STEPS];
    uint32_t steps_n, steps_lost; // lost: the newest that there was no room for
};

void chooser_init(struct chooser *c, const struct chooser_options *options);
// More is known of what comes: as in the options.
void chooser_expect(struct chooser *c, uint64_t batches, uint64_t batches_sure, double work);
// The next batches; false: all expected ones are handed out (never, where nobody knows how many there are).
bool chooser_next(struct chooser *c, struct chooser_slice *slice);
// So many batches of that strategy, with so much work, took so long.
void chooser_observe(struct chooser *c, uint32_t strategy, uint64_t batches, double work, double seconds);

struct chooser_result {
    uint32_t first, choice; // with which it began and ended
    uint32_t runner_up; // the best but the choice, as in the end believed; the choice where there is no other
    double predicted;   // seconds, of the first choice for all; NAN where the work was not known
    double actual;      // seconds observed, and predicted startups
    double runner_up_seconds; // what it would have taken for all
    double best_seconds;      // what the best would have
    double regret;            // (actual - best_seconds) / best_seconds, 0 or more
    uint64_t batches, probes, probe_batches;
    uint32_t switches;
};
void chooser_result(const struct chooser *c, struct chooser_result *result);
// What a strategy would have taken for all that was observed, as in the end believed, with its startup.
double chooser_hindsight(const struct chooser *c, uint32_t strategy);

#endif
