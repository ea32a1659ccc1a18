// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_TREND_H
#define PRESSRUN_BENCH_TREND_H
/*
 * How figures went over the runs of a history: where their level changed for good (changes.h), what else changed with it
 * (versions, strategies, machines, workers, work counters), which values stand alone, and what the next run is to be
 * expected to be.
 *
 * Runs are in the order in which they began, oldest first. Of runs of several manifests, machines or strategies a trend says
 * that they are mixed; which of them to look at is the caller's choice, by conditions. Texts and arrays are in the arena of
 * the trend. Nothing is kept between calls; one thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "bench/baseline.h"
#include "bench/changes.h"
#include "monitor/history.h"

// What was otherwise in the first run of a new level than in the run before it.
struct trend_with {
    const char *what;            // "version", "machine", or a metric's name
    struct str before, after;    // texts; empty where it is a number
    double old_value, new_value; // numbers
    bool number;
};

struct trend_point {
    struct str id;
    int64_t started; // nanoseconds since 1970
    double value;
    bool outlier; // stands alone
};

struct trend_change {
    struct change change; // `at` is a point's
    const struct trend_with *with;
    size_t with_n;
};

enum { TREND_MIXED = 4 };
struct trend {
    struct arena arena;
    struct str figure;
    const char *unit;
    struct trend_point *points;
    size_t points_n;
    struct trend_change *changes;
    size_t changes_n;
    const char
        *mixed[TREND_MIXED]; // "name", "strategy", "machine", "run.workers": of which there are several
    size_t mixed_n;
    // Of the next run that is like the newest one, from the newest BASELINE_SESSIONS of this level; outliers do not count.
    struct baseline expected;
    bool expects; // enough is known for it
};

// Of the newest `limit` runs that meet the conditions and have the figure.
enum status trend_read(struct history *h, const struct history_filter *filters, size_t filters_n,
                       struct str figure, uint32_t limit, struct trend *out, struct err *err);
void trend_release(struct trend *t);
void trend_write_json(const struct trend *t, struct buf *out);

// ---- all figures at once

struct moved_figure {
    const char *name, *unit;
    struct change change; // `at` is not of use here
    int worse;            // 1: the new level is worse, -1: better, 0: neither
};

// A run with which levels changed.
struct moved_run {
    struct str id;
    int64_t started;
    const struct trend_with *with;
    size_t with_n;
    struct moved_figure *figures;
    size_t figures_n, figures_cap; // owned
};

struct moves {
    struct arena arena;
    struct moved_run *runs; // newest first; owned
    size_t runs_n, runs_cap;
    size_t sessions, figures; // looked at
};

// Which figures of the newest `limit` runs that meet the conditions have changed their level, by 2 % or more; of all
// figures together about one series of runs in twenty has a false one.
enum status moves_read(struct history *h, const struct history_filter *filters, size_t filters_n,
                       uint32_t limit, struct moves *out, struct err *err);
void moves_release(struct moves *m);
void moves_write_json(const struct moves *m, struct buf *out);

#endif
