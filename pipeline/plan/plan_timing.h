// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_PLAN_TIMING_H
#define PRESSRUN_PIPELINE_PLAN_TIMING_H
/*
 * What the nodes of a plan took in a run: read from the session that the run left, matched by the names of jobs and
 * sources. A node whose job or source the run did not have has no times.
 *
 * Seconds and shares throughout. `share` is of the busy time of all nodes, `path` of the run's wall time: how much of
 * the critical path (monitor/critical_path.h) lies there, a job's filter included. Everything is in the given arena.
 */
#include "pipeline/plan/plan.h"

#define PLAN_PATH_LEAST 0.01 // of what the path spends on nodes: one with less is not marked

struct plan_times {
    bool known;
    double seconds, share;
    const char *unit; // what the next three are of: "outputs", "batches"; NULL: they are not known
    uint64_t n;
    double p50, p95;
    double through; // processes of the job's filter, summed
    double path;
    bool marked; // it is on the critical path
};

struct plan_timing {
    struct str session, outcome;
    double seconds; // of the run
    uint32_t workers;
    struct plan_times *nodes;            // of the plan
    double start, waiting, end, unknown; // shares of the path that are on no node
};

// False: the document is no session, or one without times of nodes.
bool plan_timing_read(const struct plan *plan, struct str document, struct arena *arena,
                      struct plan_timing *timing);
bool plan_timing_marks(const struct plan_timing *timing, size_t node); // no node where `timing` is NULL
// One table: "*" before nodes on the path.
void plan_timing_write_text(const struct plan *plan, const struct plan_timing *timing, struct buf *out);
// "1.20 s busy, 45.0 %", "6 batches, p50 12.0 ms, p95 30.1 ms" and so on, with `separator` between.
void plan_timing_write_label(const struct plan_times *times, const char *separator, struct buf *out);
void plan_timing_write_json(const struct plan_times *times, struct buf *out); // a member of a node
void plan_timing_write_session(const struct plan_timing *timing, struct buf *out);
void plan_timing_write_session_json(const struct plan_timing *timing, struct buf *out); // likewise, of all

#endif
