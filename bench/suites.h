// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_SUITES_H
#define PRESSRUN_BENCH_SUITES_H
/*
 * How often would suites of comparisons raise a false alarm? Differences of real pairs of equal things are at hand; each
 * may as well have had the other sign, since a coin chose the order. So as many suites as one likes can be formed of them
 * in which nothing changed: stretches of the real differences, in their order, with random signs. No assumption on the noise
 * is needed, and drift and bursts of the machine are in it.
 *
 * A suite fails when a benchmark of it is FAIL and is so again in a second round, at alpha_suite / (benchmarks alpha), at
 * most 5 %. Deterministic from the seed. Thread-safe.
 */
#include <stddef.h>
#include <stdint.h>

#include "bench/verdict.h"

struct suites_options {
    uint32_t suites, benchmarks; // so many suites, of so many benchmarks each
    double alpha_suite;
    double scale; // the differences times this: a machine that is so much noisier
    struct verdict_rule rule;
    uint64_t seed;
};

struct suites_result {
    uint64_t failed;               // suites
    uint64_t flagged;              // benchmarks that were FAIL in the first round
    uint64_t passed, inconclusive; // others
    uint64_t pairs;                // of first rounds
};

// n is at least VERDICT_PAIRS.
struct suites_result suites_flip(const double *differences, size_t n, const struct suites_options *options);

#endif
