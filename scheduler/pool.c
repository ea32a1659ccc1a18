// SPDX-License-Identifier: MIT
#include "scheduler/pool.h"

#include <time.h>

#include "base/mem.h"

enum { BILLION = 1000000000 };

static uint64_t now(const struct pool *p) {
    return p->clock.monotonic(p->clock.self);
}

void pool_init(struct pool *p, struct graph *graph, uint32_t workers) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->lock, NULL);
    p->clock = clock_system();
    p->workers = MEM_NEW_ARRAY(struct pool_worker, workers);
    p->workers_n = p->threads = workers;
    if (!atomic_load(&p->partition))
        atomic_store(&p->partition, &partitions[PARTITION_LEAST_LOADED]);
    p->limit = p->limit && p->limit < workers ? p->limit : workers;
    p->next_tick = p->tick ? now(p) + p->period : 0;
    for (uint32_t i = 0; i < workers; i++) {
        p->workers[i].worker = (struct worker){.index = i, .graph = graph};
        pthread_cond_init(&p->workers[i].bell, &monotonic);
    }
    pthread_condattr_destroy(&monotonic);
}

void pool_release(struct pool *p) {
    for (uint32_t i = 0; i < p->workers_n; i++) {
        pthread_cond_destroy(&p->workers[i].bell);
        ready_release(&p->workers[i].own);
    }
    ready_release(&p->shared);
    ready_release(&p->timers);
    mem_free(p->workers);
    pthread_mutex_destroy(&p->lock);
}

// Ringing ---------------------------------------------------------------------------------------------------

static void ring_for(struct pool *p, struct pool_worker *w) {
    w->asleep = false;
    p->asleep--;
    pthread_cond_signal(&w->bell);
}

static void ring_for_all(struct pool *p) {
    for (uint32_t i = 0; i < p->workers_n; i++)
        if (p->workers[i].asleep)
            ring_for(p, &p->workers[i]);
}

// Somebody who may take what has come. Where nobody sleeps, a worker will find it when it has ended what it does; but not
// the one that waits for the outside, unless it is rung for.
static void ring_somebody(struct pool *p, uint32_t home) {
    if (home != PARTITION_ANY) {
        if (p->workers[home].asleep)
            ring_for(p, &p->workers[home]);
        else if (p->resting && p->rester == home)
            p->ring(p->bell);
        return;
    }
    for (uint32_t i = 0; p->asleep > 0 && i < p->limit; i++) {
        if (!p->workers[i].asleep)
            continue;
        ring_for(p, &p->workers[i]);
        return;
    }
    if (p->resting)
        p->ring(p->bell);
}

// Putting ---------------------------------------------------------------------------------------------------

static void put(struct pool *p, const struct piece *piece, uint32_t home) {
    struct piece counted = *piece;
    counted.order = p->order++;
    ready_put(home == PARTITION_ANY ? &p->shared : &p->workers[home].own, &counted);
    ring_somebody(p, home);
}

void pool_put(struct pool *p, const struct piece *piece) {
    pthread_mutex_lock(&p->lock);
    p->open++;
    put(p, piece, PARTITION_ANY);
    pthread_mutex_unlock(&p->lock);
}

// Where size counts, steps of nodes, which make batches, go before all of these.
static uint64_t rank_of(const struct partition *partition, const struct piece *piece, uint64_t size) {
    if (!partition->longest_first)
        return piece->rank;
    return size < POOL_RANK_OF_NODES ? size : POOL_RANK_OF_NODES - 1;
}

void pool_put_batch(struct pool *p, const struct piece *piece, uint64_t sequence, uint64_t size) {
    const struct partition *partition = atomic_load(&p->partition);
    struct piece batch = *piece;
    pthread_mutex_lock(&p->lock);
    p->open++;
    batch.rank = rank_of(partition, piece, size);
    put(p, &batch, partition->home ? partition->home(sequence, p->limit) : PARTITION_ANY);
    pthread_mutex_unlock(&p->lock);
}

void pool_put_behind(struct pool *p, const struct piece *piece) {
    pthread_mutex_lock(&p->lock);
    p->open++;
    p->has_yielded = true;
    p->yielded = *piece;
    p->yielded_after = p->taken + 1;
    ring_somebody(p, PARTITION_ANY);
    pthread_mutex_unlock(&p->lock);
}

// Nobody who sleeps is to sleep longer than until then.
void pool_put_after(struct pool *p, const struct piece *piece, uint64_t nanoseconds) {
    struct piece timer = *piece;
    pthread_mutex_lock(&p->lock);
    p->open++;
    timer.order = p->order++;
    timer.rank = UINT64_MAX - (now(p) + nanoseconds);
    ready_put(&p->timers, &timer);
    ring_for_all(p); // were it one alone, that one may take something else, and nobody looks again in time
    if (p->resting)
        p->ring(p->bell);
    pthread_mutex_unlock(&p->lock);
}

// Taking ----------------------------------------------------------------------------------------------------

static void move_what_is_due(struct pool *p) {
    struct piece timer;
    if (p->timers.n == 0)
        return;
    for (const uint64_t from = UINT64_MAX - now(p); p->timers.n > 0 && p->timers.pieces[0].rank >= from;) {
        ready_take(&p->timers, &timer);
        timer.rank = UINT64_MAX; // it has waited
        put(p, &timer, PARTITION_ANY);
    }
}

static bool take_tick(struct pool *p, struct piece *piece) {
    if (!p->tick || p->ticking || now(p) < p->next_tick)
        return false;
    p->ticking = true;
    p->open++; // it may be about to wake a node that nobody else wakes any more
    *piece = (struct piece){.fn = p->tick, .self = p->ticked};
    return true;
}

static bool take(struct pool *p, struct pool_worker *w, struct piece *piece) {
    if (w->worker.index >= p->limit)
        return false;
    move_what_is_due(p);
    if (p->has_yielded && (p->taken >= p->yielded_after || (w->own.n == 0 && p->shared.n == 0))) {
        p->has_yielded = false;
        *piece = p->yielded;
    } else if (!ready_take(&w->own, piece) && !ready_take(&p->shared, piece)) {
        return false;
    }
    p->taken++;
    return true;
}

// When a worker that sleeps is to look again by itself; 0: not before somebody rings.
static uint64_t looks_again(const struct pool *p, const struct pool_worker *w) {
    uint64_t at = !p->tick ? 0 : p->ticking ? now(p) + p->period : p->next_tick;
    if (p->timers.n > 0) {
        const uint64_t due = UINT64_MAX - p->timers.pieces[0].rank;
        at = at == 0 || due < at ? due : at;
    }
    return w->worker.index < p->limit ? at : 0;
}

static void sleep_a_while(struct pool *p, struct pool_worker *w) {
    const uint64_t from = now(p), until = looks_again(p, w);
    const struct timespec at = {.tv_sec = (time_t)(until / BILLION), .tv_nsec = (long)(until % BILLION)};
    w->asleep = true;
    p->asleep++;
    if (until)
        pthread_cond_timedwait(&w->bell, &p->lock, &at);
    else
        pthread_cond_wait(&w->bell, &p->lock);
    if (w->asleep) { // it woke by itself
        w->asleep = false;
        p->asleep--;
    }
    w->idle += now(p) - from;
}

void pool_begin(struct pool *p, uint32_t threads) {
    pthread_mutex_lock(&p->lock);
    p->threads = threads;
    p->ended = p->open == 0;
    pthread_mutex_unlock(&p->lock);
    pool_set_limit(p, p->limit);
}

void pool_work(struct pool *p, uint32_t index) {
    struct pool_worker *w = &p->workers[index];
    pthread_mutex_lock(&p->lock);
    while (!p->ended) {
        struct piece piece;
        const bool tick = w->worker.index < p->limit && take_tick(p, &piece);
        if (!tick && !take(p, w, &piece)) {
            sleep_a_while(p, w);
            continue;
        }
        pthread_mutex_unlock(&p->lock);
        w->worker.rank = piece.rank;
        piece.fn(piece.self, &w->worker);
        pthread_mutex_lock(&p->lock);
        if (tick) {
            p->ticking = false;
            p->next_tick = now(p) + p->period;
        }
        if (--p->open == 0) {
            p->ended = true;
            ring_for_all(p);
        }
    }
    pthread_mutex_unlock(&p->lock);
}

// Who may work ----------------------------------------------------------------------------------------------

void pool_set_limit(struct pool *p, uint32_t limit) {
    struct piece piece;
    pthread_mutex_lock(&p->lock);
    p->limit = limit == 0 ? 1 : limit < p->threads ? limit : p->threads;
    for (uint32_t i = p->limit; i < p->workers_n; i++)
        while (ready_take(&p->workers[i].own, &piece))
            ready_put(&p->shared, &piece);
    ring_for_all(p); // there may be more for those who work now, or a time to look again
    if (p->resting)
        p->ring(p->bell);
    pthread_mutex_unlock(&p->lock);
}

uint32_t pool_waiting(struct pool *p) {
    pthread_mutex_lock(&p->lock);
    size_t n = p->shared.n + p->has_yielded;
    for (uint32_t i = 0; i < p->workers_n; i++)
        n += p->workers[i].own.n;
    pthread_mutex_unlock(&p->lock);
    return (uint32_t)n;
}

uint32_t pool_working(struct pool *p) {
    pthread_mutex_lock(&p->lock);
    const uint32_t n = p->threads - p->asleep - p->ticking;
    pthread_mutex_unlock(&p->lock);
    return n;
}

// A timer, or the tick, whose time has come: where all others are parked or at work, who rests is the only one to see to it.
static bool is_due(const struct pool *p) {
    const bool ticks = p->tick && !p->ticking;
    if (!ticks && p->timers.n == 0)
        return false;
    const uint64_t at = now(p);
    return (ticks && at >= p->next_tick) || (p->timers.n > 0 && p->timers.pieces[0].rank >= UINT64_MAX - at);
}

bool pool_rest(struct pool *p, uint32_t index) {
    pthread_mutex_lock(&p->lock);
    const bool waits = p->workers[index].own.n > 0 || p->shared.n > 0 || is_due(p);
    p->resting = !waits || index >= p->limit;
    p->rester = index;
    const bool rests = p->resting;
    pthread_mutex_unlock(&p->lock);
    return rests;
}

void pool_rested(struct pool *p) {
    pthread_mutex_lock(&p->lock);
    p->resting = false;
    pthread_mutex_unlock(&p->lock);
}
