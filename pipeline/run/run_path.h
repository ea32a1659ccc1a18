// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_RUN_PATH_H
#define PRESSRUN_PIPELINE_RUN_PATH_H
/*
 * A run's critical path (monitor/critical_path.h), and the time its workers spent on each node of its graph. Every span
 * that run_spent hears of is a span of the path; what it waited for goes with the work as marks: of a lot, a flight, a
 * turn, a node. Where nobody wants to know (no trace, no -v, and no session or a strategy that watches no times) there is
 * none of it, and all marks are empty. Else it costs 40 bytes and some ten nanoseconds a span.
 *
 * In the end the path's time is put together by node; besides the nodes' stages there are these:
 *
 *   start     before the first span: the plan's keys, the process itself
 *   through   processes of a job's filter outside
 *   waiting   between two spans of the path: for a worker, for what another process did, for the moments between
 *   end       after the last span: what is remembered, publishing
 *   unknown   where the run was so long that its oldest spans gave way
 */
#include "monitor/critical_path.h"
#include "monitor/session.h"
#include "pipeline/run/run.h"

struct run;
struct run_span;
struct worker;
struct passage;

struct run_path {
    struct critical_path *spans;
    uint32_t subjects;        // jobs or passes, whichever are more: a row is kind * subjects + index
    size_t rows;              // kinds * subjects
    uint64_t **busy, **aside; // by worker and row; each worker its own
    uint32_t *nodes;          // stage * subjects + index → the plan's node
    struct path_mark *places; // of processes of filters: the last one there
};

void run_path_init(struct run *run);
void run_path_release(struct run *run);

struct path_mark run_path_add(const struct run *run, const struct worker *worker,
                              const struct run_span *span);
void run_path_add_process(const struct run *run, struct passage *passage);
// What released a node of the graph, when it begins: whatever ended last of those it waited for.
struct path_mark run_path_released(const struct run *run, uint32_t node);

// The end: the report's path, its row in the trace, and the nodes of the session.
void run_path_end(const struct run *run, struct run_report *report);
void run_path_fill(const struct run *run, const struct run_report *report, struct session *session);

#endif
