// SPDX-License-Identifier: MIT
// Asking the server: a free connection, if the breaker lets us, and what is counted of it.
#include <assert.h>
#include <stdio.h>

#include "cache/redis_private.h"

struct str redis_key(const struct redis *redis, struct cache_key key, char out[REDIS_KEY_MOST]) {
    char hex[DIGEST_HEX_SIZE];
    digest_hex(key.digest, hex);
    int n =
        snprintf(out, REDIS_KEY_MOST, "%s:1:%s:%s", redis->prefix, cache_category_name(key.category), hex);
    assert(n > 0 && n < REDIS_KEY_MOST);
    return (struct str){out, (size_t)n};
}

// Any that is free, else the next in turn.
static struct redis_slot *take_slot(struct redis *redis) {
    for (unsigned i = 0; i < redis->slots_n; i++)
        if (pthread_mutex_trylock(&redis->slots[i].lock) == 0)
            return &redis->slots[i];
    unsigned i = atomic_fetch_add(&redis->next_slot, 1) % redis->slots_n;
    pthread_mutex_lock(&redis->slots[i].lock);
    return &redis->slots[i];
}

// A server's words end up in reports: no control characters.
static void keep_error(struct redis *redis, struct str text) {
    char *out = redis->stats.last_error;
    size_t n = text.n < sizeof redis->stats.last_error ? text.n : sizeof redis->stats.last_error - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = text.p[i];
    for (size_t i = 0; i < n; i++)
        if (out[i] < ' ' || out[i] > '~')
            out[i] = '?';
    out[n] = '\0';
}

void redis_note_error(struct redis *redis, struct str text) {
    pthread_mutex_lock(&redis->counts_lock);
    redis->stats.errors++;
    redis->counts.failed++;
    keep_error(redis, text);
    pthread_mutex_unlock(&redis->counts_lock);
}

static void note_exchange(struct redis *redis, bool well, uint64_t connects, const struct err *err) {
    pthread_mutex_lock(&redis->counts_lock);
    redis->stats.connects += connects;
    redis->stats.round_trips += well;
    redis->stats.failures += !well;
    redis->counts.failed += !well;
    if (!well)
        keep_error(redis, str_of(err->text));
    pthread_mutex_unlock(&redis->counts_lock);
}

bool redis_ask(struct redis *redis, struct redis_exchange exchange, unsigned weight,
               struct redis_asked *asked) {
    // Asked twice: waiting for a connection in vain is what the breaker is to spare us, and it may open meanwhile.
    bool lets = breaker_lets(&redis->breaker);
    struct redis_slot *slot = lets ? take_slot(redis) : NULL;
    enum breaker_pass pass = lets ? breaker_ask(&redis->breaker) : BREAKER_NO;
    *asked = (struct redis_asked){.slot = slot, .pass = pass};
    if (pass == BREAKER_NO) {
        if (slot)
            pthread_mutex_unlock(&slot->lock);
        pthread_mutex_lock(&redis->counts_lock);
        redis->stats.skipped += weight;
        pthread_mutex_unlock(&redis->counts_lock);
        return false;
    }
    struct err err = {0};
    uint64_t connects = slot->link.connects;
    bool well = redis_link_exchange(&slot->link, &exchange, &err);
    note_exchange(redis, well, slot->link.connects - connects, &err);
    asked->replies = slot->link.replies;
    if (!well)
        redis_done(redis, asked, false);
    return well;
}

void redis_done(struct redis *redis, struct redis_asked *asked, bool well) {
    breaker_note(&redis->breaker, asked->pass, well);
    pthread_mutex_unlock(&asked->slot->lock);
}
