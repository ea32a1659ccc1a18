// SPDX-License-Identifier: MIT
// redis_figures FILE: what a get and a put cost in the redis tier, with a redis-server on this machine, for pieces of 2 KB
// of FILE; in elapsed and processor time. Prints, and judges nothing.
#include <stdio.h>

#include "base/mem.h"
#include "cache/redis_private.h"
#include "tests/support/redis_server.h"

enum { PIECE = 2048, MOST = 20000, ONES = 5000, MANY = REDIS_BATCH };

static struct clock clock_of_all;

struct times {
    double elapsed, cpu; // microseconds
};

static struct times now(void) {
    return (struct times){(double)clock_of_all.monotonic(NULL) / 1000,
                          (double)clock_of_all.thread_cpu(NULL) / 1000};
}

static void show_since(struct times start, const char *what, unsigned n) {
    struct times end = now();
    printf("  %s: %.2f us each, of which %.2f this side's processor time\n", what,
           (end.elapsed - start.elapsed) / n, (end.cpu - start.cpu) / n);
}

static struct cache_key key_of(unsigned i) {
    return (struct cache_key){CACHE_RENDER, digest_of((struct str){(const char *)&i, sizeof i})};
}

static void show(const char *url, const char *name, struct str text) {
    struct redis_options options = {.url = str_of(url), .clock = &clock_of_all};
    struct redis *redis;
    struct err err;
    if (redis_open(&options, &redis, &err) != STATUS_OK) {
        fprintf(stderr, "%s\n", err.text);
        return;
    }
    struct cache_tier tier = redis_tier(redis);
    unsigned n = (unsigned)(text.n / PIECE), ones;
    n = n / MANY * MANY < MOST ? n / MANY * MANY : MOST;
    ones = n < ONES ? n : ONES;
    struct cache_value **values = MEM_NEW_ARRAY(struct cache_value *, n);
    struct cache_key *keys = MEM_NEW_ARRAY(struct cache_key, n);
    for (unsigned i = 0; i < n; i++) {
        values[i] = cache_value_of(str_slice(text, (size_t)i * PIECE, (size_t)(i + 1) * PIECE),
                                   clock_of_all.wall(clock_of_all.self));
        keys[i] = key_of(i);
    }
    printf("%s, %u texts\n", name, n);
    struct times start = now();
    for (unsigned i = 0; i < n; i++)
        tier.put(tier.self, keys[i], values[i]);
    tier.flush(tier.self);
    show_since(start, "put", n);
    for (unsigned i = 0; i < n; i++)
        cache_value_drop(values[i]);
    start = now();
    for (unsigned i = 0; i < ones; i++)
        cache_value_drop(tier.get(tier.self, keys[i]));
    show_since(start, "get one", ones);
    start = now();
    for (unsigned i = 0; i < n; i += MANY) {
        tier.get_many(tier.self, keys + i, MANY, values);
        for (unsigned k = 0; k < MANY; k++)
            cache_value_drop(values[k]);
    }
    show_since(start, "get 100 by MGET", n);
    struct cache_stats stats;
    tier.stats(tier.self, &stats);
    printf("  %llu hits, %llu failed\n", (unsigned long long)stats.categories[CACHE_RENDER].hits,
           (unsigned long long)stats.failed);
    mem_free(values);
    mem_free(keys);
    tier.close(tier.self);
}

int main(int argc, char **argv) {
    struct fs fs = fs_system();
    struct redis_server server = {0};
    struct err err;
    char *text;
    size_t n;
    clock_of_all = clock_system();
    if (argc < 2 || fs_read_file(&fs, argv[1], (size_t)1 << 30, &text, &n, &err) != STATUS_OK ||
        !redis_server_start(&server))
        return 2;
    show(server.url, "socket file", (struct str){text, n});
    show(server.tcp, "loopback", (struct str){text, n});
    redis_server_stop(&server);
    mem_free(text);
    return 0;
}
