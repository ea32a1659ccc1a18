// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_SELFTEST_H
#define PRESSRUN_BENCH_SELFTEST_H
/*
 * Whether comparisons keep on this machine what they promise. Questions are asked whose answers are known: an operation
 * is compared with itself, and with itself made slower by a known share. Here is what comes of the answers, wherever they
 * come from: measuring (selftest_run.h) or a file of them (selftest_store.h).
 *
 *     equals    blocks of VERDICT_PAIRS pairs, all of them run. What a comparison would have said of each; and, since a coin
 *               chose the order in every pair, suites of them with random signs (suites.h), as many as one likes
 *     slower    comparisons as a gate makes them: pairs until the verdict stands, FAIL only if a second round says so, too,
 *               as it is in a suite of SELFTEST_SUITE benchmarks
 *
 * Rates have exact intervals (Clopper and Pearson) at 95 %. A promise is KEPT where the rate is as promised, BROKEN where
 * even its interval is not, else UNCLEAR: too few were measured. One thread.
 */
#include <stdatomic.h>

#include "bench/comparison.h"
#include "bench/gate.h"
#include "bench/suites.h"

enum { SELFTEST_SUITE = 40, SELFTEST_LEVELS_MOST = 8, SELFTEST_RATES_MOST = 8 + 3 * SELFTEST_LEVELS_MOST };

struct selftest_operation { // what was compared
    uint32_t records;
    double seconds;        // CPU time of a run, about
    double share_per_step; // that each step of the busy loop adds to it
};

struct selftest_trial {
    enum verdict verdict; // equals: of one round
    bool flagged;         // FAIL in the first round
    uint32_t pairs;       // of all rounds, dropped ones left out
    double ratio;         // as estimated by the first round
};

struct selftest_level {
    double percent;                // slower; 0: equals, always the first level
    struct selftest_trial *trials; // owned
    size_t n, cap;
};

struct selftest {
    struct arena arena;
    struct selftest_operation operation;
    struct host host;
    const char *program; // that measured: "pressrun 1.2.3"
    const char *started;
    struct selftest_level levels[SELFTEST_LEVELS_MOST];
    size_t levels_n;
    double *differences; // of equals, owned
    size_t differences_n, differences_cap;
    uint64_t pairs, dropped;
    double seconds; // of all runs, wall time
};

void selftest_init(struct selftest *s);
void selftest_release(struct selftest *s);
// The level of a percentage; a new one where there is room, else NULL.
struct selftest_level *selftest_level(struct selftest *s, double percent);
// One more answer. False: there are too many levels.
bool selftest_take(struct selftest *s, double percent, const struct comparison *c);

enum selftest_state {
    SELFTEST_STATED,
    SELFTEST_KEPT,
    SELFTEST_UNCLEAR,
    SELFTEST_BROKEN
};                                          // STATED: no promise
extern const char *const selftest_states[]; // "stated", ...

struct selftest_rate {
    const char *id;   // "suites.failed", "slower-5.found"
    const char *what; // in words
    uint64_t hits, n;
    double low, high;         // 0 and 1 where n = 0
    double at_least, at_most; // promised; 0 and 1: nothing
    enum selftest_state state;
};

struct selftest_suites {
    double scale; // the differences as they were, times this
    uint32_t suites;
    struct suites_result result;
};

struct selftest_figures {
    struct arena arena;
    struct selftest_rate rates[SELFTEST_RATES_MOST];
    size_t rates_n;
    struct selftest_suites suites[2]; // as it is, and noisier
    double middle, most;              // |difference| of equals: median, and in nine of ten; as ratios less 1
    enum selftest_state state;        // the worst
    bool interrupted;                 // while suites were formed
};

// `suites`: so many, and a quarter as many noisier ones; none where there are fewer than VERDICT_PAIRS differences. `f` is
// to be released.
void selftest_figures(const struct selftest *s, uint32_t suites, uint64_t seed, const atomic_bool *interrupt,
                      struct selftest_figures *f);
void selftest_figures_release(struct selftest_figures *f);

// Of a level: the median of what its comparisons estimated, with its 95 % interval; 0 where there is none.
struct comparison_median selftest_ratio(const struct selftest_level *level);
double selftest_mean_pairs(const struct selftest_level *level);

// One object, with a newline.
void selftest_write_json(const struct selftest *s, const struct selftest_figures *f, struct buf *out);

#endif
