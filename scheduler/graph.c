// SPDX-License-Identifier: MIT
#include "scheduler/graph.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

struct graph *graph_new(void) {
    return MEM_NEW(struct graph);
}

void graph_free(struct graph *g) {
    if (!g)
        return;
    for (size_t i = 0; i < g->nodes_n; i++) {
        mem_free(g->nodes[i]->successors);
        mem_free(g->nodes[i]);
    }
    mem_free(g->nodes);
    mem_free(g);
}

uint32_t graph_add(struct graph *g, const struct node_spec *spec) {
    struct node *node = MEM_NEW(struct node);
    node->spec = *spec;
    node->graph = g;
    node->id = (uint32_t)g->nodes_n;
    atomic_init(&node->state, NODE_WAITING);
    atomic_init(&node->arm, ARM_IDLE);
    MEM_GROW(g->nodes, g->nodes_cap, g->nodes_n + 1);
    g->nodes[g->nodes_n] = node;
    return (uint32_t)g->nodes_n++;
}

void graph_edge(struct graph *g, uint32_t from, uint32_t to) {
    assert(from < g->nodes_n && to < g->nodes_n);
    struct node *node = g->nodes[from];
    MEM_GROW(node->successors, node->successors_cap, node->successors_n + 1);
    node->successors[node->successors_n++] = to;
}

enum node_state graph_state(const struct graph *g, uint32_t node) {
    assert(node < g->nodes_n);
    return (enum node_state)atomic_load(&g->nodes[node]->state);
}

uint64_t graph_idle(const struct graph *g) {
    return g->idle;
}

static int compare_ids(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

// In an order that has predecessors first, from its end backwards. Takes `missing` of all to zero.
static void rank_nodes(struct graph *g) {
    uint32_t *order = MEM_NEW_ARRAY(uint32_t, g->nodes_n + 1); // predecessors first
    size_t n = 0;
    for (size_t i = 0; i < g->nodes_n; i++)
        if (g->nodes[i]->predecessors == 0)
            order[n++] = (uint32_t)i;
    for (size_t at = 0; at < n; at++) {
        const struct node *node = g->nodes[order[at]];
        for (size_t j = 0; j < node->successors_n; j++)
            if (atomic_fetch_sub(&g->nodes[node->successors[j]]->missing, 1) == 1)
                order[n++] = node->successors[j];
    }
    while (n-- > 0) {
        struct node *node = g->nodes[order[n]];
        uint64_t longest = POOL_RANK_OF_NODES;
        for (size_t j = 0; j < node->successors_n; j++)
            if (g->nodes[node->successors[j]]->rank > longest)
                longest = g->nodes[node->successors[j]]->rank;
        node->rank = longest + (node->spec.weight ? node->spec.weight : 1);
    }
    mem_free(order);
}

static void count_predecessors(struct graph *g) {
    for (size_t i = 0; i < g->nodes_n; i++)
        atomic_store(&g->nodes[i]->missing, g->nodes[i]->predecessors);
}

void graph_settle(struct graph *g) {
    for (size_t i = 0; i < g->nodes_n; i++)
        g->nodes[i]->predecessors = 0;
    for (size_t i = 0; i < g->nodes_n; i++) {
        struct node *node = g->nodes[i];
        size_t n = 0;
        if (node->successors_n)
            qsort(node->successors, node->successors_n, sizeof *node->successors, compare_ids);
        for (size_t j = 0; j < node->successors_n; j++) {
            if (n > 0 && node->successors[n - 1] == node->successors[j])
                continue;
            node->successors[n++] = node->successors[j];
            g->nodes[node->successors[j]]->predecessors++;
        }
        node->successors_n = n;
    }
    count_predecessors(g);
    rank_nodes(g);
    count_predecessors(g);
}

// Depth-first search with its own stack: a node on the stack that is met again closes a cycle.
struct visit {
    uint32_t node;
    size_t next; // successor to look at
};

enum colour { UNSEEN, ON_STACK, LEFT };

static uint32_t copy_cycle(const struct visit *stack, size_t depth, uint32_t back_to, uint32_t *nodes,
                           uint32_t max) {
    size_t start = depth;
    while (stack[start - 1].node != back_to)
        start--;
    start--;
    for (size_t i = start; i < depth && i - start < max; i++)
        nodes[i - start] = stack[i].node;
    return (uint32_t)(depth - start);
}

static uint32_t search_from(const struct graph *g, uint32_t root, unsigned char *colours, struct visit *stack,
                            uint32_t *nodes, uint32_t max) {
    size_t depth = 0;
    stack[depth++] = (struct visit){.node = root};
    colours[root] = ON_STACK;
    while (depth > 0) {
        struct visit *top = &stack[depth - 1];
        const struct node *node = g->nodes[top->node];
        if (top->next == node->successors_n) {
            colours[top->node] = LEFT;
            depth--;
            continue;
        }
        uint32_t to = node->successors[top->next++];
        if (colours[to] == ON_STACK)
            return copy_cycle(stack, depth, to, nodes, max);
        if (colours[to] == UNSEEN) {
            colours[to] = ON_STACK;
            stack[depth++] = (struct visit){.node = to};
        }
    }
    return 0;
}

uint32_t graph_find_cycle(const struct graph *g, uint32_t *nodes, uint32_t max) {
    unsigned char *colours = mem_alloc(g->nodes_n);
    struct visit *stack = MEM_NEW_ARRAY(struct visit, g->nodes_n);
    uint32_t n = 0;
    for (size_t i = 0; i < g->nodes_n && n == 0; i++)
        if (colours[i] == UNSEEN)
            n = search_from(g, (uint32_t)i, colours, stack, nodes, max);
    mem_free(stack);
    mem_free(colours);
    return n;
}
