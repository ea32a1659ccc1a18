// SPDX-License-Identifier: MIT
/*
 * Runs a graph on the threads of one OpenMP parallel region. Released nodes and spawned work become plain
 * OpenMP tasks; the region's closing barrier is where the threads pick them up and where the run ends.
 *
 * An OpenMP runtime with many tasks queued (libgomp: 64 a thread) runs a new one inside the call that makes
 * it. Work that spawns work would then recurse without bound, and graph_spawn would run a stranger's code in
 * the middle of its caller. So a task that finds its thread busy is put into the thread's own ring, and the
 * outermost task hands the ring out again when it has ended. Depth is thus at most two runs of the OpenMP
 * runtime, and graph_spawn never runs anything before it returns.
 */
#include <assert.h>
#include <omp.h>

#include "base/mem.h"
#include "scheduler/graph.h"

typedef void task_fn(void *self, struct worker *worker);

static void ring_grow(struct pool_worker *w) {
    size_t cap = w->ring_cap ? w->ring_cap * 2 : 64;
    struct pending *ring = MEM_NEW_ARRAY(struct pending, cap);
    for (size_t i = 0; i < w->ring_n; i++)
        ring[i] = w->ring[(w->ring_head + i) & (w->ring_cap - 1)];
    mem_free(w->ring);
    w->ring = ring;
    w->ring_cap = cap;
    w->ring_head = 0;
}

static void ring_put(struct pool_worker *w, task_fn *fn, void *self) {
    if (w->ring_n == w->ring_cap)
        ring_grow(w);
    w->ring[(w->ring_head + w->ring_n++) & (w->ring_cap - 1)] = (struct pending){.fn = fn, .self = self};
}

static struct pending ring_take(struct pool_worker *w) {
    struct pending p = w->ring[w->ring_head];
    w->ring_head = (w->ring_head + 1) & (w->ring_cap - 1);
    w->ring_n--;
    return p;
}

static void hand_out(struct graph *g, task_fn *fn, void *self);
static void submit(struct graph *g, task_fn *fn, void *self);

static void revive(struct graph *g) {
    if (atomic_load(&g->waiting) && atomic_exchange(&g->waiting, false))
        submit(g, g->yielded.fn, g->yielded.self);
}

static void run_task(struct graph *g, task_fn *fn, void *self) {
    struct pool_worker *w = &g->pool[omp_get_thread_num()];
    if (w->busy) {
        ring_put(w, fn, self);
        return;
    }
    atomic_fetch_sub(&g->queued, 1);
    w->busy = true;
    fn(self, &w->worker);
    if (!w->yielded)
        revive(g);
    w->yielded = false;
    w->busy = false;
    if (w->draining)
        return; // within the loop below, one frame up
    w->draining = true;
    while (w->ring_n > 0) { // queued for everybody if there is room by now, else run here
        struct pending p = ring_take(w);
        hand_out(g, p.fn, p.self);
    }
    w->draining = false;
}

// Runtimes use the memory of ended tasks again, between threads, by means that a race detector does not see; so the
// three stores into a new task are not shown to it. (That the task comes after its spawning, it does see.)
__attribute__((no_sanitize("thread"))) static void hand_out(struct graph *g, task_fn *fn, void *self) {
#pragma omp task default(none) firstprivate(g, fn, self)
    run_task(g, fn, self);
}

// The count goes up before the look for who rests, who in turn says so before looking at the count: one of the two
// sees the other.
static void submit(struct graph *g, task_fn *fn, void *self) {
    atomic_fetch_add(&g->queued, 1);
    if (g->ring && atomic_load(&g->resting))
        g->ring(g->bell);
    hand_out(g, fn, self);
}

void graph_set_bell(struct graph *g, void (*ring)(void *self), void *self) {
    g->ring = ring;
    g->bell = self;
}

bool graph_rest(struct worker *worker) {
    struct graph *g = worker->graph;
    atomic_store(&g->resting, true);
    bool idle = atomic_load(&g->queued) == 0;
    if (!idle)
        atomic_store(&g->resting, false);
    return idle;
}

void graph_rested(struct worker *worker) {
    atomic_store(&worker->graph->resting, false);
}

void graph_spawn(struct worker *worker, task_fn *fn, void *self) {
    submit(worker->graph, fn, self);
}

// A task that is counted now begins, and so ends, after the word that this one waits.
void graph_yield(struct worker *worker, task_fn *fn, void *self) {
    struct graph *g = worker->graph;
    g->yielded = (struct pending){.fn = fn, .self = self};
    g->pool[worker->index].yielded = true;
    atomic_store(&g->waiting, true);
    if (atomic_load(&g->queued) == 0)
        revive(g);
}

static void node_task(void *self, struct worker *worker);

static void release(struct node *node) {
    atomic_store(&node->state, NODE_RUNNING);
    atomic_store(&node->arm, ARM_RUNNING);
    submit(node->graph, node_task, node);
}

static void skip(struct node *node) {
    atomic_store(&node->state, NODE_SKIPPED);
    if (node->spec.skipped)
        node->spec.skipped(node->spec.self);
}

// Tells the successors, and theirs where they are skipped: with a list, since chains may be long.
static void finish(struct node *node, enum node_state state) {
    struct graph *g = node->graph;
    atomic_store(&node->arm, ARM_IDLE);
    atomic_store(&node->state, (int)state);
    node->next = NULL;
    for (struct node *list = node; list;) {
        struct node *ended = list;
        list = ended->next;
        bool well = atomic_load(&ended->state) == NODE_DONE;
        for (size_t i = 0; i < ended->successors_n; i++) {
            struct node *successor = g->nodes[ended->successors[i]];
            if (!well)
                atomic_store(&successor->spoiled, true);
            if (atomic_fetch_sub(&successor->missing, 1) != 1)
                continue;
            if (!atomic_load(&successor->spoiled)) {
                release(successor);
                continue;
            }
            skip(successor);
            successor->next = list;
            list = successor;
        }
    }
}

static void node_task(void *self, struct worker *worker) {
    struct node *node = self;
    for (;;) {
        // Forgets wakes up to here, and sees everything that was done before them.
        atomic_exchange(&node->arm, ARM_RUNNING);
        int running = ARM_RUNNING;
        switch (node->spec.step(node->spec.self, worker)) {
        case STEP_AGAIN:
            submit(node->graph, node_task, node);
            return;
        case STEP_BLOCKED:
            if (atomic_compare_exchange_strong(&node->arm, &running, ARM_BLOCKED))
                return; // from here on the node belongs to whoever wakes it
            break;
        case STEP_DONE:
            finish(node, NODE_DONE);
            return;
        case STEP_FAILED:
            finish(node, NODE_FAILED);
            return;
        }
    }
}

void graph_wake(struct graph *g, uint32_t id) {
    assert(id < g->nodes_n);
    struct node *node = g->nodes[id];
    int arm = atomic_load(&node->arm);
    for (;;) {
        if (arm == ARM_BLOCKED) {
            if (atomic_compare_exchange_weak(&node->arm, &arm, ARM_RUNNING)) {
                submit(g, node_task, node);
                return;
            }
        } else if (arm == ARM_RUNNING) {
            if (atomic_compare_exchange_weak(&node->arm, &arm, ARM_WOKEN))
                return;
        } else { // not yet released, or finished, or woken already
            return;
        }
    }
}

bool graph_run(struct graph *g, uint32_t workers) {
    assert(!g->pool);
    workers = workers ? workers : 1;
    if (graph_find_cycle(g, NULL, 0) > 0)
        return false;
    graph_settle(g);
    g->pool = MEM_NEW_ARRAY(struct pool_worker, workers);
    for (uint32_t i = 0; i < workers; i++)
        g->pool[i].worker = (struct worker){.index = i, .graph = g};
#pragma omp parallel num_threads(workers) default(none) shared(g)
    {
#pragma omp single nowait
        for (size_t i = 0; i < g->nodes_n; i++)
            if (g->nodes[i]->predecessors == 0)
                release(g->nodes[i]);
    }
    for (uint32_t i = 0; i < workers; i++)
        mem_free(g->pool[i].ring);
    mem_free(g->pool);
    g->pool = NULL;
    for (size_t i = 0; i < g->nodes_n; i++) {
        int state = atomic_load(&g->nodes[i]->state);
        if (state == NODE_WAITING || state == NODE_RUNNING)
            return false;
    }
    return true;
}
