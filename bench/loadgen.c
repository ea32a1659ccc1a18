// SPDX-License-Identifier: MIT
#include "bench/loadgen.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/mem.h"
#include "bench/random.h"

enum { NAP = 100000000, PROGRESS_NAP = 250000000, CACHE_LINE = 64 };

struct user {
    struct generator *generator;
    uint32_t index;
    pthread_t thread;
    struct loadgen_part *parts;
    struct loadgen_slot slots[LOADGEN_SLOTS];
};

struct generator {
    const struct loadgen_options *options;
    double weights; // all of them
    uint64_t began, end;
    struct user *users;
    _Alignas(CACHE_LINE) atomic_uint_fast64_t next; // operation that nobody has taken
};

static uint64_t now(const struct generator *g) {
    return g->options->clock.monotonic(g->options->clock.self) - g->began;
}

static void sleep_system(void *self, uint64_t nanoseconds) {
    (void)self;
    nanosleep(&(struct timespec){.tv_sec = (time_t)(nanoseconds / 1000000000),
                                 .tv_nsec = (long)(nanoseconds % 1000000000)},
              NULL);
}

static bool is_interrupted(const struct generator *g) {
    return g->options->interrupt && atomic_load_explicit(g->options->interrupt, memory_order_relaxed);
}

// Until it is due, with a look at the interrupt now and then. Returns the time.
static uint64_t wait_for(const struct generator *g, uint64_t due) {
    uint64_t time = now(g);
    while (time < due && !is_interrupted(g)) {
        uint64_t left = due - time;
        (g->options->sleep ? g->options->sleep : sleep_system)(g->options->clock.self,
                                                               left < NAP ? left : NAP);
        time = now(g);
    }
    return time;
}

// Which operation of the mix the i-th is; *choice: a number for it to choose with.
static uint32_t operation_of(const struct generator *g, uint64_t i, uint64_t *choice) {
    const struct loadgen_options *options = g->options;
    struct random random = {options->seed + i * 0xd1342543de82ef95u};
    double at = random_unit(&random) * g->weights;
    uint32_t k = 0;
    while (k + 1 < options->operations_n && at >= options->operations[k].weight)
        at -= options->operations[k++].weight;
    *choice = random_next(&random);
    return k;
}

static struct loadgen_slot *slot_of(struct user *user, uint64_t time) {
    uint64_t slot = (uint64_t)((double)time / (double)user->generator->end * LOADGEN_SLOTS);
    return &user->slots[slot < LOADGEN_SLOTS ? slot : LOADGEN_SLOTS - 1];
}

static void note_latency(struct loadgen_slot *slot, uint64_t latency) {
    slot->operations++;
    slot->latency_max = latency > slot->latency_max ? latency : slot->latency_max;
}

static void note_backlog(struct user *user, uint64_t time) {
    const struct generator *g = user->generator;
    struct loadgen_slot *slot = slot_of(user, time);
    uint64_t due = arrivals_due(&g->options->arrivals, time);
    uint64_t taken = atomic_load_explicit(&g->next, memory_order_relaxed);
    if (due > taken && due - taken > slot->backlog)
        slot->backlog = due - taken;
}

static void give_up(struct user *user, uint64_t i, uint64_t due) {
    struct generator *g = user->generator;
    uint64_t choice, waited = g->end - due;
    struct loadgen_part *part = &user->parts[operation_of(g, i, &choice)];
    note_latency(slot_of(user, due), waited);
    if (i < g->options->arrivals.ramp_n)
        return;
    part->unstarted++;
    histogram_add(&part->times.latency, waited);
    histogram_add(&part->times.wait, waited);
}

static void perform(struct user *user, uint64_t i, uint64_t due, uint64_t began) {
    struct generator *g = user->generator;
    uint64_t choice, bytes = 0;
    uint32_t k = operation_of(g, i, &choice);
    const struct loadgen_operation *operation = &g->options->operations[k];
    struct loadgen_part *part = &user->parts[k];
    struct err err = {.status = STATUS_OK};
    note_backlog(user, began);
    bool well = operation->run(operation->self, user->index, choice, &bytes, &err);
    uint64_t ended = now(g);
    if (!well && is_interrupted(g))
        return;
    note_latency(slot_of(user, due), ended - due);
    if (!well && !part->fault[0])
        snprintf(part->fault, sizeof part->fault, "%s", err.text);
    if (i < g->options->arrivals.ramp_n)
        return;
    part->done++;
    part->failed += !well;
    part->bytes += bytes;
    histogram_add(&part->times.latency, ended - due);
    histogram_add(&part->times.wait, began - due);
    histogram_add(&part->times.service, ended - began);
}

static void *work(void *self) {
    struct user *user = self;
    struct generator *g = user->generator;
    prctl(PR_SET_TIMERSLACK, 1); // wake as punctually as the machine can
    for (;;) {
        uint64_t i = atomic_fetch_add_explicit(&g->next, 1, memory_order_relaxed);
        if (i >= g->options->arrivals.n || is_interrupted(g))
            return NULL;
        uint64_t due = arrivals_time(&g->options->arrivals, i), began = wait_for(g, due);
        if (began < due) // interrupted
            return NULL;
        if (began >= g->end)
            give_up(user, i, due);
        else
            perform(user, i, due, began);
    }
}

// ---- what came of it

static void add_times(struct loadgen_times *to, const struct loadgen_times *from) {
    histogram_merge(&to->latency, &from->latency);
    histogram_merge(&to->wait, &from->wait);
    histogram_merge(&to->service, &from->service);
}

static void add_part(struct loadgen_part *to, const struct loadgen_part *from) {
    add_times(&to->times, &from->times);
    to->done += from->done;
    to->failed += from->failed;
    to->unstarted += from->unstarted;
    to->bytes += from->bytes;
    if (!to->fault[0])
        snprintf(to->fault, sizeof to->fault, "%s", from->fault);
}

static void release_part(struct loadgen_part *part) {
    histogram_release(&part->times.latency);
    histogram_release(&part->times.wait);
    histogram_release(&part->times.service);
}

static void add_slots(struct loadgen_result *result, const struct user *user) {
    for (size_t i = 0; i < LOADGEN_SLOTS; i++) {
        struct loadgen_slot *slot = &result->slots[i];
        const struct loadgen_slot *more = &user->slots[i];
        slot->operations += more->operations;
        slot->backlog = more->backlog > slot->backlog ? more->backlog : slot->backlog;
        slot->latency_max = more->latency_max > slot->latency_max ? more->latency_max : slot->latency_max;
        result->backlog = slot->backlog > result->backlog ? slot->backlog : result->backlog;
    }
}

static void sum_up(const struct generator *g, struct loadgen_result *result) {
    const struct loadgen_options *options = g->options;
    result->parts_n = options->operations_n;
    result->parts = MEM_NEW_ARRAY(struct loadgen_part, options->operations_n);
    for (uint32_t u = 0; u < options->users; u++) {
        struct user *user = &g->users[u];
        for (uint32_t k = 0; k < options->operations_n; k++) {
            add_part(&result->parts[k], &user->parts[k]);
            release_part(&user->parts[k]);
        }
        add_slots(result, user);
        mem_free(user->parts);
    }
    for (uint32_t k = 0; k < options->operations_n; k++)
        add_part(&result->all, &result->parts[k]);
    struct loadgen_slot *last = &result->slots[LOADGEN_SLOTS - 1];
    if (result->all.unstarted > last->backlog)
        last->backlog = result->all.unstarted;
    if (last->backlog > result->backlog)
        result->backlog = last->backlog;
    result->planned = options->arrivals.n - options->arrivals.ramp_n;
    result->achieved = (double)result->all.done / options->arrivals.seconds;
    result->interrupted = is_interrupted(g);
    result->valid =
        !result->interrupted && (double)result->all.done >= LOADGEN_ENOUGH * (double)result->planned;
}

// ---- running

static void watch(const struct generator *g) {
    const struct loadgen_options *options = g->options;
    while (options->progress && !is_interrupted(g)) {
        uint64_t time = now(g), begun = atomic_load_explicit(&g->next, memory_order_relaxed);
        uint64_t due = arrivals_due(&options->arrivals, time);
        if (time >= g->end)
            return;
        options->progress(options->self, time, begun < due ? begun : due, due);
        uint64_t left = g->end - time;
        sleep_system(NULL, left < PROGRESS_NAP ? left : PROGRESS_NAP);
    }
}

enum status loadgen_run(const struct loadgen_options *options, struct loadgen_result *result,
                        struct err *err) {
    struct generator g = {.options = options, .end = arrivals_end(&options->arrivals)};
    uint32_t started = 0;
    int failed = 0;
    *result = (struct loadgen_result){0};
    for (uint32_t k = 0; k < options->operations_n; k++)
        g.weights += options->operations[k].weight;
    g.users = MEM_NEW_ARRAY(struct user, options->users);
    for (uint32_t u = 0; u < options->users; u++) {
        g.users[u] = (struct user){.generator = &g, .index = u};
        g.users[u].parts = MEM_NEW_ARRAY(struct loadgen_part, options->operations_n);
    }
    g.began = options->clock.monotonic(options->clock.self);
    for (; started < options->users && !failed; started += !failed)
        failed = pthread_create(&g.users[started].thread, NULL, work, &g.users[started]);
    if (failed) // whoever runs already finds nothing left to take
        atomic_store(&g.next, options->arrivals.n);
    else
        watch(&g);
    for (uint32_t u = 0; u < started; u++)
        pthread_join(g.users[u].thread, NULL);
    sum_up(&g, result);
    mem_free(g.users);
    return failed ? err_os(err, failed, "cannot start %u users", (unsigned)options->users) : STATUS_OK;
}

void loadgen_release(struct loadgen_result *result) {
    for (uint32_t k = 0; k < result->parts_n; k++)
        release_part(&result->parts[k]);
    release_part(&result->all);
    mem_free(result->parts);
    *result = (struct loadgen_result){0};
}
