// SPDX-License-Identifier: MIT
#include "stages/load/sqlite/sqlite_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/mem.h"
#include "stages/load/sqlite/sqlite_connection.h"
#include "stages/load/sqlite/sqlite_identity.h"

enum {
    SHARES = 50,        // tries to begin several transactions in one state of the database
    LOOK_NS = 50000000, // between two looks at `interrupt`
    NS_PER_MS = 1000000,
    NS_PER_S = 1000000000,
};

struct slot {
    struct sqlite_connection connection; // first: who has the connection has the slot
    bool busy, used_before;
    uint32_t statements;
};

struct sqlite_pool {
    struct sqlite_pools *pools;
    struct sqlite_pool *next;
    char *path;               // owned
    uint32_t users, expected; // under pools->lock
    pthread_mutex_t lock;     // of what follows
    pthread_cond_t free;      // some connection is
    struct slot **slots;      // each on its own, so that they stay where they are
    uint32_t slots_n, busy;
    struct load_options options; // of who opened it
    struct sqlite_pool_statistics statistics;
    struct digest identity; // before it was opened
};

struct sqlite_pools {
    struct sqlite_pool_limits limits;
    struct clock clock; // no `monotonic`: there is none
    pthread_mutex_t lock;
    struct sqlite_pool *first, **last;
};

// Pools --------------------------------------------------------------------------------------------------------

struct sqlite_pools *sqlite_pools_new(const struct sqlite_pool_limits *limits, const struct clock *clock) {
    struct sqlite_pools *pools = MEM_NEW(struct sqlite_pools);
    pools->limits = *limits;
    if (pools->limits.most == 0)
        pools->limits.most = 1;
    if (pools->limits.most > SQLITE_POOL_MOST)
        pools->limits.most = SQLITE_POOL_MOST;
    if (pools->limits.least > pools->limits.most)
        pools->limits.least = pools->limits.most;
    if (clock)
        pools->clock = *clock;
    pthread_mutex_init(&pools->lock, NULL);
    pools->last = &pools->first;
    return pools;
}

uint32_t sqlite_pools_most(const struct sqlite_pools *pools) {
    return pools->limits.most;
}

static void close_slot(struct sqlite_pool *pool, uint32_t i) {
    sqlite_connection_close(&pool->slots[i]->connection);
    mem_free(pool->slots[i]);
    pool->slots[i] = pool->slots[--pool->slots_n];
}

static void close_all(struct sqlite_pool *pool) {
    while (pool->slots_n > 0)
        close_slot(pool, pool->slots_n - 1);
}

void sqlite_pools_free(struct sqlite_pools *pools) {
    if (!pools)
        return;
    while (pools->first) {
        struct sqlite_pool *pool = pools->first;
        pools->first = pool->next;
        close_all(pool);
        pthread_mutex_destroy(&pool->lock);
        pthread_cond_destroy(&pool->free);
        mem_free(pool->slots);
        mem_free(pool->path);
        mem_free(pool);
    }
    pthread_mutex_destroy(&pools->lock);
    mem_free(pools);
}

// Under the lock of `pools`.
static struct sqlite_pool *find_pool(struct sqlite_pools *pools, const char *path) {
    struct sqlite_pool *pool = pools->first;
    while (pool && strcmp(pool->path, path) != 0)
        pool = pool->next;
    if (pool)
        return pool;
    pool = MEM_NEW(struct sqlite_pool);
    pool->pools = pools;
    pool->path = mem_copy(path, strlen(path));
    pool->slots = MEM_NEW_ARRAY(struct slot *, pools->limits.most);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->free, &attributes);
    pthread_condattr_destroy(&attributes);
    *pools->last = pool;
    pools->last = &pool->next;
    return pool;
}

void sqlite_pools_expect(struct sqlite_pools *pools, const char *path) {
    pthread_mutex_lock(&pools->lock);
    find_pool(pools, path)->expected++;
    pthread_mutex_unlock(&pools->lock);
}

// Under the lock of `pools`. What the pool read is over, and the next snapshot is another one.
static void end_if_idle(struct sqlite_pool *pool) {
    if (pool->users > 0 || pool->expected > 0)
        return;
    pthread_mutex_lock(&pool->lock);
    close_all(pool);
    pthread_mutex_unlock(&pool->lock);
}

void sqlite_pools_done(struct sqlite_pools *pools, const char *path) {
    pthread_mutex_lock(&pools->lock);
    struct sqlite_pool *pool = find_pool(pools, path);
    if (pool->expected > 0)
        pool->expected--;
    end_if_idle(pool);
    pthread_mutex_unlock(&pools->lock);
}

bool sqlite_pools_is_shared(struct sqlite_pools *pools, const char *path) {
    pthread_mutex_lock(&pools->lock);
    const struct sqlite_pool *pool = find_pool(pools, path);
    const bool shared = pool->users + pool->expected > 1;
    pthread_mutex_unlock(&pools->lock);
    return shared;
}

bool sqlite_pools_look(struct sqlite_pools *pools, size_t i, struct sqlite_pool_statistics *out) {
    pthread_mutex_lock(&pools->lock);
    struct sqlite_pool *pool = pools->first;
    for (; pool; pool = pool->next) {
        pthread_mutex_lock(&pool->lock);
        *out = pool->statistics;
        pthread_mutex_unlock(&pool->lock);
        if (out->opened > 0 && i-- == 0)
            break;
    }
    pthread_mutex_unlock(&pools->lock);
    return pool != NULL;
}

// Connections, under the lock of their pool ------------------------------------------------------------------------

static enum status open_slot(struct sqlite_pool *pool, uint32_t patience, struct err *err) {
    struct slot *slot = MEM_NEW(struct slot);
    if (sqlite_connection_open(&slot->connection, &pool->options, patience, err) != STATUS_OK) {
        mem_free(slot);
        return err->status;
    }
    pool->slots[pool->slots_n++] = slot;
    pool->statistics.opened++;
    return STATUS_OK;
}

static bool is_of_the_same_file(const struct sqlite_connection *a, const struct sqlite_connection *b) {
    return a->device == b->device && a->inode == b->inode;
}

// One more connection in a database whose state nobody can change as long as there is a first one.
static bool add_slot(struct sqlite_pool *pool) {
    struct err err;
    if (open_slot(pool, 0, &err) != STATUS_OK)
        return false;
    const uint32_t last = pool->slots_n - 1;
    struct sqlite_connection *c = &pool->slots[last]->connection;
    if (is_of_the_same_file(c, &pool->slots[0]->connection) &&
        sqlite_connection_begin(c, &pool->options, &err) == STATUS_OK)
        return true;
    close_slot(pool, last);
    pool->statistics.failed++;
    return false;
}

// Of connections that are about to begin: nobody has changed anything since they last looked, and so they begin where
// the first one does.
static bool begin_as_one(struct sqlite_pool *pool) {
    int64_t before[SQLITE_POOL_MOST], after;
    for (uint32_t i = 1; i < pool->slots_n; i++) {
        const struct sqlite_connection *c = &pool->slots[i]->connection;
        if (sqlite_connection_is_reading(c) || !sqlite_connection_version(c, &before[i]))
            return false;
    }
    if (!sqlite_connection_begin_again(&pool->slots[0]->connection) ||
        !sqlite_connection_version(&pool->slots[0]->connection, &after))
        return false;
    bool same = true;
    for (uint32_t i = 1; i < pool->slots_n; i++) {
        struct sqlite_connection *c = &pool->slots[i]->connection;
        same = sqlite_connection_begin_again(c) && sqlite_connection_version(c, &after) &&
               after == before[i] && same;
    }
    return same;
}

static void end_transactions(struct sqlite_pool *pool) {
    for (uint32_t i = 1; i < pool->slots_n; i++)
        if (sqlite_connection_is_reading(&pool->slots[i]->connection))
            sqlite3_exec(pool->slots[i]->connection.db, "COMMIT", NULL, NULL, NULL);
}

// Of a database with a write-ahead log.
static void open_as_one(struct sqlite_pool *pool) {
    struct err err;
    while (pool->slots_n < pool->pools->limits.most && open_slot(pool, 0, &err) == STATUS_OK)
        if (!is_of_the_same_file(&pool->slots[pool->slots_n - 1]->connection, &pool->slots[0]->connection)) {
            close_slot(pool, pool->slots_n - 1);
            pool->statistics.failed++;
            break;
        }
    if (pool->slots_n == 1)
        return;
    for (int tries = 0; tries < SHARES; tries++) {
        if (begin_as_one(pool))
            return;
        end_transactions(pool);
    }
    while (pool->slots_n > 1) {
        close_slot(pool, pool->slots_n - 1);
        pool->statistics.failed++;
    }
}

static enum status begin(struct sqlite_pool *pool, const struct load_options *options, struct err *err) {
    const uint32_t patience = options->impatient ? 0 : pool->pools->limits.patience_ms;
    pool->options = *options;
    sqlite_identity(options, 0, &pool->identity);
    if (open_slot(pool, patience, err) != STATUS_OK)
        return err->status;
    struct sqlite_connection *first = &pool->slots[0]->connection;
    if (sqlite_connection_begin(first, options, err) != STATUS_OK) {
        close_all(pool);
        return err->status;
    }
    if (!pool->statistics.name.p)
        pool->statistics.name = options->name;
    pool->statistics.has_log = first->has_log;
    if (first->has_log)
        open_as_one(pool);
    while (!first->has_log && pool->slots_n < pool->pools->limits.least && add_slot(pool))
        continue;
    return STATUS_OK;
}

// ----------------------------------------------------------------------------------------------------------------

enum status sqlite_pool_use(struct sqlite_pools *pools, const struct load_options *options,
                            struct sqlite_pool **out, struct err *err) {
    pthread_mutex_lock(&pools->lock);
    struct sqlite_pool *pool = find_pool(pools, options->path);
    pool->users++;
    pthread_mutex_unlock(&pools->lock);
    pthread_mutex_lock(&pool->lock);
    enum status status = pool->slots_n > 0 ? STATUS_OK : begin(pool, options, err);
    pthread_mutex_unlock(&pool->lock);
    *out = pool;
    if (status != STATUS_OK)
        sqlite_pool_release(pool);
    return status;
}

struct digest sqlite_pool_identity(const struct sqlite_pool *pool) {
    return pool->identity;
}

void sqlite_pool_release(struct sqlite_pool *pool) {
    struct sqlite_pools *pools = pool->pools;
    pthread_mutex_lock(&pools->lock);
    pool->users--;
    end_if_idle(pool);
    pthread_mutex_unlock(&pools->lock);
}

// The first one stays: it holds the snapshot, and who takes it finds out what is wrong with it.
static void drop_failed(struct sqlite_pool *pool) {
    for (uint32_t i = pool->slots_n; i-- > 1;) {
        const struct slot *slot = pool->slots[i];
        if (slot->statements > 0 || slot->busy || sqlite_connection_is_reading(&slot->connection))
            continue;
        close_slot(pool, i);
        pool->statistics.failed++;
    }
}

static struct slot *least_used(const struct sqlite_pool *pool) {
    struct slot *least = pool->slots[0];
    for (uint32_t i = 1; i < pool->slots_n; i++)
        if (pool->slots[i]->statements < least->statements)
            least = pool->slots[i];
    return least;
}

struct sqlite_connection *sqlite_pool_take(struct sqlite_pool *pool, bool other) {
    pthread_mutex_lock(&pool->lock);
    drop_failed(pool);
    struct slot *slot = least_used(pool);
    if (slot->statements > 0 && !pool->statistics.has_log && pool->slots_n < pool->pools->limits.most &&
        add_slot(pool))
        slot = pool->slots[pool->slots_n - 1];
    if (other && slot->statements > 0)
        slot = NULL;
    if (slot) {
        pool->statistics.reused += slot->used_before;
        slot->used_before = true;
        slot->statements++;
    }
    pthread_mutex_unlock(&pool->lock);
    return slot ? &slot->connection : NULL;
}

void sqlite_pool_give(struct sqlite_pool *pool, struct sqlite_connection *c) {
    pthread_mutex_lock(&pool->lock);
    ((struct slot *)c)->statements--;
    pthread_mutex_unlock(&pool->lock);
}

static bool is_interrupted(const struct sqlite_connection *c) {
    return c->interrupt && atomic_load_explicit(c->interrupt, memory_order_relaxed);
}

// A moment later.
static struct timespec in_a_while(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += LOOK_NS;
    at.tv_sec += at.tv_nsec / NS_PER_S;
    at.tv_nsec %= NS_PER_S;
    return at;
}

static uint64_t now(const struct sqlite_pools *pools) {
    return pools->clock.monotonic ? pools->clock.monotonic(pools->clock.self) : 0;
}

static enum status wait_until_free(struct sqlite_pool *pool, const struct slot *slot, struct err *err) {
    const struct sqlite_connection *c = &slot->connection;
    const uint64_t from = now(pool->pools);
    uint64_t left = (uint64_t)pool->pools->limits.patience_ms * NS_PER_MS;
    pool->statistics.waited++;
    while (slot->busy && (!err || (left > 0 && !is_interrupted(c)))) {
        const struct timespec until = in_a_while();
        if (pthread_cond_timedwait(&pool->free, &pool->lock, &until) != 0)
            left -= left < LOOK_NS ? left : LOOK_NS;
    }
    pool->statistics.waited_ns += now(pool->pools) - from;
    if (!slot->busy)
        return STATUS_OK;
    if (is_interrupted(c))
        return err_set(err, STATUS_CANCELLED, "%.*s: interrupted", STR_ARG(c->name));
    return err_set(err, STATUS_CONFLICT,
                   "%.*s: no connection became free within %u ms (databases: most, timeout)",
                   STR_ARG(c->name), pool->pools->limits.patience_ms);
}

enum status sqlite_pool_enter(struct sqlite_pool *pool, struct sqlite_connection *c, struct err *err) {
    struct slot *slot = (struct slot *)c;
    pthread_mutex_lock(&pool->lock);
    enum status status = slot->busy ? wait_until_free(pool, slot, err) : STATUS_OK;
    if (status == STATUS_OK) {
        slot->busy = true;
        pool->busy++;
        if (pool->statistics.at_once < pool->busy)
            pool->statistics.at_once = pool->busy;
    }
    pthread_mutex_unlock(&pool->lock);
    return status;
}

void sqlite_pool_leave(struct sqlite_pool *pool, struct sqlite_connection *c) {
    pthread_mutex_lock(&pool->lock);
    ((struct slot *)c)->busy = false;
    pool->busy--;
    pthread_cond_broadcast(&pool->free);
    pthread_mutex_unlock(&pool->lock);
}

void sqlite_pool_count_range(struct sqlite_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    pool->statistics.ranges++;
    pthread_mutex_unlock(&pool->lock);
}

void sqlite_pool_finalize(struct sqlite_pool *pool, struct sqlite_connection *c, struct sqlite3_stmt *stmt) {
    if (!stmt)
        return;
    sqlite_pool_enter(pool, c, NULL);
    sqlite3_finalize(stmt);
    sqlite_pool_leave(pool, c);
}
