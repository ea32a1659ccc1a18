// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_SCHEDULER_SCHEDULER_H
#define PRESSRUN_SCHEDULER_SCHEDULER_H
/*
 * When and where work runs. The scheduler knows functions, edges, credits and turns; nothing of records.
 *
 *   graph      nodes and edges. A node is released when its last predecessor is done (an atomic counter
 *              reaches zero) and then stepped until it is done. Steps of one node never overlap.
 *   task       a piece of work that a node (or another task) hands to the pool, e.g. one batch.
 *   credits    a bounded allowance: taking one may fail, never waits; giving one back re-arms whoever failed.
 *   turns      pieces of work that must happen in order (batch 0, 1, 2, ...) although they arrive in any
 *              order: a piece that is early is kept and run by whoever finishes the piece before it.
 *
 * No task ever waits. A step that cannot go on returns STEP_BLOCKED and is re-armed by whoever gives it what
 * it lacks (graph_wake). Wakes are never lost: one that comes while the node is running makes it step again.
 *
 * What is on the longest way to the end goes first: of all that waits, a worker takes what belongs to the node whose
 * successors, the longest chain of them, weigh most. Nothing else is a barrier: a node is released by its own
 * predecessors, and a task waits for nobody.
 *
 * This is the only folder that names OpenMP. Workers are the threads of one parallel region, which share what waits
 * (pool.h); a task never runs inside the call that makes it.
 */
#include <stdbool.h>
#include <stdint.h>

struct graph;
struct worker {
    uint32_t index; // 0 .. workers - 1
    struct graph *graph;
    uint64_t rank; // of what it does now; what that spawns has it, too
};

enum step {
    STEP_AGAIN,   // more to do: step again (other work may run between)
    STEP_BLOCKED, // wait for graph_wake
    STEP_DONE,    // finished well: successors are released
    STEP_FAILED,  // finished badly: everything that depends on it is skipped, the rest goes on
};

enum node_state { NODE_WAITING, NODE_RUNNING, NODE_DONE, NODE_FAILED, NODE_SKIPPED };

struct node_spec {
    const char *name; // borrowed
    void *self;
    enum step (*step)(void *self, struct worker *worker);
    void (*skipped)(void *self); // may be NULL: told once, instead of steps, when a predecessor failed
    uint64_t weight;             // what it takes, in nanoseconds or any other unit that all nodes share; 0: 1
};

struct graph *graph_new(void);
void graph_free(struct graph *g);
uint32_t graph_add(struct graph *g, const struct node_spec *spec); // node ids count from 0
void graph_edge(struct graph *g, uint32_t from, uint32_t to);      // `to` waits for `from`; twice is once
// How many nodes a cycle has, the first `max` of them in order into `nodes`; 0: there is none.
uint32_t graph_find_cycle(const struct graph *g, uint32_t *nodes, uint32_t max);

// Runs everything on `workers` threads (the calling one included) and returns when all nodes are done, failed
// or skipped and all tasks have ended. False: there is a cycle and nothing was run, or nodes are blocked for
// good (a bug of the caller). A graph is run once.
bool graph_run(struct graph *g, uint32_t workers);

void graph_wake(struct graph *g, uint32_t node); // from any worker; re-arms a blocked node
enum node_state graph_state(const struct graph *g, uint32_t node);

// Wakes it when so many nanoseconds have passed, or somewhat later. The graph does not end before.
void graph_wake_after(struct graph *g, uint32_t node, uint64_t nanoseconds);

// Hands fn(self, worker) to the workers. From any step or task; fn never runs before this returns.
void graph_spawn(struct worker *worker, void (*fn)(void *self, struct worker *worker), void *self);
// The same for a batch, which the graph's partition gives to a worker: its number, and its size in any unit.
void graph_spawn_batch(struct worker *worker, uint64_t sequence, uint64_t size,
                       void (*fn)(void *self, struct worker *worker), void *self);

// The same behind some task that waits for a worker now; at once, where none does. From a task, and by one at a time.
void graph_yield(struct worker *worker, void (*fn)(void *self, struct worker *worker), void *self);

// A task that waits for the outside (descriptors, processes) does so between graph_rest and graph_rested, where
// graph_rest was true: no task waits for a worker. One that comes meanwhile, and that no other worker is free for, rings
// the bell, and the resting task is to end soon. One task at a time may rest, and not for longer than timers may be late.
void graph_set_bell(struct graph *g, void (*ring)(void *self), void *self); // before graph_run
bool graph_rest(struct worker *worker);
void graph_rested(struct worker *worker);

// The workers with a number below this, at least one, take work; the others are parked when they have ended what they do.
// Before graph_run or meanwhile, from any thread. Without it, all work.
void graph_set_limit(struct graph *g, uint32_t workers);
// Of the moment: pieces that no worker has taken up, and workers that are at one (or rest). From a tick.
uint32_t graph_waiting(struct graph *g);
uint32_t graph_working(struct graph *g);
// Called about every so many nanoseconds as long as there is work, from some worker, once at a time. Before graph_run.
void graph_set_tick(struct graph *g, uint64_t nanoseconds, void (*tick)(void *self, struct worker *worker),
                    void *self);
struct partition;
void graph_set_partition(struct graph *g, const struct partition *partition); // partition.h; at any time
uint64_t graph_idle(const struct graph *g); // nanoseconds that workers slept, all together; after graph_run

// Credits
// ----------------------------------------------------------------------------------------------------
struct credits {
    _Atomic int64_t left;
    _Atomic bool wanted; // somebody failed to take one
    struct graph *graph;
    uint32_t node; // who is woken
};
void credits_init(struct credits *c, struct graph *g, uint32_t node, uint32_t n);
bool credits_take(struct credits *c); // never waits
void credits_give(struct credits *c); // wakes the node if it wanted one

// Turns
// ------------------------------------------------------------------------------------------------------ At
// most `window` pieces may be early (the credits see to that); sequences count from 0 without gaps.
struct turns;
struct turns *turns_new(uint32_t window);
void turns_free(struct turns *t);
// Runs fn(self, worker) when all earlier sequences have had their turn: now, if it is its turn (then those
// kept that follow), else later by whoever ends the turn before. Two turns never overlap.
void turns_enter(struct turns *t, uint64_t sequence, void (*fn)(void *self, struct worker *worker),
                 void *self, struct worker *worker);

// Workers
// ----------------------------------------------------------------------------------------------------
struct worker_count {
    uint32_t n;
    const char *source; // "affinity", "cgroup quota", "-j", the name of a variable, for the summary
};
// The smallest of CPU affinity, cgroup (v1, v2) quota and what a launcher granted (workers_hints.c), at least 1.
struct worker_count workers_available(void);

#endif
