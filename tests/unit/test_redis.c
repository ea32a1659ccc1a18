// SPDX-License-Identifier: MIT
// The redis tier with a real server that is well, goes and comes back; what is in it is not always ours.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cache/cache.h"
#include "cache/memory.h"
#include "cache/redis.h"
#include "cache/redis_private.h"
#include "tests/support/redis_server.h"

static const int64_t milli = 1000000;

static struct cache_key key_of(unsigned i) {
    return (struct cache_key){.category = i % 3 == 0 ? CACHE_THROUGH : CACHE_RENDER,
                              .digest = digest_of((struct str){(const char *)&i, sizeof i})};
}

static struct cache_value *value_of(unsigned i) {
    struct clock clock = clock_system();
    struct cache_value *value = cache_value_new(i % 3000, clock.wall(clock.self));
    for (size_t k = 0; k < value->n; k++)
        value->bytes[k] = (char)(k % 7 == 0 ? i * k >> 3 : i);
    return value;
}

static bool put_one(const struct cache_tier *tier, unsigned i) {
    struct cache_value *value = value_of(i);
    bool kept = tier->put(tier->self, key_of(i), value);
    cache_value_drop(value);
    return kept;
}

static bool is_right(const struct cache_value *value, unsigned i) {
    struct cache_value *wanted = value_of(i);
    bool right = value->n == wanted->n && memcmp(value->bytes, wanted->bytes, value->n) == 0;
    cache_value_drop(wanted);
    return right;
}

static bool has(const struct cache_tier *tier, unsigned i) {
    struct cache_value *value = tier->get(tier->self, key_of(i));
    bool there = value != NULL;
    if (there)
        assert_true(is_right(value, i));
    cache_value_drop(value);
    return there;
}

static struct redis_options options_of(const char *url, const struct clock *clock, const struct fs *fs) {
    return (struct redis_options){.url = str_of(url),
                                  .clock = clock,
                                  .fs = fs,
                                  .connect_limit = (uint64_t)(5000 * milli),
                                  .command_limit = (uint64_t)(5000 * milli)};
}

static struct cache_tier open_tier(struct redis_options options, struct redis **redis) {
    static struct clock clock;
    static struct fs fs;
    struct err err = {0};
    clock = clock_system();
    fs = fs_system();
    options.clock = &clock;
    options.fs = &fs;
    if (redis_open(&options, redis, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return redis_tier(*redis);
}

static void test_values(void **state) {
    struct redis_server *server = *state;
    struct redis *redis;
    struct cache_tier tier = open_tier(options_of(server->url, NULL, NULL), &redis);
    assert_false(has(&tier, 1));
    for (unsigned i = 0; i < 1000; i++)
        assert_true(put_one(&tier, i));
    tier.flush(tier.self);
    for (unsigned i = 0; i < 1000; i++)
        assert_true(has(&tier, i));
    assert_false(has(&tier, 1000));
    struct cache_key keys[300];
    struct cache_value *values[300];
    for (unsigned i = 0; i < 300; i++)
        keys[i] = key_of(i * 5);
    uint64_t before = redis_stats(redis).round_trips;
    tier.get_many(tier.self, keys, 300, values);
    assert_int_equal(redis_stats(redis).round_trips, before + 3);
    for (unsigned i = 0; i < 300; i++) {
        assert_int_equal(values[i] != NULL, i * 5 < 1000);
        if (values[i])
            assert_true(is_right(values[i], i * 5));
        cache_value_drop(values[i]);
    }
    tier.invalidate(tier.self, key_of(7));
    assert_false(has(&tier, 7));
    tier.clear(tier.self, CACHE_THROUGH);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(has(&tier, i), i % 3 != 0 && i != 7);
    struct cache_stats stats;
    tier.stats(tier.self, &stats);
    assert_int_equal(stats.categories[CACHE_THROUGH].invalidated, 334);
    assert_int_equal(stats.categories[CACHE_RENDER].invalidated, 1);
    assert_int_equal(stats.categories[CACHE_THROUGH].puts, 334);
    assert_int_equal(stats.damaged, 0);
    assert_int_equal(stats.failed, 0);
    assert_int_equal(redis_stats(redis).lost, 0);
    assert_int_equal(redis_stats(redis).connects, 1);
    tier.clear(tier.self, CACHE_RENDER);
    tier.close(tier.self);
}

static struct redis_server *started;

static int start(void **state) {
    started = calloc(1, sizeof *started);
    *state = started;
    return started && redis_server_start(started) ? 0 : -1;
}

static int stop(void **state) {
    redis_server_stop(*state);
    free(*state);
    return 0;
}

int main(void) {
    if (!redis_server_there()) {
        printf("skipped: redis-server is not installed\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
