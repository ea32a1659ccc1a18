// SPDX-License-Identifier: MIT
#include "pipeline/strategy/belief.h"

#include <assert.h>
#include <math.h>

#define WALK_LEVEL   0.3 // spread that the level gains over the whole work
#define WALK_OWN     0.2 // that each strategy's own part does
#define OUTLIER      9.0 // squared standard deviations
#define SHAPE        2.0 // what the first noise weighs, as so many observations twice over
#define WRONG_BY     1.0 // the spread of a prediction that says nothing
#define WRONG_WEIGHT 3.0 // strategies tried that this guess is worth

static double square(double x) {
    return x * x;
}

void belief_init(struct belief *b, const struct belief_prior *priors, size_t n, double batches,
                 struct belief_spreads spreads) {
    assert(n <= BELIEF_MOST && batches >= 1);
    *b = (struct belief){.n = n,
                         .noise_shape = SHAPE,
                         .noise_scale = SHAPE * square(spreads.noise),
                         .wrong = spreads.wrong,
                         .walk_level = square(WALK_LEVEL) / batches,
                         .walk_own = square(WALK_OWN) / batches};
    b->covariance[0][0] = square(spreads.common);
    for (size_t s = 0; s < n; s++) {
        assert(priors[s].cost > 0);
        b->mean[s + 1] = log(priors[s].cost);
        b->covariance[s + 1][s + 1] = square(priors[s].sigma);
    }
}

double belief_noise(const struct belief *b) {
    return sqrt(b->noise_scale / b->noise_shape);
}

double belief_cost(const struct belief *b, size_t s) {
    return exp(b->mean[0] + b->mean[s + 1]);
}

double belief_ratio(const struct belief *b, size_t s, size_t than, double *sigma) {
    const double(*c)[BELIEF_STATES] = b->covariance;
    double variance = c[s + 1][s + 1] + c[than + 1][than + 1] - 2 * c[s + 1][than + 1];
    *sigma = variance > 0 ? sqrt(variance) : 0;
    return b->mean[s + 1] - b->mean[than + 1];
}

double belief_mean_cost(const struct belief *b, size_t s, size_t than) {
    double sigma, ratio = belief_ratio(b, s, than, &sigma);
    return belief_cost(b, than) * exp(ratio + square(fmin(sigma, 1)) / 2);
}

static double cumulative(double z) {
    return erfc(-z / sqrt(2)) / 2;
}

// E max(0, 1 - e^ratio), where the ratio is normal with that spread.
static double saving(double ratio, double spread) {
    if (spread <= 0)
        return ratio < 0 ? 1 - exp(ratio) : 0;
    return cumulative(-ratio / spread) -
           exp(ratio + square(spread) / 2) * cumulative(-ratio / spread - spread);
}

double belief_saving(const struct belief *b, size_t s, size_t than, double batches) {
    double sigma, ratio = belief_ratio(b, s, than, &sigma), noise = square(belief_noise(b)) / batches;
    double moved = sigma > 0 ? square(sigma) / sqrt(square(sigma) + noise) : 0;
    double wrong = b->batches[s] > 0 ? 0 : b->wrong;
    return (1 - wrong) * saving(ratio, moved) + wrong * saving(ratio, fmax(moved, WRONG_BY));
}

// How likely it is that the prediction that was `off` by so much said nothing, rather than that it was off by chance.
static double wrongness(const struct belief *b, double off, double variance) {
    double wide = variance + square(WRONG_BY);
    double chance = log((1 - b->wrong) / b->wrong) - square(off) / variance / 2 - log(variance) / 2;
    double nothing = -square(off) / wide / 2 - log(wide) / 2;
    return 1 / (1 + exp(chance - nothing));
}

// The filter's step for an observation of level + own[s] that was `off` by so much, with so much variance.
static void move(struct belief *b, size_t s, double off, double variance) {
    double gain[BELIEF_STATES], seen[BELIEF_STATES];
    for (size_t k = 0; k <= b->n; k++) {
        seen[k] = b->covariance[k][0] + b->covariance[k][s + 1];
        gain[k] = seen[k] / variance;
    }
    for (size_t k = 0; k <= b->n; k++) {
        b->mean[k] += gain[k] * off;
        for (size_t j = 0; j <= b->n; j++)
            b->covariance[k][j] -= gain[k] * seen[j];
    }
}

static void walk(struct belief *b, double batches) {
    b->covariance[0][0] += batches * b->walk_level;
    for (size_t k = 1; k <= b->n; k++)
        b->covariance[k][k] += batches * b->walk_own;
}

void belief_observe(struct belief *b, size_t s, double batches, double cost) {
    assert(s < b->n);
    if (!(batches > 0) || !(cost > 0) || !isfinite(cost) || !isfinite(batches))
        return;
    walk(b, batches);
    double(*c)[BELIEF_STATES] = b->covariance;
    double known = c[0][0] + 2 * c[0][s + 1] + c[s + 1][s + 1], noise = square(belief_noise(b)) / batches;
    double off = log(cost) - b->mean[0] - b->mean[s + 1], misfit = square(off) / (known + noise);
    bool first = b->batches[s] <= 0;
    b->batches[s] += batches;
    if (first) {
        double wrong = wrongness(b, off, known + noise);
        b->covariance[s + 1][s + 1] += wrong * square(WRONG_BY);
        known += wrong * square(WRONG_BY);
        b->wrong += (wrong - b->wrong) / (WRONG_WEIGHT + ++b->tried);
    } else { // as far as it says more of the noise than of the strategy
        double share = noise / (known + noise);
        b->noise_shape += 0.5 * share;
        b->noise_scale += 0.5 * share * batches * noise * fmin(misfit, OUTLIER);
    }
    // What is seen first may be anything; later on, what is far off may be somebody else's doing.
    double variance = known + noise;
    if (!first && misfit > OUTLIER)
        variance *= sqrt(misfit / OUTLIER);
    move(b, s, off, variance);
}
