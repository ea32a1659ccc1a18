// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_VERDICT_H
#define PRESSRUN_BENCH_VERDICT_H
/*
 * Is B slower than A? Looks at more and more pairs and stops as soon as they say enough, without spending more error than
 * promised: at look j of t_j = n / N of all pairs, the alarm may err by alpha (t_j^2 - t_{j-1}^2) and the all-clear by
 * beta (t_j - t_{j-1}), which add up to alpha and beta over all looks.
 *
 *     FAIL          the lower bound is above 1 % and the estimate at 3 % or more
 *     PASS          the upper bound is below 5 %
 *     INCONCLUSIVE  neither, after the last pair
 *
 * Where the number of pairs is settled beforehand there is one look, at the end, which may spend it all.
 *
 * The bounds of the look that decides are wrong with a probability of at most alpha + beta together, however many looks there
 * were: a lower bound that lies above the truth at any look is what alpha is for, an upper one below it what beta is for.
 *
 * Bounds are those of the signed-rank statistic (signed_rank.h) over d = ln(b / a), so that one outlier, or drift that hits
 * both of a pair, hardly matters. Pure functions, thread-safe.
 */
#include <stdbool.h>
#include <stdint.h>

enum { VERDICT_LOOKS = 8, VERDICT_PAIRS = 96 };
extern const uint32_t verdict_looks[VERDICT_LOOKS]; // pairs at each look; the last is VERDICT_PAIRS
bool verdict_is_look(uint32_t pairs);

enum verdict { VERDICT_MORE, VERDICT_PASS, VERDICT_FAIL, VERDICT_INCONCLUSIVE, VERDICT_INVALID };
const char *verdict_name(enum verdict verdict); // "PASS", ...

struct verdict_rule {
    double alpha, beta;    // errors over all looks
    double certain, large; // FAIL: bound above, estimate at least; as ratios less 1: 0.01, 0.03
    double harmless;       // PASS: 0.05
};
struct verdict_rule verdict_rule_default(void); // alpha 2 %, beta 2.5 %
#define VERDICT_CONFIRMING_ALPHA 0.05 // at most, of measuring once more what was FAIL: both must say so

struct verdict_look {
    enum verdict verdict;
    uint32_t pairs; // 0: there was no look
    double estimate, lower,
        upper; // ratios b / a; bounds at this look's errors, 0 and INFINITY where there are none
};

// `differences` are d of at least `pairs` pairs, which is one of verdict_looks.
struct verdict_look verdict_at(const double *differences, uint32_t pairs, const struct verdict_rule *rule);
// The only look, at n pairs: never VERDICT_MORE. n is 1 to VERDICT_PAIRS.
struct verdict_look verdict_once(const double *differences, uint32_t n, const struct verdict_rule *rule);
// All looks until one decides: what would have come of these differences.
struct verdict_look verdict_of(const double *differences, uint32_t n, const struct verdict_rule *rule);

// Of an INCONCLUSIVE look: the smallest slowdown (as a ratio less 1) that so much noise would have let it find, and how
// many pairs would decide if they are like these; INFINITY and UINT32_MAX where nobody can tell. Estimates, for a sentence
// to people.
void verdict_outlook(const struct verdict_look *look, const struct verdict_rule *rule, double *smallest,
                     uint32_t *pairs);

#endif
