// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_RANDOM_H
#define PRESSRUN_BENCH_RANDOM_H
/*
 * Repeatable random numbers: SplitMix64, which is plenty for coins, shuffles and resampling and has no state but one
 * number. The same seed gives the same sequence everywhere. Not for secrets. One generator per thread.
 */
#include <stdint.h>

struct random {
    uint64_t state; // the seed, to begin with
};

static inline uint64_t random_next(struct random *r) {
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// Below n, which is not 0. The bias is below n / 2^32.
static inline uint32_t random_below(struct random *r, uint32_t n) {
    return (uint32_t)(((random_next(r) >> 32) * n) >> 32);
}

// In [0, 1), 53 bits.
static inline double random_unit(struct random *r) {
    return (double)(random_next(r) >> 11) * 0x1p-53;
}

#endif
