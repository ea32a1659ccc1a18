// SPDX-License-Identifier: MIT
// The load generator: when operations are due, and what a stall, overload and failures look like. On a clock of the test's own
// the figures are what theory says, to the nanosecond; on the machine's no less than that.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "bench/loadgen.h"

static const uint64_t MS = 1000000, SECOND = 1000000000;

// ---- arrivals

static void nothing_is_due_before_its_time(void **state) {
    (void)state;
    static const double ramps[] = {0, 0.5, 3};
    for (size_t r = 0; r < 3; r++) {
        struct arrivals a = arrivals_of(1000, ramps[r], 2);
        for (uint64_t i = 0; i < a.n; i++) {
            uint64_t due = arrivals_time(&a, i);
            assert_true(i == 0 || due >= arrivals_time(&a, i - 1));
            assert_true(arrivals_due(&a, due) >= i + 1);
            assert_true(due == 0 || arrivals_due(&a, due - 2) <= i + 1);
            assert_int_equal(i < a.ramp_n, due < (uint64_t)(ramps[r] * 1e9));
            assert_true(due < arrivals_end(&a));
        }
    }
}

static void a_ramp_has_half_the_operations(void **state) {
    (void)state;
    struct arrivals a = arrivals_of(1000, 4, 10);
    assert_int_equal(a.ramp_n, 2000);
    assert_int_equal(a.n, 12000);
    assert_int_equal(arrivals_due(&a, SECOND), 126); // 1000 t^2 / 8, and the first at 0
    assert_int_equal(arrivals_time(&a, 2000), 4 * SECOND);
    assert_int_equal(arrivals_time(&a, 2001), 4 * SECOND + MS);
    assert_int_equal(arrivals_of(0.1, 0, 1).n, 1); // a slow one begins with one
    assert_int_equal(arrivals_of(1000, 0, 0.3).n, 300);
}

// ---- a clock that only goes when somebody sleeps or works

struct scripted {
    uint64_t now;
    uint64_t service, stall, stall_at; // the first operation from stall_at on takes `stall` more
    bool stalled;
    uint64_t fails; // every so many-th; 0: none
    uint64_t runs;
};

static uint64_t scripted_now(void *self) {
    return ((struct scripted *)self)->now;
}

static void scripted_sleep(void *self, uint64_t nanoseconds) {
    ((struct scripted *)self)->now += nanoseconds;
}

static bool scripted_run(void *self, uint32_t user, uint64_t choice, uint64_t *bytes, struct err *err) {
    struct scripted *s = self;
    (void)choice;
    assert_int_equal(user, 0);
    *bytes = 10;
    if (!s->stalled && s->stall && s->now >= s->stall_at) {
        s->stalled = true;
        s->now += s->stall;
    }
    s->now += s->service;
    if (++s->runs && s->fails && s->runs % s->fails == 0)
        return !err_set(err, STATUS_DATA, "number %llu fails", (unsigned long long)s->runs);
    return true;
}

static struct loadgen_result run_scripted(struct scripted *s, double rate, double ramp, double seconds) {
    struct loadgen_operation operation = {"work", 1, s, scripted_run};
    struct loadgen_options options = {.operations = &operation,
                                      .operations_n = 1,
                                      .arrivals = arrivals_of(rate, ramp, seconds),
                                      .users = 1,
                                      .clock = {.self = s, .monotonic = scripted_now},
                                      .sleep = scripted_sleep};
    struct loadgen_result result;
    struct err err;
    assert_int_equal(loadgen_run(&options, &result, &err), STATUS_OK);
    return result;
}

static void assert_close(uint64_t value, double expected) {
    if (fabs((double)value - expected) > expected * HISTOGRAM_ERROR + 1)
        fail_msg("%.0f is not about %.0f", (double)value, expected);
}

// Without a stall each takes what it takes.
static void calm_is_calm(void **state) {
    (void)state;
    struct scripted s = {.service = MS / 10};
    struct loadgen_result result = run_scripted(&s, 1000, 1, 10);
    assert_true(result.valid);
    assert_int_equal(result.all.done, 10000);
    assert_int_equal(result.all.bytes, 100000);
    assert_int_equal(result.backlog, 0);
    assert_in_range(result.all.times.latency.max, MS / 10, MS / 10 + 2); // it may begin a rounding late
    assert_int_equal(result.all.times.service.min, MS / 10);
    loadgen_release(&result);
}

// 1 s in 10 s at 1,000/s, 0.1 ms each: what was due t into the stall waits 1 - t, so a share (1 s - x) / 10 s waits longer than
// x, and what came meanwhile takes 0.9 ms less for each that follows until none waits. p99 counts from where both end.
static void a_stall_is_in_all_that_was_due_meanwhile(void **state) {
    (void)state;
    struct scripted s = {.service = MS / 10, .stall = SECOND, .stall_at = 4 * SECOND};
    struct loadgen_result result = run_scripted(&s, 1000, 1, 10);
    const struct histogram *latency = &result.all.times.latency;
    const double rate = 1000, work = 0.0001, stall = 1;
    assert_true(result.valid);
    assert_int_equal(result.all.done, 10000);
    assert_int_equal(result.backlog, 999); // and the one that begins
    assert_int_equal(latency->max, SECOND + MS / 10);
    assert_int_equal(result.all.times.service.max, SECOND + MS / 10);
    assert_close(histogram_quantile(&result.all.times.service, 0.9999), (double)MS / 10); // one of 10,000
    // The k-th after the stall began is late by stall - k (1 / rate - work), its own work besides.
    for (double k = 10; k < 800; k += 50)
        assert_close(histogram_quantile(latency, 1 - k / 10000),
                     (stall - k * (1 / rate - work) + work) * 1e9);
    assert_close(histogram_quantile(latency, 0.99), 0.9101e9);
    loadgen_release(&result);
}

// A second of work comes each second, and half as much again: a third is never begun.
static void overload_is_not_valid(void **state) {
    (void)state;
    struct scripted s = {.service = 3 * MS / 2};
    struct loadgen_result result = run_scripted(&s, 1000, 0, 9);
    assert_false(result.valid);
    assert_int_equal(result.planned, 9000);
    assert_int_equal(result.all.done, 6000);
    assert_int_equal(result.all.unstarted, 3000);
    assert_int_equal(result.all.times.latency.n, 9000);
    assert_int_equal(result.backlog, 3000);
    assert_close((uint64_t)(result.achieved * 1000), 666667);
    assert_close(result.all.times.latency.max, 3.001e9); // the last one begun was due at 6 s
    loadgen_release(&result);
}

static void the_bound_is_99_percent(void **state) {
    (void)state;
    struct scripted enough = {.service = MS * 1000 / 992}, little = {.service = MS * 1000 / 988};
    struct loadgen_result result = run_scripted(&enough, 1000, 0, 10);
    assert_true(result.valid);
    loadgen_release(&result);
    result = run_scripted(&little, 1000, 0, 10);
    assert_false(result.valid);
    loadgen_release(&result);
}

static void failures_are_counted_with_the_first_one_told(void **state) {
    (void)state;
    struct scripted s = {.service = 1, .fails = 7};
    struct loadgen_result result = run_scripted(&s, 100, 0, 1);
    assert_int_equal(result.all.done, 100);
    assert_int_equal(result.all.failed, 14);
    assert_string_equal(result.parts[0].fault, "number 7 fails");
    loadgen_release(&result);
}

// What belongs to the ramp-up is done, and measured nowhere but on the time line.
static void the_ramp_is_not_measured(void **state) {
    (void)state;
    struct scripted s = {.service = MS / 10, .stall = 300 * MS, .stall_at = SECOND};
    struct loadgen_result result = run_scripted(&s, 1000, 2, 2);
    uint64_t most = 0, all = 0;
    assert_int_equal(s.runs, 3000);
    assert_int_equal(result.all.done, 2000);
    assert_true(result.all.times.latency.max < MS);
    for (size_t i = 0; i < LOADGEN_SLOTS; i++) {
        most = result.slots[i].latency_max > most ? result.slots[i].latency_max : most;
        all += result.slots[i].operations;
    }
    assert_true(most > 300 * MS);
    assert_int_equal(all, 3000);
    loadgen_release(&result);
}

// ---- the mix

struct tally {
    uint64_t runs, sum;
};

static bool tally_run(void *self, uint32_t user, uint64_t choice, uint64_t *bytes, struct err *err) {
    struct tally *t = self;
    (void)user;
    (void)bytes;
    (void)err;
    t->runs++;
    t->sum += choice >> 48;
    return true;
}

static void mix(uint64_t seed, struct tally tallies[3]) {
    static const double weights[3] = {6, 3, 1};
    struct scripted s = {0};
    struct loadgen_operation operations[3];
    for (size_t k = 0; k < 3; k++) {
        tallies[k] = (struct tally){0};
        operations[k] = (struct loadgen_operation){"work", weights[k], &tallies[k], tally_run};
    }
    struct loadgen_options options = {.operations = operations,
                                      .operations_n = 3,
                                      .arrivals = arrivals_of(10000, 0, 1),
                                      .users = 1,
                                      .seed = seed,
                                      .clock = {.self = &s, .monotonic = scripted_now},
                                      .sleep = scripted_sleep};
    struct loadgen_result result;
    struct err err;
    assert_int_equal(loadgen_run(&options, &result, &err), STATUS_OK);
    for (size_t k = 0; k < 3; k++)
        assert_int_equal(result.parts[k].done, tallies[k].runs);
    loadgen_release(&result);
}

static void weights_are_shares_and_seeds_repeat(void **state) {
    (void)state;
    struct tally first[3], again[3], other[3];
    mix(1, first);
    mix(1, again);
    mix(2, other);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
    assert_in_range(first[0].runs, 5850, 6150); // 3 standard deviations
    assert_in_range(first[1].runs, 2850, 3150);
    assert_in_range(first[2].runs, 900, 1100);
    assert_in_range(first[0].sum / first[0].runs, 31000, 34500); // choices are even
}

// ---- the machine's clock: what a stall costs at least, however busy the machine is

static bool stall_once(void *self, uint32_t user, uint64_t choice, uint64_t *bytes, struct err *err) {
    atomic_uint *runs = self;
    (void)user;
    (void)choice;
    (void)bytes;
    (void)err;
    if (atomic_fetch_add(runs, 1) == 50)
        nanosleep(&(struct timespec){.tv_nsec = 200 * 1000000}, NULL);
    return true;
}

static void a_real_stall_is_at_least_what_theory_says(void **state) {
    (void)state;
    atomic_uint runs = 0;
    struct loadgen_operation operation = {"work", 1, &runs, stall_once};
    struct loadgen_options options = {.operations = &operation,
                                      .operations_n = 1,
                                      .arrivals = arrivals_of(1000, 0, 0.4),
                                      .users = 1,
                                      .clock = clock_system()};
    struct loadgen_result result;
    struct err err;
    assert_int_equal(loadgen_run(&options, &result, &err), STATUS_OK);
    const struct histogram *latency = &result.all.times.latency;
    assert_int_equal(latency->n, 400);
    assert_true(latency->max >= 200 * MS);
    for (double k = 1; k < 190; k += 10) // the k-th of those due meanwhile waits 200 ms less k
        assert_true((double)histogram_quantile(latency, 1 - k / 400) >=
                    (200 - k) * 1e6 * (1 - HISTOGRAM_ERROR));
    assert_true(result.backlog >= 198);
    loadgen_release(&result);
}

static void users_take_turns_and_an_interrupt_ends_it(void **state) {
    (void)state;
    atomic_uint runs = 100;
    atomic_bool interrupt = false;
    struct loadgen_operation operation = {"work", 1, &runs, stall_once};
    struct loadgen_options options = {.operations = &operation,
                                      .operations_n = 1,
                                      .arrivals = arrivals_of(2000, 0, 0.1),
                                      .users = 4,
                                      .clock = clock_system(),
                                      .interrupt = &interrupt};
    struct loadgen_result result;
    struct err err;
    assert_int_equal(loadgen_run(&options, &result, &err), STATUS_OK);
    assert_int_equal(result.all.done + result.all.unstarted, 200);
    assert_int_equal(result.all.done, atomic_load(&runs) - 100);
    loadgen_release(&result);
    atomic_store(&interrupt, true);
    options.arrivals = arrivals_of(1, 0, 3600);
    assert_int_equal(loadgen_run(&options, &result, &err), STATUS_OK);
    assert_true(result.interrupted);
    assert_false(result.valid);
    loadgen_release(&result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_due_before_its_time),
        cmocka_unit_test(a_ramp_has_half_the_operations),
        cmocka_unit_test(calm_is_calm),
        cmocka_unit_test(a_stall_is_in_all_that_was_due_meanwhile),
        cmocka_unit_test(overload_is_not_valid),
        cmocka_unit_test(the_bound_is_99_percent),
        cmocka_unit_test(failures_are_counted_with_the_first_one_told),
        cmocka_unit_test(the_ramp_is_not_measured),
        cmocka_unit_test(weights_are_shares_and_seeds_repeat),
        cmocka_unit_test(a_real_stall_is_at_least_what_theory_says),
        cmocka_unit_test(users_take_turns_and_an_interrupt_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
