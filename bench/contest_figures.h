// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_CONTEST_FIGURES_H
#define PRESSRUN_BENCH_CONTEST_FIGURES_H
/*
 * What a contest came to: figures of each variant, which one is recommended, and sentences that say why, and why others do
 * not help. Nothing is measured here. Seconds are of whole processes where nothing else is said. Thread-safe.
 */
#include "base/buf.h"
#include "bench/contest.h"

enum contest_metric { CONTEST_WALL, CONTEST_CPU, CONTEST_PEAK, CONTEST_METRICS };

struct contest_figure {
    double median, low, high; // 95 %, by order statistics; where there are too few: the range
    uint32_t n;               // 0: there is none
};
struct contest_figure contest_figure(const struct contest_result *result, uint32_t variant,
                                     enum contest_state state, enum contest_metric metric);
uint32_t contest_workers(const struct contest_result *result, uint32_t variant, enum contest_state state);
// Share of its workers' time that stages were at work, in [0, 1]; median.
double contest_busy(const struct contest_result *result, uint32_t variant, enum contest_state state);
// Share of what was looked for that was found; median. -1: nothing was looked for.
double contest_rate(const struct contest_result *result, uint32_t variant, enum contest_state state,
                    int rate);
// b's time over a's, from the rounds that both ran in.
struct ranking_ratio contest_ratio(const struct contest_result *result, enum contest_state state, uint32_t a,
                                   uint32_t b);
int contest_find(const struct contest_result *result, const char *name); // a variant; -1: there is none

// Of the fastest and those equal to it: the one with the fewest workers, then by preference. The fastest where it is
// not decided.
uint32_t contest_recommended(const struct contest_result *result, enum contest_state state);
// The state that the recommendation as a whole is of: warm, where that was measured, as jobs that are worth it come again.
enum contest_state contest_state_of(const struct contest_result *result);
// Who may be the fastest where it is undecided, of one state, the likeliest first. Returns how many.
uint32_t contest_open(const struct contest_result *result, enum contest_state state,
                      uint32_t open[RANKING_MOST]);
// Variants of a state by their time, the shortest first. Returns how many have any.
uint32_t contest_order(const struct contest_result *result, enum contest_state state,
                       uint32_t order[RANKING_MOST]);

// A sentence, without a full stop: why this one. `base` is compared with (minimal), -1: nothing.
void contest_write_reason(const struct contest_result *result, enum contest_state state, int base,
                          struct buf *out);
// Of another one that saves less than a twentieth of the base's time: why that is so. False: there is nothing to say.
bool contest_write_idle(const struct contest_result *result, enum contest_state state, int base,
                        uint32_t variant, struct buf *out);

#endif
