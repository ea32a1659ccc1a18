// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_COMPARISON_H
#define PRESSRUN_BENCH_COMPARISON_H
/*
 * A comparison of A and B: everything that its verdict is made of, and nothing that is not. It is filled by running
 * (comparison_run.h) or by reading what was saved (comparison_json.h), and judged the same way, so that a verdict can be had
 * again without running anything.
 *
 * The strongest evidence decides, in this order:
 *   1. what they print: different outputs are no comparison, INVALID
 *   2. work counters (work.h): growth of more than 1 % that was not accepted is FAIL, whatever the clock says
 *   3. the pairs of the first round (verdict.h)
 *   4. where that is to be confirmed and says FAIL: the pairs of a second round with a seed of its own. FAIL only if both
 *      say so, else INCONCLUSIVE
 *
 * Texts live in the comparison's arena. One thread.
 */
#include "base/arena.h"
#include "base/digest.h"
#include "bench/host.h"
#include "bench/paired.h"
#include "bench/work.h"

enum { COMPARISON_ROUNDS = 2 };

struct comparison_side {
    const char *shown; // as it was given
    const char *kind;  // target_kind_name
    const char *version;
    bool known; // that it has run
    struct digest digest;
    struct work work;
    double stages[WORK_STAGES]; // medians over the runs of the last round; 0: not known
};

struct comparison_round {
    uint64_t seed;
    double alpha;       // of this round's rule
    struct pair *pairs; // owned, dropped ones included
    uint32_t pairs_n;
};

struct comparison {
    struct arena arena;
    struct comparison_side sides[2];
    enum paired_metric metric;
    struct verdict_rule rule;
    uint32_t pairs; // exactly so many, or 0
    bool confirm, compares_output, interrupted;
    const char *const *accepted; // work counters that may grow
    size_t accepted_n;
    struct host host;
    const char *program;          // that compared: "pressrun 1.2.3"
    const char *started;          // 2026-01-31T12:00:00Z
    const char *const *arguments; // of that program
    size_t arguments_n;
    struct comparison_round rounds[COMPARISON_ROUNDS];
    size_t rounds_n;
};

void comparison_init(struct comparison *c);
void comparison_release(struct comparison *c);
const char *comparison_keep(struct comparison *c, const char *text); // a copy in its arena

// The rule of the first round, or of the second, which need not be as sure as the first, since both must agree.
struct verdict_rule comparison_rule(const struct comparison *c, size_t round);
struct verdict_look comparison_look(const struct comparison *c, size_t round);
uint32_t comparison_dropped(const struct comparison *c, size_t round);

enum judgement_reason {
    JUDGED_BY_OUTPUT,
    JUDGED_BY_WORK,
    JUDGED_BY_PAIRS,
    JUDGED_UNCONFIRMED,
    JUDGED_TOO_EARLY, // interrupted before anything was sure
    JUDGEMENT_REASONS
};
extern const char *const judgement_reasons[JUDGEMENT_REASONS]; // "output", ...

struct judgement {
    enum verdict verdict; // never VERDICT_MORE
    enum judgement_reason reason;
    size_t round;             // that the look is of
    struct verdict_look look; // pairs = 0: there was none
};
struct judgement comparison_judge(const struct comparison *c);

// Of the metric, over the pairs of the round that was judged; 0 where there are none. Bounds at 95 %, of order statistics.
struct comparison_median {
    double value, low, high;
    bool bounded; // false: too few runs, low and high are the least and the greatest
};
struct comparison_median comparison_median(const struct comparison *c, size_t which);
// Hodges-Lehmann estimate of b / a of any metric, over the same pairs; 0 where some run had none of it.
double comparison_ratio(const struct comparison *c, enum paired_metric metric);

// The work counters that both have and that grew by more than may be; the n-th of them, or NULL.
const struct work_counter *comparison_grown(const struct comparison *c, size_t n);

#endif
