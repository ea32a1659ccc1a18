// SPDX-License-Identifier: MIT
// The size of batches against scripts of what units cost. As in a run, so many batches are on their way when one ends.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/run/batch_size.h"

enum { WORKERS = 2, IN_FLIGHT = 7, BATCHES_MOST = 1 << 16, OVERHEAD = 3000 };

struct script {
    double (*cost)(uint64_t unit); // nanoseconds
    size_t (*weight)(uint64_t unit);
    uint64_t units;
    bool end_known;
    struct batch_size_bounds bounds;
};

struct played {
    size_t n; // batches
    size_t units[BATCHES_MOST];
    uint64_t cost[BATCHES_MOST];
    size_t weight[BATCHES_MOST];
};

static const struct batch_size_bounds usual = {.workers = WORKERS,
                                               .units_least = 1,
                                               .units_most = 4096,
                                               .weight_least = 4096,
                                               .weight_first = 16384,
                                               .weight_most = 256 << 10,
                                               .weight_room = 1 << 20};

static size_t kilobyte(uint64_t unit) {
    (void)unit;
    return 1024;
}

static size_t tiny(uint64_t unit) {
    (void)unit;
    return 40;
}

static uint64_t noise(uint64_t unit) {
    unit = (unit ^ (unit >> 31)) * 0x9E3779B97F4A7C15u;
    return (unit ^ (unit >> 29)) * 0xBF58476D1CE4E5B9u >> 32;
}

static struct played *play(const struct script *script) {
    static struct played played;
    struct batch_size size;
    uint64_t at = 0;
    size_t told = 0;
    played.n = 0;
    batch_size_init(&size, script->bounds.units_most ? &script->bounds : &usual);
    while (at < script->units) {
        for (; played.n >= IN_FLIGHT && told <= played.n - IN_FLIGHT; told++)
            batch_size_observe(&size, played.units[told], played.weight[told], played.cost[told]);
        const struct batch_size_next next =
            batch_size_next(&size, script->end_known ? (double)(script->units - at) : 0);
        assert_true(next.units >= 1 && next.weight >= 1);
        const size_t b = played.n++;
        assert_true(b < BATCHES_MOST);
        double cost = OVERHEAD;
        played.units[b] = played.weight[b] = 0;
        while (at < script->units && played.units[b] < next.units && played.weight[b] < next.weight) {
            cost += script->cost(at);
            played.weight[b] += script->weight ? script->weight(at) : 1024;
            played.units[b]++;
            at++;
        }
        played.cost[b] = (uint64_t)cost;
    }
    return &played;
}

static int by_value(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// The cost that half of the batches from `from` on do not exceed.
static uint64_t median(const struct played *played, size_t from) {
    const size_t n = played->n - from;
    uint64_t *sorted = malloc(n * sizeof *sorted);
    assert_true(n > 0 && sorted);
    memcpy(sorted, played->cost + from, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    const uint64_t middle = sorted[n / 2];
    free(sorted);
    return middle;
}

static void assert_usual(uint64_t nanoseconds) {
    assert_in_range(nanoseconds, 200000, 2000000);
}

// ---- one cost

static double few_microseconds(uint64_t unit) {
    (void)unit;
    return 3300;
}

static double quick(uint64_t unit) {
    (void)unit;
    return 180;
}

static double five_milliseconds(uint64_t unit) {
    (void)unit;
    return 5e6;
}

static void test_begins_small_and_settles(void **state) {
    (void)state;
    const struct played *p = play(&(struct script){few_microseconds, kilobyte, 100000, false, {0}});
    for (size_t i = 0; i < IN_FLIGHT; i++)
        assert_int_equal(p->units[i], BATCH_SIZE_FIRST);
    for (size_t i = 4 * IN_FLIGHT; i + 1 < p->n; i++) // the last one has what is left
        assert_in_range(p->cost[i], 600000, 800000);
    assert_true(p->n < 100000 / 150);
}

static void test_growth_is_bounded(void **state) {
    (void)state;
    const struct played *p = play(&(struct script){quick, kilobyte, 100000, false, {0}});
    size_t most = BATCH_SIZE_FIRST;
    for (size_t i = 0; i < p->n; i++) {
        assert_true(p->units[i] <= most * BATCH_SIZE_GROWTH);
        most = p->units[i] > most ? p->units[i] : most;
    }
}

static void test_tiny_records(void **state) {
    (void)state;
    const struct played *p = play(&(struct script){quick, tiny, 1000000, false, {0}});
    assert_usual(median(p, 0));
}

static void test_one_unit_where_it_takes_milliseconds(void **state) {
    (void)state;
    const struct played *p = play(&(struct script){five_milliseconds, kilobyte, 200, false, {0}});
    for (size_t i = 0; i < p->n; i++)
        assert_int_equal(p->units[i], i < IN_FLIGHT ? BATCH_SIZE_FIRST : 1);
}

static double unread(uint64_t unit) {
    (void)unit;
    return 100;
}

// What costs next to nothing is bounded by its memory.
static void test_memory(void **state) {
    (void)state;
    const struct played *p = play(&(struct script){unread, kilobyte, 100000, false, {0}});
    size_t most = 0;
    for (size_t i = 0; i < p->n; i++)
        most = p->weight[i] > most ? p->weight[i] : most;
    assert_in_range(most, usual.weight_most + 1, usual.weight_room);
    p = play(&(struct script){few_microseconds, tiny, 1000000, false, {0}});
    for (size_t i = 0; i < p->n; i++)
        assert_true(p->weight[i] <= usual.weight_most + 40 && p->units[i] <= usual.units_most);
}

static void test_a_clock_that_stands_still(void **state) {
    (void)state;
    struct batch_size size;
    batch_size_init(&size, &usual);
    for (int i = 0; i < 100; i++)
        batch_size_observe(&size, batch_size_next(&size, 0).units, 1, 0);
    assert_int_equal(batch_size_next(&size, 0).units, usual.units_most);
    batch_size_observe(&size, 0, 0, 1000000); // nothing says nothing
    assert_int_equal(batch_size_next(&size, 0).units, usual.units_most);
    batch_size_observe(&size, 1, 1, UINT64_MAX);
    assert_int_equal(batch_size_next(&size, 0).units, 1);
}

// ---- costs that differ

static double noisy(uint64_t unit) {
    return 1000 + (double)(noise(unit) % 20000);
}

static void test_noise(void **state) {
    (void)state;
    const struct played *p = play(&(struct script){noisy, kilobyte, 200000, false, {0}});
    assert_usual(median(p, 0));
    size_t outside = 0;
    for (size_t i = 0; i < p->n; i++)
        outside += p->cost[i] < 200000 || p->cost[i] > 2000000;
    assert_true(outside < p->n / 20);
}

// One unit in two hundred takes two hundred times as long as the others.
static double skewed(uint64_t unit) {
    return noise(unit) % 200 == 0 ? 700000 : 3500;
}

static void test_skew(void **state) {
    (void)state;
    assert_usual(median(play(&(struct script){skewed, kilobyte, 200000, false, {0}}), 0));
}

// Every hundredth record is large, and costs by its size.
static size_t rarely_large(uint64_t unit) {
    return noise(unit) % 100 == 0 ? 200000 : 500;
}

static double by_weight(uint64_t unit) {
    return 3.0 * (double)rarely_large(unit);
}

static void test_sizes_differ(void **state) {
    (void)state;
    const struct played *p = play(&(struct script){by_weight, rarely_large, 100000, false, {0}});
    assert_usual(median(p, 0));
    uint64_t most = 0;
    for (size_t i = 4 * IN_FLIGHT; i < p->n; i++)
        most = p->cost[i] > most ? p->cost[i] : most;
    assert_true(most < 4000000); // hardly more than one large one costs
}

static double hundredfold_later(uint64_t unit) {
    return unit < 50000 ? 3500 : 350000;
}

static double hundredth_later(uint64_t unit) {
    return unit < 500 ? 350000 : 3500;
}

static void test_jump_up(void **state) {
    (void)state;
    const struct played *p = play(&(struct script){hundredfold_later, kilobyte, 60000, false, {0}});
    size_t first = 0;
    for (uint64_t at = 0; at < 50000; first++)
        at += p->units[first];
    for (size_t i = first + IN_FLIGHT; i < p->n; i++) // those on their way could not know
        assert_true(p->units[i] < 12);
    for (size_t i = first + IN_FLIGHT + 6; i < p->n; i++)
        assert_true(p->cost[i] <= 2000000);
}

static void test_jump_down(void **state) {
    (void)state;
    const struct played *p = play(&(struct script){hundredth_later, kilobyte, 60000, false, {0}});
    size_t first = 0;
    for (uint64_t at = 0; at < 500; first++)
        at += p->units[first];
    for (size_t i = first + 6 * IN_FLIGHT; i + 1 < p->n; i++)
        assert_usual(p->cost[i]);
}

// ---- ends, groups, filters

static void test_end_of_the_source(void **state) {
    (void)state;
    const struct script script = {few_microseconds, kilobyte, 20000, true, {0}};
    const struct played *p = play(&script);
    assert_usual(p->cost[p->n / 2]);
    uint64_t last = p->cost[p->n - 1];
    assert_true(last < 300000);
    for (size_t i = p->n - 6; i + 1 < p->n; i++)
        assert_true(p->units[i + 1] <= p->units[i]);
    // A single worker has nobody to wait for.
    struct script alone = script;
    alone.bounds = usual;
    alone.bounds.workers = 1;
    p = play(&alone);
    assert_in_range(p->cost[p->n - 2], 600000, 800000);
}

// A page of many rows each: the weight is rows.
static size_t rows_of_a_page(uint64_t unit) {
    return unit % 50 == 0 ? 50000 : 20;
}

static double by_rows(uint64_t unit) {
    return 2000 + 60.0 * (double)rows_of_a_page(unit);
}

static void test_groups(void **state) {
    (void)state;
    const struct batch_size_bounds groups = {.workers = WORKERS,
                                             .units_most = 4096,
                                             .weight_least = 1,
                                             .weight_first = 1024,
                                             .weight_most = 1 << 20,
                                             .weight_room = 1 << 20};
    const struct played *p = play(&(struct script){by_rows, rows_of_a_page, 5000, false, groups});
    for (size_t i = 2 * IN_FLIGHT; i < p->n; i++) {
        size_t pages = p->cost[i] / 3000000;
        assert_true(pages <= 1);
    }
}

// As many as keep all processes of a filter busy, however long these take.
static void test_filters(void **state) {
    (void)state;
    struct batch_size_bounds filtered = usual;
    filtered.units_least = 19;
    const struct played *p = play(&(struct script){five_milliseconds, kilobyte, 2000, false, filtered});
    for (size_t i = 0; i + 1 < p->n; i++)
        assert_int_equal(p->units[i], 19);
}

static void test_fixed(void **state) {
    (void)state;
    struct batch_size_bounds fixed = usual;
    fixed.fixed = 10;
    const struct played *p = play(&(struct script){five_milliseconds, kilobyte, 95, true, fixed});
    assert_int_equal(p->n, 10);
    assert_int_equal(p->units[9], 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begins_small_and_settles),
        cmocka_unit_test(test_growth_is_bounded),
        cmocka_unit_test(test_tiny_records),
        cmocka_unit_test(test_one_unit_where_it_takes_milliseconds),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_a_clock_that_stands_still),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_skew),
        cmocka_unit_test(test_sizes_differ),
        cmocka_unit_test(test_jump_up),
        cmocka_unit_test(test_jump_down),
        cmocka_unit_test(test_end_of_the_source),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_fixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
