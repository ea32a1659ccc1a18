// SPDX-License-Identifier: MIT
/*
 * Random graphs against a sequential model. A node is a small pipeline: it makes batches as far as its credits go,
 * each batch passes through a turn (sometimes through a further task first) and gives its credit back, and the
 * last one wakes the node, which then ends well or badly. The model says how each node must end; the rest is
 * invariants: order of turns, bound of credits, steps that do not overlap, nodes that begin after what they need.
 *
 * Some graphs are cancelled after so many batches: then all nodes stop and fail, and only what must hold of any end is
 * asked for. Any partition; in some graphs the batches change how many workers there may be.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdatomic.h>

#include "base/mem.h"
#include "scheduler/partition.h"
#include "scheduler/scheduler.h"
#include "tests/support/sanitized.h"

enum { GRAPHS = SANITIZED_THREADS ? 1000 : 2000, SMALL_GRAPHS = SANITIZED_THREADS ? 10000 : 100000 };
enum { NODES_MAX = 12, SMALL_NODES = 4, BATCHES_MAX = 20, SMALL_BATCHES = 4 };

static uint64_t next_random(uint64_t *seed) { // xorshift64*
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * 2685821657736338717u;
}

static uint32_t below(uint64_t *seed, uint32_t n) {
    return (uint32_t)(next_random(seed) >> 33) % n;
}

struct plan {
    uint32_t nodes_n;
    bool edges[NODES_MAX][NODES_MAX]; // from, to; any order of ids, but no cycle
    uint32_t batches[NODES_MAX], credits[NODES_MAX],
        fails_at[NODES_MAX];   // a batch; batches: at the end; more: never
    uint32_t burst[NODES_MAX]; // batches a step
    uint32_t cancelled_at;     // batches of all nodes; UINT32_MAX: never
    bool limits;               // change with every batch
    const struct partition *partition;
    enum node_state want[NODES_MAX];
};

static void plan_model(struct plan *p, const uint32_t *order) {
    for (uint32_t i = 0; i < p->nodes_n; i++) {
        uint32_t node = order[i];
        p->want[node] = p->fails_at[node] <= p->batches[node] ? NODE_FAILED : NODE_DONE;
        for (uint32_t from = 0; from < p->nodes_n; from++)
            if (p->edges[from][node] && p->want[from] != NODE_DONE)
                p->want[node] = NODE_SKIPPED;
    }
}

static void plan_random(struct plan *p, uint32_t nodes_most, uint32_t batches_most, uint64_t *seed) {
    uint32_t order[NODES_MAX] = {0};
    *p = (struct plan){.nodes_n = 1 + below(seed, nodes_most)};
    for (uint32_t i = 0; i < p->nodes_n; i++) {
        uint32_t j = below(seed, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    uint32_t density = below(seed, 5);
    for (uint32_t i = 0; i < p->nodes_n; i++) {
        uint32_t node = order[i];
        for (uint32_t j = 0; j < i; j++)
            p->edges[order[j]][node] = below(seed, 6) < density;
        p->batches[node] = below(seed, 3) == 0 ? 0 : below(seed, batches_most + 1);
        p->credits[node] = 1 + below(seed, 5);
        p->burst[node] = 1 + below(seed, 4);
        bool fails = below(seed, 8) == 0;
        p->fails_at[node] = fails ? below(seed, p->batches[node] + 1) : UINT32_MAX;
    }
    p->cancelled_at = below(seed, 6) == 0 ? below(seed, nodes_most * batches_most / 2 + 1) : UINT32_MAX;
    p->limits = below(seed, 4) == 0;
    p->partition = &partitions[below(seed, PARTITIONS_N)];
    plan_model(p, order);
}

struct actor {
    const struct plan *plan;
    atomic_uint *batches; // of all actors, ended

    uint32_t id;
    struct graph *graph;
    struct credits credits;
    struct turns *turns;
    uint32_t made;
    atomic_uint turned;
    atomic_bool failed, in_step, in_turn;
    atomic_int in_flight, faults, skipped;
    bool stepped;
};

struct batch {
    struct actor *actor;
    uint32_t sequence;
};

static bool is_cancelled(const struct actor *a) {
    return atomic_load(a->batches) >= a->plan->cancelled_at;
}

static void fault_if(struct actor *a, bool fault) {
    if (fault)
        atomic_fetch_add(&a->faults, 1);
}

static void batch_turn(void *self, struct worker *worker) {
    struct batch *b = self;
    struct actor *a = b->actor;
    fault_if(a, worker->graph != a->graph);
    fault_if(a, atomic_exchange(&a->in_turn, true));
    fault_if(a, b->sequence != atomic_load(&a->turned));
    if (b->sequence == a->plan->fails_at[a->id])
        atomic_store(&a->failed, true);
    if (a->plan->limits)
        graph_set_limit(a->graph, 1 + b->sequence % 4);
    atomic_fetch_add(a->batches, 1);
    atomic_fetch_sub(&a->in_flight, 1);
    atomic_store(&a->in_turn, false);
    atomic_fetch_add(&a->turned, 1);
    graph_wake(a->graph, a->id); // it may wait for this one to be the last
    credits_give(&a->credits);
    mem_free(b);
}

static void batch_enter(void *self, struct worker *worker) {
    struct batch *b = self;
    turns_enter(b->actor->turns, b->sequence, batch_turn, b, worker);
}

static void batch_task(void *self, struct worker *worker) {
    struct batch *b = self;
    for (volatile uint32_t i = b->sequence * 2654435761u % 200; i > 0; i--)
        ;
    if (b->sequence % 3 == 1)
        graph_spawn(worker, batch_enter, b);
    else
        batch_enter(b, worker);
}

static enum step actor_ends(struct actor *a) {
    bool fails =
        atomic_load(&a->failed) || is_cancelled(a) || a->plan->fails_at[a->id] == a->plan->batches[a->id];
    return fails ? STEP_FAILED : STEP_DONE;
}

static enum step step_once(struct actor *a, struct worker *worker) {
    uint32_t batches = a->plan->batches[a->id];
    bool stop =
        atomic_load(&a->failed) || is_cancelled(a); // makes no more, but those in flight come to their end
    for (uint32_t i = 0; !stop && a->made < batches; i++) {
        if (i == a->plan->burst[a->id])
            return STEP_AGAIN;
        if (!credits_take(&a->credits))
            return STEP_BLOCKED;
        fault_if(a, atomic_fetch_add(&a->in_flight, 1) + 1 > (int)a->plan->credits[a->id]);
        struct batch *b = MEM_NEW(struct batch);
        *b = (struct batch){.actor = a, .sequence = a->made++};
        graph_spawn_batch(worker, b->sequence, b->sequence * 2654435761u % 1000, batch_task, b);
    }
    return atomic_load(&a->turned) == a->made ? actor_ends(a) : STEP_BLOCKED;
}

static enum step actor_step(void *self, struct worker *worker) {
    struct actor *a = self;
    fault_if(a, atomic_exchange(&a->in_step, true));
    if (!a->stepped)
        for (uint32_t from = 0; from < a->plan->nodes_n; from++)
            fault_if(a, a->plan->edges[from][a->id] && graph_state(a->graph, from) != NODE_DONE);
    a->stepped = true;
    enum step step = step_once(a, worker);
    atomic_store(&a->in_step, false);
    return step;
}

static void actor_skipped(void *self) {
    struct actor *a = self;
    atomic_fetch_add(&a->skipped, 1);
}

// How it must end: as the model says, or, where all was cancelled, as those before it did.
static enum node_state wanted_of(const struct actor *a) {
    const enum node_state state = graph_state(a->graph, a->id);
    if (!is_cancelled(a))
        return a->plan->want[a->id];
    for (uint32_t from = 0; from < a->plan->nodes_n; from++)
        if (a->plan->edges[from][a->id] && graph_state(a->graph, from) != NODE_DONE)
            return NODE_SKIPPED;
    return state == NODE_DONE ? NODE_DONE : NODE_FAILED;
}

static void check_actor(struct actor *a) {
    enum node_state want = wanted_of(a);
    assert_int_equal(graph_state(a->graph, a->id), want);
    assert_int_equal(a->faults, 0);
    assert_int_equal(a->skipped, want == NODE_SKIPPED ? 1 : 0);
    assert_int_equal(a->stepped, want != NODE_SKIPPED);
    assert_int_equal(a->in_flight, 0);
    assert_int_equal(a->turned, a->made);
    if (want == NODE_DONE)
        assert_int_equal(a->made, a->plan->batches[a->id]);
    assert_int_equal(a->credits.left, a->plan->credits[a->id]);
}

static void run_plan(const struct plan *p, uint32_t workers) {
    struct graph *g = graph_new();
    struct actor actors[NODES_MAX];
    atomic_uint batches = 0;
    for (uint32_t i = 0; i < p->nodes_n; i++) {
        actors[i] = (struct actor){
            .plan = p, .batches = &batches, .id = i, .graph = g, .turns = turns_new(p->credits[i])};
        uint32_t node = graph_add(
            g, &(struct node_spec){
                   .name = "actor", .self = &actors[i], .step = actor_step, .skipped = actor_skipped});
        assert_int_equal(node, i);
        credits_init(&actors[i].credits, g, i, p->credits[i]);
    }
    for (uint32_t from = 0; from < p->nodes_n; from++)
        for (uint32_t to = 0; to < p->nodes_n; to++)
            if (p->edges[from][to])
                graph_edge(g, from, to);
    graph_set_partition(g, p->partition);
    assert_true(graph_run(g, workers));
    for (uint32_t i = 0; i < p->nodes_n; i++) {
        check_actor(&actors[i]);
        turns_free(actors[i].turns);
    }
    graph_free(g);
}

static void run_random(uint32_t workers) {
    uint64_t seed = 0x9e3779b97f4a7c15u;
    for (uint32_t i = 0; i < GRAPHS; i++) {
        struct plan p;
        plan_random(&p, NODES_MAX, BATCHES_MAX, &seed);
        run_plan(&p, workers);
    }
}

static void random_graphs_on_1(void **state) {
    (void)state;
    run_random(1);
}

static void random_graphs_on_2(void **state) {
    (void)state;
    run_random(2);
}

static void random_graphs_on_4(void **state) {
    (void)state;
    run_random(4);
}

static void random_graphs_on_8(void **state) {
    (void)state;
    run_random(8);
}

static void small_graphs_by_the_thousand(void **state) {
    (void)state;
    uint64_t seed = 0x2545f4914f6cdd1du;
    for (uint32_t i = 0; i < SMALL_GRAPHS; i++) {
        struct plan p;
        plan_random(&p, SMALL_NODES, SMALL_BATCHES, &seed);
        run_plan(&p, 1 + i / (SMALL_GRAPHS / 4)); // other numbers of threads are dear to OpenMP
    }
}

// The model's graphs must be worth running: all kinds of ends in good numbers.
static void plans_are_varied(void **state) {
    (void)state;
    uint64_t seed = 0x9e3779b97f4a7c15u;
    int ends[NODE_SKIPPED + 1] = {0}, cancelled = 0;
    for (uint32_t i = 0; i < GRAPHS; i++) {
        struct plan p;
        plan_random(&p, NODES_MAX, BATCHES_MAX, &seed);
        cancelled += p.cancelled_at != UINT32_MAX;
        for (uint32_t j = 0; j < p.nodes_n; j++)
            ends[p.want[j]]++;
    }
    assert_true(ends[NODE_DONE] > GRAPHS / 2 && ends[NODE_FAILED] > GRAPHS / 4);
    assert_true(ends[NODE_SKIPPED] > GRAPHS / 2 && cancelled > GRAPHS / 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_varied),   cmocka_unit_test(random_graphs_on_1),
        cmocka_unit_test(random_graphs_on_2), cmocka_unit_test(random_graphs_on_4),
        cmocka_unit_test(random_graphs_on_8), cmocka_unit_test(small_graphs_by_the_thousand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
