// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "monitor/distribution_json.h"

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void test_empty(void **state) {
    (void)state;
    struct histogram h = {0}, other = {0};
    assert_int_equal(histogram_quantile(&h, 0.5), 0);
    assert_true(histogram_mean(&h) == 0);
    histogram_merge(&h, &other);
    histogram_clear(&h);
    assert_int_equal(h.n, 0);
    histogram_release(&h);
}

static void test_extremes(void **state) {
    (void)state;
    struct histogram h = {0};
    histogram_add(&h, UINT64_MAX);
    histogram_add(&h, 0);
    histogram_add(&h, 255);
    histogram_add(&h, 256);
    assert_int_equal(histogram_quantile(&h, 0), 0);
    assert_int_equal(histogram_quantile(&h, 0.5), 255);
    assert_int_equal(histogram_quantile(&h, 0.75), 256);
    assert_true(histogram_quantile(&h, 1) == UINT64_MAX);
    histogram_release(&h);
}

// Every value, alone, comes back within the bound.
static void test_bound_of_single_values(void **state) {
    (void)state;
    for (uint64_t v = 1; v < UINT64_MAX / 3; v = v + v / 97 + 1) {
        struct histogram h = {0};
        histogram_add(&h, 0);
        histogram_add(&h, v);
        histogram_add(&h, UINT64_MAX);
        uint64_t got = histogram_quantile(&h, 0.6);
        double error = fabs((double)got - (double)v) / (double)v;
        if (error > HISTOGRAM_ERROR)
            fail_msg("%llu came back as %llu", (unsigned long long)v, (unsigned long long)got);
        histogram_release(&h);
    }
}

// Quantiles of many values, filled by two and merged, against sorting.
static void test_quantiles_of_merged(void **state) {
    (void)state;
    enum { N = 20000 };
    uint64_t *values = MEM_NEW_ARRAY(uint64_t, N), seed = 1;
    struct histogram halves[2] = {{0}, {0}};
    double sum = 0;
    for (int i = 0; i < N; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        values[i] = (seed >> 33) >> (seed % 20);
        sum += (double)values[i];
        histogram_add(&halves[i % 2], values[i]);
    }
    histogram_merge(&halves[0], &halves[1]);
    qsort(values, N, sizeof *values, by_value);
    for (double q = 0; q <= 1; q += 0.001) {
        size_t rank = (size_t)ceil(q * N);
        double want = (double)values[rank ? rank - 1 : 0], got = (double)histogram_quantile(&halves[0], q);
        assert_true(fabs(got - want) <= HISTOGRAM_ERROR * want);
    }
    assert_int_equal(halves[0].n, N);
    assert_true(halves[0].max == values[N - 1] && halves[0].min == values[0]);
    assert_true(fabs(histogram_mean(&halves[0]) - sum / N) < 1e-6 * sum / N);
    histogram_release(&halves[0]);
    histogram_release(&halves[1]);
    mem_free(values);
}

// ---- as sessions keep it

static json_t *load(const char *text) {
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

static void test_kept_and_read(void **state) {
    (void)state;
    struct histogram h = {0}, back = {0};
    uint64_t seed = 7;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        histogram_add(&h, 100 + ((seed >> 33) >> (seed >> 50) % 20));
    }
    json_t *json = distribution_json(&h);
    assert_true(json_array_size(json_object_get(json, "buckets")) < 2000);
    assert_true(distribution_read(json, &back));
    assert_int_equal(back.n, h.n);
    assert_int_equal(back.max, h.max);
    assert_true(fabs(back.sum / h.sum - 1) < 1e-9);
    for (double q = 0; q <= 1; q += 0.001) {
        double want = (double)histogram_quantile(&h, q), got = (double)histogram_quantile(&back, q);
        if (fabs(got - want) > (HISTOGRAM_ERROR + HISTOGRAM_COARSE_ERROR) * want + 2)
            fail_msg("quantile %g: %g is not %g", q, got, want);
    }
    json_decref(json);
    histogram_release(&h);
    histogram_release(&back);
}

// Where buckets begin is documented: what is kept is read in years.
static void test_coarse_buckets(void **state) {
    (void)state;
    for (uint64_t v = 0; v < UINT64_MAX / 3; v = v + v / 97 + 1) {
        struct histogram h = {0};
        uint32_t next = 0, b;
        uint64_t count;
        histogram_add_times(&h, v, 3);
        assert_true(histogram_next(&h, &next, &b, &count));
        assert_true(count == 3 && b < HISTOGRAM_COARSE_BUCKETS);
        const uint64_t low = b < 64 ? 4 * (uint64_t)b : (uint64_t)(b % 32 + 32) << (b / 32 + 1),
                       high = b < 64 ? low + 4 : low + ((uint64_t)1 << (b / 32 + 1));
        if (v < low || v >= high || histogram_middle(b) < low || histogram_middle(b) >= high)
            fail_msg("%llu is in bucket %u", (unsigned long long)v, b);
        assert_false(histogram_next(&h, &next, &b, &count));
        histogram_release(&h);
    }
}

static void test_no_histogram(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{}",
        "5",
        "{\"max\": 1, \"mean\": 1}",
        "{\"max\": 1, \"mean\": 1, \"buckets\": []}",
        "{\"max\": 1, \"mean\": 1, \"buckets\": {}}",
        "{\"max\": 1, \"mean\": 1, \"buckets\": [5]}",
        "{\"max\": 1, \"mean\": 1, \"buckets\": [5, 0]}",
        "{\"max\": 1, \"mean\": 1, \"buckets\": [5, -1]}",
        "{\"max\": 1, \"mean\": 1, \"buckets\": [-5, 1]}",
        "{\"max\": 1, \"mean\": 1, \"buckets\": [5, 1.5]}",
        "{\"max\": 1, \"mean\": 1, \"buckets\": [5, \"1\"]}",
        "{\"max\": 1, \"mean\": 1, \"buckets\": [5, 1, 0, 1]}",
        "{\"max\": 1, \"mean\": 1, \"buckets\": [5, 1, -1, 1]}",
        "{\"max\": 1, \"mean\": 1, \"buckets\": [1000, 1, 856, 1]}", // there are not so many
        "{\"max\": 1, \"mean\": 1, \"buckets\": [5, 1, 9223372036854775807, 1]}",
        "{\"max\": 1, \"mean\": 1, \"buckets\": [5, 9000000000000000000]}",
        "{\"max\": 1, \"mean\": 1, \"buckets\": [1855, 1]}", // beyond the greatest
        "{\"max\": 1, \"mean\": 2, \"buckets\": [5, 1]}",
        "{\"max\": -1, \"mean\": -1, \"buckets\": [5, 1]}",
        "{\"max\": 1e300, \"mean\": 1, \"buckets\": [5, 1]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct histogram h = {0};
        json_t *json = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        if (distribution_read(json, &h) || h.n || h.counts)
            fail_msg("%s", texts[i]);
        json_decref(json);
    }
    struct histogram h = {0};
    json_t *json = load("{\"max\": 1e-6, \"mean\": 5e-7, \"buckets\": [5, 5000000000]}");
    assert_true(distribution_read(json, &h));
    assert_true(h.n == 5000000000);
    json_decref(json);
    histogram_release(&h);
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_bound_of_single_values),
        cmocka_unit_test(test_quantiles_of_merged),
        cmocka_unit_test(test_kept_and_read),
        cmocka_unit_test(test_no_histogram),
        cmocka_unit_test(test_coarse_buckets),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
