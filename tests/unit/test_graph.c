// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "scheduler/scheduler.h"

static const uint32_t worker_counts[] = {1, 2, 4, 8};
#define FOR_WORKERS(w) for (size_t w##_i = 0, w = 1; w##_i < 4 && (w = worker_counts[w##_i], true); w##_i++)

// A node that does `again` steps more than one and ends as told; all nodes of a test share one clock.
struct scripted {
    atomic_int *clock;
    int again;
    enum step last;
    int began, ended, skipped; // by the clock; 0: never
    int steps;
};

static enum step scripted_step(void *self, struct worker *worker) {
    (void)worker;
    struct scripted *s = self;
    if (s->steps++ == 0)
        s->began = atomic_fetch_add(s->clock, 1) + 1;
    if (s->steps <= s->again)
        return STEP_AGAIN;
    s->ended = atomic_fetch_add(s->clock, 1) + 1;
    return s->last;
}

static void scripted_skipped(void *self) {
    struct scripted *s = self;
    s->skipped++;
}

static uint32_t add_scripted(struct graph *g, struct scripted *s, atomic_int *clock, int again,
                             enum step last) {
    *s = (struct scripted){.clock = clock, .again = again, .last = last};
    return graph_add(g,
                     &(struct node_spec){
                         .name = "scripted", .self = s, .step = scripted_step, .skipped = scripted_skipped});
}

static void empty_graph_runs(void **state) {
    (void)state;
    struct graph *g = graph_new();
    assert_true(graph_run(g, 2));
    assert_int_equal(graph_find_cycle(g, NULL, 0), 0);
    graph_free(g);
    graph_free(NULL);
}

static void cycle_is_named_and_nothing_runs(void **state) {
    (void)state;
    atomic_int clock = 0;
    struct scripted s[6];
    struct graph *g = graph_new();
    for (int i = 0; i < 6; i++)
        add_scripted(g, &s[i], &clock, 0, STEP_DONE);
    // 0 -> 1 -> 2 -> 3 -> 1, 3 -> 4, 5 alone
    graph_edge(g, 0, 1);
    graph_edge(g, 1, 2);
    graph_edge(g, 2, 3);
    graph_edge(g, 3, 4);
    assert_int_equal(graph_find_cycle(g, NULL, 0), 0);
    graph_edge(g, 3, 1);
    uint32_t nodes[3] = {9, 9, 9};
    assert_int_equal(graph_find_cycle(g, nodes, 2), 3);
    assert_int_equal(nodes[2], 9);
    assert_int_equal(graph_find_cycle(g, nodes, 3), 3);
    assert_int_equal(nodes[0], 1);
    assert_int_equal(nodes[1], 2);
    assert_int_equal(nodes[2], 3);
    assert_false(graph_run(g, 2));
    for (int i = 0; i < 6; i++) {
        assert_int_equal(s[i].steps, 0);
        assert_int_equal(graph_state(g, (uint32_t)i), NODE_WAITING);
    }
    graph_free(g);
}

static void self_edge_is_a_cycle_of_one(void **state) {
    (void)state;
    atomic_int clock = 0;
    struct scripted s[2];
    struct graph *g = graph_new();
    add_scripted(g, &s[0], &clock, 0, STEP_DONE);
    add_scripted(g, &s[1], &clock, 0, STEP_DONE);
    graph_edge(g, 1, 1);
    uint32_t node = 9;
    assert_int_equal(graph_find_cycle(g, &node, 1), 1);
    assert_int_equal(node, 1);
    graph_free(g);
}

static void failure_skips_all_that_depends_on_it(void **state) {
    (void)state;
    FOR_WORKERS(w) {
        atomic_int clock = 0;
        struct scripted s[7];
        struct graph *g = graph_new();
        for (int i = 0; i < 7; i++)
            add_scripted(g, &s[i], &clock, i % 3, i == 1 ? STEP_FAILED : STEP_DONE);
        // 0 -> 1(fails) -> 2 -> 3 -> 4; 0 -> 5 -> 4 (a diamond with one bad side); 5 -> 6
        const uint32_t edges[][2] = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {0, 5}, {5, 4}, {5, 6}, {1, 4}};
        for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
            graph_edge(g, edges[i][0], edges[i][1]);
        assert_true(graph_run(g, (uint32_t)w));
        const enum node_state want[] = {NODE_DONE,    NODE_FAILED, NODE_SKIPPED, NODE_SKIPPED,
                                        NODE_SKIPPED, NODE_DONE,   NODE_DONE};
        for (uint32_t i = 0; i < 7; i++) {
            assert_int_equal(graph_state(g, i), want[i]);
            assert_int_equal(s[i].skipped, want[i] == NODE_SKIPPED ? 1 : 0);
            assert_int_equal(s[i].steps, want[i] == NODE_SKIPPED ? 0 : (int)i % 3 + 1);
        }
        graph_free(g);
    }
}

static void diamond_waits_for_both_sides_once(void **state) {
    (void)state;
    FOR_WORKERS(w) {
        atomic_int clock = 0;
        struct scripted s[4];
        struct graph *g = graph_new();
        for (int i = 0; i < 4; i++)
            add_scripted(g, &s[i], &clock, 2, STEP_DONE);
        for (int twice = 0; twice < 2; twice++) {
            graph_edge(g, 3, 1);
            graph_edge(g, 3, 2);
            graph_edge(g, 1, 0);
            graph_edge(g, 2, 0);
        }
        assert_true(graph_run(g, (uint32_t)w));
        assert_true(s[1].began > s[3].ended && s[2].began > s[3].ended);
        assert_true(s[0].began > s[1].ended && s[0].began > s[2].ended);
        assert_int_equal(s[0].steps, 3);
        graph_free(g);
    }
}

// Chains far longer than a stack could take if finishing or skipping recursed.
static void long_chains_do_not_recurse(void **state) {
    (void)state;
    enum { N = 100000 };
    for (int fails = 0; fails < 2; fails++) {
        FOR_WORKERS(w) {
            atomic_int clock = 0;
            struct scripted *s = MEM_NEW_ARRAY(struct scripted, N);
            struct graph *g = graph_new();
            for (uint32_t i = 0; i < N; i++) {
                add_scripted(g, &s[i], &clock, 0, fails && i == 1 ? STEP_FAILED : STEP_DONE);
                if (i > 0)
                    graph_edge(g, i - 1, i);
            }
            assert_true(graph_run(g, (uint32_t)w));
            assert_int_equal(graph_state(g, N - 1), fails ? NODE_SKIPPED : NODE_DONE);
            assert_int_equal(s[N - 1].skipped, fails);
            graph_free(g);
            mem_free(s);
        }
    }
}

static enum step step_blocked(void *self, struct worker *worker) {
    (void)worker;
    ++*(int *)self;
    return STEP_BLOCKED;
}

static void blocked_for_good_is_told(void **state) {
    (void)state;
    FOR_WORKERS(w) {
        int steps = 0;
        atomic_int clock = 0;
        struct scripted after, other;
        struct graph *g = graph_new();
        uint32_t stuck =
            graph_add(g, &(struct node_spec){.name = "stuck", .self = &steps, .step = step_blocked});
        graph_edge(g, stuck, add_scripted(g, &after, &clock, 0, STEP_DONE));
        uint32_t free_one = add_scripted(g, &other, &clock, 0, STEP_DONE);
        assert_false(graph_run(g, (uint32_t)w));
        assert_int_equal(steps, 1);
        assert_int_equal(after.steps, 0);
        assert_int_equal(graph_state(g, stuck), NODE_RUNNING);
        assert_int_equal(graph_state(g, stuck + 1), NODE_WAITING);
        assert_int_equal(graph_state(g, free_one), NODE_DONE);
        graph_free(g);
    }
}

// Two nodes that throw a ball to each other: every throw finds the other one blocked, about to block or
// running.
struct player {
    struct graph *graph;
    uint32_t other;
    atomic_int *ball; // counts throws; even: player 0 has it
    int parity, throws;
};

static enum step player_step(void *self, struct worker *worker) {
    (void)worker;
    struct player *p = self;
    int ball = atomic_load(p->ball);
    if (ball >= p->throws) {
        graph_wake(p->graph, p->other);
        return STEP_DONE;
    }
    if (ball % 2 != p->parity)
        return STEP_BLOCKED;
    atomic_fetch_add(p->ball, 1);
    graph_wake(p->graph, p->other);
    return STEP_BLOCKED;
}

static void wakes_are_never_lost(void **state) {
    (void)state;
    FOR_WORKERS(w) {
        atomic_int ball = 0;
        struct graph *g = graph_new();
        struct player players[2];
        for (int i = 0; i < 2; i++) {
            players[i] = (struct player){
                .graph = g, .other = (uint32_t)!i, .ball = &ball, .parity = i, .throws = 20000};
            graph_add(g, &(struct node_spec){.name = "player", .self = &players[i], .step = player_step});
        }
        // The one that makes the last throw blocks afterwards; the other one's wake ends it.
        assert_true(graph_run(g, (uint32_t)w));
        assert_int_equal(ball, 20000);
        graph_free(g);
    }
}

// A node that wakes itself before it blocks must be stepped again.
static enum step step_wakes_itself(void *self, struct worker *worker) {
    int *steps = self;
    graph_wake(worker->graph, 0);
    return ++*steps < 1000 ? STEP_BLOCKED : STEP_DONE;
}

static void wake_while_running_counts(void **state) {
    (void)state;
    FOR_WORKERS(w) {
        int steps = 0;
        struct graph *g = graph_new();
        graph_add(g, &(struct node_spec){.name = "self", .self = &steps, .step = step_wakes_itself});
        graph_wake(g, 0); // before it is released: nothing
        assert_true(graph_run(g, (uint32_t)w));
        assert_int_equal(steps, 1000);
        graph_wake(g, 0); // after it has ended: nothing
        assert_int_equal(graph_state(g, 0), NODE_DONE);
        graph_free(g);
    }
}

// Tasks that spawn tasks: a chain and a tree, both far beyond what the runtime keeps queued.
struct spawner {
    atomic_long run;
    atomic_int nested; // tasks found running inside another one on the same worker
    atomic_bool *busy; // one a worker
    long chain;
    int wide;
};

static void enter(struct spawner *s, const struct worker *worker) {
    if (atomic_exchange(&s->busy[worker->index], true))
        atomic_fetch_add(&s->nested, 1);
    atomic_fetch_add(&s->run, 1);
}

static void leave(struct spawner *s, const struct worker *worker) {
    atomic_store(&s->busy[worker->index], false);
}

static void task_leaf(void *self, struct worker *worker) {
    enter(self, worker);
    leave(self, worker);
}

static void task_chain(void *self, struct worker *worker) {
    struct spawner *s = self;
    enter(s, worker);
    if (--s->chain > 0)
        graph_spawn(worker, task_chain, s);
    leave(s, worker);
}

static void task_wide(void *self, struct worker *worker) {
    struct spawner *s = self;
    enter(s, worker);
    for (int i = 0; i < s->wide; i++)
        graph_spawn(worker, task_leaf, s);
    leave(s, worker);
}

static enum step step_spawns(void *self, struct worker *worker) {
    struct spawner *s = self;
    enter(s, worker);
    for (int i = 0; i < s->wide; i++)
        graph_spawn(worker, task_wide, s);
    graph_spawn(worker, task_chain, s);
    leave(s, worker);
    return STEP_DONE;
}

static void many_tasks_all_run_and_never_nest(void **state) {
    (void)state;
    enum { CHAIN = 100000, WIDE = 200 };
    FOR_WORKERS(w) {
        atomic_bool busy[8] = {0};
        struct spawner s = {.busy = busy, .chain = CHAIN, .wide = WIDE};
        struct graph *g = graph_new();
        graph_add(g, &(struct node_spec){.name = "spawns", .self = &s, .step = step_spawns});
        assert_true(graph_run(g, (uint32_t)w));
        assert_int_equal(s.run, 1 + CHAIN + WIDE + WIDE * WIDE);
        assert_int_equal(s.nested, 0);
        graph_free(g);
    }
}

// Credits and turns -----------------------------------------------------------------------------------------
struct pass {
    struct graph *graph;
    struct credits credits;
    struct turns *turns;
    uint64_t made, total;
    uint64_t turned;     // pieces that had their turn, in turn
    atomic_bool in_turn; // two turns never overlap
    atomic_int in_flight, most, faults;
    atomic_bool over;
};

struct batch {
    struct pass *pass;
    uint64_t sequence;
};

static void batch_turn(void *self, struct worker *worker) {
    (void)worker;
    struct batch *b = self;
    struct pass *p = b->pass;
    if (atomic_exchange(&p->in_turn, true) || b->sequence != p->turned)
        atomic_fetch_add(&p->faults, 1);
    bool last = ++p->turned == p->total;
    atomic_fetch_sub(&p->in_flight, 1);
    atomic_store(&p->in_turn, false);
    mem_free(b);
    if (last) {
        atomic_store(&p->over, true);
        graph_wake(p->graph, p->credits.node);
    }
    credits_give(&p->credits);
}

static void batch_task(void *self, struct worker *worker) {
    struct batch *b = self;
    for (volatile uint64_t i = b->sequence * 7919 % 300; i > 0;
         i--) // uneven work, so that they come in any order
        ;
    turns_enter(b->pass->turns, b->sequence, batch_turn, b, worker);
}

static enum step pass_step(void *self, struct worker *worker) {
    struct pass *p = self;
    if (p->made == p->total)
        return atomic_load(&p->over) ? STEP_DONE : STEP_BLOCKED;
    if (!credits_take(&p->credits))
        return STEP_BLOCKED;
    int in_flight = atomic_fetch_add(&p->in_flight, 1) + 1;
    if (in_flight > atomic_load(&p->most))
        atomic_store(&p->most, in_flight);
    struct batch *b = MEM_NEW(struct batch);
    *b = (struct batch){.pass = p, .sequence = p->made++};
    graph_spawn(worker, batch_task, b);
    return p->made == p->total ? STEP_BLOCKED : STEP_AGAIN;
}

static void credits_bound_and_turns_order(void **state) {
    (void)state;
    for (uint32_t credits = 1; credits <= 9; credits += 4) {
        FOR_WORKERS(w) {
            struct pass p = {.total = 5000, .graph = graph_new(), .turns = turns_new(credits)};
            uint32_t node =
                graph_add(p.graph, &(struct node_spec){.name = "pass", .self = &p, .step = pass_step});
            credits_init(&p.credits, p.graph, node, credits);
            assert_true(graph_run(p.graph, (uint32_t)w));
            assert_int_equal(p.turned, p.total);
            assert_int_equal(p.faults, 0);
            assert_true(p.most <= (int)credits);
            assert_int_equal(p.credits.left, credits);
            turns_free(p.turns);
            graph_free(p.graph);
        }
    }
}

struct note {
    uint64_t sequence;
    uint64_t *log; // log[0]: how many follow
};

static void note_turn(void *self, struct worker *worker) {
    (void)worker;
    struct note *note = self;
    note->log[++note->log[0]] = note->sequence;
}

static void early_pieces_are_kept(void **state) {
    (void)state;
    uint64_t log[9] = {0};
    struct note notes[8];
    struct turns *t = turns_new(3);
    const uint64_t arrivals[] = {3, 1, 2, 0, 4, 6, 7, 5};
    const uint64_t done_after[] = {0, 0, 0, 4, 5, 5, 5, 8};
    for (int i = 0; i < 8; i++) {
        notes[i] = (struct note){.sequence = arrivals[i], .log = log};
        turns_enter(t, arrivals[i], note_turn, &notes[i], NULL);
        assert_int_equal(log[0], done_after[i]);
    }
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(log[i + 1], i);
    turns_free(t);
    turns_free(NULL);
}

// Of two workers one rests, and the other hands out work and waits for its being done, which takes the one that rests.
// A ring that is lost makes both wait for good.
enum { RESTS = 3000 };
struct bedroom {
    atomic_bool rung, done;
    atomic_int tasks;
};

static void ring_bell(void *self) {
    atomic_store(&((struct bedroom *)self)->rung, true);
}

static void task_rests(void *self, struct worker *worker) {
    struct bedroom *room = self;
    for (;;) {
        atomic_store(&room->rung, false);
        if (atomic_load(&room->done))
            return;
        if (!graph_rest(worker)) {
            graph_yield(worker, task_rests, room);
            return;
        }
        while (!atomic_load(&room->rung))
            sched_yield();
        graph_rested(worker);
    }
}

static void task_counts(void *self, struct worker *worker) {
    (void)worker;
    atomic_fetch_add(&((struct bedroom *)self)->tasks, 1);
}

static void task_disturbs(void *self, struct worker *worker) {
    struct bedroom *room = self;
    for (int i = 0; i < RESTS; i++) {
        graph_spawn(worker, task_counts, room);
        while (atomic_load(&room->tasks) == i)
            sched_yield();
    }
    atomic_store(&room->done, true);
    ring_bell(room);
}

static enum step step_opens_bedroom(void *self, struct worker *worker) {
    graph_spawn(worker, task_rests, self);
    graph_spawn(worker, task_disturbs, self);
    return STEP_DONE;
}

static void work_ends_the_rest(void **state) {
    (void)state;
    for (uint32_t workers = 2; workers <= 4; workers += 2) {
        struct bedroom room = {0};
        struct graph *g = graph_new();
        graph_add(g, &(struct node_spec){.name = "bedroom", .self = &room, .step = step_opens_bedroom});
        graph_set_bell(g, ring_bell, &room);
        assert_true(graph_run(g, workers));
        assert_int_equal(room.tasks, RESTS);
        graph_free(g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_graph_runs),
        cmocka_unit_test(cycle_is_named_and_nothing_runs),
        cmocka_unit_test(self_edge_is_a_cycle_of_one),
        cmocka_unit_test(failure_skips_all_that_depends_on_it),
        cmocka_unit_test(diamond_waits_for_both_sides_once),
        cmocka_unit_test(long_chains_do_not_recurse),
        cmocka_unit_test(blocked_for_good_is_told),
        cmocka_unit_test(wakes_are_never_lost),
        cmocka_unit_test(wake_while_running_counts),
        cmocka_unit_test(many_tasks_all_run_and_never_nest),
        cmocka_unit_test(credits_bound_and_turns_order),
        cmocka_unit_test(early_pieces_are_kept),
        cmocka_unit_test(work_ends_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
