// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_SCHEDULER_GRAPH_H
#define PRESSRUN_SCHEDULER_GRAPH_H
/*
 * What a graph is made of, for graph.c (its shape) and executor.c (its execution); others use scheduler.h.
 *
 * The shape (spec, successors, predecessors) is written before the run and only read while it lasts. During
 * the run everything that two workers may touch is atomic:
 *
 *   missing   predecessors not yet finished; whoever takes it to zero releases or skips the node
 *   spoiled   a predecessor failed or was skipped
 *   arm       who may step the node:
 *
 *        IDLE ──release──> RUNNING ──wake──> WOKEN
 *                          ^  │  ^             │
 *                     wake │  │  └─ next step ─┘
 *                          │  v STEP_BLOCKED
 *                         BLOCKED
 *
 * Only the change into RUNNING from IDLE or BLOCKED makes a task, so a node never has two; a wake that finds
 * RUNNING leaves WOKEN behind, which the blocking node sees when it tries to leave RUNNING.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "scheduler/scheduler.h"

enum arm { ARM_IDLE, ARM_RUNNING, ARM_WOKEN, ARM_BLOCKED };

struct node {
    struct node_spec spec;
    struct graph *graph;
    uint32_t *successors;
    size_t successors_n, successors_cap;
    uint32_t predecessors;
    _Atomic uint32_t missing;
    _Atomic bool spoiled;
    _Atomic int arm;   // enum arm
    _Atomic int state; // enum node_state
    struct node *next; // in the list of finished nodes whose successors are to be told
};

// A piece of work that came while its worker was within another one.
struct pending {
    void (*fn)(void *self, struct worker *worker);
    void *self;
};

// One thread of the parallel region; touched by that thread only.
struct pool_worker {
    struct worker worker;
    bool busy;     // within a task
    bool draining; // handing out what is pending
    bool yielded;  // the task that ends now is the graph's `yielded`
    struct pending *ring;
    size_t ring_head, ring_n, ring_cap; // cap is a power of two
    char apart[64];                     // from the next thread's cache line
};

struct graph {
    struct node **nodes; // each on its own, so that they stay where they are
    size_t nodes_n, nodes_cap;
    struct pool_worker *pool; // while it runs
    _Atomic uint32_t queued;  // tasks that no worker has begun
    _Atomic bool waiting;     // `yielded` is there: whoever ends another task hands it out
    struct pending yielded;
    _Atomic bool resting;     // a task waits for the outside; whoever adds a task rings
    void (*ring)(void *self); // NULL: no task ever rests
    void *bell;
};

// Sorts out double edges, counts predecessors.
void graph_settle(struct graph *g);

#endif
