// SPDX-License-Identifier: MIT
// What changes the server: values that are gathered and sent many at a time, keys and categories that go.
#include <stdio.h>

#include "cache/redis_private.h"

enum {
    BATCH_BYTES = 256 << 10,
    QUEUE_BYTES = 8 << 20, // where sending is slower than putting, what is beyond this is lost
    REPLY_BYTES = 512,     // of a SET or an UNLINK: OK, a number or an error
    KEPT = 1 << 20,
};

static const int64_t milli = 1000000;

static void count_lost(struct redis *redis, unsigned n) {
    pthread_mutex_lock(&redis->counts_lock);
    redis->stats.lost += n;
    pthread_mutex_unlock(&redis->counts_lock);
}

// Sends the queue, with `writer`.
static void send_queue(struct redis *redis) {
    struct redis_asked asked;
    pthread_mutex_lock(&redis->queue.lock);
    struct buf commands = redis->queue.commands;
    unsigned n = redis->queue.n, lost = 0;
    redis->queue.commands = redis->sending;
    redis->queue.n = 0;
    pthread_mutex_unlock(&redis->queue.lock);
    redis->sending = commands;
    struct redis_exchange exchange = {.commands = buf_str(&commands),
                                      .replies = n,
                                      .bounds = {.bytes = (size_t)n * REPLY_BYTES, .items = n},
                                      .limit = redis->command_limit};
    if (n > 0 && !redis_ask(redis, exchange, n, &asked)) {
        lost = n;
    } else if (n > 0) {
        for (size_t i = 0; i < n; i++) {
            struct str text = redis_replies_text(asked.replies, i);
            enum redis_kind kind = redis_replies_item(asked.replies, i)->kind;
            bool kept = kind == REDIS_STATUS && str_is(text, "OK");
            lost += !kept;
            if (!kept)
                redis_note_error(redis, kind == REDIS_ERROR ? text : STR("a SET was not answered with OK"));
        }
        redis_done(redis, &asked, lost < n);
    }
    count_lost(redis, lost);
    buf_clear(&redis->sending);
    buf_shrink(&redis->sending, KEPT);
}

void redis_flush(void *self) {
    struct redis *redis = self;
    pthread_mutex_lock(&redis->writer);
    send_queue(redis);
    pthread_mutex_unlock(&redis->writer);
}

static void add_set(const struct redis *redis, struct cache_key key, const struct cache_value *value,
                    int64_t left, struct buf *commands) {
    char name[REDIS_KEY_MOST], lifetime[24];
    struct buf sealed = BUF_INIT;
    redis_value_seal(&redis->sealer, key, value, &sealed);
    snprintf(lifetime, sizeof lifetime, "%lld", (long long)left);
    buf_reserve(commands, sealed.n + 256);
    redis_command(commands, 5);
    redis_word(commands, STR("SET"));
    redis_word(commands, redis_key(redis, key, name));
    redis_word(commands, buf_str(&sealed));
    redis_word(commands, STR("PX"));
    redis_word(commands, str_of(lifetime));
    buf_release(&sealed);
}

static int64_t milliseconds_left(const struct redis *redis, struct cache_key key,
                                 const struct cache_value *value) {
    int64_t now = redis->clock.wall(redis->clock.self), lifetime = redis->lifetimes[key.category];
    int64_t age = value->made < now ? now - value->made : 0;
    return age < lifetime ? (lifetime - age) / milli : 0;
}

bool redis_put(void *self, struct cache_key key, struct cache_value *value) {
    struct redis *redis = self;
    int64_t left = milliseconds_left(redis, key, value);
    if (redis->read_only || value->n > redis->largest || left <= 0)
        return false;
    bool lets = breaker_lets(&redis->breaker), kept = false, full = false;
    struct buf command = BUF_INIT;
    if (lets) {
        add_set(redis, key, value, left, &command);
        pthread_mutex_lock(&redis->queue.lock);
        kept = redis->queue.commands.n < QUEUE_BYTES;
        if (kept)
            buf_add_str(&redis->queue.commands, buf_str(&command));
        redis->queue.n += kept;
        full = redis->queue.n >= redis->batch || redis->queue.commands.n >= BATCH_BYTES;
        pthread_mutex_unlock(&redis->queue.lock);
        buf_release(&command);
    }
    pthread_mutex_lock(&redis->counts_lock);
    redis->stats.skipped += !lets;
    redis->stats.lost += !kept;
    redis->counts.categories[key.category].puts += kept;
    redis->counts.categories[key.category].put_bytes += kept ? value->n : 0;
    pthread_mutex_unlock(&redis->counts_lock);
    if (full && pthread_mutex_trylock(&redis->writer) == 0) { // else somebody is sending
        send_queue(redis);
        pthread_mutex_unlock(&redis->writer);
    }
    return kept;
}

// One command with one reply that is a number, with `writer`; false: it is not.
static bool ask_number(struct redis *redis, struct str command, unsigned weight, uint64_t *number) {
    struct redis_asked asked;
    struct redis_exchange exchange = {
        .commands = command, .replies = 1, .bounds = {REPLY_BYTES, 1}, .limit = redis->command_limit};
    if (!redis_ask(redis, exchange, weight, &asked))
        return false;
    const struct redis_item *item = redis_replies_item(asked.replies, 0);
    bool well = item->kind == REDIS_INTEGER && item->number >= 0;
    if (well)
        *number += (uint64_t)item->number;
    else
        redis_note_error(redis, item->kind == REDIS_ERROR ? redis_replies_text(asked.replies, 0)
                                                          : STR("a number was asked for"));
    redis_done(redis, &asked, well);
    return well;
}

static void count_invalidated(struct redis *redis, enum cache_category category, uint64_t n) {
    pthread_mutex_lock(&redis->counts_lock);
    redis->counts.categories[category].invalidated += n;
    pthread_mutex_unlock(&redis->counts_lock);
}

void redis_invalidate(void *self, struct cache_key key) {
    struct redis *redis = self;
    if (redis->read_only)
        return;
    char name[REDIS_KEY_MOST];
    struct buf command = BUF_INIT;
    uint64_t n = 0;
    redis_command(&command, 2);
    redis_word(&command, STR("UNLINK"));
    redis_word(&command, redis_key(redis, key, name));
    pthread_mutex_lock(&redis->writer);
    send_queue(redis); // the key may be in it
    ask_number(redis, buf_str(&command), 1, &n);
    pthread_mutex_unlock(&redis->writer);
    buf_release(&command);
    count_invalidated(redis, key.category, n);
}

// Takes a page's keys away, with `writer`.
static bool unlink_page(void *context, struct redis *redis, const struct cache_key *keys, unsigned n) {
    uint64_t *gone = context;
    struct buf command = BUF_INIT;
    redis_command(&command, n + 1);
    redis_word(&command, STR("UNLINK"));
    for (unsigned i = 0; i < n; i++) {
        char name[REDIS_KEY_MOST];
        redis_word(&command, redis_key(redis, keys[i], name));
    }
    bool well = ask_number(redis, buf_str(&command), 1, gone);
    buf_release(&command);
    return well;
}

void redis_clear(void *self, enum cache_category category) {
    struct redis *redis = self;
    uint64_t gone = 0;
    if (redis->read_only)
        return;
    pthread_mutex_lock(&redis->writer);
    send_queue(redis);
    redis_scan(redis, category, unlink_page, &gone);
    pthread_mutex_unlock(&redis->writer);
    count_invalidated(redis, category, gone);
}
