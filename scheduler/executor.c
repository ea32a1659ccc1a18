// SPDX-License-Identifier: MIT
/*
 * Runs a graph: steps its nodes on the pool's workers (pool.h), which are the threads of one OpenMP parallel region.
 */
#include <assert.h>
#include <omp.h>

#include "base/mem.h"
#include "scheduler/graph.h"

void graph_set_bell(struct graph *g, void (*ring)(void *self), void *self) {
    g->pool.ring = ring;
    g->pool.bell = self;
}

void graph_set_tick(struct graph *g, uint64_t nanoseconds, void (*tick)(void *self, struct worker *worker),
                    void *self) {
    g->pool.tick = tick;
    g->pool.ticked = self;
    g->pool.period = nanoseconds;
}

void graph_set_partition(struct graph *g, const struct partition *partition) {
    atomic_store(&g->pool.partition, partition);
}

void graph_set_limit(struct graph *g, uint32_t workers) {
    if (g->pool.workers)
        pool_set_limit(&g->pool, workers);
    else
        g->pool.limit = workers;
}

uint32_t graph_waiting(struct graph *g) {
    return pool_waiting(&g->pool);
}

uint32_t graph_working(struct graph *g) {
    return pool_working(&g->pool);
}

bool graph_rest(struct worker *worker) {
    return pool_rest(&worker->graph->pool, worker->index);
}

void graph_rested(struct worker *worker) {
    pool_rested(&worker->graph->pool);
}

void graph_spawn(struct worker *worker, void (*fn)(void *self, struct worker *worker), void *self) {
    pool_put(&worker->graph->pool, &(struct piece){.fn = fn, .self = self, .rank = worker->rank});
}

void graph_spawn_batch(struct worker *worker, uint64_t sequence, uint64_t size,
                       void (*fn)(void *self, struct worker *worker), void *self) {
    pool_put_batch(&worker->graph->pool, &(struct piece){.fn = fn, .self = self, .rank = worker->rank},
                   sequence, size);
}

void graph_yield(struct worker *worker, void (*fn)(void *self, struct worker *worker), void *self) {
    pool_put_behind(&worker->graph->pool, &(struct piece){.fn = fn, .self = self, .rank = worker->rank});
}

static void node_task(void *self, struct worker *worker);

static void submit(struct node *node) {
    pool_put(&node->graph->pool, &(struct piece){.fn = node_task, .self = node, .rank = node->rank});
}

static void release(struct node *node) {
    atomic_store(&node->state, NODE_RUNNING);
    atomic_store(&node->arm, ARM_RUNNING);
    submit(node);
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
            submit(node);
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
                submit(node);
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

static void wake_task(void *self, struct worker *worker) {
    (void)worker;
    struct node *node = self;
    graph_wake(node->graph, node->id);
}

void graph_wake_after(struct graph *g, uint32_t id, uint64_t nanoseconds) {
    assert(id < g->nodes_n);
    pool_put_after(&g->pool, &(struct piece){.fn = wake_task, .self = g->nodes[id]}, nanoseconds);
}

static void run_pool(struct graph *g, uint32_t workers) {
    struct pool *pool = &g->pool;
    pool_init(pool, g, workers);
    for (size_t i = 0; i < g->nodes_n; i++)
        if (g->nodes[i]->predecessors == 0)
            release(g->nodes[i]);
#pragma omp parallel num_threads(workers) default(none) shared(pool)
    {
#pragma omp single
        pool_begin(pool, (uint32_t)omp_get_num_threads());
        pool_work(pool, (uint32_t)omp_get_thread_num());
    }
    for (uint32_t i = 0; i < workers; i++)
        g->idle += pool->workers[i].idle;
    pool_release(pool);
}

bool graph_run(struct graph *g, uint32_t workers) {
    assert(!g->pool.workers);
    if (graph_find_cycle(g, NULL, 0) > 0)
        return false;
    graph_settle(g);
    run_pool(g, workers ? workers : 1);
    for (size_t i = 0; i < g->nodes_n; i++) {
        int state = atomic_load(&g->nodes[i]->state);
        if (state == NODE_WAITING || state == NODE_RUNNING)
            return false;
    }
    return true;
}
