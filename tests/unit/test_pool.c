// SPDX-License-Identifier: MIT
/*
 * Who works, and in which order: critical path first, the partition's policies, workers that are parked, timers and the
 * tick. One worker's order is certain, so it is compared as a whole; of several, what must hold of any order is.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "scheduler/partition.h"
#include "scheduler/ready.h"
#include "scheduler/scheduler.h"

enum { MANY = 64 };

// What ran, in order, a letter each.
struct story {
    char text[MANY + 1];
    size_t n;
};

struct named {
    struct story *story;
    char letter;
};

static enum step tells(void *self, struct worker *worker) {
    (void)worker;
    struct named *named = self;
    named->story->text[named->story->n++] = named->letter;
    return STEP_DONE;
}

static void the_longest_way_goes_first(void **state) {
    (void)state;
    struct story story = {.n = 0};
    struct named a = {&story, 'a'}, b = {&story, 'b'}, c = {&story, 'c'}, d = {&story, 'd'},
                 e = {&story, 'e'};
    struct graph *g = graph_new();
    const uint32_t alone =
        graph_add(g, &(struct node_spec){.name = "a", .self = &a, .step = tells, .weight = 5});
    const uint32_t first =
        graph_add(g, &(struct node_spec){.name = "b", .self = &b, .step = tells, .weight = 3});
    const uint32_t second =
        graph_add(g, &(struct node_spec){.name = "c", .self = &c, .step = tells, .weight = 1});
    const uint32_t third =
        graph_add(g, &(struct node_spec){.name = "d", .self = &d, .step = tells, .weight = 3});
    const uint32_t light =
        graph_add(g, &(struct node_spec){.name = "e", .self = &e, .step = tells, .weight = 2});
    graph_edge(g, first, second); // b 7, c 4, d 3
    graph_edge(g, second, third);
    (void)alone; // 5
    (void)light; // 2
    assert_true(graph_run(g, 1));
    assert_string_equal(story.text, "bacde");
    graph_free(g);
}

static void the_heap_keeps_rank_and_order(void **state) {
    (void)state;
    struct ready ready = {0};
    uint64_t seed = 88172645463325252u;
    struct piece piece, last;
    for (uint64_t i = 0; i < 5000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        ready_put(&ready, &(struct piece){.rank = seed % 50, .order = i});
        if (seed % 3 == 0)
            assert_true(ready_take(&ready, &piece));
    }
    assert_true(ready_take(&ready, &last));
    while (ready_take(&ready, &piece)) {
        assert_true(piece.rank < last.rank || (piece.rank == last.rank && piece.order > last.order));
        last = piece;
    }
    assert_int_equal(ready.n, 0);
    ready_release(&ready);
}

// Batches --------------------------------------------------------------------------------------------------

struct shop {
    const char *sizes; // of the batches: a digit each
    struct story story;
    atomic_uint ran[MANY]; // by batch: 1 + who ran it
    atomic_uint together, most, gate;
    uint32_t waits_for; // so many workers are to be at work at once before any goes on
    uint32_t limit;
    uint64_t sequence;
};

struct order {
    struct shop *shop;
    uint64_t sequence;
};

static void works(void *self, struct worker *worker) {
    struct order *order = self;
    struct shop *shop = order->shop;
    const unsigned together = atomic_fetch_add(&shop->together, 1) + 1;
    for (unsigned most = shop->most; together > most;)
        if (atomic_compare_exchange_weak(&shop->most, &most, together))
            break;
    atomic_store(&shop->ran[order->sequence], worker->index + 1);
    if (shop->waits_for == 0 && !shop->limit)
        shop->story.text[shop->story.n++] = shop->sizes[order->sequence];
    atomic_fetch_add(&shop->gate, 1);
    while (atomic_load(&shop->gate) < shop->waits_for)
        sched_yield();
    atomic_fetch_sub(&shop->together, 1);
    mem_free(order);
}

static enum step opens(void *self, struct worker *worker) {
    struct shop *shop = self;
    for (uint64_t i = 0; shop->sizes[i]; i++) {
        struct order *order = MEM_NEW(struct order);
        *order = (struct order){shop, i};
        graph_spawn_batch(worker, i, (uint64_t)(shop->sizes[i] - '0'), works, order);
    }
    return STEP_DONE;
}

static void run_shop(struct shop *shop, const char *partition, uint32_t workers) {
    struct graph *g = graph_new();
    graph_add(g, &(struct node_spec){.name = "shop", .self = shop, .step = opens});
    const struct partition *found;
    struct err err;
    assert_int_equal(partition_find(str_of(partition), &found, &err), STATUS_OK);
    graph_set_partition(g, found);
    if (shop->limit)
        graph_set_limit(g, shop->limit);
    assert_true(graph_run(g, workers));
    graph_free(g);
}

static void longest_first_sorts_by_size(void **state) {
    (void)state;
    struct shop sorted = {.sizes = "3914152"}, plain = {.sizes = "3914152"};
    run_shop(&sorted, "longest_first", 1);
    assert_string_equal(sorted.story.text, "9543211");
    run_shop(&plain, "least_loaded", 1);
    assert_string_equal(plain.story.text, "3914152");
}

static void homes_are_kept(void **state) {
    (void)state;
    struct shop turns = {.sizes = "1111111111", .waits_for = 3},
                blocks = {.sizes = "1111111111", .waits_for = 3};
    run_shop(&turns, "round_robin", 3);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(turns.ran[i], i % 3 + 1);
    run_shop(&blocks, "static", 3);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(blocks.ran[i], i / 2 % 3 + 1);
}

static void every_policy_runs_every_batch(void **state) {
    (void)state;
    for (size_t p = 0; p < PARTITIONS_N; p++)
        for (uint32_t workers = 1; workers <= 8; workers *= 2)
            for (uint32_t limit = 1; limit <= workers; limit++) {
                struct shop shop = {.sizes = "12345678901234567890", .limit = limit};
                run_shop(&shop, partitions[p].name, workers);
                for (uint32_t i = 0; i < 20; i++)
                    assert_in_range(shop.ran[i], 1, limit);
                assert_in_range(shop.most, 1, limit);
            }
}

static void what_there_is_not_is_said(void **state) {
    (void)state;
    const struct partition *found;
    struct err err;
    assert_int_equal(partition_find(STR("round-robin"), &found, &err), STATUS_DATA);
    assert_string_equal(err.text, "there is no partition \"round-robin\", did you mean \"round_robin\"?");
    assert_int_equal(partition_find(STR("fastest"), &found, &err), STATUS_DATA);
    assert_string_equal(err.text,
                        "there is no partition \"fastest\"; least_loaded, longest_first, round_robin "
                        "and static are");
}

// A limit that is raised while all that is at work waits for more hands; then lowered, and what belongs to the parked is
// done by others.
enum { CREW_BATCHES = 12 };
struct crew {
    atomic_uint at_work, done;
    uint32_t wanted;
};

static void waits_for_hands(void *self, struct worker *worker) {
    struct crew *crew = self;
    (void)worker;
    atomic_fetch_add(&crew->at_work, 1);
    if (worker->index == 0)
        graph_set_limit(worker->graph, crew->wanted);
    while (atomic_load(&crew->at_work) < crew->wanted)
        sched_yield();
    if (worker->index == 0)
        graph_set_limit(worker->graph, 1);
    atomic_fetch_add(&crew->done, 1);
}

static enum step hires(void *self, struct worker *worker) {
    for (uint64_t i = 0; i < CREW_BATCHES; i++)
        graph_spawn_batch(worker, i, 1, waits_for_hands, self);
    return STEP_DONE;
}

static void a_limit_may_change_meanwhile(void **state) {
    (void)state;
    for (size_t p = 0; p < PARTITIONS_N; p++)
        for (int times = 0; times < 50; times++) {
            const bool homes = partitions[p].home; // they are given out under the limit of then
            struct crew crew = {.wanted = homes ? 1 : 3};
            struct graph *g = graph_new();
            graph_add(g, &(struct node_spec){.name = "hires", .self = &crew, .step = hires});
            graph_set_partition(g, &partitions[p]);
            graph_set_limit(g, homes ? 4 : 1);
            assert_true(graph_run(g, 4));
            assert_int_equal(crew.done, CREW_BATCHES);
            graph_free(g);
        }
}

// Time -----------------------------------------------------------------------------------------------------

struct sleeper {
    struct graph *graph;
    uint32_t node, naps, times;
    uint64_t nap, lasted; // nanoseconds
    uint64_t slept_at;
};

static uint64_t now(void) {
    const struct clock clock = clock_system();
    return clock.monotonic(clock.self);
}

static enum step naps(void *self, struct worker *worker) {
    struct sleeper *s = self;
    if (s->times > 0)
        s->lasted += now() - s->slept_at;
    if (s->times == s->naps)
        return STEP_DONE;
    s->times++;
    s->slept_at = now();
    graph_wake_after(worker->graph, s->node, s->nap);
    return STEP_BLOCKED;
}

// Three timers at once, and nothing else that could keep the graph going.
static void timers_wake_in_time(void **state) {
    (void)state;
    for (uint32_t workers = 1; workers <= 4; workers *= 2) {
        struct sleeper sleepers[3] = {
            {.naps = 3, .nap = 3000000}, {.naps = 9, .nap = 1000000}, {.naps = 1, .nap = 0}};
        struct graph *g = graph_new();
        for (int i = 0; i < 3; i++)
            sleepers[i].node =
                graph_add(g, &(struct node_spec){.name = "sleeper", .self = &sleepers[i], .step = naps});
        assert_true(graph_run(g, workers));
        for (int i = 0; i < 3; i++)
            assert_true(sleepers[i].times == sleepers[i].naps &&
                        sleepers[i].lasted >= sleepers[i].naps * sleepers[i].nap);
        assert_true(graph_idle(g) > 0);
        graph_free(g);
    }
}

struct ticking {
    atomic_uint ticks;
    atomic_bool ticks_now, overlapped;
    uint32_t node;
};

static void ticks(void *self, struct worker *worker) {
    struct ticking *t = self;
    if (atomic_exchange(&t->ticks_now, true))
        atomic_store(&t->overlapped, true);
    if (atomic_fetch_add(&t->ticks, 1) == 4)
        graph_wake(worker->graph, t->node); // without it, the node would block for good
    atomic_store(&t->ticks_now, false);
}

static enum step waits_for_ticks(void *self, struct worker *worker) {
    struct ticking *t = self;
    if (atomic_load(&t->ticks) >= 5)
        return STEP_DONE;
    graph_wake_after(worker->graph, t->node, 100000);
    return STEP_BLOCKED;
}

static void the_tick_goes_on_as_long_as_there_is_work(void **state) {
    (void)state;
    for (uint32_t workers = 1; workers <= 4; workers *= 2) {
        struct ticking t = {.ticks = 0};
        struct graph *g = graph_new();
        t.node = graph_add(g, &(struct node_spec){.name = "waits", .self = &t, .step = waits_for_ticks});
        graph_set_tick(g, 200000, ticks, &t);
        assert_true(graph_run(g, workers));
        assert_true(t.ticks >= 5);
        assert_false(t.overlapped);
        graph_free(g);
    }
}

static enum step blocks(void *self, struct worker *worker) {
    (void)self;
    (void)worker;
    return STEP_BLOCKED;
}

// A tick is no work: a graph that has come to a standstill says so, however often it ticks.
static void the_tick_keeps_nothing_alive(void **state) {
    (void)state;
    struct ticking t = {.ticks = 100};
    struct graph *g = graph_new();
    graph_add(g, &(struct node_spec){.name = "blocks", .self = NULL, .step = blocks});
    graph_set_tick(g, 1, ticks, &t);
    assert_false(graph_run(g, 2));
    graph_free(g);
}

static void ticks_slowly(void *self, struct worker *worker) {
    struct ticking *t = self;
    atomic_fetch_add(&t->ticks, 1);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    graph_wake(worker->graph, t->node);
}

static enum step blocks_while_it_ticks(void *self, struct worker *worker) {
    struct ticking *t = self;
    (void)worker;
    if (atomic_exchange(&t->ticks_now, true))
        return STEP_DONE;
    while (atomic_load(&t->ticks) == 0)
        sched_yield();
    return STEP_BLOCKED;
}

// Nothing waits and nothing else is under way, but a tick that is about to wake somebody.
static void a_tick_under_way_is_waited_for(void **state) {
    (void)state;
    struct ticking t = {.ticks = 0};
    struct graph *g = graph_new();
    t.node = graph_add(g, &(struct node_spec){.name = "blocks", .self = &t, .step = blocks_while_it_ticks});
    graph_set_tick(g, 1000, ticks_slowly, &t);
    assert_true(graph_run(g, 2));
    graph_free(g);
}

// Rests until it has ticked, and a timer has gone off; were it never disturbed, it would rest for good, so it gives up.
enum { RESTS_MOST = 20000 };
struct resting {
    struct ticking ticking;
    atomic_bool woken;
    uint32_t rests;
};

static void no_bell(void *self) {
    (void)self;
}

static void rests(void *self, struct worker *worker) {
    struct resting *r = self;
    while (r->rests++ < RESTS_MOST && !(atomic_load(&r->ticking.ticks) >= 3 && atomic_load(&r->woken))) {
        if (!graph_rest(worker)) {
            graph_yield(worker, rests, r);
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        graph_rested(worker);
    }
}

static enum step sleeps_beside_rest(void *self, struct worker *worker) {
    struct resting *r = self;
    if (r->rests > 0) {
        atomic_store(&r->woken, true);
        return STEP_DONE;
    }
    graph_spawn(worker, rests, r);
    graph_wake_after(worker->graph, r->ticking.node, 1000000);
    return STEP_BLOCKED;
}

// Of one worker, or of several of which one may work, who rests is all there is to tick and to see to timers.
static void who_rests_does_not_forget_the_time(void **state) {
    (void)state;
    for (uint32_t workers = 1; workers <= 3; workers++) {
        struct resting r = {.rests = 0};
        struct graph *g = graph_new();
        r.ticking.node =
            graph_add(g, &(struct node_spec){.name = "sleeps", .self = &r, .step = sleeps_beside_rest});
        graph_set_bell(g, no_bell, NULL);
        graph_set_tick(g, 200000, ticks, &r.ticking);
        graph_set_limit(g, 1);
        assert_true(graph_run(g, workers));
        assert_true(r.ticking.ticks >= 3);
        assert_true(r.rests < RESTS_MOST);
        graph_free(g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_way_goes_first),
        cmocka_unit_test(the_heap_keeps_rank_and_order),
        cmocka_unit_test(longest_first_sorts_by_size),
        cmocka_unit_test(homes_are_kept),
        cmocka_unit_test(every_policy_runs_every_batch),
        cmocka_unit_test(what_there_is_not_is_said),
        cmocka_unit_test(a_limit_may_change_meanwhile),
        cmocka_unit_test(timers_wake_in_time),
        cmocka_unit_test(the_tick_goes_on_as_long_as_there_is_work),
        cmocka_unit_test(the_tick_keeps_nothing_alive),
        cmocka_unit_test(a_tick_under_way_is_waited_for),
        cmocka_unit_test(who_rests_does_not_forget_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
