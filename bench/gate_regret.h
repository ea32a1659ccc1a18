// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_GATE_REGRET_H
#define PRESSRUN_BENCH_GATE_REGRET_H
/*
 * The regret of `strategy: auto`: what it takes more than the best of the strategies that it chooses from. Which one is the
 * best is found by runs of its own (contest.h); those that are compared with it come after that, so that a lucky run makes
 * nobody the best. One thread.
 */
#include "base/clock.h"
#include "bench/gate_place.h"

#define GATE_REGRET_CERTAIN 0.03 // surely more than this, and more than the limit as estimated, is FAIL
#define GATE_REGRET_AUTO    "auto"

// The rule of its pairs.
struct verdict_rule gate_regret_rule(double limit);

// The strategy that took the least time in the place of B, by `program`. STATUS_DATA: a run failed.
enum status gate_regret_best(const struct gate_place *place, const char *program,
                             const struct gate_place_options *options, const struct clock *clock,
                             const char **best, struct err *err);

#endif
