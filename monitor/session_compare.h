// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_SESSION_COMPARE_H
#define PRESSRUN_MONITOR_SESSION_COMPARE_H
/*
 * Two sessions side by side: what they are, each figure of both, and which figures moved.
 *
 * Two runs alone do not tell a difference from noise. Work counters depend on manifest and data alone, so there any
 * difference counts. Of other figures the caller says what is usual (bench/baseline.h, from the history); a figure that is
 * outside, and by 1 % or more, has moved. Where nobody knows what is usual, 5 % or more are called a difference and no more.
 *
 * A and B are documents (session.h); what is missing in one is NAN. Names and texts are in the comparison's arena, durations
 * are seconds. Nothing here reads a history. One thread.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "monitor/metrics.h"

enum session_change {
    SESSION_SAME,    // equal
    SESSION_USUAL,   // differs no more than is usual; where that is not known, by less than 5 %
    SESSION_DIFFERS, // by 5 % or more, or is there in one of them only; nobody knows whether that is usual
    SESSION_MOVED,   // a work counter that differs, or a figure beyond what is usual
    SESSION_CHANGES
};
extern const char *const session_changes[SESSION_CHANGES]; // "same", ...

// What a figure is usually.
struct session_usual {
    size_t n; // sessions that say so; 0: nobody knows
    double low, high, mean;
};

struct session_figure {
    struct str name; // "run.seconds", "render.p99"
    const char *unit;
    bool work;
    double a, b; // NAN: not known
    struct session_usual usual;
    enum session_change change;
    int worse; // B against A: 1 worse, -1 better; 0: equal, or neither is better
};

struct session_pair { // a distribution of both
    struct str name;
    double a[FIGURES], b[FIGURES]; // NAN: not known
    double
        later; // the share of all pairs of an observation of each in which B's takes longer, ties by half; NAN: not known
};

struct session_fact { // a text of both
    const char *key;  // "version"
    struct str a, b;
};
enum { SESSION_FACTS = 7 };

struct session_comparison {
    struct arena arena;
    struct session_fact facts[SESSION_FACTS]; // session, name, strategy, machine, version, outcome, digest
    double started_a, started_b;              // seconds since 1970
    struct session_figure *figures;           // work counters first, then other metrics, then distributions'
    size_t figures_n, figures_cap;            // owned
    struct session_pair *pairs;
    size_t pairs_n, pairs_cap; // owned
};

// Figures of both, without a word on what is usual: each is SAME, USUAL, DIFFERS, or of a work counter MOVED.
void session_compare(const json_t *a, const json_t *b, struct session_comparison *out);
void session_comparison_release(struct session_comparison *c);
// What is usual of each figure, in their order; figures are judged anew.
void session_comparison_judge(struct session_comparison *c, const struct session_usual *usual);
size_t session_comparison_count(const struct session_comparison *c, bool work, enum session_change change);

// One JSON object, as docs/metrics.md has it.
void session_comparison_write_json(const struct session_comparison *c, struct buf *out);

// Whether more of a figure is worse (1), or less (-1), or neither (0).
int session_worse_if_greater(struct str figure);

#endif
