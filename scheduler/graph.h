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

#include "scheduler/pool.h"

enum arm { ARM_IDLE, ARM_RUNNING, ARM_WOKEN, ARM_BLOCKED };

struct node {
    struct node_spec spec;
    struct graph *graph;
    uint32_t id;
    uint32_t *successors;
    size_t successors_n, successors_cap;
    uint32_t predecessors;
    uint64_t rank; // weight of the longest way from here to an end, itself included
    _Atomic uint32_t missing;
    _Atomic bool spoiled;
    _Atomic int arm;   // enum arm
    _Atomic int state; // enum node_state
    struct node *next; // in the list of finished nodes whose successors are to be told
};

struct graph {
    struct node **nodes; // each on its own, so that they stay where they are
    size_t nodes_n, nodes_cap;
    struct pool pool; // its settings before the run, all of it while it lasts
    uint64_t idle;    // nanoseconds that workers slept, all together
};

// Sorts out double edges, counts predecessors, finds what the longest way from each node weighs.
void graph_settle(struct graph *g);

#endif
