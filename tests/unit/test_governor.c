// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <math.h>
#include <stdio.h>

#include "scheduler/governor.h"

#define SECOND UINT64_C(1000000000)
#define TICK   (SECOND / 10)

// A machine with others on it, and a run that the governor rules ------------------------------------------------

struct random {
    uint64_t state;
};

static double uniform(struct random *r) { // 0 .. 1
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (double)(r->state >> 11) / 9007199254740992.0;
}

static double between(struct random *r, double from, double to) {
    return from + (to - from) * uniform(r);
}

struct world {
    struct governor governor;
    struct random random;
    double cpus, others, demand; // cores: there are, others want, a worker wants
    double noise;                // share by which a measurement is wrong
    double memory, per_worker;   // shares of the limit: used by others, by a worker
    bool waiting;
    uint64_t at;
    // what came of it
    unsigned changes, turns;
    int direction;
    uint64_t changed;
};

static struct governor_sample look(struct world *w) {
    const uint32_t workers = w->governor.now.limit;
    const double want = w->waiting ? workers * w->demand : 0, sum = want + w->others;
    const double squeeze = sum > w->cpus ? w->cpus / sum : 1;
    const double wrong = 1 + between(&w->random, -w->noise, w->noise);
    const double busy = fmin(w->cpus, sum * squeeze * wrong);
    return (struct governor_sample){
        .at = w->at,
        .cpu_known = true,
        .cpus = w->cpus,
        .busy = busy,
        .own = fmin(busy, want * squeeze),
        .memory_known = true,
        .memory_used = (uint64_t)(1e9 * fmin(1, w->memory + workers * w->per_worker)),
        .memory_limit = 1000000000,
        .waiting = w->waiting,
    };
}

static void tick(struct world *w) {
    const uint32_t before = w->governor.now.limit;
    const struct governor_targets *t = &w->governor.targets;
    w->at += TICK;
    const struct governor_sample sample = look(w);
    const struct governor_decision *now = governor_decide(&w->governor, &sample);
    assert_in_range(now->limit, t->least, t->most);
    assert_int_equal(now->cause != GOVERNOR_STEADY, now->limit != before);
    if (now->limit == before)
        return;
    const int direction = now->limit > before ? 1 : -1;
    if (w->changes)
        assert_true(w->at - w->changed >= t->cooldown);
    w->turns += w->direction == -direction;
    w->direction = direction;
    w->changes++;
    w->changed = w->at;
}

static void ticks(struct world *w, unsigned n) {
    while (n-- > 0)
        tick(w);
}

static struct world world(double cpus, uint32_t least, uint32_t most, uint32_t first) {
    struct world w = {.cpus = cpus, .demand = 1, .waiting = true, .at = 5 * SECOND, .random = {42}};
    const struct governor_targets targets = {.cpu = 0.9, .memory = 0.8, .least = least, .most = most};
    governor_init(&w.governor, &targets, first);
    return w;
}

#define LIMIT(w) ((w).governor.now.limit)

// One thing at a time -------------------------------------------------------------------------------------------

static void begins_where_it_is_told(void **state) {
    (void)state;
    assert_int_equal(LIMIT(world(8, 2, 6, 0)), 6);
    assert_int_equal(LIMIT(world(8, 2, 6, 4)), 4);
    assert_int_equal(LIMIT(world(8, 2, 6, 1)), 2);
    assert_int_equal(LIMIT(world(8, 2, 6, 9)), 6);
    assert_int_equal(LIMIT(world(8, 0, 0, 0)), 1);
    assert_int_equal(LIMIT(world(8, 5, 3, 0)), 5);
}

static void an_idle_machine_is_used(void **state) {
    (void)state;
    struct world w = world(8, 1, 8, 1);
    ticks(&w, 100);
    assert_int_equal(LIMIT(w), 8);
    assert_int_equal(w.turns, 0);
    struct world two = world(2, 1, 2, 1); // both, although own work alone is then above the target
    two.others = 0.05;
    ticks(&two, 100);
    assert_int_equal(LIMIT(two), 2);
}

static void without_waiting_work_nothing_grows(void **state) {
    (void)state;
    struct world w = world(8, 1, 8, 2);
    w.waiting = false;
    ticks(&w, 200);
    assert_int_equal(LIMIT(w), 2);
}

static void others_are_made_room_for(void **state) {
    (void)state;
    struct world w = world(8, 1, 8, 8);
    ticks(&w, 50);
    assert_int_equal(LIMIT(w), 8);
    w.others = 4;
    ticks(&w, 55);                 // faster than one by one
    assert_int_equal(LIMIT(w), 3); // 4 + 3 are below 7.2
    assert_true(w.changes <= 4);
    ticks(&w, 200);
    assert_int_equal(LIMIT(w), 3);
    w.others = 0;
    ticks(&w, 400);
    assert_int_equal(LIMIT(w), 8);
    assert_int_equal(w.turns, 1);
    w.others = 60; // whatever they want, the least stays
    ticks(&w, 400);
    assert_int_equal(LIMIT(w), 1);
}

static void workers_that_wait_count_for_less(void **state) {
    (void)state;
    struct world w = world(4, 1, 16, 1);
    w.demand = 0.2; // they wait for a disk
    ticks(&w, 400);
    assert_int_equal(LIMIT(w), 16);
}

static void nothing_changes_within_a_cooldown(void **state) {
    (void)state;
    struct world w = world(64, 1, 64, 1);
    ticks(&w, 10); // the first sample begins the average
    assert_int_equal(LIMIT(w), 1);
    tick(&w);
    assert_int_equal(LIMIT(w), 2);
    ticks(&w, 9);
    assert_int_equal(LIMIT(w), 2);
    tick(&w);
    assert_int_equal(LIMIT(w), 4); // at most twice as many
}

static void memory_pauses_intake(void **state) {
    (void)state;
    struct world w = world(4, 1, 4, 4);
    w.memory = 0.79;
    tick(&w);
    assert_false(w.governor.now.intake_paused);
    w.memory = 0.8;
    tick(&w);
    assert_true(w.governor.now.intake_paused); // at once
    w.memory = 0.73;
    tick(&w);
    assert_true(w.governor.now.intake_paused); // until it is well below
    w.memory = 0.71;
    tick(&w);
    assert_false(w.governor.now.intake_paused);
    w.memory = 0.75;
    tick(&w);
    assert_false(w.governor.now.intake_paused);
    w.memory = 0.95;
    ticks(&w, 100);
    assert_int_equal(LIMIT(w), 1); // and workers leave while it stays
    w.memory = 0.1;
    ticks(&w, 400);
    assert_int_equal(LIMIT(w), 4);
}

static void without_targets_or_samples_it_only_grows(void **state) {
    (void)state;
    struct governor g;
    const struct governor_targets none = {.least = 1, .most = 3};
    governor_init(&g, &none, 1);
    struct governor_sample sample = {.waiting = true};
    for (int i = 0; i < 50; i++, sample.at += TICK)
        governor_decide(&g, &sample);
    assert_int_equal(g.now.limit, 3);
    const struct governor_targets both = {.cpu = 0.5, .memory = 0.5, .least = 1, .most = 3};
    governor_init(&g, &both, 2); // of a machine that tells nothing
    for (int i = 0; i < 50; i++, sample.at += TICK)
        governor_decide(&g, &sample);
    assert_int_equal(g.now.limit, 2);
    assert_false(g.now.intake_paused);
    sample.memory_known = true; // a limit of nothing
    governor_decide(&g, &sample);
    assert_false(g.now.intake_paused);
    sample.at -= 20 * TICK; // a clock that goes back
    governor_decide(&g, &sample);
    for (int cause = 0; cause < GOVERNOR_CAUSES; cause++)
        assert_non_null(governor_cause_text((enum governor_cause)cause));
}

// It never oscillates -------------------------------------------------------------------------------------------

static struct world any_world(struct random *r) {
    const double cpus = 1 + floor(between(r, 0, uniform(r) < 0.5 ? 4 : 64));
    struct world w = {.cpus = cpus, .demand = 1, .waiting = true, .at = SECOND, .random = {r->state}};
    const uint32_t most = 1 + (uint32_t)between(r, 0, 1.5 * cpus);
    const struct governor_targets targets = {.cpu = between(r, 0.3, 1),
                                             .memory = between(r, 0.3, 1),
                                             .band = uniform(r) < 0.5 ? 0 : between(r, 0.02, 0.25),
                                             .least = 1 + (uint32_t)between(r, 0, most),
                                             .most = most};
    governor_init(&w.governor, &targets, (uint32_t)between(r, 0, most + 1));
    if (uniform(r) < 0.5)
        w.demand = between(r, 0.05, 1);
    return w;
}

// Whatever the load is, as long as it stays: one direction, and then no change at all.
static void a_steady_load_turns_nothing_round(void **state) {
    (void)state;
    struct random r = {1};
    for (int i = 0; i < 20000; i++) {
        struct world w = any_world(&r);
        w.others = between(&r, 0, 1.5 * w.cpus);
        ticks(&w, 700);
        const unsigned settled = w.changes;
        assert_int_equal(w.turns, 0);
        ticks(&w, 200);
        if (w.governor.targets.most <= 8)
            assert_int_equal(w.changes, settled);
        assert_int_equal(w.turns, 0);
    }
}

static void a_step_turns_it_round_once(void **state) {
    (void)state;
    struct random r = {2};
    for (int i = 0; i < 5000; i++) {
        struct world w = any_world(&r);
        w.others = between(&r, 0, 1.5 * w.cpus);
        ticks(&w, 300);
        w.others = between(&r, 0, 1.5 * w.cpus);
        ticks(&w, 600);
        assert_true(w.turns <= 1);
    }
}

static void a_ramp_turns_it_round_once_each_way(void **state) {
    (void)state;
    struct random r = {3};
    for (int i = 0; i < 2000; i++) {
        struct world w = any_world(&r);
        const double top = between(&r, 0.5, 1.5) * w.cpus;
        for (int t = 0; t < 600; t++) {
            w.others = top * t / 600;
            tick(&w);
        }
        assert_true(w.turns <= 1);
        for (int t = 600; t > 0; t--) {
            w.others = top * t / 600;
            tick(&w);
        }
        assert_true(w.turns <= 3);
    }
}

// The bound of governor.h, with whatever the world does.
static void assert_bounded(const struct world *w, unsigned tick_count) {
    const double cooldowns = (double)tick_count * TICK / (double)w->governor.targets.cooldown;
    if (w->turns > 14 + cooldowns / 32)
        fail_msg("%u turns in %.0f cooldowns", w->turns, cooldowns);
}

// A load that comes when there is room, and goes when there is none: made to turn it round as often as can be.
static void an_adversary_is_bounded(void **state) {
    (void)state;
    struct world w = world(8, 1, 8, 1);
    for (unsigned t = 0; t < 200000; t++) {
        w.others = w.direction > 0 ? 7.5 : 0;
        tick(&w);
    }
    assert_true(w.turns > 8); // it does what it can
    assert_bounded(&w, 200000);
}

static void a_sawtooth_at_the_threshold_is_bounded(void **state) {
    (void)state;
    for (unsigned period = 2; period < 400; period += 7) {
        struct world w = world(8, 1, 8, 4);
        for (unsigned t = 0; t < 20000; t++) {
            w.others = 3.2 + 0.5 * (double)(t % period) / period;
            tick(&w);
        }
        assert_bounded(&w, 20000);
    }
}

static void noise_turns_nothing_round_for_long(void **state) {
    (void)state;
    struct random r = {4};
    unsigned turns = 0;
    for (int i = 0; i < 1000; i++) {
        struct world w = any_world(&r);
        w.noise = between(&r, 0, 0.1); // of a look that took a tenth of a second
        w.others = between(&r, 0, 1.2 * w.cpus);
        ticks(&w, 3000);
        assert_bounded(&w, 3000);
        turns += w.turns;
    }
    assert_true(turns < 500); // half a turn in five minutes
}

static void any_script_is_bounded(void **state) {
    (void)state;
    struct random r = {5};
    for (int i = 0; i < 3000; i++) {
        struct world w = any_world(&r);
        const unsigned n = 2000;
        double left = 0;
        w.noise = between(&r, 0, 0.3);
        for (unsigned t = 0; t < n; t++) {
            if (--left < 0) {
                left = between(&r, 0, 60);
                w.others = between(&r, 0, 1.5 * w.cpus);
                w.demand = between(&r, 0, 1);
                w.waiting = uniform(&r) < 0.8;
                w.memory = between(&r, 0, 1);
                w.per_worker = between(&r, 0, 0.1);
            }
            tick(&w);
        }
        assert_bounded(&w, n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_where_it_is_told),
        cmocka_unit_test(an_idle_machine_is_used),
        cmocka_unit_test(without_waiting_work_nothing_grows),
        cmocka_unit_test(others_are_made_room_for),
        cmocka_unit_test(workers_that_wait_count_for_less),
        cmocka_unit_test(nothing_changes_within_a_cooldown),
        cmocka_unit_test(memory_pauses_intake),
        cmocka_unit_test(without_targets_or_samples_it_only_grows),
        cmocka_unit_test(a_steady_load_turns_nothing_round),
        cmocka_unit_test(a_step_turns_it_round_once),
        cmocka_unit_test(a_ramp_turns_it_round_once_each_way),
        cmocka_unit_test(an_adversary_is_bounded),
        cmocka_unit_test(a_sawtooth_at_the_threshold_is_bounded),
        cmocka_unit_test(noise_turns_nothing_round_for_long),
        cmocka_unit_test(any_script_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
