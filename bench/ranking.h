// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_RANKING_H
#define PRESSRUN_BENCH_RANKING_H
/*
 * Which of several is the fastest? In each round every candidate runs once, in an order drawn by lot; this says, of the
 * times so far, whether the ranking is decided, and of which candidates no more times are needed.
 *
 *     SLOWER  than the leader, surely: the lower bound of ln(its time / the leader's) is above 0
 *     ASIDE   not among the best: each of `keep` others was faster in each of the first RANKING_FIRST rounds
 *     EQUAL   to the leader: both bounds lie within `equal`, 3 %
 *     OPEN    neither of these
 *
 * It is decided when none but the leader is open. SLOWER and ASIDE are for good, and such a candidate need not run in later
 * rounds (its times are 0 there); the leader may change until the end.
 *
 * Errors are spent over looks as verdict.h does it, with t the share of the budget that is spent: for SLOWER by t^2, for
 * EQUAL by t; whatever is left is spent by the last look. Any t that rises to 1 will do that does not know which of two equal
 * candidates is which: time does not, rounds do not. Each pair of candidates gets an equal part of both, so that the probability of
 *   - naming anybody slower, or setting him aside, who is not is at most `wrong`, in all pairs and at all looks together;
 *   - calling anybody equal who is not is at most `blurred`.
 * ASIDE takes its part of `wrong`: a candidate no worse than `keep` others is the slowest of keep + 1 in each of r rounds with
 * at most (keep + 1)^-r, whatever the distribution. Where that is too much nobody is set aside.
 *
 * Pure functions, thread-safe.
 */
#include <stdbool.h>
#include <stdint.h>

enum { RANKING_MOST = 8, RANKING_ROUNDS = 96, RANKING_FIRST = 6 };

enum ranking_place { RANKING_OPEN, RANKING_LEADER, RANKING_EQUAL, RANKING_SLOWER, RANKING_ASIDE };
extern const char *const ranking_places[]; // "open", ...

struct ranking_rule {
    double wrong, blurred; // errors over all looks
    double equal;          // as ratio less 1
    uint32_t keep;         // of more than these some may be set aside; 0: none
};
struct ranking_rule ranking_rule_default(void); // 2.5 %, 2.5 %, 3 %, 0

struct ranking {
    bool decided;
    uint32_t rounds; // at the last look; 0: there was none
    uint32_t leader;
    enum ranking_place places[RANKING_MOST];
};

struct ranking_times {
    const double *seconds; // n for each round
    const double *spent;   // share of the budget after each round: ascending, at most 1
    uint32_t rounds;       // at most RANKING_ROUNDS
    uint32_t n;            // candidates: 1 to RANKING_MOST
};

// All looks until one decides. `last`: no round will follow, so that what is left of the errors may be spent.
struct ranking ranking_of(const struct ranking_times *times, const struct ranking_rule *rule, bool last);

// Of b's time over a's, from the rounds that both ran in: Hodges-Lehmann estimate and 95 % interval (0 and INFINITY where
// there are too few). rounds = 0: they never did.
struct ranking_ratio {
    double estimate, low, high;
    uint32_t rounds;
};
struct ranking_ratio ranking_ratio(const struct ranking_times *times, uint32_t a,
                                   uint32_t b); // `spent` is not looked at

#endif
