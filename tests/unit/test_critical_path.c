// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/mem.h"
#include "monitor/critical_path.h"

enum { MOST = 1 << 16 };

static const struct path_mark none = {0, 0};

// A span of row `row`, in what it waits for two marks at most.
static struct path_mark add(struct critical_path *path, uint32_t lane, uint32_t row, uint64_t from,
                            uint64_t to, struct path_mark a, struct path_mark b) {
    const struct path_mark after[] = {a, b};
    return critical_path_add(path, lane, &(struct path_span){.from = from, .to = to, .row = row}, after, 2);
}

static void expect_rows(const struct critical_path *path, const uint32_t *rows, size_t rows_n, bool whole) {
    size_t n;
    bool is_whole;
    uint64_t *ids = critical_path_find(path, &n, &is_whole);
    assert_int_equal(n, rows_n);
    assert_int_equal(is_whole, whole);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(critical_path_span(path, ids[i])->row, rows[i]);
    mem_free(ids);
}
#define EXPECT(path, whole, ...)                                                                             \
    expect_rows(path, (const uint32_t[]){__VA_ARGS__},                                                       \
                sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), whole)

static void test_nothing(void **state) {
    (void)state;
    struct critical_path *path = critical_path_new(2, MOST);
    size_t n;
    bool whole;
    uint64_t *ids = critical_path_find(path, &n, &whole);
    assert_int_equal(n, 0);
    assert_true(whole);
    mem_free(ids);
    critical_path_free(path);
    critical_path_free(NULL);
}

// Two branches of a diamond: the longer one, on whichever worker.
static void test_diamond(void **state) {
    (void)state;
    struct critical_path *path = critical_path_new(2, MOST);
    const struct path_mark top = add(path, 0, 0, 10, 20, none, none);
    const struct path_mark quick = add(path, 0, 1, 20, 25, top, none);
    const struct path_mark slow = add(path, 1, 2, 22, 60, top, none);
    add(path, 0, 3, 63, 70, quick, slow);
    EXPECT(path, true, 0, 2, 3);
    uint64_t times[4] = {0}, asides[4] = {0};
    size_t n;
    bool whole;
    uint64_t *ids = critical_path_find(path, &n, &whole);
    assert_int_equal(critical_path_sum(path, ids, n, times, asides), 2 + 3);
    assert_int_equal(times[0] + times[1] * 100 + times[2] + times[3], 10 + 38 + 7);
    assert_int_equal(critical_path_lane(ids[1]), 1);
    mem_free(ids);
    critical_path_free(path);
}

// What was ready long ago waited for the worker that did something else.
static void test_busy_worker(void **state) {
    (void)state;
    struct critical_path *path = critical_path_new(1, MOST);
    const struct path_mark ready = add(path, 0, 0, 0, 10, none, none);
    add(path, 0, 1, 10, 50, none, none);
    add(path, 0, 2, 50, 60, ready, none);
    EXPECT(path, true, 0, 1, 2);
    critical_path_free(path);
}

// A write that is early waits for the turn before it, and that one for a slow rendering of another worker.
static void test_turns(void **state) {
    (void)state;
    struct critical_path *path = critical_path_new(2, MOST);
    const struct path_mark slow = add(path, 0, 0, 0, 100, none, none);
    const struct path_mark early = add(path, 1, 1, 0, 30, none, none);
    const struct path_mark first = add(path, 0, 2, 100, 110, slow, none);
    add(path, 0, 3, 110, 120, early, first);
    EXPECT(path, true, 0, 2, 3);
    critical_path_free(path);
}

// Of a worker and the work itself that ended together, the work; a mark from the future is none.
static void test_ties_and_late_marks(void **state) {
    (void)state;
    struct critical_path *path = critical_path_new(2, MOST);
    const struct path_mark data = add(path, 1, 0, 0, 40, none, none);
    add(path, 0, 1, 0, 40, none, none);
    const struct path_mark late = add(path, 1, 2, 40, 41, none, none);
    add(path, 0, 3, 40, 90, late, data);
    EXPECT(path, true, 0, 3);
    critical_path_free(path);
}

// Spans beside the workers overlap, and do not wait for each other unless they say so.
static void test_beside(void **state) {
    (void)state;
    struct critical_path *path = critical_path_new(1, MOST);
    const struct path_mark given = add(path, 0, 0, 0, 10, none, none);
    const struct path_mark long_one = add(path, 1, 1, 12, 90, given, none);
    const struct path_mark short_one = add(path, 1, 2, 12, 40, given, none);
    const struct path_mark next = add(path, 1, 3, 41, 70, given, short_one);
    add(path, 0, 4, 95, 99, long_one, next);
    EXPECT(path, true, 0, 1, 4);
    critical_path_free(path);
    path = critical_path_new(1, MOST);
    add(path, 1, 5, 0, 90, none, none); // the last of all, and not the last that was added
    add(path, 1, 6, 0, 80, none, none);
    EXPECT(path, true, 5);
    critical_path_free(path);
}

static void test_asides(void **state) {
    (void)state;
    struct critical_path *path = critical_path_new(1, MOST);
    uint64_t times[2] = {0}, asides[2] = {0};
    critical_path_add(path, 0, &(struct path_span){.from = 5, .to = 25, .aside = 8, .row = 1}, NULL, 0);
    size_t n;
    bool whole;
    uint64_t *ids = critical_path_find(path, &n, &whole);
    assert_int_equal(critical_path_sum(path, ids, n, times, asides), 0);
    assert_int_equal(times[1], 12);
    assert_int_equal(asides[1], 8);
    assert_int_equal(times[0] + asides[0], 0);
    mem_free(ids);
    critical_path_free(path);
}

// The oldest give way: what is left is the end of the path, and it is said that it is not all of it.
static void test_bounded(void **state) {
    (void)state;
    enum { SPANS = 5000 };
    struct critical_path *path = critical_path_new(1, 1024);
    for (uint64_t i = 0; i < SPANS; i++)
        add(path, 0, (uint32_t)i, i * 10, i * 10 + 7, none, none);
    size_t n;
    bool whole;
    uint64_t *ids = critical_path_find(path, &n, &whole);
    assert_false(whole);
    assert_in_range(n, 256, 1024);
    assert_int_equal(critical_path_span(path, ids[n - 1])->row, SPANS - 1);
    assert_int_equal(critical_path_span(path, ids[0])->row, SPANS - n);
    mem_free(ids);
    critical_path_free(path);
}

// ---- made-up runs

static uint64_t draw(uint64_t *seed, uint64_t below) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % below;
}

enum { NODES_MOST = 400, WORKERS_MOST = 4 };

struct made_up {
    uint64_t from[NODES_MOST], to[NODES_MOST];
    uint32_t before[NODES_MOST][3], lane[NODES_MOST], released[NODES_MOST]; // node + 1; 0: none
    size_t n;
    uint32_t workers;
};

// Runs nodes in order, each on the worker that is free first, as soon as what it needs and the worker are there.
static void run(struct made_up *made, struct critical_path *path, uint64_t *seed) {
    struct path_mark marks[NODES_MOST];
    uint64_t free_at[WORKERS_MOST] = {0};
    uint32_t last[WORKERS_MOST] = {0};
    for (size_t i = 0; i < made->n; i++) {
        struct path_mark after[3] = {{0, 0}};
        uint32_t lane = 0;
        for (uint32_t w = 1; w < made->workers; w++)
            lane = free_at[w] < free_at[lane] ? w : lane;
        uint64_t ready = 0;
        made->released[i] = 0;
        for (size_t k = 0; k < 3; k++) {
            const uint32_t b = made->before[i][k] = i ? (uint32_t)draw(seed, i + 1) : 0;
            after[k] = b ? marks[b - 1] : none;
            if (b && (!made->released[i] || made->to[b - 1] > ready)) {
                ready = made->to[b - 1];
                made->released[i] = b;
            }
        }
        if (last[lane] && (!made->released[i] || free_at[lane] > ready)) {
            ready = free_at[lane];
            made->released[i] = last[lane];
        }
        made->lane[i] = lane;
        made->from[i] = ready + draw(seed, 3) * draw(seed, 20);
        made->to[i] = made->from[i] + draw(seed, 100);
        free_at[lane] = made->to[i];
        last[lane] = (uint32_t)i + 1;
        marks[i] = critical_path_add(
            path, lane, &(struct path_span){.from = made->from[i], .to = made->to[i], .row = (uint32_t)i},
            after, 3);
    }
}

static uint32_t last_node(const struct made_up *made) {
    uint32_t last = 0;
    for (uint32_t i = 1; i < made->n; i++)
        if (made->to[i] > made->to[last] ||
            (made->to[i] == made->to[last] && made->lane[i] < made->lane[last]))
            last = i;
        else if (made->to[i] == made->to[last] && made->lane[i] == made->lane[last])
            last = i;
    return last;
}

// The path is the one that was made up, its spans do not overlap, and with what is between them they are the whole time.
static void test_made_up_runs(void **state) {
    (void)state;
    uint64_t seed = 1;
    for (int round = 0; round < 1000; round++) {
        static struct made_up made;
        uint64_t times[NODES_MOST] = {0}, asides[NODES_MOST] = {0}, sum = 0;
        made.n = 1 + draw(&seed, NODES_MOST - 1);
        made.workers = 1 + (uint32_t)draw(&seed, WORKERS_MOST);
        struct critical_path *path = critical_path_new(made.workers, MOST);
        run(&made, path, &seed);
        size_t n;
        bool whole;
        uint64_t *ids = critical_path_find(path, &n, &whole);
        assert_true(whole && n > 0);
        uint32_t node = last_node(&made) + 1;
        const uint64_t end = made.to[node - 1];
        for (size_t i = n; i-- > 0; node = made.released[node - 1]) {
            assert_true(node);
            const struct path_span *span = critical_path_span(path, ids[i]);
            assert_int_equal(span->row, node - 1);
            assert_true(i == 0 || span->from >= critical_path_span(path, ids[i - 1])->to);
        }
        assert_int_equal(node, 0);
        const uint64_t between = critical_path_sum(path, ids, n, times, asides);
        for (size_t i = 0; i < made.n; i++)
            sum += times[i];
        assert_int_equal(sum + between, end - critical_path_span(path, ids[0])->from);
        mem_free(ids);
        critical_path_free(path);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_diamond),
        cmocka_unit_test(test_busy_worker),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_ties_and_late_marks),
        cmocka_unit_test(test_beside),
        cmocka_unit_test(test_asides),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_made_up_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
