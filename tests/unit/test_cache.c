// SPDX-License-Identifier: MIT
// The memory tier, and reading through several tiers.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <pthread.h>
#include <stdio.h>

#include "cache/cache.h"
#include "cache/memory.h"

static struct cache_key key_of(unsigned i) {
    return (struct cache_key){.category = i % 3 == 0 ? CACHE_THROUGH : CACHE_RENDER,
                              .digest = digest_of((struct str){(const char *)&i, sizeof i})};
}

static bool put_one(const struct cache_tier *tier, unsigned i, size_t n) {
    struct cache_value *value = cache_value_new(n, 0);
    memset(value->bytes, (int)(i & 255), n);
    bool kept = tier->put(tier->self, key_of(i), value);
    cache_value_drop(value);
    return kept;
}

static bool is_right(const struct cache_value *value, unsigned i) {
    for (size_t k = 0; k < value->n; k++)
        if ((unsigned char)value->bytes[k] != (i & 255))
            return false;
    return true;
}

static bool has(const struct cache_tier *tier, unsigned i) {
    struct cache_value *value = tier->get(tier->self, key_of(i));
    bool there = value != NULL;
    if (there)
        assert_true(is_right(value, i));
    cache_value_drop(value);
    return there;
}

static void test_memory(void **state) {
    (void)state;
    struct cache_tier tier = memory_tier(memory_new(16 << 20));
    struct cache_stats stats;
    assert_false(has(&tier, 1));
    for (unsigned i = 0; i < 5000; i++)
        assert_true(put_one(&tier, i, i % 300));
    for (unsigned i = 0; i < 5000; i++)
        assert_true(has(&tier, i));
    struct cache_value *held = tier.get(tier.self, key_of(7));
    tier.invalidate(tier.self, key_of(7));
    assert_false(has(&tier, 7));
    assert_true(is_right(held, 7)); // who holds it keeps it
    tier.invalidate(tier.self, key_of(7));
    tier.clear(tier.self, CACHE_THROUGH);
    for (unsigned i = 0; i < 5000; i++)
        assert_int_equal(has(&tier, i), i % 3 != 0 && i != 7);
    assert_true(put_one(&tier, 8, 10));
    tier.stats(tier.self, &stats);
    assert_int_equal(stats.entries, 5000 - 1667 - 1);
    assert_int_equal(stats.categories[CACHE_THROUGH].invalidated, 1667);
    assert_int_equal(stats.categories[CACHE_RENDER].invalidated, 1);
    assert_int_equal(stats.categories[CACHE_RENDER].puts, 3334);
    assert_int_equal(stats.evictions, 0);
    tier.close(tier.self);
    assert_true(is_right(held, 7));
    cache_value_drop(held);
}

static void test_bound(void **state) {
    (void)state;
    struct cache_tier tier = memory_tier(memory_new(1 << 20));
    struct cache_stats stats;
    assert_false(put_one(&tier, 1, 1 << 20));
    assert_true(put_one(&tier, 1, 100));
    for (unsigned i = 2; i < 20000; i++) {
        put_one(&tier, i, i % 500);
        assert_true(has(&tier, 1)); // asked for again and again, so it stays
    }
    tier.stats(tier.self, &stats);
    assert_in_range(stats.bytes, 1 << 19, 1 << 20);
    assert_true(stats.evictions > 10000);
    assert_int_equal(stats.entries + stats.evictions, 19999);
    tier.close(tier.self);
}

struct job {
    struct cache_tier *tier;
    unsigned seed, wrong;
};

static void *run_job(void *context) {
    struct job *job = context;
    unsigned seed = job->seed;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245u + 12345;
        unsigned key = (seed >> 8) % 3000;
        struct cache_value *value = job->tier->get(job->tier->self, key_of(key));
        if (value)
            job->wrong += !is_right(value, key);
        else
            put_one(job->tier, key, key % 400);
        cache_value_drop(value);
        if (seed >> 25 == 5)
            job->tier->invalidate(job->tier->self, key_of(key));
        if (seed >> 19 == 5)
            job->tier->clear(job->tier->self, CACHE_THROUGH);
    }
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    struct cache_tier tier = memory_tier(memory_new(512 << 10));
    pthread_t threads[4];
    struct job jobs[4];
    for (unsigned i = 0; i < 4; i++) {
        jobs[i] = (struct job){.tier = &tier, .seed = i};
        assert_int_equal(pthread_create(&threads[i], NULL, run_job, &jobs[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(jobs[i].wrong, 0);
    }
    tier.close(tier.self);
}

static int64_t scripted_wall(void *self) {
    return *(int64_t *)self;
}

static void test_through(void **state) {
    (void)state;
    int64_t now = 1000;
    struct clock clock = clock_system();
    clock.self = &now;
    clock.wall = scripted_wall;
    struct cache_tier first = memory_tier(memory_new(1 << 20)), second = memory_tier(memory_new(1 << 20));
    struct cache *cache = cache_open((struct cache_tier[]){first, second}, 2, &clock);
    struct cache_key key = {CACHE_SOURCE, digest_of(STR("x"))};
    assert_null(cache_get(cache, key, NULL));
    cache_put(cache, key, 0, STR("tables"));
    first.invalidate(first.self, key);
    for (unsigned tier = 2; tier-- > 0;) { // from the second, which fills the first
        struct cache_value *value = cache_get(cache, key, NULL);
        assert_non_null(value);
        assert_memory_equal(value->bytes, "tables", 6);
        cache_value_drop(value);
        struct cache_category_report report = cache_report(cache, CACHE_SOURCE);
        assert_int_equal(report.tier_hits[tier], 1);
    }
    struct cache_policy policy = cache_policy(cache, CACHE_SOURCE);
    now += policy.lifetime - 1;
    cache_value_drop(cache_get(cache, key, NULL));
    now++;
    assert_null(cache_get(cache, key, NULL));
    struct cache_category_report report = cache_report(cache, CACHE_SOURCE);
    assert_int_equal(report.hits, 3);
    assert_int_equal(report.misses, 2);
    assert_int_equal(report.expired, 2);
    cache_put(cache, key, 0, STR("tables"));
    policy.refresh = true;
    cache_set_policy(cache, CACHE_SOURCE, policy);
    assert_null(cache_get(cache, key, NULL));
    policy = (struct cache_policy){.largest = 5, .tiers = 2};
    cache_set_policy(cache, CACHE_SOURCE, policy);
    cache_value_drop(cache_get(cache, key, NULL));
    cache_put(cache, (struct cache_key){CACHE_SOURCE, digest_of(STR("y"))}, 0, STR("too long"));
    report = cache_report(cache, CACHE_SOURCE);
    assert_int_equal(report.refused, 1);
    assert_int_equal(report.tier_hits[1], 2);
    cache_invalidate(cache, key);
    assert_null(cache_get(cache, key, NULL));
    cache_clear(cache, CACHE_SOURCE);
    cache_flush(cache);
    struct cache_stats stats;
    for (unsigned i = 0; i < cache_tiers(cache); i++) {
        assert_int_equal(cache_tier_stats(cache, i, &stats), CACHE_MEMORY);
        assert_int_equal(stats.entries, 0);
    }
    cache_close(cache);
    enum cache_category category;
    assert_true(cache_category_find(STR("through"), &category));
    assert_int_equal(category, CACHE_THROUGH);
    assert_string_equal(cache_category_name(CACHE_SOURCE), "source");
    assert_false(cache_category_find(STR("Through"), &category));
}

struct far { // a tier that is asked for many at once
    struct cache_tier inner;
    unsigned calls, keys;
};

static void get_far(void *self, const struct cache_key *keys, unsigned n, struct cache_value **values) {
    struct far *far = self;
    far->calls++;
    far->keys += n;
    for (unsigned i = 0; i < n; i++)
        values[i] = far->inner.get(far->inner.self, keys[i]);
}

static bool put_far(void *self, struct cache_key key, struct cache_value *value) {
    struct far *far = self;
    return far->inner.put(far->inner.self, key, value);
}

static void close_far(void *self) {
    struct far *far = self;
    far->inner.close(far->inner.self);
}

// Each tier is asked for what none before it has; what comes fills those before, and counts for its category.
static void test_many(void **state) {
    (void)state;
    enum { N = 250 };
    int64_t now = 1000;
    struct clock clock = clock_system();
    clock.self = &now;
    clock.wall = scripted_wall;
    struct far far = {.inner = memory_tier(memory_new(4 << 20))};
    struct cache_tier near = memory_tier(memory_new(4 << 20)),
                      last = {.self = &far, .get_many = get_far, .put = put_far, .close = close_far};
    struct cache *cache = cache_open((struct cache_tier[]){near, last}, 2, &clock);
    struct cache_key keys[N];
    struct cache_value *values[N];
    for (unsigned i = 0; i < N; i++) {
        keys[i] = key_of(i);
        if (i % 5 != 4)
            put_one(i % 5 == 0 ? &near : &far.inner, i, i % 100);
    }
    for (unsigned round = 0; round < 2; round++) {
        cache_get_many(cache, keys, N, values, NULL);
        for (unsigned i = 0; i < N; i++) {
            assert_int_equal(values[i] != NULL, i % 5 != 4);
            assert_true(!values[i] || (values[i]->n == i % 100 && is_right(values[i], i)));
            cache_value_drop(values[i]);
        }
        assert_int_equal(far.calls, 3 * (round + 1));
        assert_int_equal(far.keys, 200 + 50 * round);
    }
    struct cache_category_report through = cache_report(cache, CACHE_THROUGH),
                                 render = cache_report(cache, CACHE_RENDER);
    assert_int_equal(through.hits + render.hits, 400);
    assert_int_equal(through.tier_hits[1] + render.tier_hits[1], 150);
    assert_int_equal(through.misses + render.misses, 100);
    assert_int_equal(through.hits + through.misses, 2 * 84);
    assert_int_equal(through.get_timed[1] + render.get_timed[1], 250);
    struct cache_policy policy = cache_policy(cache, CACHE_THROUGH);
    policy.lifetime = 500; // all were made at 0
    cache_set_policy(cache, CACHE_THROUGH, policy);
    policy = cache_policy(cache, CACHE_RENDER);
    policy.refresh = true;
    cache_set_policy(cache, CACHE_RENDER, policy);
    cache_get_many(cache, keys, N, values, NULL);
    for (unsigned i = 0; i < N; i++)
        assert_null(values[i]);
    assert_int_equal(cache_report(cache, CACHE_THROUGH).expired,
                     67 + 50); // of the first, and of the second
    cache_get_many(cache, keys, 0, values, NULL);
    cache_close(cache);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),  cmocka_unit_test(test_bound), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_through), cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
