// SPDX-License-Identifier: MIT
// The redis tier with a real server: what is put is there, for others too, until it expires or is taken away; and what
// others put there under our keys is not served.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "cache/cache.h"
#include "cache/memory.h"
#include "tests/support/redis_run.h"
#include "tests/support/redis_server.h"

static const int64_t milli = 1000000;

static struct redis_item raw(const struct redis_server *server, unsigned n, const struct str *words) {
    return redis_run_raw(server->url, words, n, NULL);
}

#define RAW(server, ...)                                                                                     \
    raw((server), sizeof((struct str[]){__VA_ARGS__}) / sizeof(struct str), (struct str[]){__VA_ARGS__})

static struct cache_stats stats_of(struct redis_run *run) {
    struct cache_stats stats;
    run->tier.stats(run->tier.self, &stats);
    return stats;
}

static void get_many(struct redis_run *run, unsigned n, unsigned step, unsigned below) {
    struct cache_key *keys = MEM_NEW_ARRAY(struct cache_key, n);
    struct cache_value **values = MEM_NEW_ARRAY(struct cache_value *, n);
    for (unsigned i = 0; i < n; i++)
        keys[i] = redis_run_key(i * step);
    run->tier.get_many(run->tier.self, keys, n, values);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(values[i] != NULL, i * step < below);
        assert_true(!values[i] || redis_run_is_right(values[i], i * step));
        cache_value_drop(values[i]);
    }
    mem_free(keys);
    mem_free(values);
}

static void test_values(void **state) {
    const struct redis_server *server = *state;
    struct redis_run run, other;
    redis_run_open(&run, server->url, (struct redis_options){0});
    redis_run_open(&other, server->tcp, (struct redis_options){0});
    assert_false(redis_run_has(&run, 1));
    for (unsigned i = 0; i < 1000; i++)
        assert_true(redis_run_put(&run, i));
    run.tier.flush(run.tier.self);
    assert_int_equal(redis_stats(run.redis).round_trips, 1 + 1000 / REDIS_BATCH); // the miss; ten times SET
    for (unsigned i = 0; i < 1000; i++)
        assert_true(redis_run_has(&other, i));
    assert_false(redis_run_has(&other, 1000));
    uint64_t before = redis_stats(run.redis).round_trips;
    get_many(&run, 300, 5, 1000);
    assert_int_equal(redis_stats(run.redis).round_trips, before + 3);
    run.tier.invalidate(run.tier.self, redis_run_key(7));
    assert_false(redis_run_has(&other, 7));
    redis_run_put(&other, 8000); // in nobody's sight yet, but cleared all the same
    redis_run_put(&other, 8001);
    other.tier.clear(other.tier.self, CACHE_RENDER);
    other.tier.flush(other.tier.self);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(redis_run_has(&run, i), i % 3 == 0);
    assert_false(redis_run_has(&run, 8000));
    assert_true(redis_run_has(&run, 8001)); // the other category
    assert_int_equal(stats_of(&run).categories[CACHE_RENDER].invalidated, 1);
    assert_int_equal(stats_of(&other).categories[CACHE_RENDER].invalidated, 665 + 1);
    assert_int_equal(stats_of(&run).categories[CACHE_THROUGH].puts, 334);
    assert_int_equal(stats_of(&run).categories[CACHE_RENDER].misses, 1 + 67 + 666 + 1);
    for (struct redis_run *each = &run; each; each = each == &run ? &other : NULL) {
        assert_int_equal(stats_of(each).damaged, 0);
        assert_int_equal(stats_of(each).failed, 0);
        assert_int_equal(redis_stats(each->redis).lost, 0);
        assert_int_equal(redis_stats(each->redis).connects, 1);
        assert_string_equal(redis_stats(each->redis).last_error, "");
    }
    redis_run_close(&run);
    redis_run_close(&other);
}

// What waits is sent when the tier is closed, and a category is cleared page by page without touching its neighbours.
static void test_clear(void **state) {
    const struct redis_server *server = *state;
    struct redis_run run;
    redis_run_open(&run, server->url, (struct redis_options){.prefix = STR("other.house"), .batch = 5000});
    for (unsigned i = 0; i < 6000; i++)
        redis_run_put(&run, i);
    redis_run_close(&run);
    redis_run_open(&run, server->url, (struct redis_options){.prefix = STR("other.house")});
    for (unsigned i = 0; i < 6000; i += 100)
        assert_true(redis_run_has(&run, i));
    struct redis_run near;
    redis_run_open(&near, server->url, (struct redis_options){.prefix = STR("other")});
    near.tier.clear(near.tier.self, CACHE_THROUGH);
    redis_run_close(&near);
    run.tier.clear(run.tier.self, CACHE_THROUGH);
    assert_int_equal(stats_of(&run).categories[CACHE_THROUGH].invalidated, 2000);
    for (unsigned i = 0; i < 6000; i += 100)
        assert_int_equal(redis_run_has(&run, i), i % 3 != 0);
    run.tier.clear(run.tier.self, CACHE_RENDER);
    assert_int_equal(stats_of(&run).categories[CACHE_RENDER].invalidated, 4000);
    redis_run_close(&run);
}

struct seen {
    struct redis_run *run;
    unsigned n, right;
};

static void see_entry(void *context, const struct redis_entry *entry) {
    struct seen *seen = context;
    unsigned i = entry->tag - 1000;
    struct cache_value *value = redis_run_value(i);
    seen->n++;
    assert_int_not_equal(i, 4); // which is under another's name
    seen->right += cache_key_equal(entry->key, redis_run_key(i)) && entry->bytes == value->n &&
                   entry->made > 0 && entry->stored > 96;
    if (i % 2)
        seen->run->tier.invalidate(seen->run->tier.self, entry->key);
    cache_value_drop(value);
}

// What others put under our names is not shown, and what is chosen by its tag can be taken away at once.
static void test_each(void **state) {
    const struct redis_server *server = *state;
    struct redis_run run;
    char name[REDIS_KEY_MOST], other[REDIS_KEY_MOST];
    redis_run_open(&run, server->url, (struct redis_options){0});
    struct seen seen = {.run = &run};
    for (unsigned i = 1; i <= 2500; i++) {
        struct cache_value *value = redis_run_value(i);
        value->tag = 1000 + i;
        assert_true(run.tier.put(run.tier.self, redis_run_key(i), value));
        cache_value_drop(value);
    }
    run.tier.flush(run.tier.self);
    RAW(server, STR("SET"), STR("pressrun:1:render:0f929c29590334d9f695757ddbe3867"), STR("x"));
    RAW(server, STR("SET"), redis_key(run.redis, redis_run_key(4000), name), STR("x"));
    RAW(server, STR("LPUSH"), redis_key(run.redis, redis_run_key(4001), name), STR("x"));
    RAW(server, STR("RENAME"), redis_key(run.redis, redis_run_key(4), name),
        redis_key(run.redis, redis_run_key(4003), other));
    assert_true(redis_each(run.redis, CACHE_RENDER, see_entry, &seen));
    assert_in_range(seen.n, 1666, 1800); // a key may come twice
    assert_int_equal(seen.right, seen.n);
    for (unsigned i = 5; i <= 2500; i += 7)
        assert_int_equal(redis_run_has(&run, i), i % 2 == 0 || i % 3 == 0);
    run.tier.clear(run.tier.self, CACHE_RENDER);
    run.tier.clear(run.tier.self, CACHE_THROUGH);
    seen.n = 0;
    assert_true(redis_each(run.redis, CACHE_RENDER, see_entry, &seen));
    assert_int_equal(seen.n, 0);
    assert_int_equal(RAW(server, STR("DBSIZE")).number, 1); // none of ours
    RAW(server, STR("FLUSHALL"));
    redis_run_close(&run);
}

static void test_read_only(void **state) {
    const struct redis_server *server = *state;
    struct redis_run writer, reader;
    redis_run_open(&writer, server->url, (struct redis_options){0});
    redis_run_open(&reader, server->url, (struct redis_options){.read_only = true});
    redis_run_put(&writer, 1);
    writer.tier.flush(writer.tier.self);
    assert_false(redis_run_put(&reader, 2));
    reader.tier.flush(reader.tier.self);
    reader.tier.invalidate(reader.tier.self, redis_run_key(1));
    reader.tier.clear(reader.tier.self, CACHE_RENDER);
    assert_true(redis_run_has(&reader, 1));
    assert_false(redis_run_has(&reader, 2));
    redis_run_close(&reader);
    writer.tier.clear(writer.tier.self, CACHE_RENDER);
    redis_run_close(&writer);
}

static bool put_aged(struct redis_run *run, unsigned i, int64_t age) {
    struct cache_value *value = redis_run_value(i);
    value->made -= age;
    bool kept = run->tier.put(run->tier.self, redis_run_key(i), value);
    cache_value_drop(value);
    return kept;
}

static int64_t life_left(const struct redis_server *server, const struct redis_run *run, unsigned i) {
    char name[REDIS_KEY_MOST];
    return RAW(server, STR("PTTL"), redis_key(run->redis, redis_run_key(i), name)).number;
}

static void test_lifetime(void **state) {
    const struct redis_server *server = *state;
    struct redis_run run;
    int64_t day = 86400 * 1000 * milli;
    redis_run_open(&run, server->url, (struct redis_options){.lifetimes = {[CACHE_RENDER] = day}});
    assert_true(put_aged(&run, 1, day / 2));
    assert_true(put_aged(&run, 3, day / 2));
    assert_false(put_aged(&run, 2, day));
    assert_true(put_aged(&run, 4, day - 50 * milli));
    run.tier.flush(run.tier.self);
    assert_in_range(life_left(server, &run, 1), day / milli / 3, day / milli / 2);
    assert_in_range(life_left(server, &run, 3), 29 * (day / milli), 30 * (day / milli));
    assert_int_equal(life_left(server, &run, 2), -2);
    for (int i = 0; redis_run_has(&run, 4); i++) {
        assert_true(i < 1000);
        nanosleep(&(struct timespec){.tv_nsec = 20 * milli}, NULL);
    }
    run.tier.clear(run.tier.self, CACHE_RENDER);
    run.tier.clear(run.tier.self, CACHE_THROUGH);
    redis_run_close(&run);
}

// Others' bytes under our keys: of another key, of another secret, cut, emptied, of another type.
static void test_lies(void **state) {
    const struct redis_server *server = *state;
    struct redis_run run, stranger;
    char one[REDIS_KEY_MOST], two[REDIS_KEY_MOST];
    setenv("PRESSRUN_TEST_SECRET", "another", 1);
    redis_run_open(&run, server->url, (struct redis_options){0});
    redis_run_open(&stranger, server->url, (struct redis_options){.secret_variable = "PRESSRUN_TEST_SECRET"});
    struct str key = redis_key(run.redis, redis_run_key(100), one),
               key2 = redis_key(run.redis, redis_run_key(200), two);
    redis_run_put(&run, 100);
    run.tier.flush(run.tier.self);
    RAW(server, STR("COPY"), key, key2);
    assert_false(redis_run_has(&run, 200));
    assert_int_equal(stats_of(&run).damaged, 1);
    assert_false(redis_run_has(&stranger, 100));
    assert_int_equal(stats_of(&stranger).damaged, 1);
    redis_run_put(&stranger, 100);
    stranger.tier.flush(stranger.tier.self);
    assert_true(redis_run_has(&stranger, 100));
    assert_false(redis_run_has(&run, 100));
    redis_run_put(&run, 100); // replaces it
    run.tier.flush(run.tier.self);
    assert_true(redis_run_has(&run, 100));
    RAW(server, STR("SETRANGE"), key, STR("50"), STR("xx"));
    assert_false(redis_run_has(&run, 100));
    RAW(server, STR("SET"), key, STR(""));
    assert_false(redis_run_has(&run, 100));
    assert_int_equal(stats_of(&run).damaged, 4);
    RAW(server, STR("SETRANGE"), key2, STR("20000000"), STR("x"));
    assert_false(redis_run_has(&run, 200));
    assert_int_equal(stats_of(&run).damaged, 4); // too long to be taken in at all
    assert_int_equal(stats_of(&run).failed, 1);
    RAW(server, STR("DEL"), key);
    RAW(server, STR("LPUSH"), key, STR("a list"));
    assert_false(redis_run_has(&run, 100)); // MGET gives nil
    assert_int_equal(stats_of(&run).failed, 1);
    RAW(server, STR("DEL"), key, key2);
    redis_run_close(&run);
    redis_run_close(&stranger);
}

// A server that is full, or that we may not use, is asked on for what it can do, and its words are kept.
static void test_refusals(void **state) {
    const struct redis_server *server = *state;
    struct redis_run run;
    redis_run_open(&run, server->url, (struct redis_options){.pause = 1});
    assert_true(redis_run_put(&run, 1));
    run.tier.flush(run.tier.self);
    RAW(server, STR("CONFIG"), STR("SET"), STR("maxmemory"), STR("1"));
    for (unsigned i = 2; i < 6; i++)
        redis_run_put(&run, i);
    run.tier.flush(run.tier.self);
    assert_int_equal(redis_stats(run.redis).lost, 4);
    assert_int_equal(redis_stats(run.redis).errors, 4);
    assert_non_null(strstr(redis_stats(run.redis).last_error, "OOM"));
    assert_true(redis_run_has(&run, 1));
    RAW(server, STR("CONFIG"), STR("SET"), STR("maxmemory"), STR("0"));
    RAW(server, STR("ACL"), STR("SETUSER"), STR("reader"), STR("on"), STR(">wrong word"), STR("~*"),
        STR("-@all"));
    redis_run_close(&run);
    char url[160];
    snprintf(url, sizeof url, "redis://reader:wrong%%20word@%s", server->tcp + strlen("redis://"));
    redis_run_open(&run, url,
                   (struct redis_options){.failures = 2, .pause = (uint64_t)(3600 * 1000 * milli)});
    for (int i = 0; i < 5; i++)
        assert_false(redis_run_has(&run, 1));
    assert_int_equal(redis_stats(run.redis).errors, 2);
    assert_int_equal(redis_stats(run.redis).skipped, 3);
    assert_int_equal(redis_stats(run.redis).state, REDIS_OPEN);
    assert_non_null(strstr(redis_stats(run.redis).last_error, "NOPERM"));
    assert_false(redis_run_put(&run, 2));
    redis_run_close(&run);
    redis_run_open(&run, server->url, (struct redis_options){0});
    run.tier.clear(run.tier.self, CACHE_RENDER);
    run.tier.clear(run.tier.self, CACHE_THROUGH);
    redis_run_close(&run);
}

static void see_nothing(void *context, const struct redis_entry *entry) {
    (void)context, (void)entry;
}

// As docs/redis.md says.
static void test_least_rights(void **state) {
    const struct redis_server *server = *state;
    struct redis_run run;
    char url[160];
    RAW(server, STR("ACL"), STR("SETUSER"), STR("pressrun"), STR("on"), STR(">password"), STR("~pressrun:*"),
        STR("-@all"), STR("+mget"), STR("+set"), STR("+unlink"), STR("+scan"), STR("+getrange"),
        STR("+select"));
    snprintf(url, sizeof url, "redis://pressrun:password@%s/1", server->tcp + strlen("redis://"));
    redis_run_open(&run, url, (struct redis_options){0});
    for (unsigned i = 0; i < 10; i++)
        assert_true(redis_run_put(&run, i));
    run.tier.invalidate(run.tier.self, redis_run_key(1));
    assert_true(redis_each(run.redis, CACHE_RENDER, see_nothing, NULL));
    run.tier.clear(run.tier.self, CACHE_THROUGH);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(redis_run_has(&run, i), i % 3 != 0 && i != 1);
    assert_string_equal(redis_stats(run.redis).last_error, "");
    redis_run_close(&run);
}

static void test_login(void **state) {
    (void)state;
    struct redis_server server = {.password = "s3cret"};
    struct redis_run run;
    char url[160];
    assert_true(redis_server_start(&server));
    redis_run_open(&run, server.tcp, (struct redis_options){0}); // database 2
    redis_run_put(&run, 1);
    run.tier.flush(run.tier.self);
    assert_true(redis_run_has(&run, 1));
    redis_run_close(&run);
    snprintf(url, sizeof url, "redis://default:%%73%%33cret@localhost:%d/2", server.port);
    redis_run_open(&run, url, (struct redis_options){0});
    assert_true(redis_run_has(&run, 1));
    redis_run_close(&run);
    static const struct { const char *login, *db; } wrong[] = {{":no@", ""}, {":s3cret@", "/77"}, {"", "/2"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(url, sizeof url, "redis://%s127.0.0.1:%d%s", wrong[i].login, server.port, wrong[i].db);
        redis_run_open(&run, url, (struct redis_options){0});
        assert_false(redis_run_has(&run, 1));
        assert_int_equal(redis_stats(run.redis).failures, 1);
        assert_int_equal(redis_stats(run.redis).connects, 0);
        assert_non_null(strstr(redis_stats(run.redis).last_error, "refuses"));
        assert_null(strstr(redis_stats(run.redis).last_error, "s3cret"));
        redis_run_close(&run);
    }
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", server.port);
    redis_run_open(&run, url, (struct redis_options){0});
    assert_false(redis_run_has(&run, 1));
    assert_non_null(strstr(redis_stats(run.redis).last_error, "NOAUTH"));
    redis_run_close(&run);
    redis_server_stop(&server);
}

// Values that do not all fit into one reply: fewer are asked for at once.
static void test_large(void **state) {
    const struct redis_server *server = *state;
    enum { N = 20, SIZE = 3 << 20 };
    struct redis_run run;
    redis_run_open(&run, server->url, (struct redis_options){.failures = 100});
    struct cache_value *value = cache_value_new(SIZE, 1), *values[N];
    uint64_t seed = 1;
    for (size_t k = 0; k < SIZE; k++) { // nothing that zstd could pack
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        value->bytes[k] = (char)(seed >> 56);
    }
    struct clock clock = clock_system();
    value->made = clock.wall(clock.self);
    struct cache_key keys[N];
    for (unsigned i = 0; i < N; i++) {
        keys[i] = redis_run_key(i);
        assert_true(run.tier.put(run.tier.self, keys[i], value));
    }
    run.tier.flush(run.tier.self);
    unsigned missing = N;
    for (int tries = 0; missing; tries++) {
        assert_true(tries < 10);
        missing = 0;
        run.tier.get_many(run.tier.self, keys, N, values);
        for (unsigned i = 0; i < N; i++) {
            missing += !values[i];
            assert_true(!values[i] || memcmp(values[i]->bytes, value->bytes, SIZE) == 0);
            cache_value_drop(values[i]);
        }
    }
    assert_int_equal(redis_stats(run.redis).failures, 1);
    cache_value_drop(value);
    value = cache_value_new((4 << 20) + 1, 1);
    memset(value->bytes, 0, value->n);
    value->made = clock.wall(clock.self);
    assert_false(run.tier.put(run.tier.self, keys[0], value));
    cache_value_drop(value);
    run.tier.clear(run.tier.self, CACHE_RENDER);
    run.tier.clear(run.tier.self, CACHE_THROUGH);
    redis_run_close(&run);
}

// One round trip for what the memory has not, and none when it was filled from there.
static void test_through(void **state) {
    const struct redis_server *server = *state;
    enum { N = 150 };
    struct redis_run run;
    redis_run_open(&run, server->url, (struct redis_options){0});
    struct cache_tier tiers[] = {memory_tier(memory_new(1 << 24)), run.tier};
    struct cache *cache = cache_open(tiers, 2, &run.clock);
    struct cache_key keys[N];
    struct cache_value *values[N];
    for (unsigned i = 0; i < N; i++) {
        struct cache_value *value = redis_run_value(i);
        keys[i] = redis_run_key(i);
        if (i % 2)
            cache_put(cache, keys[i], 7, (struct str){value->bytes, value->n});
        if (i % 10 == 1)
            tiers[0].invalidate(tiers[0].self, keys[i]);
        cache_value_drop(value);
    }
    struct cache_policy policy = cache_policy(cache, CACHE_THROUGH);
    policy.tiers = 1; // the memory alone
    cache_set_policy(cache, CACHE_THROUGH, policy);
    cache_flush(cache);
    uint64_t before = redis_stats(run.redis).round_trips;
    for (int round = 0; round < 2; round++) {
        cache_get_many(cache, keys, N, values, NULL);
        for (unsigned i = 0; i < N; i++) {
            bool lost = i % 10 == 1 && i % 3 == 0;
            assert_int_equal(values[i] != NULL, i % 2 && !lost);
            assert_true(!values[i] || redis_run_is_right(values[i], i));
            cache_value_drop(values[i]);
        }
        assert_int_equal(redis_stats(run.redis).round_trips,
                         before + 2 * ((uint64_t)round + 1)); // for what nobody has
    }
    struct cache_category_report report = cache_report(cache, CACHE_RENDER);
    assert_int_equal(report.tier_hits[1], 10);
    assert_int_equal(report.tier_hits[0], 2 * 50 - 10);
    assert_int_equal(report.misses, 2 * 50);
    assert_int_equal(cache_report(cache, CACHE_THROUGH).misses, 2 * (25 + 5));
    policy.refresh = true;
    cache_set_policy(cache, CACHE_THROUGH, policy);
    cache_get_many(cache, keys, 4, values, NULL);
    assert_null(values[3]);
    cache_value_drop(values[1]);
    cache_clear(cache, CACHE_RENDER);
    cache_clear(cache, CACHE_THROUGH);
    cache_close(cache);
}

static int start(void **state) {
    *state = calloc(1, sizeof(struct redis_server));
    return *state && redis_server_start(*state) ? 0 : -1;
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
        cmocka_unit_test(test_values),    cmocka_unit_test(test_clear),        cmocka_unit_test(test_each),
        cmocka_unit_test(test_read_only), cmocka_unit_test(test_lifetime),     cmocka_unit_test(test_lies),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_least_rights), cmocka_unit_test(test_login),
        cmocka_unit_test(test_large),     cmocka_unit_test(test_through),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
