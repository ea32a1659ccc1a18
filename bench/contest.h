// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_CONTEST_H
#define PRESSRUN_BENCH_CONTEST_H
/*
 * The same job in several ways, such as under each strategy: `pressrun run` in fresh processes, in rounds of one run of each
 * in an order that a seeded shuffle decides, until it is decided which is the fastest (ranking.h) or the time is up.
 *
 * First all run once, which is not timed: outputs that differ are no comparison, and nothing is measured then. Later runs
 * must make the same, too.
 *
 *     cold   a cache that is empty
 *     warm   the cache of this variant's earlier runs, and what it knows of what jobs cost
 *
 * Both are ranked on their own. No run has a journal: each writes into a directory that does not exist before, since replacing
 * files, and making files where many were just removed, is slower than making them, and would be what is measured. Outputs,
 * caches and history lie in the scratch directory, a directory for each variant; those of the user are not
 * touched, and neither is a redis that his machines share. A round of which the host took too much (paired.h) is left out.
 *
 * A result owns its samples. One thread.
 */
#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/fs.h"
#include "bench/process.h"
#include "bench/ranking.h"

enum { CONTEST_WORDS = 6 };
enum contest_state { CONTEST_COLD, CONTEST_WARM, CONTEST_STATES };
extern const char *const contest_states[CONTEST_STATES]; // "cold", "warm"

// Of the cache, in the order of the report: what is counted apart.
enum { CONTEST_RATES = 7 };
extern const char *const contest_rates[CONTEST_RATES]; // "source", "schema", ...

struct contest_variant {
    const char *name;                 // of the directory, too
    const char *words[CONTEST_WORDS]; // of the command line; NULL ends
    bool candidate;      // false: shown, and never the fastest, as it is one of the others under another name
    bool caches;         // outputs, where that pays
    uint32_t preference; // of equals with as many workers the one that has least is recommended
};

struct contest_rate {
    uint64_t hits, misses;
    double get_seconds; // of a hit, in the mean; 0: unknown
};

struct contest_sample {
    struct process_sample process;
    uint32_t workers;
    double seconds;        // of the run, without the start of the process
    double busy_seconds;   // of all stages and workers
    double render_seconds; // of these
    uint64_t rendered;
    struct contest_rate rates[CONTEST_RATES];
};

struct contest_series {
    struct contest_sample *samples; // owned
    uint32_t n;
    size_t cap;
};

struct contest_times { // a row for each round, of all variants; and the budget: see ranking.h
    double seconds[RANKING_ROUNDS * RANKING_MOST], spent[RANKING_ROUNDS];
    uint32_t rounds, dropped;
};

struct contest_result {
    const struct contest_variant
        *variants; // the caller's; candidates come first, and rankings number them as here
    uint32_t variants_n, candidates_n;
    bool states[CONTEST_STATES]; // measured
    struct contest_series series[RANKING_MOST][CONTEST_STATES];
    struct contest_times times[CONTEST_STATES];
    struct ranking rankings[CONTEST_STATES];
    struct digest digest;
    uint64_t outputs, failed; // of each run; failed: records and outputs
    double seconds;           // all in all
    bool interrupted;
    bool differing; // outputs: `err` says whose
};

struct contest_options {
    const char *program;     // pressrun
    const char *scratch;     // a directory that is there
    const char *manifest;    // NULL: the one here
    const char *const *more; // words of each run's command line; NULL ends; may be NULL
    const struct contest_variant *variants;
    uint32_t variants_n;         // at most RANKING_MOST
    bool states[CONTEST_STATES]; // wanted
    double budget;               // seconds
    uint64_t seed;
    uint32_t keep;         // ranking.h
    const cpu_set_t *cpus; // NULL: all that the caller may use
    const struct fs *fs;
    const struct clock *clock;
    const atomic_bool *interrupt; // may be NULL
    void *self;
    // Before each run; round = 0: the first ones. May be NULL.
    void (*progress)(void *self, const char *variant, uint32_t round, double seconds);
};

// STATUS_DATA: a run failed, or did not make what the others made.
enum status contest_run(const struct contest_options *options, struct contest_result *result,
                        struct err *err);
void contest_release(struct contest_result *result);

#endif
