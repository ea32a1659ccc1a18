// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_SNAPSHOT_H
#define PRESSRUN_MONITOR_SNAPSHOT_H
/*
 * What is known of a run at one moment: of one that goes on, or of one that is over. The live view, exporters and alerts
 * look at nothing else, so that each can be tried without a run.
 *
 * Counters and durations are those of a session, from the beginning of the run until now; rates, depths and what is left
 * to do are metrics live.*, which only a run that goes on has. A metric that is not known has known[] false; that is not 0.
 * Distributions are of all outputs so far, too. While a run goes on, totals may be behind by a batch, and
 * distributions by some hundredths of a second.
 *
 * A run fills one four times a second in a thread of its own and hands it to its observer (pipeline/run/run.h): one thread
 * at a time, and nothing of it is changed within the call. Names of distributions are kept by the snapshot from one filling
 * to the next; The texts are borrowed from whoever fills it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "monitor/metrics.h"
#include "monitor/session.h"

enum { SNAPSHOTS_PER_SECOND = 4 };

struct snapshot_distribution {
    struct str name;         // "render", "job.cards", "template.card.j2"
    double figures[FIGURES]; // seconds, but for FIGURE_COUNT; count 0: nothing yet
};

struct snapshot {
    struct str name, strategy; // of the manifest; its name
    struct str outcome;        // "done", "failed", "interrupted"; {NULL, 0}: it goes on
    uint64_t sequence;         // 0: the first of this run
    double seconds;            // of the run, never less than before; also METRIC_RUN_SECONDS
    bool over;                 // the run has ended, and these are its session's figures
    double values[METRICS];
    bool known[METRICS];
    struct snapshot_distribution *distributions; // owned
    size_t distributions_n, distributions_cap;
    struct arena arena; // of their names
};

void snapshot_init(struct snapshot *s);
void snapshot_release(struct snapshot *s);

// Filling: nothing is known, and distributions have seen nothing, but keep their places.
void snapshot_clear(struct snapshot *s);
void snapshot_set(struct snapshot *s, enum metric metric, double value);
void snapshot_set_distribution(struct snapshot *s, struct str name, const struct histogram *nanoseconds);
void snapshot_of_session(struct snapshot *s, const struct session *session); // over

// Reading: a figure by its documented name, "run.seconds" or "render.p99". False: it is not known (yet).
bool snapshot_figure(const struct snapshot *s, struct str name, double *value);
// NULL: there is none of that name, or it has seen nothing.
const struct snapshot_distribution *snapshot_distribution(const struct snapshot *s, struct str name);
// The template whose outputs take longest, by the mean; NULL: none is known.
const struct snapshot_distribution *snapshot_slowest_template(const struct snapshot *s);

// Whoever wants to be told of each snapshot.
struct snapshot_taker {
    void *self;
    void (*take)(void *self, const struct snapshot *snapshot);
};

#endif
