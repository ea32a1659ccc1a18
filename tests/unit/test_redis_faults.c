// SPDX-License-Identifier: MIT
// The redis tier and a server that is down, slow or lies, through a proxy that spoils a real server's replies: no wrong
// byte, no crash, and an end.
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

#include "tests/support/redis_proxy.h"
#include "tests/support/redis_run.h"
#include "tests/support/redis_server.h"

static const uint64_t milli = 1000000, second = 1000000000;

struct place {
    struct redis_server server;
    struct redis_proxy proxy;
};

static struct cache_stats stats_of(struct redis_run *run) {
    struct cache_stats stats;
    run->tier.stats(run->tier.self, &stats);
    return stats;
}

static uint64_t now(void) {
    struct clock clock = clock_system();
    return clock.monotonic(clock.self);
}

enum { KEPT = 40 };

// A tier whose server holds the first KEPT values. They are put by another one, with time: this one's limits may be so
// narrow that a busy machine exceeds them.
static void open_filled(struct redis_run *run, struct place *place, struct redis_options options) {
    struct redis_run other;
    redis_proxy_set(&place->proxy, PROXY_PASS, 0, NULL);
    redis_run_open(&other, place->server.url, (struct redis_options){0});
    for (unsigned i = 0; i < KEPT; i++)
        assert_true(redis_run_put(&other, i));
    other.tier.flush(other.tier.self);
    assert_true(redis_run_has(&other, 1));
    assert_int_equal(redis_stats(other.redis).failures, 0);
    redis_run_close(&other);
    redis_run_open(run, place->proxy.url, options);
}

static unsigned get_all(struct redis_run *run, unsigned n) {
    struct cache_key keys[KEPT] = {0};
    struct cache_value *values[KEPT];
    unsigned right = 0;
    for (unsigned i = 0; i < n; i++)
        keys[i] = redis_run_key(i);
    run->tier.get_many(run->tier.self, keys, n, values);
    for (unsigned i = 0; i < n; i++) {
        right += values[i] != NULL;
        assert_true(!values[i] || redis_run_is_right(values[i], i));
        cache_value_drop(values[i]);
    }
    return right;
}

// Bytes of the reply that holds n values, to a tier that has time.
static unsigned reply_bytes(struct place *place, unsigned from, unsigned n) {
    struct redis_run run;
    struct cache_key keys[KEPT] = {0};
    struct cache_value *values[KEPT];
    redis_run_open(&run, place->proxy.url, (struct redis_options){0});
    for (unsigned i = 0; i < n; i++)
        keys[i] = redis_run_key(from + i);
    run.tier.get_many(run.tier.self, keys, n, values);
    for (unsigned i = 0; i < n; i++) {
        assert_non_null(values[i]);
        cache_value_drop(values[i]);
    }
    redis_run_close(&run);
    return atomic_load(&place->proxy.reply_bytes);
}

static void see_nothing(void *context, const struct redis_entry *entry) {
    (void)context, (void)entry;
}

// Whatever happens: everything is asked for, then all is well again once the server is.
static void use_spoiled(struct place *place, enum proxy_mode mode, unsigned at, const char *words) {
    struct redis_run run;
    struct redis_options options = {
        .command_limit = 100 * milli, .clear_limit = 100 * milli, .pause = second / 10};
    options.connect_limit = 10 * second;
    open_filled(&run, place, options);
    redis_proxy_set(&place->proxy, mode, at, words);
    uint64_t start = now();
    for (unsigned i = 0; i < 300; i++) {
        get_all(&run, KEPT);
        redis_run_has(&run, i);
        redis_run_put(&run, KEPT + i);
    }
    run.tier.flush(run.tier.self);
    run.tier.invalidate(run.tier.self, redis_run_key(KEPT));
    run.tier.clear(run.tier.self, CACHE_SOURCE);
    redis_each(run.redis, CACHE_RENDER, see_nothing, NULL);
    assert_true(now() - start < 60 * second);
    struct redis_stats stats = redis_stats(run.redis);
    assert_true(stats.failures + stats.errors + stats_of(&run).damaged > 0);
    assert_true(stats.last_error[0] || stats_of(&run).damaged > 0);
    redis_proxy_set(&place->proxy, PROXY_PASS, 0, NULL);
    for (int i = 0; get_all(&run, KEPT) < KEPT - 1; i++) { // one was invalidated, if that came through
        assert_true(i < 1000);
        nanosleep(&(struct timespec){.tv_nsec = (long)(20 * milli)}, NULL);
    }
    assert_int_equal(redis_stats(run.redis).state, REDIS_CLOSED);
    redis_run_close(&run);
}

static void test_spoiled(void **state) {
    struct place *place = *state;
    use_spoiled(place, PROXY_STALL, 0, NULL);
    use_spoiled(place, PROXY_HANG, 3, NULL);
    use_spoiled(place, PROXY_CUT, 3, NULL);
    use_spoiled(place, PROXY_CUT, 0, NULL);
    use_spoiled(place, PROXY_TWICE, 0, NULL);
    use_spoiled(place, PROXY_TRICKLE, 0, NULL);
    use_spoiled(place, PROXY_FLOOD, 0, NULL);
    use_spoiled(place, PROXY_FLOOD_LINE, 0, NULL);
}

static void test_words(void **state) {
    static const char *const words[] = {
        ":1\r\n",
        "-ERR it is not so\r\n",
        "-MOVED 1234 127.0.0.1:1\r\n",
        "+OK\r\n",
        "$5\r\nhello\r\n",
        "$-1\r\n",
        "$-7\r\n",
        "*-5\r\n",
        "*0\r\n",
        "*1\r\n*0\r\n",
        "*1\r\n:5\r\n",
        "*1\r\n-ERR\r\n",
        "*1\r\n$5\r\nhello\r\n",
        "*2\r\n$-1\r\n$-1\r\n",
        "*1\r\n$-1\r\n*1\r\n$-1\r\n",
        "*1000000000\r\n",
        "*99999999999999999999\r\n",
        "$99999999999999999999\r\n",
        "$9223372036854775807\r\nx",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        "%1\r\n+a\r\n+b\r\n",
        "\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "*2\r\n$1\r\n7\r\n*0\r\n", // a SCAN that never ends
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        use_spoiled(*state, PROXY_SAY, 0, words[i]);
}

// A dead server costs the failures that open the breaker, and one for each pause.
static void test_breaker(void **state) {
    struct place *place = *state;
    struct redis_run run;
    open_filled(&run, place, (struct redis_options){.command_limit = 50 * milli, .pause = 3600 * second});
    uint64_t before = redis_stats(run.redis).skipped;
    redis_proxy_set(&place->proxy, PROXY_STALL, 0, NULL);
    for (unsigned i = 0; i < 1000; i++) {
        assert_false(redis_run_has(&run, i % KEPT));
        assert_int_equal(redis_run_put(&run, i), i < 2); // which waits for others, in vain
    }
    run.tier.flush(run.tier.self);
    struct redis_stats stats = redis_stats(run.redis);
    assert_int_equal(stats.state, REDIS_OPEN);
    assert_int_equal(stats.opened, 1);
    assert_int_equal(stats.failures, 3);
    assert_int_equal(stats.skipped, before + 997 + 998 + 2);
    assert_int_equal(stats.lost, 1000);
    assert_int_equal(stats_of(&run).failed, 3);
    assert_int_equal(get_all(&run, KEPT), 0);
    assert_int_equal(redis_stats(run.redis).skipped, stats.skipped + KEPT);
    redis_run_close(&run);
}

// Every bit of a reply: what comes is right or does not come.
static void test_flips(void **state) {
    struct place *place = *state;
    struct redis_run run;
    open_filled(&run, place, (struct redis_options){.command_limit = 20 * milli, .failures = 1000000});
    unsigned right = 0, bits = 8 * reply_bytes(place, 0, 2);
    for (unsigned bit = 0; bit < bits; bit++) {
        redis_proxy_set(&place->proxy, PROXY_FLIP, bit, NULL);
        right += get_all(&run, 2);
    }
    struct cache_stats stats = stats_of(&run);
    assert_true(bits > 8 * 200);
    assert_true(stats.damaged + stats.failed + 8 * 20 > bits); // but for the bits of the lines' ends
    assert_true(right <= bits + 8 * 40);
    redis_run_close(&run);
}

// Cut at every byte, and silent after every byte of a reply's first ones.
static void test_cuts(void **state) {
    struct place *place = *state;
    struct redis_run run;
    open_filled(&run, place, (struct redis_options){.command_limit = 20 * milli, .failures = 1000000});
    unsigned bytes = reply_bytes(place, 31, 1), hung = bytes < 30 ? bytes : 30;
    uint64_t before = redis_stats(run.redis).failures;
    for (unsigned at = 0; at < bytes; at++) {
        redis_proxy_set(&place->proxy, PROXY_CUT, at, NULL);
        assert_false(redis_run_has(&run, 31));
        redis_proxy_set(&place->proxy, PROXY_HANG, at, NULL);
        assert_true(at >= hung || !redis_run_has(&run, 31));
    }
    assert_true(redis_stats(run.redis).failures >= before + bytes + hung);
    assert_int_equal(stats_of(&run).damaged, 0);
    redis_run_close(&run);
}

// Other keys in a page are not ours to delete, whatever the server says.
static void test_foreign_keys(void **state) {
    struct place *place = *state;
    struct redis_run run;
    open_filled(&run, place, (struct redis_options){0});
    unsigned before = atomic_load(&place->proxy.requests);
    redis_proxy_set(&place->proxy, PROXY_SAY, 0,
                    "*2\r\n$1\r\n0\r\n*3\r\n$5\r\nother\r\n:1\r\n$19\r\npressrun:1:through:\r\n");
    run.tier.clear(run.tier.self, CACHE_RENDER);
    assert_int_equal(atomic_load(&place->proxy.requests), before + 1);
    redis_proxy_set(&place->proxy, PROXY_PASS, 0, NULL);
    redis_run_close(&run);
}

// A server that was started again while nobody asked costs a connect, and is no failure.
static void test_restart(void **state) {
    struct place *place = *state;
    struct redis_run run;
    redis_run_open(&run, place->server.url, (struct redis_options){0});
    redis_run_put(&run, 1);
    run.tier.flush(run.tier.self);
    assert_true(redis_run_has(&run, 1));
    redis_server_kill(&place->server);
    assert_true(redis_server_again(&place->server));
    assert_false(redis_run_has(&run, 1)); // it holds nothing now
    redis_run_put(&run, 1);
    run.tier.flush(run.tier.self);
    assert_true(redis_run_has(&run, 1));
    assert_int_equal(redis_stats(run.redis).connects, 2);
    assert_int_equal(redis_stats(run.redis).failures, 0);
    assert_int_equal(redis_stats(run.redis).lost, 0);
    redis_run_close(&run);
}

struct job {
    struct redis_run *run;
    unsigned seed, hits;
    atomic_bool *end;
};

static void *run_job(void *context) {
    struct job *job = context;
    struct cache_tier *tier = &job->run->tier;
    for (unsigned seed = job->seed; !atomic_load(job->end);) {
        seed = seed * 1103515245u + 12345;
        unsigned i = (seed >> 8) % 500;
        struct cache_value *value = tier->get(tier->self, redis_run_key(i));
        if (value && !redis_run_is_right(value, i))
            abort(); // cmocka's assertions are for one thread
        job->hits += value != NULL;
        cache_value_drop(value);
        redis_run_put(job->run, i);
        if (seed >> 25 == 5)
            tier->invalidate(tier->self, redis_run_key(i));
        if (seed >> 22 == 5)
            tier->clear(tier->self, CACHE_THROUGH);
    }
    return NULL;
}

static void rest(unsigned milliseconds) {
    nanosleep(&(struct timespec){.tv_nsec = (long)(milliseconds * milli)}, NULL);
}

// Many threads while the server is spoiled, killed and started again; then it is used as before.
static void test_threads(void **state) {
    enum { THREADS = 6 };
    struct place *place = *state;
    struct redis_run run;
    pthread_t threads[THREADS];
    struct job jobs[THREADS];
    atomic_bool end = false;
    open_filled(
        &run, place,
        (struct redis_options){.command_limit = 20 * milli, .pause = 10 * milli, .pause_most = 50 * milli});
    for (unsigned i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.run = &run, .seed = i, .end = &end};
        assert_int_equal(pthread_create(&threads[i], NULL, run_job, &jobs[i]), 0);
    }
    static const enum proxy_mode modes[] = {PROXY_PASS, PROXY_STALL, PROXY_FLIP,
                                            PROXY_CUT,  PROXY_FLOOD, PROXY_TWICE};
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
        rest(60);
        redis_proxy_set(&place->proxy, modes[i], 555, NULL);
        rest(60);
        redis_proxy_set(&place->proxy, PROXY_PASS, 0, NULL);
    }
    rest(100);
    redis_server_kill(&place->server);
    rest(100);
    assert_true(redis_server_again(&place->server));
    uint64_t before = redis_stats(run.redis).round_trips;
    for (int i = 0; redis_stats(run.redis).round_trips < before + 100; i++) {
        assert_true(i < 2000);
        rest(10);
    }
    atomic_store(&end, true);
    unsigned hits = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        hits += jobs[i].hits;
    }
    assert_true(hits > 0);
    assert_true(redis_stats(run.redis).failures > 0);
    redis_run_close(&run);
}

// Nobody there: at a socket file, at a port, behind a name that is none.
static void test_nobody(void **state) {
    struct place *place = *state;
    char urls[3][160];
    snprintf(urls[0], sizeof urls[0], "unix://%s/nothing", place->server.dir);
    snprintf(urls[1], sizeof urls[1], "redis://127.0.0.1:1");
    snprintf(urls[2], sizeof urls[2], "redis://no-such-host.invalid");
    for (int i = 0; i < 3; i++) {
        struct redis_run run;
        redis_run_open(&run, urls[i],
                       (struct redis_options){.connect_limit = 100 * milli, .pause = 3600 * second});
        for (unsigned k = 0; k < 100; k++) {
            assert_false(redis_run_has(&run, k));
            redis_run_put(&run, k);
        }
        run.tier.flush(run.tier.self);
        assert_int_equal(redis_stats(run.redis).failures, 3);
        assert_int_equal(redis_stats(run.redis).connects, 0);
        assert_int_equal(redis_stats(run.redis).state, REDIS_OPEN);
        assert_true(redis_stats(run.redis).last_error[0]);
        redis_run_close(&run);
    }
}

static int start(void **state) {
    struct place *place = calloc(1, sizeof *place);
    char path[96];
    *state = place;
    if (!place || !redis_server_start(&place->server))
        return -1;
    snprintf(path, sizeof path, "%.80s/proxy", place->server.dir);
    return redis_proxy_start(&place->proxy, path, place->server.socket) ? 0 : -1;
}

static int stop(void **state) {
    struct place *place = *state;
    redis_proxy_stop(&place->proxy);
    redis_server_stop(&place->server);
    free(place);
    return 0;
}

int main(void) {
    if (!redis_server_there()) {
        printf("skipped: redis-server is not installed\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spoiled), cmocka_unit_test(test_words),  cmocka_unit_test(test_breaker),
        cmocka_unit_test(test_flips),   cmocka_unit_test(test_cuts),   cmocka_unit_test(test_foreign_keys),
        cmocka_unit_test(test_threads), cmocka_unit_test(test_nobody), cmocka_unit_test(test_restart),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
