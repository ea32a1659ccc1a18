// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_REDIS_PRIVATE_H
#define PRESSRUN_CACHE_REDIS_PRIVATE_H
/*
 * What the redis tier's files share: redis.c opens and reads, redis_write.c puts, invalidates and clears, redis_scan.c goes
 * through all keys, redis_ask.c asks the server.
 *
 * Locks, in the order in which they may be held together: `writer`, a slot's, then one of `queue.lock` and
 * `counts_lock`. `writer` is held while anything is written, so writes reach the server in the order of the calls.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "cache/breaker.h"
#include "cache/redis.h"
#include "cache/redis_link.h"
#include "cache/redis_value.h"

enum { REDIS_KEY_MOST = 160, REDIS_PREFIX_MOST = 64 };

struct redis_slot { // a connection for one thread at a time
    pthread_mutex_t lock;
    struct redis_link link;
};

struct redis_queue { // SET commands that wait
    pthread_mutex_t lock;
    struct buf commands;
    unsigned n;
};

struct redis {
    struct redis_library library;
    struct redis_place place;
    struct redis_sealer sealer;
    struct clock clock;
    char prefix[REDIS_PREFIX_MOST + 1];
    bool read_only;
    int64_t lifetimes[CACHE_CATEGORIES_N];
    uint64_t command_limit, clear_limit;
    unsigned batch;
    size_t largest;
    struct breaker breaker;
    struct redis_slot slots[REDIS_CONNECTIONS_MOST];
    unsigned slots_n;
    atomic_uint next_slot;
    atomic_uint keys_at_once; // of an MGET: fewer after one that failed
    pthread_mutex_t writer;
    struct redis_queue queue;
    struct buf sending; // with `writer`
    pthread_mutex_t counts_lock;
    struct cache_stats counts;
    struct redis_stats stats;
};

struct redis_asked { // a slot that holds the replies, until redis_done
    struct redis_slot *slot;
    struct redis_replies *replies;
    enum breaker_pass pass; // BREAKER_NO: it was not even asked
};

// redis_ask.c
// False: nothing was answered, which is counted. `weight`: gets or puts that this stands for.
bool redis_ask(struct redis *redis, struct redis_exchange exchange, unsigned weight,
               struct redis_asked *asked);
void redis_done(struct redis *redis, struct redis_asked *asked, bool well); // of use, or errors only
void redis_note_error(struct redis *redis, struct str text);                // of a reply
struct str redis_key(const struct redis *redis, struct cache_key key, char out[REDIS_KEY_MOST]);

// redis_scan.c
// All keys of a category, some at a time, until a page's function is false, something fails or clear_limit is over; all
// three give false. A key may come twice.
typedef bool (*redis_page_fn)(void *context, struct redis *redis, const struct cache_key *keys, unsigned n);
bool redis_scan(struct redis *redis, enum cache_category category, redis_page_fn page, void *context);

// redis_write.c
bool redis_put(void *self, struct cache_key key, struct cache_value *value);
void redis_invalidate(void *self, struct cache_key key);
void redis_clear(void *self, enum cache_category category);
void redis_flush(void *self);

#endif
