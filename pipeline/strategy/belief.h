// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_STRATEGY_BELIEF_H
#define PRESSRUN_PIPELINE_STRATEGY_BELIEF_H
/*
 * What is believed of the strategies' costs, and how observed batches change that.
 *
 * The logarithm of strategy s's seconds per unit of work is level + own[s] + noise. `level` is what all share: how fast
 * the machine is today, how dear the records at this place are. `own` is what the prediction says of each, with its
 * spread. So what is seen of one strategy says something of all, and costs that rise along the work do not make a
 * strategy look worse than another that was tried earlier. A Kalman filter over level and own keeps means and
 * covariances:
 * - forgetting: both walk a little with each batch, so what is old weighs less, and what was not seen for long is
 *   less sure;
 * - the noise of a batch is learnt (inverse gamma), from all strategies together;
 * - a prediction may say nothing at all. How likely that is, is learnt from those tried: what is far off is put down to
 *   that strategy's prediction rather than to what all share, as far as that is the likelier.
 * - a batch that is far off counts only for as much as one of three standard deviations.
 *
 * Spreads are standard deviations of logarithms, so 0.1 is 10 %. Numbers in, numbers out; one thread.
 */
#include <stdbool.h>
#include <stddef.h>

enum { BELIEF_MOST = 8, BELIEF_STATES = BELIEF_MOST + 1 };

struct belief {
    size_t n;
    double mean[BELIEF_STATES]; // level, own...
    double covariance[BELIEF_STATES][BELIEF_STATES];
    double noise_shape, noise_scale; // of a batch
    double wrong, tried;             // how likely the prediction of one not seen yet says nothing
    double batches[BELIEF_MOST];     // seen
    double walk_level, walk_own;     // variance a batch adds
};

struct belief_prior {
    double cost;  // seconds per unit of work, > 0
    double sigma; // its spread
};

struct belief_spreads {
    double common; // of what all predictions share
    double noise;  // of one batch
    double wrong;  // how likely it is that a prediction says nothing; above 0, below 1
};

// `batches`: expected in all, >= 1.
void belief_init(struct belief *b, const struct belief_prior *priors, size_t n, double batches,
                 struct belief_spreads spreads);
// So many batches of strategy s took so many seconds a unit of work. What is not above 0 and finite is passed over.
void belief_observe(struct belief *b, size_t s, double batches, double cost);

double belief_cost(const struct belief *b, size_t s); // expected: its median
// What s costs on average, if `than` costs what is expected: more than its median, the less sure the more.
double belief_mean_cost(const struct belief *b, size_t s, size_t than);
double belief_noise(const struct belief *b); // spread of one batch
// ln(cost of s / cost of than): its expectation and its spread.
double belief_ratio(const struct belief *b, size_t s, size_t than, double *sigma);
// What knowing s better, by so many batches, is expected to save, as a share of what `than` costs: with r the costs,
// E max(0, r_than - r_s) / r_than, where what the batches will make of the ratio is spread by sigma. For small spreads
// that is sigma (phi(z) + z Phi(z)), z = (1 - r_s / r_than) / sigma; for great ones it remains below 1.
double belief_saving(const struct belief *b, size_t s, size_t than, double batches);

#endif
