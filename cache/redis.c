// SPDX-License-Identifier: MIT
#include "cache/redis.h"

#include <stdlib.h>

#include "base/mem.h"
#include "cache/redis_private.h"

enum {
    MANY = REDIS_BATCH,
    SECRET_MOST = 4096,
    REPLY_MOST = 32 << 20, // bytes of an MGET's reply, however many keys
    KEY_OVERHEAD = 32,     // of an item as the protocol has it
    LARGEST = 4 << 20,
    CONNECTIONS = 4,
    FAILURES = 3,
};

static const uint64_t second = 1000000000, connect_limit = 200000000, command_limit = 100000000;
static const int64_t month = (int64_t)30 * 24 * 3600 * 1000000000;

// Opening ------------------------------------------------------------------------------------------------------

static enum status take_prefix(struct redis *redis, struct str prefix, struct err *err) {
    prefix = prefix.n ? prefix : STR("pressrun");
    bool well = prefix.n <= REDIS_PREFIX_MOST;
    for (size_t i = 0; i < prefix.n && well; i++) {
        char c = prefix.p[i];
        well = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               (c && strchr("-_.:", c));
    }
    if (!well)
        return err_set(err, STATUS_DATA,
                       "the redis prefix is up to %d letters, digits and - _ . :", REDIS_PREFIX_MOST);
    memcpy(redis->prefix, prefix.p, prefix.n);
    return STATUS_OK;
}

static enum status use_secret(struct redis *redis, struct str secret, const char *from, struct err *err) {
    while (secret.n && (secret.p[secret.n - 1] == '\n' || secret.p[secret.n - 1] == '\r'))
        secret.n--;
    if (secret.n == 0)
        return err_set(err, STATUS_DATA, "the redis secret in %s is empty", from);
    redis_sealer_init(&redis->sealer, &redis->library, redis->sealer.codec, secret, redis->largest);
    return STATUS_OK;
}

static enum status take_secret(struct redis *redis, const struct redis_options *options, struct err *err) {
    redis->sealer.codec = codec_new(options->levels);
    if (options->secret_variable) {
        const char *text = getenv(options->secret_variable);
        if (!text)
            return err_set(err, STATUS_DATA, "the redis secret's variable %s is not set",
                           options->secret_variable);
        return use_secret(redis, str_of(text), options->secret_variable, err);
    }
    if (!options->secret_file)
        return use_secret(redis, STR(REDIS_OPEN_SECRET), "", err);
    char *text;
    size_t n;
    enum status status = fs_read_file(options->fs, options->secret_file, SECRET_MOST, &text, &n, err);
    if (status != STATUS_OK)
        return status;
    status = use_secret(redis, (struct str){text, n}, options->secret_file, err);
    mem_free(text);
    return status;
}

static uint64_t usual(uint64_t given, uint64_t otherwise) {
    return given ? given : otherwise;
}

static void take_limits(struct redis *redis, const struct redis_options *options) {
    redis->clock = *options->clock;
    redis->read_only = options->read_only;
    redis->command_limit = usual(options->command_limit, command_limit);
    redis->clear_limit = usual(options->clear_limit, 10 * second);
    redis->batch = (unsigned)usual(options->batch, REDIS_BATCH);
    redis->largest = (size_t)usual(options->largest, LARGEST);
    redis->slots_n = (unsigned)usual(options->connections, CONNECTIONS);
    redis->slots_n = redis->slots_n < REDIS_CONNECTIONS_MOST ? redis->slots_n : REDIS_CONNECTIONS_MOST;
    for (unsigned i = 0; i < CACHE_CATEGORIES_N; i++)
        redis->lifetimes[i] = options->lifetimes[i] > 0 ? options->lifetimes[i] : month;
    atomic_init(&redis->keys_at_once, MANY);
    breaker_init(&redis->breaker,
                 &(struct breaker_options){.clock = redis->clock,
                                           .failures = (unsigned)usual(options->failures, FAILURES),
                                           .pause = usual(options->pause, second),
                                           .pause_most = usual(options->pause_most, 60 * second)});
    pthread_mutex_init(&redis->writer, NULL);
    pthread_mutex_init(&redis->queue.lock, NULL);
    pthread_mutex_init(&redis->counts_lock, NULL);
    for (unsigned i = 0; i < redis->slots_n; i++) {
        pthread_mutex_init(&redis->slots[i].lock, NULL);
        redis_link_init(&redis->slots[i].link, &redis->place, &redis->library, &redis->clock,
                        usual(options->connect_limit, connect_limit));
    }
}

static void release(struct redis *redis) {
    for (unsigned i = 0; i < redis->slots_n; i++) {
        redis_link_close(&redis->slots[i].link);
        pthread_mutex_destroy(&redis->slots[i].lock);
    }
    pthread_mutex_destroy(&redis->writer);
    pthread_mutex_destroy(&redis->queue.lock);
    pthread_mutex_destroy(&redis->counts_lock);
    breaker_release(&redis->breaker);
    buf_release(&redis->queue.commands);
    buf_release(&redis->sending);
    codec_free(redis->sealer.codec);
    redis_place_release(&redis->place);
    redis_library_close(&redis->library);
    mem_free(redis);
}

enum status redis_open(const struct redis_options *options, struct redis **out, struct err *err) {
    struct redis *redis = MEM_NEW(struct redis);
    take_limits(redis, options);
    enum status status = redis_url_parse(options->url, &redis->place, err);
    if (status == STATUS_OK)
        status = take_prefix(redis, options->prefix, err);
    if (status == STATUS_OK)
        status = redis_library_open(PRESSRUN_HIREDIS, PRESSRUN_LIBB2, &redis->library, err);
    if (status == STATUS_OK)
        status = take_secret(redis, options, err);
    *out = status == STATUS_OK ? redis : NULL;
    if (status != STATUS_OK)
        release(redis);
    return status;
}

// Reading ------------------------------------------------------------------------------------------------------

static void count_got(struct redis *redis, const struct cache_key *keys, unsigned n,
                      struct cache_value **values, unsigned damaged) {
    pthread_mutex_lock(&redis->counts_lock);
    for (unsigned i = 0; i < n; i++) {
        struct cache_counts *counts = &redis->counts.categories[keys[i].category];
        counts->hits += values[i] != NULL;
        counts->misses += values[i] == NULL;
        counts->hit_bytes += values[i] ? values[i]->n : 0;
    }
    redis->counts.damaged += damaged;
    pthread_mutex_unlock(&redis->counts_lock);
}

// What an MGET was answered with. False: with something else than an array of n texts and nils.
static bool take_values(const struct redis *redis, const struct redis_replies *replies,
                        const struct cache_key *keys, unsigned n, struct cache_value **values,
                        unsigned *damaged) {
    const struct redis_item *first = redis_replies_item(replies, 0);
    if (first->kind != REDIS_ARRAY || first->number != n || redis_replies_n(replies) != (size_t)n + 1)
        return false;
    for (unsigned i = 0; i < n; i++) {
        enum redis_kind kind = redis_replies_item(replies, i + 1)->kind;
        if (kind == REDIS_TEXT)
            values[i] = redis_value_open(&redis->sealer, keys[i], redis_replies_text(replies, i + 1));
        *damaged += kind != REDIS_NIL && !values[i];
    }
    return true;
}

static void get_some(struct redis *redis, const struct cache_key *keys, unsigned n,
                     struct cache_value **values) {
    struct buf command = BUF_INIT;
    struct redis_asked asked;
    unsigned damaged = 0;
    size_t most = n * (redis_value_bound(redis->largest) + KEY_OVERHEAD) + KEY_OVERHEAD;
    redis_command(&command, n + 1);
    redis_word(&command, STR("MGET"));
    for (unsigned i = 0; i < n; i++) {
        char name[REDIS_KEY_MOST];
        redis_word(&command, redis_key(redis, keys[i], name));
        values[i] = NULL;
    }
    struct redis_exchange exchange = {.commands = buf_str(&command),
                                      .replies = 1,
                                      .bounds = {most < REPLY_MOST ? most : REPLY_MOST, (size_t)n + 1},
                                      .limit = redis->command_limit};
    bool well = redis_ask(redis, exchange, n, &asked);
    if (well) {
        bool taken = take_values(redis, asked.replies, keys, n, values, &damaged);
        if (!taken)
            redis_note_error(redis, redis_replies_item(asked.replies, 0)->kind == REDIS_ERROR
                                        ? redis_replies_text(asked.replies, 0)
                                        : STR("MGET was not answered with its values"));
        redis_done(redis, &asked, taken);
    }
    buf_release(&command);
    // Large values, or a slow way: fewer at once may still come in time.
    unsigned at_once = well ? (n < MANY / 2 ? n * 2 : MANY) : n > 1 ? n / 2 : 1;
    if (asked.pass != BREAKER_NO && (!well || n >= atomic_load(&redis->keys_at_once)))
        atomic_store(&redis->keys_at_once, at_once);
    count_got(redis, keys, n, values, damaged);
}

static void get_many(void *self, const struct cache_key *keys, unsigned n, struct cache_value **values) {
    struct redis *redis = self;
    for (unsigned i = 0, some; i < n; i += some) {
        unsigned most = atomic_load(&redis->keys_at_once);
        some = n - i < most ? n - i : most;
        get_some(redis, keys + i, some, values + i);
    }
}

static struct cache_value *get(void *self, struct cache_key key) {
    struct cache_value *value;
    get_some(self, &key, 1, &value);
    return value;
}

struct redis_stats redis_stats(struct redis *redis) {
    pthread_mutex_lock(&redis->counts_lock);
    struct redis_stats stats = redis->stats;
    pthread_mutex_unlock(&redis->counts_lock);
    pthread_mutex_lock(&redis->breaker.lock);
    stats.opened = redis->breaker.opened;
    stats.state = !redis->breaker.open ? REDIS_CLOSED : redis->breaker.trying ? REDIS_HALF_OPEN : REDIS_OPEN;
    pthread_mutex_unlock(&redis->breaker.lock);
    return stats;
}

static void stats(void *self, struct cache_stats *out) {
    struct redis *redis = self;
    pthread_mutex_lock(&redis->counts_lock);
    *out = redis->counts;
    pthread_mutex_unlock(&redis->counts_lock);
}

static void close_redis(void *self) {
    redis_flush(self);
    release(self);
}

struct cache_tier redis_tier(struct redis *redis) {
    return (struct cache_tier){
        .self = redis,
        .kind = CACHE_REDIS,
        .get = get,
        .get_many = get_many,
        .put = redis_put,
        .invalidate = redis_invalidate,
        .clear = redis_clear,
        .flush = redis_flush,
        .stats = stats,
        .close = close_redis,
    };
}
