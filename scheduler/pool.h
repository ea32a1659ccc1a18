// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_SCHEDULER_POOL_H
#define PRESSRUN_SCHEDULER_POOL_H
/*
 * The workers and what waits for them. Pieces are put from any worker and taken one at a time; a worker that finds none
 * sleeps until somebody rings for it. The pool ends when no piece waits or is under way and no timer runs. It knows
 * nothing of nodes and edges; the executor does.
 *
 *   shared    what anybody may take
 *   own       what belongs to one worker (partition.h); anybody's when that one is parked
 *   parked    a worker whose number is not below `limit`: it takes nothing, and sleeps
 *   timer     a piece that nobody may take before its time. It keeps the pool from ending
 *   tick      a function that is called about every so often, by one worker at a time. The pool does not wait for the
 *             next one, but ends after one that is under way, which may wake nodes
 *
 * All of it is under one lock, held for putting and taking only. Pieces are batches, of 0.2 ms and more, so a worker takes
 * it some ten thousand times a second at most. Plain OpenMP tasks would not do: their priorities are ignored unless
 * the user sets OMP_MAX_TASK_PRIORITY, a thread cannot be parked, and beyond 64 a thread libgomp runs them inside
 * the call that makes them.
 *
 * Lost wakes: whether there is something to take, and whether a worker sleeps, are both said and seen under the lock.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "scheduler/partition.h"
#include "scheduler/ready.h"
#include "scheduler/scheduler.h"

#define POOL_RANK_OF_NODES (UINT64_C(1) << 40) // the least that the step of a node has

struct pool_worker {
    struct worker worker;
    pthread_cond_t bell;
    bool asleep; // and nobody has rung since
    struct ready own;
    uint64_t idle;  // nanoseconds asleep
    char apart[64]; // from the next thread's cache line
};

struct pool {
    struct clock clock;
    pthread_mutex_t lock;
    struct pool_worker *workers;
    uint32_t workers_n, asleep;
    uint32_t threads;                          // that there are: OpenMP may give fewer than workers_n
    uint32_t limit;                            // of workers that take work; at least 1
    const struct partition *_Atomic partition; // set at any time
    struct ready shared, timers;               // the timers' rank is UINT64_MAX - when they are due
    uint64_t order, taken;                     // pieces so far
    uint64_t open; // pieces that wait or are under way, and timers; a tick under way
    bool ended;
    // What waits behind one piece that somebody takes (pool_put_behind).
    bool has_yielded;
    struct piece yielded;
    uint64_t yielded_after; // so many taken
    // Who waits for the outside.
    bool resting;
    uint32_t rester;
    void (*ring)(void *self); // NULL: nobody ever rests
    void *bell;
    // The tick.
    void (*tick)(void *self, struct worker *worker); // NULL: there is none
    void *ticked;
    uint64_t period, next_tick;
    bool ticking;
};

void pool_init(struct pool *p, struct graph *graph, uint32_t workers);
void pool_release(struct pool *p);

void pool_put(struct pool *p, const struct piece *piece); // `order` is set here
// It belongs to a worker as the partition says, which also may put its size in its rank's place.
void pool_put_batch(struct pool *p, const struct piece *piece, uint64_t sequence, uint64_t size);
void pool_put_behind(struct pool *p, const struct piece *piece); // one at a time
void pool_put_after(struct pool *p, const struct piece *piece, uint64_t nanoseconds);

// What the threads do: one of them begins, when the first pieces have been put; then each works until the pool ends.
void pool_begin(struct pool *p, uint32_t threads);
void pool_work(struct pool *p, uint32_t index);

void pool_set_limit(struct pool *p, uint32_t limit);
uint32_t pool_waiting(struct pool *p);          // pieces that nobody has taken
uint32_t pool_working(struct pool *p);          // workers that are not asleep, but for one that ticks
bool pool_rest(struct pool *p, uint32_t index); // false: something waits, or is due
void pool_rested(struct pool *p);

#endif
