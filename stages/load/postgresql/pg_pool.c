// SPDX-License-Identifier: MIT
#include "stages/load/postgresql/pg_pool.h"

#include <pthread.h>

#include "base/mem.h"
#include "stages/load/postgresql/pg_connection.h"

struct pooled {
    struct pg_connection connection; // the first member: it is what is handed out
    struct pg_pool *pool;
    bool taken;
    struct pooled *next;
};

struct pg_pool {
    struct str url; // owned
    struct pooled *connections;
    struct pooled *leader;           // has exported the snapshot; NULL: there is none
    char snapshot[PG_SNAPSHOT_SIZE]; // "" before the first connection
    uint32_t expected, taken;
    struct sqlite_pool_statistics statistics;
    struct pg_pool *next;
    pthread_mutex_t lock; // of all but url and next
};

struct pg_pools {
    uint32_t most;
    struct pg_pool *first;
    pthread_mutex_t lock; // of the list
};

struct pg_pools *pg_pools_new(uint32_t most) {
    struct pg_pools *pools = MEM_NEW(struct pg_pools);
    pools->most = most ? most : 1;
    pthread_mutex_init(&pools->lock, NULL);
    return pools;
}

uint32_t pg_pools_most(const struct pg_pools *pools) {
    return pools->most;
}

static void drop(struct pg_pool *pool, struct pooled *gone) {
    struct pooled **at = &pool->connections;
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    if (pool->leader == gone)
        pool->leader = NULL;
    pg_connection_close(&gone->connection);
    mem_free(gone);
}

// Nobody reads it any more: who comes now sees what is there then.
static void end_snapshot(struct pg_pool *pool) {
    if (pool->expected > 0 || pool->taken > 0)
        return;
    while (pool->connections)
        drop(pool, pool->connections);
    pool->snapshot[0] = '\0';
}

void pg_pools_free(struct pg_pools *pools) {
    if (!pools)
        return;
    for (struct pg_pool *pool = pools->first, *next; pool; pool = next) {
        next = pool->next;
        pool->expected = pool->taken = 0;
        end_snapshot(pool);
        pthread_mutex_destroy(&pool->lock);
        mem_free((char *)pool->url.p);
        mem_free(pool);
    }
    pthread_mutex_destroy(&pools->lock);
    mem_free(pools);
}

// In the order in which they were first asked for.
static struct pg_pool *pool_of(struct pg_pools *pools, const char *url) {
    pthread_mutex_lock(&pools->lock);
    struct pg_pool **at = &pools->first;
    while (*at && !str_is((*at)->url, url))
        at = &(*at)->next;
    if (!*at) {
        *at = MEM_NEW(struct pg_pool);
        (*at)->url = (struct str){mem_copy(url, strlen(url)), strlen(url)};
        pthread_mutex_init(&(*at)->lock, NULL);
    }
    struct pg_pool *pool = *at;
    pthread_mutex_unlock(&pools->lock);
    return pool;
}

void pg_pools_expect(struct pg_pools *pools, const char *url) {
    struct pg_pool *pool = pool_of(pools, url);
    pthread_mutex_lock(&pool->lock);
    pool->expected++;
    pthread_mutex_unlock(&pool->lock);
}

void pg_pools_done(struct pg_pools *pools, const char *url) {
    struct pg_pool *pool = pool_of(pools, url);
    pthread_mutex_lock(&pool->lock);
    pool->expected--;
    end_snapshot(pool);
    pthread_mutex_unlock(&pool->lock);
}

bool pg_pools_look(struct pg_pools *pools, size_t i, struct sqlite_pool_statistics *out) {
    bool found = false;
    pthread_mutex_lock(&pools->lock);
    for (struct pg_pool *pool = pools->first; pool && !found; pool = pool->next) {
        pthread_mutex_lock(&pool->lock);
        *out = pool->statistics;
        pthread_mutex_unlock(&pool->lock);
        found = out->opened > 0 && i-- == 0;
    }
    pthread_mutex_unlock(&pools->lock);
    return found;
}

// Taking -----------------------------------------------------------------------------------------------------

// One that nobody has, and that is still what it was.
static struct pooled *find_free(struct pg_pool *pool) {
    for (struct pooled *p = pool->connections, *next; p; p = next) {
        next = p->next;
        if (p->taken)
            continue;
        if (pg_connection_is_sound(&p->connection))
            return p;
        pool->statistics.failed++;
        drop(pool, p);
    }
    return NULL;
}

static enum status open_one(struct pg_pool *pool, const struct load_options *options, struct pooled **out,
                            struct err *err) {
    const bool first = pool->snapshot[0] == '\0';
    if (!first && !pool->leader)
        return err_set(
            err, STATUS_IO,
            "%.*s: the connection was lost that held what all sources of the run see of the database",
            STR_ARG(options->name));
    struct pooled *p = MEM_NEW(struct pooled);
    enum status status = pg_connection_open(&p->connection, options->path, options->name, options->interrupt,
                                            first ? NULL : pool->snapshot, err);
    if (status == STATUS_OK && first)
        status = pg_connection_export(&p->connection, pool->snapshot, err);
    if (status == STATUS_OK)
        status = pg_connection_protect(&p->connection, err);
    if (status != STATUS_OK) {
        pg_connection_close(&p->connection);
        pool->snapshot[0] = first ? '\0' : pool->snapshot[0];
        mem_free(p);
        return status;
    }
    pool->leader = first ? p : pool->leader;
    p->pool = pool;
    p->next = pool->connections;
    pool->connections = p;
    pool->statistics.name = pool->statistics.opened++ ? pool->statistics.name : options->name;
    *out = p;
    return STATUS_OK;
}

static enum status take(struct pg_pools *pools, struct pg_pool *pool, const struct load_options *options,
                        bool beside, struct pooled **out, struct err *err) {
    struct pooled *p = find_free(pool);
    if (!p && beside && pool->taken >= pools->most)
        return STATUS_OK;
    if (p)
        pool->statistics.reused++;
    else if (open_one(pool, options, &p, err) != STATUS_OK)
        return err->status;
    p->connection.name = options->name;
    p->connection.interrupt = options->interrupt;
    p->taken = true;
    pool->taken++;
    if (pool->taken > pool->statistics.at_once)
        pool->statistics.at_once = pool->taken;
    *out = p;
    return STATUS_OK;
}

enum status pg_pools_take(struct pg_pools *pools, const struct load_options *options, bool beside,
                          struct pg_connection **out, struct err *err) {
    struct pg_pool *pool = pool_of(pools, options->path);
    struct pooled *p = NULL;
    pthread_mutex_lock(&pool->lock);
    enum status status = take(pools, pool, options, beside, &p, err);
    pthread_mutex_unlock(&pool->lock);
    *out = p ? &p->connection : NULL;
    return status;
}

void pg_pools_count_range(struct pg_connection *c) {
    struct pg_pool *pool = ((struct pooled *)c)->pool;
    pthread_mutex_lock(&pool->lock);
    pool->statistics.ranges++;
    pthread_mutex_unlock(&pool->lock);
}

void pg_pools_give(struct pg_connection *c) {
    struct pooled *p = (struct pooled *)c;
    struct pg_pool *pool = p->pool;
    bool sound = pg_connection_reset(c);
    pthread_mutex_lock(&pool->lock);
    p->taken = false;
    pool->taken--;
    if (!sound) {
        pool->statistics.failed++;
        drop(pool, p);
    }
    end_snapshot(pool);
    pthread_mutex_unlock(&pool->lock);
}
